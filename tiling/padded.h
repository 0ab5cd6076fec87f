// SPDX-License-Identifier: BSD-3-Clause
//
// tiling:padded: an array with room behind its edges, cut into boxes that are all of one size. What
// of an edge tile lies outside the array is padding, in the array's own memory.
//
//     extent { 3, 5 }, tile_extent { 2, 3 }:      | 0 0 0 | 1 1 . |
//                                                 | 0 0 0 | 1 1 . |
//                                                 | 2 2 2 | 3 3 . |
//                                                 | . . . | . . . |
//
//     AML_TILING_PADDED_DECL(tiling);
//     err = aml_tiling_padded_init(tiling, sizeof(double), 2, extent, tile_extent, NULL);
//     err = aml_tiling_get_info(tiling, &info);     // how much memory: info.storage_size
//     err = aml_tiling_padded_datum(tiling, area, memory, AML_ORDER_ROW, &datum);
//
// A datum is a tile of the array's extents whose strides leave room for whole tiles: each stride is
// positive and at least what the dimensions with smaller strides take with their padding. One
// made by aml_tiling_padded_datum() is dense but for the padding.
//
// Threads: thread-safe once made.

#ifndef AML_TILING_PADDED_H
#define AML_TILING_PADDED_H

#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/internal/grid.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A tiling into boxes of one size; use functions. */
struct aml_tiling_padded {
  struct aml_internal_grid grid;
};

/** How boxes are numbered; each field's zero is its default. */
struct aml_tiling_padded_options {
  enum aml_order order; /**< AML_ORDER_ROW: ids run along the last dimension first */
};

extern AML_PUBLIC const struct aml_tiling_ops aml_tiling_padded_ops;

/** Declare `struct aml_tiling *name`, to be initialised as a tiling into boxes of one size. */
#define AML_TILING_PADDED_DECL(name)                                                               \
  AML_BLOCK_DECL(aml_tiling_padded, aml_tiling, grid.tiling, aml_tiling_padded_ops, name)

/**
 * Initialise a tiling into boxes of one size.
 *
 * @param tiling        declared by AML_TILING_PADDED_DECL, not initialised.
 * @param element_size  bytes, not 0.
 * @param ndims         1 to AML_MAX_DIMS.
 * @param extent        the array's, in elements, without padding, none 0.
 * @param tile_extent   a tile's, in elements, none 0; may be more than the array's.
 * @param options       null: the defaults.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, a 0, an unknown order; -AML_EOVERFLOW if
 * the array with its padding is larger than the range of addresses.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_tiling_padded_init(struct aml_tiling *tiling, size_t element_size, size_t ndims,
                       const size_t extent[], const size_t tile_extent[],
                       const struct aml_tiling_padded_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_tiling_padded_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_tiling_padded_create(struct aml_tiling **tiling, size_t element_size, size_t ndims,
                         const size_t extent[], const size_t tile_extent[],
                         const struct aml_tiling_padded_options *options);

/**
 * Lay an array out in memory of aml_tiling_info.storage_size bytes.
 *
 * @param area    whose memory it is; null: plain host memory.
 * @param base    its lowest address.
 * @param order   which dimension is contiguous.
 * @param datum   the array: its extents are those without padding.
 *
 * Returns: 0; -AML_EINVAL: null, a tiling of another type, an unknown order; -AML_EOVERFLOW if the
 * memory would end behind the last address.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_padded_datum(const struct aml_tiling *tiling,
                                                      struct aml_area *area, void *base,
                                                      enum aml_order order, struct aml_tile *datum);

/**
 * View what of a tile is not padding.
 *
 * Returns: as aml_tiling_tile(); -AML_EINVAL for a tiling of another type too.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_padded_interior(const struct aml_tiling *tiling,
                                                         const struct aml_tile *datum, size_t id,
                                                         struct aml_tile *interior);

/**
 * Fill a tile's padding with a value, as copies of whole tiles or kernels on them want it.
 *
 * @param value  element_size bytes, of any alignment; not in the datum.
 *
 * Returns: as aml_tiling_padded_interior(); -AML_ENOTSUP if the host cannot write the datum's area.
 * Cost: a store for each element of padding; a tile without padding, none.
 * Threads: the tile must not be written by others meanwhile.
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_padded_fill(const struct aml_tiling *tiling,
                                                     const struct aml_tile *datum, size_t id,
                                                     const void *value);

/** The inline form below, of a tiling of `ndims` dimensions. */
static inline void aml_internal_padded_tile_n(const struct aml_internal_grid *grid,
                                              const struct aml_tile *datum, size_t id,
                                              struct aml_tile *tile, size_t ndims) {
  aml_internal_grid_tile_n(grid, datum, id, tile, ndims);
  for (size_t d = 0; d < ndims; ++d)
    tile->extent[d] = grid->tile_extent[d];
}

/**
 * aml_tiling_tile() without checks, to be inlined.
 *
 * @param tiling  a tiling into boxes of one size.
 * @param datum   of its shape, with room for padding.
 * @param id      below its count.
 */
static inline void aml_tiling_padded_tile(const struct aml_tiling *tiling,
                                          const struct aml_tile *datum, size_t id,
                                          struct aml_tile *tile) {
  const struct aml_internal_grid *const grid = aml_internal_grid_of(tiling);
  AML_INTERNAL_GRID_UNROLL(grid, aml_internal_padded_tile_n, grid, datum, id, tile);
}

#ifdef __cplusplus
}
#endif

#endif
