// SPDX-License-Identifier: BSD-3-Clause
//
// Runs that become free join their free neighbours at once. What that takes was there before: a
// span's description becomes that of its run, and of two runs that join one goes back to its chunk;
// so giving back needs no memory.

#include "aml/arena/internal/slab_heap.h"

#include "aml/arena/internal/slab_bits.h"
#include "aml/arena/internal/slab_chunk.h"
#include "aml/arena/internal/slab_lock.h"
#include "aml/core/checked.h"
#include "aml/core/error.h"

typedef struct aml_internal_slab_heap heap_type;
typedef struct aml_internal_slab_chunk chunk_type;
typedef struct aml_internal_slab_span span_type;
typedef struct aml_internal_slab_want want_type;

enum {
  UNIT = AML_INTERNAL_SLAB_UNIT,
  LEAST_CHUNK = 1 << 20,
  HUGE_PAGE = 2 << 20,
  SOON_CHUNK = 4 << 20,
  MOST_CHUNK = 32 << 20
};

// Free runs

static struct aml_internal_slab_runs *runs_of(heap_type *heap, const span_type *run) {
  return run->dirty_units == 0 ? &heap->clean : &heap->dirty;
}

size_t aml_internal_slab_count_dirty(const chunk_type *chunk, const char *base, size_t units) {
  const size_t first = (size_t)(base - chunk->base) / UNIT;
  return chunk->clean == NULL ? units : units - aml_internal_slab_count(chunk->clean, first, units);
}

void aml_internal_slab_put_run(heap_type *heap, span_type *run) {
  run->state = AML_INTERNAL_SLAB_FREE;
  aml_internal_slab_runs_put(runs_of(heap, run), run);
  aml_internal_slab_map_run(&heap->map, run);
  run->chunk->free_units += run->units;
  heap->free_units += run->units;
  heap->dirty_units += run->dirty_units;
}

void aml_internal_slab_remove_run(heap_type *heap, span_type *run) {
  aml_internal_slab_runs_remove(runs_of(heap, run), run);
  run->chunk->free_units -= run->units;
  heap->free_units -= run->units;
  heap->dirty_units -= run->dirty_units;
}

/** Makes units of a chunk, apart from any run's, a free run; nothing if there are none. */
static void put_units(heap_type *heap, chunk_type *chunk, char *base, size_t units,
                      size_t dirty_units) {
  if (units == 0)
    return;
  span_type *const run = aml_internal_slab_take_description(chunk);
  run->base = base;
  run->units = units;
  run->dirty_units = dirty_units;
  aml_internal_slab_put_run(heap, run);
}

// Chunks

span_type *aml_internal_slab_describe_chunk(chunk_type *chunk) {
  span_type *const span = aml_internal_slab_take_description(chunk);
  span->base = chunk->base;
  span->units = chunk->units;
  span->dirty_units = aml_internal_slab_count_dirty(chunk, chunk->base, chunk->units);
  return span;
}

bool aml_internal_slab_open_chunk(heap_type *heap, chunk_type *chunk) {
  if (chunk->units != 0) {
    span_type *const run = aml_internal_slab_describe_chunk(chunk);
    if (!aml_internal_slab_map_add(&heap->map, run, true))
      return false;
    aml_internal_slab_put_run(heap, run);
  }
  aml_internal_slab_link_chunk(heap, chunk);
  return true;
}

/** As large as what is held, or from 4 MiB on a 16th of that; in huge pages from 2 MiB on. */
static size_t next_chunk_size(size_t reserved) {
  const size_t share = reserved / 16 > SOON_CHUNK ? reserved / 16 : SOON_CHUNK;
  const size_t size = reserved < share ? reserved : share;
  return size < HUGE_PAGE    ? LEAST_CHUNK
         : size > MOST_CHUNK ? MOST_CHUNK
                             : size & ~((size_t)HUGE_PAGE - 1);
}

/** Maps a chunk with a run of so many units; false with a sentence. */
static bool grow(heap_type *heap, size_t units) {
  size_t size;
  if (!aml_checked_multiply(units, UNIT, &size))
    size = SIZE_MAX;
  if (heap->grows)
    heap->source.chunk_size = next_chunk_size(heap->source.reserved_size);
  size_t mapped_size = 0;
  char *const mapped =
      aml_internal_source_map(&heap->source, "arena:slab", size, UNIT, &mapped_size);
  if (mapped == NULL)
    return false;
  chunk_type *const chunk = aml_internal_slab_make_chunk(heap, mapped, mapped_size, UNIT, true);
  if (chunk != NULL && aml_internal_slab_open_chunk(heap, chunk))
    return true;
  if (chunk != NULL)
    aml_internal_slab_free_chunk(heap, chunk);
  (void)aml_internal_source_unmap(&heap->source, mapped, mapped_size);
  return aml_internal_slab_no_memory() != NULL;
}

// Runs that are taken

static span_type *find_run(heap_type *heap, size_t units) {
  span_type *const run = aml_internal_slab_runs_find(&heap->dirty, units);
  return run != NULL ? run : aml_internal_slab_runs_find(&heap->clean, units);
}

