// SPDX-License-Identifier: BSD-3-Clause
//
// binding:single: every item is on one device.
//
//     AML_BINDING_SINGLE_DECL(binding);
//     int err = aml_binding_single_init(binding, 2);
//
// Threads: thread-safe once made.

#ifndef AML_BINDING_SINGLE_H
#define AML_BINDING_SINGLE_H

#include <stddef.h>

#include "aml/core/binding.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A single binding; use functions. 0 <= device < AML_NODESET_CAPACITY. */
struct aml_binding_single {
  struct aml_binding binding;
  int device;
};

extern AML_PUBLIC const struct aml_binding_ops aml_binding_single_ops;

/** Declare `struct aml_binding *name`, to be initialised as a single binding. */
#define AML_BINDING_SINGLE_DECL(name)                                                              \
  AML_BLOCK_DECL(aml_binding_single, aml_binding, binding, aml_binding_single_ops, name)

/**
 * Initialise a single binding.
 *
 * @param binding  declared by AML_BINDING_SINGLE_DECL, not initialised.
 * @param device   0 to AML_NODESET_CAPACITY - 1; whether it exists is found out when applied.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, a number that is no device's.
 */
AML_PUBLIC AML_MUST_CHECK int aml_binding_single_init(struct aml_binding *binding, int device);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_binding_single_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_binding_single_create(struct aml_binding **binding, int device);

/** aml_binding_device_of() for any item, without checks, to be inlined. */
static inline int aml_binding_single_device_of(const struct aml_binding *binding) {
  return ((const struct aml_binding_single *)binding)->device;
}

#ifdef __cplusplus
}
#endif

#endif
