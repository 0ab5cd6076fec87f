// SPDX-License-Identifier: BSD-3-Clause
//
// Each block has a record, which the account of arena/internal/ledger.h leads to; a mark there says
// that the block is free. Free blocks are a queue, under the lock, from which the oldest leave when
// there is too much in it. The lock is held by all that ends a record or looks at one that another
// thread may end. It is not held while `inner` allocates.

#include "aml/arena/debug.h"

#include <execinfo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "aml/arena/internal/forward.h"
#include "aml/arena/internal/ledger.h"
#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"
#include "arena/internal/debug_record.h"
#include "arena/internal/debug_state.h"

enum {
  DEFAULT_REDZONE = 16,
  DEFAULT_QUARANTINE = 1 << 20,
  DEFAULT_FRAMES = 16,
  LARGEST_FRONT = 4096,
};

/** Whether the host can write to the memory. */
enum { NOT_KNOWN, WRITABLE, NOT_WRITABLE };

_Static_assert(offsetof(struct aml_arena_debug, inner) ==
                   offsetof(struct aml_internal_forward_arena, inner),
               "begins as every arena over another");

static struct aml_arena_debug *self_of(const struct aml_arena *arena) {
  return (struct aml_arena_debug *)arena;
}

static struct aml_arena_debug_state *state_of(const struct aml_arena *arena) {
  return self_of(arena)->state;
}

static void lock(struct aml_arena_debug_state *state) {
  (void)pthread_mutex_lock(&state->lock);
}

static void unlock(struct aml_arena_debug_state *state) {
  (void)pthread_mutex_unlock(&state->lock);
}

static int check(const char *call, const struct aml_arena *arena) {
  if (arena == NULL || arena->ops != &aml_arena_debug_ops || state_of(arena) == NULL)
    return aml_error_set(-AML_EINVAL, call, "arena",
                         "is null, of another type, or not initialised");
  return 0;
}

// Quarantine, under the lock

static void enqueue(struct aml_arena_debug_state *state, struct aml_internal_debug_record *record) {
  if (state->newest == NULL)
    state->oldest = record;
  else
    state->newest->next = record;
  state->newest = record;
  ++state->stats.quarantine_count;
  state->stats.quarantine_size += record->whole;
}

/** Takes the oldest block out and gives it back to `inner`. */
static void release_oldest(struct aml_arena *arena, const char *call) {
  struct aml_arena *const inner = self_of(arena)->inner;
  struct aml_arena_debug_state *const state = state_of(arena);
  struct aml_internal_debug_record *const record = state->oldest;
  state->oldest = record->next;
  if (state->oldest == NULL)
    state->newest = NULL;
  --state->stats.quarantine_count;
  state->stats.quarantine_size -= record->whole;
  aml_internal_debug_inspect(state, call, record);
  (void)aml_internal_ledger_take(state->ledger, record->block, NULL);
  aml_internal_debug_record_release(record);
  inner->ops->free(inner, record->base);
  free(record);
}

/** Gives up the quarantine beyond a size. Returns: whether there was something to give up. */
static bool shrink(struct aml_arena *arena, const char *call, size_t size) {
  struct aml_arena_debug_state *const state = state_of(arena);
  bool did = false;
  while (state->stats.quarantine_count != 0 && state->stats.quarantine_size > size) {
    release_oldest(arena, call);
    did = true;
  }
  return did;
}

static bool flush(struct aml_arena *arena, const char *call) {
  struct aml_arena_debug_state *const state = state_of(arena);
  lock(state);
  const bool did = shrink(arena, call, 0);
  unlock(state);
  return did;
}

// Blocks

/** Lays a block out in what `inner` is to be asked for. Returns: false: there is no such size. */
static bool lay_out(const struct aml_arena_debug_state *state, size_t alignment,
                    struct aml_internal_debug_record *record) {
  const size_t redzone = state->options.redzone;
  const size_t front = alignment <= redzone ? redzone : alignment <= LARGEST_FRONT ? alignment : 0;
  record->front = record->has_zones ? front : 0;
  record->whole = record->size;
  return !record->has_zones || (aml_checked_add(record->size, front, &record->whole) &&
                                aml_checked_add(record->whole, redzone, &record->whole));
}

