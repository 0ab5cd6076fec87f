// SPDX-License-Identifier: BSD-3-Clause
//
// arena:pool: objects of one size. What is given back is handed out again, last first; a size that
// an object has no room for is refused. Objects are cut from chunks one by one, so that memory
// which was never handed out was never touched.
//
//     AML_ARENA_POOL_DECL(arena);
//     int err = aml_arena_pool_init(arena, area, sizeof(struct node), NULL);
//     struct node *node = aml_arena_pool_alloc(arena);
//     …
//     aml_arena_pool_free(arena, node);
//
// Free objects are linked by their first words (in band), which costs no memory; or their addresses
// are kept on the C heap (out of band), at most two words for each object that was handed out,
// until a trim: in memory that the host cannot touch, and between threads, where whoever takes an
// object that another thread gave back need not wait for its word to arrive.
//
// Threads: thread-compatible; with options.thread_safe: thread-safe, but that no thread may be in a
// call of the arena during reset, validate and fini. Then each thread keeps some free objects of
// its own, found without a lock; it takes and gives back half as many at a time under one. What a
// thread keeps when it ends goes back to the arena. Threads may end before or after the arena does.
// After a fork the child can use such an arena, whatever other threads did in it; what these kept
// is back in the arena, and what they held is live. Meanwhile fork waits for those that are under
// the lock.
// Cost: alloc and free are O(1), a handful of instructions; a chunk more is one map of the area.
// reset is O(chunks), owns O(log chunks), trim O(free objects x log chunks). With threads, init and
// the end of a thread that was here are O(such pools).
// Fragmentation: none but an object's own rest, and at the end of a chunk less than one object. A
// chunk goes back to the area only when it holds no live object: in the worst case one object keeps
// one chunk. With threads, each may keep options.cache_count objects from the others.

#ifndef AML_ARENA_POOL_H
#define AML_ARENA_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/block.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_arena_pool_state;

/** Free objects. */
struct aml_arena_pool_list {
  void *head;         /**< the first of those that are linked in band */
  size_t object_size; /**< bytes from one object to the next; a multiple of the alignment */
  size_t count; /**< not beside head: a compiler would write both at once, and wait for both */
};

/**
 * A pool. The fields are for the inline functions below; use functions.
 *
 * free.head != NULL only if is_linked. Where tools watch memory is_linked is false, so that each
 * call comes by aml_arena_pool_take() and aml_arena_pool_give(), which tell them.
 */
struct aml_arena_pool {
  struct aml_arena arena;
  struct aml_arena_pool_list free;
  size_t alignment;
  uint64_t key;   /**< of the objects that a thread keeps; 0: threads keep none */
  bool is_linked; /**< whether the inline functions may link what they are given */
  struct aml_arena_pool_state *state; /**< owned; null: not initialised */
};

/** Where free objects are kept track of. */
enum aml_arena_pool_metadata {
  AML_ARENA_POOL_AUTO = 0, /**< in band if host memory, and for one thread; else out of band */
  AML_ARENA_POOL_IN_BAND,
  AML_ARENA_POOL_OUT_OF_BAND
};

/** How a pool is made; each field's zero is its default. */
struct aml_arena_pool_options {
  size_t alignment; /**< of each object: a power of two; 0: AML_ARENA_ALIGNMENT */
  enum aml_arena_pool_metadata metadata;
  bool thread_safe;
  size_t
      cache_count;   /**< the most free objects that a thread keeps; 0: 128, or what 256 KiB hold */
  size_t chunk_size; /**< bytes that are mapped at once, or more for a larger object; 0: 1 MiB */
  size_t limit;      /**< the most bytes to hold from the area; 0: no limit */
  void *region;      /**< work in this memory alone and never map; null: grow over the area */
  size_t region_size; /**< bytes of the region; it must outlive the arena */
};

extern AML_PUBLIC const struct aml_arena_ops aml_arena_pool_ops;

/** Declare `struct aml_arena *name`, to be initialised as a pool. */
#define AML_ARENA_POOL_DECL(name)                                                                  \
  AML_BLOCK_DECL(aml_arena_pool, aml_arena, arena, aml_arena_pool_ops, name)

/**
 * Initialise a pool.
 *
 * Beyond core/arena.h: alloc, and realloc, which never moves, fail with -AML_ENOMEM for a size or
 * an alignment that is more than the objects'. validate finds objects that were given back twice,
 * and fails with -AML_ENOMEM where it has no memory to look for them. trim gives back what the
 * calling thread keeps, not what others do. With threads, stats are exact while no thread is in a
 * call, and peak_size is not known.
 *
 * @param arena        declared by AML_ARENA_POOL_DECL, not initialised; may not be moved hereafter.
 * @param area         where chunks come from; must outlive the arena. With a region: whose memory
 *                     that is, and null for plain host memory.
 * @param object_size  bytes, not 0; rounded up to the alignment, which is that of a pointer or
 *                     more. All of it may be used.
 * @param options      null: the defaults. Not kept.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, an object size that is 0 or too large, an
 * alignment that is no power of two, metadata in band where the host cannot read and write, a
 * cache_count without threads or that is too large, no area and no region, a region without a size
 * or a size without a region, a region together with a chunk size or limit; -AML_ENOMEM, also for
 * more than 4096 pools with threads at a time; what asking the area failed with.
 * Cost: maps nothing yet; two small allocations on the C heap.
 */
AML_PUBLIC AML_MUST_CHECK int aml_arena_pool_init(struct aml_arena *arena, struct aml_area *area,
                                                  size_t object_size,
                                                  const struct aml_arena_pool_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_arena_pool_init(). */
AML_PUBLIC AML_MUST_CHECK int aml_arena_pool_create(struct aml_arena **arena, struct aml_area *area,
                                                    size_t object_size,
                                                    const struct aml_arena_pool_options *options);

/** Find an object where there is none linked; the other half of aml_arena_pool_alloc(). */
AML_PUBLIC void *aml_arena_pool_take(struct aml_arena *arena);

/** Take an object back that may not be linked; the other half of aml_arena_pool_free(). */
AML_PUBLIC void aml_arena_pool_give(struct aml_arena *arena, void *pointer);

/**
 * aml_arena_alloc() of an object, without flags and without checks, to be inlined.
 *
 * @param arena  a pool.
 */
static inline void *aml_arena_pool_alloc(struct aml_arena *arena) {
  struct aml_arena_pool *const pool = (struct aml_arena_pool *)arena;
  void *const object = pool->free.head;
  if (__builtin_expect(object == NULL, 0))
    return aml_arena_pool_take(arena);
  memcpy(&pool->free.head, object, sizeof pool->free.head);
  --pool->free.count;
  return object;
}

/**
 * aml_arena_free() without checks, to be inlined.
 *
 * @param arena    a pool.
 * @param pointer  from it; not null.
 */
static inline void aml_arena_pool_free(struct aml_arena *arena, void *pointer) {
  struct aml_arena_pool *const pool = (struct aml_arena_pool *)arena;
  if (__builtin_expect(!pool->is_linked, 0)) {
    aml_arena_pool_give(arena, pointer);
    return;
  }
  memcpy(pointer, &pool->free.head, sizeof pool->free.head);
  pool->free.head = pointer;
  ++pool->free.count;
}

#ifdef __cplusplus
}
#endif

#endif
