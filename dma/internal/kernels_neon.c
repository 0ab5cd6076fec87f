// SPDX-License-Identifier: BSD-3-Clause

#if defined(__aarch64__)

#include <stdbool.h>

// Every AArch64 CPU has NEON.
#define KERNEL
#define WIDTH 32
#define IS_WHOLE 0
#define LANES_1 16
#define LANES_2 8
#define LANES_4 4
#define LANES_8 2

/** Two registers, which is what the instruction takes. */
#define stream_store(to, vector)                                                                   \
  do {                                                                                             \
    const union {                                                                                  \
      wide both;                                                                                   \
      unsigned char half[2] __attribute__((vector_size(16)));                                      \
    } pair = {.both = (vector)};                                                                   \
    __asm__ volatile("stnp %q0, %q1, [%2]"                                                         \
                     :                                                                             \
                     : "w"(pair.half[0]), "w"(pair.half[1]), "r"(to)                               \
                     : "memory");                                                                  \
  } while (0)

#include "aml/dma/internal/kernels_template.h"

static bool is_supported(void) {
  return true;
}

static void fence(void) {
  __asm__ volatile("dmb ishst" ::: "memory");
}

const struct aml_internal_kernels aml_internal_kernels_neon =
    KERNELS("neon", is_supported, is_supported, true, fence);

#endif
