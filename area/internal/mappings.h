// SPDX-License-Identifier: BSD-3-Clause
//
// What the wrappers that keep a record of each mapping share: the record's beginning, and the check
// that what comes back is a whole mapping. A record is out of the set while its mapping is given
// back or resized, and goes back in if that fails; so neither needs memory.
//
// Threads: thread-compatible; the wrapper's lock guards the set.

#ifndef AML_AREA_INTERNAL_MAPPINGS_H
#define AML_AREA_INTERNAL_MAPPINGS_H

#include <stddef.h>

#include "aml/area/internal/ranges.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What every record begins with. */
struct aml_internal_mapping {
  struct aml_internal_range range; /**< its size is rounded up to the granularity */
  size_t size;                     /**< as asked for */
};

/** The mapping that an address is in, or null. */
struct aml_internal_mapping *aml_internal_mappings_find(const struct aml_internal_ranges *mappings,
                                                        const void *pointer);

/**
 * Take a mapping out of the set.
 *
 * @param call       on whose behalf, for the sentence.
 * @param size_name  the argument that `size` is.
 *
 * Returns: 0; -AML_EINVAL, with nothing done, if `pointer` is not the start of a mapping, or `size`
 * does not round up to its size.
 */
int aml_internal_mappings_take(struct aml_internal_ranges *mappings, const char *call,
                               const void *pointer, const char *size_name, size_t size,
                               size_t granularity, struct aml_internal_mapping **mapping);

/**
 * Put a mapping, whose range's size is set, into the set.
 *
 * Returns: null; or, with nothing put in, another one that it overlaps, which is out of the set
 * now. That one is no mapping any more: it was given back past its wrapper, or else its memory
 * could not be another's.
 */
struct aml_internal_mapping *aml_internal_mappings_put(struct aml_internal_ranges *mappings,
                                                       const void *pointer,
                                                       struct aml_internal_mapping *mapping);

#ifdef __cplusplus
}
#endif

#endif
