// SPDX-License-Identifier: BSD-3-Clause
//
// What a quota adds to map and unmap: over an area that costs nothing, and over anonymous memory.

#include "aml/area/limited.h"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>

#include "aml/area/linux.h"
#include "aml/area/wrapper_benchmark.h"
#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

// Puts a quota over an area, and measures.
void Measure(benchmark::State &state, aml_area *inner, size_t reserve) {
  aml_area_quota quota;
  aml_area_quota_options options = {};
  options.limit = SIZE_MAX / 2;
  AML_AREA_LIMITED_DECL(area);
  if (aml_area_quota_init(&quota, &options) != 0 ||
      aml_area_limited_init(area, inner, &quota, reserve) != 0) {
    state.SkipWithError(aml_error_detail());
    return;
  }
  MapAndUnmap(state, area);
  aml_area_fini(area);
}

void BM_AreaLimited_Map(benchmark::State &state) {
  AddressArea inner;
  Measure(state, inner.get(), 0);
}
BENCHMARK(BM_AreaLimited_Map)->Arg(4096);

void BM_AreaLimited_MapReserved(benchmark::State &state) {
  AddressArea inner;
  Measure(state, inner.get(), size_t{1} << 20);
}
BENCHMARK(BM_AreaLimited_MapReserved)->Arg(4096);

void BM_Baseline_Linux(benchmark::State &state) {
  AML_AREA_LINUX_DECL(inner);
  if (aml_area_linux_init(inner, nullptr) != 0)
    state.SkipWithError(aml_error_detail());
  MapAndUnmap(state, inner);
}
BENCHMARK(BM_Baseline_Linux)->Arg(4096);

void BM_AreaLimited_MapLinux(benchmark::State &state) {
  AML_AREA_LINUX_DECL(inner);
  if (aml_area_linux_init(inner, nullptr) != 0)
    state.SkipWithError(aml_error_detail());
  Measure(state, inner, 0);
}
BENCHMARK(BM_AreaLimited_MapLinux)->Arg(4096);

} // namespace
