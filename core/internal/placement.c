// SPDX-License-Identifier: BSD-3-Clause
//
// Each contiguous run of each tile settles the pages that it covers wholly. A page that it covers
// in part, or that another run has too, gets a list of devices with their bytes; the lists are
// settled when all tiles are in. So memory is bounded by pages and devices, and not by runs, of
// which a column of a row-major matrix has one per element.

#include "core/internal/placement.h"

#include <stdbool.h>
#include <stdlib.h>

#include "aml/core/checked.h"
#include "aml/core/error.h"

// While tiles come in, a page's entry is a device, one of these two, or a list:
// OUTSIDE + 1 + index of its first share. Shares end long before they could be mistaken.
enum { OUTSIDE = AML_INTERNAL_PLACEMENT_OUTSIDE, STAYS = -AML_ENOENT };
enum { NO_SHARE = UINT32_MAX };
static const uint32_t MAX_SHARES = (uint32_t)INT32_MAX - 1000;

/** Bytes of a page that are bound to a device. */
struct share {
  size_t size;
  int32_t device;
  uint32_t next;
};

struct builder {
  struct aml_internal_placement *placement;
  struct share *shares;
  size_t share_count;
  size_t share_capacity;
};

static bool is_list(int32_t entry) {
  return entry > OUTSIDE && entry < STAYS;
}

static uint32_t list_of(int32_t entry) {
  return is_list(entry) ? (uint32_t)(entry - (OUTSIDE + 1)) : NO_SHARE;
}

/** Puts a share at the head of a page's list. */
static bool push_share(struct builder *it, int32_t *entry, int32_t device, size_t size) {
  if (it->share_count == it->share_capacity) {
    const size_t capacity = it->share_capacity == 0 ? 64 : 2 * it->share_capacity;
    struct share *const shares =
        capacity > MAX_SHARES ? NULL : realloc(it->shares, capacity * sizeof *shares);
    if (shares == NULL)
      return false;
    it->shares = shares;
    it->share_capacity = capacity;
  }
  it->shares[it->share_count] =
      (struct share){.size = size, .device = device, .next = list_of(*entry)};
  *entry = OUTSIDE + 1 + (int32_t)it->share_count++;
  return true;
}

/** Counts `size` bytes of a page as bound to a device. */
static bool add_bytes(struct builder *it, size_t page, int32_t device, size_t size) {
  int32_t *const entry = &it->placement->devices[page];
  if (device == STAYS) {
    if (*entry == OUTSIDE)
      *entry = STAYS;
    return true;
  }
  if ((*entry == OUTSIDE || *entry == STAYS) && size == it->placement->page_size) {
    *entry = device;
    return true;
  }
  if (*entry >= 0 && !push_share(it, entry, *entry, it->placement->page_size))
    return false;
  const uint32_t first = it->share_count == 0 ? NO_SHARE : list_of(*entry);
  for (uint32_t i = first; i != NO_SHARE; i = it->shares[i].next) {
    if (it->shares[i].device == device) {
      it->shares[i].size += size;
      return true;
    }
  }
  return push_share(it, entry, device, size);
}

/** Gives whole pages, from `page` on, that no device has yet to one; tells how many they are. */
static size_t take_pages(struct builder *it, size_t page, size_t count, int32_t device) {
  int32_t *const entries = it->placement->devices + page;
  size_t taken = 0;
  for (; taken < count && entries[taken] == OUTSIDE; ++taken)
    entries[taken] = device;
  return taken;
}

static bool add_run(struct builder *it, uintptr_t run, size_t size, int32_t device) {
  const size_t page_size = it->placement->page_size;
  size_t offset = run - it->placement->first;
  while (size > 0) {
    const size_t before = offset & (page_size - 1);
    const size_t room = page_size - before;
    size_t part = size < room ? size : room;
    const size_t taken =
        before == 0 ? take_pages(it, offset / page_size, size / page_size, device) : 0;
    if (taken > 0)
      part = taken * page_size;
    else if (!add_bytes(it, offset / page_size, device, part))
      return false;
    offset += part;
    size -= part;
  }
  return true;
}

/**
 * Rewrites a tile so that the same bytes are visited in ascending order and in the fewest runs:
 * without dimensions that visit bytes again, without negative strides, the largest stride first.
 */
static void straighten(const struct aml_tile *tile, struct aml_tile *result) {
  struct aml_tile straight = *tile;
  for (size_t d = 0; d < straight.ndims; ++d) {
    if (straight.stride_bytes[d] == 0)
      straight.extent[d] = 1;
    if (straight.stride_bytes[d] < 0) {
      straight.base =
          (char *)straight.base + (ptrdiff_t)(straight.extent[d] - 1) * straight.stride_bytes[d];
      straight.stride_bytes[d] = -straight.stride_bytes[d];
    }
    const size_t extent = straight.extent[d];
    const ptrdiff_t stride = straight.stride_bytes[d];
    size_t place = d;
    for (; place > 0 && straight.stride_bytes[place - 1] < stride; --place) {
      straight.extent[place] = straight.extent[place - 1];
      straight.stride_bytes[place] = straight.stride_bytes[place - 1];
    }
    straight.extent[place] = extent;
    straight.stride_bytes[place] = stride;
  }
  aml_tile_merge(&straight, result);
}

