// SPDX-License-Identifier: BSD-3-Clause
//
// The spin lock is taken by an exchange, and looked at by plain loads while it is taken, so that
// who waits does not take the cache line from who works (M. Herlihy and N. Shavit, "The Art of
// Multiprocessor Programming", section 7.2, "Test-And-Set Locks").

#include "aml/arena/internal/lock.h"

#include <sched.h>

#include "aml/core/error.h"
#include "aml/core/internal/pause.h"

enum { LOOKS = 200 };

int aml_internal_lock_init(struct aml_internal_lock *lock, const char *call,
                           enum aml_arena_lock kind) {
  if ((unsigned)kind > AML_ARENA_LOCK_NONE)
    return aml_error_set_value(-AML_EINVAL, call, "lock", (unsigned)kind, "is no kind of lock");
  lock->kind = (int)kind;
  lock->taken = 0;
  (void)pthread_mutex_init(&lock->mutex, NULL);
  return 0;
}

void aml_internal_lock_fini(struct aml_internal_lock *lock) {
  (void)pthread_mutex_destroy(&lock->mutex);
}

void aml_internal_lock_wait(struct aml_internal_lock *lock) {
  unsigned looks = 0;
  do {
    while (__atomic_load_n(&lock->taken, __ATOMIC_RELAXED) != 0) {
      if (++looks < LOOKS)
        aml_internal_pause();
      else
        (void)sched_yield();
    }
  } while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE) != 0);
}
