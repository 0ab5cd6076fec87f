// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/buddy.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "aml/arena/internal/buddy_chunks.h"
#include "aml/arena/internal/buddy_tree.h"
#include "aml/arena/internal/poison.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/support/arena_ops.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;
constexpr size_t kKiB = 1024;
constexpr size_t kMiB = 1024 * kKiB;
// Tools that watch memory keep account of each byte of a chunk.
constexpr size_t kMostAlignment = size_t{1} << (AML_INTERNAL_POISONS ? 26 : 30);

bool IsZero(const char *bytes, size_t size) {
  return std::all_of(bytes, bytes + size, [](char c) { return c == 0; });
}

bool IsAligned(const void *pointer, size_t alignment) {
  return reinterpret_cast<uintptr_t>(pointer) % alignment == 0;
}

class ArenaBuddy : public ::testing::Test {
protected:
  void TearDown() override {
    if (arena_ != nullptr) {
      EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    }
    aml_arena_destroy(&arena_);
  }

  void Create(size_t chunk_size, size_t limit = 0, size_t min_block = 0) {
    aml_arena_destroy(&arena_);
    const aml_arena_buddy_options options = {chunk_size, limit, nullptr, 0, min_block};
    ASSERT_EQ(0, aml_arena_buddy_create(&arena_, area_.get(), &options)) << aml_error_detail();
  }

  // A region of up to 1 MiB that begins `offset` bytes past a multiple of 2 MiB.
  void CreateInRegion(size_t size, size_t offset = 0, size_t min_block = 0) {
    aml_arena_destroy(&arena_);
    const aml_arena_buddy_options options = {0, 0, region() + offset, size, min_block};
    ASSERT_EQ(0, aml_arena_buddy_create(&arena_, nullptr, &options)) << aml_error_detail();
  }

  char *region() { return region_.get(); }

  char *Alloc(size_t size, size_t alignment = 0, unsigned flags = 0) {
    return static_cast<char *>(aml_arena_alloc(arena_, size, alignment, flags));
  }

  char *Realloc(void *block, size_t size, size_t alignment = 0, unsigned flags = 0) {
    return static_cast<char *>(aml_arena_realloc(arena_, block, size, alignment, flags));
  }

  void Free(void *block) { aml_arena_free(arena_, block); }

  size_t UsableSize(const void *block) { return aml_arena_usable_size(arena_, block); }

  aml_arena_stats Stats() {
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(arena_, &stats));
    EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    return stats;
  }

  PageArea area_;
  std::unique_ptr<char, decltype(&std::free)> region_{
      static_cast<char *>(std::aligned_alloc(2 * kMiB, 2 * kMiB)), std::free};
  aml_arena *arena_ = nullptr;
};

TEST_F(ArenaBuddy, BlocksArePowersOfTwoAlignedToTheirSize) {
  CreateInRegion(kMiB);
  uint64_t live = 0;
  for (size_t size = 1; size < 300 * kKiB; size = size * 5 / 4 + 1) {
    char *const block = Alloc(size, 1);
    ASSERT_NE(nullptr, block) << size;
    const size_t usable = UsableSize(block);
    EXPECT_EQ(0u, usable & (usable - 1));
    EXPECT_TRUE(usable == 64 || usable < 2 * size) << usable << " bytes for " << size;
    EXPECT_TRUE(IsAligned(block, usable));
    EXPECT_EQ(live += usable, Stats().live_size);
    if (size > 4000)
      Free(block), live -= usable;
  }
}

