// SPDX-License-Identifier: BSD-3-Clause
//
// A request's options are replaced by those of a record, whose notify is our own: it puts theirs
// back, which who waits may see at any time, so nobody else may look (see struct aml_dma_ops).
//
// Free records are a stack without a lock: its head holds the first one's number, from 1, and in
// the upper half a count of changes, by which a head that has come back is another one (R. K.
// Treiber, Systems Programming: Coping with Parallelism, 1986).

#include "aml/dma/traced.h"

#include <stdbool.h>
#include <stdlib.h>

#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/internal/clock.h"
#include "aml/dma/internal/inner.h"

enum { DEFAULT_IN_FLIGHT = 1024, MAX_IN_FLIGHT = 1000000 };

static const char init_call[] = "aml_dma_traced_init";

/** What stands for a request's options while it is in flight. */
struct record {
  struct aml_dma_options options;
  const struct aml_dma_options *theirs;
  struct aml_internal_traced *state;
  uint64_t submitted_ns;
  uint32_t next; /**< atomic; number of the next free one, 0: none */
};

struct aml_internal_traced {
  void (*hook)(const struct aml_dma_trace *trace, void *context);
  void *context;
  uint64_t free; /**< atomic; head of the stack */
  /** Atomic; as aml_dma_traced_get_stats() tells them. */
  struct aml_dma_traced_stats stats;
  struct record records[];
};

static const struct aml_dma_traced *self_of(const struct aml_dma *dma) {
  return (const struct aml_dma_traced *)dma;
}

static void add(uint64_t *count, uint64_t value) {
  (void)__atomic_fetch_add(count, value, __ATOMIC_RELAXED);
}

// Records

static uint64_t head_of(uint64_t before, uint32_t number) {
  return ((before >> 32) + 1) << 32 | number;
}

