// SPDX-License-Identifier: BSD-3-Clause
//
// The mappings that area:cached keeps: found by size, the youngest first, and by age. The records
// are the caller's, so nothing is allocated here.
//
// Threads: thread-compatible. Cost: all O(1), but find, which looks at mappings of similar sizes.

#ifndef AML_AREA_INTERNAL_KEPT_H
#define AML_AREA_INTERNAL_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/area/internal/mappings.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AML_INTERNAL_KEPT_BUCKETS = 64 };

/** A link of a ring. */
struct aml_internal_kept_link {
  struct aml_internal_kept_link *next;
  struct aml_internal_kept_link *previous;
};

/** A mapping, live or kept. */
struct aml_internal_kept_record {
  struct aml_internal_mapping mapping;
  bool is_changed;                       /**< bound, or moved: not as a fresh mapping is */
  int64_t released_ns;                   /**< when it was given back */
  struct aml_internal_kept_link by_age;  /**< while it is kept */
  struct aml_internal_kept_link by_size; /**< likewise */
};

/** What is kept. */
struct aml_internal_kept {
  size_t granularity; /**< of sizes */
  size_t count;
  size_t size;                          /**< bytes */
  struct aml_internal_kept_link by_age; /**< the youngest first */
  struct aml_internal_kept_link by_size[AML_INTERNAL_KEPT_BUCKETS];
};

void aml_internal_kept_init(struct aml_internal_kept *kept, size_t granularity);

/** Keep a mapping, as the youngest or as the oldest. */
void aml_internal_kept_add(struct aml_internal_kept *kept, struct aml_internal_kept_record *record,
                           bool is_youngest);

void aml_internal_kept_remove(struct aml_internal_kept *kept,
                              struct aml_internal_kept_record *record);

/** The oldest, or null. */
struct aml_internal_kept_record *aml_internal_kept_oldest(const struct aml_internal_kept *kept);

/** The youngest of exactly a size and at least an alignment, which may be 0; or null. */
struct aml_internal_kept_record *aml_internal_kept_find(struct aml_internal_kept *kept, size_t size,
                                                        size_t alignment);

#ifdef __cplusplus
}
#endif

#endif
