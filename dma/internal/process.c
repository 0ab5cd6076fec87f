// SPDX-License-Identifier: BSD-3-Clause
//
// Numbers are given by a counter that a child inherits; madvise(2), MADV_WIPEONFORK, since Linux
// 4.14. Where that cannot be had, the C library tells of forks.

#include "aml/dma/internal/process.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "aml/core/error.h"

const uint64_t *aml_internal_process_number;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint64_t *number;
static uint64_t last; // of those that this process and its ancestors have had
static uint64_t fallback;

static void wipe_fallback(void) {
  fallback = 0;
}

/** Maps zeros that a fork wipes; null: there are none. They stay for the life of the process. */
static uint64_t *map_number(void) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  void *const memory = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return NULL;
  if (madvise(memory, page, MADV_WIPEONFORK) == 0)
    return memory;
  (void)munmap(memory, page);
  return NULL;
}

static void begin(void) {
  number = map_number();
  if (number == NULL) {
    number = &fallback;
    (void)pthread_atfork(NULL, NULL, wipe_fallback);
  }
  aml_internal_process_number = number;
}

uint64_t aml_internal_process_current(void) {
  (void)pthread_once(&once, begin);
  uint64_t current = __atomic_load_n(number, __ATOMIC_RELAXED);
  if (current != 0)
    return current;
  const uint64_t mine = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
  // Another thread may be first, whose number it is then.
  return __atomic_compare_exchange_n(number, &current, mine, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED)
             ? mine
             : current;
}

int aml_internal_process_refuse(const char *call) {
  return aml_error_set(-AML_EPERM, call, "dma", "belongs to the process that forked");
}
