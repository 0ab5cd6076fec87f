// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/limited.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "aml/arena/bump.h"
#include "aml/arena/debug.h"
#include "aml/arena/pool.h"
#include "aml/arena/tlsf.h"
#include "aml/arena/tracked.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/support/arena_ops.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kSize = 128;

class ArenaLimited : public ::testing::Test {
protected:
  void SetUp() override {
    aml_arena_pool_options options = {};
    options.thread_safe = true;
    options.limit = 64 * PageArea::kPage;
    options.chunk_size = PageArea::kPage;
    ASSERT_EQ(0, aml_arena_pool_create(&pool_, area_.get(), kSize, &options));
    ASSERT_EQ(0, aml_arena_bump_create(&bump_, area_.get(), nullptr));
  }
  void TearDown() override {
    aml_arena_destroy(&arena_);
    EXPECT_EQ(0u, State().size) << "an arena that has ended counts no more";
    EXPECT_EQ(0u, State().count);
    aml_arena_quota_fini(&quota_);
    aml_arena_destroy(&pool_);
    aml_arena_destroy(&bump_);
  }

  void Create(aml_arena *inner, size_t size, size_t count,
              aml_arena_lock lock = AML_ARENA_LOCK_SPIN) {
    const aml_arena_quota_options options = {size, count, lock};
    ASSERT_EQ(0, aml_arena_quota_init(&quota_, &options));
    ASSERT_EQ(0, aml_arena_limited_create(&arena_, inner, &quota_)) << aml_error_detail();
  }

  void *Alloc(size_t size = 1) { return aml_arena_alloc(arena_, size, 0, 0); }

  aml_arena_quota_state State() {
    aml_arena_quota_state state = {};
    EXPECT_EQ(0, aml_arena_quota_get(&quota_, &state));
    if (arena_ != nullptr) {
      EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    }
    return state;
  }

  PageArea area_;
  aml_arena *pool_ = nullptr;
  aml_arena *bump_ = nullptr;
  aml_arena_quota quota_ = {};
  aml_arena *arena_ = nullptr;
};

TEST_F(ArenaLimited, AllThatMayBeUsedOfABlockCounts) {
  Create(pool_, 3 * kSize, 0);
  void *const first = Alloc();
  ASSERT_NE(nullptr, Alloc());
  ASSERT_NE(nullptr, Alloc(kSize));
  EXPECT_EQ(nullptr, Alloc());
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_STREQ("aml_arena_alloc: size 1 would go over a limit of the quota", aml_error_detail());
  EXPECT_EQ(3 * kSize, State().size);
  EXPECT_EQ(1u, State().refusals);
  aml_arena_free(arena_, first);
  EXPECT_EQ(2 * kSize, State().size);
  EXPECT_NE(nullptr, Alloc());
  EXPECT_EQ(3 * kSize, State().peak_size);
}

TEST_F(ArenaLimited, ABlockThatIsRoundedUpOverTheLimitIsGivenBack) {
  Create(pool_, kSize + kSize / 2, 0);
  ASSERT_NE(nullptr, Alloc());
  EXPECT_EQ(nullptr, Alloc()) << "1 byte would fit, its object does not";
  aml_arena_stats inner = {};
  EXPECT_EQ(0, aml_arena_get_stats(pool_, &inner));
  EXPECT_EQ(1u, inner.live_count);
  EXPECT_EQ(kSize, State().peak_size);
}

TEST_F(ArenaLimited, BlocksAreCounted) {
  Create(pool_, 0, 2);
  void *const first = Alloc();
  ASSERT_NE(nullptr, Alloc());
  EXPECT_EQ(nullptr, Alloc());
  EXPECT_EQ(2u, State().count);
  aml_arena_free(arena_, first);
  EXPECT_NE(nullptr, Alloc());
  EXPECT_EQ(2u, State().peak_count);
}

TEST_F(ArenaLimited, ABatchEndsAtTheLimit) {
  Create(pool_, 0, 5);
  std::array<void *, 8> batch{};
  EXPECT_EQ(5u, aml_arena_alloc_batch(arena_, 1, 0, 0, batch.size(), batch.data()));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  aml_arena_free_batch(arena_, 5, batch.data());
  EXPECT_EQ(0u, State().count);
}

