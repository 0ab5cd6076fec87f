// SPDX-License-Identifier: BSD-3-Clause
//
// The chunks of a buddy arena, by address.

#ifndef AML_ARENA_INTERNAL_BUDDY_CHUNKS_H
#define AML_ARENA_INTERNAL_BUDDY_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/buddy_tree.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A chunk; its address is here too, so that a search reads no more than entries. */
struct aml_internal_buddy_entry {
  uintptr_t last; /**< the address of its last byte */
  struct aml_internal_buddy_chunk *chunk;
};

/** Chunks, sorted: each ends where the next one begins, or before. Zeroed: none. */
struct aml_internal_buddy_chunks {
  struct aml_internal_buddy_chunk *last; /**< that a pointer was found in; or null */
  struct aml_internal_buddy_entry *entries;
  size_t count;
  size_t capacity;
};

/** Puts a chunk in its place. Returns: false if there is no memory. */
bool aml_internal_buddy_chunks_add(struct aml_internal_buddy_chunks *chunks,
                                   struct aml_internal_buddy_chunk *chunk);

/** The chunk that an address lies in, or null. */
struct aml_internal_buddy_chunk *
aml_internal_buddy_chunks_search(const struct aml_internal_buddy_chunks *chunks, uintptr_t address);

/** Likewise, and looked for in the last one first. */
static inline struct aml_internal_buddy_chunk *
aml_internal_buddy_chunks_find(const struct aml_internal_buddy_chunks *chunks,
                               const void *pointer) {
  const uintptr_t address = (uintptr_t)pointer;
  if (chunks->last != NULL && address - (uintptr_t)chunks->last->base < chunks->last->size)
    return chunks->last;
  return aml_internal_buddy_chunks_search(chunks, address);
}

/** What all chunks sum up to. */
struct aml_internal_buddy_sums {
  uint64_t live_count;
  uint64_t live_grains;
  size_t reserved_size;
};

/**
 * Checks all chunks, and the lists of their nodes.
 *
 * Returns: null, or the invariant that is broken, as the rest of a sentence on the arena.
 */
const char *aml_internal_buddy_check(const struct aml_internal_buddy_chunks *chunks,
                                     const struct aml_internal_buddy_tree *tree,
                                     struct aml_internal_buddy_sums *sums);

#ifdef __cplusplus
}
#endif

#endif
