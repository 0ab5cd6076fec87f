// SPDX-License-Identifier: BSD-3-Clause
//
// Blocks of arena:slab that are in no thread's cache: for each class its spans, and a depot, where
// batches that one thread gives back wait for another one to take them, so that neither looks at
// spans. Depots are for classes of smaller blocks that are taken and given back in turn, where more
// than one thread does so.
//
// Blocks are taken from the span that has the fewest free ones, as far as three lists tell, so that
// sparse spans run empty.
//
// Threads: thread-safe, by a lock for each class. The order of locks is: purge_lock, groups_lock, a
// class's, the heap's.

#ifndef AML_ARENA_INTERNAL_SLAB_BINS_H
#define AML_ARENA_INTERNAL_SLAB_BINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/arena/internal/slab_classes.h"
#include "aml/arena/internal/slab_depot.h"
#include "aml/arena/internal/slab_heap.h"
#include "aml/arena/internal/slab_lock.h"
#include "aml/arena/internal/slab_span.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  AML_INTERNAL_SLAB_GROUP = 8, /**< classes */
  AML_INTERNAL_SLAB_GROUPS = AML_INTERNAL_SLAB_CLASS_COUNT / AML_INTERNAL_SLAB_GROUP
};

/** A class. live_count == the blocks of its spans that are not free, those in the depot too. */
struct aml_internal_slab_bin {
  struct aml_internal_slab_lock lock;
  struct aml_internal_slab_span *lists[AML_INTERNAL_SLAB_LISTS]; /**< that have free blocks */
  struct aml_internal_slab_span *candidates;
  struct aml_internal_slab_depot *depot; /**< null: not wanted so far */
  size_t live_count;
  size_t block_count; /**< of its spans, live or free */
  bool is_sparse;     /**< so many of these are free that they should be gathered; atomic */
  uint32_t spilled;   /**< whether spans got what a depot might have held, since the last take */
  uint32_t streak;    /**< how often they have since */
};

/** Classes that come to be at once. */
struct aml_internal_slab_group {
  struct aml_internal_slab_bin bins[AML_INTERNAL_SLAB_GROUP];
};

/** What tells that a program fills the arena and empties it in a loop; under purge_lock. */
struct aml_internal_slab_loop {
  size_t seen_size;   /**< live_size when memory was last given back, or that was put off */
  size_t peak;        /**< the most that was live in a round */
  unsigned rises;     /**< of live bytes in a row, each soon after they had sunk */
  unsigned smaller;   /**< of these, the last ones to less than the peak */
  bool has_sunk;      /**< whether live bytes have by much, since they last rose; atomic */
  int64_t put_off_ns; /**< when giving back was put off, as they had risen; 0: it was not; atomic */
};

struct aml_internal_slab_bins {
  struct aml_internal_slab_heap heap;
  struct aml_internal_slab_lock purge_lock; /**< held by who gives memory back */
  size_t live_size;                         /**< of blocks out of spans, bytes; atomic */
  size_t mark;          /**< the most that it was since memory was last to be given back; atomic */
  size_t gathered_size; /**< bytes given back to spans of sparse classes since then; atomic */
  size_t purged_size;   /**< live_size when memory was last given back */
  int64_t purged_ns;    /**< and when that was */
  struct aml_internal_slab_loop loop;
  bool sinks;           /**< whether live bytes had sunk when memory was last given back; atomic */
  bool is_thin;         /**< whether they were little then of their spans; atomic */
  bool keeps;           /**< memory until trim */
  bool is_shared;       /**< there have been two caches at once; atomic */
  size_t metadata_size; /**< of groups and depots; atomic */
  struct aml_internal_slab_lock groups_lock;                        /**< held by who makes one */
  struct aml_internal_slab_group *groups[AML_INTERNAL_SLAB_GROUPS]; /**< atomic; null: no blocks */
};

/** A class, of which there may have been no blocks yet: then null. */
static inline struct aml_internal_slab_bin *
aml_internal_slab_bin_of(const struct aml_internal_slab_bins *bins, unsigned class_index) {
  struct aml_internal_slab_group *const group =
      __atomic_load_n(&bins->groups[class_index / AML_INTERNAL_SLAB_GROUP], __ATOMIC_ACQUIRE);
  return group == NULL ? NULL : &group->bins[class_index % AML_INTERNAL_SLAB_GROUP];
}

