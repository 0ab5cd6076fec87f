// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/jobs.h"

#include <limits.h>
#include <string.h>

#include "aml/core/internal/pause.h"
#include "aml/dma/internal/plan.h"

enum {
  MAX_PAUSES = 1000,
  PARTS_OF_SEAT = 8,      // enough to even out, few enough that what begins each costs nothing
  LOCATED_SIZE = 1 << 20, // bytes of a part, compared with which it costs nothing to look for it
  ANY = -1                // home
};

static const uint32_t open_bit = (uint32_t)1 << 31;

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/** Finds out, and notes, what is near the calling thread, of several homes. */
static int16_t look_around(struct aml_internal_jobs *jobs, size_t seat) {
  const int16_t here = aml_internal_homes_here(&jobs->homes);
  if (seat < jobs->thread_count)
    __atomic_store_n(&jobs->here[seat], here, __ATOMIC_RELAXED);
  return here;
}

void aml_internal_jobs_sit(struct aml_internal_jobs *jobs, size_t seat) {
  if (jobs->homes.are_several)
    (void)look_around(jobs, seat);
}

/**
 * In how many parts a transfer is cut; *has_homes: they are small enough to be of one node, where
 * memory is dealt to nodes in blocks, and large enough to be looked for.
 */
static size_t count_parts(const struct aml_internal_jobs *jobs,
                          const struct aml_internal_transfer *transfer, bool *has_homes) {
  const size_t most = least(PARTS_OF_SEAT * (jobs->thread_count + 1), AML_INTERNAL_MAX_PARTS);
  const size_t count = aml_internal_transfer_parts(transfer, jobs->chunk_size, most);
  *has_homes = count > 1 && jobs->homes.are_several && transfer->whole_size / count >= LOCATED_SIZE;
  if (!*has_homes)
    return count;
  const size_t size = jobs->chunk_size < LOCATED_SIZE ? LOCATED_SIZE : jobs->chunk_size;
  return aml_internal_transfer_parts(transfer, size, AML_INTERNAL_MAX_PARTS);
}

/** Finds the home of each part. */
static void locate(const struct aml_internal_jobs *jobs, struct aml_internal_job *job) {
  struct aml_internal_transfer part;
  void *pages[AML_INTERNAL_HOMES_AT_ONCE];
  for (size_t begin = 0; begin < job->part_count; begin += AML_INTERNAL_HOMES_AT_ONCE) {
    const size_t count = least(AML_INTERNAL_HOMES_AT_ONCE, job->part_count - begin);
    for (size_t i = 0; i < count; ++i) {
      aml_internal_transfer_part(job->transfer, job->part_count, begin + i, &part);
      pages[i] = aml_internal_plan_middle(&part.plan);
    }
    aml_internal_homes_locate(&jobs->homes, count, pages, &job->home[begin]);
  }
}

/** A job that nobody else has; null: there is none left. */
static struct aml_internal_job *take(struct aml_internal_jobs *jobs) {
  for (size_t i = 0; i < jobs->count; ++i) {
    uint32_t free_one = 0;
    if (__atomic_load_n(&jobs->jobs[i].is_taken, __ATOMIC_RELAXED) == 0 &&
        __atomic_compare_exchange_n(&jobs->jobs[i].is_taken, &free_one, 1, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_RELAXED))
      return &jobs->jobs[i];
  }
  return NULL;
}

