// SPDX-License-Identifier: BSD-3-Clause
//
// Where each tile of an array belongs, and where it really is.

#ifndef PLACEMENT_MAP_H
#define PLACEMENT_MAP_H

#include <stddef.h>

#include "aml/core/binding.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What map_tile::wanted and ::found can be instead of a device. */
enum {
  MAP_ANYWHERE = -1, /**< wanted: wherever it is */
  MAP_ABSENT = -2,   /**< found: no page is present */
  MAP_EMPTY = -3     /**< both: the tile has no elements */
};

struct map_tile {
  size_t offset[AML_MAX_DIMS]; /**< of its first element in the array */
  size_t extent[AML_MAX_DIMS];
  int wanted;
  int found; /**< where the most of its bytes are */
};

/** A map. count == info.count; tiles are in the order of ids. */
struct map {
  struct aml_tiling_info info;
  const struct aml_tiling *tiling; /**< borrowed */
  size_t page_size;
  size_t count;
  struct map_tile *tiles;
  struct aml_binding_report report; /**< by pages */
};

/**
 * Draw a map.
 *
 * @param storage_size  bytes from the datum's base on that hold its tiles.
 *
 * Returns: 0; a code of AML, with a sentence.
 * Owns: map_destroy() releases it.
 */
int map_make(const struct aml_binding *binding, const struct aml_tiling *tiling,
             const struct aml_tile *datum, size_t storage_size, struct map *map);

void map_destroy(struct map *map);

#ifdef __cplusplus
}
#endif

#endif
