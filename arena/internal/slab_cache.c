// SPDX-License-Identifier: BSD-3-Clause
//
// The room of a cache is shared by its classes. A class without room gets some for a start; one
// that could do with more gets it if there is some left, or if one of the next few that the hand
// points at was not used since the hand last passed by (the clock algorithm).

#include "aml/arena/internal/slab_cache.h"

#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/slab_lock.h"
#include "aml/core/error.h"

typedef struct aml_internal_slab arena_type;
typedef struct aml_internal_slab_cache cache_type;
typedef struct aml_internal_slab_bins bins_type;

// All caches together have room for ROOM_OF_ALL bytes, or 1 / SHARE_OF_LIVE of what is live if that
// is more; each has an equal part of that, but LEAST_ROOM at least. A class that was full
// ALL_STREAK times in a row, with nobody to take what it gave back, gives back all that it keeps,
// and after VAIN_STREAK times has room for 1 / LEAST_SHARE of its slots. Of a class that is sparse
// SPARSE_MAX blocks are kept: what is given back shall go to its span, and what is taken come from
// another that is fuller; while live bytes sink little is taken, and of SINKING_MAX that go
// together each takes a third of the time.
enum {
  ROOM_OF_ALL = 8 << 20,
  LEAST_ROOM = 1 << 20,
  SHARE_OF_LIVE = 32,
  FIRST_MAX = 8,
  FIRST_SIZE = 8192,
  ALL_STREAK = 3,
  VAIN_STREAK = 32,
  LEAST_SHARE = 4,
  SPARSE_MAX = 1,
  SINKING_MAX = 8,
  LOOKS = 4
};

static const struct aml_internal_slab_class *class_of(unsigned class_index) {
  return &aml_internal_slab_classes[class_index];
}

static unsigned kind_of(unsigned class_index) {
  return class_index + AML_INTERNAL_SLAB_FIRST_CLASS;
}

/** Gives the oldest blocks of a class back. Returns: whether a depot holds them. */
static bool give_oldest(cache_type *cache, unsigned class_index, size_t count) {
  const unsigned kind = kind_of(class_index);
  void **const slots = aml_internal_slab_slots_of(cache, class_index);
  const size_t rest = aml_internal_slab_count_of(cache, class_index) - count;
  void *blocks[AML_INTERNAL_SLAB_MAX_SLOTS];
  memcpy(blocks, slots, count * sizeof *blocks);
  // Should the process fork before all is done, the child loses these blocks, and has none twice.
  aml_internal_slab_set_top(cache, kind, slots);
  memmove(slots, slots + count, rest * sizeof *blocks);
  aml_internal_slab_set_top(cache, kind, slots + rest);
  return aml_internal_slab_give_blocks(&cache->arena->bins, class_index, cache, count, blocks);
}

/** Takes all room from a kind, which keeps no blocks. */
static void no_room(cache_type *cache, unsigned kind) {
  static void *const null;
  cache->ends[kind] = (void **)&null + 1;
  aml_internal_slab_set_top(cache, kind, cache->ends[kind]);
}

/** Gives a class so much room; it must not keep more blocks. */
static void set_room(cache_type *cache, unsigned class_index, size_t max) {
  const unsigned kind = kind_of(class_index);
  struct aml_internal_slab_room *const room = &cache->rooms[class_index];
  void **const slots = aml_internal_slab_slots_of(cache, class_index);
  cache->room += max * class_of(class_index)->size;
  cache->room -= room->max * (size_t)class_of(class_index)->size;
  if (max == 0) {
    no_room(cache, kind);
  } else {
    slots[-1] = NULL;
    if (room->max == 0)
      aml_internal_slab_set_top(cache, kind, slots);
    cache->ends[kind] = slots + max;
  }
  room->max = (uint16_t)max;
}

/** Gives back what is kept of a class, and takes its room away. Returns: how many blocks. */
static size_t evict(cache_type *cache, unsigned class_index) {
  const size_t count = aml_internal_slab_count_of(cache, class_index);
  if (count != 0)
    (void)give_oldest(cache, class_index, count);
  set_room(cache, class_index, 0);
  return count;
}

