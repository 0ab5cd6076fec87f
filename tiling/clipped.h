// SPDX-License-Identifier: BSD-3-Clause
//
// tiling:clipped: an array of any dimensions and strides, cut into boxes of one size. Tiles at the
// far edges are clipped: they end where the array ends.
//
//     extent { 5, 7 }, tile_extent { 2, 3 }:
//                                  | 0 0 0 | 1 1 1 | 2 |
//                                  | 0 0 0 | 1 1 1 | 2 |
//                                  | 3 3 3 | 4 4 4 | 5 |
//                                  | 3 3 3 | 4 4 4 | 5 |
//                                  | 6 6 6 | 7 7 7 | 8 |
//
//     AML_TILING_CLIPPED_DECL(tiling);
//     int err = aml_tiling_clipped_init(tiling, sizeof(double), 2, extent, tile_extent, NULL);
//
// The order of ids has nothing to do with that of the array in memory: data of any strides are cut.
//
// Threads: thread-safe once made.

#ifndef AML_TILING_CLIPPED_H
#define AML_TILING_CLIPPED_H

#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/internal/grid.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A tiling into boxes; use functions. */
struct aml_tiling_clipped {
  struct aml_internal_grid grid;
};

/** How boxes are numbered; each field's zero is its default. */
struct aml_tiling_clipped_options {
  enum aml_order order; /**< AML_ORDER_ROW: ids run along the last dimension first */
};

extern AML_PUBLIC const struct aml_tiling_ops aml_tiling_clipped_ops;

/** Declare `struct aml_tiling *name`, to be initialised as a tiling into boxes. */
#define AML_TILING_CLIPPED_DECL(name)                                                              \
  AML_BLOCK_DECL(aml_tiling_clipped, aml_tiling, grid.tiling, aml_tiling_clipped_ops, name)

/**
 * Initialise a tiling into boxes.
 *
 * @param tiling        declared by AML_TILING_CLIPPED_DECL, not initialised.
 * @param element_size  bytes, not 0.
 * @param ndims         1 to AML_MAX_DIMS.
 * @param extent        the array's, in elements, none 0.
 * @param tile_extent   a tile's, in elements, none 0; more than the array's is the array's.
 * @param options       null: the defaults.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, a 0, an unknown order; -AML_EOVERFLOW if
 * the array is larger than the range of addresses.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_tiling_clipped_init(struct aml_tiling *tiling, size_t element_size, size_t ndims,
                        const size_t extent[], const size_t tile_extent[],
                        const struct aml_tiling_clipped_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_tiling_clipped_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_tiling_clipped_create(struct aml_tiling **tiling, size_t element_size, size_t ndims,
                          const size_t extent[], const size_t tile_extent[],
                          const struct aml_tiling_clipped_options *options);

/**
 * aml_tiling_tile() without checks, to be inlined.
 *
 * @param tiling  a tiling into boxes.
 * @param datum   of its shape.
 * @param id      below its count.
 */
static inline void aml_tiling_clipped_tile(const struct aml_tiling *tiling,
                                           const struct aml_tile *datum, size_t id,
                                           struct aml_tile *tile) {
  aml_internal_grid_tile(aml_internal_grid_of(tiling), datum, id, tile);
}

/** The tile at coordinates in the grid, likewise: without a division. */
static inline void aml_tiling_clipped_tile_at(const struct aml_tiling *tiling,
                                              const struct aml_tile *datum, const size_t coords[],
                                              struct aml_tile *tile) {
  aml_internal_grid_cut(aml_internal_grid_of(tiling), datum, coords, tile);
}

#ifdef __cplusplus
}
#endif

#endif
