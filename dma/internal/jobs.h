// SPDX-License-Identifier: BSD-3-Clause
//
// Large copies, in which every idle thread takes part. A job is cut into parts, and the parts are
// dealt to shares, one for each thread, so that the same thread has the same part of the memory
// each time; who is through with his own share goes on with another's.

#ifndef AML_DMA_INTERNAL_JOBS_H
#define AML_DMA_INTERNAL_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/dma.h"
#include "aml/dma/internal/copy.h"
#include "aml/dma/internal/event.h"
#include "aml/dma/internal/transfer.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AML_INTERNAL_MAX_SHARES = 32 };

struct aml_internal_job {
  /** Whether others may join, and how many have. */
  uint32_t state __attribute__((aligned(64)));
  uint32_t is_taken; /**< some thread is to run, runs or has run it */
  int result;        /**< the first one that is not 0 */
  size_t unbegun;    /**< parts that nobody has begun */
  uint32_t share_count;
  size_t part_count;
  const struct aml_internal_transfer *transfer;
  const struct aml_dma_options *options;
  size_t next[AML_INTERNAL_MAX_SHARES]; /**< part of each share */
};

/** Zeroed to begin with, but for what is said to be the owner's. */
struct aml_internal_jobs {
  uint32_t active;                /**< jobs of which parts are left */
  struct aml_internal_event quit; /**< somebody who had joined has left */
  size_t count;                   /**< of jobs; the owner's, as the rest */
  struct aml_internal_job *jobs;  /**< zeroed to begin with */
  struct aml_internal_copy_engine engine;
};

/**
 * Takes a job and lets others join.
 *
 * @param part_count   above 1.
 * @param share_count  threads that may come to take part.
 *
 * Returns: null if there is none left.
 */
struct aml_internal_job *aml_internal_jobs_open(struct aml_internal_jobs *jobs,
                                                const struct aml_internal_transfer *transfer,
                                                const struct aml_dma_options *options,
                                                size_t part_count, size_t share_count);

/** Runs it with whoever joins. Returns: when all of it is done: its result. */
int aml_internal_jobs_run(struct aml_internal_jobs *jobs, struct aml_internal_job *job,
                          size_t share);

/** Takes part in some job. Returns: false if there was none to take part in. */
bool aml_internal_jobs_join(struct aml_internal_jobs *jobs, size_t share);

#ifdef __cplusplus
}
#endif

#endif
