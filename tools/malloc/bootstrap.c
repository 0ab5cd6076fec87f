// SPDX-License-Identifier: BSD-3-Clause
//
// Blocks are powers of two, cut off the buffer one after the other; freed ones are in a list for
// each size and are not merged. A header before a block's bytes tells its size and where it begins,
// since more alignment moves the bytes up. Records are of few sizes, so that does.
//
// When the buffer is used up, addresses are reserved at once, so that what is of this heap stays
// two ranges, and made memory a step at a time.

#include "aml/tools/malloc/bootstrap.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

/** Right before a block's bytes. */
struct header {
  uint32_t shift;  // the block has 1 << shift bytes
  uint32_t offset; // of the bytes in the block
  uint64_t unused; // so that bytes behind it are aligned to 16
};

struct free_block {
  struct free_block *next;
};

enum { MIN_SHIFT = 5, MAX_SHIFT = 25, MIN_ALIGNMENT = 16 };

static _Alignas(4096) char buffer[BOOTSTRAP_CAPACITY];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; // guards what follows
static struct free_block *lists[MAX_SHIFT + 1];
static char *room = buffer; // what no block was cut off yet
static char *room_end = buffer + sizeof buffer;
static uintptr_t reserved_start; // atomic for who does not hold the lock; 0: none
static size_t reserved_size;

void bootstrap_lock(void) {
  (void)pthread_mutex_lock(&mutex);
}

void bootstrap_unlock(void) {
  (void)pthread_mutex_unlock(&mutex);
}

// An address below the reserved ones is as far above them as the range of addresses; none is 0.
bool bootstrap_owns(const void *pointer) {
  const uintptr_t address = (uintptr_t)pointer;
  return address - (uintptr_t)buffer < sizeof buffer ||
         address - __atomic_load_n(&reserved_start, __ATOMIC_RELAXED) <
             __atomic_load_n(&reserved_size, __ATOMIC_RELAXED);
}

static struct header *header_of(const void *block) {
  return (struct header *)((uintptr_t)block - sizeof(struct header));
}

/** Reserves addresses, fewer where a limit of the process does not allow all. Under the lock. */
static bool reserve(void) {
  for (size_t size = BOOTSTRAP_RESERVE; size >= BOOTSTRAP_CAPACITY; size /= 2) {
    void *const start =
        mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED)
      continue;
    room = room_end = start;
    __atomic_store_n(&reserved_start, (uintptr_t)start, __ATOMIC_RELAXED);
    __atomic_store_n(&reserved_size, size, __ATOMIC_RELAXED);
    return true;
  }
  return false;
}

/** Sees to room for `size` bytes. Under the lock. */
static bool grow(size_t size) {
  if (reserved_size == 0 && !reserve())
    return false;
  const size_t left = reserved_start + reserved_size - (uintptr_t)room_end;
  const size_t step = size < BOOTSTRAP_CAPACITY ? BOOTSTRAP_CAPACITY : size;
  if (step > left || mprotect(room_end, step, PROT_READ | PROT_WRITE) != 0)
    return false;
  room_end += step;
  return true;
}

/** A block of 1 << shift bytes, or null. */
static char *take(uint32_t shift) {
  const size_t size = (size_t)1 << shift;
  char *block = NULL;
  bootstrap_lock();
  if (lists[shift] != NULL) {
    block = (char *)lists[shift];
    lists[shift] = lists[shift]->next;
  } else if (size <= (size_t)(room_end - room) || grow(size)) {
    block = room;
    room += size;
  }
  bootstrap_unlock();
  return block;
}

void *bootstrap_alloc(size_t size, size_t alignment) {
  if (alignment < MIN_ALIGNMENT)
    alignment = MIN_ALIGNMENT;
  if (size > sizeof buffer || alignment > sizeof buffer)
    return NULL;
  // All blocks are aligned to 16.
  const size_t whole = sizeof(struct header) + (alignment - MIN_ALIGNMENT) + size;
  uint32_t shift = MIN_SHIFT;
  while ((size_t)1 << shift < whole)
    ++shift;
  char *const block = shift > MAX_SHIFT ? NULL : take(shift);
  if (block == NULL)
    return NULL;
  const uintptr_t start =
      ((uintptr_t)block + sizeof(struct header) + alignment - 1) & ~(uintptr_t)(alignment - 1);
  *header_of((void *)start) = (struct header){shift, (uint32_t)(start - (uintptr_t)block), 0};
  return (void *)start;
}

void bootstrap_free(void *block) {
  const struct header header = *header_of(block);
  struct free_block *const freed = (struct free_block *)((char *)block - header.offset);
  bootstrap_lock();
  freed->next = lists[header.shift];
  lists[header.shift] = freed;
  bootstrap_unlock();
}

size_t bootstrap_size(const void *block) {
  const struct header *const header = header_of(block);
  return ((size_t)1 << header->shift) - header->offset;
}
