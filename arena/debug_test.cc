// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/debug.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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

// An error, as far as it is looked at.
struct Told {
  aml_arena_debug_kind kind;
  std::string sentence;
  const void *address;
  const void *block;
  size_t size;
  std::string label;
  size_t alloc_frames;
  size_t free_frames;
};

void Keep(void *errors, const aml_arena_debug_error *error) {
  static_cast<std::vector<Told> *>(errors)->push_back(
      {error->kind, error->sentence, error->address, error->block, error->size,
       error->label == nullptr ? "" : error->label, error->alloc_frames, error->free_frames});
}

// Writes where nobody may, past the sanitizer's eyes.
__attribute__((noinline, no_sanitize("address", "thread"))) void Spoil(char *byte) {
  *const_cast<volatile char *>(byte) = 'x';
}

// Reads likewise.
__attribute__((noinline, no_sanitize("address", "thread"))) bool IsAll(const char *bytes,
                                                                       size_t size, int value) {
  for (size_t i = 0; i < size; ++i)
    if (*const_cast<const volatile char *>(bytes + i) != static_cast<char>(value))
      return false;
  return true;
}

class ArenaDebug : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(0, heap_.Init(0, pages_.get()));
    options_.report = Keep;
    options_.context = &told_;
  }
  ~ArenaDebug() override {
    aml_arena_destroy(&arena_);
    aml_arena_fini(heap_.arena);
    aml_arena_destroy(&bump_);
  }

  void Create() { ASSERT_EQ(0, aml_arena_debug_create(&arena_, heap_.arena, &options_)); }

  void CreateOverBump() {
    ASSERT_EQ(0, aml_arena_bump_create(&bump_, pages_.get(), nullptr));
    ASSERT_EQ(0, aml_arena_debug_create(&arena_, bump_, &options_));
  }

  char *Alloc(size_t size, size_t alignment = 0, unsigned flags = 0) {
    void *const block = aml_arena_alloc(arena_, size, alignment, flags);
    EXPECT_NE(nullptr, block) << aml_error_detail();
    return static_cast<char *>(block);
  }

  void Free(void *block) { aml_arena_free(arena_, block); }

  void ExpectTold(aml_arena_debug_kind kind, const void *block, const void *address) {
    ASSERT_EQ(1u, told_.size());
    EXPECT_EQ(kind, told_[0].kind) << told_[0].sentence;
    EXPECT_EQ(block, told_[0].block);
    EXPECT_EQ(address, told_[0].address);
    EXPECT_EQ(told_[0].sentence, aml_error_detail());
    EXPECT_EQ(-AML_EINVAL, aml_error_code());
    EXPECT_EQ(1u, Stats().errors[kind]);
    EXPECT_EQ(-AML_EINVAL, aml_arena_validate(arena_));
    EXPECT_EQ("aml_arena_validate: arena had errors, the first: " + told_[0].sentence,
              aml_error_detail());
    EXPECT_EQ(1u, told_.size()) << "told twice";
  }

  aml_arena_debug_stats Stats() {
    aml_arena_debug_stats stats = {};
    EXPECT_EQ(0, aml_arena_debug_get_stats(arena_, &stats));
    return stats;
  }

  PageArea pages_;
  aml_testing::SoundHeap heap_;
  std::vector<Told> told_;
  aml_arena_debug_options options_ = {};
  aml_arena *arena_ = nullptr;
  aml_arena *bump_ = nullptr;
};

TEST_F(ArenaDebug, RightUseIsSilent) {
  Create();
  std::vector<char *> blocks;
  for (size_t size = 0; size < 300; ++size) {
    blocks.push_back(Alloc(size, size_t{1} << size % 14));
    std::memset(blocks.back(), 1, std::max<size_t>(1, size));
    EXPECT_EQ(std::max<size_t>(1, size), aml_arena_usable_size(arena_, blocks.back()));
  }
  for (char *const block : blocks)
    Free(block);
  EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
  ASSERT_EQ(0, aml_arena_reset(arena_));
  Alloc(100);
  EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
  aml_arena_destroy(&arena_);
  EXPECT_TRUE(told_.empty());
}

TEST_F(ArenaDebug, AByteBehindABlockIsFoundWhenItIsFreed) {
  options_.label = "vectors";
  Create();
  char *const block = Alloc(13, 1);
  Spoil(block + 13);
  EXPECT_TRUE(told_.empty());
  Free(block);
  ExpectTold(AML_ARENA_DEBUG_OVERFLOW, block, block + 13);
  EXPECT_NE(std::string::npos, told_[0].sentence.find("aml_arena_free: block 0x"));
  EXPECT_NE(std::string::npos,
            told_[0].sentence.find(" of 13 bytes by vectors was written to behind its end: 0x"));
  EXPECT_NE(std::string::npos, told_[0].sentence.find(", byte 13"));
  EXPECT_EQ(13u, told_[0].size);
  EXPECT_EQ("vectors", told_[0].label);
  EXPECT_LE(1u, told_[0].alloc_frames);
  EXPECT_EQ(0u, told_[0].free_frames) << "not free yet";
}

