// SPDX-License-Identifier: BSD-3-Clause
//
// Which blocks of a buddy arena are free. The unit is the grain, the least block; a block of order
// k is 2^k grains, aligned to as many by its address.
//
// The blocks that there can be form a binary tree, of which six levels at a time are one node of 64
// leaves: a node of tier t knows the free blocks of orders 6 t to 6 t + 5. Two words hold them: a
// bit for each leaf (order 6 t), and one for each place above them but the top, numbered as in a
// heap (2 and 3 have order 6 t + 5, 32 to 63 order 6 t + 1). The top is a leaf of the node above.
//
//     tier 1   leaf 17                 order 6, free, cut, or live as a whole
//                |
//     tier 0   node                    1
//                             2                3           order 5
//                          4     5          6     7        order 4
//                          …                               leaves: order 0
//
// A node that has free blocks is in the list of the largest order that it has. So blocks are cut
// first from where there is least, and a call changes at most one list for each six levels.

#ifndef AML_ARENA_INTERNAL_BUDDY_TREE_H
#define AML_ARENA_INTERNAL_BUDDY_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  AML_INTERNAL_BUDDY_LEVELS = 6,
  AML_INTERNAL_BUDDY_ORDERS = 60,
  AML_INTERNAL_BUDDY_TIERS = AML_INTERNAL_BUDDY_ORDERS / AML_INTERNAL_BUDDY_LEVELS
};

struct aml_internal_buddy_chunk;

/** Free blocks of six orders; zeroed: none. What is below leaves and inner counts in lists only. */
struct aml_internal_buddy_node {
  uint64_t leaves;
  uint64_t inner;
  struct aml_internal_buddy_node *next;
  struct aml_internal_buddy_node **link; /**< what points to this one */
  struct aml_internal_buddy_chunk *chunk;
  uintptr_t grain; /**< the first of those that it is about */
};

/** A chunk and what is known of it, in one block of the C heap. */
struct aml_internal_buddy_chunk {
  char *base;        /**< as it was mapped */
  size_t size;       /**< as it was mapped */
  uintptr_t first;   /**< the number of its first grain: the grain's address by its size */
  size_t count;      /**< of grains */
  size_t touched;    /**< grains from the first on that may have been written to */
  size_t live_count; /**< of blocks */
  size_t metadata_size;
  uint8_t *orders; /**< by grain: 1 + the order of the live block that begins there, or 0 */
  struct aml_internal_buddy_node *nodes; /**< of all tiers, up to where orders begins */
  unsigned tier_count;
  uintptr_t origins[AML_INTERNAL_BUDDY_TIERS]; /**< where a tier's node of grain 0 would be */
};

/** Bit k of lists is set if and only if heads[k] is not null. */
struct aml_internal_buddy_tree {
  uint64_t lists;
  struct aml_internal_buddy_node *heads[AML_INTERNAL_BUDDY_ORDERS];
};

/** A block's place. */
struct aml_internal_buddy_place {
  struct aml_internal_buddy_chunk *chunk; /**< null: there is none */
  uintptr_t grain;
};

/**
 * Allocates the description of a chunk of which no block is free yet.
 *
 * @param grain_bits  log2 of the bytes of a grain.
 *
 * Returns: it, to be ended by free(); null if there is no memory, or there is no grain in it.
 */
struct aml_internal_buddy_chunk *aml_internal_buddy_make(void *base, size_t size,
                                                         unsigned grain_bits);

/** Makes all grains of a chunk free. No block of it may be free yet. */
void aml_internal_buddy_put_all(struct aml_internal_buddy_tree *tree,
                                struct aml_internal_buddy_chunk *chunk);

/**
 * Takes all of a chunk, live or free: no block of it is known any more. What touches nothing but
 * blocks: a large one costs no more than 64 grains.
 */
void aml_internal_buddy_take_all(struct aml_internal_buddy_tree *tree,
                                 struct aml_internal_buddy_chunk *chunk);

/** Takes the first block of `order` of the least free block that has order `from` or more. */
struct aml_internal_buddy_place aml_internal_buddy_take(struct aml_internal_buddy_tree *tree,
                                                        unsigned from, unsigned order);

/** Makes a block free, and merges it. */
void aml_internal_buddy_put(struct aml_internal_buddy_tree *tree,
                            struct aml_internal_buddy_chunk *chunk, uintptr_t grain,
                            unsigned order);

/** Whether a block is free as it is: neither cut nor part of a larger one. It is the chunk's. */
bool aml_internal_buddy_is_free(const struct aml_internal_buddy_chunk *chunk, uintptr_t grain,
                                unsigned order);

/** Takes that very block, which is free. */
void aml_internal_buddy_take_at(struct aml_internal_buddy_tree *tree,
                                struct aml_internal_buddy_chunk *chunk, uintptr_t grain,
                                unsigned order);

/**
 * Checks all that is above of a chunk.
 *
 * @param live_grains  what it adds to the sum of grains in live blocks.
 * @param node_count   what it adds to the number of nodes that must be in lists.
 *
 * Returns: null, or the invariant that is broken, as the rest of a sentence on the arena.
 */
const char *aml_internal_buddy_check_chunk(const struct aml_internal_buddy_chunk *chunk,
                                           uint64_t *live_grains, size_t *node_count);

/** Likewise of the lists, which must have as many nodes. */
const char *aml_internal_buddy_check_lists(const struct aml_internal_buddy_tree *tree,
                                           size_t node_count);

#ifdef __cplusplus
}
#endif

#endif
