// SPDX-License-Identifier: BSD-3-Clause
//
// arena:tracked: over any arena, an account of its blocks: which there are and who asked for them,
// how much they are and were at most, and what is left when the arena ends.
//
//     AML_ARENA_TRACKED_DECL(arena);
//     int err = aml_arena_tracked_init(arena, inner, &(struct aml_arena_tracked_options){
//         .report = aml_arena_tracked_print, .context = stderr});
//     struct node *node = aml_arena_alloc(arena, sizeof *node, 0, 0);
//
// A block's asker is the label that the thread has set (aml_arena_tracked_set_label()), else the
// arena's, else the address that its alloc returns to. That address is in the program where AML is
// compiled with optimisation, and the call inlined or left by a jump; without, it is in AML. A
// block that is resized keeps its asker.
//
// The account lies on the C heap, and the blocks are not touched, so that any arena serves. free
// and realloc refuse what is no live block's start: they record a sentence, and do nothing else;
// its usable size is 0. So a block that was had from `inner` itself must be given back there. Where
// single blocks cannot be freed, all count as live until a reset.
//
// Threads: as `inner`. After a fork the child has an account of its own; it may use the arena if no
// other thread was in a call on it, or on the C heap, as for every lock.
// Cost: what `inner` takes, and some nanoseconds for each alloc and free: one locked instruction if
// `inner` is thread-safe, else none; no lock. Memory: 16 to 32 bytes for a block of 16 bytes or
// more, up to 128 for a smaller one, 4 KiB for each 64 KiB of addresses in which blocks begin, and
// less than 150 KiB that each thread holds ready. It grows with the addresses that were ever in
// use.
// Fragmentation: none but that of the arena below.

#ifndef AML_ARENA_TRACKED_H
#define AML_ARENA_TRACKED_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/arena.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A live block. */
struct aml_arena_tracked_block {
  void *pointer;
  size_t size;        /**< as asked for; 1 for 0 */
  const char *label;  /**< null: there was none; the caller's own, so valid as long as theirs */
  const void *caller; /**< where alloc returned to; null if there is a label */
};

/** Looks at a block. Returns: 0 to go on; else aml_arena_tracked_walk() ends, and returns it. */
typedef int (*aml_arena_tracked_visit)(void *context, const struct aml_arena_tracked_block *block);

/** How an account is kept; each field's zero is its default. */
struct aml_arena_tracked_options {
  const char *label; /**< of blocks whose thread has set none; borrowed */
  /** Is told each block that is live when the arena ends, by address, and what it returns is
      ignored; null: none. */
  aml_arena_tracked_visit report;
  void *context; /**< for report; borrowed */
};

enum { AML_ARENA_TRACKED_CLASSES = 48 };

/**
 * What became of all blocks; live_count == allocs - frees - resets - lost, while no other thread is
 * in a call.
 */
struct aml_arena_tracked_stats {
  uint64_t live_count;
  uint64_t live_size; /**< bytes as asked for */
  uint64_t peak_size; /**< the most that live_size was; if `inner` is thread-safe, that or up to
                           64 KiB less for each thread */
  uint64_t allocs;    /**< that worked */
  uint64_t frees;     /**< likewise */
  uint64_t reallocs;  /**< likewise, of blocks that there were */
  uint64_t resets;    /**< blocks that ended by a reset */
  uint64_t failures;  /**< calls of alloc and realloc that failed, refusals included */
  uint64_t refusals;  /**< calls of free and realloc for what is no live block */
  uint64_t lost;      /**< blocks given back to `inner` itself, as was noticed when it gave their
                           memory again */
  /** [i]: how many allocs and reallocs that worked were of 2^i bytes to 2^(i+1) - 1. */
  uint64_t histogram[AML_ARENA_TRACKED_CLASSES];
};

/** What the live blocks of one asker come to. */
struct aml_arena_tracked_caller {
  const char *label;  /**< null: there was none */
  const void *caller; /**< null if there is a label */
  uint64_t count;     /**< blocks */
  uint64_t size;      /**< bytes of them */
};

