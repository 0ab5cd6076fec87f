// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/slab.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
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

class ArenaSlab : public testing::Test {
protected:
  void Make(const aml_arena_slab_options &options = {}) {
    ASSERT_EQ(0, aml_arena_slab_create(&arena_, area_.get(), &options)) << aml_error_detail();
  }
  void TearDown() override {
    aml_arena_destroy(&arena_);
    EXPECT_EQ(0, area_.live());
  }

  char *Alloc(size_t size, size_t alignment = 0, unsigned flags = 0) {
    void *const block = aml_arena_alloc(arena_, size, alignment, flags);
    EXPECT_NE(nullptr, block) << aml_error_detail();
    return static_cast<char *>(block);
  }
  void Free(void *block) { aml_arena_free(arena_, block); }

  // Allocates at most so many blocks, as far as they can be had, and frees them. Returns: how many.
  size_t Use(size_t size, size_t count) {
    std::vector<void *> blocks;
    while (blocks.size() < count)
      if (void *const block = aml_arena_alloc(arena_, size, 0, 0))
        blocks.push_back(block);
      else
        break;
    for (void *const block : blocks)
      Free(block);
    return blocks.size();
  }
  size_t FillAndEmpty(size_t size) { return Use(size, SIZE_MAX); }

  PurgingArea area_;
  aml_arena *arena_ = nullptr;
};

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

// What a random tenth of many blocks leaves is at most twice their bytes, without a call for it.
TEST_F(ArenaSlab, PagesWithoutBlocksAreGivenBackAsBlocksAre) {
  Make();
  std::mt19937 random(1);
  std::vector<std::pair<char *, size_t>> blocks;
  for (size_t live = 0; live < 16 * kMiB; live += blocks.back().second) {
    const size_t size = size_t{16} << random() % 11;
    blocks.push_back({Alloc(size), size});
    std::memset(blocks.back().first, 1, size);
  }
  EXPECT_EQ(0u, area_.purged());
  std::shuffle(blocks.begin(), blocks.end(), random);
  const size_t rest = blocks.size() / 10;
  size_t live = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (i < rest)
      live += blocks[i].second;
    else
      Free(blocks[i].first);
  }
  EXPECT_LT(16 * kMiB / 2, area_.purged()) << "of which some may have been purged twice";
  EXPECT_LT(live, ValidStats(arena_).live_size * 2);
  for (size_t i = 0; i < rest; ++i) {
    EXPECT_EQ(1, blocks[i].first[0]);
    EXPECT_EQ(1, blocks[i].first[blocks[i].second - 1]);
    Free(blocks[i].first);
  }
}

TEST_F(ArenaSlab, ToldToKeepItGivesBackOnlyWhenAsked) {
  aml_arena_slab_options options = {};
  options.flags = AML_ARENA_SLAB_KEEP;
  Make(options);
  std::vector<char *> blocks;
  for (int i = 0; i < 1000; ++i)
    blocks.push_back(Alloc(10000));
  const int mapped = area_.live();
  for (char *const block : blocks)
    Free(block);
  EXPECT_EQ(mapped, area_.live());
  EXPECT_EQ(0u, area_.purged());
  char *const stays = Alloc(10000);
  size_t released = 0;
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, &released));
  EXPECT_LT(8 * kMiB, released + area_.purged());
  Free(stays);
  (void)ValidStats(arena_);
}

// Each class of blocks in its way: those smaller than a page are gathered.
TEST_F(ArenaSlab, ALoopThatFillsAndEmptiesKeepsItsPages) {
  Make();
  std::mt19937 random(9);
  for (const size_t size : {5000, 1000}) {
    std::vector<char *> blocks(10 * kMiB / size);
    size_t purged = 0;
    for (int round = 0; round < 20; ++round) {
      for (char *&block : blocks)
        block = Alloc(size);
      std::shuffle(blocks.begin(), blocks.end(), random);
      for (char *const block : blocks)
        Free(block);
      if (round == 3)
        purged = area_.purged();
    }
    EXPECT_GE(purged + 20 * kMiB, area_.purged()) << "purges in most rounds";
  }
}

size_t CountResident(const std::vector<char *> &blocks) {
  return static_cast<size_t>(std::count_if(blocks.begin(), blocks.end(), IsResident));
}

TEST_F(ArenaSlab, ALoopKeepsNotForEverWhatOneRoundTook) {
  Make();
  const auto turn = [this](size_t size) {
    std::vector<char *> blocks(size / 5000);
    for (char *&block : blocks)
      block = static_cast<char *>(std::memset(Alloc(5000), 1, 5000));
    for (char *const block : blocks)
      Free(block);
    return blocks;
  };
  for (int round = 0; round < 6; ++round)
    turn(10 * kMiB);
  const std::vector<char *> blocks = turn(60 * kMiB);
  for (int round = 0; round < 20; ++round)
    turn(10 * kMiB);
  EXPECT_GE(blocks.size() / 3, CountResident(blocks)) << "keeps what the loop does not use";
}

