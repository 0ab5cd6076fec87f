// SPDX-License-Identifier: BSD-3-Clause
//
// The nodes are those that have a folder; all else is read for them, part by part (see
// core/internal/device.h), so that one damaged file takes no other figure with it.

#include "aml/core/device.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aml/core/error.h"
#include "core/internal/device.h"

static const char read_call[] = "aml_devices_read";

static const struct aml_device_performance unknown_performance = {AML_UNKNOWN, AML_UNKNOWN,
                                                                  AML_UNKNOWN, AML_UNKNOWN};

static struct aml_device unknown_device(int number) {
  return (struct aml_device){
      .number = number,
      .kind = AML_DEVICE_UNKNOWN,
      .tier = -1,
      .total = AML_UNKNOWN,
      .plugged = AML_UNKNOWN,
      .free = AML_UNKNOWN,
      .usable = AML_UNKNOWN,
      .access0.performance = unknown_performance,
      .access1.performance = unknown_performance,
  };
}

/** Makes room for the devices of these numbers, of which nothing is known yet. */
static struct aml_devices *make(const struct aml_nodeset *numbers) {
  struct aml_devices *const devices = calloc(1, sizeof *devices);
  if (devices == NULL)
    return NULL;
  const size_t count = aml_nodeset_count(numbers);
  devices->count = count;
  devices->headroom = AML_UNKNOWN;
  devices->devices = calloc(count, sizeof *devices->devices);
  devices->distances = calloc(count * count, sizeof *devices->distances);
  if (devices->devices == NULL || devices->distances == NULL) {
    struct aml_devices *incomplete = devices;
    aml_devices_destroy(&incomplete);
    return NULL;
  }
  for (size_t i = 0; i < count; ++i)
    devices->devices[i] = unknown_device(aml_nodeset_at(numbers, i));
  for (size_t i = 0; i < count * count; ++i)
    devices->distances[i] = -1;
  return devices;
}

static int fail_in_tree(const struct aml_internal_tree *tree, const char *call, int number) {
  char what[sizeof tree->path + 16];
  (void)snprintf(what, sizeof what, "%s %s", call, tree->path);
  return aml_error_set_system(read_call, what, number);
}

/** Lists the nodes; none where the kernel has no NUMA. */
static int list_nodes(struct aml_internal_device_source *source, struct aml_nodeset *numbers) {
  struct aml_internal_tree *const tree = &source->tree;
  DIR *const folder = aml_internal_tree_folder(tree, "%s/devices/system/node", source->sysfs);
  if (folder == NULL && errno != ENOENT)
    return fail_in_tree(tree, "opendir", errno);
  if (folder == NULL)
    return 0;
  for (;;) {
    const int number = (int)aml_internal_tree_next(folder, "node", "", AML_NODESET_CAPACITY);
    if (number < 0)
      break;
    (void)aml_nodeset_add(numbers, number);
  }
  if (!aml_nodeset_is_empty(numbers))
    return 0;
  return aml_error_set(-AML_ENODEV, read_call, source->sysfs, "lists no NUMA node");
}

/** Reads a machine without nodes as device 0. */
static int read_machine(struct aml_devices *devices, struct aml_internal_device_source *source) {
  struct aml_internal_tree *const tree = &source->tree;
  aml_internal_device_read_machine(devices, source);
  if (tree->number == 0 && devices->devices[0].total == AML_UNKNOWN)
    return aml_error_set(-AML_ENOENT, read_call, source->sysfs,
                         "lists no NUMA nodes, and there is no meminfo");
  return 0;
}