struct aml_internal_job *aml_internal_jobs_open(struct aml_internal_jobs *jobs,
                                                const struct aml_internal_transfer *transfer,
                                                const struct aml_dma_options *options) {
  bool has_homes;
  const size_t part_count = count_parts(jobs, transfer, &has_homes);
  struct aml_internal_job *const job = part_count > 1 ? take(jobs) : NULL;
  if (job == NULL)
    return NULL;
  job->transfer = transfer;
  job->options = options;
  job->part_count = part_count;
  job->has_homes = has_homes;
  job->result = 0;
  job->unbegun = part_count;
  memset(job->is_begun, 0, part_count);
  if (has_homes)
    locate(jobs, job);
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

/** Whether this thread is the one that begins a part. */
static bool begin(struct aml_internal_jobs *jobs, struct aml_internal_job *job, size_t part) {
  if (__atomic_load_n(&job->is_begun[part], __ATOMIC_RELAXED) != 0 ||
      __atomic_exchange_n(&job->is_begun[part], 1, __ATOMIC_RELAXED) != 0)
    return false;
  // None left: idle threads look for something else, however long the last parts take.
  if (__atomic_sub_fetch(&job->unbegun, 1, __ATOMIC_RELAXED) == 0)
    (void)__atomic_fetch_sub(&jobs->active, 1, __ATOMIC_RELAXED);
  return true;
}

static bool is_of(const struct aml_internal_job *job, size_t part, int home) {
  return home == ANY || job->home[part] == home;
}

/** The first part of share `index` of `count` of those of a home; if there are none, any. */
static size_t first_of(const struct aml_internal_job *job, int home, size_t index, size_t count) {
  size_t parts = 0;
  size_t first = 0;
  if (home == ANY)
    return job->part_count * index / count;
  for (size_t part = 0; part < job->part_count; ++part)
    parts += is_of(job, part, home) ? 1 : 0;
  for (size_t before = parts * index / count; before > 0; ++first)
    before -= is_of(job, first, home) ? 1 : 0;
  return first;
}

/** A thread that takes part. */
struct hand {
  size_t seat;
  const struct aml_dma_request *until; /**< once that is done, it begins no more; null: it does */
};

/** Whether a thread is to begin no more parts. */
static bool is_over(const struct aml_internal_job *job, const struct hand *hand) {
  return __atomic_load_n(&job->unbegun, __ATOMIC_RELAXED) == 0 ||
         (hand->until != NULL && aml_dma_request_state(hand->until) == AML_DMA_DONE);
}

/** Runs parts of a home, from a share on, until all have been begun. Returns: whether any were. */
static bool work_on(struct aml_internal_jobs *jobs, struct aml_internal_job *job,
                    const struct hand *hand, int home, size_t index, size_t count) {
  bool worked = false;
  size_t part = first_of(job, home, index, count);
  for (size_t i = 0; i < job->part_count; ++i, ++part) {
    if (is_over(job, hand))
      return worked;
    part = part < job->part_count ? part : 0;
    if (!is_of(job, part, home) || !begin(jobs, job, part))
      continue;
    run_part(&jobs->engine, job, part);
    worked = true;
  }
  return worked;
}

/**
 * Runs those whose home is here. The shares are of the threads that were here when they last
 * looked, and one more, for who waits.
 */
static bool work_near(struct aml_internal_jobs *jobs, struct aml_internal_job *job,
                      const struct hand *hand) {
  const int16_t here = look_around(jobs, hand->seat);
  size_t index = 0;
  size_t count = 1;
  for (size_t i = 0; i < jobs->thread_count; ++i)
    if (__atomic_load_n(&jobs->here[i], __ATOMIC_RELAXED) == here) {
      index += i < hand->seat ? 1 : 0;
      ++count;
    }
  return here != 0 && work_on(jobs, job, hand, here, index, count);
}

/** Runs parts until all have been begun, or it is over. Returns: whether there were any. */
static bool work(struct aml_internal_jobs *jobs, struct aml_internal_job *job,
                 const struct hand *hand) {
  const size_t count = jobs->thread_count + 1;
  bool worked = false;
  if (job->has_homes) {
    worked = work_near(jobs, job, hand);
    worked |= work_on(jobs, job, hand, 0, hand->seat, count);
  }
  return work_on(jobs, job, hand, ANY, hand->seat, count) || worked;
}

/** Whether nobody is in a job any more. */
static bool is_deserted(const struct aml_internal_job *job) {
  return __atomic_load_n(&job->state, __ATOMIC_SEQ_CST) == 0;
}

int aml_internal_jobs_run(struct aml_internal_jobs *jobs, struct aml_internal_job *job,
                          size_t seat) {
  const struct hand hand = {.seat = seat};
  (void)work(jobs, job, &hand);
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

bool aml_internal_jobs_join(struct aml_internal_jobs *jobs, size_t seat,
                            const struct aml_dma_request *until) {
  const struct hand hand = {seat, until};
  bool worked = false;
  if (__atomic_load_n(&jobs->active, __ATOMIC_SEQ_CST) == 0)
    return false;
  for (size_t i = 0; i < jobs->count; ++i) {
    struct aml_internal_job *const job = &jobs->jobs[i];
    if (!join(job))
      continue;
    worked |= work(jobs, job, &hand);
    (void)__atomic_fetch_sub(&job->state, 1, __ATOMIC_SEQ_CST);
    if (aml_internal_event_has_sleepers(&jobs->quit))
      aml_internal_event_wake(&jobs->quit, INT_MAX);
  }
  return worked;
}
