// SPDX-License-Identifier: BSD-3-Clause
//
// The operations of a pool: what is the host's to check, and which of its parts does the work.
// internal/pool_store.c tells the algorithm, internal/pool_cache.c that of threads.

#include "aml/arena/pool.h"

#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/poison.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "arena/internal/pool_state.h"

enum {
  DEFAULT_CHUNK_SIZE = 1 << 20,
  DEFAULT_OBJECT_COUNT = 128, // that a thread keeps
  DEFAULT_CACHE_SIZE = 1 << 18,
  MAX_CACHE_COUNT = 1 << 24
};

static struct aml_arena_pool *pool_of(struct aml_arena *arena) {
  return (struct aml_arena_pool *)arena;
}

static struct aml_arena_pool_state *state_of(const struct aml_arena *arena) {
  return ((const struct aml_arena_pool *)arena)->state;
}

static void *refuse(int err, const char *call, const char *argument, const char *reason) {
  (void)aml_error_set(err, call, argument, reason);
  return NULL;
}

static struct aml_internal_pool_cache *cache_of(const struct aml_arena_pool *pool) {
  return aml_internal_local_get(pool->key);
}

/** An object for a pool without threads. */
static void *take_one(struct aml_arena_pool_state *state) {
  struct aml_arena_pool_list *const list = state->list;
  void *object = NULL;
  bool is_zero;
  if (list->count == 0)
    return aml_internal_pool_carve(state, &is_zero);
  if (!state->is_in_band)
    return state->stack[--list->count];
  (void)aml_internal_pool_take(state, 1, &object);
  return object;
}

/** Apart from aml_arena_pool_take(), which needs no stack frame. */
__attribute__((noinline)) static void *take_slowly(struct aml_arena_pool *pool) {
  void *object = NULL;
  if (pool->state == NULL)
    return refuse(-AML_EINVAL, "aml_arena_alloc", "arena", "is not initialised");
  if (pool->key != 0)
    object = aml_internal_pool_cache_refill(pool->state, cache_of(pool));
  else
    object = take_one(pool->state);
  if (object != NULL)
    aml_internal_poison_contents(object, pool->free.object_size);
  return object;
}

void *aml_arena_pool_take(struct aml_arena *arena) {
  struct aml_arena_pool *const pool = pool_of(arena);
  struct aml_internal_pool_cache *const cache = cache_of(pool);
  if (cache == NULL || cache->count == 0)
    return take_slowly(pool);
  const size_t count = cache->count - 1;
  void *const object = cache->objects[count];
  __atomic_store_n(&cache->count, count, __ATOMIC_RELAXED);
  aml_internal_poison_contents(object, pool->free.object_size);
  return object;
}

/** As take_slowly(). */
__attribute__((noinline)) static void give_slowly(struct aml_arena_pool *pool, void *object) {
  struct aml_arena_pool_state *const state = pool->state;
  if (pool->key != 0)
    aml_internal_pool_cache_flush(state, cache_of(pool), object);
  else if (!state->is_in_band && state->list->count < state->carved_count)
    state->stack[state->list->count++] = object;
  else
    aml_internal_pool_give(state, 1, &object);
}

void aml_arena_pool_give(struct aml_arena *arena, void *pointer) {
  struct aml_arena_pool *const pool = pool_of(arena);
  struct aml_internal_pool_cache *const cache = cache_of(pool);
  aml_internal_poison(pointer, pool->free.object_size);
  if (cache == NULL || cache->count == cache->capacity) {
    give_slowly(pool, pointer);
    return;
  }
  cache->objects[cache->count] = pointer;
  __atomic_store_n(&cache->count, cache->count + 1, __ATOMIC_RELEASE);
}

/** Whether an object will do; records why not. */
static bool check_request(const struct aml_arena_pool *pool, const char *call, size_t size,
                          size_t alignment, unsigned flags) {
  if ((flags & ~(unsigned)AML_ARENA_ZERO) != 0)
    (void)aml_error_set(-AML_EINVAL, call, "flags", "has an unknown bit");
  else if (size > pool->free.object_size)
    (void)aml_error_set_value(-AML_ENOMEM, call, "size", size, "is larger than the pool's objects");
  else if (alignment > pool->alignment)
    (void)aml_error_set_value(-AML_ENOMEM, call, "alignment", alignment,
                              "is more than that of the pool's objects");
  else if (pool->state == NULL)
    (void)aml_error_set(-AML_EINVAL, call, "arena", "is not initialised");
  else if (flags != 0 && !pool->state->source.is_writable)
    (void)aml_error_set(-AML_ENOTSUP, call, "flags", "asks for zeros where the host cannot write");
  else
    return true;
  return false;
}

