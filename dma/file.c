// SPDX-License-Identifier: BSD-3-Clause
//
// Made here are the parts, once: records and handles for requests (the engine), slots with a buffer
// each for pieces, and the threads that bring both together.

#include "aml/dma/file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/dma/internal/copy.h"
#include "aml/dma/internal/file_backend.h"
#include "aml/dma/internal/file_engine.h"
#include "aml/dma/internal/file_handle.h"
#include "aml/dma/internal/file_slot.h"
#include "aml/dma/internal/process.h"

enum { PAGE = 4096, MAX_DEPTH = 1024, MAX_THREADS = 256, MAX_QUEUE = 65536, MAX_PIECE = 1 << 30 };

struct aml_internal_file {
  struct aml_internal_file_engine engine;
  uint64_t process; /**< whose threads they are */
  enum aml_dma_file_backend backend;
  char reason[AML_INTERNAL_FILE_REASON];
  struct aml_internal_file_ring *ring;
  struct aml_internal_file_slot *slots;
  struct aml_internal_file_worker *workers;
  char *buffers;
  size_t buffers_size;
  pthread_t *threads;
  size_t thread_count; /**< started */
};

static struct aml_internal_file *state_of(const struct aml_dma *dma) {
  return ((const struct aml_dma_file *)dma)->state;
}

// Operations

static unsigned capabilities(const struct aml_dma *dma) {
  (void)dma;
  return AML_DMA_THREAD_SAFE | AML_DMA_ASYNC;
}

// Each asks first which process this is: in the child of a fork, the engine's lock may be held by a
// thread that is not there.

static int check_process(const struct aml_dma *dma, const char *call) {
  return aml_internal_process_check(state_of(dma)->process, call);
}

static int submit(struct aml_dma *dma, struct aml_dma_request *request) {
  const int err = check_process(dma, "aml_dma_submit");
  return err ? err : aml_internal_file_engine_submit(&state_of(dma)->engine, request);
}

static int wait_done(struct aml_dma *dma, struct aml_dma_request *request) {
  const int err = check_process(dma, "aml_dma_wait");
  if (!err)
    aml_internal_file_engine_wait(&state_of(dma)->engine, request);
  return err;
}

static int poll(struct aml_dma *dma) {
  return check_process(dma, "aml_dma_test");
}

static int cancel(struct aml_dma *dma, struct aml_dma_request *request) {
  const int err = check_process(dma, "aml_dma_cancel");
  return err ? err : aml_internal_file_engine_cancel(&state_of(dma)->engine, request);
}

static int barrier(struct aml_dma *dma) {
  const int err = check_process(dma, "aml_dma_barrier");
  if (!err)
    aml_internal_file_engine_barrier(&state_of(dma)->engine);
  return err;
}

/** Ends threads, which find nothing left to do. */
static void end_threads(struct aml_internal_file *state) {
  aml_internal_file_engine_stop(&state->engine);
  for (size_t i = 0; i < state->thread_count; ++i)
    (void)pthread_join(state->threads[i], NULL);
}

/** Releases all but threads: what was made, or what the child of a fork has of its parent's. */
static void release(struct aml_internal_file *state, bool is_ours) {
  aml_internal_file_ring_destroy(state->ring);
  if (state->buffers != NULL)
    (void)munmap(state->buffers, state->buffers_size);
  if (is_ours)
    aml_internal_file_engine_fini(&state->engine);
  else
    aml_internal_file_engine_abandon(&state->engine);
  free(state->threads);
  free(state->workers);
  free(state->slots);
  free(state);
}

static void fini(struct aml_dma *dma) {
  struct aml_internal_file *const state = state_of(dma);
  if (state == NULL)
    return;
  const bool is_ours = aml_internal_process_is(state->process);
  if (is_ours) {
    aml_internal_file_engine_barrier(&state->engine);
    end_threads(state);
  }
  // Before any of it goes, so that a child forked meanwhile finds all or nothing.
  ((struct aml_dma_file *)dma)->state = NULL;
  release(state, is_ours);
}

const struct aml_dma_ops aml_dma_file_ops = {
    .name = "file",
    .fini = fini,
    .capabilities = capabilities,
    .submit = submit,
    .wait = wait_done,
    .cancel = cancel,
    .poll = poll,
    .barrier = barrier,
};

// Making one

static const char init_call[] = "aml_dma_file_init";

static int check(const char *argument, size_t value, size_t most) {
  return value <= most
             ? 0
             : aml_error_set_value(-AML_EINVAL, init_call, argument, value, "is too many");
}

/** Checks options, and puts the defaults where they say 0. */
static int complete(struct aml_dma_file_options *options) {
  if (options->backend > AML_DMA_FILE_THREADS)
    return aml_error_set(-AML_EINVAL, init_call, "backend", "is none that there is");
  if (options->direct > AML_DMA_FILE_DIRECT)
    return aml_error_set(-AML_EINVAL, init_call, "direct", "is no such wish");
  int err = check("depth", options->depth, MAX_DEPTH);
  if (!err)
    err = check("threads", options->threads, MAX_THREADS);
  if (!err)
    err = check("piece_size", options->piece_size, MAX_PIECE);
  if (!err)
    err = check("queue_size", options->queue_size, MAX_QUEUE);
  if (err)
    return err;
  options->depth = options->depth == 0 ? 8 : options->depth;
  options->threads = options->threads == 0 ? 4 : options->threads;
  options->piece_size = options->piece_size == 0 ? 1 << 20 : options->piece_size;
  options->piece_size = (options->piece_size + PAGE - 1) / PAGE * PAGE;
  options->queue_size = options->queue_size == 0 ? 256 : options->queue_size;
  options->sieve_percent = options->sieve_percent == 0 ? 50 : options->sieve_percent;
  return 0;
}

