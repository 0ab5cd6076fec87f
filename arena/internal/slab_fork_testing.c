// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/slab_fork_testing.h"

#include "aml/arena/internal/slab_cache.h"
#include "aml/arena/slab.h"

int *aml_testing_slab_caches_lock(const struct aml_arena *arena) {
  return &((const struct aml_arena_slab *)arena)->state->caches_lock.word;
}
