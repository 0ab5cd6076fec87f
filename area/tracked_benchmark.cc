// SPDX-License-Identifier: BSD-3-Clause
//
// What the account costs: map and unmap of an area that only hands out addresses, without and with
// it, with as many mappings live beside as the second argument says; and of anonymous memory.

#include "aml/area/tracked.h"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <vector>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

constexpr size_t kPage = 4096;

// An area without memory, whose mappings are addresses in turn; what is added to it is the wrapper.
struct Counter {
  aml_area area;
  char *next;
};

int CounterMap(aml_area *area, size_t size, const aml_area_map_options *, void **pointer) {
  auto *const counter = reinterpret_cast<Counter *>(area);
  *pointer = counter->next;
  counter->next += (size + kPage - 1) / kPage * kPage;
  return 0;
}

int CounterUnmap(aml_area *, void *, size_t) {
  return 0;
}

int CounterInfo(aml_area *, const void *, aml_area_info *info) {
  *info = aml_area_info{};
  info->type = "counter";
  info->granularity = info->max_alignment = info->page_size = kPage;
  info->size = AML_UNKNOWN;
  return 0;
}

aml_area_ops CounterOps() {
  aml_area_ops ops = {};
  ops.name = "counter";
  ops.map = CounterMap;
  ops.unmap = CounterUnmap;
  ops.info = CounterInfo;
  ops.capabilities = [](const aml_area *) { return 0u; };
  ops.fini = [](aml_area *) {};
  return ops;
}

// Maps and unmaps in a loop, with `live` mappings beside.
void MapAndUnmap(benchmark::State &state, aml_area *area, size_t live) {
  const auto size = static_cast<size_t>(state.range(0));
  std::vector<void *> others;
  for (size_t i = 0; i < live; ++i)
    others.push_back(aml_area_map(area, size, nullptr));
  for (auto _ : state) {
    void *const bytes = aml_area_map(area, size, nullptr);
    if (bytes == nullptr || aml_area_unmap(area, bytes, size) != 0) {
      state.SkipWithError(aml_error_detail());
      break;
    }
  }
  for (void *const other : others)
    if (aml_area_unmap(area, other, size) != 0)
      state.SkipWithError(aml_error_detail());
}

void BM_Baseline_Counter(benchmark::State &state) {
  const aml_area_ops ops = CounterOps();
  Counter counter = {{&ops}, reinterpret_cast<char *>(kPage)};
  MapAndUnmap(state, &counter.area, static_cast<size_t>(state.range(1)));
}

void BM_AreaTracked_Counter(benchmark::State &state) {
  const aml_area_ops ops = CounterOps();
  Counter counter = {{&ops}, reinterpret_cast<char *>(kPage)};
  AML_AREA_TRACKED_DECL(area);
  if (aml_area_tracked_init(area, &counter.area, nullptr) != 0)
    return state.SkipWithError(aml_error_detail());
  MapAndUnmap(state, area, static_cast<size_t>(state.range(1)));
  aml_area_tracked_stats stats = {};
  if (aml_area_tracked_get_stats(area, &stats) != 0 || stats.live_count != 0)
    state.SkipWithError("the account is wrong");
  aml_area_fini(area);
}

void BM_Baseline_Linux(benchmark::State &state) {
  AML_AREA_LINUX_DECL(inner);
  if (aml_area_linux_init(inner, nullptr) != 0)
    return state.SkipWithError(aml_error_detail());
  MapAndUnmap(state, inner, 0);
  aml_area_fini(inner);
}

void BM_AreaTracked_Linux(benchmark::State &state) {
  AML_AREA_LINUX_DECL(inner);
  AML_AREA_TRACKED_DECL(area);
  if (aml_area_linux_init(inner, nullptr) != 0 || aml_area_tracked_init(area, inner, nullptr) != 0)
    return state.SkipWithError(aml_error_detail());
  MapAndUnmap(state, area, 0);
  aml_area_fini(area);
  aml_area_fini(inner);
}

BENCHMARK(BM_Baseline_Counter)->Args({4096, 0})->Args({4096, 1000});
BENCHMARK(BM_AreaTracked_Counter)->Args({4096, 0})->Args({4096, 100})->Args({4096, 10000});
BENCHMARK(BM_Baseline_Linux)->Arg(4096)->Arg(2 << 20);
BENCHMARK(BM_AreaTracked_Linux)->Arg(4096)->Arg(2 << 20);

} // namespace
