// SPDX-License-Identifier: BSD-3-Clause
//
// binding:near: each item on the device that is best for the thread which will use it, as a loop
// shared out by OpenMP does: schedule(static), or schedule(static, chunk).
//
//     AML_BINDING_NEAR_DECL(binding);
//     int err = aml_binding_near_init(binding, snapshot, cpus, threads, NULL);
//     err = aml_binding_apply_tiled(binding, tiling, &datum, NULL);
//
//     #pragma omp parallel for schedule(static)  // thread t runs on cpus[t]
//     for (size_t id = 0; id < aml_tiling_count(tiling); ++id)
//       …
//
// Without chunks, of n items on T threads each has n / T consecutive ones, and the first n % T
// have one more: as the runtimes of GCC and LLVM share a loop out.
//
// Threads: thread-safe once made.

#ifndef AML_BINDING_NEAR_H
#define AML_BINDING_NEAR_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/binding.h"
#include "aml/core/block.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_rank.h"
#include "aml/core/reciprocal.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Each field's zero is its default. */
struct aml_binding_near_options {
  size_t chunk; /**< consecutive items, which go round the threads; 0: each has one share of all */
  enum aml_device_criterion criterion; /**< what makes a device best; 0: its distance */
  unsigned kinds;                      /**< of devices, bits of enum aml_device_kind; 0: any */
};

/** A near binding; use functions. */
struct aml_binding_near {
  struct aml_binding binding;
  uint16_t *devices; /**< of each thread; owned; null: not initialised */
  struct aml_reciprocal threads;
  struct aml_reciprocal chunk; /**< its divisor is 0 where there are no chunks */
};

extern AML_PUBLIC const struct aml_binding_ops aml_binding_near_ops;

/** Declare `struct aml_binding *name`, to be initialised as a near binding. */
#define AML_BINDING_NEAR_DECL(name)                                                                \
  AML_BLOCK_DECL(aml_binding_near, aml_binding, binding, aml_binding_near_ops, name)

/**
 * Initialise a near binding.
 *
 * A thread's device is the best of aml_devices_best() from its CPUs; of several, the one of the
 * smallest number.
 *
 * @param binding   declared by AML_BINDING_NEAR_DECL, not initialised.
 * @param snapshot  the machine's devices. Not kept.
 * @param cpus      where each thread runs: `threads` sets, none empty. Not kept.
 * @param threads   not 0.
 * @param options   null: the defaults.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, no thread, CPUs that are none of the
 * machine's, an unknown criterion or kind; -AML_ENODEV: no device is of the kinds; -AML_ENOENT: the
 * criterion's figure is known of none; -AML_ENOMEM.
 * Owns: aml_binding_fini() releases what it holds.
 * Cost: O(n^2) in devices for each thread, without a system call; 2 bytes of memory for each.
 */
AML_PUBLIC AML_MUST_CHECK int aml_binding_near_init(struct aml_binding *binding,
                                                    const struct aml_devices *snapshot,
                                                    const struct aml_cpuset cpus[], size_t threads,
                                                    const struct aml_binding_near_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_binding_near_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_binding_near_create(struct aml_binding **binding, const struct aml_devices *snapshot,
                        const struct aml_cpuset cpus[], size_t threads,
                        const struct aml_binding_near_options *options);

/** The thread that will use an item; without checks, to be inlined. */
static inline size_t aml_binding_near_thread_of(const struct aml_binding *binding, size_t index,
                                                size_t count) {
  const struct aml_binding_near *const it = (const struct aml_binding_near *)binding;
  size_t rest;
  if (it->chunk.divisor != 0) {
    const size_t chunk = aml_reciprocal_divide(&it->chunk, index, &rest);
    (void)aml_reciprocal_divide(&it->threads, chunk, &rest);
    return rest;
  }
  const size_t share = aml_reciprocal_divide(&it->threads, count, &rest);
  const size_t of_larger = rest * (share + 1); // at most count
  return index < of_larger ? index / (share + 1) : rest + (index - of_larger) / share;
}

/** aml_binding_device_of() without checks, to be inlined. Cost: a division where no chunks are. */
static inline int aml_binding_near_device_of(const struct aml_binding *binding, size_t index,
                                             size_t count) {
  const struct aml_binding_near *const it = (const struct aml_binding_near *)binding;
  return it->devices[aml_binding_near_thread_of(binding, index, count)];
}

#ifdef __cplusplus
}
#endif

#endif
