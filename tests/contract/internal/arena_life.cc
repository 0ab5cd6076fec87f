// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/internal/arena_life.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/arena_fixture.h"
#include "aml/tests/contract/internal/arena_oracle.h"
#include "aml/tests/contract/internal/memory.h"
#include "aml/tests/contract/internal/refusal.h"
#include "aml/tests/contract/internal/watched_area.h"

namespace aml_testing {

namespace {

/** One thread's life with a few blocks; returns how often something was wrong. */
unsigned LiveWithBlocks(aml_arena *arena, bool host, unsigned seed, Territory *territory) {
  struct Held {
    char *bytes;
    size_t size;
    unsigned seed;
  };
  std::mt19937 random(seed);
  std::vector<Held> held;
  unsigned wrong = 0;
  for (unsigned i = 0; i < 400; ++i) {
    const size_t size = 1 + RandomSize(&random);
    char *const bytes = static_cast<char *>(aml_arena_alloc(arena, size, 0, 0));
    if (bytes == nullptr || !territory->Take(bytes, size))
      return wrong + 1;
    if (host)
      Fill(bytes, size, seed + i);
    held.push_back({bytes, size, seed + i});
    if (held.size() < 8)
      continue;
    const Held oldest = held[Draw(&random, 8)];
    wrong += host && !Holds(oldest.bytes, oldest.size, oldest.seed) ? 1 : 0;
    if (!Can(arena, AML_ARENA_CAN_FREE)) {
      held.clear();
      continue;
    }
    for (const Held &block : held) {
      territory->Leave(block.bytes);
      aml_arena_free(arena, block.bytes);
    }
    held.clear();
  }
  return wrong;
}

} // namespace

void CheckThreadsShareAnArenaThatIsSafe(aml_arena *arena, WatchedArea &area) {
  constexpr unsigned kThreads = 3;
  if (!Can(arena, AML_ARENA_THREAD_SAFE))
    return;
  Territory territory;
  std::atomic<unsigned> ready{0};
  std::atomic<unsigned> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (++ready; ready < kThreads;)
        std::this_thread::yield();
      wrong += LiveWithBlocks(arena, area.IsHostMemory(), 1000 * t, &territory);
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0u, wrong) << "calls that failed, or memory that two threads had";
  ExpectValid(arena);
}

void CheckHiddenMemoryIsRefusedOrNotTouched(const ArenaFactory &any) {
  for (size_t i = 0; i < any.instances; ++i) {
    SCOPED_TRACE(testing::Message() << "instance " << i);
    const std::unique_ptr<AnyArena> factory = any.make();
    WatchedArea area(factory->area());
    ASSERT_EQ(0, factory->Init(i, area.get())) << aml_error_detail();
    const bool in_band = Can(factory->arena(), AML_ARENA_IN_BAND);
    aml_arena_fini(factory->arena());
    area.Hide();
    ForgetTheLastError();
    const int err = factory->Init(i, area.get());
    EXPECT_TRUE(err == 0 || (in_band && err == -AML_EINVAL)) << aml_error_detail();
    if (!err) {
      EXPECT_FALSE(Can(factory->arena(), AML_ARENA_IN_BAND)) << "that would touch it";
      EXPECT_FALSE(Can(factory->arena(), AML_ARENA_HOST_MEMORY));
      Blocks blocks(factory->arena(), area);
      for (size_t size = 1; size < 100000; size *= 3) {
        char *const block = blocks.Alloc(size);
        EXPECT_NE(nullptr, block) << aml_error_detail();
        blocks.Free(block);
      }
      EXPECT_EQ(nullptr, aml_arena_alloc(factory->arena(), 8, 0, AML_ARENA_ZERO));
      EXPECT_EQ(-AML_ENOTSUP, aml_error_code()) << aml_error_detail();
      blocks.Check();
    }
    aml_arena_fini(factory->arena());
    EXPECT_EQ(0u, area.mapped());
  }
}

