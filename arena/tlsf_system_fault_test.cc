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
#include "aml/tests/support/arena_system_faults.h"

namespace {

TEST(ArenaTlsfSystemFault, SurvivesEachFailureOfTheSystem) {
  aml_testing::ExpectArenaSurvivesTheSystem([](aml_area *area, aml_arena **arena) {
    aml_arena_tlsf_options options = {};
    options.chunk_size = 1; // so that less than a chunk is never asked for
    return aml_arena_tlsf_create(arena, area, &options);
  });
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
