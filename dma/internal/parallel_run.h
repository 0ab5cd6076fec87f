// SPDX-License-Identifier: BSD-3-Clause
//
// What a thread of dma:parallel does: look for requests and large copies, and run them. Those who
// wait run some of it too.

#ifndef AML_DMA_INTERNAL_PARALLEL_RUN_H
#define AML_DMA_INTERNAL_PARALLEL_RUN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/dma.h"
#include "aml/dma/internal/event.h"
#include "aml/dma/internal/jobs.h"
#include "aml/dma/internal/ring.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  AML_INTERNAL_PARALLEL_BUCKETS = 64, /**< of requests that are waited for, by their addresses */
  AML_INTERNAL_PARALLEL_LOOKS = 64    /**< between two looks at the clock */
};

/** What a request's work words are for: its kind, with IS_READY set if nothing need be awaited. */
enum {
  AML_INTERNAL_PARALLEL_POSITION,
  AML_INTERNAL_PARALLEL_KIND,
  AML_INTERNAL_PARALLEL_IS_READY = 1 << 8
};

struct aml_internal_worker {
  struct aml_internal_parallel *parallel;
  pthread_t thread;
  size_t seat; /**< in large copies */
};

// Threads that do different things write to different lines.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding)
struct aml_internal_parallel {
  struct aml_internal_ring ring;
  struct aml_internal_event idle __attribute__((aligned(64))); /**< threads without work */
  uint32_t spinning;                                           /**< threads that look for it */
  uint32_t is_ending;
  struct aml_internal_event finished __attribute__((aligned(64))); /**< for barriers */
  pthread_mutex_t barriers;                                        /**< one at a time */
  struct {
    struct aml_internal_event done __attribute__((aligned(64)));
  } buckets[AML_INTERNAL_PARALLEL_BUCKETS];
  struct aml_internal_jobs jobs __attribute__((aligned(64)));
  uint64_t spin_ns;
  uint64_t process; /**< whose threads they are */
  size_t thread_count;
  struct aml_internal_worker *workers;
};

/** Where those sleep who wait for a request. */
static inline struct aml_internal_event *
aml_internal_parallel_done_event(struct aml_internal_parallel *parallel,
                                 const struct aml_dma_request *request) {
  const uint64_t hash = (uint64_t)(uintptr_t)request * 0x9E3779B97F4A7C15u;
  return &parallel->buckets[hash >> 58].done;
}

/** As internal/event.h wants it asked. */
static inline bool aml_internal_parallel_is_done(const struct aml_dma_request *request) {
  return __atomic_load_n(&request->state, __ATOMIC_SEQ_CST) == AML_DMA_DONE;
}

/** Wakes a thread for what was put into the queue, unless one is about to see it anyway. */
static inline void aml_internal_parallel_wake_one(struct aml_internal_parallel *parallel) {
  if (aml_internal_event_has_sleepers(&parallel->idle) &&
      __atomic_load_n(&parallel->spinning, __ATOMIC_SEQ_CST) == 0)
    aml_internal_event_wake(&parallel->idle, 1);
}

/** Whether this thread is within a request's operation or notify. */
bool aml_internal_parallel_is_within(void);

/** Takes part in a large copy of others, as aml_internal_jobs_join(). */
bool aml_internal_parallel_join(struct aml_internal_parallel *parallel, size_t seat,
                                const struct aml_dma_request *until);

/** Runs a request that was claimed. */
void aml_internal_parallel_run(struct aml_internal_parallel *parallel,
                               struct aml_dma_request *request, uint64_t claim, size_t seat);

/** Makes a request done that was claimed in order not to be run. */
void aml_internal_parallel_call_off(struct aml_internal_parallel *parallel,
                                    struct aml_dma_request *request, uint64_t claim);

/**
 * Runs the next request of the queue.
 *
 * @param most  not one of a phase above that.
 * @param seat  the one that the thread has in large copies.
 *
 * Returns: false if there is none to run.
 */
bool aml_internal_parallel_run_next(struct aml_internal_parallel *parallel,
                                    enum aml_internal_ring_phase most, size_t seat);

/** A thread's life; its argument is a worker. */
void *aml_internal_parallel_work(void *argument);

#ifdef __cplusplus
}
#endif

#endif