TEST_F(ArenaLimited, WhatIsRefusedDoesNotMakeTheArenaGrow) {
  Create(bump_, 100, 0);
  EXPECT_EQ(nullptr, Alloc(101));
  EXPECT_EQ(0, area_.live());
  EXPECT_EQ(0u, State().peak_size);
}

TEST_F(ArenaLimited, WhereBlocksCannotBeFreedWhatWasAskedForCountsUntilReset) {
  Create(bump_, 100, 0);
  void *const block = Alloc(60);
  aml_arena_free(arena_, block);
  EXPECT_EQ(60u, State().size);
  ASSERT_NE(nullptr, Alloc(0));
  EXPECT_EQ(61u, State().size);
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, block, 1, 0, 0));
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  EXPECT_EQ(nullptr, Alloc(40));
  ASSERT_EQ(0, aml_arena_reset(arena_));
  EXPECT_EQ(0u, State().size);
  EXPECT_NE(nullptr, Alloc(100));
}

TEST_F(ArenaLimited, AnArenaThatRefusesIsChargedNothing) {
  Create(pool_, 0, 0);
  EXPECT_EQ(nullptr, Alloc(kSize + 1));
  EXPECT_STREQ("aml_arena_alloc: size 129 is larger than the pool's objects", aml_error_detail());
  EXPECT_EQ(0u, State().peak_size);
  EXPECT_EQ(0u, State().refusals);
}

// One that watches what is given back does not take it, and says so.
TEST_F(ArenaLimited, WhatTheArenaBelowDoesNotTakeBackIsNotUncounted) {
  for (const bool is_debug : {false, true}) {
    aml_arena *watching = nullptr;
    ASSERT_EQ(0, is_debug ? aml_arena_debug_create(&watching, pool_, nullptr)
                          : aml_arena_tracked_create(&watching, pool_, nullptr));
    Create(watching, 0, 0);
    void *const block = Alloc(60);
    aml_arena_free(arena_, block);
    aml_arena_free(arena_, block);
    EXPECT_STRNE("", aml_error_detail());
    // Not State(): one that has seen an error is not valid any more.
    aml_arena_quota_state state = {};
    EXPECT_EQ(0, aml_arena_quota_get(&quota_, &state));
    EXPECT_EQ(0u, state.count);
    EXPECT_EQ(0u, state.size);
    void *const next = Alloc(60);
    ASSERT_NE(nullptr, next) << aml_error_detail();
    aml_arena_free(arena_, next);
    aml_arena_destroy(&arena_);
    aml_arena_quota_fini(&quota_);
    aml_arena_destroy(&watching);
  }
  ASSERT_EQ(0, aml_arena_quota_init(&quota_, nullptr));
}

TEST_F(ArenaLimited, SeveralArenasShareAQuota) {
  Create(pool_, 2 * kSize, 0);
  aml_arena *second = nullptr;
  ASSERT_EQ(0, aml_arena_limited_create(&second, bump_, &quota_));
  ASSERT_NE(nullptr, aml_arena_alloc(second, kSize, 0, 0));
  ASSERT_NE(nullptr, Alloc());
  EXPECT_EQ(nullptr, Alloc());
  EXPECT_EQ(nullptr, aml_arena_alloc(second, 1, 0, 0));
  aml_arena_stats stats = {};
  EXPECT_EQ(0, aml_arena_get_stats(second, &stats));
  EXPECT_EQ(1u, stats.live_count);
  EXPECT_EQ(kSize, stats.live_size);
  aml_arena_destroy(&second);
  EXPECT_EQ(kSize, State().size);
  EXPECT_NE(nullptr, Alloc());
}

