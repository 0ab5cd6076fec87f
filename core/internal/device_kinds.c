// SPDX-License-Identifier: BSD-3-Clause
//
// How kinds are told: see enum aml_device_evidence.
//
// A region of the CXL bus (Documentation/ABI/testing/sysfs-bus-cxl) is a range of physical
// addresses; its node is the one whose memory blocks lie there. A DAX device (sysfs-bus-dax) that
// the driver kmem has made memory names its node, and its path the region, if it is of an
// NVDIMM or CXL. One of the platform device hmem.* has none, and is no evidence: that is memory
// which firmware has set apart, HBM as well as CXL. As kmem gives what firmware has no figures for
// a tier of its own, neither is its tier.

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "aml/core/block.h"
#include "core/internal/device.h"

enum { MAX_REGIONS = 64 };

/** What the buses tell. */
struct buses {
  size_t region_count;
  uint64_t first_block[MAX_REGIONS];
  uint64_t last_block[MAX_REGIONS];
  struct aml_nodeset expansion; /**< nodes of DAX devices on an expansion bus */
  struct aml_nodeset set_apart; /**< nodes of other DAX devices */
};

static void read_regions(struct buses *buses, struct aml_internal_device_source *source) {
  struct aml_internal_tree *const tree = &source->tree;
  const uint64_t block_size = aml_internal_tree_number(
      aml_internal_tree_text(tree, "%s/devices/system/memory/block_size_bytes", source->sysfs), 16);
  if (block_size == AML_UNKNOWN || block_size == 0)
    return;
  DIR *const folder = aml_internal_tree_folder(tree, "%s/bus/cxl/devices", source->sysfs);
  for (;;) {
    const int region = (int)aml_internal_tree_next(folder, "region", "", INT_MAX);
    if (region < 0)
      return;
    static const char form[] = "%s/bus/cxl/devices/region%d/%s";
    char *const resource = aml_internal_tree_text(tree, form, source->sysfs, region, "resource");
    const uint64_t start = aml_internal_tree_number(resource, 16);
    const uint64_t size = aml_internal_tree_number(
        aml_internal_tree_text(tree, form, source->sysfs, region, "size"), 16);
    uint64_t last;
    if (start == AML_UNKNOWN || size == AML_UNKNOWN || size == 0 ||
        __builtin_add_overflow(start, size - 1, &last) || buses->region_count == MAX_REGIONS)
      continue;
    buses->first_block[buses->region_count] = start / block_size;
    buses->last_block[buses->region_count++] = last / block_size;
  }
}

static bool is_driven_by_kmem(struct aml_internal_device_source *source, const char *name) {
  const char *const driver =
      aml_internal_tree_link(&source->tree, "%s/bus/dax/devices/%s/driver", source->sysfs, name);
  const char *const slash = driver == NULL ? NULL : strrchr(driver, '/');
  return slash != NULL && strcmp(slash, "/kmem") == 0;
}

static void read_dax(struct buses *buses, struct aml_internal_device_source *source,
                     const char *name) {
  struct aml_internal_tree *const tree = &source->tree;
  const uint64_t node = aml_internal_tree_number(
      aml_internal_tree_text(tree, "%s/bus/dax/devices/%s/target_node", source->sysfs, name), 10);
  if (node >= AML_NODESET_CAPACITY || !is_driven_by_kmem(source, name))
    return;
  const char *const path =
      aml_internal_tree_link(tree, "%s/bus/dax/devices/%s", source->sysfs, name);
  const bool is_expansion = path != NULL && strstr(path, "/region") != NULL;
  (void)aml_nodeset_add(is_expansion ? &buses->expansion : &buses->set_apart, (int)node);
}

static void read_buses(struct buses *buses, struct aml_internal_device_source *source) {
  read_regions(buses, source);
  DIR *const folder = aml_internal_tree_folder(&source->tree, "%s/bus/dax/devices", source->sysfs);
  if (folder == NULL)
    return;
  for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
    if (strncmp(entry->d_name, "dax", 3) == 0)
      read_dax(buses, source, entry->d_name);
  (void)closedir(folder);
}

/** Whether a memory block of the device is in a region. */
static bool is_in_region(const struct aml_device *device, const struct buses *buses,
                         struct aml_internal_device_source *source) {
  if (buses->region_count == 0)
    return false;
  DIR *const folder = aml_internal_tree_folder(&source->tree, "%s/devices/system/node/node%d",
                                               source->sysfs, device->number);
  bool is_in = false;
  for (;;) {
    const int64_t number = aml_internal_tree_next(folder, "memory", "", INT64_MAX);
    if (number < 0)
      return is_in;
    const uint64_t block = (uint64_t)number;
    for (size_t i = 0; i < buses->region_count; ++i)
      is_in |= block >= buses->first_block[i] && block <= buses->last_block[i];
  }
}

