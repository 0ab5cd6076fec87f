// SPDX-License-Identifier: BSD-3-Clause
//
// Looking up a tile, against the divisions that a user of a strided array would write.

#include "aml/tiling/blocked.h"

#include <benchmark/benchmark.h>

#include <cstddef>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/lookup_benchmark.h"

namespace {

using namespace aml_testing;

int Create(LookUps *it, aml_tiling **tiling) {
  return aml_tiling_blocked_create(tiling, sizeof(double), it->ndims, it->extent, it->tile_extent,
                                   nullptr);
}

void BM_Baseline_Divisions(benchmark::State &state) {
  LookUpByDivision(state, LookUps(state, Create));
}

void BM_TilingBlocked_TileInline(benchmark::State &state) {
  LookUpAll(state, LookUps(state, Create), [](const LookUps &it, size_t id, aml_tile *tile) {
    aml_tiling_blocked_tile(it.tiling, &it.datum, id, tile);
  });
}

void BM_TilingBlocked_TileAtInline(benchmark::State &state) {
  LookUpAllCoords(state, LookUps(state, Create),
                  [](const LookUps &it, const size_t coords[], aml_tile *tile) {
                    aml_tiling_blocked_tile_at(it.tiling, &it.datum, coords, tile);
                  });
}

void BM_TilingBlocked_Tile(benchmark::State &state) {
  LookUpAllGeneric(state, LookUps(state, Create));
}

BENCHMARK(BM_Baseline_Divisions)->DenseRange(1, 3);
BENCHMARK(BM_TilingBlocked_TileInline)->DenseRange(1, 3);
BENCHMARK(BM_TilingBlocked_TileAtInline)->DenseRange(1, 3);
BENCHMARK(BM_TilingBlocked_Tile)->DenseRange(1, 3);

} // namespace
