// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/internal/arena_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/arena_fixture.h"
#include "aml/tests/contract/internal/arena_oracle.h"
#include "aml/tests/contract/internal/memory.h"
#include "aml/tests/contract/internal/refusal.h"
#include "aml/tests/contract/internal/watched_area.h"

namespace aml_testing {

namespace {

/** A power of two up to 512, or 0. */
size_t RandomAlignment(std::mt19937 *random) {
  const size_t power = Draw(random, 11);
  return power == 10 ? 0 : size_t{1} << power;
}

/** Resizes a block of `blocks` where the arena can, and expects it to keep what stays. */
void ExpectResized(aml_arena *arena, Blocks *blocks, char *block, size_t size, size_t alignment,
                   unsigned flags) {
  const size_t old_size = blocks->SizeOf(block);
  const size_t old_usable = std::max(old_size, aml_arena_usable_size(arena, block));
  void *const resized = aml_arena_realloc(arena, block, size, alignment, flags);
  if (resized == nullptr) {
    EXPECT_EQ(-AML_ENOMEM, aml_error_code()) << aml_error_detail();
    blocks->CheckAllContents();
    return;
  }
  const unsigned seed = blocks->Forget(block);
  const char *const bytes = static_cast<char *>(resized);
  if (blocks->IsHostMemory()) {
    EXPECT_TRUE(Holds(bytes, std::min(old_size, size), seed)) << "contents are lost";
    const size_t usable = std::max(size, aml_arena_usable_size(arena, resized));
    EXPECT_TRUE((flags & AML_ARENA_ZERO) == 0 || usable <= old_usable ||
                IsZero(bytes + old_usable, usable - old_usable))
        << "new bytes are not zero";
  }
  blocks->Add(resized, size, alignment, 0);
  blocks->Check();
}

/** One step of a random life. */
void TakeAStep(aml_arena *arena, Blocks *blocks, std::mt19937 *random) {
  const size_t size = RandomSize(random);
  const size_t alignment = RandomAlignment(random);
  const unsigned flags = Draw(random, 3) == 0 ? static_cast<unsigned>(AML_ARENA_ZERO) : 0u;
  const size_t kind = Draw(random, 8);
  const size_t allocs = Can(arena, AML_ARENA_CAN_FREE) && blocks->count() > 64 ? 1 : 5;
  if (blocks->count() == 0 || kind < allocs)
    (void)blocks->Alloc(size, alignment, flags);
  else if (kind == 7 && Can(arena, AML_ARENA_CAN_REALLOC))
    ExpectResized(arena, blocks, blocks->at(Draw(random, blocks->count())), size + 1, alignment,
                  flags);
  else
    blocks->Free(blocks->at(Draw(random, blocks->count())));
}

} // namespace

void CheckBlocksDoNotOverlapAndKeepTheirContents(aml_arena *arena, WatchedArea &area) {
  std::mt19937 random(4);
  Blocks blocks(arena, area);
  for (unsigned step = 0; step < 500 && !testing::Test::HasFailure(); ++step) {
    TakeAStep(arena, &blocks, &random);
    if (step % 50 == 0)
      blocks.CheckAllContents();
  }
  EXPECT_GE(blocks.count(), 10u);
  blocks.CheckAllContents();
  while (Can(arena, AML_ARENA_CAN_FREE) && blocks.count() != 0)
    blocks.Free(blocks.at(Draw(&random, blocks.count())));
}

void CheckBlocksAreAlignedAsAsked(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  aml_area_info info = {};
  ASSERT_EQ(0, aml_area_get_info(area.get(), nullptr, &info));
  const size_t most = std::min<size_t>(info.max_alignment, 1 << 16);
  for (const size_t size : {1, 100})
    for (size_t alignment = 1; alignment <= most; alignment *= 2)
      ASSERT_NE(nullptr, blocks.Alloc(size, alignment)) << aml_error_detail();
  ASSERT_NE(nullptr, blocks.Alloc(1, 0));
}

void CheckBlocksOfNoBytesAreDistinct(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  for (const unsigned flags : {0u, 0u, static_cast<unsigned>(AML_ARENA_ZERO)})
    for (const size_t alignment : {1, 1, 64})
      EXPECT_NE(nullptr, blocks.Alloc(0, alignment, flags));
  EXPECT_EQ(9u, blocks.count());
}

void CheckZeroedBlocksAreZero(aml_arena *arena, WatchedArea &area) {
  for (unsigned round = 0; round < 3; ++round) {
    Blocks blocks(arena, area);
    for (const size_t size : {0, 1, 7, 500, 4096, 70000})
      for (const unsigned flags : {0u, static_cast<unsigned>(AML_ARENA_ZERO)})
        ASSERT_NE(nullptr, blocks.Alloc(size, 1, flags)) << aml_error_detail();
    // All that was dirtied is handed out again where it can be.
    while (Can(arena, AML_ARENA_CAN_FREE) && blocks.count() != 0)
      blocks.Free(blocks.at(0));
    blocks.ForgetAll();
    if (aml_arena_reset(arena)) {
      EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
      return;
    }
  }
}

void CheckFreedMemoryIsUsedAgain(aml_arena *arena, WatchedArea &area) {
  if (!Can(arena, AML_ARENA_CAN_FREE))
    return;
  Blocks blocks(arena, area);
  char *const stays = blocks.Alloc(1);
  size_t mapped = 0;
  for (unsigned round = 0; round < 300; ++round) {
    char *const block = blocks.Alloc(50000);
    ASSERT_NE(nullptr, block) << aml_error_detail();
    blocks.Free(block);
    if (round == 20)
      mapped = area.mapped();
  }
  EXPECT_EQ(mapped, area.mapped()) << "it grows, though it holds one block at a time";
  blocks.Free(stays);
}

void CheckFreeOfNullDoesNothing(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  (void)blocks.Alloc(100);
  const auto before = NumbersOf(StatsOf(arena));
  ForgetTheLastError();
  aml_arena_free(arena, nullptr);
  EXPECT_TRUE(NothingWasRecorded());
  EXPECT_EQ(before, NumbersOf(StatsOf(arena)));
  blocks.Check();
}

void CheckSizesLargerThanMemoryAreRefused(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  char *const block = blocks.Alloc(100);
  for (const size_t size : {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 15, SIZE_MAX - 4095,
                            SIZE_MAX - (size_t{1} << 20), SIZE_MAX / 2 + 1})
    for (const size_t alignment : {0, 1, 64, 4096}) {
      EXPECT_EQ(nullptr, blocks.Alloc(size, alignment)) << size << ", aligned to " << alignment;
      EXPECT_EQ(nullptr, blocks.Alloc(size, alignment, AML_ARENA_ZERO)) << size;
      if (!Can(arena, AML_ARENA_CAN_REALLOC))
        continue;
      EXPECT_EQ(nullptr, aml_arena_realloc(arena, block, size, alignment, 0)) << size;
      EXPECT_EQ(-AML_ENOMEM, aml_error_code()) << aml_error_detail();
    }
  blocks.CheckAllContents();
  EXPECT_NE(nullptr, blocks.Alloc(100)) << "unusable after a failure";
}

void CheckAlignmentsLargerThanMemoryAreRefused(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  (void)blocks.Alloc(100);
  const auto before = NumbersOf(StatsOf(arena));
  for (const size_t size : {size_t{0}, size_t{1}, SIZE_MAX / 2, SIZE_MAX}) {
    EXPECT_EQ(nullptr, aml_arena_alloc(arena, size, SIZE_MAX / 2 + 1, 0)) << size;
    EXPECT_TRUE(aml_error_code() == -AML_ENOMEM || aml_error_code() == -AML_EINVAL)
        << aml_error_detail();
  }
  EXPECT_EQ(before, NumbersOf(StatsOf(arena)));
  blocks.CheckAllContents();
  blocks.Check();
}

void CheckBadArgumentsOfAllocAreRefused(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  const auto before = NumbersOf(StatsOf(arena));
  const auto refused = [](const char *argument, aml_arena *of, size_t alignment, unsigned flags) {
    ExpectRefused(std::string("aml_arena_alloc: ") + argument, [&] {
      void *const block = aml_arena_alloc(of, 8, alignment, flags);
      EXPECT_EQ(nullptr, block);
      return aml_error_code();
    });
  };
  refused("arena", nullptr, 8, 0);
  for (const size_t alignment : {size_t{3}, size_t{24}, SIZE_MAX, SIZE_MAX - 1})
    refused("alignment", arena, alignment, 0);
  for (const unsigned flags : {2u, 3u, 1u << 31, ~0u})
    refused("flags", arena, 8, flags);
  EXPECT_EQ(before, NumbersOf(StatsOf(arena)));
  blocks.Check();
}

void CheckResizedBlocksKeepTheirContents(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  char *const block = blocks.Alloc(100, 8);
  ASSERT_NE(nullptr, block);
  if (!Can(arena, AML_ARENA_CAN_REALLOC)) {
    ExpectRefusedWith(-AML_ENOTSUP, "aml_arena_realloc:", [&] {
      void *const resized = aml_arena_realloc(arena, block, 200, 8, 0);
      return resized == nullptr ? aml_error_code() : 0;
    });
    blocks.CheckAllContents();
    return;
  }
  // The neighbours keep each other from growing in place.
  (void)blocks.Alloc(100, 8);
  size_t turn = 0;
  for (const size_t size : {1, 40, 3000, 3000, 90000, 2999, 70000, 5})
    for (const size_t alignment : {0, 1, 256, 4096}) {
      SCOPED_TRACE(testing::Message() << size << " bytes aligned to " << alignment);
      ExpectResized(arena, &blocks, blocks.at(++turn % 2), size, alignment, AML_ARENA_ZERO);
    }
  blocks.CheckAllContents();
}

void CheckResizingNullAllocates(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  for (const size_t size : {0, 1, 1000}) {
    void *const block = aml_arena_realloc(arena, nullptr, size, 128, AML_ARENA_ZERO);
    ASSERT_NE(nullptr, block) << aml_error_detail();
    blocks.Add(block, size, 128, AML_ARENA_ZERO);
    blocks.Check();
  }
}

void CheckBadArgumentsOfReallocAreRefused(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  char *const block = blocks.Alloc(100);
  const auto refused = [](const char *sentence, aml_arena *of, void *old, size_t size,
                          size_t alignment, unsigned flags) {
    ExpectRefused(sentence, [&] {
      void *const resized = aml_arena_realloc(of, old, size, alignment, flags);
      EXPECT_EQ(nullptr, resized);
      return aml_error_code();
    });
  };
  refused("aml_arena_realloc: arena", nullptr, block, 1, 0, 0);
  refused("aml_arena_realloc: size", arena, block, 0, 0, 0);
  refused("aml_arena_realloc: alignment", arena, block, 1, 3, 0);
  refused("aml_arena_realloc: alignment", arena, nullptr, 1, SIZE_MAX, 0);
  if (Can(arena, AML_ARENA_CAN_REALLOC))
    refused("aml_arena_realloc: flags", arena, block, 200, 0, 2);
  blocks.CheckAllContents();
  blocks.Check();
}

void CheckOnlyMemoryOfTheArenaIsOwned(aml_arena *arena, WatchedArea &area) {
  static char elsewhere = 0;
  Blocks blocks(arena, area);
  for (const size_t size : {1, 5000, 100})
    EXPECT_NE(nullptr, blocks.Alloc(size));
  int local = 0;
  EXPECT_FALSE(aml_arena_owns(arena, &local));
  EXPECT_FALSE(aml_arena_owns(arena, &elsewhere));
  EXPECT_FALSE(aml_arena_owns(arena, arena));
  EXPECT_FALSE(aml_arena_owns(arena, nullptr));
  EXPECT_FALSE(aml_arena_owns(nullptr, &local));
  EXPECT_EQ(0u, aml_arena_usable_size(arena, nullptr));
  EXPECT_EQ(0u, aml_arena_usable_size(nullptr, blocks.at(0)));
}

} // namespace aml_testing
