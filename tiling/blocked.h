// SPDX-License-Identifier: BSD-3-Clause
//
// tiling:blocked: an array of which each tile is contiguous in memory, the tiles one behind the
// other in the order of their ids. Tiles at the far edges are clipped, or have padding.
//
//     extent { 4, 5 }, tile_extent { 2, 3 }: where each element is in memory
//
//                                            |  0  1  2 |  6  7 |
//                                            |  3  4  5 |  8  9 |
//                                            | 10 11 12 | 16 17 |
//                                            | 13 14 15 | 18 19 |
//
//     AML_TILING_BLOCKED_DECL(tiling);
//     err = aml_tiling_blocked_init(tiling, sizeof(double), 2, extent, tile_extent, NULL);
//     err = aml_tile_dense(&datum, area, memory, sizeof(double), 2, extent, AML_ORDER_ROW);
//
// A datum is given as the dense row-major array of its extents, which tells the shape and where the
// memory begins, of aml_tiling_info.storage_size bytes: elements are where the tiles say. To bring
// an ordinary array into this layout, copy tile by tile: those of one id, of tiling:clipped and of
// this tiling, have the same shape.
//
// Threads: thread-safe once made.

#ifndef AML_TILING_BLOCKED_H
#define AML_TILING_BLOCKED_H

#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/internal/grid.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What tiles at the far edges look like. */
enum aml_tiling_blocked_edge {
  AML_TILING_BLOCKED_CLIPPED = 0, /**< they end where the array ends; no byte is spent on padding */
  AML_TILING_BLOCKED_PADDED       /**< they are as large as the others */
};

/** The layout; each field's zero is its default. */
struct aml_tiling_blocked_options {
  enum aml_order order;      /**< of tiles: AML_ORDER_ROW: along the last dimension first */
  enum aml_order tile_order; /**< of elements in a tile, likewise */
  enum aml_tiling_blocked_edge edge;
};

/** A tiling into contiguous tiles; use functions. */
struct aml_tiling_blocked {
  struct aml_internal_grid grid;
  struct aml_tiling_blocked_options options;
  size_t tile_size;           /**< bytes of a tile that is not clipped */
  size_t after[AML_MAX_DIMS]; /**< the product of extents of dimensions that ids run along faster */
};

extern AML_PUBLIC const struct aml_tiling_ops aml_tiling_blocked_ops;

/** Declare `struct aml_tiling *name`, to be initialised as a tiling into contiguous tiles. */
#define AML_TILING_BLOCKED_DECL(name)                                                              \
  AML_BLOCK_DECL(aml_tiling_blocked, aml_tiling, grid.tiling, aml_tiling_blocked_ops, name)

/**
 * Initialise a tiling into contiguous tiles.
 *
 * @param tiling        declared by AML_TILING_BLOCKED_DECL, not initialised.
 * @param element_size  bytes, not 0.
 * @param ndims         1 to AML_MAX_DIMS.
 * @param extent        the array's, in elements, none 0.
 * @param tile_extent   a tile's, in elements, none 0; more than the array's is the array's, unless
 *                      tiles are padded.
 * @param options       null: the defaults.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, a 0, an unknown order or edge;
 * -AML_EOVERFLOW if the array, with padding, is larger than the range of addresses.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_tiling_blocked_init(struct aml_tiling *tiling, size_t element_size, size_t ndims,
                        const size_t extent[], const size_t tile_extent[],
                        const struct aml_tiling_blocked_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_tiling_blocked_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_tiling_blocked_create(struct aml_tiling **tiling, size_t element_size, size_t ndims,
                          const size_t extent[], const size_t tile_extent[],
                          const struct aml_tiling_blocked_options *options);

/** A matrix of row-major tiles in rows of tiles. Else as aml_tiling_blocked_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_blocked_init_2d_row(struct aml_tiling *tiling,
                                                             size_t element_size, size_t rows,
                                                             size_t columns, size_t tile_rows,
                                                             size_t tile_columns);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_tiling_blocked_init_2d_row(). */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_blocked_create_2d_row(struct aml_tiling **tiling,
                                                               size_t element_size, size_t rows,
                                                               size_t columns, size_t tile_rows,
                                                               size_t tile_columns);

