// SPDX-License-Identifier: BSD-3-Clause
//
// Applying and verifying share one view of the matter: a range of pages, and for each page the
// device that it belongs to. For a binding by pages that view is computed run by run and takes no
// memory. For a binding by tiles it is an array with one entry per page: each contiguous run of
// each tile settles the pages that it covers wholly, and leaves a note on those that it covers in
// part; the notes are then sorted by page, and the device with the most bytes has the page.

#include "aml/core/binding.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "aml/core/checked.h"
#include "aml/core/error.h"

enum { DEFAULT_MAX_MAPPINGS = 1000, BATCH = 512 };

/** No particular device; apart from all devices and all negated codes. */
enum { ANYWHERE = INT16_MIN };

static int refuse_null(const char *call, const char *argument) {
  return aml_error_set(-AML_EINVAL, call, argument, "is null");
}

static int no_memory(const char *call) {
  return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the list of pages");
}

int aml_binding_device_of(const struct aml_binding *binding, size_t index, size_t count) {
  static const char call[] = "aml_binding_device_of";
  if (binding == NULL)
    return refuse_null(call, "binding");
  if (index >= count)
    return aml_error_set_value(-AML_EINVAL, call, "index", index, "is not below count");
  return binding->ops->device_of(binding, index, count);
}

int aml_binding_devices(const struct aml_binding *binding, struct aml_nodeset *devices) {
  if (binding == NULL || devices == NULL)
    return refuse_null("aml_binding_devices", binding == NULL ? "binding" : "devices");
  binding->ops->devices(binding, devices);
  return 0;
}

int aml_binding_policy(const struct aml_binding *binding, enum aml_policy *policy,
                       struct aml_nodeset *devices) {
  static const char call[] = "aml_binding_policy";
  if (binding == NULL)
    return refuse_null(call, "binding");
  if (policy == NULL || devices == NULL)
    return refuse_null(call, policy == NULL ? "policy" : "devices");
  if (binding->ops->policy == NULL)
    return aml_error_set(-AML_ENOTSUP, call, "binding", "is no policy of the kernel");
  return binding->ops->policy(binding, policy, devices);
}

/** Pages, and the device that each belongs to. */
struct placement {
  const char *call; // the public function at work
  const struct aml_binding *binding;
  struct aml_area *area;
  char *base; // of the first page
  size_t page_size;
  size_t page_count;
  size_t first_index; // the first page's number to the binding
  size_t index_count; // how many there are in all to the binding
  int16_t *devices;   // of each page, or ANYWHERE; null: as the binding says
};

/** The device of one page, ANYWHERE, or a negated code. */
static int device_of_page(const struct placement *it, size_t page) {
  if (it->devices != NULL)
    return it->devices[page];
  const int device =
      it->binding->ops->device_of(it->binding, it->first_index + page, it->index_count);
  return device == -AML_ENOENT ? ANYWHERE : device;
}

/** Negated codes and ANYWHERE are both negative; only the former end the work. */
static bool is_failure(int device) {
  return device < 0 && device != ANYWHERE;
}

/** How many pages from `page` on have its device. */
static size_t run_of_pages(const struct placement *it, size_t page, int device) {
  size_t length = 1;
  if (it->devices == NULL && it->binding->ops->run != NULL) {
    length = it->binding->ops->run(it->binding, it->first_index + page, it->index_count);
    return length < it->page_count - page ? length : it->page_count - page;
  }
  while (page + length < it->page_count && device_of_page(it, page + length) == device)
    ++length;
  return length;
}

/** Finds the pages of a range. */
static int find_pages(struct placement *it, void *pointer, size_t size) {
  struct aml_area_info info;
  const int err = aml_area_get_info(it->area, pointer, &info);
  if (err)
    return err;
  const uintptr_t first = (uintptr_t)pointer & ~(info.page_size - 1);
  size_t bytes;
  if (!aml_checked_add(size, (uintptr_t)pointer - first, &bytes) ||
      !aml_checked_round_up(bytes, info.page_size, &bytes) || bytes > SIZE_MAX - first)
    return aml_error_set(-AML_EOVERFLOW, it->call, "size", "reaches past the range of addresses");
  it->base = (char *)pointer - ((uintptr_t)pointer - first);
  it->page_size = info.page_size;
  it->page_count = bytes / info.page_size;
  it->index_count = it->page_count;
  return 0;
}

/** Lets pages be numbered by address, where the binding is a policy of the kernel. */
static bool number_by_address(struct placement *it, enum aml_policy *policy,
                              struct aml_nodeset *devices) {
  if (it->binding->ops->policy == NULL ||
      it->binding->ops->policy(it->binding, policy, devices) != 0)
    return false;
  it->first_index = (uintptr_t)it->base / it->page_size;
  it->index_count = SIZE_MAX;
  return true;
}