/** Moves the hand, `looks` classes at most, until there is room for `size` bytes more. */
static bool make_room(cache_type *cache, unsigned class_index, size_t size, unsigned looks) {
  const arena_type *const arena = cache->arena;
  const size_t count = __atomic_load_n(&arena->cache_count, __ATOMIC_RELAXED);
  const size_t live = __atomic_load_n(&arena->bins.live_size, __ATOMIC_RELAXED);
  const size_t all = live / SHARE_OF_LIVE > ROOM_OF_ALL ? live / SHARE_OF_LIVE : ROOM_OF_ALL;
  const size_t share = all / (count == 0 ? 1 : count);
  const size_t most = share > LEAST_ROOM ? share : LEAST_ROOM;
  for (; cache->room + size > most && looks != 0; --looks) {
    struct aml_internal_slab_room *const room = &cache->rooms[cache->hand];
    if (cache->hand != class_index && room->max != 0 && !room->is_used)
      (void)evict(cache, cache->hand);
    room->is_used = 0;
    cache->hand = (cache->hand == 0 ? AML_INTERNAL_SLAB_CLASS_COUNT : cache->hand) - 1;
  }
  return cache->room + size <= most;
}

static size_t first_max(unsigned class_index) {
  const size_t some = FIRST_SIZE / class_of(class_index)->size;
  return some == 0 ? 1 : some > FIRST_MAX ? FIRST_MAX : some;
}

/** Gives a class its first room, or twice the room that it has if there is enough. */
static bool grow(cache_type *cache, unsigned class_index) {
  const size_t old = cache->rooms[class_index].max;
  const size_t slots = class_of(class_index)->slots;
  const size_t max = old == 0 ? first_max(class_index) : 2 * old;
  const size_t wanted = max < slots ? max : slots;
  const size_t more = (wanted - old) * class_of(class_index)->size;
  const unsigned looks = old == 0 ? 2 * AML_INTERNAL_SLAB_CLASS_COUNT : (unsigned)LOOKS;
  if (more == 0 || (!make_room(cache, class_index, more, looks) && old != 0))
    return false;
  set_room(cache, class_index, wanted);
  return true;
}

// Finding caches

static cache_type **recent_of(const arena_type *arena) {
  return &aml_internal_slab_thread
              .recent[aml_internal_slab_hash(arena, AML_INTERNAL_SLAB_RECENT_POWER)];
}

/** Makes a cache the one at hand, and brings it up to date. */
static void at_hand(cache_type *cache) {
  cache->window = *aml_internal_slab_window_of(&cache->arena->bins.heap.map);
  aml_internal_slab_thread.last = cache;
  __atomic_store_n(&aml_internal_slab_thread.last_arena, cache->arena->handle, __ATOMIC_RELAXED);
  *recent_of(cache->arena) = cache;
}

void aml_internal_slab_free_cache(cache_type *cache) {
  if (aml_internal_slab_thread.last == cache)
    __atomic_store_n(&aml_internal_slab_thread.last_arena, NULL, __ATOMIC_RELAXED);
  if (*recent_of(cache->arena) == cache)
    *recent_of(cache->arena) = NULL;
  free(cache);
}

/** Whether a cache is of an arena, not of one that has ended and was described where it is. */
static bool is_cache_of(const cache_type *cache, const arena_type *arena) {
  return cache->arena == arena &&
         __atomic_load_n(&cache->state, __ATOMIC_ACQUIRE) == AML_INTERNAL_SLAB_ATTACHED;
}

/** Looks a cache up among those of the thread, and frees those whose arena has ended. */
static cache_type *look_up(const arena_type *arena) {
  cache_type *found = NULL;
  for (cache_type **link = &aml_internal_slab_thread.caches; *link != NULL;) {
    cache_type *const cache = *link;
    if (__atomic_load_n(&cache->state, __ATOMIC_ACQUIRE) == AML_INTERNAL_SLAB_ORPHANED) {
      *link = cache->next_owned;
      aml_internal_slab_free_cache(cache);
      continue;
    }
    if (is_cache_of(cache, arena))
      found = cache;
    link = &cache->next_owned;
  }
  return found;
}

/** Makes the calling thread's cache of an arena the one at hand. Returns: it; null if it has none.
 */
static cache_type *find_cache(const arena_type *arena) {
  cache_type *const recent = *recent_of(arena);
  cache_type *const cache = recent != NULL && is_cache_of(recent, arena) ? recent : look_up(arena);
  if (cache != NULL)
    at_hand(cache);
  return cache;
}

