// SPDX-License-Identifier: BSD-3-Clause
//
// From the front to the back: a thread's magazines (internal/slab_cache.h), the spans and depots of
// a class (slab_bins.h, slab_depot.h), runs of units in chunks (slab_heap.h), the area. To give a
// block back, its class is looked up by its address (slab_map.h). When memory goes back to the area
// is for slab_upkeep.c; what is known of it lies in slab_pages.h, and on the C heap.

#include "aml/arena/slab.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/poison.h"
#include "aml/arena/internal/slab_bins.h"
#include "aml/arena/internal/slab_cache.h"
#include "aml/arena/internal/slab_classes.h"
#include "aml/arena/internal/slab_heap.h"
#include "aml/arena/internal/slab_lock.h"
#include "aml/arena/internal/slab_map.h"
#include "aml/arena/internal/source.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

typedef struct aml_internal_slab state_type;
typedef struct aml_internal_slab_span span_type;

// Runs in chunks are aligned to at most so many bytes; what is to be more is a mapping of its own.
enum { UNIT = AML_INTERNAL_SLAB_UNIT, MAX_RUN_ALIGNMENT = 1 << 18 };

static state_type *state_of(const struct aml_arena *arena) {
  return ((const struct aml_arena_slab *)arena)->state;
}

static void *refuse_alloc(int err, const char *argument, const char *reason) {
  (void)aml_error_set(err, "aml_arena_alloc", argument, reason);
  return NULL;
}

static size_t size_of(size_t kind) {
  return aml_internal_slab_classes[kind - AML_INTERNAL_SLAB_FIRST_CLASS].size;
}

static void *hand_out(void *block, size_t kind) {
  if (block != NULL)
    aml_internal_poison_contents(block, size_of(kind));
  return block;
}

static inline void *alloc_kind(const struct aml_arena *arena, size_t kind) {
  if (aml_internal_slab_is_at_hand(arena)) {
    struct aml_internal_slab_cache *const cache = aml_internal_slab_thread.last;
    void **const top = cache->tops[kind];
    void *const block = top[-1];
    if (__builtin_expect(block != NULL, 1)) {
      aml_internal_slab_set_top(cache, kind, top - 1);
      return hand_out(block, kind);
    }
  }
  return hand_out(aml_internal_slab_refill(state_of(arena), kind), kind);
}

/** The span of a block of no class, zeroed if asked; null with a sentence. */
static span_type *take_large(state_type *state, size_t size, size_t alignment, bool is_zero) {
  struct aml_internal_slab_heap *const heap = &state->bins.heap;
  const bool fits = size <= AML_INTERNAL_SLAB_MAX_SIZE && alignment <= MAX_RUN_ALIGNMENT;
  if (!heap->source.is_region && !fits)
    return aml_internal_slab_map_huge(heap, size, alignment, is_zero);
  struct aml_internal_slab_want want = {0, alignment < UNIT ? 1 : alignment / UNIT,
                                        AML_INTERNAL_SLAB_LARGE, 0};
  want.units = size / UNIT + (size % UNIT != 0);
  span_type *const span = aml_internal_slab_take(heap, &want, NULL);
  if (span == NULL)
    return NULL;
  aml_internal_slab_count_live(&state->bins, span->units * UNIT);
  if (is_zero) {
    aml_internal_poison_none(span->base, span->units * UNIT);
    memset(span->base, 0, span->units * UNIT);
  }
  return span;
}

static void *alloc_large(state_type *state, size_t size, size_t alignment, bool is_zero) {
  const span_type *span = take_large(state, size, alignment, is_zero);
  for (unsigned tries = 0;
       span == NULL && aml_internal_slab_reclaim(state, size, alignment, &tries);)
    span = take_large(state, size, alignment, is_zero);
  if (span == NULL)
    return NULL;
  if (!is_zero)
    aml_internal_poison_contents(span->base, span->units * UNIT);
  return span->base;
}

/** Allocates a block of a class, which may be one that was kept, and zeroes it. */
static void *alloc_and_zero(const struct aml_arena *arena, size_t kind) {
  void *const block = alloc_kind(arena, kind);
  return block == NULL ? NULL : memset(block, 0, size_of(kind));
}

