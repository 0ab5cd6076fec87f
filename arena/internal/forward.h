// SPDX-License-Identifier: BSD-3-Clause
//
// What arenas over others share: operations that do the same to the arena below. Such an arena's
// struct begins as struct aml_internal_forward_arena does, and its table names these for all that
// it does not change.
//
// Threads: as the arena below.

#ifndef AML_ARENA_INTERNAL_FORWARD_H
#define AML_ARENA_INTERNAL_FORWARD_H

#include <stdbool.h>
#include <stddef.h>

#include "aml/core/arena.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_internal_forward_arena {
  struct aml_arena arena;
  struct aml_arena *inner; /**< borrowed */
};

unsigned aml_internal_forward_arena_capabilities(const struct aml_arena *arena);
size_t aml_internal_forward_arena_usable_size(const struct aml_arena *arena, const void *pointer);
bool aml_internal_forward_arena_owns(const struct aml_arena *arena, const void *pointer);
int aml_internal_forward_arena_trim(struct aml_arena *arena, size_t keep, size_t *released);

/**
 * What each _init of an arena over another begins with.
 *
 * Returns: 0; -AML_EINVAL if `arena` is null or its table is not `ops`, or `inner` is null or
 * `arena` itself.
 */
int aml_internal_forward_arena_check(const char *call, const struct aml_arena *arena,
                                     const struct aml_arena_ops *ops,
                                     const struct aml_arena *inner);

#ifdef __cplusplus
}
#endif

#endif
