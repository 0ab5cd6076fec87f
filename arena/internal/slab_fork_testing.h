// SPDX-License-Identifier: BSD-3-Clause
//
// What a test of arena:slab needs to stop a thread in the midst of ending an arena.

#ifndef AML_ARENA_INTERNAL_SLAB_FORK_TESTING_H
#define AML_ARENA_INTERNAL_SLAB_FORK_TESTING_H

#include "aml/core/arena.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The lock over a slab arena's list of caches: 0 open, 1 taken, 2 taken and somebody may sleep. */
int *aml_testing_slab_caches_lock(const struct aml_arena *arena);

#ifdef __cplusplus
}
#endif

#endif