/** Asks `inner` for memory as a record says; at first it is found out what that is. */
static void *ask(struct aml_arena *arena, struct aml_internal_debug_record *record,
                 size_t alignment, unsigned flags) {
  struct aml_arena *const inner = self_of(arena)->inner;
  struct aml_arena_debug_state *const state = state_of(arena);
  const int memory = atomic_load_explicit(&state->memory, memory_order_relaxed);
  record->has_zones = memory != NOT_WRITABLE;
  if (!lay_out(state, alignment, record)) {
    (void)aml_error_set(-AML_ENOMEM, "aml_arena_alloc", "size",
                        "is larger than the range of addresses");
    return NULL;
  }
  const unsigned zero = memory == NOT_KNOWN ? (unsigned)AML_ARENA_ZERO : 0;
  void *const base = inner->ops->alloc(inner, record->whole, alignment, flags | zero);
  if (memory != NOT_KNOWN)
    return base;
  if (base != NULL) {
    atomic_store_explicit(&state->memory, WRITABLE, memory_order_relaxed);
    return base;
  }
  if (aml_error_code() != -AML_ENOTSUP)
    return NULL;
  atomic_store_explicit(&state->memory, NOT_WRITABLE, memory_order_relaxed);
  return ask(arena, record, alignment, flags);
}

static void count_live(struct aml_arena_debug_state *state, size_t size) {
  const uint64_t live =
      atomic_fetch_add_explicit(&state->live_size, size, memory_order_relaxed) + size;
  uint64_t peak = atomic_load_explicit(&state->peak_size, memory_order_relaxed);
  (void)atomic_fetch_add_explicit(&state->live_count, 1, memory_order_relaxed);
  while (live > peak &&
         !atomic_compare_exchange_weak_explicit(&state->peak_size, &peak, live,
                                                memory_order_relaxed, memory_order_relaxed))
    ;
}

static void count_dead(struct aml_arena_debug_state *state, size_t size) {
  (void)atomic_fetch_sub_explicit(&state->live_size, size, memory_order_relaxed);
  (void)atomic_fetch_sub_explicit(&state->live_count, 1, memory_order_relaxed);
}

static void *refuse_alloc(const char *argument, const char *reason) {
  (void)aml_error_set(-AML_ENOMEM, "aml_arena_alloc", argument, reason);
  return NULL;
}

static void *alloc_for(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags,
                       void *caller) {
  struct aml_arena_debug_state *const state = state_of(arena);
  if (check("aml_arena_alloc", arena))
    return NULL;
  size = size == 0 ? 1 : size;
  if (size > AML_INTERNAL_LEDGER_MAX_SIZE)
    return refuse_alloc("size", "is larger than can be kept account of");
  struct aml_internal_hand *const hand = aml_internal_ledger_prepare(state->ledger, size);
  struct aml_internal_debug_record *const record =
      hand == NULL ? NULL : aml_internal_debug_record_create(state->options.frames);
  if (record == NULL)
    return refuse_alloc(NULL, "no memory for a record");
  record->size = size;
  char *base = ask(arena, record, alignment, flags);
  if (base == NULL && aml_error_code() == -AML_ENOMEM && flush(arena, "aml_arena_alloc"))
    base = ask(arena, record, alignment, flags);
  if (base == NULL) {
    free(record);
    return NULL;
  }
  record->base = base;
  record->block = base + record->front;
  record->label = aml_internal_hand_label(hand);
  if (record->label == NULL)
    record->label = state->options.label;
  aml_internal_debug_trace_take(&record->alloc_trace, state->options.frames, caller);
  aml_internal_debug_record_open(record, (flags & AML_ARENA_ZERO) != 0);
  aml_internal_ledger_put(state->ledger, hand, record->block, size, (uintptr_t)record, false);
  count_live(state, record->whole);
  return record->block;
}

static void *alloc(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
  return alloc_for(arena, size, alignment, flags, __builtin_return_address(0));
}

