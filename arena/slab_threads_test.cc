// SPDX-License-Identifier: BSD-3-Clause
//
// arena:slab among threads that hand blocks to each other, that come and go, and that outlive it.

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "aml/arena/slab.h"
#include "aml/arena/slab_testing.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"

namespace {

constexpr size_t kMiB = size_t{1} << 20;

struct Block {
  unsigned char *bytes;
  size_t size;
  unsigned char mark;
};

class ArenaSlabThreads : public testing::Test {
protected:
  void SetUp() override { ASSERT_EQ(0, aml_arena_slab_create(&arena_, area_.get(), nullptr)); }
  void TearDown() override {
    aml_arena_destroy(&arena_);
    EXPECT_EQ(0, area_.live());
  }

  // A block, marked; none if the arena has none.
  Block TryAlloc(size_t size, unsigned char mark) {
    auto *const bytes = static_cast<unsigned char *>(aml_arena_alloc(arena_, size, 0, 0));
    if (bytes == nullptr)
      return {nullptr, 0, 0};
    bytes[0] = bytes[size / 2] = bytes[size - 1] = mark;
    return {bytes, size, mark};
  }

  Block Alloc(size_t size, unsigned char mark) {
    const Block block = TryAlloc(size, mark);
    if (block.bytes == nullptr)
      ++wrong_;
    return block;
  }

  void Free(const Block &block) {
    if (block.bytes == nullptr)
      return;
    const size_t size = block.size;
    if (block.bytes[0] != block.mark || block.bytes[size / 2] != block.mark ||
        block.bytes[size - 1] != block.mark)
      ++wrong_;
    aml_arena_free(arena_, block.bytes);
  }

  void ExpectEmpty() {
    EXPECT_EQ(0u, wrong_) << "contents that were another block's, or allocs that failed";
    EXPECT_EQ(0u, ValidStats(arena_).live_count);
    EXPECT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
    EXPECT_EQ(0u, ValidStats(arena_).reserved_size) << "blocks are kept, and nobody has them";
  }

  PurgingArea area_;
  aml_arena *arena_ = nullptr;
  std::atomic<unsigned> wrong_{0};
};

size_t SizeOf(std::mt19937 *random) {
  const size_t power = (*random)() % 16;
  return 1 + (*random)() % (size_t{16} << power);
}

TEST_F(ArenaSlabThreads, BlocksAreFreedByOtherThreads) {
  constexpr unsigned kThreads = 4;
  std::mutex mutex;
  std::vector<Block> shared;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int step = 0; step < 3000; ++step) {
        const Block made = Alloc(SizeOf(&random), static_cast<unsigned char>(step));
        Block taken = {nullptr, 0, 0};
        {
          const std::lock_guard<std::mutex> lock(mutex);
          shared.push_back(made);
          if (shared.size() > 100) {
            std::swap(shared[random() % shared.size()], shared.back());
            taken = shared.back();
            shared.pop_back();
          }
        }
        Free(taken);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const Block &block : shared)
    Free(block);
  ExpectEmpty();
}

// One thread only allocates, the other only frees; sizes of one class go through a depot.
TEST_F(ArenaSlabThreads, OneThreadAllocatesWhatAnotherFrees) {
  constexpr size_t kSlots = 512;
  constexpr size_t kBlocks = 40000;
  std::vector<Block> ring(kSlots);
  std::atomic<size_t> head{0};
  std::atomic<size_t> tail{0};
  std::thread consumer([&] {
    for (size_t next = 0; next < kBlocks; ++next) {
      while (head.load(std::memory_order_acquire) == next)
        std::this_thread::yield();
      Free(ring[next % kSlots]);
      tail.store(next + 1, std::memory_order_release);
    }
  });
  for (size_t next = 0; next < kBlocks; ++next) {
    while (next - tail.load(std::memory_order_acquire) == kSlots)
      std::this_thread::yield();
    ring[next % kSlots] = Alloc(next % 3 == 0 ? 1000 : 64, static_cast<unsigned char>(next));
    head.store(next + 1, std::memory_order_release);
  }
  consumer.join();
  EXPECT_GE(4 * kMiB, ValidStats(arena_).reserved_size) << "what is freed is not used again";
  ExpectEmpty();
}

