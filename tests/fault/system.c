// SPDX-License-Identifier: BSD-3-Clause
//
// ld(1), --wrap: an undefined reference to x becomes one to __wrap_x, and one to __real_x becomes
// x. References within a shared library were settled when that was linked, and stay.
//
// The system calls on NUMA are made here by syscall(2), so that a test need not have libnuma. Those
// that others make so come by here as well.

#include "aml/tests/fault/system.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

struct state {
  unsigned calls;
  size_t nth;
  int number;
  struct aml_fault_count count;
  struct aml_fault_held held;
};

static _Thread_local struct state it;

/** [i]: how often the call of bit i was made, in all threads; atomic. */
static size_t made[sizeof(unsigned) * CHAR_BIT];

void aml_fault_system_arm(unsigned calls, size_t nth, int number) {
  it.calls = calls;
  it.nth = nth;
  it.number = number;
  it.count = (struct aml_fault_count){0};
}

struct aml_fault_count aml_fault_system_disarm(void) {
  it.calls = 0;
  return it.count;
}

struct aml_fault_held aml_fault_system_held(void) {
  return it.held;
}

size_t aml_fault_system_made(unsigned calls) {
  size_t sum = 0;
  for (size_t i = 0; i < sizeof made / sizeof *made; ++i)
    if ((calls >> i & 1) != 0)
      sum += __atomic_load_n(&made[i], __ATOMIC_RELAXED);
  return sum;
}

/** Whether this call is to fail; errno is then set. */
static bool fails(enum aml_fault_call call) {
  if (call != 0)
    (void)__atomic_fetch_add(&made[__builtin_ctz(call)], 1, __ATOMIC_RELAXED);
  if ((it.calls & call) == 0)
    return false;
  ++it.count.seen;
  const bool is_later = it.count.seen > it.nth && (it.calls & AML_FAULT_FROM_THEN_ON) != 0;
  if (it.nth == 0 || (it.count.seen != it.nth && !is_later))
    return false;
  ++it.count.failed;
  errno = it.number;
  return true;
}

// The linker makes these names up.
// NOLINTBEGIN(bugprone-reserved-identifier)

// The C heap

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_posix_memalign(void **block, size_t alignment, size_t size);
void __real_free(void *block);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_posix_memalign(void **block, size_t alignment, size_t size);
void __wrap_free(void *block);

static void *taken(void *block) {
  it.held.blocks += block != NULL;
  return block;
}

