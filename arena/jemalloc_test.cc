// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/jemalloc.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/support/arena_ops.h"
#include "aml/tests/support/arena_trace.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kMiB = size_t{1} << 20;

class ArenaJemalloc : public testing::Test {
protected:
  ~ArenaJemalloc() override {
    aml_arena_destroy(&arena_);
    EXPECT_EQ(0, area_.live());
  }

  void Create(const aml_arena_jemalloc_options &options = {}) {
    ASSERT_EQ(0, aml_arena_jemalloc_create(&arena_, area_.get(), &options)) << aml_error_detail();
  }

  char *Alloc(size_t size, size_t alignment = 0, unsigned flags = 0) {
    return static_cast<char *>(aml_arena_alloc(arena_, size, alignment, flags));
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

// Linked as Debian's library is meant to be, jemalloc's malloc would be the program's.
TEST_F(ArenaJemalloc, TheProgramsMallocStaysItsOwn) {
  Create();
  void *const block = std::malloc(1000);
  EXPECT_FALSE(aml_arena_owns(arena_, block));
  EXPECT_EQ(0, area_.live());
  std::free(block);
  char *const own = Alloc(1000);
  EXPECT_TRUE(aml_arena_owns(arena_, own));
  EXPECT_EQ(1, area_.live());
}

TEST_F(ArenaJemalloc, AlignmentsAreTakenInBytes) {
  Create();
  for (size_t alignment = 1; alignment <= 64 * kMiB; alignment *= 2)
    for (const size_t size : {1, 8, 100, 5000}) {
      char *const block = Alloc(static_cast<size_t>(size), alignment);
      ASSERT_NE(nullptr, block) << aml_error_detail();
      EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(block) % alignment);
      std::memset(block, 1, static_cast<size_t>(size));
    }
}

TEST_F(ArenaJemalloc, AnAlignmentOfAGibibyteIsHad) {
  Create();
  const char *const block = Alloc(100, size_t{1} << 30);
  ASSERT_NE(nullptr, block) << aml_error_detail();
  EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(block) % (size_t{1} << 30));
}

// jemalloc has 4095 numbers for arenas in all.
TEST_F(ArenaJemalloc, NumbersOfArenasAreUsedAgain) {
  for (int i = 0; i < 5000; ++i) {
    AML_ARENA_JEMALLOC_DECL(arena);
    ASSERT_EQ(0, aml_arena_jemalloc_init(arena, area_.get(), nullptr)) << i << aml_error_detail();
    void *const block = aml_arena_alloc(arena, 100, 0, 0);
    ASSERT_TRUE(aml_arena_owns(arena, block)) << i;
    aml_arena_fini(arena);
    ASSERT_EQ(0, area_.live()) << i;
  }
}

TEST_F(ArenaJemalloc, WhereNoMoreArenasCanBeHadThatIsSaid) {
  std::vector<aml_arena *> arenas;
  aml_arena *arena = nullptr;
  int err;
  while ((err = aml_arena_jemalloc_create(&arena, area_.get(), nullptr)) == 0 &&
         arenas.size() < 5000)
    arenas.push_back(arena);
  EXPECT_EQ(-AML_EAGAIN, err) << aml_error_detail();
  EXPECT_LT(500u, arenas.size());
  for (aml_arena *&made : arenas) {
    EXPECT_TRUE(aml_arena_owns(made, aml_arena_alloc(made, 100, 0, 0)));
    aml_arena_destroy(&made);
  }
}

// Two arenas and two areas: none gets what is another's.
TEST_F(ArenaJemalloc, ArenasKeepToTheirAreas) {
  Create();
  PageArea other_area;
  aml_arena *other = nullptr;
  ASSERT_EQ(0, aml_arena_jemalloc_create(&other, other_area.get(), nullptr));
  for (int i = 0; i < 2000; ++i) {
    const size_t size = static_cast<size_t>(i) * 20;
    void *const mine = Alloc(size);
    void *const theirs = aml_arena_alloc(other, size, 0, 0);
    ASSERT_TRUE(aml_arena_owns(arena_, mine) && !aml_arena_owns(other, mine));
    ASSERT_TRUE(aml_arena_owns(other, theirs) && !aml_arena_owns(arena_, theirs));
    if (i % 3 != 0) {
      aml_arena_free(arena_, mine);
      aml_arena_free(other, theirs);
    }
  }
  aml_arena_destroy(&other);
  EXPECT_EQ(0, other_area.live());
}

TEST_F(ArenaJemalloc, ManyLargeBlocksInTurnTakeTheMemoryOfOne) {
  Create();
  for (size_t i = 0; i < 200; ++i) {
    void *const block = Alloc((8 + i % 13) * kMiB);
    ASSERT_NE(nullptr, block);
    aml_arena_free(arena_, block);
  }
  EXPECT_LE(Stats().reserved_size, 128 * kMiB) << "of 2.7 GiB";
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  EXPECT_EQ(0u, Stats().reserved_size);
}

