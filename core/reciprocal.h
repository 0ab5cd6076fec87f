// SPDX-License-Identifier: BSD-3-Clause
//
// Division by a number that stays the same, without a division: two multiplications and a
// comparison, where the division of a 64-bit processor takes several times as long.
//
//     const struct aml_reciprocal by = aml_reciprocal_of(columns);
//     size_t column;
//     const size_t row = aml_reciprocal_divide(&by, index, &column);
//
// With inverse = floor((2^64 - 1) / divisor), the high half of n * inverse is the quotient of n or
// one less, since n * (2^64 / divisor - inverse) < 2^64; the remainder tells which.

#ifndef AML_CORE_RECIPROCAL_H
#define AML_CORE_RECIPROCAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A divisor, not 0, made by aml_reciprocal_of(). */
struct aml_reciprocal {
  uint64_t divisor;
  uint64_t inverse;
};

/** Prepare division by `divisor`, not 0. */
static inline struct aml_reciprocal aml_reciprocal_of(size_t divisor) {
  struct aml_reciprocal result;
  result.divisor = divisor;
  result.inverse = UINT64_MAX / divisor;
  return result;
}

/** The quotient of `n`; *remainder is what is left. */
static inline size_t aml_reciprocal_divide(const struct aml_reciprocal *by, size_t n,
                                           size_t *remainder) {
  __extension__ typedef unsigned __int128 wide;
  uint64_t quotient = (uint64_t)(((wide)n * by->inverse) >> 64);
  uint64_t left = n - quotient * by->divisor;
  if (left >= by->divisor) {
    ++quotient;
    left -= by->divisor;
  }
  *remainder = left;
  return quotient;
}

#ifdef __cplusplus
}
#endif

#endif
