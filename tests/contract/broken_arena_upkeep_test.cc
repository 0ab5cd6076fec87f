// SPDX-License-Identifier: BSD-3-Clause
//
// Defects of reset, trim, stats, threads and lives that the contract suite of arenas must catch.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <thread>

#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/contract/arena.h"
#include "aml/tests/contract/expect_failures.h"
#include "aml/tests/contract/internal/heap_arena.h"

namespace {

using namespace aml_testing;

struct ResetsByTrimming : HeapFactory<ResetsByTrimming> {
  static void Plant(aml_arena_ops *ops) {
    ops->reset = [](aml_arena *arena) {
      size_t released = 0;
      Heap::Reset(arena);
      (void)Heap::Trim(arena, 0, &released);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, ResetKeepsTheMemoryForReuse, ResetsByTrimming);

struct ResetsNothing : HeapFactory<ResetsNothing> {
  static void Plant(aml_arena_ops *ops) {
    ops->reset = [](aml_arena *) {};
  }
};
EXPECT_CAUGHT(ArenaContract, ResetKeepsTheMemoryForReuse, ResetsNothing);

struct TrimsNothing : HeapFactory<TrimsNothing> {
  static void Plant(aml_arena_ops *ops) {
    ops->trim = [](aml_arena *, size_t, size_t *released) {
      *released = 0;
      return 0;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, TrimGivesBackWhatHoldsNoBlock, TrimsNothing);

struct TrimsWhatMayStay : HeapFactory<TrimsWhatMayStay> {
  static void Plant(aml_arena_ops *ops) {
    ops->trim = [](aml_arena *arena, size_t, size_t *released) {
      return Heap::Trim(arena, 0, released);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, TrimGivesBackWhatHoldsNoBlock, TrimsWhatMayStay);

struct TrimsBlocksToo : HeapFactory<TrimsBlocksToo> {
  static void Plant(aml_arena_ops *ops) {
    ops->trim = [](aml_arena *arena, size_t keep, size_t *released) {
      Heap::Reset(arena);
      return Heap::Trim(arena, keep, released);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, TrimGivesBackWhatHoldsNoBlock, TrimsBlocksToo);

struct MiscountsTrims : HeapFactory<MiscountsTrims> {
  static void Plant(aml_arena_ops *ops) {
    ops->trim = [](aml_arena *arena, size_t keep, size_t *released) {
      const int err = Heap::Trim(arena, keep, released);
      *released += 1;
      return err;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, TrimGivesBackWhatHoldsNoBlock, MiscountsTrims);

struct HidesFailedTrims : HeapFactory<HidesFailedTrims> {
  static void Plant(aml_arena_ops *ops) {
    ops->trim = [](aml_arena *arena, size_t keep, size_t *released) {
      (void)Heap::Trim(arena, keep, released);
      return 0;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, ATrimThatFailsKeepsTheChunk, HidesFailedTrims);

struct DropsWhatItCannotTrim : HeapFactory<DropsWhatItCannotTrim> {
  static void Plant(aml_arena_ops *ops) {
    ops->trim = [](aml_arena *arena, size_t keep, size_t *released) {
      const int err = Heap::Trim(arena, keep, released);
      Heap::Account *const account = Heap::AccountOf(arena);
      if (err) {
        account->reserved_size -= account->chunks.begin()->second;
        account->chunks.erase(account->chunks.begin());
      }
      return err;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, ATrimThatFailsKeepsTheChunk, DropsWhatItCannotTrim);

struct OwnsWhatItTrimmed : HeapFactory<OwnsWhatItTrimmed> {
  static void Plant(aml_arena_ops *ops) {
    ops->owns = [](const aml_arena *arena, const void *pointer) {
      static std::set<uintptr_t> pages;
      const uintptr_t page = reinterpret_cast<uintptr_t>(pointer) / 4096;
      if (Heap::Owns(arena, pointer))
        pages.insert(page);
      return pages.count(page) != 0;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, TrimGivesBackWhatHoldsNoBlock, OwnsWhatItTrimmed);

// A block stays if the area does not take its chunk.
struct FreesWhatTheAreaTakes : HeapFactory<FreesWhatTheAreaTakes> {
  static void Plant(aml_arena_ops *ops) {
    ops->free = [](aml_arena *arena, void *pointer) {
      const size_t size = Heap::UsableSize(arena, pointer);
      size_t released = 0;
      Heap::Free(arena, pointer);
      if (Heap::Trim(arena, 0, &released) == 0)
        return;
      Heap::Account *const account = Heap::AccountOf(arena);
      account->live_size += account->blocks[static_cast<char *>(pointer)] = size;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, FreeAndResetNeedNothingOfTheArea, FreesWhatTheAreaTakes);

struct CallsEachFailureNoMemory : HeapFactory<CallsEachFailureNoMemory> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      void *const block = Heap::Alloc(arena, size, alignment, flags);
      return block == nullptr ? Heap::Refuse(-AML_ENOMEM, "arena", "has no more") : block;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, AFailureOfTheAreaIsTold, CallsEachFailureNoMemory);

struct LosesABlockThatCannotGrow : HeapFactory<LosesABlockThatCannotGrow> {
  static void Plant(aml_arena_ops *ops) {
    ops->realloc = [](aml_arena *arena, void *pointer, size_t size, size_t alignment,
                      unsigned flags) {
      void *const block = Heap::Realloc(arena, pointer, size, alignment, flags);
      if (block == nullptr && size < Heap::kMost)
        Heap::Free(arena, pointer);
      return block;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, AFullArenaSaysSoAndKeepsItsBlocks, LosesABlockThatCannotGrow);

struct CanMoreWithBlocks : HeapFactory<CanMoreWithBlocks> {
  static void Plant(aml_arena_ops *ops) {
    ops->capabilities = [](const aml_arena *arena) {
      const unsigned all = Heap::Capabilities(arena);
      return Heap::AccountOf(arena)->blocks.empty() ? all & ~unsigned{AML_ARENA_KNOWS_OWN} : all;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, FreeOfNullDoesNothing, CanMoreWithBlocks);

struct LosesABlockWhenFull : HeapFactory<LosesABlockWhenFull> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      void *const block = Heap::Alloc(arena, size, alignment, flags);
      Heap::Account *const account = Heap::AccountOf(arena);
      if (block == nullptr && !account->blocks.empty())
        Heap::Free(arena, account->blocks.begin()->first);
      return block;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, AFullArenaSaysSoAndKeepsItsBlocks, LosesABlockWhenFull);

struct PassesItsLimit : HeapFactory<PassesItsLimit> {
  static void Plant(aml_arena_ops *ops) {
    ops->stats = [](const aml_arena *arena, aml_arena_stats *stats) {
      Heap::Stats(arena, stats);
      stats->limit = uint64_t{1} << 22;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, TheLimitHolds, PassesItsLimit);

struct LeavesAFieldOut : HeapFactory<LeavesAFieldOut> {
  static void Plant(aml_arena_ops *ops) {
    ops->stats = [](const aml_arena *arena, aml_arena_stats *stats) {
      const uint64_t before = stats->metadata_size;
      Heap::Stats(arena, stats);
      stats->metadata_size = before;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, StatsFillEveryField, LeavesAFieldOut);

struct CannotWhatItSays : HeapFactory<CannotWhatItSays> {
  static void Plant(aml_arena_ops *ops) { ops->trim = nullptr; }
};
EXPECT_CAUGHT(ArenaContract, CapabilitiesHaveTheirOperations, CannotWhatItSays);

// As state kept per thread would.
struct ServesTheFirstThreadOnly : HeapFactory<ServesTheFirstThreadOnly> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      static const std::thread::id first = std::this_thread::get_id();
      if (std::this_thread::get_id() != first)
        return Heap::Refuse(-AML_ENOMEM, "arena", "is another thread's");
      return Heap::Alloc(arena, size, alignment, flags);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, ThreadsShareAnArenaThatIsSafe, ServesTheFirstThreadOnly);

struct TouchesItsBlocks : HeapFactory<TouchesItsBlocks> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      void *const block = Heap::Alloc(arena, size, alignment, flags);
      if (block != nullptr)
        *static_cast<char *>(block) = 1;
      return block;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, HiddenMemoryIsRefusedOrNotTouched, TouchesItsBlocks);

struct TakesAnyAreaInBand : HeapFactory<TakesAnyAreaInBand> {
  static void Plant(aml_arena_ops *ops) {
    ops->capabilities = [](const aml_arena *arena) {
      return Heap::Capabilities(arena) | static_cast<unsigned>(AML_ARENA_IN_BAND);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, HiddenMemoryIsRefusedOrNotTouched, TakesAnyAreaInBand);

struct TakesAllForHostMemory : HeapFactory<TakesAllForHostMemory> {
  static void Plant(aml_arena_ops *ops) {
    ops->capabilities = [](const aml_arena *arena) {
      return Heap::Capabilities(arena) | static_cast<unsigned>(AML_ARENA_HOST_MEMORY);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, HiddenMemoryIsRefusedOrNotTouched, TakesAllForHostMemory);

struct RecordsSuccess : HeapFactory<RecordsSuccess> {
  static void Plant(aml_arena_ops *ops) {
    ops->free = [](aml_arena *arena, void *pointer) {
      Heap::Free(arena, pointer);
      (void)aml_error_set(-AML_EINVAL, "aml_arena_free", nullptr, "worked");
    };
  }
};
EXPECT_CAUGHT(ArenaContract, CallsThatSucceedLeaveTheLastError, RecordsSuccess);

struct FiniTakesTheOperations : HeapFactory<FiniTakesTheOperations> {
  static void Plant(aml_arena_ops *ops) {
    ops->fini = [](aml_arena *arena) { arena->ops = nullptr; };
  }
};
EXPECT_CAUGHT(ArenaContract, FiniOfADeclaredArenaDoesNothing, FiniTakesTheOperations);

struct FiniKeepsAChunk : HeapFactory<FiniKeepsAChunk> {
  static void Plant(aml_arena_ops *ops) {
    ops->fini = [](aml_arena *arena) {
      Heap::Account *const account = Heap::AccountOf(arena);
      if (account != nullptr && !account->chunks.empty())
        account->chunks.erase(account->chunks.begin());
      Heap::Fini(arena);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, FiniGivesEverythingBack, FiniKeepsAChunk);

struct KeepsItsOldLimit : HeapFactory<KeepsItsOldLimit> {
  static void Plant(aml_arena_ops *) {}
  int Init(size_t i, aml_area *area) {
    was_limited = was_limited || i == 1;
    return Heap::Init(arena, area, LimitOf(was_limited ? 1 : 0));
  }
  bool was_limited = false;
};
EXPECT_CAUGHT(ArenaContract, FiniGivesEverythingBack, KeepsItsOldLimit);

struct CreatesAnother : HeapFactory<CreatesAnother> {
  static void Plant(aml_arena_ops *) {}
  int Create(size_t i, aml_area *area, aml_arena **created) {
    return HeapFactory::Create(1 - i, area, created);
  }
};
EXPECT_CAUGHT(ArenaContract, ACreatedArenaIsLikeADeclaredOne, CreatesAnother);

} // namespace
