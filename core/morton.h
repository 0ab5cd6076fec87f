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

/** A grid. The masks are apart, and their union is the lowest `bits` bits. */
struct aml_morton {
  size_t ndims;
  uint64_t mask[AML_MAX_DIMS]; /**< which bits of a code are a coordinate's */
  size_t extent[AML_MAX_DIMS];
  unsigned bits; /**< of a code */
  bool is_dense; /**< codes have no gaps: extents are powers of two, or all but one are 1 */
  bool has_bmi2; /**< the processor deposits and extracts bits */
  unsigned char dimension[64]; /**< of each bit of a code */
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

/** Put the lowest bits of a value where a mask has bits, resp. take them from there. */
AML_PUBLIC uint64_t aml_morton_deposit(uint64_t value, uint64_t mask);
AML_PUBLIC uint64_t aml_morton_extract(uint64_t value, uint64_t mask);

/** How many coordinates of a grid that is not dense have a smaller code; and the inverse. */
AML_PUBLIC size_t aml_morton_rank_of_code(const struct aml_morton *grid, uint64_t code);
AML_PUBLIC uint64_t aml_morton_code_of_rank(const struct aml_morton *grid, size_t rank);

/** The code of coordinates. */
static inline uint64_t aml_morton_code(const struct aml_morton *grid, const size_t coords[]) {
  uint64_t code = 0;
#if defined(__x86_64__)
  // As assembly, since the compiler has the instructions only where all code may use them.
  if (grid->has_bmi2) {
    for (size_t d = 0; d < grid->ndims; ++d) {
      uint64_t bits;
      __asm__("pdep %2, %1, %0" : "=r"(bits) : "r"((uint64_t)coords[d]), "rm"(grid->mask[d]));
      code |= bits;
    }
    return code;
  }
#endif
  for (size_t d = 0; d < grid->ndims; ++d)
    code |= aml_morton_deposit(coords[d], grid->mask[d]);
  return code;
}

/** The coordinates of a code. */
static inline void aml_morton_decode(const struct aml_morton *grid, uint64_t code,
                                     size_t coords[]) {
#if defined(__x86_64__)
  if (grid->has_bmi2) {
    for (size_t d = 0; d < grid->ndims; ++d) {
      uint64_t bits;
      __asm__("pext %2, %1, %0" : "=r"(bits) : "r"(code), "rm"(grid->mask[d]));
      coords[d] = bits;
    }
    return;
  }
#endif
  for (size_t d = 0; d < grid->ndims; ++d)
    coords[d] = aml_morton_extract(code, grid->mask[d]);
}

/** The rank of coordinates in the grid. Cost: O(dimensions) if dense, else O(bits). */
static inline size_t aml_morton_rank(const struct aml_morton *grid, const size_t coords[]) {
  const uint64_t code = aml_morton_code(grid, coords);
  return grid->is_dense ? code : aml_morton_rank_of_code(grid, code);
}

/** The coordinates of a rank below the product of the extents; the inverse. */
static inline void aml_morton_coords(const struct aml_morton *grid, size_t rank, size_t coords[]) {
  aml_morton_decode(grid, grid->is_dense ? rank : aml_morton_code_of_rank(grid, rank), coords);
}

#ifdef __cplusplus
}
#endif

#endif
