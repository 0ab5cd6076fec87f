// SPDX-License-Identifier: BSD-3-Clause
//
// What the system does about transparent huge pages.
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

#ifdef __cplusplus
}
#endif

#endif
