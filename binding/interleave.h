// SPDX-License-Identifier: BSD-3-Clause
//
// binding:interleave: item after item, round a set of devices in ascending order.
//
//     AML_BINDING_INTERLEAVE_DECL(binding);
//     int err = aml_binding_interleave_init(binding, &devices);
//
// By pages this is one policy of the kernel, which numbers pages by address (aml/core/binding.h).
//
// Threads: thread-safe once made.

#ifndef AML_BINDING_INTERLEAVE_H
#define AML_BINDING_INTERLEAVE_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/binding.h"
#include "aml/core/block.h"
#include "aml/core/nodeset.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An interleave binding; use functions. The first `count` of `devices` ascend. */
struct aml_binding_interleave {
  struct aml_binding binding;
  size_t count;
  uint16_t devices[AML_NODESET_CAPACITY];
};

extern AML_PUBLIC const struct aml_binding_ops aml_binding_interleave_ops;

/** Declare `struct aml_binding *name`, to be initialised as an interleave binding. */
#define AML_BINDING_INTERLEAVE_DECL(name)                                                          \
  AML_BLOCK_DECL(aml_binding_interleave, aml_binding, binding, aml_binding_interleave_ops, name)

/**
 * Initialise an interleave binding.
 *
 * @param binding  declared by AML_BINDING_INTERLEAVE_DECL, not initialised.
 * @param devices  not empty. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, an empty set.
 */
AML_PUBLIC AML_MUST_CHECK int aml_binding_interleave_init(struct aml_binding *binding,
                                                          const struct aml_nodeset *devices);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_binding_interleave_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_binding_interleave_create(struct aml_binding **binding,
                                                            const struct aml_nodeset *devices);

/** aml_binding_device_of() for any number of items, without checks, to be inlined. */
static inline int aml_binding_interleave_device_of(const struct aml_binding *binding,
                                                   size_t index) {
  const struct aml_binding_interleave *const it = (const struct aml_binding_interleave *)binding;
  return it->devices[index % it->count];
}

#ifdef __cplusplus
}
#endif

#endif
