// SPDX-License-Identifier: BSD-3-Clause
//
// arena:slab in a process that forks while its threads use it.

#include <gtest/gtest.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstddef>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "aml/arena/internal/slab_fork_testing.h"
#include "aml/arena/slab.h"
#include "aml/arena/slab_testing.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"

namespace {

// Whether a child process that does this finds all well.
bool IsWellInAChild(const std::function<bool()> &work) {
  const pid_t child = fork();
  if (child == 0)
    _exit(work() ? 0 : 1);
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

// Whether blocks come and go.
bool Works(aml_arena *arena) {
  std::vector<void *> blocks;
  for (size_t size = 1; size < 100000; size += 1 + size / 3)
    for (int i = 0; i < 5; ++i) {
      blocks.push_back(aml_arena_alloc(arena, size, 0, 0));
      if (blocks.back() == nullptr)
        return false;
      std::memset(blocks.back(), 1, size);
    }
  for (void *const block : blocks)
    aml_arena_free(arena, block);
  return aml_arena_validate(arena) == 0;
}

class ArenaSlabFork : public testing::Test {
protected:
  void SetUp() override { ASSERT_EQ(0, aml_arena_slab_create(&arena_, area_.get(), nullptr)); }
  void TearDown() override { aml_arena_destroy(&arena_); }

  uint64_t LiveCount() const {
    aml_arena_stats stats = {};
    return aml_arena_get_stats(arena_, &stats) == 0 ? stats.live_count : AML_UNKNOWN;
  }

  PurgingArea area_;
  aml_arena *arena_ = nullptr;
};

TEST_F(ArenaSlabFork, TheChildHasTheArenaAsItWas) {
  std::vector<char *> blocks;
  for (int i = 0; i < 100; ++i) {
    blocks.push_back(static_cast<char *>(aml_arena_alloc(arena_, 1000, 0, 0)));
    std::memset(blocks.back(), i, 1000);
  }
  EXPECT_TRUE(IsWellInAChild([&] {
    for (int i = 0; i < 100; ++i) {
      if (blocks[i][999] != static_cast<char>(i))
        return false;
      aml_arena_free(arena_, blocks[i]);
    }
    return LiveCount() == 0 && Works(arena_) && aml_arena_trim(arena_, 0, nullptr) == 0;
  }));
  EXPECT_EQ(100u, LiveCount()) << "the parent's";
  EXPECT_EQ(5, blocks[5][0]);
}

TEST_F(ArenaSlabFork, TheChildHasWhatOtherThreadsKept) {
  std::atomic<int> stage{0};
  std::thread thread([&] {
    std::vector<void *> blocks;
    for (int i = 0; i < 1000; ++i)
      blocks.push_back(aml_arena_alloc(arena_, 64, 0, 0));
    for (void *const block : blocks)
      aml_arena_free(arena_, block);
    stage = 1;
    while (stage.load() == 1)
      std::this_thread::yield();
  });
  while (stage.load() == 0)
    std::this_thread::yield();
  EXPECT_TRUE(IsWellInAChild([&] {
    aml_arena_stats stats = {};
    return LiveCount() == 0 && aml_arena_trim(arena_, 0, nullptr) == 0 &&
           aml_arena_get_stats(arena_, &stats) == 0 && stats.reserved_size == 0 && Works(arena_);
  }));
  stage = 2;
  thread.join();
}

TEST_F(ArenaSlabFork, AChildOfThreadsInMidCallWorks) {
  std::atomic<bool> is_done{false};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      size_t size = 1 + t;
      while (!is_done.load()) {
        std::vector<void *> blocks;
        for (int i = 0; i < 100; ++i) {
          size = size * 7 % 100003;
          blocks.push_back(aml_arena_alloc(arena_, size, 0, 0));
        }
        for (void *const block : blocks)
          aml_arena_free(arena_, block);
        aml_arena *other = nullptr;
        if (aml_arena_slab_create(&other, area_.get(), nullptr) == 0)
          (void)!aml_arena_alloc(other, 100, 0, 0);
        aml_arena_destroy(&other);
      }
    });
  for (int i = 0; i < 8; ++i)
    EXPECT_TRUE(IsWellInAChild([&] {
      aml_arena *own = nullptr;
      const bool is_well =
          Works(arena_) && aml_arena_slab_create(&own, area_.get(), nullptr) == 0 && Works(own);
      aml_arena_destroy(&own);
      aml_arena_destroy(&arena_);
      return is_well;
    }));
  is_done = true;
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_TRUE(Works(arena_));
}

// Ends the process well when the destructors of a thread's values have all been called once.
void ExitInTheSecondRound(void *key) {
  static bool is_second = false;
  if (is_second)
    _exit(0);
  is_second = true;
  (void)pthread_setspecific(*static_cast<pthread_key_t *>(key), key);
}

// A thread that has used an arena, and forks when it is told to; then it ends in the child.
class Forker {
public:
  explicit Forker(aml_arena *arena) {
    EXPECT_EQ(0, pthread_key_create(&key_, ExitInTheSecondRound));
    thread_ = std::thread([this, arena] { Run(arena); });
    Await(kHasUsedIt);
  }
  ~Forker() { EXPECT_EQ(0, pthread_key_delete(key_)); }

  void Fork() { stage_ = kForks; }
  bool HasForked() const { return stage_ == kHasForked; }
  void Join() { thread_.join(); }

private:
  enum Stage { kBegins, kHasUsedIt, kForks, kHasForked };

  void Await(Stage stage) const {
    while (stage_ != stage)
      std::this_thread::yield();
  }

  void Run(aml_arena *arena) {
    for (int i = 0; i < 3; ++i)
      aml_arena_free(arena, aml_arena_alloc(arena, 100, 0, 0));
    stage_ = kHasUsedIt;
    Await(kForks);
    const pid_t child = fork();
    if (child == 0) {
      (void)alarm(20);
      (void)pthread_setspecific(key_, &key_);
      return;
    }
    stage_ = kHasForked;
    int status = 0;
    EXPECT_EQ(child, waitpid(child, &status, 0));
    EXPECT_TRUE(WIFEXITED(status)) << "the thread never ends in the child";
  }

  std::atomic<Stage> stage_{kBegins};
  pthread_key_t key_{};
  std::thread thread_;
};

TEST_F(ArenaSlabFork, AThreadEndsInTheChildThoughAnotherWasEndingItsArena) {
  Forker forker(arena_);
  int *const lock = aml_testing_slab_caches_lock(arena_);
  EXPECT_EQ(0, __atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE));
  std::thread ender([&] { aml_arena_destroy(&arena_); });
  while (__atomic_load_n(lock, __ATOMIC_RELAXED) != 2)
    std::this_thread::yield();
  __atomic_store_n(lock, 1, __ATOMIC_RELAXED);
  // Either the fork sees that the lock is taken, and waits too, or it is over.
  forker.Fork();
  while (__atomic_load_n(lock, __ATOMIC_RELAXED) != 2 && !forker.HasForked())
    std::this_thread::yield();
  __atomic_store_n(lock, 0, __ATOMIC_RELEASE);
  (void)syscall(SYS_futex, lock, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr);
  ender.join();
  forker.Join();
}

} // namespace
