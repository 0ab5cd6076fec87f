// SPDX-License-Identifier: BSD-3-Clause
//
// arena:slab over an area of which each call fails in turn.

#include <gtest/gtest.h>

#include "aml/arena/slab.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/support/arena_faults.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;
constexpr size_t kMiB = size_t{1} << 20;

int Create(aml_area *area, aml_arena **arena, size_t chunk_size) {
  aml_arena_slab_options options = {};
  options.chunk_size = chunk_size;
  return aml_arena_slab_create(arena, area, &options);
}

aml_arena_stats StatsOf(aml_arena *arena) {
  aml_arena_stats stats = {};
  EXPECT_EQ(0, aml_arena_get_stats(arena, &stats));
  EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
  return stats;
}

TEST(ArenaSlabFault, SurvivesEachFailureOfItsArea) {
  PageArea pages;
  aml_area *area = nullptr;
  ASSERT_EQ(0, aml_area_fault_create(&area, pages.get(), 0));
  int lost = 0; // mappings that the area did not take back when the arena ended
  const size_t failures = aml_testing::LiveThroughEachFailure(
      [&](aml_arena **arena) { return Create(area, arena, kPage); }, -AML_EPERM,
      [&](size_t nth) { aml_area_fault_arm(area, AML_AREA_FAULT_ALL, nth, 1, -AML_EPERM); },
      [&] {
        const size_t failed = aml_area_fault_disarm(area);
        EXPECT_GE(failed, aml_area_fault_live(area));
        lost += static_cast<int>(aml_area_fault_live(area));
        aml_area_destroy(&area);
        EXPECT_EQ(0, aml_area_fault_create(&area, pages.get(), 0));
        return failed;
      });
  EXPECT_LT(10u, failures) << "there was little to fail";
  EXPECT_EQ(lost, pages.live());
  EXPECT_GT(4, lost);
  aml_area_destroy(&area);
}

class ArenaSlabUnmapFault : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(0, aml_area_fault_create(&area_, pages_.get(), 0));
    ASSERT_EQ(0, Create(area_, &arena_, kPage));
  }
  void TearDown() override {
    aml_arena_destroy(&arena_);
    EXPECT_EQ(0u, aml_area_fault_live(area_));
    aml_area_destroy(&area_);
  }

  PageArea pages_;
  aml_area *area_ = nullptr;
  aml_arena *arena_ = nullptr;
};

TEST_F(ArenaSlabUnmapFault, AHugeBlockThatTheAreaRefusesIsUsedAgain) {
  void *const block = aml_arena_alloc(arena_, 3 * kMiB, 0, 0);
  ASSERT_NE(nullptr, block);
  aml_area_fault_arm(area_, AML_AREA_FAULT_UNMAP, 1, 1, -AML_EBUSY);
  aml_arena_free(arena_, block);
  EXPECT_EQ(1u, aml_area_fault_disarm(area_));
  EXPECT_EQ(0u, StatsOf(arena_).live_count);
  EXPECT_EQ(3 * kMiB, StatsOf(arena_).reserved_size);
  EXPECT_FALSE(aml_arena_owns(arena_, block));
  auto *const again = static_cast<char *>(aml_arena_alloc(arena_, 2 * kMiB, 0, AML_ARENA_ZERO));
  EXPECT_EQ(block, again);
  ASSERT_NE(nullptr, again);
  EXPECT_EQ(0, again[2 * kMiB - 1]);
  EXPECT_EQ(3 * kMiB, StatsOf(arena_).reserved_size);
  aml_arena_free(arena_, again);
  EXPECT_EQ(0u, StatsOf(arena_).reserved_size);
}

