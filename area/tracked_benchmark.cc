// SPDX-License-Identifier: BSD-3-Clause
//
// What the account costs: over an area that costs nothing, with as many mappings live beside as the
// second argument says; and over anonymous memory.

#include "aml/area/tracked.h"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <vector>

#include "aml/area/linux.h"
#include "aml/area/wrapper_benchmark.h"
#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

void BM_AreaTracked_Map(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  AddressArea inner;
  AML_AREA_TRACKED_DECL(area);
  if (aml_area_tracked_init(area, inner.get(), nullptr) != 0)
    return state.SkipWithError(aml_error_detail());
  std::vector<void *> others(static_cast<size_t>(state.range(1)));
  for (void *&other : others)
    other = aml_area_map(area, size, nullptr);
  MapAndUnmap(state, area);
  aml_area_tracked_stats stats = {};
  if (aml_area_tracked_get_stats(area, &stats) != 0 || stats.live_count != others.size())
    state.SkipWithError("the account is wrong");
  for (void *const other : others)
    if (aml_area_unmap(area, other, size) != 0)
      state.SkipWithError(aml_error_detail());
  aml_area_fini(area);
}

void BM_Baseline_LinuxMap(benchmark::State &state) {
  AML_AREA_LINUX_DECL(inner);
  if (aml_area_linux_init(inner, nullptr) != 0)
    return state.SkipWithError(aml_error_detail());
  MapAndUnmap(state, inner);
  aml_area_fini(inner);
}

void BM_AreaTracked_LinuxMap(benchmark::State &state) {
  AML_AREA_LINUX_DECL(inner);
  AML_AREA_TRACKED_DECL(area);
  if (aml_area_linux_init(inner, nullptr) != 0 || aml_area_tracked_init(area, inner, nullptr) != 0)
    return state.SkipWithError(aml_error_detail());
  MapAndUnmap(state, area);
  aml_area_fini(area);
  aml_area_fini(inner);
}

BENCHMARK(BM_AreaTracked_Map)->Args({4096, 0})->Args({4096, 100})->Args({4096, 10000});
BENCHMARK(BM_Baseline_LinuxMap)->Arg(4096)->Arg(2 << 20);
BENCHMARK(BM_AreaTracked_LinuxMap)->Arg(4096)->Arg(2 << 20);

} // namespace
