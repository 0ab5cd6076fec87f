// SPDX-License-Identifier: BSD-3-Clause
//
// arena:jemalloc: a well-known general-purpose allocator over any area, for those who trust it.
//
//     AML_ARENA_JEMALLOC_DECL(arena);
//     int err = aml_arena_jemalloc_init(arena, area, NULL);
//     struct node *node = aml_arena_alloc(arena, sizeof *node, 0, 0);
//     aml_arena_free(arena, node);
//
// Each arena is an arena of jemalloc's own, with extent hooks that take pages from the area, and a
// cache of jemalloc's for each thread. All records are out of band, jemalloc's too, so that any
// area serves, also one that the host cannot touch; there blocks cannot be resized or zeroed.
// Memory that the area does not give is never had from elsewhere.
//
// The jemalloc is the installed library's, linked in under names of its own, since its malloc and
// free would else become those of the program. So it is another one than that which the program may
// use, and shares no arena or cache with it. The environment's MALLOC_CONF and /etc/malloc.conf
// speak to both.
//
// Threads: thread-safe, but for reset and fini, which are for when nobody else is calling. A thread
// that ends gives its cache back, which is a call. In the child of a fork() it can be used if no
// other thread was in a call.
// Cost: alloc and free are O(1) in the thread's cache, up to 32 KiB; else a lock of jemalloc's, and
// for new pages a lock of the arena and a search: linear in chunks, and in the holes of one between
// its lowest free page and the first run that serves. A thread's cache holds some MiB at most.
// Fragmentation: a block is at most a fifth of itself larger than asked for, from 128 bytes on
// (jemalloc(3), "Implementation notes"), and from 16 KiB on up to a page more; of the pages below
// there is no bound but the limit.

#ifndef AML_ARENA_JEMALLOC_H
#define AML_ARENA_JEMALLOC_H

#include <stddef.h>

#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_arena_jemalloc_state;

/** An arena of jemalloc's; use functions. */
struct aml_arena_jemalloc {
  struct aml_arena arena;
  struct aml_arena_jemalloc_state *state; /**< owned; null: not initialised */
};

/** How such an arena is made; each field's zero is its default. */
struct aml_arena_jemalloc_options {
  size_t chunk_size;  /**< bytes that are mapped at once, or more for a larger block; 0: 4 MiB */
  size_t limit;       /**< the most bytes to hold from the area; 0: no limit */
  void *region;       /**< work in this memory alone and never map; null: grow over the area */
  size_t region_size; /**< bytes of the region; it must outlive the arena */
  unsigned decay_ms;  /**< after how long pages without blocks go back, by and by: chunks to the
                           area, and pages in others to the system, if the area can purge. 0: only
                           when trimmed */
  unsigned flags;     /**< bits of enum aml_arena_jemalloc_flag */
};

enum aml_arena_jemalloc_flag {
  AML_ARENA_JEMALLOC_NO_CACHE = 1 << 0 /**< no caches of threads: each call takes a lock */
};

extern AML_PUBLIC const struct aml_arena_ops aml_arena_jemalloc_ops;

/** Declare `struct aml_arena *name`, to be initialised as an arena of jemalloc's. */
#define AML_ARENA_JEMALLOC_DECL(name)                                                              \
  AML_BLOCK_DECL(aml_arena_jemalloc, aml_arena, arena, aml_arena_jemalloc_ops, name)

/**
 * Initialise an arena of jemalloc's.
 *
 * Trim empties the calling thread's cache alone: what is free in another's holds its chunk. What
 * jemalloc has in records, and what is kept for threads, is not part of
 * aml_arena_stats::metadata_size.
 *
 * @param arena    declared by AML_ARENA_JEMALLOC_DECL, not initialised.
 * @param area     where chunks come from; must outlive the arena. With a region: whose memory
 *                 that is, and null for plain host memory.
 * @param options  null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, no area and no region, a region without
 * a size or a size without a region, a region together with a chunk size or limit, an unknown flag;
 * -AML_EAGAIN: the process has no key for caches of threads left (pthread_key_create(3)), which
 * about 1000 arenas take; -AML_ENOMEM.
 * Cost: some system calls, for jemalloc's records.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_arena_jemalloc_init(struct aml_arena *arena, struct aml_area *area,
                        const struct aml_arena_jemalloc_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_arena_jemalloc_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_arena_jemalloc_create(struct aml_arena **arena, struct aml_area *area,
                          const struct aml_arena_jemalloc_options *options);

#ifdef __cplusplus
}
#endif

#endif
