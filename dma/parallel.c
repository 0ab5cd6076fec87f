// SPDX-License-Identifier: BSD-3-Clause
//
// Requests go through a ring (internal/ring.h). Whoever claims one runs it: a thread of the dma,
// the one that waits for it, or one that finds the queue full. Large ones become jobs that idle
// threads join (internal/jobs.h). Threads look for work for a while and then sleep
// (internal/parallel_run.h, internal/event.h).
//
// Who waits runs no request that comes after others, unless those were done when it was submitted,
// so one wait never stands within another. A thread of the dma waits for those others; as requests
// are begun in their order, they have been begun. Only who has claimed a request looks at its
// options and at what it comes after: to all others that may be gone at any time.

#include "aml/dma/parallel.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/core/internal/pause.h"
#include "aml/dma/internal/affinity.h"
#include "aml/dma/internal/clock.h"
#include "aml/dma/internal/copy.h"
#include "aml/dma/internal/event.h"
#include "aml/dma/internal/homes.h"
#include "aml/dma/internal/jobs.h"
#include "aml/dma/internal/parallel_run.h"
#include "aml/dma/internal/process.h"
#include "aml/dma/internal/ring.h"
#include "aml/dma/internal/transfer.h"

enum {
  DEFAULT_QUEUE_SIZE = 1024,
  DEFAULT_CHUNK_SIZE = 1 << 20,
  DEFAULT_SPIN_NS = 50000,
  MAX_QUEUE_LOG2 = 24,
  MIN_QUEUE_LOG2 = 4,
  GUEST_JOBS = 8,  // for threads that are not the dma's
  MAX_HELPED = 16, // requests that a submitter runs before it insists on a place
  NAP_NS = 20000,  // where there is nothing to be woken by
  LINE = 64,
  EPOCHS = 2,
};

_Static_assert((int)AML_DMA_PARALLEL_MAX_THREADS <= (int)AML_INTERNAL_MAX_SEATS, "a seat each");

static struct aml_internal_parallel *state_of(const struct aml_dma *dma) {
  return ((const struct aml_dma_parallel *)dma)->state;
}

/** Sleeps for a moment, where nothing tells when to go on. */
static void nap(void) {
  const struct timespec time = {.tv_nsec = NAP_NS};
  (void)nanosleep(&time, NULL);
}

static unsigned capabilities(const struct aml_dma *dma) {
  (void)dma;
  return AML_DMA_THREAD_SAFE | AML_DMA_ASYNC | AML_DMA_CAN_OVERLAP | AML_DMA_CAN_OPERATE;
}

/**
 * Where a request goes; false: the queue is full and the caller does not want to wait, or must not.
 *
 * Who has a position runs nothing until he has put his request there: all behind it would wait.
 */
static bool reserve(struct aml_internal_parallel *parallel, bool may_wait, uint64_t *position) {
  int helped = 0;
  bool is_first = true;
  while (!aml_internal_ring_try_reserve(&parallel->ring, position)) {
    if (!may_wait || aml_internal_parallel_is_within())
      return false;
    // What this thread has put before as one of many may be what only theirs can run.
    if (is_first)
      aml_internal_parallel_wake_one(parallel);
    is_first = false;
    // Others may be quicker each time; those who hold positions are served in turn.
    if (++helped < MAX_HELPED &&
        aml_internal_parallel_run_next(parallel, AML_INTERNAL_RING_LARGE, parallel->thread_count))
      continue;
    *position = aml_internal_ring_reserve(&parallel->ring);
    for (int i = 0; !aml_internal_ring_is_free(&parallel->ring, *position); ++i)
      if (i < AML_INTERNAL_PARALLEL_LOOKS)
        aml_internal_pause();
      else
        nap();
    return true;
  }
  return true;
}

/** Whether all that a request comes after is done. */
static bool is_ready(const struct aml_dma_request *request) {
  for (size_t i = 0; i < request->options->after_count; ++i)
    if (!aml_internal_parallel_is_done(request->options->after[i]))
      return false;
  return true;
}