/** Makes a cache the calling thread's. */
static void attach(arena_type *arena, cache_type *cache) {
  for (unsigned kind = 0; kind < AML_INTERNAL_SLAB_KINDS; ++kind)
    no_room(cache, kind);
  memset(cache->rooms, 0, sizeof cache->rooms);
  cache->arena = arena;
  cache->owner = &aml_internal_slab_thread;
  cache->state = AML_INTERNAL_SLAB_ATTACHED;
  cache->hand = AML_INTERNAL_SLAB_CLASS_COUNT - 1;
  cache->room = 0;
  cache->next_owned = aml_internal_slab_thread.caches;
  aml_internal_slab_thread.caches = cache;
  aml_internal_slab_lock(&arena->caches_lock);
  cache->previous = NULL;
  cache->next = arena->caches;
  if (arena->caches != NULL)
    arena->caches->previous = cache;
  arena->caches = cache;
  if (__atomic_add_fetch(&arena->cache_count, 1, __ATOMIC_RELAXED) > 1)
    __atomic_store_n(&arena->bins.is_shared, true, __ATOMIC_RELAXED);
  aml_internal_slab_unlock(&arena->caches_lock);
  at_hand(cache);
}

/** Makes a cache for the calling thread, if it can have one. */
static void make_cache(arena_type *arena) {
  if (aml_internal_slab_thread.is_ending || !aml_internal_slab_know_thread(true))
    return;
  cache_type *const cache = malloc(sizeof *cache);
  if (cache != NULL)
    attach(arena, cache);
}

/** Uses the spare cache for a thread that gives back and has none; or says that one is wanted. */
static cache_type *use_spare(arena_type *arena) {
  if (aml_internal_slab_thread.is_ending || !aml_internal_slab_know_thread(false))
    return NULL;
  aml_internal_slab_lock(&arena->caches_lock);
  cache_type *const cache = arena->spare;
  arena->spare = NULL;
  __atomic_store_n(&arena->wants_spare, cache == NULL, __ATOMIC_RELAXED);
  aml_internal_slab_unlock(&arena->caches_lock);
  if (cache != NULL)
    attach(arena, cache);
  return cache;
}

/** Makes the spare that a thread wants. */
static void make_spare(arena_type *arena) {
  cache_type *cache = malloc(sizeof *cache);
  if (cache == NULL)
    return;
  aml_internal_slab_lock(&arena->caches_lock);
  if (arena->spare == NULL) {
    arena->spare = cache;
    cache = NULL;
  }
  __atomic_store_n(&arena->wants_spare, false, __ATOMIC_RELAXED);
  aml_internal_slab_unlock(&arena->caches_lock);
  free(cache);
}

// The slow halves of alloc and free

/** Takes a block for a thread without a cache. */
static void *take_one(arena_type *arena, unsigned class_index) {
  void *block;
  if (aml_internal_slab_take_blocks(&arena->bins, class_index, NULL, 1, &block) == 0)
    return NULL;
  // Who allocates once may well not do so again.
  if (__atomic_exchange_n(&arena->was_used, true, __ATOMIC_RELAXED))
    make_cache(arena);
  return block;
}

/** Takes the block on top; null if there is none. */
static void *pop(cache_type *cache, size_t kind) {
  void **const top = cache->tops[kind];
  if (top[-1] != NULL)
    aml_internal_slab_set_top(cache, kind, top - 1);
  return top[-1];
}

/** Takes a block and more for a magazine that is empty; null with a sentence. */
static void *refill(arena_type *arena, cache_type *cache, unsigned class_index) {
  struct aml_internal_slab_room *const room = &cache->rooms[class_index];
  if (room->max == 0 || !aml_internal_slab_is_sparse(&arena->bins, class_index))
    (void)grow(cache, class_index);
  // Of a class that has not been full since it was empty, more will be taken.
  const size_t wanted = room->streak == 0 ? room->max : (room->max + 1u) / 2;
  void **const slots = aml_internal_slab_slots_of(cache, class_index);
  const size_t count =
      aml_internal_slab_take_blocks(&arena->bins, class_index, cache, wanted, slots);
  if (count == 0)
    return NULL;
  room->is_used = 1;
  room->streak = 0;
  aml_internal_slab_set_top(cache, kind_of(class_index), slots + count - 1);
  return slots[count - 1];
}

/** Takes a block, and more for the thread if it has a cache; null with a sentence. */
static void *take(arena_type *arena, size_t kind) {
  const unsigned class_index = (unsigned)kind - AML_INTERNAL_SLAB_FIRST_CLASS;
  cache_type *const cache = find_cache(arena);
  // It may be that another arena's cache was at hand.
  void *const block = cache == NULL ? NULL : pop(cache, kind);
  if (block != NULL)
    return block;
  if (__atomic_load_n(&arena->wants_spare, __ATOMIC_RELAXED))
    make_spare(arena);
  return cache == NULL ? take_one(arena, class_index) : refill(arena, cache, class_index);
}

