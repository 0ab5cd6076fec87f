// SPDX-License-Identifier: BSD-3-Clause
//
// Looking up a tile of a given size, against the two loads that a user would write. Items are
// tiles.

#include "aml/tiling/ragged.h"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <vector>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"

namespace {

constexpr size_t kTiles = 1000;

struct Rows {
  explicit Rows(benchmark::State &state) {
    for (size_t row = 0; row < kTiles; ++row)
      offsets.push_back(offsets.back() + 1 + row * 7919 % 50);
    datum = aml_tile_bytes(this, offsets.back());
    if (aml_tiling_ragged_create(&tiling, 1, kTiles, offsets.data()) != 0)
      state.SkipWithError("no tiling");
  }
  Rows(const Rows &) = delete;
  ~Rows() { aml_tiling_destroy(&tiling); }

  std::vector<size_t> offsets = {0};
  aml_tiling *tiling = nullptr;
  aml_tile datum{};
};

template <class LookUp> void LookUpAll(benchmark::State &state, LookUp look_up) {
  const Rows rows(state);
  aml_tile tile;
  for (auto _ : state) {
    for (size_t id = 0; id < kTiles; ++id) {
      look_up(rows, id, &tile);
      benchmark::DoNotOptimize(static_cast<const aml_tile *>(&tile));
      benchmark::ClobberMemory();
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kTiles));
}

void BM_Baseline_TwoLoads(benchmark::State &state) {
  LookUpAll(state, [](const Rows &rows, size_t id, aml_tile *tile) {
    tile->base = static_cast<char *>(rows.datum.base) + rows.offsets[id];
    tile->extent[0] = rows.offsets[id + 1] - rows.offsets[id];
  });
}

void BM_TilingRagged_TileInline(benchmark::State &state) {
  LookUpAll(state, [](const Rows &rows, size_t id, aml_tile *tile) {
    aml_tiling_ragged_tile(rows.tiling, &rows.datum, id, tile);
  });
}

void BM_TilingRagged_Tile(benchmark::State &state) {
  LookUpAll(state, [](const Rows &rows, size_t id, aml_tile *tile) {
    (void)!aml_tiling_tile(rows.tiling, &rows.datum, id, tile);
  });
}

BENCHMARK(BM_Baseline_TwoLoads);
BENCHMARK(BM_TilingRagged_TileInline);
BENCHMARK(BM_TilingRagged_Tile);

} // namespace
