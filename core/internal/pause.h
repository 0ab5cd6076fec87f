// SPDX-License-Identifier: BSD-3-Clause

#ifndef AML_CORE_INTERNAL_PAUSE_H
#define AML_CORE_INTERNAL_PAUSE_H

/** Tells the CPU that this thread does nothing but look. */
static inline void aml_internal_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");
#endif
}

#endif
