// SPDX-License-Identifier: BSD-3-Clause
//
// What a thread keeps of an arena:slab for itself: for each class a magazine, an array of free
// blocks (J. Bonwick, J. Adams, "Magazines and Vmem", USENIX 2001, from whom the depot is as
// well). A magazine is given more room while blocks are taken and given back in turn, and less
// while they are only given back.
//
// A cache is in two lists: its arena's, under the arena's lock, and its thread's, which nobody else
// touches. Thread and arena may end in any order, also at once: `state` says who frees it.
//
// Threads: a cache is its thread's; others read counts, and free it when the thread is gone. Who
// has no cache, and cannot get one, goes to the bins.

#ifndef AML_ARENA_INTERNAL_SLAB_CACHE_H
#define AML_ARENA_INTERNAL_SLAB_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/slab_bins.h"
#include "aml/arena/internal/slab_classes.h"
#include "aml/arena/internal/slab_lock.h"
#include "aml/arena/internal/slab_map.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_arena;

/** What a class has room for. */
struct aml_internal_slab_room {
  uint16_t max;    /**< blocks: end - top of a magazine that is empty */
  uint8_t streak;  /**< how often it was full since it was last empty; saturates */
  uint8_t is_used; /**< full or empty since the hand passed by */
};

enum aml_internal_slab_cache_state {
  AML_INTERNAL_SLAB_ATTACHED = 0, /**< thread and arena are there */
  AML_INTERNAL_SLAB_ENDING,       /**< the thread ends, and frees it */
  AML_INTERNAL_SLAB_ORPHANED      /**< the arena has ended: the thread frees it sometime */
};

struct aml_internal_slab_thread;

/**
 * A cache. The magazine of a class is its slots, which begin behind one that is null: blocks are in
 * those below top. One that has no room has top == end, and a null below. Tops and ends are arrays
 * of their own, as that spares a shift between the load of a kind and that of its top.
 */
struct aml_internal_slab_cache {
  void **tops[AML_INTERNAL_SLAB_KINDS]; /**< by kind; atomic, written by the thread alone */
  void **ends[AML_INTERNAL_SLAB_KINDS];
  struct aml_internal_slab_window window; /**< of the arena's map, or one that was replaced */
  struct aml_internal_slab *arena;
  struct aml_internal_slab_thread *owner;
  int state;                                  /**< enum aml_internal_slab_cache_state; atomic */
  unsigned hand;                              /**< the class that may lose its room next */
  size_t room;                                /**< bytes of max blocks of each class */
  struct aml_internal_slab_cache *next;       /**< of the arena; of the spare */
  struct aml_internal_slab_cache *previous;   /**< of the arena */
  struct aml_internal_slab_cache *next_owned; /**< of the thread */
  struct aml_internal_slab_room rooms[AML_INTERNAL_SLAB_CLASS_COUNT];
  void *slots[AML_INTERNAL_SLAB_SLOT_COUNT + AML_INTERNAL_SLAB_CLASS_COUNT];
};

enum { AML_INTERNAL_SLAB_RECENT_POWER = 5 };

/**
 * A thread's caches: the one that was used last; all in a list; and some, by a hash of the arena,
 * to be found soon. All zero at first: what is not may be misplaced by linkers where a shared
 * library has more of a thread.
 */
struct aml_internal_slab_thread {
  const struct aml_arena *last_arena; /**< null: none, or it has ended; atomic */
  struct aml_internal_slab_cache *last;
  struct aml_internal_slab_cache *recent[1 << AML_INTERNAL_SLAB_RECENT_POWER]; /**< or null */
  struct aml_internal_slab_cache *caches;
  bool is_known;  /**< its end will be told */
  bool is_ending; /**< and has been */
};

/** An arena. */
struct aml_internal_slab {
  const struct aml_arena *handle; /**< what callers know it by */
  struct aml_internal_slab_bins bins;
  struct aml_internal_slab_lock caches_lock; /**< guards what follows; comes before those of bins */
  struct aml_internal_slab_cache *caches;    /**< of all threads */
  size_t cache_count;                        /**< atomic */
  struct aml_internal_slab_cache *spare;     /**< for a thread that only gives back; or null */
  bool wants_spare;                          /**< atomic */
  bool was_used;                             /**< by a thread without a cache; atomic */
  struct aml_internal_slab *next;            /**< of the arenas that fork must know */
  struct aml_internal_slab *previous;
};

extern _Thread_local struct aml_internal_slab_thread aml_internal_slab_thread
    __attribute__((visibility("hidden"), tls_model("initial-exec")));

