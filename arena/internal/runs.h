// SPDX-License-Identifier: BSD-3-Clause
//
// Runs of pages out of the chunks of a source (internal/source.h), for arenas that want pages and
// do more with them. First fit by address, so that what is free gathers at high addresses and can
// be given back. A chunk has a bit for each of its pages, on the C heap: nothing is written to the
// memory, and giving a run back, or a part of one, neither fails nor allocates. To tools that watch
// memory chunks are free from end to end; who hands bytes out tells them so.
//
// Threads: thread-compatible. Cost: take looks at chunks that may have room in turn, a word for 64
// pages, from the lowest free one on; all else finds its chunk by bisection. A record is touched as
// far as pages are used.

#ifndef AML_ARENA_INTERNAL_RUNS_H
#define AML_ARENA_INTERNAL_RUNS_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/arena/internal/source.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_runs_chunk;

/** Runs; use functions. chunks[i] are in the order of their addresses; used_pages is their sum. */
struct aml_internal_runs {
  struct aml_internal_source *source; /**< borrowed */
  const char *label;                  /**< of mappings; borrowed */
  size_t page_size;
  struct aml_internal_runs_chunk **chunks;
  size_t count;
  size_t capacity;
  size_t used_pages;
};

/** Begin with no chunk. `page_size` is a power of two, and may differ from the system's. */
void aml_internal_runs_init(struct aml_internal_runs *runs, struct aml_internal_source *source,
                            const char *label, size_t page_size);

/** Make a region the one chunk. Returns: false, with nothing done, without memory for its record.
 */
bool aml_internal_runs_adopt(struct aml_internal_runs *runs, void *region, size_t size);

/**
 * Take a run.
 *
 * @param size       bytes, a multiple of the page.
 * @param alignment  a power of two.
 * @param zero       null: contents may be anything; else whether they are zero, and if it is true
 *                   on entry they are made so, which takes memory that the host can write.
 *
 * Returns: its address; null, with a sentence on aml_arena_alloc(), as aml_internal_source_map().
 */
void *aml_internal_runs_take(struct aml_internal_runs *runs, size_t size, size_t alignment,
                             bool *zero);

/** Give pages back: of one run or of several that touch, in one chunk. */
void aml_internal_runs_give(struct aml_internal_runs *runs, void *run, size_t size);

/** Whether two addresses that runs have are in one chunk. */
bool aml_internal_runs_is_same_chunk(const struct aml_internal_runs *runs, const void *a,
                                     const void *b);

/** Whether an address lies in a chunk. */
bool aml_internal_runs_owns(const struct aml_internal_runs *runs, const void *pointer);

/** Give the chunk of an address back if no page of it is used. Returns: whether it is gone. */
bool aml_internal_runs_release(struct aml_internal_runs *runs, const void *pointer);

/**
 * Give chunks back that have no page in use, the highest first.
 *
 * @param keep      bytes of such chunks that may stay.
 * @param released  bytes given back, also on failure.
 *
 * Returns: 0; what the area failed with: that chunk stays.
 */
int aml_internal_runs_trim(struct aml_internal_runs *runs, size_t keep, size_t *released);

/** Tell the tools that nobody may touch any page. */
void aml_internal_runs_poison(const struct aml_internal_runs *runs);

/** Returns null, or which invariant is broken. */
const char *aml_internal_runs_validate(const struct aml_internal_runs *runs);

/** Bytes of records; a failure of take changes none of it. */
size_t aml_internal_runs_metadata_size(const struct aml_internal_runs *runs);

/** Give all chunks back, but for a region, which is its owner's; those that the area refuses are
 * lost. */
void aml_internal_runs_fini(struct aml_internal_runs *runs);

#ifdef __cplusplus
}
#endif

#endif
