// SPDX-License-Identifier: BSD-3-Clause
//
// A look-up, against the array that a user would index.

#include "aml/binding/table.h"

#include <benchmark/benchmark.h>

#include <vector>

#include "aml/binding/lookup_benchmark.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"

namespace {

using namespace aml_testing;

// With an argument of 1, of a table that repeats after a thousand entries; else as long as needed.
struct Table {
  explicit Table(benchmark::State &state) {
    const aml_binding_table_options options = {state.range(0) == 1};
    for (size_t i = 0; i < (options.repeat ? 1000 : kLookUps); ++i)
      devices.push_back(static_cast<int>(i * 7919 % 5));
    if (aml_binding_table_init(binding, devices.data(), devices.size(), &options) != 0)
      state.SkipWithError(aml_error_detail());
  }
  Table(const Table &) = delete;
  ~Table() { aml_binding_fini(binding); }
  std::vector<int> devices;
  AML_BINDING_TABLE_DECL(binding);
};

void BM_Baseline_Array(benchmark::State &state) {
  const Table table(state);
  size_t length = table.devices.size();
  benchmark::DoNotOptimize(&length);
  const int *const devices = table.devices.data();
  if (state.range(0) == 1)
    LookUpAllAs(state, table.binding, [&](size_t i) { return devices[i % length]; });
  else
    LookUpAllAs(state, table.binding, [&](size_t i) { return devices[i]; });
}

void BM_BindingTable_DeviceOfInline(benchmark::State &state) {
  const Table table(state);
  LookUpAllAs(state, table.binding,
              [&](size_t i) { return aml_binding_table_device_of(table.binding, i); });
}

void BM_BindingTable_DeviceOf(benchmark::State &state) {
  const Table table(state);
  LookUpAllGeneric(state, table.binding);
}

BENCHMARK(BM_Baseline_Array)->Arg(0)->Arg(1);
BENCHMARK(BM_BindingTable_DeviceOfInline)->Arg(0)->Arg(1);
BENCHMARK(BM_BindingTable_DeviceOf)->Arg(0)->Arg(1);

} // namespace
