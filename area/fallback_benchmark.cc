// SPDX-License-Identifier: BSD-3-Clause
//
// What falling back costs: over an area that costs nothing, over two of which the first is full,
// and over anonymous memory.

#include "aml/area/fallback.h"

#include <benchmark/benchmark.h>

#include <cstddef>

#include "aml/area/linux.h"
#include "aml/area/wrapper_benchmark.h"
#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

// Maps and unmaps by an area over others, all but the last of which are full.
void Fallback(benchmark::State &state, size_t count, aml_area *const areas[]) {
  AML_AREA_FALLBACK_DECL(area);
  if (aml_area_fallback_init(area, count, areas, nullptr) != 0)
    return state.SkipWithError(aml_error_detail());
  MapAndUnmap(state, area);
  aml_area_fallback_stats stats = {};
  if (aml_area_fallback_get_stats(area, count - 1, &stats) != 0 || stats.live_count != 0 ||
      stats.maps < static_cast<uint64_t>(state.iterations()))
    state.SkipWithError("another area served");
  aml_area_fini(area);
}

void BM_AreaFallback_Map(benchmark::State &state) {
  AddressArea inner;
  aml_area *const areas[] = {inner.get()};
  Fallback(state, 1, areas);
}

// An area that is full, and says so as others do.
int MapNothing(aml_area *, size_t size, const aml_area_map_options *, void **) {
  return aml_error_set_value(-AML_ENOMEM, "aml_area_map", "size", size, "is more than there is");
}

void BM_AreaFallback_MapSecond(benchmark::State &state) {
  AddressArea inner;
  aml_area_ops ops = *inner.get()->ops;
  ops.map = MapNothing;
  aml_area full = {&ops};
  aml_area *const areas[] = {&full, inner.get()};
  Fallback(state, 2, areas);
}

void BM_Baseline_LinuxMap(benchmark::State &state) {
  AML_AREA_LINUX_DECL(inner);
  if (aml_area_linux_init(inner, nullptr) != 0)
    return state.SkipWithError(aml_error_detail());
  MapAndUnmap(state, inner);
  aml_area_fini(inner);
}

void BM_AreaFallback_LinuxMap(benchmark::State &state) {
  AML_AREA_LINUX_DECL(inner);
  if (aml_area_linux_init(inner, nullptr) != 0)
    return state.SkipWithError(aml_error_detail());
  aml_area *const areas[] = {inner};
  Fallback(state, 1, areas);
  aml_area_fini(inner);
}

BENCHMARK(BM_AreaFallback_Map)->Arg(4096);
BENCHMARK(BM_AreaFallback_MapSecond)->Arg(4096);
BENCHMARK(BM_Baseline_LinuxMap)->Arg(4096)->Arg(2 << 20);
BENCHMARK(BM_AreaFallback_LinuxMap)->Arg(4096)->Arg(2 << 20);

} // namespace
