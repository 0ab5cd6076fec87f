// SPDX-License-Identifier: BSD-3-Clause
//
// What a call costs at most: instructions are counted one by one, over states of the arena that are
// as bad as can be, and stay below a bound that knows neither the arena's size nor its past.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <random>
#include <sys/mman.h>
#include <utility>
#include <vector>

#include "aml/arena/tlsf.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/support/instructions.h"

namespace {

// Compilers differ, so there is some room; the counts themselves are printed.
constexpr size_t kBound = 400;

// An arena in a region, for the child process: what fails there ends it.
class Arena {
public:
  explicit Arena(size_t size) : size_(size) {
    region_ = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const aml_arena_tlsf_options options = {0, 0, region_, size};
    if (region_ == MAP_FAILED || aml_arena_tlsf_create(&arena_, nullptr, &options) != 0)
      std::abort();
  }
  Arena(const Arena &) = delete;
  ~Arena() {
    if (aml_arena_validate(arena_) != 0)
      std::abort();
    aml_arena_destroy(&arena_);
    munmap(region_, size_);
  }

  aml_arena *get() { return arena_; }
  void *Alloc(size_t size, size_t alignment = 0) {
    return aml_arena_alloc(arena_, size, alignment, 0);
  }
  void Free(void *block) { aml_arena_free(arena_, block); }

  // Counts one alloc and one free of it.
  void Measure(InstructionMeter *meter, size_t size, size_t alignment) {
    meter->Begin();
    void *const block = Alloc(size, alignment);
    meter->End();
    MeasureFree(meter, block);
  }

  void MeasureFree(InstructionMeter *meter, void *block) {
    meter->Begin();
    Free(block);
    meter->End();
  }

private:
  void *region_;
  size_t size_;
  aml_arena *arena_ = nullptr;
};

constexpr size_t kSizes[] = {1, 1000, 5000, 40000};

TEST(ArenaTlsfBound, HoldsInRegionsOfAnySize) {
  for (const size_t size : {size_t{1} << 17, size_t{1} << 22, size_t{1} << 32})
    ExpectBounded("an empty region", kBound, [&](InstructionMeter *meter) {
      Arena arena(size);
      for (const size_t block_size : kSizes)
        for (const size_t alignment : {0, 4096})
          arena.Measure(meter, block_size, alignment);
    });
}

TEST(ArenaTlsfBound, HoldsHoweverLongTheArenaWasUsed) {
  for (const size_t steps : {1000, 300000})
    ExpectBounded("after random use", kBound, [&](InstructionMeter *meter) {
      Arena arena(size_t{1} << 26);
      std::mt19937 random(7);
      std::vector<void *> blocks(5000, nullptr);
      for (size_t i = 0; i < steps; ++i) {
        void *&block = blocks[random() % blocks.size()];
        arena.Free(block);
        block = arena.Alloc(random() % (size_t{1} << random() % 15), size_t{1} << random() % 8);
      }
      for (int i = 0; i < 60; ++i) {
        arena.Measure(meter, random() % (size_t{1} << random() % 15), size_t{1} << random() % 8);
        void *&block = blocks[random() % blocks.size()];
        if (block != nullptr)
          arena.MeasureFree(meter, std::exchange(block, nullptr));
      }
    });
}

// Free lists are long, and all of their blocks too small by little: a search would walk them.
TEST(ArenaTlsfBound, HoldsWhereManyFreeBlocksAreTooSmall) {
  ExpectBounded("long lists", kBound, [](InstructionMeter *meter) {
    Arena arena(size_t{1} << 28);
    std::vector<void *> blocks;
    for (int i = 0; i < 10000; ++i)
      blocks.push_back(arena.Alloc(5000 - 16 * (i % 4)));
    for (size_t i = 0; i < blocks.size(); i += 2)
      arena.Free(blocks[i]);
    for (const size_t size : {4950, 5000, 5016, 5040, 5100})
      arena.Measure(meter, size, 0);
    for (const size_t alignment : {64, 1024, 4096})
      arena.Measure(meter, 5000, alignment);
    for (size_t i = 1; i < 20; i += 2) // merges with both neighbours, in the middle of lists
      arena.MeasureFree(meter, blocks[i]);
  });
}

// Each bit of the first row is looked at in vain, and then each row but the last.
TEST(ArenaTlsfBound, HoldsWhereOnlyTheFarthestClassHasABlock) {
  ExpectBounded("the farthest class", kBound, [](InstructionMeter *meter) {
    Arena arena(size_t{1} << 32);
    arena.Measure(meter, 0, 0);
    void *const rest = arena.Alloc(size_t{1} << 31);
    arena.Measure(meter, 24, 0);
    arena.MeasureFree(meter, rest);
  });
}

TEST(ArenaTlsfBound, HoldsWhereThereIsNoMemory) {
  ExpectBounded("a full region", kBound, [](InstructionMeter *meter) {
    Arena arena(size_t{1} << 20);
    std::vector<void *> blocks;
    for (void *block = arena.Alloc(64); block != nullptr; block = arena.Alloc(64))
      blocks.push_back(block);
    for (size_t i = 0; i < 20; ++i)
      arena.MeasureFree(meter, blocks[i * 37]);
    for (size_t i = 0; i < 20; ++i) {
      meter->Begin();
      (void)!arena.Alloc(64);
      meter->End();
    }
  });
}

TEST(ArenaTlsfBound, HoldsForReallocInPlace) {
  ExpectBounded("realloc in place", kBound, [](InstructionMeter *meter) {
    Arena arena(size_t{1} << 22);
    void *const block = arena.Alloc(100);
    for (const size_t size : {2000, 1000, 100, 1 << 20, 24, 40, 24}) {
      meter->Begin();
      void *const resized = aml_arena_realloc(arena.get(), block, size, 0, 0);
      meter->End();
      if (resized != block)
        std::abort();
    }
  });
}

} // namespace
