// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/buddy_chunks.h"

#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/buddy_tree.h"

/** Where the first chunk is that ends behind an address. */
static size_t position_of(const struct aml_internal_buddy_chunks *chunks, uintptr_t address) {
  size_t below = 0;
  for (size_t count = chunks->count; count > 0;) {
    const size_t half = count / 2;
    const bool is_behind = chunks->entries[below + half].last < address;
    below += is_behind ? half + 1 : 0;
    count = is_behind ? count - half - 1 : half;
  }
  return below;
}

struct aml_internal_buddy_chunk *
aml_internal_buddy_chunks_search(const struct aml_internal_buddy_chunks *chunks,
                                 uintptr_t address) {
  const size_t position = position_of(chunks, address);
  if (position == chunks->count || address < (uintptr_t)chunks->entries[position].chunk->base)
    return NULL;
  return chunks->entries[position].chunk;
}

bool aml_internal_buddy_chunks_add(struct aml_internal_buddy_chunks *chunks,
                                   struct aml_internal_buddy_chunk *chunk) {
  if (chunks->count == chunks->capacity) {
    const size_t capacity = chunks->capacity == 0 ? 8 : 2 * chunks->capacity;
    struct aml_internal_buddy_entry *const more = realloc(chunks->entries, capacity * sizeof *more);
    if (more == NULL)
      return false;
    chunks->entries = more;
    chunks->capacity = capacity;
  }
  const size_t position = position_of(chunks, (uintptr_t)chunk->base);
  struct aml_internal_buddy_entry *const entry = &chunks->entries[position];
  memmove(entry + 1, entry, (chunks->count - position) * sizeof *entry);
  entry->last = (uintptr_t)chunk->base + (chunk->size - 1);
  entry->chunk = chunk;
  ++chunks->count;
  return true;
}

const char *aml_internal_buddy_check(const struct aml_internal_buddy_chunks *chunks,
                                     const struct aml_internal_buddy_tree *tree,
                                     struct aml_internal_buddy_sums *sums) {
  size_t node_count = 0;
  uintptr_t end = 0;
  *sums = (struct aml_internal_buddy_sums){0};
  for (size_t i = 0; i < chunks->count; ++i) {
    const struct aml_internal_buddy_chunk *const chunk = chunks->entries[i].chunk;
    const char *const defect =
        aml_internal_buddy_check_chunk(chunk, &sums->live_grains, &node_count);
    if (defect != NULL)
      return defect;
    if ((uintptr_t)chunk->base < end)
      return "has chunks that are not in order";
    end = (uintptr_t)chunk->base + chunk->size;
    sums->live_count += chunk->live_count;
    sums->reserved_size += chunk->size;
  }
  return aml_internal_buddy_check_lists(tree, node_count);
}
