// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/slab.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aml/arena/internal/poison.h"
#include "aml/arena/slab_testing.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/support/arena_ops.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;
constexpr size_t kMiB = size_t{1} << 20;

class ArenaSlab : public SlabTest {};

TEST_F(ArenaSlab, RefusesBadOptions) {
  AML_ARENA_SLAB_DECL(arena);
  aml_arena_slab_options options = {};
  options.flags = 4;
  EXPECT_EQ(-AML_EINVAL, aml_arena_slab_init(arena, area_.get(), &options));
  EXPECT_STREQ("aml_arena_slab_init: flags has an unknown bit", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_arena_slab_init(arena, nullptr, nullptr));
  EXPECT_STREQ("aml_arena_slab_init: area is null, and there is no region", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_arena_slab_init(nullptr, area_.get(), nullptr));
  const aml_arena_ops other = *arena->ops;
  aml_arena foreign = {&other};
  EXPECT_EQ(-AML_EINVAL, aml_arena_slab_init(&foreign, area_.get(), nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_slab_create(nullptr, area_.get(), nullptr));
  char region[100];
  options = {0, 0, region, 0, 0};
  EXPECT_EQ(-AML_EINVAL, aml_arena_slab_init(arena, nullptr, &options));
}

TEST_F(ArenaSlab, MapsNothingUntilItMust) {
  Make();
  EXPECT_EQ(0, area_.live());
  Free(Alloc(1));
  EXPECT_EQ(1, area_.live());
  EXPECT_EQ(kMiB, ValidStats(arena_).reserved_size);
}

TEST_F(ArenaSlab, ARegionWithoutAWholeUnitHoldsNothing) {
  static char region[kPage];
  const aml_arena_slab_options options = {0, 0, region + 1, sizeof region - 1, 0};
  ASSERT_EQ(0, aml_arena_slab_create(&arena_, nullptr, &options));
  EXPECT_EQ(nullptr, aml_arena_alloc(arena_, 1, 0, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  (void)ValidStats(arena_);
}

TEST_F(ArenaSlab, UsableSizeIsTheClassOfTheWholeBlock) {
  Make();
  for (const size_t size : {1, 16, 17, 128, 129, 1000, 5000, 32769, 1 << 20, (1 << 20) + 1}) {
    char *const block = Alloc(size);
    const size_t usable = aml_arena_usable_size(arena_, block);
    EXPECT_GE(usable, size);
    EXPECT_LE(usable, std::max<size_t>(16, size + size / 8 + 15 + (size > kMiB ? kPage : 0)));
    EXPECT_EQ(usable, aml_arena_usable_size(arena_, block + size - 1)) << "from inside";
    EXPECT_EQ(usable, aml_arena_usable_size(arena_, block + usable - 1));
  }
}

TEST_F(ArenaSlab, AnAddressInABlockLeadsToTheBlock) {
  Make();
  std::vector<char *> blocks;
  for (size_t size = 1; size < 4 * kMiB; size += 1 + size / 3)
    for (int i = 0; i < 3; ++i)
      blocks.push_back(Alloc(size));
  for (char *const block : blocks) {
    const size_t usable = aml_arena_usable_size(arena_, block);
    EXPECT_EQ(block, aml_arena_slab_find(arena_, block));
    EXPECT_EQ(block, aml_arena_slab_find(arena_, block + usable / 2));
    EXPECT_EQ(block, aml_arena_slab_find(arena_, block + usable - 1));
  }
  EXPECT_EQ(nullptr, aml_arena_slab_find(arena_, nullptr));
  EXPECT_EQ(nullptr, aml_arena_slab_find(nullptr, blocks[0]));
  EXPECT_EQ(nullptr, aml_arena_slab_find(arena_, &blocks));
}

TEST_F(ArenaSlab, AlignmentsUpToAGibibyteAreKept) {
  Make();
  for (size_t alignment = 1; alignment <= size_t{1} << 30; alignment *= 2)
    for (const size_t size : {size_t{1}, size_t{5000}, kMiB + 1}) {
      char *const block = Alloc(size, alignment);
      EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(block) % alignment);
      block[0] = block[size - 1] = 1;
      Free(block);
    }
  EXPECT_EQ(0u, ValidStats(arena_).live_count);
}

TEST_F(ArenaSlab, HugeBlocksComeFromTheAreaAndGoBackAtOnce) {
  Make();
  char *const block = Alloc(10 * kMiB + 1);
  EXPECT_EQ(1, area_.live());
  EXPECT_EQ(10 * kMiB + kPage, ValidStats(arena_).reserved_size);
  EXPECT_TRUE(aml_arena_owns(arena_, block + 5 * kMiB));
  EXPECT_TRUE(aml_arena_owns(arena_, block + 10 * kMiB));
  Free(block);
  EXPECT_EQ(0, area_.live());
  EXPECT_FALSE(aml_arena_owns(arena_, block));
}

TEST_F(ArenaSlab, ZeroingSkipsWhatIsFresh) {
  Make();
  for (const size_t size : {200000, 4000000}) {
    char *const block = Alloc(size, 0, AML_ARENA_ZERO);
    EXPECT_FALSE(IsResident(block + size / 2)) << "touched for nothing";
    std::memset(block, 1, size);
    Free(block);
    ASSERT_EQ(0, aml_arena_trim(arena_, kMiB, nullptr));
    char *const again = Alloc(size, 0, AML_ARENA_ZERO);
    EXPECT_EQ(size, static_cast<size_t>(std::count(again, again + size, 0)));
    Free(again);
  }
}

TEST_F(ArenaSlab, ABlockThatShrinksIsZeroBehindWhatItKeeps) {
  Make();
  char *const large = Alloc(4096, 0, AML_ARENA_ZERO);
  std::memset(large, 1, 4096);
  void *const block = aml_arena_realloc(arena_, large, 1030, 0, AML_ARENA_ZERO);
  const char *const bytes = static_cast<char *>(block);
  const size_t usable = aml_arena_usable_size(arena_, block);
  EXPECT_EQ(1, bytes[1029]);
  EXPECT_LT(1030u, usable);
  EXPECT_EQ(bytes + usable,
            std::find_if(bytes + 1030, bytes + usable, [](char c) { return c != 0; }));
  Free(block);
}

TEST_F(ArenaSlab, WithoutZeroesNothingIsFresh) {
  aml_arena_slab_options options = {};
  options.flags = AML_ARENA_SLAB_NO_ZERO;
  Make(options);
  char *const block = Alloc(200000, 0, AML_ARENA_ZERO);
  EXPECT_TRUE(IsResident(block + 100000));
  Free(block);
}

TEST_F(ArenaSlab, AZeroedBlockIsFoundWhereTheThreadKeepsIt) {
  aml_arena_slab_options options = {};
  options.limit = 2 * kMiB;
  Make(options);
  for (int i = 0; i < 3; ++i)
    Free(Alloc(16));
  char *const block = Alloc(kMiB);
  std::memset(block, 1, kMiB);
  Free(block);
  char *const again = Alloc(kMiB, 0, AML_ARENA_ZERO);
  ASSERT_EQ(block, again) << "there is no other within the limit";
  EXPECT_EQ(static_cast<ptrdiff_t>(kMiB), std::count(again, again + kMiB, 0));
}

TEST_F(ArenaSlab, ManyArenasAreApart) {
  constexpr size_t kArenas = 40;
  aml_arena *arenas[kArenas] = {};
  std::vector<char *> blocks[kArenas];
  for (aml_arena *&arena : arenas)
    ASSERT_EQ(0, aml_arena_slab_create(&arena, area_.get(), nullptr));
  for (int round = 0; round < 50; ++round)
    for (size_t i = 0; i < kArenas; ++i) {
      blocks[i].push_back(static_cast<char *>(aml_arena_alloc(arenas[i], 100, 0, 0)));
      std::memset(blocks[i].back(), static_cast<int>(i), 100);
      if (round % 3 == 2) {
        aml_arena_free(arenas[i], blocks[i].front());
        blocks[i].erase(blocks[i].begin());
      }
    }
  for (size_t i = 0; i < kArenas; ++i) {
    EXPECT_EQ(blocks[i].size(), ValidStats(arenas[i]).live_count);
    for (char *const block : blocks[i]) {
      EXPECT_EQ(100, std::count(block, block + 100, static_cast<char>(i)));
      EXPECT_FALSE(aml_arena_owns(arenas[(i + 1) % kArenas], block));
    }
  }
  // Ended in another order than they were made, with their blocks.
  for (size_t i = 0; i < kArenas; ++i)
    aml_arena_destroy(&arenas[i * 7 % kArenas]);
}

TEST_F(ArenaSlab, AnArenaMayBeMadeWhereOneWasForgotten) {
  AML_ARENA_SLAB_DECL(arena);
  const aml_arena_slab fresh = arena_storage;
  ASSERT_EQ(0, aml_arena_slab_init(arena, area_.get(), nullptr));
  aml_arena_free(arena, aml_arena_alloc(arena, 100, 0, 0));
  aml_arena_free(arena, aml_arena_alloc(arena, 100, 0, 0));
  const aml_arena_slab forgotten = std::exchange(arena_storage, fresh);
  ASSERT_EQ(0, aml_arena_slab_init(arena, area_.get(), nullptr));
  void *const block = aml_arena_alloc(arena, 100, 0, 0);
  EXPECT_TRUE(aml_arena_owns(arena, block));
  aml_arena_free(arena, block);
  EXPECT_EQ(0u, ValidStats(arena).live_count);
  aml_arena_fini(arena);
  arena_storage = forgotten;
  aml_arena_fini(arena);
}

TEST_F(ArenaSlab, ChunksFarApartAreAllKnown) {
  // As an area's may be that is not the only one to map.
  constexpr size_t kFar = size_t{1} << 40;
  Make();
  std::vector<char *> blocks;
  std::vector<void *> fences;
  for (int i = 0; i < 12; ++i) {
    void *const fence =
        mmap(nullptr, kFar, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (fence == MAP_FAILED)
      break;
    fences.push_back(fence);
    for (const size_t size : {size_t{100}, kMiB - 1, kMiB, 3 * kMiB})
      blocks.push_back(Alloc(size));
  }
  EXPECT_EQ(blocks.size(), ValidStats(arena_).live_count);
  for (char *const block : blocks) {
    EXPECT_TRUE(aml_arena_owns(arena_, block));
    EXPECT_EQ(block, aml_arena_slab_find(arena_, block + aml_arena_usable_size(arena_, block) - 1));
    Free(block);
  }
  EXPECT_EQ(0u, ValidStats(arena_).live_count);
  EXPECT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  for (char *const block : blocks)
    EXPECT_FALSE(aml_arena_owns(arena_, block));
  for (void *const fence : fences)
    munmap(fence, kFar);
}

// Of a block of some MiB in a region, each address leads to it, whatever was there before.
TEST_F(ArenaSlab, LargeBlocksAreFoundFromAllTheirAddresses) {
  std::vector<char> region(64 * kMiB);
  const aml_arena_slab_options options = {0, 0, region.data(), region.size(), 0};
  ASSERT_EQ(0, aml_arena_slab_create(&arena_, nullptr, &options));
  std::mt19937 random(3);
  std::vector<char *> blocks(8, nullptr);
  for (int i = 0; i < 1000; ++i) {
    char *&block = blocks[random() % blocks.size()];
    const size_t freed = block == nullptr ? 0 : aml_arena_usable_size(arena_, block);
    Free(block);
    EXPECT_EQ(freed != 0, aml_arena_owns(arena_, block + freed / 2)) << "free, and the arena's";
    const size_t size = 1 + random() % (random() % 3 == 0 ? 100000 : 12 * kMiB);
    block = static_cast<char *>(aml_arena_alloc(arena_, size, size_t{1} << random() % 23, 0));
    const size_t usable = block == nullptr ? 0 : aml_arena_usable_size(arena_, block);
    for (size_t offset = 0; offset < usable; offset += kPage)
      ASSERT_EQ(block, aml_arena_slab_find(arena_, block + offset)) << offset;
    (void)ValidStats(arena_);
    if (i % 250 != 249)
      continue;
    ASSERT_EQ(0, aml_arena_reset(arena_));
    blocks.assign(blocks.size(), nullptr);
  }
}

// Of blocks that are free, the thread keeps some: these are in the way of larger ones.
TEST_F(ArenaSlab, WhatTheThreadKeepsIsNoneOfTheLimit) {
  aml_arena_slab_options options = {};
  options.limit = 4 * kMiB;
  for (const size_t chunk_size : {size_t{1}, kMiB, 3 * kMiB})
    for (const size_t size : {kMiB / 2, kMiB, kMiB + 1, 4 * kMiB}) {
      options.chunk_size = chunk_size;
      Make(options);
      EXPECT_LT(3 * kMiB, 64 * FillAndEmpty(64));
      void *const large = aml_arena_alloc(arena_, size, 0, 0);
      EXPECT_NE(nullptr, large) << size << " in chunks of " << chunk_size;
      EXPECT_EQ(1u, ValidStats(arena_).live_count);
      aml_arena_destroy(&arena_);
    }
}

TEST_F(ArenaSlab, WhatTheThreadKeepsIsNoneOfTheRegion) {
  alignas(kPage) static char region[2 * kMiB];
  const aml_arena_slab_options options = {0, 0, region, sizeof region, 0};
  ASSERT_EQ(0, aml_arena_slab_create(&arena_, nullptr, &options));
  for (const size_t size : {size_t{16}, size_t{1000}, size_t{40000}}) {
    (void)FillAndEmpty(size);
    char *const whole = Alloc(2 * kMiB, 0, AML_ARENA_ZERO);
    EXPECT_EQ(region, whole);
    EXPECT_EQ(nullptr, aml_arena_alloc(arena_, 1, 0, 0));
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    Free(whole);
  }
  EXPECT_EQ(0u, ValidStats(arena_).live_count);
}

TEST_F(ArenaSlab, WhatDepotsHoldIsNoneOfTheLimit) {
  aml_arena_slab_options options = {};
  options.limit = 2 * kMiB;
  Make(options);
  Use(64, 3);
  std::thread([&] { Use(64, 3); }).join(); // From now on there may be depots.
  for (int i = 0; i < 3; ++i)
    Use(64, 1000);
  EXPECT_NE(nullptr, aml_arena_alloc(arena_, 2 * kMiB, 0, 0)) << aml_error_detail();
}

TEST_F(ArenaSlab, AnAllocThatCannotFitTakesNothingFromTheThread) {
  aml_arena_slab_options options = {};
  options.limit = 2 * kMiB;
  Make(options);
  Use(64, 3);
  EXPECT_EQ(nullptr, aml_arena_alloc(arena_, 2 * kMiB + 1, 0, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(kMiB, ValidStats(arena_).reserved_size) << "the chunk went";
  char *const block = Alloc(kMiB - 64 * kPage);
  EXPECT_EQ(kMiB, ValidStats(arena_).reserved_size);
  Free(block);
}

TEST_F(ArenaSlab, RandomLivesKeepTheLaws) {
  for (unsigned seed = 0; seed < 8; ++seed) {
    aml_arena_slab_options options = {};
    options.chunk_size = seed % 2 == 0 ? 0 : 1;
    options.limit = 16 * kMiB;
    Make(options);
    EXPECT_EQ(std::string(),
              aml_testing::RunArenaOps(arena_, aml_testing::RandomBytes(seed, 3000)));
    aml_arena_destroy(&arena_);
  }
}

#if defined(AML_INTERNAL_HAS_ASAN)
TEST_F(ArenaSlab, FreeBlocksArePoisoned) {
  Make();
  for (const size_t size : {16, 5000, 100000, 3000000}) {
    char *const block = Alloc(size);
    EXPECT_EQ(0, __asan_address_is_poisoned(block + size - 1));
    if (size <= kMiB) {
      EXPECT_NE(0, __asan_address_is_poisoned(block + aml_arena_usable_size(arena_, block)))
          << "its neighbour is free";
      Free(block);
      EXPECT_NE(0, __asan_address_is_poisoned(block));
    }
  }
}
#endif

} // namespace
