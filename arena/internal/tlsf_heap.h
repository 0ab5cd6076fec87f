// SPDX-License-Identifier: BSD-3-Clause
//
// What an arena of two-level segregated fit keeps. The words in the memory itself are described in
// tlsf_blocks.h.

#ifndef AML_ARENA_INTERNAL_TLSF_HEAP_H
#define AML_ARENA_INTERNAL_TLSF_HEAP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_tlsf_block;

/** Size classes in a row; a power of two, and as many as a word of a bitmap has bits. */
enum { AML_INTERNAL_TLSF_COLUMNS = 64 };

/** The head of a chunk, in the chunk. */
struct aml_internal_tlsf_chunk {
  struct aml_internal_tlsf_chunk *next;
  char *base;  /**< as it was mapped */
  size_t size; /**< as it was mapped */
};

/**
 * Free blocks by size class, and the chunks that they lie in.
 *
 * Bit i of rows is set if and only if columns[i] is not 0, and bit j of columns[i] if and only if
 * the list heads[i * COLUMNS + j] is not empty.
 */
struct aml_internal_tlsf_heap {
  uint64_t rows;
  uint64_t *columns;                      /**< row_count of them, and an empty one behind */
  struct aml_internal_tlsf_block **heads; /**< of the lists, as many as there are classes */
  size_t most;                            /**< no block, head included, is as large */
  uint64_t live_count;
  uint64_t live_size; /**< bytes of live blocks, without their heads */
  uint64_t peak_size; /**< the most that live_size was */
  struct aml_internal_tlsf_chunk *chunks;
  size_t row_count;
};

/**
 * Walks all chunks and lists, for aml_arena_validate().
 *
 * @param reserved_size  the sum of the chunks' sizes that is to be.
 *
 * Returns: null, or the invariant that is broken, as the rest of a sentence on the arena.
 */
const char *aml_internal_tlsf_find_defect(const struct aml_internal_tlsf_heap *heap,
                                          size_t reserved_size);

#ifdef __cplusplus
}
#endif

#endif
