// SPDX-License-Identifier: BSD-3-Clause
//
// The lock of arenas that take one for each call, of a kind that their user chooses.

#ifndef AML_ARENA_INTERNAL_LOCK_H
#define AML_ARENA_INTERNAL_LOCK_H

#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A kind of lock; zero is the default. */
enum aml_arena_lock {
  /** An exchange to take it, a store to release it: the least cost. Who waits looks some hundred
      times, then lets other threads run between looks. For threads that each have a CPU. */
  AML_ARENA_LOCK_SPIN = 0,
  /** A POSIX mutex: who waits sleeps. For more threads than CPUs, and for threads of different
      priorities, of which one that spins can keep the one that it waits for from running. */
  AML_ARENA_LOCK_MUTEX,
  /** None. For a program that has one thread, or that sees to it itself that only one calls at a
      time, and is to be written as others are. */
  AML_ARENA_LOCK_NONE
};

/** A lock; plain fields. */
struct aml_internal_lock {
  int kind;       /**< enum aml_arena_lock */
  unsigned taken; /**< the spin lock: atomic, 0 or 1 */
  pthread_mutex_t mutex;
};

/** Returns: 0; -AML_EINVAL, with a sentence on `call`, for a kind that there is not. */
int aml_internal_lock_init(struct aml_internal_lock *lock, const char *call,
                           enum aml_arena_lock kind);

void aml_internal_lock_fini(struct aml_internal_lock *lock);

/** Waits for a spin lock that was taken, and takes it. */
void aml_internal_lock_wait(struct aml_internal_lock *lock);

static inline void aml_internal_lock_acquire(struct aml_internal_lock *lock) {
  if (__builtin_expect(lock->kind == AML_ARENA_LOCK_SPIN, 1)) {
    if (__builtin_expect(__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE) != 0, 0))
      aml_internal_lock_wait(lock);
  } else if (lock->kind == AML_ARENA_LOCK_MUTEX) {
    (void)pthread_mutex_lock(&lock->mutex);
  }
}

static inline void aml_internal_lock_release(struct aml_internal_lock *lock) {
  if (__builtin_expect(lock->kind == AML_ARENA_LOCK_SPIN, 1))
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
  else if (lock->kind == AML_ARENA_LOCK_MUTEX)
    (void)pthread_mutex_unlock(&lock->mutex);
}

#ifdef __cplusplus
}
#endif

#endif