void CheckCallsThatSucceedLeaveTheLastError(aml_arena *arena, WatchedArea &) {
  ForgetTheLastError();
  for (size_t size = 1; size < 100000; size *= 3) {
    void *const block = aml_arena_alloc(arena, size, 0, 0);
    EXPECT_NE(nullptr, block);
    (void)aml_arena_owns(arena, block);
    (void)aml_arena_usable_size(arena, block);
    aml_arena_free(arena, block);
  }
  ExpectValid(arena);
  if (Can(arena, AML_ARENA_CAN_RESET)) {
    EXPECT_EQ(0, aml_arena_reset(arena));
  }
  if (Can(arena, AML_ARENA_CAN_TRIM)) {
    EXPECT_EQ(0, aml_arena_trim(arena, 0, nullptr));
  }
  EXPECT_TRUE(NothingWasRecorded()) << aml_error_detail();
}

void CheckFiniOfADeclaredArenaDoesNothing(const ArenaFactory &any) {
  const std::unique_ptr<AnyArena> factory = any.make();
  WatchedArea area(factory->area());
  const aml_arena_ops *const ops = factory->arena()->ops;
  aml_arena_fini(nullptr);
  for (int i = 0; i < 2; ++i) {
    aml_arena_fini(factory->arena());
    ASSERT_EQ(ops, factory->arena()->ops);
  }
  EXPECT_EQ(0u, area.calls());
  ASSERT_EQ(0, factory->Init(0, area.get())) << aml_error_detail();
  {
    Blocks blocks(factory->arena(), area);
    EXPECT_NE(nullptr, blocks.Alloc(100));
  }
  aml_arena_fini(factory->arena());
}

void CheckFiniGivesEverythingBack(const ArenaFactory &any) {
  const std::unique_ptr<AnyArena> reused = any.make();
  const aml_arena_ops *const ops = reused->arena()->ops;
  WatchedArea area(reused->area());
  for (size_t i = 0; i < 2 * any.instances; ++i) {
    SCOPED_TRACE(testing::Message() << "instance " << i);
    const std::unique_ptr<AnyArena> fresh = any.make();
    WatchedArea other(fresh->area());
    const size_t instance = i * (any.instances - 1) % any.instances;
    ASSERT_EQ(0, reused->Init(instance, area.get())) << aml_error_detail();
    ASSERT_EQ(0, fresh->Init(instance, other.get())) << aml_error_detail();
    EXPECT_EQ(NumbersOf(StatsOf(fresh->arena())), NumbersOf(StatsOf(reused->arena())))
        << "what was there before is not forgotten";
    {
      Blocks blocks(reused->arena(), area);
      for (size_t size = 1; size < 200000; size *= 3)
        EXPECT_NE(nullptr, blocks.Alloc(size)) << aml_error_detail();
      blocks.CheckAllContents();
    }
    aml_arena_fini(fresh->arena());
    for (int again = 0; again < 2; ++again) {
      aml_arena_fini(reused->arena());
      EXPECT_EQ(0u, area.mapped()) << "bytes that were not given back";
      EXPECT_EQ(0u, area.wrong());
      ASSERT_EQ(ops, reused->arena()->ops);
    }
  }
}

void CheckACreatedArenaIsLikeADeclaredOne(const ArenaFactory &any) {
  aml_arena *none = nullptr;
  aml_arena_destroy(&none);
  aml_arena_destroy(nullptr);
  for (size_t i = 0; i < any.instances; ++i) {
    SCOPED_TRACE(testing::Message() << "instance " << i);
    const std::unique_ptr<AnyArena> factory = any.make();
    WatchedArea area(factory->area());
    aml_arena *created = nullptr;
    ASSERT_EQ(0, factory->Create(i, area.get(), &created)) << aml_error_detail();
    ASSERT_NE(nullptr, created);
    const std::unique_ptr<AnyArena> other = any.make();
    ASSERT_EQ(0, other->Init(i, area.get())) << aml_error_detail();
    EXPECT_EQ(aml_arena_capabilities(other->arena()), aml_arena_capabilities(created));
    EXPECT_EQ(NumbersOf(StatsOf(other->arena())), NumbersOf(StatsOf(created)));
    aml_arena_fini(other->arena());
    {
      Blocks blocks(created, area);
      for (size_t size = 1; size < 200000; size *= 3)
        EXPECT_NE(nullptr, blocks.Alloc(size)) << aml_error_detail();
      blocks.CheckAllContents();
    }
    aml_arena_destroy(&created);
    EXPECT_EQ(nullptr, created);
    EXPECT_EQ(0u, area.mapped()) << "bytes that were not given back";
  }
}

} // namespace aml_testing
