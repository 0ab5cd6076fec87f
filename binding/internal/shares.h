// SPDX-License-Identifier: BSD-3-Clause
//
// Devices with weights, for binding:weighted: read, reduced, and dealt to the items of a period.

#ifndef AML_BINDING_INTERNAL_SHARES_H
#define AML_BINDING_INTERNAL_SHARES_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/nodeset.h"

/** The first `count` of each array; devices ascend. */
struct aml_internal_shares {
  size_t count;
  uint16_t devices[AML_NODESET_CAPACITY];
  uint64_t weights[AML_NODESET_CAPACITY];
};

/** Takes weights as given; fails on behalf of `call` if all are 0. */
int aml_internal_shares_given(const char *call, const struct aml_nodeset *devices,
                              const unsigned weights[], struct aml_internal_shares *shares);

/** Reads the system's weights of weighted interleaving; `root` is where sysfs is mounted. */
int aml_internal_shares_of_system(const char *call, const struct aml_nodeset *devices,
                                  const char *root, struct aml_internal_shares *shares);

/** The sum of the weights; the length of a period. */
uint64_t aml_internal_shares_total(const struct aml_internal_shares *shares);

/** Deals a period so that every prefix is as near to the weights as can be; none of them is 0. */
void aml_internal_shares_deal_evenly(const struct aml_internal_shares *shares, uint16_t period[]);

/** Deals a period as the kernel does: each device's items in one run. */
void aml_internal_shares_deal_in_turn(const struct aml_internal_shares *shares, uint16_t period[]);

#endif
