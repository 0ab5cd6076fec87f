// SPDX-License-Identifier: BSD-3-Clause
//
// Chunks and free objects. Free ones are a list through their first words, or a stack of their
// addresses that has room for all carved objects, so that free never allocates. Objects are carved
// one by one, and only when none is free: so whenever carved_count grows all carved objects are
// live, and it is the most that were live since it was last reduced.
//
// The list in band is as old as allocators are; see P. R. Wilson et al., "Dynamic Storage
// Allocation: A Survey and Critical Review" (1995), section 3.6, "Segregated Free Lists".

#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/poison.h"
#include "aml/core/checked.h"
#include "aml/core/error.h"
#include "arena/internal/pool_state.h"

enum { WORD = sizeof(void *) };

size_t aml_internal_pool_rank(const struct aml_arena_pool_state *state, const void *pointer) {
  size_t low = 0;
  size_t high = state->chunk_count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if ((uintptr_t)state->chunks[middle]->base <= (uintptr_t)pointer)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

struct aml_internal_pool_chunk *aml_internal_pool_find(const struct aml_arena_pool_state *state,
                                                       const void *pointer) {
  const size_t rank = aml_internal_pool_rank(state, pointer);
  if (rank == 0)
    return NULL;
  struct aml_internal_pool_chunk *const chunk = state->chunks[rank - 1];
  return (uintptr_t)pointer - (uintptr_t)chunk->base < chunk->size ? chunk : NULL;
}

bool aml_internal_pool_index(const struct aml_arena_pool_state *state,
                             const struct aml_internal_pool_chunk *chunk, const void *object,
                             size_t *index) {
  const size_t offset = (uintptr_t)object - (uintptr_t)chunk->first;
  *index = offset / state->object_size;
  return *index < chunk->count && offset % state->object_size == 0;
}

void *aml_internal_pool_next(const void *object) {
  void *next;
  aml_internal_poison_none(object, WORD);
  memcpy(&next, object, WORD);
  aml_internal_poison(object, WORD);
  return next;
}

size_t aml_internal_pool_take(struct aml_arena_pool_state *state, size_t count, void *objects[]) {
  struct aml_arena_pool_list *const list = state->list;
  if (count > list->count)
    count = list->count;
  if (count == 0)
    return 0;
  list->count -= count;
  if (!state->is_in_band) {
    memcpy(objects, state->stack + list->count, count * sizeof *objects);
    return count;
  }
  for (size_t i = 0; i < count; ++i) {
    objects[i] = list->head;
    list->head = aml_internal_pool_next(list->head);
  }
  return count;
}

static void link_object(struct aml_arena_pool_list *list, void *object) {
  aml_internal_poison_none(object, WORD);
  memcpy(object, &list->head, WORD);
  aml_internal_poison(object, WORD);
  list->head = object;
}

void aml_internal_pool_give(struct aml_arena_pool_state *state, size_t count,
                            void *const objects[]) {
  struct aml_arena_pool_list *const list = state->list;
  if (count > state->carved_count - list->count)
    count = state->carved_count - list->count;
  if (count == 0)
    return;
  if (state->is_in_band)
    for (size_t i = 0; i < count; ++i)
      link_object(list, objects[i]);
  else
    memcpy(state->stack + list->count, objects, count * sizeof *objects);
  list->count += count;
}

/** Makes room in an array for `count` of its elements. */
static bool reserve(void **array, size_t *capacity, size_t count) {
  size_t size = 0;
  if (count <= *capacity)
    return true;
  void *const longer = aml_checked_multiply(count, WORD, &size) ? realloc(*array, size) : NULL;
  if (longer == NULL)
    return false;
  *array = longer;
  *capacity = count;
  return true;
}

/** Returns how many objects were carved, one behind the other, from *object on; see prepare(). */
static size_t carve_row(struct aml_arena_pool_state *state, size_t count, char **object,
                        bool *is_zero) {
  struct aml_internal_pool_chunk *const chunk = state->fresh;
  if (count > chunk->count - chunk->carved)
    count = chunk->count - chunk->carved;
  *object = chunk->first + chunk->carved * state->object_size;
  *is_zero = chunk->carved >= chunk->touched;
  chunk->carved += count;
  state->carved_count += count;
  if (chunk->carved == chunk->count)
    state->fresh = chunk->next;
  return count;
}

static int refuse_chunk(const char *call) {
  return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the description of a chunk");
}

/** Makes a chunk that is yet to be entered, and room to enter it. */
static struct aml_internal_pool_chunk *prepare_chunk(struct aml_arena_pool_state *state,
                                                     const char *call) {
  struct aml_internal_pool_chunk *const chunk = calloc(1, sizeof *chunk);
  // Each new chunk moves half of the others, which are in order; but the array grows seldom.
  const size_t capacity = state->chunk_count < state->chunk_capacity ? state->chunk_capacity
                                                                     : 2 * state->chunk_count + 4;
  if (chunk != NULL && reserve((void **)&state->chunks, &state->chunk_capacity, capacity))
    return chunk;
  free(chunk);
  (void)refuse_chunk(call);
  return NULL;
}

/** Finds the objects of a chunk whose base and size are known. */
static void lay_out(const struct aml_arena_pool_state *state, struct aml_internal_pool_chunk *chunk,
                    bool is_zeroed) {
  const size_t padding = (size_t)(0 - (uintptr_t)chunk->base) & (state->alignment - 1);
  const bool has_room = padding < chunk->size;
  chunk->first = chunk->base + (has_room ? padding : 0);
  chunk->count = has_room ? (chunk->size - padding) / state->object_size : 0;
  chunk->touched = is_zeroed ? 0 : chunk->count;
}

static void enter_chunk(struct aml_arena_pool_state *state, struct aml_internal_pool_chunk *chunk) {
  const size_t rank = aml_internal_pool_rank(state, chunk->base);
  memmove(state->chunks + rank + 1, state->chunks + rank,
          (state->chunk_count - rank) * sizeof(struct aml_internal_pool_chunk *));
  state->chunks[rank] = chunk;
  ++state->chunk_count;
  state->object_count += chunk->count;
  aml_internal_poison(chunk->base, chunk->size);
  if (chunk->count != 0) {
    chunk->next = state->fresh;
    state->fresh = chunk;
  }
}

/** Maps a chunk for at least one object; null, with the reason recorded. */
static struct aml_internal_pool_chunk *map_chunk(struct aml_arena_pool_state *state,
                                                 const char *call) {
  struct aml_internal_pool_chunk *const chunk = prepare_chunk(state, call);
  if (chunk == NULL)
    return NULL;
  chunk->base = aml_internal_source_map(&state->source, "arena:pool", state->object_size,
                                        state->alignment, &chunk->size);
  if (chunk->base != NULL)
    return chunk;
  free(chunk);
  return NULL;
}

static bool grow(struct aml_arena_pool_state *state) {
  static const char call[] = "aml_arena_alloc";
  struct aml_internal_pool_chunk *const chunk = map_chunk(state, call);
  if (chunk == NULL)
    return false;
  lay_out(state, chunk, state->source.is_zeroed);
  enter_chunk(state, chunk);
  return true;
}

int aml_internal_pool_adopt(struct aml_arena_pool_state *state, const char *call, void *region,
                            size_t size) {
  struct aml_internal_pool_chunk *const chunk = prepare_chunk(state, call);
  if (chunk == NULL)
    return -AML_ENOMEM;
  chunk->base = region;
  chunk->size = size;
  lay_out(state, chunk, false);
  enter_chunk(state, chunk);
  return 0;
}

/** Makes room for `count` more objects to be free. */
static bool reserve_stack(struct aml_arena_pool_state *state, size_t count) {
  const size_t least = state->carved_count + count;
  const size_t doubled = 2 * state->stack_capacity;
  if (state->is_in_band || least <= state->stack_capacity ||
      reserve((void **)&state->stack, &state->stack_capacity, least < doubled ? doubled : least))
    return true;
  (void)aml_error_set(-AML_ENOMEM, "aml_arena_alloc", NULL,
                      "no memory to keep account of free objects");
  return false;
}

void aml_internal_pool_shrink(struct aml_arena_pool_state *state, size_t count) {
  if (count >= state->stack_capacity)
    return;
  void **shorter = NULL;
  if (count == 0)
    free(state->stack);
  else
    shorter = realloc(state->stack, count * sizeof *shorter);
  if (count != 0 && shorter == NULL)
    return;
  state->stack = shorter;
  state->stack_capacity = count;
}

/** Sees to it that up to `count` objects can be carved, and be free; else changes nothing. */
static bool prepare(struct aml_arena_pool_state *state, size_t count) {
  const size_t capacity = state->stack_capacity;
  if (!reserve_stack(state, count))
    return false;
  if (state->fresh != NULL || grow(state))
    return true;
  aml_internal_pool_shrink(state, capacity);
  return false;
}

void *aml_internal_pool_carve(struct aml_arena_pool_state *state, bool *is_zero) {
  char *object = NULL;
  if (prepare(state, 1))
    (void)carve_row(state, 1, &object, is_zero);
  return object;
}

size_t aml_internal_pool_obtain(struct aml_arena_pool_state *state, size_t least, size_t most,
                                void *objects[]) {
  size_t got = aml_internal_pool_take(state, most, objects);
  while (got < most) {
    char *object = NULL;
    bool is_zero;
    if ((state->fresh == NULL && got >= least) || !prepare(state, most - got))
      break;
    const size_t row = carve_row(state, most - got, &object, &is_zero);
    for (size_t i = 0; i < row; ++i)
      objects[got++] = object + i * state->object_size;
  }
  return got;
}

void aml_internal_pool_uncarve(struct aml_arena_pool_state *state,
                               struct aml_internal_pool_chunk *chunk) {
  if (state->carved_count > state->peak_count)
    state->peak_count = state->carved_count;
  state->carved_count -= chunk->carved;
  if (chunk->carved > chunk->touched)
    chunk->touched = chunk->carved;
  chunk->carved = 0;
}

void aml_internal_pool_list_fresh(struct aml_arena_pool_state *state) {
  state->fresh = NULL;
  for (size_t i = state->chunk_count; i-- > 0;) {
    struct aml_internal_pool_chunk *const chunk = state->chunks[i];
    if (chunk->carved == chunk->count)
      continue;
    chunk->next = state->fresh;
    state->fresh = chunk;
  }
}

void aml_internal_pool_reset(struct aml_arena_pool_state *state) {
  state->list->head = NULL;
  state->list->count = 0;
  for (size_t i = 0; i < state->chunk_count; ++i) {
    aml_internal_pool_uncarve(state, state->chunks[i]);
    aml_internal_poison(state->chunks[i]->base, state->chunks[i]->size);
  }
  aml_internal_pool_list_fresh(state);
}

void aml_internal_pool_release(struct aml_arena_pool_state *state) {
  for (size_t i = 0; i < state->chunk_count; ++i) {
    struct aml_internal_pool_chunk *const chunk = state->chunks[i];
    // A chunk that the area refuses to take back is the area's from here on.
    aml_internal_poison_none(chunk->base, chunk->size);
    if (!state->source.is_region)
      (void)aml_internal_source_unmap(&state->source, chunk->base, chunk->size);
    free(chunk);
  }
  free(state->chunks);
  free(state->stack);
}
