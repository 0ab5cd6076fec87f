// SPDX-License-Identifier: BSD-3-Clause
//
// The units of arena:slab: chunks from the area, cut into runs. A run that is taken is as close in
// size as segregated lists tell (good fit; M. Masmano et al., "TLSF: a new dynamic memory allocator
// for real-time systems", ECRTS 2004), and of runs whose pages have been touched before any other,
// so that memory that is resident is used again. All in descriptions apart from the memory.
//
// Threads: thread-safe, by the lock of the heap, which calls of the area are made under.

#ifndef AML_ARENA_INTERNAL_SLAB_HEAP_H
#define AML_ARENA_INTERNAL_SLAB_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/slab_lock.h"
#include "aml/arena/internal/slab_map.h"
#include "aml/arena/internal/slab_pages.h"
#include "aml/arena/internal/slab_runs.h"
#include "aml/arena/internal/slab_span.h"
#include "aml/arena/internal/source.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Words with a bit for each unit of the largest class. */
enum { AML_INTERNAL_SLAB_CLEAN_WORDS = AML_INTERNAL_SLAB_MAX_SIZE / AML_INTERNAL_SLAB_UNIT / 64 };

/** A heap. Free runs of `clean` have no unit that is not clean, and those of `dirty` some. */
struct aml_internal_slab_heap {
  struct aml_internal_slab_lock lock; /**< guards all below */
  struct aml_internal_source source;
  struct aml_internal_slab_pages pages; /**< for descriptions of spans, and for the map */
  struct aml_internal_slab_map map;
  struct aml_internal_slab_runs dirty;
  struct aml_internal_slab_runs clean;
  struct aml_internal_slab_chunk *chunks;
  struct aml_internal_slab_chunk *refused; /**< of huge blocks that ended; the area refused them */
  bool grows;                              /**< chunks with what is held */
  size_t page_size;                        /**< that purge works in; at least a unit */
  size_t free_units;
  size_t dirty_units; /**< of the free ones, those that are not clean */
  size_t large_count; /**< blocks of no class */
  size_t large_size;
  size_t metadata_size; /**< of chunks */
};

/** What a run is taken for. */
struct aml_internal_slab_want {
  size_t units;
  size_t alignment; /**< in units; a power of two */
  enum aml_internal_slab_state state;
  unsigned class_index; /**< of BLOCKS */
};

/**
 * Take a heap up.
 *
 * @param heap     zeroed, but for its source.
 * @param options  what the source was made from.
 *
 * Returns: 0; -AML_ENOMEM with a sentence on aml_arena_slab_init().
 */
int aml_internal_slab_heap_init(struct aml_internal_slab_heap *heap,
                                const struct aml_internal_source_options *options);

/** Give everything back to the area and the C heap. */
void aml_internal_slab_heap_fini(struct aml_internal_slab_heap *heap);

/**
 * Take a run of units.
 *
 * @param clean  null, or words for a bit for each unit that is clean, of at most as many units as a
 *               block of a class has.
 *
 * Returns: its span, of which the map tells; null with a sentence on aml_arena_alloc().
 */
struct aml_internal_slab_span *aml_internal_slab_take(struct aml_internal_slab_heap *heap,
                                                      const struct aml_internal_slab_want *want,
                                                      uint64_t *clean);

/** Give a run back; span->clean tells which units of up to 64 are clean. */
void aml_internal_slab_give(struct aml_internal_slab_heap *heap,
                            struct aml_internal_slab_span *span);

/**
 * Map a huge block.
 *
 * @param is_zero  whether its bytes are to be zero.
 *
 * Returns: its span; null with a sentence on aml_arena_alloc().
 */
struct aml_internal_slab_span *aml_internal_slab_map_huge(struct aml_internal_slab_heap *heap,
                                                          size_t size, size_t alignment,
                                                          bool is_zero);

/** Unmap a huge block, or keep its chunk if the area refuses. */
void aml_internal_slab_unmap_huge(struct aml_internal_slab_heap *heap,
                                  struct aml_internal_slab_span *span);

/**
 * Unmap chunks without blocks, and purge free runs.
 *
 * @param keep      bytes that may stay, in chunks.
 * @param released  bytes that were unmapped.
 *
 * Returns: 0; what the area's unmap failed with; then the rest was tried.
 */
int aml_internal_slab_release(struct aml_internal_slab_heap *heap, size_t keep, size_t *released);

/**
 * Unmap chunks without blocks, as many as keep one of `size` bytes from being mapped within the
 * limit, if that is enough. Returns: whether the area was asked to.
 */
bool aml_internal_slab_make_way(struct aml_internal_slab_heap *heap, size_t size, size_t alignment);

/** Purge whole pages in [start, start + size). Returns: whether the area did. */
bool aml_internal_slab_purge(const struct aml_internal_slab_heap *heap, char *start, size_t size);

/** Make every chunk one free run, as if all blocks were given back. */
void aml_internal_slab_heap_reset(struct aml_internal_slab_heap *heap);

#ifdef __cplusplus
}
#endif

#endif
