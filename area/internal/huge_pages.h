// SPDX-License-Identifier: BSD-3-Clause
//
// What the system does about huge pages, transparent ones and pools.
//
// Threads: thread-safe.

#ifndef AML_AREA_INTERNAL_HUGE_PAGES_H
#define AML_AREA_INTERNAL_HUGE_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether the system uses huge pages in this process: unasked, or where madvise asks for them. */
bool aml_internal_huge_pages_are_used(bool are_asked_for);

/** The size of a huge page in bytes, a power of two; 0 where it is not known. */
size_t aml_internal_huge_page_size(void);

/** The size of pages in the pool that the system takes by default; 0 where there is none. */
size_t aml_internal_huge_pool_default(void);

/** Whether the system has a pool, perhaps an empty one, of pages of that size. */
bool aml_internal_huge_pool_exists(size_t page_size);

#ifdef __cplusplus
}
#endif

#endif