TEST_F(ArenaDebug, TheWholeRedzoneIsLookedAt) {
  options_.redzone = 100; // 128
  Create();
  char *const block = Alloc(10);
  Spoil(block + 10 + 127);
  Free(block);
  ExpectTold(AML_ARENA_DEBUG_OVERFLOW, block, block + 137);
}

TEST_F(ArenaDebug, AByteBeforeABlockIsFound) {
  for (const size_t alignment : {1, 16, 4096}) {
    Create();
    char *const block = Alloc(100, alignment);
    Spoil(block - 1);
    Free(block);
    ExpectTold(AML_ARENA_DEBUG_UNDERFLOW, block, block - 1);
    aml_arena_destroy(&arena_);
    told_.clear();
  }
}

TEST_F(ArenaDebug, ValidateLooksAtLiveBlocks) {
  Create();
  Alloc(50);
  char *const block = Alloc(50);
  Alloc(50);
  Spoil(block + 50);
  EXPECT_EQ(-AML_EINVAL, aml_arena_validate(arena_));
  ASSERT_EQ(1u, told_.size());
  EXPECT_EQ(block, told_[0].block);
  Free(block);
  EXPECT_EQ(1u, told_.size()) << "told twice";
}

TEST_F(ArenaDebug, AWriteAfterFreeIsFoundByValidate) {
  Create();
  char *const block = Alloc(100);
  Free(block);
  Spoil(block + 99);
  EXPECT_EQ(-AML_EINVAL, aml_arena_validate(arena_));
  ASSERT_EQ(1u, told_.size());
  EXPECT_EQ(AML_ARENA_DEBUG_USE_AFTER_FREE, told_[0].kind);
  EXPECT_EQ(block + 99, told_[0].address);
  EXPECT_LE(1u, told_[0].free_frames);
}

TEST_F(ArenaDebug, AWriteAfterFreeIsFoundWhenTheBlockLeavesQuarantine) {
  options_.quarantine_size = 1000;
  Create();
  char *const block = Alloc(100);
  Free(block);
  Spoil(block);
  for (int i = 0; i < 7; ++i)
    Free(Alloc(100));
  ExpectTold(AML_ARENA_DEBUG_USE_AFTER_FREE, block, block);
}

TEST_F(ArenaDebug, WhatIsWrongIsFoundAtTheEndToo) {
  Create();
  char *const live = Alloc(100);
  char *const freed = Alloc(100);
  Free(freed);
  Spoil(live + 100);
  Spoil(freed + 1);
  aml_arena_destroy(&arena_);
  ASSERT_EQ(2u, told_.size());
  EXPECT_EQ(AML_ARENA_DEBUG_USE_AFTER_FREE, told_[0].kind);
  EXPECT_EQ(AML_ARENA_DEBUG_OVERFLOW, told_[1].kind);
}

TEST_F(ArenaDebug, ASecondFreeGoesNoFurther) {
  Create();
  char *const block = Alloc(100);
  Free(block);
  Free(block);
  ExpectTold(AML_ARENA_DEBUG_DOUBLE_FREE, block, block);
  EXPECT_LE(1u, told_[0].alloc_frames);
  EXPECT_LE(1u, told_[0].free_frames);
  EXPECT_EQ(0, aml_arena_validate(heap_.arena));
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, block, 10, 0, 0));
  ASSERT_EQ(2u, told_.size());
  EXPECT_EQ(AML_ARENA_DEBUG_DOUBLE_FREE, told_[1].kind);
}

TEST_F(ArenaDebug, WhatIsNoBlockIsNotFreed) {
  Create();
  char *const block = Alloc(100);
  Free(block + 8);
  ExpectTold(AML_ARENA_DEBUG_INVALID_FREE, block, block + 8);
  Free(&told_);
  ASSERT_EQ(2u, told_.size());
  EXPECT_EQ(AML_ARENA_DEBUG_INVALID_FREE, told_[1].kind);
  EXPECT_EQ(nullptr, told_[1].block);
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, &told_, 1, 0, 0));
  EXPECT_EQ(3u, Stats().errors[AML_ARENA_DEBUG_INVALID_FREE]);
}

TEST_F(ArenaDebug, FirstAndLastContentsArePatterns) {
  Create();
  char *const block = Alloc(100);
  EXPECT_TRUE(IsAll(block, 100, 0xCD));
  EXPECT_TRUE(IsAll(Alloc(100, 0, AML_ARENA_ZERO), 100, 0));
  Free(block);
  EXPECT_TRUE(IsAll(block, 100, 0xDF));
}

