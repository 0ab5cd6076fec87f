// SPDX-License-Identifier: BSD-3-Clause
//
// arena:pool where the C heap, or the system under its area, has no more.

#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aml/arena/pool.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;
constexpr size_t kSize = 512;

class ArenaPoolSystemFault : public ::testing::Test {
protected:
  ~ArenaPoolSystemFault() override {
    aml_arena_destroy(&arena_);
    ExpectHeld(before_);
  }

  void Create(aml_arena_pool_metadata metadata, bool thread_safe = false) {
    aml_arena_pool_options options = {};
    options.metadata = metadata;
    options.thread_safe = thread_safe;
    options.chunk_size = kPage;
    ASSERT_EQ(0, aml_arena_pool_create(&arena_, area_.get(), kSize, &options))
        << aml_error_detail();
  }

  void *Alloc() { return aml_arena_alloc(arena_, kSize, 0, 0); }

  aml_arena_stats Stats() {
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(arena_, &stats));
    EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    return stats;
  }

  const aml_fault_held before_ = aml_fault_system_held();
  PageArea area_;
  aml_arena *arena_ = nullptr;
};

TEST_F(ArenaPoolSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  alignas(64) static char region[1000];
  for (const bool is_region : {false, true})
    for (const bool thread_safe : {false, true}) {
      aml_arena_pool_options options = {};
      options.thread_safe = thread_safe;
      options.region = is_region ? region : nullptr;
      options.region_size = is_region ? sizeof region : 0;
      aml_arena sentinel = {};
      aml_arena *arena = &sentinel;
      const size_t failures = EachFailure(
          AML_FAULT_MEMORY, ENOMEM,
          [&] { return aml_arena_pool_create(&arena, area_.get(), kSize, &options); },
          [&](int err) {
            EXPECT_EQ(-AML_ENOMEM, err);
            EXPECT_EQ(-AML_ENOMEM, aml_error_code());
            EXPECT_EQ(&sentinel, arena);
          });
      // The block, its state; the chunk of a region and where chunks are listed.
      EXPECT_EQ(2u + (is_region ? 2 : 0), failures);
      ASSERT_NE(&sentinel, arena);
      aml_arena_destroy(&arena);
    }
}

TEST_F(ArenaPoolSystemFault, AnInitThatFailsLeavesStorageAsDeclared) {
  AML_ARENA_POOL_DECL(arena);
  const aml_arena_pool declared = arena_storage;
  EXPECT_EQ(1u, EachFailure(
                    AML_FAULT_MEMORY, ENOMEM,
                    [&] { return aml_arena_pool_init(arena, area_.get(), kSize, nullptr); },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_STREQ("aml_arena_pool_init: no memory for the arena's state",
                                   aml_error_detail());
                      EXPECT_EQ(0, std::memcmp(&declared, &arena_storage, sizeof declared));
                    }));
  aml_arena_fini(arena);
}

TEST_F(ArenaPoolSystemFault, AnObjectForWhichThereIsNoChunkChangesNothing) {
  for (const auto metadata : {AML_ARENA_POOL_IN_BAND, AML_ARENA_POOL_OUT_OF_BAND}) {
    Create(metadata);
    // In band, where the list of chunks is full, so that it must grow too, which stays.
    const int chunks = metadata == AML_ARENA_POOL_IN_BAND ? 4 : 1;
    std::vector<void *> objects(static_cast<size_t>(chunks) * (kPage / kSize));
    for (void *&object : objects)
      ASSERT_NE(nullptr, object = Alloc());
    const aml_arena_stats before = Stats();
    void *object = nullptr;
    const size_t failures = EachFailure(
        AML_FAULT_MEMORY, ENOMEM,
        [&] {
          object = Alloc();
          return object == nullptr ? aml_error_code() : 0;
        },
        [&](int err) {
          EXPECT_EQ(-AML_ENOMEM, err);
          const aml_arena_stats now = Stats();
          EXPECT_EQ(before.live_count, now.live_count);
          EXPECT_EQ(before.peak_size, now.peak_size);
          EXPECT_EQ(before.reserved_size, now.reserved_size);
          EXPECT_EQ(before.metadata_size, now.metadata_size);
          EXPECT_EQ(chunks, area_.live());
        });
    EXPECT_EQ(3u, failures) << "the chunk, its description, and room in the list or the stack";
    ASSERT_NE(nullptr, object);
    aml_arena_destroy(&arena_);
  }
}

