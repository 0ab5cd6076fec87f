// SPDX-License-Identifier: BSD-3-Clause
//
// What the account costs, over a dma that copies at submit.

#include "aml/dma/traced.h"

#include <benchmark/benchmark.h>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/dma/sequential.h"
#include "aml/dma/wrapper_benchmark.h"

namespace {

void BM_DmaTraced_Copy(benchmark::State &state) {
  AML_DMA_SEQUENTIAL_DECL(inner);
  AML_DMA_TRACED_DECL(outer);
  if (aml_dma_sequential_init(inner, nullptr) != 0 ||
      aml_dma_traced_init(outer, inner, nullptr) != 0)
    return state.SkipWithError(aml_error_detail());
  aml_benchmark::CompareWithInner(state, inner, outer);
  aml_dma_fini(outer);
  aml_dma_fini(inner);
}
BENCHMARK(BM_DmaTraced_Copy)
    ->ArgNames({"bytes", "batch"})
    ->ArgsProduct({{64, 4096, 65536}, {1, 64}})
    ->UseManualTime();

} // namespace

BENCHMARK_MAIN();