TEST_F(ArenaDebug, QuarantineKeepsBlocksFromReuseForAWhile) {
  options_.quarantine_size = 10000;
  Create();
  char *const block = Alloc(100);
  Free(block);
  EXPECT_EQ(1u, Stats().quarantine_count);
  EXPECT_EQ(100u + 2 * 16, Stats().quarantine_size);
  size_t rounds = 0;
  for (; rounds < 1000; ++rounds) {
    char *const next = Alloc(100);
    EXPECT_LE(Stats().quarantine_size, 10000u);
    Free(next);
    if (next == block)
      break;
  }
  EXPECT_LT(10000u / 132 - 2, rounds);
  EXPECT_GT(1000u, rounds);
}

TEST_F(ArenaDebug, WithoutQuarantineBlocksAreReusedAtOnce) {
  options_.quarantine_size = 1;
  Create();
  char *const block = Alloc(100);
  Free(block);
  EXPECT_EQ(block, Alloc(100));
  EXPECT_EQ(0u, Stats().quarantine_count);
}

TEST_F(ArenaDebug, QuarantineIsGivenUpBeforeAnAllocFails) {
  aml_arena_fini(heap_.arena);
  ASSERT_EQ(0, heap_.Init(1, pages_.get())); // 8 MiB
  options_.quarantine_size = SIZE_MAX;
  Create();
  for (int i = 0; i < 30; ++i)
    Free(Alloc(1 << 20));
  EXPECT_TRUE(told_.empty());
  EXPECT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  EXPECT_EQ(0u, Stats().quarantine_count);
}

TEST_F(ArenaDebug, ReallocMovesAndWatchesTheOldBlock) {
  Create();
  char *const block = Alloc(100);
  std::memset(block, 'a', 100);
  auto *const larger = static_cast<char *>(aml_arena_realloc(arena_, block, 200, 64, 0));
  ASSERT_NE(nullptr, larger);
  EXPECT_NE(block, larger);
  EXPECT_TRUE(IsAll(larger, 100, 'a'));
  EXPECT_TRUE(IsAll(larger + 100, 100, 0xCD));
  Spoil(block);
  EXPECT_EQ(-AML_EINVAL, aml_arena_validate(arena_));
  EXPECT_EQ(AML_ARENA_DEBUG_USE_AFTER_FREE, told_.at(0).kind);
}

TEST_F(ArenaDebug, ResetLooksAtBlocksThatCannotBeFreed) {
  CreateOverBump();
  char *const first = Alloc(100);
  char *const second = Alloc(100);
  Free(second);
  EXPECT_EQ(100u, aml_arena_usable_size(arena_, second)) << "it stays";
  Spoil(first + 100);
  Free(first);
  EXPECT_EQ(1u, told_.size());
  Spoil(second - 1);
  ASSERT_EQ(0, aml_arena_reset(arena_));
  ASSERT_EQ(2u, told_.size());
  EXPECT_EQ(AML_ARENA_DEBUG_UNDERFLOW, told_[1].kind);
  EXPECT_TRUE(IsAll(first, 100, 0xDF));
  Free(first);
  EXPECT_EQ(AML_ARENA_DEBUG_INVALID_FREE, told_.at(2).kind);
}

TEST_F(ArenaDebug, MemoryThatTheHostCannotWriteToIsNotTouched) {
  aml_arena_fini(heap_.arena);
  pages_.Hide(); // a touch is a fatal signal
  ASSERT_EQ(0, heap_.Init(0, pages_.get()));
  Create();
  EXPECT_EQ(nullptr, aml_arena_alloc(arena_, 8, 0, AML_ARENA_ZERO));
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  char *const block = Alloc(100, 64);
  char *const other = Alloc(100);
  EXPECT_EQ(100u, aml_arena_usable_size(arena_, block));
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, block, 10, 0, 0));
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
  Free(block);
  Free(block);
  Free(other + 1);
  EXPECT_EQ(1u, Stats().errors[AML_ARENA_DEBUG_DOUBLE_FREE]);
  EXPECT_EQ(1u, Stats().errors[AML_ARENA_DEBUG_INVALID_FREE]);
  ASSERT_EQ(0, aml_arena_reset(arena_));
}

// Without quarantine, which is given up before an alloc fails.
TEST_F(ArenaDebug, RandomLivesKeepTheLaws) {
  options_.quarantine_size = 1;
  for (unsigned seed = 0; seed < 3; ++seed) {
    aml_testing::SoundHeap heap;
    aml_arena *arena = nullptr;
    ASSERT_EQ(0, heap.Init(1, pages_.get())); // with a limit
    ASSERT_EQ(0, aml_arena_debug_create(&arena, heap.arena, &options_));
    EXPECT_EQ("", aml_testing::RunArenaOps(arena, aml_testing::RandomBytes(seed, 1500))) << seed;
    aml_arena_destroy(&arena);
    aml_arena_fini(heap.arena);
  }
  EXPECT_EQ(0u, told_.size());
}

