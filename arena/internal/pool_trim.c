// SPDX-License-Identifier: BSD-3-Clause
//
// Gives chunks without live objects back. Free objects are counted by chunk; those of the chunks
// that leave are taken off the list, and the chunks become as if no object of theirs had ever been
// handed out. So one that the area does not take back can stay.

#include <stdlib.h>

#include "aml/arena/internal/poison.h"
#include "arena/internal/pool_state.h"

/** A place in the list of free objects. */
struct cursor {
  size_t index;
  void *object;
};

/** Moves on to the next free object. */
static bool next_free(const struct aml_arena_pool_state *state, struct cursor *cursor) {
  if (cursor->index == state->list->count)
    return false;
  if (!state->is_in_band)
    cursor->object = state->stack[cursor->index];
  else
    cursor->object =
        cursor->index == 0 ? state->list->head : aml_internal_pool_next(cursor->object);
  ++cursor->index;
  return true;
}

static void count_free(struct aml_arena_pool_state *state) {
  struct cursor cursor = {0};
  for (size_t i = 0; i < state->chunk_count; ++i)
    state->chunks[i]->free_count = 0;
  while (next_free(state, &cursor))
    ++aml_internal_pool_find(state, cursor.object)->free_count;
}

/** Chooses the chunks that leave. Returns: whether there are any. */
static bool choose(struct aml_arena_pool_state *state, size_t keep) {
  bool is_any = false;
  size_t kept = 0;
  for (size_t i = 0; i < state->chunk_count; ++i) {
    struct aml_internal_pool_chunk *const chunk = state->chunks[i];
    const bool is_empty = chunk->free_count == chunk->carved;
    chunk->is_leaving = is_empty && chunk->size > keep - kept;
    is_any = is_any || chunk->is_leaving;
    if (is_empty && !chunk->is_leaving)
      kept += chunk->size;
  }
  return is_any;
}

/** Takes free objects of chunks that leave off the stack. */
static void filter_stack(struct aml_arena_pool_state *state) {
  size_t left = 0;
  for (size_t i = 0; i < state->list->count; ++i)
    if (!aml_internal_pool_find(state, state->stack[i])->is_leaving)
      state->stack[left++] = state->stack[i];
  state->list->count = left;
}

static void set_next(void *object, void *next) {
  aml_internal_poison_none(object, sizeof next);
  *(void **)object = next;
  aml_internal_poison(object, sizeof next);
}

/** Takes free objects of chunks that leave off the list; those that stay keep their order. */
static void filter_list(struct aml_arena_pool_state *state) {
  struct cursor cursor = {0};
  struct aml_arena_pool_list left = {.object_size = state->list->object_size};
  void *last = NULL;
  while (next_free(state, &cursor)) {
    if (aml_internal_pool_find(state, cursor.object)->is_leaving)
      continue;
    if (last == NULL)
      left.head = cursor.object;
    else
      set_next(last, cursor.object);
    last = cursor.object;
    ++left.count;
  }
  if (last != NULL)
    set_next(last, NULL);
  *state->list = left;
}

/** Unmaps the chunks that leave, up to the first that the area refuses. */
static int unmap_leaving(struct aml_arena_pool_state *state, size_t *released) {
  size_t left = 0;
  int err = 0;
  for (size_t i = 0; i < state->chunk_count; ++i) {
    struct aml_internal_pool_chunk *const chunk = state->chunks[i];
    if (chunk->is_leaving && !err)
      err = aml_internal_source_unmap(&state->source, chunk->base, chunk->size);
    if (!chunk->is_leaving || err) {
      state->chunks[left++] = chunk;
      continue;
    }
    *released += chunk->size;
    state->object_count -= chunk->count;
    free(chunk);
  }
  state->chunk_count = left;
  return err;
}

int aml_internal_pool_trim(struct aml_arena_pool_state *state, size_t keep, size_t *released) {
  size_t gone = 0;
  int err = 0;
  if (!state->source.is_region) {
    count_free(state);
    if (choose(state, keep)) {
      if (state->is_in_band)
        filter_list(state);
      else
        filter_stack(state);
      for (size_t i = 0; i < state->chunk_count; ++i)
        if (state->chunks[i]->is_leaving)
          aml_internal_pool_uncarve(state, state->chunks[i]);
      aml_internal_pool_shrink(state, state->carved_count);
      err = unmap_leaving(state, &gone);
      aml_internal_pool_list_fresh(state);
    }
  }
  *released = gone;
  return err;
}