/** Allocates a zeroed block of a class. */
static void *alloc_zeroed(const struct aml_arena *arena, size_t kind) {
  state_type *const state = state_of(arena);
  const unsigned class_index = (unsigned)kind - AML_INTERNAL_SLAB_FIRST_CLASS;
  const struct aml_internal_slab_class *const its = &aml_internal_slab_classes[class_index];
  if (its->capacity != 1)
    return alloc_and_zero(arena, kind);
  // Of a whole span it is known which pages are fresh; of a block that was kept, it is not.
  uint64_t clean[AML_INTERNAL_SLAB_CLEAN_WORDS] = {0};
  char *const block = aml_internal_slab_take_whole(&state->bins, class_index, clean);
  if (block == NULL)
    return alloc_and_zero(arena, kind);
  aml_internal_poison_none(block, its->size);
  for (size_t unit = 0; unit < its->units; ++unit)
    if (!state->bins.heap.source.is_zeroed || (clean[unit / 64] >> (unit % 64) & 1) == 0)
      memset(block + unit * UNIT, 0, UNIT);
  return block;
}

/** The smallest kind of blocks of a size that are aligned to at most a unit. */
static size_t aligned_kind_for(size_t size, size_t alignment) {
  size_t kind = aml_internal_slab_kind_for(size < alignment ? alignment : size);
  while (size_of(kind) % alignment != 0)
    ++kind;
  return kind;
}

/** Allocates with flags, with more than the usual alignment, or what is of no class. */
__attribute__((noinline)) static void *alloc_unusual(const struct aml_arena *arena, size_t size,
                                                     size_t alignment, unsigned flags) {
  state_type *const state = state_of(arena);
  if ((flags & ~(unsigned)AML_ARENA_ZERO) != 0)
    return refuse_alloc(-AML_EINVAL, "flags", "has an unknown bit");
  if (flags != 0 && !state->bins.heap.source.is_writable)
    return refuse_alloc(-AML_ENOTSUP, "flags", "asks for zeros where the host cannot write");
  if (size == 0)
    size = 1;
  if (size > AML_INTERNAL_SLAB_MAX_SIZE || alignment > UNIT)
    return alloc_large(state, size, alignment, flags != 0);
  const size_t kind = aligned_kind_for(size, alignment);
  return flags != 0 ? alloc_zeroed(arena, kind) : alloc_kind(arena, kind);
}

static void *alloc(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
  if (__builtin_expect(flags != 0, 0) || __builtin_expect(alignment > AML_ARENA_ALIGNMENT, 0))
    return alloc_unusual(arena, size, alignment, flags);
  if (__builtin_expect(size <= AML_INTERNAL_SLAB_TABLE_SIZE, 1))
    return alloc_kind(arena, aml_internal_slab_kind_in_table(size));
  if (__builtin_expect(size > AML_INTERNAL_SLAB_MAX_SIZE, 0))
    return alloc_unusual(arena, size, alignment, flags);
  return alloc_kind(arena, aml_internal_slab_kind_for(size));
}

static void free_large(state_type *state, span_type *span) {
  aml_internal_poison(span->base, span->units * UNIT);
  if (span->state == AML_INTERNAL_SLAB_HUGE) {
    aml_internal_slab_unmap_huge(&state->bins.heap, span);
    return;
  }
  (void)__atomic_sub_fetch(&state->bins.live_size, span->units * UNIT, __ATOMIC_RELAXED);
  aml_internal_slab_give(&state->bins.heap, span);
  (void)aml_internal_slab_decay(&state->bins);
}

/** Gives a block back that is of no class, or where there is no room at hand; apart from free,
 * which then needs no stack frame. */
__attribute__((noinline)) static void free_elsewhere(const struct aml_arena *arena, void *pointer) {
  state_type *const state = state_of(arena);
  const struct aml_internal_slab_map *const map = &state->bins.heap.map;
  size_t kind = aml_internal_slab_kind_in(aml_internal_slab_window_of(map), pointer);
  if (kind == AML_INTERNAL_SLAB_NO_CLASS) {
    span_type *const span = aml_internal_slab_find_span(map, pointer);
    if (span->state != AML_INTERNAL_SLAB_BLOCKS) {
      free_large(state, span);
      return;
    }
    kind = AML_INTERNAL_SLAB_FIRST_CLASS + (size_t)span->class_index;
  }
  aml_internal_poison(pointer, size_of(kind));
  aml_internal_slab_overflow(state, kind, pointer);
}

static void free_block(struct aml_arena *arena, void *pointer) {
  if (aml_internal_slab_is_at_hand(arena)) {
    struct aml_internal_slab_cache *const cache = aml_internal_slab_thread.last;
    const size_t kind = aml_internal_slab_kind_in(&cache->window, pointer);
    void **const top = cache->tops[kind];
    if (__builtin_expect(top != cache->ends[kind], 1)) {
      aml_internal_poison(pointer, size_of(kind));
      *top = pointer;
      aml_internal_slab_set_top(cache, kind, top + 1);
      return;
    }
  }
  free_elsewhere(arena, pointer);
}

