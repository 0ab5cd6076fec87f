// SPDX-License-Identifier: BSD-3-Clause
//
// For CPUs that move vectors of 64 bytes by halves.

#if defined(__x86_64__)

#define IS_WHOLE 0
#include "aml/dma/internal/avx512_template.h"

const struct aml_internal_kernels aml_internal_kernels_avx512_halves =
    KERNELS("avx512_halves", is_supported, is_supported, true, fence);

#endif
