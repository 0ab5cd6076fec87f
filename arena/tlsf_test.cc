// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/tlsf.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <utility>
#include <vector>

#include "aml/arena/internal/poison.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/support/arena_ops.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;
constexpr size_t kWord = sizeof(size_t);
// Tools that watch memory keep account of each byte of a chunk.
constexpr size_t kMostAlignment = size_t{1} << (AML_INTERNAL_POISONS ? 26 : 30);
constexpr size_t kOverhead = 4 * kWord; // of a chunk

bool IsZero(const char *bytes, size_t size) {
  return std::all_of(bytes, bytes + size, [](char c) { return c == 0; });
}

bool IsAligned(const void *pointer, size_t alignment) {
  return reinterpret_cast<uintptr_t>(pointer) % alignment == 0;
}

class ArenaTlsf : public ::testing::Test {
protected:
  void TearDown() override {
    if (arena_ != nullptr) {
      EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    }
    aml_arena_destroy(&arena_);
  }

  void Create(size_t chunk_size, size_t limit = 0) {
    aml_arena_destroy(&arena_);
    const aml_arena_tlsf_options options = {chunk_size, limit, nullptr, 0};
    ASSERT_EQ(0, aml_arena_tlsf_create(&arena_, area_.get(), &options)) << aml_error_detail();
  }

  // A region that begins `offset` bytes past an aligned address.
  void CreateInRegion(size_t size, size_t offset = 0) {
    aml_arena_destroy(&arena_);
    region_.assign(size + 64, '\xee');
    char *const base = region_.data() + (0 - reinterpret_cast<uintptr_t>(region_.data())) % 16;
    const aml_arena_tlsf_options options = {0, 0, base + offset, size};
    ASSERT_EQ(0, aml_arena_tlsf_create(&arena_, nullptr, &options)) << aml_error_detail();
  }

  char *Alloc(size_t size, size_t alignment = 0, unsigned flags = 0) {
    return static_cast<char *>(aml_arena_alloc(arena_, size, alignment, flags));
  }

  char *Realloc(void *block, size_t size, size_t alignment = 0, unsigned flags = 0) {
    return static_cast<char *>(aml_arena_realloc(arena_, block, size, alignment, flags));
  }

  void Free(void *block) { aml_arena_free(arena_, block); }

  aml_arena_stats Stats() {
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(arena_, &stats));
    EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    return stats;
  }

  // The largest block that can be had now.
  size_t Largest() {
    size_t size = 0;
    for (size_t step = size_t{1} << 40; step != 0; step /= 2) {
      void *const block = Alloc(size + step, 1);
      Free(block);
      size += block == nullptr ? 0 : step;
    }
    return size;
  }

  PageArea area_;
  aml_arena *arena_ = nullptr;
  std::vector<char> region_;
};

TEST_F(ArenaTlsf, ABlockCostsOneWordAndWhatRoundingAdds) {
  CreateInRegion(kPage);
  for (const size_t size : {0, 1, 24}) {
    char *const block = Alloc(size);
    EXPECT_EQ(24u, aml_arena_usable_size(arena_, block));
    EXPECT_EQ(block + 24 + kWord, Alloc(25));
    EXPECT_EQ(40u, aml_arena_usable_size(arena_, block + 24 + kWord));
  }
  EXPECT_EQ(3 * (24 + 40), Stats().live_size);
  EXPECT_EQ(6u, Stats().live_count);
}

TEST_F(ArenaTlsf, TheExactMaximumCanBeHadOfAnyRegion) {
  for (size_t size = 128; size < 9000; size += size < 1200 ? 1 : 97)
    for (const size_t offset : {0, 1, 15}) {
      CreateInRegion(size, offset);
      const size_t lost = (16 - offset) % 16;
      const size_t room = (size - lost) / 16 * 16 - kOverhead - kWord;
      EXPECT_EQ(nullptr, Alloc(room + 1, 1)) << size;
      char *const block = Alloc(room, 1);
      ASSERT_NE(nullptr, block) << size << " bytes from " << offset;
      std::memset(block, 1, room);
      EXPECT_EQ(nullptr, Alloc(0));
      Free(block);
      EXPECT_EQ(block, Alloc(room, 1)) << "and again";
      EXPECT_EQ(room, Stats().live_size);
    }
}

