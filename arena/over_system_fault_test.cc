// SPDX-License-Identifier: BSD-3-Clause
//
// Arenas over others where the C heap has no more.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "aml/arena/bump.h"
#include "aml/arena/limited.h"
#include "aml/arena/locked.h"
#include "aml/arena/stack.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/support/page_area.h"

namespace {

class ArenaOverSystemFault : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(0, aml_arena_bump_init(inner_, pages_.get(), nullptr));
    ASSERT_EQ(0, aml_arena_quota_init(&quota_, nullptr));
  }
  void TearDown() override {
    aml_arena_fini(inner_);
    aml_arena_quota_fini(&quota_);
  }

  // Creates an arena with each allocation failing; returns how many there were.
  template <class Create> static size_t Failures(Create create) {
    aml_arena sentinel = {};
    aml_arena *arena = &sentinel;
    const size_t failures = EachFailure(
        AML_FAULT_MEMORY, ENOMEM, [&] { return create(&arena); },
        [&](int err) {
          EXPECT_EQ(-AML_ENOMEM, err);
          EXPECT_EQ(-AML_ENOMEM, aml_error_code());
          EXPECT_EQ(&sentinel, arena);
        });
    EXPECT_NE(&sentinel, arena);
    if (arena != &sentinel)
      aml_arena_destroy(&arena);
    return failures;
  }

  PageArea pages_;
  AML_ARENA_BUMP_DECL(inner_);
  aml_arena_quota quota_ = {};
};

TEST_F(ArenaOverSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  EXPECT_EQ(1u, Failures([&](aml_arena **arena) {
              return aml_arena_locked_create(arena, inner_, nullptr);
            }));
  EXPECT_EQ(1u, Failures([&](aml_arena **arena) {
              return aml_arena_limited_create(arena, inner_, &quota_);
            }));
  EXPECT_EQ(2u,
            Failures([&](aml_arena **arena) { return aml_arena_stack_create(arena, 1, &inner_); }));
}

TEST_F(ArenaOverSystemFault, AStackThatCannotListItsArenasStaysAsDeclared) {
  AML_ARENA_STACK_DECL(stack);
  const aml_arena_stack declared = stack_storage;
  aml_fault_system_arm(AML_FAULT_MEMORY, 1, ENOMEM);
  EXPECT_EQ(-AML_ENOMEM, aml_arena_stack_init(stack, 1, &inner_));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_STREQ("aml_arena_stack_init: no memory for the list of arenas", aml_error_detail());
  EXPECT_EQ(0, std::memcmp(&declared, &stack_storage, sizeof declared));
}

} // namespace
