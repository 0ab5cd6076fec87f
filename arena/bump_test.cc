// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/bump.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
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

constexpr size_t kPage = 4096;
// Tools that watch memory keep account of each byte of a chunk.
constexpr size_t kMostAlignment = size_t{1} << (AML_INTERNAL_POISONS ? 26 : 30);

bool IsZero(const void *block, size_t size) {
  const char *byte = static_cast<const char *>(block);
  return std::all_of(byte, byte + size, [](char c) { return c == 0; });
}

class ArenaBump : public ::testing::Test {
protected:
  void TearDown() override { aml_arena_destroy(&arena_); }

  void Create(size_t chunk_size, size_t limit = 0) {
    aml_arena_bump_options options = {};
    options.chunk_size = chunk_size;
    options.limit = limit;
    ASSERT_EQ(0, aml_arena_bump_create(&arena_, area_.get(), &options)) << aml_error_detail();
  }

  char *Alloc(size_t size, size_t alignment = 0, unsigned flags = 0) {
    return static_cast<char *>(aml_arena_alloc(arena_, size, alignment, flags));
  }

  aml_arena_stats Stats() {
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(arena_, &stats));
    EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    return stats;
  }

  PageArea area_;
  aml_arena *arena_ = nullptr;
};

TEST_F(ArenaBump, BlocksLieBehindOneAnother) {
  Create(0);
  char *const first = Alloc(10, 1);
  EXPECT_EQ(first + 10, Alloc(1, 1));
  EXPECT_EQ(first + 16, Alloc(8, 16));
  EXPECT_EQ(24u, Stats().live_size);
  EXPECT_EQ(size_t{1} << 20, Stats().reserved_size);
}

TEST_F(ArenaBump, ABlockOfNothingHasAnAddressOfItsOwn) {
  Create(0);
  EXPECT_NE(Alloc(0, 1), Alloc(0, 1));
}

TEST_F(ArenaBump, ABlockOfNothingIsAByteAndZeroIfAsked) {
  Create(0);
  *Alloc(1, 1) = 'x';
  ASSERT_EQ(0, aml_arena_reset(arena_));
  EXPECT_EQ(0, *Alloc(0, 1, AML_ARENA_ZERO));
}

TEST_F(ArenaBump, GrowsByChunksAndByLargerOnesForLargeBlocks) {
  Create(kPage);
  ASSERT_NE(nullptr, Alloc(kPage));
  ASSERT_NE(nullptr, Alloc(1));
  EXPECT_EQ(2 * kPage, Stats().reserved_size);
  ASSERT_NE(nullptr, Alloc(3 * kPage + 1));
  EXPECT_EQ(6 * kPage, Stats().reserved_size);
}

TEST_F(ArenaBump, AlignsBeyondWhatTheAreaCan) {
  Create(kPage);
  for (size_t alignment = 1; alignment <= kMostAlignment; alignment <<= 1) {
    ASSERT_NE(nullptr, Alloc(1, 1));
    const char *const block = Alloc(3, alignment);
    ASSERT_NE(nullptr, block) << aml_error_detail();
    EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(block) % alignment);
  }
}

TEST_F(ArenaBump, KeepsToItsLimit) {
  Create(kPage, 3 * kPage);
  for (int i = 0; i < 3; ++i)
    ASSERT_NE(nullptr, Alloc(kPage));
  EXPECT_EQ(nullptr, Alloc(1));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_STREQ("aml_arena_alloc: the arena's limit is reached", aml_error_detail());
  EXPECT_EQ(3 * kPage, Stats().reserved_size);
  EXPECT_EQ(3 * kPage, Stats().limit);
  ASSERT_EQ(0, aml_arena_reset(arena_));
  EXPECT_NE(nullptr, Alloc(1));
}

TEST_F(ArenaBump, ALimitBelowTheChunkSizeIsUsedUp) {
  aml_arena_bump_options options = {};
  options.limit = 3 * kPage + 5;
  ASSERT_EQ(0, aml_arena_bump_create(&arena_, area_.get(), &options));
  EXPECT_NE(nullptr, Alloc(64));
  EXPECT_NE(nullptr, Alloc(2 * kPage));
  EXPECT_EQ(3 * kPage, Stats().reserved_size);
  EXPECT_EQ(nullptr, Alloc(kPage));
  EXPECT_STREQ("aml_arena_alloc: the arena's limit is reached", aml_error_detail());
}

