// SPDX-License-Identifier: BSD-3-Clause
//
// A look-up, against the arithmetic that a user would write.

#include "aml/binding/block.h"

#include <benchmark/benchmark.h>

#include "aml/binding/lookup_benchmark.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

using namespace aml_testing;

struct Block {
  explicit Block(benchmark::State &state) {
    aml_nodeset devices = {};
    for (int device = 0; device < 3; ++device)
      (void)aml_nodeset_add(&devices, device);
    if (aml_binding_block_init(binding, &devices) != 0)
      state.SkipWithError(aml_error_detail());
  }
  Block(const Block &) = delete;
  ~Block() { aml_binding_fini(binding); }
  AML_BINDING_BLOCK_DECL(binding);
};

void BM_Baseline_Division(benchmark::State &state) {
  const Block block(state);
  size_t count = kLookUps;
  size_t of = block.binding_storage.count;
  LookUpAllAs(state, block.binding, [&](size_t i) {
    benchmark::DoNotOptimize(&count);
    benchmark::DoNotOptimize(&of);
    return static_cast<int>(((i + 1) * of - 1) / count);
  });
}

void BM_BindingBlock_DeviceOfInline(benchmark::State &state) {
  const Block block(state);
  size_t count = kLookUps;
  LookUpAllAs(state, block.binding, [&](size_t i) {
    benchmark::DoNotOptimize(&count);
    return aml_binding_block_device_of(block.binding, i, count);
  });
}

void BM_BindingBlock_DeviceOf(benchmark::State &state) {
  const Block block(state);
  LookUpAllGeneric(state, block.binding);
}

BENCHMARK(BM_Baseline_Division);
BENCHMARK(BM_BindingBlock_DeviceOfInline);
BENCHMARK(BM_BindingBlock_DeviceOf);

} // namespace
