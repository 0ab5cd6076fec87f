// SPDX-License-Identifier: BSD-3-Clause
//
// A look-up, against a variable.

#include "aml/binding/local.h"

#include <benchmark/benchmark.h>

#include "aml/binding/lookup_benchmark.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"

namespace {

using namespace aml_testing;

struct Local {
  explicit Local(benchmark::State &state) {
    if (aml_binding_local_init(binding) != 0)
      state.SkipWithError(aml_error_detail());
  }
  Local(const Local &) = delete;
  ~Local() { aml_binding_fini(binding); }
  AML_BINDING_LOCAL_DECL(binding);
};

void BM_Baseline_Variable(benchmark::State &state) {
  const Local local(state);
  int device = -AML_ENOENT;
  benchmark::DoNotOptimize(&device);
  LookUpAllAs(state, local.binding, [&](size_t) { return device; });
}

void BM_BindingLocal_DeviceOfInline(benchmark::State &state) {
  const Local local(state);
  LookUpAllAs(state, local.binding,
              [&](size_t) { return aml_binding_local_device_of(local.binding); });
}

void BM_BindingLocal_DeviceOf(benchmark::State &state) {
  const Local local(state);
  LookUpAllGeneric(state, local.binding);
}

BENCHMARK(BM_Baseline_Variable);
BENCHMARK(BM_BindingLocal_DeviceOfInline);
BENCHMARK(BM_BindingLocal_DeviceOf);

} // namespace
