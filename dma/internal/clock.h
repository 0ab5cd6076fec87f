// SPDX-License-Identifier: BSD-3-Clause

#ifndef AML_DMA_INTERNAL_CLOCK_H
#define AML_DMA_INTERNAL_CLOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Nanoseconds of CLOCK_MONOTONIC. */
uint64_t aml_internal_now_ns(void);

#ifdef __cplusplus
}
#endif

#endif