/** Whether a request is for several threads; who waits for another one leaves it to them. */
static bool is_large(const struct aml_internal_parallel *parallel,
                     const struct aml_dma_request *request) {
  return aml_tile_size(request->dst) / 2 >= parallel->jobs.chunk_size;
}

static enum aml_internal_ring_phase phase_of(const struct aml_internal_parallel *parallel,
                                             const struct aml_dma_request *request) {
  return request->options->after_count != 0 ? AML_INTERNAL_RING_LATER
         : is_large(parallel, request)      ? AML_INTERNAL_RING_LARGE
                                            : AML_INTERNAL_RING_READY;
}

/** Puts a request into the queue, where a thread that looks for work sees it. */
static int put(struct aml_internal_parallel *parallel, struct aml_dma_request *request) {
  enum aml_internal_transfer_kind kind;
  int err = aml_internal_process_check(parallel->process, "aml_dma_submit");
  if (!err)
    err = aml_internal_transfer_check(request, &kind);
  if (err)
    return err;
  request->work[AML_INTERNAL_PARALLEL_KIND] =
      (uint64_t)kind | (is_ready(request) ? AML_INTERNAL_PARALLEL_IS_READY : 0);
  const bool may_wait = (request->options->flags & AML_DMA_TRY) == 0;
  if (!reserve(parallel, may_wait, &request->work[AML_INTERNAL_PARALLEL_POSITION]))
    return aml_error_set(-AML_EAGAIN, "aml_dma_submit", "dma", "has a full queue");
  aml_internal_ring_put(&parallel->ring, request->work[AML_INTERNAL_PARALLEL_POSITION], request,
                        phase_of(parallel, request));
  return 0;
}

static int submit(struct aml_dma *dma, struct aml_dma_request *request) {
  const int err = put(state_of(dma), request);
  if (!err)
    aml_internal_parallel_wake_one(state_of(dma));
  return err;
}

static int submit_many(struct aml_dma *dma, size_t count, struct aml_dma_request *const requests[],
                       size_t *taken) {
  int err = 0;
  *taken = 0;
  while (*taken < count && !(err = put(state_of(dma), requests[*taken])))
    ++*taken;
  if (*taken > 0)
    aml_internal_parallel_wake_one(state_of(dma));
  return err;
}

/** Copies here what is small, and what only the caller hears of: to wake a thread takes longer. */
static int run(struct aml_dma *dma, struct aml_dma_request *request) {
  struct aml_internal_parallel *const parallel = state_of(dma);
  const struct aml_internal_copy_engine *const engine = &parallel->jobs.engine;
  const struct aml_dma_options *const options = request->options;
  if (options->notify != NULL || options->eventfd != NULL || options->operation != NULL ||
      is_large(parallel, request) || !is_ready(request))
    return submit(dma, request);
  int err = aml_internal_process_check(parallel->process, "aml_dma_submit");
  if (err)
    return err;
  if (!aml_internal_transfer_copy_small(engine->kernels, engine->stream_size, request)) {
    struct aml_internal_transfer transfer;
    err = aml_internal_transfer_make(request, &transfer);
    if (err)
      return err;
    (void)aml_internal_transfer_run(engine, options, &transfer); // fails for operations only
  }
  aml_dma_request_finish(request, 0);
  return 0;
}

/** Does something that brings the request, or what stands before it, nearer to its end. */
static bool help(struct aml_internal_parallel *parallel, struct aml_dma_request *request) {
  uint64_t claim;
  if ((request->work[AML_INTERNAL_PARALLEL_KIND] & AML_INTERNAL_PARALLEL_IS_READY) != 0 &&
      aml_internal_ring_claim(&parallel->ring, request->work[AML_INTERNAL_PARALLEL_POSITION],
                              &claim)) {
    aml_internal_parallel_run(parallel, request, claim, parallel->thread_count);
    return true;
  }
  return aml_internal_parallel_join(parallel, parallel->thread_count, request);
}

/** Whether a request is done, or there is something to help with. */
static bool has_moved(struct aml_internal_parallel *parallel,
                      const struct aml_dma_request *request) {
  return aml_internal_parallel_is_done(request) ||
         __atomic_load_n(&parallel->jobs.active, __ATOMIC_SEQ_CST) != 0;
}