TEST_F(ArenaSlabThreads, WhatAThreadKeptIsThereWhenItHasEnded) {
  const size_t before = ValidStats(arena_).metadata_size;
  for (int round = 0; round < 50; ++round)
    std::thread([&] {
      std::mt19937 random(static_cast<unsigned>(round));
      std::vector<Block> blocks;
      for (int i = 0; i < 100; ++i)
        blocks.push_back(Alloc(SizeOf(&random), 7));
      for (const Block &block : blocks)
        Free(block);
    }).join();
  ExpectEmpty();
  EXPECT_GE(before + 100000, ValidStats(arena_).metadata_size) << "caches of 50 threads";
}

TEST_F(ArenaSlabThreads, BlocksOutliveTheirThreads) {
  std::vector<Block> blocks;
  for (unsigned char round = 0; round < 20; ++round)
    std::thread([&] {
      std::mt19937 random(round);
      for (int i = 0; i < 50; ++i)
        blocks.push_back(Alloc(SizeOf(&random), round));
    }).join();
  EXPECT_EQ(blocks.size(), ValidStats(arena_).live_count);
  for (const Block &block : blocks)
    Free(block);
  ExpectEmpty();
}

TEST_F(ArenaSlabThreads, AThreadOutlivesArenas) {
  std::atomic<int> stage{0};
  std::atomic<aml_arena *> current{nullptr};
  std::thread thread([&] {
    for (int round = 0; round < 30; ++round) {
      while (stage.load() != 2 * round + 1)
        std::this_thread::yield();
      for (int i = 0; i < 100; ++i)
        aml_arena_free(current, aml_arena_alloc(current, 100, 0, 0));
      stage = 2 * round + 2;
    }
  });
  for (int round = 0; round < 30; ++round) {
    aml_arena *arena = nullptr;
    ASSERT_EQ(0, aml_arena_slab_create(&arena, area_.get(), nullptr));
    (void)!aml_arena_alloc(arena, 100, 0, 0);
    current = arena;
    stage = 2 * round + 1;
    while (stage.load() != 2 * round + 2)
      std::this_thread::yield();
    aml_arena_destroy(&arena);
  }
  thread.join();
}

// Runs one piece of work after the other, each in the same thread.
class Worker {
public:
  Worker() : thread_([this] { Run(); }) {}
  Worker(const Worker &) = delete;
  ~Worker() {
    Do(nullptr);
    thread_.join();
  }

  // Returns when it is done.
  void Do(std::function<void()> work) {
    std::unique_lock<std::mutex> lock(mutex_);
    work_ = std::move(work);
    has_work_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !has_work_; });
  }

private:
  void Run() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (bool goes_on = true; goes_on;) {
      changed_.wait(lock, [this] { return has_work_; });
      goes_on = work_ != nullptr;
      if (goes_on)
        work_();
      has_work_ = false;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> work_;
  bool has_work_ = false;
  std::thread thread_;
};

// The array of classes comes to be with the first chunk, while another thread may ask for a class.
TEST_F(ArenaSlabThreads, AHugeBlockIsFreedBesideTheFirstSmallOne) {
  constexpr int kRounds = 2000;
  aml_arena *arena = nullptr;
  void *huge = nullptr;
  std::atomic<int> turn{0};
  std::thread thread([&] {
    for (int round = 0; round < kRounds; ++round) {
      while (turn.load() != 2 * round + 1)
        std::this_thread::yield();
      aml_arena_free(arena, huge);
      turn = 2 * round + 2;
    }
  });
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_EQ(0, aml_arena_slab_create(&arena, area_.get(), nullptr));
    huge = aml_arena_alloc(arena, 2 * kMiB, 0, 0);
    turn = 2 * round + 1;
    for (std::atomic<int> wait{round % 128}; wait > 0;)
      --wait;
    aml_arena_free(arena, aml_arena_alloc(arena, 100, 0, 0));
    while (turn.load() != 2 * round + 2)
      std::this_thread::yield();
    aml_arena_destroy(&arena);
  }
  thread.join();
}

