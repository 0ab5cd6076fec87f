// SPDX-License-Identifier: BSD-3-Clause
//
// Defects that the contract suite of scratchpads must catch, each by the test that is there for it.

#include <gtest/gtest.h>

#include <cstring>

#include "aml/core/error.h"
#include "aml/core/scratchpad.h"
#include "aml/core/tile.h"
#include "aml/tests/contract/expect_failures.h"
#include "aml/tests/contract/internal/shelf_scratchpad.h"
#include "aml/tests/contract/scratchpad.h"

namespace {

using namespace aml_testing;
using Table = aml_scratchpad_ops;

aml_tile *TileOf(aml_scratchpad *pad, size_t id) {
  return &Shelf::Of(pad)->tiles.at(id).tile;
}

struct ReadsTheTileBefore : ShelfFactory<ReadsTheTileBefore> {
  static void Plant(Table *ops) {
    ops->pull = [](aml_scratchpad *pad, size_t id, unsigned flags, const aml_tile **tile) {
      const int err = Shelf::Pull(pad, id, flags, tile);
      if (!err && id > 0)
        std::memcpy((*tile)->base, &Shelf::Of(pad)->parts->InDatum(id - 1), sizeof(int));
      return err;
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, APulledTileHoldsTheDatums, ReadsTheTileBefore);

struct HandsOutTheDatum : ShelfFactory<HandsOutTheDatum> {
  static void Plant(Table *ops) {
    ops->pull = [](aml_scratchpad *pad, size_t id, unsigned flags, const aml_tile **tile) {
      const int err = Shelf::Pull(pad, id, flags, tile);
      if (!err)
        TileOf(pad, id)->base = &Shelf::Of(pad)->parts->InDatum(id);
      return err;
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, APulledTileHoldsTheDatums, HandsOutTheDatum);

struct PinsOnce : ShelfFactory<PinsOnce> {
  static void Plant(Table *ops) {
    ops->pull = [](aml_scratchpad *pad, size_t id, unsigned flags, const aml_tile **tile) {
      const int err = Shelf::Pull(pad, id, flags, tile);
      if (!err)
        Shelf::Of(pad)->tiles.at(id).pins = 1;
      return err;
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, TwoPullsAreOneTile, PinsOnce);

// Reads again what is there already, over what its user wrote.
struct ReadsAgain : ShelfFactory<ReadsAgain> {
  static void Plant(Table *ops) {
    ops->pull = [](aml_scratchpad *pad, size_t id, unsigned flags, const aml_tile **tile) {
      const bool was_there = Shelf::Of(pad)->tiles.count(id) != 0;
      const int err = Shelf::Pull(pad, id, flags, tile);
      if (!err && was_there)
        (void)Shelf::Transfer(Shelf::Of(pad), id, &Shelf::Of(pad)->tiles.at(id), false);
      return err;
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, APinnedTileStaysWhereItIs, ReadsAgain);

struct EvictsPinned : ShelfFactory<EvictsPinned> {
  static void Plant(Table *ops) {
    ops->pull = [](aml_scratchpad *pad, size_t id, unsigned flags, const aml_tile **tile) {
      auto &tiles = Shelf::Of(pad)->tiles;
      if (tiles.size() == Shelf::kSlots && tiles.count(id) == 0)
        tiles.begin()->second.pins = 0;
      return Shelf::Pull(pad, id, flags, tile);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, WhenAllSlotsArePinnedATryDoesNotWait, EvictsPinned);

struct DeadlocksOnTry : ShelfFactory<DeadlocksOnTry> {
  static void Plant(Table *ops) {
    ops->pull = [](aml_scratchpad *pad, size_t id, unsigned, const aml_tile **tile) {
      return Shelf::Pull(pad, id, 0, tile);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, WhenAllSlotsArePinnedATryDoesNotWait, DeadlocksOnTry);

struct ForgetsThatItIsDirty : ShelfFactory<ForgetsThatItIsDirty> {
  static void Plant(Table *ops) {
    ops->release = [](aml_scratchpad *pad, size_t id, bool) {
      return Shelf::Release(pad, id, false);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, WhatWasWrittenReachesTheDatumWhenItLeaves, ForgetsThatItIsDirty);

struct WritesEverything : ShelfFactory<WritesEverything> {
  static void Plant(Table *ops) {
    ops->release = [](aml_scratchpad *pad, size_t id, bool) {
      return Shelf::Release(pad, id, true);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, CleanTilesAreNotWrittenBack, WritesEverything);

struct BelievesTheLastRelease : ShelfFactory<BelievesTheLastRelease> {
  static void Plant(Table *ops) {
    ops->release = [](aml_scratchpad *pad, size_t id, bool dirty) {
      const int err = Shelf::Release(pad, id, dirty);
      if (!err)
        Shelf::Of(pad)->tiles.at(id).dirty = dirty;
      return err;
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, ADirtyTileStaysSoThroughCleanReleases, BelievesTheLastRelease);

struct ReadsWhatIsOverwritten : ShelfFactory<ReadsWhatIsOverwritten> {
  static void Plant(Table *ops) {
    ops->pull = [](aml_scratchpad *pad, size_t id, unsigned flags, const aml_tile **tile) {
      return Shelf::Pull(pad, id, flags & ~unsigned{AML_SCRATCHPAD_OVERWRITE}, tile);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, OverwritingReadsNothing, ReadsWhatIsOverwritten);

struct PushesAndForgets : ShelfFactory<PushesAndForgets> {
  static void Plant(Table *ops) {
    ops->push = [](aml_scratchpad *pad, size_t id) {
      const int err = Shelf::Push(pad, id);
      return err ? err : Shelf::Drop(pad, id);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, PushWritesBackAndKeeps, PushesAndForgets);

struct PushesNoPinned : ShelfFactory<PushesNoPinned> {
  static void Plant(Table *ops) {
    ops->push = [](aml_scratchpad *pad, size_t id) {
      const auto it = Shelf::Of(pad)->tiles.find(id);
      return it != Shelf::Of(pad)->tiles.end() && it->second.pins != 0 ? 0 : Shelf::Push(pad, id);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, PushWritesBackAndKeeps, PushesNoPinned);

struct FlushesOne : ShelfFactory<FlushesOne> {
  static void Plant(Table *ops) {
    ops->flush = [](aml_scratchpad *pad) {
      auto &tiles = Shelf::Of(pad)->tiles;
      return tiles.empty() ? 0 : Shelf::Push(pad, tiles.begin()->first);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, FlushBringsTheDatumUpToDate, FlushesOne);

struct DropsWithAWriteBack : ShelfFactory<DropsWithAWriteBack> {
  static void Plant(Table *ops) {
    ops->drop = [](aml_scratchpad *pad, size_t id) {
      (void)Shelf::Push(pad, id);
      return Shelf::Drop(pad, id);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, DropForgetsWhatIsNotPinned, DropsWithAWriteBack);

struct DropsNothing : ShelfFactory<DropsNothing> {
  static void Plant(Table *ops) {
    ops->drop = [](aml_scratchpad *, size_t) { return 0; };
  }
};
EXPECT_CAUGHT(ScratchpadContract, DropForgetsWhatIsNotPinned, DropsNothing);

struct PrefetchPins : ShelfFactory<PrefetchPins> {
  static void Plant(Table *ops) {
    ops->prefetch = [](aml_scratchpad *pad, size_t id) {
      const aml_tile *tile;
      return Shelf::Pull(pad, id, 0, &tile);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, PrefetchingChangesNoContents, PrefetchPins);

struct PrefetchLosesDirty : ShelfFactory<PrefetchLosesDirty> {
  static void Plant(Table *ops) {
    ops->prefetch = [](aml_scratchpad *pad, size_t id) {
      auto &tiles = Shelf::Of(pad)->tiles;
      if (tiles.size() == Shelf::kSlots)
        (void)Shelf::Drop(pad, tiles.begin()->first);
      return Shelf::Prefetch(pad, id);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, PrefetchingChangesNoContents, PrefetchLosesDirty);

struct OverwritesWithWhatWasThere : ShelfFactory<OverwritesWithWhatWasThere> {
  static void Plant(Table *ops) {
    ops->pull = [](aml_scratchpad *pad, size_t id, unsigned flags, const aml_tile **tile) {
      const int err = Shelf::Pull(pad, id, flags, tile);
      if (!err && (flags & AML_SCRATCHPAD_OVERWRITE) != 0)
        Shelf::Of(pad)->tiles.at(id).dirty = true;
      return err;
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, WhatWasNotOverwrittenAfterAllIsForgotten,
              OverwritesWithWhatWasThere);

// Loses what was written to one tile in particular, when it leaves.
struct LosesOneTile : ShelfFactory<LosesOneTile> {
  static void Plant(Table *ops) {
    ops->release = [](aml_scratchpad *pad, size_t id, bool dirty) {
      return Shelf::Release(pad, id, dirty && id != 5);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, ARandomWalkAgreesWithAModel, LosesOneTile);

struct TakesAnyId : ShelfFactory<TakesAnyId> {
  static void Plant(Table *ops) {
    ops->push = [](aml_scratchpad *, size_t) { return 0; };
  }
};
EXPECT_CAUGHT(ScratchpadContract, IdsBehindTheLastAreRefused, TakesAnyId);

struct ReleasesWhatIsNotPinned : ShelfFactory<ReleasesWhatIsNotPinned> {
  static void Plant(Table *ops) {
    ops->release = [](aml_scratchpad *pad, size_t id, bool dirty) {
      (void)Shelf::Release(pad, id, dirty);
      return 0;
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, ReleaseOfWhatIsNotPinnedIsRefused, ReleasesWhatIsNotPinned);

/** As Shelf::Stats(), and then one thing wrong. */
template <void (*Change)(aml_scratchpad_stats *stats)>
void ChangedStats(const aml_scratchpad *pad, aml_scratchpad_stats *stats) {
  Shelf::Stats(pad, stats);
  Change(stats);
}

struct CountsHitsAsMisses : ShelfFactory<CountsHitsAsMisses> {
  static void Change(aml_scratchpad_stats *stats) { stats->misses += stats->hits; }
  static void Plant(Table *ops) { ops->stats = ChangedStats<Change>; }
};
EXPECT_CAUGHT(ScratchpadContract, StatsCountWhatHappened, CountsHitsAsMisses);

struct CountsNoBytes : ShelfFactory<CountsNoBytes> {
  static void Change(aml_scratchpad_stats *stats) { stats->written_size = 0; }
  static void Plant(Table *ops) { ops->stats = ChangedStats<Change>; }
};
EXPECT_CAUGHT(ScratchpadContract, StatsCountWhatHappened, CountsNoBytes);

struct KeepsAHalfReadTile : ShelfFactory<KeepsAHalfReadTile> {
  static void Plant(Table *ops) {
    ops->pull = [](aml_scratchpad *pad, size_t id, unsigned flags, const aml_tile **tile) {
      const int err = Shelf::Pull(pad, id, flags, tile);
      const aml_tile *unread;
      if (err == -AML_EIO)
        (void)Shelf::Pull(pad, id, AML_SCRATCHPAD_OVERWRITE, &unread);
      return err;
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, APullWhoseReadFailsPinsNothing, KeepsAHalfReadTile);

struct ForgetsWhatItCannotWrite : ShelfFactory<ForgetsWhatItCannotWrite> {
  static void Plant(Table *ops) {
    ops->push = [](aml_scratchpad *pad, size_t id) {
      const int err = Shelf::Push(pad, id);
      if (err == -AML_ENOSPC)
        Shelf::Of(pad)->tiles.at(id).dirty = false;
      return err;
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, AWriteBackThatFailsLosesNothing, ForgetsWhatItCannotWrite);

struct ReportsNoFailedFlush : ShelfFactory<ReportsNoFailedFlush> {
  static void Plant(Table *ops) {
    ops->flush = [](aml_scratchpad *pad) {
      (void)Shelf::Flush(pad);
      return 0;
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, AWriteBackThatFailsLosesNothing, ReportsNoFailedFlush);

struct RecordsItsSuccess : ShelfFactory<RecordsItsSuccess> {
  static void Plant(Table *ops) {
    ops->push = [](aml_scratchpad *pad, size_t id) {
      (void)aml_error_set(0, "aml_scratchpad_push", nullptr, "went well");
      return Shelf::Push(pad, id);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, CallsThatSucceedLeaveTheLastError, RecordsItsSuccess);

// Loses pins and so tiles of one thread by what another one does: here, always.
struct IsNotThreadSafe : ShelfFactory<IsNotThreadSafe> {
  static void Plant(Table *ops) {
    ops->release = [](aml_scratchpad *pad, size_t id, bool dirty) {
      const Shelf::Lock lock(Shelf::Of(pad)->mutex);
      static int calls;
      return Shelf::Release(pad, id, dirty && ++calls % 500 != 0);
    };
    ops->flush = [](aml_scratchpad *pad) {
      for (auto &tile : Shelf::Of(pad)->tiles)
        tile.second.dirty = tile.second.dirty && tile.first % 2 == 0;
      return Shelf::Flush(pad);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, ThreadsShareAScratchpadThatIsSafe, IsNotThreadSafe);

struct EndsWithoutAFlush : ShelfFactory<EndsWithoutAFlush> {
  static void Plant(Table *ops) {
    ops->fini = [](aml_scratchpad *pad) {
      if (Shelf::Of(pad) != nullptr)
        for (auto &tile : Shelf::Of(pad)->tiles)
          tile.second.dirty = false;
      Shelf::Fini(pad);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, FiniWritesBackAndGivesTheSlotsBack, EndsWithoutAFlush);

struct KeepsItsSlots : ShelfFactory<KeepsItsSlots> {
  static void Plant(Table *ops) {
    ops->fini = [](aml_scratchpad *pad) {
      if (Shelf::Of(pad) != nullptr)
        (void)Shelf::Flush(pad);
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, FiniWritesBackAndGivesTheSlotsBack, KeepsItsSlots);

struct FiniTakesTheOperations : ShelfFactory<FiniTakesTheOperations> {
  static void Plant(Table *ops) {
    ops->fini = [](aml_scratchpad *pad) {
      Shelf::Fini(pad);
      pad->ops = nullptr;
    };
  }
};
EXPECT_CAUGHT(ScratchpadContract, FiniLeavesStorageAsDeclared, FiniTakesTheOperations);

struct CreatesHalf : ShelfFactory<CreatesHalf> {
  static void Plant(Table *) {}
  static int Create(ScratchpadParts &parts, aml_scratchpad **created) {
    static aml_scratchpad half;
    *created = &half;
    return ShelfFactory<CreatesHalf>::Create(parts, created);
  }
};
EXPECT_CAUGHT(ScratchpadContract, InitWithoutMemoryForSlotsChangesNothing, CreatesHalf);

struct CreatesAnother : ShelfFactory<CreatesAnother> {
  static void Plant(Table *) {}
  static int Create(ScratchpadParts &parts, aml_scratchpad **created) {
    static const Table other = Shelf::MakeOps();
    const int err = ShelfFactory<CreatesAnother>::Create(parts, created);
    if (!err)
      (*created)->ops = &other;
    return err;
  }
};
EXPECT_CAUGHT(ScratchpadContract, ACreatedScratchpadIsLikeADeclaredOne, CreatesAnother);

} // namespace
