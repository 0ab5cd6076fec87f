// SPDX-License-Identifier: BSD-3-Clause
//
// What it costs to look up a tile, through the inline form and the generic call, against the
// arithmetic that a user would write. Each iteration looks up 1000 tiles; items are tiles.

#include "aml/tiling/1d.h"

#include <benchmark/benchmark.h>

#include <cstddef>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"

namespace {

constexpr size_t kTiles = 1000;

// A tiling of kTiles tiles, and a datum of its shape; no byte of it is touched.
struct Setup {
  explicit Setup(benchmark::State &state) {
    size_t tile_count = static_cast<size_t>(state.range(0));
    benchmark::DoNotOptimize(tile_count);
    const size_t extent[] = {kTiles * tile_count - 1};
    if (aml_tiling_1d_create(&tiling, extent[0], sizeof(double), tile_count) != 0 ||
        aml_tile_dense(&datum, nullptr, this, sizeof(double), 1, extent, AML_ORDER_ROW) != 0)
      state.SkipWithError("no tiling");
  }
  Setup(const Setup &) = delete;
  ~Setup() { aml_tiling_destroy(&tiling); }

  aml_tiling *tiling = nullptr;
  aml_tile datum{};
};

void Count(benchmark::State &state) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kTiles));
}

// An address and a size, which is all that a user without tiles would have.
void BM_Baseline_Arithmetic(benchmark::State &state) {
  Setup setup(state);
  char *const base = static_cast<char *>(setup.datum.base);
  const size_t count = setup.datum.extent[0];
  size_t tile_count = static_cast<size_t>(state.range(0));
  benchmark::DoNotOptimize(tile_count);
  for (auto _ : state) {
    for (size_t id = 0; id < kTiles; ++id) {
      const size_t first = id * tile_count;
      void *address = base + first * sizeof(double);
      size_t size = count - first < tile_count ? count - first : tile_count;
      benchmark::DoNotOptimize(address);
      benchmark::DoNotOptimize(size);
    }
  }
  Count(state);
}

void BM_Tiling1d_TileInline(benchmark::State &state) {
  Setup setup(state);
  for (auto _ : state) {
    for (size_t id = 0; id < kTiles; ++id) {
      aml_tile tile;
      aml_tiling_1d_tile(setup.tiling, &setup.datum, id, &tile);
      benchmark::DoNotOptimize(tile.base);
      benchmark::DoNotOptimize(tile.extent[0]);
    }
  }
  Count(state);
}

void BM_Tiling1d_Tile(benchmark::State &state) {
  Setup setup(state);
  for (auto _ : state) {
    for (size_t id = 0; id < kTiles; ++id) {
      aml_tile tile;
      (void)!aml_tiling_tile(setup.tiling, &setup.datum, id, &tile);
      benchmark::DoNotOptimize(tile.base);
      benchmark::DoNotOptimize(tile.extent[0]);
    }
  }
  Count(state);
}

BENCHMARK(BM_Baseline_Arithmetic)->Arg(4096);
BENCHMARK(BM_Tiling1d_TileInline)->Arg(4096);
BENCHMARK(BM_Tiling1d_Tile)->Arg(4096);

} // namespace
