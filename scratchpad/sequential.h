// SPDX-License-Identifier: BSD-3-Clause
//
// scratchpad:sequential: a software cache in which every transfer is done by the call that needs
// it. Slots are fixed in number and size; the slot that is reused is the one whose tile was
// released least recently; writes go back when a slot is reused, pushed or flushed.
//
//     AML_SCRATCHPAD_SEQUENTIAL_DECL(pad);
//     int err = aml_scratchpad_sequential_init(
//         pad, fast_area, &matrix, tiling, dma,
//         &(struct aml_scratchpad_sequential_options){.slot_count = 64});
//
// It never touches a byte of a tile itself, so slots and datum may lie in any areas that the dma
// can reach.
//
// Threads: thread-compatible. Nobody else can release a slot meanwhile, so a pull that finds all
// slots pinned says -AML_EDEADLK and never waits.
// Cost: a hit is one look-up in a hash table and independent of the number of slots; a prefetch,
// and a miss whose write-back fails, look at the dirty unpinned slots for a clean one; memory is
// taken when it is made and never after.

#ifndef AML_SCRATCHPAD_SEQUENTIAL_H
#define AML_SCRATCHPAD_SEQUENTIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aml/core/area.h"
#include "aml/core/block.h"
#include "aml/core/dma.h"
#include "aml/core/scratchpad.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"

