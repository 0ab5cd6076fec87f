// SPDX-License-Identifier: BSD-3-Clause
//
// Batches of one class's blocks that threads of an arena:slab have given back and will take again,
// so that neither looks at spans. Who gives and takes gets what it gave, which lies in the caches
// of its own processor if in any, and what others gave only where that is much.
//
// Threads: one at a time.

#ifndef AML_ARENA_INTERNAL_SLAB_DEPOT_H
#define AML_ARENA_INTERNAL_SLAB_DEPOT_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { AML_INTERNAL_SLAB_DEPOT_BATCHES = 4 };

/** A depot; blocks are behind it. This is one cache line, since threads wait for it. */
struct aml_internal_slab_depot {
  /** Who gave the first blocks of a batch since it was last empty, and has not found it empty
   * since; compared only, as it may be gone. */
  alignas(64) const void *givers[AML_INTERNAL_SLAB_DEPOT_BATCHES];
  uint16_t counts[AML_INTERNAL_SLAB_DEPOT_BATCHES]; /**< of blocks in a batch */
  uint16_t count;                                   /**< of all */
  uint16_t room;                                    /**< the most blocks of a batch */
  bool is_open;                                     /**< false: nobody takes what is given back */
};

/** The blocks of a batch; the last came last. */
static inline void **aml_internal_slab_depot_batch(struct aml_internal_slab_depot *depot,
                                                   unsigned batch) {
  return (void **)(depot + 1) + (size_t)batch * depot->room;
}

/** Make one that is closed; null if there is no memory. It is ended by free(). */
struct aml_internal_slab_depot *aml_internal_slab_make_depot(size_t room);

/** The bytes of a depot. */
size_t aml_internal_slab_depot_size(size_t room);

/** Close it, and forget what it holds. */
void aml_internal_slab_close_depot(struct aml_internal_slab_depot *depot);

/** Take blocks; `taker` is null, or may give as well. Returns: how many, `count` at most. */
size_t aml_internal_slab_depot_take(struct aml_internal_slab_depot *depot, const void *taker,
                                    size_t count, void **blocks);

/** Give blocks, rather to a batch that `giver` gave. Returns: whether there was room for all. */
bool aml_internal_slab_depot_give(struct aml_internal_slab_depot *depot, const void *giver,
                                  size_t count, void *const *blocks);

/** Whether it counts its blocks right. */
bool aml_internal_slab_is_depot_right(const struct aml_internal_slab_depot *depot);

#ifdef __cplusplus
}
#endif

#endif
