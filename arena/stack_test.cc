// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/stack.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>

#include "aml/arena/bump.h"
#include "aml/arena/pool.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/support/arena_ops.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;

// Small objects, of which there is one page; then large ones, of which there are three.
class ArenaStack : public ::testing::Test {
protected:
  void SetUp() override {
    small_ = Pool(256, kPage);
    large_ = Pool(1024, 3 * kPage);
    aml_arena *const arenas[] = {small_, large_};
    ASSERT_EQ(0, aml_arena_stack_create(&arena_, 2, arenas)) << aml_error_detail();
  }
  void TearDown() override {
    aml_arena_destroy(&arena_);
    EXPECT_EQ(0, aml_arena_validate(small_)) << "the arenas below stay";
    aml_arena_destroy(&small_);
    aml_arena_destroy(&large_);
    EXPECT_EQ(0, area_.live());
  }

  aml_arena *Pool(size_t size, size_t limit, bool thread_safe = false) {
    aml_arena_pool_options options = {};
    options.chunk_size = kPage;
    options.limit = limit;
    options.thread_safe = thread_safe;
    aml_arena *pool = nullptr;
    EXPECT_EQ(0, aml_arena_pool_create(&pool, area_.get(), size, &options));
    return pool;
  }

  char *Alloc(size_t size, unsigned flags = 0) {
    return static_cast<char *>(aml_arena_alloc(arena_, size, 0, flags));
  }

  size_t IndexOf(const void *block) {
    size_t index = 77;
    EXPECT_EQ(0, aml_arena_stack_index_of(arena_, block, &index)) << aml_error_detail();
    return index;
  }

  aml_arena_stats Stats() {
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(arena_, &stats));
    EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    return stats;
  }

  PageArea area_;
  aml_arena *small_ = nullptr;
  aml_arena *large_ = nullptr;
  aml_arena *arena_ = nullptr;
};

TEST_F(ArenaStack, TheFirstArenaThatTakesABlockHasIt) {
  EXPECT_EQ(0u, IndexOf(Alloc(256)));
  EXPECT_EQ(1u, IndexOf(Alloc(257)));
  EXPECT_EQ(2u, Stats().live_count);
  EXPECT_EQ(256u + 1024u, Stats().live_size);
}

TEST_F(ArenaStack, WhenOneIsFullTheNextServes) {
  std::array<void *, kPage / 256 + 12> blocks;
  for (void *&block : blocks)
    ASSERT_NE(nullptr, block = Alloc(100)) << aml_error_detail();
  EXPECT_EQ(0u, IndexOf(blocks[kPage / 256 - 1]));
  EXPECT_EQ(1u, IndexOf(blocks[kPage / 256]));
  EXPECT_EQ(nullptr, Alloc(100));
  EXPECT_STREQ("aml_arena_alloc: the arena's limit is reached", aml_error_detail());
  for (void *block : blocks)
    aml_arena_free(arena_, block);
  EXPECT_EQ(0u, Stats().live_count) << "each went back where it came from";
}

TEST_F(ArenaStack, ABatchIsFromSeveral) {
  std::array<void *, kPage / 256 + 20> batch{};
  EXPECT_EQ(batch.size() - 8, aml_arena_alloc_batch(arena_, 1, 0, 0, batch.size(), batch.data()));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  aml_arena_free_batch(arena_, batch.size(), batch.data());
  EXPECT_EQ(0u, Stats().live_count);
}

TEST_F(ArenaStack, BadFlagsAreRefusedByTheFirst) {
  std::array<void *, 1> batch{};
  EXPECT_EQ(nullptr, Alloc(1, 1u << 20));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(0u, aml_arena_alloc_batch(arena_, 1, 0, 1u << 20, 1, batch.data()));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
}