static void free_for(struct aml_arena *arena, const char *call, void *pointer, void *caller) {
  struct aml_arena_debug_state *const state = state_of(arena);
  struct aml_internal_entry entry;
  lock(state);
  if (!aml_internal_ledger_mark(state->ledger, pointer, &entry)) {
    aml_internal_debug_tell_pointer(state, call, pointer);
  } else {
    struct aml_internal_debug_record *const record = aml_internal_debug_record_of(&entry);
    count_dead(state, record->whole);
    aml_internal_debug_inspect(state, call, record);
    aml_internal_debug_trace_take(&record->free_trace, state->options.frames, caller);
    aml_internal_debug_record_close(record);
    record->is_free = true;
    enqueue(state, record);
    (void)shrink(arena, call, state->options.quarantine_size);
  }
  unlock(state);
}

/** Looks at a block that cannot be freed. */
static void inspect_pointer(struct aml_arena_debug_state *state, const char *call,
                            const void *pointer) {
  struct aml_internal_entry entry;
  lock(state);
  if (aml_internal_ledger_get(state->ledger, pointer, &entry))
    aml_internal_debug_inspect(state, call, aml_internal_debug_record_of(&entry));
  else
    aml_internal_debug_tell_pointer(state, call, pointer);
  unlock(state);
}

static void free_block(struct aml_arena *arena, void *pointer) {
  struct aml_arena_debug_state *const state = state_of(arena);
  if (check("aml_arena_free", arena))
    return;
  if ((state->capabilities & AML_ARENA_CAN_FREE) != 0)
    free_for(arena, "aml_arena_free", pointer, __builtin_return_address(0));
  else
    inspect_pointer(state, "aml_arena_free", pointer);
}

static void *refuse_realloc(const char *argument, const char *reason) {
  (void)aml_error_set(-AML_ENOTSUP, "aml_arena_realloc", argument, reason);
  return NULL;
}

static void *realloc_block(struct aml_arena *arena, void *pointer, size_t size, size_t alignment,
                           unsigned flags) {
  static const char call[] = "aml_arena_realloc";
  struct aml_arena_debug_state *const state = state_of(arena);
  struct aml_internal_entry entry;
  if (check(call, arena))
    return NULL;
  if ((state->capabilities & AML_ARENA_CAN_REALLOC) == 0)
    return refuse_realloc("arena", "is over one that cannot do this");
  if (atomic_load_explicit(&state->memory, memory_order_relaxed) == NOT_WRITABLE)
    return refuse_realloc("pointer", "is of memory that the host cannot copy");
  if ((flags & ~(unsigned)AML_ARENA_ZERO) != 0) {
    (void)aml_error_set(-AML_EINVAL, call, "flags", "has an unknown bit");
    return NULL;
  }
  if (!aml_internal_ledger_get(state->ledger, pointer, &entry) || entry.mark) {
    lock(state);
    aml_internal_debug_tell_pointer(state, call, pointer);
    unlock(state);
    return NULL;
  }
  void *const moved = alloc_for(arena, size, alignment, flags, __builtin_return_address(0));
  if (moved == NULL)
    return NULL;
  memcpy(moved, pointer, size < entry.size ? size : entry.size);
  free_for(arena, call, pointer, __builtin_return_address(0));
  return moved;
}

static size_t usable_size(const struct aml_arena *arena, const void *pointer) {
  const struct aml_arena_debug_state *const state = state_of(arena);
  struct aml_internal_entry entry;
  if (state == NULL || !aml_internal_ledger_get(state->ledger, pointer, &entry) || entry.mark)
    return 0;
  return entry.size;
}

// The whole arena

/** Looks at all blocks, live or free, under the lock. */
static void inspect_all(struct aml_arena_debug_state *state, const char *call) {
  struct aml_internal_entry entry;
  uintptr_t address = 0;
  for (; aml_internal_ledger_next(state->ledger, address, &entry); address = entry.start + 1)
    aml_internal_debug_inspect(state, call, aml_internal_debug_record_of(&entry));
}

