// SPDX-License-Identifier: BSD-3-Clause
//
// Slots are numbers. A hash table with open addressing maps a tile's id to its slot, a doubly
// linked list orders the unpinned slots by their last release, and free slots are a stack. The
// table has at least twice as many entries as there are slots, so it never fills, and entries are
// deleted by shifting back those behind them (Knuth, The Art of Computer Programming 3, 6.4,
// algorithm R), so there are no tombstones and a look-up does not slow down with age.

#include "aml/scratchpad/sequential.h"

#include <stdlib.h>

#include "aml/core/checked.h"
#include "aml/core/create.h"
#include "aml/core/error.h"

enum { DEFAULT_SLOT_COUNT = 16, DEFAULT_ALIGNMENT = 64 };

#define NONE AML_SCRATCHPAD_SEQUENTIAL_NONE

static const size_t MAX_SLOT_COUNT = UINT32_C(1) << 31;

static struct aml_scratchpad_sequential *pad_of(struct aml_scratchpad *scratchpad) {
  return (struct aml_scratchpad_sequential *)scratchpad;
}

static int refuse(const char *call, const char *argument, const char *reason) {
  return aml_error_set(-AML_EINVAL, call, argument, reason);
}

static int check_id(const struct aml_scratchpad_sequential *pad, const char *call, size_t id) {
  if (id < pad->tile_count)
    return 0;
  return aml_error_set_value(-AML_EINVAL, call, "id", id, "is not below the number of tiles");
}

// The hash table

static size_t home(const struct aml_scratchpad_sequential *pad, size_t id) {
  return (size_t)((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15) >> pad->table_shift);
}

static void insert(struct aml_scratchpad_sequential *pad, size_t id, uint32_t slot) {
  size_t place = home(pad, id);
  while (pad->table[place].slot != NONE)
    place = (place + 1) & pad->table_mask;
  pad->table[place] = (struct aml_scratchpad_sequential_entry){.id = id, .slot = slot};
}

static void erase(struct aml_scratchpad_sequential *pad, size_t id) {
  const size_t mask = pad->table_mask;
  size_t gap = home(pad, id);
  while (pad->table[gap].id != id || pad->table[gap].slot == NONE)
    gap = (gap + 1) & mask;
  for (size_t place = (gap + 1) & mask; pad->table[place].slot != NONE;
       place = (place + 1) & mask) {
    // An entry may move into the gap if its home is not behind the gap.
    const size_t distance = (place - home(pad, pad->table[place].id)) & mask;
    if (distance < ((place - gap) & mask))
      continue;
    pad->table[gap] = pad->table[place];
    gap = place;
  }
  pad->table[gap].slot = NONE;
}

// The lists of slots

static void link_newest(struct aml_scratchpad_sequential *pad, uint32_t slot) {
  struct aml_scratchpad_sequential_slot *const it = &pad->slots[slot];
  it->older = pad->newest;
  it->newer = NONE;
  if (pad->newest == NONE)
    pad->oldest = slot;
  else
    pad->slots[pad->newest].newer = slot;
  pad->newest = slot;
}

static void push_free(struct aml_scratchpad_sequential *pad, uint32_t slot) {
  pad->slots[slot] = (struct aml_scratchpad_sequential_slot){.newer = pad->free, .older = NONE};
  pad->free = slot;
}

static uint32_t pop_free(struct aml_scratchpad_sequential *pad) {
  const uint32_t slot = pad->free;
  pad->free = pad->slots[slot].newer;
  return slot;
}

/** Makes a slot that is in no list a free one. */
static void vacate(struct aml_scratchpad_sequential *pad, uint32_t slot) {
  erase(pad, pad->slots[slot].id);
  push_free(pad, slot);
}

/** Makes a clean, unpinned slot a free one. */
static void empty(struct aml_scratchpad_sequential *pad, uint32_t slot) {
  aml_scratchpad_sequential_unlink(pad, slot);
  vacate(pad, slot);
}

/** The clean unpinned slot that was released least recently, or NONE. */
static uint32_t oldest_clean(const struct aml_scratchpad_sequential *pad) {
  uint32_t slot = pad->oldest;
  while (slot != NONE && pad->slots[slot].dirty)
    slot = pad->slots[slot].newer;
  return slot;
}

// Transfers

static int transfer(struct aml_scratchpad_sequential *pad, const struct aml_tile *dst,
                    const struct aml_tile *src, enum aml_dma_use use, uint64_t *size) {
  const struct aml_dma_options options = {.use = use};
  const int err = aml_dma_copy(pad->dma, dst, src, &options);
  if (err)
    ++pad->stats.failures;
  else
    *size += aml_tile_size(dst);
  return err;
}

