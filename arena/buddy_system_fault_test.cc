// SPDX-License-Identifier: BSD-3-Clause
//
// arena:buddy where the C heap, or the system under its area, has no more.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "aml/arena/buddy.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/support/arena_system_faults.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;

int Create(aml_area *area, aml_arena **arena, size_t chunk_size) {
  aml_arena_buddy_options options = {};
  options.chunk_size = chunk_size;
  return aml_arena_buddy_create(arena, area, &options);
}

TEST(ArenaBuddySystemFault, SurvivesEachFailureOfTheSystem) {
  // So small that less than a chunk is never asked for.
  aml_testing::ExpectArenaSurvivesTheSystem(
      [](aml_area *area, aml_arena **arena) { return Create(area, arena, 1); });
}

TEST(ArenaBuddySystemFault, CreateAllocatesTheArenaAndWhatIsKnownOfItsRegion) {
  static char region[4096];
  const aml_arena_buddy_options options = {0, 0, region, sizeof region, 0};
  aml_arena sentinel = {};
  aml_arena *arena = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&] { return aml_arena_buddy_create(&arena, nullptr, &options); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(&sentinel, arena);
      });
  EXPECT_EQ(3u, failures);
  EXPECT_STREQ("aml_arena_buddy_init: no memory for the description of the region",
               aml_error_detail());
  ASSERT_NE(&sentinel, arena);
  aml_arena_destroy(&arena);
}

TEST(ArenaBuddySystemFault, AnInitThatFailsLeavesStorageAndRegionAlone) {
  static char region[4096];
  const aml_arena_buddy_options options = {0, 0, region, sizeof region, 0};
  AML_ARENA_BUDDY_DECL(arena);
  const aml_arena_buddy declared = arena_storage;
  EXPECT_EQ(2u, EachFailure(
                    AML_FAULT_MEMORY, ENOMEM,
                    [&] { return aml_arena_buddy_init(arena, nullptr, &options); },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_EQ(0, std::memcmp(&declared, &arena_storage, sizeof declared));
                      for (const char byte : region)
                        EXPECT_EQ(0, byte);
                    }));
  aml_arena_fini(arena);
}

// The area must map before there is something to describe: where that fails, the area may refuse to
// take the chunk back, and what it keeps is not the arena's any more.
TEST(ArenaBuddySystemFault, AChunkThatCannotBeDescribedIsNotHeld) {
  PageArea pages;
  AML_AREA_FAULT_DECL(area);
  ASSERT_EQ(0, aml_area_fault_init(area, pages.get(), 0));
  for (const size_t refused : {0, 1}) {
    aml_arena *arena = nullptr;
    ASSERT_EQ(0, Create(area, &arena, kPage));
    aml_area_fault_arm(area, AML_AREA_FAULT_UNMAP, refused, 1, -AML_EPERM);
    aml_fault_system_arm(AML_FAULT_HEAP, 1, ENOMEM);
    EXPECT_EQ(nullptr, aml_arena_alloc(arena, 10, 0, 0));
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    EXPECT_EQ(refused, aml_area_fault_disarm(area));
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(arena, &stats));
    EXPECT_EQ(0u, stats.reserved_size);
    EXPECT_EQ(0, aml_arena_validate(arena));
    EXPECT_NE(nullptr, aml_arena_alloc(arena, 10, 0, 0));
    aml_arena_destroy(&arena);
    EXPECT_EQ(refused, aml_area_fault_live(area));
  }
  aml_area_fini(area);
}

} // namespace
