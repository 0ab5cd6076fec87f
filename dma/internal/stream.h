// SPDX-License-Identifier: BSD-3-Clause

#ifndef AML_DMA_INTERNAL_STREAM_H
#define AML_DMA_INTERNAL_STREAM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Copies like memcpy, with stores that bypass the caches where this CPU has them.
 *
 * Better than memcpy where the destination does not fit in the cache or is not read soon.
 */
void aml_internal_stream_copy(void *dst, const void *src, size_t size);

#ifdef __cplusplus
}
#endif

#endif
