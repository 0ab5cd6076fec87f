// SPDX-License-Identifier: BSD-3-Clause
//
// The arena interface. An arena is a policy of allocation inside memory that an area provides: it
// takes chunks from the area as it grows, or works in one region that it is given.
//
//     double *v = aml_arena_alloc(arena, n * sizeof *v, 0, 0);
//     if (v == NULL)
//       return aml_error_code();
//     …
//     aml_arena_free(arena, v);
//
// A block of memory is what one alloc returned. Whether an arena frees single blocks, whether it
// is thread-safe, and whether it writes its metadata into the memory (in band) is told by
// aml_arena_capabilities(). One that does refuses, when it is made, an area that the host cannot
// read and write.
//
// Threads: as the type's header says.

#ifndef AML_CORE_ARENA_H
#define AML_CORE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/block.h"
#include "aml/core/error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_area;
struct aml_arena_ops;

/** Any arena. */
struct aml_arena {
  const struct aml_arena_ops *ops;
};

/** The alignment of a block whose alloc asked for none: enough for any C type. */
#define AML_ARENA_ALIGNMENT (2 * sizeof(void *))

/** What an arena can do; bits of aml_arena_capabilities(). */
enum aml_arena_capability {
  AML_ARENA_THREAD_SAFE = 1 << 0, /**< any thread may call it at any time */
  AML_ARENA_IN_BAND = 1 << 1,     /**< metadata lies in the memory that it hands out of */
  AML_ARENA_CAN_FREE = 1 << 2,    /**< aml_arena_free() gives single blocks back for reuse */
  AML_ARENA_CAN_REALLOC = 1 << 3, /**< aml_arena_realloc() works */
  AML_ARENA_KNOWS_SIZE = 1 << 4,  /**< aml_arena_usable_size() works */
  AML_ARENA_KNOWS_OWN = 1 << 5,   /**< aml_arena_owns() works */
  AML_ARENA_CAN_RESET = 1 << 6,   /**< aml_arena_reset() works */
  AML_ARENA_CAN_TRIM = 1 << 7,    /**< aml_arena_trim() works */
  AML_ARENA_HOST_MEMORY = 1 << 8  /**< the host can read and write all blocks */
};

enum aml_arena_flag {
  AML_ARENA_ZERO = 1 << 0 /**< all of the block that is usable is zero; of realloc's, what was not
                               usable before */
};

/** What an arena holds. Bytes and numbers; AML_UNKNOWN where the type does not count it. */
struct aml_arena_stats {
  uint64_t live_count;    /**< blocks handed out and not given back */
  uint64_t live_size;     /**< bytes of them, what alignment cost included */
  uint64_t peak_size;     /**< the most that live_size has been */
  uint64_t reserved_size; /**< bytes held from the area */
  uint64_t metadata_size; /**< bytes of bookkeeping, in band or out of it */
  uint64_t limit;         /**< the most that reserved_size may be; AML_UNKNOWN: none */
};

/**
 * What a type of arena does; for those who write one.
 *
 * The generic functions check arguments as their text says, and forward: `arena` and pointers are
 * not null, alignments are powers of two. An operation that fails has recorded why, and has
 * changed nothing. All up to free are mandatory.
 */
struct aml_arena_ops {
  const char *name; /**< "bump" */
  /** Give everything back; the struct is zeroed but for ops. Zeroed state: do nothing. */
  void (*fini)(struct aml_arena *arena);
  /** The same for every call on one arena. */
  unsigned (*capabilities)(const struct aml_arena *arena);
  void (*stats)(const struct aml_arena *arena, struct aml_arena_stats *stats);
  /** Prove the invariants: 0, or -AML_EINVAL and a sentence on the one that is broken. */
  int (*validate)(const struct aml_arena *arena);
  void *(*alloc)(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags);
  /** Never fails and never allocates. Does nothing where single blocks cannot be freed. */
  void (*free)(struct aml_arena *arena, void *pointer);
  void *(*realloc)(struct aml_arena *arena, void *pointer, size_t size, size_t alignment,
                   unsigned flags);
  size_t (*usable_size)(const struct aml_arena *arena, const void *pointer);
  bool (*owns)(const struct aml_arena *arena, const void *pointer);
  /** Only called if the capabilities say AML_ARENA_CAN_RESET. */
  void (*reset)(struct aml_arena *arena);
  int (*trim)(struct aml_arena *arena, size_t keep, size_t *released);
  /** Null: the generic function calls alloc, resp. free, once for each block. */
  size_t (*alloc_batch)(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags,
                        size_t count, void *pointers[]);
  void (*free_batch)(struct aml_arena *arena, size_t count, void *const pointers[]);
};

/** Record that alloc was asked for an alignment that is none; returns null. */
AML_PUBLIC void *aml_arena_refuse_alloc(const struct aml_arena *arena, size_t alignment);

