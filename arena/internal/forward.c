// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/forward.h"

#include "aml/core/error.h"

static struct aml_arena *inner_of(const struct aml_arena *arena) {
  return ((const struct aml_internal_forward_arena *)arena)->inner;
}

unsigned aml_internal_forward_arena_capabilities(const struct aml_arena *arena) {
  return aml_arena_capabilities(inner_of(arena));
}

size_t aml_internal_forward_arena_usable_size(const struct aml_arena *arena, const void *pointer) {
  return aml_arena_usable_size(inner_of(arena), pointer);
}

bool aml_internal_forward_arena_owns(const struct aml_arena *arena, const void *pointer) {
  return aml_arena_owns(inner_of(arena), pointer);
}

int aml_internal_forward_arena_trim(struct aml_arena *arena, size_t keep, size_t *released) {
  return aml_arena_trim(inner_of(arena), keep, released);
}

int aml_internal_forward_arena_check(const char *call, const struct aml_arena *arena,
                                     const struct aml_arena_ops *ops,
                                     const struct aml_arena *inner) {
  if (arena == NULL || arena->ops != ops)
    return aml_error_set(-AML_EINVAL, call, "arena",
                         "is null, or was not declared by its type's _DECL");
  if (inner == NULL || inner == arena)
    return aml_error_set(-AML_EINVAL, call, "inner", "is null, or the arena itself");
  return 0;
}
