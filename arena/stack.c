// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/stack.h"

#include <stdlib.h>
#include <string.h>

#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

static struct aml_arena_stack *stack_of(struct aml_arena *arena) {
  return (struct aml_arena_stack *)arena;
}

static const struct aml_arena_stack *const_stack_of(const struct aml_arena *arena) {
  return (const struct aml_arena_stack *)arena;
}

/** Returns the arena that a block came from, or null. */
static struct aml_arena *owner_of(const struct aml_arena_stack *stack, const void *pointer) {
  for (size_t i = 0; i < stack->count; ++i)
    if (aml_arena_owns(stack->arenas[i], pointer))
      return stack->arenas[i];
  return NULL;
}

static bool can(const struct aml_arena *arena, unsigned all) {
  return (aml_arena_capabilities(arena) & all) == all;
}

static void *alloc(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
  const struct aml_arena_stack *const stack = stack_of(arena);
  if (stack->count == 0)
    (void)aml_error_set(-AML_EINVAL, "aml_arena_alloc", "arena", "is not initialised");
  for (size_t i = 0; i < stack->count; ++i) {
    void *const block = aml_arena_alloc(stack->arenas[i], size, alignment, flags);
    if (block != NULL)
      return block;
    if (aml_error_code() == -AML_EINVAL)
      break;
  }
  return NULL;
}

static size_t alloc_batch(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags,
                          size_t count, void *pointers[]) {
  const struct aml_arena_stack *const stack = stack_of(arena);
  size_t got = 0;
  if (stack->count == 0)
    (void)aml_error_set(-AML_EINVAL, "aml_arena_alloc_batch", "arena", "is not initialised");
  for (size_t i = 0; i < stack->count && got < count; ++i) {
    got += aml_arena_alloc_batch(stack->arenas[i], size, alignment, flags, count - got,
                                 pointers + got);
    if (got < count && aml_error_code() == -AML_EINVAL)
      break;
  }
  return got;
}

static void free_block(struct aml_arena *arena, void *pointer) {
  struct aml_arena *const owner = owner_of(stack_of(arena), pointer);
  if (owner != NULL)
    aml_arena_free(owner, pointer);
}

/** Moves a block to the first arena, but for one, that takes it; null, and why not the last. */
static void *move(const struct aml_arena_stack *stack, struct aml_arena *owner,
                  const struct aml_arena *refused, void *pointer, size_t size, size_t alignment,
                  unsigned flags) {
  const size_t old_size = aml_arena_usable_size(owner, pointer);
  for (size_t i = 0; i < stack->count; ++i) {
    struct aml_arena *const other = stack->arenas[i];
    if (other == refused || !can(other, AML_ARENA_HOST_MEMORY))
      continue;
    void *const moved = aml_arena_alloc(other, size, alignment, flags);
    if (moved == NULL)
      continue;
    memcpy(moved, pointer, size < old_size ? size : old_size);
    aml_arena_free(owner, pointer);
    return moved;
  }
  return NULL;
}

static void *realloc_block(struct aml_arena *arena, void *pointer, size_t size, size_t alignment,
                           unsigned flags) {
  const struct aml_arena_stack *const stack = stack_of(arena);
  struct aml_arena *const owner = owner_of(stack, pointer);
  if (owner == NULL) {
    (void)aml_error_set(-AML_EINVAL, "aml_arena_realloc", "pointer", "is of none of the arenas");
    return NULL;
  }
  void *const block = aml_arena_realloc(owner, pointer, size, alignment, flags);
  if (block != NULL || aml_error_code() == -AML_EINVAL ||
      !can(owner, AML_ARENA_HOST_MEMORY | AML_ARENA_KNOWS_SIZE))
    return block;
  const struct aml_arena *const refused = can(owner, AML_ARENA_CAN_REALLOC) ? owner : NULL;
  return move(stack, owner, refused, pointer, size, alignment, flags);
}

static size_t usable_size(const struct aml_arena *arena, const void *pointer) {
  return aml_arena_usable_size(owner_of(const_stack_of(arena), pointer), pointer);
}

static bool owns(const struct aml_arena *arena, const void *pointer) {
  return owner_of(const_stack_of(arena), pointer) != NULL;
}

static void reset(struct aml_arena *arena) {
  const struct aml_arena_stack *const stack = stack_of(arena);
  for (size_t i = 0; i < stack->count; ++i)
    (void)!aml_arena_reset(stack->arenas[i]);
}

/** Bytes that an arena holds beyond its live blocks, so far as it knows. */
static size_t spare_size(const struct aml_arena *arena) {
  struct aml_arena_stats stats = {0};
  (void)!aml_arena_get_stats(arena, &stats);
  if (stats.reserved_size == AML_UNKNOWN)
    return 0;
  const uint64_t live = stats.live_size == AML_UNKNOWN ? 0 : stats.live_size;
  return stats.reserved_size > live ? (size_t)(stats.reserved_size - live) : 0;
}

static int trim(struct aml_arena *arena, size_t keep, size_t *released) {
  const struct aml_arena_stack *const stack = stack_of(arena);
  size_t gone = 0;
  int err = 0;
  for (size_t i = 0; i < stack->count && !err; ++i) {
    size_t released_here = 0;
    if (can(stack->arenas[i], AML_ARENA_CAN_TRIM))
      err = aml_arena_trim(stack->arenas[i], keep, &released_here);
    gone += released_here;
    const size_t kept = spare_size(stack->arenas[i]);
    keep = keep > kept ? keep - kept : 0;
  }
  *released = gone;
  return err;
}