// Tiles

/** Bytes of a page that a tile binds to a device, where the tile does not have the whole page. */
struct note {
  size_t page;
  size_t size;
  int device;
};

struct notes {
  struct note *list;
  size_t count;
  size_t capacity;
};

static bool add_note(struct notes *notes, size_t page, int device, size_t size) {
  struct note *const last = notes->count == 0 ? NULL : &notes->list[notes->count - 1];
  if (last != NULL && last->page == page && last->device == device) {
    last->size += size;
    return true;
  }
  if (notes->count == notes->capacity) {
    const size_t capacity = notes->capacity == 0 ? 64 : 2 * notes->capacity;
    struct note *const list = realloc(notes->list, capacity * sizeof *list);
    if (list == NULL)
      return false;
    notes->list = list;
    notes->capacity = capacity;
  }
  notes->list[notes->count++] = (struct note){.page = page, .size = size, .device = device};
  return true;
}

/** Takes one contiguous run of a tile into account. */
static bool place_run(struct placement *it, const char *run, size_t size, int device,
                      struct notes *notes) {
  size_t offset = (size_t)(run - it->base);
  const size_t end = offset + size;
  while (offset < end) {
    const size_t page = offset / it->page_size;
    const size_t page_end = (page + 1) * it->page_size;
    const size_t covered = (end < page_end ? end : page_end) - offset;
    if (covered < it->page_size) {
      if (!add_note(notes, page, device, covered))
        return false;
    } else if (it->devices[page] == ANYWHERE || device < it->devices[page]) {
      it->devices[page] = (int16_t)device;
    }
    offset += covered;
  }
  return true;
}

/** Takes a tile into account, one contiguous run after the other. */
static bool place_tile(struct placement *it, const struct aml_tile *tile, int device,
                       struct notes *notes) {
  struct aml_tile merged;
  aml_tile_merge(tile, &merged);
  const size_t last = merged.ndims - 1;
  const bool has_runs = merged.stride_bytes[last] == (ptrdiff_t)merged.element_size;
  const size_t run_size = merged.element_size * (has_runs ? merged.extent[last] : 1);
  const size_t outer = has_runs ? last : merged.ndims;
  size_t coords[AML_MAX_DIMS] = {0};
  for (;;) {
    if (!place_run(it, aml_tile_address(&merged, coords), run_size, device, notes))
      return false;
    size_t d = outer;
    while (d > 0 && ++coords[d - 1] == merged.extent[d - 1])
      coords[--d] = 0;
    if (d == 0)
      return true;
  }
}

static int compare_notes(const void *left, const void *right) {
  const struct note *const a = left;
  const struct note *const b = right;
  if (a->page != b->page)
    return a->page < b->page ? -1 : 1;
  return (a->device > b->device) - (a->device < b->device);
}

/** Gives each page with notes, and no tile of its own, to the device with the most bytes. */
static void settle_notes(struct placement *it, struct notes *notes) {
  if (notes->count > 0)
    qsort(notes->list, notes->count, sizeof *notes->list, compare_notes);
  for (size_t i = 0; i < notes->count;) {
    const size_t page = notes->list[i].page;
    const bool is_settled = it->devices[page] != ANYWHERE;
    size_t most = 0;
    while (i < notes->count && notes->list[i].page == page) {
      const int device = notes->list[i].device;
      size_t size = 0;
      for (; i < notes->count && notes->list[i].page == page && notes->list[i].device == device;
           ++i)
        size += notes->list[i].size;
      // Devices come in ascending order, so of two with as many bytes the smaller one stays.
      if (size <= most || is_settled)
        continue;
      most = size;
      it->devices[page] = (int16_t)device;
    }
  }
}

/** Fills in the device of each page from the tiles. */
static int place_tiles(struct placement *it, const struct aml_tiling *tiling,
                       const struct aml_tile *datum) {
  const size_t count = aml_tiling_count(tiling);
  struct notes notes = {0};
  int err = 0;
  for (size_t id = 0; id < count && !err; ++id) {
    struct aml_tile tile;
    const int device = it->binding->ops->device_of(it->binding, id, count);
    if (device == -AML_ENOENT)
      continue;
    if (device < 0 || device >= AML_NODESET_CAPACITY)
      err = device < 0 ? device
                       : aml_error_set_value(-AML_EINVAL, it->call, "binding", (uint64_t)device,
                                             "is no device number");
    else
      err = aml_tiling_tile(tiling, datum, id, &tile);
    if (!err && !place_tile(it, &tile, device, &notes))
      err = no_memory(it->call);
  }
  if (!err)
    settle_notes(it, &notes);
  free(notes.list);
  return err;
}