TEST_F(ArenaLimited, LimitsMayBeChanged) {
  Create(pool_, 4 * kSize, 0);
  std::array<void *, 4> blocks;
  for (void *&block : blocks)
    ASSERT_NE(nullptr, block = Alloc());
  ASSERT_EQ(0, aml_arena_quota_set_limits(&quota_, kSize, 7));
  EXPECT_EQ(nullptr, Alloc());
  EXPECT_EQ(blocks[0], aml_arena_realloc(arena_, blocks[0], kSize, 0, 0)) << "it has that already";
  for (void *block : blocks)
    aml_arena_free(arena_, block);
  EXPECT_NE(nullptr, Alloc());
  EXPECT_EQ(nullptr, Alloc());
  ASSERT_EQ(0, aml_arena_quota_set_limits(&quota_, 0, 0));
  EXPECT_NE(nullptr, Alloc());
  EXPECT_EQ(SIZE_MAX, State().size_limit);
  EXPECT_EQ(SIZE_MAX, State().count_limit);
}

TEST_F(ArenaLimited, ARandomLifeKeepsTheLaws) {
  Create(pool_, 20 * kSize, 15);
  for (unsigned seed = 1; seed <= 3; ++seed)
    EXPECT_EQ("", aml_testing::RunArenaOps(arena_, aml_testing::RandomBytes(seed, 2000)));
  EXPECT_LE(State().peak_count, 15u);
  EXPECT_LT(0u, State().refusals);
}

TEST_F(ArenaLimited, ThreadsNeverHaveMoreThanTheLimit) {
  constexpr unsigned kThreads = 4;
  constexpr size_t kLimit = 10;
  for (const auto lock : {AML_ARENA_LOCK_SPIN, AML_ARENA_LOCK_MUTEX}) {
    Create(pool_, kLimit * kSize, 0, lock);
    EXPECT_NE(0u, aml_arena_capabilities(arena_) & AML_ARENA_THREAD_SAFE);
    std::atomic<size_t> live{0};
    std::atomic<unsigned> wrong{0};
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        for (unsigned i = 0; i < 1000; ++i) {
          std::array<void *, 5> blocks;
          for (void *&block : blocks) {
            block = Alloc();
            live += block != nullptr;
            wrong += live > kLimit;
          }
          for (void *block : blocks) {
            live -= block != nullptr;
            aml_arena_free(arena_, block);
          }
        }
      });
    for (std::thread &thread : threads)
      thread.join();
    EXPECT_EQ(0u, wrong);
    EXPECT_EQ(0u, State().count);
    EXPECT_GE(kLimit * kSize, State().peak_size);
    aml_arena_destroy(&arena_);
    aml_arena_quota_fini(&quota_);
  }
  ASSERT_EQ(0, aml_arena_quota_init(&quota_, nullptr));
}

// The arena below resizes while another call comes between, as another thread's would.
class ArenaLimitedRealloc : public ArenaLimited {
protected:
  void SetUp() override {
    ArenaLimited::SetUp();
    ASSERT_EQ(0, aml_arena_tlsf_create(&tlsf_, area_.get(), nullptr));
    sound_ = tlsf_->ops;
    ops_ = *sound_;
    ops_.realloc = [](aml_arena *, void *pointer, size_t size, size_t alignment,
                      unsigned flags) -> void * {
      if (between_)
        between_();
      return fails_ ? nullptr : sound_->realloc(tlsf_, pointer, size, alignment, flags);
    };
    tlsf_->ops = &ops_;
    fails_ = false;
  }
  void TearDown() override {
    between_ = nullptr;
    ArenaLimited::TearDown();
    tlsf_->ops = sound_;
    aml_arena_destroy(&tlsf_);
  }

  static aml_arena *tlsf_;
  static const aml_arena_ops *sound_;
  static std::function<void()> between_;
  static bool fails_;
  aml_arena_ops ops_ = {};
};

aml_arena *ArenaLimitedRealloc::tlsf_;
const aml_arena_ops *ArenaLimitedRealloc::sound_;
std::function<void()> ArenaLimitedRealloc::between_;
bool ArenaLimitedRealloc::fails_;

