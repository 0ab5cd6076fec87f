// SPDX-License-Identifier: BSD-3-Clause
//
// What a limit costs that is never reached, over a dma that copies at submit.

#include "aml/dma/throttled.h"

#include <benchmark/benchmark.h>

#include <cstdint>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/dma/sequential.h"
#include "aml/dma/wrapper_benchmark.h"

namespace {

void BM_DmaThrottled_Copy(benchmark::State &state) {
  AML_DMA_SEQUENTIAL_DECL(inner);
  AML_DMA_THROTTLED_DECL(outer);
  aml_dma_throttled_options options = {};
  options.bytes_per_second = uint64_t{1} << 50;
  if (aml_dma_sequential_init(inner, nullptr) != 0 ||
      aml_dma_throttled_init(outer, inner, &options) != 0)
    return state.SkipWithError(aml_error_detail());
  aml_benchmark::CompareWithInner(state, inner, outer);
  aml_dma_fini(outer);
  aml_dma_fini(inner);
}
BENCHMARK(BM_DmaThrottled_Copy)
    ->ArgNames({"bytes", "batch"})
    ->ArgsProduct({{64, 4096, 65536}, {1, 64}})
    ->UseManualTime();

} // namespace

BENCHMARK_MAIN();
