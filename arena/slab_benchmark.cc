// SPDX-License-Identifier: BSD-3-Clause
//
// What a block costs, in time, beside allocators for all purposes: see peer_benchmark.h. What an
// arena costs that lives shortly. ArenaSlab is over pages of the base size, ArenaSlabOverLinux over
// area:linux as it is by default, which asks for transparent huge pages; the peers have those only
// where the system gives them unasked ("always" in /sys/kernel/mm/transparent_hugepage/enabled).
// And what memory it takes, over either:
//
//   BM_ArenaSlab_Memory/<MiB>  fills so many MiB with blocks of 16 to 2048 bytes, log-uniform, and
//                              replaces them four times over at random (counter churn_small, bytes
//                              resident for each that is live); frees three quarters, and replaces
//                              the rest four times over by blocks of 16 bytes to 64 KiB
//                              (churn_mixed); frees a random nine tenths (killed); frees all
//                              (left_mib)

#include "aml/arena/slab.h"

#include <benchmark/benchmark.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <random>
#include <utility>
#include <vector>

#include "aml/area/linux.h"
#include "aml/arena/peer_benchmark.h"
#include "aml/arena/slab_testing.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"

namespace {

aml_arena *Make() {
  static PurgingArea area;
  aml_arena *arena = nullptr;
  return aml_arena_slab_create(&arena, area.get(), nullptr) == 0 ? arena : nullptr;
}

aml_arena *MakeOverLinux() {
  static aml_area *area = nullptr;
  aml_arena *arena = nullptr;
  if (area == nullptr && aml_area_linux_create(&area, nullptr) != 0)
    return nullptr;
  return aml_arena_slab_create(&arena, area, nullptr) == 0 ? arena : nullptr;
}

const bool registered = aml_benchmark::BenchmarkArena("ArenaSlab", Make) &&
                        aml_benchmark::BenchmarkArena("ArenaSlabOverLinux", MakeOverLinux) &&
                        aml_benchmark::BenchmarkPeers() &&
                        aml_benchmark::BenchmarkHandover("ArenaSlab", Make);

// The life of an arena in a region: made, used for some blocks, ended with them.
void BM_ArenaSlab_CreateAllocDestroy(benchmark::State &state) {
  std::vector<char> region(size_t{1} << 20, 1);
  const aml_arena_slab_options options = {0, 0, region.data(), region.size(), 0};
  for (auto _ : state) {
    AML_ARENA_SLAB_DECL(arena);
    if (aml_arena_slab_init(arena, nullptr, &options) != 0)
      return state.SkipWithError("no arena");
    for (int64_t i = 0; i < state.range(0); ++i)
      benchmark::DoNotOptimize(aml_arena_alloc(arena, 64, 0, 0));
    aml_arena_fini(arena);
  }
}

// A chunk that an arena keeps, beside one that is mapped anew each time.
void BM_ArenaSlab_RecycledChunk(benchmark::State &state) {
  aml_arena *arena = Make();
  for (auto _ : state) {
    void *const block = aml_arena_alloc(arena, size_t{1} << 20, 0, 0);
    benchmark::DoNotOptimize(block);
    aml_arena_free(arena, block);
  }
  aml_arena_destroy(&arena);
}

// A block that is cut out of a region of so many MiB, otherwise not used, and given back.
void BM_ArenaSlab_CutFromRegion(benchmark::State &state) {
  const size_t size = static_cast<size_t>(state.range(0)) << 20;
  void *const region =
      mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  const aml_arena_slab_options options = {0, 0, region, size, 0};
  aml_arena *arena = nullptr;
  if (region == MAP_FAILED || aml_arena_slab_create(&arena, nullptr, &options) != 0)
    return state.SkipWithError("no arena");
  for (auto _ : state) {
    void *const block = aml_arena_alloc(arena, size_t{2} << 20, 0, 0);
    benchmark::DoNotOptimize(block);
    aml_arena_free(arena, block);
  }
  aml_arena_destroy(&arena);
  munmap(region, size);
}

void BM_Baseline_MapAndUnmap(benchmark::State &state) {
  for (auto _ : state) {
    void *const chunk =
        mmap(nullptr, size_t{1} << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    benchmark::DoNotOptimize(chunk);
    munmap(chunk, size_t{1} << 20);
  }
}

// A pair in each of so many arenas in turn.
void BM_ArenaSlab_InTurn(benchmark::State &state) {
  std::vector<aml_arena *> arenas(static_cast<size_t>(state.range(0)));
  for (aml_arena *&arena : arenas)
    arena = Make();
  size_t turn = 0;
  for (auto _ : state) {
    aml_arena *const arena = arenas[turn];
    turn = turn + 1 == arenas.size() ? 0 : turn + 1;
    void *const block = aml_arena_alloc(arena, 64, 0, 0);
    benchmark::DoNotOptimize(block);
    aml_arena_free(arena, block);
  }
  for (aml_arena *&arena : arenas)
    aml_arena_destroy(&arena);
}

// Random replacement by each of some threads in one arena.
void BM_ArenaSlab_ReplaceByThreads(benchmark::State &state) {
  static aml_arena *const arena = Make();
  std::mt19937 random(1);
  std::vector<void *> blocks(10000);
  std::vector<std::mt19937::result_type> draws(size_t{1} << 16);
  for (auto &draw : draws)
    draw = random();
  for (void *&block : blocks)
    block = aml_arena_alloc(arena, 16 + random() % 1009, 0, 0);
  size_t next = 0;
  for (auto _ : state) {
    const auto draw = draws[next++ % draws.size()];
    void *&block = blocks[draw % 10000];
    aml_arena_free(arena, block);
    block = aml_arena_alloc(arena, 16 + (draw >> 16) % 1009, 0, 0);
    std::memset(block, 1, 8);
  }
  for (void *const block : blocks)
    aml_arena_free(arena, block);
}

size_t ResidentSize() {
  std::ifstream file("/proc/self/statm");
  size_t size = 0;
  size_t resident = 0;
  file >> size >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// Blocks that are written to, their sizes log-uniform.
class Population {
public:
  Population(aml_arena *arena, size_t most_blocks) : arena_(arena), blocks_(most_blocks) {
    std::memset(static_cast<void *>(blocks_.data()), 1, most_blocks * sizeof blocks_[0]);
    base_ = ResidentSize();
  }

  size_t live() const { return live_; }
  double ResidentPerLive() const {
    return static_cast<double>(Resident()) / static_cast<double>(live_);
  }
  size_t Resident() const { return ResidentSize() - base_; }

  void Fill(size_t size, double most) {
    while (live_ < size && count_ < blocks_.size())
      blocks_[count_++] = New(most);
  }

  void ReplaceFourTimes(double most) {
    for (size_t i = 4 * count_; i != 0; --i) {
      Block &block = blocks_[random_() % count_];
      Free(block);
      block = New(most);
    }
  }

  // Leaves one of so many, at random.
  void FreeAllBut(size_t divisor) {
    for (size_t i = 0; i < count_; ++i)
      std::swap(blocks_[i], blocks_[random_() % count_]);
    for (const size_t rest = divisor == 0 ? 0 : count_ / divisor; count_ > rest;)
      Free(blocks_[--count_]);
  }

private:
  struct Block {
    void *bytes;
    size_t size;
  };

  Block New(double most) {
    std::uniform_real_distribution<double> power(std::log(16.0), std::log(most));
    const auto size = static_cast<size_t>(std::exp(power(random_)));
    void *const bytes = aml_arena_alloc(arena_, size, 0, 0);
    std::memset(bytes, 1, size);
    live_ += size;
    return {bytes, size};
  }

  void Free(const Block &block) {
    live_ -= block.size;
    aml_arena_free(arena_, block.bytes);
  }

  aml_arena *arena_;
  std::vector<Block> blocks_;
  std::mt19937_64 random_{1};
  size_t count_ = 0;
  size_t live_ = 0;
  size_t base_ = 0;
};

void MemoryOf(benchmark::State &state, aml_benchmark::MakeArena make) {
  const size_t size = static_cast<size_t>(state.range(0)) << 20;
  for (auto _ : state) {
    aml_arena *arena = make();
    Population blocks(arena, size / 256);
    blocks.Fill(size, 2048);
    blocks.ReplaceFourTimes(2048);
    state.counters["churn_small"] = blocks.ResidentPerLive();
    blocks.FreeAllBut(4);
    blocks.ReplaceFourTimes(65536);
    state.counters["churn_mixed"] = blocks.ResidentPerLive();
    blocks.FreeAllBut(10);
    state.counters["killed"] = blocks.ResidentPerLive();
    blocks.FreeAllBut(0);
    state.counters["left_mib"] = static_cast<double>(blocks.Resident()) / 1048576.0;
    aml_arena_destroy(&arena);
  }
}

void BM_ArenaSlab_Memory(benchmark::State &state) {
  MemoryOf(state, Make);
}

void BM_ArenaSlabOverLinux_Memory(benchmark::State &state) {
  MemoryOf(state, MakeOverLinux);
}

BENCHMARK(BM_ArenaSlab_CreateAllocDestroy)->Arg(1)->Arg(1000);
BENCHMARK(BM_Baseline_MapAndUnmap);
BENCHMARK(BM_ArenaSlab_RecycledChunk);
BENCHMARK(BM_ArenaSlab_InTurn)->Arg(1)->Arg(2)->Arg(32);
BENCHMARK(BM_ArenaSlab_CutFromRegion)->Arg(64)->Arg(65536);
BENCHMARK(BM_ArenaSlab_ReplaceByThreads)->Threads(1)->Threads(2);
BENCHMARK(BM_ArenaSlab_Memory)->Arg(64)->Arg(256)->Unit(benchmark::kMillisecond)->Iterations(1);
BENCHMARK(BM_ArenaSlabOverLinux_Memory)
    ->Arg(64)
    ->Arg(256)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

} // namespace
