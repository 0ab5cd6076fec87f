// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/arena.h"

#include <stdlib.h>

#include "aml/core/checked.h"

// The hot functions are inline in the header; this is where their symbols live.
extern inline void *aml_arena_alloc(struct aml_arena *arena, size_t size, size_t alignment,
                                    unsigned flags);
extern inline void aml_arena_free(struct aml_arena *arena, void *pointer);

static int not_supported(const char *call) {
  return aml_error_set(-AML_ENOTSUP, call, "arena", "is of a type that cannot do this");
}

static int refuse_null(const char *call, const char *argument) {
  return aml_error_set(-AML_EINVAL, call, argument, "is null");
}

void *aml_arena_refuse_alloc(const struct aml_arena *arena, size_t alignment) {
  if (arena == NULL)
    (void)refuse_null("aml_arena_alloc", "arena");
  else
    (void)aml_error_set_value(-AML_EINVAL, "aml_arena_alloc", "alignment", alignment,
                              "is not a power of two");
  return NULL;
}

void *aml_arena_realloc(struct aml_arena *arena, void *pointer, size_t size, size_t alignment,
                        unsigned flags) {
  static const char call[] = "aml_arena_realloc";
  if (alignment == 0)
    alignment = AML_ARENA_ALIGNMENT;
  if (arena == NULL)
    (void)refuse_null(call, "arena");
  else if (!aml_is_power_of_two(alignment))
    (void)aml_error_set_value(-AML_EINVAL, call, "alignment", alignment, "is not a power of two");
  else if (pointer == NULL)
    return arena->ops->alloc(arena, size, alignment, flags);
  else if (size == 0)
    (void)aml_error_set(-AML_EINVAL, call, "size", "is 0");
  else if (arena->ops->realloc == NULL)
    (void)not_supported(call);
  else
    return arena->ops->realloc(arena, pointer, size, alignment, flags);
  return NULL;
}

size_t aml_arena_usable_size(const struct aml_arena *arena, const void *pointer) {
  if (arena == NULL || pointer == NULL || arena->ops->usable_size == NULL)
    return 0;
  return arena->ops->usable_size(arena, pointer);
}

bool aml_arena_owns(const struct aml_arena *arena, const void *pointer) {
  if (arena == NULL || pointer == NULL || arena->ops->owns == NULL)
    return false;
  return arena->ops->owns(arena, pointer);
}

int aml_arena_reset(struct aml_arena *arena) {
  if (arena == NULL)
    return refuse_null("aml_arena_reset", "arena");
  // An arena over another has the operation whether the other can or not.
  if (arena->ops->reset == NULL || (arena->ops->capabilities(arena) & AML_ARENA_CAN_RESET) == 0)
    return not_supported("aml_arena_reset");
  arena->ops->reset(arena);
  return 0;
}

int aml_arena_trim(struct aml_arena *arena, size_t keep, size_t *released) {
  size_t unwanted;
  if (arena == NULL)
    return refuse_null("aml_arena_trim", "arena");
  if (arena->ops->trim == NULL)
    return not_supported("aml_arena_trim");
  return arena->ops->trim(arena, keep, released == NULL ? &unwanted : released);
}

size_t aml_arena_alloc_batch(struct aml_arena *arena, size_t size, size_t alignment, unsigned flags,
                             size_t count, void *pointers[]) {
  static const char call[] = "aml_arena_alloc_batch";
  if (alignment == 0)
    alignment = AML_ARENA_ALIGNMENT;
  if (arena == NULL || pointers == NULL) {
    (void)refuse_null(call, arena == NULL ? "arena" : "pointers");
    return 0;
  }
  if (!aml_is_power_of_two(alignment)) {
    (void)aml_error_set_value(-AML_EINVAL, call, "alignment", alignment, "is not a power of two");
    return 0;
  }
  if (arena->ops->alloc_batch != NULL)
    return arena->ops->alloc_batch(arena, size, alignment, flags, count, pointers);
  size_t got = 0;
  while (got < count) {
    void *const pointer = arena->ops->alloc(arena, size, alignment, flags);
    if (pointer == NULL)
      break;
    pointers[got++] = pointer;
  }
  return got;
}

void aml_arena_free_batch(struct aml_arena *arena, size_t count, void *const pointers[]) {
  if (arena == NULL || pointers == NULL)
    return;
  if (arena->ops->free_batch != NULL) {
    arena->ops->free_batch(arena, count, pointers);
    return;
  }
  for (size_t i = 0; i < count; ++i)
    aml_arena_free(arena, pointers[i]);
}

unsigned aml_arena_capabilities(const struct aml_arena *arena) {
  return arena == NULL ? 0 : arena->ops->capabilities(arena);
}

int aml_arena_get_stats(const struct aml_arena *arena, struct aml_arena_stats *stats) {
  if (arena == NULL || stats == NULL)
    return refuse_null("aml_arena_get_stats", arena == NULL ? "arena" : "stats");
  arena->ops->stats(arena, stats);
  return 0;
}

int aml_arena_validate(const struct aml_arena *arena) {
  if (arena == NULL)
    return refuse_null("aml_arena_validate", "arena");
  return arena->ops->validate(arena);
}

void aml_arena_fini(struct aml_arena *arena) {
  if (arena != NULL)
    arena->ops->fini(arena);
}

void aml_arena_destroy(struct aml_arena **arena) {
  if (arena == NULL)
    return;
  aml_arena_fini(*arena);
  free(*arena);
  *arena = NULL;
}