/** Makes the view of a datum's pages; its array is the caller's to free. */
static int view_tiled(struct placement *it, const struct aml_tiling *tiling,
                      const struct aml_tile *datum) {
  if (it->binding == NULL)
    return refuse_null(it->call, "binding");
  if (tiling == NULL)
    return refuse_null(it->call, "tiling");
  int err = aml_tile_check(datum, it->call, "datum");
  if (err)
    return err;
  if (datum->area == NULL)
    return aml_error_set(-AML_EINVAL, it->call, "datum", "has no area that could bind it");
  it->area = datum->area;
  void *lowest;
  size_t size;
  aml_tile_span(datum, &lowest, &size);
  struct aml_tiling_info info;
  err = aml_tiling_get_info(tiling, &info);
  // A tiling may lay the datum out in more bytes than its shape has.
  if (!err)
    err = find_pages(it, lowest, size > info.storage_size ? size : info.storage_size);
  if (err)
    return err;
  it->devices = malloc(it->page_count * sizeof *it->devices);
  if (it->devices == NULL)
    return no_memory(it->call);
  for (size_t page = 0; page < it->page_count; ++page)
    it->devices[page] = ANYWHERE;
  err = place_tiles(it, tiling, datum);
  if (err) {
    free(it->devices);
    it->devices = NULL;
  }
  return err;
}

static int view_pages(struct placement *it, void *pointer, size_t size) {
  if (it->binding == NULL)
    return refuse_null(it->call, "binding");
  if (it->area == NULL)
    return refuse_null(it->call, "area");
  if (pointer == NULL)
    return refuse_null(it->call, "pointer");
  if (size == 0)
    return aml_error_set(-AML_EINVAL, it->call, "size", "is 0");
  return find_pages(it, pointer, size);
}

// Applying

/** Counts the runs that need a mapping of their own, up to one more than `enough`. */
static int count_runs(const struct placement *it, size_t enough, size_t *runs) {
  size_t count = 0;
  for (size_t page = 0; page < it->page_count && count <= enough;) {
    const int device = device_of_page(it, page);
    if (is_failure(device))
      return device;
    page += run_of_pages(it, page, device);
    count += device != ANYWHERE;
  }
  *runs = count;
  return 0;
}

static int bind_runs(const struct placement *it, unsigned flags) {
  for (size_t page = 0; page < it->page_count;) {
    const int device = device_of_page(it, page);
    if (is_failure(device))
      return device;
    const size_t length = run_of_pages(it, page, device);
    if (device != ANYWHERE) {
      const struct aml_nodeset one = aml_nodeset_of(device);
      const int err = aml_area_bind(it->area, it->base + page * it->page_size,
                                    length * it->page_size, AML_POLICY_BIND, &one, flags);
      if (err)
        return err;
    }
    page += length;
  }
  return 0;
}

/** Collects up to BATCH pages that have a device, from *page on; returns how many, or a code. */
static int collect(const struct placement *it, size_t *page, void *pointers[], int devices[]) {
  int count = 0;
  for (; *page < it->page_count && count < BATCH; ++*page) {
    const int device = device_of_page(it, *page);
    if (is_failure(device))
      return device;
    if (device == ANYWHERE)
      continue;
    pointers[count] = it->base + *page * it->page_size;
    devices[count++] = device;
  }
  return count;
}

static int move_pages_in_bulk(const struct placement *it) {
  void *pointers[BATCH];
  int devices[BATCH];
  int results[BATCH];
  for (size_t page = 0; page < it->page_count;) {
    const int count = collect(it, &page, pointers, devices);
    if (count < 0)
      return count;
    const int err = aml_area_move(it->area, (size_t)count, pointers, devices, results);
    if (err)
      return err;
    for (int i = 0; i < count; ++i) {
      if (results[i] == -AML_ENOENT)
        return aml_error_set(-AML_EOVERFLOW, it->call, "binding",
                             "needs more mappings than allowed, and there are pages not present");
      if (results[i] < 0)
        return aml_error_set(results[i], it->call, NULL, "a page could not be moved");
    }
  }
  return 0;
}

/**
 * Moves pages that are present and on the wrong device. The kernel does not do that for a policy of
 * several devices: a page that is on any of them is right to it.
 */
static int move_wrong_pages(const struct placement *it, unsigned flags) {
  void *pointers[BATCH];
  int devices[BATCH];
  int results[BATCH];
  for (size_t page = 0; page < it->page_count;) {
    int count = collect(it, &page, pointers, devices);
    int err = count < 0 ? count : aml_area_locate(it->area, (size_t)count, pointers, results);
    if (err)
      return err;
    int wrong = 0;
    for (int i = 0; i < count; ++i) {
      if (results[i] < 0 || results[i] == devices[i])
        continue;
      pointers[wrong] = pointers[i];
      devices[wrong++] = devices[i];
    }
    err = aml_area_move(it->area, (size_t)wrong, pointers, devices, results);
    for (int i = 0; i < wrong && !err; ++i)
      if (results[i] != devices[i] && (flags & AML_AREA_BIND_STRICT) != 0)
        err = aml_error_set(-AML_EIO, it->call, NULL, "a page could not be moved");
    if (err)
      return err;
  }
  return 0;
}

