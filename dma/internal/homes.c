// SPDX-License-Identifier: BSD-3-Clause
//
// See getcpu(2), get_mempolicy(2) and move_pages(2), which without nodes to move to tells where
// pages are. The latter two are often forbidden in containers: then nothing has a home.

#include "aml/dma/internal/homes.h"

#include <limits.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "aml/core/device.h"

enum { MEMS_ALLOWED = 1 << 2 }; // MPOL_F_MEMS_ALLOWED of linux/mempolicy.h

static int16_t home_of(const struct aml_internal_homes *homes, int node) {
  return node < 0 || node >= AML_NODESET_CAPACITY ? 0 : homes->of_node[node];
}

/** Whether this process may have memory on more than one node. */
static bool has_several_nodes(void) {
  struct aml_nodeset allowed = {{0}};
  return syscall(SYS_get_mempolicy, NULL, allowed.words, (unsigned long)AML_NODESET_CAPACITY, NULL,
                 (unsigned long)MEMS_ALLOWED) == 0 &&
         aml_nodeset_count(&allowed) > 1;
}

/** The nodes on whose CPUs threads run. */
static struct aml_nodeset nodes_of(const struct aml_devices *devices,
                                   const struct aml_cpuset *cpus) {
  struct aml_nodeset nodes = {{0}};
  for (size_t i = 0; i < aml_devices_count(devices); ++i) {
    const struct aml_device *const device = aml_devices_at(devices, i);
    struct aml_cpuset own = device->near_cpus;
    aml_cpuset_intersect(&own, cpus);
    if (!aml_cpuset_is_empty(&own))
      (void)aml_nodeset_add(&nodes, device->number);
  }
  return nodes;
}

/** The home of a node, of several that may be. */
static int16_t nearest(const struct aml_devices *devices, const struct aml_nodeset *nodes,
                       int target) {
  int least = INT_MAX;
  int home = 0;
  if (aml_nodeset_has(nodes, target))
    return (int16_t)(target + 1);
  for (int node = aml_nodeset_next(nodes, -1); node >= 0; node = aml_nodeset_next(nodes, node)) {
    const int distance = aml_devices_distance(devices, node, target);
    if (distance < 0 || distance > least)
      continue;
    home = distance < least ? node + 1 : 0;
    least = distance;
  }
  return (int16_t)home;
}

void aml_internal_homes_find(struct aml_internal_homes *homes, const struct aml_cpuset *cpus) {
  struct aml_devices *devices = NULL;
  if (!has_several_nodes() || aml_devices_read(&devices, NULL) != 0)
    return;
  const struct aml_nodeset nodes = nodes_of(devices, cpus ? cpus : aml_devices_cpus(devices));
  homes->are_several = aml_nodeset_count(&nodes) > 1;
  for (size_t i = 0; homes->are_several && i < aml_devices_count(devices); ++i) {
    const int number = aml_devices_at(devices, i)->number;
    homes->of_node[number] = nearest(devices, &nodes, number);
  }
  aml_devices_destroy(&devices);
}

int16_t aml_internal_homes_here(const struct aml_internal_homes *homes) {
  unsigned node = 0;
  return syscall(SYS_getcpu, NULL, &node, NULL) == 0 ? home_of(homes, (int)node) : 0;
}

void aml_internal_homes_locate(const struct aml_internal_homes *homes, size_t count, void *pages[],
                               int16_t home[]) {
  int nodes[AML_INTERNAL_HOMES_AT_ONCE];
  const bool is_told = syscall(SYS_move_pages, 0, count, pages, NULL, nodes, 0) == 0;
  for (size_t i = 0; i < count; ++i)
    home[i] = is_told ? home_of(homes, nodes[i]) : 0;
}