TEST_F(ArenaLimitedRealloc, WhatABlockGrowsByIsNoOnesElse) {
  Create(tlsf_, 20 * kSize, 0);
  void *const block = Alloc(kSize);
  ASSERT_NE(nullptr, block);
  bool was_refused = false;
  between_ = [&] {
    EXPECT_GE(20 * kSize, State().size);
    was_refused = Alloc(8 * kSize) == nullptr;
  };
  EXPECT_NE(nullptr, aml_arena_realloc(arena_, block, 16 * kSize, 0, 0));
  EXPECT_TRUE(was_refused);
  EXPECT_GE(20 * kSize, State().size);
}

TEST_F(ArenaLimitedRealloc, OneThatFailsLeavesTheQuotaAsItWas) {
  Create(tlsf_, 20 * kSize, 0);
  void *const block = Alloc(kSize);
  ASSERT_NE(nullptr, block);
  const aml_arena_quota_state before = State();
  fails_ = true;
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, block, 16 * kSize, 0, 0));
  EXPECT_EQ(before.size, State().size);
  EXPECT_EQ(before.peak_size, State().peak_size);
  EXPECT_EQ(before.count, State().count);
  EXPECT_EQ(before.refusals, State().refusals);
}

TEST_F(ArenaLimited, WithoutALockItIsForOneThread) {
  Create(pool_, 0, 0, AML_ARENA_LOCK_NONE);
  EXPECT_EQ(0u, aml_arena_capabilities(arena_) & AML_ARENA_THREAD_SAFE);
  EXPECT_NE(nullptr, Alloc());
}

TEST_F(ArenaLimited, InitRefusesWhatItCannotWorkWith) {
  Create(pool_, 0, 0);
  AML_ARENA_LIMITED_DECL(limited);
  aml_arena *made = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_arena_limited_init(limited, nullptr, &quota_));
  EXPECT_EQ(-AML_EINVAL, aml_arena_limited_init(limited, pool_, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_limited_init(pool_, bump_, &quota_));
  EXPECT_EQ(-AML_EINVAL, aml_arena_limited_create(&made, nullptr, &quota_));
  EXPECT_EQ(-AML_EINVAL, aml_arena_limited_create(nullptr, pool_, &quota_));
  EXPECT_EQ(-AML_EINVAL, aml_arena_quota_init(nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_quota_get(&quota_, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_quota_get(nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_quota_set_limits(nullptr, 1, 1));
  const aml_arena_quota_options options = {0, 0, static_cast<aml_arena_lock>(3)};
  EXPECT_EQ(-AML_EINVAL, aml_arena_quota_init(&quota_, &options));
  EXPECT_STREQ("aml_arena_quota_init: lock 3 is no kind of lock", aml_error_detail());
  // One that frees, and does not know what.
  aml_arena_ops ops = *pool_->ops;
  ops.capabilities = [](const aml_arena *) { return unsigned{AML_ARENA_CAN_FREE}; };
  aml_arena blind = {&ops};
  EXPECT_EQ(-AML_EINVAL, aml_arena_limited_init(limited, &blind, &quota_));
  EXPECT_STREQ("aml_arena_limited_init: inner frees blocks without knowing their sizes, so that "
               "they cannot be counted",
               aml_error_detail());
  EXPECT_EQ(nullptr, aml_arena_alloc(limited, 1, 0, 0)) << "it is only declared";
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(0, aml_arena_validate(limited));
  aml_arena_fini(limited);
  aml_arena_quota_fini(nullptr);
}

TEST_F(ArenaLimited, BlocksThatTheQuotaDoesNotKnowAreFound) {
  Create(pool_, 0, 0);
  ASSERT_NE(nullptr, Alloc());
  aml_arena_quota other = {};
  ASSERT_EQ(0, aml_arena_quota_init(&other, nullptr));
  std::swap(other, quota_); // as if it had been made anew under the arena
  EXPECT_EQ(-AML_EINVAL, aml_arena_validate(arena_));
  EXPECT_STREQ("aml_arena_validate: arena has other blocks than its quota counts",
               aml_error_detail());
  std::swap(other, quota_);
  aml_arena_quota_fini(&other);
}

} // namespace
