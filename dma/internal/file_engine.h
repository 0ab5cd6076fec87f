// SPDX-License-Identifier: BSD-3-Clause
//
// The requests of a file dma: which wait, which are under way, and who is told when one is done.
// Drivers, the threads of one of the backends, take pieces from here and put them back moved.
//
//     submit --> held (comes after others) --> ready --take--> under way --put--> done
//
// A request's pieces are taken in order, and requests too. One that comes after others is made
// ready when they are done: at submit, with the last of them that is of this dma, or by a thread
// that waits for what the oldest of the held ones comes after. One lock guards all; no data is
// moved under it. What a request needs beyond its own struct is in a record of a fixed number of
// them.

#ifndef AML_DMA_INTERNAL_FILE_ENGINE_H
#define AML_DMA_INTERNAL_FILE_ENGINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/dma.h"
#include "aml/dma/internal/copy.h"
#include "aml/dma/internal/file_handle.h"
#include "aml/dma/internal/file_plan.h"
#include "aml/dma/internal/file_slot.h"
#include "aml/dma/internal/transfer.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A request that was taken. */
struct aml_internal_file_record {
  struct aml_dma_request *request;       /**< null: the record is free */
  struct aml_internal_file_record *next; /**< in the list that it is in */
  uint64_t number;                       /**< in the order of submission */
  bool is_host;                          /**< neither tile is in a file: `transfer` */
  enum aml_internal_file_way way;
  struct aml_internal_file_side file; /**< the source of a READ, else the destination */
  struct aml_internal_file_side source;
  uint64_t source_offset; /**< of a RELAY: what is at `origin` in the source's addresses */
  const char *origin;
  struct aml_internal_file_plan plan;
  struct aml_internal_transfer transfer;
  size_t taken; /**< pieces; of the plan's count, or 1 */
  size_t count;
  size_t under_way;
  int error; /**< the first */
  char reason[AML_DMA_REASON_CAPACITY];
};

struct aml_internal_file_list {
  struct aml_internal_file_record *first;
  struct aml_internal_file_record *last;
};

struct aml_internal_file_engine {
  pthread_mutex_t lock;
  pthread_cond_t work; /**< there is something ready, or no more to come */
  pthread_cond_t held_work;
  pthread_cond_t done; /**< a record is free again */
  struct aml_internal_file_record *records;
  size_t record_count;
  struct aml_internal_file_record *free;
  struct aml_internal_file_list ready;
  struct aml_internal_file_list held;
  uint64_t submitted; /**< requests so far */
  bool must_stop;
  void (*wake)(void *argument); /**< called with the lock held when something is ready */
  void *wake_argument;
  struct aml_internal_file_handles handles;
  struct aml_internal_copy_engine copies;
  struct aml_internal_file_limits limits;
  int direct; /**< the wish of aml_internal_file_handles_acquire() */
};

/** Allocates records and makes the lock; `limits`, `direct` and `copies` are the caller's to set.
 */
int aml_internal_file_engine_init(struct aml_internal_file_engine *engine, const char *call,
                                  size_t record_count);

/** Releases what init made; nothing is in flight. */
void aml_internal_file_engine_fini(struct aml_internal_file_engine *engine);

/**
 * Releases what the child of a fork has of it. Takes no lock, and ends neither locks nor
 * conditions: threads that are not there hold them, or wait.
 */
void aml_internal_file_engine_abandon(struct aml_internal_file_engine *engine);

// What the operations of the dma come to.

int aml_internal_file_engine_submit(struct aml_internal_file_engine *engine,
                                    struct aml_dma_request *request);
void aml_internal_file_engine_wait(struct aml_internal_file_engine *engine,
                                   const struct aml_dma_request *request);
int aml_internal_file_engine_cancel(struct aml_internal_file_engine *engine,
                                    const struct aml_dma_request *request);
void aml_internal_file_engine_barrier(struct aml_internal_file_engine *engine);

/** Makes drivers, and the thread of what is held, return once nothing is left. */
void aml_internal_file_engine_stop(struct aml_internal_file_engine *engine);

// For drivers.

/** Marks the calling thread as one that must not wait for room in the queue. */
void aml_internal_file_engine_enter(const struct aml_internal_file_engine *engine);

/** Gives a slot the next piece; the lock is held. Returns: false if none is ready. */
bool aml_internal_file_engine_take(struct aml_internal_file_engine *engine,
                                   struct aml_internal_file_slot *slot);

/** Begins a slot's piece: runs it if that takes no transfer. Returns: whether there is one. */
bool aml_internal_file_engine_begin(struct aml_internal_file_engine *engine,
                                    struct aml_internal_file_slot *slot);

/** Takes account of a piece that was moved, or failed; the lock is not held. */
void aml_internal_file_engine_put(struct aml_internal_file_engine *engine,
                                  struct aml_internal_file_slot *slot);

/** The thread that waits for what requests come after; takes the engine, and returns when told to
 * stop. */
void *aml_internal_file_engine_run_held(void *argument);

#ifdef __cplusplus
}
#endif

#endif
