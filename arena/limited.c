// SPDX-License-Identifier: BSD-3-Clause
//
// What a block takes of the quota is known when there is one: how much of it may be used. So a
// block is allocated, then charged, and given back if that is too much. Lest an arena grow for a
// block that is refused, what is sure to be too much is refused before. So one that cannot give
// blocks back, and that counts what was asked for, wastes one only if another thread comes between.
// A block that grows cannot be taken back, so that its growth is set aside before.

#include "aml/arena/limited.h"

#include <stdlib.h>

#include "aml/arena/internal/forward.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

_Static_assert(offsetof(struct aml_arena_limited, inner) ==
                   offsetof(struct aml_internal_forward_arena, inner),
               "begins as every arena over another");

static struct aml_arena_limited *self_of(struct aml_arena *arena) {
  return (struct aml_arena_limited *)arena;
}

static size_t larger(size_t a, size_t b) {
  return a > b ? a : b;
}

/** Sets a count that may be looked at without the lock. */
static void set(size_t *count, size_t value) {
  __atomic_store_n(count, value, __ATOMIC_RELAXED);
}

static size_t room(const size_t *limit, const size_t *used) {
  const size_t most = __atomic_load_n(limit, __ATOMIC_RELAXED);
  const size_t now = __atomic_load_n(used, __ATOMIC_RELAXED);
  return most > now ? most - now : 0;
}

static bool fits(const struct aml_arena_quota_state *state, size_t size, size_t count) {
  return size <= room(&state->size_limit, &state->size) &&
         count <= room(&state->count_limit, &state->count);
}

/** Counts what is more, or less by its complement; under the lock. */
static void count_more(struct aml_arena_limited *self, size_t size, size_t count) {
  struct aml_arena_quota_state *const state = &self->quota->state;
  set(&state->size, state->size + size);
  set(&state->count, state->count + count);
  self->size += size;
  self->count += count;
}

/** Notes that so much is live; under the lock. */
static void note_peaks(struct aml_arena_limited *self) {
  struct aml_arena_quota_state *const state = &self->quota->state;
  state->peak_size = larger(state->peak_size, state->size);
  state->peak_count = larger(state->peak_count, state->count);
  self->peak_size = larger(self->peak_size, self->size);
}

/** Charges a block, if the quota allows that. */
static bool claim(struct aml_arena_limited *self, size_t size) {
  aml_internal_lock_acquire(&self->quota->lock);
  const bool is_allowed = fits(&self->quota->state, size, 1);
  if (is_allowed) {
    count_more(self, size, 1);
    note_peaks(self);
  }
  aml_internal_lock_release(&self->quota->lock);
  return is_allowed;
}

static void unclaim(struct aml_arena_limited *self, size_t size, size_t count) {
  aml_internal_lock_acquire(&self->quota->lock);
  count_more(self, 0 - size, 0 - count);
  aml_internal_lock_release(&self->quota->lock);
}

/** Has the quota set aside what a block is to grow by, lest another thread has it meanwhile. */
static bool set_aside(struct aml_arena_quota *quota, size_t size) {
  aml_internal_lock_acquire(&quota->lock);
  const bool is_allowed = fits(&quota->state, size, 0);
  if (is_allowed)
    set(&quota->state.size, quota->state.size + size);
  aml_internal_lock_release(&quota->lock);
  return is_allowed;
}

/** Charges what a block has changed by, for which some was set aside. */
static void settle(struct aml_arena_limited *self, size_t aside, size_t old_size, size_t size) {
  struct aml_arena_quota_state *const state = &self->quota->state;
  aml_internal_lock_acquire(&self->quota->lock);
  set(&state->size, state->size - aside);
  count_more(self, size - old_size, 0);
  note_peaks(self);
  aml_internal_lock_release(&self->quota->lock);
}

/** Whether flags are known. A call with others is the inner arena's to refuse. */
static bool are_known(unsigned flags) {
  return (flags & ~(unsigned)AML_ARENA_ZERO) == 0;
}

static void *refuse(struct aml_arena_limited *self, const char *call, size_t size) {
  aml_internal_lock_acquire(&self->quota->lock);
  ++self->quota->state.refusals;
  aml_internal_lock_release(&self->quota->lock);
  (void)aml_error_set_value(-AML_ENOMEM, call, "size", size, "would go over a limit of the quota");
  return NULL;
}

