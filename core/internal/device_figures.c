// SPDX-License-Identifier: BSD-3-Clause
//
// Linux's Documentation/admin-guide/mm/numaperf.rst: access classes of firmware's figures (HMAT),
// and memory-side caches; admin-guide/mm/hugetlbpage.rst: pools of huge pages. Sizes of caches and
// figures of access are 0 in sysfs where firmware gives none.

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "aml/core/block.h"
#include "core/internal/device.h"

static uint64_t read_figure(struct aml_internal_tree *tree, const char *folder, const char *name) {
  return aml_internal_tree_figure(aml_internal_tree_text(tree, "%s/%s", folder, name));
}

static void read_access(struct aml_device_access *access, struct aml_internal_tree *tree,
                        const char *folder) {
  struct aml_device_performance *const performance = &access->performance;
  performance->read_bandwidth_mib_s = read_figure(tree, folder, "read_bandwidth");
  performance->write_bandwidth_mib_s = read_figure(tree, folder, "write_bandwidth");
  performance->read_latency_ns = read_figure(tree, folder, "read_latency");
  performance->write_latency_ns = read_figure(tree, folder, "write_latency");
  DIR *const entries = aml_internal_tree_folder(tree, "%s", folder);
  for (;;) {
    const int64_t number = aml_internal_tree_next(entries, "node", "", AML_NODESET_CAPACITY);
    if (number < 0)
      return;
    (void)aml_nodeset_add(&access->initiators, (int)number);
  }
}

/** The place of a new entry among `count` in order, moved apart for it; `capacity`: none. */
static size_t insert(void *entries, size_t size, size_t *count, size_t capacity, size_t place) {
  if (place == capacity)
    return capacity;
  if (*count < capacity)
    ++*count;
  char *const at = (char *)entries + place * size;
  memmove(at + size, at, (*count - 1 - place) * size);
  return place;
}

/** By the number in sysfs. */
static const enum aml_device_cache_indexing indexings[] = {
    AML_DEVICE_CACHE_DIRECT_MAPPED, AML_DEVICE_CACHE_INDEXED, AML_DEVICE_CACHE_INDEXING_OTHER};
static const enum aml_device_cache_writes policies[] = {
    AML_DEVICE_CACHE_WRITE_BACK, AML_DEVICE_CACHE_WRITE_THROUGH, AML_DEVICE_CACHE_WRITES_OTHER};

static struct aml_device_cache *add_cache(struct aml_device *device, int level) {
  size_t place = 0;
  while (place < device->cache_count && device->caches[place].level < level)
    ++place;
  place = insert(device->caches, sizeof *device->caches, &device->cache_count, AML_DEVICE_CACHES,
                 place);
  return place < AML_DEVICE_CACHES ? &device->caches[place] : NULL;
}

static void read_cache(struct aml_device_cache *cache, struct aml_internal_tree *tree,
                       const char *folder, int level) {
  static const char form[] = "%s/index%d/%s";
  *cache = (struct aml_device_cache){.level = level};
  cache->size = aml_internal_tree_figure(aml_internal_tree_text(tree, form, folder, level, "size"));
  cache->line_size =
      aml_internal_tree_figure(aml_internal_tree_text(tree, form, folder, level, "line_size"));
  const uint64_t indexing =
      aml_internal_tree_number(aml_internal_tree_text(tree, form, folder, level, "indexing"), 10);
  if (indexing < sizeof indexings / sizeof *indexings)
    cache->indexing = indexings[indexing];
  const uint64_t writes = aml_internal_tree_number(
      aml_internal_tree_text(tree, form, folder, level, "write_policy"), 10);
  if (writes < sizeof policies / sizeof *policies)
    cache->writes = policies[writes];
}

static void read_caches(struct aml_device *device, struct aml_internal_tree *tree,
                        const char *folder) {
  DIR *const entries = aml_internal_tree_folder(tree, "%s", folder);
  for (;;) {
    const int level = (int)aml_internal_tree_next(entries, "index", "", INT_MAX);
    if (level < 0)
      return;
    struct aml_device_cache *const cache = level > 0 ? add_cache(device, level) : NULL;
    if (cache != NULL)
      read_cache(cache, tree, folder, level);
  }
}

static struct aml_device_pool *add_pool(struct aml_device *device, uint64_t page_size) {
  size_t place = 0;
  while (place < device->pool_count && device->pools[place].page_size < page_size)
    ++place;
  place =
      insert(device->pools, sizeof *device->pools, &device->pool_count, AML_DEVICE_POOLS, place);
  return place < AML_DEVICE_POOLS ? &device->pools[place] : NULL;
}

static uint64_t read_count(struct aml_internal_tree *tree, const char *folder, uint64_t size,
                           const char *name) {
  return aml_internal_tree_number(aml_internal_tree_text(tree, "%s/hugepages-%llukB/%s_hugepages",
                                                         folder, (unsigned long long)(size / 1024),
                                                         name),
                                  10);
}

void aml_internal_device_read_pools(struct aml_device *device, struct aml_internal_tree *tree,
                                    const char *folder) {
  DIR *const entries = aml_internal_tree_folder(tree, "%s", folder);
  for (;;) {
    const int64_t number = aml_internal_tree_next(entries, "hugepages-", "kB", INT64_MAX / 1024);
    if (number < 0)
      return;
    const uint64_t size = (uint64_t)number * 1024;
    struct aml_device_pool *const pool = size > 0 ? add_pool(device, size) : NULL;
    if (pool == NULL)
      continue;
    *pool = (struct aml_device_pool){.page_size = size,
                                     .total = read_count(tree, folder, size, "nr"),
                                     .free = read_count(tree, folder, size, "free"),
                                     .surplus = read_count(tree, folder, size, "surplus")};
  }
}

void aml_internal_device_read_figures(struct aml_devices *devices,
                                      struct aml_internal_device_source *source) {
  struct aml_internal_tree *const tree = &source->tree;
  for (size_t i = 0; i < devices->count; ++i) {
    struct aml_device *const device = &devices->devices[i];
    char node[AML_INTERNAL_TREE_PATH];
    char folder[AML_INTERNAL_TREE_PATH + 32];
    // A path that was cut leads nowhere.
    (void)snprintf(node, sizeof node, "%s/devices/system/node/node%d", source->sysfs,
                   device->number);
    (void)snprintf(folder, sizeof folder, "%s/access0/initiators", node);
    read_access(&device->access0, tree, folder);
    (void)snprintf(folder, sizeof folder, "%s/access1/initiators", node);
    read_access(&device->access1, tree, folder);
    (void)snprintf(folder, sizeof folder, "%s/memory_side_cache", node);
    read_caches(device, tree, folder);
    (void)snprintf(folder, sizeof folder, "%s/hugepages", node);
    aml_internal_device_read_pools(device, tree, folder);
  }
}