// However fast blocks come and go while live bytes rise, what is emptied once was no loop.
TEST_F(ArenaSlab, WhatRisesButOnceIsGivenBack) {
  Make();
  std::mt19937 random(9);
  const auto alloc = [&] { return Alloc(500 + random() % 1000); };
  std::vector<char *> small(20 * kMiB / 1000);
  for (char *&block : small)
    block = alloc();
  std::shuffle(small.begin(), small.end(), random);
  for (const size_t left = small.size() / 4; small.size() > left; small.pop_back())
    Free(small.back());
  std::vector<char *> large;
  while (large.size() < 60 * kMiB / 5000) {
    large.push_back(static_cast<char *>(std::memset(Alloc(5000), 1, 5000)));
    char *&block = small[random() % small.size()];
    Free(std::exchange(block, alloc()));
  }
  for (char *const block : large)
    Free(block);
  EXPECT_GE(large.size() / 5, CountResident(large)) << "keeps what was freed";
  for (char *const block : small)
    Free(block);
}

// Few blocks can keep much: each its page, and its chunk what is known of that.
TEST_F(ArenaSlab, FewBlocksThatAreLeftKeepLittle) {
  Make();
  std::mt19937 random(1);
  std::vector<char *> blocks;
  std::set<uintptr_t> pages;
  for (size_t size = 0, live = 0; live < 128 * kMiB; live += size) {
    size = 16 + random() % (random() % 2000 + 1);
    blocks.push_back(Alloc(size));
    blocks.back()[size - 1] = 1;
    pages.insert((reinterpret_cast<uintptr_t>(blocks.back()) + size - 1) / kPage);
  }
  std::shuffle(blocks.begin(), blocks.end(), random);
  for (char *const block : blocks)
    Free(block);
  size_t resident = 0;
  for (const uintptr_t page : pages) {
    unsigned char state = 0;
    resident += mincore(reinterpret_cast<void *>(page * kPage), kPage, &state) == 0 && (state & 1);
  }
  EXPECT_GE(5 * kMiB / kPage, resident);
  const aml_arena_stats stats = ValidStats(arena_);
  EXPECT_EQ(0u, stats.live_count);
  EXPECT_GE(kMiB, stats.metadata_size);
  // And all is as usual again.
  for (size_t i = 0; i < blocks.size(); i += 100)
    blocks[i] = Alloc(100);
  (void)ValidStats(arena_);
  for (size_t i = 0; i < blocks.size(); i += 100)
    Free(blocks[i]);
}

// What lies beside few blocks of classes does not make them fewer.
TEST_F(ArenaSlab, AHugeBlockChangesNothingForOthers) {
  size_t purged[2] = {};
  for (const size_t size : {size_t{0}, 64 * kMiB}) {
    Make();
    void *const huge = size == 0 ? nullptr : Alloc(size);
    (void)Use(kPage, 2000);
    std::mt19937 random(1);
    std::vector<char *> blocks;
    const size_t before = area_.purged();
    for (int i = 0; i < 100000; ++i)
      if (blocks.size() < 200 && random() % 2 == 0) {
        blocks.push_back(Alloc(kPage));
      } else if (!blocks.empty()) {
        Free(blocks.back());
        blocks.pop_back();
      }
    purged[huge != nullptr] = area_.purged() - before;
    for (char *const block : blocks)
      Free(block);
    Free(huge);
    aml_arena_destroy(&arena_);
  }
  // When it is done depends a little on time.
  EXPECT_GE(purged[0] + kMiB, purged[1]);
}

TEST_F(ArenaSlab, FreeRunsTakeLittleMetadataHoweverLong) {
  constexpr size_t kSize = 128 * kMiB;
  for (const bool refuse : {false, true}) {
    area_.RefusePurges(refuse);
    aml_arena_slab_options options = {};
    options.chunk_size = kSize;
    Make(options);
    Free(Alloc(1));
    const size_t before = ValidStats(arena_).metadata_size;
    std::vector<char *> blocks;
    for (size_t i = 0; i < kSize / 2 / kPage; ++i)
      blocks.push_back(Alloc(kPage));
    const size_t full = ValidStats(arena_).metadata_size;
    for (size_t i = 1; i < blocks.size(); ++i)
      Free(blocks[i]);
    size_t released = 0;
    EXPECT_EQ(0, aml_arena_trim(arena_, 0, &released));
    EXPECT_LT(before + kSize / 2 / kPage * 20, full) << "much is to be known of blocks";
    EXPECT_GE(before + 64 * 1024, ValidStats(arena_).metadata_size);
    Free(blocks[0]);
    aml_arena_destroy(&arena_);
  }
}

TEST_F(ArenaSlab, AnAreaThatRefusesToPurgeIsLeftAlone) {
  Make();
  area_.RefusePurges(true);
  std::vector<char *> blocks;
  for (int i = 0; i < 3000; ++i)
    blocks.push_back(Alloc(3000));
  for (size_t i = 0; i < blocks.size(); ++i)
    if (i % 10 != 0)
      Free(blocks[i]);
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  EXPECT_EQ(0u, area_.purged());
  (void)ValidStats(arena_);
  char *const zeroed = Alloc(200000, 0, AML_ARENA_ZERO);
  EXPECT_EQ(200000, std::count(zeroed, zeroed + 200000, 0));
}

TEST_F(ArenaSlab, MetadataIsAtMostThreePercentOfWhatIsLive) {
  Make();
  for (const size_t size : {16, 48, 100, 1000, 20000, 300000}) {
    for (size_t live = 0; live < 8 * kMiB; live += size)
      (void)Alloc(size);
    const aml_arena_stats stats = ValidStats(arena_);
    EXPECT_GE(3 * stats.live_size / 100, stats.metadata_size) << size;
    ASSERT_EQ(0, aml_arena_reset(arena_));
  }
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