static int apply(const struct placement *it, const struct aml_binding_apply_options *options) {
  size_t runs;
  const size_t allowed = options->max_mappings == 0 ? DEFAULT_MAX_MAPPINGS : options->max_mappings;
  const int err = count_runs(it, allowed, &runs);
  if (err)
    return err;
  return runs <= allowed ? bind_runs(it, options->flags) : move_pages_in_bulk(it);
}

static const struct aml_binding_apply_options default_options = {0};

int aml_binding_apply(const struct aml_binding *binding, struct aml_area *area, void *pointer,
                      size_t size, const struct aml_binding_apply_options *options) {
  struct placement it = {.call = "aml_binding_apply", .binding = binding, .area = area};
  enum aml_policy policy;
  struct aml_nodeset devices;
  if (options == NULL)
    options = &default_options;
  int err = view_pages(&it, pointer, size);
  if (err)
    return err;
  if (!number_by_address(&it, &policy, &devices))
    return apply(&it, options);
  err = aml_area_bind(area, pointer, size, policy, &devices, options->flags);
  if (!err && (options->flags & AML_AREA_BIND_MOVE) != 0 && aml_nodeset_count(&devices) > 1)
    err = move_wrong_pages(&it, options->flags);
  return err;
}

int aml_binding_apply_tiled(const struct aml_binding *binding, const struct aml_tiling *tiling,
                            const struct aml_tile *datum,
                            const struct aml_binding_apply_options *options) {
  struct placement it = {.call = "aml_binding_apply_tiled", .binding = binding};
  int err = view_tiled(&it, tiling, datum);
  if (!err)
    err = apply(&it, options == NULL ? &default_options : options);
  free(it.devices);
  return err;
}

// Verifying

/** Adds one page to a report. */
static void report_page(const struct placement *it, struct aml_binding_report *report, void *page,
                        int wanted, int found) {
  if (found < 0) {
    report->absent_size += it->page_size;
    return;
  }
  if (found < AML_NODESET_CAPACITY)
    report->device_size[found] += it->page_size;
  if (wanted == ANYWHERE || wanted == found) {
    report->right_size += it->page_size;
    return;
  }
  report->wrong_size += it->page_size;
  if (report->first_wrong == NULL)
    report->first_wrong = page;
}

static int verify(const struct placement *it, struct aml_binding_report *report) {
  void *pointers[BATCH];
  int found[BATCH];
  struct aml_binding_report made = {0};
  for (size_t page = 0; page < it->page_count;) {
    const size_t rest = it->page_count - page;
    const size_t count = rest < BATCH ? rest : BATCH;
    for (size_t i = 0; i < count; ++i)
      pointers[i] = it->base + (page + i) * it->page_size;
    const int err = aml_area_locate(it->area, count, pointers, found);
    if (err)
      return err;
    for (size_t i = 0; i < count; ++i) {
      const int wanted = device_of_page(it, page + i);
      if (is_failure(wanted))
        return wanted;
      report_page(it, &made, pointers[i], wanted, found[i]);
    }
    page += count;
  }
  *report = made;
  return 0;
}

int aml_binding_verify(const struct aml_binding *binding, struct aml_area *area, void *pointer,
                       size_t size, struct aml_binding_report *report) {
  struct placement it = {.call = "aml_binding_verify", .binding = binding, .area = area};
  enum aml_policy policy;
  struct aml_nodeset devices;
  if (report == NULL)
    return refuse_null(it.call, "report");
  const int err = view_pages(&it, pointer, size);
  if (err)
    return err;
  (void)number_by_address(&it, &policy, &devices);
  return verify(&it, report);
}

int aml_binding_verify_tiled(const struct aml_binding *binding, const struct aml_tiling *tiling,
                             const struct aml_tile *datum, struct aml_binding_report *report) {
  struct placement it = {.call = "aml_binding_verify_tiled", .binding = binding};
  if (report == NULL)
    return refuse_null(it.call, "report");
  int err = view_tiled(&it, tiling, datum);
  if (!err)
    err = verify(&it, report);
  free(it.devices);
  return err;
}

void aml_binding_fini(struct aml_binding *binding) {
  if (binding != NULL)
    binding->ops->fini(binding);
}

void aml_binding_destroy(struct aml_binding **binding) {
  if (binding == NULL)
    return;
  aml_binding_fini(*binding);
  free(*binding);
  *binding = NULL;
}