TEST_F(ArenaBump, RefusesSizesThatNoMemoryHas) {
  Create(kPage);
  ASSERT_NE(nullptr, Alloc(1));
  for (const size_t size : {SIZE_MAX, SIZE_MAX - 15, SIZE_MAX / 2}) {
    for (const size_t alignment : {size_t{1}, size_t{16}, size_t{1} << 63}) {
      EXPECT_EQ(nullptr, Alloc(size, alignment));
      EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    }
  }
  EXPECT_EQ(kPage, Stats().reserved_size);
}

TEST_F(ArenaBump, RefusesUnknownFlagsAndAlignments) {
  Create(kPage);
  EXPECT_EQ(nullptr, Alloc(1, 1, 1u << 30));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(nullptr, Alloc(1, 24));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(0u, Stats().reserved_size);
}

TEST_F(ArenaBump, ZeroesWhatWasUsedBefore) {
  Create(kPage);
  for (int round = 0; round < 3; ++round) {
    char *const block = Alloc(kPage / 2, 1, AML_ARENA_ZERO);
    EXPECT_TRUE(IsZero(block, kPage / 2));
    std::memset(block, 0xff, kPage / 2);
    char *const larger = Alloc(kPage, 1, AML_ARENA_ZERO);
    EXPECT_TRUE(IsZero(larger, kPage));
    std::memset(larger, 0xff, kPage);
    ASSERT_EQ(0, aml_arena_reset(arena_));
    std::memset(Alloc(100), 0xff, 100);
    ASSERT_EQ(0, aml_arena_reset(arena_));
  }
}

TEST_F(ArenaBump, ResetKeepsItsChunksAndUsesThemAgain) {
  Create(kPage);
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 5; ++i)
      ASSERT_NE(nullptr, Alloc(kPage / 2 + 1));
    EXPECT_EQ(5 * kPage, Stats().reserved_size);
    ASSERT_EQ(0, aml_arena_reset(arena_));
    EXPECT_EQ(0u, Stats().live_size);
  }
  EXPECT_EQ(5 * (kPage / 2 + 1), Stats().peak_size);
}

TEST_F(ArenaBump, RewindGivesBackWhatCameAfterTheMark) {
  Create(kPage);
  char *const before = Alloc(100, 1);
  const aml_arena_bump_mark mark = aml_arena_bump_get_mark(arena_);
  const uint64_t live = Stats().live_size;
  char *const after = Alloc(8, 1);
  for (int i = 0; i < 7; ++i)
    ASSERT_NE(nullptr, Alloc(kPage));
  std::memset(before, 1, 100);
  ASSERT_EQ(0, aml_arena_bump_rewind(arena_, mark));
  EXPECT_EQ(live, Stats().live_size);
  EXPECT_EQ(8 * kPage, Stats().reserved_size);
  EXPECT_EQ(after, Alloc(8, 1));
  EXPECT_EQ(1, before[99]);
}

TEST_F(ArenaBump, MarksNest) {
  Create(kPage);
  const aml_arena_bump_mark outer = aml_arena_bump_get_mark(arena_); // before any chunk
  char *const first = Alloc(8, 1);
  const aml_arena_bump_mark inner = aml_arena_bump_get_mark(arena_);
  ASSERT_NE(nullptr, Alloc(2 * kPage));
  ASSERT_EQ(0, aml_arena_bump_rewind(arena_, inner));
  ASSERT_EQ(0, aml_arena_bump_rewind(arena_, outer));
  EXPECT_EQ(0u, Stats().live_size);
  EXPECT_EQ(first, Alloc(8, 1));
}

TEST_F(ArenaBump, RefusesMarksThatHaveEndedOrAreAnothersOwn) {
  Create(kPage);
  ASSERT_NE(nullptr, Alloc(8));
  const aml_arena_bump_mark early = aml_arena_bump_get_mark(arena_);
  ASSERT_NE(nullptr, Alloc(8));
  const aml_arena_bump_mark late = aml_arena_bump_get_mark(arena_);
  ASSERT_EQ(0, aml_arena_bump_rewind(arena_, early));
  EXPECT_EQ(-AML_EINVAL, aml_arena_bump_rewind(arena_, late));
  aml_arena *other = nullptr;
  ASSERT_EQ(0, aml_arena_bump_create(&other, area_.get(), nullptr));
  ASSERT_NE(nullptr, aml_arena_alloc(other, 8, 0, 0));
  EXPECT_EQ(-AML_EINVAL, aml_arena_bump_rewind(arena_, aml_arena_bump_get_mark(other)));
  EXPECT_EQ(-AML_EINVAL, aml_arena_bump_rewind(nullptr, early));
  aml_arena_destroy(&other);
  EXPECT_EQ(8u, Stats().live_size);
}

