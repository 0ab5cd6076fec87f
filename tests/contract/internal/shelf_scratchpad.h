// SPDX-License-Identifier: BSD-3-Clause
//
// A small type of scratchpad that keeps its contract and is thread-safe, for defects to be planted
// in: a map of tiles under one mutex, which evicts the unpinned tile of the smallest id.

#ifndef AML_TESTS_CONTRACT_INTERNAL_SHELF_SCRATCHPAD_H
#define AML_TESTS_CONTRACT_INTERNAL_SHELF_SCRATCHPAD_H

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/scratchpad.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/contract/internal/scratchpad_fixture.h"

namespace aml_testing {

struct Shelf {
  static constexpr size_t kSlots = ScratchpadParts::kSlots;
  static constexpr size_t kSlotSize = ScratchpadParts::kTileCount * sizeof(int);

  struct Entry {
    aml_tile tile;
    size_t pins;
    bool dirty;
    bool blank; // pulled to be overwritten, and not released as dirty yet
  };

  struct State {
    std::recursive_mutex mutex;
    ScratchpadParts *parts;
    char *memory;
    std::vector<char *> free;
    std::map<size_t, Entry> tiles;
    aml_scratchpad_stats stats;
  };
  using Lock = std::lock_guard<std::recursive_mutex>;

  aml_scratchpad scratchpad;
  State *state;

  static State *Of(const aml_scratchpad *pad) {
    return reinterpret_cast<const Shelf *>(pad)->state;
  }

  static int Refuse(const char *verb, const char *reason, int err = -AML_EINVAL) {
    const std::string call = std::string("aml_scratchpad_") + verb;
    return aml_error_set(err, call.c_str(), "id", reason);
  }

  static int Init(aml_scratchpad *pad, ScratchpadParts &parts) {
    void *const memory = aml_area_map(parts.area(), kSlots * kSlotSize, nullptr);
    if (memory == nullptr)
      return aml_error_code();
    State *const state = reinterpret_cast<Shelf *>(pad)->state = new State{};
    state->parts = &parts;
    state->memory = static_cast<char *>(memory);
    state->stats.slots = kSlots;
    state->stats.slot_size = kSlotSize;
    for (size_t i = 0; i < kSlots; ++i)
      state->free.push_back(state->memory + i * kSlotSize);
    return 0;
  }

  static void Fini(aml_scratchpad *pad) {
    State *const state = Of(pad);
    if (state == nullptr)
      return;
    (void)Flush(pad);
    EXPECT_EQ(0, aml_area_unmap(state->parts->area(), state->memory, kSlots * kSlotSize));
    delete state;
    reinterpret_cast<Shelf *>(pad)->state = nullptr;
  }

  static int CheckId(const char *verb, size_t id) {
    return id < ScratchpadParts::kTiles ? 0 : Refuse(verb, "is not below the count");
  }

  // Copies between a tile's slot and the datum.
  static int Transfer(State *state, size_t id, Entry *entry, bool to_datum) {
    aml_tile there;
    int err = aml_tiling_tile(state->parts->tiling(), state->parts->datum(), id, &there);
    if (!err)
      err = to_datum ? aml_dma_copy(state->parts->dma(), &there, &entry->tile, nullptr)
                     : aml_dma_copy(state->parts->dma(), &entry->tile, &there, nullptr);
    if (err) {
      ++state->stats.failures;
      return err;
    }
    (to_datum ? state->stats.written_size : state->stats.read_size) += aml_tile_size(&there);
    return 0;
  }

  static int WriteBack(State *state, size_t id, Entry *entry) {
    if (!entry->dirty)
      return 0;
    const int err = Transfer(state, id, entry, true);
    entry->dirty = entry->dirty && err != 0;
    return err;
  }

  static void Remove(State *state, std::map<size_t, Entry>::iterator it) {
    state->free.push_back(static_cast<char *>(it->second.tile.base));
    state->tiles.erase(it);
  }

  // Makes room; may_write says whether for a dirty tile too.
  static int Evict(State *state, const char *verb, unsigned flags, bool may_write) {
    for (auto it = state->tiles.begin(); it != state->tiles.end(); ++it) {
      if (it->second.pins != 0 || (it->second.dirty && !may_write))
        continue;
      const int err = WriteBack(state, it->first, &it->second);
      if (err && may_write && Evict(state, verb, flags, false) == 0)
        return 0;
      if (err)
        return err;
      Remove(state, it);
      ++state->stats.evictions;
      return 0;
    }
    return (flags & AML_SCRATCHPAD_TRY) != 0 ? Refuse(verb, "needs a slot", -AML_EAGAIN)
                                             : Refuse(verb, "needs a slot", -AML_EDEADLK);
  }

  // Brings a tile that is in no slot into one.
  static int Fetch(State *state, size_t id, unsigned flags) {
    Entry entry = {};
    aml_tile there;
    int err = aml_tiling_tile(state->parts->tiling(), state->parts->datum(), id, &there);
    if (err)
      return err;
    err = aml_tile_dense(&entry.tile, state->parts->area(), state->free.back(), sizeof(int), 1,
                         there.extent, AML_ORDER_ROW);
    if (!err && (flags & AML_SCRATCHPAD_OVERWRITE) == 0)
      err = Transfer(state, id, &entry, false);
    if (err)
      return err;
    entry.blank = (flags & AML_SCRATCHPAD_OVERWRITE) != 0;
    state->free.pop_back();
    state->tiles[id] = entry;
    return 0;
  }

