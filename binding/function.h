// SPDX-License-Identifier: BSD-3-Clause
//
// binding:function: the device of each item, as a function of the user says.
//
//     static int checkered(void *context, size_t index, size_t count) {
//       const size_t columns = *(const size_t *)context;
//       return (int)((index / columns + index % columns) % 2);
//     }
//
//     AML_BINDING_FUNCTION_DECL(binding);
//     int err = aml_binding_function_init(binding, checkered, &columns, &devices);
//
// Threads: as the function; it may be called by several threads that share the binding.

#ifndef AML_BINDING_FUNCTION_H
#define AML_BINDING_FUNCTION_H

#include <stddef.h>

#include "aml/core/binding.h"
#include "aml/core/block.h"
#include "aml/core/nodeset.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Tell which device an item lives on.
 *
 * It must answer the same for the same arguments, as long as the binding lives.
 *
 * Returns: a device of the binding's set; -AML_ENOENT to leave the item where it is; any other
 * negated code of AML to fail with.
 */
typedef int aml_binding_function_call(void *context, size_t index, size_t count);

/** A binding by a function; use functions. */
struct aml_binding_function {
  struct aml_binding binding;
  aml_binding_function_call *function; /**< null: not initialised */
  void *context;                       /**< borrowed */
  struct aml_nodeset devices;
};

extern AML_PUBLIC const struct aml_binding_ops aml_binding_function_ops;

/** Declare `struct aml_binding *name`, to be initialised as a binding by a function. */
#define AML_BINDING_FUNCTION_DECL(name)                                                            \
  AML_BLOCK_DECL(aml_binding_function, aml_binding, binding, aml_binding_function_ops, name)

/**
 * Initialise a binding by a function.
 *
 * An answer outside of `devices` makes aml_binding_device_of() fail with -AML_EINVAL, and so do
 * the calls that apply the binding.
 *
 * @param binding   declared by AML_BINDING_FUNCTION_DECL, not initialised.
 * @param function  called for each item that is asked for.
 * @param context   its first argument; may be null. Borrowed: must outlive the binding.
 * @param devices   which it may answer; not empty. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, an empty set.
 */
AML_PUBLIC AML_MUST_CHECK int aml_binding_function_init(struct aml_binding *binding,
                                                        aml_binding_function_call *function,
                                                        void *context,
                                                        const struct aml_nodeset *devices);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_binding_function_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_binding_function_create(struct aml_binding **binding,
                                                          aml_binding_function_call *function,
                                                          void *context,
                                                          const struct aml_nodeset *devices);

/** What the function answers, to be inlined; neither arguments nor answer are checked. */
static inline int aml_binding_function_device_of(const struct aml_binding *binding, size_t index,
                                                 size_t count) {
  const struct aml_binding_function *const it = (const struct aml_binding_function *)binding;
  return it->function(it->context, index, count);
}

#ifdef __cplusplus
}
#endif

#endif