/** Tells which units of a run are clean, and says that none is any more. */
static void take_clean(span_type *span, uint64_t *clean) {
  chunk_type *const chunk = span->chunk;
  const size_t first = aml_internal_slab_unit(span);
  if (chunk->clean == NULL)
    return;
  for (size_t i = 0; clean != NULL && i < span->units; i += 64)
    clean[i / 64] =
        aml_internal_slab_get(chunk->clean, first + i, span->units - i < 64 ? span->units - i : 64);
  aml_internal_slab_clear(chunk->clean, first, span->units);
}

/** Where in a free run that has room for it what is wanted will begin. */
static char *place_in(const span_type *run, const want_type *want) {
  const size_t number = (uintptr_t)run->base / UNIT;
  return run->base + ((0 - number) & (want->alignment - 1)) * UNIT;
}

/** Whether there is memory to describe what a run is cut into. */
static bool can_carve(heap_type *heap, span_type *run, const want_type *want) {
  // No cut is needed where it begins: that is where an entry of the map does, or in the entry where
  // the run begins, as no alignment is larger but a multiple of an entry's.
  return aml_internal_slab_ensure_descriptions(heap, run->chunk) &&
         aml_internal_slab_map_cut(&heap->map, run, place_in(run, want) + want->units * UNIT);
}

/** Cuts what is wanted out of a free run. The cost does not depend on what is left of it. */
static void carve(heap_type *heap, span_type *run, const want_type *want, uint64_t *clean) {
  chunk_type *const chunk = run->chunk;
  char *const base = place_in(run, want);
  char *const end = base + want->units * UNIT;
  const size_t lead = (size_t)(base - run->base) / UNIT;
  const size_t lead_dirty = aml_internal_slab_count_dirty(chunk, run->base, lead);
  const size_t rest_dirty =
      run->dirty_units - lead_dirty - aml_internal_slab_count_dirty(chunk, base, want->units);
  aml_internal_slab_remove_run(heap, run);
  put_units(heap, chunk, run->base, lead, lead_dirty);
  put_units(heap, chunk, end, run->units - lead - want->units, rest_dirty);
  run->base = base;
  run->units = want->units;
  run->state = (uint8_t)want->state;
  run->class_index = (uint8_t)want->class_index;
  run->clean = 0;
  take_clean(run, clean);
  aml_internal_slab_map_span(&heap->map, run);
  if (run->state == AML_INTERNAL_SLAB_BLOCKS)
    aml_internal_slab_map_kind(&heap->map, run, AML_INTERNAL_SLAB_FIRST_CLASS + run->class_index);
}

span_type *aml_internal_slab_take(heap_type *heap, const want_type *want, uint64_t *clean) {
  size_t units;
  if (!aml_checked_add(want->units, want->alignment - 1, &units))
    units = SIZE_MAX;
  aml_internal_slab_lock(&heap->lock);
  span_type *run = find_run(heap, units);
  if (run == NULL && grow(heap, units))
    run = find_run(heap, units);
  if (run != NULL && !can_carve(heap, run, want))
    run = aml_internal_slab_no_memory();
  if (run != NULL)
    carve(heap, run, want, clean);
  if (run != NULL && want->state == AML_INTERNAL_SLAB_LARGE) {
    ++heap->large_count;
    heap->large_size += run->units * UNIT;
  }
  aml_internal_slab_unlock(&heap->lock);
  return run;
}

/** Joins a run, in no list, with a neighbour that is free; `run` becomes both. */
static void join(heap_type *heap, span_type *run, span_type *neighbour) {
  aml_internal_slab_remove_run(heap, neighbour);
  if (neighbour->base < run->base)
    run->base = neighbour->base;
  run->units += neighbour->units;
  run->dirty_units += neighbour->dirty_units;
  aml_internal_slab_give_description(neighbour);
}

void aml_internal_slab_give_locked(heap_type *heap, span_type *span) {
  chunk_type *const chunk = span->chunk;
  const size_t first = aml_internal_slab_unit(span);
  if (span->state == AML_INTERNAL_SLAB_LARGE) {
    --heap->large_count;
    heap->large_size -= span->units * UNIT;
  } else {
    aml_internal_slab_map_kind(&heap->map, span, AML_INTERNAL_SLAB_NO_CLASS);
  }
  if (chunk->clean != NULL)
    for (uint64_t rest = span->clean; rest != 0; rest &= rest - 1)
      aml_internal_slab_set(chunk->clean, first + (size_t)__builtin_ctzll(rest), 1);
  span->dirty_units = aml_internal_slab_count_dirty(chunk, span->base, span->units);
  if (first != 0) {
    span_type *const before = aml_internal_slab_find_span(&heap->map, span->base - 1);
    if (before->state == AML_INTERNAL_SLAB_FREE)
      join(heap, span, before);
  }
  const char *const end = span->base + span->units * UNIT;
  if (end != chunk->base + chunk->units * UNIT) {
    span_type *const behind = aml_internal_slab_find_span(&heap->map, end);
    if (behind->state == AML_INTERNAL_SLAB_FREE)
      join(heap, span, behind);
  }
  aml_internal_slab_put_run(heap, span);
}

void aml_internal_slab_give(heap_type *heap, span_type *span) {
  aml_internal_slab_lock(&heap->lock);
  aml_internal_slab_give_locked(heap, span);
  aml_internal_slab_unlock(&heap->lock);
}
