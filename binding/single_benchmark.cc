// SPDX-License-Identifier: BSD-3-Clause
//
// A look-up, against a variable; and an application to 64 MiB, against the one system call that it
// should be.

#include "aml/binding/single.h"

#include <benchmark/benchmark.h>
#include <numaif.h>

#include <cstdint>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"

namespace {

constexpr size_t kLookups = 1024;

void Count(benchmark::State &state) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kLookups));
}

void BM_Baseline_Variable(benchmark::State &state) {
  int device = 3;
  for (auto _ : state) {
    for (size_t i = 0; i < kLookups; ++i) {
      benchmark::ClobberMemory();
      int found = device;
      benchmark::DoNotOptimize(&device);
      benchmark::DoNotOptimize(found);
    }
  }
  Count(state);
}

void BM_BindingSingle_DeviceOfInline(benchmark::State &state) {
  AML_BINDING_SINGLE_DECL(binding);
  if (aml_binding_single_init(binding, 3) != 0)
    state.SkipWithError(aml_error_detail());
  for (auto _ : state) {
    for (size_t i = 0; i < kLookups; ++i) {
      benchmark::ClobberMemory();
      benchmark::DoNotOptimize(binding);
      benchmark::DoNotOptimize(aml_binding_single_device_of(binding));
    }
  }
  Count(state);
}

void BM_BindingSingle_DeviceOf(benchmark::State &state) {
  AML_BINDING_SINGLE_DECL(binding);
  if (aml_binding_single_init(binding, 3) != 0)
    state.SkipWithError(aml_error_detail());
  for (auto _ : state)
    for (size_t i = 0; i < kLookups; ++i)
      benchmark::DoNotOptimize(aml_binding_device_of(binding, i, kLookups));
  Count(state);
}

// A mapping without pages, bound over and over.
void Bind(benchmark::State &state, bool raw) {
  const auto size = static_cast<size_t>(state.range(0));
  const unsigned long zero = 1;
  AML_AREA_LINUX_DECL(area);
  AML_BINDING_SINGLE_DECL(binding);
  if (aml_area_linux_init(area, nullptr) != 0 || aml_binding_single_init(binding, 0) != 0)
    state.SkipWithError(aml_error_detail());
  void *const memory = aml_area_map(area, size, nullptr);
  for (auto _ : state) {
    const long err = raw ? mbind(memory, size, MPOL_BIND, &zero, 64, 0)
                         : aml_binding_apply(binding, area, memory, size, nullptr);
    if (err != 0)
      state.SkipWithError("binding failed");
  }
  (void)aml_area_unmap(area, memory, size);
  aml_area_fini(area);
}

void BM_Baseline_OneMbind(benchmark::State &state) {
  Bind(state, true);
}
void BM_BindingSingle_Apply(benchmark::State &state) {
  Bind(state, false);
}

BENCHMARK(BM_Baseline_Variable);
BENCHMARK(BM_BindingSingle_DeviceOfInline);
BENCHMARK(BM_BindingSingle_DeviceOf);
BENCHMARK(BM_Baseline_OneMbind)->Arg(64 << 20);
BENCHMARK(BM_BindingSingle_Apply)->Arg(64 << 20);

} // namespace