static unsigned capabilities(const struct aml_arena *arena) {
  const struct aml_arena_stack *const stack = const_stack_of(arena);
  unsigned all = stack->count == 0 ? 0 : ~0U;
  unsigned any = 0;
  bool can_realloc = stack->count != 0;
  for (size_t i = 0; i < stack->count; ++i) {
    all &= aml_arena_capabilities(stack->arenas[i]);
    any |= aml_arena_capabilities(stack->arenas[i]);
    can_realloc =
        can_realloc && (can(stack->arenas[i], AML_ARENA_CAN_REALLOC) ||
                        can(stack->arenas[i], AML_ARENA_HOST_MEMORY | AML_ARENA_KNOWS_SIZE));
  }
  const unsigned of_any = AML_ARENA_IN_BAND | AML_ARENA_CAN_TRIM;
  const unsigned result = (all & ~of_any) | (any & of_any);
  return can_realloc ? result | AML_ARENA_CAN_REALLOC : result & ~(unsigned)AML_ARENA_CAN_REALLOC;
}

/** Adds, unless one is not known. */
static uint64_t sum(uint64_t a, uint64_t b) {
  return a == AML_UNKNOWN || b == AML_UNKNOWN ? AML_UNKNOWN : a + b;
}

static void stats(const struct aml_arena *arena, struct aml_arena_stats *result) {
  const struct aml_arena_stack *const stack = const_stack_of(arena);
  *result = (struct aml_arena_stats){.metadata_size =
                                         sizeof *stack + stack->count * sizeof(struct aml_arena *)};
  for (size_t i = 0; i < stack->count; ++i) {
    struct aml_arena_stats one = {0};
    (void)!aml_arena_get_stats(stack->arenas[i], &one);
    result->live_count = sum(result->live_count, one.live_count);
    result->live_size = sum(result->live_size, one.live_size);
    result->peak_size = stack->count == 1 ? one.peak_size : AML_UNKNOWN;
    result->reserved_size = sum(result->reserved_size, one.reserved_size);
    result->metadata_size = sum(result->metadata_size, one.metadata_size);
    result->limit = sum(result->limit, one.limit);
  }
}

static int validate(const struct aml_arena *arena) {
  const struct aml_arena_stack *const stack = const_stack_of(arena);
  int err = 0;
  for (size_t i = 0; i < stack->count && !err; ++i)
    err = aml_arena_validate(stack->arenas[i]);
  return err;
}

static void fini(struct aml_arena *arena) {
  free(stack_of(arena)->arenas);
  *stack_of(arena) = (struct aml_arena_stack){.arena = {.ops = &aml_arena_stack_ops}};
}

const struct aml_arena_ops aml_arena_stack_ops = {
    .name = "stack",
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
};

static int check_arena(const char *call, const struct aml_arena *arena, size_t count,
                       struct aml_arena *const arenas[]) {
  const struct aml_arena *const last = arenas[count - 1];
  if (last == NULL || last == arena)
    return aml_error_set_value(-AML_EINVAL, call, "arenas", count - 1,
                               "is null, or the arena itself");
  if (!can(last, AML_ARENA_KNOWS_OWN))
    return aml_error_set_value(-AML_EINVAL, call, "arenas", count - 1,
                               "cannot tell which blocks are its own");
  for (size_t i = 0; i + 1 < count; ++i)
    if (arenas[i] == last)
      return aml_error_set_value(-AML_EINVAL, call, "arenas", count - 1, "is there twice");
  return 0;
}

int aml_arena_stack_init(struct aml_arena *arena, size_t count, struct aml_arena *const arenas[]) {
  static const char call[] = "aml_arena_stack_init";
  size_t size = 0;
  if (arena == NULL || arena->ops != &aml_arena_stack_ops)
    return aml_error_set(-AML_EINVAL, call, "arena",
                         "is null, or was not declared by AML_ARENA_STACK_DECL");
  if (count == 0 || arenas == NULL)
    return aml_error_set(-AML_EINVAL, call, count == 0 ? "count" : "arenas",
                         count == 0 ? "is 0" : "is null");
  for (size_t i = 1; i <= count; ++i) {
    const int err = check_arena(call, arena, i, arenas);
    if (err)
      return err;
  }
  struct aml_arena **const list =
      aml_checked_multiply(count, sizeof(struct aml_arena *), &size) ? malloc(size) : NULL;
  if (list == NULL)
    return aml_error_set(-AML_ENOMEM, call, NULL, "no memory for the list of arenas");
  memcpy(list, arenas, size);
  stack_of(arena)->count = count;
  stack_of(arena)->arenas = list;
  return 0;
}

int aml_arena_stack_create(struct aml_arena **arena, size_t count,
                           struct aml_arena *const arenas[]) {
  struct aml_arena *const made =
      aml_block_create("aml_arena_stack_create", "arena", arena, sizeof(struct aml_arena_stack),
                       &aml_arena_stack_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_arena_stack_init(made, count, arenas);
  if (err)
    free(made);
  else
    *arena = made;
  return err;
}

int aml_arena_stack_index_of(const struct aml_arena *arena, const void *pointer, size_t *index) {
  static const char call[] = "aml_arena_stack_index_of";
  if (arena == NULL || arena->ops != &aml_arena_stack_ops)
    return aml_error_set(-AML_EINVAL, call, "arena", "is null, or no stack");
  if (pointer == NULL || index == NULL)
    return aml_error_set(-AML_EINVAL, call, pointer == NULL ? "pointer" : "index", "is null");
  for (size_t i = 0; i < const_stack_of(arena)->count; ++i)
    if (aml_arena_owns(const_stack_of(arena)->arenas[i], pointer)) {
      *index = i;
      return 0;
    }
  return aml_error_set(-AML_ENOENT, call, "pointer", "is of none of the arenas");
}
