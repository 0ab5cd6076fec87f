// SPDX-License-Identifier: BSD-3-Clause

#include "area/internal/renew.h"

#include <string.h>

static bool can_write(const struct aml_area *area) {
  const unsigned both = AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE;
  return (aml_area_capabilities(area) & both) == both;
}

static bool is_zeroing(const struct aml_area *area, const struct aml_area_map_options *options) {
  return (options->flags & AML_AREA_MAP_NO_ZERO) == 0 &&
         (aml_area_capabilities(area) & AML_AREA_ZEROED) != 0;
}

bool aml_internal_can_renew(const struct aml_area *area,
                            const struct aml_area_map_options *options) {
  if (can_write(area))
    return true;
  const bool can_purge = (aml_area_capabilities(area) & AML_AREA_CAN_PURGE) != 0;
  return (options->flags & AML_AREA_MAP_POPULATE) == 0 && (can_purge || !is_zeroing(area, options));
}

int aml_internal_renew(struct aml_area *area, void *pointer, size_t size,
                       const struct aml_area_map_options *options) {
  static const size_t smallest_page = 4096;
  volatile char *const bytes = pointer;
  if (is_zeroing(area, options)) {
    if (!can_write(area))
      return aml_area_purge(area, pointer, size);
    memset(pointer, 0, size);
  } else if ((options->flags & AML_AREA_MAP_POPULATE) != 0) {
    for (size_t offset = 0; offset < size; offset += smallest_page)
      bytes[offset] = bytes[offset];
  }
  return 0;
}
