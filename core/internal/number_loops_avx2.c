// SPDX-License-Identifier: BSD-3-Clause

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>

#include "aml/core/internal/number_loops.h"

#define KERNEL __attribute__((target("avx2,f16c")))
#define HAS_F16
#define LOOPS aml_internal_number_loops_avx2
#define NAME "avx2"

static bool has_f16c(void) {
#if defined(__clang__) // whose builtin has not always known it
  unsigned a;
  unsigned b;
  unsigned c;
  unsigned d;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
#else
  return __builtin_cpu_supports("f16c") != 0;
#endif
}

static bool is_supported(void) {
  return __builtin_cpu_supports("avx2") && has_f16c();
}

KERNEL static inline void widen_block(float *to, const void *from) {
  for (size_t i = 0; i < AML_INTERNAL_NUMBER_BLOCK; i += 8)
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from + i / 8)));
}

KERNEL static inline void narrow_block(void *to, const float *from) {
  for (size_t i = 0; i < AML_INTERNAL_NUMBER_BLOCK; i += 8)
    _mm_storeu_si128((__m128i *)to + i / 8,
                     _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
}

#include "aml/core/internal/number_loops_template.h"

#endif
