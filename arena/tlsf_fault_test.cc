// SPDX-License-Identifier: BSD-3-Clause
//
// arena:tlsf over an area of which each call fails in turn.

#include <gtest/gtest.h>

#include "aml/arena/tlsf.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/support/arena_faults.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;

class ArenaTlsfFault : public testing::Test {
protected:
  void SetUp() override { ASSERT_EQ(0, aml_area_fault_create(&area_, pages_.get(), 0)); }
  void TearDown() override { aml_area_destroy(&area_); }

  int Create(aml_arena **arena, size_t chunk_size) {
    aml_arena_tlsf_options options = {};
    options.chunk_size = chunk_size;
    return aml_arena_tlsf_create(arena, area_, &options);
  }

  PageArea pages_;
  aml_area *area_ = nullptr;
};

TEST_F(ArenaTlsfFault, SurvivesEachFailureOfItsArea) {
  int lost = 0; // mappings that the area did not take back when the arena ended
  const size_t failures = aml_testing::LiveThroughEachFailure(
      [&](aml_arena **arena) { return Create(arena, kPage); }, -AML_EPERM,
      [&](size_t nth) { aml_area_fault_arm(area_, AML_AREA_FAULT_ALL, nth, 1, -AML_EPERM); },
      [&] {
        const size_t failed = aml_area_fault_disarm(area_);
        EXPECT_GE(failed, aml_area_fault_live(area_));
        lost += static_cast<int>(aml_area_fault_live(area_));
        aml_area_destroy(&area_);
        EXPECT_EQ(0, aml_area_fault_create(&area_, pages_.get(), 0));
        return failed;
      });
  EXPECT_LT(20u, failures) << "there was little to fail";
  EXPECT_EQ(lost, pages_.live());
  EXPECT_GT(4, lost);
}

TEST_F(ArenaTlsfFault, WhereTheAreaHasNoWholeChunkTheLeastWillDo) {
  aml_arena *arena = nullptr;
  ASSERT_EQ(0, Create(&arena, 100 * kPage));
  aml_area_fault_arm(area_, AML_AREA_FAULT_MAP, 1, 1, -AML_ENOMEM);
  EXPECT_NE(nullptr, aml_arena_alloc(arena, 10, 0, 0)) << aml_error_detail();
  EXPECT_EQ(1u, aml_area_fault_disarm(area_));
  aml_arena_stats stats = {};
  EXPECT_EQ(0, aml_arena_get_stats(arena, &stats));
  EXPECT_EQ(kPage, stats.reserved_size);
  aml_area_fault_arm(area_, AML_AREA_FAULT_MAP, 1, 2, -AML_ENOMEM);
  EXPECT_EQ(nullptr, aml_arena_alloc(arena, kPage, 0, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(2u, aml_area_fault_disarm(area_));
  aml_arena_destroy(&arena);
}

} // namespace
