// SPDX-License-Identifier: BSD-3-Clause
//
// A snapshot of devices, and the parts that it is read in. Each part reads files of its own, and
// what it cannot read it leaves as it is: unknown.
//
// Threads: thread-compatible.

#ifndef AML_CORE_INTERNAL_DEVICE_H
#define AML_CORE_INTERNAL_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/internal/tree.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Figures of the user's own. */
struct aml_internal_device_pair {
  int initiator;
  int target;
  struct aml_device_performance performance;
};

struct aml_devices {
  size_t count;
  struct aml_device *devices; /**< by ascending number */
  int *distances;             /**< from place i to place j: at i * count + j */
  struct aml_cpuset cpus;
  uint64_t headroom;
  size_t pair_count;
  struct aml_internal_device_pair *pairs;
};

/** The folders to read from, and what to read with. */
struct aml_internal_device_source {
  const char *sysfs;
  const char *procfs;
  const char *cgroups;
  struct aml_internal_tree tree;
};

/** Reads what each node is: its states, memory, CPUs, distances and tier. */
void aml_internal_device_read_nodes(struct aml_devices *devices,
                                    struct aml_internal_device_source *source);

/** Reads what is told of a machine without nodes. */
void aml_internal_device_read_machine(struct aml_devices *devices,
                                      struct aml_internal_device_source *source);

/** Reads firmware's figures, caches and pools of huge pages of each node. */
void aml_internal_device_read_figures(struct aml_devices *devices,
                                      struct aml_internal_device_source *source);

/** Reads the pools in a folder. */
void aml_internal_device_read_pools(struct aml_device *device, struct aml_internal_tree *tree,
                                    const char *folder);

/** Tells kinds, from what was read and from CXL and DAX devices. */
void aml_internal_device_read_kinds(struct aml_devices *devices,
                                    struct aml_internal_device_source *source);

/** Reads what this process may use, and sets what is usable. */
void aml_internal_device_read_limits(struct aml_devices *devices,
                                     struct aml_internal_device_source *source);

#ifdef __cplusplus
}
#endif

#endif
