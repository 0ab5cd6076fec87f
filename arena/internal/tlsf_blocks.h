// SPDX-License-Identifier: BSD-3-Clause
//
// Blocks in memory, and the lists of free ones.
//
//     block                                  block + size
//     | head  | payload …                    | head of the next block
//     | head  | next  | link  | …    | size  | head of the next block      a free block
//
// A head is the block's size, a multiple of GRAIN, and two flags. A free block's last word is its
// size, by which the next block finds where it begins; a live block's payload takes that word too.
// Payloads are multiples of GRAIN, so heads lie one word below. A chunk begins with its
// description, and ends with a head of size 0 that is live for ever.
//
// Words of blocks are poison to all but these functions: see get() and put().

#ifndef AML_ARENA_INTERNAL_TLSF_BLOCKS_H
#define AML_ARENA_INTERNAL_TLSF_BLOCKS_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/poison.h"
#include "aml/arena/internal/tlsf_heap.h"

enum {
  WORD = sizeof(size_t),
  GRAIN = 2 * WORD,
  LEAST = 4 * WORD, // head, next, link, size
  CHUNK_OVERHEAD = sizeof(struct aml_internal_tlsf_chunk) + WORD,
  COLUMN_BITS = 6
};

static_assert(AML_INTERNAL_TLSF_COLUMNS == 1 << COLUMN_BITS, "a row is one word of bits");
static_assert(sizeof(struct aml_internal_tlsf_chunk) % GRAIN == WORD, "heads lie below payloads");

enum { IS_FREE = 1, IS_PREVIOUS_FREE = 2, FLAGS = GRAIN - 1 };

struct aml_internal_tlsf_block {
  size_t head;
  struct aml_internal_tlsf_block *next;  // in the list
  struct aml_internal_tlsf_block **link; // what points to this one: the list, or another's next
};

typedef struct aml_internal_tlsf_block block;

// get(), put(): the words of blocks, behind the back of tools that watch memory.

static inline void open_word(const void *word) {
  if (AML_INTERNAL_POISONS)
    aml_internal_poison_none(word, WORD);
}

static inline void close_word(const void *word) {
  if (AML_INTERNAL_POISONS)
    aml_internal_poison(word, WORD);
}

static inline size_t get(const size_t *word) {
  open_word(word);
  const size_t value = *word;
  close_word(word);
  return value;
}

static inline void put(size_t *word, size_t value) {
  open_word(word);
  *word = value;
  close_word(word);
}

static inline block *get_next(const block *it) {
  open_word(&it->next);
  block *const next = it->next;
  close_word(&it->next);
  return next;
}

static inline block **get_link(const block *it) {
  open_word(&it->link);
  block **const link = it->link;
  close_word(&it->link);
  return link;
}

static inline void put_link(block *it, block **link) {
  open_word(&it->link);
  it->link = link;
  close_word(&it->link);
}

/** Writes to what points to a block: a list's head, which is no poison, or a word of a block. */
static inline void put_next(block **link, block *next, bool is_head) {
  if (!is_head)
    open_word(link);
  *link = next;
  if (!is_head)
    close_word(link);
}

static inline size_t size_of(const block *it) {
  return get(&it->head) & ~(size_t)FLAGS;
}

static inline bool is_free(const block *it) {
  return (get(&it->head) & IS_FREE) != 0;
}

static inline block *block_at(const void *base, size_t offset) {
  return (block *)((char *)(uintptr_t)base + offset);
}

static inline void *payload_of(const block *it) {
  return block_at(it, WORD);
}

static inline block *block_of(const void *payload) {
  return (block *)((char *)(uintptr_t)payload - WORD);
}

/** The last word of a free block. */
static inline size_t *size_word(block *it, size_t size) {
  return (size_t *)block_at(it, size - WORD);
}

static inline block *previous_free(const block *it) {
  const size_t size = get((const size_t *)(const void *)it - 1);
  return (block *)((char *)(uintptr_t)it - size);
}

/** Bytes of a block whose payload is to have `size`, below SIZE_MAX - GRAIN - WORD. */
static inline size_t block_size(size_t size) {
  const size_t rounded = (size + WORD + GRAIN - 1) & ~(size_t)(GRAIN - 1);
  return rounded < LEAST ? (size_t)LEAST : rounded;
}

// Classes: with g the size in GRAINs, g itself below 2 * COLUMNS, and above that g cut to its
// highest COLUMN_BITS + 1 bits, numbered on. So a class number grows with the size, its high bits
// are the row, and a row above the first is a doubling of the size.

