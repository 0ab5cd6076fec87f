// SPDX-License-Identifier: BSD-3-Clause
//
// Applying is a loop over one view of pages and their devices (internal/view.h): run by run, or, if
// there are too many runs, in batches of single pages.

#include <stdbool.h>

#include "aml/core/binding.h"
#include "core/internal/view.h"

enum { DEFAULT_MAX_MAPPINGS = 1000 };

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

/** Makes the pages of a batch present that were found not to be. */
static int touch_absent(const struct aml_internal_view *it,
                        const struct aml_internal_batch *batch) {
  if ((aml_area_capabilities(it->area) & AML_AREA_HOST_WRITABLE) == 0)
    return aml_error_set(-AML_EOVERFLOW, it->call, "binding",
                         "needs more mappings than max_mappings, and a page is not present");
  // One step, so that what others write meanwhile is not lost.
  for (size_t i = 0; i < batch->count; ++i)
    if (batch->found[i] == -AML_ENOENT)
      (void)__atomic_fetch_or((unsigned char *)batch->pages[i], 0, __ATOMIC_RELAXED);
  return 0;
}

static bool has_absent(const struct aml_internal_batch *batch) {
  for (size_t i = 0; i < batch->count; ++i)
    if (batch->found[i] == -AML_ENOENT)
      return true;
  return false;
}

static int move_batch(const struct aml_internal_view *it, struct aml_internal_batch *batch,
                      void *context) {
  (void)context;
  int err = aml_area_move(it->area, batch->count, batch->pages, batch->wanted, batch->found);
  if (!err && has_absent(batch)) {
    err = touch_absent(it, batch);
    if (!err)
      err = aml_area_move(it->area, batch->count, batch->pages, batch->wanted, batch->found);
  }
  for (size_t i = 0; i < batch->count && !err; ++i)
    if (batch->found[i] < 0)
      err = aml_error_set(batch->found[i], it->call, NULL, "a page cannot be moved");
  return err;
}

/** Does for single pages what flags ask for; `context` points to them. */
static int correct_batch(const struct aml_internal_view *it, struct aml_internal_batch *batch,
                         void *context) {
  const unsigned flags = *(const unsigned *)context;
  int err = aml_internal_view_keep_wrong(it, batch);
  if (!err && (flags & AML_AREA_BIND_MOVE) != 0)
    err = aml_area_move(it->area, batch->count, batch->pages, batch->wanted, batch->found);
  for (size_t i = 0; i < batch->count && !err && (flags & AML_AREA_BIND_STRICT) != 0; ++i)
    if (batch->found[i] != batch->wanted[i])
      err = aml_error_set(-AML_EIO, it->call, NULL, "pages of the range are, or stay, elsewhere");
  return err;
}

/**
 * Tells whether a policy of the kernel is a binding on an area. The kernel numbers pages by
 * address, but those of pools and of shared memory by their place in a file. Where all pages are
 * alike, it is no matter.
 */
static int can_be_policy(struct aml_area *area, const struct aml_nodeset *devices, bool *answer) {
  struct aml_area_info info = {0};
  const int err = aml_nodeset_count(devices) <= 1 ? 0 : aml_area_get_info(area, NULL, &info);
  *answer =
      (info.granted & AML_AREA_GRANT_HUGE_POOL) == 0 && (info.capabilities & AML_AREA_SHARED) == 0;
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
  const bool is_policy = aml_internal_view_policy(binding, &policy, &devices);
  bool has_policy = false;
  if (is_policy)
    err = can_be_policy(area, &devices, &has_policy);
  if (err)
    return err;
  if (has_policy) {
    err = apply_policy(&view, pointer, size, policy, &devices, options->flags);
    // The kernel may be older than this policy, but it can still bind run by run.
    if (err != -AML_ENOTSUP || policy != AML_POLICY_WEIGHTED_INTERLEAVE)
      return err;
  }
  err = aml_internal_view_range(&view, pointer, size, is_policy);
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
