// SPDX-License-Identifier: BSD-3-Clause
//
// arena:pool with threads: what they keep, how they end, and the process that forks under them.

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "aml/arena/pool.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/support/arena_ops.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;
constexpr size_t kSize = 64;
constexpr size_t kOfPage = kPage / kSize;

class ArenaPoolThread : public ::testing::TestWithParam<aml_arena_pool_metadata> {
protected:
  void SetUp() override { arena_ = Create(8); }
  void TearDown() override {
    aml_arena_destroy(&arena_);
    EXPECT_EQ(0, area_.live());
  }

  aml_arena *Create(size_t cache_count) {
    aml_arena_pool_options options = {};
    options.thread_safe = true;
    options.metadata = GetParam();
    options.cache_count = cache_count;
    options.chunk_size = kPage;
    aml_arena *made = nullptr;
    EXPECT_EQ(0, aml_arena_pool_create(&made, area_.get(), kSize, &options)) << aml_error_detail();
    return made;
  }

  aml_arena_stats Stats() {
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(arena_, &stats));
    EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    return stats;
  }

  // Allocates and frees some objects, so that the thread keeps some.
  static void Use(aml_arena *arena) {
    std::array<void *, 20> objects;
    for (void *&object : objects)
      object = aml_arena_alloc(arena, kSize, 0, 0);
    for (void *object : objects)
      aml_arena_free(arena, object);
  }

  PageArea area_;
  aml_arena *arena_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Any, ArenaPoolThread,
                         ::testing::Values(AML_ARENA_POOL_AUTO, AML_ARENA_POOL_IN_BAND));

TEST_P(ArenaPoolThread, ARandomLifeKeepsTheLaws) {
  for (unsigned seed = 1; seed <= 3; ++seed)
    EXPECT_EQ("", aml_testing::RunArenaOps(arena_, aml_testing::RandomBytes(seed, 2000)));
}

TEST_P(ArenaPoolThread, AThreadFindsWhatItGaveBackLast) {
  void *const first = aml_arena_pool_alloc(arena_);
  void *const second = aml_arena_alloc(arena_, kSize, 0, 0);
  aml_arena_pool_free(arena_, first);
  aml_arena_free(arena_, second);
  EXPECT_EQ(second, aml_arena_pool_alloc(arena_));
  EXPECT_EQ(first, aml_arena_pool_alloc(arena_));
  EXPECT_EQ(2u, Stats().live_count);
}

// Threads take objects, write their number into them, and pass some on through a common box; each
// object must hold the number of whoever took it.
TEST_P(ArenaPoolThread, ObjectsAreOneThreadsOwnUntilTheyAreGivenBack) {
  constexpr unsigned kThreads = 4;
  constexpr unsigned kSteps = 3000;
  std::mutex mutex;
  std::vector<std::pair<void *, unsigned>> box;
  std::atomic<unsigned> wrong{0};
  const auto free_checked = [&](std::pair<void *, unsigned> object) {
    std::array<unsigned, kSize / sizeof(unsigned)> words;
    std::memcpy(words.data(), object.first, kSize);
    wrong += words[0] != object.second || words.back() != object.second;
    aml_arena_free(arena_, object.first);
  };
  const auto live = [&](unsigned number) {
    std::mt19937 random(number);
    std::vector<std::pair<void *, unsigned>> held;
    for (unsigned i = 0; i < kSteps; ++i) {
      if (random() % 2 == 0) {
        const unsigned stamp = number * kSteps + i;
        std::array<unsigned, kSize / sizeof(unsigned)> words;
        words.fill(stamp);
        held.push_back({aml_arena_alloc(arena_, kSize, 0, 0), stamp});
        std::memcpy(held.back().first, words.data(), kSize);
      } else if (!held.empty()) {
        const std::lock_guard<std::mutex> lock(mutex);
        box.push_back(held.back());
        held.pop_back();
        std::swap(box.back(), box[random() % box.size()]);
        if (i % 8 != 0)
          continue;
        for (size_t left = box.size() / 2; left > 0; --left, box.pop_back())
          free_checked(box.back());
      }
    }
    std::for_each(held.begin(), held.end(), free_checked);
  };
  std::vector<std::thread> threads;
  for (unsigned number = 1; number <= kThreads; ++number)
    threads.emplace_back(live, number);
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(box.size(), Stats().live_count);
  std::for_each(box.begin(), box.end(), free_checked);
  EXPECT_EQ(0u, wrong);
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  EXPECT_EQ(0u, Stats().reserved_size) << "all threads have given back what they kept";
}