void *aml_internal_slab_refill(arena_type *arena, size_t kind) {
  void *block = take(arena, kind);
  const size_t size = aml_internal_slab_classes[kind - AML_INTERNAL_SLAB_FIRST_CLASS].units *
                      (size_t)AML_INTERNAL_SLAB_UNIT;
  for (unsigned tries = 0;
       block == NULL && aml_internal_slab_reclaim(arena, size, AML_INTERNAL_SLAB_UNIT, &tries);)
    block = take(arena, kind);
  return block;
}

/** Gives back what is kept of all classes but one, or of all. Returns: how many blocks. */
static size_t evict_others(cache_type *cache, unsigned class_index) {
  size_t count = 0;
  for (unsigned i = 0; i < AML_INTERNAL_SLAB_CLASS_COUNT; ++i)
    if (i != class_index && cache->rooms[i].max != 0)
      count += evict(cache, i);
  return count;
}

/** Makes room in a magazine that is full. */
static void relieve(cache_type *cache, unsigned class_index) {
  bins_type *const bins = &cache->arena->bins;
  struct aml_internal_slab_room *const room = &cache->rooms[class_index];
  const bool is_new = room->max == 0;
  room->is_used = 1;
  const bool is_sparse = !is_new && aml_internal_slab_is_sparse(bins, class_index);
  if ((is_new || (room->streak == 0 && !is_sparse)) && grow(cache, class_index)) {
    room->streak = is_new ? 0 : 1;
    return;
  }
  const bool gives_all = is_sparse || room->streak >= ALL_STREAK;
  if (give_oldest(cache, class_index, gives_all ? room->max : (room->max + 1u) / 2)) {
    room->streak = 0;
    return;
  }
  const size_t least = class_of(class_index)->slots / LEAST_SHARE;
  if (room->streak < VAIN_STREAK)
    ++room->streak;
  else if (room->max > least)
    set_room(cache, class_index, least);
  if (is_sparse)
    set_room(cache, class_index, aml_internal_slab_has_sunk(bins) ? SINKING_MAX : SPARSE_MAX);
  // What others kept may be enough to give back once more.
  if (aml_internal_slab_decay(bins) && evict_others(cache, class_index) != 0)
    (void)aml_internal_slab_decay(bins);
}

void aml_internal_slab_overflow(arena_type *arena, size_t kind, void *block) {
  const unsigned class_index = (unsigned)kind - AML_INTERNAL_SLAB_FIRST_CLASS;
  cache_type *cache = find_cache(arena);
  if (cache == NULL)
    cache = use_spare(arena);
  if (cache == NULL) {
    (void)aml_internal_slab_give_blocks(&arena->bins, class_index, NULL, 1, &block);
    (void)aml_internal_slab_decay(&arena->bins);
    return;
  }
  if (cache->tops[kind] == cache->ends[kind])
    relieve(cache, class_index);
  *cache->tops[kind] = block;
  aml_internal_slab_set_top(cache, kind, cache->tops[kind] + 1);
}

size_t aml_internal_slab_empty(cache_type *cache) {
  return evict_others(cache, AML_INTERNAL_SLAB_CLASS_COUNT);
}

size_t aml_internal_slab_empty_cache(arena_type *arena) {
  cache_type *const cache = find_cache(arena);
  const size_t count = cache == NULL ? 0 : aml_internal_slab_empty(cache);
  aml_internal_slab_lock(&arena->caches_lock);
  cache_type *const spare = arena->spare;
  arena->spare = NULL;
  aml_internal_slab_unlock(&arena->caches_lock);
  free(spare);
  return count;
}

/** Whether an alloc could succeed if nothing else were live. */
static bool could_fit(arena_type *arena, size_t size, size_t alignment) {
  struct aml_internal_slab_heap *const heap = &arena->bins.heap;
  const struct aml_internal_source *const source = &heap->source;
  aml_internal_slab_lock(&heap->lock);
  const bool fits = source->is_region
                        ? size <= source->reserved_size
                        : aml_internal_source_fits(source, size, alignment, source->reserved_size);
  aml_internal_slab_unlock(&heap->lock);
  return fits;
}

bool aml_internal_slab_reclaim(arena_type *arena, size_t size, size_t alignment, unsigned *tries) {
  bool has_given = false;
  if (aml_error_code() != -AML_ENOMEM || !could_fit(arena, size, alignment))
    return false;
  for (; !has_given && *tries < 2; ++*tries) {
    if (*tries == 0)
      has_given =
          aml_internal_slab_empty_cache(arena) + aml_internal_slab_empty_depots(&arena->bins) != 0;
    else
      // Where the area refuses, its sentence is to make way for that of the alloc.
      has_given = aml_internal_slab_make_way(&arena->bins.heap, size, alignment);
  }
  return has_given;
}
