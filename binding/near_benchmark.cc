// SPDX-License-Identifier: BSD-3-Clause
//
// A look-up, against the divisions that a user would write, without chunks and with.

#include "aml/binding/near.h"

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "aml/binding/lookup_benchmark.h"
#include "aml/core/binding.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/error.h"

namespace {

using namespace aml_testing;

constexpr size_t kThreads = 6;

// Threads on all CPUs of this machine, with chunks as the argument says.
struct Near {
  explicit Near(benchmark::State &state) : chunk(static_cast<size_t>(state.range(0))) {
    const aml_binding_near_options options = {chunk, AML_DEVICE_BY_DISTANCE, 0};
    aml_devices *devices = nullptr;
    if (aml_devices_read(&devices, nullptr) != 0)
      state.SkipWithError(aml_error_detail());
    std::array<aml_cpuset, kThreads> cpus;
    cpus.fill(*aml_devices_cpus(devices));
    if (aml_binding_near_init(binding, devices, cpus.data(), kThreads, &options) != 0)
      state.SkipWithError(aml_error_detail());
    aml_devices_destroy(&devices);
  }
  Near(const Near &) = delete;
  ~Near() { aml_binding_fini(binding); }
  size_t chunk;
  AML_BINDING_NEAR_DECL(binding);
};

void BM_Baseline_Divisions(benchmark::State &state) {
  Near near(state);
  const uint16_t *const devices = near.binding_storage.devices;
  size_t threads = kThreads;
  size_t count = kLookUps;
  benchmark::DoNotOptimize(&threads);
  benchmark::DoNotOptimize(&count);
  benchmark::DoNotOptimize(&near.chunk);
  LookUpAllAs(state, near.binding, [&](size_t i) {
    if (near.chunk != 0)
      return int{devices[i / near.chunk % threads]};
    const size_t share = count / threads;
    const size_t split = count % threads * (share + 1);
    return int{devices[i < split ? i / (share + 1) : count % threads + (i - split) / share]};
  });
}

void BM_BindingNear_DeviceOfInline(benchmark::State &state) {
  const Near near(state);
  size_t count = kLookUps;
  benchmark::DoNotOptimize(&count);
  LookUpAllAs(state, near.binding,
              [&](size_t i) { return aml_binding_near_device_of(near.binding, i, count); });
}

void BM_BindingNear_DeviceOf(benchmark::State &state) {
  const Near near(state);
  LookUpAllGeneric(state, near.binding);
}

BENCHMARK(BM_Baseline_Divisions)->Arg(0)->Arg(7);
BENCHMARK(BM_BindingNear_DeviceOfInline)->Arg(0)->Arg(7);
BENCHMARK(BM_BindingNear_DeviceOf)->Arg(0)->Arg(7);

} // namespace
