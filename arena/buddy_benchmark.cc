// SPDX-License-Identifier: BSD-3-Clause
//
// What a block costs, in time and in memory, beside allocators for all purposes: see
// peer_benchmark.h. A pair of few bytes in an empty arena is the worst there is: a chunk is cut
// from its largest block to the least, and merged again. And what it costs to tell many chunks
// apart, and to reset a region of which little was used.

#include "aml/arena/buddy.h"

#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "aml/arena/peer_benchmark.h"
#include "aml/core/arena.h"
#include "aml/tests/support/page_area.h"

namespace {

aml_arena *Make() {
  static PageArea area;
  aml_arena *arena = nullptr;
  return aml_arena_buddy_create(&arena, area.get(), nullptr) == 0 ? arena : nullptr;
}

const bool registered =
    aml_benchmark::BenchmarkArena("ArenaBuddy", Make) && aml_benchmark::BenchmarkPeers();

// Frees one of many blocks at random, and allocates it again; each block has a chunk of its own.
void BM_ArenaBuddy_ReplaceOverChunks(benchmark::State &state) {
  constexpr size_t kSize = 4096;
  const auto count = static_cast<size_t>(state.range(0));
  PageArea area;
  area.Hide();
  aml_arena_buddy_options options = {};
  options.chunk_size = options.min_block = kSize;
  aml_arena *arena = nullptr;
  if (aml_arena_buddy_create(&arena, area.get(), &options) != 0)
    return state.SkipWithError("no arena");
  std::mt19937 random(1);
  std::vector<void *> blocks(count);
  for (void *&block : blocks)
    block = aml_arena_alloc(arena, kSize, 0, 0);
  for (auto _ : state) {
    void *&block = blocks[random() % count];
    aml_arena_free(arena, block);
    block = aml_arena_alloc(arena, kSize, 0, 0);
  }
  aml_arena_destroy(&arena);
}

BENCHMARK(BM_ArenaBuddy_ReplaceOverChunks)->Arg(1)->Arg(100)->Arg(10000);

// Allocates a large block and a small one, and resets.
void BM_ArenaBuddy_Reset(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  void *const memory =
      mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  const aml_arena_buddy_options options = {0, 0, memory, size, 0};
  aml_arena *arena = nullptr;
  if (memory == MAP_FAILED || aml_arena_buddy_create(&arena, nullptr, &options) != 0)
    return state.SkipWithError("no arena");
  for (auto _ : state)
    if (aml_arena_alloc(arena, size / 4, 0, 0) == nullptr ||
        aml_arena_alloc(arena, 64, 0, 0) == nullptr || aml_arena_reset(arena) != 0)
      return state.SkipWithError("no block");
  aml_arena_destroy(&arena);
  munmap(memory, size);
}

BENCHMARK(BM_ArenaBuddy_Reset)->RangeMultiplier(1 << 8)->Range(1 << 20, int64_t{1} << 36);

} // namespace
