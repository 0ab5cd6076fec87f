// SPDX-License-Identifier: BSD-3-Clause
//
// tiling:morton: an array of any dimensions and strides, cut into boxes of one size that are
// numbered along the Z curve (Morton order), so that tiles with near ids are near each other in all
// dimensions. Grids may have any extents, not only powers of two; ids have no gaps. Tiles at the
// far edges are clipped.
//
//     a grid of 3 x 4:          |  0 |  1 |  4 |  5 |
//                               |  2 |  3 |  6 |  7 |
//                               |  8 |  9 | 10 | 11 |
//
//     AML_TILING_MORTON_DECL(tiling);
//     int err = aml_tiling_morton_init(tiling, sizeof(double), 2, extent, tile_extent);
//
// Threads: thread-safe once made.

#ifndef AML_TILING_MORTON_H
#define AML_TILING_MORTON_H

#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/morton.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/internal/grid.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A tiling along the Z curve; use functions. */
struct aml_tiling_morton {
  struct aml_internal_grid grid;
  struct aml_morton curve; /**< through the grid of tiles */
};

extern AML_PUBLIC const struct aml_tiling_ops aml_tiling_morton_ops;

/** Declare `struct aml_tiling *name`, to be initialised as a tiling along the Z curve. */
#define AML_TILING_MORTON_DECL(name)                                                               \
  AML_BLOCK_DECL(aml_tiling_morton, aml_tiling, grid.tiling, aml_tiling_morton_ops, name)

/**
 * Initialise a tiling along the Z curve.
 *
 * @param tiling        declared by AML_TILING_MORTON_DECL, not initialised.
 * @param element_size  bytes, not 0.
 * @param ndims         1 to AML_MAX_DIMS.
 * @param extent        the array's, in elements, none 0.
 * @param tile_extent   a tile's, in elements, none 0; more than the array's is the array's.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, a 0; -AML_EOVERFLOW if the array is
 * larger than the range of addresses, or has more tiles than the curve can number (2^56 are always
 * possible).
 */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_morton_init(struct aml_tiling *tiling, size_t element_size,
                                                     size_t ndims, const size_t extent[],
                                                     const size_t tile_extent[]);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_tiling_morton_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_tiling_morton_create(struct aml_tiling **tiling,
                                                       size_t element_size, size_t ndims,
                                                       const size_t extent[],
                                                       const size_t tile_extent[]);

/**
 * aml_tiling_id() without checks, to be inlined.
 *
 * @param tiling  a tiling along the Z curve.
 * @param coords  in its grid.
 *
 * Cost: two bit deposits in two dimensions, where the processor has them (BMI2) and the grid's
 * extents are powers of two; in others a descent from the grid's edge to the tile.
 */
static inline size_t aml_tiling_morton_id(const struct aml_tiling *tiling, const size_t coords[]) {
  return aml_morton_rank(&((const struct aml_tiling_morton *)tiling)->curve, coords);
}

/** The tile at coordinates in the grid of a datum of the tiling's shape; does not need its id. */
static inline void aml_tiling_morton_tile_at(const struct aml_tiling *tiling,
                                             const struct aml_tile *datum, const size_t coords[],
                                             struct aml_tile *tile) {
  aml_internal_grid_cut(aml_internal_grid_of(tiling), datum, coords, tile);
}

/** aml_tiling_tile() of an id below the count, likewise. */
static inline void aml_tiling_morton_tile(const struct aml_tiling *tiling,
                                          const struct aml_tile *datum, size_t id,
                                          struct aml_tile *tile) {
  size_t coords[AML_MAX_DIMS] = {0};
  aml_morton_coords(&((const struct aml_tiling_morton *)tiling)->curve, id, coords);
  aml_internal_grid_cut(aml_internal_grid_of(tiling), datum, coords, tile);
}

#ifdef __cplusplus
}
#endif

#endif
