// SPDX-License-Identifier: BSD-3-Clause
//
// jemalloc does the work (J. Evans, "A Scalable Concurrent malloc(3) Implementation for FreeBSD",
// 2006; jemalloc(3)): size classes in slabs, caches of threads, extents of pages. Here it is told
// which of its arenas and caches to use, and is given pages by internal/jemalloc_hooks.c, out of
// chunks by internal/runs.c. It keeps what is free until a trim, unless told to let it decay, and
// the arena's number is used again after fini.
//
// jemalloc's own retention is off, since it would take ever larger extents and never give one back.
//
// Where tools watch memory, jemalloc is not asked to zero or to move blocks, since it would touch
// bytes that nobody may touch yet: that is done here, once the tools have been told.

#include "aml/arena/jemalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/jemalloc_calls.h"
#include "aml/arena/internal/jemalloc_state.h"
#include "aml/arena/internal/poison.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

enum { DEFAULT_CHUNK_SIZE = 4 << 20 };

/** What jemalloc begins with; the environment's MALLOC_CONF comes after it. */
const char *aml_internal_jemalloc_malloc_conf = "narenas:1,retain:false";

static struct aml_arena_jemalloc_state *state_of(const struct aml_arena *arena) {
  return ((const struct aml_arena_jemalloc *)arena)->state;
}

static void *refuse(int err, const char *call, const char *argument, const char *reason) {
  (void)aml_error_set(err, call, argument, reason);
  return NULL;
}

/** Calls mallctl with what is said of the arena. */
static int control(const struct aml_arena_jemalloc_state *state, const char *what, void *value,
                   size_t size) {
  char name[48];
  (void)snprintf(name, sizeof name, "arena.%u.%s", state->index, what);
  return aml_internal_jemalloc_mallctl(name, NULL, NULL, value, size);
}

/** Counts in a cache that is this thread's. */
static void count(struct aml_internal_jemalloc_counts *live, uint64_t number, uint64_t size) {
  __atomic_store_n(&live->count, live->count + number, __ATOMIC_RELAXED);
  __atomic_store_n(&live->size, live->size + size, __ATOMIC_RELAXED);
}

/** The calling thread's cache; null, with the reason recorded, without memory for one. */
static struct aml_internal_jemalloc_cache *cache_of(struct aml_arena_jemalloc_state *state,
                                                    const char *call) {
  struct aml_internal_jemalloc_cache *cache = pthread_getspecific(state->key);
  if (__builtin_expect(cache == NULL, 0)) {
    cache = aml_internal_jemalloc_cache_make(state);
    if (cache == NULL)
      return refuse(-AML_ENOMEM, call, NULL, "no memory for what is kept for the thread");
  }
  cache->failed = false;
  return cache;
}

/** The flags that ask for an alignment; makes a size one that there are blocks of. */
static int align(const struct aml_arena_jemalloc_state *state, size_t *size, size_t alignment) {
  if (alignment > state->quantum)
    return MALLOCX_LG_ALIGN(__builtin_ctzll(alignment));
  // Smaller blocks than the quantum are aligned to their size.
  if (*size < alignment)
    *size = alignment;
  return 0;
}

/** Says why jemalloc has no block, unless the hooks did. */
static void *explain(const struct aml_internal_jemalloc_cache *cache, const char *call,
                     size_t usable) {
  if (usable == 0)
    return refuse(-AML_ENOMEM, call, "size", "is larger than the range of addresses");
  if (!cache->failed)
    return refuse(-AML_ENOMEM, call, NULL, "jemalloc has no memory for its records");
  return NULL;
}

/** Allocates; the flags have been checked, and may ask for zeros only where no tool watches. */
static void *take(struct aml_arena_jemalloc_state *state, const char *call, size_t size,
                  size_t alignment, int flags) {
  struct aml_internal_jemalloc_cache *const cache = cache_of(state, call);
  if (cache == NULL)
    return NULL;
  flags |= cache->flags | align(state, &size, alignment);
  const size_t usable = aml_internal_jemalloc_nallocx(size, flags);
  void *const block = usable == 0 ? NULL : aml_internal_jemalloc_mallocx(size, flags);
  if (block == NULL)
    return explain(cache, call, usable);
  count(&cache->live, 1, usable);
  aml_internal_poison_contents(block, usable);
  return block;
}

static bool are_known(unsigned flags, const char *call) {
  if ((flags & ~(unsigned)AML_ARENA_ZERO) == 0)
    return true;
  (void)refuse(-AML_EINVAL, call, "flags", "has an unknown bit");
  return false;
}

