// SPDX-License-Identifier: BSD-3-Clause
//
// Blocks that are mappings of their own; and the first and the last of a heap.

#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/poison.h"
#include "aml/arena/internal/slab_chunk.h"
#include "aml/arena/internal/slab_heap.h"
#include "aml/arena/internal/slab_lock.h"
#include "aml/core/checked.h"
#include "aml/core/error.h"

typedef struct aml_internal_slab_heap heap_type;
typedef struct aml_internal_slab_chunk chunk_type;
typedef struct aml_internal_slab_span span_type;

enum { UNIT = AML_INTERNAL_SLAB_UNIT };

/** Makes a chunk one block of `size` bytes; null if there is no memory for that. */
static span_type *open_huge(heap_type *heap, chunk_type *chunk, size_t size) {
  chunk->units = size / UNIT;
  span_type *const span = aml_internal_slab_describe_chunk(chunk);
  span->state = AML_INTERNAL_SLAB_HUGE;
  if (!aml_internal_slab_map_add(&heap->map, span, false)) {
    aml_internal_slab_give_description(span);
    return aml_internal_slab_no_memory();
  }
  aml_internal_slab_link_chunk(heap, chunk);
  ++heap->large_count;
  heap->large_size += size;
  return span;
}

/** Uses memory that the area has refused to take back; null if none has room. */
static span_type *reuse_refused(heap_type *heap, size_t size, size_t alignment) {
  for (chunk_type **link = &heap->refused; *link != NULL; link = &(*link)->next) {
    chunk_type *const chunk = *link;
    const size_t lead = (size_t)(0 - (uintptr_t)chunk->mapped) & (alignment - 1);
    if (lead > chunk->mapped_size || size > chunk->mapped_size - lead)
      continue;
    chunk_type *const next = chunk->next;
    chunk->base = chunk->mapped + lead;
    span_type *const span = open_huge(heap, chunk, size);
    if (span != NULL)
      *link = next;
    return span;
  }
  return NULL;
}

/** Maps a block under the lock; null with a sentence. */
static span_type *map_new(heap_type *heap, size_t size, size_t alignment, unsigned flags) {
  struct aml_internal_source *const source = &heap->source;
  const unsigned chunk_flags = source->map_flags;
  const size_t chunk_size = source->chunk_size;
  size_t mapped_size = 0;
  source->map_flags = flags;
  source->chunk_size = 1;
  char *const mapped = aml_internal_source_map(source, "arena:slab", size, alignment, &mapped_size);
  source->map_flags = chunk_flags;
  source->chunk_size = chunk_size;
  if (mapped == NULL)
    return NULL;
  chunk_type *const chunk =
      aml_internal_slab_make_chunk(heap, mapped, mapped_size, alignment, false);
  span_type *const span =
      chunk == NULL ? aml_internal_slab_no_memory() : open_huge(heap, chunk, size);
  if (span != NULL)
    return span;
  if (chunk != NULL)
    aml_internal_slab_free_chunk(heap, chunk);
  (void)aml_internal_source_unmap(source, mapped, mapped_size);
  return NULL;
}

span_type *aml_internal_slab_map_huge(heap_type *heap, size_t size, size_t alignment,
                                      bool is_zero) {
  const bool asks = is_zero && heap->source.is_zeroed;
  bool is_new = false;
  if (alignment < UNIT)
    alignment = UNIT;
  if (!aml_checked_round_up(size, UNIT, &size))
    size = SIZE_MAX;
  aml_internal_slab_lock(&heap->lock);
  span_type *span = reuse_refused(heap, size, alignment);
  if (span == NULL) {
    span = map_new(heap, size, alignment, asks ? 0 : (unsigned)AML_AREA_MAP_NO_ZERO);
    is_new = true;
  }
  aml_internal_slab_unlock(&heap->lock);
  if (span != NULL && is_zero) {
    aml_internal_poison_none(span->base, size);
    if (!asks || !is_new)
      memset(span->base, 0, size);
  }
  return span;
}

/** Gives a huge chunk back to the area, or keeps it. Returns: whether the area took it. */
static bool unmap_chunk(heap_type *heap, chunk_type *chunk) {
  if (aml_internal_source_unmap(&heap->source, chunk->mapped, chunk->mapped_size) != 0)
    return false;
  aml_internal_slab_free_chunk(heap, chunk);
  return true;
}

void aml_internal_slab_unmap_huge_locked(heap_type *heap, span_type *span) {
  chunk_type *const chunk = span->chunk;
  --heap->large_count;
  heap->large_size -= span->units * UNIT;
  aml_internal_slab_map_remove(&heap->map, chunk->base, chunk->units);
  aml_internal_slab_unlink_chunk(heap, chunk);
  aml_internal_slab_give_description(span);
  if (unmap_chunk(heap, chunk))
    return;
  chunk->next = heap->refused;
  heap->refused = chunk;
}

void aml_internal_slab_unmap_huge(heap_type *heap, span_type *span) {
  aml_internal_slab_lock(&heap->lock);
  aml_internal_slab_unmap_huge_locked(heap, span);
  aml_internal_slab_unlock(&heap->lock);
}

size_t aml_internal_slab_unmap_refused(heap_type *heap, int *err) {
  size_t released = 0;
  for (chunk_type **link = &heap->refused; *link != NULL;) {
    chunk_type *const chunk = *link;
    chunk_type *const next = chunk->next;
    const size_t size = chunk->mapped_size;
    if (unmap_chunk(heap, chunk)) {
      released += size;
      *link = next;
    } else {
      *err = aml_error_code();
      link = &chunk->next;
    }
  }
  return released;
}

int aml_internal_slab_heap_init(heap_type *heap,
                                const struct aml_internal_source_options *options) {
  static const char call[] = "aml_arena_slab_init";
  const struct aml_internal_source *const source = &heap->source;
  aml_internal_slab_map_begin(&heap->map, &heap->pages);
  heap->grows = options->chunk_size == 0;
  heap->page_size = source->page_size > UNIT ? source->page_size : UNIT;
  if (source->granularity > heap->page_size)
    heap->page_size = source->granularity;
  if (options->region == NULL)
    return 0;
  chunk_type *const chunk =
      aml_internal_slab_make_chunk(heap, options->region, options->region_size, UNIT, true);
  if (chunk != NULL && aml_internal_slab_open_chunk(heap, chunk))
    return 0;
  if (chunk != NULL) {
    aml_internal_poison_none(options->region, options->region_size);
    aml_internal_slab_free_chunk(heap, chunk);
  }
  aml_internal_slab_map_end(&heap->map);
  aml_internal_slab_end_pages(&heap->pages);
  return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the description of the region");
}

void aml_internal_slab_heap_fini(heap_type *heap) {
  chunk_type *const lists[] = {heap->chunks, heap->refused};
  for (size_t i = 0; i < 2; ++i)
    for (chunk_type *chunk = lists[i]; chunk != NULL;) {
      chunk_type *const next = chunk->next;
      // A chunk that the area refuses to take back is the area's from here on.
      aml_internal_poison_none(chunk->mapped, chunk->mapped_size);
      if (!heap->source.is_region)
        (void)aml_internal_source_unmap(&heap->source, chunk->mapped, chunk->mapped_size);
      aml_internal_slab_free_chunk(heap, chunk);
      chunk = next;
    }
  aml_internal_slab_map_end(&heap->map);
  aml_internal_slab_end_pages(&heap->pages);
}
