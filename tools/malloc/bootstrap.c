// SPDX-License-Identifier: BSD-3-Clause
//
// Blocks are powers of two, cut off the buffer one after the other; freed ones are in a list for
// each size and are not merged. A header before a block's bytes tells its size and where it begins,
// since more alignment moves the bytes up. Records are few and of few sizes, so that does.

#include "aml/tools/malloc/bootstrap.h"

#include <pthread.h>
#include <stdint.h>

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
static size_t used;
static struct free_block *lists[MAX_SHIFT + 1];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void bootstrap_lock(void) {
  (void)pthread_mutex_lock(&mutex);
}

void bootstrap_unlock(void) {
  (void)pthread_mutex_unlock(&mutex);
}

bool bootstrap_owns(const void *pointer) {
  return (uintptr_t)pointer - (uintptr_t)buffer < sizeof buffer;
}

static struct header *header_of(const void *block) {
  return (struct header *)((uintptr_t)block - sizeof(struct header));
}

/** A block of 1 << shift bytes, or null. */
static char *take(uint32_t shift) {
  char *block = NULL;
  bootstrap_lock();
  if (lists[shift] != NULL) {
    block = (char *)lists[shift];
    lists[shift] = lists[shift]->next;
  } else if ((size_t)1 << shift <= sizeof buffer - used) {
    block = buffer + used;
    used += (size_t)1 << shift;
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
