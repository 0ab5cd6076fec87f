// SPDX-License-Identifier: BSD-3-Clause
//
// Which device each page of a datum belongs to when its tiles are bound: a page goes to the device
// that the most of its bytes are bound to, and to the smaller number where there are two such.
//
// Threads: thread-compatible; reading is thread-safe.

#ifndef AML_CORE_INTERNAL_PLACEMENT_H
#define AML_CORE_INTERNAL_PLACEMENT_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/binding.h"
#include "aml/core/block.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a page has that no tile has a byte of; no code of AML. */
#define AML_INTERNAL_PLACEMENT_OUTSIDE INT32_MIN

/** The pages from the first to the last of any tile. Null pages: nothing is held. */
struct aml_internal_placement {
  uintptr_t first;      /**< address of the first page */
  size_t page_size;     /**< bytes; a power of two */
  size_t page_count;    /**< pages */
  int32_t *devices;     /**< of each page: a device, -AML_ENOENT (leave it), or OUTSIDE */
  size_t shared_size;   /**< of pages that tiles bound to several devices share */
  size_t outvoted_size; /**< bytes of tiles in those that are bound to another device */
};

/**
 * Place a datum.
 *
 * @param call   the public function on whose behalf it is done.
 * @param datum  a valid tile of the tiling's shape.
 *
 * Returns: 0; -AML_ENOMEM; -AML_EINVAL if no tile has elements; what device_of and the tiling's
 * tile fail with.
 * Cost: linear in pages and in contiguous runs of tiles; four bytes of memory a page, and some
 * more for each page that tiles share.
 */
AML_MUST_CHECK int aml_internal_placement_init(const char *call, const struct aml_binding *binding,
                                               const struct aml_tiling *tiling,
                                               const struct aml_tile *datum, size_t page_size,
                                               struct aml_internal_placement *placement);

void aml_internal_placement_fini(struct aml_internal_placement *placement);

#ifdef __cplusplus
}
#endif

#endif
