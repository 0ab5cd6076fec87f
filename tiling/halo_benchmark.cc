// SPDX-License-Identifier: BSD-3-Clause
//
// Looking up a tile with a halo of one element, against the divisions of one without.

#include "aml/tiling/halo.h"

#include <benchmark/benchmark.h>

#include <cstddef>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/lookup_benchmark.h"

namespace {

using namespace aml_testing;

int Create(LookUps *it, aml_tiling **tiling) {
  const aml_tiling_halo_options options = {{1, 1, 1}, {1, 1, 1}, false, AML_ORDER_ROW};
  return aml_tiling_halo_create(tiling, sizeof(double), it->ndims, it->extent, it->tile_extent,
                                &options);
}

void BM_Baseline_Divisions(benchmark::State &state) {
  LookUpByDivision(state, LookUps(state, Create));
}

void BM_TilingHalo_TileInline(benchmark::State &state) {
  LookUpAll(state, LookUps(state, Create), [](const LookUps &it, size_t id, aml_tile *tile) {
    aml_tiling_halo_tile(it.tiling, &it.datum, id, tile);
  });
}

void BM_TilingHalo_Tile(benchmark::State &state) {
  LookUpAllGeneric(state, LookUps(state, Create));
}

BENCHMARK(BM_Baseline_Divisions)->DenseRange(1, 3);
BENCHMARK(BM_TilingHalo_TileInline)->DenseRange(1, 3);
BENCHMARK(BM_TilingHalo_Tile)->DenseRange(1, 3);

} // namespace
