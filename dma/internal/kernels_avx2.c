// SPDX-License-Identifier: BSD-3-Clause

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>

#define KERNEL __attribute__((target("avx2")))
#define WIDTH 32
#define IS_WHOLE 0
#define LANES_1 16
#define LANES_2 8
#define LANES_4 8
#define LANES_8 4
#define stream_store(to, vector) _mm256_stream_si256((__m256i *)(void *)(to), (__m256i)(vector))

#include "aml/dma/internal/kernels_template.h"

static bool is_supported(void) {
  return __builtin_cpu_supports("avx2") != 0;
}

static void fence(void) {
  _mm_sfence();
}

const struct aml_internal_kernels aml_internal_kernels_avx2 =
    KERNELS("avx2", is_supported, is_supported, true, fence);

#endif