TEST_F(ArenaBuddy, WhenAllIsFreedInWhateverOrderTheLargestBlockCanBeHad) {
  CreateInRegion(kMiB);
  std::mt19937 random(1);
  for (int round = 0; round < 30; ++round) {
    std::vector<char *> blocks;
    const size_t most = size_t{64} << round % 11;
    for (char *block = Alloc(64); block != nullptr;
         block = Alloc(round == 0 ? 64 * kKiB : 1 + random() % most))
      blocks.push_back(block);
    EXPECT_EQ(nullptr, Alloc(kMiB));
    if (round > 0)
      std::shuffle(blocks.begin(), blocks.end(), random);
    else // of sixteen, all that have an odd number, and then the others backwards
      (void)std::stable_partition(blocks.begin(), blocks.end(), [&](char *block) {
        return (block - region()) / (64 * kKiB) % 2 == 1;
      });
    for (char *block : blocks)
      Free(block);
    ASSERT_EQ(region(), Alloc(kMiB)) << "round " << round;
    Free(region());
  }
}

TEST_F(ArenaBuddy, ABlockMergesWithItsBuddyAndWithNoOtherNeighbour) {
  CreateInRegion(256 * kKiB);
  char *blocks[4];
  for (char *&block : blocks)
    block = Alloc(64 * kKiB);
  std::sort(std::begin(blocks), std::end(blocks));
  Free(blocks[1]);
  Free(blocks[2]);
  EXPECT_EQ(nullptr, Alloc(128 * kKiB)) << "128 KiB lie side by side, and are no block";
  Free(blocks[0]);
  EXPECT_EQ(blocks[0], Alloc(128 * kKiB));
  EXPECT_EQ(blocks[2], Alloc(64 * kKiB));
}

TEST_F(ArenaBuddy, ARegionOfAnySizeAndPlaceIsUsedWhole) {
  for (const size_t size : {64, 127, 1000, 4096, 100000, 1000000})
    for (const size_t offset : {0, 1, 63, 64, 4000, 65536}) {
      const size_t first = (offset + 63) / 64;
      const size_t grains = std::max(first, (offset + size) / 64) - first;
      const aml_arena_buddy_options options = {0, 0, region() + offset, size, 0};
      aml_arena_destroy(&arena_);
      ASSERT_EQ(grains == 0 ? -AML_EINVAL : 0, aml_arena_buddy_create(&arena_, nullptr, &options));
      if (grains == 0)
        continue;
      std::vector<char *> blocks;
      for (char *block = Alloc(1); block != nullptr; block = Alloc(1))
        blocks.push_back(block);
      EXPECT_EQ(grains, blocks.size()) << size << " bytes from " << offset;
      EXPECT_STREQ("aml_arena_alloc: the arena's region is full", aml_error_detail());
      EXPECT_EQ(region() + first * 64, *std::min_element(blocks.begin(), blocks.end()));
      for (char *block : blocks)
        Free(block);
      EXPECT_EQ(0u, Stats().live_count);
    }
}

TEST_F(ArenaBuddy, AlignsUpToAGibibyteAndLeavesTheRestFree) {
  area_.Hide();
  Create(0, 0, 4096);
  for (size_t alignment = 1; alignment <= kMostAlignment; alignment *= 2) {
    char *const block = Alloc(1, alignment);
    ASSERT_NE(nullptr, block) << aml_error_detail();
    EXPECT_TRUE(IsAligned(block, alignment)) << alignment;
    EXPECT_EQ(4096u, UsableSize(block));
  }
  EXPECT_NE(nullptr, Alloc(kMostAlignment / 2)) << "most of the last chunk is free";
  EXPECT_GE(5 * kMostAlignment, Stats().reserved_size);
}

TEST_F(ArenaBuddy, NeverTouchesMemoryThatTheHostCannot) {
  area_.Hide(); // inaccessible pages: a touch is a signal
  for (unsigned seed = 0; seed < 5; ++seed) {
    Create(seed % 2 == 0 ? 0 : kPage, 32 * kMiB, size_t{64} << 2 * seed);
    EXPECT_EQ("", aml_testing::RunArenaOps(arena_, aml_testing::RandomBytes(seed, 3000),
                                           aml_testing::Contents::kNeverTouched));
  }
  char *const block = Alloc(100);
  ASSERT_NE(nullptr, block);
  EXPECT_EQ(nullptr, Alloc(8, 0, AML_ARENA_ZERO));
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  EXPECT_EQ(nullptr, Realloc(block, 10));
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  EXPECT_EQ(0u, aml_arena_capabilities(arena_) & AML_ARENA_CAN_REALLOC);
}

