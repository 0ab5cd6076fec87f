// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/internal/mappings.h"

#include "aml/core/checked.h"
#include "aml/core/error.h"

struct aml_internal_mapping *aml_internal_mappings_find(const struct aml_internal_ranges *mappings,
                                                        const void *pointer) {
  return (struct aml_internal_mapping *)aml_internal_ranges_find(mappings, (uintptr_t)pointer);
}

int aml_internal_mappings_take(struct aml_internal_ranges *mappings, const char *call,
                               const void *pointer, const char *size_name, size_t size,
                               size_t granularity, struct aml_internal_mapping **mapping) {
  struct aml_internal_mapping *const found = aml_internal_mappings_find(mappings, pointer);
  size_t rounded;
  if (found == NULL)
    return aml_error_set(-AML_EINVAL, call, "pointer",
                         "is in no mapping, or in one that was given back already");
  if (found->range.start != (uintptr_t)pointer)
    return aml_error_set(-AML_EINVAL, call, "pointer", "is inside a mapping, not at its start");
  if (!aml_checked_round_up(size, granularity, &rounded) || rounded != found->range.size)
    return aml_error_set_value(-AML_EINVAL, call, size_name, size, "is not that of the mapping");
  aml_internal_ranges_remove(mappings, &found->range);
  *mapping = found;
  return 0;
}

struct aml_internal_mapping *aml_internal_mappings_put(struct aml_internal_ranges *mappings,
                                                       const void *pointer,
                                                       struct aml_internal_mapping *mapping) {
  struct aml_internal_range *const range = &mapping->range;
  range->start = (uintptr_t)pointer;
  if (aml_internal_ranges_insert(mappings, range))
    return NULL;
  struct aml_internal_range *stale = aml_internal_ranges_find(mappings, range->start);
  if (stale == NULL)
    stale = aml_internal_ranges_from(mappings, range->start);
  aml_internal_ranges_remove(mappings, stale);
  return (struct aml_internal_mapping *)stale;
}
