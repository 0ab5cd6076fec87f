// SPDX-License-Identifier: BSD-3-Clause
//
// arena:slab: the general-purpose arena, for blocks of any size, alive for any time, allocated and
// freed by any thread. Sizes up to 1 MiB fall into classes, eight for each power of two; larger
// blocks are mappings of their own.
//
//     AML_ARENA_SLAB_DECL(arena);
//     int err = aml_arena_slab_init(arena, area, NULL);
//     struct node *node = aml_arena_alloc(arena, sizeof *node, 0, 0);
//     …
//     aml_arena_free(arena, node); // by whichever thread
//
// Each thread keeps some free blocks of each class for itself, as an array of pointers; behind
// these are spans with a bit for each block. Metadata is out of band, on the C heap and in pages
// mapped apart, so that any area serves, also one that the host cannot touch, and blocks of one
// arena stay in its area.
//
// Memory goes back to the area when much of it is free: each time that the bytes of live blocks
// have sunk by an eighth, chunks without blocks are unmapped and pages without blocks are purged,
// if the area can purge. aml_arena_trim() does so at once. What a thread keeps for itself is at
// most some MiB; it goes back as the thread ends, by its own trim, or where an alloc of the thread
// would fail for want of memory: this then gives back what the thread keeps of other classes, and
// chunks without blocks, and fails only if that does not help. What other threads keep stays
// theirs.
//
// Threads: thread-safe. A thread may end at any time; what it kept is then anybody's. An arena may
// be ended while threads that have used it live on, but not while one of them is in a call on it;
// the same holds for reset. It must be ended before another one is made where it is. After a fork
// the child has the arena as it was, less what other threads kept for themselves at that moment and
// were handing over; blocks of an area that is AML_AREA_SHARED are then the parent's and the
// child's at once, and only one of them may go on.
// Cost: alloc and free O(1), without a lock or a system call while the thread has blocks of that
// class, resp. room for one more; else a lock is taken for a batch of blocks. A block larger than 1
// MiB, and a chunk more, is one map of the area; in a region it is cut out of it, at the cost of a
// store for each 2 MiB of the block. No call costs more where the region is larger, but for making
// the arena, at a store for each 2 MiB; with an area that can purge, to give memory back looks at a
// bit for each 4 KiB. Making an arena maps nothing.
// Fragmentation: a class wastes at most an eighth of a block beyond 128 bytes, and 4.5% of sizes
// that are drawn evenly; a span at most 1.3% besides. At worst each span holds one block: Robson's
// bound for blocks of one size that cannot move (J. M. Robson, "Worst case fragmentation of first
// fit and best fit storage allocation strategies", The Computer Journal 20, 1977), for each class.

#ifndef AML_ARENA_SLAB_H
#define AML_ARENA_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_slab;

/** A slab arena; use functions. */
struct aml_arena_slab {
  struct aml_arena arena;
  struct aml_internal_slab *state; /**< owned; null: not initialised */
};

/** How a slab arena is made; each field's zero is its default. */
struct aml_arena_slab_options {
  size_t chunk_size;  /**< bytes that are mapped at once, or more for a larger block; 0: 1 MiB,
                           and from 1 to 32 MiB as more is held */
  size_t limit;       /**< the most bytes to hold from the area; 0: no limit */
  void *region;       /**< work in this memory alone and never map; null: grow over the area */
  size_t region_size; /**< bytes of the region; it must outlive the arena */
  unsigned flags;     /**< bits of enum aml_arena_slab_flag */
};

enum aml_arena_slab_flag {
  /** Chunks may hold anything when they are mapped (AML_AREA_MAP_NO_ZERO): faster over an area
      that keeps mappings for reuse; but no fresh page is known to be zero. */
  AML_ARENA_SLAB_NO_ZERO = 1 << 0,
  /** Pages without blocks stay, until aml_arena_trim(); so do chunks, unless an alloc needs them
      to go. */
  AML_ARENA_SLAB_KEEP = 1 << 1
};

extern AML_PUBLIC const struct aml_arena_ops aml_arena_slab_ops;

/** Declare `struct aml_arena *name`, to be initialised as a slab arena. */
#define AML_ARENA_SLAB_DECL(name)                                                                  \
  AML_BLOCK_DECL(aml_arena_slab, aml_arena, arena, aml_arena_slab_ops, name)

/**
 * Initialise a slab arena.
 *
 * Beyond core/arena.h: usable_size takes any address in a block, too, and then tells the usable
 * size of the whole block. realloc needs memory that the host can read and write. trim purges
 * pages as well, which it does not count in `released`. stats do not know the peak; while other
 * threads are in a call, what they tell is of no one moment.
 *
 * @param arena    declared by AML_ARENA_SLAB_DECL, not initialised.
 * @param area     where chunks come from; must outlive the arena. With a region: whose memory
 *                 that is, and null for plain host memory.
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, no area and no region, a region without
 * a size or a size without a region, a region together with a chunk size or limit, an unknown
 * flag; -AML_ENOMEM; what aml_area_get_info() fails with.
 * Cost: maps nothing yet; two allocations on the C heap.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_slab_init(struct aml_arena *arena, struct aml_area *area,
                                                  const struct aml_arena_slab_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_arena_slab_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_arena_slab_create(struct aml_arena **arena, struct aml_area *area,
                                                    const struct aml_arena_slab_options *options);

/**
 * Find the block that an address lies in.
 *
 * @param arena    a slab arena.
 * @param pointer  an address in a live block of it.
 *
 * Returns: where the block begins, which is what aml_arena_free() takes; null, if `pointer` is
 * null or no address that the arena holds.
 * Cost: O(1).
 */
AML_PUBLIC void *aml_arena_slab_find(const struct aml_arena *arena, const void *pointer);

#ifdef __cplusplus
}
#endif

#endif