static void *alloc(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
  static const char call[] = "aml_arena_alloc";
  struct aml_arena_jemalloc_state *const state = state_of(arena);
  if (flags == 0)
    return take(state, call, size == 0 ? 1 : size, alignment, 0);
  if (!are_known(flags, call))
    return NULL;
  if (!state->is_host)
    return refuse(-AML_ENOTSUP, call, "flags", "asks for zeros where the host cannot write");
  void *const block =
      take(state, call, size == 0 ? 1 : size, alignment, AML_INTERNAL_POISONS ? 0 : MALLOCX_ZERO);
  if (AML_INTERNAL_POISONS && block != NULL)
    memset(block, 0, aml_internal_jemalloc_sallocx(block, 0));
  return block;
}

static void give(struct aml_arena *arena, void *pointer) {
  struct aml_arena_jemalloc_state *const state = state_of(arena);
  const size_t usable = aml_internal_jemalloc_sallocx(pointer, 0);
  aml_internal_poison(pointer, usable);
  struct aml_internal_jemalloc_cache *cache = pthread_getspecific(state->key);
  if (cache == NULL)
    cache = aml_internal_jemalloc_cache_make(state);
  if (cache != NULL) {
    count(&cache->live, UINT64_MAX, 0 - (uint64_t)usable);
    aml_internal_jemalloc_sdallocx(pointer, usable, cache->flags);
    return;
  }
  (void)__atomic_fetch_sub(&state->orphans.count, 1, __ATOMIC_RELAXED);
  (void)__atomic_fetch_sub(&state->orphans.size, usable, __ATOMIC_RELAXED);
  aml_internal_jemalloc_dallocx(pointer, MALLOCX_TCACHE_NONE);
}

/** Resizes by a new block, where tools watch. */
static void *replace(struct aml_arena *arena, void *pointer, size_t size, size_t alignment,
                     unsigned flags) {
  const size_t old = aml_internal_jemalloc_sallocx(pointer, 0);
  char *const block = take(state_of(arena), "aml_arena_realloc", size, alignment, 0);
  if (block == NULL)
    return NULL;
  const size_t usable = aml_internal_jemalloc_sallocx(block, 0);
  memcpy(block, pointer, old < usable ? old : usable);
  if ((flags & AML_ARENA_ZERO) != 0 && old < usable)
    memset(block + old, 0, usable - old);
  give(arena, pointer);
  return block;
}

static void *resize(struct aml_arena *arena, void *pointer, size_t size, size_t alignment,
                    unsigned flags) {
  static const char call[] = "aml_arena_realloc";
  struct aml_arena_jemalloc_state *const state = state_of(arena);
  if (!are_known(flags, call))
    return NULL;
  if (!state->is_host)
    return refuse(-AML_ENOTSUP, call, "arena", "is of memory that the host cannot copy");
  if (AML_INTERNAL_POISONS)
    return replace(arena, pointer, size, alignment, flags);
  struct aml_internal_jemalloc_cache *const cache = cache_of(state, call);
  if (cache == NULL)
    return NULL;
  const size_t old = aml_internal_jemalloc_sallocx(pointer, 0);
  const int wanted = cache->flags | align(state, &size, alignment) |
                     ((flags & AML_ARENA_ZERO) != 0 ? MALLOCX_ZERO : 0);
  const size_t usable = aml_internal_jemalloc_nallocx(size, wanted);
  void *const block = usable == 0 ? NULL : aml_internal_jemalloc_rallocx(pointer, size, wanted);
  if (block == NULL)
    return explain(cache, call, usable);
  count(&cache->live, 0, aml_internal_jemalloc_sallocx(block, 0) - old);
  return block;
}

static size_t usable_size(const struct aml_arena *arena, const void *pointer) {
  (void)arena;
  return aml_internal_jemalloc_sallocx(pointer, 0);
}

static bool owns(const struct aml_arena *arena, const void *pointer) {
  struct aml_arena_jemalloc_state *const state = state_of(arena);
  pthread_mutex_lock(&state->lock);
  const bool is_own = aml_internal_runs_owns(&state->runs, pointer);
  pthread_mutex_unlock(&state->lock);
  return is_own;
}

static void reset(struct aml_arena *arena) {
  struct aml_arena_jemalloc_state *const state = state_of(arena);
  aml_internal_jemalloc_caches_reset(state);
  (void)control(state, "reset", NULL, 0);
  aml_internal_runs_poison(&state->runs);
}

