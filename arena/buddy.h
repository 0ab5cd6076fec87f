// SPDX-License-Identifier: BSD-3-Clause
//
// arena:buddy: blocks of powers of two, each aligned to its size, over memory that only its owner
// need be able to touch: a GPU's, a file's, another rank's. All that is known of a block is kept on
// the C heap. A block that is freed merges at once with its buddy, the other half of the block that
// both were cut from, and with nothing else: when all blocks are free, in whatever order they were
// freed, the largest can be had again.
//
//     struct aml_arena *arena;
//     int err = aml_arena_buddy_create(&arena, device_area, &(struct aml_arena_buddy_options){
//         .chunk_size = 1 << 30, .min_block = 4096});
//     void *tile = aml_arena_alloc(arena, tile_size, 0, 0);
//
// Where the host can write, AML_ARENA_ZERO works, and where it can also read, realloc; elsewhere
// they are refused with -AML_ENOTSUP. A pointer into a block is owned, but is no block: its
// usable_size is 0, and to free it does nothing.
//
// Threads: thread-compatible.
// Cost: alloc and free O(log n), n the blocks of least size in a chunk; free, usable_size and owns
// also find the chunk, which is O(1) for the one that was last asked for and else O(log chunks);
// trim O(chunks log n), stats O(chunks), reset O((blocks + chunks) log n).
// Metadata, of each chunk: 1 byte for each block of least size that it has room for, and 49 for
// each 64 of them; it is touched as far as there are blocks.
// Fragmentation: inside, less than half of a block is lost (Knuth, The Art of Computer Programming,
// volume 1, section 2.5, "The buddy system"). Between blocks: with n the largest size over the
// least, and M live bytes in units of the least, no way to place such blocks can do with less than
// M (1 + log2(n) / 2) - n + 1 for all calls that may come (Robson, "Bounds for Some Functions
// Concerning Dynamic Storage Allocation", JACM 21(3), 1974). This one needs at most n M and the
// block that is asked for: each piece of that size holds a live block.

#ifndef AML_ARENA_BUDDY_H
#define AML_ARENA_BUDDY_H

#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/buddy_chunks.h"
#include "aml/arena/internal/buddy_tree.h"
#include "aml/arena/internal/source.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A buddy arena; use functions. */
struct aml_arena_buddy {
  struct aml_arena arena;
  struct aml_internal_buddy_tree tree;
  struct aml_internal_buddy_chunks chunks;
  unsigned grain_bits; /**< log2 of the bytes of the least block */
  uint64_t live_size;  /**< bytes of live blocks, rounded up as they are */
  uint64_t peak_size;  /**< the most that live_size was */
  uint64_t live_count; /**< not beside live_size: a compiler would read both at once, and wait for
                            both writes of just before */
  struct aml_internal_source source;
};

/** How a buddy arena is made; each field's zero is its default. */
struct aml_arena_buddy_options {
  size_t chunk_size;  /**< bytes that are mapped at once, or more for a larger block; 0: 1 MiB */
  size_t limit;       /**< the most bytes to hold from the area; 0: no limit */
  void *region;       /**< work in this memory alone and never map; null: grow over the area */
  size_t region_size; /**< bytes of the region, of which one aligned least block must fit */
  size_t min_block;   /**< bytes of the least block, a power of two from 16 on; 0: 64 */
};

extern AML_PUBLIC const struct aml_arena_ops aml_arena_buddy_ops;

/** Declare `struct aml_arena *name`, to be initialised as a buddy arena. */
#define AML_ARENA_BUDDY_DECL(name)                                                                 \
  AML_BLOCK_DECL(aml_arena_buddy, aml_arena, arena, aml_arena_buddy_ops, name)

/**
 * Initialise a buddy arena.
 *
 * @param arena    declared by AML_ARENA_BUDDY_DECL, not initialised.
 * @param area     where chunks come from, in memory of any kind; must outlive the arena. With a
 *                 region: whose memory that is, and null for plain host memory.
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, no area and no region, a region without
 * a size or too small, a size without a region, a region together with a chunk size or limit,
 * min_block no power of two, below 16 or above 1 GiB; -AML_ENOMEM.
 * Cost: maps nothing yet. A region costs its metadata on the C heap, as each chunk does.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_buddy_init(struct aml_arena *arena, struct aml_area *area,
                                                   const struct aml_arena_buddy_options *options);

/** Allocate and initialise one; else as aml_arena_buddy_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_arena_buddy_create(struct aml_arena **arena,
                                                     struct aml_area *area,
                                                     const struct aml_arena_buddy_options *options);

#ifdef __cplusplus
}
#endif

#endif