// Threads know an arena by its address.
TEST_F(ArenaSlabThreads, AnArenaMayBeMadeWhereAnotherWas) {
  static aml_arena_slab storage;
  aml_arena *const arena = &storage.arena;
  Worker worker;
  const auto use = [arena] {
    void *const block = aml_arena_alloc(arena, 100, 0, 0);
    EXPECT_TRUE(aml_arena_owns(arena, block));
    aml_arena_free(arena, block);
    EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
  };
  for (int i = 0; i < 3; ++i) {
    AML_ARENA_SLAB_DECL(fresh);
    storage = fresh_storage;
    ASSERT_EQ(fresh, &fresh_storage.arena);
    ASSERT_EQ(0, aml_arena_slab_init(arena, area_.get(), nullptr));
    for (int times = 0; times < 3; ++times)
      worker.Do(use);
    use();
    EXPECT_EQ(0u, ValidStats(arena).live_count);
    aml_arena_fini(arena);
  }
}

// A thread that was told of classes before the array of them was replaced gives back a block that
// has come to be, since, where blocks of another class were.
TEST_F(ArenaSlabThreads, AThreadThatKnowsAnOldArrayKnowsNewBlocks) {
  constexpr size_t kOld = 64;
  constexpr size_t kNew = 128; // whose spans are of the same size
  constexpr size_t kSpan = 8 * 4096;
  Worker worker;
  std::vector<Block> kept; // so that the worker has room for others
  worker.Do([&] {
    for (int i = 0; i < 3; ++i)
      kept.push_back(Alloc(kOld, 1));
  });
  std::vector<Block> old;
  while (old.size() < 4 * kSpan / kOld)
    old.push_back(Alloc(kOld, 2));
  std::vector<Block> others;
  for (size_t size = 0; size < 16 * kMiB; size += kMiB)
    others.push_back(Alloc(kMiB, 3));
  std::set<const void *> were;
  for (const Block &block : old) {
    were.insert(block.bytes);
    Free(block);
  }
  EXPECT_EQ(0, aml_arena_trim(arena_, SIZE_MAX, nullptr));
  size_t there = 0;
  std::vector<Block> made;
  while (made.size() < 4 * kSpan / kNew) {
    made.push_back(Alloc(kNew, 4));
    there += were.count(made.back().bytes);
  }
  EXPECT_LT(0u, there) << "nothing came to be where other blocks were";
  worker.Do([&] {
    for (const Block &block : made) {
      Free(block);
      // What was taken for a block of 64 bytes would be handed out as one.
      const Block small = Alloc(kOld, 5);
      EXPECT_EQ(kOld, aml_arena_usable_size(arena_, small.bytes));
      Free(small);
    }
  });
  others.insert(others.end(), kept.begin(), kept.end());
  for (const Block &block : others)
    Free(block);
  worker.Do([&] { EXPECT_EQ(0, aml_arena_trim(arena_, 0, nullptr)); });
  ExpectEmpty();
}

TEST_F(ArenaSlabThreads, AThreadAndAnArenaMayEndAtOnce) {
  for (int round = 0; round < 200; ++round) {
    aml_arena *arena = nullptr;
    ASSERT_EQ(0, aml_arena_slab_create(&arena, area_.get(), nullptr));
    std::atomic<bool> is_done{false};
    std::thread thread([&] {
      for (int i = 0; i < 20; ++i)
        aml_arena_free(arena, aml_arena_alloc(arena, 100, 0, 0));
      is_done = true;
    });
    while (!is_done.load())
      std::this_thread::yield();
    aml_arena_destroy(&arena);
    thread.join();
  }
}

