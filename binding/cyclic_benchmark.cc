// SPDX-License-Identifier: BSD-3-Clause
//
// A look-up, against the two divisions that a user would write.

#include "aml/binding/cyclic.h"

#include <benchmark/benchmark.h>

#include "aml/binding/lookup_benchmark.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

using namespace aml_testing;

struct Cyclic {
  explicit Cyclic(benchmark::State &state) {
    const aml_binding_cyclic_options options = {7};
    aml_nodeset devices = {};
    for (int device = 0; device < 3; ++device)
      (void)aml_nodeset_add(&devices, device);
    if (aml_binding_cyclic_init(binding, &devices, &options) != 0)
      state.SkipWithError(aml_error_detail());
  }
  Cyclic(const Cyclic &) = delete;
  ~Cyclic() { aml_binding_fini(binding); }
  AML_BINDING_CYCLIC_DECL(binding);
};

void BM_Baseline_TwoDivisions(benchmark::State &state) {
  const Cyclic cyclic(state);
  size_t block = 7;
  size_t of = 3;
  benchmark::DoNotOptimize(&block);
  benchmark::DoNotOptimize(&of);
  LookUpAllAs(state, cyclic.binding,
              [&](size_t i) { return int{cyclic.binding_storage.devices[i / block % of]}; });
}

void BM_BindingCyclic_DeviceOfInline(benchmark::State &state) {
  const Cyclic cyclic(state);
  LookUpAllAs(state, cyclic.binding,
              [&](size_t i) { return aml_binding_cyclic_device_of(cyclic.binding, i); });
}

void BM_BindingCyclic_DeviceOf(benchmark::State &state) {
  const Cyclic cyclic(state);
  LookUpAllGeneric(state, cyclic.binding);
}

BENCHMARK(BM_Baseline_TwoDivisions);
BENCHMARK(BM_BindingCyclic_DeviceOfInline);
BENCHMARK(BM_BindingCyclic_DeviceOf);

} // namespace
