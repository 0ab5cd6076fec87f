// SPDX-License-Identifier: BSD-3-Clause
//
// One thread has the ring to itself, so that nothing of it needs a lock. It sleeps in
// io_uring_enter(2) until a transfer is done or, by way of an eventfd that the ring always reads,
// somebody submits.

#include <stdio.h>

#include "aml/dma/internal/file_backend.h"

#ifdef AML_HAVE_URING

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct aml_internal_file_ring {
  struct io_uring ring;
  struct aml_internal_file_engine *engine;
  struct aml_internal_file_slot **idle; /**< a stack of slots without a piece */
  size_t idle_count;
  int event;
  bool is_asleep; /**< guarded by the engine's lock */
  bool is_listening;
  uint64_t news; /**< what the eventfd is read into */
  struct iovec news_vector;
};

/** Tells the ring's thread of something ready. */
static void wake(void *argument) {
  struct aml_internal_file_ring *const ring = argument;
  if (!ring->is_asleep)
    return;
  ring->is_asleep = false;
  const uint64_t one = 1;
  while (write(ring->event, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

/** Puts the next transfer of a slot into the ring, which has room for one of each slot. */
static void queue(struct aml_internal_file_ring *ring, struct aml_internal_file_slot *slot) {
  const struct aml_internal_file_transfer *const transfer = &slot->transfers[slot->at];
  struct io_uring_sqe *const entry = io_uring_get_sqe(&ring->ring);
  const struct iovec *const iov = &slot->iov[slot->first];
  const unsigned count = (unsigned)(slot->vectors - slot->first);
  const uint64_t offset = transfer->offset + slot->moved;
  if (transfer->is_write)
    io_uring_prep_writev(entry, transfer->descriptor, iov, count, offset);
  else
    io_uring_prep_readv(entry, transfer->descriptor, iov, count, offset);
  io_uring_sqe_set_data(entry, slot);
}

static void listen_to_event(struct aml_internal_file_ring *ring) {
  if (ring->is_listening)
    return;
  struct io_uring_sqe *const entry = io_uring_get_sqe(&ring->ring);
  ring->news_vector = (struct iovec){&ring->news, sizeof ring->news};
  io_uring_prep_readv(entry, ring->event, &ring->news_vector, 1, 0);
  io_uring_sqe_set_data(entry, NULL);
  ring->is_listening = true;
}

static void put(struct aml_internal_file_ring *ring, struct aml_internal_file_slot *slot) {
  aml_internal_file_engine_put(ring->engine, slot);
  ring->idle[ring->idle_count++] = slot;
}

/** Begins what is ready, as far as there are slots. Returns: false once it is time to stop. */
static bool begin_ready(struct aml_internal_file_ring *ring, size_t depth) {
  struct aml_internal_file_engine *const engine = ring->engine;
  for (;;) {
    (void)pthread_mutex_lock(&engine->lock);
    ring->is_asleep = false;
    const bool has_slot = ring->idle_count > 0;
    const bool has_piece =
        has_slot && aml_internal_file_engine_take(engine, ring->idle[ring->idle_count - 1]);
    // Without a slot, what is done will say when to look again.
    ring->is_asleep = has_slot && !has_piece;
    const bool must_stop = ring->is_asleep && engine->must_stop && ring->idle_count == depth;
    (void)pthread_mutex_unlock(&engine->lock);
    if (!has_piece)
      return !must_stop;
    struct aml_internal_file_slot *const slot = ring->idle[--ring->idle_count];
    if (!aml_internal_file_engine_begin(engine, slot)) {
      put(ring, slot);
      continue;
    }
    queue(ring, slot);
    // At once, so that the device works while the next one is prepared.
    (void)io_uring_submit(&ring->ring);
  }
}

static void reap(struct aml_internal_file_ring *ring) {
  struct io_uring_cqe *entry;
  while (io_uring_peek_cqe(&ring->ring, &entry) == 0 && entry != NULL) {
    struct aml_internal_file_slot *const slot = io_uring_cqe_get_data(entry);
    const int result = entry->res;
    io_uring_cqe_seen(&ring->ring, entry);
    if (slot == NULL)
      ring->is_listening = false;
    else if (aml_internal_file_slot_complete(slot, result))
      queue(ring, slot);
    else
      put(ring, slot);
  }
}

void *aml_internal_file_ring_run(void *argument) {
  struct aml_internal_file_ring *const ring = argument;
  const size_t depth = ring->idle_count;
  aml_internal_file_engine_enter(ring->engine);
  while (begin_ready(ring, depth)) {
    listen_to_event(ring);
    // What it fails for, it fails for now; what was not taken stays in the ring.
    (void)io_uring_submit_and_wait(&ring->ring, 1);
    reap(ring);
  }
  return NULL;
}

static int explain(char reason[AML_INTERNAL_FILE_REASON], const char *what, int number) {
  char text[64];
  (void)snprintf(reason, AML_INTERNAL_FILE_REASON, "%s: %s", what,
                 strerror_r(number, text, sizeof text));
  return number;
}

/** Has a ring do nothing, once: it may exist and yet not be entered. Returns: an errno, or 0. */
static int try_ring(struct io_uring *ring) {
  struct io_uring_cqe *entry = NULL;
  io_uring_prep_nop(io_uring_get_sqe(ring));
  int result = io_uring_submit(ring);
  if (result >= 0)
    result = io_uring_wait_cqe(ring, &entry);
  if (result >= 0)
    io_uring_cqe_seen(ring, entry);
  return result < 0 ? -result : 0;
}

/** Sets the kernel's side up. Returns: 0; an errno, explained, with nothing left open. */
static int open_ring(struct aml_internal_file_ring *ring, size_t depth, char *reason) {
  // A transfer of each slot and the eventfd.
  int number = -io_uring_queue_init((unsigned)depth + 1, &ring->ring, 0);
  if (number > 0)
    return explain(reason, "io_uring_queue_init", number);
  number = try_ring(&ring->ring);
  if (number == 0) {
    ring->event = eventfd(0, EFD_CLOEXEC);
    if (ring->event >= 0) {
      (void)snprintf(reason, AML_INTERNAL_FILE_REASON, "io_uring is there");
      return 0;
    }
    number = explain(reason, "eventfd", errno);
  } else {
    (void)explain(reason, "io_uring_enter", number);
  }
  io_uring_queue_exit(&ring->ring);
  return number;
}

struct aml_internal_file_ring *
aml_internal_file_ring_create(struct aml_internal_file_engine *engine,
                              struct aml_internal_file_slot *slots, size_t depth,
                              char reason[AML_INTERNAL_FILE_REASON]) {
  struct aml_internal_file_ring *const ring = calloc(1, sizeof *ring);
  struct aml_internal_file_slot **const idle = calloc(depth, sizeof(void *));
  if (ring == NULL || idle == NULL)
    (void)explain(reason, "calloc", ENOMEM);
  if (ring == NULL || idle == NULL || open_ring(ring, depth, reason) != 0) {
    free(idle);
    free(ring);
    return NULL;
  }
  ring->engine = engine;
  ring->idle = idle;
  while (ring->idle_count < depth) {
    ring->idle[ring->idle_count] = &slots[ring->idle_count];
    ++ring->idle_count;
  }
  engine->wake_argument = ring;
  engine->wake = wake;
  return ring;
}

void aml_internal_file_ring_destroy(struct aml_internal_file_ring *ring) {
  if (ring == NULL)
    return;
  io_uring_queue_exit(&ring->ring);
  (void)close(ring->event);
  free(ring->idle);
  free(ring);
}

#else

struct aml_internal_file_ring *
aml_internal_file_ring_create(struct aml_internal_file_engine *engine,
                              struct aml_internal_file_slot *slots, size_t depth,
                              char reason[AML_INTERNAL_FILE_REASON]) {
  (void)engine;
  (void)slots;
  (void)depth;
  (void)snprintf(reason, AML_INTERNAL_FILE_REASON, "built without liburing-dev");
  return NULL;
}

void *aml_internal_file_ring_run(void *argument) {
  return argument;
}

void aml_internal_file_ring_destroy(struct aml_internal_file_ring *ring) {
  (void)ring;
}

#endif
