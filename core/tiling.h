// SPDX-License-Identifier: BSD-3-Clause
//
// The tiling interface. A tiling cuts a datum of a given shape into numbered tiles. It is made for
// a shape and not for an address, so one tiling serves every datum of that shape.
//
//     for (size_t id = 0; id < aml_tiling_count(tiling); ++id) {
//       struct aml_tile tile;
//       err = aml_tiling_tile(tiling, &datum, id, &tile);
//       …
//     }
//
// Ids run from 0 to count - 1. The tiles stand in a grid, one coordinate per dimension of the
// grid; id and coordinates determine each other. The type says how ids run through the grid,
// what edge tiles look like, and whether tiles overlap. aml/core/tiling_iterator.h visits tiles in
// an order, or a part of them.
//
// Threads: thread-safe once made: no call but fini changes a tiling.

#ifndef AML_CORE_TILING_H
#define AML_CORE_TILING_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_tiling_ops;

/** Any tiling. */
struct aml_tiling {
  const struct aml_tiling_ops *ops;
};

/** How the tiles of a tiling cover a datum. */
enum aml_tiling_cover {
  AML_TILING_PARTITION = 0, /**< each element of the datum is in one tile */
  AML_TILING_PADDED,        /**< likewise, and edge tiles hold padding as well */
  AML_TILING_OVERLAPPING    /**< some elements are in several tiles */
};

/** What a tiling cuts, and into what. Arrays have `ndims` resp. `grid_ndims` entries that count. */
struct aml_tiling_info {
  const char *type;                 /**< the ops table's name */
  enum aml_tiling_cover cover;      /**< how tiles cover the datum */
  size_t element_size;              /**< bytes */
  size_t ndims;                     /**< dimensions of the datum, and of each tile */
  size_t extent[AML_MAX_DIMS];      /**< of the datum, in elements */
  size_t tile_extent[AML_MAX_DIMS]; /**< the largest of any tile, in elements */
  size_t grid_ndims;                /**< coordinates of a tile */
  size_t grid[AML_MAX_DIMS];        /**< tiles along each; their product is the count */
  /** What the id grows by from one tile to the next along each coordinate; step 0 of coordinate 0
      says that this is not always the same. */
  size_t id_step[AML_MAX_DIMS];
  size_t count;         /**< tiles */
  size_t max_tile_size; /**< bytes of the largest tile's elements */
  size_t storage_size;  /**< bytes of a whole datum in the layout that tiles assume */
};

/**
 * What a type of tiling does; for those who write one.
 *
 * The generic functions check arguments as their text says, and forward: pointers are not null.
 * Every operation but fini may run concurrently with every other. All are mandatory.
 */
struct aml_tiling_ops {
  const char *name; /**< "1d" */
  /** Release all but the struct itself, which is zeroed but for ops. Zeroed state: do nothing. */
  void (*fini)(struct aml_tiling *tiling);
  void (*info)(const struct aml_tiling *tiling, struct aml_tiling_info *info);
  size_t (*count)(const struct aml_tiling *tiling);
  /** Refuses coordinates outside the grid. */
  int (*id)(const struct aml_tiling *tiling, const size_t coords[], size_t *id);
  /** Refuses an id that is not below count. */
  int (*coords)(const struct aml_tiling *tiling, size_t id, size_t coords[]);
  /** Refuses an id that is not below count; -AML_ENOENT, recorded, of a tile without elements. */
  int (*tile_extent)(const struct aml_tiling *tiling, size_t id, size_t extent[]);
  /** Likewise, and refuses a datum of another shape. */
  int (*tile)(const struct aml_tiling *tiling, const struct aml_tile *datum, size_t id,
              struct aml_tile *tile);
};

/** Record that aml_tiling_tile() was given a null pointer; returns -AML_EINVAL. */
AML_PUBLIC int aml_tiling_refuse_tile(const struct aml_tiling *tiling,
                                      const struct aml_tile *datum);

/** The number of tiles; 0 for null. */
AML_PUBLIC size_t aml_tiling_count(const struct aml_tiling *tiling);

/** Tell what a tiling cuts, and into what. Returns: 0; -AML_EINVAL for null. */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_get_info(const struct aml_tiling *tiling,
                                                  struct aml_tiling_info *info);

/**
 * Tell the id of the tile at coordinates.
 *
 * @param coords  one per dimension of the grid.
 *
 * Returns: 0; -AML_EINVAL for null, or for coordinates outside the grid.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_id(const struct aml_tiling *tiling, const size_t coords[],
                                            size_t *id);

/**
 * Tell the coordinates of a tile; the inverse of aml_tiling_id().
 *
 * @param coords  room for one per dimension of the grid (AML_MAX_DIMS is always enough).
 *
 * Returns: 0; -AML_EINVAL for null, or for an id that is not below the count.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_coords(const struct aml_tiling *tiling, size_t id,
                                                size_t coords[]);

/**
 * Tell the extents of a tile, which need no datum.
 *
 * @param extent  room for one per dimension of the datum, in elements.
 *
 * Returns: 0; -AML_EINVAL for null, or for an id that is not below the count; -AML_ENOENT, with
 * extent untouched, if the tile has no elements, as of an empty row.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_tile_extent(const struct aml_tiling *tiling, size_t id,
                                                     size_t extent[]);

/**
 * Cut one tile out of a datum.
 *
 * @param datum  a valid tile of the tiling's shape and element size, in any layout that the type
 *               accepts.
 * @param id     below the count.
 * @param tile   a view into the datum, in the datum's area.
 *
 * Returns: 0; -AML_EINVAL for null, for an id that is not below the count, or for a datum of
 * another shape; -AML_ENOENT if the tile has no elements. On failure *tile is untouched.
 * Cost: arithmetic only. Each type has an inline typed form.
 */
inline AML_PUBLIC AML_MUST_CHECK int aml_tiling_tile(const struct aml_tiling *tiling,
                                                     const struct aml_tile *datum, size_t id,
                                                     struct aml_tile *tile) {
  if (tiling == NULL || datum == NULL || tile == NULL)
    return aml_tiling_refuse_tile(tiling, datum);
  return tiling->ops->tile(tiling, datum, id, tile);
}

/** End the life of a declared tiling. Null, and one that was not initialised, are fine. */
AML_PUBLIC void aml_tiling_fini(struct aml_tiling *tiling);

/** End the life of a created tiling; sets *tiling to null. Null and a pointer to null are fine. */
AML_PUBLIC void aml_tiling_destroy(struct aml_tiling **tiling);

#ifdef __cplusplus
}
#endif

#endif
