// SPDX-License-Identifier: BSD-3-Clause
//
// arena:pool over an area of which each call fails in turn: nothing is lost, nothing is changed by
// a call that fails, and the arena goes on.

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "aml/arena/pool.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;
constexpr size_t kSize = kPage / 4;

struct Shape {
  aml_arena_pool_metadata metadata;
  bool thread_safe;
};

class ArenaPoolFault : public testing::TestWithParam<Shape> {
protected:
  void SetUp() override { ASSERT_EQ(0, aml_area_fault_create(&area_, pages_.get(), 0)); }
  void TearDown() override {
    aml_arena_destroy(&arena_);
    EXPECT_EQ(0u, aml_area_fault_live(area_));
    aml_area_destroy(&area_);
  }

  int Create() {
    aml_arena_pool_options options = {};
    options.metadata = GetParam().metadata;
    options.thread_safe = GetParam().thread_safe;
    options.cache_count = options.thread_safe ? 4 : 0;
    options.chunk_size = kPage;
    return aml_arena_pool_create(&arena_, area_, kSize, &options);
  }

  aml_arena_stats Stats() {
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(arena_, &stats));
    EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    EXPECT_EQ(stats.reserved_size, aml_area_fault_live(area_) * kPage);
    return stats;
  }

  // Allocates and fills an object; when that fails, sees that nothing else has changed and asks
  // again.
  void Allocate() {
    const aml_arena_stats before = Stats();
    void *object = aml_arena_alloc(arena_, kSize, 0, 0);
    if (object == nullptr) {
      ++failures_;
      EXPECT_EQ(-AML_EPERM, aml_error_code());
      const aml_arena_stats now = Stats();
      EXPECT_EQ(before.live_count, now.live_count);
      EXPECT_EQ(before.peak_size, now.peak_size);
      EXPECT_EQ(before.reserved_size, now.reserved_size);
      EXPECT_EQ(before.metadata_size, now.metadata_size);
      object = aml_arena_alloc(arena_, kSize, 0, 0);
      ASSERT_NE(nullptr, object) << "one call failed, not two";
    }
    std::memset(object, static_cast<int>(objects_.size()), kSize);
    objects_.push_back(static_cast<char *>(object));
  }

  void ExpectContents() {
    for (size_t i = 0; i < objects_.size(); ++i)
      EXPECT_EQ(std::string(kSize, static_cast<char>(i)), std::string(objects_[i], kSize)) << i;
  }

  void Trim(size_t keep) {
    const aml_arena_stats before = Stats();
    size_t released = 77;
    const int err = aml_arena_trim(arena_, keep, &released);
    const aml_arena_stats after = Stats();
    failures_ += err != 0;
    EXPECT_TRUE(err == 0 || err == -AML_EPERM) << err;
    EXPECT_EQ(before.live_count, after.live_count);
    EXPECT_EQ(released, before.reserved_size - after.reserved_size);
  }

  PageArea pages_;
  aml_area *area_ = nullptr;
  aml_arena *arena_ = nullptr;
  std::vector<char *> objects_;
  size_t failures_ = 0;
  size_t kept_ = 0; // mappings that the area refused to take back
};

INSTANTIATE_TEST_SUITE_P(Any, ArenaPoolFault,
                         testing::Values(Shape{AML_ARENA_POOL_IN_BAND, false},
                                         Shape{AML_ARENA_POOL_OUT_OF_BAND, false},
                                         Shape{AML_ARENA_POOL_OUT_OF_BAND, true}));

// Goes through all that an arena does with its area, with the n-th call of it failing.
TEST_P(ArenaPoolFault, SurvivesEachFailureOfItsArea) {
  for (size_t nth = 1;; ++nth) {
    SCOPED_TRACE("failure of call " + std::to_string(nth));
    objects_.clear();
    failures_ = 0;
    aml_area_fault_arm(area_, AML_AREA_FAULT_ALL, nth, 1, -AML_EPERM);
    if (Create() != 0) {
      ++failures_;
      EXPECT_EQ(-AML_EPERM, aml_error_code());
      EXPECT_EQ(nullptr, arena_);
      ASSERT_EQ(0, Create());
    }
    for (int i = 0; i < 20; ++i)
      Allocate();
    for (int i = 0; i < 10; ++i) { // two chunks and a half
      aml_arena_free(arena_, objects_.back());
      objects_.pop_back();
    }
    Trim(kPage);
    Trim(0);
    ExpectContents();
    for (int i = 0; i < 12; ++i)
      Allocate();
    ExpectContents();
    // Destroy goes on with the other chunks where the area refuses one.
    const size_t failed_before = failures_;
    aml_arena_destroy(&arena_);
    const size_t failed = aml_area_fault_disarm(area_);
    EXPECT_EQ(failed - failed_before, aml_area_fault_live(area_));
    if (failed == 0) {
      EXPECT_LT(10u, nth) << "or there was little to fail";
      break;
    }
    EXPECT_EQ(1u, failed);
    if (aml_area_fault_live(area_) != 0) {
      // What the area refused to take back is the area's: its own end frees it. Begin anew.
      kept_ += aml_area_fault_live(area_);
      aml_area_destroy(&area_);
      ASSERT_EQ(0, aml_area_fault_create(&area_, pages_.get(), 0));
    }
  }
  EXPECT_EQ(static_cast<int>(kept_), pages_.live());
}

TEST_P(ArenaPoolFault, ABatchIsCutShortWhereTheAreaHasNoMore) {
  ASSERT_EQ(0, Create());
  std::array<void *, 20> objects{};
  aml_area_fault_arm(area_, AML_AREA_FAULT_MAP, 3, SIZE_MAX, -AML_ENOMEM);
  EXPECT_EQ(8u, aml_arena_alloc_batch(arena_, kSize, 0, 0, objects.size(), objects.data()));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(nullptr, objects[8]);
  EXPECT_EQ(1u, aml_area_fault_disarm(area_));
  EXPECT_EQ(8u, Stats().live_count);
  EXPECT_NE(nullptr, aml_arena_alloc(arena_, kSize, 0, 0));
}

} // namespace
