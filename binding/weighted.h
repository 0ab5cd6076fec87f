// SPDX-License-Identifier: BSD-3-Clause
//
// binding:weighted: item after item, round a set of devices in proportion to weights, so that a
// streaming kernel uses the bandwidth of DRAM and of HBM or CXL at once.
//
//     const unsigned weights[] = {3, 1};  // of devices 0 and 2
//     AML_BINDING_WEIGHTED_DECL(binding);
//     int err = aml_binding_weighted_init(binding, &devices,
//                                         &(struct aml_binding_weighted_options){weights, NULL});
//
//     items:   0 0 2 0 | 0 0 2 0 | …
//
// With given weights, among the first t items each device has t times its share, and less than one
// more or less, for every t: Tijdeman's solution of the chairman assignment problem. Without, the
// weights are the system's, the mapping is the kernel's own (each device's items in one run), and
// applied to pages it is the kernel's policy of weighted interleaving.
//
// Threads: thread-safe once made.

#ifndef AML_BINDING_WEIGHTED_H
#define AML_BINDING_WEIGHTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/binding.h"
#include "aml/core/block.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/nodeset.h"
#include "aml/core/reciprocal.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The most items after which a weighted binding begins anew. */
#define AML_BINDING_WEIGHTED_MAX_PERIOD 65536

/** Each field's zero is its default. */
struct aml_binding_weighted_options {
  /** One per device, in ascending order of devices; a device of weight 0 is never used. Not kept.
      Null: those of the system for weighted interleaving. */
  const unsigned *weights;
  const char *sysfs_root; /**< where those are read from; null: "/sys" */
};

/** A weighted binding; use functions. */
struct aml_binding_weighted {
  struct aml_binding binding;
  uint16_t *period; /**< the devices of the first `length` items; owned; null: not initialised */
  struct aml_reciprocal length;
  struct aml_nodeset devices; /**< whose weight is not 0 */
  bool is_system;             /**< the mapping is the kernel's */
};

extern AML_PUBLIC const struct aml_binding_ops aml_binding_weighted_ops;

/** Declare `struct aml_binding *name`, to be initialised as a weighted binding. */
#define AML_BINDING_WEIGHTED_DECL(name)                                                            \
  AML_BLOCK_DECL(aml_binding_weighted, aml_binding, binding, aml_binding_weighted_ops, name)

/**
 * Initialise a weighted binding.
 *
 * The system's weights are those of this moment: a binding does not follow when they are changed.
 *
 * @param binding  declared by AML_BINDING_WEIGHTED_DECL, not initialised.
 * @param devices  not empty. Not kept.
 * @param options  null: the defaults.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, an empty set, weights that are all 0;
 * -AML_EOVERFLOW if the weights, divided by their greatest common divisor (the system's: as they
 * are), add up to more than AML_BINDING_WEIGHTED_MAX_PERIOD; -AML_ENOMEM. Of the system's weights:
 * -AML_ENOTSUP if the kernel has none (Linux does from 6.9 on); -AML_ENODEV if not for a device;
 * -AML_EIO if one is not in its form; the system's reason if it cannot be read.
 * Owns: aml_binding_fini() releases what it holds.
 * Cost: O(sum of the divided weights * devices), and 2 bytes of memory for each of that sum; a file
 * read per device for the system's weights.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_binding_weighted_init(struct aml_binding *binding, const struct aml_nodeset *devices,
                          const struct aml_binding_weighted_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_binding_weighted_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_binding_weighted_create(struct aml_binding **binding, const struct aml_nodeset *devices,
                            const struct aml_binding_weighted_options *options);

/**
 * Tell weights in proportion to the read bandwidth of devices.
 *
 * They are the first of small sum (up to 4096) with which each device's share of the sum differs
 * from its share of the bandwidth by at most a sixteenth of that. Where devices are so different
 * that there are none, each is rounded to a multiple of 1/4096, perhaps to 0.
 *
 * @param snapshot  what is known of devices, or was set (aml_devices_set_performance()).
 * @param cpus      from where the bandwidth is; null: those that this process may run on.
 * @param devices   not empty.
 * @param weights   where they go: one per device, in ascending order of devices.
 *
 * Returns: 0; -AML_EINVAL: null, an empty set, CPUs that are none of the machine's; -AML_ENOENT if
 * of a device no figure is known.
 * Cost: O(n^2) in the machine's devices, without a system call.
 */
AML_PUBLIC AML_MUST_CHECK int aml_binding_weighted_by_bandwidth(const struct aml_devices *snapshot,
                                                                const struct aml_cpuset *cpus,
                                                                const struct aml_nodeset *devices,
                                                                unsigned weights[]);

/** aml_binding_device_of() for any number of items, without checks, to be inlined. */
static inline int aml_binding_weighted_device_of(const struct aml_binding *binding, size_t index) {
  const struct aml_binding_weighted *const it = (const struct aml_binding_weighted *)binding;
  size_t place;
  (void)aml_reciprocal_divide(&it->length, index, &place);
  return it->period[place];
}

#ifdef __cplusplus
}
#endif

#endif