static inline unsigned class_shift(size_t grains) {
  return ((unsigned)__builtin_clzll((uint64_t)grains | 1 << COLUMN_BITS) ^ 63u) - COLUMN_BITS;
}

/** The class that blocks of a size are in. */
static inline size_t class_of(size_t size) {
  const size_t grains = size / GRAIN;
  const unsigned shift = class_shift(grains);
  return ((size_t)shift << COLUMN_BITS) + (grains >> shift);
}

/** The first class whose blocks all have a size or more. */
static inline size_t class_from(size_t size) {
  const size_t grains = size / GRAIN;
  const unsigned shift = class_shift(grains);
  return ((size_t)shift << COLUMN_BITS) + ((grains + ((size_t)1 << shift) - 1) >> shift);
}

/** Finds a free block of a size or more, which stays in its list; null if there is none. */
static inline block *find(const struct aml_internal_tlsf_heap *heap, size_t size) {
  const size_t own = class_of(size);
  size_t at = class_from(size);
  if (own != at) {
    block *const first = heap->heads[own];
    if (first != NULL && size_of(first) >= size)
      return first;
  }
  size_t row = at >> COLUMN_BITS;
  const uint64_t columns = heap->columns[row] >> (at & (AML_INTERNAL_TLSF_COLUMNS - 1));
  if (columns != 0)
    return heap->heads[at + (size_t)__builtin_ctzll(columns)];
  const uint64_t rows = heap->rows & (~UINT64_C(1) << row);
  if (rows == 0)
    return NULL;
  row = (size_t)__builtin_ctzll(rows);
  return heap->heads[(row << COLUMN_BITS) + (size_t)__builtin_ctzll(heap->columns[row])];
}

/** Puts a free block into the list of its class. */
static inline void insert(struct aml_internal_tlsf_heap *heap, block *it, size_t size) {
  const size_t number = class_of(size);
  const size_t row = number >> COLUMN_BITS;
  block **const head = &heap->heads[number];
  block *const next = *head;
  put_next(&it->next, next, false);
  put_link(it, head);
  if (next != NULL)
    put_link(next, &it->next);
  *head = it;
  heap->columns[row] |= UINT64_C(1) << (number & (AML_INTERNAL_TLSF_COLUMNS - 1));
  heap->rows |= UINT64_C(1) << row;
}

static inline void clear_bit(struct aml_internal_tlsf_heap *heap, size_t number) {
  const size_t row = number >> COLUMN_BITS;
  heap->columns[row] &= ~(UINT64_C(1) << (number & (AML_INTERNAL_TLSF_COLUMNS - 1)));
  if (heap->columns[row] == 0)
    heap->rows &= ~(UINT64_C(1) << row);
}

/** Takes a free block out of its list. */
static inline void take(struct aml_internal_tlsf_heap *heap, const block *it) {
  block *const next = get_next(it);
  block **const link = get_link(it);
  const uintptr_t offset = (uintptr_t)link - (uintptr_t)heap->heads;
  const bool is_head = offset < heap->row_count * AML_INTERNAL_TLSF_COLUMNS * sizeof(block *);
  put_next(link, next, is_head);
  if (next != NULL)
    put_link(next, link);
  else if (is_head)
    clear_bit(heap, offset / sizeof(block *));
}

/** Makes a block free, whose neighbours are both live, and puts it into its list. */
static inline void make_free(struct aml_internal_tlsf_heap *heap, block *it, size_t size) {
  put(&it->head, size | IS_FREE);
  put(size_word(it, size), size);
  insert(heap, it, size);
}

static inline void set_previous_free(block *it, bool is_previous_free) {
  const size_t head = get(&it->head);
  put(&it->head, is_previous_free ? head | IS_PREVIOUS_FREE : head & ~(size_t)IS_PREVIOUS_FREE);
}

/** The first block of a chunk. */
static inline block *first_block(const struct aml_internal_tlsf_chunk *chunk) {
  return block_at(chunk, sizeof *chunk);
}

/** Behind the last block of a chunk. */
static inline block *end_block(const struct aml_internal_tlsf_chunk *chunk) {
  const uintptr_t end = ((uintptr_t)chunk->base + chunk->size) & ~(uintptr_t)(GRAIN - 1);
  return block_of(block_at(chunk, end - (uintptr_t)chunk));
}

/** Bytes of all blocks of a chunk. */
static inline size_t room_of(const struct aml_internal_tlsf_chunk *chunk) {
  return (size_t)((char *)end_block(chunk) - (char *)first_block(chunk));
}

#endif
