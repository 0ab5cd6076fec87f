// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/poison.h"
#include "aml/arena/internal/tlsf_blocks.h"
#include "aml/arena/internal/tlsf_heap.h"

/** What a walk through all chunks has counted. */
struct walk {
  uint64_t free_count;
  uint64_t live_count;
  uint64_t live_size;
};

/** Checks one block, of which the head is known to lie in the chunk. */
static const char *check_block(block *it, size_t room, bool is_previous_free, struct walk *walk) {
  const size_t size = size_of(it);
  if (size < LEAST || size > room)
    return "has a block that is too small, or reaches past its chunk";
  if (((get(&it->head) & IS_PREVIOUS_FREE) != 0) != is_previous_free)
    return "has a block that is wrong about the one before it";
  if (!is_free(it)) {
    ++walk->live_count;
    walk->live_size += size - WORD;
    return NULL;
  }
  ++walk->free_count;
  if (is_previous_free)
    return "has free neighbours that were not merged";
  return get(size_word(it, size)) == size ? NULL : "has a free block that does not end in its size";
}

static const char *check_chunk(const struct aml_internal_tlsf_chunk *chunk, struct walk *walk) {
  bool is_previous_free = false;
  size_t room = room_of(chunk);
  block *it = first_block(chunk);
  while (room != 0) {
    const char *const defect = check_block(it, room, is_previous_free, walk);
    if (defect != NULL)
      return defect;
    is_previous_free = is_free(it);
    room -= size_of(it);
    it = block_at(it, size_of(it));
  }
  return get(&it->head) == (is_previous_free ? (size_t)IS_PREVIOUS_FREE : 0)
             ? NULL
             : "has a chunk without its end";
}

/** The chunk that a free block can lie in, looked for from a likely one on; or null. */
static const struct aml_internal_tlsf_chunk *chunk_of(const struct aml_internal_tlsf_heap *heap,
                                                      const struct aml_internal_tlsf_chunk *likely,
                                                      const block *it) {
  const struct aml_internal_tlsf_chunk *chunk = likely == NULL ? heap->chunks : likely;
  const struct aml_internal_tlsf_chunk *const start = chunk;
  do {
    const uintptr_t offset = (uintptr_t)it - (uintptr_t)first_block(chunk);
    if (offset < room_of(chunk) && offset % GRAIN == 0)
      return chunk;
    chunk = chunk->next == NULL ? heap->chunks : chunk->next;
  } while (chunk != start);
  return NULL;
}

/** Checks the list of a class, and counts its blocks. */
static const char *check_list(const struct aml_internal_tlsf_heap *heap, size_t number,
                              uint64_t *count) {
  const struct aml_internal_tlsf_chunk *chunk = NULL;
  block **link = &heap->heads[number];
  for (block *it = *link; it != NULL; it = get_next(it)) {
    chunk = heap->chunks == NULL ? NULL : chunk_of(heap, chunk, it);
    if (chunk == NULL)
      return "has a list that leads out of its memory";
    if (!is_free(it) || class_of(size_of(it)) != number)
      return "has a block in a list where it does not belong";
    if (get_link(it) != link)
      return "has a list whose blocks are not linked both ways";
    link = &it->next;
    ++*count;
  }
  return NULL;
}

static const char *check_row(const struct aml_internal_tlsf_heap *heap, size_t row,
                             uint64_t *count) {
  if ((heap->columns[row] != 0) != ((heap->rows >> row & 1) != 0))
    return "has a row that is empty, or is not, against its bit";
  for (size_t column = 0; column < AML_INTERNAL_TLSF_COLUMNS; ++column) {
    const size_t number = (row << COLUMN_BITS) + column;
    if ((heap->heads[number] != NULL) != ((heap->columns[row] >> column & 1) != 0))
      return "has a list that is empty, or is not, against its bit";
    const char *const defect = check_list(heap, number, count);
    if (defect != NULL)
      return defect;
  }
  return NULL;
}

const char *aml_internal_tlsf_find_defect(const struct aml_internal_tlsf_heap *heap,
                                          size_t reserved_size) {
  struct walk walk = {0};
  uint64_t listed = 0;
  size_t size = 0;
  const char *defect = NULL;
  for (const struct aml_internal_tlsf_chunk *chunk = heap->chunks; chunk != NULL && !defect;
       chunk = chunk->next) {
    size += chunk->size;
    defect = check_chunk(chunk, &walk);
  }
  for (size_t row = 0; row < heap->row_count && !defect; ++row)
    defect = check_row(heap, row, &listed);
  if (defect != NULL)
    return defect;
  if (listed != walk.free_count)
    return "has free blocks that are in no list";
  if (walk.live_count != heap->live_count || walk.live_size != heap->live_size ||
      heap->peak_size < heap->live_size)
    return "has other live blocks than it counts";
  return size == reserved_size ? NULL : "holds other chunks than it counts";
}
