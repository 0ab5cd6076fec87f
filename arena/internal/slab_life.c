// SPDX-License-Identifier: BSD-3-Clause
//
// The ends of threads, arenas and processes. A thread and an arena that end at the same time meet
// at the state of the cache that they share: who changes it from ATTACHED has it. A thread that
// has it gives back what it keeps and takes it out of the arena's list, which the arena awaits.
//
// Before a fork all locks of all arenas are taken, so that the child finds nothing half done; it
// then gives back what threads kept that it does not have. pthread_atfork(3).

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "aml/arena/internal/slab_cache.h"
#include "aml/arena/internal/slab_lock.h"

typedef struct aml_internal_slab arena_type;
typedef struct aml_internal_slab_cache cache_type;
typedef struct aml_internal_slab_thread thread_type;

// Below this many keys, glibc keeps the value of one in the thread itself.
enum { SHARDS_POWER = 4, SHARDS = 1 << SHARDS_POWER, INLINE_KEYS = 32 };

_Thread_local thread_type aml_internal_slab_thread
    __attribute__((visibility("hidden"), tls_model("initial-exec")));

/** Arenas that fork must know; those of one hash. */
static struct shard {
  struct aml_internal_slab_lock lock;
  arena_type *arenas;
} shards[SHARDS];

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

static struct shard *shard_of(const arena_type *arena) {
  return &shards[aml_internal_slab_hash(arena, SHARDS_POWER)];
}

// Caches of an arena

void aml_internal_slab_count_cached(arena_type *arena, uint64_t *count, uint64_t *size) {
  *count = 0;
  *size = 0;
  aml_internal_slab_lock(&arena->caches_lock);
  for (const cache_type *cache = arena->caches; cache != NULL; cache = cache->next)
    for (unsigned i = 0; i < AML_INTERNAL_SLAB_CLASS_COUNT; ++i) {
      const size_t some = aml_internal_slab_count_of(cache, i);
      *count += some;
      *size += (uint64_t)some * aml_internal_slab_classes[i].size;
    }
  aml_internal_slab_unlock(&arena->caches_lock);
}

void aml_internal_slab_reset_caches(arena_type *arena) {
  for (cache_type *cache = arena->caches; cache != NULL; cache = cache->next)
    for (unsigned i = 0; i < AML_INTERNAL_SLAB_CLASS_COUNT; ++i)
      if (cache->rooms[i].max != 0)
        aml_internal_slab_set_top(cache, i + AML_INTERNAL_SLAB_FIRST_CLASS,
                                  aml_internal_slab_slots_of(cache, i));
}

static void unlink_cache(arena_type *arena, cache_type *cache) {
  if (cache->previous != NULL)
    cache->previous->next = cache->next;
  else
    arena->caches = cache->next;
  if (cache->next != NULL)
    cache->next->previous = cache->previous;
  (void)__atomic_sub_fetch(&arena->cache_count, 1, __ATOMIC_RELAXED);
}

/** Takes a cache out of the calling thread's list. */
static void disown(const cache_type *cache) {
  cache_type **link = &aml_internal_slab_thread.caches;
  while (*link != cache)
    link = &(*link)->next_owned;
  *link = cache->next_owned;
}

/** Changes a cache's state from ATTACHED. Returns: whether nobody else has. */
static bool claim(cache_type *cache, int state) {
  int expected = AML_INTERNAL_SLAB_ATTACHED;
  return __atomic_compare_exchange_n(&cache->state, &expected, state, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE);
}

