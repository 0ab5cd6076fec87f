// SPDX-License-Identifier: BSD-3-Clause
//
// The scratchpad interface. A scratchpad uses memory of one area as an explicitly managed cache of
// the tiles of one datum in another. Its user says which tile is needed and for how long:
//
//     const struct aml_tile *tile;
//     err = aml_scratchpad_pull(pad, id, 0, &tile);      // pinned: stays where it is
//     …                                                  // read and write the tile
//     err = aml_scratchpad_release(pad, id, true);       // unpinned; true: it was written
//
// A slot is room for one tile. A pulled tile has the extents of the datum's tile and is dense in
// its slot. Each pull pins once more and each release once less; what is pinned is never evicted.
// Nothing dirty is lost: eviction writes back first, and if that fails the tile stays, dirty, and a
// clean one leaves instead; where there is none, the failure is reported. A tile that was pulled to
// be overwritten is blank until it is released as dirty: nobody writes it back, its bytes are what
// its users have put there, and it is forgotten if all release it as clean.
//
// Threads: as the type's header says. A scratchpad never orders two users' accesses to the bytes
// of one tile that both have pinned; that is theirs to do.

#ifndef AML_CORE_SCRATCHPAD_H
#define AML_CORE_SCRATCHPAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/block.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"

#ifdef __cplusplus
extern "C" {
#endif

struct aml_scratchpad_ops;

/** Any scratchpad. */
struct aml_scratchpad {
  const struct aml_scratchpad_ops *ops;
};

enum aml_scratchpad_pull_flag {
  AML_SCRATCHPAD_TRY = 1 << 0, /**< if it would have to wait for a slot: -AML_EAGAIN */
  /** The caller writes all of it and releases it as dirty: do not read it in a miss. */
  AML_SCRATCHPAD_OVERWRITE = 1 << 1
};

/** What has happened since the scratchpad was made, and what it holds now. */
struct aml_scratchpad_stats {
  uint64_t hits;          /**< pulls that found the tile in a slot or on its way there */
  uint64_t misses;        /**< pulls that did not */
  uint64_t prefetches;    /**< tiles whose transfer began by a prefetch */
  uint64_t evictions;     /**< tiles that made room for others */
  uint64_t read_size;     /**< bytes moved into slots */
  uint64_t written_size;  /**< bytes written back */
  uint64_t failures;      /**< transfers that failed */
  uint64_t slots;         /**< slots in all */
  uint64_t used_slots;    /**< slots that hold a tile */
  uint64_t pinned_slots;  /**< slots that cannot be evicted */
  uint64_t dirty_slots;   /**< slots that differ from the datum */
  uint64_t slot_size;     /**< bytes */
  uint64_t metadata_size; /**< bytes of bookkeeping, outside the slots */
};

/**
 * What a type of scratchpad does; for those who write one.
 *
 * The generic functions check arguments as their text says, and forward: pointers are not null.
 * An operation that fails has recorded why, and leaves the tiles in their slots as they were but
 * for clean ones that it evicted. All are mandatory.
 */
struct aml_scratchpad_ops {
  const char *name; /**< "sequential" */
  /** Write back what is dirty, then release all but the struct itself, zeroed but for ops. */
  void (*fini)(struct aml_scratchpad *scratchpad);
  int (*pull)(struct aml_scratchpad *scratchpad, size_t id, unsigned flags,
              const struct aml_tile **tile);
  int (*release)(struct aml_scratchpad *scratchpad, size_t id, bool dirty);
  int (*push)(struct aml_scratchpad *scratchpad, size_t id);
  int (*prefetch)(struct aml_scratchpad *scratchpad, size_t id);
  int (*flush)(struct aml_scratchpad *scratchpad);
  int (*drop)(struct aml_scratchpad *scratchpad, size_t id);
  void (*stats)(const struct aml_scratchpad *scratchpad, struct aml_scratchpad_stats *stats);
  /** Prove the invariants: 0, or -AML_EINVAL and a sentence on the one that is broken. */
  int (*validate)(const struct aml_scratchpad *scratchpad);
};

/** Record that pull was given a null pointer; returns -AML_EINVAL. */
AML_PUBLIC int aml_scratchpad_refuse_pull(const struct aml_scratchpad *scratchpad);

/**
 * Get a tile into a slot, unless it is there, and pin it.
 *
 * @param id     of the tile, below the tiling's count.
 * @param flags  bits of enum aml_scratchpad_pull_flag.
 * @param tile   the tile in its slot; it and what it tells of are valid until the release.
 *
 * Returns: 0; -AML_EINVAL (null, or no such tile); -AML_EAGAIN (every slot is pinned, and flags
 * say not to wait); -AML_EDEADLK (likewise, and nobody else could release one); what a transfer
 * failed with: then nothing is pinned, and a tile whose write-back failed still is in its slot.
 * Cost: a hit is a look-up and makes no system call; a miss is a transfer, and two if it evicts a
 * dirty tile. Allocates nothing.
 */
inline AML_PUBLIC AML_MUST_CHECK int aml_scratchpad_pull(struct aml_scratchpad *scratchpad,
                                                         size_t id, unsigned flags,
                                                         const struct aml_tile **tile) {
  if (scratchpad == NULL || tile == NULL)
    return aml_scratchpad_refuse_pull(scratchpad);
  return scratchpad->ops->pull(scratchpad, id, flags, tile);
}

/**
 * Unpin a tile once.
 *
 * @param dirty  whether the caller wrote to it; it then is written back before its slot is reused.
 *
 * Returns: 0; -AML_EINVAL for null, or a tile that is not pinned.
 */
AML_PUBLIC AML_MUST_CHECK int aml_scratchpad_release(struct aml_scratchpad *scratchpad, size_t id,
                                                     bool dirty);

/**
 * Write a tile back now, if it is dirty, and keep it. It may be pinned, even by others; what they
 * write later is to be released as dirty again.
 *
 * Returns: 0, also for a tile that is in no slot; -AML_EINVAL; what the transfer failed with, and
 * the tile still is dirty.
 */
AML_PUBLIC AML_MUST_CHECK int aml_scratchpad_push(struct aml_scratchpad *scratchpad, size_t id);

/**
 * Say that a tile will be pulled soon. A hint: it pins nothing, loses nothing dirty, and waits
 * neither for a slot nor for a write-back; where that leaves it without a slot, nothing happens.
 *
 * Returns: 0; -AML_EINVAL; what the transfer failed with, where it is done in this call.
 */
AML_PUBLIC AML_MUST_CHECK int aml_scratchpad_prefetch(struct aml_scratchpad *scratchpad, size_t id);

/**
 * Write back all that is dirty. Pinned tiles are written as they are: who has one pinned must not
 * write to it meanwhile, or release it as dirty again.
 *
 * Returns: 0: the datum is up to date but for what is released as dirty from now on; else what the
 * first failing transfer failed with: the others were tried too, and what failed still is dirty.
 */
AML_PUBLIC AML_MUST_CHECK int aml_scratchpad_flush(struct aml_scratchpad *scratchpad);

/**
 * Forget a tile, without writing it back: its next pull reads the datum anew.
 *
 * Returns: 0, also for a tile that is in no slot; -AML_EINVAL; -AML_EBUSY (it is pinned).
 */
AML_PUBLIC AML_MUST_CHECK int aml_scratchpad_drop(struct aml_scratchpad *scratchpad, size_t id);

/** Tell what happened and what it holds. Returns: 0; -AML_EINVAL for null. */
AML_PUBLIC AML_MUST_CHECK int aml_scratchpad_get_stats(const struct aml_scratchpad *scratchpad,
                                                       struct aml_scratchpad_stats *stats);

/** Prove the invariants; linear in the slots. Returns: 0; -AML_EINVAL, with a sentence. */
AML_PUBLIC AML_MUST_CHECK int aml_scratchpad_validate(const struct aml_scratchpad *scratchpad);

/**
 * End the life of a declared scratchpad. What is dirty is written back, but no failure of that can
 * be told here: call aml_scratchpad_flush() first. Null, and one not initialised, are fine.
 */
AML_PUBLIC void aml_scratchpad_fini(struct aml_scratchpad *scratchpad);

/** End the life of a created scratchpad, as fini, and set the pointer to null. Nulls are fine. */
AML_PUBLIC void aml_scratchpad_destroy(struct aml_scratchpad **scratchpad);

#ifdef __cplusplus
}
#endif

#endif