TEST_P(ArenaPoolThread, BatchesUseWhatTheThreadKeeps) {
  Use(arena_);
  std::array<void *, 5 * kOfPage> objects;
  for (const size_t count : {size_t{3}, size_t{8}, objects.size()}) {
    ASSERT_EQ(count, aml_arena_alloc_batch(arena_, kSize, 0, 0, count, objects.data()));
    EXPECT_EQ(count, Stats().live_count);
    aml_arena_free_batch(arena_, count, objects.data());
    EXPECT_EQ(0u, Stats().live_count);
  }
}

TEST_P(ArenaPoolThread, WhatAThreadKeepsIsTrimmedByItAlone) {
  void *object = nullptr;
  std::thread([&] {
    object = aml_arena_alloc(arena_, kSize, 0, 0);
    Use(arena_);
    EXPECT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
    EXPECT_EQ(kPage, Stats().reserved_size) << "the chunk of the one that is live";
    aml_arena_free(arena_, object);
    EXPECT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
    EXPECT_EQ(0u, Stats().reserved_size);
    Use(arena_);
  }).join();
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  EXPECT_EQ(0u, Stats().reserved_size) << "what it kept is back when it has ended";
}

TEST_P(ArenaPoolThread, ResetTakesWhatThreadsKeep) {
  std::atomic<int> stage{0};
  std::thread other([&] {
    Use(arena_);
    stage = 1;
    while (stage != 2)
      std::this_thread::yield();
    Use(arena_);
  });
  while (stage != 1)
    std::this_thread::yield();
  Use(arena_);
  ASSERT_EQ(0, aml_arena_reset(arena_));
  EXPECT_EQ(0u, Stats().live_count);
  stage = 2;
  other.join();
  EXPECT_EQ(0u, Stats().live_count);
}

TEST_P(ArenaPoolThread, ThreadsMayOutliveTheArena) {
  std::atomic<int> stage{0};
  aml_arena *next = nullptr;
  std::thread other([&] {
    Use(arena_);
    stage = 1;
    while (stage != 2)
      std::this_thread::yield();
    Use(next); // where this thread still has an entry for the first one
  });
  while (stage != 1)
    std::this_thread::yield();
  aml_arena_destroy(&arena_);
  next = arena_ = Create(8);
  stage = 2;
  other.join();
  EXPECT_EQ(0u, Stats().live_count);
}

TEST_P(ArenaPoolThread, ThreadsMayEndWhileTheArenaEnds) {
  constexpr unsigned kThreads = 3;
  for (int round = 0; round < 30; ++round) {
    std::atomic<unsigned> done{0};
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < kThreads; ++i)
      threads.emplace_back([&] {
        Use(arena_);
        ++done;
      });
    while (done != kThreads)
      std::this_thread::yield();
    aml_arena_destroy(&arena_);
    arena_ = Create(8);
    for (std::thread &thread : threads)
      thread.join();
  }
}