/** Allocates a whole object of zeros, so that realloc adds zeros too. */
static void *alloc_zero(struct aml_arena_pool *pool) {
  void *object = NULL;
  bool is_zero = false;
  if (pool->key == 0 && pool->state->list->count == 0)
    object = aml_internal_pool_carve(pool->state, &is_zero);
  else
    object = aml_arena_pool_alloc(&pool->arena);
  if (object == NULL)
    return NULL;
  aml_internal_poison_none(object, pool->free.object_size);
  return is_zero ? object : memset(object, 0, pool->free.object_size);
}

/** Apart from alloc, which without flags needs no stack frame. */
__attribute__((noinline, cold)) static void *alloc_unusual(struct aml_arena_pool *pool, size_t size,
                                                           size_t alignment, unsigned flags) {
  if (!check_request(pool, "aml_arena_alloc", size, alignment, flags))
    return NULL;
  return alloc_zero(pool);
}

// As free_object() it lies in one cache line, and so is fetched at once: a tenth of the time.
__attribute__((aligned(64))) static void *alloc(struct aml_arena *arena, size_t size,
                                                size_t alignment, unsigned flags) {
  struct aml_arena_pool *const pool = pool_of(arena);
  const bool is_usual =
      size <= pool->free.object_size && alignment <= pool->alignment && flags == 0;
  if (__builtin_expect(!is_usual, 0))
    return alloc_unusual(pool, size, alignment, flags);
  return aml_arena_pool_alloc(arena);
}

__attribute__((aligned(64))) static void free_object(struct aml_arena *arena, void *pointer) {
  aml_arena_pool_free(arena, pointer);
}

static void *realloc_object(struct aml_arena *arena, void *pointer, size_t size, size_t alignment,
                            unsigned flags) {
  return check_request(pool_of(arena), "aml_arena_realloc", size, alignment, flags) ? pointer
                                                                                    : NULL;
}

static size_t alloc_batch(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags,
                          size_t count, void *pointers[]) {
  struct aml_arena_pool *const pool = pool_of(arena);
  if (!check_request(pool, "aml_arena_alloc_batch", size, alignment, flags))
    return 0;
  const size_t got = pool->key != 0 ? aml_internal_pool_cache_take(pool->state, count, pointers)
                                    : aml_internal_pool_obtain(pool->state, count, count, pointers);
  for (size_t i = 0; AML_INTERNAL_POISONS && i < got; ++i)
    aml_internal_poison_contents(pointers[i], pool->free.object_size);
  for (size_t i = 0; flags != 0 && i < got; ++i) {
    aml_internal_poison_none(pointers[i], pool->free.object_size);
    memset(pointers[i], 0, pool->free.object_size);
  }
  return got;
}

/** Frees a row of objects. */
static void free_row(struct aml_arena_pool *pool, size_t count, void *const pointers[]) {
  for (size_t i = 0; AML_INTERNAL_POISONS && i < count; ++i)
    aml_internal_poison(pointers[i], pool->free.object_size);
  if (pool->key != 0)
    aml_internal_pool_cache_give(pool->state, count, pointers);
  else
    aml_internal_pool_give(pool->state, count, pointers);
}

static void free_batch(struct aml_arena *arena, size_t count, void *const pointers[]) {
  size_t begin = 0;
  for (size_t i = 0; i <= count; ++i) {
    if (i != count && pointers[i] != NULL)
      continue;
    if (begin != i)
      free_row(pool_of(arena), i - begin, pointers + begin);
    begin = i + 1;
  }
}

static size_t usable_size(const struct aml_arena *arena, const void *pointer) {
  (void)pointer;
  return ((const struct aml_arena_pool *)arena)->free.object_size;
}

static bool owns(const struct aml_arena *arena, const void *pointer) {
  const struct aml_arena_pool_state *const state = state_of(arena);
  if (state == NULL)
    return false;
  aml_internal_pool_lock(state);
  const bool is_own = aml_internal_pool_find(state, pointer) != NULL;
  aml_internal_pool_unlock(state);
  return is_own;
}

