// SPDX-License-Identifier: BSD-3-Clause
//
// For CPUs that move vectors of 64 bytes at once. Measured on AMD's fifth generation of EPYC; those
// of Intel, which do so too, are taken to be alike.

#if defined(__x86_64__)

#define IS_WHOLE 1
#include "aml/dma/internal/avx512_template.h"

/** AMD's fourth generation is the one that moves halves. */
static bool is_made_for(void) {
  return !__builtin_cpu_is("amdfam19h");
}

const struct aml_internal_kernels aml_internal_kernels_avx512 =
    KERNELS("avx512", is_supported, is_made_for, true, fence);

#endif
