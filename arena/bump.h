// SPDX-License-Identifier: BSD-3-Clause
//
// arena:bump: the fastest arena there is, for blocks that die together. A block is the next bytes
// of the current chunk; nothing is kept per block, and so none is freed alone. Give blocks back
// all at once by aml_arena_reset(), or those since a mark by aml_arena_bump_rewind().
//
//     AML_ARENA_BUMP_DECL(arena);
//     int err = aml_arena_bump_init(arena, area, NULL);
//     struct node *node = aml_arena_alloc(arena, sizeof *node, 0, 0);
//
// Metadata is out of band, so that any area serves, also one that the host cannot touch.
//
// Threads: thread-compatible.
// Cost: alloc is an addition and a comparison; a chunk more is one map of the area, after a search
// of those that a reset or rewind left, whose first is taken that is large enough. Owns and trim
// are O(chunks).
// Fragmentation: a chunk's rest is lost when a block does not fit, and is less than that block with
// what aligns it; which lies in the next chunk. So no more is lost than blocks and their alignment
// take, and the last chunk's rest: the arena needs at most twice that and a chunk.

#ifndef AML_ARENA_BUMP_H
#define AML_ARENA_BUMP_H

#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/source.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_arena_bump_chunk;

/**
 * A bump arena. The fields are for the inline functions below; use functions.
 *
 * current == NULL or current.base <= next <= end == current.base + current.size; blocks lie in
 * [base, next) of the current chunk and in the chunks that were current before it. Where tools
 * watch memory, end == next, so that each alloc comes by aml_arena_bump_grow(), which tells them.
 */
struct aml_arena_bump {
  struct aml_arena arena;
  char *next; /**< the first free byte */
  char *end;  /**< behind the current chunk */
  struct aml_arena_bump_chunk *current;
  struct aml_arena_bump_chunk *spare; /**< chunks without blocks, kept for reuse */
  struct aml_internal_source source;  /**< of chunks */
  size_t full_size;                   /**< bytes used in the chunks before the current one */
  size_t peak_size;                   /**< the most used, up to the last reset or rewind */
  size_t chunk_count;
};

/** How a bump arena is made; each field's zero is its default. */
struct aml_arena_bump_options {
  size_t chunk_size;  /**< bytes that are mapped at once, or more for a larger block; 0: 1 MiB */
  size_t limit;       /**< the most bytes to hold from the area; 0: no limit */
  void *region;       /**< work in this memory alone and never map; null: grow over the area */
  size_t region_size; /**< bytes of the region; it must outlive the arena */
};

/** A place in the life of a bump arena; a plain value. */
struct aml_arena_bump_mark {
  const struct aml_arena_bump_chunk *chunk;
  const char *next;
};

extern AML_PUBLIC const struct aml_arena_ops aml_arena_bump_ops;

/** Declare `struct aml_arena *name`, to be initialised as a bump arena. */
#define AML_ARENA_BUMP_DECL(name)                                                                  \
  AML_BLOCK_DECL(aml_arena_bump, aml_arena, arena, aml_arena_bump_ops, name)

/**
 * Initialise a bump arena.
 *
 * @param arena    declared by AML_ARENA_BUMP_DECL, not initialised.
 * @param area     where chunks come from; must outlive the arena. With a region: whose memory
 *                 that is, and null for plain host memory.
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, no area and no region, a region without
 * a size or a size without a region, a region together with a chunk size or limit.
 * Cost: maps nothing yet. A region costs one small allocation on the C heap, as each chunk does.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_bump_init(struct aml_arena *arena, struct aml_area *area,
                                                  const struct aml_arena_bump_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_arena_bump_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_arena_bump_create(struct aml_arena **arena, struct aml_area *area,
                                                    const struct aml_arena_bump_options *options);

/** Move on to a chunk that has room for a block, and allocate it; the slow half of alloc. */
AML_PUBLIC void *aml_arena_bump_grow(struct aml_arena *arena, size_t size, size_t alignment);

/**
 * aml_arena_alloc() without flags and without checks, to be inlined.
 *
 * @param arena      a bump arena.
 * @param alignment  a power of two.
 */
static inline void *aml_arena_bump_alloc(struct aml_arena *arena, size_t size, size_t alignment) {
  struct aml_arena_bump *const bump = (struct aml_arena_bump *)arena;
  const size_t room = (size_t)(bump->end - bump->next);
  const size_t padding = (size_t)(0 - (uintptr_t)bump->next) & (alignment - 1);
  if (size == 0)
    size = 1;
  if (padding > room || size > room - padding)
    return aml_arena_bump_grow(arena, size, alignment);
  char *const block = bump->next + padding;
  bump->next = block + size;
  return block;
}

/** Remember a place, for aml_arena_bump_rewind(); `arena` is a bump arena. */
static inline struct aml_arena_bump_mark aml_arena_bump_get_mark(const struct aml_arena *arena) {
  const struct aml_arena_bump *const bump = (const struct aml_arena_bump *)arena;
  const struct aml_arena_bump_mark mark = {bump->current, bump->next};
  return mark;
}

/**
 * Give back all blocks that were allocated since a mark was taken, and keep the memory.
 *
 * Marks nest: rewinding to one ends those taken after it. A reset ends all.
 *
 * Returns: 0; -AML_EINVAL, with nothing changed: null, an arena of another type, or a mark of
 * another arena or one that the arena can tell has ended.
 * Cost: linear in the chunks that become free; no system call.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_bump_rewind(struct aml_arena *arena,
                                                    struct aml_arena_bump_mark mark);

#ifdef __cplusplus
}
#endif

#endif
