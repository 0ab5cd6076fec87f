// SPDX-License-Identifier: BSD-3-Clause
//
// Looking up a tile of a tile through the generic call, against looking up the outer tile alone.
// Items are tiles.

#include "aml/tiling/nested.h"

#include <benchmark/benchmark.h>

#include <cstddef>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/clipped.h"
#include "aml/tiling/lookup_benchmark.h"

namespace {

using namespace aml_testing;

int CreateOuter(LookUps *it, aml_tiling **tiling) {
  return aml_tiling_clipped_create(tiling, sizeof(double), it->ndims, it->extent, it->tile_extent,
                                   nullptr);
}

void BM_Baseline_OuterTile(benchmark::State &state) {
  LookUpAllGeneric(state, LookUps(state, CreateOuter));
}

void BM_TilingNested_Tile(benchmark::State &state) {
  const LookUps outer(state, CreateOuter);
  const size_t inner_extent[] = {16, 16, 16};
  LookUpAllGeneric(state, LookUps(state, [&](LookUps *, aml_tiling **tiling) {
                     return aml_tiling_nested_create(tiling, outer.tiling, inner_extent, nullptr);
                   }));
}

BENCHMARK(BM_Baseline_OuterTile)->DenseRange(1, 3);
BENCHMARK(BM_TilingNested_Tile)->DenseRange(1, 3);

} // namespace
