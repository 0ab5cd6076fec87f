// SPDX-License-Identifier: BSD-3-Clause
//
// Linux, Documentation/ABI/testing/sysfs-devices-system-cpu: cache/index*.

#include "aml/core/internal/probe_caches.h"

#include <stdlib.h>
#include <string.h>

#include "aml/core/error.h"
#include "aml/core/internal/tree.h"

enum { INDEXES = 16, LINE_SIZE = 64, MAX_LINE_SIZE = 1024 };

static const uint64_t MAX_CACHE = UINT64_C(1) << 40;

/** The number in a file of "<n>K"; 0 if there is none. */
static uint64_t kibibytes(char *text) {
  char *const unit = text == NULL ? NULL : strstr(text, "K\n");
  if (unit == NULL)
    return 0;
  memcpy(unit, "\n", 2);
  const uint64_t count = aml_internal_tree_figure(text);
  return count == AML_UNKNOWN || count > MAX_CACHE >> 10 ? 0 : count << 10;
}

/** The index of a CPU's last-level cache, or -1. */
static int last_level(struct aml_internal_tree *tree, const char *sysfs, int cpu) {
  int last = -1;
  uint64_t last_level = 0;
  for (int index = 0; index < INDEXES; ++index) {
    const uint64_t level = aml_internal_tree_figure(aml_internal_tree_text(
        tree, "%s/devices/system/cpu/cpu%d/cache/index%d/level", sysfs, cpu, index));
    if (level == AML_UNKNOWN)
      break;
    if (level < last_level)
      continue;
    last = index;
    last_level = level;
  }
  return last;
}

/** Counts a CPU's last-level cache, and takes the CPUs that share it off the list. */
static void add_cache(struct aml_internal_tree *tree, const char *sysfs, int cpu,
                      struct aml_cpuset *left, struct aml_internal_probe_caches *caches) {
  static const char folder[] = "%s/devices/system/cpu/cpu%d/cache/index%d/%s";
  const int index = last_level(tree, sysfs, cpu);
  struct aml_cpuset sharers;
  if (index < 0)
    return;
  const uint64_t size = kibibytes(aml_internal_tree_text(tree, folder, sysfs, cpu, index, "size"));
  const uint64_t line_size = aml_internal_tree_figure(
      aml_internal_tree_text(tree, folder, sysfs, cpu, index, "coherency_line_size"));
  if (aml_internal_tree_cpus(
          aml_internal_tree_text(tree, folder, sysfs, cpu, index, "shared_cpu_list"), &sharers))
    aml_cpuset_subtract(left, &sharers);
  caches->total += size;
  if (size > caches->largest)
    caches->largest = size;
  if (line_size > caches->line_size && line_size <= MAX_LINE_SIZE &&
      (line_size & (line_size - 1)) == 0)
    caches->line_size = line_size;
}

int aml_internal_probe_read_caches(const char *call, const char *sysfs,
                                   const struct aml_cpuset *cpus,
                                   struct aml_internal_probe_caches *caches) {
  struct aml_internal_probe_caches made = {.line_size = LINE_SIZE};
  struct aml_cpuset left = *cpus;
  int err = 0;
  struct aml_internal_tree *const tree = calloc(1, sizeof *tree);
  if (tree == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory to read files of sysfs");
  for (int cpu = aml_cpuset_next(&left, -1); cpu >= 0; cpu = aml_cpuset_next(&left, cpu))
    add_cache(tree, sysfs, cpu, &left, &made);
  if (tree->number != 0)
    err = aml_error_set_system(call, tree->path, tree->number);
  else
    *caches = made;
  free(tree);
  return err;
}
