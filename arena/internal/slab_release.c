// SPDX-License-Identifier: BSD-3-Clause
//
// What a heap gives back, and the walk that proves its invariants.

#include <unistd.h>

#include "aml/arena/internal/poison.h"
#include "aml/arena/internal/slab_bits.h"
#include "aml/arena/internal/slab_chunk.h"
#include "aml/arena/internal/slab_heap.h"
#include "aml/arena/internal/slab_lock.h"
#include "aml/core/error.h"

typedef struct aml_internal_slab_heap heap_type;
typedef struct aml_internal_slab_chunk chunk_type;
typedef struct aml_internal_slab_span span_type;

enum { UNIT = AML_INTERNAL_SLAB_UNIT };

bool aml_internal_slab_purge(const heap_type *heap, char *start, size_t size) {
  return heap->source.can_purge && aml_area_purge(heap->source.area, start, size) == 0;
}

/** Purges the whole pages of a free run that is not clean, and moves it where it then belongs.
 */
static void purge_run(heap_type *heap, span_type *run) {
  uint64_t *const clean = run->chunk->clean;
  const size_t mask = heap->page_size - 1;
  const uintptr_t number = (uintptr_t)run->base;
  const size_t lead = (size_t)(0 - number) & mask;
  const size_t tail = (size_t)(number + run->units * UNIT) & mask;
  if (clean == NULL || lead + tail >= run->units * UNIT)
    return;
  const size_t unit = aml_internal_slab_unit(run) + lead / UNIT;
  const size_t units = run->units - (lead + tail) / UNIT;
  if (aml_internal_slab_all(clean, unit, units) ||
      !aml_internal_slab_purge(heap, run->base + lead, units * UNIT))
    return;
  aml_internal_slab_remove_run(heap, run);
  aml_internal_slab_set(clean, unit, units);
  run->dirty_units = aml_internal_slab_count_dirty(run->chunk, run->base, run->units);
  aml_internal_slab_put_run(heap, run);
}

/** Purges free runs until at most `keep` bytes in them are not clean. */
static void purge_runs(heap_type *heap, size_t keep) {
  for (unsigned list = AML_INTERNAL_SLAB_RUN_LISTS; list-- != 0;)
    for (span_type *run = heap->dirty.lists[list]; run != NULL;) {
      span_type *const next = run->next;
      if (heap->dirty_units <= keep / UNIT)
        return;
      purge_run(heap, run);
      run = next;
    }
}

/** Does without leaves for what free runs hold as a whole. */
static void join_runs(heap_type *heap, const struct aml_internal_slab_runs *runs) {
  unsigned list = aml_internal_slab_run_list(AML_INTERNAL_SLAB_LEAF_UNITS);
  for (; list < AML_INTERNAL_SLAB_RUN_LISTS; ++list)
    for (span_type *run = runs->lists[list]; run != NULL; run = run->next)
      aml_internal_slab_map_join(&heap->map, run);
}

/** Unmaps a chunk without blocks. Returns: what the area failed with; then nothing has changed. */
static int release_chunk(heap_type *heap, chunk_type *chunk) {
  const int err = aml_internal_source_unmap(&heap->source, chunk->mapped, chunk->mapped_size);
  if (err)
    return err;
  aml_internal_slab_remove_run(heap, aml_internal_slab_find_span(&heap->map, chunk->base));
  aml_internal_slab_map_remove(&heap->map, chunk->base, chunk->units);
  aml_internal_slab_unlink_chunk(heap, chunk);
  aml_internal_slab_free_chunk(heap, chunk);
  return 0;
}

int aml_internal_slab_release(heap_type *heap, size_t keep, size_t *released) {
  size_t kept = 0;
  size_t gone = 0;
  int err = 0;
  aml_internal_slab_lock(&heap->lock);
  for (chunk_type *chunk = heap->chunks; chunk != NULL && !heap->source.is_region;) {
    chunk_type *const next = chunk->next;
    const size_t size = chunk->mapped_size;
    if (chunk->free_units == chunk->units) {
      const bool stays = size <= keep - kept;
      const int refused = stays ? 0 : release_chunk(heap, chunk);
      kept += stays ? size : 0;
      gone += stays || refused ? 0 : size;
      err = refused ? refused : err;
    } else {
      aml_internal_slab_drop_descriptions(heap, chunk);
    }
    chunk = next;
  }
  gone += aml_internal_slab_unmap_refused(heap, &err);
  if (heap->source.can_purge)
    purge_runs(heap, keep);
  join_runs(heap, &heap->dirty);
  join_runs(heap, &heap->clean);
  aml_internal_slab_purge_pages(&heap->pages, (size_t)sysconf(_SC_PAGESIZE));
  aml_internal_slab_unlock(&heap->lock);
  *released = gone;
  return err;
}