#ifdef __cplusplus
extern "C" {
#endif

/** No slot, resp. the end of a list of slots. */
#define AML_SCRATCHPAD_SEQUENTIAL_NONE UINT32_MAX

/** What a slot is to the cache; the tile that the user sees is apart from it. */
struct aml_scratchpad_sequential_slot {
  size_t id;      /**< of the tile that it holds, if in_use */
  uint32_t pins;  /**< pulls not yet released */
  uint32_t older; /**< towards the next victim; in the list of free slots: unused */
  uint32_t newer; /**< towards the last released; in the list of free slots: the next one */
  bool in_use;
  bool dirty;
  bool blank; /**< pulled to be overwritten, and not released as dirty yet */
};

/** A place in the hash table: the tile's id and its slot, or NONE. */
struct aml_scratchpad_sequential_entry {
  size_t id;
  uint32_t slot;
};

/**
 * A sequential scratchpad. The fields are for the inline functions below; use functions.
 *
 * Each slot is in one of: the list of free slots (not in_use), the list of unpinned ones (in_use,
 * pins == 0, oldest release first), or neither (pins > 0). The table has an entry for each slot
 * in_use, at or behind its home with no gap between.
 */
struct aml_scratchpad_sequential {
  struct aml_scratchpad scratchpad;
  struct aml_scratchpad_sequential_entry *table;
  struct aml_scratchpad_sequential_slot *slots;
  struct aml_tile *tiles; /**< each slot's tile, as pull hands it out */
  size_t table_mask;      /**< entries of the table - 1; a power of two - 1 */
  unsigned table_shift;   /**< 64 - log2(entries) */
  uint32_t slot_count;
  uint32_t free;   /**< first of the list of free slots */
  uint32_t oldest; /**< first of the list of unpinned slots */
  uint32_t newest; /**< last of it */
  bool read_only;
  enum aml_order order;
  struct aml_area *area; /**< of the slots; borrowed, as all below */
  const struct aml_tiling *tiling;
  struct aml_dma *dma;
  struct aml_tile datum;
  size_t tile_count;
  void *memory; /**< of all slots */
  size_t memory_size;
  size_t slot_size;
  struct aml_scratchpad_stats stats; /**< the counts; what is held now is found out when asked */
};

/** How a sequential scratchpad is made; each field's zero is its default. */
struct aml_scratchpad_sequential_options {
  size_t slot_count;    /**< slots; 0: 16. More than there are tiles are not made */
  size_t alignment;     /**< of each slot in bytes, a power of two; 0: 64 */
  enum aml_order order; /**< of the elements of a tile in its slot; 0: row-major */
  bool read_only;       /**< refuse dirty tiles; tilings with overlapping tiles need it */
};

extern AML_PUBLIC const struct aml_scratchpad_ops aml_scratchpad_sequential_ops;

/** Declare `struct aml_scratchpad *name`, to be initialised as a sequential scratchpad. */
#define AML_SCRATCHPAD_SEQUENTIAL_DECL(name)                                                       \
  AML_BLOCK_DECL(aml_scratchpad_sequential, aml_scratchpad, scratchpad,                            \
                 aml_scratchpad_sequential_ops, name)

/**
 * Initialise a sequential scratchpad.
 *
 * @param scratchpad  declared by AML_SCRATCHPAD_SEQUENTIAL_DECL, not initialised.
 * @param area        where the slots are; one mapping of slot_count times the largest tile.
 * @param datum       what is cached; a valid tile of the tiling's shape. The struct is copied.
 * @param tiling      how the datum is cut.
 * @param dma         what moves tiles; must reach the area and the datum's area.
 * @param options     null: the defaults. Not kept.
 *
 * Area, tiling, dma and the datum's memory must outlive the scratchpad.
 *
 * Returns: 0; -AML_EINVAL: null, storage of another type, a datum that the tiling refuses, an
 * alignment that is none, tiles that overlap without read_only; -AML_EOVERFLOW; -AML_ENOMEM; what
 * the area's map failed with.
 */
AML_PUBLIC AML_MUST_CHECK int
aml_scratchpad_sequential_init(struct aml_scratchpad *scratchpad, struct aml_area *area,
                               const struct aml_tile *datum, const struct aml_tiling *tiling,
                               struct aml_dma *dma,
                               const struct aml_scratchpad_sequential_options *options);

/** Allocate and initialise one; -AML_ENOMEM, and else as aml_scratchpad_sequential_init(). */
AML_PUBLIC AML_MUST_CHECK int
aml_scratchpad_sequential_create(struct aml_scratchpad **scratchpad, struct aml_area *area,
                                 const struct aml_tile *datum, const struct aml_tiling *tiling,
                                 struct aml_dma *dma,
                                 const struct aml_scratchpad_sequential_options *options);

/** The slot that holds a tile, or NONE. */
static inline uint32_t aml_scratchpad_sequential_find(const struct aml_scratchpad_sequential *pad,
                                                      size_t id) {
  // Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4), then linear probing.
  size_t place = (size_t)((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15) >> pad->table_shift);
  while (pad->table[place].slot != AML_SCRATCHPAD_SEQUENTIAL_NONE) {
    if (pad->table[place].id == id)
      return pad->table[place].slot;
    place = (place + 1) & pad->table_mask;
  }
  return AML_SCRATCHPAD_SEQUENTIAL_NONE;
}

/** Take an unpinned slot out of the list of them. */
static inline void aml_scratchpad_sequential_unlink(struct aml_scratchpad_sequential *pad,
                                                    uint32_t slot) {
  const struct aml_scratchpad_sequential_slot *const it = &pad->slots[slot];
  if (it->older == AML_SCRATCHPAD_SEQUENTIAL_NONE)
    pad->oldest = it->newer;
  else
    pad->slots[it->older].newer = it->newer;
  if (it->newer == AML_SCRATCHPAD_SEQUENTIAL_NONE)
    pad->newest = it->older;
  else
    pad->slots[it->newer].older = it->older;
}

/** The slow half of pull: the tile is in no slot. */
AML_PUBLIC AML_MUST_CHECK int aml_scratchpad_sequential_miss(struct aml_scratchpad *scratchpad,
                                                             size_t id, unsigned flags,
                                                             const struct aml_tile **tile);

/** aml_scratchpad_pull() without checks for null, to be inlined. */
static inline AML_MUST_CHECK int aml_scratchpad_sequential_pull(struct aml_scratchpad *scratchpad,
                                                                size_t id, unsigned flags,
                                                                const struct aml_tile **tile) {
  struct aml_scratchpad_sequential *const pad = (struct aml_scratchpad_sequential *)scratchpad;
  // In one that was only declared, no id is below the number of tiles.
  const uint32_t slot = id < pad->tile_count ? aml_scratchpad_sequential_find(pad, id)
                                             : AML_SCRATCHPAD_SEQUENTIAL_NONE;
  if ((flags & ~(unsigned)AML_SCRATCHPAD_TRY) != 0 || slot == AML_SCRATCHPAD_SEQUENTIAL_NONE)
    return aml_scratchpad_sequential_miss(scratchpad, id, flags, tile);
  if (pad->slots[slot].pins == 0)
    aml_scratchpad_sequential_unlink(pad, slot);
  ++pad->slots[slot].pins;
  ++pad->stats.hits;
  *tile = &pad->tiles[slot];
  return 0;
}

#ifdef __cplusplus
}
#endif

#endif