TEST_F(ArenaBump, TrimGivesChunksWithoutBlocksBack) {
  Create(kPage);
  for (int i = 0; i < 6; ++i)
    ASSERT_NE(nullptr, Alloc(kPage));
  size_t released = 1;
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, &released));
  EXPECT_EQ(0u, released);
  ASSERT_EQ(0, aml_arena_reset(arena_));
  ASSERT_EQ(0, aml_arena_trim(arena_, 2 * kPage, &released));
  EXPECT_EQ(4 * kPage, released);
  EXPECT_EQ(2 * kPage, Stats().reserved_size);
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  EXPECT_EQ(0u, Stats().reserved_size);
  EXPECT_EQ(0u, area_.live());
  EXPECT_NE(nullptr, Alloc(1));
}

TEST_F(ArenaBump, OwnsWhatLiesInItsChunks) {
  Create(kPage);
  char *const block = Alloc(8);
  EXPECT_TRUE(aml_arena_owns(arena_, block));
  EXPECT_TRUE(aml_arena_owns(arena_, block + kPage - 1));
  EXPECT_FALSE(aml_arena_owns(arena_, block + kPage));
  EXPECT_FALSE(aml_arena_owns(arena_, block - 1));
  EXPECT_FALSE(aml_arena_owns(arena_, &block));
}

TEST_F(ArenaBump, ARegionIsUsedToItsEndAndNeverGrows) {
  alignas(16) std::array<char, 256> region;
  aml_arena_bump_options options = {};
  options.region = region.data();
  options.region_size = region.size();
  AML_ARENA_BUMP_DECL(arena);
  ASSERT_EQ(0, aml_arena_bump_init(arena, nullptr, &options));
  EXPECT_EQ(region.data(), aml_arena_alloc(arena, 256, 0, AML_ARENA_ZERO));
  EXPECT_TRUE(IsZero(region.data(), region.size()));
  EXPECT_EQ(nullptr, aml_arena_alloc(arena, 1, 1, 0));
  EXPECT_STREQ("aml_arena_alloc: the arena's region is full", aml_error_detail());
  ASSERT_EQ(0, aml_arena_reset(arena));
  ASSERT_EQ(0, aml_arena_trim(arena, 0, nullptr));
  EXPECT_NE(nullptr, aml_arena_alloc(arena, 200, 1, 0));
  EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
  aml_arena_fini(arena);
}

TEST_F(ArenaBump, RandomLivesKeepTheLaws) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    Create(seed % 2 == 0 ? 0 : kPage, size_t{8} << 20);
    EXPECT_EQ("", aml_testing::RunArenaOps(arena_, aml_testing::RandomBytes(seed, 4000))) << seed;
    aml_arena_destroy(&arena_);
  }
}

TEST_F(ArenaBump, NeverTouchesMemoryThatTheHostCannot) {
  area_.Hide(); // inaccessible pages: a touch is a signal
  Create(kPage);
  for (int i = 0; i < 100; ++i)
    ASSERT_NE(nullptr, Alloc(100));
  EXPECT_EQ(nullptr, Alloc(8, 0, AML_ARENA_ZERO));
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  ASSERT_EQ(0, aml_arena_reset(arena_));
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
}

TEST_F(ArenaBump, InitRefusesWhatItCannotWorkWith) {
  AML_ARENA_BUMP_DECL(arena);
  std::array<char, 8> region;
  const auto init = [&](aml_area *area, size_t chunk_size, size_t limit, void *base, size_t size) {
    const aml_arena_bump_options options = {chunk_size, limit, base, size};
    return aml_arena_bump_init(arena, area, &options);
  };
  EXPECT_EQ(-AML_EINVAL, aml_arena_bump_init(arena, nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, init(area_.get(), 0, 0, nullptr, 8));
  EXPECT_EQ(-AML_EINVAL, init(nullptr, 0, 0, region.data(), 0));
  EXPECT_EQ(-AML_EINVAL, init(nullptr, 0, 0, region.data(), SIZE_MAX));
  EXPECT_EQ(-AML_EINVAL, init(nullptr, 1, 0, region.data(), 8));
  EXPECT_EQ(-AML_EINVAL, init(nullptr, 0, 1, region.data(), 8));
  EXPECT_EQ(-AML_EINVAL, aml_arena_bump_create(nullptr, area_.get(), nullptr));
  EXPECT_EQ(0, init(area_.get(), 1, 0, nullptr, 0));
  aml_arena_fini(arena);
}

TEST_F(ArenaBump, TheInlineFormIsTheGenericOne) {
  Create(kPage);
  char *const inlined = static_cast<char *>(aml_arena_bump_alloc(arena_, 5, 1));
  EXPECT_EQ(inlined + 5, Alloc(1, 1));
}

} // namespace