/** Bytes of chunks without blocks. */
static size_t idle_size(const heap_type *heap) {
  size_t size = 0;
  for (const chunk_type *chunk = heap->chunks; chunk != NULL; chunk = chunk->next)
    if (chunk->free_units == chunk->units)
      size += chunk->mapped_size;
  return size;
}

bool aml_internal_slab_make_way(heap_type *heap, size_t size, size_t alignment) {
  const struct aml_internal_source *const source = &heap->source;
  bool was_asked = false;
  aml_internal_slab_lock(&heap->lock);
  chunk_type *chunk = source->is_region ? NULL : heap->chunks;
  if (!aml_internal_source_fits(source, size, alignment, idle_size(heap)))
    chunk = NULL;
  while (chunk != NULL && !aml_internal_source_fits(source, size, alignment, 0)) {
    chunk_type *const next = chunk->next;
    if (chunk->free_units == chunk->units) {
      was_asked = true;
      (void)release_chunk(heap, chunk);
    }
    chunk = next;
  }
  aml_internal_slab_unlock(&heap->lock);
  return was_asked;
}

/** Makes a chunk, which has runs, one free run. */
static void reset_chunk(heap_type *heap, chunk_type *chunk) {
  for (size_t unit = 0; unit < chunk->units;) {
    const span_type *const span =
        aml_internal_slab_find_span(&heap->map, chunk->base + unit * UNIT);
    if (span->state == AML_INTERNAL_SLAB_BLOCKS)
      aml_internal_slab_map_kind(&heap->map, span, AML_INTERNAL_SLAB_NO_CLASS);
    unit += span->units;
  }
  aml_internal_slab_forget_spans(heap, chunk);
  aml_internal_poison(chunk->mapped, chunk->mapped_size);
  aml_internal_slab_put_run(heap, aml_internal_slab_describe_chunk(chunk));
}

void aml_internal_slab_heap_reset(heap_type *heap) {
  heap->dirty = (struct aml_internal_slab_runs){0};
  heap->clean = (struct aml_internal_slab_runs){0};
  heap->free_units = 0;
  heap->dirty_units = 0;
  for (chunk_type *chunk = heap->chunks; chunk != NULL;) {
    chunk_type *const next = chunk->next;
    span_type *const span = aml_internal_slab_find_span(&heap->map, chunk->base);
    if (span != NULL && span->state == AML_INTERNAL_SLAB_HUGE)
      aml_internal_slab_unmap_huge_locked(heap, span);
    else if (span != NULL)
      reset_chunk(heap, chunk);
    chunk = next;
  }
  heap->large_count = 0;
  heap->large_size = 0;
}

/** What a walk has seen. */
struct walk {
  size_t reserved;
  size_t free_units;
  size_t dirty_units;
  size_t runs;
  size_t pages;
  size_t large_count;
  size_t large_size;
};

