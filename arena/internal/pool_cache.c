// SPDX-License-Identifier: BSD-3-Clause
//
// What threads keep: each an array of free objects, so that most calls need no lock. Half of it is
// filled, or emptied, at a time; so a thread takes the lock once for each half at most, whatever it
// does. The half that was given back first leaves: what came last is in this CPU's caches.
//
// J. Bonwick and J. Adams, "Magazines and Vmem: Extending the Slab Allocator to Many CPUs and
// Arbitrary Resources", USENIX 2001, section 3.1. The two magazines are here the halves of one
// array, and the depot is the store.
//
// Free may not allocate. So whoever allocates leaves a spare array behind for a thread that only
// frees; without one it works on the store.

#include <stdlib.h>
#include <string.h>

#include "aml/core/checked.h"
#include "aml/core/error.h"
#include "arena/internal/pool_state.h"

static size_t cache_bytes(const struct aml_arena_pool_state *state) {
  return sizeof(struct aml_internal_pool_cache) + state->cache_capacity * sizeof(void *);
}

static size_t half_of(const struct aml_arena_pool_state *state) {
  return (state->cache_capacity + 1) / 2;
}

static void set_count(struct aml_internal_pool_cache *cache, size_t count) {
  __atomic_store_n(&cache->count, count, __ATOMIC_RELEASE);
}

static struct aml_arena_pool_state *state_of(struct aml_internal_local *local) {
  return (struct aml_arena_pool_state *)(void *)((char *)local -
                                                 offsetof(struct aml_arena_pool_state, local));
}

/** Gives all that a thread kept to the store, and its array to whoever needs one. */
static void retire(struct aml_arena_pool_state *state, struct aml_internal_pool_cache *cache) {
  struct aml_internal_pool_cache **link = &state->caches;
  aml_internal_pool_give(state, cache->count, cache->objects);
  set_count(cache, 0);
  while (*link != cache)
    link = &(*link)->next;
  *link = cache->next;
  cache->next = state->spares;
  state->spares = cache;
}

static void leave(struct aml_internal_local *local, void *pointer) {
  struct aml_arena_pool_state *const state = state_of(local);
  aml_internal_pool_lock(state);
  retire(state, pointer);
  aml_internal_pool_unlock(state);
}

static void before_fork(struct aml_internal_local *local) {
  aml_internal_pool_lock(state_of(local));
}

static void after_fork(struct aml_internal_local *local, bool is_child) {
  struct aml_arena_pool_state *const state = state_of(local);
  const void *const mine = aml_internal_local_get(local->key);
  struct aml_internal_pool_cache *cache = is_child ? state->caches : NULL;
  while (cache != NULL) {
    struct aml_internal_pool_cache *const next = cache->next;
    if (cache != mine)
      retire(state, cache);
    cache = next;
  }
  aml_internal_pool_unlock(state);
}

static const struct aml_internal_local_ops local_ops = {leave, before_fork, after_fork};

int aml_internal_pool_cache_init(struct aml_arena_pool_state *state, const char *call) {
  (void)pthread_mutex_init(&state->lock, NULL);
  if (!aml_internal_local_open(&state->local, &local_ops))
    return aml_error_set(-AML_ENOMEM, call, NULL, "there are too many such arenas");
  return 0;
}

static void free_all(struct aml_internal_pool_cache *cache) {
  while (cache != NULL) {
    struct aml_internal_pool_cache *const next = cache->next;
    free(cache);
    cache = next;
  }
}

void aml_internal_pool_cache_fini(struct aml_arena_pool_state *state) {
  if (!aml_internal_pool_is_shared(state))
    return;
  aml_internal_local_close(&state->local);
  (void)pthread_mutex_destroy(&state->lock);
  free_all(state->caches);
  free_all(state->spares);
}

/** Adds a spare array, if there is memory for one. */
static void add_spare(struct aml_arena_pool_state *state) {
  // Alone in its cache lines, since its thread writes to it all the time.
  const size_t line = 64;
  const size_t size = (cache_bytes(state) + line - 1) / line * line;
  struct aml_internal_pool_cache *const cache = aligned_alloc(line, size);
  if (cache == NULL)
    return;
  *cache =
      (struct aml_internal_pool_cache){.next = state->spares, .capacity = state->cache_capacity};
  state->spares = cache;
  ++state->cache_made;
}

