// SPDX-License-Identifier: BSD-3-Clause
//
// Makes the pages of a mapping present.
//
// Threads: thread-safe.

#ifndef AML_AREA_INTERNAL_POPULATE_H
#define AML_AREA_INTERNAL_POPULATE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  /** The most threads that populate a mapping. */
  AML_INTERNAL_POPULATE_THREADS = 64,
  /** What a thread takes at a time: a multiple of a transparent huge page, and much more than a
      thread costs. */
  AML_INTERNAL_POPULATE_PIECE = 16 << 20
};

/**
 * Make every page of a fresh range present.
 *
 * Further threads are made for the call only, with all signals blocked, and only if each has a
 * piece of its own; where one cannot be made, the others do its work.
 *
 * @param base       the start of a page.
 * @param page_size  of the system.
 * @param threads    at most, the calling one among them; 0: 1.
 *
 * Returns: 0 or errno: ENOMEM where pages cannot be had.
 */
int aml_internal_populate(void *base, size_t size, size_t page_size, unsigned threads);

#ifdef __cplusplus
}
#endif

#endif