TEST_F(ArenaJemalloc, CountsBlocksExactlyWhicheverThreadFreesThem) {
  Create();
  std::vector<void *> blocks;
  std::thread([&] {
    for (int i = 0; i < 1000; ++i)
      blocks.push_back(Alloc(100));
  }).join();
  EXPECT_EQ(1000u, Stats().live_count);
  EXPECT_EQ(112000u, Stats().live_size);
  for (void *block : blocks)
    aml_arena_free(arena_, block);
  EXPECT_EQ(0u, Stats().live_count);
  EXPECT_EQ(0u, Stats().live_size);
}

TEST_F(ArenaJemalloc, AThreadThatEndsGivesItsCacheBack) {
  Create();
  for (int i = 0; i < 20; ++i)
    std::thread([&] {
      for (const size_t size : {20, 3000, 30000})
        aml_arena_free(arena_, Alloc(size));
    }).join();
  EXPECT_EQ(1, area_.live()) << "and the next thread has it";
  EXPECT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  EXPECT_EQ(0, area_.live());
}

TEST_F(ArenaJemalloc, EndsWhileThreadsThatUsedItLiveOn) {
  Create();
  std::atomic<int> turn{0};
  std::thread other([&] {
    void *const block = Alloc(100);
    EXPECT_NE(nullptr, block);
    turn = 1;
    while (turn != 2)
      std::this_thread::yield();
    EXPECT_NE(nullptr, Alloc(100)) << "of the arena that was made since";
  });
  while (turn != 1)
    std::this_thread::yield();
  aml_arena_destroy(&arena_);
  EXPECT_EQ(0, area_.live());
  Create();
  turn = 2;
  other.join();
  EXPECT_EQ(1u, Stats().live_count);
}

TEST_F(ArenaJemalloc, ThreadsPassBlocksToEachOther) {
  aml_arena_jemalloc_options options = {};
  options.limit = 64 * kMiB;
  Create(options);
  constexpr size_t kBlocks = 64;
  std::atomic<char *> slots[kBlocks] = {};
  std::atomic<int> wrong{0};
  const auto life = [&](unsigned seed) {
    for (unsigned i = 0; i < 20000; ++i) {
      seed = seed * 1664525 + 1013904223;
      const size_t size = 1 + (seed >> 8) % (i % 50 == 0 ? 40000 : 500);
      char *const block = Alloc(size + 8);
      if (block == nullptr) {
        ++wrong;
        continue;
      }
      std::memcpy(block, &size, 8);
      block[8 + size - 1] = 77;
      char *const old = slots[(seed >> 20) % kBlocks].exchange(block);
      if (old == nullptr)
        continue;
      size_t old_size;
      std::memcpy(&old_size, old, 8);
      wrong += old[8 + old_size - 1] != 77 ? 1 : 0;
      aml_arena_free(arena_, old);
    }
  };
  std::thread first(life, 1);
  std::thread second(life, 2);
  first.join();
  second.join();
  EXPECT_EQ(0, wrong);
  for (auto &slot : slots)
    aml_arena_free(arena_, slot.load());
  EXPECT_EQ(0u, Stats().live_count);
}

TEST_F(ArenaJemalloc, RandomLivesKeepTheLaws) {
  aml_arena_jemalloc_options options = {};
  options.limit = 16 * kMiB;
  for (unsigned seed = 0; seed < 10; ++seed) {
    Create(options);
    EXPECT_EQ("", aml_testing::RunArenaOps(arena_, aml_testing::RandomBytes(seed, 3000))) << seed;
    aml_arena_destroy(&arena_);
  }
}

TEST_F(ArenaJemalloc, ServesWhatProgramsAskedFor) {
  using namespace aml_testing;
  Create();
  const ArenaTrace sqlite = ReadArenaTrace("arena/testdata/traces/sqlite.trace");
  const ArenaTrace git = ReadArenaTrace("arena/testdata/traces/git_grep.trace");
  ASSERT_EQ(4u, git.threads);
  EXPECT_EQ("", ReplayArenaTrace(arena_, sqlite));
  EXPECT_EQ("", ReplayArenaTraceByThreads(arena_, git, 3));
}

