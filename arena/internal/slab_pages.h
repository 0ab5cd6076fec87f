// SPDX-License-Identifier: BSD-3-Clause
//
// Pages for what arena:slab knows of its memory, where that comes and goes with the memory. They
// are mapped apart from the C heap, which keeps what is freed between what is not; but for the
// first few of an arena, which the C heap has sooner.
//
// Threads: one at a time.

#ifndef AML_ARENA_INTERNAL_SLAB_PAGES_H
#define AML_ARENA_INTERNAL_SLAB_PAGES_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { AML_INTERNAL_SLAB_PAGE = 4096, AML_INTERNAL_SLAB_FEW_PAGES = 64 };

struct aml_internal_slab_bundle;

/** Pages; zeroed, none. */
struct aml_internal_slab_pages {
  void *few[AML_INTERNAL_SLAB_FEW_PAGES]; /**< of the C heap, those that are in use */
  size_t few_count;
  struct aml_internal_slab_bundle *open; /**< mapped together, some not in use */
  struct aml_internal_slab_bundle *full; /**< likewise, all in use */
  size_t count;                          /**< of pages in use, and of bundles, which take one */
};

/** A page, whatever it contains; null if there is no memory. */
void *aml_internal_slab_take_page(struct aml_internal_slab_pages *pages);

/** Give a page back. Its memory stays until the next purge, or is the C heap's. */
void aml_internal_slab_give_page(struct aml_internal_slab_pages *pages, void *page);

/** Give the memory of pages that are not in use back to the system, whose pages have `system_size`
 * bytes and may be larger. */
void aml_internal_slab_purge_pages(struct aml_internal_slab_pages *pages, size_t system_size);

/** How many bundles there are. */
size_t aml_internal_slab_count_bundles(const struct aml_internal_slab_pages *pages);

/** Give all pages back, those in use too. */
void aml_internal_slab_end_pages(struct aml_internal_slab_pages *pages);

#ifdef __cplusplus
}
#endif

#endif
