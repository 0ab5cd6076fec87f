// SPDX-License-Identifier: BSD-3-Clause
//
// Looking up a tile, against the divisions that a user would write.

#include "aml/tiling/padded.h"

#include <benchmark/benchmark.h>

#include <cstddef>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/lookup_benchmark.h"

namespace {

using namespace aml_testing;

int Create(LookUps *it, aml_tiling **tiling) {
  if (aml_tiling_padded_create(tiling, sizeof(double), it->ndims, it->extent, it->tile_extent,
                               nullptr) != 0)
    return -1;
  return aml_tiling_padded_datum(*tiling, nullptr, it, AML_ORDER_ROW, &it->datum);
}

void BM_Baseline_Divisions(benchmark::State &state) {
  LookUpByDivision(state, LookUps(state, Create));
}

void BM_TilingPadded_TileInline(benchmark::State &state) {
  LookUpAll(state, LookUps(state, Create), [](const LookUps &it, size_t id, aml_tile *tile) {
    aml_tiling_padded_tile(it.tiling, &it.datum, id, tile);
  });
}

void BM_TilingPadded_Tile(benchmark::State &state) {
  LookUpAllGeneric(state, LookUps(state, Create));
}

BENCHMARK(BM_Baseline_Divisions)->DenseRange(1, 3);
BENCHMARK(BM_TilingPadded_TileInline)->DenseRange(1, 3);
BENCHMARK(BM_TilingPadded_Tile)->DenseRange(1, 3);

} // namespace
