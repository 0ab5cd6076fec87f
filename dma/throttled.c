// SPDX-License-Identifier: BSD-3-Clause
//
// One number says all: paid_ticks, the time at which the rate has made up for what was let through.
// A request moves it by what its bytes take, so that its turn is settled, and then waits until no
// more than a burst is owed for what came before it. Ticks are finer than the clock's nanoseconds,
// as a small request takes less than one at the rate of a fast memory.

#include "aml/dma/throttled.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "aml/core/create.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/internal/clock.h"
#include "aml/dma/internal/inner.h"

enum { TICKS_PER_NS = 16, DEFAULT_BURST_NS = 10000000 };

static const char init_call[] = "aml_dma_throttled_init";

static struct aml_dma_throttled *self_of(struct aml_dma *dma) {
  return (struct aml_dma_throttled *)dma;
}

static uint64_t monotonic_now(void *context) {
  (void)context;
  return aml_internal_now_ns();
}

static void monotonic_sleep(uint64_t time_ns, void *context) {
  (void)context;
  const struct timespec until = {.tv_sec = (time_t)(time_ns / 1000000000),
                                 .tv_nsec = (long)(time_ns % 1000000000)};
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
  }
}

/** What the rate takes for some bytes, rounded up; half of what a number holds at most. */
static uint64_t ticks_of(double ticks_per_byte, double size) {
  const double ticks = size * ticks_per_byte;
  if (ticks >= 0x1p63)
    return UINT64_C(1) << 63;
  const uint64_t whole = (uint64_t)ticks;
  return whole + ((double)whole < ticks);
}

static uint64_t cost_of(const struct aml_dma_throttled *self,
                        const struct aml_dma_request *request) {
  return ticks_of(self->ticks_per_byte, (double)aml_tile_size(request->dst));
}

static uint64_t add(uint64_t a, uint64_t b) {
  return a + b < a ? UINT64_MAX : a + b;
}

/** What is let through at once. */
struct turn {
  size_t count;     /**< of requests */
  uint64_t charged; /**< ticks */
  uint64_t due;     /**< when, in ticks */
  bool is_now;
};

/** Settles the turn of the first request, and of as many more as the burst has room for now. */
static int reserve(struct aml_dma_throttled *self, size_t count,
                   struct aml_dma_request *const requests[], struct turn *turn) {
  const uint64_t now = (self->clock.now_ns(self->clock.context) - self->start_ns) * TICKS_PER_NS;
  const uint64_t room = add(now, self->burst_ticks);
  uint64_t paid = __atomic_load_n(&self->paid_ticks, __ATOMIC_RELAXED);
  uint64_t next;
  do {
    turn->due = paid > self->burst_ticks ? paid - self->burst_ticks : 0;
    turn->is_now = paid <= room;
    if (!turn->is_now && (requests[0]->options->flags & AML_DMA_TRY) != 0)
      return aml_error_set(-AML_EAGAIN, "aml_dma_submit", "dma", "has reached its limit for now");
    const uint64_t from = paid > now ? paid : now;
    next = from;
    turn->count = 0;
    do
      next = add(next, cost_of(self, requests[turn->count++]));
    while (turn->is_now && next <= room && turn->count < count);
    turn->charged = next - from;
  } while (!__atomic_compare_exchange_n(&self->paid_ticks, &paid, next, true, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED));
  return 0;
}

static void sleep_until_due(const struct aml_dma_throttled *self, const struct turn *turn) {
  if (!turn->is_now)
    self->clock.sleep_until_ns(self->start_ns + turn->due / TICKS_PER_NS +
                                   (turn->due % TICKS_PER_NS != 0),
                               self->clock.context);
}

/** Gives back what was charged for requests that were not taken. */
static void refund(struct aml_dma_throttled *self, const struct turn *turn,
                   struct aml_dma_request *const requests[], size_t taken) {
  uint64_t ticks = 0;
  for (size_t i = taken; i < turn->count; ++i)
    ticks = add(ticks, cost_of(self, requests[i]));
  // Less was charged where the number was at its end.
  ticks = ticks < turn->charged ? ticks : turn->charged;
  (void)__atomic_fetch_sub(&self->paid_ticks, ticks, __ATOMIC_RELAXED);
}