TEST_F(ArenaTlsf, FreeNeighboursMergeAtOnceInAnyOrder) {
  std::mt19937 random(3);
  CreateInRegion(size_t{1} << 16);
  const size_t largest = Largest();
  EXPECT_LT(size_t{65000}, largest);
  for (int round = 0; round < 20; ++round) {
    std::vector<char *> blocks;
    for (char *block = Alloc(1); block != nullptr; block = Alloc(random() % 600))
      blocks.push_back(block);
    std::shuffle(blocks.begin(), blocks.end(), random);
    for (char *block : blocks)
      Free(block);
    EXPECT_EQ(0u, Stats().live_count);
    EXPECT_EQ(largest, Largest()) << "memory lies in pieces";
  }
}

TEST_F(ArenaTlsf, GapsBeforeAlignedBlocksAreBlocksOrAreNot) {
  // 16 bytes, too little for a block, 32, and more, before each alignment.
  for (size_t alignment = 32; alignment <= 1024; alignment *= 2)
    for (size_t shift = 0; shift < 2 * alignment; shift += 16) {
      CreateInRegion(size_t{1} << 14);
      char *const before = Alloc(shift);
      char *const aligned = Alloc(100, alignment);
      ASSERT_NE(nullptr, aligned);
      EXPECT_TRUE(IsAligned(aligned, alignment)) << alignment << ", " << shift;
      EXPECT_EQ(2u, Stats().live_count);
      std::memset(before, 1, shift);
      std::memset(aligned, 2, 100);
      Free(before);
      EXPECT_EQ(1u, Stats().live_count);
      Free(aligned);
      EXPECT_LT(size_t{16000}, Largest());
    }
}

TEST_F(ArenaTlsf, AlignsUpToAGibibyte) {
  Create(0);
  for (size_t alignment = 1; alignment <= kMostAlignment; alignment *= 2) {
    char *const block = Alloc(100, alignment);
    ASSERT_NE(nullptr, block) << aml_error_detail();
    EXPECT_TRUE(IsAligned(block, alignment));
    std::memset(block, 1, 100);
  }
}

TEST_F(ArenaTlsf, WhatAnAlignedBlockLeavesServesTheNext) {
  Create(size_t{1} << 16);
  Free(Alloc(100, kPage));
  for (int i = 0; i < 100; ++i) {
    char *const block = Alloc(kPage, kPage);
    ASSERT_TRUE(IsAligned(block, kPage));
    ASSERT_NE(nullptr, Alloc(1));
    Free(block);
    ASSERT_EQ(block, Alloc(kPage, kPage)) << "of exactly that size and place";
    Free(block);
  }
  EXPECT_EQ(size_t{1} << 16, Stats().reserved_size);
}

TEST_F(ArenaTlsf, ReallocKeepsToTheAlignmentThatItIsAskedFor) {
  Create(0);
  for (size_t alignment = 32; alignment <= size_t{1} << 16; alignment *= 2) {
    char *block = Alloc(100, alignment);
    std::memset(block, 7, 100);
    ASSERT_NE(nullptr, Alloc(10)); // so that it must move
    for (const size_t size : {1000, 100000, 50}) {
      block = Realloc(block, size, alignment);
      ASSERT_NE(nullptr, block) << aml_error_detail();
      EXPECT_TRUE(IsAligned(block, alignment)) << size << " bytes aligned to " << alignment;
      EXPECT_EQ(7, block[49]);
    }
  }
}

TEST_F(ArenaTlsf, ReallocAlignsABlockThatWasNot) {
  CreateInRegion(size_t{1} << 16);
  char *block = Alloc(64);
  while (IsAligned(block, 64))
    block = Alloc(64 + 16);
  std::memset(block, 9, 64);
  char *const moved = Realloc(block, 64, 64);
  ASSERT_NE(nullptr, moved);
  EXPECT_TRUE(IsAligned(moved, 64));
  EXPECT_EQ(9, moved[63]);
}

TEST_F(ArenaTlsf, ReallocStaysWhereTheNeighbourIsFree) {
  CreateInRegion(size_t{1} << 14);
  char *const block = Alloc(100);
  char *const neighbour = Alloc(200);
  char *const wall = Alloc(24);
  std::memset(block, 5, 100);
  EXPECT_NE(nullptr, wall);
  Free(neighbour);
  const size_t both = static_cast<size_t>(wall - block) - kWord;
  EXPECT_EQ(block, Realloc(block, both)) << "to the last byte";
  EXPECT_EQ(both, aml_arena_usable_size(arena_, block));
  EXPECT_EQ(block, Realloc(block, 150));
  EXPECT_EQ(neighbour + 48, Alloc(both - 150 - 32)) << "what was cut off serves";
  EXPECT_EQ(5, block[99]);
  EXPECT_EQ(3u, Stats().live_count);
  char *const moved = Realloc(block, both);
  EXPECT_NE(block, moved);
  EXPECT_EQ(5, moved[99]);
}