/** Whether the calling thread's last cache is the arena's. Nothing of the arena is read: each load
 * less makes alloc and free some percent faster. */
static inline bool aml_internal_slab_is_at_hand(const struct aml_arena *arena) {
  const struct aml_arena *const last =
      __atomic_load_n(&aml_internal_slab_thread.last_arena, __ATOMIC_RELAXED);
  return __builtin_expect(last == arena, 1);
}

/** Where the blocks of a class begin. */
static inline void **aml_internal_slab_slots_of(const struct aml_internal_slab_cache *cache,
                                                unsigned class_index) {
  return (void **)cache->slots + aml_internal_slab_classes[class_index].first_slot + class_index +
         1;
}

/** A block is in its slot before it is counted, for the sake of those that fork. */
static inline void aml_internal_slab_set_top(struct aml_internal_slab_cache *cache, size_t kind,
                                             void **top) {
  __atomic_store_n(&cache->tops[kind], top, __ATOMIC_RELEASE);
}

/** How many blocks a cache keeps of a class. */
static inline size_t aml_internal_slab_count_of(const struct aml_internal_slab_cache *cache,
                                                unsigned class_index) {
  void **const slots = aml_internal_slab_slots_of(cache, class_index);
  void **const top =
      __atomic_load_n(&cache->tops[class_index + AML_INTERNAL_SLAB_FIRST_CLASS], __ATOMIC_RELAXED);
  const size_t count = ((uintptr_t)top - (uintptr_t)slots) / sizeof(void *);
  return count <= AML_INTERNAL_SLAB_MAX_SLOTS ? count : 0;
}

/** Take a block of a kind from a magazine that is empty or not at hand, if need be of memory that
 * is reclaimed. Null with a sentence. */
void *aml_internal_slab_refill(struct aml_internal_slab *arena, size_t kind);

/** Give a block of a kind to a magazine that is full or not at hand. */
void aml_internal_slab_overflow(struct aml_internal_slab *arena, size_t kind, void *block);

/** Give all that the calling thread keeps, and the spare, back. Returns: how many blocks. */
size_t aml_internal_slab_empty_cache(struct aml_internal_slab *arena);

/**
 * Give back what may serve an alloc that has failed: at first what the calling thread and the
 * depots keep of any class; then chunks without blocks, if the limit would allow it without them.
 *
 * @param size   of the run that is needed; of `alignment`.
 * @param tries  0 at first; how far this has come.
 *
 * Returns: whether the alloc is to be tried again; not where it has failed for another reason than
 * memory, or could never succeed.
 */
bool aml_internal_slab_reclaim(struct aml_internal_slab *arena, size_t size, size_t alignment,
                               unsigned *tries);

/** Count blocks that caches keep, and their bytes. */
void aml_internal_slab_count_cached(struct aml_internal_slab *arena, uint64_t *count,
                                    uint64_t *size);

/** Forget what caches keep, under caches_lock; nobody else is in a call. */
void aml_internal_slab_reset_caches(struct aml_internal_slab *arena);

/** End all caches of an arena without giving back what they keep. */
void aml_internal_slab_end_caches(struct aml_internal_slab *arena);

/** Give back and free the caches of threads that are not there after a fork. */
void aml_internal_slab_drop_foreign_caches(struct aml_internal_slab *arena);

/** Walk the caches. Returns: null; or the invariant that is broken. */
const char *aml_internal_slab_check_caches(struct aml_internal_slab *arena);

/** The calling thread frees a cache, which is in no list. */
void aml_internal_slab_free_cache(struct aml_internal_slab_cache *cache);

/** A number below a power of two that is seldom another arena's. */
static inline size_t aml_internal_slab_hash(const struct aml_internal_slab *arena, unsigned power) {
  return (size_t)(((uint64_t)(uintptr_t)arena * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - power));
}

/** Make the arena known to fork. */
void aml_internal_slab_enroll(struct aml_internal_slab *arena);

/** Undo that. */
void aml_internal_slab_dismiss(struct aml_internal_slab *arena);

/**
 * See to it that the end of the calling thread is told.
 *
 * @param may_allocate  false: not if libc might need memory for that.
 *
 * Returns: whether it will be.
 */
bool aml_internal_slab_know_thread(bool may_allocate);

/** Give back all that a cache keeps. Returns: how many blocks. */
size_t aml_internal_slab_empty(struct aml_internal_slab_cache *cache);

/** Give back what a thread keeps of every arena, as it ends. */
void aml_internal_slab_end_thread(struct aml_internal_slab_thread *thread);

#ifdef __cplusplus
}
#endif

#endif