  static int Pull(aml_scratchpad *pad, size_t id, unsigned flags, const aml_tile **tile) {
    State *const state = Of(pad);
    const Lock lock(state->mutex);
    int err = CheckId("pull", id);
    if (err)
      return err;
    const bool is_hit = state->tiles.count(id) != 0;
    if (!is_hit && state->free.empty())
      err = Evict(state, "pull", flags, true);
    if (!err && !is_hit)
      err = Fetch(state, id, flags);
    if (err)
      return err;
    ++(is_hit ? state->stats.hits : state->stats.misses);
    Entry &entry = state->tiles.at(id);
    ++entry.pins;
    *tile = &entry.tile;
    return 0;
  }

  static int Release(aml_scratchpad *pad, size_t id, bool dirty) {
    State *const state = Of(pad);
    const Lock lock(state->mutex);
    const auto it = state->tiles.find(id);
    if (it == state->tiles.end() || it->second.pins == 0)
      return Refuse("release", "is not pinned");
    --it->second.pins;
    it->second.dirty = it->second.dirty || dirty;
    it->second.blank = it->second.blank && !dirty;
    if (it->second.blank && it->second.pins == 0)
      Remove(state, it);
    return 0;
  }

  static int Push(aml_scratchpad *pad, size_t id) {
    State *const state = Of(pad);
    const Lock lock(state->mutex);
    const int err = CheckId("push", id);
    const auto it = state->tiles.find(id);
    return err || it == state->tiles.end() ? err : WriteBack(state, id, &it->second);
  }

  static int Prefetch(aml_scratchpad *pad, size_t id) {
    State *const state = Of(pad);
    const Lock lock(state->mutex);
    const int err = CheckId("prefetch", id);
    if (err || state->tiles.count(id) != 0)
      return err;
    const bool has_clean =
        std::any_of(state->tiles.begin(), state->tiles.end(),
                    [](const auto &tile) { return tile.second.pins == 0 && !tile.second.dirty; });
    if (state->free.empty() && (!has_clean || Evict(state, "prefetch", 0, false) != 0))
      return 0;
    ++state->stats.prefetches;
    return Fetch(state, id, 0);
  }

  static int Flush(aml_scratchpad *pad) {
    State *const state = Of(pad);
    const Lock lock(state->mutex);
    int first = 0;
    for (auto &tile : state->tiles) {
      const int err = WriteBack(state, tile.first, &tile.second);
      first = first != 0 ? first : err;
    }
    return first;
  }

  static int Drop(aml_scratchpad *pad, size_t id) {
    State *const state = Of(pad);
    const Lock lock(state->mutex);
    const int err = CheckId("drop", id);
    const auto it = state->tiles.find(id);
    if (err || it == state->tiles.end())
      return err;
    if (it->second.pins != 0)
      return Refuse("drop", "is pinned", -AML_EBUSY);
    Remove(state, it);
    return 0;
  }

  static void Stats(const aml_scratchpad *pad, aml_scratchpad_stats *stats) {
    State *const state = Of(pad);
    const Lock lock(state->mutex);
    *stats = state->stats;
    for (const auto &tile : state->tiles) {
      ++stats->used_slots;
      stats->pinned_slots += tile.second.pins != 0;
      stats->dirty_slots += tile.second.dirty;
    }
  }

  static int Validate(const aml_scratchpad *) { return 0; }

  static aml_scratchpad_ops MakeOps() {
    aml_scratchpad_ops ops = {};
    ops.name = "shelf";
    ops.fini = Fini;
    ops.pull = Pull;
    ops.release = Release;
    ops.push = Push;
    ops.prefetch = Prefetch;
    ops.flush = Flush;
    ops.drop = Drop;
    ops.stats = Stats;
    ops.validate = Validate;
    return ops;
  }
};

/** Makes shelves whose operations Defect::Plant() has changed. */
template <class Defect> struct ShelfFactory {
  static constexpr bool kWaits = false;
  static constexpr bool kIsThreadSafe = true;

  static const aml_scratchpad_ops *Ops() {
    static const aml_scratchpad_ops ops = [] {
      aml_scratchpad_ops made = Shelf::MakeOps();
      Defect::Plant(&made);
      return made;
    }();
    return &ops;
  }

  Shelf shelf{{Ops()}, nullptr};
  aml_scratchpad *scratchpad = &shelf.scratchpad;

  int Init(ScratchpadParts &parts) { return Shelf::Init(scratchpad, parts); }

  static int Create(ScratchpadParts &parts, aml_scratchpad **created) {
    auto *const made = static_cast<Shelf *>(std::calloc(1, sizeof(Shelf)));
    made->scratchpad.ops = Ops();
    const int err = Shelf::Init(&made->scratchpad, parts);
    if (err)
      std::free(made);
    else
      *created = &made->scratchpad;
    return err;
  }
};

} // namespace aml_testing

#endif