TEST_F(ArenaTlsf, ReallocGivesTheSmallestPieceToAFreeNeighbour) {
  CreateInRegion(size_t{1} << 12);
  char *const block = Alloc(24 + 16);
  char *const other = Alloc(24 + 16);
  ASSERT_NE(nullptr, Alloc(24));
  EXPECT_EQ(block, Realloc(block, 24));
  EXPECT_EQ(40u, aml_arena_usable_size(arena_, block)) << "16 bytes are no block";
  Free(other);
  EXPECT_EQ(block, Realloc(block, 24));
  EXPECT_EQ(24u, aml_arena_usable_size(arena_, block));
  EXPECT_EQ(other - 16, Alloc(40 + 16)) << "but they are part of one";
}

TEST_F(ArenaTlsf, ReallocsWithZeroAddZeros) {
  CreateInRegion(size_t{1} << 16);
  char *const dirt = Alloc(60000);
  std::memset(dirt, 0xff, 60000);
  Free(dirt);
  std::mt19937 random(5);
  char *block = Alloc(10, 0, AML_ARENA_ZERO);
  for (size_t size = 10, i = 0; i < 200; ++i) {
    ASSERT_TRUE(IsZero(block, size)) << size;
    size = 1 + random() % 5000;
    Free(Alloc(random() % 3000)); // dirtied again
    block = Realloc(block, size, 0, AML_ARENA_ZERO);
    ASSERT_NE(nullptr, block);
    char *const other = Alloc(random() % 3000);
    std::memset(other, 0xff, aml_arena_usable_size(arena_, other));
    Free(other);
  }
}

TEST_F(ArenaTlsf, ZeroedMemoryOfANewChunkIsNotTouched) {
  Create(0);
  constexpr size_t kSize = size_t{64} << 20;
  char *const block = Alloc(kSize, kPage, AML_ARENA_ZERO);
  ASSERT_NE(nullptr, block);
  std::vector<unsigned char> present(kSize / kPage);
  ASSERT_EQ(0, mincore(block, kSize, present.data()));
  EXPECT_GE(3, std::count_if(present.begin(), present.end(), [](int page) { return page & 1; }));
  for (size_t i = 0; i < kSize; i += 511)
    ASSERT_EQ(0, block[i]);
  EXPECT_EQ(0, block[kSize - 1]);
  // Once freed, it is not new.
  std::memset(block, 1, kPage);
  Free(block);
  char *const again = Alloc(kSize, kPage, AML_ARENA_ZERO);
  EXPECT_EQ(block, again);
  EXPECT_TRUE(IsZero(again, kPage));
}

TEST_F(ArenaTlsf, SizesAtTheEdgesAreRefusedOrWork) {
  Create(0, size_t{64} << 20);
  char *block = Alloc(100);
  std::memset(block, 3, 100);
  const aml_arena_stats before = Stats();
  std::vector<size_t> sizes;
  for (size_t power = 26; power < 64; ++power)
    for (const size_t near : {size_t{0}, size_t{1}, size_t{8}, size_t{16}, size_t{24}, size_t{40}})
      sizes.insert(sizes.end(), {(size_t{1} << power) - near, (size_t{1} << power) + near});
  for (size_t near = 0; near < 200; ++near)
    sizes.push_back(SIZE_MAX - near);
  for (const size_t size : sizes)
    for (const size_t alignment : {size_t{1}, size_t{64}, size_t{1} << 32, size_t{1} << 63}) {
      if (size < (size_t{64} << 20) - 2 * kPage)
        continue;
      ASSERT_EQ(nullptr, Alloc(size, alignment)) << size;
      ASSERT_EQ(-AML_ENOMEM, aml_error_code());
      ASSERT_EQ(nullptr, Realloc(block, size, alignment)) << size;
      ASSERT_EQ(-AML_ENOMEM, aml_error_code());
    }
  EXPECT_EQ(before.reserved_size, Stats().reserved_size);
  EXPECT_EQ(before.live_size, Stats().live_size);
  EXPECT_EQ(3, block[99]);
}

