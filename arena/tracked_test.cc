// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/tracked.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "aml/arena/bump.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/heap_arena.h"
#include "aml/tests/support/arena_ops.h"
#include "aml/tests/support/page_area.h"

namespace {

using Blocks = std::vector<aml_arena_tracked_block>;

// A visit that keeps what it sees.
int Collect(void *blocks, const aml_arena_tracked_block *block) {
  static_cast<Blocks *>(blocks)->push_back(*block);
  return 0;
}

class ArenaTracked : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(0, heap_.Init(0, pages_.get()));
    options_.report = Collect;
    options_.context = &leaks_;
    ASSERT_EQ(0, aml_arena_tracked_create(&arena_, heap_.arena, &options_));
  }
  void TearDown() override {
    aml_arena_destroy(&arena_);
    aml_arena_fini(heap_.arena);
  }

  void *Alloc(size_t size, size_t alignment = 0) {
    void *const block = aml_arena_alloc(arena_, size, alignment, 0);
    EXPECT_NE(nullptr, block) << aml_error_detail();
    return block;
  }

  aml_arena_tracked_stats Stats() {
    aml_arena_tracked_stats stats = {};
    EXPECT_EQ(0, aml_arena_tracked_get_stats(arena_, &stats)) << aml_error_detail();
    EXPECT_EQ(stats.live_count, stats.allocs - stats.frees - stats.resets - stats.lost);
    EXPECT_EQ(stats.allocs + stats.reallocs,
              std::accumulate(std::begin(stats.histogram), std::end(stats.histogram), uint64_t{0}));
    EXPECT_LE(stats.live_size, stats.peak_size);
    EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    return stats;
  }

  Blocks Walk() {
    Blocks blocks;
    EXPECT_EQ(0, aml_arena_tracked_walk(arena_, Collect, &blocks));
    return blocks;
  }

  const char *SetLabel(const char *label) {
    const char *previous = "unset";
    EXPECT_EQ(0, aml_arena_tracked_set_label(arena_, label, &previous));
    return previous;
  }

  PageArea pages_;
  aml_testing::SoundHeap heap_;
  Blocks leaks_;
  aml_arena_tracked_options options_ = {};
  aml_arena *arena_ = nullptr;
};

TEST_F(ArenaTracked, CountsWhatBecameOfAllBlocks) {
  void *const first = Alloc(0);
  void *const second = Alloc(1000);
  EXPECT_EQ(2u, Stats().live_count);
  EXPECT_EQ(1001u, Stats().live_size);
  aml_arena_free(arena_, first);
  void *const third = aml_arena_realloc(arena_, second, 5000, 0, 0);
  ASSERT_NE(nullptr, third);
  aml_arena_tracked_stats stats = Stats();
  EXPECT_EQ(2u, stats.allocs);
  EXPECT_EQ(1u, stats.frees);
  EXPECT_EQ(1u, stats.reallocs);
  EXPECT_EQ(5000u, stats.live_size);
  aml_arena_free(arena_, third);
  Alloc(30);
  ASSERT_EQ(0, aml_arena_reset(arena_));
  stats = Stats();
  EXPECT_EQ(0u, stats.live_count);
  EXPECT_EQ(1u, stats.resets);
  EXPECT_EQ(0u, stats.failures);
  EXPECT_EQ(0u, stats.lost);
}

TEST_F(ArenaTracked, KnowsThePeakTo64KiBForEachThread) {
  void *const first = Alloc(700000);
  std::thread([&] { aml_arena_free(arena_, Alloc(300000)); }).join();
  aml_arena_free(arena_, first);
  Alloc(1000);
  const aml_arena_tracked_stats stats = Stats();
  EXPECT_EQ(1000u, stats.live_size);
  EXPECT_LE(stats.peak_size, 1000000u);
  EXPECT_GE(stats.peak_size, 1000000u - 2 * 65536);
}

TEST_F(ArenaTracked, CountsSizesByPowersOfTwo) {
  for (const size_t size : {0, 1, 2, 3, 4095, 4096, 8191, 8192})
    aml_arena_free(arena_, Alloc(size));
  const aml_arena_tracked_stats stats = Stats();
  EXPECT_EQ(2u, stats.histogram[0]);
  EXPECT_EQ(2u, stats.histogram[1]);
  EXPECT_EQ(1u, stats.histogram[11]);
  EXPECT_EQ(2u, stats.histogram[12]);
  EXPECT_EQ(1u, stats.histogram[13]);
}

