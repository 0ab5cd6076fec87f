// SPDX-License-Identifier: BSD-3-Clause
//
// What a way through routes costs, the first of which no copy takes, over a dma that copies at
// submit.

#include "aml/dma/multiplex.h"

#include <benchmark/benchmark.h>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/dma/sequential.h"
#include "aml/dma/wrapper_benchmark.h"

namespace {

void BM_DmaMultiplex_Copy(benchmark::State &state) {
  AML_DMA_SEQUENTIAL_DECL(inner);
  AML_DMA_MULTIPLEX_DECL(outer);
  const aml_dma_route routes[] = {{AML_AREA_FILE_BACKED, 0, inner}, {0, 0, inner}};
  if (aml_dma_sequential_init(inner, nullptr) != 0 || aml_dma_multiplex_init(outer, routes, 2) != 0)
    return state.SkipWithError(aml_error_detail());
  aml_benchmark::CompareWithInner(state, inner, outer);
  aml_dma_fini(outer);
  aml_dma_fini(inner);
}
BENCHMARK(BM_DmaMultiplex_Copy)
    ->ArgNames({"bytes", "batch"})
    ->ArgsProduct({{64, 4096, 65536}, {1, 64}})
    ->UseManualTime();

} // namespace

BENCHMARK_MAIN();
