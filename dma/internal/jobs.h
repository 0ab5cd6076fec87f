// SPDX-License-Identifier: BSD-3-Clause
//
// Large copies, in which every idle thread takes part. A job is cut into parts, of which each
// thread begins with those of its own share, so that it has the same part of the memory each time,
// and goes on with the next ones that nobody has begun.
//
// Where threads run on several nodes and parts are large, each part has a home (internal/homes.h).
// Then shares are of the parts of one home, among the threads that are near it; who finds none of
// them left goes on with those that have no home, and at last with any.

#ifndef AML_DMA_INTERNAL_JOBS_H
#define AML_DMA_INTERNAL_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/dma.h"
#include "aml/dma/internal/copy.h"
#include "aml/dma/internal/event.h"
#include "aml/dma/internal/homes.h"
#include "aml/dma/internal/transfer.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  AML_INTERNAL_MAX_PARTS = 2048, /**< of a job */
  AML_INTERNAL_MAX_SEATS = 256   /**< of threads */
};

struct aml_internal_job {
  /** Whether others may join, and how many have. */
  uint32_t state __attribute__((aligned(64)));
  uint32_t is_taken; /**< some thread is to run, runs or has run it */
  int result;        /**< the first one that is not 0 */
  size_t unbegun;    /**< parts that nobody has begun */
  size_t part_count;
  const struct aml_internal_transfer *transfer;
  const struct aml_dma_options *options;
  bool has_homes; /**< else `home` says nothing */
  uint8_t is_begun[AML_INTERNAL_MAX_PARTS];
  int16_t home[AML_INTERNAL_MAX_PARTS]; /**< of each part's destination */
};

/**
 * Zeroed to begin with, but for what is said to be the owner's.
 *
 * Each thread has a seat, by its number; who waits has the one behind the last.
 */
struct aml_internal_jobs {
  uint32_t active;                /**< jobs of which parts are left */
  struct aml_internal_event quit; /**< somebody who had joined has left */
  size_t count;                   /**< of jobs; the owner's, as the rest */
  struct aml_internal_job *jobs;  /**< zeroed to begin with */
  size_t thread_count;
  size_t chunk_size; /**< bytes of a part, at least */
  struct aml_internal_copy_engine engine;
  struct aml_internal_homes homes;
  int16_t here[AML_INTERNAL_MAX_SEATS]; /**< not the owner's: what is near each thread; atomic */
};

/** Takes a seat, from where the thread that has it says where it runs. */
void aml_internal_jobs_sit(struct aml_internal_jobs *jobs, size_t seat);

/** Whether a transfer is large enough to be cut. */
static inline bool aml_internal_jobs_is_large(const struct aml_internal_jobs *jobs,
                                              const struct aml_internal_transfer *transfer) {
  return transfer->kind != AML_INTERNAL_TRANSFER_NOTHING &&
         transfer->whole_size / 2 >= jobs->chunk_size;
}

/**
 * Takes a job, for what is large, and lets others join.
 *
 * Returns: null if the transfer cannot be cut, or there is no job left.
 */
struct aml_internal_job *aml_internal_jobs_open(struct aml_internal_jobs *jobs,
                                                const struct aml_internal_transfer *transfer,
                                                const struct aml_dma_options *options);

/** Runs it with whoever joins. Returns: when all of it is done: its result. */
int aml_internal_jobs_run(struct aml_internal_jobs *jobs, struct aml_internal_job *job,
                          size_t seat);

/**
 * Takes part in some job.
 *
 * @param until  begins no more parts once that is done; null: goes on while there are any.
 *
 * Returns: false if there was none to take part in.
 */
bool aml_internal_jobs_join(struct aml_internal_jobs *jobs, size_t seat,
                            const struct aml_dma_request *until);

#ifdef __cplusplus
}
#endif

#endif
