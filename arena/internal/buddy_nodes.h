// SPDX-License-Identifier: BSD-3-Clause
//
// Nodes of the tree of free blocks, and places in them.

#ifndef AML_ARENA_INTERNAL_BUDDY_NODES_H
#define AML_ARENA_INTERNAL_BUDDY_NODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/buddy_tree.h"

enum { LEVELS = AML_INTERNAL_BUDDY_LEVELS, LEAVES = 1 << LEVELS, NO_ORDER = -1 };

typedef struct aml_internal_buddy_node buddy_node;
typedef struct aml_internal_buddy_chunk buddy_chunk;
typedef struct aml_internal_buddy_tree buddy_tree;

static inline unsigned log2_of(uint64_t number) {
  return (unsigned)__builtin_clzll(number) ^ 63u;
}

static inline unsigned lowest_bit(uint64_t bits) {
  return (unsigned)__builtin_ctzll(bits);
}

static inline uint64_t bit(unsigned place) {
  return UINT64_C(1) << place % 64;
}

static inline unsigned tier_of(unsigned order) {
  return order / LEVELS;
}

/** How many levels below the top of its node a block of an order is: 1 to LEVELS. */
static inline unsigned depth_of(unsigned order) {
  return LEVELS - order % LEVELS;
}

/** log2 of the grains of a node of a tier. */
static inline unsigned node_bits(unsigned tier) {
  return LEVELS * (tier + 1);
}

/** The node of a tier that a grain of the chunk lies in. */
static inline buddy_node *node_at(const buddy_chunk *chunk, unsigned tier, uintptr_t grain) {
  return (buddy_node *)(chunk->origins[tier] + (grain >> node_bits(tier)) * sizeof(buddy_node));
}

/** The number of a block in its node: of its place above the leaves, or LEAVES + that of a leaf. */
static inline unsigned number_of(uintptr_t grain, unsigned order) {
  const unsigned size = 1u << depth_of(order);
  return size | ((unsigned)(grain >> order) & (size - 1));
}

static inline bool is_set(const buddy_node *at, unsigned number) {
  return ((number < LEAVES ? at->inner >> number : at->leaves >> (number - LEAVES)) & 1) != 0;
}

/** How many levels below the top of its node a place above the leaves is, by its number. */
static inline unsigned level_of(unsigned number) {
  // A table, since the one instruction for it that each x86-64 has is slow on some.
  static const uint8_t levels[LEAVES] = {0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3,
                                         4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
                                         5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5,
                                         5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5};
  return levels[number];
}

/** The largest order that is free in a node, by its two words; or NO_ORDER. */
static inline int largest_order(uint64_t leaves, uint64_t inner, unsigned tier) {
  if (inner != 0)
    return (int)(node_bits(tier) - level_of(lowest_bit(inner)));
  return leaves != 0 ? (int)(LEVELS * tier) : NO_ORDER;
}

#endif