/** What CPUs' own memory has: the best figures of it, and the tier. */
struct reference {
  struct aml_device_performance performance;
  int tier;
};

static const struct aml_device_performance *figures(const struct aml_device *device) {
  const struct aml_device_performance *const best = &device->access1.performance;
  const bool is_known =
      best->read_bandwidth_mib_s != AML_UNKNOWN || best->read_latency_ns != AML_UNKNOWN;
  return is_known ? best : &device->access0.performance;
}

static struct reference reference(const struct aml_devices *devices) {
  struct reference best = {.performance = {AML_UNKNOWN, AML_UNKNOWN, AML_UNKNOWN, AML_UNKNOWN},
                           .tier = -1};
  for (size_t i = 0; i < devices->count; ++i) {
    const struct aml_device *const device = &devices->devices[i];
    if (device->has_cpus != AML_ANSWER_YES || device->total == 0)
      continue;
    const uint64_t bandwidth = figures(device)->read_bandwidth_mib_s;
    const uint64_t known = best.performance.read_bandwidth_mib_s;
    if (bandwidth != AML_UNKNOWN && (known == AML_UNKNOWN || bandwidth > known))
      best.performance.read_bandwidth_mib_s = bandwidth;
    if (figures(device)->read_latency_ns < best.performance.read_latency_ns)
      best.performance.read_latency_ns = figures(device)->read_latency_ns;
    if (device->tier >= 0 && (best.tier < 0 || device->tier < best.tier))
      best.tier = device->tier;
  }
  return best;
}

static void set_kind(struct aml_device *device, enum aml_device_kind kind,
                     enum aml_device_evidence evidence) {
  device->kind = kind;
  device->evidence = evidence;
}

/** Tells by figures; false if there are none to compare. */
static bool tell_by_figures(struct aml_device *device, const struct reference *own) {
  const double bandwidth = (double)figures(device)->read_bandwidth_mib_s;
  const double own_bandwidth = (double)own->performance.read_bandwidth_mib_s;
  const double latency = (double)figures(device)->read_latency_ns;
  const double own_latency = (double)own->performance.read_latency_ns;
  const double unknown = (double)AML_UNKNOWN;
  const bool has_bandwidth = bandwidth < unknown && own_bandwidth < unknown;
  const bool has_latency = latency < unknown && own_latency < unknown;
  if (has_bandwidth && bandwidth >= 1.5 * own_bandwidth)
    set_kind(device, AML_DEVICE_HBM, AML_DEVICE_EVIDENCE_BANDWIDTH);
  else if (has_bandwidth && bandwidth <= 0.5 * own_bandwidth)
    set_kind(device, AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_BANDWIDTH);
  else if (has_latency && latency >= 1.5 * own_latency)
    set_kind(device, AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_LATENCY);
  else if (has_bandwidth)
    set_kind(device, AML_DEVICE_DRAM, AML_DEVICE_EVIDENCE_BANDWIDTH);
  else if (has_latency)
    set_kind(device, AML_DEVICE_DRAM, AML_DEVICE_EVIDENCE_LATENCY);
  return has_bandwidth || has_latency;
}

static void tell_by_tier(struct aml_device *device, const struct buses *buses, int own_tier) {
  if (own_tier < 0 || device->tier < 0 || aml_nodeset_has(&buses->set_apart, device->number))
    return;
  if (device->tier < own_tier)
    set_kind(device, AML_DEVICE_HBM, AML_DEVICE_EVIDENCE_TIER);
  else if (device->tier > own_tier)
    set_kind(device, AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_TIER);
}

static void tell(struct aml_device *device, const struct buses *buses, const struct reference *own,
                 struct aml_internal_device_source *source) {
  if (device->total == 0 || device->has_cpus == AML_ANSWER_UNKNOWN)
    return;
  if (device->has_cpus == AML_ANSWER_YES)
    set_kind(device, AML_DEVICE_DRAM, AML_DEVICE_EVIDENCE_CPUS);
  else if (is_in_region(device, buses, source))
    set_kind(device, AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_CXL);
  else if (aml_nodeset_has(&buses->expansion, device->number))
    set_kind(device, AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_DAX);
  else if (!tell_by_figures(device, own))
    tell_by_tier(device, buses, own->tier);
}

void aml_internal_device_read_kinds(struct aml_devices *devices,
                                    struct aml_internal_device_source *source) {
  struct buses buses = {0};
  read_buses(&buses, source);
  const struct reference own = reference(devices);
  for (size_t i = 0; i < devices->count; ++i)
    tell(&devices->devices[i], &buses, &own, source);
}
