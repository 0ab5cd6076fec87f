// SPDX-License-Identifier: BSD-3-Clause
//
// Looking up a tile by id and by coordinates, against the divisions of ids in rows; ids from
// coordinates, in a grid of any extents and in one whose extents are powers of two, against a loop
// over bits; and iterating.

#include "aml/tiling/morton.h"

#include <benchmark/benchmark.h>

#include <cstddef>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/core/tiling_iterator.h"
#include "aml/tiling/lookup_benchmark.h"

namespace {

using namespace aml_testing;

int Create(LookUps *it, aml_tiling **tiling) {
  return aml_tiling_morton_create(tiling, sizeof(double), it->ndims, it->extent, it->tile_extent);
}

void BM_Baseline_Divisions(benchmark::State &state) {
  LookUpByDivision(state, LookUps(state, Create));
}

void BM_TilingMorton_TileInline(benchmark::State &state) {
  LookUpAll(state, LookUps(state, Create), [](const LookUps &it, size_t id, aml_tile *tile) {
    aml_tiling_morton_tile(it.tiling, &it.datum, id, tile);
  });
}

void BM_TilingMorton_TileAtInline(benchmark::State &state) {
  LookUpAllCoords(state, LookUps(state, Create),
                  [](const LookUps &it, const size_t coords[], aml_tile *tile) {
                    aml_tiling_morton_tile_at(it.tiling, &it.datum, coords, tile);
                  });
}

void BM_TilingMorton_Tile(benchmark::State &state) {
  LookUpAllGeneric(state, LookUps(state, Create));
}

void BM_TilingMorton_Iterate(benchmark::State &state, aml_tiling_order order) {
  Iterate(state, LookUps(state, Create), order);
}

// Ids of 32 x 32 tiles, or, one less each way, 31 x 31.
void BM_TilingMorton_Id(benchmark::State &state) {
  const auto side = static_cast<size_t>(state.range(0));
  const size_t extent[] = {side, side};
  const size_t tile_extent[] = {1, 1};
  AML_TILING_MORTON_DECL(tiling);
  if (aml_tiling_morton_init(tiling, 1, 2, extent, tile_extent) != 0)
    state.SkipWithError("no tiling");
  for (auto _ : state)
    for (size_t i = 0; i < side; ++i)
      for (size_t j = 0; j < side; ++j) {
        const size_t coords[] = {i, j};
        benchmark::DoNotOptimize(aml_tiling_morton_id(tiling, coords));
      }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(side * side));
}

void BM_Baseline_LoopOverBits(benchmark::State &state) {
  const auto side = static_cast<size_t>(state.range(0));
  for (auto _ : state)
    for (size_t i = 0; i < side; ++i)
      for (size_t j = 0; j < side; ++j) {
        size_t code = 0;
        for (unsigned bit = 0; bit < 16; ++bit)
          code |= (i >> bit & 1) << (2 * bit + 1) | (j >> bit & 1) << 2 * bit;
        benchmark::DoNotOptimize(static_cast<const size_t &>(code));
      }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(side * side));
}

BENCHMARK(BM_Baseline_Divisions)->DenseRange(1, 3);
BENCHMARK(BM_TilingMorton_TileInline)->DenseRange(1, 3);
BENCHMARK(BM_TilingMorton_TileAtInline)->DenseRange(1, 3);
BENCHMARK(BM_TilingMorton_Tile)->DenseRange(1, 3);
BENCHMARK(BM_Baseline_LoopOverBits)->Arg(32);
BENCHMARK(BM_TilingMorton_Id)->Arg(32)->Arg(31)->Arg(1000);
BENCHMARK_CAPTURE(BM_TilingMorton_Iterate, Forward, AML_TILING_FORWARD)->DenseRange(1, 3);
BENCHMARK_CAPTURE(BM_TilingMorton_Iterate, Row, AML_TILING_ROW)->DenseRange(1, 3);

} // namespace