static const char *check_span(const heap_type *heap, const span_type *span, struct walk *walk) {
  const chunk_type *const chunk = span->chunk;
  const char *const end = span->base + span->units * UNIT;
  if (span->units == 0 || end > chunk->base + chunk->units * UNIT)
    return "has a span that is empty, or reaches past its chunk";
  // Of a free run the first and the last unit are named.
  const size_t step = span->state == AML_INTERNAL_SLAB_FREE ? span->units : 1;
  for (const char *last = span->base + step * UNIT; last <= end; last += step * UNIT)
    if (aml_internal_slab_find_span(&heap->map, last - 1) != span)
      return "has a span of which a unit is said to be another's";
  const size_t kind =
      aml_internal_slab_kind_in(aml_internal_slab_window_of(&heap->map), span->base);
  switch (span->state) {
  case AML_INTERNAL_SLAB_FREE:
    walk->free_units += span->units;
    walk->dirty_units += span->dirty_units;
    ++walk->runs;
    if (span->dirty_units != aml_internal_slab_count_dirty(chunk, span->base, span->units))
      return "has a free run that counts its clean units wrong";
    return kind == AML_INTERNAL_SLAB_NO_CLASS ? NULL : "has a free run of a class";
  case AML_INTERNAL_SLAB_BLOCKS:
    return kind == AML_INTERNAL_SLAB_NO_CLASS ||
                   kind == AML_INTERNAL_SLAB_FIRST_CLASS + (size_t)span->class_index
               ? NULL
               : "has blocks of another class than the map says";
  case AML_INTERNAL_SLAB_LARGE:
  case AML_INTERNAL_SLAB_HUGE:
    ++walk->large_count;
    walk->large_size += span->units * UNIT;
    return NULL;
  default:
    return "has a span in no state";
  }
}

static const char *check_chunk(const heap_type *heap, const chunk_type *chunk, struct walk *walk) {
  const size_t free_before = walk->free_units;
  bool was_free = false;
  const char *broken = NULL;
  for (const struct aml_internal_slab_more *more = chunk->more; more != NULL; more = more->next)
    ++walk->pages;
  for (size_t unit = 0; unit < chunk->units && broken == NULL;) {
    const span_type *const span =
        aml_internal_slab_find_span(&heap->map, chunk->base + unit * UNIT);
    if (span == NULL || span->chunk != chunk || span->base != chunk->base + unit * UNIT)
      return "has a unit that is in no span";
    if (was_free && span->state == AML_INTERNAL_SLAB_FREE)
      return "has free runs side by side";
    was_free = span->state == AML_INTERNAL_SLAB_FREE;
    broken = check_span(heap, span, walk);
    unit += span->units;
  }
  if (broken == NULL && walk->free_units - free_before != chunk->free_units)
    return "has a chunk that counts its free units wrong";
  return broken;
}

/** Counts the runs in lists, or -1 if one is in a wrong list. */
static size_t count_listed(const struct aml_internal_slab_runs *runs, bool is_clean) {
  size_t count = 0;
  for (unsigned list = 0; list < AML_INTERNAL_SLAB_RUN_LISTS; ++list) {
    const bool is_used = (runs->used[list / 64] >> (list % 64) & 1) != 0;
    if (is_used != (runs->lists[list] != NULL))
      return SIZE_MAX;
    for (const span_type *run = runs->lists[list]; run != NULL; run = run->next, ++count)
      if (aml_internal_slab_run_list(run->units) != list || (run->dirty_units == 0) != is_clean)
        return SIZE_MAX;
  }
  return count;
}

const char *aml_internal_slab_heap_check_locked(const heap_type *heap) {
  struct walk walk = {.pages = aml_internal_slab_count_bundles(&heap->pages)};
  const char *broken = NULL;
  for (const chunk_type *chunk = heap->chunks; chunk != NULL && broken == NULL;
       chunk = chunk->next) {
    walk.reserved += chunk->mapped_size;
    broken = check_chunk(heap, chunk, &walk);
  }
  for (const chunk_type *chunk = heap->refused; chunk != NULL; chunk = chunk->next)
    walk.reserved += chunk->mapped_size;
  if (broken != NULL)
    return broken;
  if (walk.pages + aml_internal_slab_count_leaves(&heap->map) != heap->pages.count)
    return "has pages of metadata that are in no use";
  if (walk.reserved != heap->source.reserved_size)
    return "holds other chunks than it counts";
  if (walk.free_units != heap->free_units || walk.dirty_units != heap->dirty_units)
    return "has other free units than it counts";
  if (walk.large_count != heap->large_count || walk.large_size != heap->large_size)
    return "has other large blocks than it counts";
  const size_t clean = count_listed(&heap->clean, true);
  const size_t dirty = count_listed(&heap->dirty, false);
  return clean != SIZE_MAX && dirty != SIZE_MAX && clean + dirty == walk.runs
             ? NULL
             : "has a free run in a wrong list, or in none";
}
