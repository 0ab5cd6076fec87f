// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/locked.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "aml/arena/bump.h"
#include "aml/arena/pool.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/support/arena_ops.h"
#include "aml/tests/support/page_area.h"

namespace {

class ArenaLocked : public ::testing::TestWithParam<aml_arena_lock> {
protected:
  void SetUp() override {
    aml_arena_pool_options options = {};
    options.chunk_size = PageArea::kPage;
    options.limit = 64 * PageArea::kPage;
    ASSERT_EQ(0, aml_arena_pool_create(&inner_, area_.get(), 128, &options));
    const aml_arena_locked_options locked = {GetParam()};
    ASSERT_EQ(0, aml_arena_locked_create(&arena_, inner_, &locked)) << aml_error_detail();
  }
  void TearDown() override {
    aml_arena_destroy(&arena_);
    EXPECT_EQ(0, aml_arena_validate(inner_)) << "the arena below stays";
    aml_arena_destroy(&inner_);
    EXPECT_EQ(0, area_.live());
  }

  PageArea area_;
  aml_arena *inner_ = nullptr;
  aml_arena *arena_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Any, ArenaLocked,
                         ::testing::Values(AML_ARENA_LOCK_SPIN, AML_ARENA_LOCK_MUTEX,
                                           AML_ARENA_LOCK_NONE));

TEST_P(ArenaLocked, IsAsTheArenaBelowButForThreads) {
  const unsigned inner = aml_arena_capabilities(inner_);
  ASSERT_EQ(0u, inner & AML_ARENA_THREAD_SAFE);
  EXPECT_EQ(GetParam() == AML_ARENA_LOCK_NONE ? inner : inner | AML_ARENA_THREAD_SAFE,
            aml_arena_capabilities(arena_));
  void *const block = aml_arena_alloc(arena_, 100, 0, 0);
  EXPECT_TRUE(aml_arena_owns(inner_, block));
  EXPECT_TRUE(aml_arena_owns(arena_, block));
  EXPECT_EQ(128u, aml_arena_usable_size(arena_, block));
  EXPECT_EQ(block, aml_arena_realloc(arena_, block, 128, 0, 0));
  aml_arena_stats stats = {};
  EXPECT_EQ(0, aml_arena_get_stats(arena_, &stats));
  EXPECT_EQ(1u, stats.live_count);
  aml_arena_free(arena_, block);
  std::array<void *, 5> batch;
  EXPECT_EQ(5u, aml_arena_alloc_batch(arena_, 100, 0, 0, 5, batch.data()));
  aml_arena_free_batch(arena_, 5, batch.data());
  size_t released = 0;
  EXPECT_EQ(0, aml_arena_trim(arena_, 0, &released));
  EXPECT_EQ(PageArea::kPage, released);
}

TEST_P(ArenaLocked, ARandomLifeKeepsTheLaws) {
  EXPECT_EQ("", aml_testing::RunArenaOps(arena_, aml_testing::RandomBytes(3, 2000)));
}

// Each thread counts in blocks of its own, through every call that there is; an arena that two
// threads were in at once would lose some, or fail to prove itself.
TEST_P(ArenaLocked, OneThreadIsInTheArenaAtATime) {
  constexpr unsigned kThreads = 4;
  if (GetParam() == AML_ARENA_LOCK_NONE)
    GTEST_SKIP() << "without a lock threads are kept apart by their program";
  std::atomic<unsigned> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (unsigned i = 0; i < 500; ++i) {
        std::array<void *, 4> batch{};
        wrong += aml_arena_alloc_batch(arena_, 64, 0, 0, 4, batch.data()) != 4;
        void *const block = aml_arena_alloc(arena_, 64, 0, AML_ARENA_ZERO);
        wrong += block == nullptr || !aml_arena_owns(arena_, block);
        wrong += aml_arena_usable_size(arena_, block) != 128;
        wrong += aml_arena_realloc(arena_, block, 100, 0, 0) != block;
        if (i % 50 == 0) {
          aml_arena_stats stats = {};
          wrong += aml_arena_validate(arena_) != 0 || aml_arena_get_stats(arena_, &stats) != 0;
          wrong += stats.live_count < 5 || stats.live_count > 5 * kThreads;
          wrong += aml_arena_trim(arena_, 0, nullptr) != 0;
        }
        aml_arena_free(arena_, block);
        aml_arena_free_batch(arena_, 4, batch.data());
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0u, wrong);
  aml_arena_stats stats = {};
  EXPECT_EQ(0, aml_arena_get_stats(inner_, &stats));
  EXPECT_EQ(0u, stats.live_count);
}

TEST_P(ArenaLocked, WhatTheArenaBelowCannotIsRefused) {
  AML_ARENA_BUMP_DECL(bump);
  AML_ARENA_LOCKED_DECL(locked);
  const aml_arena_locked_options options = {GetParam()};
  ASSERT_EQ(0, aml_arena_bump_init(bump, area_.get(), nullptr));
  ASSERT_EQ(0, aml_arena_locked_init(locked, bump, &options));
  void *const block = aml_arena_alloc(locked, 8, 0, 0);
  EXPECT_EQ(nullptr, aml_arena_realloc(locked, block, 16, 0, 0));
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  EXPECT_EQ(0u, aml_arena_usable_size(locked, block));
  EXPECT_EQ(0, aml_arena_reset(locked)) << "and no call has left the lock taken";
  aml_arena_fini(locked);
  aml_arena_ops ops = *bump->ops;
  ops.capabilities = [](const aml_arena *) { return 0u; };
  ops.reset = nullptr;
  bump->ops = &ops;
  ASSERT_EQ(0, aml_arena_locked_init(locked, bump, &options));
  EXPECT_EQ(-AML_ENOTSUP, aml_arena_reset(locked));
  aml_arena_fini(locked);
  bump->ops = &aml_arena_bump_ops;
  aml_arena_fini(bump);
}

TEST_P(ArenaLocked, InitRefusesWhatItCannotWorkWith) {
  AML_ARENA_LOCKED_DECL(locked);
  aml_arena *made = nullptr;
  aml_arena_locked_options options = {static_cast<aml_arena_lock>(3)};
  EXPECT_EQ(-AML_EINVAL, aml_arena_locked_create(&made, inner_, &options));
  EXPECT_STREQ("aml_arena_locked_init: lock 3 is no kind of lock", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_arena_locked_init(locked, nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_locked_init(locked, locked, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_locked_init(inner_, arena_, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_locked_init(nullptr, inner_, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_locked_create(nullptr, inner_, nullptr));
  EXPECT_EQ(nullptr, made);
}

TEST(ArenaLockedDeclared, OneThatIsOnlyDeclaredSaysSo) {
  AML_ARENA_LOCKED_DECL(locked);
  aml_arena_stats stats = {};
  EXPECT_EQ(nullptr, aml_arena_alloc(locked, 1, 0, 0));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(0, aml_arena_get_stats(locked, &stats));
  EXPECT_EQ(0u, stats.live_count);
  aml_arena_fini(locked);
}

} // namespace
