// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/slab_lock.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRIES = 200 };

static void pause_a_little(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

void aml_internal_slab_wait(struct aml_internal_slab_lock *lock) {
  for (int i = 0; i < TRIES; ++i) {
    pause_a_little();
    if (__atomic_load_n(&lock->word, __ATOMIC_RELAXED) == 0 && aml_internal_slab_try_lock(lock))
      return;
  }
  while (__atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE) != 0)
    (void)syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, 2, NULL);
}

void aml_internal_slab_wake(struct aml_internal_slab_lock *lock) {
  (void)syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1);
}
