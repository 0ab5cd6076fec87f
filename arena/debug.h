// SPDX-License-Identifier: BSD-3-Clause
//
// arena:debug: over any arena, one that finds writes outside of blocks and to free ones, and blocks
// that are given back twice or were never had.
//
//     AML_ARENA_DEBUG_DECL(arena);
//     int err = aml_arena_debug_init(arena, inner, &(struct aml_arena_debug_options){
//         .report = aml_arena_debug_print, .context = stderr});
//     …
//     if (aml_arena_validate(arena))
//       fprintf(stderr, "%s\n", aml_error_detail());
//
// Before and behind each block lie redzones of a pattern. A new block is filled with another one,
// unless zeros were asked for; a free one with a third, and is kept from reuse for a while, in
// quarantine. Patterns are looked at when a block is given back, leaves quarantine or is reset, at
// the end, and by validate. Each error is counted, recorded as the thread's last one
// (aml_error_detail()), and told to a hook, with who allocated and freed the block. What was given
// back twice or was never had goes no further.
//
// In builds with AddressSanitizer or for Valgrind the redzones and free blocks are out of bounds
// for these as well, so that also a read of them is reported, by them and at once.
//
// Memory that the host cannot write to gets neither redzones nor patterns: there, only what is
// given back wrongly is found. The arena sees that by its first block, for which it asks `inner`
// for zeros.
//
// Where single blocks cannot be freed, free looks at the block's redzones and does nothing else.
//
// Threads: as `inner`.
// Cost: alloc and free take a back trace, some microseconds, and free a lock. Memory: redzones;
// a record on the C heap for each block; the quarantine. An alignment above the redzone's size
// makes the one before the block as large; above 4 KiB there is none before it.
// Fragmentation: that of the arena below for blocks as large as their redzones make them, with the
// quarantine's among those that live.

#ifndef AML_ARENA_DEBUG_H
#define AML_ARENA_DEBUG_H

#include <stddef.h>
#include <stdint.h>

#include "aml/core/arena.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What was done wrongly. */
enum aml_arena_debug_kind {
  AML_ARENA_DEBUG_OVERFLOW = 0,   /**< bytes behind a block were written to */
  AML_ARENA_DEBUG_UNDERFLOW,      /**< bytes before a block were written to */
  AML_ARENA_DEBUG_USE_AFTER_FREE, /**< a free block was written to */
  AML_ARENA_DEBUG_DOUBLE_FREE,    /**< a free block was given back or resized */
  AML_ARENA_DEBUG_INVALID_FREE,   /**< likewise what is not where a block starts */
  AML_ARENA_DEBUG_KINDS
};

/** An error. Pointers are valid during the call that tells it. */
struct aml_arena_debug_error {
  enum aml_arena_debug_kind kind;
  const char *sentence;     /**< all of it in one */
  const void *address;      /**< the first byte that was written to, or the pointer given back */
  const void *block;        /**< that it is about; null: there is none */
  size_t size;              /**< of the block, as asked for; 1 for 0 */
  const char *label;        /**< of the thread that allocated it, or of the arena; null: none */
  void *const *alloc_trace; /**< where it was allocated: return addresses, the innermost first */
  size_t alloc_frames;
  void *const *free_trace; /**< where it was given back */
  size_t free_frames;      /**< 0: it was not */
};

/** Is told of an error. It must not call the arena. */
typedef void (*aml_arena_debug_report)(void *context, const struct aml_arena_debug_error *error);

enum { AML_ARENA_DEBUG_MAX_FRAMES = 64, AML_ARENA_DEBUG_MAX_REDZONE = 1 << 20 };

/** How an arena watches; each field's zero is its default. */
struct aml_arena_debug_options {
  size_t redzone; /**< bytes before and behind each block, rounded up to a power of two; 0: 16 */
  size_t quarantine_size; /**< bytes of free blocks to keep, redzones included; 0: 1 MiB; 1: none */
  size_t frames;          /**< the most return addresses to keep of a trace; 0: 16; 1: the caller's
                               alone, which takes no time */
  const char *label;      /**< of blocks whose thread has set none; borrowed */
  aml_arena_debug_report report; /**< null: none */
  void *context;                 /**< for report; borrowed */
};

/** What was found. */
struct aml_arena_debug_stats {
  uint64_t errors[AML_ARENA_DEBUG_KINDS]; /**< by kind */
  uint64_t quarantine_count;              /**< blocks */
  uint64_t quarantine_size;               /**< bytes of them, with redzones */
};

/** An arena that watches; use functions. */
struct aml_arena_debug {
  struct aml_arena arena;
  struct aml_arena *inner;             /**< borrowed; null: not initialised */
  struct aml_arena_debug_state *state; /**< owned */
};

extern AML_PUBLIC const struct aml_arena_ops aml_arena_debug_ops;

/** Declare `struct aml_arena *name`, to be initialised as an arena that watches. */
#define AML_ARENA_DEBUG_DECL(name)                                                                 \
  AML_BLOCK_DECL(aml_arena_debug, aml_arena, arena, aml_arena_debug_ops, name)

/**
 * Initialise an arena that watches what is done with the blocks of another one.
 *
 * It can do what `inner` can, and knows the size of each block: as asked for, and no byte more.
 * `inner` must have room for redzones: one of blocks of one size that much more. Realloc always
 * moves the block; it is refused with -AML_ENOTSUP for memory that the host cannot write to. Beyond
 * core/arena.h, alloc and realloc fail with -AML_ENOMEM if there is no memory for a record. Where
 * `inner` has no more, the quarantine is given up first. Stats count redzones as live, and do not
 * count blocks in quarantine. Validate fails with -AML_EINVAL from the first error on.
 *
 * @param arena    declared by AML_ARENA_DEBUG_DECL, not initialised.
 * @param inner    borrowed; what is had from it directly must be given back there.
 * @param options  null: the defaults. Not kept, but for what it borrows.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, too many frames or too large a redzone;
 * -AML_ENOMEM.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_debug_init(struct aml_arena *arena, struct aml_arena *inner,
                                                   const struct aml_arena_debug_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_arena_debug_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_arena_debug_create(struct aml_arena **arena,
                                                     struct aml_arena *inner,
                                                     const struct aml_arena_debug_options *options);

/**
 * Say what the calling thread's blocks are for, from now on: those of any thread if `inner` is not
 * thread-safe.
 *
 * @param label     borrowed until the blocks have ended; null: none.
 * @param previous  the label until now; may be null.
 *
 * Returns: 0; -AML_EINVAL: null, or an arena of another type; -AML_ENOMEM.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_debug_set_label(struct aml_arena *arena, const char *label,
                                                        const char **previous);

/** Tell what was found so far. Returns: 0; -AML_EINVAL: null, or an arena of another type. */
AML_PUBLIC AML_MUST_CHECK int aml_arena_debug_get_stats(struct aml_arena *arena,
                                                        struct aml_arena_debug_stats *stats);

/** Print an error and its traces as lines: a report whose context is a FILE *. */
AML_PUBLIC void aml_arena_debug_print(void *file, const struct aml_arena_debug_error *error);

#ifdef __cplusplus
}
#endif

#endif
