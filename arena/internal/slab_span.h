// SPDX-License-Identifier: BSD-3-Clause
//
// What arena:slab knows of its memory. A chunk is memory of the area, in units; a span is a run of
// its units that is free, or holds blocks of one class, or is one larger block. Runs side by side
// are never both free. A block larger than every class is a span with a chunk of its own (huge),
// except in a region.

#ifndef AML_ARENA_INTERNAL_SLAB_SPAN_H
#define AML_ARENA_INTERNAL_SLAB_SPAN_H

#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/slab_classes.h"

#ifdef __cplusplus
extern "C" {
#endif

enum aml_internal_slab_state {
  AML_INTERNAL_SLAB_UNUSED = 0, /**< a description without a span */
  AML_INTERNAL_SLAB_FREE,       /**< a free run */
  AML_INTERNAL_SLAB_BLOCKS,     /**< blocks of a class */
  AML_INTERNAL_SLAB_LARGE,      /**< one block that is of no class, in a region */
  AML_INTERNAL_SLAB_HUGE        /**< one block that is of no class, with its chunk */
};

/** In which list of its class a span is: by how many of its blocks are free. */
enum aml_internal_slab_fullness {
  AML_INTERNAL_SLAB_DENSE,
  AML_INTERNAL_SLAB_HALF,
  AML_INTERNAL_SLAB_SPARSE,
  AML_INTERNAL_SLAB_LISTS,
  AML_INTERNAL_SLAB_FULL = AML_INTERNAL_SLAB_LISTS /**< none is free: in no list */
};

struct aml_internal_slab_chunk;

/**
 * A span. The first fields are what giving a block back reads. Of blocks, free_count is the number
 * of bits set, fewer than capacity.
 */
struct aml_internal_slab_span {
  char *base;
  size_t units;
  struct aml_internal_slab_chunk *chunk;
  union {
    uint64_t clean;     /**< of blocks: a bit for each unit that is known to be untouched since it
                             was mapped or purged; 0 for spans of one block, also large ones */
    size_t dirty_units; /**< of a free run: those that are not clean */
  };
  uint8_t state;
  uint8_t class_index;
  uint8_t fullness;
  uint8_t is_candidate; /**< in the list of those that may have pages to purge */
  uint16_t capacity;
  uint16_t free_count;
  uint16_t looked_count; /**< free_count when pages to purge were last looked for, or less */
  struct aml_internal_slab_span *next; /**< in a list of free runs, or of a class */
  struct aml_internal_slab_span *previous;
  struct aml_internal_slab_span *next_candidate;
  struct aml_internal_slab_span *previous_candidate;
  uint64_t free_bits[AML_INTERNAL_SLAB_MAX_CAPACITY / 64]; /**< one for each block that is free */
};

enum {
  AML_INTERNAL_SLAB_FIRST_SPANS = 16, /**< descriptions that come with a chunk */
  AML_INTERNAL_SLAB_MORE_SPANS = 28   /**< and in each page of more */
};

/** A page of slab_pages.h. */
struct aml_internal_slab_more {
  struct aml_internal_slab_more *next;
  struct aml_internal_slab_span spans[AML_INTERNAL_SLAB_MORE_SPANS];
};

/** A chunk. free_units == the sum over its free runs; base is on a unit, in what was mapped. */
struct aml_internal_slab_chunk {
  struct aml_internal_slab_chunk *next;
  struct aml_internal_slab_chunk *previous;
  char *mapped;
  size_t mapped_size;
  char *base;
  size_t units;
  size_t free_units;
  struct aml_internal_slab_span *unused; /**< descriptions, linked by next */
  struct aml_internal_slab_span *fresh;  /**< more of them, side by side */
  size_t fresh_count;
  size_t unused_count; /**< of both */
  struct aml_internal_slab_more *more;
  uint64_t *clean; /**< a bit for each unit of free runs; null where none can be clean, and for a
                        huge block's */
  struct aml_internal_slab_span spans[AML_INTERNAL_SLAB_FIRST_SPANS];
};

/** Push to the front of a list. */
static inline void aml_internal_slab_link(struct aml_internal_slab_span **head,
                                          struct aml_internal_slab_span *span) {
  span->previous = NULL;
  span->next = *head;
  if (*head != NULL)
    (*head)->previous = span;
  *head = span;
}

static inline void aml_internal_slab_unlink(struct aml_internal_slab_span **head,
                                            struct aml_internal_slab_span *span) {
  if (span->previous != NULL)
    span->previous->next = span->next;
  else
    *head = span->next;
  if (span->next != NULL)
    span->next->previous = span->previous;
}

#ifdef __cplusplus
}
#endif

#endif