static size_t usable_size(const struct aml_arena *arena, const void *pointer) {
  const span_type *const span =
      aml_internal_slab_find_span(&state_of(arena)->bins.heap.map, pointer);
  if (span == NULL)
    return 0;
  return span->state == AML_INTERNAL_SLAB_BLOCKS ? aml_internal_slab_classes[span->class_index].size
                                                 : span->units * UNIT;
}

static bool owns(const struct aml_arena *arena, const void *pointer) {
  struct aml_internal_slab_heap *const heap = &state_of(arena)->bins.heap;
  aml_internal_slab_lock(&heap->lock);
  const bool has = aml_internal_slab_has(&heap->map, pointer);
  aml_internal_slab_unlock(&heap->lock);
  return has;
}

void *aml_arena_slab_find(const struct aml_arena *arena, const void *pointer) {
  if (arena == NULL || arena->ops != &aml_arena_slab_ops || state_of(arena) == NULL ||
      pointer == NULL || !owns(arena, pointer))
    return NULL;
  const span_type *const span =
      aml_internal_slab_find_span(&state_of(arena)->bins.heap.map, pointer);
  if (span->state != AML_INTERNAL_SLAB_BLOCKS)
    return span->base;
  const struct aml_internal_slab_class *const its = &aml_internal_slab_classes[span->class_index];
  const size_t offset = (size_t)((const char *)pointer - span->base);
  return span->base + aml_internal_slab_index(its, offset) * its->size;
}

/** Moves a block; `kept` bytes of it. */
static void *move(struct aml_arena *arena, void *pointer, size_t kept, size_t size,
                  size_t alignment, unsigned flags) {
  char *const moved = alloc(arena, size, alignment, 0);
  if (moved == NULL)
    return NULL;
  const size_t copied = kept < size ? kept : size;
  memcpy(moved, pointer, copied);
  if (flags != 0)
    memset(moved + copied, 0, usable_size(arena, moved) - copied);
  free_block(arena, pointer);
  return moved;
}

static void *resize_checked(struct aml_arena *arena, void *pointer, size_t size, size_t alignment,
                            unsigned flags) {
  const size_t usable = usable_size(arena, pointer);
  const bool is_aligned = ((uintptr_t)pointer & (alignment - 1)) == 0;
  // In place, unless less than half would be used.
  if (is_aligned && size <= usable && (size >= usable / 2 || usable <= 4 * AML_ARENA_ALIGNMENT))
    return pointer;
  return move(arena, pointer, usable, size, alignment, flags);
}

static void *resize(struct aml_arena *arena, void *pointer, size_t size, size_t alignment,
                    unsigned flags) {
  static const char call[] = "aml_arena_realloc";
  const struct aml_internal_source *const source = &state_of(arena)->bins.heap.source;
  if ((flags & ~(unsigned)AML_ARENA_ZERO) != 0)
    (void)aml_error_set(-AML_EINVAL, call, "flags", "has an unknown bit");
  else if (!source->is_readable || !source->is_writable)
    (void)aml_error_set(-AML_ENOTSUP, call, "arena",
                        "has memory that the host cannot read and write");
  else
    return resize_checked(arena, pointer, size, alignment, flags);
  return NULL;
}

static void reset(struct aml_arena *arena) {
  state_type *const state = state_of(arena);
  // Nobody is in a call, but threads may end, and then give back what they keep.
  aml_internal_slab_lock(&state->caches_lock);
  aml_internal_slab_reset_caches(state);
  aml_internal_slab_bins_reset(&state->bins);
  aml_internal_slab_unlock(&state->caches_lock);
}

static int trim(struct aml_arena *arena, size_t keep, size_t *released) {
  state_type *const state = state_of(arena);
  (void)aml_internal_slab_empty_cache(state);
  return aml_internal_slab_bins_trim(&state->bins, keep, released);
}

static unsigned capabilities(const struct aml_arena *arena) {
  const unsigned always = AML_ARENA_THREAD_SAFE | AML_ARENA_CAN_FREE | AML_ARENA_KNOWS_SIZE |
                          AML_ARENA_KNOWS_OWN | AML_ARENA_CAN_RESET | AML_ARENA_CAN_TRIM;
  const state_type *const state = state_of(arena);
  const bool is_host =
      state != NULL && state->bins.heap.source.is_readable && state->bins.heap.source.is_writable;
  return is_host ? always | AML_ARENA_CAN_REALLOC | AML_ARENA_HOST_MEMORY : always;
}