TEST_F(ArenaTracked, WalksInOrderOfAddress) {
  std::vector<void *> live;
  for (size_t i = 0; i < 300; ++i)
    live.push_back(Alloc(1 + i * 37 % 900, size_t{1} << i % 7));
  const Blocks blocks = Walk();
  ASSERT_EQ(live.size(), blocks.size());
  EXPECT_TRUE(std::is_sorted(blocks.begin(), blocks.end(),
                             [](const auto &a, const auto &b) { return a.pointer < b.pointer; }));
  for (size_t i = 0; i < live.size(); ++i) {
    const auto block = std::find_if(blocks.begin(), blocks.end(),
                                    [&](const auto &it) { return it.pointer == live[i]; });
    ASSERT_NE(blocks.end(), block);
    EXPECT_EQ(1 + i * 37 % 900, block->size);
  }
}

TEST_F(ArenaTracked, AVisitMayFreeAndCanEndTheWalk) {
  for (size_t i = 0; i < 5; ++i)
    Alloc(100);
  const auto free_it = [](void *arena, const aml_arena_tracked_block *block) {
    aml_arena_free(static_cast<aml_arena *>(arena), block->pointer);
    return 7;
  };
  EXPECT_EQ(7, aml_arena_tracked_walk(arena_, free_it, arena_));
  EXPECT_EQ(4u, Stats().live_count);
}

TEST_F(ArenaTracked, FindsTheBlockAroundAnAddress) {
  char *const small = static_cast<char *>(Alloc(100));
  char *const large = static_cast<char *>(Alloc(300000));
  aml_arena_tracked_block block = {};
  for (const size_t inside : {0, 1, 99}) {
    ASSERT_EQ(0, aml_arena_tracked_find(arena_, small + inside, &block));
    EXPECT_EQ(small, block.pointer);
  }
  for (const size_t inside : {0, 65536, 299999}) {
    ASSERT_EQ(0, aml_arena_tracked_find(arena_, large + inside, &block));
    EXPECT_EQ(large, block.pointer);
    EXPECT_EQ(300000u, block.size);
  }
  EXPECT_EQ(-AML_ENOENT, aml_arena_tracked_find(arena_, small + 100, &block));
  EXPECT_EQ(-AML_ENOENT, aml_arena_tracked_find(arena_, large + 300000, &block));
  EXPECT_EQ(-AML_ENOENT, aml_arena_tracked_find(arena_, &block, &block));
  EXPECT_EQ(large, block.pointer) << "changed by a failure";
}

TEST_F(ArenaTracked, RefusesToFreeWhatIsNoLiveBlock) {
  char *const block = static_cast<char *>(Alloc(100));
  aml_arena_free(arena_, block + 16);
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_STREQ("aml_arena_free: pointer is not where a live block starts", aml_error_detail());
  aml_arena_free(arena_, block);
  aml_arena_free(arena_, block);
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, block, 10, 0, 0));
  EXPECT_STREQ("aml_arena_realloc: pointer is not where a live block starts", aml_error_detail());
  EXPECT_EQ(3u, Stats().refusals);
  EXPECT_EQ(1u, Stats().failures);
  EXPECT_EQ(1u, Stats().frees);
}

TEST_F(ArenaTracked, AReallocThatFailsKeepsTheBlock) {
  void *const block = Alloc(100);
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, block, SIZE_MAX / 2, 0, 0));
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, block, size_t{1} << 46, 0, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(2u, Stats().failures);
  EXPECT_EQ(0u, Stats().reallocs);
  EXPECT_EQ(100u, Stats().live_size);
  EXPECT_EQ(1u, Walk().size());
}

TEST_F(ArenaTracked, BlocksGivenBackToTheInnerArenaAreNoticedLater) {
  void *const block = Alloc(100);
  aml_arena_free(heap_.arena, block);
  EXPECT_EQ(block, Alloc(100));
  EXPECT_EQ(1u, Stats().lost);
  EXPECT_EQ(1u, Stats().live_count);
}

TEST_F(ArenaTracked, BlocksBelongToTheirLabelElseToTheirCaller) {
  const auto asker = [&](void *pointer) {
    aml_arena_tracked_block block = {};
    EXPECT_EQ(0, aml_arena_tracked_find(arena_, pointer, &block));
    EXPECT_EQ(block.label == nullptr, block.caller != nullptr);
    return block.label == nullptr ? std::string("caller") : block.label;
  };
  EXPECT_EQ("caller", asker(Alloc(10)));
  EXPECT_EQ(nullptr, SetLabel("setup"));
  void *const block = Alloc(10);
  EXPECT_EQ("setup", asker(block));
  EXPECT_STREQ("setup", SetLabel("solve"));
  EXPECT_EQ("setup", asker(aml_arena_realloc(arena_, block, 10000, 0, 0))) << "keeps its asker";
  EXPECT_EQ("solve", asker(Alloc(10)));
  std::thread([&] { EXPECT_EQ("caller", asker(Alloc(10))) << "the label is a thread's"; }).join();
  EXPECT_STREQ("solve", SetLabel(nullptr));
  EXPECT_EQ("caller", asker(Alloc(10)));
}

