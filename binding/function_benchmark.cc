// SPDX-License-Identifier: BSD-3-Clause
//
// A look-up, against a call of the function by its pointer.

#include "aml/binding/function.h"

#include <benchmark/benchmark.h>

#include "aml/binding/lookup_benchmark.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

using namespace aml_testing;

int OddOrEven(void * /*context*/, size_t index, size_t /*count*/) {
  return static_cast<int>(index % 2);
}

struct Function {
  explicit Function(benchmark::State &state) {
    aml_nodeset devices = aml_nodeset_of(0);
    (void)aml_nodeset_add(&devices, 1);
    if (aml_binding_function_init(binding, OddOrEven, nullptr, &devices) != 0)
      state.SkipWithError(aml_error_detail());
  }
  Function(const Function &) = delete;
  ~Function() { aml_binding_fini(binding); }
  AML_BINDING_FUNCTION_DECL(binding);
};

void BM_Baseline_CallByPointer(benchmark::State &state) {
  const Function function(state);
  aml_binding_function_call *call = OddOrEven;
  benchmark::DoNotOptimize(&call);
  LookUpAllAs(state, function.binding, [&](size_t i) { return call(nullptr, i, kLookUps); });
}

void BM_BindingFunction_DeviceOfInline(benchmark::State &state) {
  const Function function(state);
  LookUpAllAs(state, function.binding, [&](size_t i) {
    return aml_binding_function_device_of(function.binding, i, kLookUps);
  });
}

void BM_BindingFunction_DeviceOf(benchmark::State &state) {
  const Function function(state);
  LookUpAllGeneric(state, function.binding);
}

BENCHMARK(BM_Baseline_CallByPointer);
BENCHMARK(BM_BindingFunction_DeviceOfInline);
BENCHMARK(BM_BindingFunction_DeviceOf);

} // namespace