/** Allocates slots and their buffers; no page of these is touched. */
static int make_slots(struct aml_internal_file *state, size_t count, size_t piece_size) {
  const size_t buffer_size = piece_size + 2 * AML_INTERNAL_FILE_MAX_ALIGNMENT;
  state->slots = calloc(count, sizeof *state->slots);
  state->workers = calloc(count, sizeof *state->workers);
  state->threads = calloc(count + 1, sizeof *state->threads);
  if (state->slots == NULL || state->workers == NULL || state->threads == NULL)
    return aml_error_set(-AML_ENOMEM, init_call, NULL, "no memory for slots");
  void *const buffers = mmap(NULL, count * buffer_size, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (buffers == MAP_FAILED)
    return aml_error_set(-AML_ENOMEM, init_call, NULL, "no memory for buffers");
  state->buffers = buffers;
  state->buffers_size = count * buffer_size;
  for (size_t i = 0; i < count; ++i)
    state->slots[i].buffer = state->buffers + i * buffer_size;
  return 0;
}

static int start(struct aml_internal_file *state, void *(*run)(void *), void *argument) {
  const int number = aml_internal_file_start(&state->threads[state->thread_count], run, argument);
  if (number != 0)
    return aml_error_set_system(init_call, "pthread_create", number);
  ++state->thread_count;
  return 0;
}

/** Chooses the backend; slots are made for either. */
static int choose(struct aml_internal_file *state, const struct aml_dma_file_options *options) {
  state->backend = AML_DMA_FILE_THREADS;
  if (options->backend == AML_DMA_FILE_THREADS) {
    (void)snprintf(state->reason, sizeof state->reason, "threads were asked for");
    return 0;
  }
  state->ring =
      aml_internal_file_ring_create(&state->engine, state->slots, options->depth, state->reason);
  if (state->ring != NULL)
    state->backend = AML_DMA_FILE_URING;
  else if (options->backend == AML_DMA_FILE_URING)
    return aml_error_set(-AML_ENOTSUP, init_call, "backend", state->reason);
  return 0;
}

static int start_all(struct aml_internal_file *state, const struct aml_dma_file_options *options) {
  int err = start(state, aml_internal_file_engine_run_held, &state->engine);
  if (!err && state->ring != NULL)
    return start(state, aml_internal_file_ring_run, state->ring);
  for (size_t i = 0; !err && i < options->threads; ++i) {
    state->workers[i] = (struct aml_internal_file_worker){&state->engine, &state->slots[i]};
    err = start(state, aml_internal_file_run_worker, &state->workers[i]);
  }
  return err;
}

/** Makes the parts in a state whose engine is initialised. */
static int assemble(struct aml_internal_file *state, const struct aml_dma_file_options *options) {
  const size_t count = options->depth > options->threads ? options->depth : options->threads;
  int err = make_slots(state, count, options->piece_size);
  if (!err)
    err = choose(state, options);
  return err ? err : start_all(state, options);
}

int aml_dma_file_init(struct aml_dma *dma, const struct aml_dma_file_options *options) {
  if (dma == NULL || dma->ops != &aml_dma_file_ops)
    return aml_error_set(-AML_EINVAL, init_call, "dma",
                         "is null, or was not declared by AML_DMA_FILE_DECL");
  struct aml_dma_file_options all = {0};
  if (options != NULL)
    all = *options;
  int err = complete(&all);
  if (err)
    return err;
  struct aml_internal_file *const state = calloc(1, sizeof *state);
  if (state == NULL)
    return aml_error_set(-AML_ENOMEM, init_call, NULL, "no memory for the dma");
  state->process = aml_internal_process_current();
  struct aml_internal_file_engine *const engine = &state->engine;
  // From the page cache, reading a hole of more costs as much as another call.
  const size_t hole_size = all.direct == AML_DMA_FILE_BUFFERED ? PAGE : all.piece_size;
  engine->limits = (struct aml_internal_file_limits){all.piece_size, all.sieve_percent, hole_size};
  engine->direct = (int)all.direct;
  err = aml_internal_copy_engine_init(&engine->copies, init_call, NULL, 0);
  if (!err)
    err = aml_internal_file_engine_init(engine, init_call, all.queue_size);
  if (err) {
    free(state);
    return err;
  }
  err = assemble(state, &all);
  if (err) {
    end_threads(state);
    release(state, true);
  } else {
    ((struct aml_dma_file *)dma)->state = state;
  }
  return err;
}

int aml_dma_file_create(struct aml_dma **dma, const struct aml_dma_file_options *options) {
  struct aml_dma *const made = aml_block_create("aml_dma_file_create", "dma", dma,
                                                sizeof(struct aml_dma_file), &aml_dma_file_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_dma_file_init(made, options);
  if (err)
    free(made);
  else
    *dma = made;
  return err;
}

enum aml_dma_file_backend aml_dma_file_backend_of(const struct aml_dma *dma, const char **reason) {
  if (dma == NULL || dma->ops != &aml_dma_file_ops || state_of(dma) == NULL)
    return AML_DMA_FILE_AUTO;
  if (reason != NULL)
    *reason = state_of(dma)->reason;
  return state_of(dma)->backend;
}