/** Writes a slot back if it is dirty; on failure it stays dirty. */
static int write_back(struct aml_scratchpad_sequential *pad, uint32_t slot) {
  struct aml_scratchpad_sequential_slot *const it = &pad->slots[slot];
  struct aml_tile home_tile;
  if (!it->dirty)
    return 0;
  int err = aml_tiling_tile(pad->tiling, &pad->datum, it->id, &home_tile);
  if (!err)
    err =
        transfer(pad, &home_tile, &pad->tiles[slot], AML_DMA_USE_STREAM, &pad->stats.written_size);
  if (!err)
    it->dirty = false;
  return err;
}

/** Describes a tile's place in a slot. */
static int place_in_slot(const struct aml_scratchpad_sequential *pad, const struct aml_tile *source,
                         uint32_t slot, struct aml_tile *tile) {
  void *const base = (char *)pad->memory + (size_t)slot * pad->slot_size;
  return aml_tile_dense(tile, pad->area, base, source->element_size, source->ndims, source->extent,
                        pad->order);
}

/** Brings a tile that is in no slot into the first free one. On failure that one stays free. */
static int fill(struct aml_scratchpad_sequential *pad, size_t id, bool read, uint32_t *filled) {
  const uint32_t slot = pad->free;
  struct aml_tile source;
  int err = aml_tiling_tile(pad->tiling, &pad->datum, id, &source);
  if (!err)
    err = place_in_slot(pad, &source, slot, &pad->tiles[slot]);
  if (!err && read)
    err = transfer(pad, &pad->tiles[slot], &source, AML_DMA_USE_SOON, &pad->stats.read_size);
  if (err)
    return err;
  (void)pop_free(pad);
  pad->slots[slot] =
      (struct aml_scratchpad_sequential_slot){.id = id, .in_use = true, .blank = !read};
  insert(pad, id, slot);
  *filled = slot;
  return 0;
}

/**
 * Makes sure that there is a free slot, writing back the tile that leaves. Where that fails, a
 * clean tile leaves instead, so that one tile which cannot be written does not block the others.
 */
static int make_room(struct aml_scratchpad_sequential *pad, unsigned flags) {
  if (pad->free != NONE)
    return 0;
  uint32_t victim = pad->oldest;
  if (victim == NONE && (flags & AML_SCRATCHPAD_TRY) != 0)
    return aml_error_set(-AML_EAGAIN, "aml_scratchpad_pull", NULL, "every slot is pinned");
  if (victim == NONE)
    return aml_error_set(-AML_EDEADLK, "aml_scratchpad_pull", NULL,
                         "every slot is pinned, and nobody else could release one");
  const int err = write_back(pad, victim);
  if (err)
    victim = oldest_clean(pad);
  if (victim == NONE)
    return err;
  empty(pad, victim);
  ++pad->stats.evictions;
  return 0;
}

static int check_pull(const struct aml_scratchpad_sequential *pad, size_t id, unsigned flags) {
  static const char call[] = "aml_scratchpad_pull";
  if ((flags & ~(unsigned)(AML_SCRATCHPAD_TRY | AML_SCRATCHPAD_OVERWRITE)) != 0)
    return refuse(call, "flags", "has an unknown bit");
  if (pad->read_only && (flags & AML_SCRATCHPAD_OVERWRITE) != 0)
    return refuse(call, "flags", "asks to overwrite, but the scratchpad is read-only");
  return check_id(pad, call, id);
}

int aml_scratchpad_sequential_miss(struct aml_scratchpad *scratchpad, size_t id, unsigned flags,
                                   const struct aml_tile **tile) {
  struct aml_scratchpad_sequential *const pad = pad_of(scratchpad);
  const bool read = (flags & AML_SCRATCHPAD_OVERWRITE) == 0;
  int err = check_pull(pad, id, flags);
  if (err)
    return err;
  uint32_t slot = aml_scratchpad_sequential_find(pad, id);
  // A hit that came here for its flags, which mean nothing to it.
  if (slot != NONE)
    return aml_scratchpad_sequential_pull(scratchpad, id, 0, tile);
  err = make_room(pad, flags);
  if (!err)
    err = fill(pad, id, read, &slot);
  if (err)
    return err;
  pad->slots[slot].pins = 1;
  ++pad->stats.misses;
  *tile = &pad->tiles[slot];
  return 0;
}

