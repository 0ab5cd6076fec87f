// SPDX-License-Identifier: BSD-3-Clause
//
// Threads take pieces one after the other, so that one whose pages are slower to get has fewer.
//
// madvise(2), MADV_POPULATE_WRITE.

#include "aml/area/internal/populate.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

// Room for a piece's loop, and for what libc and sanitizers keep on a stack.
enum { STACK_SIZE = 256 << 10 };

struct work {
  char *base;
  size_t size;
  size_t page_size;
  atomic_size_t next;
  atomic_int number; /**< errno of the first piece that failed */
};

/** Returns 0 or errno. */
static int populate_piece(char *base, size_t size, size_t page_size) {
  if (madvise(base, size, MADV_POPULATE_WRITE) == 0)
    return 0;
  if (errno == EINVAL) {
    // A kernel before 5.14.
    for (size_t offset = 0; offset < size; offset += page_size)
      *(volatile char *)(base + offset) = 0;
    return 0;
  }
  // What the kernel says of a page whose touch would be a fatal signal.
  return errno == EFAULT ? ENOMEM : errno;
}

static void *take_pieces(void *context) {
  struct work *const it = context;
  while (atomic_load_explicit(&it->number, memory_order_relaxed) == 0) {
    const size_t offset =
        atomic_fetch_add_explicit(&it->next, AML_INTERNAL_POPULATE_PIECE, memory_order_relaxed);
    if (offset >= it->size)
      break;
    const size_t rest = it->size - offset;
    const size_t size = rest < AML_INTERNAL_POPULATE_PIECE ? rest : AML_INTERNAL_POPULATE_PIECE;
    const int number = populate_piece(it->base + offset, size, it->page_size);
    if (number != 0)
      atomic_store_explicit(&it->number, number, memory_order_relaxed);
  }
  return NULL;
}

/** Starts up to `count` threads; returns how many there are. */
static unsigned start(struct work *it, unsigned count, pthread_t threads[]) {
  pthread_attr_t attributes;
  sigset_t all;
  sigset_t before;
  unsigned started = 0;
  if (pthread_attr_init(&attributes) != 0)
    return 0;
  (void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
  // A handler of the program is to run on the program's threads.
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  while (started < count && pthread_create(&threads[started], &attributes, take_pieces, it) == 0)
    ++started;
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  (void)pthread_attr_destroy(&attributes);
  return started;
}

int aml_internal_populate(void *base, size_t size, size_t page_size, unsigned threads) {
  struct work work = {.base = base, .size = size, .page_size = page_size};
  pthread_t helpers[AML_INTERNAL_POPULATE_THREADS];
  const size_t pieces = size / AML_INTERNAL_POPULATE_PIECE;
  if (threads > AML_INTERNAL_POPULATE_THREADS)
    threads = AML_INTERNAL_POPULATE_THREADS;
  if (threads > pieces)
    threads = (unsigned)pieces;
  if (threads <= 1)
    return populate_piece(base, size, page_size);
  const unsigned started = start(&work, threads - 1, helpers);
  (void)take_pieces(&work);
  for (unsigned i = 0; i < started; ++i)
    (void)pthread_join(helpers[i], NULL);
  return atomic_load_explicit(&work.number, memory_order_relaxed);
}