TEST_P(ArenaPoolThread, AThreadMayHaveMoreArenasThanItHasRoomForAtFirst) {
  std::vector<aml_arena *> arenas(20);
  for (aml_arena *&arena : arenas)
    arena = Create(4);
  const auto use_all = [&] {
    std::for_each(arenas.begin(), arenas.end(), Use);
    std::for_each(arenas.rbegin(), arenas.rend(), Use);
  };
  std::thread(use_all).join();
  use_all();
  for (size_t i = 0; i < arenas.size(); i += 2)
    aml_arena_destroy(&arenas[i]);
  for (size_t i = 0; i < arenas.size(); i += 2)
    arenas[i] = Create(4);
  std::thread(use_all).join();
  use_all();
  for (aml_arena *&arena : arenas) {
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(arena, &stats));
    EXPECT_EQ(0u, stats.live_count);
    EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
    aml_arena_destroy(&arena);
  }
}

TEST_P(ArenaPoolThread, TooManyArenasAreRefused) {
  std::vector<aml_arena *> arenas(4095); // and the fixture's
  for (aml_arena *&arena : arenas)
    ASSERT_NE(nullptr, arena = Create(1));
  Use(arenas.back());
  aml_arena_pool_options options = {};
  options.thread_safe = true;
  aml_arena *one_more = nullptr;
  EXPECT_EQ(-AML_ENOMEM, aml_arena_pool_create(&one_more, area_.get(), kSize, &options));
  EXPECT_STREQ("aml_arena_pool_init: there are too many such arenas", aml_error_detail());
  EXPECT_EQ(nullptr, one_more);
  for (aml_arena *&arena : arenas)
    aml_arena_destroy(&arena);
  ASSERT_EQ(0, aml_arena_pool_create(&one_more, area_.get(), kSize, &options));
  aml_arena_destroy(&one_more);
}

// What else ends with a thread may come after the arena was told.
TEST_P(ArenaPoolThread, AThreadMayCallWhileItEnds) {
  static aml_arena *arena;
  arena = arena_;
  pthread_key_t key;
  ASSERT_EQ(0, pthread_key_create(&key, [](void *object) {
              aml_arena_free(arena, object);
              Use(arena);
            }));
  std::thread([&] {
    Use(arena);
    ASSERT_EQ(0, pthread_setspecific(key, aml_arena_alloc(arena, kSize, 0, 0)));
  }).join();
  ASSERT_EQ(0, pthread_key_delete(key));
  EXPECT_EQ(0u, Stats().live_count);
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  EXPECT_EQ(0u, Stats().reserved_size);
}

// Returns whether `check` does, in a child.
template <class Check> bool InChild(Check check) {
  const pid_t child = fork();
  if (child == 0)
    _exit(check() ? 0 : 1);
  int status = 1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

TEST_P(ArenaPoolThread, AChildHasWhatOtherThreadsKept) {
  std::atomic<int> stage{0};
  std::thread other([&] {
    Use(arena_);
    stage = 1;
    while (stage != 2)
      std::this_thread::yield();
    Use(arena_);
  });
  while (stage != 1)
    std::this_thread::yield();
  void *const mine = aml_arena_alloc(arena_, kSize, 0, 0);
  EXPECT_TRUE(InChild([&] {
    aml_arena_stats stats = {};
    if (aml_arena_validate(arena_) || aml_arena_get_stats(arena_, &stats) || stats.live_count != 1)
      return false;
    Use(arena_);
    aml_arena_free(arena_, mine);
    return aml_arena_trim(arena_, 0, nullptr) == 0 && !aml_arena_get_stats(arena_, &stats) &&
           stats.reserved_size == 0;
  }));
  stage = 2;
  other.join();
  EXPECT_EQ(1u, Stats().live_count);
}

TEST_P(ArenaPoolThread, AChildCanGoOnWhateverOthersWereDoing) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      while (!stop)
        Use(arena_);
    });
  for (int round = 0; round < 10; ++round) {
    EXPECT_TRUE(InChild([&] {
      for (int i = 0; i < 50; ++i)
        Use(arena_);
      return aml_arena_validate(arena_) == 0;
    }));
  }
  stop = true;
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0u, Stats().live_count);
}

} // namespace
