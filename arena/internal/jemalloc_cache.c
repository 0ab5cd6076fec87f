// SPDX-License-Identifier: BSD-3-Clause
//
// A thread's cache is a tcache of jemalloc's that only this arena's blocks go through, and counts.
// Threads find theirs by a key of POSIX, whose destructor empties the cache of a thread that ends
// and leaves it to the next.

#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/jemalloc_state.h"

void aml_internal_jemalloc_cache_flush(struct aml_internal_jemalloc_cache *cache) {
  if (cache->has_tcache)
    (void)aml_internal_jemalloc_mallctl("tcache.flush", NULL, NULL, &cache->tcache,
                                        sizeof cache->tcache);
}

static void retire(void *thread_cache) {
  struct aml_internal_jemalloc_cache *const cache = thread_cache;
  struct aml_arena_jemalloc_state *const state = cache->state;
  aml_internal_jemalloc_cache_flush(cache);
  pthread_mutex_lock(&state->lock);
  cache->next_idle = state->idle;
  state->idle = cache;
  pthread_mutex_unlock(&state->lock);
}

int aml_internal_jemalloc_caches_init(struct aml_arena_jemalloc_state *state) {
  return pthread_key_create(&state->key, retire);
}

/** A cache that no thread has, or null. */
static struct aml_internal_jemalloc_cache *take_idle(struct aml_arena_jemalloc_state *state) {
  pthread_mutex_lock(&state->lock);
  struct aml_internal_jemalloc_cache *const cache = state->idle;
  if (cache != NULL)
    state->idle = cache->next_idle;
  pthread_mutex_unlock(&state->lock);
  return cache;
}

static struct aml_internal_jemalloc_cache *make(struct aml_arena_jemalloc_state *state) {
  struct aml_internal_jemalloc_cache *const cache =
      aligned_alloc(_Alignof(struct aml_internal_jemalloc_cache), sizeof *cache);
  if (cache == NULL)
    return NULL;
  memset(cache, 0, sizeof *cache);
  cache->state = state;
  size_t size = sizeof cache->tcache;
  // Without one each call takes a lock, and all goes on.
  cache->has_tcache = state->is_cached && aml_internal_jemalloc_mallctl(
                                              "tcache.create", &cache->tcache, &size, NULL, 0) == 0;
  cache->flags = (int)MALLOCX_ARENA(state->index) |
                 (int)(cache->has_tcache ? MALLOCX_TCACHE(cache->tcache) : MALLOCX_TCACHE_NONE);
  pthread_mutex_lock(&state->lock);
  cache->next = state->caches;
  state->caches = cache;
  pthread_mutex_unlock(&state->lock);
  return cache;
}

struct aml_internal_jemalloc_cache *
aml_internal_jemalloc_cache_make(struct aml_arena_jemalloc_state *state) {
  struct aml_internal_jemalloc_cache *cache = take_idle(state);
  if (cache == NULL)
    cache = make(state);
  if (cache != NULL && pthread_setspecific(state->key, cache) != 0) {
    retire(cache);
    return NULL;
  }
  return cache;
}

static void add(struct aml_internal_jemalloc_counts *sum,
                const struct aml_internal_jemalloc_counts *counts) {
  sum->count += __atomic_load_n(&counts->count, __ATOMIC_RELAXED);
  sum->size += __atomic_load_n(&counts->size, __ATOMIC_RELAXED);
}

struct aml_internal_jemalloc_counts
aml_internal_jemalloc_sum(struct aml_arena_jemalloc_state *state) {
  struct aml_internal_jemalloc_counts sum = {0};
  pthread_mutex_lock(&state->lock);
  add(&sum, &state->orphans);
  for (const struct aml_internal_jemalloc_cache *cache = state->caches; cache != NULL;
       cache = cache->next)
    add(&sum, &cache->live);
  pthread_mutex_unlock(&state->lock);
  return sum;
}

void aml_internal_jemalloc_caches_reset(struct aml_arena_jemalloc_state *state) {
  state->orphans = (struct aml_internal_jemalloc_counts){0};
  for (struct aml_internal_jemalloc_cache *cache = state->caches; cache != NULL;
       cache = cache->next) {
    aml_internal_jemalloc_cache_flush(cache);
    cache->live = (struct aml_internal_jemalloc_counts){0};
  }
}

void aml_internal_jemalloc_caches_fini(struct aml_arena_jemalloc_state *state) {
  (void)pthread_key_delete(state->key);
  while (state->caches != NULL) {
    struct aml_internal_jemalloc_cache *const cache = state->caches;
    state->caches = cache->next;
    if (cache->has_tcache)
      (void)aml_internal_jemalloc_mallctl("tcache.destroy", NULL, NULL, &cache->tcache,
                                          sizeof cache->tcache);
    free(cache);
  }
}
