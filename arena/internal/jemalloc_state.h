// SPDX-License-Identifier: BSD-3-Clause
//
// What an arena of jemalloc's consists of, and its parts: the hooks by which jemalloc takes pages,
// and the caches of threads.

#ifndef AML_ARENA_INTERNAL_JEMALLOC_STATE_H
#define AML_ARENA_INTERNAL_JEMALLOC_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/jemalloc_calls.h"
#include "aml/arena/internal/runs.h"
#include "aml/arena/internal/source.h"

/** Blocks and bytes; sums of many are what is live, as one thread frees what another allocated. */
struct aml_internal_jemalloc_counts {
  uint64_t count;
  uint64_t size;
};

/** What the arena keeps for one thread; after its end for the next one that comes. */
struct aml_internal_jemalloc_cache {
  struct aml_internal_jemalloc_counts live; /**< written by the thread alone; atomic */
  int flags;                                /**< MALLOCX_ARENA and MALLOCX_TCACHE */
  bool failed;                              /**< a hook failed in this thread, and said why */
  bool has_tcache;
  unsigned tcache;
  struct aml_arena_jemalloc_state *state;
  struct aml_internal_jemalloc_cache *next;      /**< of all */
  struct aml_internal_jemalloc_cache *next_idle; /**< of those without a thread */
} __attribute__((aligned(64)));

/** The lock is never held over a call of jemalloc's, which calls the hooks with locks held. */
struct aml_arena_jemalloc_state {
  extent_hooks_t hooks; /**< first: the hooks find the state by it */
  unsigned index;       /**< of the arena, by jemalloc's count */
  size_t quantum;       /**< what blocks of its size and more are aligned to */
  pthread_key_t key;    /**< of each thread's cache */
  bool is_cached;
  bool is_host; /**< memory that the host can read and write */
  bool decays;
  bool is_trimming; /**< under the lock, as all below */
  pthread_mutex_t lock;
  struct aml_internal_source source;
  struct aml_internal_runs runs;
  struct aml_internal_jemalloc_cache *caches;
  struct aml_internal_jemalloc_cache *idle;
  struct aml_internal_jemalloc_counts orphans; /**< of calls without a cache; atomic */
};

/** Fill in the hooks. */
void aml_internal_jemalloc_set_hooks(struct aml_arena_jemalloc_state *state);

/** Begin with no cache. Returns: 0, or an errno of pthread_key_create(). */
int aml_internal_jemalloc_caches_init(struct aml_arena_jemalloc_state *state);

/** The calling thread's cache, made if need be; null, with nothing recorded, without memory. */
struct aml_internal_jemalloc_cache *
aml_internal_jemalloc_cache_make(struct aml_arena_jemalloc_state *state);

/** Give what a cache holds back to jemalloc's arena. */
void aml_internal_jemalloc_cache_flush(struct aml_internal_jemalloc_cache *cache);

/** What is live, over all threads. */
struct aml_internal_jemalloc_counts
aml_internal_jemalloc_sum(struct aml_arena_jemalloc_state *state);

/** Empty all caches and set the counts to 0. Nobody else may be calling. */
void aml_internal_jemalloc_caches_reset(struct aml_arena_jemalloc_state *state);

/** End all caches, also of threads that live on. */
void aml_internal_jemalloc_caches_fini(struct aml_arena_jemalloc_state *state);

#endif
