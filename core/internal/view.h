// SPDX-License-Identifier: BSD-3-Clause
//
// What applying and verifying a binding share: a range of pages, and for each the device that it
// belongs to, told run by run. For a binding by pages this is computed as it is read and takes no
// memory; for a binding by tiles it is an array (placement.h).
//
// Threads: thread-compatible; reading is thread-safe.

#ifndef AML_CORE_INTERNAL_VIEW_H
#define AML_CORE_INTERNAL_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/block.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "core/internal/placement.h"

/** What a page can have instead of a device: it may be anywhere, resp. it is in no tile. */
enum {
  AML_INTERNAL_VIEW_STAYS = -AML_ENOENT,
  AML_INTERNAL_VIEW_OUTSIDE = AML_INTERNAL_PLACEMENT_OUTSIDE
};

/** Pages of an area, and where the device of each is told. Made with call and binding set. */
struct aml_internal_view {
  const char *call; /**< the public function at work */
  struct aml_area *area;
  char *first; /**< of the first page */
  size_t page_size;
  size_t page_count;
  const struct aml_binding *binding; /**< by pages: page i is item first_index + i of index_count */
  size_t first_index;
  size_t index_count;
  struct aml_internal_placement placement; /**< by tiles; else without devices */
};

/** Check the arguments of the public functions on ranges. Returns: 0; -AML_EINVAL. */
AML_MUST_CHECK int aml_internal_view_check(const struct aml_internal_view *it, void *pointer,
                                           size_t size);

/** Whether a binding is a policy of the kernel, and which; records nothing. */
AML_MUST_CHECK bool aml_internal_view_policy(const struct aml_binding *binding,
                                             enum aml_policy *policy, struct aml_nodeset *devices);

/**
 * View a range of an area, checked before; its pages numbered by address or from the first one.
 * Returns: 0; -AML_EINVAL.
 */
AML_MUST_CHECK int aml_internal_view_range(struct aml_internal_view *it, void *pointer, size_t size,
                                           bool by_address);

/** View a datum's tiles; checks arguments. To be ended by fini, also after a failure. */
AML_MUST_CHECK int aml_internal_view_tiles(struct aml_internal_view *it,
                                           const struct aml_tiling *tiling,
                                           const struct aml_tile *datum);

void aml_internal_view_fini(struct aml_internal_view *it);

/**
 * Tell the device of a page, STAYS or OUTSIDE, and how many pages from it on have the same.
 * Returns: 0; what the binding fails with, recorded.
 */
AML_MUST_CHECK int aml_internal_view_run(const struct aml_internal_view *it, size_t page,
                                         int *device, size_t *length);

enum { AML_INTERNAL_VIEW_BATCH = 512 };

/** Pages for one call of the area. */
struct aml_internal_batch {
  size_t count;
  void *pages[AML_INTERNAL_VIEW_BATCH];
  int wanted[AML_INTERNAL_VIEW_BATCH]; /**< a device or STAYS */
  int found[AML_INTERNAL_VIEW_BATCH];  /**< what the area answers */
};

/**
 * Fill a batch with pages that have a device, and those that stay if asked for, from *page on; and
 * set *page behind the last one looked at. An empty batch: there are no more.
 * Returns: 0; what the binding fails with.
 */
AML_MUST_CHECK int aml_internal_view_next(const struct aml_internal_view *it, bool with_staying,
                                          size_t *page, struct aml_internal_batch *batch);

/**
 * Keep of a batch those pages that are present and not where they are wanted; `found` tells where
 * they are. Returns: 0; what the area fails with.
 */
AML_MUST_CHECK int aml_internal_view_keep_wrong(const struct aml_internal_view *it,
                                                struct aml_internal_batch *batch);

typedef int aml_internal_visit(const struct aml_internal_view *it, struct aml_internal_batch *batch,
                               void *context);

/**
 * Visit all such pages in batches, until a visit fails. Returns: 0; what a visit or the binding
 * fails with.
 */
AML_MUST_CHECK int aml_internal_view_visit(const struct aml_internal_view *it, bool with_staying,
                                           aml_internal_visit *visit, void *context);

#endif
