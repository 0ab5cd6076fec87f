// SPDX-License-Identifier: BSD-3-Clause
//
// Arenas over others where the area below them all fails: what was counted is given back, a lock is
// released, and the next of several arenas serves.

#include <gtest/gtest.h>

#include <cstdint>

#include "aml/arena/debug.h"
#include "aml/arena/limited.h"
#include "aml/arena/locked.h"
#include "aml/arena/pool.h"
#include "aml/arena/stack.h"
#include "aml/arena/tlsf.h"
#include "aml/arena/tracked.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/support/arena_faults.h"
#include "aml/tests/support/arena_over.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;

using CreateOver = int (*)(aml_arena **arena, aml_arena *inner);

/** Leads whole lives of arenas over one of small chunks, with each call of the area failing once.
 */
void ExpectSurvivesTheArea(CreateOver create) {
  aml_testing::ExpectArenaSurvivesItsArea([create](aml_area *area, aml_arena **arena) {
    aml_arena_tlsf_options options = {};
    options.chunk_size = kPage;
    aml_arena *inner = nullptr;
    aml_arena *upper = nullptr;
    int err = aml_arena_tlsf_create(&inner, area, &options);
    if (!err)
      err = create(&upper, inner);
    if (!err)
      *arena = ArenaOver::Create(upper, inner);
    else
      aml_arena_destroy(&inner);
    return err;
  });
}

TEST(ArenaOverFaults, DebugSurvivesEachFailureOfTheArea) {
  ExpectSurvivesTheArea([](aml_arena **arena, aml_arena *inner) {
    aml_arena_debug_options options = {};
    options.frames = 1;
    options.quarantine_size = 2 * kPage;
    return aml_arena_debug_create(arena, inner, &options);
  });
}

TEST(ArenaOverFaults, TrackedSurvivesEachFailureOfTheArea) {
  ExpectSurvivesTheArea([](aml_arena **arena, aml_arena *inner) {
    return aml_arena_tracked_create(arena, inner, nullptr);
  });
}

TEST(ArenaOverFaults, LockedSurvivesEachFailureOfTheArea) {
  ExpectSurvivesTheArea([](aml_arena **arena, aml_arena *inner) {
    return aml_arena_locked_create(arena, inner, nullptr);
  });
}

TEST(ArenaOverFaults, LimitedSurvivesEachFailureOfTheArea) {
  static aml_arena_quota quota;
  ASSERT_EQ(0, aml_arena_quota_init(&quota, nullptr));
  ExpectSurvivesTheArea([](aml_arena **arena, aml_arena *inner) {
    return aml_arena_limited_create(arena, inner, &quota);
  });
  aml_arena_quota_state state = {};
  ASSERT_EQ(0, aml_arena_quota_get(&quota, &state));
  EXPECT_EQ(0u, state.size) << "bytes that are charged for good";
  aml_arena_quota_fini(&quota);
}

TEST(ArenaOverFaults, StackSurvivesEachFailureOfTheArea) {
  ExpectSurvivesTheArea(
      [](aml_arena **arena, aml_arena *inner) { return aml_arena_stack_create(arena, 1, &inner); });
}

class ArenaOverFault : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(0, aml_area_fault_init(area_, pages_.get(), 0));
    aml_arena_pool_options options = {};
    options.chunk_size = kPage;
    ASSERT_EQ(0, aml_arena_pool_create(&pool_, area_, kPage, &options));
    ASSERT_EQ(0, aml_arena_pool_create(&other_, pages_.get(), kPage, &options));
  }
  void TearDown() override {
    aml_arena_destroy(&arena_);
    aml_arena_destroy(&pool_);
    aml_arena_destroy(&other_);
    EXPECT_EQ(0u, aml_area_fault_live(area_));
    EXPECT_EQ(0, pages_.live());
    aml_area_fini(area_);
  }

  void FailMaps() { aml_area_fault_arm(area_, AML_AREA_FAULT_MAP, 1, SIZE_MAX, -AML_EPERM); }
  void *Alloc() { return aml_arena_alloc(arena_, kPage, 0, 0); }

  PageArea pages_;
  AML_AREA_FAULT_DECL(area_);
  aml_arena *pool_ = nullptr;
  aml_arena *other_ = nullptr; // over pages that do not fail
  aml_arena *arena_ = nullptr;
};

