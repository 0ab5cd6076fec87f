// SPDX-License-Identifier: BSD-3-Clause
//
// What the benchmarks of bindings share: a thousand items looked up in turn; items are look-ups.

#ifndef AML_BINDING_LOOKUP_BENCHMARK_H
#define AML_BINDING_LOOKUP_BENCHMARK_H

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>

#include "aml/core/binding.h"

namespace aml_testing {

constexpr size_t kLookUps = 1024;

/** Each item by `look_up(index)`. */
template <class LookUp> void LookUpAll(benchmark::State &state, LookUp look_up) {
  for (auto _ : state) {
    benchmark::ClobberMemory();
    for (size_t i = 0; i < kLookUps; ++i)
      benchmark::DoNotOptimize(static_cast<const int &>(look_up(i)));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kLookUps));
}

/** Each item by `look_up(index)`, which must answer as the binding does. */
template <class LookUp>
void LookUpAllAs(benchmark::State &state, const aml_binding *binding, LookUp look_up) {
  for (size_t i = 0; i < kLookUps; ++i)
    if (look_up(i) != aml_binding_device_of(binding, i, kLookUps))
      state.SkipWithError("another device than the binding's");
  LookUpAll(state, look_up);
}

/** Each item through the generic call. */
inline void LookUpAllGeneric(benchmark::State &state, const aml_binding *binding) {
  LookUpAll(state, [=](size_t i) { return aml_binding_device_of(binding, i, kLookUps); });
}

} // namespace aml_testing

#endif