/** Ends all records, under the lock; the memory is `inner`'s. */
static void forget_all(struct aml_arena_debug_state *state, bool fill) {
  struct aml_internal_entry entry;
  uintptr_t address = 0;
  for (; aml_internal_ledger_next(state->ledger, address, &entry); address = entry.start + 1) {
    struct aml_internal_debug_record *const record = aml_internal_debug_record_of(&entry);
    (void)aml_internal_ledger_take(state->ledger, record->block, NULL);
    if (!record->is_free)
      count_dead(state, record->whole);
    if (fill && !record->is_free)
      aml_internal_debug_record_close(record);
    aml_internal_debug_record_release(record);
    free(record);
  }
  state->oldest = NULL;
  state->newest = NULL;
  state->stats.quarantine_count = 0;
  state->stats.quarantine_size = 0;
}

static void reset(struct aml_arena *arena) {
  struct aml_arena *const inner = self_of(arena)->inner;
  struct aml_arena_debug_state *const state = state_of(arena);
  lock(state);
  inspect_all(state, "aml_arena_reset");
  forget_all(state, true);
  inner->ops->reset(inner);
  unlock(state);
}

static uint64_t reserved_size(const struct aml_arena *inner) {
  struct aml_arena_stats stats = {0};
  (void)!aml_arena_get_stats(inner, &stats);
  return stats.reserved_size;
}

static int trim(struct aml_arena *arena, size_t keep, size_t *released) {
  int err = check("aml_arena_trim", arena);
  if (err)
    return err;
  struct aml_arena *const inner = self_of(arena)->inner;
  const uint64_t before = reserved_size(inner);
  (void)flush(arena, "aml_arena_trim");
  // An arena may give memory back at once when its blocks are freed.
  const uint64_t after = reserved_size(inner);
  err = aml_arena_trim(inner, keep, released);
  if (err != -AML_ENOTSUP && after < before)
    *released += (size_t)(before - after);
  return err;
}

static unsigned capabilities(const struct aml_arena *arena) {
  const struct aml_arena_debug_state *const state = state_of(arena);
  return state == NULL ? 0 : state->capabilities | AML_ARENA_KNOWS_SIZE;
}

static void stats(const struct aml_arena *arena, struct aml_arena_stats *result) {
  const struct aml_arena_debug_state *const state = state_of(arena);
  struct aml_internal_ledger_sums sums;
  *result = (struct aml_arena_stats){.limit = AML_UNKNOWN};
  if (state == NULL || aml_arena_get_stats(self_of(arena)->inner, result))
    return;
  aml_internal_ledger_sum(state->ledger, &sums);
  result->live_count = atomic_load_explicit(&state->live_count, memory_order_relaxed);
  result->live_size = atomic_load_explicit(&state->live_size, memory_order_relaxed);
  result->peak_size = atomic_load_explicit(&state->peak_size, memory_order_relaxed);
  if (result->metadata_size != AML_UNKNOWN)
    result->metadata_size += sizeof(struct aml_arena_debug) + sizeof *state + sums.memory +
                             result->live_count * (sizeof(struct aml_internal_debug_record) +
                                                   2 * state->options.frames * sizeof(void *));
}

static int validate(const struct aml_arena *arena) {
  static const char call[] = "aml_arena_validate";
  struct aml_arena_debug_state *const state = state_of(arena);
  int err = check(call, arena);
  if (err)
    return err;
  lock(state);
  inspect_all(state, call);
  if (state->first[0] != '\0')
    err = aml_error_set(-AML_EINVAL, call, "arena had errors, the first:", state->first);
  unlock(state);
  return err ? err : aml_arena_validate(self_of(arena)->inner);
}

static void fini(struct aml_arena *arena) {
  struct aml_arena_debug_state *const state = state_of(arena);
  if (state != NULL) {
    lock(state);
    (void)shrink(arena, "aml_arena_fini", 0);
    inspect_all(state, "aml_arena_fini");
    forget_all(state, false);
    unlock(state);
    (void)pthread_mutex_destroy(&state->lock);
    aml_internal_ledger_destroy(state->ledger);
    free(state);
  }
  *self_of(arena) = (struct aml_arena_debug){.arena = {.ops = &aml_arena_debug_ops}};
}

