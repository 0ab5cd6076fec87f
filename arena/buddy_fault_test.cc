// SPDX-License-Identifier: BSD-3-Clause
//
// arena:buddy over an area of which each call fails in turn.

#include <gtest/gtest.h>

#include "aml/arena/buddy.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/support/arena_faults.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;

int Create(aml_area *area, aml_arena **arena, size_t chunk_size) {
  aml_arena_buddy_options options = {};
  options.chunk_size = chunk_size;
  return aml_arena_buddy_create(arena, area, &options);
}

TEST(ArenaBuddyFault, SurvivesEachFailureOfItsArea) {
  aml_testing::ExpectArenaSurvivesItsArea(
      [](aml_area *area, aml_arena **arena) { return Create(area, arena, kPage); });
}

TEST(ArenaBuddyFault, WhereTheAreaHasNoWholeChunkTheLeastWillDo) {
  PageArea pages;
  AML_AREA_FAULT_DECL(area);
  ASSERT_EQ(0, aml_area_fault_init(area, pages.get(), 0));
  aml_arena *arena = nullptr;
  ASSERT_EQ(0, Create(area, &arena, 100 * kPage));
  aml_area_fault_arm(area, AML_AREA_FAULT_MAP, 1, 1, -AML_ENOMEM);
  EXPECT_NE(nullptr, aml_arena_alloc(arena, 10, 0, 0)) << aml_error_detail();
  EXPECT_EQ(1u, aml_area_fault_disarm(area));
  aml_arena_stats stats = {};
  EXPECT_EQ(0, aml_arena_get_stats(arena, &stats));
  EXPECT_EQ(kPage, stats.reserved_size);
  aml_area_fault_arm(area, AML_AREA_FAULT_MAP, 1, 2, -AML_ENOMEM);
  EXPECT_EQ(nullptr, aml_arena_alloc(arena, kPage + 1, 0, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(2u, aml_area_fault_disarm(area));
  aml_arena_destroy(&arena);
  aml_area_fini(area);
}

} // namespace
