// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/runs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "aml/arena/internal/poison.h"
#include "aml/arena/internal/source.h"
#include "aml/core/error.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = 4096;

class ArenaRuns : public testing::Test {
protected:
  ~ArenaRuns() override {
    aml_internal_runs_fini(&runs_);
    EXPECT_EQ(0, area_.live());
  }

  void Begin(size_t chunk_pages, size_t limit_pages = 0) {
    aml_internal_source_options options = {};
    options.chunk_size = chunk_pages * kPage;
    options.limit = limit_pages * kPage;
    ASSERT_EQ(0, aml_internal_source_init(&source_, "test", area_.get(), &options, 1));
    aml_internal_runs_init(&runs_, &source_, "test", kPage);
  }

  char *Take(size_t pages, size_t alignment = kPage, bool *zero = nullptr) {
    void *const run = aml_internal_runs_take(&runs_, pages * kPage, alignment, zero);
    if (run != nullptr)
      aml_internal_poison_none(run, pages * kPage);
    Check();
    return static_cast<char *>(run);
  }

  void Give(char *run, size_t pages) {
    aml_internal_runs_give(&runs_, run, pages * kPage);
    Check();
  }

  size_t Trim(size_t keep_pages = 0) {
    size_t released = 1;
    EXPECT_EQ(0, aml_internal_runs_trim(&runs_, keep_pages * kPage, &released));
    Check();
    return released / kPage;
  }

  void Check() { EXPECT_STREQ(nullptr, aml_internal_runs_validate(&runs_)); }

  PageArea area_;
  aml_internal_source source_{};
  aml_internal_runs runs_{};
};

TEST_F(ArenaRuns, TakesTheFirstThatFits) {
  Begin(200);
  char *const base = Take(100);
  EXPECT_EQ(base + 100 * kPage, Take(64));
  EXPECT_EQ(base + 164 * kPage, Take(36));
  EXPECT_EQ(1u, runs_.count);
  Give(base + 10 * kPage, 3);
  Give(base + 100 * kPage, 64);
  EXPECT_EQ(base + 100 * kPage, Take(4));
  EXPECT_EQ(base + 10 * kPage, Take(2));
  EXPECT_EQ(base + 12 * kPage, Take(1));
  EXPECT_EQ(base + 104 * kPage, Take(60));
  EXPECT_EQ(200u, runs_.used_pages);
}

TEST_F(ArenaRuns, PartsOfRunsAndRunsThatTouchAreGivenBack) {
  Begin(130);
  char *const base = Take(65);
  EXPECT_EQ(base + 65 * kPage, Take(65));
  Give(base + 64 * kPage, 2);
  EXPECT_EQ(base + 64 * kPage, Take(2));
  Give(base, 130);
  EXPECT_EQ(0u, runs_.used_pages);
  EXPECT_EQ(130u, Trim());
}

TEST_F(ArenaRuns, GrowsByChunksAndByLargerOnesForLargeRuns) {
  Begin(8);
  char *const first = Take(5);
  char *const second = Take(5);
  char *const large = Take(100);
  EXPECT_EQ(3u, runs_.count);
  EXPECT_EQ(116 * kPage, source_.reserved_size);
  EXPECT_TRUE(aml_internal_runs_is_same_chunk(&runs_, first, first + 7 * kPage));
  EXPECT_FALSE(aml_internal_runs_is_same_chunk(&runs_, first, second));
  EXPECT_TRUE(aml_internal_runs_owns(&runs_, large + 100 * kPage - 1));
  EXPECT_FALSE(aml_internal_runs_owns(&runs_, this));
}

TEST_F(ArenaRuns, AlignsBeyondWhatTheAreaCan) {
  Begin(4);
  for (size_t alignment = kPage; alignment <= size_t{1} << 24; alignment *= 2) {
    const char *const run = Take(3, alignment);
    ASSERT_NE(nullptr, run);
    EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(run) % alignment);
  }
}

TEST_F(ArenaRuns, SaysWhichPagesAreZeroAndMakesThemSo) {
  Begin(10);
  bool zero = false;
  char *const run = Take(4, kPage, &zero);
  EXPECT_TRUE(zero) << "fresh ones are";
  std::memset(run, 1, 4 * kPage);
  Give(run, 4);
  zero = false;
  EXPECT_EQ(run, Take(2, kPage, &zero));
  EXPECT_FALSE(zero) << "used ones are not";
  zero = true;
  EXPECT_EQ(run + 2 * kPage, Take(4, kPage, &zero));
  EXPECT_TRUE(zero);
  EXPECT_TRUE(std::all_of(run + 2 * kPage, run + 6 * kPage, [](char c) { return c == 0; }));
  zero = false;
  (void)Take(4, kPage, &zero);
  EXPECT_TRUE(zero) << "there were fresh ones left";
}

