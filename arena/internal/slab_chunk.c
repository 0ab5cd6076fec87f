// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/slab_chunk.h"

#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/poison.h"
#include "aml/arena/internal/slab_bits.h"
#include "aml/core/error.h"

typedef struct aml_internal_slab_heap heap_type;
typedef struct aml_internal_slab_chunk chunk_type;
typedef struct aml_internal_slab_span span_type;

_Static_assert(sizeof(struct aml_internal_slab_more) <= AML_INTERNAL_SLAB_PAGE,
               "descriptions have room in a page");

void *aml_internal_slab_no_memory(void) {
  (void)aml_error_set(-AML_ENOMEM, "aml_arena_alloc", NULL, "no memory for metadata");
  return NULL;
}

// Descriptions of spans

span_type *aml_internal_slab_take_description(chunk_type *chunk) {
  span_type *span = chunk->unused;
  if (span != NULL) {
    chunk->unused = span->next;
  } else {
    span = chunk->fresh++;
    --chunk->fresh_count;
  }
  --chunk->unused_count;
  span->chunk = chunk;
  span->is_candidate = 0;
  return span;
}

void aml_internal_slab_give_description(span_type *span) {
  chunk_type *const chunk = span->chunk;
  span->state = AML_INTERNAL_SLAB_UNUSED;
  span->next = chunk->unused;
  chunk->unused = span;
  ++chunk->unused_count;
}

/** Gives a chunk descriptions, when it has no others that are fresh. */
static void adopt_descriptions(chunk_type *chunk, span_type *spans, size_t count) {
  chunk->fresh = spans;
  chunk->fresh_count = count;
  chunk->unused_count += count;
}

static void free_more(heap_type *heap, chunk_type *chunk) {
  while (chunk->more != NULL) {
    struct aml_internal_slab_more *const more = chunk->more;
    chunk->more = more->next;
    aml_internal_slab_give_page(&heap->pages, more);
  }
}

static bool is_unused(const span_type *spans, size_t count) {
  size_t unused = 0;
  for (size_t i = 0; i < count; ++i)
    unused += spans[i].state == AML_INTERNAL_SLAB_UNUSED;
  return unused == count;
}

/** Makes descriptions that are unused known anew. */
static void list_unused(span_type *spans, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (spans[i].state == AML_INTERNAL_SLAB_UNUSED)
      aml_internal_slab_give_description(&spans[i]);
}

void aml_internal_slab_drop_descriptions(heap_type *heap, chunk_type *chunk) {
  if (chunk->more == NULL || chunk->unused_count < AML_INTERNAL_SLAB_MORE_SPANS)
    return;
  // Those that are fresh are in the first of them, and in no state.
  for (size_t i = 0; i < chunk->fresh_count; ++i) {
    chunk->fresh[i].chunk = chunk;
    chunk->fresh[i].state = AML_INTERNAL_SLAB_UNUSED;
  }
  chunk->fresh_count = 0;
  chunk->unused = NULL;
  chunk->unused_count = 0;
  list_unused(chunk->spans, AML_INTERNAL_SLAB_FIRST_SPANS);
  for (struct aml_internal_slab_more **link = &chunk->more; *link != NULL;) {
    struct aml_internal_slab_more *const more = *link;
    if (is_unused(more->spans, AML_INTERNAL_SLAB_MORE_SPANS)) {
      *link = more->next;
      aml_internal_slab_give_page(&heap->pages, more);
    } else {
      list_unused(more->spans, AML_INTERNAL_SLAB_MORE_SPANS);
      link = &more->next;
    }
  }
}

bool aml_internal_slab_ensure_descriptions(heap_type *heap, chunk_type *chunk) {
  if (chunk->unused_count >= 2)
    return true;
  // The last fresh one, if any, is no more fresh than others.
  if (chunk->fresh_count != 0) {
    span_type *const last = chunk->fresh;
    last->chunk = chunk;
    --chunk->unused_count;
    chunk->fresh_count = 0;
    aml_internal_slab_give_description(last);
  }
  struct aml_internal_slab_more *const more = aml_internal_slab_take_page(&heap->pages);
  if (more == NULL)
    return false;
  more->next = chunk->more;
  chunk->more = more;
  adopt_descriptions(chunk, more->spans, AML_INTERNAL_SLAB_MORE_SPANS);
  return true;
}

void aml_internal_slab_forget_spans(heap_type *heap, chunk_type *chunk) {
  free_more(heap, chunk);
  chunk->unused = NULL;
  chunk->unused_count = 0;
  chunk->free_units = 0;
  adopt_descriptions(chunk, chunk->spans, AML_INTERNAL_SLAB_FIRST_SPANS);
}

chunk_type *aml_internal_slab_make_chunk(heap_type *heap, char *mapped, size_t size,
                                         size_t alignment, bool has_runs) {
  const size_t lead = (size_t)(0 - (uintptr_t)mapped) & (alignment - 1);
  const size_t units = size < lead ? 0 : (size - lead) / AML_INTERNAL_SLAB_UNIT;
  const struct aml_internal_source *const source = &heap->source;
  const bool is_clean = source->is_zeroed && source->map_flags == 0;
  const bool may_be_clean = has_runs && (is_clean || source->can_purge);
  const size_t words = may_be_clean ? aml_internal_slab_words(units) : 0;
  chunk_type *const chunk = malloc(sizeof *chunk + words * sizeof(uint64_t));
  if (chunk == NULL)
    return NULL;
  // Of the descriptions, those that are taken are filled in.
  memset(chunk, 0, offsetof(chunk_type, spans));
  chunk->mapped = mapped;
  chunk->mapped_size = size;
  chunk->base = mapped + (units == 0 ? 0 : lead);
  chunk->units = units;
  chunk->clean = words == 0 ? NULL : (uint64_t *)(chunk + 1);
  if (words != 0)
    memset(chunk->clean, is_clean ? 0xff : 0, words * sizeof(uint64_t));
  adopt_descriptions(chunk, chunk->spans, AML_INTERNAL_SLAB_FIRST_SPANS);
  heap->metadata_size += sizeof *chunk + words * sizeof(uint64_t);
  aml_internal_poison(mapped, size);
  return chunk;
}

void aml_internal_slab_free_chunk(heap_type *heap, chunk_type *chunk) {
  const size_t words = chunk->clean == NULL ? 0 : aml_internal_slab_words(chunk->units);
  heap->metadata_size -= sizeof *chunk + words * sizeof(uint64_t);
  free_more(heap, chunk);
  free(chunk);
}

void aml_internal_slab_link_chunk(heap_type *heap, chunk_type *chunk) {
  chunk->previous = NULL;
  chunk->next = heap->chunks;
  if (heap->chunks != NULL)
    heap->chunks->previous = chunk;
  heap->chunks = chunk;
}

void aml_internal_slab_unlink_chunk(heap_type *heap, chunk_type *chunk) {
  if (chunk->previous != NULL)
    chunk->previous->next = chunk->next;
  else
    heap->chunks = chunk->next;
  if (chunk->next != NULL)
    chunk->next->previous = chunk->previous;
}