/** What a block counts where the inner arena knows its size. */
static size_t size_of_known(const struct aml_arena_limited *self, const void *block) {
  return self->inner->ops->usable_size(self->inner, block);
}

/** What a block counts of which `size` bytes were asked for. */
static size_t size_of(const struct aml_arena_limited *self, const void *block, size_t size) {
  if (self->knows_size)
    return size_of_known(self, block);
  return size == 0 ? 1 : size;
}

static void *alloc(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
  static const char call[] = "aml_arena_alloc";
  struct aml_arena_limited *const self = self_of(arena);
  if (self->inner == NULL)
    return aml_arena_alloc(NULL, size, alignment, flags);
  if (are_known(flags) && !fits(&self->quota->state, size == 0 ? 1 : size, 1))
    return refuse(self, call, size);
  void *const block = aml_arena_alloc(self->inner, size, alignment, flags);
  if (block == NULL || claim(self, size_of(self, block, size)))
    return block;
  aml_arena_free(self->inner, block);
  return refuse(self, call, size);
}

static void free_block(struct aml_arena *arena, void *pointer) {
  struct aml_arena_limited *const self = self_of(arena);
  if (!self->can_free)
    return;
  const size_t size = size_of_known(self, pointer);
  aml_arena_free(self->inner, pointer);
  // What is no block is for the inner arena to tell of.
  if (size != 0)
    unclaim(self, size, 1);
}

static void *realloc_block(struct aml_arena *arena, void *pointer, size_t size, size_t alignment,
                           unsigned flags) {
  static const char call[] = "aml_arena_realloc";
  struct aml_arena_limited *const self = self_of(arena);
  if (!self->knows_size) {
    (void)aml_error_set(-AML_ENOTSUP, call, "arena", "does not know the sizes of its blocks");
    return NULL;
  }
  const size_t old_size = size_of_known(self, pointer);
  const size_t grown = are_known(flags) && size > old_size ? size - old_size : 0;
  if (!set_aside(self->quota, grown))
    return refuse(self, call, size);
  void *const block = aml_arena_realloc(self->inner, pointer, size, alignment, flags);
  settle(self, grown, old_size, block == NULL ? old_size : size_of_known(self, block));
  return block;
}

static void reset(struct aml_arena *arena) {
  struct aml_arena_limited *const self = self_of(arena);
  (void)!aml_arena_reset(self->inner);
  unclaim(self, self->size, self->count);
}

static unsigned capabilities(const struct aml_arena *arena) {
  const struct aml_arena_limited *const self = (const struct aml_arena_limited *)arena;
  unsigned can = aml_internal_forward_arena_capabilities(arena);
  if (self->inner != NULL && self->quota->lock.kind == AML_ARENA_LOCK_NONE)
    can &= ~(unsigned)AML_ARENA_THREAD_SAFE;
  return self->knows_size ? can : can & ~(unsigned)AML_ARENA_CAN_REALLOC;
}

static void stats(const struct aml_arena *arena, struct aml_arena_stats *result) {
  const struct aml_arena_limited *const self = (const struct aml_arena_limited *)arena;
  *result = (struct aml_arena_stats){.limit = AML_UNKNOWN};
  if (self->inner == NULL)
    return;
  (void)!aml_arena_get_stats(self->inner, result);
  aml_internal_lock_acquire(&self->quota->lock);
  result->live_count = self->count;
  result->live_size = self->size;
  result->peak_size = self->peak_size;
  aml_internal_lock_release(&self->quota->lock);
  if (result->metadata_size != AML_UNKNOWN)
    result->metadata_size += sizeof *self;
}

static int validate(const struct aml_arena *arena) {
  const struct aml_arena_limited *const self = (const struct aml_arena_limited *)arena;
  if (self->inner == NULL)
    return 0;
  aml_internal_lock_acquire(&self->quota->lock);
  const struct aml_arena_quota_state state = self->quota->state;
  const bool is_counted = self->size <= state.size && self->count <= state.count &&
                          self->count <= self->size && self->size <= self->peak_size;
  aml_internal_lock_release(&self->quota->lock);
  if (!is_counted)
    return aml_error_set(-AML_EINVAL, "aml_arena_validate", "arena",
                         "has other blocks than its quota counts");
  return aml_arena_validate(self->inner);
}

