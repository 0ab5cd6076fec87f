// SPDX-License-Identifier: BSD-3-Clause
//
// A type of tiling of this program's own: cuts a matrix into a grid of rectangles. Those at the
// lower and the right edge are as small as what is left (clipped). Ids run along the rows of the
// grid. A datum may have any strides, so one tiling serves matrices in C and in Fortran order.
//
//        tile columns            ids of a 5 x 7 matrix in tiles of 2 x 3
//      .---.---.-.
//      | 0 | 1 |2|   tile
//      |---+---+-|   rows
//      | 3 | 4 |5|
//      |---+---+-|
//      | 6 | 7 |8|
//      '---'---'-'
//
// Threads: thread-safe once made.

#ifndef MATMUL_GRID_TILING_H
#define MATMUL_GRID_TILING_H

#include <stddef.h>

#include "aml/core/block.h"
#include "aml/core/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

/** grid[d] == extent[d] / tile_extent[d], rounded up; tile_extent[d] <= extent[d]. */
struct grid_tiling {
  struct aml_tiling tiling;
  size_t element_size;
  size_t extent[2];
  size_t tile_extent[2];
  size_t grid[2];
};

extern const struct aml_tiling_ops grid_tiling_ops;

/** Declare `struct aml_tiling *name`, to be initialised as a grid tiling. */
#define GRID_TILING_DECL(name)                                                                     \
  AML_BLOCK_DECL(grid_tiling, aml_tiling, tiling, grid_tiling_ops, name)

/**
 * Initialise a grid tiling.
 *
 * @param tiling        declared by GRID_TILING_DECL, not initialised.
 * @param element_size  bytes, not 0.
 * @param extent        rows and columns of the matrix, neither 0.
 * @param tile_extent   rows and columns of a tile, neither 0; more than the matrix has are cut.
 *
 * Returns: 0; -AML_EINVAL; -AML_EOVERFLOW if the matrix is larger than the range of addresses.
 */
AML_MUST_CHECK int grid_tiling_init(struct aml_tiling *tiling, size_t element_size,
                                    const size_t extent[2], const size_t tile_extent[2]);

/** Allocate and initialise one; -AML_ENOMEM, and else as grid_tiling_init(). */
AML_MUST_CHECK int grid_tiling_create(struct aml_tiling **tiling, size_t element_size,
                                      const size_t extent[2], const size_t tile_extent[2]);

#ifdef __cplusplus
}
#endif

#endif
