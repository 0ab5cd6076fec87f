// SPDX-License-Identifier: BSD-3-Clause
//
// Locks of arena:slab. They are held for some hundred instructions, so who finds one taken tries
// again for a while before it sleeps, which costs tens of thousands. Four bytes, zero is open;
// there may be hundreds of one arena, all of which are taken before a fork.
//
// U. Drepper, "Futexes Are Tricky", 2011, mutex 3; futex(2).

#ifndef AML_ARENA_INTERNAL_SLAB_LOCK_H
#define AML_ARENA_INTERNAL_SLAB_LOCK_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_slab_lock {
  int word; /**< atomic: 0 open, 1 taken, 2 taken and somebody may sleep */
};

/** Take a lock that was found taken. */
void aml_internal_slab_wait(struct aml_internal_slab_lock *lock);

/** Wake one of those that sleep. */
void aml_internal_slab_wake(struct aml_internal_slab_lock *lock);

static inline bool aml_internal_slab_try_lock(struct aml_internal_slab_lock *lock) {
  int open = 0;
  return __atomic_compare_exchange_n(&lock->word, &open, 1, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED);
}

static inline void aml_internal_slab_lock(struct aml_internal_slab_lock *lock) {
  if (!aml_internal_slab_try_lock(lock))
    aml_internal_slab_wait(lock);
}

static inline void aml_internal_slab_unlock(struct aml_internal_slab_lock *lock) {
  if (__atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE) == 2)
    aml_internal_slab_wake(lock);
}

#ifdef __cplusplus
}
#endif

#endif