TEST_F(ArenaStack, ABlockThatItsArenaCannotResizeMoves) {
  char *const block = Alloc(100);
  std::memset(block, 'a', 256);
  EXPECT_EQ(block, aml_arena_realloc(arena_, block, 256, 0, 0));
  char *const moved =
      static_cast<char *>(aml_arena_realloc(arena_, block, 1000, 0, AML_ARENA_ZERO));
  ASSERT_NE(nullptr, moved) << aml_error_detail();
  EXPECT_EQ(1u, IndexOf(moved));
  EXPECT_EQ(std::string(256, 'a') + std::string(744, '\0'), std::string(moved, 1000));
  EXPECT_EQ(1u, Stats().live_count);
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, moved, 1025, 0, 0)) << "nobody has room";
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ('a', moved[255]);
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, moved, 1, 0, 8));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  char local = 0;
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, &local, 1, 0, 0));
  EXPECT_STREQ("aml_arena_realloc: pointer is of none of the arenas", aml_error_detail());
}

TEST_F(ArenaStack, MemoryThatTheHostCannotTouchIsNotCopied) {
  PageArea hidden;
  hidden.Hide();
  aml_arena *device = nullptr;
  aml_arena *stack = nullptr;
  ASSERT_EQ(0, aml_arena_pool_create(&device, hidden.get(), 64, nullptr));
  for (const bool device_first : {true, false}) {
    aml_arena *const arenas[] = {device_first ? device : small_, device_first ? small_ : device};
    ASSERT_EQ(0, aml_arena_stack_create(&stack, 2, arenas));
    void *const block = aml_arena_alloc(stack, 64, 0, 0);
    ASSERT_NE(nullptr, block);
    EXPECT_EQ(nullptr, aml_arena_realloc(stack, block, device_first ? 65 : 257, 0, 0));
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    aml_arena_free(stack, block);
    aml_arena_destroy(&stack);
  }
  // But zeros can be had from the second where the first cannot write them.
  aml_arena *const arenas[] = {device, small_};
  ASSERT_EQ(0, aml_arena_stack_create(&stack, 2, arenas));
  size_t index = 0;
  ASSERT_EQ(0,
            aml_arena_stack_index_of(stack, aml_arena_alloc(stack, 8, 0, AML_ARENA_ZERO), &index));
  EXPECT_EQ(1u, index);
  aml_arena_destroy(&stack);
  aml_arena_destroy(&device);
}

TEST_F(ArenaStack, FreeOfWhatIsOfNoneDoesNothing) {
  char local = 0;
  aml_arena_free(arena_, &local);
  EXPECT_EQ(0u, aml_arena_usable_size(arena_, &local));
  EXPECT_EQ(0u, Stats().live_count);
}

TEST_F(ArenaStack, TrimKeepsWhatMayStayOfAllTogether) {
  std::array<void *, kPage / 256 + 12> blocks; // all four pages
  for (void *&block : blocks)
    block = Alloc(1);
  for (void *block : blocks)
    aml_arena_free(arena_, block);
  size_t released = 0;
  ASSERT_EQ(0, aml_arena_trim(arena_, 4 * kPage, &released));
  EXPECT_EQ(0u, released);
  ASSERT_EQ(0, aml_arena_trim(arena_, 2 * kPage, &released));
  EXPECT_EQ(2 * kPage, released);
  EXPECT_EQ(2 * kPage, Stats().reserved_size);
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, &released));
  EXPECT_EQ(2 * kPage, released);
}

TEST_F(ArenaStack, ItCanDoWhatAllCan) {
  EXPECT_EQ(aml_arena_capabilities(small_), aml_arena_capabilities(arena_));
  EXPECT_EQ(4 * kPage, Stats().limit);
  aml_arena *bump = nullptr;
  aml_arena *stack = nullptr;
  aml_arena *safe = Pool(64, 0, true);
  ASSERT_EQ(0, aml_arena_bump_create(&bump, area_.get(), nullptr));
  aml_arena *const arenas[] = {safe, bump};
  ASSERT_EQ(0, aml_arena_stack_create(&stack, 2, arenas));
  EXPECT_EQ(unsigned{AML_ARENA_KNOWS_OWN | AML_ARENA_CAN_RESET | AML_ARENA_CAN_TRIM |
                     AML_ARENA_HOST_MEMORY},
            aml_arena_capabilities(stack));
  void *const of_bump = aml_arena_alloc(stack, 100, 0, 0);
  EXPECT_EQ(nullptr, aml_arena_realloc(stack, of_bump, 200, 0, 0)) << "of unknown size";
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  aml_arena_stats stats = {};
  EXPECT_EQ(0, aml_arena_get_stats(stack, &stats));
  EXPECT_EQ(AML_UNKNOWN, stats.live_count);
  EXPECT_EQ(AML_UNKNOWN, stats.limit);
  ASSERT_EQ(0, aml_arena_reset(stack));
  aml_arena_destroy(&stack);
  aml_arena *const one[] = {safe};
  ASSERT_EQ(0, aml_arena_stack_create(&stack, 1, one));
  EXPECT_NE(0u, aml_arena_capabilities(stack) & AML_ARENA_THREAD_SAFE);
  aml_arena_destroy(&stack);
  aml_arena_destroy(&bump);
  aml_arena_destroy(&safe);
}