const struct aml_arena_ops aml_arena_debug_ops = {
    .name = "debug",
    .fini = fini,
    .capabilities = capabilities,
    .stats = stats,
    .validate = validate,
    .alloc = alloc,
    .free = free_block,
    .realloc = realloc_block,
    .usable_size = usable_size,
    .owns = aml_internal_forward_arena_owns,
    .reset = reset,
    .trim = trim,
};

/** Checks options, and fills defaults in. */
static int settle(const char *call, const struct aml_arena_debug_options *given,
                  struct aml_arena_debug_options *options) {
  if (given != NULL)
    *options = *given;
  if (options->redzone > AML_ARENA_DEBUG_MAX_REDZONE)
    return aml_error_set_value(-AML_EINVAL, call, "redzone", options->redzone, "is too large");
  if (options->frames > AML_ARENA_DEBUG_MAX_FRAMES)
    return aml_error_set_value(-AML_EINVAL, call, "frames", options->frames, "is too many");
  if (options->redzone == 0)
    options->redzone = DEFAULT_REDZONE;
  while ((options->redzone & (options->redzone - 1)) != 0)
    options->redzone += options->redzone & (0 - options->redzone);
  if (options->quarantine_size == 0)
    options->quarantine_size = DEFAULT_QUARANTINE;
  if (options->frames == 0)
    options->frames = DEFAULT_FRAMES;
  return 0;
}

int aml_arena_debug_init(struct aml_arena *arena, struct aml_arena *inner,
                         const struct aml_arena_debug_options *options) {
  static const char call[] = "aml_arena_debug_init";
  struct aml_arena_debug_options settled = {0};
  int err = aml_internal_forward_arena_check(call, arena, &aml_arena_debug_ops, inner);
  if (!err)
    err = settle(call, options, &settled);
  if (err)
    return err;
  const unsigned inner_capabilities = aml_arena_capabilities(inner);
  struct aml_internal_ledger *const ledger =
      aml_internal_ledger_create((inner_capabilities & AML_ARENA_THREAD_SAFE) != 0, SIZE_MAX >> 2);
  struct aml_arena_debug_state *const state = malloc(sizeof *state);
  if (ledger == NULL || state == NULL) {
    aml_internal_ledger_destroy(ledger);
    free(state);
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the account");
  }
  *state = (struct aml_arena_debug_state){.ledger = ledger,
                                          .options = settled,
                                          .capabilities = inner_capabilities,
                                          .lock = PTHREAD_MUTEX_INITIALIZER};
  // The first back trace of a process may load a library.
  void *frame;
  (void)backtrace(&frame, 1);
  *self_of(arena) = (struct aml_arena_debug){
      .arena = {.ops = &aml_arena_debug_ops}, .inner = inner, .state = state};
  return 0;
}

int aml_arena_debug_create(struct aml_arena **arena, struct aml_arena *inner,
                           const struct aml_arena_debug_options *options) {
  struct aml_arena *const made =
      aml_block_create("aml_arena_debug_create", "arena", arena, sizeof(struct aml_arena_debug),
                       &aml_arena_debug_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_arena_debug_init(made, inner, options);
  if (err)
    free(made);
  else
    *arena = made;
  return err;
}

int aml_arena_debug_set_label(struct aml_arena *arena, const char *label, const char **previous) {
  static const char call[] = "aml_arena_debug_set_label";
  const char *unwanted;
  const int err = check(call, arena);
  if (err)
    return err;
  if (!aml_internal_ledger_set_label(state_of(arena)->ledger, label,
                                     previous == NULL ? &unwanted : previous))
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the account");
  return 0;
}

int aml_arena_debug_get_stats(struct aml_arena *arena, struct aml_arena_debug_stats *result) {
  static const char call[] = "aml_arena_debug_get_stats";
  const int err = check(call, arena);
  if (err)
    return err;
  if (result == NULL)
    return aml_error_set(-AML_EINVAL, call, "stats", "is null");
  struct aml_arena_debug_state *const state = state_of(arena);
  lock(state);
  *result = state->stats;
  unlock(state);
  return 0;
}