TEST_F(ArenaOverFault, ALimitedArenaIsChargedNothingForWhatFailed) {
  aml_arena_quota quota = {};
  aml_arena_quota_state state = {};
  ASSERT_EQ(0, aml_arena_quota_init(&quota, nullptr));
  ASSERT_EQ(0, aml_arena_limited_create(&arena_, pool_, &quota));
  ASSERT_NE(nullptr, Alloc());
  FailMaps();
  EXPECT_EQ(nullptr, Alloc());
  EXPECT_EQ(-AML_EPERM, aml_error_code());
  aml_area_fault_disarm(area_);
  ASSERT_EQ(0, aml_arena_quota_get(&quota, &state));
  EXPECT_EQ(kPage, state.size);
  EXPECT_EQ(kPage, state.peak_size);
  EXPECT_EQ(0u, state.refusals);
  EXPECT_EQ(0, aml_arena_validate(arena_));
  EXPECT_NE(nullptr, Alloc());
  aml_arena_destroy(&arena_);
  aml_arena_quota_fini(&quota);
}

TEST_F(ArenaOverFault, ALockIsReleasedByACallThatFails) {
  ASSERT_EQ(0, aml_arena_locked_create(&arena_, pool_, nullptr));
  FailMaps();
  EXPECT_EQ(nullptr, Alloc());
  EXPECT_EQ(-AML_EPERM, aml_error_code());
  aml_area_fault_disarm(area_);
  EXPECT_NE(nullptr, Alloc());
  ASSERT_EQ(0, aml_arena_reset(arena_));
  aml_area_fault_arm(area_, AML_AREA_FAULT_UNMAP, 1, 1, -AML_EBUSY);
  EXPECT_EQ(-AML_EBUSY, aml_arena_trim(arena_, 0, nullptr));
  aml_area_fault_disarm(area_);
  EXPECT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
}

TEST_F(ArenaOverFault, TheNextArenaServesWhereOneFails) {
  aml_arena *const arenas[] = {pool_, other_};
  size_t index = 0;
  ASSERT_EQ(0, aml_arena_stack_create(&arena_, 2, arenas));
  FailMaps();
  void *const block = Alloc();
  aml_area_fault_disarm(area_);
  ASSERT_NE(nullptr, block);
  ASSERT_EQ(0, aml_arena_stack_index_of(arena_, block, &index));
  EXPECT_EQ(1u, index);
  ASSERT_EQ(0, aml_arena_stack_index_of(arena_, Alloc(), &index));
  EXPECT_EQ(0u, index);
}

TEST_F(ArenaOverFault, ATrimOfSeveralEndsWhereOneFails) {
  aml_arena *const arenas[] = {other_, pool_};
  ASSERT_EQ(0, aml_arena_stack_create(&arena_, 2, arenas));
  aml_arena_free(pool_, aml_arena_alloc(pool_, 1, 0, 0));
  aml_arena_free(other_, aml_arena_alloc(other_, 1, 0, 0));
  aml_area_fault_arm(area_, AML_AREA_FAULT_UNMAP, 1, 1, -AML_EBUSY);
  size_t released = 0;
  EXPECT_EQ(-AML_EBUSY, aml_arena_trim(arena_, 0, &released));
  EXPECT_EQ(kPage, released) << "of the first";
  aml_area_fault_disarm(area_);
  EXPECT_EQ(0, aml_arena_trim(arena_, 0, &released));
  EXPECT_EQ(kPage, released);
}

} // namespace
