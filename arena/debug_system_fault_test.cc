// SPDX-License-Identifier: BSD-3-Clause
//
// arena:debug where the C heap has no more.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>

#include "aml/arena/debug.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/heap_arena.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/support/page_area.h"

namespace {

class ArenaDebugSystemFault : public ::testing::Test {
protected:
  void SetUp() override { ASSERT_EQ(0, heap_.Init(0, pages_.get())); }
  ~ArenaDebugSystemFault() override { aml_arena_fini(heap_.arena); }

  void Init() { ASSERT_EQ(0, aml_arena_debug_init(arena, heap_.arena, nullptr)); }

  PageArea pages_;
  aml_testing::SoundHeap heap_; // its own records are operator new's
  AML_ARENA_DEBUG_DECL(arena);
};

TEST_F(ArenaDebugSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  aml_arena sentinel = {};
  aml_arena *created = &sentinel;
  EXPECT_EQ(5u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM,
                    [&] { return aml_arena_debug_create(&created, heap_.arena, nullptr); },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_EQ(&sentinel, created);
                    }));
  ASSERT_NE(&sentinel, created);
  aml_arena_destroy(&created);
}

TEST_F(ArenaDebugSystemFault, ABlockWithoutARecordIsNotAllocated) {
  size_t failures = 0;
  for (bool failed = true; failed;) {
    const size_t nth = failures + 1;
    Init();
    aml_fault_system_arm(AML_FAULT_HEAP, nth, ENOMEM);
    void *const block = aml_arena_alloc(arena, 40, 0, 0);
    failed = aml_fault_system_disarm().failed != 0;
    failures += failed;
    ASSERT_EQ(failed, block == nullptr);
    aml_arena_stats stats = {};
    ASSERT_EQ(0, aml_arena_get_stats(heap_.arena, &stats));
    EXPECT_EQ(failed ? 0u : 1u, stats.live_count);
    EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
    if (failed) {
      EXPECT_EQ(-AML_ENOMEM, aml_error_code());
      EXPECT_STREQ("aml_arena_alloc: no memory for a record", aml_error_detail());
    }
    aml_arena_fini(arena);
  }
  EXPECT_EQ(4u, failures) << "a hand, a tract, slots, and a record";
}

TEST_F(ArenaDebugSystemFault, AReallocThatFailsLeavesTheBlock) {
  Init();
  void *const block = aml_arena_alloc(arena, 40, 0, 0);
  aml_fault_system_arm(AML_FAULT_HEAP | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  EXPECT_EQ(nullptr, aml_arena_realloc(arena, block, 50, 0, 0));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(40u, aml_arena_usable_size(arena, block));
  EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
  aml_arena_fini(arena);
}

TEST_F(ArenaDebugSystemFault, FreeNeedsNoMemory) {
  Init();
  void *const block = aml_arena_alloc(arena, 40, 0, 0);
  aml_fault_system_arm(AML_FAULT_HEAP | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  aml_arena_free(arena, block);
  aml_arena_free(arena, block);
  EXPECT_EQ(0u, aml_fault_system_disarm().seen);
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  aml_arena_fini(arena);
}

TEST_F(ArenaDebugSystemFault, ALabelNeedsAThreadsHand) {
  Init();
  const char *previous = "unset";
  EXPECT_EQ(1u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM,
                    [&] { return aml_arena_debug_set_label(arena, "it", &previous); },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_STREQ("unset", previous);
                    }));
  aml_arena_fini(arena);
}

} // namespace