static void reset(struct aml_arena *arena) {
  struct aml_arena_pool_state *const state = state_of(arena);
  if (state == NULL)
    return;
  aml_internal_pool_lock(state);
  aml_internal_pool_cache_forget(state);
  aml_internal_pool_reset(state);
  aml_internal_pool_unlock(state);
}

static int trim(struct aml_arena *arena, size_t keep_size, size_t *released) {
  struct aml_arena_pool_state *const state = state_of(arena);
  if (state == NULL)
    return aml_error_set(-AML_EINVAL, "aml_arena_trim", "arena", "is not initialised");
  aml_internal_pool_lock(state);
  aml_internal_pool_cache_drain(state);
  const int err = aml_internal_pool_trim(state, keep_size, released);
  aml_internal_pool_unlock(state);
  return err;
}

static unsigned capabilities(const struct aml_arena *arena) {
  const struct aml_arena_pool_state *const state = state_of(arena);
  unsigned can = AML_ARENA_CAN_FREE | AML_ARENA_CAN_REALLOC | AML_ARENA_KNOWS_SIZE |
                 AML_ARENA_KNOWS_OWN | AML_ARENA_CAN_RESET | AML_ARENA_CAN_TRIM;
  if (state != NULL && aml_internal_pool_is_shared(state))
    can |= AML_ARENA_THREAD_SAFE;
  if (state != NULL && state->is_in_band)
    can |= AML_ARENA_IN_BAND;
  if (state != NULL && state->source.is_readable && state->source.is_writable)
    can |= AML_ARENA_HOST_MEMORY;
  return can;
}

static void stats(const struct aml_arena *arena, struct aml_arena_stats *result) {
  const struct aml_arena_pool_state *const state = state_of(arena);
  *result = (struct aml_arena_stats){.limit = AML_UNKNOWN};
  if (state == NULL)
    return;
  aml_internal_pool_lock(state);
  const bool is_shared = aml_internal_pool_is_shared(state);
  const size_t live =
      state->carved_count - state->list->count - aml_internal_pool_cache_count(state);
  const size_t peak =
      state->carved_count > state->peak_count ? state->carved_count : state->peak_count;
  *result = (struct aml_arena_stats){
      .live_count = live,
      .live_size = live * state->object_size,
      .peak_size = is_shared ? AML_UNKNOWN : peak * state->object_size,
      .reserved_size = state->source.reserved_size,
      .metadata_size = sizeof(struct aml_arena_pool) + sizeof *state +
                       state->chunk_count * sizeof(struct aml_internal_pool_chunk) +
                       state->stack_capacity * sizeof(void *) +
                       aml_internal_pool_cache_bytes(state),
      .limit = state->source.limit == SIZE_MAX ? AML_UNKNOWN : state->source.limit,
  };
  aml_internal_pool_unlock(state);
}

static int validate(const struct aml_arena *arena) {
  const struct aml_arena_pool_state *const state = state_of(arena);
  if (state == NULL)
    return 0;
  aml_internal_pool_lock(state);
  const int err = aml_internal_pool_check(state);
  aml_internal_pool_unlock(state);
  return err;
}

static void fini(struct aml_arena *arena) {
  struct aml_arena_pool_state *const state = state_of(arena);
  if (state != NULL) {
    aml_internal_pool_cache_fini(state);
    aml_internal_pool_release(state);
  }
  free(state);
  *pool_of(arena) = (struct aml_arena_pool){.arena = {.ops = &aml_arena_pool_ops}};
}

const struct aml_arena_ops aml_arena_pool_ops = {
    .name = "pool",
    .fini = fini,
    .capabilities = capabilities,
    .stats = stats,
    .validate = validate,
    .alloc = alloc,
    .free = free_object,
    .realloc = realloc_object,
    .usable_size = usable_size,
    .owns = owns,
    .reset = reset,
    .trim = trim,
    .alloc_batch = alloc_batch,
    .free_batch = free_batch,
};

static const char init_call[] = "aml_arena_pool_init";

