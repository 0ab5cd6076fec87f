// SPDX-License-Identifier: BSD-3-Clause
//
// arena:locked: any arena, for any thread at any time: one lock is held for each call.
//
//     AML_ARENA_LOCKED_DECL(arena);
//     int err = aml_arena_locked_init(arena, inner, NULL);
//
// For arenas of which threads do not ask often; who asks all the time wants an arena that is
// thread-safe by itself, in which threads do not wait for each other.
//
// Blocks, statistics, capabilities and all else are those of the arena below, which may be used by
// itself too while no thread uses this one.
//
// Threads: thread-safe; with AML_ARENA_LOCK_NONE: as the arena below. In the child of a fork during
// which another thread was in a call, the arena cannot be used.
// Cost: taking the lock and releasing it, for each call; for a batch, once. It is held while the
// arena below maps memory, should it do so.
// Fragmentation: none but that of the arena below.

#ifndef AML_ARENA_LOCKED_H
#define AML_ARENA_LOCKED_H

#include "aml/arena/internal/lock.h"
#include "aml/core/arena.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An arena with a lock; use functions. */
struct aml_arena_locked {
  struct aml_arena arena;
  struct aml_arena *inner; /**< borrowed; null: not initialised */
  struct aml_internal_lock lock;
};

/** How it is made; each field's zero is its default. */
struct aml_arena_locked_options {
  enum aml_arena_lock lock; /**< 0: AML_ARENA_LOCK_SPIN; see arena/internal/lock.h */
};

extern AML_PUBLIC const struct aml_arena_ops aml_arena_locked_ops;

/** Declare `struct aml_arena *name`, to be initialised as an arena with a lock. */
#define AML_ARENA_LOCKED_DECL(name)                                                                \
  AML_BLOCK_DECL(aml_arena_locked, aml_arena, arena, aml_arena_locked_ops, name)

/**
 * Initialise an arena with a lock.
 *
 * @param arena    declared by AML_ARENA_LOCKED_DECL, not initialised; may not be moved hereafter.
 * @param inner    borrowed; fini leaves it as it is, with its blocks.
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, an unknown kind of lock.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_locked_init(struct aml_arena *arena,
                                                    struct aml_arena *inner,
                                                    const struct aml_arena_locked_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_arena_locked_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_arena_locked_create(struct aml_arena **arena, struct aml_arena *inner,
                        const struct aml_arena_locked_options *options);

#ifdef __cplusplus
}
#endif

#endif