/** Reads all, into a snapshot of its own. */
static int read_all(struct aml_devices **result, struct aml_internal_device_source *source) {
  struct aml_nodeset numbers = {{0}};
  int err = list_nodes(source, &numbers);
  if (err)
    return err;
  const bool has_nodes = !aml_nodeset_is_empty(&numbers);
  if (!has_nodes)
    (void)aml_nodeset_add(&numbers, 0);
  struct aml_devices *devices = make(&numbers);
  if (devices == NULL)
    return aml_error_set(-AML_ENOMEM, read_call, NULL, "has no memory for the devices");
  if (has_nodes) {
    aml_internal_device_read_nodes(devices, source);
    aml_internal_device_read_figures(devices, source);
  } else {
    err = read_machine(devices, source);
  }
  aml_internal_device_read_kinds(devices, source);
  aml_internal_device_read_limits(devices, source);
  if (!err && source->tree.number != 0)
    err = fail_in_tree(&source->tree, "read", source->tree.number);
  if (err)
    aml_devices_destroy(&devices);
  else
    *result = devices;
  return err;
}

static const char *folder_or(const char *folder, const char *otherwise) {
  return folder == NULL ? otherwise : folder;
}

int aml_devices_read(struct aml_devices **devices, const struct aml_devices_options *options) {
  // What is put behind a folder's path is shorter than this, but for a control group's path.
  enum { LONGEST = AML_INTERNAL_TREE_PATH - 256 };
  if (devices == NULL)
    return aml_error_set(-AML_EINVAL, read_call, "devices", "is null");
  const struct aml_devices_options all =
      options == NULL ? (struct aml_devices_options){0} : *options;
  struct aml_internal_device_source *const source = malloc(sizeof *source);
  if (source == NULL)
    return aml_error_set(-AML_ENOMEM, read_call, NULL, "has no memory to read files with");
  source->sysfs = folder_or(all.sysfs, "/sys");
  source->procfs = folder_or(all.procfs, "/proc");
  source->cgroups = folder_or(all.cgroups, "/sys/fs/cgroup");
  source->tree.number = 0;
  int err;
  if (strlen(source->sysfs) > LONGEST || strlen(source->procfs) > LONGEST ||
      strlen(source->cgroups) > LONGEST)
    err = aml_error_set(-AML_EINVAL, read_call, "options", "has a path that is too long");
  else
    err = read_all(devices, source);
  free(source);
  return err;
}

void aml_devices_destroy(struct aml_devices **devices) {
  if (devices == NULL || *devices == NULL)
    return;
  free((*devices)->pairs);
  free((*devices)->distances);
  free((*devices)->devices);
  free(*devices);
  *devices = NULL;
}

size_t aml_devices_count(const struct aml_devices *devices) {
  return devices == NULL ? 0 : devices->count;
}

const struct aml_device *aml_devices_at(const struct aml_devices *devices, size_t index) {
  return index < aml_devices_count(devices) ? &devices->devices[index] : NULL;
}

/** The place of a device; the count if there is none. */
static size_t place_of(const struct aml_devices *devices, int number) {
  size_t low = 0;
  size_t high = aml_devices_count(devices);
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (devices->devices[middle].number == number)
      return middle;
    if (devices->devices[middle].number < number)
      low = middle + 1;
    else
      high = middle;
  }
  return aml_devices_count(devices);
}

const struct aml_device *aml_devices_find(const struct aml_devices *devices, int number) {
  return aml_devices_at(devices, place_of(devices, number));
}

int aml_devices_distance(const struct aml_devices *devices, int from, int to) {
  const size_t i = place_of(devices, from);
  const size_t j = place_of(devices, to);
  const size_t count = aml_devices_count(devices);
  return i < count && j < count ? devices->distances[i * count + j] : -1;
}

const struct aml_cpuset *aml_devices_cpus(const struct aml_devices *devices) {
  static const struct aml_cpuset none;
  return devices == NULL ? &none : &devices->cpus;
}

uint64_t aml_devices_headroom(const struct aml_devices *devices) {
  return devices == NULL ? AML_UNKNOWN : devices->headroom;
}

/** Sets the figures that `other` knows. */
static void override(struct aml_device_performance *performance,
                     const struct aml_device_performance *other) {
  if (other->read_bandwidth_mib_s != AML_UNKNOWN)
    performance->read_bandwidth_mib_s = other->read_bandwidth_mib_s;
  if (other->write_bandwidth_mib_s != AML_UNKNOWN)
    performance->write_bandwidth_mib_s = other->write_bandwidth_mib_s;
  if (other->read_latency_ns != AML_UNKNOWN)
    performance->read_latency_ns = other->read_latency_ns;
  if (other->write_latency_ns != AML_UNKNOWN)
    performance->write_latency_ns = other->write_latency_ns;
}