TEST_F(ArenaSlabUnmapFault, WhatTheAreaRefusesGoesWithTheNextTrim) {
  aml_arena_free(arena_, nullptr);
  void *const block = aml_arena_alloc(arena_, 3 * kMiB, 0, 0);
  ASSERT_NE(nullptr, block);
  aml_area_fault_arm(area_, AML_AREA_FAULT_UNMAP, 1, 2, -AML_EBUSY);
  aml_arena_free(arena_, block);
  size_t released = 1;
  EXPECT_EQ(-AML_EBUSY, aml_arena_trim(arena_, 0, &released));
  EXPECT_EQ(2u, aml_area_fault_disarm(area_));
  EXPECT_EQ(0u, released);
  EXPECT_EQ(0, aml_arena_trim(arena_, 0, &released));
  EXPECT_EQ(3 * kMiB, released);
  EXPECT_EQ(0u, StatsOf(arena_).reserved_size);
}

TEST_F(ArenaSlabUnmapFault, ABlockThatDoesNotFitWhatWasRefusedIsMappedAnew) {
  void *const block = aml_arena_alloc(arena_, 3 * kMiB, 0, 0);
  aml_area_fault_arm(area_, AML_AREA_FAULT_UNMAP, 1, 1, -AML_EBUSY);
  aml_arena_free(arena_, block);
  EXPECT_EQ(1u, aml_area_fault_disarm(area_));
  void *const larger = aml_arena_alloc(arena_, 4 * kMiB, 0, 0);
  EXPECT_NE(nullptr, larger);
  EXPECT_EQ(7 * kMiB, StatsOf(arena_).reserved_size);
}

TEST_F(ArenaSlabUnmapFault, AResetKeepsWhatTheAreaRefuses) {
  ASSERT_NE(nullptr, aml_arena_alloc(arena_, 3 * kMiB, 0, 0));
  aml_area_fault_arm(area_, AML_AREA_FAULT_UNMAP, 1, 1, -AML_EBUSY);
  EXPECT_EQ(0, aml_arena_reset(arena_));
  EXPECT_EQ(1u, aml_area_fault_disarm(area_));
  EXPECT_EQ(0u, StatsOf(arena_).live_count);
  EXPECT_EQ(3 * kMiB, StatsOf(arena_).reserved_size);
}

TEST_F(ArenaSlabUnmapFault, WhatTheThreadKeepsServesWhereTheAreaHasNoMore) {
  for (void *const block :
       {aml_arena_alloc(arena_, 3 * kPage, 0, 0), aml_arena_alloc(arena_, 3 * kPage, 0, 0)})
    aml_arena_free(arena_, block);
  const size_t reserved = StatsOf(arena_).reserved_size;
  ASSERT_LE(16 * kPage, reserved);
  aml_area_fault_arm(area_, AML_AREA_FAULT_MAP, 1, 1, -AML_ENOMEM);
  EXPECT_NE(nullptr, aml_arena_alloc(arena_, 16 * kPage, 0, 0)) << aml_error_detail();
  EXPECT_EQ(1u, aml_area_fault_disarm(area_));
  EXPECT_EQ(reserved, StatsOf(arena_).reserved_size);
}

TEST_F(ArenaSlabUnmapFault, AnAllocThatFailsSinceChunksDoNotGoSaysWhyItFailed) {
  aml_arena *limited = nullptr;
  aml_arena_slab_options options = {};
  options.limit = 2 * kMiB;
  ASSERT_EQ(0, aml_arena_slab_create(&limited, area_, &options));
  aml_arena_free(limited, aml_arena_alloc(limited, 100, 0, 0));
  aml_area_fault_arm(area_, AML_AREA_FAULT_UNMAP, 1, 1, -AML_EBUSY);
  EXPECT_EQ(nullptr, aml_arena_alloc(limited, 2 * kMiB, 0, 0));
  EXPECT_EQ(1u, aml_area_fault_disarm(area_));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_STREQ("aml_arena_alloc: the arena's limit is reached", aml_error_detail());
  EXPECT_EQ(kMiB, StatsOf(limited).reserved_size);
  EXPECT_NE(nullptr, aml_arena_alloc(limited, 2 * kMiB, 0, 0)) << aml_error_detail();
  aml_arena_destroy(&limited);
}

} // namespace
