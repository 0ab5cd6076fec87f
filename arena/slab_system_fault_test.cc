// SPDX-License-Identifier: BSD-3-Clause
//
// arena:slab where the C heap, or the system under its area, has no more.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <vector>

#include "aml/arena/slab.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/support/arena_faults.h"
#include "aml/tests/support/page_area.h"

namespace {

TEST(ArenaSlabSystemFault, SurvivesEachFailureOfTheSystem) {
  PageArea area;
  aml_arena_slab_options options = {};
  options.chunk_size = 1; // so that less than a chunk is never asked for
  aml_fault_held before = {};
  const size_t failures = aml_testing::LiveThroughEachFailure(
      [&](aml_arena **arena) { return aml_arena_slab_create(arena, area.get(), &options); },
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

TEST(ArenaSlabSystemFault, CreateAllocatesTheArenaAndItsMetadata) {
  static char region[1 << 16];
  const aml_arena_slab_options options = {0, 0, region, sizeof region, 0};
  aml_arena sentinel = {};
  aml_arena *arena = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&] { return aml_arena_slab_create(&arena, nullptr, &options); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(&sentinel, arena);
      });
  EXPECT_LE(4u, failures);
  ASSERT_NE(&sentinel, arena);
  aml_arena_destroy(&arena);
}

TEST(ArenaSlabSystemFault, AnInitThatFailsLeavesStorageAlone) {
  AML_ARENA_SLAB_DECL(arena);
  PageArea area;
  const aml_arena_slab declared = arena_storage;
  EXPECT_EQ(1u, EachFailure(
                    AML_FAULT_MEMORY, ENOMEM,
                    [&] { return aml_arena_slab_init(arena, area.get(), nullptr); },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_EQ(0, std::memcmp(&declared, &arena_storage, sizeof declared));
                    }));
  aml_arena_fini(arena);
}

// Where a free run is cut, the map may need memory: at either end of the block.
TEST(ArenaSlabSystemFault, ARunThatCannotBeCutIsWhole) {
  std::vector<char> region(size_t{16} << 20);
  const aml_arena_slab_options options = {0, 0, region.data(), region.size(), 0};
  aml_arena *arena = nullptr;
  ASSERT_EQ(0, aml_arena_slab_create(&arena, nullptr, &options));
  void *block = nullptr;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM,
      [&] {
        block = aml_arena_alloc(arena, (size_t{4} << 20) + 1, size_t{1} << 20, 0);
        return block == nullptr ? aml_error_code() : 0;
      },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        aml_arena_stats stats = {};
        EXPECT_EQ(0, aml_arena_get_stats(arena, &stats));
        EXPECT_EQ(0u, stats.live_count);
        EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
      });
  EXPECT_LE(1u, failures);
  EXPECT_EQ(block, aml_arena_slab_find(arena, static_cast<char *>(block) + (size_t{4} << 20)));
  aml_arena_free(arena, block);
  EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
  aml_arena_destroy(&arena);
}

// What is known of memory that goes back does so too, and not to the C heap.
TEST(ArenaSlabSystemFault, MetadataIsUnmappedWithWhatItTellsOf) {
  PageArea area;
  aml_arena *arena = nullptr;
  const ptrdiff_t before = aml_fault_system_held().mapped_size;
  const auto metadata = [&] {
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(arena, &stats));
    return aml_fault_system_held().mapped_size - before -
           static_cast<ptrdiff_t>(stats.reserved_size);
  };
  ASSERT_EQ(0, aml_arena_slab_create(&arena, area.get(), nullptr));
  std::vector<void *> blocks(100000);
  for (void *&block : blocks)
    block = aml_arena_alloc(arena, 1000, 0, 0);
  EXPECT_LT(0, metadata());
  for (void *const block : blocks)
    aml_arena_free(arena, block);
  EXPECT_EQ(0, aml_arena_trim(arena, 0, nullptr));
  EXPECT_EQ(0, metadata());
  aml_arena_destroy(&arena);
  EXPECT_EQ(before, aml_fault_system_held().mapped_size);
}

// Free must not take memory, whatever state the arena is in.
TEST(ArenaSlabSystemFault, FreeTakesNoMemory) {
  PageArea area;
  aml_arena *arena = nullptr;
  ASSERT_EQ(0, aml_arena_slab_create(&arena, area.get(), nullptr));
  std::vector<void *> blocks;
  for (size_t round = 0; round < 3; ++round) {
    for (size_t size = 1; size < size_t{3} << 20; size += 1 + size / 9)
      for (size_t i = 0; i < 1 + 20000 / size; ++i)
        blocks.push_back(aml_arena_alloc(arena, size, 0, 0));
    aml_fault_system_arm(AML_FAULT_MEMORY, 0, 0);
    for (size_t i = 0; i < blocks.size(); ++i)
      aml_arena_free(arena, blocks[i * 7919 % blocks.size()]);
    EXPECT_EQ(0u, aml_fault_system_disarm().seen);
    blocks.clear();
    EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
  }
  aml_arena_stats stats = {};
  EXPECT_EQ(0, aml_arena_get_stats(arena, &stats));
  EXPECT_EQ(0u, stats.live_count);
  aml_arena_destroy(&arena);
}

// Caches, depots and the array of kinds are there to be fast; nothing fails without them.
TEST(ArenaSlabSystemFault, WithoutMemoryForCachesBlocksComeAndGoAllTheSame) {
  PageArea area;
  aml_arena *arena = nullptr;
  ASSERT_EQ(0, aml_arena_slab_create(&arena, area.get(), nullptr));
  void *const first = aml_arena_alloc(arena, 100, 0, 0);
  ASSERT_NE(nullptr, first);
  aml_fault_system_arm(AML_FAULT_HEAP | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  void *some[50];
  for (void *&block : some) {
    block = aml_arena_alloc(arena, 100, 0, 0);
    EXPECT_NE(nullptr, block);
  }
  for (void *const block : some)
    aml_arena_free(arena, block);
  aml_arena_free(arena, first);
  const aml_fault_count count = aml_fault_system_disarm();
  EXPECT_LT(10u, count.failed) << "each alloc tries to make a cache";
  EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
  aml_arena_destroy(&arena);
}

} // namespace
