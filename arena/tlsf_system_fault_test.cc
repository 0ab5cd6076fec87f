// SPDX-License-Identifier: BSD-3-Clause
//
// arena:tlsf where the C heap, or the system under its area, has no more.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "aml/arena/tlsf.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/support/arena_faults.h"
#include "aml/tests/support/page_area.h"

namespace {

TEST(ArenaTlsfSystemFault, SurvivesEachFailureOfTheSystem) {
  PageArea area;
  aml_arena_tlsf_options options = {};
  options.chunk_size = 1; // so that less than a chunk is never asked for
  aml_fault_held before = {};
  const size_t failures = aml_testing::LiveThroughEachFailure(
      [&](aml_arena **arena) { return aml_arena_tlsf_create(arena, area.get(), &options); },
      -AML_ENOMEM,
      [&](size_t nth) {
        before = aml_fault_system_held();
        aml_fault_system_arm(AML_FAULT_MEMORY, nth, ENOMEM);
      },
      [&] {
        const size_t failed = aml_fault_system_disarm().failed;
        ExpectHeld(before);
        return failed;
      });
  EXPECT_LT(10u, failures) << "there was little to fail";
  EXPECT_EQ(0, area.live());
}

TEST(ArenaTlsfSystemFault, CreateAllocatesTheArenaAndItsTable) {
  static char region[4096];
  const aml_arena_tlsf_options options = {0, 0, region, sizeof region};
  aml_arena sentinel = {};
  aml_arena *arena = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&] { return aml_arena_tlsf_create(&arena, nullptr, &options); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(&sentinel, arena);
      });
  EXPECT_EQ(2u, failures);
  EXPECT_STREQ("aml_arena_tlsf_init: no memory for the table of size classes", aml_error_detail());
  ASSERT_NE(&sentinel, arena);
  aml_arena_destroy(&arena);
}

TEST(ArenaTlsfSystemFault, AnInitThatFailsLeavesStorageAndRegionAlone) {
  static char region[4096];
  const aml_arena_tlsf_options options = {0, 0, region, sizeof region};
  AML_ARENA_TLSF_DECL(arena);
  const aml_arena_tlsf declared = arena_storage;
  EXPECT_EQ(1u, EachFailure(
                    AML_FAULT_MEMORY, ENOMEM,
                    [&] { return aml_arena_tlsf_init(arena, nullptr, &options); },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_EQ(0, std::memcmp(&declared, &arena_storage, sizeof declared));
                      for (const char byte : region)
                        EXPECT_EQ(0, byte);
                    }));
  aml_arena_fini(arena);
}

} // namespace