TEST_F(ArenaJemalloc, UnusedMemoryDecaysWhereThatIsAskedFor) {
  AML_AREA_LINUX_DECL(linux);
  ASSERT_EQ(0, aml_area_linux_init(linux, nullptr)) << aml_error_detail();
  aml_arena_jemalloc_options options = {};
  options.decay_ms = 1;
  AML_ARENA_JEMALLOC_DECL(arena);
  ASSERT_EQ(0, aml_arena_jemalloc_init(arena, linux, &options)) << aml_error_detail();
  std::vector<void *> blocks;
  for (int i = 0; i < 300; ++i)
    blocks.push_back(aml_arena_alloc(arena, 100000, 0, 0));
  for (void *block : blocks)
    aml_arena_free(arena, block);
  // It is looked at when something is called.
  aml_arena_stats stats = {};
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  do {
    void *const block = aml_arena_alloc(arena, 50000, 0, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    aml_arena_free(arena, block);
    ASSERT_EQ(0, aml_arena_get_stats(arena, &stats));
    ASSERT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
  } while (stats.reserved_size > 4 * kMiB && std::chrono::steady_clock::now() < end);
  EXPECT_GE(4 * kMiB, stats.reserved_size);
  aml_arena_fini(arena);
  aml_area_fini(linux);
}

TEST_F(ArenaJemalloc, WithoutCachesAThreadLeavesNothingBehind) {
  aml_arena_jemalloc_options options = {};
  options.flags = AML_ARENA_JEMALLOC_NO_CACHE;
  Create(options);
  std::vector<std::thread> threads;
  std::atomic<int> done{0};
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      aml_arena_free(arena_, Alloc(3000));
      ++done;
      while (done != 4)
        std::this_thread::yield();
    });
  while (done != 3)
    std::this_thread::yield();
  EXPECT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  EXPECT_EQ(0, area_.live()) << "though the threads live";
  ++done;
  for (std::thread &thread : threads)
    thread.join();
}

TEST_F(ArenaJemalloc, BlocksOfMemoryThatTheHostCannotTouchAreNotResized) {
  area_.Hide();
  Create();
  void *const block = Alloc(100);
  ASSERT_NE(nullptr, block);
  EXPECT_EQ(0u, aml_arena_capabilities(arena_) & AML_ARENA_CAN_REALLOC);
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, block, 200, 0, 0));
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  EXPECT_EQ(nullptr, Alloc(100, 0, AML_ARENA_ZERO));
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  for (int i = 0; i < 3; ++i) {
    for (size_t size = 1; size < 10 * kMiB; size = size * 3 / 2 + 1)
      aml_arena_free(arena_, Alloc(size));
    ASSERT_EQ(0, aml_arena_reset(arena_));
    ASSERT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  }
}

TEST_F(ArenaJemalloc, MemoryThatIsUsedAgainIsZeroedWhenAskedFor) {
  Create();
  for (const size_t size : {size_t{30}, size_t{5000}, size_t{50000}, 3 * kMiB})
    for (int round = 0; round < 3; ++round) {
      char *const block = Alloc(size, 0, AML_ARENA_ZERO);
      EXPECT_TRUE(std::all_of(block, block + size, [](char c) { return c == 0; })) << size;
      std::memset(block, 0xff, size);
      aml_arena_free(arena_, block);
      if (round == 1) {
        ASSERT_EQ(0, aml_arena_trim(arena_, SIZE_MAX, nullptr)); // to the arena's own pages
      }
    }
}

TEST_F(ArenaJemalloc, InitRefusesWhatItCannotWorkWith) {
  AML_ARENA_JEMALLOC_DECL(arena);
  static char region[8];
  const auto init = [&](const aml_arena_jemalloc_options &options, aml_area *area) {
    return aml_arena_jemalloc_init(arena, area, &options);
  };
  EXPECT_EQ(-AML_EINVAL, aml_arena_jemalloc_init(arena, nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_jemalloc_init(nullptr, area_.get(), nullptr));
  EXPECT_EQ(-AML_EINVAL, init({0, 0, nullptr, 8, 0, 0}, area_.get()));
  EXPECT_EQ(-AML_EINVAL, init({0, 0, region, 0, 0, 0}, nullptr));
  EXPECT_EQ(-AML_EINVAL, init({1, 0, region, 8, 0, 0}, nullptr));
  EXPECT_EQ(-AML_EINVAL, init({0, 1, region, 8, 0, 0}, nullptr));
  EXPECT_EQ(-AML_EINVAL, init({0, 0, nullptr, 0, 0, 2}, area_.get()));
  EXPECT_STREQ("aml_arena_jemalloc_init: flags has an unknown bit", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_arena_jemalloc_create(nullptr, area_.get(), nullptr));
  aml_arena stranger = {};
  EXPECT_EQ(-AML_EINVAL, aml_arena_jemalloc_init(&stranger, area_.get(), nullptr));
  EXPECT_EQ(0, init({0, 0, region, 8, 0, 0}, nullptr)) << aml_error_detail();
  EXPECT_EQ(nullptr, aml_arena_alloc(arena, 1, 0, 0));
  EXPECT_STREQ("aml_arena_alloc: the arena's region is full", aml_error_detail());
  aml_arena_fini(arena);
}

TEST_F(ArenaJemalloc, TheLimitIsSaidToBeReached) {
  aml_arena_jemalloc_options options = {};
  options.limit = 2 * kMiB;
  Create(options);
  EXPECT_EQ(nullptr, Alloc(3 * kMiB));
  EXPECT_STREQ("aml_arena_alloc: the arena's limit is reached", aml_error_detail());
  char *const block = Alloc(kMiB);
  ASSERT_NE(nullptr, block);
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, block, 3 * kMiB, 0, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(1u, Stats().live_count);
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, block, SIZE_MAX, 0, 0));
  EXPECT_STREQ("aml_arena_realloc: size is larger than the range of addresses", aml_error_detail());
}

} // namespace
