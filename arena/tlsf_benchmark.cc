// SPDX-License-Identifier: BSD-3-Clause
//
// What a block costs, in time and in memory, beside allocators for all purposes: see
// peer_benchmark.h. And what an arena costs that lives shortly.

#include "aml/arena/tlsf.h"

#include <benchmark/benchmark.h>

#include <vector>

#include "aml/arena/peer_benchmark.h"
#include "aml/core/arena.h"
#include "aml/tests/support/page_area.h"

namespace {

aml_arena *Make() {
  static PageArea area;
  aml_arena *arena = nullptr;
  return aml_arena_tlsf_create(&arena, area.get(), nullptr) == 0 ? arena : nullptr;
}

const bool registered =
    aml_benchmark::BenchmarkArena("ArenaTlsf", Make) && aml_benchmark::BenchmarkPeers();

// The life of an arena in a region: made, used for some blocks, ended with them.
void BM_ArenaTlsf_CreateAllocDestroy(benchmark::State &state) {
  std::vector<char> region(size_t{1} << 20, 1);
  const aml_arena_tlsf_options options = {0, 0, region.data(), region.size()};
  for (auto _ : state) {
    aml_arena *arena = nullptr;
    if (aml_arena_tlsf_create(&arena, nullptr, &options) != 0)
      return state.SkipWithError("no arena");
    for (int64_t i = 0; i < state.range(0); ++i)
      benchmark::DoNotOptimize(aml_arena_alloc(arena, 64, 0, 0));
    aml_arena_destroy(&arena);
  }
}

BENCHMARK(BM_ArenaTlsf_CreateAllocDestroy)->Arg(1)->Arg(1000);

} // namespace
