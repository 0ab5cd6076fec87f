// SPDX-License-Identifier: BSD-3-Clause
//
// arena:tracked where the C heap has no more: a call that fails has changed nothing, and what
// `inner` gave is never lost for want of memory for the account.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "aml/arena/bump.h"
#include "aml/arena/tracked.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/heap_arena.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/support/page_area.h"

namespace {

class ArenaTrackedSystemFault : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(0, heap_.Init(0, pages_.get()));
    ASSERT_EQ(0, aml_arena_bump_init(bump, pages_.get(), nullptr));
  }
  ~ArenaTrackedSystemFault() override {
    aml_arena_fini(heap_.arena);
    aml_arena_fini(bump);
  }

  PageArea pages_;
  aml_testing::SoundHeap heap_; // its own records are operator new's
  AML_ARENA_BUMP_DECL(bump);
};

TEST_F(ArenaTrackedSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  aml_arena sentinel = {};
  aml_arena *arena = &sentinel;
  EXPECT_EQ(5u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM,
                    [&] { return aml_arena_tracked_create(&arena, heap_.arena, nullptr); },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_EQ(&sentinel, arena);
                    }));
  ASSERT_NE(&sentinel, arena);
  aml_arena_destroy(&arena);
}

TEST_F(ArenaTrackedSystemFault, ABlockWithoutRoomInTheAccountIsNotAllocated) {
  for (aml_arena *const inner : {heap_.arena, bump}) {
    ASSERT_NE(nullptr, aml_arena_alloc(inner, 1, 0, 0)); // its first chunk
    const aml_fault_held before = aml_fault_system_held();
    size_t failures = 0;
    for (bool failed = true; failed;) {
      const size_t nth = failures + 1;
      aml_arena_stats stats = {};
      ASSERT_EQ(0, aml_arena_get_stats(inner, &stats));
      const uint64_t live_size = stats.live_size;
      AML_ARENA_TRACKED_DECL(arena);
      ASSERT_EQ(0, aml_arena_tracked_init(arena, inner, nullptr));
      aml_fault_system_arm(AML_FAULT_HEAP, nth, ENOMEM);
      void *const block = aml_arena_alloc(arena, 40, 0, 0);
      failed = aml_fault_system_disarm().failed != 0;
      failures += failed;
      ASSERT_EQ(failed, block == nullptr);
      ASSERT_EQ(0, aml_arena_get_stats(inner, &stats));
      EXPECT_EQ(failed, live_size == stats.live_size);
      EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
      if (failed) {
        EXPECT_EQ(-AML_ENOMEM, aml_error_code());
        EXPECT_STREQ("aml_arena_alloc: no memory for the account", aml_error_detail());
      }
      aml_arena_fini(arena);
      ExpectHeld(before);
    }
    EXPECT_EQ(inner == bump ? 2u : 3u, failures) << "a tract, slots, and a thread's hand";
  }
}

TEST_F(ArenaTrackedSystemFault, AReallocWithoutRoomInTheAccountLeavesTheBlock) {
  AML_ARENA_TRACKED_DECL(arena);
  ASSERT_EQ(0, aml_arena_tracked_init(arena, heap_.arena, nullptr));
  void *const block = aml_arena_alloc(arena, 40, 0, 0);
  ASSERT_NE(nullptr, block);
  aml_fault_system_arm(AML_FAULT_HEAP | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  EXPECT_EQ(nullptr, aml_arena_realloc(arena, block, 100000, 0, 0));
  EXPECT_LT(0u, aml_fault_system_disarm().failed);
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  aml_arena_tracked_block found = {};
  ASSERT_EQ(0, aml_arena_tracked_find(arena, block, &found));
  EXPECT_EQ(40u, found.size);
  EXPECT_NE(nullptr, aml_arena_realloc(arena, block, 100000, 0, 0));
  EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
  aml_arena_fini(arena);
}

TEST_F(ArenaTrackedSystemFault, FreeNeedsNoMemory) {
  AML_ARENA_TRACKED_DECL(arena);
  ASSERT_EQ(0, aml_arena_tracked_init(arena, heap_.arena, nullptr));
  void *const block = aml_arena_alloc(arena, 40, 0, 0);
  aml_fault_system_arm(AML_FAULT_HEAP | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  aml_arena_free(arena, block);
  aml_arena_free(arena, block);
  EXPECT_EQ(0u, aml_fault_system_disarm().seen);
  EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
  aml_arena_fini(arena);
}

TEST_F(ArenaTrackedSystemFault, ALargeAccountGoesOnUntilItsTableIsAlmostFull) {
  AML_ARENA_TRACKED_DECL(arena);
  ASSERT_EQ(0, aml_arena_tracked_init(arena, bump, nullptr));
  // One block in each range of 64 KiB. The table's growth fails: its size is seen by no other
  // allocation of the account.
  size_t count = 0;
  for (; count < 1000; ++count) {
    ASSERT_NE(nullptr, aml_arena_alloc(bump, 65000, 1, 0));
    aml_fault_system_arm(count < 128 ? 0 : AML_FAULT_HEAP, 2, ENOMEM);
    void *const block = aml_arena_alloc(arena, 1000, 1, 0);
    (void)aml_fault_system_disarm();
    if (block == nullptr)
      break;
  }
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_LT(128u, count);
  EXPECT_GT(256u, count);
  EXPECT_NE(nullptr, aml_arena_alloc(arena, 1000, 1, 0)) << "there is memory again";
  EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
  aml_arena_fini(arena);
}

TEST_F(ArenaTrackedSystemFault, CallersAndLabelsNeedMemory) {
  AML_ARENA_TRACKED_DECL(arena);
  ASSERT_EQ(0, aml_arena_tracked_init(arena, heap_.arena, nullptr));
  const char *previous = "unset";
  EXPECT_EQ(1u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM,
                    [&] { return aml_arena_tracked_set_label(arena, "it", &previous); },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_STREQ("unset", previous);
                    }));
  ASSERT_NE(nullptr, aml_arena_alloc(arena, 40, 0, 0));
  aml_arena_tracked_caller caller = {};
  size_t found = 0;
  EXPECT_EQ(1u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM,
                    [&] { return aml_arena_tracked_get_callers(arena, 1, &caller, &found); },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_EQ(0u, found);
                    }));
  EXPECT_EQ(1u, found);
  EXPECT_STREQ("it", caller.label);
  aml_arena_fini(arena);
}

} // namespace