/** Fills in what the size of objects and options say by themselves. */
static int set_shape(struct aml_arena_pool_state *state, size_t object_size,
                     const struct aml_arena_pool_options *options) {
  const size_t alignment =
      options->alignment == 0 ? (size_t)AML_ARENA_ALIGNMENT : options->alignment;
  if (object_size == 0)
    return aml_error_set(-AML_EINVAL, init_call, "object_size", "is 0");
  if (!aml_is_power_of_two(alignment))
    return aml_error_set_value(-AML_EINVAL, init_call, "alignment", alignment,
                               "is not a power of two");
  state->alignment = alignment < sizeof(void *) ? sizeof(void *) : alignment;
  if (!aml_checked_round_up(object_size, state->alignment, &state->object_size))
    return aml_error_set_value(-AML_EINVAL, init_call, "object_size", object_size, "is too large");
  if (options->cache_count != 0 && !options->thread_safe)
    return aml_error_set(-AML_EINVAL, init_call, "cache_count", "is for thread_safe only");
  if (options->cache_count > MAX_CACHE_COUNT)
    return aml_error_set_value(-AML_EINVAL, init_call, "cache_count", options->cache_count,
                               "is too large");
  size_t kept = DEFAULT_CACHE_SIZE / state->object_size;
  if (kept > DEFAULT_OBJECT_COUNT)
    kept = DEFAULT_OBJECT_COUNT;
  state->cache_capacity = options->cache_count != 0 ? options->cache_count : kept < 2 ? 2 : kept;
  return 0;
}

/** Chooses where free objects are kept track of. */
static int set_metadata(struct aml_arena_pool_state *state,
                        const struct aml_arena_pool_options *options) {
  const bool is_host = state->source.is_readable && state->source.is_writable;
  const unsigned metadata = options->metadata;
  if (metadata > AML_ARENA_POOL_OUT_OF_BAND)
    return aml_error_set_value(-AML_EINVAL, init_call, "metadata", metadata, "is unknown");
  if (metadata == AML_ARENA_POOL_IN_BAND && !is_host)
    return aml_error_set(-AML_EINVAL, init_call, "metadata",
                         "cannot be in band where the host cannot read and write");
  state->is_in_band = metadata == AML_ARENA_POOL_IN_BAND ||
                      (metadata == AML_ARENA_POOL_AUTO && is_host && !options->thread_safe);
  return 0;
}

/** Ends what init has begun. */
static int open_state(struct aml_arena_pool_state *state,
                      const struct aml_arena_pool_options *options) {
  int err = 0;
  state->list = &state->hidden_list;
  if (options->region != NULL)
    err = aml_internal_pool_adopt(state, init_call, options->region, options->region_size);
  if (!err && options->thread_safe)
    err = aml_internal_pool_cache_init(state, init_call);
  return err;
}

int aml_arena_pool_init(struct aml_arena *arena, struct aml_area *area, size_t object_size,
                        const struct aml_arena_pool_options *options) {
  static const struct aml_arena_pool_options defaults = {0};
  if (options == NULL)
    options = &defaults;
  if (arena == NULL || arena->ops != &aml_arena_pool_ops)
    return aml_error_set(-AML_EINVAL, init_call, "arena",
                         "is null, or was not declared by AML_ARENA_POOL_DECL");
  struct aml_arena_pool_state *const state = calloc(1, sizeof *state);
  if (state == NULL)
    return aml_error_set(-AML_ENOMEM, init_call, NULL, "no memory for the arena's state");
  const struct aml_internal_source_options source = {options->chunk_size, options->limit,
                                                     options->region, options->region_size};
  int err = set_shape(state, object_size, options);
  if (!err)
    err = aml_internal_source_init(&state->source, init_call, area, &source, DEFAULT_CHUNK_SIZE);
  if (!err)
    err = set_metadata(state, options);
  if (!err)
    err = open_state(state, options);
  if (err) {
    aml_internal_pool_release(state);
    free(state);
    return err;
  }
  struct aml_arena_pool *const pool = pool_of(arena);
  pool->free.object_size = state->object_size;
  pool->alignment = state->alignment;
  pool->key = state->local.key;
  pool->is_linked = state->is_in_band && !options->thread_safe && !AML_INTERNAL_POISONS;
  pool->state = state;
  if (pool->is_linked)
    state->list = &pool->free;
  return 0;
}

int aml_arena_pool_create(struct aml_arena **arena, struct aml_area *area, size_t object_size,
                          const struct aml_arena_pool_options *options) {
  struct aml_arena *const made = aml_block_create(
      "aml_arena_pool_create", "arena", arena, sizeof(struct aml_arena_pool), &aml_arena_pool_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_arena_pool_init(made, area, object_size, options);
  if (err)
    free(made);
  else
    *arena = made;
  return err;
}