static void fini(struct aml_arena *arena) {
  struct aml_arena_limited *const self = self_of(arena);
  if (self->inner != NULL)
    unclaim(self, self->size, self->count);
  *self = (struct aml_arena_limited){.arena = {.ops = &aml_arena_limited_ops}};
}

const struct aml_arena_ops aml_arena_limited_ops = {
    .name = "limited",
    .fini = fini,
    .capabilities = capabilities,
    .stats = stats,
    .validate = validate,
    .alloc = alloc,
    .free = free_block,
    .realloc = realloc_block,
    .usable_size = aml_internal_forward_arena_usable_size,
    .owns = aml_internal_forward_arena_owns,
    .reset = reset,
    .trim = aml_internal_forward_arena_trim,
};

int aml_arena_limited_init(struct aml_arena *arena, struct aml_arena *inner,
                           struct aml_arena_quota *quota) {
  static const char call[] = "aml_arena_limited_init";
  const int err = aml_internal_forward_arena_check(call, arena, &aml_arena_limited_ops, inner);
  if (err)
    return err;
  if (quota == NULL)
    return aml_error_set(-AML_EINVAL, call, "quota", "is null");
  const unsigned can = aml_arena_capabilities(inner);
  const bool knows_size = (can & AML_ARENA_KNOWS_SIZE) != 0;
  const bool can_free = (can & AML_ARENA_CAN_FREE) != 0;
  if (can_free && !knows_size)
    return aml_error_set(
        -AML_EINVAL, call, "inner",
        "frees blocks without knowing their sizes, so that they cannot be counted");
  *self_of(arena) = (struct aml_arena_limited){.arena = {.ops = &aml_arena_limited_ops},
                                               .inner = inner,
                                               .quota = quota,
                                               .knows_size = knows_size,
                                               .can_free = can_free};
  return 0;
}

int aml_arena_limited_create(struct aml_arena **arena, struct aml_arena *inner,
                             struct aml_arena_quota *quota) {
  struct aml_arena *const made =
      aml_block_create("aml_arena_limited_create", "arena", arena, sizeof(struct aml_arena_limited),
                       &aml_arena_limited_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_arena_limited_init(made, inner, quota);
  if (err)
    free(made);
  else
    *arena = made;
  return err;
}

int aml_arena_quota_init(struct aml_arena_quota *quota,
                         const struct aml_arena_quota_options *options) {
  static const char call[] = "aml_arena_quota_init";
  static const struct aml_arena_quota_options defaults = {0};
  if (options == NULL)
    options = &defaults;
  if (quota == NULL)
    return aml_error_set(-AML_EINVAL, call, "quota", "is null");
  const int err = aml_internal_lock_init(&quota->lock, call, options->lock);
  if (!err)
    quota->state = (struct aml_arena_quota_state){
        .size_limit = options->size == 0 ? SIZE_MAX : options->size,
        .count_limit = options->count == 0 ? SIZE_MAX : options->count};
  return err;
}

void aml_arena_quota_fini(struct aml_arena_quota *quota) {
  if (quota == NULL)
    return;
  if (quota->state.size_limit != 0)
    aml_internal_lock_fini(&quota->lock);
  *quota = (struct aml_arena_quota){0};
}

int aml_arena_quota_get(struct aml_arena_quota *quota, struct aml_arena_quota_state *state) {
  if (quota == NULL || state == NULL)
    return aml_error_set(-AML_EINVAL, "aml_arena_quota_get", quota == NULL ? "quota" : "state",
                         "is null");
  aml_internal_lock_acquire(&quota->lock);
  *state = quota->state;
  aml_internal_lock_release(&quota->lock);
  return 0;
}

int aml_arena_quota_set_limits(struct aml_arena_quota *quota, size_t size, size_t count) {
  if (quota == NULL)
    return aml_error_set(-AML_EINVAL, "aml_arena_quota_set_limits", "quota", "is null");
  aml_internal_lock_acquire(&quota->lock);
  set(&quota->state.size_limit, size == 0 ? SIZE_MAX : size);
  set(&quota->state.count_limit, count == 0 ? SIZE_MAX : count);
  aml_internal_lock_release(&quota->lock);
  return 0;
}
