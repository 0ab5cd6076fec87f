// SPDX-License-Identifier: BSD-3-Clause
//
// What memory an arena:slab holds, and when it goes back.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "aml/arena/slab.h"
#include "aml/arena/slab_testing.h"
#include "aml/core/arena.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;
constexpr size_t kMiB = size_t{1} << 20;

class ArenaSlabMemory : public SlabTest {};

// What a random tenth of many blocks leaves is at most twice their bytes, without a call for it.
TEST_F(ArenaSlabMemory, PagesWithoutBlocksAreGivenBackAsBlocksAre) {
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

TEST_F(ArenaSlabMemory, ToldToKeepItGivesBackOnlyWhenAsked) {
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
TEST_F(ArenaSlabMemory, ALoopThatFillsAndEmptiesKeepsItsPages) {
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

TEST_F(ArenaSlabMemory, ALoopKeepsNotForEverWhatOneRoundTook) {
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
TEST_F(ArenaSlabMemory, WhatRisesButOnceIsGivenBack) {
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
TEST_F(ArenaSlabMemory, FewBlocksThatAreLeftKeepLittle) {
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
  for (const uintptr_t page : pages)
    resident += IsResident(reinterpret_cast<void *>(page * kPage));
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
TEST_F(ArenaSlabMemory, AHugeBlockChangesNothingForOthers) {
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

TEST_F(ArenaSlabMemory, FreeRunsTakeLittleMetadataHoweverLong) {
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

TEST_F(ArenaSlabMemory, AnAreaThatRefusesToPurgeIsLeftAlone) {
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

TEST_F(ArenaSlabMemory, MetadataIsAtMostThreePercentOfWhatIsLive) {
  Make();
  for (const size_t size : {16, 48, 100, 1000, 20000, 300000}) {
    for (size_t live = 0; live < 8 * kMiB; live += size)
      (void)Alloc(size);
    const aml_arena_stats stats = ValidStats(arena_);
    EXPECT_GE(3 * stats.live_size / 100, stats.metadata_size) << size;
    ASSERT_EQ(0, aml_arena_reset(arena_));
  }
}

} // namespace
