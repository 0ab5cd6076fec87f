// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/internal/devices.h"

size_t aml_internal_devices_list(const struct aml_nodeset *set,
                                 uint16_t devices[AML_NODESET_CAPACITY]) {
  size_t count = 0;
  for (int node = aml_nodeset_next(set, -1); node >= 0; node = aml_nodeset_next(set, node))
    devices[count++] = (uint16_t)node;
  return count;
}

struct aml_nodeset aml_internal_devices_set(const uint16_t devices[], size_t count) {
  struct aml_nodeset set = {{0}};
  for (size_t i = 0; i < count; ++i)
    (void)aml_nodeset_add(&set, devices[i]);
  return set;
}