static int wait(struct aml_dma *dma, struct aml_dma_request *request) {
  struct aml_internal_parallel *const parallel = state_of(dma);
  struct aml_internal_event *const done = aml_internal_parallel_done_event(parallel, request);
  const int err = aml_internal_process_check(parallel->process, "aml_dma_wait");
  if (err)
    return err;
  while (!aml_internal_parallel_is_done(request)) {
    if (help(parallel, request))
      continue;
    const uint64_t start = aml_internal_now_ns();
    while (!has_moved(parallel, request) && aml_internal_now_ns() - start < parallel->spin_ns)
      for (int i = 0; i < AML_INTERNAL_PARALLEL_LOOKS && !has_moved(parallel, request); ++i)
        aml_internal_pause();
    if (has_moved(parallel, request) ||
        aml_internal_parallel_run_next(parallel, AML_INTERNAL_RING_READY, parallel->thread_count))
      continue;
    const uint32_t ticket = aml_internal_event_prepare(done);
    if (has_moved(parallel, request))
      aml_internal_event_cancel(done);
    else
      aml_internal_event_sleep(done, ticket);
  }
  return 0;
}

/** Requests become done by themselves, but in a process whose threads they are not. */
static int poll(struct aml_dma *dma) {
  return aml_internal_process_check(state_of(dma)->process, "aml_dma_test");
}

static int cancel(struct aml_dma *dma, struct aml_dma_request *request) {
  struct aml_internal_parallel *const parallel = state_of(dma);
  uint64_t claim;
  const int err = aml_internal_process_check(parallel->process, "aml_dma_cancel");
  if (err)
    return err;
  if (!aml_internal_ring_claim(&parallel->ring, request->work[AML_INTERNAL_PARALLEL_POSITION],
                               &claim))
    return aml_error_set(-AML_EBUSY, "aml_dma_cancel", "request", "has begun");
  aml_internal_parallel_call_off(parallel, request, claim);
  return 0;
}

/** Waits until a position was claimed: runs what is before it, which is in turn. */
static void await_claim(struct aml_internal_parallel *parallel, uint64_t position) {
  struct aml_internal_event *const finished = &parallel->finished;
  while (!aml_internal_ring_is_claimed(&parallel->ring, position)) {
    if (aml_internal_parallel_run_next(parallel, AML_INTERNAL_RING_LARGE, parallel->thread_count))
      continue;
    const uint32_t ticket = aml_internal_event_prepare(finished);
    if (aml_internal_ring_is_claimed(&parallel->ring, position))
      aml_internal_event_cancel(finished);
    else
      aml_internal_event_sleep(finished, ticket);
  }
}

/** Waits until none that was claimed from a position's slot in an epoch is unfinished. */
static void await_end(struct aml_internal_parallel *parallel, uint64_t position, uint64_t epoch) {
  struct aml_internal_event *const finished = &parallel->finished;
  while (!aml_internal_ring_is_finished(&parallel->ring, position, epoch)) {
    if (aml_internal_parallel_join(parallel, parallel->thread_count, NULL))
      continue;
    const uint32_t ticket = aml_internal_event_prepare(finished);
    if (aml_internal_ring_is_finished(&parallel->ring, position, epoch))
      aml_internal_event_cancel(finished);
    else
      aml_internal_event_sleep(finished, ticket);
  }
}

static int barrier(struct aml_dma *dma) {
  struct aml_internal_parallel *const parallel = state_of(dma);
  const int err = aml_internal_process_check(parallel->process, "aml_dma_barrier");
  if (err)
    return err;
  const uint64_t end = __atomic_load_n(&parallel->ring.tail, __ATOMIC_SEQ_CST);
  const uint64_t size = (uint64_t)1 << parallel->ring.log2_size;
  for (uint64_t position = end < size ? 0 : end - size; position < end; ++position)
    await_claim(parallel, position);
  (void)pthread_mutex_lock(&parallel->barriers);
  for (int i = 0; i < EPOCHS; ++i) {
    const uint64_t epoch = aml_internal_ring_next_epoch(&parallel->ring);
    for (uint64_t position = 0; position < size; ++position)
      await_end(parallel, position, epoch);
  }
  (void)pthread_mutex_unlock(&parallel->barriers);
  return 0;
}

