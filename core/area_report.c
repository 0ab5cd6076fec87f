// SPDX-License-Identifier: BSD-3-Clause
//
// The range is cut into pieces at the borders of the system's mappings, each of which has pages of
// one size, transparent huge pages apart. A piece is located in batches, and then asked for its
// transparent huge pages: by the PAGEMAP_SCAN ioctl (Documentation/admin-guide/mm/pagemap.rst), or
// by what smaps says, where that is all or nothing or the piece is all of the mapping.

#include "aml/core/area_report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "aml/core/checked.h"
#include "aml/core/error.h"
#include "aml/core/internal/smaps.h"

enum { BATCH = 512, REGIONS = 64 };

static const char CALL[] = "aml_area_report";

// As in linux/fs.h from Linux 6.7.
struct region {
  uint64_t start;
  uint64_t end;
  uint64_t categories;
};
struct scan {
  uint64_t size;
  uint64_t flags;
  uint64_t start;
  uint64_t end;
  uint64_t walk_end;
  uint64_t regions;
  uint64_t region_count;
  uint64_t max_pages;
  uint64_t category_inverted;
  uint64_t category_mask;
  uint64_t category_anyof_mask;
  uint64_t return_mask;
};
#define SCAN _IOWR('f', 16, struct scan)
static const uint64_t IS_PRESENT = 1 << 3;
static const uint64_t IS_ZERO_PAGE = 1 << 5;
static const uint64_t IS_HUGE = 1 << 6;

/** A part of the range. */
struct piece {
  char *start;
  size_t size;
  const struct aml_internal_smaps_entry *mapping; /**< null: not known */
};

struct work {
  struct aml_area *area;
  size_t page_size; /**< what the area locates in */
  int pagemap;      /**< or -1 */
  struct aml_area_pages *report;
};

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

/** Adds what is where; `present` gets the bytes that are somewhere. */
static int locate_piece(const struct work *it, const struct piece *piece, size_t *present) {
  void *pages[BATCH];
  int devices[BATCH];
  *present = 0;
  for (size_t done = 0; done < piece->size;) {
    size_t count = 0;
    size_t sizes[BATCH];
    for (; count < BATCH && done < piece->size; ++count) {
      // Borders of mappings may lie within what the area takes for a page.
      const size_t before = (uintptr_t)(piece->start + done) & (it->page_size - 1);
      sizes[count] = smaller(it->page_size - before, piece->size - done);
      pages[count] = piece->start + done;
      done += sizes[count];
    }
    const int err = aml_area_locate(it->area, count, pages, devices);
    if (err)
      return err;
    for (size_t i = 0; i < count; ++i) {
      if (devices[i] >= 0 && devices[i] < AML_NODESET_CAPACITY) {
        it->report->device_size[devices[i]] += sizes[i];
        *present += sizes[i];
      } else if (devices[i] == -AML_ENOENT) {
        it->report->absent_size += sizes[i];
      } else {
        it->report->unlocated_size += sizes[i];
      }
    }
  }
  return 0;
}

/** Finds the bytes of transparent huge pages by the kernel's scan. */
static bool scan_transparent(const struct work *it, const struct piece *piece, size_t *size) {
  struct region regions[REGIONS];
  struct scan scan = {
      .size = sizeof scan,
      .start = (uintptr_t)piece->start,
      .end = (uintptr_t)piece->start + piece->size,
      .regions = (uintptr_t)regions,
      .region_count = REGIONS,
      .category_inverted = IS_ZERO_PAGE,
      .category_mask = IS_HUGE | IS_PRESENT | IS_ZERO_PAGE,
      .return_mask = IS_HUGE,
  };
  size_t sum = 0;
  if (it->pagemap < 0)
    return false;
  while (scan.start < scan.end) {
    const int count = ioctl(it->pagemap, SCAN, &scan);
    if (count < 0)
      return false;
    for (int i = 0; i < count; ++i)
      sum += (size_t)(regions[i].end - regions[i].start);
    if (scan.walk_end <= scan.start)
      break;
    scan.start = scan.walk_end;
  }
  *size = sum;
  return true;
}

/** Finds the bytes of transparent huge pages from what is told of the whole mapping. */
static bool infer_transparent(const struct piece *piece, size_t present, size_t *size) {
  const struct aml_internal_smaps_entry *const mapping = piece->mapping;
  if (mapping->transparent_size == 0)
    *size = 0;
  else if (mapping->transparent_size == mapping->resident_size)
    *size = present;
  else if (piece->size == mapping->end - mapping->start)
    *size = mapping->transparent_size;
  else
    return false;
  return true;
}