TEST_F(ArenaTlsf, BlocksBeyondFourGibibytesAreWhole) {
  if (AML_INTERNAL_POISONS)
    GTEST_SKIP() << "a tool that watches memory keeps account of 4 GiB";
  Create(0);
  constexpr size_t kSize = (size_t{1} << 32) + 8;
  char *const block = Alloc(kSize);
  if (block == nullptr)
    GTEST_SKIP() << "the system has no 4 GiB of addresses to spare";
  EXPECT_LE(kSize, aml_arena_usable_size(arena_, block));
  block[0] = block[kSize - 1] = 1;
  EXPECT_EQ(block, Realloc(block, kSize - kPage)) << "shrinks in place";
  EXPECT_NE(nullptr, Alloc(kPage / 2));
  EXPECT_EQ(1, area_.live());
}

TEST_F(ArenaTlsf, GrowsByChunksAndByLargerOnesForLargeBlocks) {
  Create(kPage);
  ASSERT_NE(nullptr, Alloc(kPage - kOverhead - kWord));
  EXPECT_EQ(kPage, Stats().reserved_size);
  ASSERT_NE(nullptr, Alloc(kPage - kOverhead - kWord + 1));
  EXPECT_EQ(3 * kPage, Stats().reserved_size);
}

TEST_F(ArenaTlsf, KeepsToItsLimit) {
  Create(kPage, 3 * kPage);
  for (int i = 0; i < 3; ++i)
    ASSERT_NE(nullptr, Alloc(kPage - kOverhead - kWord));
  EXPECT_EQ(nullptr, Alloc(1));
  EXPECT_STREQ("aml_arena_alloc: the arena's limit is reached", aml_error_detail());
  EXPECT_EQ(3 * kPage, Stats().limit);
  Create(0, 1);
  EXPECT_EQ(nullptr, Alloc(0)) << "a limit of one byte";
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
}

TEST_F(ArenaTlsf, TrimGivesChunksWithoutBlocksBackAndKeepsTheOthers) {
  Create(kPage);
  std::vector<char *> blocks;
  for (int i = 0; i < 6; ++i)
    blocks.push_back(Alloc(kPage / 2));
  for (const int i : {0, 2, 3, 5})
    Free(blocks[static_cast<size_t>(i)]);
  size_t released = 0;
  ASSERT_EQ(0, aml_arena_trim(arena_, kPage, &released));
  EXPECT_EQ(3 * kPage, released);
  EXPECT_EQ(3 * kPage, Stats().reserved_size);
  EXPECT_EQ(3, area_.live());
  EXPECT_TRUE(aml_arena_owns(arena_, blocks[1]));
  ASSERT_NE(nullptr, Alloc(kPage / 2));
  EXPECT_EQ(3, area_.live()) << "the one that was kept serves";
}

TEST_F(ArenaTlsf, OwnsWhatLiesInItsChunks) {
  Create(kPage);
  char *const block = Alloc(8);
  char *const other = Alloc(kPage);
  EXPECT_TRUE(aml_arena_owns(arena_, block));
  EXPECT_TRUE(aml_arena_owns(arena_, block + kPage - 100));
  EXPECT_TRUE(aml_arena_owns(arena_, other + kPage - 1));
  EXPECT_FALSE(aml_arena_owns(arena_, &other));
}

TEST_F(ArenaTlsf, ARegionIsUsedAndNeverGrows) {
  CreateInRegion(1000);
  char *const block = Alloc(900);
  EXPECT_EQ(nullptr, Alloc(900));
  EXPECT_STREQ("aml_arena_alloc: the arena's region is full", aml_error_detail());
  EXPECT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  EXPECT_EQ(1000u, Stats().reserved_size);
  EXPECT_EQ(AML_UNKNOWN, Stats().limit);
  ASSERT_EQ(0, aml_arena_reset(arena_));
  EXPECT_EQ(block, Alloc(900));
}

