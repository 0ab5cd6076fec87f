// SPDX-License-Identifier: BSD-3-Clause

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>

#include "aml/core/internal/number_loops.h"

#define KERNEL __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define HAS_F16
#define LOOPS aml_internal_number_loops_avx512
#define NAME "avx512"

static bool is_supported(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

KERNEL static inline void widen_block(float *to, const void *from) {
  for (size_t i = 0; i < AML_INTERNAL_NUMBER_BLOCK; i += 16)
    _mm512_storeu_ps(to + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from + i / 16)));
}

KERNEL static inline void narrow_block(void *to, const float *from) {
  for (size_t i = 0; i < AML_INTERNAL_NUMBER_BLOCK; i += 16)
    // All of them: the form without a mask warns where nothing is optimised.
    _mm256_storeu_si256(
        (__m256i *)to + i / 16,
        _mm512_maskz_cvtps_ph(0xffff, _mm512_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
}

#include "aml/core/internal/number_loops_template.h"

#endif