static struct aml_internal_device_pair *find_pair(const struct aml_devices *devices, int initiator,
                                                  int target) {
  for (size_t i = 0; i < devices->pair_count; ++i)
    if (devices->pairs[i].initiator == initiator && devices->pairs[i].target == target)
      return &devices->pairs[i];
  return NULL;
}

struct aml_device_performance aml_devices_performance(const struct aml_devices *devices,
                                                      int initiator, int target) {
  struct aml_device_performance performance = unknown_performance;
  const struct aml_device *const device = aml_devices_find(devices, target);
  if (device == NULL)
    return performance;
  if (aml_nodeset_has(&device->access0.initiators, initiator))
    override(&performance, &device->access0.performance);
  if (aml_nodeset_has(&device->access1.initiators, initiator))
    override(&performance, &device->access1.performance);
  const struct aml_internal_device_pair *const pair = find_pair(devices, initiator, target);
  if (pair != NULL)
    override(&performance, &pair->performance);
  return performance;
}

static int no_device(const char *call, const char *argument, int number) {
  char what[64];
  (void)snprintf(what, sizeof what, "%s %d", argument, number);
  return aml_error_set(-AML_ENOENT, call, what, "is no device");
}

int aml_devices_set_kind(struct aml_devices *devices, int number, enum aml_device_kind kind) {
  static const char call[] = "aml_devices_set_kind";
  if (devices == NULL)
    return aml_error_set(-AML_EINVAL, call, "devices", "is null");
  if (kind != AML_DEVICE_UNKNOWN && kind != AML_DEVICE_DRAM && kind != AML_DEVICE_HBM &&
      kind != AML_DEVICE_EXPANSION)
    return aml_error_set(-AML_EINVAL, call, "kind", "is not one kind");
  const size_t place = place_of(devices, number);
  if (place == devices->count)
    return no_device(call, "number", number);
  devices->devices[place].kind = kind;
  devices->devices[place].evidence = AML_DEVICE_EVIDENCE_USER;
  return 0;
}

/** Adds a pair of which nothing is known; null if there is no memory. */
static struct aml_internal_device_pair *add_pair(struct aml_devices *devices, int initiator,
                                                 int target) {
  struct aml_internal_device_pair *const pairs =
      realloc(devices->pairs, (devices->pair_count + 1) * sizeof *pairs);
  if (pairs == NULL)
    return NULL;
  devices->pairs = pairs;
  pairs[devices->pair_count] =
      (struct aml_internal_device_pair){initiator, target, unknown_performance};
  return &pairs[devices->pair_count++];
}

int aml_devices_set_performance(struct aml_devices *devices, int initiator, int target,
                                const struct aml_device_performance *performance) {
  static const char call[] = "aml_devices_set_performance";
  if (devices == NULL)
    return aml_error_set(-AML_EINVAL, call, "devices", "is null");
  if (performance == NULL)
    return aml_error_set(-AML_EINVAL, call, "performance", "is null");
  if (performance->read_bandwidth_mib_s == 0 || performance->write_bandwidth_mib_s == 0 ||
      performance->read_latency_ns == 0 || performance->write_latency_ns == 0)
    return aml_error_set(-AML_EINVAL, call, "performance", "has a figure of 0");
  if (aml_devices_find(devices, initiator) == NULL)
    return no_device(call, "initiator", initiator);
  if (aml_devices_find(devices, target) == NULL)
    return no_device(call, "target", target);
  struct aml_internal_device_pair *pair = find_pair(devices, initiator, target);
  if (pair == NULL)
    pair = add_pair(devices, initiator, target);
  if (pair == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "has no memory for the figures");
  override(&pair->performance, performance);
  return 0;
}
