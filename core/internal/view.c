// SPDX-License-Identifier: BSD-3-Clause

#include "core/internal/view.h"

#include <stdint.h>

#include "aml/core/checked.h"
#include "aml/core/error.h"

static int refuse_null(const char *call, const char *argument) {
  return aml_error_set(-AML_EINVAL, call, argument, "is null");
}

/** Tells the device of a page, AML_INTERNAL_VIEW_STAYS or OUTSIDE; fails where the binding does. */
static int device_at(const struct aml_internal_view *it, size_t page, int *device) {
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
static size_t known_run(const struct aml_internal_view *it, size_t page) {
  if (it->placement.devices != NULL || it->binding->ops->run == NULL)
    return 1;
  const size_t rest = it->page_count - page;
  const size_t run = it->binding->ops->run(it->binding, it->first_index + page, it->index_count);
  if (run == 0)
    return 1;
  return run < rest ? run : rest;
}

int aml_internal_view_run(const struct aml_internal_view *it, size_t page, int *device,
                          size_t *length) {
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
  it->first_index = by_address ? (uintptr_t)it->first / it->page_size : 0;
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

int aml_internal_view_visit(const struct aml_internal_view *it, bool with_staying,
                            aml_internal_visit *visit, void *context) {
  struct aml_internal_batch batch = {.count = 0};
  int err = 0;
  for (size_t page = 0; page < it->page_count;) {
    int device;
    size_t length;
    err = aml_internal_view_run(it, page, &device, &length);
    if (err)
      return err;
    const bool wanted = device >= 0 || (device == AML_INTERNAL_VIEW_STAYS && with_staying);
    for (const size_t end = page + length; page < end; ++page) {
      if (!wanted)
        continue;
      batch.pages[batch.count] = it->first + page * it->page_size;
      batch.wanted[batch.count++] = device;
      if (batch.count < AML_INTERNAL_VIEW_BATCH)
        continue;
      err = visit(it, &batch, context);
      if (err)
        return err;
      batch.count = 0;
    }
  }
  return batch.count == 0 ? 0 : visit(it, &batch, context);
}