static int release(struct aml_scratchpad *scratchpad, size_t id, bool dirty) {
  static const char call[] = "aml_scratchpad_release";
  struct aml_scratchpad_sequential *const pad = pad_of(scratchpad);
  const int err = check_id(pad, call, id);
  if (err)
    return err;
  const uint32_t slot = aml_scratchpad_sequential_find(pad, id);
  if (slot == NONE || pad->slots[slot].pins == 0)
    return aml_error_set_value(-AML_EINVAL, call, "id", id, "is of no tile that is pinned");
  if (dirty && pad->read_only)
    return refuse(call, "dirty", "is true, but the scratchpad is read-only");
  struct aml_scratchpad_sequential_slot *const it = &pad->slots[slot];
  it->dirty |= dirty;
  it->blank &= !dirty;
  if (--it->pins != 0)
    return 0;
  // What was neither read nor written is nobody's tile.
  if (it->blank)
    vacate(pad, slot);
  else
    link_newest(pad, slot);
  return 0;
}

static int push(struct aml_scratchpad *scratchpad, size_t id) {
  struct aml_scratchpad_sequential *const pad = pad_of(scratchpad);
  const int err = check_id(pad, "aml_scratchpad_push", id);
  if (err)
    return err;
  const uint32_t slot = aml_scratchpad_sequential_find(pad, id);
  return slot == NONE ? 0 : write_back(pad, slot);
}

static int prefetch(struct aml_scratchpad *scratchpad, size_t id) {
  struct aml_scratchpad_sequential *const pad = pad_of(scratchpad);
  int err = check_id(pad, "aml_scratchpad_prefetch", id);
  if (err)
    return err;
  uint32_t slot = aml_scratchpad_sequential_find(pad, id);
  if (slot != NONE) {
    // It will be pulled soon, so it is the last to leave.
    if (pad->slots[slot].pins == 0) {
      aml_scratchpad_sequential_unlink(pad, slot);
      link_newest(pad, slot);
    }
    return 0;
  }
  if (pad->free == NONE) {
    const uint32_t victim = oldest_clean(pad);
    if (victim == NONE)
      return 0;
    empty(pad, victim);
    ++pad->stats.evictions;
  }
  err = fill(pad, id, true, &slot);
  if (err)
    return err;
  link_newest(pad, slot);
  ++pad->stats.prefetches;
  return 0;
}

static int flush(struct aml_scratchpad *scratchpad) {
  struct aml_scratchpad_sequential *const pad = pad_of(scratchpad);
  int first = 0;
  for (uint32_t slot = 0; slot < pad->slot_count; ++slot) {
    const int err = write_back(pad, slot);
    if (first == 0)
      first = err;
  }
  return first;
}

static int drop(struct aml_scratchpad *scratchpad, size_t id) {
  struct aml_scratchpad_sequential *const pad = pad_of(scratchpad);
  const int err = check_id(pad, "aml_scratchpad_drop", id);
  if (err)
    return err;
  const uint32_t slot = aml_scratchpad_sequential_find(pad, id);
  if (slot == NONE)
    return 0;
  if (pad->slots[slot].pins != 0)
    return aml_error_set_value(-AML_EBUSY, "aml_scratchpad_drop", "id", id, "is pinned");
  empty(pad, slot);
  return 0;
}

/** Bytes of the three arrays. */
static size_t metadata_size(const struct aml_scratchpad_sequential *pad) {
  return pad->slot_count * (sizeof *pad->slots + sizeof *pad->tiles) +
         (pad->table_mask + 1) * sizeof *pad->table;
}

static void stats(const struct aml_scratchpad *scratchpad, struct aml_scratchpad_stats *result) {
  const struct aml_scratchpad_sequential *const pad =
      (const struct aml_scratchpad_sequential *)scratchpad;
  struct aml_scratchpad_stats now = pad->stats;
  now.slots = pad->slot_count;
  now.slot_size = pad->slot_size;
  now.metadata_size = sizeof *pad + metadata_size(pad);
  for (uint32_t slot = 0; slot < pad->slot_count; ++slot) {
    now.used_slots += pad->slots[slot].in_use;
    now.pinned_slots += pad->slots[slot].pins > 0;
    now.dirty_slots += pad->slots[slot].dirty;
  }
  *result = now;
}

static int broken(const char *invariant) {
  return aml_error_set(-AML_EINVAL, "aml_scratchpad_validate", "scratchpad", invariant);
}

