// SPDX-License-Identifier: BSD-3-Clause
//
// Applying and verifying are loops over one view of pages and their devices (internal/view.h).

#include "aml/core/binding.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/internal/view.h"

enum { DEFAULT_MAX_MAPPINGS = 1000 };

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

/** Whether binding run by run splits the range into no more pieces than allowed. */
static int fits(const struct aml_internal_view *it, size_t allowed, bool *answer) {
  size_t pieces = 0;
  for (size_t page = 0; page < it->page_count && pieces <= allowed; ++pieces) {
    int device;
    size_t length;
    const int err = aml_internal_view_run(it, page, &device, &length);
    if (err)
      return err;
    page += length;
  }
  *answer = pieces <= allowed;
  return 0;
}

static int bind_runs(const struct aml_internal_view *it, unsigned flags) {
  for (size_t page = 0; page < it->page_count;) {
    int device;
    size_t length;
    int err = aml_internal_view_run(it, page, &device, &length);
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

static int move_batch(const struct aml_internal_view *it, struct aml_internal_batch *batch,
                      void *context) {
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

/** Keeps of a batch those pages that are present and not where they are wanted. */
static int keep_wrong(const struct aml_internal_view *it, struct aml_internal_batch *batch) {
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

/** Does for single pages what flags ask for; `context` points to them. */
static int correct_batch(const struct aml_internal_view *it, struct aml_internal_batch *batch,
                         void *context) {
  const unsigned flags = *(const unsigned *)context;
  int err = keep_wrong(it, batch);
  if (!err && (flags & AML_AREA_BIND_MOVE) != 0)
    err = aml_area_move(it->area, batch->count, batch->pages, batch->wanted, batch->found);
  for (size_t i = 0; i < batch->count && !err && (flags & AML_AREA_BIND_STRICT) != 0; ++i)
    if (batch->found[i] != batch->wanted[i])
      err = aml_error_set(-AML_EIO, it->call, NULL, "pages of the range are, or stay, elsewhere");
  return err;
}

/**
 * Binds a range to a policy of the kernel. To the kernel a page is right on any of the policy's
 * devices, so that pages which are present are looked at one by one if flags speak of them.
 */
static int apply_policy(struct aml_internal_view *it, void *pointer, size_t size,
                        enum aml_policy policy, const struct aml_nodeset *devices, unsigned flags) {
  if (flags == 0 || aml_nodeset_count(devices) == 1)
    return aml_area_bind(it->area, pointer, size, policy, devices, flags);
  int err = aml_area_bind(it->area, pointer, size, policy, devices, 0);
  if (!err)
    err = aml_internal_view_range(it, pointer, size, true);
  return err ? err : aml_internal_view_visit(it, false, correct_batch, &flags);
}

static const struct aml_binding_apply_options apply_defaults = {0};

static int check_flags(const char *call, const struct aml_binding_apply_options *options) {
  if ((options->flags & ~(unsigned)(AML_AREA_BIND_MOVE | AML_AREA_BIND_STRICT)) != 0)
    return aml_error_set(-AML_EINVAL, call, "flags", "has an unknown bit");
  return 0;
}

static int apply(const struct aml_internal_view *it,
                 const struct aml_binding_apply_options *options) {
  bool can_bind;
  const int err = fits(
      it, options->max_mappings == 0 ? DEFAULT_MAX_MAPPINGS : options->max_mappings, &can_bind);
  if (err)
    return err;
  return can_bind ? bind_runs(it, options->flags)
                  : aml_internal_view_visit(it, false, move_batch, NULL);
}

int aml_binding_apply(const struct aml_binding *binding, struct aml_area *area, void *pointer,
                      size_t size, const struct aml_binding_apply_options *options) {
  struct aml_internal_view view = {.call = "aml_binding_apply", .binding = binding, .area = area};
  enum aml_policy policy;
  struct aml_nodeset devices;
  if (options == NULL)
    options = &apply_defaults;
  int err = check_flags(view.call, options);
  if (!err)
    err = aml_internal_view_check(&view, pointer, size);
  if (err)
    return err;
  if (aml_internal_view_policy(binding, &policy, &devices))
    return apply_policy(&view, pointer, size, policy, &devices, options->flags);
  err = aml_internal_view_range(&view, pointer, size, false);
  return err ? err : apply(&view, options);
}

int aml_binding_apply_tiled(const struct aml_binding *binding, const struct aml_tiling *tiling,
                            const struct aml_tile *datum,
                            const struct aml_binding_apply_options *options) {
  struct aml_internal_view view = {.call = "aml_binding_apply_tiled", .binding = binding};
  if (options == NULL)
    options = &apply_defaults;
  int err = check_flags(view.call, options);
  if (!err)
    err = aml_internal_view_tiles(&view, tiling, datum);
  if (!err)
    err = apply(&view, options);
  aml_internal_view_fini(&view);
  return err;
}

static int report_page(const struct aml_internal_view *it, struct aml_binding_report *report,
                       void *page, int wanted, int found) {
  if (found == -AML_ENOENT) {
    report->absent_size += it->page_size;
    return 0;
  }
  if (found < 0)
    return aml_error_set(found, it->call, NULL, "the area cannot tell where a page is");
  if (found < AML_NODESET_CAPACITY)
    report->device_size[found] += it->page_size;
  if (wanted == AML_INTERNAL_VIEW_STAYS || wanted == found) {
    report->right_size += it->page_size;
    return 0;
  }
  report->wrong_size += it->page_size;
  if (report->first_wrong == NULL)
    report->first_wrong = page;
  return 0;
}

static int report_batch(const struct aml_internal_view *it, struct aml_internal_batch *batch,
                        void *context) {
  int err = aml_area_locate(it->area, batch->count, batch->pages, batch->found);
  for (size_t i = 0; i < batch->count && !err; ++i)
    err = report_page(it, context, batch->pages[i], batch->wanted[i], batch->found[i]);
  return err;
}

static int verify(const struct aml_internal_view *it, struct aml_binding_report *report) {
  struct aml_binding_report made = {0};
  const int err = aml_internal_view_visit(it, true, report_batch, &made);
  if (!err)
    *report = made;
  return err;
}

int aml_binding_verify(const struct aml_binding *binding, struct aml_area *area, void *pointer,
                       size_t size, struct aml_binding_report *report) {
  struct aml_internal_view view = {.call = "aml_binding_verify", .binding = binding, .area = area};
  enum aml_policy policy;
  struct aml_nodeset devices;
  if (report == NULL)
    return refuse_null(view.call, "report");
  int err = aml_internal_view_check(&view, pointer, size);
  if (!err)
    err = aml_internal_view_range(&view, pointer, size,
                                  aml_internal_view_policy(binding, &policy, &devices));
  return err ? err : verify(&view, report);
}

int aml_binding_verify_tiled(const struct aml_binding *binding, const struct aml_tiling *tiling,
                             const struct aml_tile *datum, struct aml_binding_report *report) {
  struct aml_internal_view view = {.call = "aml_binding_verify_tiled", .binding = binding};
  if (report == NULL)
    return refuse_null(view.call, "report");
  int err = aml_internal_view_tiles(&view, tiling, datum);
  if (!err)
    err = verify(&view, report);
  aml_internal_view_fini(&view);
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
