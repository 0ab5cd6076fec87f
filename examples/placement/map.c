// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/placement/map.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

/** Where each page of an array is. */
struct pages {
  char *first;
  size_t size; // bytes of one
  size_t count;
  int *devices;
};

static int no_memory(void) {
  return aml_error_set(-AML_ENOMEM, "placement", NULL, "no memory for the map");
}

static int locate(const struct aml_tile *datum, size_t storage_size, struct pages *pages) {
  struct aml_area_info info;
  int err = aml_area_get_info(datum->area, datum->base, &info);
  if (err)
    return err;
  const size_t before = (uintptr_t)datum->base & (info.page_size - 1);
  pages->first = (char *)datum->base - before;
  pages->size = info.page_size;
  pages->count = (before + storage_size - 1) / info.page_size + 1;
  pages->devices = malloc(pages->count * sizeof *pages->devices);
  void **const addresses = malloc(pages->count * sizeof *addresses);
  if (pages->devices == NULL || addresses == NULL) {
    err = no_memory();
  } else {
    for (size_t i = 0; i < pages->count; ++i)
      addresses[i] = pages->first + i * pages->size;
    err = aml_area_locate(datum->area, pages->count, addresses, pages->devices);
  }
  free(addresses);
  return err;
}

/** Adds a run of bytes to those of each device; index AML_NODESET_CAPACITY: not present. */
static void add_run(const struct pages *pages, const char *run, size_t size, size_t sizes[]) {
  size_t offset = (size_t)(run - pages->first);
  while (size > 0) {
    const size_t room = pages->size - offset % pages->size;
    const size_t part = size < room ? size : room;
    const int device = pages->devices[offset / pages->size];
    sizes[device < 0 || device >= AML_NODESET_CAPACITY ? AML_NODESET_CAPACITY : device] += part;
    offset += part;
    size -= part;
  }
}

/** The device with the most of a tile's bytes. */
static int majority(const struct pages *pages, const struct aml_tile *tile) {
  static size_t sizes[AML_NODESET_CAPACITY + 1];
  for (size_t i = 0; i <= AML_NODESET_CAPACITY; ++i)
    sizes[i] = 0;
  struct aml_tile merged;
  aml_tile_merge(tile, &merged);
  const size_t last = merged.ndims - 1;
  const bool has_runs = merged.stride_bytes[last] == (ptrdiff_t)merged.element_size;
  const size_t run_size = merged.element_size * (has_runs ? merged.extent[last] : 1);
  const size_t outer = has_runs ? last : merged.ndims;
  size_t coords[AML_MAX_DIMS] = {0};
  for (bool is_done = false; !is_done;) {
    add_run(pages, aml_tile_address(&merged, coords), run_size, sizes);
    size_t d = outer;
    while (d > 0 && ++coords[d - 1] == merged.extent[d - 1])
      coords[--d] = 0;
    is_done = d == 0;
  }
  int best = MAP_ABSENT;
  for (int device = 0; device < AML_NODESET_CAPACITY; ++device)
    if (sizes[device] > 0 && (best < 0 || sizes[device] > sizes[best]))
      best = device;
  return best;
}

/** Where a tile begins in the array: by its address, if it is a view of it, else by the grid. */
static int find_offset(const struct map *map, const struct aml_tile *datum,
                       const struct aml_tile *tile, size_t id, size_t offset[]) {
  bool is_view = true;
  for (size_t d = 0; d < tile->ndims; ++d)
    is_view = is_view && tile->stride_bytes[d] == datum->stride_bytes[d];
  if (is_view) {
    size_t rest = (size_t)((char *)tile->base - (char *)datum->base);
    for (size_t d = 0; d < tile->ndims; ++d) {
      offset[d] = rest / (size_t)datum->stride_bytes[d];
      rest %= (size_t)datum->stride_bytes[d];
    }
    return 0;
  }
  const int err = aml_tiling_coords(map->tiling, id, offset);
  for (size_t d = 0; d < tile->ndims && !err; ++d)
    offset[d] *= map->info.tile_extent[d];
  return err;
}

static int map_one(struct map *map, const struct aml_binding *binding, const struct aml_tile *datum,
                   const struct pages *pages, size_t id) {
  struct map_tile *const entry = &map->tiles[id];
  struct aml_tile tile;
  int err = aml_tiling_tile(map->tiling, datum, id, &tile);
  entry->wanted = entry->found = MAP_EMPTY;
  if (err)
    return err == -AML_ENOENT ? 0 : err;
  const int wanted = aml_binding_device_of(binding, id, map->count);
  if (wanted < 0 && wanted != -AML_ENOENT)
    return wanted;
  entry->wanted = wanted < 0 ? MAP_ANYWHERE : wanted;
  entry->found = majority(pages, &tile);
  for (size_t d = 0; d < tile.ndims; ++d)
    entry->extent[d] = tile.extent[d];
  return find_offset(map, datum, &tile, id, entry->offset);
}

int map_make(const struct aml_binding *binding, const struct aml_tiling *tiling,
             const struct aml_tile *datum, size_t storage_size, struct map *map) {
  struct pages pages = {.devices = NULL};
  *map = (struct map){.tiling = tiling};
  int err = aml_tiling_get_info(tiling, &map->info);
  if (err)
    return err;
  map->count = map->info.count;
  map->tiles = calloc(map->count, sizeof *map->tiles);
  err = map->tiles == NULL ? no_memory() : locate(datum, storage_size, &pages);
  map->page_size = pages.size;
  for (size_t id = 0; id < map->count && !err; ++id)
    err = map_one(map, binding, datum, &pages, id);
  if (!err)
    err = aml_binding_verify_tiled(binding, tiling, datum, &map->report);
  free(pages.devices);
  if (err)
    map_destroy(map);
  return err;
}

void map_destroy(struct map *map) {
  free(map->tiles);
  map->tiles = NULL;
  map->count = 0;
}