/** Makes a spare array the calling thread's. Returns: null if it cannot have one. */
static struct aml_internal_pool_cache *adopt(struct aml_arena_pool_state *state,
                                             bool may_allocate) {
  struct aml_internal_pool_cache *const cache = state->spares;
  if (cache == NULL || !aml_internal_local_set(state->local.key, cache, may_allocate))
    return NULL;
  state->spares = cache->next;
  cache->next = state->caches;
  state->caches = cache;
  return cache;
}

void *aml_internal_pool_cache_refill(struct aml_arena_pool_state *state,
                                     struct aml_internal_pool_cache *cache) {
  void *object = NULL;
  aml_internal_pool_lock(state);
  if (cache != NULL) {
    const size_t got = aml_internal_pool_obtain(state, 1, half_of(state), cache->objects);
    object = got == 0 ? NULL : cache->objects[got - 1];
    set_count(cache, got == 0 ? 0 : got - 1);
  } else if (aml_internal_pool_obtain(state, 1, 1, &object) == 1) {
    if (state->spares == NULL)
      add_spare(state);
    (void)adopt(state, true);
    if (state->spares == NULL)
      add_spare(state);
  }
  aml_internal_pool_unlock(state);
  return object;
}

/** Gives the half that a thread has kept longest to the store. */
static void give_half(struct aml_arena_pool_state *state, struct aml_internal_pool_cache *cache) {
  const size_t half = half_of(state);
  const size_t left = cache->count - half;
  aml_internal_pool_give(state, half, cache->objects);
  memmove(cache->objects, cache->objects + half, left * sizeof(void *));
  set_count(cache, left);
}

void aml_internal_pool_cache_flush(struct aml_arena_pool_state *state,
                                   struct aml_internal_pool_cache *cache, void *object) {
  aml_internal_pool_lock(state);
  if (cache == NULL)
    cache = adopt(state, false);
  if (cache == NULL) {
    aml_internal_pool_give(state, 1, &object);
  } else {
    if (cache->count == state->cache_capacity)
      give_half(state, cache);
    cache->objects[cache->count] = object;
    set_count(cache, cache->count + 1);
  }
  aml_internal_pool_unlock(state);
}

size_t aml_internal_pool_cache_take(struct aml_arena_pool_state *state, size_t count,
                                    void *objects[]) {
  struct aml_internal_pool_cache *const cache = aml_internal_local_get(state->local.key);
  size_t got = 0;
  if (cache != NULL && cache->count != 0 && count != 0) {
    got = count < cache->count ? count : cache->count;
    memcpy(objects, cache->objects + (cache->count - got), got * sizeof *objects);
    set_count(cache, cache->count - got);
  }
  if (got == count)
    return got;
  aml_internal_pool_lock(state);
  got += aml_internal_pool_obtain(state, count - got, count - got, objects + got);
  aml_internal_pool_unlock(state);
  return got;
}

void aml_internal_pool_cache_give(struct aml_arena_pool_state *state, size_t count,
                                  void *const objects[]) {
  struct aml_internal_pool_cache *const cache = aml_internal_local_get(state->local.key);
  if (cache != NULL && count <= state->cache_capacity - cache->count) {
    memcpy(cache->objects + cache->count, objects, count * sizeof *objects);
    set_count(cache, cache->count + count);
    return;
  }
  aml_internal_pool_lock(state);
  aml_internal_pool_give(state, count, objects);
  aml_internal_pool_unlock(state);
}

void aml_internal_pool_cache_drain(struct aml_arena_pool_state *state) {
  struct aml_internal_pool_cache *const cache =
      aml_internal_pool_is_shared(state) ? aml_internal_local_get(state->local.key) : NULL;
  if (cache == NULL)
    return;
  aml_internal_pool_give(state, cache->count, cache->objects);
  set_count(cache, 0);
}

void aml_internal_pool_cache_forget(struct aml_arena_pool_state *state) {
  for (struct aml_internal_pool_cache *cache = state->caches; cache != NULL; cache = cache->next)
    set_count(cache, 0);
}

size_t aml_internal_pool_cache_count(const struct aml_arena_pool_state *state) {
  size_t count = 0;
  for (const struct aml_internal_pool_cache *cache = state->caches; cache != NULL;
       cache = cache->next)
    count += __atomic_load_n(&cache->count, __ATOMIC_RELAXED);
  return count;
}

size_t aml_internal_pool_cache_bytes(const struct aml_arena_pool_state *state) {
  return state->cache_made * cache_bytes(state);
}