TEST_F(ArenaSlabThreads, AThreadMayEndWhileItsArenaIsReset) {
  for (int round = 0; round < 200; ++round) {
    std::atomic<bool> is_done{false};
    std::thread thread([&] {
      std::vector<void *> blocks;
      for (size_t size = 16; size < 30000; size += size / 2)
        for (int i = 0; i < 20; ++i)
          blocks.push_back(aml_arena_alloc(arena_, size, 0, 0));
      for (void *const block : blocks)
        aml_arena_free(arena_, block);
      is_done = true;
    });
    while (!is_done.load())
      std::this_thread::yield();
    EXPECT_EQ(0, aml_arena_reset(arena_));
    thread.join();
    ASSERT_EQ(0u, ValidStats(arena_).live_count);
  }
}

TEST_F(ArenaSlabThreads, ACheckBesideCallsFindsNothingWrong) {
  std::atomic<bool> is_done{false};
  std::thread thread([&] {
    for (int i = 0; i < 20000; ++i)
      aml_arena_free(arena_, aml_arena_alloc(arena_, 40000, 0, AML_ARENA_ZERO));
    is_done = true;
  });
  bool is_valid = true;
  while (!is_done.load())
    is_valid = is_valid && aml_arena_validate(arena_) == 0;
  EXPECT_TRUE(is_valid) << aml_error_detail();
  thread.join();
}

pthread_key_t late_key;

struct Late {
  aml_arena *arena;
  int rounds;
  void *block;
};

// Comes by again, after the arena has been told of the thread's end.
void UseLate(void *value) {
  auto *const late = static_cast<Late *>(value);
  aml_arena_free(late->arena, late->block);
  late->block = aml_arena_alloc(late->arena, 100, 0, 0);
  if (--late->rounds > 0)
    pthread_setspecific(late_key, late);
}

TEST_F(ArenaSlabThreads, AThreadThatEndsMayStillCall) {
  ASSERT_EQ(0, pthread_key_create(&late_key, UseLate));
  Late late = {arena_, 3, nullptr};
  std::thread([&] {
    late.block = aml_arena_alloc(arena_, 100, 0, 0);
    aml_arena_free(arena_, aml_arena_alloc(arena_, 100, 0, 0));
    EXPECT_EQ(0, pthread_setspecific(late_key, &late));
  }).join();
  EXPECT_EQ(0, late.rounds);
  aml_arena_free(arena_, late.block);
  ExpectEmpty();
  pthread_key_delete(late_key);
}

TEST_F(ArenaSlabThreads, UpkeepGoesOnBesideCalls) {
  std::atomic<bool> is_done{false};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      while (!is_done.load()) {
        std::vector<Block> blocks;
        for (int i = 0; i < 200; ++i)
          blocks.push_back(Alloc(SizeOf(&random), static_cast<unsigned char>(i)));
        for (const Block &block : blocks)
          Free(block);
      }
    });
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
    EXPECT_GE(100000u, ValidStats(arena_).live_count) << "fewer than none";
  }
  is_done = true;
  for (std::thread &thread : threads)
    thread.join();
  ExpectEmpty();
}

TEST_F(ArenaSlabThreads, ThreadsReachTheLimitTogether) {
  aml_arena_slab_options options = {};
  options.limit = 8 * kMiB;
  aml_arena_destroy(&arena_);
  ASSERT_EQ(0, aml_arena_slab_create(&arena_, area_.get(), &options));
  std::atomic<unsigned> failed{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int round = 0; round < 20; ++round) {
        std::vector<Block> blocks;
        for (int i = 0; i < 300; ++i) {
          const Block block =
              TryAlloc(i % 64 == 63 ? 2 * kMiB : SizeOf(&random), static_cast<unsigned char>(i));
          if (block.bytes == nullptr && aml_error_code() == -AML_ENOMEM)
            ++failed;
          blocks.push_back(block);
        }
        for (const Block &block : blocks)
          Free(block);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_LT(0u, failed.load()) << "the limit was not reached";
  ExpectEmpty();
}

} // namespace
