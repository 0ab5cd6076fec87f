// SPDX-License-Identifier: BSD-3-Clause
//
// arena:bump where the C heap, or the system under its area, has no more.

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "aml/arena/bump.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;

aml_arena_bump_options Chunks(size_t chunk_size) {
  aml_arena_bump_options options = {};
  options.chunk_size = chunk_size;
  return options;
}

class ArenaBumpSystemFault : public ::testing::Test {
protected:
  ~ArenaBumpSystemFault() override {
    aml_arena_destroy(&arena_);
    ExpectHeld(before_);
  }

  void Create(size_t chunk_size) {
    const aml_arena_bump_options options = Chunks(chunk_size);
    ASSERT_EQ(0, aml_arena_bump_create(&arena_, area_.get(), &options)) << aml_error_detail();
  }

  aml_arena_stats Stats() {
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(arena_, &stats));
    EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    return stats;
  }

  void ExpectStats(const aml_arena_stats &before) {
    const aml_arena_stats now = Stats();
    EXPECT_EQ(before.live_size, now.live_size);
    EXPECT_EQ(before.peak_size, now.peak_size);
    EXPECT_EQ(before.reserved_size, now.reserved_size);
    EXPECT_EQ(before.metadata_size, now.metadata_size);
  }

  const aml_fault_held before_ = aml_fault_system_held();
  PageArea area_;
  aml_arena *arena_ = nullptr;
};

TEST_F(ArenaBumpSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  aml_arena sentinel = {};
  aml_arena *arena = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&] { return aml_arena_bump_create(&arena, area_.get(), nullptr); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(-AML_ENOMEM, aml_error_code());
        EXPECT_STREQ("aml_arena_bump_create: no memory for the block", aml_error_detail());
        EXPECT_EQ(&sentinel, arena);
      });
  EXPECT_EQ(1u, failures);
  ASSERT_NE(&sentinel, arena);
  aml_arena_destroy(&arena);
}

TEST_F(ArenaBumpSystemFault, ARegionThatCannotBeDescribedIsRefused) {
  alignas(64) static char region[1000];
  aml_arena_bump_options options = {};
  options.region = region;
  options.region_size = sizeof region;
  aml_arena sentinel = {};
  aml_arena *arena = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&] { return aml_arena_bump_create(&arena, nullptr, &options); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(-AML_ENOMEM, aml_error_code());
        EXPECT_EQ(&sentinel, arena);
      });
  EXPECT_EQ(2u, failures);
  EXPECT_STREQ("aml_arena_bump_init: no memory for the description of the region",
               aml_error_detail());
  ASSERT_NE(&sentinel, arena);
  EXPECT_NE(nullptr, aml_arena_alloc(arena, 1000, 1, 0));
  aml_arena_destroy(&arena);
}

TEST_F(ArenaBumpSystemFault, AnInitThatFailsLeavesStorageAsDeclared) {
  static char region[1000];
  aml_arena_bump_options options = {};
  options.region = region;
  options.region_size = sizeof region;
  AML_ARENA_BUMP_DECL(arena);
  const aml_arena_bump declared = arena_storage;
  EXPECT_EQ(1u, EachFailure(
                    AML_FAULT_MEMORY, ENOMEM,
                    [&] { return aml_arena_bump_init(arena, nullptr, &options); },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_EQ(0, std::memcmp(&declared, &arena_storage, sizeof declared));
                    }));
  aml_arena_fini(arena);
}

TEST_F(ArenaBumpSystemFault, ABlockForWhichThereIsNoChunkChangesNothing) {
  Create(kPage);
  auto *const first = static_cast<char *>(aml_arena_alloc(arena_, 100, 1, 0));
  ASSERT_NE(nullptr, first);
  std::memset(first, 7, 100);
  const aml_arena_stats before = Stats();
  void *block = nullptr;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM,
      [&] {
        block = aml_arena_alloc(arena_, kPage, 1, AML_ARENA_ZERO);
        return block == nullptr ? aml_error_code() : 0;
      },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        ExpectStats(before);
        EXPECT_EQ(1, area_.live());
      });
  EXPECT_EQ(2u, failures) << "a chunk and its description";
  ASSERT_NE(nullptr, block);
  std::memset(block, 1, kPage);
  EXPECT_TRUE(std::all_of(first, first + 100, [](char byte) { return byte == 7; }));
  EXPECT_EQ(2 * kPage, Stats().reserved_size);
}

