// SPDX-License-Identifier: BSD-3-Clause
//
// A box of the curve is all whose codes have the same highest bits: a box of coordinates too, whose
// extents are powers of two. Of it, as much is in the grid as the product of what is along each
// dimension. So from all of the curve one descends, bit by bit, to the half of a box in which a
// code or a rank is, and counts the half that is passed, until a box is wholly in the grid.

#include "aml/core/morton.h"

bool aml_morton_init(struct aml_morton *grid, size_t ndims, const size_t extent[]) {
  struct aml_morton made = {.ndims = ndims};
  unsigned bits[AML_MAX_DIMS];
  unsigned most = 0;
  size_t long_dimensions = 0;
  bool are_powers = true;
  for (size_t d = 0; d < ndims; ++d) {
    made.extent[d] = extent[d];
    bits[d] = extent[d] == 1 ? 0 : 64 - (unsigned)__builtin_clzll(extent[d] - 1);
    made.bits += bits[d];
    most = bits[d] > most ? bits[d] : most;
    long_dimensions += extent[d] > 1 ? 1 : 0;
    are_powers = are_powers && (extent[d] & (extent[d] - 1)) == 0;
  }
  if (made.bits > 64)
    return false;
  made.is_dense = are_powers || long_dimensions == 1;
  unsigned position = 0;
  for (unsigned level = 0; level < most; ++level) {
    for (size_t d = ndims; d-- > 0;) {
      if (level >= bits[d])
        continue;
      made.dimension[position] = (unsigned char)d;
      made.mask[d] |= (uint64_t)1 << position++;
    }
  }
#if defined(__x86_64__)
  made.has_bmi2 = __builtin_cpu_supports("bmi2") != 0;
#endif
  *grid = made;
  return true;
}

uint64_t aml_morton_deposit(uint64_t value, uint64_t mask) {
  uint64_t result = 0;
  for (; mask != 0; mask &= mask - 1, value >>= 1)
    if ((value & 1) != 0)
      result |= mask & -mask;
  return result;
}

uint64_t aml_morton_extract(uint64_t value, uint64_t mask) {
  uint64_t result = 0;
  for (uint64_t bit = 1; mask != 0; mask &= mask - 1, bit <<= 1)
    if ((value & mask & -mask) != 0)
      result |= bit;
  return result;
}

/** A box of the curve: what is along each dimension. */
struct box {
  unsigned bits;               // of the code that are open
  unsigned clipped;            // dimensions along which not all is in the grid
  size_t extent[AML_MAX_DIMS]; // a power of two
  size_t within[AML_MAX_DIMS]; // of it in the grid
};

/** All of the curve; of several dimensions, since those of one are dense, so that none is 2^64. */
static void begin(const struct aml_morton *grid, struct box *it) {
  it->bits = grid->bits;
  it->clipped = 0;
  for (size_t d = 0; d < grid->ndims; ++d) {
    it->extent[d] = (size_t)1 << __builtin_popcountll(grid->mask[d]);
    it->within[d] = grid->extent[d];
    it->clipped += it->within[d] != it->extent[d] ? 1 : 0;
  }
}

/** Closes the highest open bit; tells how much of the grid is in the half where it is 0. */
static size_t halve(const struct aml_morton *grid, struct box *it) {
  const size_t d = grid->dimension[--it->bits];
  it->clipped -= it->within[d] != it->extent[d] ? 1 : 0;
  it->extent[d] >>= 1;
  size_t lower = it->within[d] < it->extent[d] ? it->within[d] : it->extent[d];
  for (size_t other = 0; other < grid->ndims; ++other)
    lower *= other == d ? 1 : it->within[other];
  return lower;
}

/** Goes on to the half where the bit that was closed last is 1, or 0. */
static void enter(const struct aml_morton *grid, struct box *it, bool is_upper) {
  const size_t d = grid->dimension[it->bits];
  const size_t lower = it->within[d] < it->extent[d] ? it->within[d] : it->extent[d];
  it->within[d] = is_upper ? it->within[d] - lower : lower;
  it->clipped += it->within[d] != it->extent[d] ? 1 : 0;
}

size_t aml_morton_rank_of_code(const struct aml_morton *grid, uint64_t code) {
  struct box box;
  size_t rank = 0;
  begin(grid, &box);
  while (box.clipped > 0) {
    const size_t lower = halve(grid, &box);
    const bool is_upper = (code >> box.bits & 1) != 0;
    rank += is_upper ? lower : 0;
    enter(grid, &box, is_upper);
  }
  return rank + (code & (((uint64_t)1 << box.bits) - 1));
}

uint64_t aml_morton_code_of_rank(const struct aml_morton *grid, size_t rank) {
  struct box box;
  uint64_t code = 0;
  begin(grid, &box);
  while (box.clipped > 0) {
    const size_t lower = halve(grid, &box);
    const bool is_upper = rank >= lower;
    rank -= is_upper ? lower : 0;
    code |= (uint64_t)is_upper << box.bits;
    enter(grid, &box, is_upper);
  }
  return code | rank;
}
