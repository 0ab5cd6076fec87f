// SPDX-License-Identifier: BSD-3-Clause
//
// Files of Linux's Documentation/ABI/stable/sysfs-devices-node and sysfs-devices-memory, and of
// testing/sysfs-kernel-mm-memory-tiers.
//
// A distance file has a column for each node that is online, not for each that has a folder; which
// those are is told by another file. Without that one, columns are trusted if there are as many as
// folders: nodes that are offline have none on today's kernels.

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "aml/core/block.h"
#include "core/internal/device.h"

static enum aml_answer answer(bool is_known, bool is_so) {
  return !is_known ? AML_ANSWER_UNKNOWN : is_so ? AML_ANSWER_YES : AML_ANSWER_NO;
}

/** A list of nodes, and whether it could be read. */
struct state {
  bool is_known;
  struct aml_nodeset nodes;
};

static struct state read_state(struct aml_internal_device_source *source, const char *name) {
  struct state state = {0};
  state.is_known = aml_internal_tree_nodes(
      aml_internal_tree_text(&source->tree, "%s/devices/system/node/%s", source->sysfs, name),
      &state.nodes);
  return state;
}

static void read_states(struct aml_devices *devices, struct aml_internal_device_source *source) {
  const struct state online = read_state(source, "online");
  const struct state cpu = read_state(source, "has_cpu");
  const struct state memory = read_state(source, "has_memory");
  const struct state normal = read_state(source, "has_normal_memory");
  for (size_t i = 0; i < devices->count; ++i) {
    struct aml_device *const device = &devices->devices[i];
    const int number = device->number;
    const bool has_memory = aml_nodeset_has(&memory.nodes, number);
    const bool has_normal = aml_nodeset_has(&normal.nodes, number);
    device->is_online = answer(online.is_known, aml_nodeset_has(&online.nodes, number));
    device->has_cpus = answer(cpu.is_known, aml_nodeset_has(&cpu.nodes, number));
    device->is_movable = answer(memory.is_known && normal.is_known, has_memory && !has_normal);
  }
}

static uint64_t in_bytes(uint64_t kib) {
  return kib > UINT64_MAX / 1024 ? AML_UNKNOWN : kib * 1024;
}

/** Reads the two sizes of a meminfo, whose names have another beginning for a node. */
static void read_memory(struct aml_device *device, char *text) {
  device->total = in_bytes(aml_internal_tree_find_number(text, "MemTotal:", " kB"));
  device->free = in_bytes(aml_internal_tree_find_number(text, "MemFree:", " kB"));
}

/** Reads what the node's memory blocks come to; they are links in its folder. */
static void read_plugged(struct aml_device *device, struct aml_internal_device_source *source,
                         uint64_t block_size) {
  if (block_size == AML_UNKNOWN)
    return;
  DIR *const folder = aml_internal_tree_folder(&source->tree, "%s/devices/system/node/node%d",
                                               source->sysfs, device->number);
  uint64_t count = 0;
  while (aml_internal_tree_next(folder, "memory", "", INT64_MAX) >= 0)
    ++count;
  if (folder == NULL || (count == 0 && device->total != 0))
    return;
  if (!__builtin_mul_overflow(count, block_size, &device->plugged))
    return;
  device->plugged = AML_UNKNOWN;
}

/** Moves *text past a distance; -1 if there is none. */
static int next_distance(char **text) {
  char *end;
  const long distance = strtol(*text, &end, 10);
  if (end == *text || distance <= 0 || distance > INT_MAX)
    return -1;
  *text = end;
  return (int)distance;
}

static bool has_column(const struct aml_devices *devices, size_t place, bool is_online_known) {
  return !is_online_known || devices->devices[place].is_online == AML_ANSWER_YES;
}

/** Reads a row of distances: all of it or nothing. */
static void read_distances(struct aml_devices *devices, size_t from, char *text) {
  int *const row = devices->distances + from * devices->count;
  const bool is_online_known = devices->devices[from].is_online != AML_ANSWER_UNKNOWN;
  bool is_row = text != NULL;
  for (size_t to = 0; is_row && to < devices->count; ++to)
    if (has_column(devices, to, is_online_known)) {
      row[to] = next_distance(&text);
      is_row = row[to] >= 0;
    }
  is_row = is_row && *text == '\n' && text[1] == '\0';
  for (size_t to = 0; !is_row && to < devices->count; ++to)
    row[to] = -1;
}

static void read_tiers(struct aml_devices *devices, struct aml_internal_device_source *source) {
  static const char folder_name[] = "devices/virtual/memory_tiering";
  DIR *const folder = aml_internal_tree_folder(&source->tree, "%s/%s", source->sysfs, folder_name);
  for (;;) {
    const int64_t tier = aml_internal_tree_next(folder, "memory_tier", "", INT_MAX);
    if (tier < 0)
      return;
    struct aml_nodeset nodes = {{0}};
    (void)aml_internal_tree_nodes(aml_internal_tree_text(&source->tree,
                                                         "%s/%s/memory_tier%d/nodelist",
                                                         source->sysfs, folder_name, (int)tier),
                                  &nodes);
    for (size_t i = 0; i < devices->count; ++i)
      if (aml_nodeset_has(&nodes, devices->devices[i].number))
        devices->devices[i].tier = (int)tier;
  }
}

void aml_internal_device_read_nodes(struct aml_devices *devices,
                                    struct aml_internal_device_source *source) {
  struct aml_internal_tree *const tree = &source->tree;
  const uint64_t block_size = aml_internal_tree_number(
      aml_internal_tree_text(tree, "%s/devices/system/memory/block_size_bytes", source->sysfs), 16);
  read_states(devices, source);
  for (size_t i = 0; i < devices->count; ++i) {
    struct aml_device *const device = &devices->devices[i];
    static const char form[] = "%s/devices/system/node/node%d/%s";
    const int number = device->number;
    read_memory(device, aml_internal_tree_text(tree, form, source->sysfs, number, "meminfo"));
    read_plugged(device, source, block_size);
    const bool is_known = aml_internal_tree_cpus(
        aml_internal_tree_text(tree, form, source->sysfs, number, "cpulist"), &device->near_cpus);
    if (device->has_cpus == AML_ANSWER_UNKNOWN)
      device->has_cpus = answer(is_known, !aml_cpuset_is_empty(&device->near_cpus));
    read_distances(devices, i,
                   aml_internal_tree_text(tree, form, source->sysfs, number, "distance"));
  }
  read_tiers(devices, source);
}

void aml_internal_device_read_machine(struct aml_devices *devices,
                                      struct aml_internal_device_source *source) {
  struct aml_internal_tree *const tree = &source->tree;
  struct aml_device *const device = &devices->devices[0];
  read_memory(device, aml_internal_tree_text(tree, "%s/meminfo", source->procfs));
  (void)aml_internal_tree_cpus(
      aml_internal_tree_text(tree, "%s/devices/system/cpu/online", source->sysfs),
      &device->near_cpus);
  device->is_online = AML_ANSWER_YES;
  device->has_cpus = AML_ANSWER_YES;
  char folder[AML_INTERNAL_TREE_PATH];
  (void)snprintf(folder, sizeof folder, "%s/kernel/mm/hugepages", source->sysfs);
  aml_internal_device_read_pools(device, tree, folder);
}
