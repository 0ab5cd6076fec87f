// SPDX-License-Identifier: BSD-3-Clause
//
// What sets of numbers share: arrays of words in which number n is bit n % 64 of words[n / 64], of
// a capacity that is a multiple of 64, and the text form "0-3,8" of sysfs.
//
// Inline, so that a set's own functions are compiled for its capacity. Threads: thread-compatible.

#ifndef AML_CORE_INTERNAL_BITS_H
#define AML_CORE_INTERNAL_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether `number`, which is from 0 to the capacity, is in the set. */
static inline bool aml_internal_bits_has(const uint64_t *words, int capacity, int number) {
  return number < capacity && (words[number / 64] >> (number % 64) & 1) != 0;
}

static inline size_t aml_internal_bits_count(const uint64_t *words, int capacity) {
  size_t count = 0;
  for (int i = 0; i < capacity / 64; ++i)
    count += (size_t)__builtin_popcountll(words[i]);
  return count;
}

/** The smallest number larger than `previous`, or -1. */
static inline int aml_internal_bits_next(const uint64_t *words, int capacity, int previous) {
  if (previous < -1 || previous >= capacity - 1)
    return -1;
  const int from = previous + 1;
  uint64_t word = words[from / 64] & (~UINT64_C(0) << (from % 64));
  for (int i = from / 64;;) {
    if (word != 0)
      return i * 64 + __builtin_ctzll(word);
    if (++i == capacity / 64)
      return -1;
    word = words[i];
  }
}

/** The number at place `index`, counted from 0, or -1. */
static inline int aml_internal_bits_at(const uint64_t *words, int capacity, size_t index) {
  for (int i = 0; i < capacity / 64; ++i) {
    uint64_t word = words[i];
    const size_t count = (size_t)__builtin_popcountll(word);
    if (index >= count) {
      index -= count;
      continue;
    }
    for (; index > 0; --index)
      word &= word - 1;
    return i * 64 + __builtin_ctzll(word);
  }
  return -1;
}

static inline int aml_internal_bits_last(const uint64_t *words, int capacity) {
  for (int i = capacity / 64 - 1; i >= 0; --i)
    if (words[i] != 0)
      return i * 64 + 63 - __builtin_clzll(words[i]);
  return -1;
}

static inline bool aml_internal_bits_is_subset(const uint64_t *part, const uint64_t *whole,
                                               int capacity) {
  uint64_t outside = 0;
  for (int i = 0; i < capacity / 64; ++i)
    outside |= part[i] & ~whole[i];
  return outside == 0;
}

static inline void aml_internal_bits_intersect(uint64_t *words, const uint64_t *other,
                                               int capacity) {
  for (int i = 0; i < capacity / 64; ++i)
    words[i] &= other[i];
}

static inline void aml_internal_bits_unite(uint64_t *words, const uint64_t *other, int capacity) {
  for (int i = 0; i < capacity / 64; ++i)
    words[i] |= other[i];
}

static inline void aml_internal_bits_subtract(uint64_t *words, const uint64_t *other,
                                              int capacity) {
  for (int i = 0; i < capacity / 64; ++i)
    words[i] &= ~other[i];
}

/**
 * Add to `words` the numbers of a text.
 *
 * Returns: 0; or -AML_EINVAL or -AML_EOVERFLOW with *reason set, a sentence's end for
 * aml_error_set(). It records no failure itself; what was read until then has been added.
 */
int aml_internal_bits_parse(const char *text, uint64_t *words, int capacity, const char **reason);

/** Write a set's text, cut off at `text_capacity`; returns the whole length without its null. */
size_t aml_internal_bits_format(const uint64_t *words, int capacity, char *text,
                                size_t text_capacity);

#ifdef __cplusplus
}
#endif

#endif
