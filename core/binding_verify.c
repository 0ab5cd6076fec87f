// SPDX-License-Identifier: BSD-3-Clause
//
// Verifying and rebalancing compare where pages are with one view of where they belong
// (internal/view.h), in batches.

#include <stdbool.h>
#include <stdint.h>

#include "aml/core/binding.h"
#include "core/internal/view.h"

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
  struct aml_binding_report made = {.shared_size = it->placement.shared_size,
                                    .outvoted_size = it->placement.outvoted_size};
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
    return aml_error_set(-AML_EINVAL, view.call, "report", "is null");
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
    return aml_error_set(-AML_EINVAL, view.call, "report", "is null");
  int err = aml_internal_view_tiles(&view, tiling, datum);
  if (!err)
    err = verify(&view, report);
  aml_internal_view_fini(&view);
  return err;
}

/** Shortens a batch of wrong pages to what may be moved; *page is then its first page that waits.
 */
static void shorten(const struct aml_internal_view *it, struct aml_internal_batch *batch,
                    size_t limit, size_t *page) {
  if (batch->count <= limit)
    return;
  *page = (size_t)((char *)batch->pages[limit] - it->first) / it->page_size;
  batch->count = limit;
}

/** Moves what is wrong, from where progress stands, and at most `limit` pages. */
static int rebalance(const struct aml_internal_view *it, size_t limit,
                     struct aml_binding_progress *progress) {
  struct aml_internal_batch batch;
  size_t page = progress->done_size / it->page_size;
  while (page < it->page_count && limit > 0) {
    int err = aml_internal_view_next(it, false, &page, &batch);
    if (!err && batch.count > 0)
      err = aml_internal_view_keep_wrong(it, &batch);
    if (err)
      return err;
    shorten(it, &batch, limit, &page);
    if (batch.count > 0)
      err = aml_area_move(it->area, batch.count, batch.pages, batch.wanted, batch.found);
    if (err)
      return err;
    for (size_t i = 0; i < batch.count; ++i)
      *(batch.found[i] == batch.wanted[i] ? &progress->moved_size : &progress->failed_size) +=
          it->page_size;
    limit -= batch.count;
    progress->done_size = page * it->page_size;
  }
  return 0;
}

/** Begins or goes on, for a view that was made. */
static int go_on(const struct aml_internal_view *it, size_t max_size,
                 struct aml_binding_progress *progress) {
  const size_t total = it->page_count * it->page_size;
  if (progress->total_size == 0)
    *progress = (struct aml_binding_progress){.total_size = total};
  if (progress->total_size != total || progress->done_size > total ||
      progress->done_size % it->page_size != 0)
    return aml_error_set(-AML_EINVAL, it->call, "progress", "is that of another range");
  size_t limit = max_size / it->page_size;
  if (limit == 0)
    limit = max_size == 0 ? SIZE_MAX : 1;
  return rebalance(it, limit, progress);
}

int aml_binding_rebalance(const struct aml_binding *binding, struct aml_area *area, void *pointer,
                          size_t size, size_t max_size, struct aml_binding_progress *progress) {
  struct aml_internal_view view = {
      .call = "aml_binding_rebalance", .binding = binding, .area = area};
  enum aml_policy policy;
  struct aml_nodeset devices;
  if (progress == NULL)
    return aml_error_set(-AML_EINVAL, view.call, "progress", "is null");
  int err = aml_internal_view_check(&view, pointer, size);
  if (!err)
    err = aml_internal_view_range(&view, pointer, size,
                                  aml_internal_view_policy(binding, &policy, &devices));
  return err ? err : go_on(&view, max_size, progress);
}

int aml_binding_rebalance_tiled(const struct aml_binding *binding, const struct aml_tiling *tiling,
                                const struct aml_tile *datum, size_t max_size,
                                struct aml_binding_progress *progress) {
  struct aml_internal_view view = {.call = "aml_binding_rebalance_tiled", .binding = binding};
  if (progress == NULL)
    return aml_error_set(-AML_EINVAL, view.call, "progress", "is null");
  int err = aml_internal_view_tiles(&view, tiling, datum);
  if (!err)
    err = go_on(&view, max_size, progress);
  aml_internal_view_fini(&view);
  return err;
}
