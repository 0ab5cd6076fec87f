// SPDX-License-Identifier: BSD-3-Clause
//
// Pages are mapped in bundles, so that there are few mappings, however pages come and go. A bundle
// is aligned to its size: where it begins is known by the address of any page, and there is what is
// known of it.

#include "aml/arena/internal/slab_pages.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "aml/arena/internal/slab_bits.h"

typedef struct aml_internal_slab_pages pages_type;
typedef struct aml_internal_slab_bundle bundle_type;

enum {
  PAGE = AML_INTERNAL_SLAB_PAGE,
  BUNDLE_PAGES = 64,
  BUNDLE_SIZE = BUNDLE_PAGES * PAGE,
};

/** A bundle, in its first page. */
struct aml_internal_slab_bundle {
  bundle_type *next;
  bundle_type *previous;
  uint64_t unused;  /**< a bit for each page that may be taken */
  uint64_t touched; /**< a bit for each that may have memory */
};

/** All pages but the first. */
static const uint64_t all_unused = ~UINT64_C(1);

static void link_bundle(bundle_type **head, bundle_type *bundle) {
  bundle->previous = NULL;
  bundle->next = *head;
  if (*head != NULL)
    (*head)->previous = bundle;
  *head = bundle;
}

static void unlink_bundle(bundle_type **head, bundle_type *bundle) {
  if (bundle->previous != NULL)
    bundle->previous->next = bundle->next;
  else
    *head = bundle->next;
  if (bundle->next != NULL)
    bundle->next->previous = bundle->previous;
}

static bool map_bundle(pages_type *pages) {
  char *const mapped = mmap(NULL, 2 * (size_t)BUNDLE_SIZE, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED)
    return false;
  // What the system does not take back of the ends is address space alone.
  const size_t lead = (size_t)(0 - (uintptr_t)mapped) & (BUNDLE_SIZE - 1);
  bundle_type *const bundle = (bundle_type *)(void *)(mapped + lead);
  if (lead != 0)
    (void)munmap(mapped, lead);
  (void)munmap(mapped + lead + BUNDLE_SIZE, BUNDLE_SIZE - lead);
  // With its neighbours it could be made one huge page, all of which is resident.
  (void)madvise(bundle, BUNDLE_SIZE, MADV_NOHUGEPAGE);
  bundle->unused = all_unused;
  link_bundle(&pages->open, bundle);
  ++pages->count;
  return true;
}

void *aml_internal_slab_take_page(pages_type *pages) {
  if (pages->few_count < AML_INTERNAL_SLAB_FEW_PAGES) {
    void *const page = malloc(PAGE);
    if (page == NULL)
      return NULL;
    pages->few[pages->few_count++] = page;
    ++pages->count;
    return page;
  }
  if (pages->open == NULL && !map_bundle(pages))
    return NULL;
  bundle_type *const bundle = pages->open;
  const uint64_t resident = bundle->unused & bundle->touched;
  const unsigned index = (unsigned)__builtin_ctzll(resident != 0 ? resident : bundle->unused);
  bundle->unused &= ~(UINT64_C(1) << index);
  bundle->touched |= UINT64_C(1) << index;
  if (bundle->unused == 0) {
    unlink_bundle(&pages->open, bundle);
    link_bundle(&pages->full, bundle);
  }
  ++pages->count;
  return (char *)bundle + index * (size_t)PAGE;
}

void aml_internal_slab_give_page(pages_type *pages, void *page) {
  --pages->count;
  for (size_t i = 0; i < pages->few_count; ++i)
    if (pages->few[i] == page) {
      pages->few[i] = pages->few[--pages->few_count];
      free(page);
      return;
    }
  const size_t offset = (uintptr_t)page & (BUNDLE_SIZE - 1);
  bundle_type *const bundle = (bundle_type *)(void *)((char *)page - offset);
  if (bundle->unused == 0) {
    unlink_bundle(&pages->full, bundle);
    link_bundle(&pages->open, bundle);
  }
  bundle->unused |= UINT64_C(1) << offset / PAGE;
}

/** Gives back the memory of a bundle's pages that are not in use; whole pages of the system, as
 * madvise() would take what is behind them too. */
static void purge_bundle(bundle_type *bundle, size_t system_size) {
  const size_t step = system_size > PAGE ? system_size / PAGE : 1;
  for (size_t first = 0; first < BUNDLE_PAGES;) {
    first = aml_internal_slab_find(&bundle->unused, true, first, BUNDLE_PAGES);
    const size_t end = aml_internal_slab_find(&bundle->unused, false, first, BUNDLE_PAGES);
    const size_t from = (first + step - 1) / step * step;
    const size_t to = end / step * step;
    const uint64_t range = from < to ? aml_internal_slab_ones(from, to - from) : 0;
    if ((range & bundle->touched) != 0 &&
        madvise((char *)bundle + from * PAGE, (to - from) * PAGE, MADV_DONTNEED) == 0)
      bundle->touched &= ~range;
    first = end;
  }
}

static void unmap_all(bundle_type *bundle) {
  while (bundle != NULL) {
    bundle_type *const next = bundle->next;
    (void)munmap(bundle, BUNDLE_SIZE);
    bundle = next;
  }
}

/** Unmaps a bundle of which no page is in use. Returns: false if the system refuses; it stays then.
 */
static bool unmap_bundle(pages_type *pages, bundle_type *bundle) {
  unlink_bundle(&pages->open, bundle);
  if (munmap(bundle, BUNDLE_SIZE) != 0) {
    link_bundle(&pages->open, bundle);
    return false;
  }
  --pages->count;
  return true;
}

void aml_internal_slab_purge_pages(pages_type *pages, size_t system_size) {
  for (bundle_type *bundle = pages->open; bundle != NULL;) {
    bundle_type *const next = bundle->next;
    if (bundle->unused != all_unused || !unmap_bundle(pages, bundle))
      purge_bundle(bundle, system_size);
    bundle = next;
  }
}

size_t aml_internal_slab_count_bundles(const pages_type *pages) {
  size_t count = 0;
  for (const bundle_type *bundle = pages->open; bundle != NULL; bundle = bundle->next)
    ++count;
  for (const bundle_type *bundle = pages->full; bundle != NULL; bundle = bundle->next)
    ++count;
  return count;
}

void aml_internal_slab_end_pages(pages_type *pages) {
  for (size_t i = 0; i < pages->few_count; ++i)
    free(pages->few[i]);
  unmap_all(pages->open);
  unmap_all(pages->full);
  pages->few_count = 0;
  pages->open = pages->full = NULL;
  pages->count = 0;
}