TEST_F(ArenaDebug, LabelsAreAThreadsOwn) {
  Create();
  const char *previous = "unset";
  ASSERT_EQ(0, aml_arena_debug_set_label(arena_, "setup", &previous));
  EXPECT_EQ(nullptr, previous);
  char *const mine = Alloc(10);
  std::thread([&] { Free(Alloc(10) + 1); }).join();
  Free(mine + 1);
  ASSERT_EQ(2u, told_.size());
  EXPECT_EQ("", told_[0].label);
  EXPECT_EQ("setup", told_[1].label);
}

TEST_F(ArenaDebug, ABlockIsGivenBackByOneOfSeveralThreadsOnly) {
  constexpr size_t kThreads = 3;
  constexpr size_t kCount = 200;
  Create();
  std::vector<char *> blocks;
  for (size_t i = 0; i < kCount; ++i)
    blocks.push_back(Alloc(20));
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (char *const block : blocks) {
        Free(block);
        Free(Alloc(50));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ((kThreads - 1) * kCount, Stats().errors[AML_ARENA_DEBUG_DOUBLE_FREE]);
  EXPECT_EQ((kThreads - 1) * kCount, told_.size());
  aml_arena_stats stats = {};
  ASSERT_EQ(0, aml_arena_get_stats(arena_, &stats));
  EXPECT_EQ(0u, stats.live_count);
  EXPECT_EQ(0u, stats.live_size);
}

TEST_F(ArenaDebug, PrintsAnErrorWithItsTraces) {
  char *text = nullptr;
  size_t size = 0;
  options_.report = aml_arena_debug_print;
  options_.context = open_memstream(&text, &size);
  ASSERT_NE(nullptr, options_.context);
  Create();
  char *const block = Alloc(24);
  Free(block);
  Free(block);
  std::fclose(static_cast<std::FILE *>(options_.context));
  const std::string lines = text;
  std::free(text);
  EXPECT_EQ(0u, lines.find("aml: aml_arena_free: block 0x"));
  EXPECT_NE(std::string::npos, lines.find(" of 24 bytes is free already: 0x"));
  EXPECT_NE(std::string::npos, lines.find("\n  allocated at\n    "));
  EXPECT_NE(std::string::npos, lines.find("\n  given back at\n    "));
}

TEST_F(ArenaDebug, KeepsNoMoreFramesThanAskedFor) {
  options_.frames = 1;
  Create();
  char *const block = Alloc(24);
  Free(block);
  Free(block);
  EXPECT_EQ(1u, told_.at(0).alloc_frames);
  EXPECT_EQ(1u, told_.at(0).free_frames);
}

TEST_F(ArenaDebug, RefusesBadArguments) {
  AML_ARENA_DEBUG_DECL(arena);
  aml_arena_debug_stats stats = {};
  EXPECT_EQ(-AML_EINVAL, aml_arena_debug_init(nullptr, heap_.arena, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_debug_init(heap_.arena, heap_.arena, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_debug_init(arena, nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_debug_init(arena, arena, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_debug_create(nullptr, heap_.arena, nullptr));
  options_.frames = AML_ARENA_DEBUG_MAX_FRAMES + 1;
  EXPECT_EQ(-AML_EINVAL, aml_arena_debug_init(arena, heap_.arena, &options_));
  options_.frames = 0;
  options_.redzone = SIZE_MAX;
  EXPECT_EQ(-AML_EINVAL, aml_arena_debug_init(arena, heap_.arena, &options_));
  for (aml_arena *const wrong : {static_cast<aml_arena *>(nullptr), heap_.arena, arena}) {
    EXPECT_EQ(-AML_EINVAL, aml_arena_debug_get_stats(wrong, &stats));
    EXPECT_EQ(-AML_EINVAL, aml_arena_debug_set_label(wrong, "it", nullptr));
  }
  EXPECT_EQ(nullptr, aml_arena_alloc(arena, 1, 0, 0)) << "declared only";
  aml_arena_free(arena, &stats);
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(-AML_EINVAL, aml_arena_validate(arena));
  EXPECT_EQ(-AML_EINVAL, aml_arena_trim(arena, 0, nullptr));
  EXPECT_EQ(0u, aml_arena_capabilities(arena));
  options_.redzone = AML_ARENA_DEBUG_MAX_REDZONE;
  Create();
  EXPECT_EQ(-AML_EINVAL, aml_arena_debug_get_stats(arena_, nullptr));
}

} // namespace
