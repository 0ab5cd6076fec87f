// SPDX-License-Identifier: BSD-3-Clause
//
// Chunks of arena:slab and the descriptions of their spans; and what the sources of its heap share.
// All under the lock of the heap.

#ifndef AML_ARENA_INTERNAL_SLAB_CHUNK_H
#define AML_ARENA_INTERNAL_SLAB_CHUNK_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/arena/internal/slab_heap.h"
#include "aml/arena/internal/slab_span.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Records that the C heap has no more; returns null. */
void *aml_internal_slab_no_memory(void);

/** Which unit of its chunk a span begins with. */
static inline size_t aml_internal_slab_unit(const struct aml_internal_slab_span *span) {
  return (size_t)(span->base - span->chunk->base) / AML_INTERNAL_SLAB_UNIT;
}

/** Take a description, of which the chunk must have one. */
struct aml_internal_slab_span *
aml_internal_slab_take_description(struct aml_internal_slab_chunk *chunk);

void aml_internal_slab_give_description(struct aml_internal_slab_span *span);

/** See to it that a chunk has descriptions for splitting a run twice. Returns: whether it has. */
bool aml_internal_slab_ensure_descriptions(struct aml_internal_slab_heap *heap,
                                           struct aml_internal_slab_chunk *chunk);

/** Free those descriptions beyond a chunk's first that nobody uses. */
void aml_internal_slab_drop_descriptions(struct aml_internal_slab_heap *heap,
                                         struct aml_internal_slab_chunk *chunk);

/** Make all descriptions of a chunk unused, and none of its units free. */
void aml_internal_slab_forget_spans(struct aml_internal_slab_heap *heap,
                                    struct aml_internal_slab_chunk *chunk);

/**
 * Describe memory that was mapped, or is the region.
 *
 * @param alignment  of its first unit; at least a unit.
 * @param has_runs   false: it is for one block that is huge.
 *
 * Returns: a chunk in no list and no map; null if there is no memory for it.
 */
struct aml_internal_slab_chunk *aml_internal_slab_make_chunk(struct aml_internal_slab_heap *heap,
                                                             char *mapped, size_t size,
                                                             size_t alignment, bool has_runs);

/** Free the description of a chunk. */
void aml_internal_slab_free_chunk(struct aml_internal_slab_heap *heap,
                                  struct aml_internal_slab_chunk *chunk);

void aml_internal_slab_link_chunk(struct aml_internal_slab_heap *heap,
                                  struct aml_internal_slab_chunk *chunk);

void aml_internal_slab_unlink_chunk(struct aml_internal_slab_heap *heap,
                                    struct aml_internal_slab_chunk *chunk);

/** A description, in no state, of all units of a chunk that has no other. */
struct aml_internal_slab_span *
aml_internal_slab_describe_chunk(struct aml_internal_slab_chunk *chunk);

/** Make a chunk part of the map, and one free run. Returns: whether there was memory for that. */
bool aml_internal_slab_open_chunk(struct aml_internal_slab_heap *heap,
                                  struct aml_internal_slab_chunk *chunk);

/** Walk all. Returns: null; or the invariant that is broken. */
const char *aml_internal_slab_heap_check_locked(const struct aml_internal_slab_heap *heap);

/** How many of some units a chunk does not know to be clean. */
size_t aml_internal_slab_count_dirty(const struct aml_internal_slab_chunk *chunk, const char *base,
                                     size_t units);

/** Make a run, with dirty_units set, free. */
void aml_internal_slab_put_run(struct aml_internal_slab_heap *heap,
                               struct aml_internal_slab_span *run);

/** Take a free run out of its list and out of what is counted. */
void aml_internal_slab_remove_run(struct aml_internal_slab_heap *heap,
                                  struct aml_internal_slab_span *run);

/** Give a run back, as aml_internal_slab_give(), under the lock. */
void aml_internal_slab_give_locked(struct aml_internal_slab_heap *heap,
                                   struct aml_internal_slab_span *span);

/** Unmap a huge block, as aml_internal_slab_unmap_huge(), under the lock. */
void aml_internal_slab_unmap_huge_locked(struct aml_internal_slab_heap *heap,
                                         struct aml_internal_slab_span *span);

/** Unmap what the area has refused before. Returns: bytes that went; *err if it refuses again. */
size_t aml_internal_slab_unmap_refused(struct aml_internal_slab_heap *heap, int *err);

#ifdef __cplusplus
}
#endif

#endif
