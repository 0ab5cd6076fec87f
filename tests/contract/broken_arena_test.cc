// SPDX-License-Identifier: BSD-3-Clause
//
// Defects of blocks that the contract suite of arenas must catch, each by the test that is there
// for it; those of the arena as a whole are in broken_arena_upkeep_test.cc. Arguments that the
// generic functions refuse reach no type, so no type can get them wrong.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/contract/arena.h"
#include "aml/tests/contract/expect_failures.h"
#include "aml/tests/contract/internal/heap_arena.h"

namespace {

using namespace aml_testing;

// Hands the second half of a block to the next one too.
struct GivesHalfAway : HeapFactory<GivesHalfAway> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      return Heap::Alloc(arena, size < SIZE_MAX / 8 ? size / 2 : size, alignment, flags);
    };
    ops->usable_size = [](const aml_arena *arena, const void *block) {
      return 2 * Heap::UsableSize(arena, block) + 1;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, BlocksDoNotOverlapAndKeepTheirContents, GivesHalfAway);

/** As Heap::Stats(), and then one thing wrong. */
template <void (*Change)(aml_arena_stats *stats)>
void ChangedStats(const aml_arena *arena, aml_arena_stats *stats) {
  Heap::Stats(arena, stats);
  Change(stats);
}

struct CountsOneMore : HeapFactory<CountsOneMore> {
  static void Change(aml_arena_stats *stats) { ++stats->live_count; }
  static void Plant(aml_arena_ops *ops) { ops->stats = ChangedStats<Change>; }
};
EXPECT_CAUGHT(ArenaContract, BlocksDoNotOverlapAndKeepTheirContents, CountsOneMore);

struct ForgetsItsPeak : HeapFactory<ForgetsItsPeak> {
  static void Change(aml_arena_stats *stats) { stats->peak_size = stats->live_size; }
  static void Plant(aml_arena_ops *ops) { ops->stats = ChangedStats<Change>; }
};
EXPECT_CAUGHT(ArenaContract, BlocksDoNotOverlapAndKeepTheirContents, ForgetsItsPeak);

struct ReservesLess : HeapFactory<ReservesLess> {
  static void Change(aml_arena_stats *stats) {
    stats->reserved_size = std::min<uint64_t>(stats->reserved_size, stats->live_size);
  }
  static void Plant(aml_arena_ops *ops) { ops->stats = ChangedStats<Change>; }
};
EXPECT_CAUGHT(ArenaContract, BlocksDoNotOverlapAndKeepTheirContents, ReservesLess);

struct IsNeverValid : HeapFactory<IsNeverValid> {
  static void Plant(aml_arena_ops *ops) {
    ops->validate = [](const aml_arena *) {
      return aml_error_set(-AML_EINVAL, "aml_arena_validate", "arena", "is broken");
    };
  }
};
EXPECT_CAUGHT(ArenaContract, BlocksDoNotOverlapAndKeepTheirContents, IsNeverValid);

struct ForgetsAlignment : HeapFactory<ForgetsAlignment> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      return Heap::Alloc(arena, size, std::min<size_t>(alignment, 64), flags);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, BlocksAreAlignedAsAsked, ForgetsAlignment);

struct SharesEmptyBlocks : HeapFactory<SharesEmptyBlocks> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      Heap::Account *const account = Heap::AccountOf(arena);
      if (size == 0 && !account->blocks.empty())
        return static_cast<void *>(account->blocks.begin()->first);
      return Heap::Alloc(arena, size, alignment, flags);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, BlocksOfNoBytesAreDistinct, SharesEmptyBlocks);

struct ForgetsToZero : HeapFactory<ForgetsToZero> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned) {
      return Heap::Alloc(arena, size, alignment, 0);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, ZeroedBlocksAreZero, ForgetsToZero);

// Zeroes as many bytes as were asked for, which is none.
struct ForgetsToZeroNothing : HeapFactory<ForgetsToZeroNothing> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      return Heap::Alloc(arena, size, alignment, size == 0 ? 0 : flags);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, ZeroedBlocksAreZero, ForgetsToZeroNothing);

// Says that it is free, and never looks there again.
struct NeverUsesAgain : HeapFactory<NeverUsesAgain> {
  static void Plant(aml_arena_ops *ops) {
    ops->free = [](aml_arena *arena, void *pointer) {
      Heap::Account *const account = Heap::AccountOf(arena);
      const size_t size = account->blocks.at(static_cast<char *>(pointer));
      Heap::Free(arena, pointer);
      // A block of which nobody knows, where the old one was.
      if (size == 50000)
        account->live_size += account->blocks[static_cast<char *>(pointer)] = size - 1;
    };
    ops->stats = [](const aml_arena *arena, aml_arena_stats *stats) {
      Heap::Stats(arena, stats);
      stats->live_count = stats->live_size = stats->peak_size = AML_UNKNOWN;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, FreedMemoryIsUsedAgain, NeverUsesAgain);

struct WrapsSizes : HeapFactory<WrapsSizes> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      return Heap::Alloc(arena, (size + 15) / 16 * 16, alignment, flags);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, SizesLargerThanMemoryAreRefused, WrapsSizes);

struct WrapsAlignments : HeapFactory<WrapsAlignments> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      const bool is_huge = alignment > SIZE_MAX / 4;
      return Heap::Alloc(arena, size, is_huge ? 1 : alignment, flags);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, AlignmentsLargerThanMemoryAreRefused, WrapsAlignments);

