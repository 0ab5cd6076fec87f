// SPDX-License-Identifier: BSD-3-Clause
//
// arena:slab in regions that are far larger than what is used of them, as of a device: what a call
// costs does not grow with the region. Nothing can be written there, nor is.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "aml/arena/slab.h"
#include "aml/core/arena.h"
#include "aml/tests/support/instructions.h"

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kMiB = size_t{1} << 20;

class Region {
public:
  explicit Region(size_t size) : size_(size) {
    region_ = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    const aml_arena_slab_options options = {0, 0, region_, size, 0};
    if (region_ == MAP_FAILED || aml_arena_slab_create(&arena_, nullptr, &options) != 0)
      std::abort();
  }
  Region(const Region &) = delete;
  ~Region() {
    aml_arena_destroy(&arena_);
    munmap(region_, size_);
  }

  aml_arena *get() { return arena_; }
  void *Alloc(size_t size, size_t alignment = 0) {
    return aml_arena_alloc(arena_, size, alignment, 0);
  }
  void Free(void *block) { aml_arena_free(arena_, block); }

private:
  size_t size_;
  void *region_;
  aml_arena *arena_ = nullptr;
};

// Spans of blocks, and blocks of no class, each with a run of its own.
void MeasureRuns(InstructionMeter *meter, size_t size) {
  Region region(size);
  std::vector<void *> blocks;
  for (int round = 0; round < 2; ++round) {
    for (const size_t block_size : {size_t{100}, size_t{100000}, 3 * kMiB})
      for (const size_t alignment : {0u, 1u << 22}) {
        meter->Begin();
        blocks.push_back(region.Alloc(block_size, alignment));
        meter->End();
      }
    for (size_t i = 0; i < blocks.size(); i += 2) {
      meter->Begin();
      region.Free(blocks[i]);
      meter->End();
    }
    for (size_t i = 1; i < blocks.size(); i += 2)
      region.Free(blocks[i]);
    blocks.clear();
    meter->Begin();
    if (aml_arena_reset(region.get()) != 0)
      std::abort();
    meter->End();
  }
}

TEST(ArenaSlabRegion, WhatACallCostsDoesNotGrowWithTheRegion) {
  std::vector<size_t> small;
  std::vector<size_t> large;
  const std::string why_not = CountInstructions(
      [](InstructionMeter *meter) { MeasureRuns(meter, size_t{1} << 27); }, &small);
  if (!why_not.empty())
    GTEST_SKIP() << why_not;
  ASSERT_EQ("", CountInstructions(
                    [](InstructionMeter *meter) { MeasureRuns(meter, size_t{1} << 36); }, &large));
  ASSERT_EQ(small.size(), large.size());
  ASSERT_EQ(20u, small.size());
  for (size_t i = 0; i < small.size(); ++i) {
    EXPECT_LT(5u, small[i]) << i << ": nothing was counted";
    EXPECT_GE(small[i] + small[i] / 4 + 100, large[i]) << i;
  }
}

size_t ResidentSize() {
  std::ifstream file("/proc/self/statm");
  size_t pages = 0;
  size_t resident = 0;
  file >> pages >> resident;
  return resident * kPage;
}

TEST(ArenaSlabRegion, WhatIsNotUsedTakesNoMemory) {
  const size_t before = ResidentSize();
  Region region(size_t{1} << 36);
  void *const block = region.Alloc(100);
  void *const large = region.Alloc(size_t{1} << 35);
  EXPECT_NE(nullptr, block);
  EXPECT_NE(nullptr, large);
  EXPECT_GE(before + 2 * kMiB, ResidentSize());
}

} // namespace