TEST_F(ArenaStack, ARandomLifeKeepsTheLaws) {
  for (unsigned seed = 1; seed <= 3; ++seed)
    EXPECT_EQ("", aml_testing::RunArenaOps(arena_, aml_testing::RandomBytes(seed, 2000)));
}

TEST_F(ArenaStack, InitRefusesWhatItCannotWorkWith) {
  AML_ARENA_STACK_DECL(stack);
  aml_arena *made = nullptr;
  const auto refused = [&](aml_arena *first, aml_arena *second, const char *sentence) {
    aml_arena *const arenas[] = {first, second};
    EXPECT_EQ(-AML_EINVAL, aml_arena_stack_init(stack, 2, arenas));
    EXPECT_STREQ(sentence, aml_error_detail());
  };
  refused(small_, nullptr, "aml_arena_stack_init: arenas 1 is null, or the arena itself");
  refused(stack, small_, "aml_arena_stack_init: arenas 0 is null, or the arena itself");
  refused(small_, small_, "aml_arena_stack_init: arenas 1 is there twice");
  aml_arena_ops ops = *small_->ops;
  ops.capabilities = [](const aml_arena *) { return 0u; };
  aml_arena blind = {&ops};
  refused(&blind, small_, "aml_arena_stack_init: arenas 0 cannot tell which blocks are its own");
  aml_arena *const arenas[] = {small_, large_};
  EXPECT_EQ(-AML_EINVAL, aml_arena_stack_init(nullptr, 2, arenas));
  EXPECT_EQ(-AML_EINVAL, aml_arena_stack_init(small_, 2, arenas));
  EXPECT_EQ(-AML_EINVAL, aml_arena_stack_init(stack, 0, arenas));
  EXPECT_EQ(-AML_EINVAL, aml_arena_stack_init(stack, 2, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_stack_create(&made, 0, arenas));
  EXPECT_EQ(-AML_EINVAL, aml_arena_stack_create(nullptr, 2, arenas));
  EXPECT_EQ(nullptr, made);
  size_t index = 77;
  char local = 0;
  EXPECT_EQ(-AML_EINVAL, aml_arena_stack_index_of(small_, &local, &index));
  EXPECT_EQ(-AML_EINVAL, aml_arena_stack_index_of(nullptr, &local, &index));
  EXPECT_EQ(-AML_EINVAL, aml_arena_stack_index_of(arena_, nullptr, &index));
  EXPECT_EQ(-AML_EINVAL, aml_arena_stack_index_of(arena_, &local, nullptr));
  EXPECT_EQ(-AML_ENOENT, aml_arena_stack_index_of(arena_, &local, &index));
  EXPECT_EQ(77u, index);
}

TEST_F(ArenaStack, OneThatIsOnlyDeclaredSaysSo) {
  AML_ARENA_STACK_DECL(stack);
  aml_arena_stats stats = {};
  std::array<void *, 1> batch{};
  EXPECT_EQ(nullptr, aml_arena_alloc(stack, 1, 0, 0));
  EXPECT_STREQ("aml_arena_alloc: arena is not initialised", aml_error_detail());
  EXPECT_EQ(0u, aml_arena_alloc_batch(stack, 1, 0, 0, 1, batch.data()));
  EXPECT_EQ(0, aml_arena_get_stats(stack, &stats));
  EXPECT_EQ(0u, stats.reserved_size);
  EXPECT_EQ(0u, aml_arena_capabilities(stack));
  aml_arena_fini(stack);
}

} // namespace
