// SPDX-License-Identifier: BSD-3-Clause
//
// arena:jemalloc where the C heap, or the system, has no more: for the area's pages, for this
// arena's records, and for jemalloc's.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "aml/arena/jemalloc.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;

class ArenaJemallocSystemFault : public ::testing::Test {
protected:
  ~ArenaJemallocSystemFault() override { aml_arena_destroy(&arena_); }

  void SetUp() override {
    // What jemalloc makes once and keeps is made here.
    Create();
    aml_arena_free(arena_, aml_arena_alloc(arena_, 1, 0, 0));
    aml_arena_destroy(&arena_);
  }

  void Create() {
    aml_arena_jemalloc_options options = {};
    options.chunk_size = 64 * kPage;
    ASSERT_EQ(0, aml_arena_jemalloc_create(&arena_, area_.get(), &options)) << aml_error_detail();
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

TEST_F(ArenaJemallocSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  alignas(kPage) static char region[8 * kPage];
  aml_arena_jemalloc_options options = {};
  options.region = region;
  options.region_size = sizeof region;
  aml_arena sentinel = {};
  aml_arena *arena = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM,
      [&] { return aml_arena_jemalloc_create(&arena, nullptr, &options); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(-AML_ENOMEM, aml_error_code()) << aml_error_detail();
        EXPECT_EQ(&sentinel, arena);
      });
  EXPECT_LE(5u, failures) << "block, state, the region's record and place, and jemalloc's own";
  ASSERT_NE(&sentinel, arena);
  EXPECT_NE(nullptr, aml_arena_alloc(arena, 1000, 1, 0)) << aml_error_detail();
  aml_arena_destroy(&arena);
}

TEST_F(ArenaJemallocSystemFault, ABlockForWhichThereIsNoMemoryChangesNothing) {
  for (const size_t size : {size_t{100}, 20 * kPage, 100 * kPage}) {
    for (const unsigned calls :
         {static_cast<unsigned>(AML_FAULT_HEAP), static_cast<unsigned>(AML_FAULT_MMAP)}) {
      SCOPED_TRACE(std::to_string(size) + " bytes, calls " + std::to_string(calls));
      Create();
      const uint64_t reserved = Stats().reserved_size;
      size_t failures = 0;
      void *block = nullptr;
      for (size_t nth = 1; block == nullptr; ++nth) {
        aml_fault_system_arm(calls, nth, ENOMEM);
        block = aml_arena_alloc(arena_, size, 1, AML_ARENA_ZERO);
        failures += aml_fault_system_disarm().failed;
        if (block != nullptr)
          break;
        EXPECT_EQ(-AML_ENOMEM, aml_error_code());
        EXPECT_STRNE("", aml_error_detail());
        EXPECT_EQ(0u, Stats().live_count);
        EXPECT_EQ(reserved, Stats().reserved_size);
        ASSERT_GT(20u, nth);
      }
      EXPECT_LT(0u, failures);
      std::memset(block, 1, size);
      EXPECT_EQ(1u, Stats().live_count);
      aml_arena_destroy(&arena_);
      EXPECT_EQ(0, area_.live());
    }
  }
}

TEST_F(ArenaJemallocSystemFault, AThreadWithoutARecordSaysSoAndFreesAllTheSame) {
  Create();
  void *const block = aml_arena_alloc(arena_, 100, 0, 0);
  ASSERT_NE(nullptr, block);
  std::thread([&] {
    aml_fault_system_arm(AML_FAULT_HEAP | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
    void *const none = aml_arena_alloc(arena_, 100, 0, 0);
    void *const resized = aml_arena_realloc(arena_, block, 200, 0, 0);
    aml_arena_free(arena_, block);
    EXPECT_EQ(3u, aml_fault_system_disarm().failed);
    EXPECT_EQ(nullptr, none);
    EXPECT_EQ(nullptr, resized);
    EXPECT_STREQ("aml_arena_realloc: no memory for what is kept for the thread",
                 aml_error_detail());
  }).join();
  EXPECT_EQ(0u, Stats().live_count);
  EXPECT_EQ(0u, Stats().live_size);
}

TEST_F(ArenaJemallocSystemFault, EachChunkThatTheSystemRefusesStays) {
  Create();
  for (int i = 0; i < 4; ++i)
    ASSERT_NE(nullptr, aml_arena_alloc(arena_, 50 * kPage, 0, 0));
  ASSERT_EQ(0, aml_arena_reset(arena_));
  for (int left = 4; left > 0; --left) {
    aml_fault_system_arm(AML_FAULT_MUNMAP, 2, ENOMEM);
    size_t released = 0;
    const int err = aml_arena_trim(arena_, 0, &released);
    const size_t failed = aml_fault_system_disarm().failed;
    EXPECT_EQ(failed == 0 ? 0 : -AML_EINVAL, err) << aml_error_detail();
    EXPECT_EQ(64 * kPage, released);
    EXPECT_EQ(left - 1, area_.live());
    EXPECT_EQ(static_cast<uint64_t>(left - 1) * 64 * kPage, Stats().reserved_size);
  }
}

} // namespace