TEST_F(ArenaRuns, TrimKeepsWhatMayStayAndWhatIsUsed) {
  Begin(10);
  std::vector<char *> runs;
  for (int i = 0; i < 6; ++i)
    runs.push_back(Take(10));
  std::sort(runs.begin(), runs.end());
  for (const int i : {0, 2, 3, 5})
    Give(runs[static_cast<size_t>(i)], 10);
  EXPECT_EQ(0u, Trim(40));
  EXPECT_EQ(10u, Trim(39));
  EXPECT_FALSE(aml_internal_runs_owns(&runs_, runs[5])) << "the highest goes first";
  EXPECT_EQ(20u, Trim(10));
  EXPECT_TRUE(aml_internal_runs_owns(&runs_, runs[0]));
  EXPECT_TRUE(aml_internal_runs_owns(&runs_, runs[1]));
  EXPECT_TRUE(aml_internal_runs_owns(&runs_, runs[4]));
  EXPECT_EQ(30 * kPage, source_.reserved_size);
}

TEST_F(ArenaRuns, ReleaseGivesBackAChunkThatNobodyUses) {
  Begin(4);
  char *const run = Take(4);
  Give(run, 3);
  EXPECT_FALSE(aml_internal_runs_release(&runs_, run));
  Give(run + 3 * kPage, 1);
  EXPECT_TRUE(aml_internal_runs_release(&runs_, run));
  EXPECT_EQ(0, area_.live());
  EXPECT_FALSE(aml_internal_runs_release(&runs_, run)) << "it is gone";
}

TEST_F(ArenaRuns, KeepsToTheLimitOfItsSource) {
  Begin(8, 13);
  ASSERT_NE(nullptr, Take(8));
  EXPECT_EQ(nullptr, Take(6));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_NE(nullptr, Take(5));
  EXPECT_EQ(nullptr, Take(1));
}

TEST_F(ArenaRuns, ARegionsWholePagesAreTheOneChunk) {
  for (const size_t shift : {size_t{0}, size_t{1}, kPage - 1}) {
    alignas(kPage) static char region[10 * kPage];
    aml_internal_source_options options = {};
    options.region = region + shift;
    options.region_size = sizeof region - shift;
    ASSERT_EQ(0, aml_internal_source_init(&source_, "test", nullptr, &options, 1));
    aml_internal_runs_init(&runs_, &source_, "test", kPage);
    ASSERT_TRUE(aml_internal_runs_adopt(&runs_, options.region, options.region_size));
    const size_t pages = shift == 0 ? 10 : 9;
    EXPECT_EQ(region + (10 - pages) * kPage, Take(pages));
    EXPECT_EQ(nullptr, Take(1));
    EXPECT_STREQ("aml_arena_alloc: the arena's region is full", aml_error_detail());
    Give(region + kPage, 9);
    EXPECT_EQ(0u, Trim()) << "it is not the arena's to give";
    aml_internal_runs_fini(&runs_);
  }
}

TEST_F(ArenaRuns, ARegionWithoutAWholePageIsFull) {
  alignas(kPage) static char region[kPage];
  aml_internal_source_options options = {};
  options.region = region + 1;
  options.region_size = kPage - 1;
  ASSERT_EQ(0, aml_internal_source_init(&source_, "test", nullptr, &options, 1));
  aml_internal_runs_init(&runs_, &source_, "test", kPage);
  ASSERT_TRUE(aml_internal_runs_adopt(&runs_, options.region, options.region_size));
  EXPECT_EQ(nullptr, Take(1));
  EXPECT_FALSE(aml_internal_runs_owns(&runs_, region + 1));
}

// Random runs against a map of which page is whose.
TEST_F(ArenaRuns, RunsNeverOverlapAndAreFoundWhereThereIsRoom) {
  Begin(150);
  std::mt19937 random(3);
  std::map<char *, size_t> live;
  for (int step = 0; step < 1500; ++step) {
    if (live.size() < 40 || random() % 2 == 0) {
      const size_t pages = 1 + random() % (random() % 8 == 0 ? 200 : 20);
      char *const run = Take(pages, kPage << (random() % 4));
      const auto next = live.lower_bound(run);
      ASSERT_TRUE(next == live.end() || run + pages * kPage <= next->first);
      if (next != live.begin()) {
        const auto previous = std::prev(next);
        ASSERT_LE(previous->first + previous->second * kPage, run);
      }
      live[run] = pages;
    } else {
      const auto victim = std::next(live.begin(), static_cast<long>(random() % live.size()));
      Give(victim->first, victim->second);
      live.erase(victim);
    }
    if (step % 100 == 0)
      (void)Trim(100);
  }
  for (const auto &run : live)
    Give(run.first, run.second);
  (void)Trim();
  EXPECT_EQ(0u, source_.reserved_size);
}

} // namespace
