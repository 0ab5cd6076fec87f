// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/internal/ranges.h"

/** Mixes the bits of a start; the finalizer of SplitMix64. */
static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

/** Splits a tree into what starts below an address and what does not. */
static void split(struct aml_internal_range *tree, uintptr_t address,
                  struct aml_internal_range **below, struct aml_internal_range **others) {
  while (tree != NULL) {
    if (tree->start < address) {
      *below = tree;
      below = &tree->right;
      tree = tree->right;
    } else {
      *others = tree;
      others = &tree->left;
      tree = tree->left;
    }
  }
  *below = NULL;
  *others = NULL;
}

/** Joins two trees, of which the first is wholly below the second, in *link. */
static void join(struct aml_internal_range *low, struct aml_internal_range *high,
                 struct aml_internal_range **link) {
  while (low != NULL && high != NULL) {
    if (low->priority >= high->priority) {
      *link = low;
      link = &low->right;
      low = low->right;
    } else {
      *link = high;
      link = &high->left;
      high = high->left;
    }
  }
  *link = low != NULL ? low : high;
}

/** The range with the highest start that is not above an address, or null. */
static struct aml_internal_range *floor_of(const struct aml_internal_ranges *ranges,
                                           uintptr_t address) {
  struct aml_internal_range *found = NULL;
  for (struct aml_internal_range *at = ranges->root; at != NULL;) {
    if (at->start <= address) {
      found = at;
      at = at->right;
    } else {
      at = at->left;
    }
  }
  return found;
}

struct aml_internal_range *aml_internal_ranges_find(const struct aml_internal_ranges *ranges,
                                                    uintptr_t address) {
  struct aml_internal_range *const range = floor_of(ranges, address);
  return range != NULL && address - range->start < range->size ? range : NULL;
}

struct aml_internal_range *aml_internal_ranges_from(const struct aml_internal_ranges *ranges,
                                                    uintptr_t address) {
  struct aml_internal_range *found = NULL;
  for (struct aml_internal_range *at = ranges->root; at != NULL;) {
    if (at->start >= address) {
      found = at;
      at = at->left;
    } else {
      at = at->right;
    }
  }
  return found;
}

bool aml_internal_ranges_insert(struct aml_internal_ranges *ranges,
                                struct aml_internal_range *range) {
  const struct aml_internal_range *const last = floor_of(ranges, range->start + (range->size - 1));
  if (last != NULL && (last->start >= range->start || range->start - last->start < last->size))
    return false;
  range->priority = mix(range->start);
  struct aml_internal_range **link = &ranges->root;
  while (*link != NULL && (*link)->priority >= range->priority)
    link = (*link)->start < range->start ? &(*link)->right : &(*link)->left;
  split(*link, range->start, &range->left, &range->right);
  *link = range;
  return true;
}

void aml_internal_ranges_remove(struct aml_internal_ranges *ranges,
                                struct aml_internal_range *range) {
  struct aml_internal_range **link = &ranges->root;
  while (*link != range)
    link = (*link)->start < range->start ? &(*link)->right : &(*link)->left;
  join(range->left, range->right, link);
}
