// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/morton.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

bool aml_morton_init(struct aml_morton *grid, size_t ndims, const size_t extent[]) {
  struct aml_morton made = {.ndims = ndims, .is_dense = true};
  unsigned bits[AML_MAX_DIMS];
  unsigned most = 0;
  for (size_t d = 0; d < ndims; ++d) {
    made.extent[d] = extent[d];
    bits[d] = extent[d] == 1 ? 0 : 64 - (unsigned)__builtin_clzll(extent[d] - 1);
    made.is_dense = made.is_dense && (extent[d] & (extent[d] - 1)) == 0;
    made.bits += bits[d];
    most = bits[d] > most ? bits[d] : most;
  }
  if (made.bits > 64)
    return false;
  unsigned position = 0;
  for (unsigned level = 0; level < most; ++level)
    for (size_t d = ndims; d-- > 0;)
      if (level < bits[d])
        made.mask[d] |= (uint64_t)1 << position++;
#if defined(__x86_64__)
  made.has_bmi2 = __builtin_cpu_supports("bmi2") != 0;
#endif
  *grid = made;
  return true;
}

/** Puts the lowest bits of a value where a mask has bits. */
static inline uint64_t deposit_portable(uint64_t value, uint64_t mask) {
  uint64_t result = 0;
  for (; mask != 0; mask &= mask - 1, value >>= 1)
    if ((value & 1) != 0)
      result |= mask & -mask;
  return result;
}

/** Takes the bits that a mask has, as the lowest ones. */
static inline uint64_t extract_portable(uint64_t value, uint64_t mask) {
  uint64_t result = 0;
  for (uint64_t bit = 1; mask != 0; mask &= mask - 1, bit <<= 1)
    if ((value & mask & -mask) != 0)
      result |= bit;
  return result;
}

#if defined(__x86_64__)
__attribute__((target("bmi2"))) static uint64_t code_bmi2(const struct aml_morton *grid,
                                                          const size_t coords[]) {
  uint64_t code = 0;
  for (size_t d = 0; d < grid->ndims; ++d)
    code |= _pdep_u64(coords[d], grid->mask[d]);
  return code;
}

__attribute__((target("bmi2"))) static void decode_bmi2(const struct aml_morton *grid,
                                                        uint64_t code, size_t coords[]) {
  for (size_t d = 0; d < grid->ndims; ++d)
    coords[d] = _pext_u64(code, grid->mask[d]);
}
#endif

static uint64_t code_of(const struct aml_morton *grid, const size_t coords[]) {
#if defined(__x86_64__)
  if (grid->has_bmi2)
    return code_bmi2(grid, coords);
#endif
  uint64_t code = 0;
  for (size_t d = 0; d < grid->ndims; ++d)
    code |= deposit_portable(coords[d], grid->mask[d]);
  return code;
}

static void decode(const struct aml_morton *grid, uint64_t code, size_t coords[]) {
#if defined(__x86_64__)
  if (grid->has_bmi2) {
    decode_bmi2(grid, code, coords);
    return;
  }
#endif
  for (size_t d = 0; d < grid->ndims; ++d)
    coords[d] = extract_portable(code, grid->mask[d]);
}

/** A box of the curve: all whose codes have the same bits from `bits` on. */
struct half {
  unsigned bits;               // of the code that are still open
  size_t lowest[AML_MAX_DIMS]; // coordinates
  size_t extent[AML_MAX_DIMS]; // a power of two each; 0: 2^64
};

static void begin(const struct aml_morton *grid, struct half *it) {
  it->bits = grid->bits;
  for (size_t d = 0; d < grid->ndims; ++d) {
    const unsigned bits = (unsigned)__builtin_popcountll(grid->mask[d]);
    it->lowest[d] = 0;
    it->extent[d] = bits == 64 ? 0 : (size_t)1 << bits;
  }
}

/** How many coordinates of a box are in the grid along a dimension. */
static size_t within(const struct aml_morton *grid, const struct half *it, size_t d) {
  if (it->lowest[d] >= grid->extent[d])
    return 0;
  const size_t room = grid->extent[d] - it->lowest[d];
  return it->extent[d] - 1 < room ? it->extent[d] : room;
}

static bool is_whole(const struct aml_morton *grid, const struct half *it) {
  for (size_t d = 0; d < grid->ndims; ++d)
    if (within(grid, it, d) != it->extent[d])
      return false;
  return true;
}

/** Halves a box along the dimension of its highest open bit, to its lower half; tells which. */
static size_t halve(const struct aml_morton *grid, struct half *it) {
  const uint64_t bit = (uint64_t)1 << --it->bits;
  size_t d = 0;
  while ((grid->mask[d] & bit) == 0)
    ++d;
  it->extent[d] = it->extent[d] == 0 ? (size_t)1 << 63 : it->extent[d] >> 1;
  return d;
}

static size_t count_within(const struct aml_morton *grid, const struct half *it) {
  size_t count = 1;
  for (size_t d = 0; d < grid->ndims; ++d)
    count *= within(grid, it, d);
  return count;
}

static uint64_t low_bits(unsigned bits) {
  return bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

size_t aml_morton_rank(const struct aml_morton *grid, const size_t coords[]) {
  const uint64_t code = code_of(grid, coords);
  if (grid->is_dense)
    return code;
  struct half half;
  size_t rank = 0;
  begin(grid, &half);
  while (!is_whole(grid, &half)) {
    const size_t d = halve(grid, &half);
    if ((code >> half.bits & 1) != 0) {
      rank += count_within(grid, &half);
      half.lowest[d] += half.extent[d];
    }
  }
  return rank + (code & low_bits(half.bits));
}

void aml_morton_coords(const struct aml_morton *grid, size_t rank, size_t coords[]) {
  if (grid->is_dense) {
    decode(grid, rank, coords);
    return;
  }
  struct half half;
  begin(grid, &half);
  while (!is_whole(grid, &half)) {
    const size_t d = halve(grid, &half);
    const size_t lower = count_within(grid, &half);
    if (rank >= lower) {
      rank -= lower;
      half.lowest[d] += half.extent[d];
    }
  }
  decode(grid, rank, coords);
  for (size_t d = 0; d < grid->ndims; ++d)
    coords[d] += half.lowest[d];
}