static bool add_tile(struct builder *it, const struct aml_tile *tile, int32_t device) {
  struct aml_tile straight;
  straighten(tile, &straight);
  const size_t last = straight.ndims - 1;
  const bool has_runs = straight.stride_bytes[last] == (ptrdiff_t)straight.element_size;
  const size_t run_size = straight.element_size * (has_runs ? straight.extent[last] : 1);
  const size_t outer = has_runs ? last : straight.ndims;
  size_t coords[AML_MAX_DIMS] = {0};
  for (;;) {
    if (!add_run(it, (uintptr_t)aml_tile_address(&straight, coords), run_size, device))
      return false;
    size_t d = outer;
    while (d > 0 && ++coords[d - 1] == straight.extent[d - 1])
      coords[--d] = 0;
    if (d == 0)
      return true;
  }
}

/** Gives a page to the device of its list with the most bytes, and counts what others have. */
static void settle_page(struct builder *it, int32_t *entry) {
  const struct share *best = NULL;
  size_t size = 0;
  for (uint32_t i = list_of(*entry); i != NO_SHARE; i = it->shares[i].next) {
    const struct share *const share = &it->shares[i];
    size += share->size;
    if (best == NULL || share->size > best->size ||
        (share->size == best->size && share->device < best->device))
      best = share;
  }
  if (best == NULL)
    return;
  if (size > best->size) {
    it->placement->shared_size += it->placement->page_size;
    it->placement->outvoted_size += size - best->size;
  }
  *entry = best->device;
}

/** Settles each page that has a list. */
static void settle(struct builder *it) {
  for (size_t page = 0; page < it->placement->page_count && it->share_count > 0; ++page)
    if (is_list(it->placement->devices[page]))
      settle_page(it, &it->placement->devices[page]);
}

/** Finds the pages from the first to the last of any tile. */
static int find_pages(const char *call, const struct aml_tiling *tiling,
                      const struct aml_tile *datum, struct aml_internal_placement *placement) {
  const size_t count = aml_tiling_count(tiling);
  uintptr_t first = UINTPTR_MAX;
  uintptr_t end = 0;
  for (size_t id = 0; id < count; ++id) {
    struct aml_tile tile;
    void *lowest;
    size_t size;
    const int err = aml_tiling_tile(tiling, datum, id, &tile);
    if (err == -AML_ENOENT)
      continue; // a tile without elements
    if (err)
      return err;
    aml_tile_span(&tile, &lowest, &size);
    if ((uintptr_t)lowest < first)
      first = (uintptr_t)lowest;
    if ((uintptr_t)lowest + size > end)
      end = (uintptr_t)lowest + size;
  }
  if (end == 0)
    return aml_error_set(-AML_EINVAL, call, "tiling", "has no tiles with elements");
  if (!aml_checked_round_up(end, placement->page_size, &end))
    return aml_error_set(-AML_EOVERFLOW, call, "datum", "reaches past the range of addresses");
  placement->first = first & ~(placement->page_size - 1);
  placement->page_count = (end - placement->first) / placement->page_size;
  return 0;
}

static int add_tiles(const char *call, struct builder *it, const struct aml_binding *binding,
                     const struct aml_tiling *tiling, const struct aml_tile *datum) {
  const size_t count = aml_tiling_count(tiling);
  for (size_t id = 0; id < count; ++id) {
    struct aml_tile tile;
    const int device = binding->ops->device_of(binding, id, count);
    if (device < 0 && device != -AML_ENOENT)
      return aml_error_set_value(device, call, "tile", id, "has no device, says the binding");
    if (device >= AML_NODESET_CAPACITY)
      return aml_error_set_value(-AML_EINVAL, call, "device", (uint64_t)device,
                                 "is none, yet the binding answers it");
    const int err = aml_tiling_tile(tiling, datum, id, &tile);
    if (err == -AML_ENOENT)
      continue;
    if (err)
      return err;
    if (!add_tile(it, &tile, device))
      return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for pages that tiles share");
  }
  return 0;
}

int aml_internal_placement_init(const char *call, const struct aml_binding *binding,
                                const struct aml_tiling *tiling, const struct aml_tile *datum,
                                size_t page_size, struct aml_internal_placement *placement) {
  struct aml_internal_placement made = {.page_size = page_size};
  int err = find_pages(call, tiling, datum, &made);
  if (err)
    return err;
  size_t size;
  made.devices =
      aml_checked_multiply(made.page_count, sizeof *made.devices, &size) ? malloc(size) : NULL;
  if (made.devices == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the list of pages");
  for (size_t page = 0; page < made.page_count; ++page)
    made.devices[page] = OUTSIDE;
  struct builder builder = {.placement = &made};
  err = add_tiles(call, &builder, binding, tiling, datum);
  if (!err)
    settle(&builder);
  free(builder.shares);
  if (err)
    free(made.devices);
  else
    *placement = made;
  return err;
}

void aml_internal_placement_fini(struct aml_internal_placement *placement) {
  free(placement->devices);
  *placement = (struct aml_internal_placement){0};
}
