// SPDX-License-Identifier: BSD-3-Clause
//
// A look-up, against the loop over weights by which the kernel finds a node; and the making of a
// binding, by the length of its period.

#include "aml/binding/weighted.h"

#include <benchmark/benchmark.h>

#include <vector>

#include "aml/binding/lookup_benchmark.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

using namespace aml_testing;

aml_nodeset FirstDevices(size_t count) {
  aml_nodeset devices = {};
  for (size_t device = 0; device < count; ++device)
    (void)aml_nodeset_add(&devices, static_cast<int>(device));
  return devices;
}

struct Weighted {
  explicit Weighted(benchmark::State &state) {
    const aml_nodeset devices = FirstDevices(3);
    const aml_binding_weighted_options options = {weights.data(), nullptr};
    if (aml_binding_weighted_init(binding, &devices, &options) != 0)
      state.SkipWithError(aml_error_detail());
  }
  Weighted(const Weighted &) = delete;
  ~Weighted() { aml_binding_fini(binding); }
  std::vector<unsigned> weights = {8, 3, 1};
  AML_BINDING_WEIGHTED_DECL(binding);
};

// Not the same mapping: it gives each device its items in one run.
void BM_Baseline_LoopOverWeights(benchmark::State &state) {
  const Weighted weighted(state);
  size_t total = 12;
  benchmark::DoNotOptimize(&total);
  LookUpAll(state, [&](size_t i) {
    size_t left = i % total;
    int device = 0;
    for (; left >= weighted.weights[static_cast<size_t>(device)]; ++device)
      left -= weighted.weights[static_cast<size_t>(device)];
    return device;
  });
}

void BM_BindingWeighted_DeviceOfInline(benchmark::State &state) {
  const Weighted weighted(state);
  LookUpAllAs(state, weighted.binding,
              [&](size_t i) { return aml_binding_weighted_device_of(weighted.binding, i); });
}

void BM_BindingWeighted_DeviceOf(benchmark::State &state) {
  const Weighted weighted(state);
  LookUpAllGeneric(state, weighted.binding);
}

// Of eight devices, with a period of as many items as the benchmark says.
void BM_BindingWeighted_Init(benchmark::State &state) {
  const aml_nodeset devices = FirstDevices(8);
  const auto length = static_cast<unsigned>(state.range(0));
  const unsigned weights[] = {1, 2, 3, 4, 5, 6, 7, length - 28};
  const aml_binding_weighted_options options = {weights, nullptr};
  for (auto _ : state) {
    AML_BINDING_WEIGHTED_DECL(binding);
    if (aml_binding_weighted_init(binding, &devices, &options) != 0)
      state.SkipWithError(aml_error_detail());
    aml_binding_fini(binding);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(BM_Baseline_LoopOverWeights);
BENCHMARK(BM_BindingWeighted_DeviceOfInline);
BENCHMARK(BM_BindingWeighted_DeviceOf);
BENCHMARK(BM_BindingWeighted_Init)->Arg(64)->Arg(65536);

} // namespace
