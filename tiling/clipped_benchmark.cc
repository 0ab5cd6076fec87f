// SPDX-License-Identifier: BSD-3-Clause
//
// Looking up a tile, against the divisions that a user would write; and iterating.

#include "aml/tiling/clipped.h"

#include <benchmark/benchmark.h>

#include <cstddef>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/core/tiling_iterator.h"
#include "aml/tiling/lookup_benchmark.h"

namespace {

using namespace aml_testing;

int Create(LookUps *it, aml_tiling **tiling) {
  return aml_tiling_clipped_create(tiling, sizeof(double), it->ndims, it->extent, it->tile_extent,
                                   nullptr);
}

void BM_Baseline_Divisions(benchmark::State &state) {
  LookUpByDivision(state, LookUps(state, Create));
}

void BM_TilingClipped_TileInline(benchmark::State &state) {
  LookUpAll(state, LookUps(state, Create), [](const LookUps &it, size_t id, aml_tile *tile) {
    aml_tiling_clipped_tile(it.tiling, &it.datum, id, tile);
  });
}

void BM_TilingClipped_TileAtInline(benchmark::State &state) {
  LookUpAllCoords(state, LookUps(state, Create),
                  [](const LookUps &it, const size_t coords[], aml_tile *tile) {
                    aml_tiling_clipped_tile_at(it.tiling, &it.datum, coords, tile);
                  });
}

void BM_TilingClipped_Tile(benchmark::State &state) {
  LookUpAllGeneric(state, LookUps(state, Create));
}

void BM_TilingClipped_Iterate(benchmark::State &state, aml_tiling_order order) {
  Iterate(state, LookUps(state, Create), order);
}

BENCHMARK(BM_Baseline_Divisions)->DenseRange(1, 3);
BENCHMARK(BM_TilingClipped_TileInline)->DenseRange(1, 3);
BENCHMARK(BM_TilingClipped_TileAtInline)->DenseRange(1, 3);
BENCHMARK(BM_TilingClipped_Tile)->DenseRange(1, 3);
BENCHMARK_CAPTURE(BM_TilingClipped_Iterate, Row, AML_TILING_ROW)->DenseRange(1, 3);
BENCHMARK_CAPTURE(BM_TilingClipped_Iterate, Column, AML_TILING_COLUMN)->DenseRange(1, 3);
BENCHMARK_CAPTURE(BM_TilingClipped_Iterate, Morton, AML_TILING_MORTON)->DenseRange(2, 3);

} // namespace
