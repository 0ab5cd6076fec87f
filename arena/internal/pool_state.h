// SPDX-License-Identifier: BSD-3-Clause
//
// The parts of arena:pool: its store of chunks and free objects (pool_store.c, pool_trim.c,
// pool_check.c), which knows nothing of threads, and what threads keep (pool_cache.c).

#ifndef AML_ARENA_INTERNAL_POOL_STATE_H
#define AML_ARENA_INTERNAL_POOL_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/local.h"
#include "aml/arena/internal/source.h"
#include "aml/arena/pool.h"

/**
 * A chunk. Objects [0, carved) were handed out and are live, free, or kept by a thread; the others
 * were not since the last reset. Those from `touched` on never were, and are as the area gave them.
 * carved <= count, touched <= count.
 */
struct aml_internal_pool_chunk {
  char *base; /**< of the mapping */
  size_t size;
  char *first; /**< object */
  size_t count;
  size_t carved;
  size_t touched;
  size_t free_count;                    /**< for trim, while it is under way */
  bool is_leaving;                      /**< likewise */
  struct aml_internal_pool_chunk *next; /**< with objects to carve */
};

/** What a thread keeps; the thread's own but for `next`. */
struct aml_internal_pool_cache {
  struct aml_internal_pool_cache *next;
  size_t count; /**< atomic; stored after the object that it counts, so that a fork may see it */
  size_t capacity;
  void *objects[];
};

/**
 * All but what the inline functions need.
 *
 * sum of carved == carved_count; live == carved_count - list->count - what threads keep.
 */
struct aml_arena_pool_state {
  struct aml_internal_source source;
  size_t object_size;
  size_t alignment;
  bool is_in_band;
  struct aml_arena_pool_list *list; /**< the pool's own, or this one's if it is not for inlining */
  struct aml_arena_pool_list hidden_list;
  void **stack; /**< out of band: list->count free objects; carved_count <= stack_capacity */
  size_t stack_capacity;
  struct aml_internal_pool_chunk **chunks; /**< by address */
  size_t chunk_count;
  size_t chunk_capacity;
  struct aml_internal_pool_chunk *fresh; /**< chunks with objects to carve */
  size_t object_count;                   /**< that chunks have room for */
  size_t carved_count;
  size_t peak_count; /**< of live ones, before carved_count was last reduced; see pool_store.c */

  /** With threads; the lock guards all of this. */
  pthread_mutex_t lock;
  struct aml_internal_local local;
  struct aml_internal_pool_cache *caches; /**< of threads */
  struct aml_internal_pool_cache *spares; /**< of none: for a thread that may not allocate one */
  size_t cache_capacity;                  /**< objects of each */
  size_t cache_made;
};

/** Returns how many chunks begin at or below an address. */
size_t aml_internal_pool_rank(const struct aml_arena_pool_state *state, const void *pointer);

/** Returns the chunk that an address lies in, or null. */
struct aml_internal_pool_chunk *aml_internal_pool_find(const struct aml_arena_pool_state *state,
                                                       const void *pointer);

/** Whether there is an object at an address of the chunk, and which. */
bool aml_internal_pool_index(const struct aml_arena_pool_state *state,
                             const struct aml_internal_pool_chunk *chunk, const void *object,
                             size_t *index);

/** Takes free objects: returns how many there were, `count` at most. */
size_t aml_internal_pool_take(struct aml_arena_pool_state *state, size_t count, void *objects[]);

/** Frees objects. More than there can be are dropped: then some were given back twice. */
void aml_internal_pool_give(struct aml_arena_pool_state *state, size_t count,
                            void *const objects[]);

/** Carves an object where no other one is free; null, with the reason recorded, if none is left. */
void *aml_internal_pool_carve(struct aml_arena_pool_state *state, bool *is_zero);

/**
 * Takes and carves objects; grows while there are less than `least`.
 *
 * Returns: how many: `most` at most, and `least` at least unless memory ends.
 */
size_t aml_internal_pool_obtain(struct aml_arena_pool_state *state, size_t least, size_t most,
                                void *objects[]);

/** Makes a chunk of memory that need not be given back. Returns: 0; -AML_ENOMEM. */
int aml_internal_pool_adopt(struct aml_arena_pool_state *state, const char *call, void *region,
                            size_t size);

/** Out of band: gives back room for more free objects than `count`, which is no less than there
 * are.
 */
void aml_internal_pool_shrink(struct aml_arena_pool_state *state, size_t count);
void aml_internal_pool_reset(struct aml_arena_pool_state *state);
int aml_internal_pool_trim(struct aml_arena_pool_state *state, size_t keep, size_t *released);
/** All but what is kept: also what threads keep. */
int aml_internal_pool_check(const struct aml_arena_pool_state *state);
/** Gives the chunks back, and all else that the store has. */
void aml_internal_pool_release(struct aml_arena_pool_state *state);

/** Marks a chunk's objects as never handed out. */
void aml_internal_pool_uncarve(struct aml_arena_pool_state *state,
                               struct aml_internal_pool_chunk *chunk);
/** Lists the chunks that have objects to carve. */
void aml_internal_pool_list_fresh(struct aml_arena_pool_state *state);

/** The free object that is linked behind this one. */
void *aml_internal_pool_next(const void *object);

/** Makes ready for threads. Returns: 0; -AML_ENOMEM. */
int aml_internal_pool_cache_init(struct aml_arena_pool_state *state, const char *call);
void aml_internal_pool_cache_fini(struct aml_arena_pool_state *state);
/** The slow halves of alloc and free; `cache` is the calling thread's, or null. */
void *aml_internal_pool_cache_refill(struct aml_arena_pool_state *state,
                                     struct aml_internal_pool_cache *cache);
void aml_internal_pool_cache_flush(struct aml_arena_pool_state *state,
                                   struct aml_internal_pool_cache *cache, void *object);
size_t aml_internal_pool_cache_take(struct aml_arena_pool_state *state, size_t count,
                                    void *objects[]);
void aml_internal_pool_cache_give(struct aml_arena_pool_state *state, size_t count,
                                  void *const objects[]);
/** The calling thread keeps nothing any more; under the lock. */
void aml_internal_pool_cache_drain(struct aml_arena_pool_state *state);
/** Threads keep nothing any more, and it is not given back; under the lock. */
void aml_internal_pool_cache_forget(struct aml_arena_pool_state *state);
/** How many objects threads keep; under the lock. */
size_t aml_internal_pool_cache_count(const struct aml_arena_pool_state *state);
size_t aml_internal_pool_cache_bytes(const struct aml_arena_pool_state *state);

static inline bool aml_internal_pool_is_shared(const struct aml_arena_pool_state *state) {
  return state->local.key != 0;
}

static inline void aml_internal_pool_lock(const struct aml_arena_pool_state *state) {
  if (aml_internal_pool_is_shared(state))
    (void)pthread_mutex_lock((pthread_mutex_t *)&state->lock);
}

static inline void aml_internal_pool_unlock(const struct aml_arena_pool_state *state) {
  if (aml_internal_pool_is_shared(state))
    (void)pthread_mutex_unlock((pthread_mutex_t *)&state->lock);
}

#endif
