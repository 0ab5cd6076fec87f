// SPDX-License-Identifier: BSD-3-Clause
//
// arena:jemalloc over an area of which each call fails in turn: nothing is lost, nothing comes from
// elsewhere, and the arena goes on.

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "aml/arena/jemalloc.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;

class ArenaJemallocFault : public testing::Test {
protected:
  void SetUp() override { ASSERT_EQ(0, aml_area_fault_create(&area_, pages_.get(), 0)); }
  void TearDown() override {
    aml_arena_destroy(&arena_);
    EXPECT_EQ(0u, aml_area_fault_live(area_));
    aml_area_destroy(&area_);
  }

  int Create(unsigned decay_ms = 0) {
    aml_arena_jemalloc_options options = {};
    options.chunk_size = 64 * kPage;
    options.decay_ms = decay_ms;
    return aml_arena_jemalloc_create(&arena_, area_, &options);
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
      EXPECT_EQ(-AML_EPERM, aml_error_code()) << aml_error_detail();
      EXPECT_EQ(before.live_size, Stats().live_size);
      EXPECT_EQ(before.reserved_size, Stats().reserved_size);
      block = static_cast<char *>(aml_arena_alloc(arena_, size, 0, 0));
      ASSERT_NE(nullptr, block) << "one call failed, not two";
    }
    EXPECT_TRUE(aml_arena_owns(arena_, block));
    std::memset(block, static_cast<int>(blocks_.size()), size);
    blocks_.push_back({block, size});
  }

  void ExpectContents() const {
    for (size_t i = 0; i < blocks_.size(); ++i)
      for (size_t byte = 0; byte < blocks_[i].size; byte += 97)
        ASSERT_EQ(static_cast<char>(i), blocks_[i].block[byte]);
  }

  void FreeAll() {
    for (const Block &block : blocks_)
      aml_arena_free(arena_, block.block);
    blocks_.clear();
  }

  struct Block {
    char *block;
    size_t size;
  };

  PageArea pages_;
  aml_area *area_ = nullptr;
  aml_arena *arena_ = nullptr;
  std::vector<Block> blocks_;
};

TEST_F(ArenaJemallocFault, EachFailureOfTheAreaIsSurvived) {
  size_t kept = 0;
  for (size_t nth = 1;; ++nth) {
    SCOPED_TRACE("failure of call " + std::to_string(nth));
    aml_area_fault_arm(area_, AML_AREA_FAULT_ALL, nth, 1, -AML_EPERM);
    if (Create() != 0) {
      EXPECT_EQ(-AML_EPERM, aml_error_code());
      EXPECT_EQ(nullptr, arena_);
      ASSERT_EQ(0, Create());
    }
    for (size_t i = 0; i < 12; ++i)
      Allocate(i % 3 == 0 ? 100 : 40 * kPage + i);
    Allocate(100 * kPage);
    ExpectContents();
    FreeAll();
    for (int i = 0; i < 2; ++i) {
      size_t released = 0;
      const uint64_t before = Stats().reserved_size;
      if (aml_arena_trim(arena_, 0, &released) != 0) {
        EXPECT_EQ(-AML_EPERM, aml_error_code());
      }
      EXPECT_EQ(before - released, Stats().reserved_size);
    }
    EXPECT_EQ(0u, Stats().reserved_size);
    Allocate(100);
    Allocate(50 * kPage);
    blocks_.clear();
    const size_t failed_before = aml_area_fault_live(area_);
    EXPECT_LT(0u, failed_before);
    // Destroy goes on with the other chunks where the area refuses one.
    aml_arena_destroy(&arena_);
    if (aml_area_fault_disarm(area_) == 0) {
      EXPECT_LT(20u, nth) << "or there was little to fail";
      EXPECT_EQ(0u, aml_area_fault_live(area_));
      break;
    }
    if (aml_area_fault_live(area_) != 0) {
      // What the area refused to take back is the area's: its own end frees it. Begin anew.
      EXPECT_EQ(1u, aml_area_fault_live(area_));
      ++kept;
      aml_area_destroy(&area_);
      ASSERT_EQ(0, aml_area_fault_create(&area_, pages_.get(), 0));
    }
  }
  EXPECT_LT(0u, kept);
  EXPECT_EQ(static_cast<int>(kept), pages_.live());
}

TEST_F(ArenaJemallocFault, AnAreaThatHasNoMoreIsAllThereIs) {
  ASSERT_EQ(0, Create());
  Allocate(100);
  aml_area_fault_arm(area_, AML_AREA_FAULT_MAP, 1, SIZE_MAX, -AML_ENOMEM);
  // Small blocks go on as long as the chunk has pages, and none is from elsewhere.
  size_t count = 0;
  for (void *block; (block = aml_arena_alloc(arena_, 1000, 0, 0)) != nullptr; ++count)
    ASSERT_TRUE(aml_arena_owns(arena_, block));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_LT(100u, count);
  EXPECT_EQ(nullptr, aml_arena_alloc(arena_, 64 * kPage, 0, 0));
  void *const block = blocks_[0].block;
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, block, 64 * kPage, 0, 0));
  ExpectContents();
  EXPECT_LT(0u, aml_area_fault_disarm(area_));
  EXPECT_NE(nullptr, aml_arena_alloc(arena_, 64 * kPage, 0, 0)) << aml_error_detail();
}

TEST_F(ArenaJemallocFault, ABatchIsCutShortWhereTheAreaHasNoMore) {
  ASSERT_EQ(0, Create());
  std::vector<void *> blocks(10);
  aml_area_fault_arm(area_, AML_AREA_FAULT_MAP, 3, SIZE_MAX, -AML_ENOMEM);
  EXPECT_EQ(2u, aml_arena_alloc_batch(arena_, 60 * kPage, 0, 0, blocks.size(), blocks.data()));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_LT(0u, aml_area_fault_disarm(area_));
  aml_arena_free_batch(arena_, 2, blocks.data());
  EXPECT_EQ(0u, Stats().live_count);
}

TEST_F(ArenaJemallocFault, AChunkThatTheAreaRefusesIsKeptWhenItDecays) {
  ASSERT_EQ(0, Create(1));
  aml_area_fault_arm(area_, AML_AREA_FAULT_UNMAP, 1, SIZE_MAX, -AML_EBUSY);
  size_t refused = 0;
  for (int i = 0; i < 100000 && refused == 0; ++i) {
    Allocate(50 * kPage);
    Allocate(50 * kPage);
    FreeAll();
    refused = aml_area_fault_disarm(area_);
    aml_area_fault_arm(area_, AML_AREA_FAULT_UNMAP, 1, SIZE_MAX, -AML_EBUSY);
  }
  EXPECT_LT(0u, refused) << "nothing decayed";
  EXPECT_LT(0u, Stats().reserved_size);
  (void)aml_area_fault_disarm(area_);
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, nullptr)) << aml_error_detail();
  EXPECT_EQ(0u, Stats().reserved_size);
}

} // namespace