/** Ends the first `count` threads. */
static void end_threads(struct aml_internal_parallel *parallel, size_t count) {
  __atomic_store_n(&parallel->is_ending, 1, __ATOMIC_SEQ_CST);
  aml_internal_event_wake(&parallel->idle, INT_MAX);
  for (size_t i = 0; i < count; ++i)
    (void)pthread_join(parallel->workers[i].thread, NULL);
  (void)pthread_mutex_destroy(&parallel->barriers);
}

static void free_state(struct aml_internal_parallel *parallel) {
  free(parallel->workers);
  free(parallel->jobs.jobs);
  free(parallel->ring.slots);
  free(parallel);
}

static void fini(struct aml_dma *dma) {
  struct aml_internal_parallel *const parallel = state_of(dma);
  if (parallel == NULL)
    return;
  if (aml_internal_process_is(parallel->process)) {
    (void)barrier(dma);
    end_threads(parallel, parallel->thread_count);
  }
  // Before any of it goes, so that a child forked meanwhile finds all or nothing.
  ((struct aml_dma_parallel *)dma)->state = NULL;
  free_state(parallel);
}

const struct aml_dma_ops aml_dma_parallel_ops = {
    .name = "parallel",
    .fini = fini,
    .capabilities = capabilities,
    .submit = submit,
    .wait = wait,
    .cancel = cancel,
    .poll = poll,
    .barrier = barrier,
    .submit_many = submit_many,
    .run = run,
};

static const char init_call[] = "aml_dma_parallel_init";

static int refuse(const char *argument, const char *reason) {
  return aml_error_set(-AML_EINVAL, init_call, argument, reason);
}

static struct aml_internal_affinity affinity_of(const struct aml_dma_parallel_options *options) {
  return (struct aml_internal_affinity){options->cpus, options->cpu_count, options->cpu_set};
}

static int check_options(const struct aml_dma_parallel_options *options) {
  const struct aml_internal_affinity affinity = affinity_of(options);
  if (options->thread_count > AML_DMA_PARALLEL_MAX_THREADS)
    return refuse("thread_count", "is above AML_DMA_PARALLEL_MAX_THREADS");
  if (options->queue_size > (size_t)1 << MAX_QUEUE_LOG2)
    return refuse("queue_size", "is above 16777216");
  return aml_internal_affinity_check(&affinity, init_call);
}

static size_t thread_count_of(const struct aml_dma_parallel_options *options) {
  const struct aml_internal_affinity affinity = affinity_of(options);
  if (options->thread_count != 0)
    return options->thread_count;
  const size_t count = aml_internal_affinity_thread_count(&affinity);
  return count < AML_DMA_PARALLEL_MAX_THREADS ? count : AML_DMA_PARALLEL_MAX_THREADS;
}

/** Zeroed memory that begins with a line; null if there is none. */
static void *allocate(size_t size) {
  const size_t rounded = (size + LINE - 1) / LINE * LINE;
  void *const memory = aligned_alloc(LINE, rounded);
  if (memory != NULL)
    memset(memory, 0, rounded);
  return memory;
}

