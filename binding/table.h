// SPDX-License-Identifier: BSD-3-Clause
//
// binding:table: the device of each item, as a table says: the result of a partitioner, or of a
// measurement.
//
//     const int devices[] = {0, 0, 1, -AML_ENOENT, 1};
//     AML_BINDING_TABLE_DECL(binding);
//     int err = aml_binding_table_init(binding, devices, 5, NULL);
//
// An entry of -AML_ENOENT leaves its item where it is. An item behind the end of the table is an
// error, unless the table repeats.
//
// Threads: thread-safe once made, as long as nobody writes to the table.

#ifndef AML_BINDING_TABLE_H
#define AML_BINDING_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/binding.h"
#include "aml/core/block.h"
#include "aml/core/nodeset.h"
#include "aml/core/reciprocal.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Each field's zero is its default. */
struct aml_binding_table_options {
  bool repeat; /**< behind its end the table begins anew */
};

/** A table binding; use functions. */
struct aml_binding_table {
  struct aml_binding binding;
  const int *devices;           /**< borrowed; null: not initialised */
  struct aml_reciprocal length; /**< of the table */
  struct aml_nodeset named;     /**< all that are in the table */
  bool repeat;
};

extern AML_PUBLIC const struct aml_binding_ops aml_binding_table_ops;

/** Declare `struct aml_binding *name`, to be initialised as a table binding. */
#define AML_BINDING_TABLE_DECL(name)                                                               \
  AML_BLOCK_DECL(aml_binding_table, aml_binding, binding, aml_binding_table_ops, name)

/**
 * Initialise a table binding.
 *
 * @param binding  declared by AML_BINDING_TABLE_DECL, not initialised.
 * @param devices  `length` device numbers, or -AML_ENOENT for an item that may be anywhere.
 *                 Borrowed: must outlive the binding, and not change.
 * @param length   not 0.
 * @param options  null: the defaults.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, an empty table, an entry that is no
 * device's number.
 * Cost: reads the table once.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_binding_table_init(struct aml_binding *binding, const int devices[], size_t length,
                       const struct aml_binding_table_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_binding_table_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_binding_table_create(struct aml_binding **binding, const int devices[], size_t length,
                         const struct aml_binding_table_options *options);

/**
 * aml_binding_device_of() for any number of items, to be inlined. Nothing is checked: unless the
 * table repeats, index is below its length.
 */
static inline int aml_binding_table_device_of(const struct aml_binding *binding, size_t index) {
  const struct aml_binding_table *const it = (const struct aml_binding_table *)binding;
  if (it->repeat)
    (void)aml_reciprocal_divide(&it->length, index, &index);
  return it->devices[index];
}

#ifdef __cplusplus
}
#endif

#endif
