// SPDX-License-Identifier: BSD-3-Clause
//
// The memory devices of a machine: its NUMA nodes, as Linux describes them in sysfs.
//
//     struct aml_devices *devices;
//     if (aml_devices_read(&devices, NULL))
//       return fprintf(stderr, "%s\n", aml_error_detail()), 1;
//     for (size_t i = 0; i < aml_devices_count(devices); ++i)
//       printf("node %d\n", aml_devices_at(devices, i)->number);
//     aml_devices_destroy(&devices);
//
// What is read is a snapshot: free bytes are those of that moment. A figure that the system does
// not give, or not in its form, is AML_UNKNOWN, and the rest is not affected. What is told of each
// device: core/device_facts.h.
//
// Threads: thread-compatible. Of one snapshot, several threads may use what takes it as const.

#ifndef AML_CORE_DEVICE_H
#define AML_CORE_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/block.h"
#include "aml/core/cpuset.h"
#include "aml/core/device_facts.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Devices as they were when they were read. */
struct aml_devices;

/** Where to read from: mount points, or copies of such trees. Null: the default. */
struct aml_devices_options {
  const char *sysfs;   /**< "/sys" */
  const char *procfs;  /**< "/proc" */
  const char *cgroups; /**< "/sys/fs/cgroup"; version 2, version 1, or both */
};

/**
 * Read the devices of the machine.
 *
 * A kernel without NUMA has one device, 0, of what is told of the machine as a whole.
 *
 * @param devices  where the snapshot goes.
 * @param options  null: this machine.
 *
 * Returns: 0; -AML_EINVAL if `devices` is null or a path is too long; -AML_ENODEV if sysfs lists no
 * node; -AML_ENOENT if there is neither a list of nodes nor a meminfo; -AML_ENOMEM; the system's
 * reason if the list cannot be read, or there is no file descriptor or memory left to read files.
 * Owns: aml_devices_destroy() releases it.
 * Cost: opens some 30 files per device, a few milliseconds on a machine of 8.
 */
AML_PUBLIC AML_MUST_CHECK int aml_devices_read(struct aml_devices **devices,
                                               const struct aml_devices_options *options);

/** Release a snapshot and set the pointer to null; null, and a pointer to null, are fine. */
AML_PUBLIC void aml_devices_destroy(struct aml_devices **devices);

/**
 * How many devices there are; those offline that the kernel still lists included. A null snapshot,
 * here and below, has none.
 */
AML_PUBLIC size_t aml_devices_count(const struct aml_devices *devices);

/** The device at a place, by ascending number, which may have holes; null behind the last. */
AML_PUBLIC const struct aml_device *aml_devices_at(const struct aml_devices *devices, size_t index);

/** The device of a number; null if there is none. */
AML_PUBLIC const struct aml_device *aml_devices_find(const struct aml_devices *devices, int number);

/**
 * The distance between two devices as firmware tells it (SLIT): 10 from each to itself, as a rule,
 * and 20 where access takes twice as long. -1 if it is not known.
 */
AML_PUBLIC int aml_devices_distance(const struct aml_devices *devices, int from, int to);

/** The CPUs that this process may run on; all near some device where that is not known. */
AML_PUBLIC const struct aml_cpuset *aml_devices_cpus(const struct aml_devices *devices);

/**
 * What this process may still take on all devices together, by the memory limits of its control
 * group and of those above, where pages of files that are not in use count as free. AML_UNKNOWN if
 * there is no limit, or it cannot be told.
 */
AML_PUBLIC uint64_t aml_devices_headroom(const struct aml_devices *devices);

/**
 * Tell the figures between the CPUs of one device and the memory of another.
 *
 * Each is the user's if there is one, else firmware's if `initiator` is among those of access0 or
 * access1, else AML_UNKNOWN.
 */
AML_PUBLIC struct aml_device_performance aml_devices_performance(const struct aml_devices *devices,
                                                                 int initiator, int target);

/**
 * Say what a device is; its evidence is then AML_DEVICE_EVIDENCE_USER.
 *
 * Returns: 0; -AML_EINVAL if `devices` is null or `kind` is not one kind; -AML_ENOENT if there is
 * no such device.
 */
AML_PUBLIC AML_MUST_CHECK int aml_devices_set_kind(struct aml_devices *devices, int number,
                                                   enum aml_device_kind kind);

/**
 * Give own figures between the CPUs of a device and the memory of another: measured ones, say.
 *
 * @param performance  its AML_UNKNOWN leave what was known; figures of 0 are refused.
 *
 * Returns: 0; -AML_EINVAL; -AML_ENOENT if there is no such device; -AML_ENOMEM.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_devices_set_performance(struct aml_devices *devices, int initiator, int target,
                            const struct aml_device_performance *performance);

#ifdef __cplusplus
}
#endif

#endif
