// SPDX-License-Identifier: BSD-3-Clause
//
// binding:local: every item near the thread that touches it first, as Linux does unless it is told
// otherwise. Applied to memory it is a policy of the kernel, which overrides that of the thread;
// items that are somewhere already stay there, and are right wherever they are.
//
//     AML_BINDING_LOCAL_DECL(binding);
//     int err = aml_binding_local_init(binding);
//
// Threads: thread-safe once made.

#ifndef AML_BINDING_LOCAL_H
#define AML_BINDING_LOCAL_H

#include <stddef.h>

#include "aml/core/binding.h"
#include "aml/core/block.h"
#include "aml/core/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A local binding; it has no state of its own. */
struct aml_binding_local {
  struct aml_binding binding;
};

extern AML_PUBLIC const struct aml_binding_ops aml_binding_local_ops;

/** Declare `struct aml_binding *name`, to be initialised as a local binding. */
#define AML_BINDING_LOCAL_DECL(name)                                                               \
  AML_BLOCK_DECL(aml_binding_local, aml_binding, binding, aml_binding_local_ops, name)

/**
 * Initialise a local binding.
 *
 * @param binding  declared by AML_BINDING_LOCAL_DECL.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type.
 */
AML_PUBLIC AML_MUST_CHECK int aml_binding_local_init(struct aml_binding *binding);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_binding_local_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_binding_local_create(struct aml_binding **binding);

/** aml_binding_device_of() for any item, to be inlined: -AML_ENOENT. */
static inline int aml_binding_local_device_of(const struct aml_binding *binding) {
  (void)binding;
  return -AML_ENOENT;
}

#ifdef __cplusplus
}
#endif

#endif
