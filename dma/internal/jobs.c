// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/jobs.h"

#include <limits.h>

#include "aml/core/internal/pause.h"

enum { MAX_PAUSES = 1000 };

static const uint32_t open_bit = (uint32_t)1 << 31;

/** The first part of a share; of the one behind the last, the number of parts. */
static size_t first_of(const struct aml_internal_job *job, size_t share) {
  const size_t count = job->share_count;
  return job->part_count / count * share + job->part_count % count * share / count;
}

struct aml_internal_job *aml_internal_jobs_open(struct aml_internal_jobs *jobs,
                                                const struct aml_internal_transfer *transfer,
                                                const struct aml_dma_options *options,
                                                size_t part_count, size_t share_count) {
  struct aml_internal_job *job = NULL;
  for (size_t i = 0; i < jobs->count && job == NULL; ++i) {
    uint32_t free_one = 0;
    if (__atomic_load_n(&jobs->jobs[i].is_taken, __ATOMIC_RELAXED) == 0 &&
        __atomic_compare_exchange_n(&jobs->jobs[i].is_taken, &free_one, 1, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED))
      job = &jobs->jobs[i];
  }
  if (job == NULL)
    return NULL;
  size_t shares = share_count < part_count ? share_count : part_count;
  shares = shares < AML_INTERNAL_MAX_SHARES ? shares : AML_INTERNAL_MAX_SHARES;
  job->transfer = transfer;
  job->options = options;
  job->part_count = part_count;
  job->share_count = (uint32_t)shares;
  job->result = 0;
  job->unbegun = part_count;
  for (size_t i = 0; i < shares; ++i)
    job->next[i] = first_of(job, i);
  (void)__atomic_fetch_add(&jobs->active, 1, __ATOMIC_SEQ_CST);
  __atomic_store_n(&job->state, open_bit, __ATOMIC_SEQ_CST);
  return job;
}

static void run_part(const struct aml_internal_copy_engine *engine, struct aml_internal_job *job,
                     size_t index) {
  struct aml_internal_transfer part;
  int none = 0;
  if (__atomic_load_n(&job->result, __ATOMIC_RELAXED) != 0)
    return;
  aml_internal_transfer_part(job->transfer, job->part_count, index, &part);
  const int result = aml_internal_transfer_run(engine, job->options, &part);
  if (result != 0)
    (void)__atomic_compare_exchange_n(&job->result, &none, result, false, __ATOMIC_RELAXED,
                                      __ATOMIC_RELAXED);
}

/** Runs parts until all have been begun. Returns: whether there were any. */
static bool work(struct aml_internal_jobs *jobs, struct aml_internal_job *job, size_t share) {
  bool worked = false;
  for (size_t i = 0; i < job->share_count; ++i) {
    const size_t mine = (share + i) % job->share_count;
    const size_t end = first_of(job, mine + 1);
    while (__atomic_load_n(&job->next[mine], __ATOMIC_RELAXED) < end) {
      const size_t index = __atomic_fetch_add(&job->next[mine], 1, __ATOMIC_RELAXED);
      if (index >= end)
        break;
      // None left: idle threads look for something else, however long the last parts take.
      if (__atomic_sub_fetch(&job->unbegun, 1, __ATOMIC_RELAXED) == 0)
        (void)__atomic_fetch_sub(&jobs->active, 1, __ATOMIC_RELAXED);
      run_part(&jobs->engine, job, index);
      worked = true;
    }
  }
  return worked;
}

/** Whether nobody is in a job any more. */
static bool is_deserted(const struct aml_internal_job *job) {
  return __atomic_load_n(&job->state, __ATOMIC_SEQ_CST) == 0;
}

int aml_internal_jobs_run(struct aml_internal_jobs *jobs, struct aml_internal_job *job,
                          size_t share) {
  (void)work(jobs, job, share);
  (void)__atomic_fetch_and(&job->state, ~open_bit, __ATOMIC_ACQUIRE);
  // Those who have joined are in the middle of their last part.
  for (int i = 0; i < MAX_PAUSES && !is_deserted(job); ++i)
    aml_internal_pause();
  while (!is_deserted(job)) {
    const uint32_t ticket = aml_internal_event_prepare(&jobs->quit);
    if (is_deserted(job))
      aml_internal_event_cancel(&jobs->quit);
    else
      aml_internal_event_sleep(&jobs->quit, ticket);
  }
  const int result = __atomic_load_n(&job->result, __ATOMIC_RELAXED);
  __atomic_store_n(&job->is_taken, 0, __ATOMIC_RELEASE);
  return result;
}

/** Joins a job if that is open. */
static bool join(struct aml_internal_job *job) {
  uint32_t state = __atomic_load_n(&job->state, __ATOMIC_RELAXED);
  while ((state & open_bit) != 0)
    if (__atomic_compare_exchange_n(&job->state, &state, state + 1, true, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED))
      return true;
  return false;
}

bool aml_internal_jobs_join(struct aml_internal_jobs *jobs, size_t share) {
  bool worked = false;
  if (__atomic_load_n(&jobs->active, __ATOMIC_SEQ_CST) == 0)
    return false;
  for (size_t i = 0; i < jobs->count; ++i) {
    struct aml_internal_job *const job = &jobs->jobs[i];
    if (!join(job))
      continue;
    worked |= work(jobs, job, share);
    (void)__atomic_fetch_sub(&job->state, 1, __ATOMIC_SEQ_CST);
    if (aml_internal_event_has_sleepers(&jobs->quit))
      aml_internal_event_wake(&jobs->quit, INT_MAX);
  }
  return worked;
}