struct TakesUnknownFlags : HeapFactory<TakesUnknownFlags> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      return Heap::Alloc(arena, size, alignment, flags & AML_ARENA_ZERO);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, BadArgumentsOfAllocAreRefused, TakesUnknownFlags);

struct BatchesTakeUnknownFlags : TakesUnknownFlags {};
EXPECT_CAUGHT(ArenaContract, BadArgumentsOfBatchesAreRefused, BatchesTakeUnknownFlags);

struct LosesContents : HeapFactory<LosesContents> {
  static void Plant(aml_arena_ops *ops) {
    ops->realloc = [](aml_arena *arena, void *pointer, size_t size, size_t alignment,
                      unsigned flags) {
      void *const moved = Heap::Alloc(arena, size, alignment, flags);
      if (moved != nullptr)
        Heap::Free(arena, pointer);
      return moved;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, ResizedBlocksKeepTheirContents, LosesContents);

struct AddsDirt : HeapFactory<AddsDirt> {
  static void Plant(aml_arena_ops *ops) {
    ops->realloc = [](aml_arena *arena, void *pointer, size_t size, size_t alignment, unsigned) {
      void *const moved = Heap::Realloc(arena, pointer, size, alignment, 0);
      if (moved != nullptr && size == 90000)
        static_cast<char *>(moved)[size - 1] = 1;
      return moved;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, ResizedBlocksKeepTheirContents, AddsDirt);

struct StaysInPlace : HeapFactory<StaysInPlace> {
  static void Plant(aml_arena_ops *ops) {
    ops->realloc = [](aml_arena *arena, void *pointer, size_t size, size_t alignment,
                      unsigned flags) {
      if (size <= Heap::UsableSize(arena, pointer))
        return pointer;
      return Heap::Realloc(arena, pointer, size, alignment, flags);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, ResizedBlocksKeepTheirContents, StaysInPlace);

// Frees the old block before it knows that there is a new one.
struct FreesFirst : HeapFactory<FreesFirst> {
  static void Plant(aml_arena_ops *ops) {
    ops->realloc = [](aml_arena *arena, void *pointer, size_t size, size_t alignment,
                      unsigned flags) {
      Heap::Free(arena, pointer);
      return Heap::Alloc(arena, size, alignment, flags);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, SizesLargerThanMemoryAreRefused, FreesFirst);

struct ReallocTakesUnknownFlags : HeapFactory<ReallocTakesUnknownFlags> {
  static void Plant(aml_arena_ops *ops) {
    ops->realloc = [](aml_arena *arena, void *pointer, size_t size, size_t alignment,
                      unsigned flags) {
      return Heap::Realloc(arena, pointer, size, alignment, flags & AML_ARENA_ZERO);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, BadArgumentsOfReallocAreRefused, ReallocTakesUnknownFlags);

struct OwnsEverything : HeapFactory<OwnsEverything> {
  static void Plant(aml_arena_ops *ops) {
    ops->owns = [](const aml_arena *, const void *) { return true; };
  }
};
EXPECT_CAUGHT(ArenaContract, OnlyMemoryOfTheArenaIsOwned, OwnsEverything);

struct OwnsStartsOnly : HeapFactory<OwnsStartsOnly> {
  static void Plant(aml_arena_ops *ops) {
    ops->owns = [](const aml_arena *arena, const void *pointer) {
      char *const at = static_cast<char *>(const_cast<void *>(pointer));
      return Heap::AccountOf(arena)->blocks.count(at) != 0;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, OnlyMemoryOfTheArenaIsOwned, OwnsStartsOnly);

// Batches

struct FillsBatchesWithOne : HeapFactory<FillsBatchesWithOne> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc_batch = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags,
                          size_t count, void *pointers[]) {
      void *const block = Heap::Alloc(arena, size, alignment, flags);
      std::fill(pointers, pointers + count, block);
      return block == nullptr ? 0 : count;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, BatchesAreBlocks, FillsBatchesWithOne);

struct SharesEmptyBatches : HeapFactory<SharesEmptyBatches> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc_batch = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags,
                          size_t count, void *pointers[]) {
      size_t got = size == 0 ? count : 0;
      std::fill(pointers, pointers + got, static_cast<void *>(&arena->ops));
      while (got < count && (pointers[got] = Heap::Alloc(arena, size, alignment, flags)) != nullptr)
        ++got;
      return got;
    };
  }
};
EXPECT_CAUGHT(ArenaContract, BatchesAreBlocks, SharesEmptyBatches);

struct FreesTheFirstOfABatch : HeapFactory<FreesTheFirstOfABatch> {
  static void Plant(aml_arena_ops *ops) {
    ops->free_batch = [](aml_arena *arena, size_t count, void *const pointers[]) {
      if (count != 0)
        Heap::Free(arena, pointers[0]);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, BatchesAreGivenBackWhole, FreesTheFirstOfABatch);

struct FillsBatchesUp : HeapFactory<FillsBatchesUp> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc_batch = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags,
                          size_t count, void *pointers[]) {
      for (size_t i = 0; i < count; ++i)
        pointers[i] = Heap::Alloc(arena, size, alignment, flags);
      return static_cast<size_t>(std::find(pointers, pointers + count, nullptr) - pointers);
    };
  }
};
EXPECT_CAUGHT(ArenaContract, ABatchThatDoesNotFitIsCutShort, FillsBatchesUp);

} // namespace