TEST_F(ArenaTracked, ALabelEndsWithItsThread) {
  // Threads one after the other have the same storage, and so the same place in the account.
  for (int i = 0; i < 3; ++i)
    std::thread([&] {
      EXPECT_EQ(nullptr, SetLabel("short"));
      aml_arena_free(arena_, Alloc(10));
    }).join();
  std::thread([&] {
    aml_arena_tracked_block block = {};
    EXPECT_EQ(0, aml_arena_tracked_find(arena_, Alloc(10), &block));
    EXPECT_EQ(nullptr, block.label);
  }).join();
}

TEST_F(ArenaTracked, TheArenasOwnLabelIsThatOfTheRest) {
  aml_arena_tracked_options options = {};
  options.label = "rest";
  AML_ARENA_TRACKED_DECL(arena);
  ASSERT_EQ(0, aml_arena_tracked_init(arena, heap_.arena, &options));
  aml_arena_tracked_block block = {};
  EXPECT_EQ(0, aml_arena_tracked_find(arena, aml_arena_alloc(arena, 1, 0, 0), &block));
  EXPECT_STREQ("rest", block.label);
  aml_arena_fini(arena);
}

TEST_F(ArenaTracked, TellsWhoHasMost) {
  // Many askers, so that the table of them grows.
  std::array<std::string, 100> labels;
  for (size_t i = 0; i < labels.size(); ++i) {
    labels[i] = "asker " + std::to_string(i);
    SetLabel(labels[i].c_str());
    for (size_t j = 0; j < 3; ++j)
      Alloc(1 + (i * 31 % 100));
  }
  std::array<aml_arena_tracked_caller, 200> callers{};
  size_t found = 0;
  ASSERT_EQ(0, aml_arena_tracked_get_callers(arena_, 5, callers.data(), &found));
  ASSERT_EQ(5u, found);
  EXPECT_EQ(nullptr, callers[5].label);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(3u, callers[i].count);
    EXPECT_EQ(3 * (100 - i), callers[i].size);
    EXPECT_EQ(nullptr, callers[i].caller);
  }
  ASSERT_EQ(0, aml_arena_tracked_get_callers(arena_, 200, callers.data(), &found));
  EXPECT_EQ(100u, found);
  ASSERT_EQ(0, aml_arena_reset(arena_));
  ASSERT_EQ(0, aml_arena_tracked_get_callers(arena_, 200, callers.data(), &found));
  EXPECT_EQ(0u, found);
}

TEST_F(ArenaTracked, ReportsWhatIsLeftAtItsEnd) {
  SetLabel("vectors");
  void *const block = Alloc(24);
  SetLabel(nullptr);
  void *const other = Alloc(100);
  aml_arena_destroy(&arena_);
  EXPECT_EQ(-AML_EBUSY, aml_error_code());
  EXPECT_STREQ("aml_arena_fini: arena has 2 live blocks of 124 bytes, the first of vectors",
               aml_error_detail());
  ASSERT_EQ(2u, leaks_.size());
  EXPECT_EQ(block, leaks_[0].pointer);
  EXPECT_EQ(other, leaks_[1].pointer);
  EXPECT_EQ(nullptr, leaks_[1].label);
  // They are the inner arena's still.
  aml_arena_free(heap_.arena, block);
  aml_arena_free(heap_.arena, other);
  EXPECT_EQ(0, aml_arena_validate(heap_.arena));
}

TEST_F(ArenaTracked, AnEndWithNothingLeftIsSilent) {
  aml_arena_free(arena_, Alloc(24));
  (void)aml_error_set(-AML_EIO, "before", nullptr, "all");
  aml_arena_destroy(&arena_);
  EXPECT_EQ(-AML_EIO, aml_error_code());
  EXPECT_TRUE(leaks_.empty());
}

TEST_F(ArenaTracked, PrintsABlockAsALine) {
  char *text = nullptr;
  size_t size = 0;
  std::FILE *const file = open_memstream(&text, &size);
  ASSERT_NE(nullptr, file);
  const aml_arena_tracked_block labelled = {reinterpret_cast<void *>(0x1000), 24, "vectors",
                                            nullptr};
  const aml_arena_tracked_block called = {reinterpret_cast<void *>(0x2000), 1, nullptr,
                                          reinterpret_cast<void *>(0x30)};
  EXPECT_EQ(0, aml_arena_tracked_print(file, &labelled));
  EXPECT_EQ(0, aml_arena_tracked_print(file, &called));
  std::fclose(file);
  EXPECT_STREQ("aml: live block at 0x1000 of 24 bytes by vectors\n"
               "aml: live block at 0x2000 of 1 bytes by 0x30\n",
               text);
  std::free(text);
}

