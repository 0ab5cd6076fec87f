// SPDX-License-Identifier: BSD-3-Clause
//
// Map and unmap in a region, of which other mappings have left so many pieces free that are too
// small, beside malloc() and free().

#include "aml/area/fixed.h"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

constexpr size_t kGranule = 64;
constexpr size_t kSize = 4096;

void BM_Baseline_Malloc(benchmark::State &state) {
  for (auto _ : state) {
    void *const memory = malloc(kSize);
    benchmark::DoNotOptimize(memory);
    free(memory);
  }
}
BENCHMARK(BM_Baseline_Malloc);

void BM_AreaFixed_Map(benchmark::State &state) {
  const auto pieces = static_cast<size_t>(state.range(0));
  std::vector<char> region(2 * pieces * kGranule + (size_t{1} << 20));
  aml_area_fixed_options options = {};
  options.pointer = region.data();
  options.size = region.size();
  AML_AREA_FIXED_DECL(area);
  if (aml_area_fixed_init(area, &options) != 0)
    state.SkipWithError(aml_error_detail());
  std::vector<void *> live(2 * pieces);
  for (void *&one : live)
    one = aml_area_map(area, 1, nullptr);
  for (size_t i = 0; i < live.size(); i += 2)
    (void)aml_area_unmap(area, live[i], 1);
  aml_area_map_options no_zero = {};
  no_zero.flags = AML_AREA_MAP_NO_ZERO;
  for (auto _ : state) {
    void *const memory = aml_area_map(area, kSize, &no_zero);
    if (memory == nullptr || aml_area_unmap(area, memory, kSize) != 0) {
      state.SkipWithError(aml_error_detail());
      break;
    }
  }
  aml_area_fini(area);
}
BENCHMARK(BM_AreaFixed_Map)->Arg(0)->Arg(10)->Arg(1000);

} // namespace
