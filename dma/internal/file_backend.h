// SPDX-License-Identifier: BSD-3-Clause
//
// What moves the pieces of a file dma: a ring of io_uring and the thread that looks after it, or a
// pool of threads. Each thread has its signals blocked.

#ifndef AML_DMA_INTERNAL_FILE_BACKEND_H
#define AML_DMA_INTERNAL_FILE_BACKEND_H

#include <pthread.h>
#include <stddef.h>

#include "aml/dma/internal/file_engine.h"
#include "aml/dma/internal/file_slot.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_file_ring;

/** The most bytes that the clause why a backend was chosen may take. */
enum { AML_INTERNAL_FILE_REASON = 96 };

/** Starts a thread with all signals blocked. Returns: 0, or a number as of errno. */
int aml_internal_file_start(pthread_t *thread, void *(*run)(void *), void *argument);

/** What one thread of the pool works with. */
struct aml_internal_file_worker {
  struct aml_internal_file_engine *engine;
  struct aml_internal_file_slot *slot;
};

/** A thread of the pool; takes a struct aml_internal_file_worker. */
void *aml_internal_file_run_worker(void *argument);

/**
 * Makes a ring, if the system has any to give.
 *
 * @param slots   of the ring, `depth` of them.
 * @param reason  how it went, as a clause, also of a failure.
 *
 * Returns: the ring; null, with the reason told only there.
 */
struct aml_internal_file_ring *
aml_internal_file_ring_create(struct aml_internal_file_engine *engine,
                              struct aml_internal_file_slot *slots, size_t depth,
                              char reason[AML_INTERNAL_FILE_REASON]);

/** The ring's thread; takes the ring. */
void *aml_internal_file_ring_run(void *argument);

/** Ends a ring whose thread has returned, or was never started. Null is fine. */
void aml_internal_file_ring_destroy(struct aml_internal_file_ring *ring);

#ifdef __cplusplus
}
#endif

#endif