static void stats(const struct aml_arena *arena, struct aml_arena_stats *result) {
  state_type *const state = state_of(arena);
  struct aml_internal_slab_heap *const heap = &state->bins.heap;
  uint64_t count;
  uint64_t size;
  uint64_t cached_count;
  uint64_t cached_size;
  aml_internal_slab_count_blocks(&state->bins, &count, &size);
  aml_internal_slab_count_cached(state, &cached_count, &cached_size);
  const size_t caches = __atomic_load_n(&state->cache_count, __ATOMIC_RELAXED);
  aml_internal_slab_lock(&heap->lock);
  *result = (struct aml_arena_stats){
      // Others may have taken blocks between the counts.
      .live_count = count > cached_count ? count - cached_count : 0,
      .live_size = size > cached_size ? size - cached_size : 0,
      .peak_size = AML_UNKNOWN,
      .reserved_size = heap->source.reserved_size,
      .metadata_size = sizeof(struct aml_arena_slab) + sizeof *state + heap->metadata_size +
                       heap->map.metadata_size + heap->pages.count * AML_INTERNAL_SLAB_PAGE +
                       __atomic_load_n(&state->bins.metadata_size, __ATOMIC_RELAXED) +
                       caches * sizeof(struct aml_internal_slab_cache),
      .limit = heap->source.limit == SIZE_MAX ? AML_UNKNOWN : heap->source.limit,
  };
  aml_internal_slab_unlock(&heap->lock);
}

static int validate(const struct aml_arena *arena) {
  state_type *const state = state_of(arena);
  const char *broken = aml_internal_slab_bins_check(&state->bins);
  if (broken == NULL)
    broken = aml_internal_slab_check_caches(state);
  return broken == NULL ? 0 : aml_error_set(-AML_EINVAL, "aml_arena_validate", "arena", broken);
}

static void fini(struct aml_arena *arena) {
  struct aml_arena_slab *const slab = (struct aml_arena_slab *)arena;
  state_type *const state = slab->state;
  slab->state = NULL;
  if (state == NULL)
    return;
  // A fork must know the arena while threads have caches of it: they end in the child too.
  aml_internal_slab_end_caches(state);
  aml_internal_slab_dismiss(state);
  aml_internal_slab_heap_fini(&state->bins.heap);
  aml_internal_slab_bins_fini(&state->bins);
  free(state);
}

const struct aml_arena_ops aml_arena_slab_ops = {
    .name = "slab",
    .fini = fini,
    .capabilities = capabilities,
    .stats = stats,
    .validate = validate,
    .alloc = alloc,
    .free = free_block,
    .realloc = resize,
    .usable_size = usable_size,
    .owns = owns,
    .reset = reset,
    .trim = trim,
};

/** Makes the state of an arena, but for what others must know of it. */
static int make_state(state_type *state, const char *call, struct aml_area *area,
                      const struct aml_arena_slab_options *options) {
  const struct aml_internal_source_options from = {options->chunk_size, options->limit,
                                                   options->region, options->region_size};
  struct aml_internal_slab_heap *const heap = &state->bins.heap;
  const int err = aml_internal_source_init(&heap->source, call, area, &from, 1 << 20);
  if (err)
    return err;
  if ((options->flags & AML_ARENA_SLAB_NO_ZERO) != 0)
    heap->source.map_flags = AML_AREA_MAP_NO_ZERO;
  state->bins.keeps = (options->flags & AML_ARENA_SLAB_KEEP) != 0;
  return aml_internal_slab_heap_init(heap, &from);
}

int aml_arena_slab_init(struct aml_arena *arena, struct aml_area *area,
                        const struct aml_arena_slab_options *options) {
  static const char call[] = "aml_arena_slab_init";
  static const struct aml_arena_slab_options defaults = {0};
  if (options == NULL)
    options = &defaults;
  if (arena == NULL || arena->ops != &aml_arena_slab_ops)
    return aml_error_set(-AML_EINVAL, call, "arena",
                         "is null, or was not declared by AML_ARENA_SLAB_DECL");
  if ((options->flags & ~(unsigned)(AML_ARENA_SLAB_NO_ZERO | AML_ARENA_SLAB_KEEP)) != 0)
    return aml_error_set(-AML_EINVAL, call, "flags", "has an unknown bit");
  // All zero: locks too are initialised so.
  state_type *const state = calloc(1, sizeof *state);
  if (state == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for metadata");
  const int err = make_state(state, call, area, options);
  if (err) {
    free(state);
    return err;
  }
  state->handle = arena;
  aml_internal_slab_enroll(state);
  ((struct aml_arena_slab *)arena)->state = state;
  return 0;
}

int aml_arena_slab_create(struct aml_arena **arena, struct aml_area *area,
                          const struct aml_arena_slab_options *options) {
  struct aml_arena *const made = aml_block_create(
      "aml_arena_slab_create", "arena", arena, sizeof(struct aml_arena_slab), &aml_arena_slab_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_arena_slab_init(made, area, options);
  if (err)
    free(made);
  else
    *arena = made;
  return err;
}
