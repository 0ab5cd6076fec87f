// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/buddy_tree.h"

#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/buddy_nodes.h"

/** The buddy of a place above the leaves, as a bit; 0 for others. */
#define BUDDY(n) ((n) > 1 && (n) < LEAVES ? UINT64_C(1) << (((n) ^ 1) & (LEAVES - 1)) : 0)
#define BUDDIES(n)                                                                                 \
  (BUDDY(n) | BUDDY((n) / 2) | BUDDY((n) / 4) | BUDDY((n) / 8) | BUDDY((n) / 16) | BUDDY((n) / 32))
#define BUDDIES4(n) BUDDIES(n), BUDDIES((n) + 1), BUDDIES((n) + 2), BUDDIES((n) + 3)
#define BUDDIES16(n) BUDDIES4(n), BUDDIES4((n) + 4), BUDDIES4((n) + 8), BUDDIES4((n) + 12)

/**
 * By a block's number in its node: the places above the leaves that are buddies, of it and of all
 * that it lies in; a leaf's own buddy is in the other word. These are what is free when the node is
 * cut to the block alone, and what must be free so that the node becomes one block again. Deeper
 * ones are higher bits.
 */
static const uint64_t buddies[2 * LEAVES] = {
    BUDDIES16(0),  BUDDIES16(16), BUDDIES16(32), BUDDIES16(48),
    BUDDIES16(64), BUDDIES16(80), BUDDIES16(96), BUDDIES16(112),
};

/** Puts a node into the list of an order. *lists: the tree's, or a copy that is written back. */
static inline void list(buddy_tree *tree, uint64_t *lists, buddy_node *at, unsigned order) {
  buddy_node **const head = &tree->heads[order];
  buddy_node *const next = *head;
  at->next = next;
  at->link = head;
  if (next != NULL)
    next->link = &at->next;
  *head = at;
  *lists |= bit(order);
}

/** Takes a node out of the list of an order. */
static inline void unlist(buddy_tree *tree, uint64_t *lists, buddy_node *at, unsigned order) {
  buddy_node *const next = at->next;
  *at->link = next;
  if (next != NULL)
    next->link = at->link;
  else if (tree->heads[order] == NULL)
    *lists &= ~bit(order);
}

/** Writes to a node which blocks are free, and moves it from the list of `old` to its own. */
static inline void update(buddy_tree *tree, uint64_t *lists, buddy_node *at, unsigned tier, int old,
                          uint64_t leaves, uint64_t inner) {
  const int now = largest_order(leaves, inner, tier);
  at->leaves = leaves;
  at->inner = inner;
  if (old == now)
    return;
  if (old != NO_ORDER)
    unlist(tree, lists, at, (unsigned)old);
  if (now != NO_ORDER)
    list(tree, lists, at, (unsigned)now);
}

/** A block's place in its node: its number, and how many levels below the top it is. */
struct spot {
  unsigned number;
  unsigned depth;
};

/** The least free block of a node that has a depth or less; the first of them. */
static inline struct spot least(const buddy_node *at, unsigned depth) {
  if (depth == LEVELS && at->leaves != 0)
    return (struct spot){LEAVES + lowest_bit(at->leaves), LEVELS};
  // Of the deepest level that has some.
  const unsigned end = depth >= LEVELS - 1 ? (unsigned)LEAVES : 2u << depth;
  const uint64_t inner = at->inner & (~UINT64_C(0) >> (LEAVES - end));
  const unsigned deepest = level_of(log2_of(inner));
  return (struct spot){lowest_bit(inner >> (1u << deepest)) + (1u << deepest), deepest};
}

/**
 * Takes a free block of a node, which is in the list of `old`, and cuts it to a depth; second
 * halves become free. Returns: the number of what is left.
 */
static inline unsigned cut(buddy_tree *tree, uint64_t *lists, buddy_node *at, unsigned tier,
                           int old, struct spot spot, unsigned depth) {
  const unsigned number = spot.number << (depth - spot.depth);
  uint64_t leaves = at->leaves;
  uint64_t inner = at->inner;
  if (spot.depth == LEVELS) {
    leaves ^= bit(number - LEAVES);
  } else {
    inner ^= bit(spot.number) ^ buddies[spot.number] ^ buddies[number];
    // The numbers of leaves begin anew, in the other word.
    if (depth == LEVELS)
      leaves ^= bit((number ^ 1) - LEAVES);
  }
  update(tree, lists, at, tier, old, leaves, inner);
  return number;
}