/**
 * Allocate a block.
 *
 * @param size       bytes; 0 gives a block of its own of at least 1.
 * @param alignment  bytes, a power of two; 0: AML_ARENA_ALIGNMENT.
 * @param flags      bits of enum aml_arena_flag.
 *
 * Returns: the block; or null, and aml_error_code() is -AML_EINVAL, -AML_ENOMEM (the region is
 * full, the limit is reached, or the area has no more), or what the area failed with.
 * Cost: no system call and no lock unless the arena must grow, as the type says.
 */
inline AML_PUBLIC AML_MUST_CHECK void *aml_arena_alloc(struct aml_arena *arena, size_t size,
                                                       size_t alignment, unsigned flags) {
  if (alignment == 0)
    alignment = AML_ARENA_ALIGNMENT;
  if (arena == NULL || (alignment & (alignment - 1)) != 0)
    return aml_arena_refuse_alloc(arena, alignment);
  return arena->ops->alloc(arena, size, alignment, flags);
}

/**
 * Give a block back. Never fails, never allocates.
 *
 * @param pointer  from this arena; null does nothing.
 */
inline AML_PUBLIC void aml_arena_free(struct aml_arena *arena, void *pointer) {
  if (pointer != NULL)
    arena->ops->free(arena, pointer);
}

/**
 * Change a block's size, moving it if it must.
 *
 * @param pointer    the block; null: as aml_arena_alloc().
 * @param size       bytes, not 0.
 * @param alignment  what the block is aligned to afterwards; 0: AML_ARENA_ALIGNMENT.
 * @param flags      bits of enum aml_arena_flag, for bytes that are new.
 *
 * Returns: the block, its first bytes as they were; or null with the old block as it was:
 * -AML_ENOTSUP, -AML_EINVAL, -AML_ENOMEM.
 */
AML_PUBLIC AML_MUST_CHECK void *aml_arena_realloc(struct aml_arena *arena, void *pointer,
                                                  size_t size, size_t alignment, unsigned flags);

/**
 * How many bytes of a block may be used: its size or more.
 *
 * Returns: bytes; 0 for null, and if the arena does not know (AML_ARENA_KNOWS_SIZE).
 */
AML_PUBLIC size_t aml_arena_usable_size(const struct aml_arena *arena, const void *pointer);

/** Whether an address lies in memory that the arena holds; false if it does not know. */
AML_PUBLIC bool aml_arena_owns(const struct aml_arena *arena, const void *pointer);

/**
 * Give all blocks back at once and keep the memory for reuse.
 *
 * Returns: 0; -AML_ENOTSUP.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_reset(struct aml_arena *arena);

/**
 * Give memory that holds no block back to the area.
 *
 * @param keep      bytes that may stay for reuse.
 * @param released  bytes given back; may be null.
 *
 * Returns: 0; -AML_ENOTSUP; what the area's unmap failed with, which keeps that chunk.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_trim(struct aml_arena *arena, size_t keep,
                                             size_t *released);

/**
 * Allocate blocks of one size.
 *
 * @param count     blocks; as many as `pointers` has room for.
 * @param pointers  the blocks, in any order.
 *
 * Returns: how many there are: count, or fewer if memory ran out (aml_error_code() says why).
 */
AML_PUBLIC AML_MUST_CHECK size_t aml_arena_alloc_batch(struct aml_arena *arena, size_t size,
                                                       size_t alignment, unsigned flags,
                                                       size_t count, void *pointers[]);

/** Give blocks back; null ones are passed over. */
AML_PUBLIC void aml_arena_free_batch(struct aml_arena *arena, size_t count, void *const pointers[]);

/** What the arena can do: bits of enum aml_arena_capability. 0 for null. */
AML_PUBLIC unsigned aml_arena_capabilities(const struct aml_arena *arena);

/** Tell what the arena holds. Returns: 0; -AML_EINVAL for null. */
AML_PUBLIC AML_MUST_CHECK int aml_arena_get_stats(const struct aml_arena *arena,
                                                  struct aml_arena_stats *stats);

/**
 * Walk the whole arena and prove its invariants; for tests and for the hunt after corruption.
 *
 * Returns: 0; -AML_EINVAL, and the sentence says which invariant is broken.
 * Cost: linear in what the arena holds.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_validate(const struct aml_arena *arena);

/**
 * End the life of a declared arena and give its memory back, with all blocks in it. Null, and a
 * declared arena that was not initialised, are fine.
 */
AML_PUBLIC void aml_arena_fini(struct aml_arena *arena);

/** End the life of a created arena, and set *arena to null. Null and a pointer to null are fine. */
AML_PUBLIC void aml_arena_destroy(struct aml_arena **arena);

#ifdef __cplusplus
}
#endif

#endif