void *__wrap_malloc(size_t size) {
  return fails(AML_FAULT_MALLOC) ? NULL : taken(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size) {
  return fails(AML_FAULT_CALLOC) ? NULL : taken(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size) {
  if (fails(AML_FAULT_REALLOC))
    return NULL;
  const bool is_new = block == NULL;
  void *const result = __real_realloc(block, size);
  if (is_new)
    return taken(result);
  // Of no bytes, realloc of glibc is free.
  it.held.blocks -= result == NULL && size == 0;
  return result;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return fails(AML_FAULT_ALIGNED_ALLOC) ? NULL : taken(__real_aligned_alloc(alignment, size));
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t size) {
  if (fails(AML_FAULT_POSIX_MEMALIGN))
    return it.number;
  const int number = __real_posix_memalign(block, alignment, size);
  it.held.blocks += number == 0;
  return number;
}

void __wrap_free(void *block) {
  it.held.blocks -= block != NULL;
  __real_free(block);
}

// Mappings

void *__real_mmap(void *hint, size_t size, int access, int flags, int file, off_t offset);
int __real_munmap(void *start, size_t size);
void *__real_mremap(void *start, size_t old_size, size_t new_size, int flags, ...);
int __real_madvise(void *start, size_t size, int advice);

void *__wrap_mmap(void *hint, size_t size, int access, int flags, int file, off_t offset);
int __wrap_munmap(void *start, size_t size);
void *__wrap_mremap(void *start, size_t old_size, size_t new_size, int flags, ...);
int __wrap_madvise(void *start, size_t size, int advice);

static ptrdiff_t whole_pages(size_t size) {
  const size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
  return (ptrdiff_t)((size + page_size - 1) / page_size * page_size);
}

void *__wrap_mmap(void *hint, size_t size, int access, int flags, int file, off_t offset) {
  if (fails(AML_FAULT_MMAP))
    return MAP_FAILED;
  void *const start = __real_mmap(hint, size, access, flags, file, offset);
  if (start != MAP_FAILED)
    it.held.mapped_size += whole_pages(size);
  return start;
}

int __wrap_munmap(void *start, size_t size) {
  if (fails(AML_FAULT_MUNMAP))
    return -1;
  const int result = __real_munmap(start, size);
  if (result == 0)
    it.held.mapped_size -= whole_pages(size);
  return result;
}

void *__wrap_mremap(void *start, size_t old_size, size_t new_size, int flags, ...) {
  void *place = NULL;
  if ((flags & MREMAP_FIXED) != 0) {
    va_list rest;
    va_start(rest, flags);
    place = va_arg(rest, void *);
    va_end(rest);
  }
  if (fails(AML_FAULT_MREMAP))
    return MAP_FAILED;
  void *const result = __real_mremap(start, old_size, new_size, flags, place);
  if (result != MAP_FAILED)
    it.held.mapped_size += whole_pages(new_size) - whole_pages(old_size);
  return result;
}

int __wrap_madvise(void *start, size_t size, int advice) {
  return fails(AML_FAULT_MADVISE) ? -1 : __real_madvise(start, size, advice);
}

int __real_mprotect(void *start, size_t size, int access);
int __real_mlock(const void *start, size_t size);
int __real_mlock2(const void *start, size_t size, unsigned flags);

int __wrap_mprotect(void *start, size_t size, int access);
int __wrap_mlock(const void *start, size_t size);
int __wrap_mlock2(const void *start, size_t size, unsigned flags);

int __wrap_mprotect(void *start, size_t size, int access) {
  return fails(AML_FAULT_MPROTECT) ? -1 : __real_mprotect(start, size, access);
}

int __wrap_mlock(const void *start, size_t size) {
  return fails(AML_FAULT_MLOCK) ? -1 : __real_mlock(start, size);
}

int __wrap_mlock2(const void *start, size_t size, unsigned flags) {
  return fails(AML_FAULT_MLOCK) ? -1 : __real_mlock2(start, size, flags);
}

int __real_munlock(const void *start, size_t size);
int __wrap_munlock(const void *start, size_t size);

int __wrap_munlock(const void *start, size_t size) {
  return fails(AML_FAULT_MUNLOCK) ? -1 : __real_munlock(start, size);
}

// NUMA, as in numaif.h, and by syscall(2)

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

long __wrap_mbind(void *start, unsigned long size, int mode, const unsigned long *mask,
                  unsigned long bits, unsigned flags);
long __wrap_get_mempolicy(int *mode, unsigned long *mask, unsigned long bits, void *address,
                          unsigned flags);
long __wrap_move_pages(int process, unsigned long count, void **pages, const int *nodes,
                       int *status, int flags);

long __wrap_mbind(void *start, unsigned long size, int mode, const unsigned long *mask,
                  unsigned long bits, unsigned flags) {
  return __wrap_syscall(SYS_mbind, start, size, mode, mask, bits, flags);
}

long __wrap_get_mempolicy(int *mode, unsigned long *mask, unsigned long bits, void *address,
                          unsigned flags) {
  return __wrap_syscall(SYS_get_mempolicy, mode, mask, bits, address, flags);
}

long __wrap_move_pages(int process, unsigned long count, void **pages, const int *nodes,
                       int *status, int flags) {
  return __wrap_syscall(SYS_move_pages, process, count, pages, nodes, status, flags);
}

/** Which of our calls a system call is; 0: none. */
static enum aml_fault_call call_of(long number) {
  switch (number) {
  case SYS_mbind:
    return AML_FAULT_MBIND;
  case SYS_get_mempolicy:
    return AML_FAULT_GET_MEMPOLICY;
  case SYS_move_pages:
    return AML_FAULT_MOVE_PAGES;
  default:
    return 0;
  }
}

long __wrap_syscall(long number, ...) {
  long arguments[6];
  va_list rest;
  va_start(rest, number);
  // As libc does, which knows no more of how many there are.
  for (size_t i = 0; i < sizeof arguments / sizeof *arguments; ++i)
    arguments[i] = va_arg(rest, long);
  va_end(rest);
  if (fails(call_of(number)))
    return -1;
  return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
                        arguments[4], arguments[5]);
}

// Files

int __real_open(const char *path, int flags, ...);
ssize_t __real_read(int file, void *bytes, size_t size);

int __wrap_open(const char *path, int flags, ...);
ssize_t __wrap_read(int file, void *bytes, size_t size);

int __wrap_open(const char *path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  return fails(AML_FAULT_OPEN) ? -1 : __real_open(path, flags, mode);
}

ssize_t __wrap_read(int file, void *bytes, size_t size) {
  return fails(AML_FAULT_READ) ? -1 : __real_read(file, bytes, size);
}

int __real_fallocate(int file, int mode, off_t offset, off_t size);
int __real_posix_fallocate(int file, off_t offset, off_t size);
int __real_ftruncate(int file, off_t size);
int __real_fstat(int file, struct stat *status);
int __real_msync(void *start, size_t size, int flags);

int __wrap_fallocate(int file, int mode, off_t offset, off_t size);
int __wrap_posix_fallocate(int file, off_t offset, off_t size);
int __wrap_ftruncate(int file, off_t size);
int __wrap_fstat(int file, struct stat *status);
int __wrap_msync(void *start, size_t size, int flags);

int __wrap_fallocate(int file, int mode, off_t offset, off_t size) {
  return fails(AML_FAULT_FALLOCATE) ? -1 : __real_fallocate(file, mode, offset, size);
}

int __wrap_posix_fallocate(int file, off_t offset, off_t size) {
  return fails(AML_FAULT_FALLOCATE) ? it.number : __real_posix_fallocate(file, offset, size);
}

int __wrap_ftruncate(int file, off_t size) {
  return fails(AML_FAULT_FTRUNCATE) ? -1 : __real_ftruncate(file, size);
}

int __wrap_fstat(int file, struct stat *status) {
  return fails(AML_FAULT_FSTAT) ? -1 : __real_fstat(file, status);
}

int __wrap_msync(void *start, size_t size, int flags) {
  return fails(AML_FAULT_MSYNC) ? -1 : __real_msync(start, size, flags);
}

int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);

int __wrap_access(const char *path, int mode) {
  return fails(AML_FAULT_ACCESS) ? -1 : __real_access(path, mode);
}

int __real_ioctl(int file, unsigned long request, void *argument);
int __wrap_ioctl(int file, unsigned long request, void *argument);

int __wrap_ioctl(int file, unsigned long request, void *argument) {
  return fails(AML_FAULT_IOCTL) ? -1 : __real_ioctl(file, request, argument);
}

// The process

int __real_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
int __wrap_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d);

int __wrap_prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
  return fails(AML_FAULT_PRCTL) ? -1 : __real_prctl(option, a, b, c, d);
}

// Threads

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context) {
  if (fails(AML_FAULT_PTHREAD_CREATE))
    return it.number;
  return __real_pthread_create(thread, attributes, run, context);
}

// NOLINTEND(bugprone-reserved-identifier)
