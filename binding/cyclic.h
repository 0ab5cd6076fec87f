// SPDX-License-Identifier: BSD-3-Clause
//
// binding:cyclic: blocks of items go round a set of devices in ascending order.
//
//     block 2 on devices 0, 1 and 4:   0 0 | 1 1 | 4 4 | 0 0 | …
//
//     AML_BINDING_CYCLIC_DECL(binding);
//     int err = aml_binding_cyclic_init(binding, &devices,
//                                       &(struct aml_binding_cyclic_options){.block = 2});
//
// Blocks of one item are the mapping of binding:interleave, without its policy: pages are numbered
// from the first one of the range, whatever its address, and placed by a call per run.
//
// Threads: thread-safe once made.

#ifndef AML_BINDING_CYCLIC_H
#define AML_BINDING_CYCLIC_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/binding.h"
#include "aml/core/block.h"
#include "aml/core/nodeset.h"
#include "aml/core/reciprocal.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Each field's zero is its default. */
struct aml_binding_cyclic_options {
  size_t block; /**< how many consecutive items a device has; 0: 1 */
};

/** A cyclic binding; use functions. The first round.divisor of `devices` ascend. */
struct aml_binding_cyclic {
  struct aml_binding binding;
  struct aml_reciprocal block;
  struct aml_reciprocal round;
  uint16_t devices[AML_NODESET_CAPACITY];
};

extern AML_PUBLIC const struct aml_binding_ops aml_binding_cyclic_ops;

/** Declare `struct aml_binding *name`, to be initialised as a cyclic binding. */
#define AML_BINDING_CYCLIC_DECL(name)                                                              \
  AML_BLOCK_DECL(aml_binding_cyclic, aml_binding, binding, aml_binding_cyclic_ops, name)

/**
 * Initialise a cyclic binding.
 *
 * @param binding  declared by AML_BINDING_CYCLIC_DECL, not initialised.
 * @param devices  not empty. Not kept.
 * @param options  null: the defaults.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, an empty set.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_binding_cyclic_init(struct aml_binding *binding, const struct aml_nodeset *devices,
                        const struct aml_binding_cyclic_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_binding_cyclic_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_binding_cyclic_create(struct aml_binding **binding, const struct aml_nodeset *devices,
                          const struct aml_binding_cyclic_options *options);

/** aml_binding_device_of() for any number of items, without checks, to be inlined. */
static inline int aml_binding_cyclic_device_of(const struct aml_binding *binding, size_t index) {
  const struct aml_binding_cyclic *const it = (const struct aml_binding_cyclic *)binding;
  size_t place;
  const size_t block = aml_reciprocal_divide(&it->block, index, &place);
  (void)aml_reciprocal_divide(&it->round, block, &place);
  return it->devices[place];
}

#ifdef __cplusplus
}
#endif

#endif