/**
 * Take blocks of a class.
 *
 * @param taker   whose they are from now on: null, or a cache.
 * @param count   at least 1.
 * @param blocks  the blocks, so that the last has the lowest address as far as they are neighbours.
 *
 * Returns: how many there are, fewer than count where that saves a new span; 0 with a sentence on
 * aml_arena_alloc().
 */
size_t aml_internal_slab_take_blocks(struct aml_internal_slab_bins *bins, unsigned class_index,
                                     const void *taker, size_t count, void **blocks);

/**
 * Take a new span's block, of a class of which a span is one block.
 *
 * @param clean  words, at first 0, for a bit for each unit that is clean.
 *
 * Returns: the block; null with a sentence on aml_arena_alloc().
 */
void *aml_internal_slab_take_whole(struct aml_internal_slab_bins *bins, unsigned class_index,
                                   uint64_t *clean);

/** Whether threads should keep few blocks of a class, so that its spans run empty or full. */
static inline bool aml_internal_slab_is_sparse(const struct aml_internal_slab_bins *bins,
                                               unsigned class_index) {
  const struct aml_internal_slab_bin *const bin = aml_internal_slab_bin_of(bins, class_index);
  return bin != NULL && __atomic_load_n(&bin->is_sparse, __ATOMIC_RELAXED);
}

/** Whether live bytes have sunk by much, and not risen since. */
static inline bool aml_internal_slab_has_sunk(const struct aml_internal_slab_bins *bins) {
  return __atomic_load_n(&bins->loop.has_sunk, __ATOMIC_RELAXED);
}

/** Count bytes that are live from now on. */
void aml_internal_slab_count_live(struct aml_internal_slab_bins *bins, size_t size);

/** Give blocks of a class back; `giver` as above. Returns: whether a depot holds them. */
bool aml_internal_slab_give_blocks(struct aml_internal_slab_bins *bins, unsigned class_index,
                                   const void *giver, size_t count, void *const *blocks);

/**
 * Give memory back to the area if much has become free since that was last done. Returns: whether
 * it was done since live bytes have sunk, so that caches might keep less.
 */
bool aml_internal_slab_decay(struct aml_internal_slab_bins *bins);

/** Give back all that holds no block, as trim does, but for caches. */
int aml_internal_slab_bins_trim(struct aml_internal_slab_bins *bins, size_t keep, size_t *released);

/** Give what depots hold back to spans. Returns: how many blocks. */
size_t aml_internal_slab_empty_depots(struct aml_internal_slab_bins *bins);

/** Count live blocks of classes, caches' too, and their bytes. */
void aml_internal_slab_count_blocks(struct aml_internal_slab_bins *bins, uint64_t *count,
                                    uint64_t *size);

/** As if all blocks were given back; nobody else is in a call. */
void aml_internal_slab_bins_reset(struct aml_internal_slab_bins *bins);

/** Free classes and depots; the heap is the caller's. */
void aml_internal_slab_bins_fini(struct aml_internal_slab_bins *bins);

/** Walk all, the heap too. Returns: null; or the invariant that is broken. */
const char *aml_internal_slab_bins_check(struct aml_internal_slab_bins *bins);

/** Give blocks back to their spans, under the class's lock. */
void aml_internal_slab_give_to_spans(struct aml_internal_slab_bins *bins, unsigned class_index,
                                     size_t count, void *const *blocks);

/** Take a span out of the candidates, under the class's lock, if it is among them. */
void aml_internal_slab_unlink_candidate(struct aml_internal_slab_bin *bin,
                                        struct aml_internal_slab_span *span);

/** Take all locks, in order; and give them back. Around fork(), and for a check. */
void aml_internal_slab_bins_lock(struct aml_internal_slab_bins *bins);
void aml_internal_slab_bins_unlock(struct aml_internal_slab_bins *bins);

#ifdef __cplusplus
}
#endif

#endif