TEST_F(ArenaBumpSystemFault, WhatStillFitsIsHadAfterAFailure) {
  Create(kPage);
  auto *const first = static_cast<char *>(aml_arena_alloc(arena_, 100, 1, 0));
  aml_fault_system_arm(AML_FAULT_MEMORY | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  void *const large = aml_arena_alloc(arena_, kPage, 1, 0);
  void *const small = aml_arena_alloc(arena_, kPage - 100, 1, 0);
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_EQ(nullptr, large);
  EXPECT_EQ(first + 100, small);
}

TEST_F(ArenaBumpSystemFault, ABatchEndsWhereMemoryDoes) {
  for (size_t nth = 1; nth <= 6; ++nth) {
    Create(kPage);
    void *blocks[5] = {};
    aml_fault_system_arm(AML_FAULT_MEMORY, nth, ENOMEM);
    const size_t count = aml_arena_alloc_batch(arena_, kPage, 1, 0, 5, blocks);
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    EXPECT_EQ((nth - 1) / 2, count) << "each chunk has a mapping and a description";
    EXPECT_EQ(count * kPage, Stats().reserved_size);
    EXPECT_EQ(static_cast<int>(count), area_.live());
    aml_arena_destroy(&arena_);
  }
}

TEST_F(ArenaBumpSystemFault, TrimThatFailsHalfwayKeepsTheRest) {
  constexpr size_t kChunks = 4;
  for (size_t nth = 1; nth <= kChunks; ++nth) {
    Create(kPage);
    for (size_t i = 0; i < kChunks; ++i)
      ASSERT_NE(nullptr, aml_arena_alloc(arena_, kPage, 1, 0));
    ASSERT_EQ(0, aml_arena_reset(arena_));
    aml_fault_system_arm(AML_FAULT_MUNMAP, nth, ENOMEM);
    size_t released = 0;
    const int err = aml_arena_trim(arena_, 0, &released);
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    EXPECT_GT(0, err);
    EXPECT_EQ((kChunks - nth + 1) * kPage, Stats().reserved_size);
    EXPECT_EQ(static_cast<int>(kChunks - nth + 1), area_.live());
    EXPECT_NE(nullptr, aml_arena_alloc(arena_, kPage, 1, 0)) << "what is kept serves";
    EXPECT_EQ((kChunks - nth + 1) * kPage, Stats().reserved_size);
    ASSERT_EQ(0, aml_arena_reset(arena_));
    EXPECT_EQ(0, aml_arena_trim(arena_, 0, &released));
    EXPECT_EQ(0u, Stats().reserved_size);
    EXPECT_EQ(0, area_.live());
    aml_arena_destroy(&arena_);
  }
}

TEST_F(ArenaBumpSystemFault, DestroyGoesOnWhereTheSystemRefusesAChunk) {
  Create(kPage);
  for (size_t i = 0; i < 3; ++i)
    ASSERT_NE(nullptr, aml_arena_alloc(arena_, kPage, 1, 0));
  // A mapping that stays is the system's fault; so that it does not stay for ever, it is kept here.
  char *const kept = static_cast<char *>(aml_arena_alloc(arena_, kPage, 1, 0));
  ASSERT_NE(nullptr, kept);
  const aml_fault_held held = aml_fault_system_held();
  aml_fault_system_arm(AML_FAULT_MUNMAP, 4, ENOMEM); // chunks go in the order they came in
  aml_arena_destroy(&arena_);
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_EQ(1, area_.live()) << "the other three were given back";
  EXPECT_EQ(held.blocks - 5, aml_fault_system_held().blocks) << "and the C heap is as it was";
  EXPECT_EQ(0, aml_area_unmap(area_.get(), kept, kPage));
}

} // namespace