/** A matrix of column-major tiles in columns of tiles. Else as aml_tiling_blocked_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_blocked_init_2d_column(struct aml_tiling *tiling,
                                                                size_t element_size, size_t rows,
                                                                size_t columns, size_t tile_rows,
                                                                size_t tile_columns);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_tiling_blocked_init_2d_column(). */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_blocked_create_2d_column(struct aml_tiling **tiling,
                                                                  size_t element_size, size_t rows,
                                                                  size_t columns, size_t tile_rows,
                                                                  size_t tile_columns);

/** The inline forms below, of a tiling of `ndims` dimensions. */
static inline void aml_internal_blocked_tile_at_n(const struct aml_tiling_blocked *it,
                                                  const struct aml_tile *datum,
                                                  const size_t coords[], struct aml_tile *tile,
                                                  size_t ndims) {
  const struct aml_internal_grid *const grid = &it->grid;
  const int is_padded = it->options.edge == AML_TILING_BLOCKED_PADDED;
  const size_t last = ndims - 1;
  // Before a tile are whole slices of the slowest dimension, whole slices of the next one as thick
  // as this tile is, and so on.
  size_t before = 0;
  size_t thickness = 1;
  for (size_t i = 0; i <= last; ++i) {
    const size_t d = grid->order == AML_ORDER_ROW ? i : last - i;
    tile->extent[d] =
        is_padded ? grid->tile_extent[d] : aml_internal_grid_extent(grid, d, coords[d]);
    before += coords[d] * grid->tile_extent[d] * thickness * it->after[d];
    thickness *= tile->extent[d];
  }
  size_t stride = grid->element_size;
  for (size_t i = 0; i <= last; ++i) {
    const size_t d = it->options.tile_order == AML_ORDER_ROW ? last - i : i;
    tile->stride_bytes[d] = (ptrdiff_t)stride;
    stride *= tile->extent[d];
  }
  tile->base = (char *)datum->base + before * grid->element_size;
  tile->area = datum->area;
  tile->element_size = grid->element_size;
  tile->ndims = ndims;
}

static inline void aml_internal_blocked_tile_n(const struct aml_tiling_blocked *it,
                                               const struct aml_tile *datum, size_t id,
                                               struct aml_tile *tile, size_t ndims) {
  size_t coords[AML_MAX_DIMS] = {0};
  aml_internal_grid_split_n(&it->grid, id, coords, ndims);
  aml_internal_blocked_tile_at_n(it, datum, coords, tile, ndims);
}

/**
 * The tile at coordinates in the grid, without checks, to be inlined.
 *
 * @param tiling  a tiling into contiguous tiles.
 * @param datum   of its shape.
 */
static inline void aml_tiling_blocked_tile_at(const struct aml_tiling *tiling,
                                              const struct aml_tile *datum, const size_t coords[],
                                              struct aml_tile *tile) {
  const struct aml_tiling_blocked *const it = (const struct aml_tiling_blocked *)tiling;
  AML_INTERNAL_GRID_UNROLL(&it->grid, aml_internal_blocked_tile_at_n, it, datum, coords, tile);
}

/** aml_tiling_tile() of an id below the count, likewise. */
static inline void aml_tiling_blocked_tile(const struct aml_tiling *tiling,
                                           const struct aml_tile *datum, size_t id,
                                           struct aml_tile *tile) {
  const struct aml_tiling_blocked *const it = (const struct aml_tiling_blocked *)tiling;
  AML_INTERNAL_GRID_UNROLL(&it->grid, aml_internal_blocked_tile_n, it, datum, id, tile);
}

#ifdef __cplusplus
}
#endif

#endif