/** Cuts a node that is a block as a whole, and not free any more, to its first block of a depth. */
static inline void open_node(buddy_tree *tree, uint64_t *lists, unsigned tier, unsigned depth,
                             struct aml_internal_buddy_place place) {
  buddy_node *const at = node_at(place.chunk, tier, place.grain);
  at->leaves = depth == LEVELS ? 2 : 0;
  at->inner = buddies[1u << depth];
  at->chunk = place.chunk;
  at->grain = place.grain;
  list(tree, lists, at, node_bits(tier) - 1);
}

struct aml_internal_buddy_place aml_internal_buddy_take(buddy_tree *tree, unsigned from,
                                                        unsigned order) {
  struct aml_internal_buddy_place place = {NULL, 0};
  uint64_t lists = tree->lists;
  const uint64_t large_enough = lists >> from << from;
  if (large_enough == 0)
    return place;
  const unsigned listed = lowest_bit(large_enough);
  buddy_node *const at = tree->heads[listed];
  const unsigned lowest = tier_of(order);
  unsigned tier = tier_of(listed);
  unsigned depth = tier == lowest ? depth_of(order) : (unsigned)LEVELS;
  const struct spot spot = least(at, tier == tier_of(from) ? depth_of(from) : (unsigned)LEVELS);
  const unsigned number = cut(tree, &lists, at, tier, (int)listed, spot, depth);
  place.chunk = at->chunk;
  place.grain = at->grain + ((uintptr_t)(number - (1u << depth)) << (node_bits(tier) - depth));
  for (; tier > lowest; --tier) {
    depth = tier - 1 == lowest ? depth_of(order) : (unsigned)LEVELS;
    open_node(tree, &lists, tier - 1, depth, place);
  }
  tree->lists = lists;
  return place;
}

void aml_internal_buddy_put(buddy_tree *tree, buddy_chunk *chunk, uintptr_t grain, unsigned order) {
  unsigned tier = tier_of(order);
  unsigned number = number_of(grain, order);
  uint64_t lists = tree->lists;
  for (;;) {
    buddy_node *const at = node_at(chunk, tier, grain);
    uint64_t leaves = at->leaves;
    uint64_t inner = at->inner;
    const int old = largest_order(leaves, inner, tier);
    if (number >= LEAVES) {
      const uint64_t buddy = bit((number ^ 1) - LEAVES);
      const bool is_free = (leaves & buddy) != 0;
      leaves ^= is_free ? buddy : bit(number - LEAVES);
      number = is_free ? number / 2 : 0; // 0: it does not merge
    }
    if (number != 0) {
      // It merges with all buddies below the deepest one that is not free, and becomes the buddy of
      // that one, or the node as a whole, which is number 1; branches are foretold, shifts wait.
      const uint64_t merged = buddies[number];
      const uint64_t not_free = merged & ~inner;
      const unsigned stop = not_free == 0 ? 0 : log2_of(not_free);
      inner ^= merged & (~UINT64_C(1) << stop);
      number = stop ^ 1;
      if (number != 1)
        inner ^= bit(number);
    }
    if (old == NO_ORDER) {
      at->chunk = chunk;
      at->grain = grain >> node_bits(tier) << node_bits(tier);
    }
    update(tree, &lists, at, tier, old, leaves, inner);
    if (number != 1)
      break;
    // All of the node is free: a leaf of the one above.
    number = LEAVES + ((unsigned)(grain >> node_bits(tier)) & (LEAVES - 1));
    ++tier;
  }
  tree->lists = lists;
}

bool aml_internal_buddy_is_free(const buddy_chunk *chunk, uintptr_t grain, unsigned order) {
  return is_set(node_at(chunk, tier_of(order), grain), number_of(grain, order));
}

void aml_internal_buddy_take_at(buddy_tree *tree, buddy_chunk *chunk, uintptr_t grain,
                                unsigned order) {
  const unsigned tier = tier_of(order);
  const struct spot spot = {number_of(grain, order), depth_of(order)};
  buddy_node *const at = node_at(chunk, tier, grain);
  (void)cut(tree, &tree->lists, at, tier, largest_order(at->leaves, at->inner, tier), spot,
            spot.depth);
}