/** Takes a free record. Returns: null if there is none. */
static struct record *take_record(struct aml_internal_traced *state) {
  uint64_t head = __atomic_load_n(&state->free, __ATOMIC_ACQUIRE);
  for (;;) {
    const uint32_t number = (uint32_t)head;
    if (number == 0)
      return NULL;
    struct record *const record = &state->records[number - 1];
    const uint32_t next = __atomic_load_n(&record->next, __ATOMIC_RELAXED);
    if (__atomic_compare_exchange_n(&state->free, &head, head_of(head, next), true,
                                    __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
      return record;
  }
}

static void give_record(struct aml_internal_traced *state, struct record *record) {
  const uint32_t number = (uint32_t)(record - state->records) + 1;
  uint64_t head = __atomic_load_n(&state->free, __ATOMIC_RELAXED);
  do
    __atomic_store_n(&record->next, (uint32_t)head, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(&state->free, &head, head_of(head, number), true,
                                      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

// Requests

static void count(struct aml_dma_traced_stats *stats, const struct aml_dma_trace *trace) {
  const int result = trace->request->result;
  const uint64_t latency = trace->done_ns - trace->submitted_ns;
  add(result == 0 ? &stats->done : result == -AML_ECANCELED ? &stats->canceled : &stats->failed, 1);
  if (result == 0)
    add(&stats->size, trace->size);
  add(&stats->latency_ns, latency);
  add(&stats->latency[63 - __builtin_clzll(latency | 1)], 1);
}

/** The notify of a record's options. What others read of the record, they have read. */
static void on_done(struct aml_dma_request *request, void *argument) {
  struct record *const record = argument;
  struct aml_internal_traced *const state = record->state;
  const struct aml_dma_trace trace = {
      .request = request,
      .size = aml_tile_size(request->dst),
      .submitted_ns = record->submitted_ns,
      .done_ns = aml_internal_now_ns(),
  };
  request->options = record->theirs;
  give_record(state, record); // before notify, which may submit another request
  count(&state->stats, &trace);
  if (state->hook != NULL)
    state->hook(&trace, state->context);
  if (request->options->notify != NULL)
    request->options->notify(request, request->options->notify_argument);
}

/** Puts a record's options in the place of a request's. Returns: whether there was one. */
static bool replace(struct aml_internal_traced *state, struct aml_dma_request *request,
                    uint64_t now_ns) {
  struct record *const record = take_record(state);
  if (record == NULL)
    return false;
  record->theirs = request->options;
  record->options = *request->options;
  record->options.notify = on_done;
  record->options.notify_argument = record;
  record->submitted_ns = now_ns;
  request->options = &record->options;
  return true;
}

/** Undoes that for a request that was not taken. Returns: whether it had been done. */
static bool put_back(struct aml_internal_traced *state, struct aml_dma_request *request) {
  if (request->options->notify != on_done)
    return false;
  struct record *const record = request->options->notify_argument;
  if (record->state != state) // that of a traced dma over this one
    return false;
  request->options = record->theirs;
  give_record(state, record);
  return true;
}

static int submit_many(struct aml_dma *dma, size_t request_count,
                       struct aml_dma_request *const requests[], size_t *taken) {
  const struct aml_dma_traced *const self = self_of(dma);
  struct aml_internal_traced *const state = self->state;
  const uint64_t now = aml_internal_now_ns();
  size_t seen = 0;
  for (size_t i = 0; i < request_count; ++i)
    seen += replace(state, requests[i], now);
  // Before they can end, so that no account tells of more that ended than were taken.
  add(&state->stats.taken, seen);
  const int err = aml_internal_inner_submit_many(self->inner, request_count, requests, taken);
  size_t undone = 0;
  for (size_t i = *taken; i < request_count; ++i)
    undone += put_back(state, requests[i]);
  if (undone != 0)
    add(&state->stats.taken, 0 - (uint64_t)undone);
  if (seen - undone != *taken)
    add(&state->stats.unseen, *taken - (seen - undone));
  if (err)
    add(&state->stats.refused, 1);
  return err;
}

static int submit(struct aml_dma *dma, struct aml_dma_request *request) {
  size_t taken;
  return submit_many(dma, 1, &request, &taken);
}

static unsigned capabilities(const struct aml_dma *dma) {
  return aml_dma_capabilities(self_of(dma)->inner);
}

static int barrier(struct aml_dma *dma) {
  return aml_internal_inner_barrier(self_of(dma)->inner);
}

static void fini(struct aml_dma *dma) {
  struct aml_dma_traced *const self = (struct aml_dma_traced *)dma;
  if (self->state == NULL)
    return;
  (void)barrier(dma);
  free(self->state);
  *self = (struct aml_dma_traced){.dma = {.ops = &aml_dma_traced_ops}};
}

const struct aml_dma_ops aml_dma_traced_ops = {
    .name = "traced",
    .fini = fini,
    .capabilities = capabilities,
    .submit = submit,
    .wait = aml_internal_inner_wait,
    .cancel = aml_internal_inner_cancel,
    .barrier = barrier,
    .submit_many = submit_many,
};

// Making one, and reading

static struct aml_internal_traced *make_state(const struct aml_dma_traced_options *options) {
  const size_t capacity = options->in_flight == 0 ? DEFAULT_IN_FLIGHT : options->in_flight;
  struct aml_internal_traced *const state =
      calloc(1, sizeof *state + capacity * sizeof(struct record));
  if (state == NULL)
    return NULL;
  state->hook = options->hook;
  state->context = options->context;
  for (size_t i = capacity; i-- > 0;) {
    state->records[i].state = state;
    give_record(state, &state->records[i]);
  }
  return state;
}

int aml_dma_traced_init(struct aml_dma *dma, struct aml_dma *inner,
                        const struct aml_dma_traced_options *options) {
  static const struct aml_dma_traced_options defaults = {.in_flight = 0};
  if (dma == NULL || dma->ops != &aml_dma_traced_ops)
    return aml_error_set(-AML_EINVAL, init_call, "dma",
                         "is null, or was not declared by AML_DMA_TRACED_DECL");
  if (inner == NULL)
    return aml_error_set(-AML_EINVAL, init_call, "inner", "is null");
  if (options == NULL)
    options = &defaults;
  if (options->in_flight > MAX_IN_FLIGHT)
    return aml_error_set_value(-AML_EINVAL, init_call, "in_flight", options->in_flight,
                               "is more than a million");
  struct aml_internal_traced *const state = make_state(options);
  if (state == NULL)
    return aml_error_set(-AML_ENOMEM, init_call, NULL, "no memory for the account");
  struct aml_dma_traced *const self = (struct aml_dma_traced *)dma;
  self->inner = inner;
  self->state = state;
  return 0;
}

int aml_dma_traced_create(struct aml_dma **dma, struct aml_dma *inner,
                          const struct aml_dma_traced_options *options) {
  struct aml_dma *const made = aml_block_create("aml_dma_traced_create", "dma", dma,
                                                sizeof(struct aml_dma_traced), &aml_dma_traced_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_dma_traced_init(made, inner, options);
  if (err)
    free(made);
  else
    *dma = made;
  return err;
}

int aml_dma_traced_get_stats(const struct aml_dma *dma, struct aml_dma_traced_stats *stats) {
  static const char call[] = "aml_dma_traced_get_stats";
  if (dma == NULL || dma->ops != &aml_dma_traced_ops || self_of(dma)->state == NULL)
    return aml_error_set(-AML_EINVAL, call, "dma", "is no traced dma that is initialised");
  if (stats == NULL)
    return aml_error_set(-AML_EINVAL, call, "stats", "is null");
  // All of it is counters of one width.
  const uint64_t *const from = (const uint64_t *)&self_of(dma)->state->stats;
  uint64_t *const to = (uint64_t *)stats;
  for (size_t i = 0; i < sizeof *stats / sizeof *to; ++i)
    to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
  return 0;
}

uint64_t aml_dma_traced_quantile(const struct aml_dma_traced_stats *stats, double share) {
  if (stats == NULL)
    return 0;
  uint64_t all = 0;
  for (size_t i = 0; i < AML_DMA_TRACED_CLASSES; ++i)
    all += stats->latency[i];
  // The first rank that has at least that share up to it.
  const double rank = share >= 1 ? (double)all : share > 0 ? share * (double)all : 0;
  uint64_t up_to = 0;
  for (size_t i = 0; i < AML_DMA_TRACED_CLASSES; ++i) {
    up_to += stats->latency[i];
    if (up_to != 0 && (double)up_to >= rank)
      return i == 63 ? UINT64_MAX : ((uint64_t)2 << i) - 1;
  }
  return 0;
}
