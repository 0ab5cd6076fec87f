// SPDX-License-Identifier: BSD-3-Clause
//
// arena:slab where the area's addresses lie so far apart that its array of kinds, of 8 TiB, ends
// in between.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "aml/arena/slab.h"
#include "aml/arena/slab_testing.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kMiB = size_t{1} << 20;

// Hands out addresses that it is told, with nothing there.
class ToldArea {
public:
  explicit ToldArea(std::vector<uintptr_t> told) : block_{{&kOps}, this}, told_(std::move(told)) {}
  ToldArea(const ToldArea &) = delete;

  aml_area *get() { return &block_.area; }

private:
  struct Block {
    aml_area area;
    ToldArea *self;
  };

  static int Map(aml_area *area, size_t, const aml_area_map_options *, void **pointer) {
    ToldArea *const self = reinterpret_cast<Block *>(area)->self;
    if (self->next_ == self->told_.size())
      return aml_error_set(-AML_ENOMEM, "aml_area_map", nullptr, "has no more addresses");
    *pointer = reinterpret_cast<void *>(self->told_[self->next_++]);
    return 0;
  }

  static aml_area_ops MakeOps() {
    aml_area_ops ops = {};
    ops.name = "told";
    ops.fini = [](aml_area *) {};
    ops.capabilities = [](const aml_area *) { return 0u; };
    ops.map = Map;
    ops.unmap = [](aml_area *, void *, size_t) { return 0; };
    ops.info = [](aml_area *, const void *, aml_area_info *info) {
      *info = {};
      info->granularity = info->max_alignment = info->page_size = kPage;
      return 0;
    };
    return ops;
  }

  static inline const aml_area_ops kOps = MakeOps();

  Block block_;
  std::vector<uintptr_t> told_;
  size_t next_ = 0;
};

// The second chunk is too far from the first one for the array. With the third it reaches to 4 MiB
// below that, which is in the middle of the second.
TEST(ArenaSlabFar, AChunkOfWhichTheArrayKnowsHalfIsKnown) {
  constexpr uintptr_t kFirst = uintptr_t{0x28} << 40;
  constexpr uintptr_t kThird = kFirst + 8 * kMiB - (uintptr_t{1} << 43);
  constexpr uintptr_t kSecond = kThird - 4 * kMiB - kMiB / 2;
  ToldArea area({kFirst, kSecond, kThird});
  aml_arena_slab_options options = {};
  options.chunk_size = kMiB;
  aml_arena *arena = nullptr;
  const auto alloc = [&](size_t size) {
    return static_cast<char *>(aml_arena_alloc(arena, size, 0, 0));
  };
  ASSERT_EQ(0, aml_arena_slab_create(&arena, area.get(), &options));
  void *const first = alloc(kMiB);
  char *const second = alloc(kMiB);
  void *const third = alloc(kMiB);
  ASSERT_EQ(kSecond, reinterpret_cast<uintptr_t>(second));
  aml_arena_free(arena, second);
  ASSERT_EQ(0, aml_arena_trim(arena, 9 * kMiB, nullptr));
  // A block across the middle, then one behind it, given back so that runs join across it.
  char *const low = alloc(600000);
  char *const high = alloc(100000);
  ASSERT_LT(second + kMiB / 2, high);
  ASSERT_GT(second + kMiB, high);
  for (char *const block : {low, high}) {
    aml_arena_free(arena, block);
    ASSERT_EQ(0, aml_arena_trim(arena, 9 * kMiB, nullptr));
  }
  for (size_t offset = 0; offset < kMiB; offset += kPage)
    EXPECT_TRUE(aml_arena_owns(arena, second + offset)) << offset;
  std::vector<char *> blocks;
  for (int i = 0; i < 32; ++i)
    blocks.push_back(alloc(30000));
  for (char *const block : blocks)
    aml_arena_free(arena, block);
  EXPECT_EQ(2u, ValidStats(arena).live_count);
  aml_arena_free(arena, first);
  aml_arena_free(arena, third);
  ASSERT_EQ(0, aml_arena_trim(arena, 0, nullptr));
  EXPECT_EQ(0u, ValidStats(arena).reserved_size);
  EXPECT_FALSE(aml_arena_owns(arena, second + kMiB - 1));
  aml_arena_destroy(&arena);
}

} // namespace
