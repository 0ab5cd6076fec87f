// SPDX-License-Identifier: BSD-3-Clause
//
// Streams keep four vectors of 32 bytes under way at once; what the compiler makes of them differs
// with the instructions that the machine has, and is chosen when called. The cycle is made by
// Sattolo's algorithm (Information Processing Letters 22, 1986, pages 315-317): Fisher and Yates'
// shuffle, in which no element may stay where it is, yields one cycle through all of them.

#include "aml/core/internal/probe_kernels.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

typedef uint64_t vector __attribute__((vector_size(32), may_alias));

enum { WORDS = sizeof(vector) / sizeof(uint64_t) };

__attribute__((always_inline)) static inline uint64_t read_vectors(const void *block, size_t size) {
  const vector *at = block;
  const vector *const end = at + size / sizeof *at;
  vector a = {0};
  vector b = {0};
  vector c = {0};
  vector d = {0};
  for (; at != end; at += 4) {
    a += at[0];
    b += at[1];
    c += at[2];
    d += at[3];
  }
  a += b + c + d;
  uint64_t sum = 0;
  for (int i = 0; i < WORDS; ++i)
    sum += a[i];
  return sum;
}

__attribute__((always_inline)) static inline void write_vectors(void *block, size_t size,
                                                                uint64_t word) {
  vector *at = block;
  vector *const end = at + size / sizeof *at;
  const vector value = {word, word, word, word};
  for (; at != end; at += 4) {
    at[0] = value;
    at[1] = value;
    at[2] = value;
    at[3] = value;
  }
}

static uint64_t read_baseline(const void *block, size_t size) {
  return read_vectors(block, size);
}

static void write_baseline(void *block, size_t size, uint64_t word) {
  write_vectors(block, size, word);
}

#ifdef __x86_64__

__attribute__((target("avx2"))) static uint64_t read_avx2(const void *block, size_t size) {
  return read_vectors(block, size);
}

__attribute__((target("avx2"))) static void write_avx2(void *block, size_t size, uint64_t word) {
  write_vectors(block, size, word);
}

__attribute__((target("avx2"))) static void write_nontemporal_avx2(void *block, size_t size,
                                                                   uint64_t word) {
  __m256i *at = block;
  __m256i *const end = at + size / sizeof *at;
  const __m256i value = _mm256_set1_epi64x((long long)word);
  for (; at != end; at += 2) {
    _mm256_stream_si256(at, value);
    _mm256_stream_si256(at + 1, value);
  }
}

static void write_nontemporal_baseline(void *block, size_t size, uint64_t word) {
  __m128i *at = block;
  __m128i *const end = at + size / sizeof *at;
  const __m128i value = _mm_set1_epi64x((long long)word);
  for (; at != end; at += 4) {
    _mm_stream_si128(at, value);
    _mm_stream_si128(at + 1, value);
    _mm_stream_si128(at + 2, value);
    _mm_stream_si128(at + 3, value);
  }
}

static bool has_avx2(void) {
  return __builtin_cpu_supports("avx2") != 0;
}

uint64_t aml_internal_probe_read(const void *block, size_t size) {
  return has_avx2() ? read_avx2(block, size) : read_baseline(block, size);
}

void aml_internal_probe_write(void *block, size_t size, uint64_t word) {
  if (has_avx2())
    write_avx2(block, size, word);
  else
    write_baseline(block, size, word);
}

bool aml_internal_probe_has_nontemporal(void) {
  return true;
}

void aml_internal_probe_write_nontemporal(void *block, size_t size, uint64_t word) {
  if (has_avx2())
    write_nontemporal_avx2(block, size, word);
  else
    write_nontemporal_baseline(block, size, word);
  _mm_sfence();
}

#else

uint64_t aml_internal_probe_read(const void *block, size_t size) {
  return read_baseline(block, size);
}

void aml_internal_probe_write(void *block, size_t size, uint64_t word) {
  write_baseline(block, size, word);
}

bool aml_internal_probe_has_nontemporal(void) {
  return false;
}

void aml_internal_probe_write_nontemporal(void *block, size_t size, uint64_t word) {
  write_baseline(block, size, word);
}

#endif

/** The next of a sequence of numbers: splitmix64 (Steele, Lea and Flood, OOPSLA 2014). */
static uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/** A number below `limit`. */
static size_t random_below(uint64_t *state, size_t limit) {
  return (size_t)(((unsigned __int128)next_random(state) * limit) >> 64);
}

void aml_internal_probe_make_cycle(void *block, size_t size, size_t line_size, uint64_t seed) {
  char *const base = block;
  const size_t count = size / line_size;
  for (size_t i = 0; i < count; ++i)
    *(void **)(base + i * line_size) = base + i * line_size;
  for (size_t i = count; i > 1; --i) {
    void **const last = (void **)(base + (i - 1) * line_size);
    void **const other = (void **)(base + random_below(&seed, i - 1) * line_size);
    void *const swapped = *last;
    *last = *other;
    *other = swapped;
  }
}

void *aml_internal_probe_chase(void *line, size_t count) {
  void **at = line;
  for (; count >= 16; count -= 16) {
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i)
      at = *at;
  }
  return (void *)at;
}
