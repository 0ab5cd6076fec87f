// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/internal/arena_batches.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/arena_fixture.h"
#include "aml/tests/contract/internal/arena_oracle.h"
#include "aml/tests/contract/internal/refusal.h"
#include "aml/tests/contract/internal/watched_area.h"

namespace aml_testing {

void CheckBatchesAreBlocks(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  (void)blocks.Alloc(100);
  for (const size_t count : {0, 1, 7, 100}) {
    void *const untouched = &blocks;
    std::vector<void *> batch(count + 1, untouched);
    for (const size_t size : {40, 0}) {
      const size_t alignment = size == 0 ? 64 : 0;
      ASSERT_EQ(count,
                aml_arena_alloc_batch(arena, size, alignment, AML_ARENA_ZERO, count, batch.data()))
          << aml_error_detail();
      EXPECT_EQ(untouched, batch[count]) << "a block too many";
      for (size_t i = 0; i < count; ++i)
        blocks.Add(batch[i], size, alignment, AML_ARENA_ZERO);
      blocks.Check();
    }
  }
  blocks.CheckAllContents();
}

void CheckBatchesAreGivenBackWhole(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  const auto empty = StatsOf(arena);
  std::vector<void *> batch;
  for (size_t i = 0; i < 20; ++i) {
    batch.push_back(blocks.Alloc(10 * i));
    batch.push_back(nullptr);
  }
  blocks.CheckAllContents();
  const auto full = NumbersOf(StatsOf(arena));
  ForgetTheLastError();
  aml_arena_free_batch(arena, 0, batch.data());
  aml_arena_free_batch(arena, 0, nullptr);
  aml_arena_free_batch(nullptr, 1, batch.data());
  EXPECT_EQ(full, NumbersOf(StatsOf(arena))) << "nothing was given back";
  aml_arena_free_batch(arena, batch.size(), batch.data());
  EXPECT_TRUE(NothingWasRecorded()) << aml_error_detail();
  if (Can(arena, AML_ARENA_CAN_FREE)) {
    blocks.ForgetAll();
    EXPECT_EQ(empty.live_size, StatsOf(arena).live_size);
  } else {
    EXPECT_EQ(full, NumbersOf(StatsOf(arena))) << "single blocks cannot be freed";
  }
  blocks.CheckAllContents();
  blocks.Check();
}

void CheckABatchThatDoesNotFitIsCutShort(aml_arena *arena, WatchedArea &area) {
  constexpr size_t kCount = 4096;
  Blocks blocks(arena, area);
  ASSERT_NE(nullptr, blocks.Alloc(1));
  area.RefuseMaps(true);
  void *const untouched = &blocks;
  std::vector<void *> batch(kCount, untouched);
  ForgetTheLastError();
  const size_t got = aml_arena_alloc_batch(arena, 16384, 8, 0, kCount, batch.data());
  ASSERT_LT(got, kCount) << "64 MiB fit into what there is";
  EXPECT_EQ(-AML_ENOMEM, aml_error_code()) << aml_error_detail();
  for (size_t i = 0; i < got; ++i)
    blocks.Add(batch[i], 16384, 8, 0);
  for (size_t i = got; i < kCount; ++i)
    ASSERT_EQ(untouched, batch[i]) << "more than was said";
  blocks.Check();
  area.RefuseMaps(false);
}

void CheckBadArgumentsOfBatchesAreRefused(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  void *const untouched = &blocks;
  void *batch[] = {untouched, untouched};
  const auto before = NumbersOf(StatsOf(arena));
  const auto refused = [](const char *argument, aml_arena *of, size_t alignment, void **pointers) {
    ExpectRefused(std::string("aml_arena_alloc_batch: ") + argument, [&] {
      const size_t got = aml_arena_alloc_batch(of, 8, alignment, 0, 2, pointers);
      EXPECT_EQ(0u, got);
      return aml_error_code();
    });
  };
  refused("arena", nullptr, 8, batch);
  refused("pointers", arena, 8, nullptr);
  refused("alignment", arena, 3, batch);
  refused("alignment", arena, SIZE_MAX, batch);
  ForgetTheLastError();
  EXPECT_EQ(0u, aml_arena_alloc_batch(arena, 8, 8, 2, 2, batch));
  EXPECT_EQ(-AML_EINVAL, aml_error_code()) << aml_error_detail();
  EXPECT_EQ(0u, aml_arena_alloc_batch(arena, SIZE_MAX, 8, 0, 2, batch));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code()) << aml_error_detail();
  for (void *const pointer : batch)
    EXPECT_EQ(untouched, pointer);
  EXPECT_EQ(before, NumbersOf(StatsOf(arena)));
  blocks.Check();
}

} // namespace aml_testing
