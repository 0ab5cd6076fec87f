// SPDX-License-Identifier: BSD-3-Clause
//
// A small heap in a fixed buffer: for what is allocated before there is an arena and while one is
// being made, and for the arena's own records. The buffer is address space until it is touched;
// when it is used up, there is more.
//
// Threads: thread-safe. Cost: O(1), under a lock.

#ifndef AML_TOOLS_MALLOC_BOOTSTRAP_H
#define AML_TOOLS_MALLOC_BOOTSTRAP_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes: the buffer has the records of about a TiB of memory, or of 500 threads; what may be
    reserved beyond it, as much again for each 32 MiB. */
enum { BOOTSTRAP_CAPACITY = 32 << 20, BOOTSTRAP_RESERVE = 1 << 30 };

/** Returns: a block of `size` bytes, aligned to a power of two and to 16; null, without room. */
void *bootstrap_alloc(size_t size, size_t alignment);

/** Give a block back. Never null. */
void bootstrap_free(void *block);

/** The bytes of a block that may be used. */
size_t bootstrap_size(const void *block);

/** Whether an address is of this heap. */
bool bootstrap_owns(const void *pointer);

/** Keep all others out, as before a fork. */
void bootstrap_lock(void);
void bootstrap_unlock(void);

#ifdef __cplusplus
}
#endif

#endif
