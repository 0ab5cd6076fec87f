// SPDX-License-Identifier: BSD-3-Clause
//
// Chooses among the memory devices of a machine: the nearest, the largest, the fastest, of a kind,
// from CPUs; and the CPUs that are nearest to one of them.
//
//     struct aml_nodeset fast;
//     err = aml_devices_best(devices, &(struct aml_device_query){
//         .criterion = AML_DEVICE_BY_READ_BANDWIDTH, .min_usable = 1 << 30}, &fast);
//
// Figures are those of aml_devices_performance(), so the user's own count before the firmware's.
// What is not known is never taken for a figure: it ranks behind all that is known.
//
// Threads: thread-safe, for one snapshot that nobody changes meanwhile. No function allocates.

#ifndef AML_CORE_DEVICE_RANK_H
#define AML_CORE_DEVICE_RANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/block.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/nodeset.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What makes a device better; the unit of aml_device_ranked::value. */
enum aml_device_criterion {
  AML_DEVICE_BY_DISTANCE = 0,    /**< smaller; the firmware's (SLIT) */
  AML_DEVICE_BY_READ_BANDWIDTH,  /**< larger; MiB/s */
  AML_DEVICE_BY_WRITE_BANDWIDTH, /**< likewise */
  AML_DEVICE_BY_READ_LATENCY,    /**< smaller; nanoseconds */
  AML_DEVICE_BY_WRITE_LATENCY,   /**< likewise */
  AML_DEVICE_BY_SIZE,            /**< larger; bytes in total */
  AML_DEVICE_BY_USABLE           /**< larger; bytes that this process may still have */
};

/** Which devices are asked for; each field's zero is its default. */
struct aml_device_query {
  enum aml_device_criterion criterion;
  unsigned kinds; /**< bits of enum aml_device_kind; 0: any */
  /** From where: of the nodes that these CPUs are of, the worst one counts for which the figure is
      known (firmware often tells of the nearest only). Null: those that this process may run on. */
  const struct aml_cpuset *cpus;
  uint64_t min_usable; /**< bytes; a device of which that is not known to be usable is left out */
  bool includes_forbidden; /**< also devices from which this process may have nothing */
};

/** A device's place. */
struct aml_device_ranked {
  int number;     /**< of the device */
  bool is_tied;   /**< another one has its rank */
  size_t rank;    /**< how many are better; those that tie have the same */
  uint64_t value; /**< by the criterion; AML_UNKNOWN: the last rank, of all that are not known */
};

/**
 * Rank the devices that are online, have memory and answer a query; the best first. Those that tie
 * are in the order of their distance, and then of their numbers.
 *
 * @param query     null: the defaults.
 * @param ranked    where the first `capacity` places go; may be null if that is 0.
 * @param count     how many devices there are to rank, whether they fitted or not.
 *
 * Returns: 0; -AML_EINVAL: null, an unknown criterion or kind, CPUs that are none of the machine's.
 * Cost: O(n^2) in devices, without a system call.
 */
AML_PUBLIC AML_MUST_CHECK int aml_devices_rank(const struct aml_devices *devices,
                                               const struct aml_device_query *query,
                                               struct aml_device_ranked ranked[], size_t capacity,
                                               size_t *count);

/**
 * Tell the best devices, all of them where several tie.
 *
 * Returns: as aml_devices_rank(); -AML_ENODEV: no device answers the query; -AML_ENOENT: the figure
 * is known of none.
 */
AML_PUBLIC AML_MUST_CHECK int aml_devices_best(const struct aml_devices *devices,
                                               const struct aml_device_query *query,
                                               struct aml_nodeset *best);

/**
 * Tell the CPUs that threads working on a device's memory should run on: its own, or of one that
 * has none those of the nearest device that has, of all such where several tie. Of CPUs that this
 * process may not run on nothing is told, so the nearest may be farther.
 *
 * @param number  of the device.
 *
 * Returns: 0; -AML_EINVAL: null; -AML_ENODEV: there is no such device; -AML_ENOENT: no distance is
 * known from a device with CPUs to it.
 * Cost: no system call.
 */
AML_PUBLIC AML_MUST_CHECK int aml_devices_nearest_cpus(const struct aml_devices *devices,
                                                       int number, struct aml_cpuset *cpus);

#ifdef __cplusplus
}
#endif

#endif
