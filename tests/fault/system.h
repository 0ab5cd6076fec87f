// SPDX-License-Identifier: BSD-3-Clause
//
// Allocations and system calls that fail on demand. A test that depends on this target is linked
// with --wrap for each call named below, so that those of AML and of the test itself come by here;
// the calls of shared libraries, as of libc or libnuma, do not.
//
//     aml_fault_system_arm(AML_FAULT_CALLOC, 2, ENOMEM); // the second calloc from here fails
//     int err = aml_area_linux_create(&area, NULL);
//     EXPECT_EQ(1u, aml_fault_system_disarm().failed);
//
// Threads: each thread arms and counts for itself; but aml_fault_system_made() is of all.

#ifndef AML_TESTS_FAULT_SYSTEM_H
#define AML_TESTS_FAULT_SYSTEM_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The calls that can fail. */
enum aml_fault_call {
  AML_FAULT_MALLOC = 1 << 0,
  AML_FAULT_CALLOC = 1 << 1,
  AML_FAULT_REALLOC = 1 << 2,
  AML_FAULT_ALIGNED_ALLOC = 1 << 3,
  AML_FAULT_POSIX_MEMALIGN = 1 << 4,
  AML_FAULT_MMAP = 1 << 5,
  AML_FAULT_MUNMAP = 1 << 6,
  AML_FAULT_MREMAP = 1 << 7,
  AML_FAULT_MADVISE = 1 << 8,
  AML_FAULT_MBIND = 1 << 9, /**< this and the next two: by syscall() as well */
  AML_FAULT_GET_MEMPOLICY = 1 << 10,
  AML_FAULT_MOVE_PAGES = 1 << 11,
  AML_FAULT_OPEN = 1 << 12,
  AML_FAULT_READ = 1 << 13,
  AML_FAULT_MPROTECT = 1 << 14,
  AML_FAULT_MLOCK = 1 << 15, /**< mlock and mlock2 */
  AML_FAULT_IOCTL = 1 << 16,
  AML_FAULT_PTHREAD_CREATE = 1 << 17,
  AML_FAULT_MUNLOCK = 1 << 18,
  AML_FAULT_ACCESS = 1 << 19,
  AML_FAULT_PRCTL = 1 << 20,
  AML_FAULT_FALLOCATE = 1 << 21, /**< fallocate and posix_fallocate */
  AML_FAULT_FTRUNCATE = 1 << 22,
  AML_FAULT_FSTAT = 1 << 23,
  AML_FAULT_MSYNC = 1 << 24,

  /** All that take memory off the C heap. */
  AML_FAULT_HEAP = AML_FAULT_MALLOC | AML_FAULT_CALLOC | AML_FAULT_REALLOC |
                   AML_FAULT_ALIGNED_ALLOC | AML_FAULT_POSIX_MEMALIGN,
  /** All that take memory. */
  AML_FAULT_MEMORY = AML_FAULT_HEAP | AML_FAULT_MMAP | AML_FAULT_MREMAP,

  /** Not a call: those behind the n-th fail too. */
  AML_FAULT_FROM_THEN_ON = 1 << 30
};

/** What became of the calls for which the thread was armed; failed <= seen. */
struct aml_fault_count {
  size_t seen;
  size_t failed;
};

/**
 * What the thread has taken by wrapped calls and not given back by free() or munmap(); a balance,
 * to be compared with one of earlier.
 */
struct aml_fault_held {
  ptrdiff_t blocks;      /**< of the C heap */
  ptrdiff_t mapped_size; /**< bytes, whole pages */
};

/**
 * Make a call of this thread fail, without doing anything, from now until disarmed.
 *
 * @param calls   which are counted: bits of enum aml_fault_call.
 * @param nth     the call that fails, counted from 1 over all of them; 0: none, they are only seen.
 * @param number  errno for it; what posix_memalign() returns.
 */
void aml_fault_system_arm(unsigned calls, size_t nth, int number);

/** Let all calls through again, and tell what happened since the thread was armed. */
struct aml_fault_count aml_fault_system_disarm(void);

/** Tell what this thread holds, armed or not. */
struct aml_fault_held aml_fault_system_held(void);

/**
 * Tell how many calls all threads have made so far, armed or not, those that failed included; to be
 * compared with what it was earlier.
 *
 * @param calls  bits of enum aml_fault_call.
 */
size_t aml_fault_system_made(unsigned calls);

#ifdef __cplusplus
}
#endif

#endif