static int submit_many(struct aml_dma *dma, size_t count, struct aml_dma_request *const requests[],
                       size_t *taken) {
  struct aml_dma_throttled *const self = self_of(dma);
  int err = 0;
  *taken = 0;
  while (!err && *taken < count) {
    struct aml_dma_request *const *const rest = &requests[*taken];
    struct turn turn = {0};
    size_t done = 0;
    err = reserve(self, count - *taken, rest, &turn);
    if (err)
      break;
    sleep_until_due(self, &turn);
    err = aml_internal_inner_submit_many(self->inner, turn.count, rest, &done);
    if (err)
      refund(self, &turn, rest, done);
    *taken += done;
  }
  return err;
}

static int submit(struct aml_dma *dma, struct aml_dma_request *request) {
  size_t taken;
  return submit_many(dma, 1, &request, &taken);
}

static unsigned capabilities(const struct aml_dma *dma) {
  return aml_dma_capabilities(((const struct aml_dma_throttled *)dma)->inner);
}

static int barrier(struct aml_dma *dma) {
  return aml_internal_inner_barrier(self_of(dma)->inner);
}

static void fini(struct aml_dma *dma) {
  if (self_of(dma)->inner == NULL)
    return;
  (void)barrier(dma);
  *self_of(dma) = (struct aml_dma_throttled){.dma = {.ops = &aml_dma_throttled_ops}};
}

const struct aml_dma_ops aml_dma_throttled_ops = {
    .name = "throttled",
    .fini = fini,
    .capabilities = capabilities,
    .submit = submit,
    .wait = aml_internal_inner_wait,
    .cancel = aml_internal_inner_cancel,
    .barrier = barrier,
    .submit_many = submit_many,
};

static int refuse(const char *argument, const char *reason) {
  return aml_error_set(-AML_EINVAL, init_call, argument, reason);
}

int aml_dma_throttled_init(struct aml_dma *dma, struct aml_dma *inner,
                           const struct aml_dma_throttled_options *options) {
  static const struct aml_dma_throttled_clock monotonic = {monotonic_now, monotonic_sleep, NULL};
  if (dma == NULL || dma->ops != &aml_dma_throttled_ops)
    return refuse("dma", "is null, or was not declared by AML_DMA_THROTTLED_DECL");
  if (inner == NULL)
    return refuse("inner", "is null");
  if (options == NULL)
    return refuse("options", "is null");
  if (options->bytes_per_second == 0)
    return refuse("bytes_per_second", "is 0");
  const struct aml_dma_throttled_clock *const clock =
      options->clock == NULL ? &monotonic : options->clock;
  if (clock->now_ns == NULL || clock->sleep_until_ns == NULL)
    return refuse("clock", "lacks a function");
  const double ticks_per_byte = 1e9 * TICKS_PER_NS / (double)options->bytes_per_second;
  *self_of(dma) = (struct aml_dma_throttled){
      .dma = *dma,
      .inner = inner,
      .clock = *clock,
      .start_ns = clock->now_ns(clock->context),
      .ticks_per_byte = ticks_per_byte,
      .burst_ticks = options->burst == 0 ? (uint64_t)DEFAULT_BURST_NS * TICKS_PER_NS
                                         : ticks_of(ticks_per_byte, (double)options->burst),
  };
  return 0;
}

int aml_dma_throttled_create(struct aml_dma **dma, struct aml_dma *inner,
                             const struct aml_dma_throttled_options *options) {
  struct aml_dma *const made =
      aml_block_create("aml_dma_throttled_create", "dma", dma, sizeof(struct aml_dma_throttled),
                       &aml_dma_throttled_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_dma_throttled_init(made, inner, options);
  if (err)
    free(made);
  else
    *dma = made;
  return err;
}
