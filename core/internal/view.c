// SPDX-License-Identifier: BSD-3-Clause

#include "core/internal/view.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "aml/core/checked.h"
#include "aml/core/error.h"

static int refuse_null(const char *call, const char *argument) {
  return aml_error_set(-AML_EINVAL, call, argument, "is null");
}

/** Tells the device of a page, or that it stays; fails where the binding does. */
static int device_at(const struct aml_internal_view *it, size_t page, int *device) {
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
static size_t known_run(const struct aml_internal_view *it, size_t page) {
  if (it->binding->ops->run == NULL)
    return 1;
  const size_t rest = it->page_count - page;
  const size_t run = it->binding->ops->run(it->binding, it->first_index + page, it->index_count);
  if (run == 0)
    return 1;
  return run < rest ? run : rest;
}

/** As aml_internal_view_run(), where the devices are listed. */
static void listed_run(const struct aml_internal_view *it, size_t page, int *device,
                       size_t *length) {
  const int32_t *const devices = it->placement.devices;
  const int32_t first = devices[page];
  size_t end = page + 1;
  while (end < it->page_count && devices[end] == first)
    ++end;
  *device = first;
  *length = end - page;
}

int aml_internal_view_run(const struct aml_internal_view *it, size_t page, int *device,
                          size_t *length) {
  if (it->placement.devices != NULL) {
    listed_run(it, page, device, length);
    return 0;
  }
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

int aml_internal_view_check(const struct aml_internal_view *it, void *pointer, size_t size) {
  if (it->binding == NULL)
    return refuse_null(it->call, "binding");
  if (it->area == NULL)
    return refuse_null(it->call, "area");
  if (pointer == NULL)
    return refuse_null(it->call, "pointer");
  if (size == 0)
    return aml_error_set(-AML_EINVAL, it->call, "size", "is 0");
  return 0;
}

bool aml_internal_view_policy(const struct aml_binding *binding, enum aml_policy *policy,
                              struct aml_nodeset *devices) {
  return binding->ops->policy != NULL && binding->ops->policy(binding, policy, devices) == 0;
}

/** Whether the kernel, Linux before 6.7, takes but 32 bits of a page's number to interleave. */
static bool has_short_numbers(void) {
  struct utsname kernel;
  unsigned major;
  unsigned minor;
  if (uname(&kernel) != 0 || sscanf(kernel.release, "%u.%u", &major, &minor) != 2)
    return false;
  return major < 6 || (major == 6 && minor < 7);
}

/** The number that the kernel interleaves a page by. */
static size_t number_by_address(const char *page, size_t page_size) {
  const size_t number = (uintptr_t)page / page_size;
  return has_short_numbers() ? (uint32_t)number : number;
}

int aml_internal_view_range(struct aml_internal_view *it, void *pointer, size_t size,
                            bool by_address) {
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
  it->first_index = by_address ? number_by_address(it->first, it->page_size) : 0;
  it->index_count = by_address ? SIZE_MAX : it->page_count;
  return 0;
}

int aml_internal_view_tiles(struct aml_internal_view *it, const struct aml_tiling *tiling,
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

void aml_internal_view_fini(struct aml_internal_view *it) {
  aml_internal_placement_fini(&it->placement);
}

int aml_internal_view_next(const struct aml_internal_view *it, bool with_staying, size_t *page,
                           struct aml_internal_batch *batch) {
  size_t at = *page;
  batch->count = 0;
  while (at < it->page_count && batch->count < AML_INTERNAL_VIEW_BATCH) {
    int device;
    size_t length;
    const int err = aml_internal_view_run(it, at, &device, &length);
    if (err)
      return err;
    if (device < 0 && !(device == AML_INTERNAL_VIEW_STAYS && with_staying)) {
      at += length;
      continue;
    }
    const size_t room = AML_INTERNAL_VIEW_BATCH - batch->count;
    for (const size_t end = at + (length < room ? length : room); at < end; ++at) {
      batch->pages[batch->count] = it->first + at * it->page_size;
      batch->wanted[batch->count++] = device;
    }
  }
  *page = at;
  return 0;
}

int aml_internal_view_keep_wrong(const struct aml_internal_view *it,
                                 struct aml_internal_batch *batch) {
  const int err = aml_area_locate(it->area, batch->count, batch->pages, batch->found);
  if (err)
    return err;
  size_t count = 0;
  for (size_t i = 0; i < batch->count; ++i) {
    if (batch->found[i] < 0 || batch->found[i] == batch->wanted[i])
      continue;
    batch->pages[count] = batch->pages[i];
    batch->wanted[count] = batch->wanted[i];
    batch->found[count++] = batch->found[i];
  }
  batch->count = count;
  return 0;
}

int aml_internal_view_visit(const struct aml_internal_view *it, bool with_staying,
                            aml_internal_visit *visit, void *context) {
  struct aml_internal_batch batch;
  size_t page = 0;
  for (;;) {
    int err = aml_internal_view_next(it, with_staying, &page, &batch);
    if (!err && batch.count == 0)
      return 0;
    if (!err)
      err = visit(it, &batch, context);
    if (err)
      return err;
  }
}
