// SPDX-License-Identifier: BSD-3-Clause
//
// Which process this is, found out without a system call: for what works only in the process that
// made it, and is in the child of a fork without its threads, or with descriptors that tell of the
// parent.
//
// The number of a process is in memory that a fork wipes, so that every fork is seen, also by what
// the program has registered with pthread_atfork(3). vfork(2) and posix_spawn(3) are none.

#ifndef AML_DMA_INTERNAL_PROCESS_H
#define AML_DMA_INTERNAL_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where the number is: 0 in a child that has not asked for its own. Set by the first who asks. */
extern const uint64_t *aml_internal_process_number;

/** The number of this process, which none of those has that it descends from. Never 0. */
uint64_t aml_internal_process_current(void);

/** Whether a number that current() has told is of this process. */
static inline bool aml_internal_process_is(uint64_t number) {
  return __atomic_load_n(aml_internal_process_number, __ATOMIC_RELAXED) == number;
}

/** Refuses a dma on behalf of `call`. Returns: -AML_EPERM. */
int aml_internal_process_refuse(const char *call);

/** Refuses a dma that was made when current() told another number. Returns: 0, or -AML_EPERM. */
static inline int aml_internal_process_check(uint64_t number, const char *call) {
  return aml_internal_process_is(number) ? 0 : aml_internal_process_refuse(call);
}

#ifdef __cplusplus
}
#endif

#endif
