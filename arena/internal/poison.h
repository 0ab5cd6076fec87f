// SPDX-License-Identifier: BSD-3-Clause
//
// Tells the tools that watch memory which of an arena's bytes are whose: AddressSanitizer,
// MemorySanitizer (clang) and, in builds with AML_VALGRIND defined (--config=valgrind), Valgrind's
// memcheck. Nothing at all in other builds. Addresses that the host cannot touch may be told of
// too.
//
// Sanitizers' interfaces: sanitizer/asan_interface.h, sanitizer/msan_interface.h;
// Valgrind's: the Valgrind manual, section 4.7, "Client Requests".

#ifndef AML_ARENA_INTERNAL_POISON_H
#define AML_ARENA_INTERNAL_POISON_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define AML_INTERNAL_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AML_INTERNAL_HAS_ASAN 1
#elif __has_feature(memory_sanitizer)
#define AML_INTERNAL_HAS_MSAN 1
#endif
#endif

#if defined(AML_INTERNAL_HAS_ASAN)
#include <sanitizer/asan_interface.h>
#define AML_INTERNAL_POISONS 1
#elif defined(AML_INTERNAL_HAS_MSAN)
#include <sanitizer/msan_interface.h>
#define AML_INTERNAL_POISONS 1
#elif defined(AML_VALGRIND)
#include <valgrind/memcheck.h>
#define AML_INTERNAL_POISONS 1
#else
/** Whether such a tool is told anything; a constant. */
#define AML_INTERNAL_POISONS 0
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Nobody may touch these bytes: they are free, or no part of what was asked for. */
static inline void aml_internal_poison(const void *pointer, size_t size) {
#if defined(AML_INTERNAL_HAS_ASAN)
  __asan_poison_memory_region(pointer, size);
#elif defined(AML_INTERNAL_HAS_MSAN)
  __msan_poison(pointer, size);
#elif defined(AML_VALGRIND)
  (void)VALGRIND_MAKE_MEM_NOACCESS(pointer, size);
#else
  (void)pointer;
  (void)size;
#endif
}

/** These bytes may be touched, and what they hold is not defined: a block that is handed out. */
static inline void aml_internal_poison_contents(const void *pointer, size_t size) {
#if defined(AML_INTERNAL_HAS_ASAN)
  __asan_unpoison_memory_region(pointer, size);
#elif defined(AML_INTERNAL_HAS_MSAN)
  __msan_poison(pointer, size);
#elif defined(AML_VALGRIND)
  (void)VALGRIND_MAKE_MEM_UNDEFINED(pointer, size);
#else
  (void)pointer;
  (void)size;
#endif
}

/** These bytes may be touched, and hold what they hold: fresh zeros, the arena's own, the area's.
 */
static inline void aml_internal_poison_none(const void *pointer, size_t size) {
#if defined(AML_INTERNAL_HAS_ASAN)
  __asan_unpoison_memory_region(pointer, size);
#elif defined(AML_INTERNAL_HAS_MSAN)
  __msan_unpoison(pointer, size);
#elif defined(AML_VALGRIND)
  (void)VALGRIND_MAKE_MEM_DEFINED(pointer, size);
#else
  (void)pointer;
  (void)size;
#endif
}

#ifdef __cplusplus
}
#endif

#endif
