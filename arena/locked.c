// SPDX-License-Identifier: BSD-3-Clause
//
// Each operation is that of the arena below, with the lock held. The generic functions check what
// the arena below can do, and say so.

#include "aml/arena/locked.h"

#include <stdlib.h>

#include "aml/arena/internal/forward.h"
#include "aml/core/create.h"

_Static_assert(offsetof(struct aml_arena_locked, inner) ==
                   offsetof(struct aml_internal_forward_arena, inner),
               "begins as every arena over another");

/** Takes the lock. Returns: the arena below. */
static struct aml_arena *enter(const struct aml_arena *arena) {
  struct aml_arena_locked *const self = (struct aml_arena_locked *)arena;
  aml_internal_lock_acquire(&self->lock);
  return self->inner;
}

static void leave(const struct aml_arena *arena) {
  aml_internal_lock_release(&((struct aml_arena_locked *)arena)->lock);
}

static void *alloc(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
  void *const block = aml_arena_alloc(enter(arena), size, alignment, flags);
  leave(arena);
  return block;
}

static void free_block(struct aml_arena *arena, void *pointer) {
  aml_arena_free(enter(arena), pointer);
  leave(arena);
}

static void *realloc_block(struct aml_arena *arena, void *pointer, size_t size, size_t alignment,
                           unsigned flags) {
  void *const block = aml_arena_realloc(enter(arena), pointer, size, alignment, flags);
  leave(arena);
  return block;
}

static size_t alloc_batch(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags,
                          size_t count, void *pointers[]) {
  const size_t got = aml_arena_alloc_batch(enter(arena), size, alignment, flags, count, pointers);
  leave(arena);
  return got;
}

static void free_batch(struct aml_arena *arena, size_t count, void *const pointers[]) {
  aml_arena_free_batch(enter(arena), count, pointers);
  leave(arena);
}

static size_t usable_size(const struct aml_arena *arena, const void *pointer) {
  const size_t size = aml_arena_usable_size(enter(arena), pointer);
  leave(arena);
  return size;
}

static bool owns(const struct aml_arena *arena, const void *pointer) {
  const bool is_own = aml_arena_owns(enter(arena), pointer);
  leave(arena);
  return is_own;
}

static void reset(struct aml_arena *arena) {
  // It can, or this would not be called.
  (void)!aml_arena_reset(enter(arena));
  leave(arena);
}

static int trim(struct aml_arena *arena, size_t keep, size_t *released) {
  const int err = aml_arena_trim(enter(arena), keep, released);
  leave(arena);
  return err;
}

static void stats(const struct aml_arena *arena, struct aml_arena_stats *result) {
  *result = (struct aml_arena_stats){.limit = AML_UNKNOWN};
  (void)!aml_arena_get_stats(enter(arena), result);
  leave(arena);
}

static int validate(const struct aml_arena *arena) {
  const int err = aml_arena_validate(enter(arena));
  leave(arena);
  return err;
}

static unsigned capabilities(const struct aml_arena *arena) {
  const struct aml_arena_locked *const self = (const struct aml_arena_locked *)arena;
  const unsigned inner = aml_internal_forward_arena_capabilities(arena);
  return self->lock.kind == AML_ARENA_LOCK_NONE ? inner : inner | AML_ARENA_THREAD_SAFE;
}

static void fini(struct aml_arena *arena) {
  struct aml_arena_locked *const self = (struct aml_arena_locked *)arena;
  if (self->inner != NULL)
    aml_internal_lock_fini(&self->lock);
  *self = (struct aml_arena_locked){.arena = {.ops = &aml_arena_locked_ops}};
}

const struct aml_arena_ops aml_arena_locked_ops = {
    .name = "locked",
    .fini = fini,
    .capabilities = capabilities,
    .stats = stats,
    .validate = validate,
    .alloc = alloc,
    .free = free_block,
    .realloc = realloc_block,
    .usable_size = usable_size,
    .owns = owns,
    .reset = reset,
    .trim = trim,
    .alloc_batch = alloc_batch,
    .free_batch = free_batch,
};

int aml_arena_locked_init(struct aml_arena *arena, struct aml_arena *inner,
                          const struct aml_arena_locked_options *options) {
  static const char call[] = "aml_arena_locked_init";
  static const struct aml_arena_locked_options defaults = {0};
  struct aml_arena_locked *const self = (struct aml_arena_locked *)arena;
  if (options == NULL)
    options = &defaults;
  int err = aml_internal_forward_arena_check(call, arena, &aml_arena_locked_ops, inner);
  if (!err)
    err = aml_internal_lock_init(&self->lock, call, options->lock);
  if (!err)
    self->inner = inner;
  return err;
}

int aml_arena_locked_create(struct aml_arena **arena, struct aml_arena *inner,
                            const struct aml_arena_locked_options *options) {
  struct aml_arena *const made =
      aml_block_create("aml_arena_locked_create", "arena", arena, sizeof(struct aml_arena_locked),
                       &aml_arena_locked_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_arena_locked_init(made, inner, options);
  if (err)
    free(made);
  else
    *arena = made;
  return err;
}
