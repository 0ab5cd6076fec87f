// SPDX-License-Identifier: BSD-3-Clause
//
// malloc and its family (malloc(3), posix_memalign(3), malloc_usable_size(3)) from an arena.
//
// The arena is made by the first call that comes once there is an environment; what comes before
// that, by the dynamic linker, and what the making itself allocates has the bootstrap heap. So has
// what the C library allocates within a call of the arena, as such a call finds its thread inside.
// AML's own calls of malloc are linked to the bootstrap heap for good (--wrap), since the arena's
// records cannot lie in blocks of the arena; that also holds at the end of a thread and in a fork.
//
// Where a block is from is told by its address. No function of the family is looked up in another
// library.

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "aml/core/arena.h"
#include "aml/tools/malloc/bootstrap.h"
#include "tools/malloc/heap.h"

#define EXPORTED __attribute__((visibility("default")))

static struct aml_arena *heap; // atomic; null: not made yet
static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;

// Initial-exec: another model would call malloc when it is first touched.
static _Thread_local bool is_inside __attribute__((tls_model("initial-exec")));

/** Makes the heap, or waits for the thread that is making it. */
__attribute__((noinline)) static bool start(void) {
  if (environ == NULL)
    return false;
  is_inside = true;
  (void)pthread_mutex_lock(&start_lock);
  if (heap == NULL)
    __atomic_store_n(&heap, heap_make(), __ATOMIC_RELEASE);
  (void)pthread_mutex_unlock(&start_lock);
  return true;
}

/** Whether the calling thread may call the arena; then it is inside, until it leaves. */
static inline bool enter(void) {
  if (__builtin_expect(is_inside, false))
    return false;
  if (__builtin_expect(__atomic_load_n(&heap, __ATOMIC_ACQUIRE) == NULL, false))
    return start();
  is_inside = true;
  return true;
}

static inline void leave(void) {
  is_inside = false;
}

static void *fail(int number) {
  errno = number;
  return NULL;
}

/** Allocates, and sets errno where that fails. */
static inline void *take(size_t size, size_t alignment, unsigned flags) {
  void *block;
  if (__builtin_expect(enter(), true)) {
    block = aml_arena_alloc(heap, size, alignment, flags);
    leave();
  } else {
    block = bootstrap_alloc(size, alignment);
    if (block != NULL && (flags & AML_ARENA_ZERO) != 0)
      memset(block, 0, size);
  }
  return __builtin_expect(block == NULL, false) ? fail(ENOMEM) : block;
}

EXPORTED void *malloc(size_t size) {
  return take(size, 0, 0);
}

EXPORTED void *calloc(size_t nmemb, size_t size) {
  size_t whole;
  return __builtin_mul_overflow(nmemb, size, &whole) ? fail(ENOMEM)
                                                     : take(whole, 0, AML_ARENA_ZERO);
}

// Leaves errno as it was.
EXPORTED void free(void *ptr) {
  if (ptr == NULL)
    return;
  if (bootstrap_owns(ptr)) {
    bootstrap_free(ptr);
    return;
  }
  // A block of the arena that the C library frees within a call of the arena is lost.
  if (!enter())
    return;
  const int number = errno;
  aml_arena_free(heap, ptr);
  leave();
  errno = number;
}

static size_t usable_size(const void *block) {
  return bootstrap_owns(block) ? bootstrap_size(block) : aml_arena_usable_size(heap, block);
}

/** Resizes by a block of another heap. */
static void *move(void *block, size_t size) {
  void *const moved = take(size, 0, 0);
  if (moved == NULL)
    return NULL;
  const size_t old = usable_size(block);
  memcpy(moved, block, old < size ? old : size);
  free(block);
  return moved;
}

// Of no bytes: free, as glibc has it.
EXPORTED void *realloc(void *ptr, size_t size) {
  if (ptr == NULL)
    return take(size, 0, 0);
  if (size == 0) {
    free(ptr);
    return NULL;
  }
  if (bootstrap_owns(ptr) || !enter())
    return move(ptr, size);
  void *const resized = aml_arena_realloc(heap, ptr, size, 0, 0);
  leave();
  return resized == NULL ? fail(ENOMEM) : resized;
}

EXPORTED void *reallocarray(void *ptr, size_t nmemb, size_t size) {
  size_t whole;
  return __builtin_mul_overflow(nmemb, size, &whole) ? fail(ENOMEM) : realloc(ptr, whole);
}

static bool is_power_of_two(size_t number) {
  return number != 0 && (number & (number - 1)) == 0;
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size) {
  return is_power_of_two(alignment) ? take(size, alignment < 16 ? 0 : alignment, 0) : fail(EINVAL);
}

// An alignment that is none is rounded up, as glibc has it.
EXPORTED void *memalign(size_t alignment, size_t size) {
  size_t power = 2 * sizeof(void *);
  if (alignment > SIZE_MAX / 2 + 1)
    return fail(EINVAL);
  while (power < alignment)
    power *= 2;
  return take(size, power, 0);
}

EXPORTED int posix_memalign(void **memptr, size_t alignment, size_t size) {
  if (!is_power_of_two(alignment) || alignment % sizeof(void *) != 0)
    return EINVAL;
  const int number = errno;
  void *const block = memalign(alignment, size);
  errno = number;
  if (block == NULL)
    return ENOMEM;
  *memptr = block;
  return 0;
}

static size_t page_size(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

EXPORTED void *valloc(size_t size) {
  return take(size, page_size(), 0);
}

EXPORTED void *pvalloc(size_t size) {
  size_t whole;
  if (__builtin_add_overflow(size, page_size() - 1, &whole))
    return fail(ENOMEM);
  return take(whole & ~(page_size() - 1), page_size(), 0);
}

EXPORTED size_t malloc_usable_size(void *ptr) {
  return ptr == NULL ? 0 : usable_size(ptr);
}

EXPORTED int malloc_trim(size_t pad) {
  size_t released = 0;
  if (!enter())
    return 0;
  const int err = aml_arena_trim(heap, pad, &released);
  leave();
  return err == 0 && released != 0;
}

// NOLINTNEXTLINE(bugprone-reserved-identifier): what pthread_atfork(3) is in glibc's programs.
EXPORTED int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
                               void *library);

// Handlers before a fork run last to first, and may allocate, or wait for threads that do. So the
// heap's, which lock it, are made to be the first of all.
int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
                      void *library) {
  typedef int call_type(void (*)(void), void (*)(void), void (*)(void), void *);
  if (enter())
    leave();
  call_type *next = NULL;
  *(void **)&next = dlsym(RTLD_NEXT, "__register_atfork");
  return next == NULL ? ENOMEM : next(prepare, parent, child, library);
}

// What AML calls in this library; see above.

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names.
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *block);

void *__wrap_malloc(size_t size) {
  return bootstrap_alloc(size, 0);
}

void *__wrap_calloc(size_t count, size_t size) {
  size_t whole;
  if (__builtin_mul_overflow(count, size, &whole))
    return NULL;
  void *const block = bootstrap_alloc(whole, 0);
  return block == NULL ? NULL : memset(block, 0, whole);
}

void *__wrap_realloc(void *block, size_t size) {
  void *const moved = bootstrap_alloc(size, 0);
  if (block == NULL || moved == NULL)
    return moved;
  const size_t old = usable_size(block);
  memcpy(moved, block, old < size ? old : size);
  __wrap_free(block);
  return moved;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return bootstrap_alloc(size, alignment);
}

// AML also frees what the C library has allocated for it: by strdup(), say.
void __wrap_free(void *block) {
  free(block);
}
// NOLINTEND(bugprone-reserved-identifier)