static void add_pool(struct aml_area_pages *report, size_t page_size, size_t size) {
  for (size_t i = 0; size > 0 && i < AML_AREA_PAGES_POOLS; ++i) {
    struct aml_area_pages_in_pool *const pool = &report->pools[i];
    if (pool->page_size != 0 && pool->page_size != page_size)
      continue;
    pool->page_size = page_size;
    pool->size += size;
    return;
  }
  report->unknown_size += size;
}

static int add_piece(const struct work *it, const struct piece *piece) {
  struct aml_area_pages *const report = it->report;
  size_t present;
  const int err = locate_piece(it, piece, &present);
  if (err)
    return err;
  size_t transparent;
  if (piece->mapping != NULL && (piece->mapping->flags & AML_INTERNAL_SMAPS_POOL) != 0) {
    add_pool(report, piece->mapping->page_size, present);
  } else if (piece->mapping != NULL && (scan_transparent(it, piece, &transparent) ||
                                        infer_transparent(piece, present, &transparent))) {
    // A page may have come or gone since it was located.
    transparent = smaller(transparent, present);
    report->transparent_size += transparent;
    report->base_size += present - transparent;
  } else {
    report->unknown_size += present;
  }
  return 0;
}

/** Adds [start, end), of which smaps tells in `mappings`. */
static int add_mappings(const struct work *it, struct aml_internal_smaps *mappings, char *start,
                        const char *end) {
  struct aml_internal_smaps_entry mapping;
  int err = 0;
  while (!err && start < end && aml_internal_smaps_next(mappings, &mapping)) {
    if (mapping.end <= (uintptr_t)start)
      continue;
    if (mapping.start >= (uintptr_t)end)
      break;
    if (mapping.start > (uintptr_t)start) {
      const size_t gap = mapping.start - (uintptr_t)start;
      err = add_piece(it, &(struct piece){.start = start, .size = gap});
      start += gap;
    }
    const size_t size = smaller(mapping.end - (uintptr_t)start, (size_t)(end - start));
    if (!err)
      err = add_piece(it, &(struct piece){.start = start, .size = size, .mapping = &mapping});
    start += size;
  }
  if (err || start == end)
    return err;
  return add_piece(it, &(struct piece){.start = start, .size = (size_t)(end - start)});
}

static int add_range(struct work *it, char *start, size_t size) {
  struct aml_internal_smaps mappings;
  const unsigned capabilities = aml_area_capabilities(it->area);
  // Addresses of other areas need not be addresses of this process.
  const bool is_host = (capabilities & AML_AREA_DEVICE) == 0 &&
                       (capabilities & (AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE)) != 0;
  if (!is_host || !aml_internal_smaps_open(&mappings))
    return add_piece(it, &(struct piece){.start = start, .size = size});
  it->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  const int err = add_mappings(it, &mappings, start, start + size);
  if (it->pagemap >= 0)
    (void)close(it->pagemap);
  aml_internal_smaps_close(&mappings);
  return err;
}

static int refuse(const char *argument, const char *reason) {
  return aml_error_set(-AML_EINVAL, CALL, argument, reason);
}

int aml_area_report(struct aml_area *area, void *pointer, size_t size,
                    struct aml_area_pages *report) {
  struct aml_area_info info;
  if (area == NULL || pointer == NULL || report == NULL)
    return refuse(area == NULL ? "area" : pointer == NULL ? "pointer" : "report", "is null");
  if (size == 0)
    return refuse("size", "is 0");
  if ((aml_area_capabilities(area) & AML_AREA_CAN_LOCATE) == 0)
    return aml_error_set(-AML_ENOTSUP, CALL, "area", "is of a type that cannot locate");
  int err = aml_area_get_info(area, pointer, &info);
  if (err)
    return err;
  const size_t before = (uintptr_t)pointer & (info.page_size - 1);
  size_t end;
  if (!aml_checked_add((uintptr_t)pointer, size, &end) ||
      !aml_checked_round_up(end, info.page_size, &end))
    return refuse("size", "reaches past the range of addresses");
  char *const start = (char *)pointer - before;
  struct aml_area_pages made = {.size = end - (uintptr_t)start};
  struct work work = {.area = area, .page_size = info.page_size, .pagemap = -1, .report = &made};
  err = add_range(&work, start, made.size);
  if (!err)
    *report = made;
  return err;
}