static int trim(struct aml_arena *arena, size_t keep, size_t *released) {
  struct aml_arena_jemalloc_state *const state = state_of(arena);
  struct aml_internal_jemalloc_cache *const cache = pthread_getspecific(state->key);
  if (cache != NULL)
    aml_internal_jemalloc_cache_flush(cache);
  pthread_mutex_lock(&state->lock);
  state->is_trimming = true;
  pthread_mutex_unlock(&state->lock);
  (void)control(state, "purge", NULL, 0);
  pthread_mutex_lock(&state->lock);
  state->is_trimming = false;
  const int err = aml_internal_runs_trim(&state->runs, keep, released);
  pthread_mutex_unlock(&state->lock);
  return err;
}

static unsigned capabilities(const struct aml_arena *arena) {
  const unsigned all = AML_ARENA_THREAD_SAFE | AML_ARENA_CAN_FREE | AML_ARENA_KNOWS_SIZE |
                       AML_ARENA_KNOWS_OWN | AML_ARENA_CAN_RESET | AML_ARENA_CAN_TRIM;
  return state_of(arena)->is_host ? all | AML_ARENA_CAN_REALLOC | AML_ARENA_HOST_MEMORY : all;
}

static void stats(const struct aml_arena *arena, struct aml_arena_stats *result) {
  struct aml_arena_jemalloc_state *const state = state_of(arena);
  const struct aml_internal_jemalloc_counts live = aml_internal_jemalloc_sum(state);
  pthread_mutex_lock(&state->lock);
  const size_t reserved_size = state->source.reserved_size;
  const size_t records_size = aml_internal_runs_metadata_size(&state->runs);
  pthread_mutex_unlock(&state->lock);
  *result = (struct aml_arena_stats){
      .live_count = live.count,
      .live_size = live.size,
      .peak_size = AML_UNKNOWN,
      .reserved_size = reserved_size,
      .metadata_size = sizeof(struct aml_arena_jemalloc) + sizeof *state + records_size,
      .limit = state->source.limit == SIZE_MAX ? AML_UNKNOWN : state->source.limit,
  };
}

/** Pages of extents that jemalloc has, by its own count; SIZE_MAX where it does not count. */
static size_t pages_of(const struct aml_arena_jemalloc_state *state) {
  static const char *const kinds[] = {"pactive", "pdirty", "pmuzzy"};
  uint64_t epoch = 1;
  size_t sum = 0;
  if (aml_internal_jemalloc_mallctl("epoch", NULL, NULL, &epoch, sizeof epoch) != 0)
    return SIZE_MAX;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; ++i) {
    char name[48];
    size_t pages;
    size_t size = sizeof pages;
    (void)snprintf(name, sizeof name, "stats.arenas.%u.%s", state->index, kinds[i]);
    if (aml_internal_jemalloc_mallctl(name, &pages, &size, NULL, 0) != 0)
      return SIZE_MAX;
    sum += pages;
  }
  return sum;
}

static int validate(const struct aml_arena *arena) {
  struct aml_arena_jemalloc_state *const state = state_of(arena);
  const size_t pages = pages_of(state);
  pthread_mutex_lock(&state->lock);
  const char *fault = aml_internal_runs_validate(&state->runs);
  if (fault == NULL && pages != SIZE_MAX && pages != state->runs.used_pages)
    fault = "has given jemalloc other pages than jemalloc has";
  pthread_mutex_unlock(&state->lock);
  return fault == NULL ? 0 : aml_error_set(-AML_EINVAL, "aml_arena_validate", "arena", fault);
}

static void fini(struct aml_arena *arena) {
  struct aml_arena_jemalloc_state *const state = state_of(arena);
  if (state == NULL)
    return;
  state->decays = false;
  aml_internal_jemalloc_caches_fini(state);
  (void)control(state, "destroy", NULL, 0);
  aml_internal_runs_fini(&state->runs);
  (void)pthread_mutex_destroy(&state->lock);
  free(state);
  ((struct aml_arena_jemalloc *)arena)->state = NULL;
}

const struct aml_arena_ops aml_arena_jemalloc_ops = {
    .name = "jemalloc",
    .fini = fini,
    .capabilities = capabilities,
    .stats = stats,
    .validate = validate,
    .alloc = alloc,
    .free = give,
    .realloc = resize,
    .usable_size = usable_size,
    .owns = owns,
    .reset = reset,
    .trim = trim,
};

