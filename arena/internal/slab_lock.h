// SPDX-License-Identifier: BSD-3-Clause
//
// Locks of arena:slab. They are held for some hundred instructions, so who finds one taken tries
// again for a while before it sleeps, which costs tens of thousands.

#ifndef AML_ARENA_INTERNAL_SLAB_LOCK_H
#define AML_ARENA_INTERNAL_SLAB_LOCK_H

#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { AML_INTERNAL_SLAB_TRIES = 200 };

static inline void aml_internal_slab_lock(pthread_mutex_t *lock) {
  for (unsigned i = 0; i < AML_INTERNAL_SLAB_TRIES; ++i) {
    if (pthread_mutex_trylock(lock) == 0)
      return;
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
  }
  (void)pthread_mutex_lock(lock);
}

#ifdef __cplusplus
}
#endif

#endif
