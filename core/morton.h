// SPDX-License-Identifier: BSD-3-Clause
//
// The Z curve (Morton order) through a grid of any extents. The code of coordinates interleaves
// their bits, the last coordinate's lowest bit lowest; a coordinate that has no more bits is left
// out, so that a grid whose extents are powers of two has the codes 0 to count - 1. In other grids
// codes leave gaps, and the rank of coordinates is how many of the grid have a smaller code.
//
//     4 x 4                3 x 3
//      0  1  4  5          0  1  4
//      2  3  6  7          2  3  5
//      8  9 12 13          6  7  8
//     10 11 14 15
//
// Source: G. M. Morton, "A computer oriented geodetic data base and a new technique in file
// sequencing", IBM, 1966. Ranks come of descending from the smallest power of two around the grid
// into halves, whose members are counted as boxes, until a half is wholly in the grid.
//
// Threads: thread-safe once made. No function allocates.

#ifndef AML_CORE_MORTON_H
#define AML_CORE_MORTON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/block.h"
#include "aml/core/tile.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A grid. The masks are apart, and their union is the lowest bits. */
struct aml_morton {
  size_t ndims;
  size_t extent[AML_MAX_DIMS];
  uint64_t mask[AML_MAX_DIMS]; /**< which bits of a code are a coordinate's */
  unsigned bits;               /**< of a code */
  bool is_dense;               /**< every extent is a power of two: ranks are codes */
  bool has_bmi2;               /**< the processor deposits and extracts bits */
};

/**
 * Make a grid.
 *
 * @param extent  `ndims` extents, 1 to AML_MAX_DIMS, none 0.
 *
 * Returns: false, with *grid untouched, if a code has more than 64 bits.
 */
AML_PUBLIC AML_MUST_CHECK bool aml_morton_init(struct aml_morton *grid, size_t ndims,
                                               const size_t extent[]);

/** The rank of coordinates in the grid. Cost: O(1) if dense, else O(bits) at the grid's edges. */
AML_PUBLIC size_t aml_morton_rank(const struct aml_morton *grid, const size_t coords[]);

/** The coordinates of a rank below the product of the extents; the inverse. */
AML_PUBLIC void aml_morton_coords(const struct aml_morton *grid, size_t rank, size_t coords[]);

#ifdef __cplusplus
}
#endif

#endif
