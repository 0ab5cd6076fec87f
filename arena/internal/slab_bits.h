// SPDX-License-Identifier: BSD-3-Clause
//
// Ranges of bits in an array of words, bit i of word w being bit 64 * w + i. For arena:slab.

#ifndef AML_ARENA_INTERNAL_SLAB_BITS_H
#define AML_ARENA_INTERNAL_SLAB_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The words that `bits` bits take. */
static inline size_t aml_internal_slab_words(size_t bits) {
  return (bits + 63) / 64;
}

/** `count` ones, 1 to 64, from bit `first` of a word. */
static inline uint64_t aml_internal_slab_ones(size_t first, size_t count) {
  return (UINT64_MAX >> (64 - count)) << first;
}

/** How much of [first, first + count) lies in the word that `first` is in. */
static inline size_t aml_internal_slab_in_word(size_t first, size_t count) {
  const size_t room = 64 - first % 64;
  return count < room ? count : room;
}

static inline void aml_internal_slab_set(uint64_t *words, size_t first, size_t count) {
  while (count != 0) {
    const size_t some = aml_internal_slab_in_word(first, count);
    words[first / 64] |= aml_internal_slab_ones(first % 64, some);
    first += some;
    count -= some;
  }
}

static inline void aml_internal_slab_clear(uint64_t *words, size_t first, size_t count) {
  while (count != 0) {
    const size_t some = aml_internal_slab_in_word(first, count);
    words[first / 64] &= ~aml_internal_slab_ones(first % 64, some);
    first += some;
    count -= some;
  }
}

/** How many of the bits are set. */
static inline size_t aml_internal_slab_count(const uint64_t *words, size_t first, size_t count) {
  size_t sum = 0;
  while (count != 0) {
    const size_t some = aml_internal_slab_in_word(first, count);
    sum +=
        (size_t)__builtin_popcountll(words[first / 64] & aml_internal_slab_ones(first % 64, some));
    first += some;
    count -= some;
  }
  return sum;
}

static inline bool aml_internal_slab_all(const uint64_t *words, size_t first, size_t count) {
  while (count != 0) {
    const size_t some = aml_internal_slab_in_word(first, count);
    if ((~words[first / 64] & aml_internal_slab_ones(first % 64, some)) != 0)
      return false;
    first += some;
    count -= some;
  }
  return true;
}

/** Bits [first, first + count), 1 to 64, as one word. */
static inline uint64_t aml_internal_slab_get(const uint64_t *words, size_t first, size_t count) {
  const size_t some = aml_internal_slab_in_word(first, count);
  uint64_t bits = (words[first / 64] >> (first % 64)) & aml_internal_slab_ones(0, some);
  if (some < count)
    bits |= (words[first / 64 + 1] & aml_internal_slab_ones(0, count - some)) << some;
  return bits;
}

/** The first bit from `first` on that is as asked, or `end` if none before it is. */
static inline size_t aml_internal_slab_find(const uint64_t *words, bool value, size_t first,
                                            size_t end) {
  while (first < end) {
    const uint64_t word = value ? words[first / 64] : ~words[first / 64];
    const uint64_t rest = word >> (first % 64);
    if (rest != 0) {
      first += (size_t)__builtin_ctzll(rest);
      return first < end ? first : end;
    }
    first += 64 - first % 64;
  }
  return end;
}

#ifdef __cplusplus
}
#endif

#endif
