// SPDX-License-Identifier: BSD-3-Clause
//
// What tilings of an array into boxes of one size share: the grid of tiles, its numbering, and what
// of this the interface asks for. Users see it for the inline forms of look-ups only; its names may
// change in any version.
//
// Threads: thread-safe once made. No function allocates.

#ifndef AML_TILING_INTERNAL_GRID_H
#define AML_TILING_INTERNAL_GRID_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/reciprocal.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The beginning of each such type. In each dimension d that counts:
 * (tiles[d].divisor - 1) * tile_extent[d] + last_extent[d] == extent[d], and
 * 1 <= last_extent[d] <= tile_extent[d]; count is the product of the tiles.
 */
struct aml_internal_grid {
  struct aml_tiling tiling;
  size_t element_size;
  size_t ndims;
  size_t count;
  enum aml_order order; /**< of ids: ROW if they are neighbours along the last dimension */
  size_t extent[AML_MAX_DIMS];
  size_t tile_extent[AML_MAX_DIMS];
  size_t last_extent[AML_MAX_DIMS];
  size_t id_step[AML_MAX_DIMS];
  struct aml_reciprocal tiles[AML_MAX_DIMS];
};

/** What is the same for all types' initialisation; extents are copied. */
struct aml_internal_grid_shape {
  size_t element_size;
  size_t ndims;
  const size_t *extent;
  const size_t *tile_extent; /**< as the user gave it */
  enum aml_order order;      /**< in which ids run through the grid */
  bool is_padded;            /**< whether edge tiles are as large as the others */
};

/**
 * Set all but the table of operations, which was compared before.
 *
 * Tile extents beyond the datum become the datum's, unless tiles are padded.
 *
 * @param call  the _init on whose behalf this is.
 *
 * Returns: 0; -AML_EINVAL: null extents, a 0, too many dimensions, no order; -AML_EOVERFLOW if a
 * datum, of whole tiles where they are padded, is larger than the range of addresses.
 */
AML_MUST_CHECK int aml_internal_grid_init(const char *call,
                                          const struct aml_internal_grid_shape *shape,
                                          struct aml_internal_grid *grid);

/** The operations that need no more than the grid; `info` is as of a partition, unpadded. */
void aml_internal_grid_info(const struct aml_tiling *tiling, struct aml_tiling_info *info);
size_t aml_internal_grid_count(const struct aml_tiling *tiling);
int aml_internal_grid_id(const struct aml_tiling *tiling, const size_t coords[], size_t *id);
int aml_internal_grid_coords(const struct aml_tiling *tiling, size_t id, size_t coords[]);
int aml_internal_grid_tile_extent(const struct aml_tiling *tiling, size_t id, size_t extent[]);

/** Refuse an id that is not below the count. */
AML_MUST_CHECK int aml_internal_grid_check_id(const struct aml_internal_grid *grid,
                                              const char *call, size_t id);

/** Refuse coordinates outside the grid, on behalf of aml_tiling_id(). */
AML_MUST_CHECK int aml_internal_grid_check_coords(const struct aml_internal_grid *grid,
                                                  const size_t coords[]);

/** Refuse, on behalf of aml_tiling_tile(), what aml_internal_grid_accepts() does not. */
AML_MUST_CHECK int aml_internal_grid_refuse_tile(const struct aml_internal_grid *grid, size_t id);

static inline const struct aml_internal_grid *
aml_internal_grid_of(const struct aml_tiling *tiling) {
  return (const struct aml_internal_grid *)tiling;
}

/** Whether an id is below the count, and a datum of the grid's shape. */
static inline bool aml_internal_grid_accepts(const struct aml_internal_grid *grid,
                                             const struct aml_tile *datum, size_t id) {
  if (id >= grid->count || datum->ndims != grid->ndims || datum->element_size != grid->element_size)
    return false;
  for (size_t d = 0; d < grid->ndims; ++d)
    if (datum->extent[d] != grid->extent[d])
      return false;
  return true;
}

/**
 * Calls an inline function, whose last parameter is the grid's number of dimensions, with a
 * constant where there are few: then the compiler unrolls its loops.
 */
#define AML_INTERNAL_GRID_UNROLL(grid, function, ...)                                              \
  ((grid)->ndims == 1   ? function(__VA_ARGS__, 1)                                                 \
   : (grid)->ndims == 2 ? function(__VA_ARGS__, 2)                                                 \
   : (grid)->ndims == 3 ? function(__VA_ARGS__, 3)                                                 \
                        : function(__VA_ARGS__, (grid)->ndims))

/** The coordinates of an id below the count. */
static inline void aml_internal_grid_split_n(const struct aml_internal_grid *grid, size_t id,
                                             size_t coords[], size_t ndims) {
  if (grid->order == AML_ORDER_ROW) {
    for (size_t d = ndims - 1; d > 0; --d)
      id = aml_reciprocal_divide(&grid->tiles[d], id, &coords[d]);
    coords[0] = id;
  } else {
    for (size_t d = 0; d + 1 < ndims; ++d)
      id = aml_reciprocal_divide(&grid->tiles[d], id, &coords[d]);
    coords[ndims - 1] = id;
  }
}

/** The extent of tile number `coord` of a dimension, clipped at the edge. */
static inline size_t aml_internal_grid_extent(const struct aml_internal_grid *grid, size_t d,
                                              size_t coord) {
  return coord + 1 == grid->tiles[d].divisor ? grid->last_extent[d] : grid->tile_extent[d];
}

/** The clipped tile at coordinates in the grid, of a datum of the grid's shape. */
static inline void aml_internal_grid_cut_n(const struct aml_internal_grid *grid,
                                           const struct aml_tile *datum, const size_t coords[],
                                           struct aml_tile *tile, size_t ndims) {
  char *base = (char *)datum->base;
  tile->area = datum->area;
  tile->element_size = grid->element_size;
  tile->ndims = ndims;
  for (size_t d = 0; d < ndims; ++d) {
    base += (ptrdiff_t)(coords[d] * grid->tile_extent[d]) * datum->stride_bytes[d];
    tile->extent[d] = aml_internal_grid_extent(grid, d, coords[d]);
    tile->stride_bytes[d] = datum->stride_bytes[d];
  }
  tile->base = base;
}

static inline void aml_internal_grid_cut(const struct aml_internal_grid *grid,
                                         const struct aml_tile *datum, const size_t coords[],
                                         struct aml_tile *tile) {
  AML_INTERNAL_GRID_UNROLL(grid, aml_internal_grid_cut_n, grid, datum, coords, tile);
}

static inline void aml_internal_grid_tile_n(const struct aml_internal_grid *grid,
                                            const struct aml_tile *datum, size_t id,
                                            struct aml_tile *tile, size_t ndims) {
  size_t coords[AML_MAX_DIMS] = {0};
  aml_internal_grid_split_n(grid, id, coords, ndims);
  aml_internal_grid_cut_n(grid, datum, coords, tile, ndims);
}

/** The clipped tile of an id below the count. */
static inline void aml_internal_grid_tile(const struct aml_internal_grid *grid,
                                          const struct aml_tile *datum, size_t id,
                                          struct aml_tile *tile) {
  AML_INTERNAL_GRID_UNROLL(grid, aml_internal_grid_tile_n, grid, datum, id, tile);
}

#ifdef __cplusplus
}
#endif

#endif
