// SPDX-License-Identifier: BSD-3-Clause
//
// What kernels of AVX-512 have in common. Whoever includes this defines before
//
//   IS_WHOLE  whether the CPU moves vectors of 64 bytes at once

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define KERNEL __attribute__((target("avx512f,avx512bw,avx512vl")))
#define WIDTH 64
#define LANES_1 16
#define LANES_2 16
#define LANES_4 16
#define LANES_8 8
#define stream_store(to, vector) _mm512_stream_si512((__m512i *)(void *)(to), (__m512i)(vector))

#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif

#if IS_WHOLE
static inline void string_copy(char *dst, const char *src, size_t size) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
    HAS_FEATURE(address_sanitizer) || HAS_FEATURE(thread_sanitizer) ||                             \
    HAS_FEATURE(memory_sanitizer)
  memcpy(dst, src, size); // which sanitizers see
#else
  __asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(size) : : "memory");
#endif
}
#endif

#include "aml/dma/internal/kernels_template.h"

static bool is_supported(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
}

static void fence(void) {
  _mm_sfence();
}
