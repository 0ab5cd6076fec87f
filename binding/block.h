// SPDX-License-Identifier: BSD-3-Clause
//
// binding:block: consecutive items on each device, as evenly as can be: of n items, device i of k
// has those from i * n / k up to (i + 1) * n / k, rounded down.
//
//     10 items on 4 devices:   0 0 | 1 1 1 | 2 2 | 3 3 3
//
//     AML_BINDING_BLOCK_DECL(binding);
//     int err = aml_binding_block_init(binding, &devices);
//
// No two devices differ by more than one item; of fewer items than devices, some have none.
//
// Threads: thread-safe once made.

#ifndef AML_BINDING_BLOCK_H
#define AML_BINDING_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/binding.h"
#include "aml/core/block.h"
#include "aml/core/nodeset.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A block binding; use functions. The first `count` of `devices` ascend. */
struct aml_binding_block {
  struct aml_binding binding;
  size_t count;
  uint16_t devices[AML_NODESET_CAPACITY];
};

extern AML_PUBLIC const struct aml_binding_ops aml_binding_block_ops;

/** Declare `struct aml_binding *name`, to be initialised as a block binding. */
#define AML_BINDING_BLOCK_DECL(name)                                                               \
  AML_BLOCK_DECL(aml_binding_block, aml_binding, binding, aml_binding_block_ops, name)

/**
 * Initialise a block binding.
 *
 * @param binding  declared by AML_BINDING_BLOCK_DECL, not initialised.
 * @param devices  not empty; they have their items in ascending order. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, an empty set.
 */
AML_PUBLIC AML_MUST_CHECK int aml_binding_block_init(struct aml_binding *binding,
                                                     const struct aml_nodeset *devices);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_binding_block_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_binding_block_create(struct aml_binding **binding,
                                                       const struct aml_nodeset *devices);

/** The place of an item's device among the `devices`; without checks, to be inlined. */
static inline size_t aml_binding_block_place_of(const struct aml_binding *binding, size_t index,
                                                size_t count) {
  const struct aml_binding_block *const it = (const struct aml_binding_block *)binding;
  __extension__ typedef unsigned __int128 wide;
  // The largest i whose first item, i * count / devices rounded down, is not behind index: with
  // i * count < (index + 1) * devices.
  if (index < SIZE_MAX / AML_NODESET_CAPACITY)
    return ((index + 1) * it->count - 1) / count;
  return (size_t)((((wide)index + 1) * it->count - 1) / count);
}

/** aml_binding_device_of() without checks, to be inlined. Cost: a division. */
static inline int aml_binding_block_device_of(const struct aml_binding *binding, size_t index,
                                              size_t count) {
  const struct aml_binding_block *const it = (const struct aml_binding_block *)binding;
  return it->devices[aml_binding_block_place_of(binding, index, count)];
}

#ifdef __cplusplus
}
#endif

#endif