/** An arena that keeps account; use functions. */
struct aml_arena_tracked {
  struct aml_arena arena;
  struct aml_arena *inner;                 /**< borrowed; null: not initialised */
  struct aml_arena_tracked_account *state; /**< owned */
};

extern AML_PUBLIC const struct aml_arena_ops aml_arena_tracked_ops;

/** Declare `struct aml_arena *name`, to be initialised as an arena that keeps account. */
#define AML_ARENA_TRACKED_DECL(name)                                                               \
  AML_BLOCK_DECL(aml_arena_tracked, aml_arena, arena, aml_arena_tracked_ops, name)

/**
 * Initialise an arena that keeps account of what it allocates from another one.
 *
 * It can do what `inner` can. Beyond core/arena.h, alloc and realloc fail with -AML_ENOMEM if there
 * is no memory for the account, and for blocks of 128 TiB and more. Fini with live blocks reports
 * them, records a sentence on them (aml_error_detail()), and leaves them to `inner`. Stats are
 * those of `inner`, but for live_count where it does not know, and metadata_size, which adds the
 * account without what threads hold ready. Validate proves the account too if no other thread is in
 * a call.
 *
 * @param arena    declared by AML_ARENA_TRACKED_DECL, not initialised.
 * @param inner    borrowed; may be used beside, which then is not accounted for.
 * @param options  null: the defaults. Not kept, but for what it borrows.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type; -AML_ENOMEM.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_arena_tracked_init(struct aml_arena *arena, struct aml_arena *inner,
                       const struct aml_arena_tracked_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_arena_tracked_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_arena_tracked_create(struct aml_arena **arena, struct aml_arena *inner,
                         const struct aml_arena_tracked_options *options);

/**
 * Say what the calling thread's blocks are for, from now on: those of any thread if `inner` is not
 * thread-safe.
 *
 * @param label     borrowed until the blocks have ended; null: none.
 * @param previous  the label until now; may be null.
 *
 * Returns: 0; -AML_EINVAL: null, or an arena of another type; -AML_ENOMEM.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_tracked_set_label(struct aml_arena *arena,
                                                          const char *label, const char **previous);

/** Tell what became of all blocks. Returns: 0; -AML_EINVAL: null, or an arena of another type. */
AML_PUBLIC AML_MUST_CHECK int aml_arena_tracked_get_stats(struct aml_arena *arena,
                                                          struct aml_arena_tracked_stats *stats);

/**
 * Tell which block an address is in.
 *
 * @param pointer  any address in a block, as far as it was asked for.
 *
 * Returns: 0; -AML_ENOENT: it is in none; -AML_EINVAL: null, or an arena of another type.
 * Cost: some nanoseconds for a block's start; else up to a microsecond, and a few nanoseconds more
 * for each 64 KiB from the block's start.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_tracked_find(struct aml_arena *arena, const void *pointer,
                                                     struct aml_arena_tracked_block *block);

/**
 * Look at each live block, from the lowest address to the highest.
 *
 * The visit may call anything, and so alloc and free. Of blocks that come or go meanwhile some are
 * visited.
 *
 * Returns: 0; what a visit returned, if not 0; -AML_EINVAL: null, or an arena of another type.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_tracked_walk(struct aml_arena *arena,
                                                     aml_arena_tracked_visit visit, void *context);

/**
 * Tell which askers have most bytes live, most first.
 *
 * @param count    callers that there is room for.
 * @param callers  the result.
 * @param found    how many there are; at most `count`.
 *
 * Returns: 0; -AML_EINVAL: null, or an arena of another type; -AML_ENOMEM, with nothing written.
 * Cost: linear in the live blocks; memory for each asker.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_arena_tracked_get_callers(struct aml_arena *arena, size_t count,
                              struct aml_arena_tracked_caller callers[], size_t *found);

/** Print a block as one line: a visit whose context is a FILE *. Returns: 0. */
AML_PUBLIC int aml_arena_tracked_print(void *file, const struct aml_arena_tracked_block *block);

#ifdef __cplusplus
}
#endif

#endif