/** Allocates all but the threads. */
static struct aml_internal_parallel *make_state(const struct aml_dma_parallel_options *options) {
  struct aml_internal_parallel *const parallel = allocate(sizeof *parallel);
  if (parallel == NULL)
    return NULL;
  const size_t queue_size = options->queue_size == 0 ? DEFAULT_QUEUE_SIZE : options->queue_size;
  parallel->ring.log2_size = MIN_QUEUE_LOG2;
  while ((size_t)1 << parallel->ring.log2_size < queue_size)
    ++parallel->ring.log2_size;
  parallel->process = aml_internal_process_current();
  parallel->thread_count = thread_count_of(options);
  parallel->jobs.chunk_size = options->chunk_size == 0 ? DEFAULT_CHUNK_SIZE : options->chunk_size;
  parallel->spin_ns = options->spin_ns == 0 ? DEFAULT_SPIN_NS : options->spin_ns;
  parallel->jobs.thread_count = parallel->thread_count;
  parallel->jobs.count = parallel->thread_count + GUEST_JOBS;
  parallel->jobs.jobs = allocate(parallel->jobs.count * sizeof *parallel->jobs.jobs);
  parallel->ring.slots =
      allocate(((size_t)1 << parallel->ring.log2_size) * sizeof *parallel->ring.slots);
  parallel->workers = allocate(parallel->thread_count * sizeof *parallel->workers);
  if (parallel->jobs.jobs == NULL || parallel->ring.slots == NULL || parallel->workers == NULL) {
    free_state(parallel);
    return NULL;
  }
  (void)pthread_mutex_init(&parallel->barriers, NULL);
  return parallel;
}

/** Starts thread `index`. Returns: 0, or a value of errno. */
static int start(struct aml_internal_parallel *parallel,
                 const struct aml_dma_parallel_options *options, size_t index) {
  struct aml_internal_worker *const worker = &parallel->workers[index];
  const struct aml_internal_affinity affinity = affinity_of(options);
  pthread_attr_t attributes;
  int err = pthread_attr_init(&attributes);
  if (err != 0)
    return err;
  err = aml_internal_affinity_set(&affinity, index, &attributes);
  worker->parallel = parallel;
  worker->seat = index;
  if (err == 0)
    err = pthread_create(&worker->thread, &attributes, aml_internal_parallel_work, worker);
  (void)pthread_attr_destroy(&attributes);
  return err;
}

/** Starts all threads, none of which takes signals. Returns: how many; *err why not more. */
static size_t start_all(struct aml_internal_parallel *parallel,
                        const struct aml_dma_parallel_options *options, int *err) {
  sigset_t all;
  sigset_t before;
  size_t count = 0;
  (void)sigfillset(&all);
  (void)pthread_sigmask(SIG_SETMASK, &all, &before);
  while (count < parallel->thread_count && (*err = start(parallel, options, count)) == 0)
    ++count;
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  return count;
}

int aml_dma_parallel_init(struct aml_dma *dma, const struct aml_dma_parallel_options *options) {
  static const struct aml_dma_parallel_options defaults = {.thread_count = 0};
  struct aml_internal_copy_engine engine;
  struct aml_cpuset cpus;
  int number = 0;
  if (dma == NULL || dma->ops != &aml_dma_parallel_ops)
    return refuse("dma", "is null, or was not declared by AML_DMA_PARALLEL_DECL");
  if (options == NULL)
    options = &defaults;
  int err = check_options(options);
  if (!err)
    err = aml_internal_copy_engine_init(&engine, init_call, options->kernels, options->stream_size);
  if (err)
    return err;
  struct aml_internal_parallel *const parallel = make_state(options);
  if (parallel == NULL)
    return aml_error_set(-AML_ENOMEM, init_call, NULL, "no memory for the queue");
  parallel->jobs.engine = engine;
  const struct aml_internal_affinity affinity = affinity_of(options);
  aml_internal_homes_find(&parallel->jobs.homes, aml_internal_affinity_cpus(&affinity, &cpus));
  const size_t started = start_all(parallel, options, &number);
  if (started < parallel->thread_count) {
    end_threads(parallel, started);
    free_state(parallel);
    return aml_error_set_system(init_call, "pthread_create", number);
  }
  ((struct aml_dma_parallel *)dma)->state = parallel;
  return 0;
}

int aml_dma_parallel_create(struct aml_dma **dma, const struct aml_dma_parallel_options *options) {
  struct aml_dma *const made =
      aml_block_create("aml_dma_parallel_create", "dma", dma, sizeof(struct aml_dma_parallel),
                       &aml_dma_parallel_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_dma_parallel_init(made, options);
  if (err)
    free(made);
  else
    *dma = made;
  return err;
}