TEST_F(ArenaBuddy, LivesManyLives) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    CreateInRegion((64 * kKiB << seed % 4) + seed, 61 * seed, size_t{16} << seed % 3);
    EXPECT_EQ("", aml_testing::RunArenaOps(arena_, aml_testing::RandomBytes(seed, 4000))) << seed;
  }
}

TEST_F(ArenaBuddy, ManyTiersOfBlocksAreCutAndMerged) {
  constexpr size_t kSize = kMostAlignment;
  void *const pages =
      mmap(nullptr, 2 * kSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(MAP_FAILED, pages);
  char *const base = static_cast<char *>(pages) + (0 - reinterpret_cast<uintptr_t>(pages)) % kSize;
  area_.Hide();
  const aml_arena_buddy_options options = {0, 0, base, kSize, 256};
  ASSERT_EQ(0, aml_arena_buddy_create(&arena_, area_.get(), &options));
  std::mt19937 random(2);
  std::vector<char *> blocks;
  for (int i = 0; i < 3000; ++i)
    blocks.push_back(Alloc(size_t{1} << random() % (AML_INTERNAL_POISONS ? 20 : 24),
                           size_t{1} << random() % 16));
  std::shuffle(blocks.begin(), blocks.end(), random);
  EXPECT_EQ(nullptr, Alloc(kSize));
  EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
  for (char *block : blocks)
    Free(block);
  EXPECT_EQ(base, Alloc(kSize)) << "all of it";
  aml_arena_destroy(&arena_);
  munmap(pages, 2 * kSize);
}

TEST_F(ArenaBuddy, ResetForgetsBlocksOfAllSizes) {
  std::mt19937 random(11);
  for (size_t offset = 0; offset < 20; ++offset) {
    CreateInRegion(kMiB / 2 + random() % (kMiB / 2) - 16 * kKiB, offset * 680);
    std::vector<char *> blocks(400, nullptr);
    for (int step = 0; step < 1000; ++step) {
      char *&block = blocks[random() % blocks.size()];
      Free(block);
      block = Alloc(random() % (size_t{1} << random() % 17));
    }
    ASSERT_EQ(0, aml_arena_reset(arena_));
    EXPECT_EQ(0u, Stats().live_count);
    for (const char *const block : blocks)
      ASSERT_EQ(0u, UsableSize(block));
    EXPECT_NE(nullptr, Alloc(kMiB / 8)) << "all has merged";
  }
}

TEST_F(ArenaBuddy, ReallocStaysWhereItsBuddiesAreFree) {
  CreateInRegion(64 * kKiB);
  char *const block = Alloc(100);
  ASSERT_EQ(region(), block);
  std::memset(block, 5, 100);
  EXPECT_EQ(block, Realloc(block, 32 * kKiB)) << "it is the first half of each larger one";
  EXPECT_EQ(32 * kKiB, Stats().live_size);
  char *const other = Alloc(32 * kKiB);
  EXPECT_EQ(region() + 32 * kKiB, other);
  EXPECT_EQ(block, Realloc(block, 200));
  EXPECT_EQ(256u, UsableSize(block));
  EXPECT_EQ(region() + 16 * kKiB, Alloc(16 * kKiB)) << "what it gave back";
  std::memset(other, 6, 32 * kKiB);
  char *const smaller = Realloc(other, 8 * kKiB);
  EXPECT_EQ(other, smaller);
  EXPECT_EQ(block, Realloc(block, 9 * kKiB));
  EXPECT_EQ(nullptr, Realloc(block, 17 * kKiB)) << "its buddy of 16 KiB is live";
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(region() + 40 * kKiB, Alloc(8 * kKiB));
  char *const moved = Realloc(other, 9 * kKiB);
  EXPECT_EQ(region() + 48 * kKiB, moved) << "and so is its of 8 KiB";
  EXPECT_EQ(5, block[99]);
  EXPECT_EQ(6, moved[8 * kKiB - 1]);
  EXPECT_EQ(4u, Stats().live_count);
}

TEST_F(ArenaBuddy, ReallocKeepsToTheAlignmentThatItIsAskedFor) {
  Create(0);
  for (size_t alignment = 64; alignment <= 64 * kKiB; alignment *= 2) {
    char *block = Alloc(100, alignment);
    std::memset(block, 7, 100);
    ASSERT_NE(nullptr, Alloc(1)); // a neighbour, so that it must move
    for (const size_t size : {1000, 100000, 50, 70}) {
      block = Realloc(block, size, alignment);
      ASSERT_NE(nullptr, block) << aml_error_detail();
      EXPECT_TRUE(IsAligned(block, alignment)) << size << " bytes aligned to " << alignment;
      EXPECT_EQ(7, block[49]);
    }
    char *const moved = Realloc(block, 70, 16 * alignment);
    EXPECT_TRUE(IsAligned(moved, 16 * alignment));
    EXPECT_EQ(7, moved[49]);
  }
}

TEST_F(ArenaBuddy, ReallocsWithZeroAddZeros) {
  CreateInRegion(64 * kKiB);
  char *const dirt = Alloc(64 * kKiB);
  std::memset(dirt, 0xff, 64 * kKiB);
  Free(dirt);
  std::mt19937 random(5);
  char *block = Alloc(10, 0, AML_ARENA_ZERO);
  for (size_t size = 10, i = 0; i < 200; ++i) {
    ASSERT_TRUE(IsZero(block, size)) << size;
    size = 1 + random() % 8000;
    block = Realloc(block, size, 0, AML_ARENA_ZERO);
    ASSERT_NE(nullptr, block);
    char *const other = Alloc(random() % 3000);
    std::memset(other, 0xff, UsableSize(other));
    Free(other);
  }
}

TEST_F(ArenaBuddy, ZeroedMemoryThatWasNeverUsedIsNotTouched) {
  Create(0);
  constexpr size_t kSize = 32 * kMiB;
  char *const block = Alloc(kSize, 0, AML_ARENA_ZERO);
  ASSERT_NE(nullptr, block);
  std::vector<unsigned char> present(kSize / kPage);
  ASSERT_EQ(0, mincore(block, kSize, present.data()));
  EXPECT_EQ(0, std::count_if(present.begin(), present.end(), [](int page) { return page & 1; }));
  std::memset(block, 1, kPage);
  Free(block);
  char *const again = Alloc(kSize, 0, AML_ARENA_ZERO);
  EXPECT_EQ(block, again);
  EXPECT_TRUE(IsZero(again, kPage));
}

TEST_F(ArenaBuddy, APointerIntoABlockIsOwnedAndIsNoBlock) {
  Create(64 * kKiB);
  char *const block = Alloc(1000);
  std::memset(block, 4, 1000);
  const uint64_t live = Stats().live_size;
  for (const size_t offset : {1, 63, 64, 512, 999}) {
    EXPECT_TRUE(aml_arena_owns(arena_, block + offset));
    EXPECT_EQ(0u, UsableSize(block + offset));
    Free(block + offset);
    EXPECT_EQ(nullptr, Realloc(block + offset, 10));
    EXPECT_EQ(-AML_EINVAL, aml_error_code());
  }
  char elsewhere = 0;
  Free(&elsewhere);
  EXPECT_FALSE(aml_arena_owns(arena_, &elsewhere));
  EXPECT_EQ(live, Stats().live_size);
  EXPECT_EQ(4, block[999]);
  Free(block);
  Free(block);
  EXPECT_EQ(0u, UsableSize(block)) << "nor is one that was freed, twice";
  EXPECT_EQ(0u, Stats().live_count);
}

TEST_F(ArenaBuddy, ManyChunksAreToldApart) {
  Create(1, 0, kPage);
  std::mt19937 random(6);
  std::vector<char *> blocks;
  for (int i = 0; i < 2000; ++i) {
    blocks.push_back(Alloc(kPage));
    blocks.back()[0] = static_cast<char>(i);
  }
  EXPECT_EQ(2000 * kPage, Stats().reserved_size);
  for (size_t i = 0; i < blocks.size(); ++i) {
    ASSERT_EQ(static_cast<char>(i), blocks[i][0]);
    ASSERT_EQ(kPage, UsableSize(blocks[i]));
    ASSERT_TRUE(aml_arena_owns(arena_, blocks[i] + kPage - 1));
  }
  std::shuffle(blocks.begin(), blocks.end(), random);
  for (size_t i = 0; i < 1500; ++i)
    Free(blocks[i]);
  size_t released = 0;
  ASSERT_EQ(0, aml_arena_trim(arena_, 100 * kPage, &released));
  EXPECT_EQ(1400 * kPage, released);
  EXPECT_EQ(600, area_.live());
  for (size_t i = 1500; i < 2000; ++i)
    ASSERT_EQ(kPage, UsableSize(blocks[i]));
  for (int i = 0; i < 100; ++i)
    ASSERT_NE(nullptr, Alloc(kPage));
  EXPECT_EQ(600, area_.live()) << "what was kept serves";
  EXPECT_EQ(600u, Stats().live_count);
}

TEST_F(ArenaBuddy, SizesAtTheEdgesAreRefused) {
  Create(0, 64 * kMiB);
  char *const block = Alloc(100);
  std::memset(block, 3, 100);
  const aml_arena_stats before = Stats();
  std::vector<size_t> sizes;
  for (size_t power = 26; power < 64; ++power)
    sizes.insert(sizes.end(), {(size_t{1} << power) + 1, (size_t{2} << power) - 1});
  for (size_t near = 0; near < 200; ++near)
    sizes.push_back(SIZE_MAX - near);
  for (const size_t size : sizes)
    for (const size_t alignment : {size_t{1}, size_t{1} << 32, size_t{1} << 63}) {
      ASSERT_EQ(nullptr, Alloc(size, alignment)) << size;
      ASSERT_EQ(-AML_ENOMEM, aml_error_code());
      ASSERT_EQ(nullptr, Realloc(block, size, alignment)) << size;
      ASSERT_EQ(-AML_ENOMEM, aml_error_code());
    }
  EXPECT_EQ(before.reserved_size, Stats().reserved_size);
  EXPECT_EQ(3, block[99]);
}

TEST_F(ArenaBuddy, KeepsToItsLimit) {
  Create(kPage, 3 * kPage);
  for (int i = 0; i < 3; ++i)
    ASSERT_NE(nullptr, Alloc(kPage));
  EXPECT_EQ(nullptr, Alloc(1));
  EXPECT_STREQ("aml_arena_alloc: the arena's limit is reached", aml_error_detail());
  EXPECT_EQ(3 * kPage, Stats().limit);
}

TEST_F(ArenaBuddy, MetadataIsWhatTheHeaderSays) {
  CreateInRegion(kMiB);
  const uint64_t grains = kMiB / 64;
  EXPECT_LE(grains + 48 * grains / 64, Stats().metadata_size);
  EXPECT_GE(grains + 50 * grains / 64 + 4096, Stats().metadata_size);
  const uint64_t before = Stats().metadata_size;
  while (Alloc(64) != nullptr) {
  }
  EXPECT_EQ(before, Stats().metadata_size);
}

TEST_F(ArenaBuddy, InitRefusesWhatItCannotWorkWith) {
  AML_ARENA_BUDDY_DECL(arena);
  const aml_arena_buddy declared = arena_storage;
  const auto init = [&](aml_area *area, size_t limit, void *base, size_t size, size_t min_block) {
    const aml_arena_buddy_options options = {0, limit, base, size, min_block};
    return aml_arena_buddy_init(arena, area, &options);
  };
  EXPECT_EQ(-AML_EINVAL, aml_arena_buddy_init(nullptr, area_.get(), nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_buddy_init(arena, nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_buddy_create(nullptr, area_.get(), nullptr));
  EXPECT_EQ(-AML_EINVAL, init(area_.get(), 0, nullptr, 8, 0));
  EXPECT_EQ(-AML_EINVAL, init(nullptr, 0, region(), 0, 0));
  EXPECT_EQ(-AML_EINVAL, init(nullptr, 1, region(), kPage, 0));
  EXPECT_EQ(-AML_EINVAL, init(nullptr, 0, region(), 63, 0));
  EXPECT_EQ(-AML_EINVAL, init(nullptr, 0, region() + 1, 126, 0));
  EXPECT_STREQ("aml_arena_buddy_init: region_size 126 has no room for one aligned block",
               aml_error_detail());
  for (const size_t min_block : {size_t{1}, size_t{8}, size_t{48}, size_t{1} << 31, SIZE_MAX})
    EXPECT_EQ(-AML_EINVAL, init(area_.get(), 0, nullptr, 0, min_block)) << min_block;
  EXPECT_EQ(0, std::memcmp(&declared, &arena_storage, sizeof declared)) << "storage is changed";
  EXPECT_EQ(0, init(nullptr, 0, region() + 1, 127, 0));
  aml_arena_fini(arena);
}

TEST_F(ArenaBuddy, ValidateFindsWhatIsBroken) {
  CreateInRegion(64 * kKiB);
  char *const block = Alloc(1000);
  ASSERT_NE(nullptr, Alloc(64));
  auto *const buddy = reinterpret_cast<aml_arena_buddy *>(arena_);
  aml_internal_buddy_chunk *const chunk = buddy->chunks.entries[0].chunk;
  aml_internal_buddy_node *const listed = buddy->tree.heads[__builtin_ctzll(buddy->tree.lists)];
  const auto expect_found = [&](auto *field, auto value) {
    const auto old = *field;
    *field = static_cast<decltype(old)>(value);
    EXPECT_EQ(-AML_EINVAL, aml_arena_validate(arena_));
    *field = old;
    EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
  };
  uint8_t *const order = &chunk->orders[(block - region()) / 64];
  EXPECT_EQ(5, *order);
  for (const int wrong : {0, 4, 6, 40})
    expect_found(order, wrong);
  expect_found(order + 1, 1);
  expect_found(&listed->inner, listed->inner ^ 8);
  expect_found(&listed->leaves, listed->leaves ^ 1);
  expect_found(&listed->leaves, listed->leaves ^ uint64_t{1} << 63);
  expect_found(&listed->link, nullptr);
  expect_found(&buddy->tree.lists, 0);
  expect_found(&buddy->tree.lists, ~uint64_t{0});
  expect_found(&chunk->live_count, 7);
  expect_found(&buddy->live_count, 7);
  expect_found(&buddy->live_size, 7);
  expect_found(&buddy->peak_size, 7);
  expect_found(&chunk->size, 7);
}

#if defined(AML_INTERNAL_HAS_ASAN)
TEST_F(ArenaBuddy, AddressSanitizerReportsUsesOfWhatIsFree) {
  CreateInRegion(kPage);
  volatile char *const block = Alloc(64);
  volatile char *const other = Alloc(128);
  EXPECT_DEATH(block[64] = 1, "use-after-poison") << "behind its end";
  Free(const_cast<char *>(block));
  EXPECT_DEATH(block[0] = 1, "use-after-poison") << "after free";
  EXPECT_NE(nullptr, Realloc(const_cast<char *>(other), 1));
  EXPECT_DEATH(other[64] = 1, "use-after-poison") << "after it has shrunk";
  EXPECT_EQ(0, aml_arena_reset(arena_));
  EXPECT_DEATH(other[0] = 1, "use-after-poison") << "after reset";
}
#endif

} // namespace
