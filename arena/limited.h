// SPDX-License-Identifier: BSD-3-Clause
//
// arena:limited: any arena, but no more live blocks of it, and no more bytes of them, than a quota
// allows; one quota may be for several arenas.
//
//     struct aml_arena_quota quota;
//     err = aml_arena_quota_init(&quota, &(struct aml_arena_quota_options){.size = 64 << 20});
//     AML_ARENA_LIMITED_DECL(arena);
//     err = aml_arena_limited_init(arena, inner, &quota);
//
// A type's own option `limit` is of the memory that an arena holds from its area; a quota is of
// what its user has. Of an arena that knows the sizes of its blocks, all that may be used of a
// block counts; else what was asked for. Blocks that cannot be freed singly count until reset or
// fini.
//
// Threads: as the arena below, and thread-compatible if the quota's lock is none. In the child of a
// fork during which another thread was in a call, the quota cannot be used.
// Cost: for alloc, free and realloc the lock of the quota, and asking for the size of the block.
// Fragmentation: none but that of the arena below.

#ifndef AML_ARENA_LIMITED_H
#define AML_ARENA_LIMITED_H

#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/lock.h"
#include "aml/core/arena.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How a quota stands. */
struct aml_arena_quota_state {
  size_t size_limit;  /**< bytes; SIZE_MAX: none */
  size_t count_limit; /**< blocks; SIZE_MAX: none */
  size_t size;        /**< of live blocks of all arenas; above the limit only if it was lowered, or
                           by what realloc rounded up */
  size_t count;       /**< likewise */
  size_t peak_size;   /**< the most that `size` was */
  size_t peak_count;  /**< the most that `count` was */
  uint64_t refusals;  /**< calls that the quota refused */
};

/** How a quota is made; each field's zero is its default. */
struct aml_arena_quota_options {
  size_t size;              /**< the most bytes; 0: no limit */
  size_t count;             /**< the most blocks; 0: no limit */
  enum aml_arena_lock lock; /**< see arena/internal/lock.h; one quota has one, for all its arenas */
};

/** What several arenas may have together; use functions. It may not be moved. */
struct aml_arena_quota {
  struct aml_internal_lock lock;
  struct aml_arena_quota_state state; /**< guarded by the lock; atomic where it is not held */
};

/** Set up a quota. `options` may be null. Returns: 0; -AML_EINVAL. */
AML_PUBLIC AML_MUST_CHECK int aml_arena_quota_init(struct aml_arena_quota *quota,
                                                   const struct aml_arena_quota_options *options);

/** End a quota that no arena uses any more. Null, and one of zeros, are fine. */
AML_PUBLIC void aml_arena_quota_fini(struct aml_arena_quota *quota);

/** Tell how a quota stands. Returns: 0; -AML_EINVAL for null. */
AML_PUBLIC AML_MUST_CHECK int aml_arena_quota_get(struct aml_arena_quota *quota,
                                                  struct aml_arena_quota_state *state);

/**
 * Change the limits; 0: no limit. Blocks that there are already stay.
 *
 * Returns: 0; -AML_EINVAL for null.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_quota_set_limits(struct aml_arena_quota *quota, size_t size,
                                                         size_t count);

/** An arena with a quota; use functions. */
struct aml_arena_limited {
  struct aml_arena arena;
  struct aml_arena *inner;       /**< borrowed; null: not initialised */
  struct aml_arena_quota *quota; /**< borrowed; its lock guards what follows */
  size_t size;                   /**< of live blocks */
  size_t count;
  size_t peak_size;
  bool knows_size; /**< the inner arena, that of its blocks */
  bool can_free;   /**< likewise */
};

extern AML_PUBLIC const struct aml_arena_ops aml_arena_limited_ops;

/** Declare `struct aml_arena *name`, to be initialised as an arena with a quota. */
#define AML_ARENA_LIMITED_DECL(name)                                                               \
  AML_BLOCK_DECL(aml_arena_limited, aml_arena, arena, aml_arena_limited_ops, name)

/**
 * Initialise an arena with a quota.
 *
 * Beyond core/arena.h, alloc and realloc fail with -AML_ENOMEM for the quota. Realloc does only
 * where the arena below knows the sizes of its blocks; the size that was asked for is within the
 * limit, and what it was rounded up to may be over it. An alloc that is refused for what its block
 * would have been rounded up to may leave `inner` with more memory reserved. Fini leaves blocks to
 * `inner`, and no longer counts them.
 *
 * @param arena  declared by AML_ARENA_LIMITED_DECL, not initialised.
 * @param inner  borrowed; may be used beside, which then does not count, but not be reset.
 * @param quota  borrowed.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, an inner arena that frees single blocks
 * and does not know their sizes.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_limited_init(struct aml_arena *arena,
                                                     struct aml_arena *inner,
                                                     struct aml_arena_quota *quota);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_arena_limited_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_arena_limited_create(struct aml_arena **arena,
                                                       struct aml_arena *inner,
                                                       struct aml_arena_quota *quota);

#ifdef __cplusplus
}
#endif

#endif
