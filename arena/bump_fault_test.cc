// SPDX-License-Identifier: BSD-3-Clause
//
// arena:bump over an area of which each call fails in turn: nothing is lost, nothing is changed by
// a call that fails, and the arena goes on.

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "aml/arena/bump.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;

class ArenaBumpFault : public testing::Test {
protected:
  void SetUp() override { ASSERT_EQ(0, aml_area_fault_create(&area_, pages_.get(), 0)); }
  void TearDown() override {
    aml_arena_destroy(&arena_);
    EXPECT_EQ(0u, aml_area_fault_live(area_));
    aml_area_destroy(&area_);
  }

  int Create() {
    aml_arena_bump_options options = {};
    options.chunk_size = kPage;
    return aml_arena_bump_create(&arena_, area_, &options);
  }

  aml_arena_stats Stats() {
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(arena_, &stats));
    EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    return stats;
  }

  // Allocates and fills a block; when that fails, sees that nothing else has changed and asks
  // again.
  void Allocate(size_t size) {
    const aml_arena_stats before = Stats();
    auto *block = static_cast<char *>(aml_arena_alloc(arena_, size, 0, 0));
    if (block == nullptr) {
      ++failures_;
      EXPECT_EQ(-AML_EPERM, aml_error_code());
      ExpectSame(before);
      block = static_cast<char *>(aml_arena_alloc(arena_, size, 0, 0));
      ASSERT_NE(nullptr, block) << "one call failed, not two";
    }
    std::memset(block, static_cast<int>(blocks_.size()), size);
    blocks_.push_back({block, size});
  }

  void ExpectSame(const aml_arena_stats &before) {
    const aml_arena_stats now = Stats();
    EXPECT_EQ(before.live_count, now.live_count);
    EXPECT_EQ(before.live_size, now.live_size);
    EXPECT_EQ(before.peak_size, now.peak_size);
    EXPECT_EQ(before.reserved_size, now.reserved_size);
  }

  void ExpectContents() {
    for (size_t i = 0; i < blocks_.size(); ++i)
      EXPECT_EQ(std::string(blocks_[i].size, static_cast<char>(i)),
                std::string(blocks_[i].block, blocks_[i].size))
          << i;
  }

  void Trim(size_t keep) {
    const aml_arena_stats before = Stats();
    size_t released = 77;
    const int err = aml_arena_trim(arena_, keep, &released);
    const aml_arena_stats after = Stats();
    failures_ += err != 0;
    EXPECT_TRUE(err == 0 || err == -AML_EPERM) << err;
    EXPECT_TRUE(err || released == before.reserved_size - after.reserved_size);
    EXPECT_EQ(after.reserved_size, aml_area_fault_live(area_) * kPage);
  }

  struct Filled {
    char *block;
    size_t size;
  };

  PageArea pages_;
  aml_area *area_ = nullptr;
  aml_arena *arena_ = nullptr;
  std::vector<Filled> blocks_;
  size_t failures_ = 0;
  size_t kept_ = 0; // mappings that the area refused to take back
};

// Goes through all that an arena does with its area, with the n-th call of it failing.
TEST_F(ArenaBumpFault, SurvivesEachFailureOfItsArea) {
  for (size_t nth = 1;; ++nth) {
    SCOPED_TRACE("failure of call " + std::to_string(nth));
    blocks_.clear();
    failures_ = 0;
    aml_area_fault_arm(area_, AML_AREA_FAULT_ALL, nth, 1, -AML_EPERM);
    if (Create() != 0) {
      ++failures_;
      EXPECT_EQ(-AML_EPERM, aml_error_code());
      EXPECT_EQ(nullptr, arena_);
      ASSERT_EQ(0, Create());
    }
    for (int i = 0; i < 20; ++i)
      Allocate(kPage / 4 + 100 * static_cast<size_t>(i % 3));
    Trim(0);
    ExpectContents();
    blocks_.clear();
    ASSERT_EQ(0, aml_arena_reset(arena_));
    Allocate(10);
    Trim(kPage);
    Trim(0);
    Allocate(3 * kPage / 4);
    ExpectContents();
    // Destroy goes on with the other chunks where the area refuses one.
    const size_t chunks = aml_area_fault_live(area_);
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
      EXPECT_LT(0u, chunks);
      kept_ += aml_area_fault_live(area_);
      aml_area_destroy(&area_);
      ASSERT_EQ(0, aml_area_fault_create(&area_, pages_.get(), 0));
    }
  }
  EXPECT_EQ(static_cast<int>(kept_), pages_.live());
}

TEST_F(ArenaBumpFault, WhereTheAreaHasNoWholeChunkTheLeastWillDo) {
  aml_arena_bump_options options = {};
  options.chunk_size = 100 * kPage;
  ASSERT_EQ(0, aml_arena_bump_create(&arena_, area_, &options));
  aml_area_fault_arm(area_, AML_AREA_FAULT_MAP, 1, 1, -AML_ENOMEM);
  EXPECT_NE(nullptr, aml_arena_alloc(arena_, 10, 0, 0)) << aml_error_detail();
  EXPECT_EQ(1u, aml_area_fault_disarm(area_));
  EXPECT_EQ(kPage, Stats().reserved_size);
  aml_area_fault_arm(area_, AML_AREA_FAULT_MAP, 1, 2, -AML_ENOMEM);
  EXPECT_EQ(nullptr, aml_arena_alloc(arena_, kPage, 0, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(2u, aml_area_fault_disarm(area_));
  EXPECT_EQ(kPage, Stats().reserved_size);
}

TEST_F(ArenaBumpFault, ABatchIsCutShortWhereTheAreaHasNoMore) {
  ASSERT_EQ(0, Create());
  std::array<void *, 10> blocks{};
  aml_area_fault_arm(area_, AML_AREA_FAULT_MAP, 3, SIZE_MAX, -AML_ENOMEM);
  EXPECT_EQ(4u, aml_arena_alloc_batch(arena_, kPage / 2, 0, 0, blocks.size(), blocks.data()));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(nullptr, blocks[4]);
  EXPECT_EQ(1u, aml_area_fault_disarm(area_));
  EXPECT_EQ(4 * (kPage / 2), Stats().live_size);
  EXPECT_NE(nullptr, aml_arena_alloc(arena_, kPage / 2, 0, 0));
}

} // namespace
