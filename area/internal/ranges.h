// SPDX-License-Identifier: BSD-3-Clause
//
// Ranges of addresses that do not overlap, found by any address in them: a treap, whose nodes the
// caller embeds in records of its own, so that nothing is allocated here. Priorities are hashes of
// the start, so a set has one shape, however it came to be. Source: R. Seidel, C. Aragon,
// "Randomized Search Trees", Algorithmica 16, 1996.
//
// Threads: thread-compatible. Cost: each call is O(log n) expected.

#ifndef AML_AREA_INTERNAL_RANGES_H
#define AML_AREA_INTERNAL_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A range; its start does not change while it is in a set, and its size only to no overlap. */
struct aml_internal_range {
  uintptr_t start;
  size_t size; /**< not 0; start + size does not wrap */
  struct aml_internal_range *left;
  struct aml_internal_range *right;
  uint64_t priority; /**< the set's, as are left and right */
};

/** A set of ranges; zeroed, it is empty. */
struct aml_internal_ranges {
  struct aml_internal_range *root;
};

/** Add a range. Returns: false, and nothing is changed, if it overlaps one that is there. */
bool aml_internal_ranges_insert(struct aml_internal_ranges *ranges,
                                struct aml_internal_range *range);

/** Remove a range that is in the set. */
void aml_internal_ranges_remove(struct aml_internal_ranges *ranges,
                                struct aml_internal_range *range);

/** The range that an address is in, or null. */
struct aml_internal_range *aml_internal_ranges_find(const struct aml_internal_ranges *ranges,
                                                    uintptr_t address);

/** The range with the lowest start that is not below an address, or null. */
struct aml_internal_range *aml_internal_ranges_from(const struct aml_internal_ranges *ranges,
                                                    uintptr_t address);

#ifdef __cplusplus
}
#endif

#endif
