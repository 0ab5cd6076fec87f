// SPDX-License-Identifier: BSD-3-Clause
//
// A set of devices as the list that look-ups index, and back.

#ifndef AML_BINDING_INTERNAL_DEVICES_H
#define AML_BINDING_INTERNAL_DEVICES_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/nodeset.h"

/** Lists a set in ascending order. Returns: how many there are. */
size_t aml_internal_devices_list(const struct aml_nodeset *set,
                                 uint16_t devices[AML_NODESET_CAPACITY]);

/** The set of `count` devices, in any order. */
struct aml_nodeset aml_internal_devices_set(const uint16_t devices[], size_t count);

#endif