TEST_F(ArenaTlsf, InitRefusesWhatItCannotWorkWith) {
  AML_ARENA_TLSF_DECL(arena);
  static char region[256];
  const auto init = [&](aml_area *area, size_t chunk_size, size_t limit, void *base, size_t size) {
    const aml_arena_tlsf_options options = {chunk_size, limit, base, size};
    return aml_arena_tlsf_init(arena, area, &options);
  };
  EXPECT_EQ(-AML_EINVAL, aml_arena_tlsf_init(nullptr, area_.get(), nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_tlsf_init(arena, nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_tlsf_create(nullptr, area_.get(), nullptr));
  EXPECT_EQ(-AML_EINVAL, init(area_.get(), 0, 0, nullptr, 8));
  EXPECT_EQ(-AML_EINVAL, init(nullptr, 0, 0, region, 0));
  EXPECT_EQ(-AML_EINVAL, init(nullptr, 1, 0, region, sizeof region));
  EXPECT_EQ(-AML_EINVAL, init(nullptr, 0, 0, region, 127));
  EXPECT_STREQ("aml_arena_tlsf_init: region_size 127 is less than 128", aml_error_detail());
  area_.Hide();
  EXPECT_EQ(-AML_EINVAL, init(area_.get(), 0, 0, nullptr, 0));
  EXPECT_EQ(-AML_EINVAL, init(area_.get(), 0, 0, region, sizeof region));
  EXPECT_STREQ("aml_arena_tlsf_init: area has memory that the host cannot read and write",
               aml_error_detail());
  EXPECT_EQ(0, init(nullptr, 0, 0, region, sizeof region));
  aml_arena_fini(arena);
}

// Most of the memory that is asked for is had, also after all blocks were replaced four times over.
TEST_F(ArenaTlsf, ChurnCostsSixPercent) {
  constexpr size_t kLive = size_t{32} << 20;
  Create(0, kLive / 100 * 106);
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> log_size(std::log(16.0), std::log(2048.0));
  std::vector<std::pair<char *, size_t>> blocks;
  size_t live = 0;
  const auto fill = [&] {
    while (live < kLive) {
      const auto size = static_cast<size_t>(std::exp(log_size(random)));
      char *const block = Alloc(size);
      ASSERT_NE(nullptr, block) << aml_error_detail();
      blocks.push_back({block, size});
      live += size;
    }
  };
  fill();
  for (size_t count = 4 * blocks.size(); count > 0 && !HasFailure(); --count) {
    std::swap(blocks[random() % blocks.size()], blocks.back());
    Free(blocks.back().first);
    live -= blocks.back().second;
    blocks.pop_back();
    fill();
  }
}

TEST_F(ArenaTlsf, LivesManyLives) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    CreateInRegion(size_t{1} << (12 + seed), seed);
    EXPECT_EQ("", aml_testing::RunArenaOps(arena_, aml_testing::RandomBytes(seed, 4000))) << seed;
  }
}

// Turns bits where no test may; so that a tool that watches memory lets it.
__attribute__((no_sanitize("address"))) void TurnBits(volatile char *byte) {
  *byte = static_cast<char>(*byte ^ 0x70);
}

TEST_F(ArenaTlsf, ValidateFindsWhatWritesOutsideBlocksHaveBroken) {
  for (int word = -1; word < 16; ++word) {
    CreateInRegion(4096);
    char *const block = Alloc(32 + 8);
    char *const freed = Alloc(24);
    ASSERT_NE(nullptr, Alloc(24));
    Free(freed);
    ASSERT_EQ(0, aml_arena_validate(arena_));
    // Heads of this block and of all others, links and sizes of free ones.
    char *const at = block + word * static_cast<int>(kWord);
    const bool is_payload = word >= 0 && word < 5;
    const bool is_live = word >= 10 && word < 13;
    for (const int i : {0, 1, 6}) {
      TurnBits(at + i);
      EXPECT_EQ(is_payload || is_live ? 0 : -AML_EINVAL, aml_arena_validate(arena_))
          << "byte " << i << " of word " << word;
      TurnBits(at + i);
    }
    ASSERT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
  }
}

#if defined(AML_INTERNAL_HAS_ASAN)
TEST_F(ArenaTlsf, AddressSanitizerReportsUsesOfWhatIsFree) {
  CreateInRegion(4096);
  volatile char *const block = Alloc(24);
  volatile char *const other = Alloc(40);
  EXPECT_DEATH(block[24] = 1, "use-after-poison") << "behind its end";
  EXPECT_DEATH(block[-1] = 1, "use-after-poison") << "before it";
  Free(const_cast<char *>(block));
  EXPECT_DEATH(block[0] = 1, "use-after-poison") << "after free";
  EXPECT_DEATH(block[23] = 1, "use-after-poison") << "after free";
  char *const smaller = Realloc(const_cast<char *>(other), 1);
  smaller[23] = 1;
  EXPECT_EQ(0, aml_arena_reset(arena_));
  EXPECT_DEATH(other[0] = 1, "use-after-poison") << "after reset";
}
#endif

} // namespace
