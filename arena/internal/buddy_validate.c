// SPDX-License-Identifier: BSD-3-Clause

#include <string.h>

#include "aml/arena/internal/buddy_nodes.h"
#include "aml/arena/internal/buddy_tree.h"

/** What a walk along a chunk has counted. */
struct walk {
  uint64_t live_grains;
  size_t live_count;
  size_t free_count;
};

/** The order of the free block that begins at a grain, or NO_ORDER. */
static int free_order(const buddy_chunk *chunk, uintptr_t grain, unsigned most) {
  for (unsigned order = 0; order <= most; ++order)
    if ((grain & (((uintptr_t)1 << order) - 1)) == 0 &&
        aml_internal_buddy_is_free(chunk, grain, order))
      return (int)order;
  return NO_ORDER;
}

/** Whether a block lies in the chunk and its buddy, if that does too, is free as well. */
static bool has_free_buddy(const buddy_chunk *chunk, uintptr_t grain, unsigned order) {
  const uintptr_t buddy = grain ^ (uintptr_t)1 << order;
  return buddy >= chunk->first && buddy - chunk->first < chunk->count &&
         tier_of(order) < chunk->tier_count && aml_internal_buddy_is_free(chunk, buddy, order);
}

/** Checks the block that begins at a grain. *order is its. */
static const char *check_block(const buddy_chunk *chunk, size_t offset, struct walk *walk,
                               int *order) {
  const uintptr_t grain = chunk->first + offset;
  const unsigned most = log2_of(chunk->count - offset);
  *order = (int)chunk->orders[offset] - 1;
  if (*order != NO_ORDER) {
    if ((unsigned)*order > most || (grain & (((uintptr_t)1 << *order) - 1)) != 0)
      return "has a block that is not aligned, or reaches past its chunk";
    walk->live_grains += (uint64_t)1 << *order;
    ++walk->live_count;
    return NULL;
  }
  *order = free_order(chunk, grain, most);
  if (*order == NO_ORDER)
    return "has a grain that is in no block";
  ++walk->free_count;
  return has_free_buddy(chunk, grain, (unsigned)*order) ? "has free buddies that were not merged"
                                                        : NULL;
}

static bool is_zero(const uint8_t *bytes, size_t count) {
  return count == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0);
}

/** Counts the free blocks of all nodes, and the nodes that have some. */
static size_t count_free(const buddy_chunk *chunk, size_t *node_count) {
  size_t count = 0;
  const buddy_node *const end = (const buddy_node *)(const void *)chunk->orders;
  for (const buddy_node *at = chunk->nodes; at != end; ++at) {
    count += (size_t)__builtin_popcountll(at->leaves) + (size_t)__builtin_popcountll(at->inner);
    *node_count += (at->leaves | at->inner) != 0;
  }
  return count;
}

const char *aml_internal_buddy_check_chunk(const buddy_chunk *chunk, uint64_t *live_grains,
                                           size_t *node_count) {
  struct walk walk = {0};
  size_t size = 0;
  for (size_t offset = 0; offset < chunk->count; offset += size) {
    int order = NO_ORDER;
    const char *const defect = check_block(chunk, offset, &walk, &order);
    if (defect != NULL)
      return defect;
    size = (size_t)1 << order;
    if (!is_zero(chunk->orders + offset + 1, size - 1))
      return "has a block inside another one";
  }
  if (walk.live_count != chunk->live_count)
    return "has other live blocks in a chunk than it counts";
  if (count_free(chunk, node_count) != walk.free_count)
    return "has a free block inside another block";
  *live_grains += walk.live_grains;
  return NULL;
}

/** Checks the list of an order, and counts its nodes. */
static const char *check_list(const buddy_tree *tree, unsigned order, size_t *count) {
  if ((tree->heads[order] != NULL) != ((tree->lists >> order & 1) != 0))
    return "has a list that is empty, or is not, against its bit";
  buddy_node *const *link = &tree->heads[order];
  for (const buddy_node *at = *link; at != NULL; link = &at->next, at = at->next) {
    if (at->link != link)
      return "has a list whose nodes are not linked both ways";
    if (largest_order(at->leaves, at->inner, tier_of(order)) != (int)order)
      return "has a node in a list where it does not belong";
    ++*count;
  }
  return NULL;
}

const char *aml_internal_buddy_check_lists(const buddy_tree *tree, size_t node_count) {
  size_t listed = 0;
  for (unsigned order = 0; order < AML_INTERNAL_BUDDY_ORDERS; ++order) {
    const char *const defect = check_list(tree, order, &listed);
    if (defect != NULL)
      return defect;
  }
  return listed == node_count ? NULL : "has free blocks that are in no list";
}