TEST_F(ArenaPoolSystemFault, FreeAllocatesNothing) {
  for (const bool thread_safe : {false, true}) {
    Create(AML_ARENA_POOL_OUT_OF_BAND, thread_safe);
    std::vector<void *> objects(500);
    for (void *&object : objects)
      ASSERT_NE(nullptr, object = Alloc());
    // By a thread too that has not been here before, and that keeps some all the same.
    const auto free_half = [&] {
      aml_fault_system_arm(AML_FAULT_MEMORY | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
      for (int i = 0; i < 250; ++i, objects.pop_back())
        aml_arena_free(arena_, objects.back());
      EXPECT_EQ(0u, aml_fault_system_disarm().seen);
    };
    if (thread_safe)
      std::thread(free_half).join();
    else
      free_half();
    free_half();
    EXPECT_EQ(0u, Stats().live_count);
    aml_arena_destroy(&arena_);
  }
}

// The thread works on the arena's own objects where it can have none of its own.
TEST_F(ArenaPoolSystemFault, AThreadThatCanKeepNothingIsServedAllTheSame) {
  for (size_t nth = 1; nth <= 5; ++nth) {
    SCOPED_TRACE("failure of call " + std::to_string(nth));
    Create(AML_ARENA_POOL_OUT_OF_BAND, true);
    // Chunk, list and stack are the first three, and what the thread and a spare have the others.
    aml_fault_system_arm(AML_FAULT_HEAP, nth, ENOMEM);
    void *const object = Alloc();
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    EXPECT_EQ(nth <= 3, object == nullptr);
    void *const second = Alloc();
    ASSERT_NE(nullptr, second);
    aml_arena_free(arena_, object);
    aml_arena_free(arena_, second);
    EXPECT_EQ(0u, Stats().live_count);
    aml_arena_destroy(&arena_);
  }
}

// The ninth arena is beyond the first length of a thread's table. In a thread that is new to all
// of them, and gives back what it takes.
TEST_F(ArenaPoolSystemFault, AThreadsTableThatCannotGrowIsDoneWithout) {
  std::thread([this] {
    std::vector<aml_arena *> arenas(9);
    for (aml_arena *&arena : arenas) {
      Create(AML_ARENA_POOL_OUT_OF_BAND, true);
      std::swap(arena, arena_);
    }
    arena_ = arenas.back();
    // Chunk, list and stack, and the array that the thread would have; the fifth is the table.
    aml_fault_system_arm(AML_FAULT_HEAP | AML_FAULT_FROM_THEN_ON, 5, ENOMEM);
    void *const object = Alloc();
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    ASSERT_NE(nullptr, object);
    aml_arena_free(arena_, object);
    EXPECT_EQ(0u, Stats().live_count);
    EXPECT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
    EXPECT_EQ(0u, Stats().reserved_size) << "the thread keeps nothing";
    arena_ = nullptr;
    for (aml_arena *&arena : arenas)
      aml_arena_destroy(&arena);
  }).join();
}

TEST_F(ArenaPoolSystemFault, ValidateSaysThatItHasNoMemoryToLook) {
  Create(AML_ARENA_POOL_IN_BAND);
  ASSERT_NE(nullptr, Alloc());
  EXPECT_EQ(1u, EachFailure(
                    AML_FAULT_MEMORY, ENOMEM, [&] { return aml_arena_validate(arena_); },
                    [&](int err) { EXPECT_EQ(-AML_ENOMEM, err); }));
}

TEST_F(ArenaPoolSystemFault, TrimThatFailsHalfwayKeepsTheRest) {
  constexpr size_t kChunks = 4;
  for (size_t nth = 1; nth <= kChunks; ++nth) {
    Create(AML_ARENA_POOL_IN_BAND);
    std::vector<void *> objects(kChunks * (kPage / kSize));
    for (void *&object : objects)
      object = Alloc();
    aml_arena_free_batch(arena_, objects.size(), objects.data());
    aml_fault_system_arm(AML_FAULT_MUNMAP, nth, ENOMEM);
    size_t released = 0;
    const int err = aml_arena_trim(arena_, 0, &released);
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    EXPECT_GT(0, err);
    EXPECT_EQ((nth - 1) * kPage, released);
    EXPECT_EQ((kChunks - nth + 1) * kPage, Stats().reserved_size);
    EXPECT_NE(nullptr, Alloc()) << "what is kept serves";
    EXPECT_EQ((kChunks - nth + 1) * kPage, Stats().reserved_size);
    aml_arena_destroy(&arena_);
  }
}

// Where no end of a thread can be told, no thread keeps anything. A process of its own, since that
// is found out once.
TEST(ArenaPoolSystemFaultDeathTest, WithoutKeysForThreadsNothingIsKept) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        pthread_key_t key;
        while (pthread_key_create(&key, nullptr) == 0)
          ;
        PageArea area;
        aml_arena_pool_options options = {};
        options.thread_safe = true;
        aml_arena *arena = nullptr;
        aml_arena_stats stats = {};
        bool works = aml_arena_pool_create(&arena, area.get(), kSize, &options) == 0;
        void *objects[300];
        for (void *&object : objects)
          works = works && (object = aml_arena_alloc(arena, kSize, 0, 0)) != nullptr;
        for (void *object : objects)
          aml_arena_free(arena, object);
        works = works && aml_arena_trim(arena, 0, nullptr) == 0 &&
                aml_arena_get_stats(arena, &stats) == 0 && stats.reserved_size == 0;
        aml_arena_destroy(&arena);
        _exit(works ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

} // namespace