TEST_F(ArenaTracked, KeepsAccountOfAnArenaThatIsOneThreadsOnly) {
  AML_ARENA_BUMP_DECL(bump);
  AML_ARENA_TRACKED_DECL(arena);
  aml_arena_tracked_stats stats = {};
  ASSERT_EQ(0, aml_arena_bump_init(bump, pages_.get(), nullptr));
  ASSERT_EQ(0, aml_arena_tracked_init(arena, bump, nullptr));
  for (size_t size = 1; size <= 1000; ++size)
    ASSERT_NE(nullptr, aml_arena_alloc(arena, size, 1, 0));
  aml_arena_free(arena, aml_arena_alloc(arena, 1, 1, 0));
  ASSERT_EQ(0, aml_arena_tracked_get_stats(arena, &stats));
  EXPECT_EQ(1001u, stats.live_count) << "none can be freed";
  EXPECT_EQ(500501u, stats.peak_size);
  EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
  ASSERT_EQ(0, aml_arena_reset(arena));
  EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
  aml_arena_fini(arena);
  aml_arena_fini(bump);
}

TEST_F(ArenaTracked, ThreadsGiveBackEachOthersBlocks) {
  constexpr size_t kThreads = 3;
  constexpr size_t kCount = 400;
  std::array<std::vector<void *>, kThreads> blocks;
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < kCount; ++i)
        blocks[t].push_back(aml_arena_alloc(arena_, 1 + i % 200, 0, 0));
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(kThreads * kCount, Stats().live_count);
  threads.clear();
  for (size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (void *const block : blocks[(t + 1) % kThreads])
        aml_arena_free(arena_, block);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0u, Stats().live_count);
  EXPECT_EQ(0u, Stats().live_size);
  EXPECT_EQ(0u, Stats().refusals);
}

TEST_F(ArenaTracked, RandomLivesKeepTheLaws) {
  for (unsigned seed = 0; seed < 3; ++seed) {
    aml_testing::SoundHeap heap;
    aml_arena *arena = nullptr;
    ASSERT_EQ(0, heap.Init(1, pages_.get())); // with a limit
    ASSERT_EQ(0, aml_arena_tracked_create(&arena, heap.arena, nullptr));
    EXPECT_EQ("", aml_testing::RunArenaOps(arena, aml_testing::RandomBytes(seed, 1500))) << seed;
    aml_arena_destroy(&arena);
    aml_arena_fini(heap.arena);
  }
}

TEST_F(ArenaTracked, RefusesBadArguments) {
  AML_ARENA_TRACKED_DECL(arena);
  aml_arena_tracked_stats stats = {};
  aml_arena_tracked_block block = {};
  aml_arena_tracked_caller caller = {};
  size_t found = 0;
  EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_init(nullptr, heap_.arena, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_init(heap_.arena, heap_.arena, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_init(arena, nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_init(arena, arena, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_create(nullptr, heap_.arena, nullptr));
  for (aml_arena *const wrong : {static_cast<aml_arena *>(nullptr), heap_.arena, arena}) {
    EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_get_stats(wrong, &stats));
    EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_find(wrong, &stats, &block));
    EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_walk(wrong, Collect, nullptr));
    EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_set_label(wrong, "it", nullptr));
    EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_get_callers(wrong, 1, &caller, &found));
  }
  EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_get_stats(arena_, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_find(arena_, &stats, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_walk(arena_, nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_get_callers(arena_, 1, nullptr, &found));
  EXPECT_EQ(-AML_EINVAL, aml_arena_tracked_get_callers(arena_, 1, &caller, nullptr));
}

TEST_F(ArenaTracked, ADeclaredOneAllocatesNothing) {
  AML_ARENA_TRACKED_DECL(arena);
  aml_arena_stats stats = {};
  EXPECT_EQ(nullptr, aml_arena_alloc(arena, 1, 0, 0));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(nullptr, aml_arena_realloc(arena, &stats, 1, 0, 0));
  EXPECT_EQ(-AML_EINVAL, aml_arena_validate(arena));
  EXPECT_EQ(-AML_ENOTSUP, aml_arena_reset(arena));
  aml_arena_free(arena, &stats);
  EXPECT_EQ(0, aml_arena_get_stats(arena, &stats));
  EXPECT_EQ(0u, stats.live_count);
}

} // namespace
