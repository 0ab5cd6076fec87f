// SPDX-License-Identifier: BSD-3-Clause
//
// Applying and verifying share one view of the matter: a range of pages, and for each the device
// that it belongs to, told run by run. For a binding by pages the view is computed as it is read
// and takes no memory; for a binding by tiles it is an array (internal/placement.h).

#include "aml/core/binding.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "aml/core/checked.h"
#include "core/internal/placement.h"

enum { DEFAULT_MAX_MAPPINGS = 1000, BATCH = 512 };

// What a page can have instead of a device.
enum { OUTSIDE = AML_INTERNAL_PLACEMENT_OUTSIDE, STAYS = -AML_ENOENT };

static int refuse_null(const char *call, const char *argument) {
  return aml_error_set(-AML_EINVAL, call, argument, "is null");
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

/** Pages of an area, and where the device of each is told. */
struct view {
  const char *call; // the public function at work
  struct aml_area *area;
  char *first; // of the first page
  size_t page_size;
  size_t page_count;
  const struct aml_binding *binding; // by pages: page i is item first_index + i of index_count
  size_t first_index;
  size_t index_count;
  struct aml_internal_placement placement; // by tiles; else without devices
};

/** Tells the device of a page, STAYS or OUTSIDE; fails where the binding does. */
static int device_at(const struct view *it, size_t page, int *device) {
  if (it->placement.devices != NULL) {
    *device = it->placement.devices[page];
    return 0;
  }
  const int answer =
      it->binding->ops->device_of(it->binding, it->first_index + page, it->index_count);
  if (answer < 0 && answer != -AML_ENOENT)
    return aml_error_set_value(answer, it->call, "page", page, "has no device, says the binding");
  if (answer >= AML_NODESET_CAPACITY)
    return aml_error_set_value(-AML_EINVAL, it->call, "device", (uint64_t)answer,
                               "is none, yet the binding answers it");
  *device = answer;
  return 0;
}

/** How many pages from `page` on the binding knows to have one device, at least 1. */
static size_t known_run(const struct view *it, size_t page) {
  if (it->placement.devices != NULL || it->binding->ops->run == NULL)
    return 1;
  const size_t rest = it->page_count - page;
  const size_t run = it->binding->ops->run(it->binding, it->first_index + page, it->index_count);
  if (run == 0)
    return 1;
  return run < rest ? run : rest;
}

/** Tells the device of a page, and how many pages from it on have the same. */
static int run_at(const struct view *it, size_t page, int *device, size_t *length) {
  int err = device_at(it, page, device);
  if (err)
    return err;
  size_t end = page + known_run(it, page);
  while (end < it->page_count) {
    int next;
    err = device_at(it, end, &next);
    if (err)
      return err;
    if (next != *device)
      break;
    end += known_run(it, end);
  }
  *length = end - page;
  return 0;
}

/** Views a range of an area; arguments are those of the public functions. */
static int view_range(struct view *it, void *pointer, size_t size) {
  if (it->binding == NULL)
    return refuse_null(it->call, "binding");
  if (it->area == NULL)
    return refuse_null(it->call, "area");
  if (pointer == NULL)
    return refuse_null(it->call, "pointer");
  if (size == 0)
    return aml_error_set(-AML_EINVAL, it->call, "size", "is 0");
  struct aml_area_info info;
  const int err = aml_area_get_info(it->area, pointer, &info);
  if (err)
    return err;
  const size_t before = (uintptr_t)pointer & (info.page_size - 1);
  size_t end;
  if (!aml_checked_add((uintptr_t)pointer, size, &end) ||
      !aml_checked_round_up(end, info.page_size, &end))
    return aml_error_set(-AML_EINVAL, it->call, "size", "reaches past the range of addresses");
  it->first = (char *)pointer - before;
  it->page_size = info.page_size;
  it->page_count = (end - (uintptr_t)it->first) / info.page_size;
  it->index_count = it->page_count;
  return 0;
}

/** Lets pages be numbered by address, if the binding is a policy of the kernel. */
static bool number_by_address(struct view *it, enum aml_policy *policy,
                              struct aml_nodeset *devices) {
  if (it->binding->ops->policy == NULL || it->binding->ops->policy(it->binding, policy, devices))
    return false;
  it->first_index = (uintptr_t)it->first / it->page_size;
  it->index_count = SIZE_MAX;
  return true;
}

/** Views a datum's tiles; end_view() ends it. */
static int view_tiles(struct view *it, const struct aml_tiling *tiling,
                      const struct aml_tile *datum) {
  if (it->binding == NULL)
    return refuse_null(it->call, "binding");
  if (tiling == NULL)
    return refuse_null(it->call, "tiling");
  int err = aml_tile_check(datum, it->call, "datum");
  if (err)
    return err;
  if (datum->area == NULL)
    return aml_error_set(-AML_EINVAL, it->call, "datum", "is of no area");
  struct aml_area_info info;
  err = aml_area_get_info(datum->area, datum->base, &info);
  if (!err)
    err = aml_internal_placement_init(it->call, it->binding, tiling, datum, info.page_size,
                                      &it->placement);
  if (err)
    return err;
  it->area = datum->area;
  it->first = (char *)datum->base + (it->placement.first - (uintptr_t)datum->base);
  it->page_size = info.page_size;
  it->page_count = it->placement.page_count;
  return 0;
}

static void end_view(struct view *it) {
  aml_internal_placement_fini(&it->placement);
}

/** Pages for one call of the area. */
struct batch {
  size_t count;
  void *pages[BATCH];
  int wanted[BATCH]; // a device or STAYS
  int found[BATCH];  // what the area answers
};

typedef int visit_batch(const struct view *it, struct batch *batch, void *context);

/** Visits, in batches, the pages of a view that have a device, or all but those OUTSIDE. */
static int visit_pages(const struct view *it, bool with_staying, visit_batch *visit,
                       void *context) {
  struct batch batch = {.count = 0};
  int err = 0;
  for (size_t page = 0; page < it->page_count;) {
    int device;
    size_t length;
    err = run_at(it, page, &device, &length);
    if (err)
      return err;
    const bool wanted = device >= 0 || (device == STAYS && with_staying);
    for (const size_t end = page + length; page < end; ++page) {
      if (!wanted)
        continue;
      batch.pages[batch.count] = it->first + page * it->page_size;
      batch.wanted[batch.count++] = device;
      if (batch.count < BATCH)
        continue;
      err = visit(it, &batch, context);
      if (err)
        return err;
      batch.count = 0;
    }
  }
  return batch.count == 0 ? 0 : visit(it, &batch, context);
}

/** Whether binding run by run splits the range into no more pieces than allowed. */
static int fits(const struct view *it, size_t allowed, bool *answer) {
  size_t pieces = 0;
  for (size_t page = 0; page < it->page_count && pieces <= allowed; ++pieces) {
    int device;
    size_t length;
    const int err = run_at(it, page, &device, &length);
    if (err)
      return err;
    page += length;
  }
  *answer = pieces <= allowed;
  return 0;
}

static int bind_runs(const struct view *it, unsigned flags) {
  for (size_t page = 0; page < it->page_count;) {
    int device;
    size_t length;
    int err = run_at(it, page, &device, &length);
    if (!err && device >= 0) {
      const struct aml_nodeset one = aml_nodeset_of(device);
      err = aml_area_bind(it->area, it->first + page * it->page_size, length * it->page_size,
                          AML_POLICY_BIND, &one, flags);
    }
    if (err)
      return err;
    page += length;
  }
  return 0;
}

static int move_batch(const struct view *it, struct batch *batch, void *context) {
  (void)context;
  const int err = aml_area_move(it->area, batch->count, batch->pages, batch->wanted, batch->found);
  if (err)
    return err;
  for (size_t i = 0; i < batch->count; ++i) {
    if (batch->found[i] == -AML_ENOENT)
      return aml_error_set(-AML_EOVERFLOW, it->call, "binding",
                           "needs more mappings than max_mappings, and a page is not present");
    if (batch->found[i] < 0)
      return aml_error_set(batch->found[i], it->call, NULL, "a page cannot be moved");
  }
  return 0;
}

/**
 * Moves those pages of a batch that are present and on another device. The kernel does not do that
 * for a policy of several devices: to it a page is right that is on any of them.
 */
static int correct_batch(const struct view *it, struct batch *batch, void *context) {
  const unsigned flags = *(const unsigned *)context;
  int err = aml_area_locate(it->area, batch->count, batch->pages, batch->found);
  if (err)
    return err;
  size_t wrong = 0;
  for (size_t i = 0; i < batch->count; ++i) {
    if (batch->found[i] < 0 || batch->found[i] == batch->wanted[i])
      continue;
    batch->pages[wrong] = batch->pages[i];
    batch->wanted[wrong++] = batch->wanted[i];
  }
  err = aml_area_move(it->area, wrong, batch->pages, batch->wanted, batch->found);
  for (size_t i = 0; i < wrong && !err; ++i)
    if (batch->found[i] != batch->wanted[i] && (flags & AML_AREA_BIND_STRICT) != 0)
      err = aml_error_set(-AML_EIO, it->call, NULL, "a page cannot be moved");
  return err;
}

/** Makes a whole view one policy of the kernel. */
static int apply_policy(const struct view *it, enum aml_policy policy,
                        const struct aml_nodeset *devices, unsigned flags) {
  const int err =
      aml_area_bind(it->area, it->first, it->page_count * it->page_size, policy, devices, flags);
  if (err || (flags & AML_AREA_BIND_MOVE) == 0 || aml_nodeset_count(devices) < 2)
    return err;
  return visit_pages(it, false, correct_batch, &flags);
}

static const struct aml_binding_apply_options apply_defaults = {0};

static int check_flags(const char *call, const struct aml_binding_apply_options *options) {
  if ((options->flags & ~(unsigned)(AML_AREA_BIND_MOVE | AML_AREA_BIND_STRICT)) != 0)
    return aml_error_set(-AML_EINVAL, call, "flags", "has an unknown bit");
  return 0;
}

static int apply(const struct view *it, const struct aml_binding_apply_options *options) {
  bool can_bind;
  const int err = fits(
      it, options->max_mappings == 0 ? DEFAULT_MAX_MAPPINGS : options->max_mappings, &can_bind);
  if (err)
    return err;
  return can_bind ? bind_runs(it, options->flags) : visit_pages(it, false, move_batch, NULL);
}

int aml_binding_apply(const struct aml_binding *binding, struct aml_area *area, void *pointer,
                      size_t size, const struct aml_binding_apply_options *options) {
  struct view view = {.call = "aml_binding_apply", .binding = binding, .area = area};
  enum aml_policy policy;
  struct aml_nodeset devices;
  if (options == NULL)
    options = &apply_defaults;
  int err = check_flags(view.call, options);
  if (!err)
    err = view_range(&view, pointer, size);
  if (err)
    return err;
  if (number_by_address(&view, &policy, &devices))
    return apply_policy(&view, policy, &devices, options->flags);
  return apply(&view, options);
}

int aml_binding_apply_tiled(const struct aml_binding *binding, const struct aml_tiling *tiling,
                            const struct aml_tile *datum,
                            const struct aml_binding_apply_options *options) {
  struct view view = {.call = "aml_binding_apply_tiled", .binding = binding};
  if (options == NULL)
    options = &apply_defaults;
  int err = check_flags(view.call, options);
  if (!err)
    err = view_tiles(&view, tiling, datum);
  if (!err)
    err = apply(&view, options);
  end_view(&view);
  return err;
}

static int report_page(const struct view *it, struct aml_binding_report *report, void *page,
                       int wanted, int found) {
  if (found == -AML_ENOENT) {
    report->absent_size += it->page_size;
    return 0;
  }
  if (found < 0)
    return aml_error_set(found, it->call, NULL, "the area cannot tell where a page is");
  if (found < AML_NODESET_CAPACITY)
    report->device_size[found] += it->page_size;
  if (wanted == STAYS || wanted == found) {
    report->right_size += it->page_size;
    return 0;
  }
  report->wrong_size += it->page_size;
  if (report->first_wrong == NULL)
    report->first_wrong = page;
  return 0;
}

static int report_batch(const struct view *it, struct batch *batch, void *context) {
  int err = aml_area_locate(it->area, batch->count, batch->pages, batch->found);
  for (size_t i = 0; i < batch->count && !err; ++i)
    err = report_page(it, context, batch->pages[i], batch->wanted[i], batch->found[i]);
  return err;
}

static int verify(const struct view *it, struct aml_binding_report *report) {
  struct aml_binding_report made = {0};
  const int err = visit_pages(it, true, report_batch, &made);
  if (!err)
    *report = made;
  return err;
}

int aml_binding_verify(const struct aml_binding *binding, struct aml_area *area, void *pointer,
                       size_t size, struct aml_binding_report *report) {
  struct view view = {.call = "aml_binding_verify", .binding = binding, .area = area};
  enum aml_policy policy;
  struct aml_nodeset devices;
  if (report == NULL)
    return refuse_null(view.call, "report");
  const int err = view_range(&view, pointer, size);
  if (err)
    return err;
  (void)number_by_address(&view, &policy, &devices);
  return verify(&view, report);
}

int aml_binding_verify_tiled(const struct aml_binding *binding, const struct aml_tiling *tiling,
                             const struct aml_tile *datum, struct aml_binding_report *report) {
  struct view view = {.call = "aml_binding_verify_tiled", .binding = binding};
  if (report == NULL)
    return refuse_null(view.call, "report");
  int err = view_tiles(&view, tiling, datum);
  if (!err)
    err = verify(&view, report);
  end_view(&view);
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
