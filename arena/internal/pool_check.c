// SPDX-License-Identifier: BSD-3-Clause
//
// Proves the invariants of a pool. Each carved object has a bit; each one that is free, or kept by
// a thread, must be a carved object whose bit was not set before.

#include <stdlib.h>

#include "aml/core/error.h"
#include "arena/internal/pool_state.h"

enum { BITS = 8 * sizeof(size_t) };

/** A bit for each object that there is. */
struct census {
  const struct aml_arena_pool_state *state;
  size_t *starts; /**< the bit of each chunk's first object */
  size_t *seen;
};

static int broken(const char *invariant) {
  return aml_error_set(-AML_EINVAL, "aml_arena_validate", "arena", invariant);
}

/** Notes that an object is free. */
static int note(struct census *census, const void *object) {
  const struct aml_arena_pool_state *const state = census->state;
  const struct aml_internal_pool_chunk *const chunk = aml_internal_pool_find(state, object);
  size_t bit = 0;
  if (chunk == NULL)
    return broken("has a free object outside its chunks; perhaps one was written to");
  if (!aml_internal_pool_index(state, chunk, object, &bit))
    return broken("has a free object where there is none; perhaps one was written to");
  if (bit >= chunk->carved)
    return broken("has a free object that was never handed out");
  bit += census->starts[aml_internal_pool_rank(state, object) - 1];
  if ((census->seen[bit / BITS] >> bit % BITS & 1) != 0)
    return broken("has an object that is free twice");
  census->seen[bit / BITS] |= (size_t)1 << bit % BITS;
  return 0;
}

static int check_list(struct census *census) {
  const struct aml_arena_pool_state *const state = census->state;
  const void *object = state->list->head;
  int err = 0;
  for (size_t i = 0; i < state->list->count && !err; ++i) {
    if (!state->is_in_band)
      object = state->stack[i];
    else if (object == NULL)
      return broken("has fewer free objects than it counts");
    err = note(census, object);
    if (!err && state->is_in_band)
      object = aml_internal_pool_next(object);
  }
  if (!err && state->is_in_band && object != NULL)
    return broken("has more free objects than it counts");
  return err;
}

static int check_caches(struct census *census) {
  int err = 0;
  for (const struct aml_internal_pool_cache *cache = census->state->caches; cache != NULL;
       cache = cache->next) {
    if (cache->count > census->state->cache_capacity)
      return broken("has a thread that keeps more than it may");
    for (size_t i = 0; i < cache->count && !err; ++i)
      err = note(census, cache->objects[i]);
  }
  return err;
}

static int check_chunks(const struct aml_arena_pool_state *state) {
  size_t reserved = 0;
  size_t carved = 0;
  size_t objects = 0;
  for (size_t i = 0; i < state->chunk_count; ++i) {
    const struct aml_internal_pool_chunk *const chunk = state->chunks[i];
    reserved += chunk->size;
    carved += chunk->carved;
    objects += chunk->count;
    if (chunk->carved > chunk->count || chunk->touched > chunk->count)
      return broken("has a chunk of which more is used than there is");
    if (chunk->first < chunk->base ||
        chunk->count * state->object_size > chunk->size - (size_t)(chunk->first - chunk->base))
      return broken("has objects outside their chunk");
    if (i != 0 && state->chunks[i - 1]->base + state->chunks[i - 1]->size > chunk->base)
      return broken("has chunks that overlap or are out of order");
  }
  if (reserved != state->source.reserved_size || carved != state->carved_count ||
      objects != state->object_count)
    return broken("has other bytes or objects in its chunks than it counts");
  return 0;
}

static int check_fresh(const struct aml_arena_pool_state *state) {
  size_t expected = 0;
  size_t found = 0;
  for (size_t i = 0; i < state->chunk_count; ++i)
    expected += state->chunks[i]->carved < state->chunks[i]->count;
  for (const struct aml_internal_pool_chunk *chunk = state->fresh;
       chunk != NULL && found <= expected; chunk = chunk->next, ++found)
    if (chunk->carved == chunk->count)
      return broken("would carve from a chunk that has nothing left");
  return found == expected ? 0 : broken("has forgotten a chunk with objects to carve");
}

int aml_internal_pool_check(const struct aml_arena_pool_state *state) {
  int err = check_chunks(state);
  if (!err)
    err = check_fresh(state);
  if (!err && state->list->count > state->carved_count)
    err = broken("has more free objects than objects");
  if (!err && !state->is_in_band && state->carved_count > state->stack_capacity)
    err = broken("has no room for all its objects to be free");
  if (err)
    return err;
  size_t *const words = calloc(state->chunk_count + state->carved_count / BITS + 1, sizeof *words);
  if (words == NULL)
    return aml_error_set(-AML_ENOMEM, "aml_arena_validate", NULL,
                         "no memory to look for objects that are free twice");
  struct census census = {state, words, words + state->chunk_count};
  for (size_t i = 0; i + 1 < state->chunk_count; ++i)
    words[i + 1] = words[i] + state->chunks[i]->carved;
  err = check_list(&census);
  if (!err)
    err = check_caches(&census);
  free(words);
  return err;
}
