// SPDX-License-Identifier: BSD-3-Clause
//
// What the area adds to the heap's own calls: map and unmap beside posix_memalign() and free(), and
// beside calloc() where memory is to be zero.

#include "aml/area/heap.h"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

size_t SizeOf(const benchmark::State &state) {
  return static_cast<size_t>(state.range(0));
}

void BM_Baseline_Memalign(benchmark::State &state) {
  for (auto _ : state) {
    void *memory = nullptr;
    if (posix_memalign(&memory, 64, SizeOf(state)) != 0)
      state.SkipWithError("no memory");
    free(memory);
  }
}

void BM_Baseline_Calloc(benchmark::State &state) {
  for (auto _ : state) {
    void *const memory = calloc(1, SizeOf(state));
    if (memory == nullptr)
      state.SkipWithError("no memory");
    free(memory);
  }
}

void Map(benchmark::State &state, unsigned flags) {
  AML_AREA_HEAP_DECL(area);
  aml_area_map_options options = {};
  options.flags = flags;
  if (aml_area_heap_init(area) != 0)
    state.SkipWithError(aml_error_detail());
  for (auto _ : state) {
    void *const memory = aml_area_map(area, SizeOf(state), &options);
    if (memory == nullptr || aml_area_unmap(area, memory, SizeOf(state)) != 0) {
      state.SkipWithError(aml_error_detail());
      break;
    }
  }
}

void BM_AreaHeap_Map(benchmark::State &state) {
  Map(state, AML_AREA_MAP_NO_ZERO);
}
void BM_AreaHeap_MapZeroed(benchmark::State &state) {
  Map(state, 0);
}

constexpr int64_t kSmall = 4 << 10;
constexpr int64_t kLarge = 64 << 10;

BENCHMARK(BM_Baseline_Memalign)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_AreaHeap_Map)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_Baseline_Calloc)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_AreaHeap_MapZeroed)->Arg(kSmall)->Arg(kLarge);

} // namespace
