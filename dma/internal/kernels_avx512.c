// SPDX-License-Identifier: BSD-3-Clause

#if defined(__x86_64__)

#include <immintrin.h>
#include <stdbool.h>

#define KERNEL __attribute__((target("avx512f,avx512bw,avx512vl")))
#define WIDTH 64
#define LANES_1 16
#define LANES_2 16
#define LANES_4 16
#define LANES_8 8
#define stream_store(to, vector) _mm512_stream_si512((__m512i *)(void *)(to), (__m512i)(vector))

#include "aml/dma/internal/kernels_template.h"

static bool is_supported(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
}

static void fence(void) {
  _mm_sfence();
}

const struct aml_internal_kernels aml_internal_kernels_avx512 =
    KERNELS("avx512", is_supported, true, fence);

#endif