/** Asks jemalloc for a number of size_t. */
static int ask(const char *name, size_t *value) {
  size_t size = sizeof *value;
  return aml_internal_jemalloc_mallctl(name, value, &size, NULL, 0);
}

/** Has jemalloc make an arena that takes its pages by the state's hooks. */
static int make_arena(struct aml_arena_jemalloc_state *state, const char *call, unsigned decay_ms) {
  struct aml_internal_jemalloc_arena_config config = {&state->hooks, false};
  ssize_t decay = decay_ms == 0 ? -1 : (ssize_t)decay_ms;
  size_t size = sizeof state->index;
  aml_internal_jemalloc_set_hooks(state);
  if (aml_internal_jemalloc_mallctl("experimental.arenas_create_ext", &state->index, &size, &config,
                                    sizeof config) != 0)
    return aml_error_set(-AML_ENOMEM, call, NULL,
                         "jemalloc has no number left for an arena, or no memory");
  if (control(state, "dirty_decay_ms", &decay, sizeof decay) != 0) {
    (void)control(state, "destroy", NULL, 0);
    return aml_error_set(-AML_EINVAL, call, "decay_ms", "is more than jemalloc takes");
  }
  return 0;
}

/** Makes what the options have been checked for; the state is zeroed but for its source. */
static int set_up(struct aml_arena_jemalloc_state *state, const char *call,
                  const struct aml_arena_jemalloc_options *options) {
  size_t page_size;
  if (ask("arenas.page", &page_size) != 0 || ask("arenas.quantum", &state->quantum) != 0)
    return aml_error_set(-AML_ENOTSUP, call, NULL, "jemalloc tells no page size");
  state->is_cached = (options->flags & AML_ARENA_JEMALLOC_NO_CACHE) == 0;
  state->is_host = state->source.is_readable && state->source.is_writable;
  state->decays = options->decay_ms != 0;
  aml_internal_runs_init(&state->runs, &state->source, "arena:jemalloc", page_size);
  if (options->region != NULL &&
      !aml_internal_runs_adopt(&state->runs, options->region, options->region_size))
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the description of the region");
  int err = aml_internal_jemalloc_caches_init(state);
  if (err != 0) {
    err = aml_error_set_system(call, "pthread_key_create", err);
  } else {
    err = make_arena(state, call, options->decay_ms);
    if (err)
      aml_internal_jemalloc_caches_fini(state);
  }
  if (err)
    aml_internal_runs_fini(&state->runs);
  return err;
}

int aml_arena_jemalloc_init(struct aml_arena *arena, struct aml_area *area,
                            const struct aml_arena_jemalloc_options *options) {
  static const char call[] = "aml_arena_jemalloc_init";
  static const struct aml_arena_jemalloc_options defaults = {0};
  if (options == NULL)
    options = &defaults;
  if (arena == NULL || arena->ops != &aml_arena_jemalloc_ops)
    return aml_error_set(-AML_EINVAL, call, "arena",
                         "is null, or was not declared by AML_ARENA_JEMALLOC_DECL");
  if ((options->flags & ~(unsigned)AML_ARENA_JEMALLOC_NO_CACHE) != 0)
    return aml_error_set(-AML_EINVAL, call, "flags", "has an unknown bit");
  struct aml_internal_source made;
  const struct aml_internal_source_options source = {options->chunk_size, options->limit,
                                                     options->region, options->region_size};
  int err = aml_internal_source_init(&made, call, area, &source, DEFAULT_CHUNK_SIZE);
  if (err)
    return err;
  struct aml_arena_jemalloc_state *const state = calloc(1, sizeof *state);
  if (state == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for what the arena consists of");
  state->source = made;
  (void)pthread_mutex_init(&state->lock, NULL);
  err = set_up(state, call, options);
  if (err) {
    (void)pthread_mutex_destroy(&state->lock);
    free(state);
    return err;
  }
  ((struct aml_arena_jemalloc *)arena)->state = state;
  return 0;
}

int aml_arena_jemalloc_create(struct aml_arena **arena, struct aml_area *area,
                              const struct aml_arena_jemalloc_options *options) {
  struct aml_arena *const made =
      aml_block_create("aml_arena_jemalloc_create", "arena", arena,
                       sizeof(struct aml_arena_jemalloc), &aml_arena_jemalloc_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_arena_jemalloc_init(made, area, options);
  if (err)
    free(made);
  else
    *arena = made;
  return err;
}