/** Counts the slots of both lists, each at most once; SIZE_MAX if a list is not one. */
static size_t count_listed(const struct aml_scratchpad_sequential *pad) {
  size_t count = 0;
  for (uint32_t slot = pad->free; slot != NONE; slot = pad->slots[slot].newer)
    if (pad->slots[slot].in_use || ++count > pad->slot_count)
      return SIZE_MAX;
  uint32_t older = NONE;
  for (uint32_t slot = pad->oldest; slot != NONE; slot = pad->slots[slot].newer) {
    const struct aml_scratchpad_sequential_slot *const it = &pad->slots[slot];
    if (!it->in_use || it->pins != 0 || it->older != older || ++count > pad->slot_count)
      return SIZE_MAX;
    older = slot;
  }
  return older == pad->newest ? count : SIZE_MAX;
}

static int validate(const struct aml_scratchpad *scratchpad) {
  const struct aml_scratchpad_sequential *const pad =
      (const struct aml_scratchpad_sequential *)scratchpad;
  if (pad->slots == NULL)
    return 0; // declared and not initialised
  size_t listed = count_listed(pad);
  if (listed == SIZE_MAX)
    return broken("has a broken list of slots");
  size_t used = 0;
  for (uint32_t slot = 0; slot < pad->slot_count; ++slot) {
    const struct aml_scratchpad_sequential_slot *const it = &pad->slots[slot];
    if (!it->in_use && (it->pins != 0 || it->dirty))
      return broken("has a free slot that is pinned or dirty");
    if (it->blank && (it->pins == 0 || it->dirty))
      return broken("has a slot that was not filled, and that is unpinned or dirty");
    if (it->in_use && aml_scratchpad_sequential_find(pad, it->id) != slot)
      return broken("does not find a tile that is in a slot");
    used += it->in_use;
    listed += it->pins != 0;
  }
  if (listed != pad->slot_count)
    return broken("has a slot that is in no list, or in two");
  size_t entries = 0;
  for (size_t place = 0; place <= pad->table_mask; ++place)
    entries += pad->table[place].slot != NONE;
  return entries == used ? 0 : broken("has other entries in its table than tiles in slots");
}

static void release_memory(struct aml_scratchpad_sequential *pad) {
  // A mapping that the area refuses to take back is the area's from here on.
  (void)aml_area_unmap(pad->area, pad->memory, pad->memory_size);
  free(pad->table);
  free(pad->slots);
  free(pad->tiles);
}

static void fini(struct aml_scratchpad *scratchpad) {
  struct aml_scratchpad_sequential *const pad = pad_of(scratchpad);
  (void)flush(scratchpad);
  release_memory(pad);
  *pad = (struct aml_scratchpad_sequential){.scratchpad = {.ops = &aml_scratchpad_sequential_ops}};
}

const struct aml_scratchpad_ops aml_scratchpad_sequential_ops = {
    .name = "sequential",
    .fini = fini,
    .pull = aml_scratchpad_sequential_pull,
    .release = release,
    .push = push,
    .prefetch = prefetch,
    .flush = flush,
    .drop = drop,
    .stats = stats,
    .validate = validate,
};

static const char init_call[] = "aml_scratchpad_sequential_init";

static int check_arguments(const struct aml_scratchpad *scratchpad, const struct aml_area *area,
                           const struct aml_tile *datum, const struct aml_tiling *tiling,
                           const struct aml_dma *dma) {
  if (scratchpad == NULL || scratchpad->ops != &aml_scratchpad_sequential_ops)
    return refuse(init_call, "scratchpad",
                  "is null, or was not declared by AML_SCRATCHPAD_SEQUENTIAL_DECL");
  if (area == NULL)
    return refuse(init_call, "area", "is null");
  if (tiling == NULL)
    return refuse(init_call, "tiling", "is null");
  if (dma == NULL)
    return refuse(init_call, "dma", "is null");
  int err = aml_tile_check(datum, init_call, "datum");
  struct aml_tile first;
  if (!err)
    err = aml_tiling_tile(tiling, datum, 0, &first);
  return err;
}

static int check_options(const struct aml_scratchpad_sequential_options *options,
                         const struct aml_tiling_info *info) {
  if (options->alignment != 0 && !aml_is_power_of_two(options->alignment))
    return aml_error_set_value(-AML_EINVAL, init_call, "alignment", options->alignment,
                               "is not a power of two");
  if (options->order != AML_ORDER_ROW && options->order != AML_ORDER_COLUMN)
    return refuse(init_call, "order", "is no order");
  if (info->cover == AML_TILING_OVERLAPPING && !options->read_only)
    return refuse(init_call, "tiling", "has tiles that overlap, which only read_only can cache");
  if (options->slot_count > MAX_SLOT_COUNT && info->count > MAX_SLOT_COUNT)
    return aml_error_set_value(-AML_EOVERFLOW, init_call, "slot_count", options->slot_count,
                               "is more than 2^31");
  return 0;
}

