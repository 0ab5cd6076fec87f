// SPDX-License-Identifier: BSD-3-Clause
//
// Extent hooks (jemalloc(3), "arena.<i>.extent_hooks"). An extent is a run of pages. What jemalloc
// gives back is really taken back, and may be part of what it took. There is nothing to commit, and
// no hook to purge: pages that decay are given back by dalloc, which purges.

#include "aml/arena/internal/jemalloc_state.h"
#include "aml/core/area.h"

static struct aml_arena_jemalloc_state *state_of(extent_hooks_t *hooks) {
  return (struct aml_arena_jemalloc_state *)hooks;
}

static void *take(extent_hooks_t *hooks, void *address, size_t size, size_t alignment, bool *zero,
                  bool *commit, unsigned index) {
  struct aml_arena_jemalloc_state *const state = state_of(hooks);
  (void)index;
  if (address != NULL)
    return NULL; // it only tries whether an extent could grow in place
  pthread_mutex_lock(&state->lock);
  void *const run = aml_internal_runs_take(&state->runs, size, alignment, zero);
  pthread_mutex_unlock(&state->lock);
  if (run != NULL) {
    *commit = true;
    return run;
  }
  struct aml_internal_jemalloc_cache *const cache = pthread_getspecific(state->key);
  if (cache != NULL)
    cache->failed = true;
  return NULL;
}

/** Gives pages that have decayed back to the area or, where they have neighbours, to the system. */
static void decay(struct aml_arena_jemalloc_state *state, void *run, size_t size) {
  struct aml_area *const area = state->source.area;
  if (aml_internal_runs_release(&state->runs, run))
    return;
  if (area != NULL && (aml_area_capabilities(area) & AML_AREA_CAN_PURGE) != 0 &&
      aml_area_purge(area, run, size) != 0)
    return; // the pages are free all the same
}

static bool give(extent_hooks_t *hooks, void *run, size_t size, bool committed, unsigned index) {
  struct aml_arena_jemalloc_state *const state = state_of(hooks);
  (void)committed;
  (void)index;
  pthread_mutex_lock(&state->lock);
  aml_internal_runs_give(&state->runs, run, size);
  if (state->decays && !state->is_trimming)
    decay(state, run, size);
  pthread_mutex_unlock(&state->lock);
  return false;
}

static void destroy(extent_hooks_t *hooks, void *run, size_t size, bool committed, unsigned index) {
  (void)give(hooks, run, size, committed, index);
}

static bool split(extent_hooks_t *hooks, void *run, size_t size, size_t size_a, size_t size_b,
                  bool committed, unsigned index) {
  (void)hooks;
  (void)run;
  (void)size;
  (void)size_a;
  (void)size_b;
  (void)committed;
  (void)index;
  return false;
}

static bool merge(extent_hooks_t *hooks, void *a, size_t size_a, void *b, size_t size_b,
                  bool committed, unsigned index) {
  struct aml_arena_jemalloc_state *const state = state_of(hooks);
  (void)size_a;
  (void)size_b;
  (void)committed;
  (void)index;
  pthread_mutex_lock(&state->lock);
  const bool is_one = aml_internal_runs_is_same_chunk(&state->runs, a, b);
  pthread_mutex_unlock(&state->lock);
  return !is_one;
}

void aml_internal_jemalloc_set_hooks(struct aml_arena_jemalloc_state *state) {
  state->hooks = (extent_hooks_t){
      .alloc = take, .dalloc = give, .destroy = destroy, .split = split, .merge = merge};
}