/** The order of the largest block that begins at a grain and ends within `count` grains. */
static unsigned order_at(uintptr_t grain, size_t count) {
  const unsigned most = log2_of(count);
  return grain != 0 && lowest_bit(grain) < most ? lowest_bit(grain) : most;
}

void aml_internal_buddy_put_all(buddy_tree *tree, buddy_chunk *chunk) {
  for (size_t done = 0; done < chunk->count;) {
    const unsigned order = order_at(chunk->first + done, chunk->count - done);
    aml_internal_buddy_put(tree, chunk, chunk->first + done, order);
    done += (size_t)1 << order;
  }
}

/** The order of the free block of a node or more that begins at a grain, or NO_ORDER. */
static int free_order(const buddy_chunk *chunk, uintptr_t grain, size_t count) {
  const unsigned most = order_at(grain, count);
  for (unsigned order = LEVELS; order <= most; ++order)
    if (aml_internal_buddy_is_free(chunk, grain, order))
      return (int)order;
  return NO_ORDER;
}

/** Takes what begins in a node of the lowest tier at its first grain. Returns: its grains. */
static size_t take_node(buddy_tree *tree, buddy_chunk *chunk, size_t offset) {
  const uintptr_t grain = chunk->first + offset;
  const size_t rest = LEAVES - (grain & (LEAVES - 1));
  const size_t count = rest < chunk->count - offset ? rest : chunk->count - offset;
  uint8_t *const orders = chunk->orders + offset;
  buddy_node *const at = node_at(chunk, 0, grain);
  if (orders[0] > LEVELS) {
    const size_t size = (size_t)1 << (orders[0] - 1);
    orders[0] = 0;
    return size;
  }
  const int order = free_order(chunk, grain, chunk->count - offset);
  if (order != NO_ORDER) {
    aml_internal_buddy_take_at(tree, chunk, grain, (unsigned)order);
    return (size_t)1 << order;
  }
  memset(orders, 0, count);
  update(tree, &tree->lists, at, 0, largest_order(at->leaves, at->inner, 0), 0, 0);
  return count;
}

void aml_internal_buddy_take_all(buddy_tree *tree, buddy_chunk *chunk) {
  for (size_t done = 0; done < chunk->count;)
    done += take_node(tree, chunk, done);
}

/** Nodes of a tier that cover the chunk's grains. */
static size_t node_count(const buddy_chunk *chunk, unsigned tier) {
  return ((chunk->first + chunk->count - 1) >> node_bits(tier)) -
         (chunk->first >> node_bits(tier)) + 1;
}

buddy_chunk *aml_internal_buddy_make(void *base, size_t size, unsigned grain_bits) {
  const uintptr_t grain_size = (uintptr_t)1 << grain_bits;
  const uintptr_t start = (uintptr_t)base;
  const uintptr_t first = (start >> grain_bits) + ((start & (grain_size - 1)) != 0);
  const uintptr_t end = (start + size) >> grain_bits;
  if (end <= first)
    return NULL;
  buddy_chunk made = {.base = base, .size = size, .first = first, .count = end - first};
  size_t nodes = 0;
  // A top that no node is above would have to be the largest block, and is larger.
  made.tier_count = tier_of(log2_of(made.count)) + 1;
  for (unsigned tier = 0; tier < made.tier_count; ++tier)
    nodes += node_count(&made, tier);
  made.metadata_size = sizeof made + nodes * sizeof(buddy_node) + made.count;
  buddy_chunk *const chunk = calloc(1, made.metadata_size);
  if (chunk == NULL)
    return NULL;
  *chunk = made;
  chunk->nodes = (buddy_node *)(chunk + 1);
  chunk->orders = (uint8_t *)(chunk->nodes + nodes);
  const buddy_node *next = chunk->nodes;
  for (unsigned tier = 0; tier < chunk->tier_count; ++tier) {
    chunk->origins[tier] = (uintptr_t)next - (chunk->first >> node_bits(tier)) * sizeof(buddy_node);
    next += node_count(chunk, tier);
  }
  return chunk;
}
