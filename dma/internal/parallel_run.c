// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/parallel_run.h"

#include <limits.h>

#include "aml/core/error.h"
#include "aml/core/internal/pause.h"
#include "aml/dma/internal/clock.h"
#include "aml/dma/internal/transfer.h"

static _Thread_local bool is_within;

bool aml_internal_parallel_is_within(void) {
  return is_within;
}

/** Copies, with the help of others if it is large, and of those who wait for it by now. */
static int run_transfer(struct aml_internal_parallel *parallel,
                        const struct aml_dma_options *options,
                        const struct aml_internal_transfer *transfer,
                        struct aml_internal_event *done, size_t seat) {
  struct aml_internal_job *const job =
      aml_internal_jobs_is_large(&parallel->jobs, transfer)
          ? aml_internal_jobs_open(&parallel->jobs, transfer, options)
          : NULL;
  if (job == NULL)
    return aml_internal_transfer_run(&parallel->jobs.engine, options, transfer);
  if (aml_internal_event_has_sleepers(&parallel->idle))
    aml_internal_event_wake(&parallel->idle, (int)job->part_count - 1);
  if (aml_internal_event_has_sleepers(done))
    aml_internal_event_wake(done, INT_MAX);
  return aml_internal_jobs_run(&parallel->jobs, job, seat);
}

/**
 * Says that a request that was claimed, and is done, is: to who waits for it, and to barriers. It
 * may be gone by now.
 */
static void tell(struct aml_internal_parallel *parallel, struct aml_internal_event *done,
                 uint64_t claim) {
  aml_internal_ring_finish(&parallel->ring, claim);
  if (aml_internal_event_has_sleepers(done))
    aml_internal_event_wake(done, INT_MAX);
  if (aml_internal_event_has_sleepers(&parallel->finished))
    aml_internal_event_wake(&parallel->finished, INT_MAX);
}

bool aml_internal_parallel_join(struct aml_internal_parallel *parallel, size_t seat,
                                const struct aml_dma_request *until) {
  const bool was_within = is_within;
  is_within = true;
  const bool joined = aml_internal_jobs_join(&parallel->jobs, seat, until);
  is_within = was_within;
  return joined;
}

void aml_internal_parallel_run(struct aml_internal_parallel *parallel,
                               struct aml_dma_request *request, uint64_t claim, size_t seat) {
  struct aml_internal_event *const done = aml_internal_parallel_done_event(parallel, request);
  const enum aml_internal_transfer_kind kind = (enum aml_internal_transfer_kind)(
      request->work[AML_INTERNAL_PARALLEL_KIND] & (AML_INTERNAL_PARALLEL_IS_READY - 1));
  struct aml_internal_transfer transfer;
  const bool was_within = is_within;
  is_within = true;
  __atomic_store_n(&request->state, AML_DMA_RUNNING, __ATOMIC_RELAXED);
  const int err = aml_dma_request_await_others(request);
  if (err) {
    aml_dma_request_fail(request, err, aml_error_detail());
  } else {
    aml_internal_transfer_plan(request, kind, &transfer);
    aml_internal_transfer_finish(request,
                                 run_transfer(parallel, request->options, &transfer, done, seat));
  }
  is_within = was_within;
  tell(parallel, done, claim);
}

void aml_internal_parallel_call_off(struct aml_internal_parallel *parallel,
                                    struct aml_dma_request *request, uint64_t claim) {
  struct aml_internal_event *const done = aml_internal_parallel_done_event(parallel, request);
  const bool was_within = is_within;
  is_within = true;
  aml_dma_request_fail(request, -AML_ECANCELED, "it was canceled");
  is_within = was_within;
  tell(parallel, done, claim);
}

bool aml_internal_parallel_run_next(struct aml_internal_parallel *parallel,
                                    enum aml_internal_ring_phase most, size_t seat) {
  uint64_t claim;
  struct aml_dma_request *const request = aml_internal_ring_take(&parallel->ring, most, &claim);
  if (request == NULL)
    return false;
  // Whoever put more than one woke one thread only.
  if (aml_internal_ring_has_work(&parallel->ring))
    aml_internal_parallel_wake_one(parallel);
  aml_internal_parallel_run(parallel, request, claim, seat);
  return true;
}

// What a thread that has nothing to do looks for.

static bool has_work(struct aml_internal_parallel *parallel) {
  return aml_internal_ring_has_work(&parallel->ring) ||
         __atomic_load_n(&parallel->jobs.active, __ATOMIC_SEQ_CST) != 0 ||
         __atomic_load_n(&parallel->is_ending, __ATOMIC_SEQ_CST) != 0;
}

/** Looks for work for a while. Returns: whether there may be some. */
static bool spin(struct aml_internal_parallel *parallel) {
  bool found = has_work(parallel);
  (void)__atomic_fetch_add(&parallel->spinning, 1, __ATOMIC_SEQ_CST);
  for (const uint64_t start = aml_internal_now_ns();
       !found && aml_internal_now_ns() - start < parallel->spin_ns;)
    for (int i = 0; !found && i < AML_INTERNAL_PARALLEL_LOOKS; ++i) {
      aml_internal_pause();
      found = has_work(parallel);
    }
  (void)__atomic_fetch_sub(&parallel->spinning, 1, __ATOMIC_SEQ_CST);
  return found;
}

void *aml_internal_parallel_work(void *argument) {
  struct aml_internal_worker *const worker = argument;
  struct aml_internal_parallel *const parallel = worker->parallel;
  aml_internal_jobs_sit(&parallel->jobs, worker->seat);
  for (;;) {
    if (aml_internal_parallel_run_next(parallel, AML_INTERNAL_RING_LATER, worker->seat) ||
        aml_internal_parallel_join(parallel, worker->seat, NULL))
      continue;
    if (__atomic_load_n(&parallel->is_ending, __ATOMIC_SEQ_CST) != 0)
      return NULL;
    if (spin(parallel))
      continue;
    const uint32_t ticket = aml_internal_event_prepare(&parallel->idle);
    if (has_work(parallel))
      aml_internal_event_cancel(&parallel->idle);
    else
      aml_internal_event_sleep(&parallel->idle, ticket);
  }
}
