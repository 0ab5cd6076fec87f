// SPDX-License-Identifier: BSD-3-Clause
//
// What a block costs: through the inline form and the generic call, against a pointer increment
// written by hand, std::pmr's monotonic resource, and malloc with free. Each iteration allocates
// 1000 blocks and gives them back at once; time is per iteration, items per second are blocks.

#include "aml/arena/bump.h"

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory_resource>
#include <vector>

#include "aml/core/arena.h"

namespace {

constexpr int kBlocks = 1000;
constexpr size_t kAlignment = 16;
constexpr size_t kRegionSize = size_t{2} << 20;

std::vector<char> &Region() {
  static std::vector<char> region(kRegionSize, 1);
  return region;
}

// Does what a user would write: align, compare, add.
struct Increment {
  char *base;
  char *next;
  char *end;

  void *Alloc(size_t size) {
    auto *block = reinterpret_cast<char *>((reinterpret_cast<uintptr_t>(next) + kAlignment - 1) &
                                           ~(uintptr_t{kAlignment} - 1));
    if (block + size > end)
      return nullptr;
    next = block + size;
    return block;
  }
};

size_t SizeOf(const benchmark::State &state) {
  return static_cast<size_t>(state.range(0));
}

void Count(benchmark::State &state) {
  state.SetItemsProcessed(state.iterations() * kBlocks);
}

void BM_Baseline_PointerIncrement(benchmark::State &state) {
  Increment increment{Region().data(), Region().data(), Region().data() + kRegionSize};
  const size_t size = SizeOf(state);
  for (auto _ : state) {
    for (int i = 0; i < kBlocks; ++i)
      benchmark::DoNotOptimize(increment.Alloc(size));
    increment.next = increment.base;
  }
  Count(state);
}

// A bump arena over the region, ended with the benchmark.
class RegionArena {
public:
  explicit RegionArena(benchmark::State &state) {
    const aml_arena_bump_options options = {0, 0, Region().data(), kRegionSize};
    if (aml_arena_bump_create(&arena_, nullptr, &options) != 0)
      state.SkipWithError("no arena");
  }
  RegionArena(const RegionArena &) = delete;
  ~RegionArena() { aml_arena_destroy(&arena_); }
  aml_arena *get() { return arena_; }

private:
  aml_arena *arena_ = nullptr;
};

void BM_ArenaBump_AllocInline(benchmark::State &state) {
  RegionArena arena(state);
  const size_t size = SizeOf(state);
  for (auto _ : state) {
    for (int i = 0; i < kBlocks; ++i)
      benchmark::DoNotOptimize(aml_arena_bump_alloc(arena.get(), size, kAlignment));
    (void)!aml_arena_reset(arena.get());
  }
  Count(state);
}

void BM_ArenaBump_Alloc(benchmark::State &state) {
  RegionArena arena(state);
  const size_t size = SizeOf(state);
  for (auto _ : state) {
    for (int i = 0; i < kBlocks; ++i)
      benchmark::DoNotOptimize(aml_arena_alloc(arena.get(), size, kAlignment, 0));
    (void)!aml_arena_reset(arena.get());
  }
  Count(state);
}

void BM_Baseline_PmrMonotonic(benchmark::State &state) {
  const size_t size = SizeOf(state);
  for (auto _ : state) {
    std::pmr::monotonic_buffer_resource resource(Region().data(), kRegionSize,
                                                 std::pmr::null_memory_resource());
    for (int i = 0; i < kBlocks; ++i)
      benchmark::DoNotOptimize(resource.allocate(size, kAlignment));
  }
  Count(state);
}

void BM_Baseline_MallocFree(benchmark::State &state) {
  const size_t size = SizeOf(state);
  std::array<void *, kBlocks> blocks{};
  for (auto _ : state) {
    for (void *&block : blocks)
      block = std::malloc(size);
    benchmark::DoNotOptimize(blocks.data());
    for (void *block : blocks)
      std::free(block);
  }
  Count(state);
}

// The life of an arena that is made, used once and ended.
void BM_ArenaBump_CreateAllocDestroy(benchmark::State &state) {
  const size_t size = SizeOf(state);
  for (auto _ : state) {
    RegionArena arena(state);
    for (int i = 0; i < kBlocks; ++i)
      benchmark::DoNotOptimize(aml_arena_bump_alloc(arena.get(), size, kAlignment));
  }
  Count(state);
}

void BM_ArenaBump_Reset(benchmark::State &state) {
  RegionArena arena(state);
  for (auto _ : state)
    benchmark::DoNotOptimize(aml_arena_reset(arena.get()));
}

BENCHMARK(BM_Baseline_PointerIncrement)->Arg(16)->Arg(64)->Arg(1000);
BENCHMARK(BM_Baseline_PmrMonotonic)->Arg(16)->Arg(64)->Arg(1000);
BENCHMARK(BM_Baseline_MallocFree)->Arg(16)->Arg(64)->Arg(1000);
BENCHMARK(BM_ArenaBump_AllocInline)->Arg(16)->Arg(64)->Arg(1000);
BENCHMARK(BM_ArenaBump_Alloc)->Arg(16)->Arg(64)->Arg(1000);
BENCHMARK(BM_ArenaBump_CreateAllocDestroy)->Arg(64);
BENCHMARK(BM_ArenaBump_Reset);

} // namespace
