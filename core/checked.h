// SPDX-License-Identifier: BSD-3-Clause
//
// Size arithmetic that cannot wrap silently. Each function returns false, and leaves *result
// alone, where the exact answer does not fit.

#ifndef AML_CORE_CHECKED_H
#define AML_CORE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline bool aml_checked_add(size_t a, size_t b, size_t *result) {
  size_t sum;
  if (__builtin_add_overflow(a, b, &sum))
    return false;
  *result = sum;
  return true;
}

static inline bool aml_checked_multiply(size_t a, size_t b, size_t *result) {
  size_t product;
  if (__builtin_mul_overflow(a, b, &product))
    return false;
  *result = product;
  return true;
}

/** Whether `alignment` is a power of two; zero is none. */
static inline bool aml_is_power_of_two(size_t alignment) {
  return alignment != 0 && (alignment & (alignment - 1)) == 0;
}

/** Rounds up to a multiple of `alignment`, a power of two. */
static inline bool aml_checked_round_up(size_t size, size_t alignment, size_t *result) {
  size_t sum;
  if (!aml_checked_add(size, alignment - 1, &sum))
    return false;
  *result = sum & ~(alignment - 1);
  return true;
}

#ifdef __cplusplus
}
#endif

#endif
