// SPDX-License-Identifier: BSD-3-Clause
//
// Cuts pieces out of one range of numbers, which are addresses or offsets in a file: first fit by
// number, what is given back merges with its neighbours. Nothing is written to what the numbers
// stand for. Each piece is a record of internal/mappings.h, so that what comes back can be checked.
//
// Threads: thread-compatible. Cost: O(log n), but take, which looks at the free pieces in turn.

#ifndef AML_AREA_INTERNAL_EXTENTS_H
#define AML_AREA_INTERNAL_EXTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/area/internal/mappings.h"
#include "aml/area/internal/ranges.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Pieces; zeroed, there are none. */
struct aml_internal_extents {
  struct aml_internal_ranges live; /**< of records */
  struct aml_internal_ranges free; /**< likewise */
  size_t free_size;
};

/** What became of a piece. */
enum aml_internal_extents_result {
  AML_INTERNAL_EXTENTS_OK = 0,
  AML_INTERNAL_EXTENTS_NO_ROOM,  /**< there is no such piece free */
  AML_INTERNAL_EXTENTS_NO_MEMORY /**< for a record */
};

/** Add free numbers, which are in no piece yet and do not wrap. */
enum aml_internal_extents_result aml_internal_extents_add(struct aml_internal_extents *extents,
                                                          uintptr_t start, size_t size);

/** Take the first free piece of a size whose start is a multiple of a power of two. */
enum aml_internal_extents_result aml_internal_extents_take(struct aml_internal_extents *extents,
                                                           size_t size, size_t alignment,
                                                           struct aml_internal_mapping **piece);

/** Take the piece of a size at a number. */
enum aml_internal_extents_result aml_internal_extents_take_at(struct aml_internal_extents *extents,
                                                              uintptr_t start, size_t size,
                                                              struct aml_internal_mapping **piece);

/** Give a piece back, live or taken out of the live ones. Never fails. */
void aml_internal_extents_give(struct aml_internal_extents *extents,
                               struct aml_internal_mapping *piece);

/** Change the size of a live piece where it is. */
enum aml_internal_extents_result aml_internal_extents_resize(struct aml_internal_extents *extents,
                                                             struct aml_internal_mapping *piece,
                                                             size_t size);

/** The size of the largest free piece. Cost: O(n). */
size_t aml_internal_extents_largest(const struct aml_internal_extents *extents);

/** Free all records, and be as zeroed. */
void aml_internal_extents_clear(struct aml_internal_extents *extents);

#ifdef __cplusplus
}
#endif

#endif