/** Ends those caches that no thread is about to end. Returns: whether all are gone. */
static bool end_caches(arena_type *arena) {
  aml_internal_slab_lock(&arena->caches_lock);
  for (cache_type *cache = arena->caches; cache != NULL;) {
    cache_type *const next = cache->next;
    const bool is_ours = cache->owner == &aml_internal_slab_thread;
    // Another arena may come to be where this one was. The thread is there: to end it needs the
    // lock.
    const struct aml_arena *handle = arena->handle;
    (void)__atomic_compare_exchange_n(&cache->owner->last_arena, &handle, NULL, false,
                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    if (is_ours)
      disown(cache);
    if (is_ours || __atomic_load_n(&cache->state, __ATOMIC_ACQUIRE) == AML_INTERNAL_SLAB_ATTACHED) {
      // Its thread may free it as soon as it is claimed.
      unlink_cache(arena, cache);
      if (is_ours) {
        aml_internal_slab_free_cache(cache);
      } else if (!claim(cache, AML_INTERNAL_SLAB_ORPHANED)) {
        cache->previous = NULL;
        cache->next = arena->caches;
        if (arena->caches != NULL)
          arena->caches->previous = cache;
        arena->caches = cache;
        (void)__atomic_add_fetch(&arena->cache_count, 1, __ATOMIC_RELAXED);
      }
    }
    cache = next;
  }
  const bool is_done = arena->caches == NULL;
  aml_internal_slab_unlock(&arena->caches_lock);
  return is_done;
}

void aml_internal_slab_end_caches(arena_type *arena) {
  while (!end_caches(arena))
    (void)sched_yield();
  free(arena->spare);
  arena->spare = NULL;
}

static const char *check_cache(const cache_type *cache) {
  size_t room = 0;
  for (unsigned i = 0; i < AML_INTERNAL_SLAB_CLASS_COUNT; ++i) {
    void **const top = cache->tops[i + AML_INTERNAL_SLAB_FIRST_CLASS];
    void **const end = cache->ends[i + AML_INTERNAL_SLAB_FIRST_CLASS];
    const struct aml_internal_slab_class *const its = &aml_internal_slab_classes[i];
    void **const slots = aml_internal_slab_slots_of(cache, i);
    const size_t max = cache->rooms[i].max;
    if (max > its->slots || (max == 0 ? top != end : end != slots + max || slots[-1] != NULL) ||
        top > end || top[-1 - (ptrdiff_t)aml_internal_slab_count_of(cache, i)] != NULL)
      return "has a cache that keeps more blocks than it has room for";
    room += max * its->size;
    for (size_t j = 0; j < aml_internal_slab_count_of(cache, i); ++j)
      if (aml_internal_slab_find_span(&cache->arena->bins.heap.map, slots[j])->class_index != i)
        return "has a cache that keeps a block of another class";
  }
  return room == cache->room ? NULL : "has a cache that counts its room wrong";
}

const char *aml_internal_slab_check_caches(arena_type *arena) {
  const char *broken = NULL;
  size_t count = 0;
  aml_internal_slab_lock(&arena->caches_lock);
  for (const cache_type *cache = arena->caches; cache != NULL && broken == NULL;
       cache = cache->next, ++count)
    // What another thread keeps may change under our eyes.
    if (cache->owner == &aml_internal_slab_thread)
      broken = check_cache(cache);
  if (broken == NULL && count != arena->cache_count)
    broken = "has other caches than it counts";
  aml_internal_slab_unlock(&arena->caches_lock);
  return broken;
}

// The end of a thread

void aml_internal_slab_end_thread(thread_type *thread) {
  thread->is_ending = true;
  while (thread->caches != NULL) {
    cache_type *const cache = thread->caches;
    thread->caches = cache->next_owned;
    if (claim(cache, AML_INTERNAL_SLAB_ENDING)) {
      arena_type *const arena = cache->arena;
      // A reset may come at the same time; it holds the lock from end to end.
      aml_internal_slab_lock(&arena->caches_lock);
      (void)aml_internal_slab_empty(cache);
      unlink_cache(arena, cache);
      aml_internal_slab_unlock(&arena->caches_lock);
    }
    aml_internal_slab_free_cache(cache);
  }
}

static void end_thread(void *thread) {
  aml_internal_slab_end_thread(thread);
}

bool aml_internal_slab_know_thread(bool may_allocate) {
  thread_type *const thread = &aml_internal_slab_thread;
  if (!thread->is_known && has_key && (may_allocate || key < INLINE_KEYS))
    thread->is_known = pthread_setspecific(key, thread) == 0;
  return thread->is_known;
}

// Fork

static void before_fork(void) {
  for (size_t i = 0; i < SHARDS; ++i) {
    aml_internal_slab_lock(&shards[i].lock);
    for (arena_type *arena = shards[i].arenas; arena != NULL; arena = arena->next) {
      aml_internal_slab_lock(&arena->caches_lock);
      aml_internal_slab_bins_lock(&arena->bins);
    }
  }
}

static void after_fork(void) {
  for (size_t i = SHARDS; i-- != 0;) {
    for (arena_type *arena = shards[i].arenas; arena != NULL; arena = arena->next) {
      aml_internal_slab_bins_unlock(&arena->bins);
      aml_internal_slab_unlock(&arena->caches_lock);
    }
    aml_internal_slab_unlock(&shards[i].lock);
  }
}

static void after_fork_in_child(void) {
  after_fork();
  for (size_t i = 0; i < SHARDS; ++i)
    for (arena_type *arena = shards[i].arenas; arena != NULL; arena = arena->next)
      aml_internal_slab_drop_foreign_caches(arena);
}

void aml_internal_slab_drop_foreign_caches(arena_type *arena) {
  for (cache_type *cache = arena->caches; cache != NULL;) {
    cache_type *const next = cache->next;
    if (cache->owner != &aml_internal_slab_thread) {
      (void)aml_internal_slab_empty(cache);
      unlink_cache(arena, cache);
      free(cache);
    }
    cache = next;
  }
}

static void begin(void) {
  has_key = pthread_key_create(&key, end_thread) == 0;
  (void)pthread_atfork(before_fork, after_fork, after_fork_in_child);
}

void aml_internal_slab_enroll(arena_type *arena) {
  (void)pthread_once(&once, begin);
  // Where this one is, another one may have been that was never ended.
  if (aml_internal_slab_is_at_hand(arena->handle))
    __atomic_store_n(&aml_internal_slab_thread.last_arena, NULL, __ATOMIC_RELAXED);
  struct shard *const shard = shard_of(arena);
  aml_internal_slab_lock(&shard->lock);
  arena->previous = NULL;
  arena->next = shard->arenas;
  if (shard->arenas != NULL)
    shard->arenas->previous = arena;
  shard->arenas = arena;
  aml_internal_slab_unlock(&shard->lock);
}

void aml_internal_slab_dismiss(arena_type *arena) {
  struct shard *const shard = shard_of(arena);
  aml_internal_slab_lock(&shard->lock);
  if (arena->previous != NULL)
    arena->previous->next = arena->next;
  else
    shard->arenas = arena->next;
  if (arena->next != NULL)
    arena->next->previous = arena->previous;
  aml_internal_slab_unlock(&shard->lock);
}