/** Sets the sizes of everything. */
static int plan(struct aml_scratchpad_sequential *pad,
                const struct aml_scratchpad_sequential_options *options,
                const struct aml_tiling_info *info) {
  const size_t alignment = options->alignment == 0 ? DEFAULT_ALIGNMENT : options->alignment;
  size_t slots = options->slot_count == 0 ? DEFAULT_SLOT_COUNT : options->slot_count;
  if (slots > info->count)
    slots = info->count;
  if (!aml_checked_round_up(info->max_tile_size, alignment, &pad->slot_size) ||
      !aml_checked_multiply(pad->slot_size, slots, &pad->memory_size))
    return aml_error_set(-AML_EOVERFLOW, init_call, "slot_count",
                         "times the size of a tile is larger than the range of addresses");
  pad->slot_count = (uint32_t)slots;
  unsigned log2 = 1;
  while ((size_t)1 << log2 < 2 * slots)
    ++log2;
  pad->table_mask = ((size_t)1 << log2) - 1;
  pad->table_shift = 64 - log2;
  return 0;
}

/** Takes all memory that the scratchpad will ever have. */
static int take_memory(struct aml_scratchpad_sequential *pad, size_t alignment) {
  const struct aml_area_map_options options = {.alignment =
                                                   alignment == 0 ? DEFAULT_ALIGNMENT : alignment,
                                               .flags = AML_AREA_MAP_NO_ZERO,
                                               .label = "scratchpad:sequential"};
  pad->table = malloc((pad->table_mask + 1) * sizeof *pad->table);
  pad->slots = malloc(pad->slot_count * sizeof *pad->slots);
  pad->tiles = malloc(pad->slot_count * sizeof *pad->tiles);
  int err = 0;
  if (pad->table == NULL || pad->slots == NULL || pad->tiles == NULL)
    err = aml_error_set(-AML_ENOMEM, init_call, NULL, "no memory for the table of slots");
  else
    pad->memory = aml_area_map(pad->area, pad->memory_size, &options);
  if (!err && pad->memory == NULL)
    err = aml_error_code();
  if (err)
    release_memory(pad);
  return err;
}

int aml_scratchpad_sequential_init(struct aml_scratchpad *scratchpad, struct aml_area *area,
                                   const struct aml_tile *datum, const struct aml_tiling *tiling,
                                   struct aml_dma *dma,
                                   const struct aml_scratchpad_sequential_options *options) {
  static const struct aml_scratchpad_sequential_options defaults = {0};
  struct aml_tiling_info info;
  if (options == NULL)
    options = &defaults;
  int err = check_arguments(scratchpad, area, datum, tiling, dma);
  if (!err)
    err = aml_tiling_get_info(tiling, &info);
  if (!err)
    err = check_options(options, &info);
  if (err)
    return err;
  struct aml_scratchpad_sequential made = {
      .scratchpad = {.ops = &aml_scratchpad_sequential_ops},
      .free = NONE,
      .oldest = NONE,
      .newest = NONE,
      .read_only = options->read_only,
      .order = options->order,
      .area = area,
      .tiling = tiling,
      .dma = dma,
      .datum = *datum,
      .tile_count = info.count,
  };
  err = plan(&made, options, &info);
  if (!err)
    err = take_memory(&made, options->alignment);
  if (err)
    return err;
  for (size_t place = 0; place <= made.table_mask; ++place)
    made.table[place].slot = NONE;
  for (uint32_t slot = made.slot_count; slot-- > 0;)
    push_free(&made, slot);
  *pad_of(scratchpad) = made;
  return 0;
}

int aml_scratchpad_sequential_create(struct aml_scratchpad **scratchpad, struct aml_area *area,
                                     const struct aml_tile *datum, const struct aml_tiling *tiling,
                                     struct aml_dma *dma,
                                     const struct aml_scratchpad_sequential_options *options) {
  struct aml_scratchpad *const made =
      aml_block_create("aml_scratchpad_sequential_create", "scratchpad", scratchpad,
                       sizeof(struct aml_scratchpad_sequential), &aml_scratchpad_sequential_ops);
  if (made == NULL)
    return aml_error_code();
  const int err = aml_scratchpad_sequential_init(made, area, datum, tiling, dma, options);
  if (err)
    free(made);
  else
    *scratchpad = made;
  return err;
}
