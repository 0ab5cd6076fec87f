// SPDX-License-Identifier: BSD-3-Clause
//
// arena:stack: arenas in order; a block comes from the first that has memory for it. So fast memory
// is used up first, or a pool takes the blocks of its size and another arena all others.
//
//     struct aml_arena *const arenas[] = {pool, general};
//     AML_ARENA_STACK_DECL(arena);
//     int err = aml_arena_stack_init(arena, 2, arenas);
//
// An alloc that one arena refuses, for whatever reason but -AML_EINVAL, is the next one's. All that
// is done to a block is done by the arena that it came from, which is asked for: aml_arena_owns().
// A realloc that its arena refuses moves the block to the first of the others that takes it.
//
// It can do what all of its arenas can; but trim gives back what those can that can. It is in band
// if one is. It can realloc if each of them can, or tells the size of its blocks and has host
// memory. What may stay at a trim is counted as what an arena has reserved beyond its live blocks.
// Its limit is the sum of theirs, if each has one.
//
// Threads: as the arenas: thread-safe if all are.
// Cost: alloc, one call for each arena that is asked; free and usable_size one call of owns for
// each arena up to the one that has the block. No memory but for the list of arenas.
// Fragmentation: in each arena its own. What is free in one is none of another's: at worst all but
// the last hold one block each, which has outlived those beside it, and have no room for the next.

#ifndef AML_ARENA_STACK_H
#define AML_ARENA_STACK_H

#include <stddef.h>

#include "aml/core/arena.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Arenas in order; use functions. */
struct aml_arena_stack {
  struct aml_arena arena;
  size_t count;
  struct aml_arena **arenas; /**< the list is owned, the arenas are borrowed; null: none */
};

extern AML_PUBLIC const struct aml_arena_ops aml_arena_stack_ops;

/** Declare `struct aml_arena *name`, to be initialised as arenas in order. */
#define AML_ARENA_STACK_DECL(name)                                                                 \
  AML_BLOCK_DECL(aml_arena_stack, aml_arena, arena, aml_arena_stack_ops, name)

/**
 * Initialise an arena that allocates from the first of several that can.
 *
 * Beyond core/arena.h, where all refuse an alloc its code and sentence are those of the last. A
 * realloc that moves a block from one arena to another needs host memory in both
 * (AML_ARENA_HOST_MEMORY). peak_size is known for one arena only.
 *
 * @param arena   declared by AML_ARENA_STACK_DECL, not initialised.
 * @param count   of arenas; not 0.
 * @param arenas  borrowed, but not the array; distinct, and none of them over another. They may be
 *                used beside, but not reset.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, the arena itself among the arenas, one
 * that is there twice, one that does not know its own blocks (AML_ARENA_KNOWS_OWN); -AML_ENOMEM.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_stack_init(struct aml_arena *arena, size_t count,
                                                   struct aml_arena *const arenas[]);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_arena_stack_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_arena_stack_create(struct aml_arena **arena, size_t count,
                                                     struct aml_arena *const arenas[]);

/**
 * Tell which arena a block came from.
 *
 * @param index  of the arena, in the array that _init took.
 *
 * Returns: 0; -AML_ENOENT: from none; -AML_EINVAL: null, or an arena of another type.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_stack_index_of(const struct aml_arena *arena,
                                                       const void *pointer, size_t *index);

#ifdef __cplusplus
}
#endif

#endif
