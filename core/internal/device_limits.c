// SPDX-License-Identifier: BSD-3-Clause
//
// proc(5), cgroups(7); Linux's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
//
// A group's limit holds for all below it, so each group from the process's own up to the root of
// the mount is asked, and the least is left. Within a container the path in /proc may not exist
// below the mount, whose root then is the container's own group; it is asked all the same. A path
// that begins with "/.." leads out of what is mounted, and tells nothing.

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "aml/core/block.h"
#include "core/internal/device.h"

/** Where a version of control groups has its files, and what they are called. */
struct version {
  const char *controller; /**< in /proc/self/cgroup, between colons */
  const char *mounts[2];  /**< below the folder of all control groups */
  const char *limits[2];
  const char *usage;
  const char *reclaimable; /**< in memory.stat */
};

static const struct version versions[] = {
    {.controller = "",
     .mounts = {"", "/unified"},
     .limits = {"memory.max", "memory.high"},
     .usage = "memory.current",
     .reclaimable = "inactive_file "},
    {.controller = "memory",
     .mounts = {"/memory", NULL},
     .limits = {"memory.limit_in_bytes", NULL},
     .usage = "memory.usage_in_bytes",
     .reclaimable = "total_inactive_file "},
};

static uint64_t least(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/** Whether "a,memory,b" has the name. */
static bool has_name(const char *names, size_t length, const char *name) {
  const size_t name_length = strlen(name);
  for (size_t from = 0; from <= length;) {
    const char *const comma = memchr(names + from, ',', length - from);
    const size_t to = comma == NULL ? length : (size_t)(comma - names);
    if (to - from == name_length && memcmp(names + from, name, name_length) == 0)
      return true;
    from = to + 1;
  }
  return false;
}

/** Copies the path of the process's group; false if there is none. */
static bool find_group(struct aml_internal_device_source *source, const char *controller,
                       char *path, size_t capacity) {
  char *line = aml_internal_tree_text(&source->tree, "%s/self/cgroup", source->procfs);
  for (; line != NULL && *line != '\0'; line = strchr(line, '\n') + 1) {
    const char *const end = strchr(line, '\n');
    const char *const names = memchr(line, ':', (size_t)(end - line));
    const char *const colon =
        names == NULL ? NULL : memchr(names + 1, ':', (size_t)(end - names - 1));
    if (colon == NULL || !has_name(names + 1, (size_t)(colon - names - 1), controller))
      continue;
    const size_t length = (size_t)(end - colon - 1);
    if (length == 0 || length >= capacity || colon[1] != '/' ||
        (length >= 3 && memcmp(colon + 1, "/..", 3) == 0))
      return false;
    memcpy(path, colon + 1, length);
    path[length] = '\0';
    return true;
  }
  return false;
}

/** What a group may still take by its own limits. */
static uint64_t headroom_of(struct aml_internal_device_source *source,
                            const struct version *version, const char *mount, const char *group) {
  struct aml_internal_tree *const tree = &source->tree;
  static const char form[] = "%s%s%s/%s";
  uint64_t limit = AML_UNKNOWN;
  for (size_t i = 0; i < 2 && version->limits[i] != NULL; ++i)
    limit = least(limit,
                  aml_internal_tree_number(aml_internal_tree_text(tree, form, source->cgroups,
                                                                  mount, group, version->limits[i]),
                                           10));
  // Version 1 says "none" by the most that it can count.
  if (limit > INT64_MAX / 2)
    return AML_UNKNOWN;
  const uint64_t usage = aml_internal_tree_number(
      aml_internal_tree_text(tree, form, source->cgroups, mount, group, version->usage), 10);
  if (usage == AML_UNKNOWN)
    return AML_UNKNOWN;
  const uint64_t reclaimable = aml_internal_tree_find_number(
      aml_internal_tree_text(tree, form, source->cgroups, mount, group, "memory.stat"),
      version->reclaimable, "");
  const uint64_t used = reclaimable < usage          ? usage - reclaimable
                        : reclaimable == AML_UNKNOWN ? usage
                                                     : 0;
  return used < limit ? limit - used : 0;
}

static uint64_t headroom_below(struct aml_internal_device_source *source,
                               const struct version *version, const char *mount, char *group) {
  uint64_t headroom = AML_UNKNOWN;
  for (;;) {
    headroom = least(headroom, headroom_of(source, version, mount, group));
    char *const slash = strrchr(group, '/');
    if (slash == NULL)
      return headroom;
    *slash = '\0';
  }
}

static uint64_t read_headroom(struct aml_internal_device_source *source) {
  uint64_t headroom = AML_UNKNOWN;
  for (size_t i = 0; i < sizeof versions / sizeof *versions; ++i)
    for (size_t j = 0; j < 2 && versions[i].mounts[j] != NULL; ++j) {
      char group[AML_INTERNAL_TREE_PATH];
      if (find_group(source, versions[i].controller, group, sizeof group))
        headroom =
            least(headroom, headroom_below(source, &versions[i], versions[i].mounts[j], group));
    }
  return headroom;
}

void aml_internal_device_read_limits(struct aml_devices *devices,
                                     struct aml_internal_device_source *source) {
  char *const status = aml_internal_tree_text(&source->tree, "%s/self/status", source->procfs);
  struct aml_nodeset allowed;
  const bool is_known = aml_internal_tree_find_nodes(status, "Mems_allowed_list:", &allowed);
  if (!aml_internal_tree_find_cpus(status, "Cpus_allowed_list:", &devices->cpus))
    for (size_t i = 0; i < devices->count; ++i)
      aml_cpuset_unite(&devices->cpus, &devices->devices[i].near_cpus);
  devices->headroom = read_headroom(source);
  for (size_t i = 0; i < devices->count; ++i) {
    struct aml_device *const device = &devices->devices[i];
    if (is_known)
      device->is_allowed =
          aml_nodeset_has(&allowed, device->number) ? AML_ANSWER_YES : AML_ANSWER_NO;
    if (device->is_allowed == AML_ANSWER_NO)
      device->usable = 0;
    else if (device->free != AML_UNKNOWN)
      device->usable = least(device->free, devices->headroom);
  }
}
