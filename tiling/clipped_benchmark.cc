// SPDX-License-Identifier: BSD-3-Clause
//
// What it costs to look up a tile by its id, in two and three dimensions, through the inline forms
// and the generic call, against the divisions that a user would write; and to iterate. Each
// iteration of a benchmark looks up 1000 tiles or more; items are tiles.

#include "aml/tiling/clipped.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/core/tiling_iterator.h"

namespace {

// About a thousand tiles, of a datum of which no byte is touched.
struct Setup {
  explicit Setup(benchmark::State &state) : ndims(static_cast<size_t>(state.range(0))) {
    const size_t sides[][3] = {{1021}, {33, 31}, {11, 10, 9}};
    for (size_t d = 0; d < ndims; ++d) {
      grid[d] = sides[ndims - 1][d];
      tile_extent[d] = 64;
      extent[d] = grid[d] * tile_extent[d] - 3;
    }
    if (aml_tiling_clipped_create(&tiling, sizeof(double), ndims, extent, tile_extent, nullptr) ||
        aml_tile_dense(&datum, nullptr, this, sizeof(double), ndims, extent, AML_ORDER_ROW))
      state.SkipWithError("no tiling");
    count = aml_tiling_count(tiling);
  }
  Setup(const Setup &) = delete;
  ~Setup() { aml_tiling_destroy(&tiling); }

  size_t ndims;
  size_t grid[3] = {};
  size_t extent[3] = {};
  size_t tile_extent[3] = {};
  size_t count = 0;
  aml_tiling *tiling = nullptr;
  aml_tile datum{};
};

void Count(benchmark::State &state, const Setup &setup) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(setup.count));
}

// An address and the extents, which is all that a user without tiles would have.
void BM_Baseline_Divisions(benchmark::State &state) {
  Setup setup(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(&setup);
    benchmark::ClobberMemory();
    for (size_t id = 0; id < setup.count; ++id) {
      char *base = static_cast<char *>(setup.datum.base);
      size_t rest = id;
      size_t extents[3];
      for (size_t d = setup.ndims; d-- > 0;) {
        const size_t first = rest % setup.grid[d] * setup.tile_extent[d];
        rest /= setup.grid[d];
        base += static_cast<ptrdiff_t>(first) * setup.datum.stride_bytes[d];
        extents[d] = std::min(setup.tile_extent[d], setup.extent[d] - first);
      }
      benchmark::DoNotOptimize(static_cast<const char *>(base));
      benchmark::DoNotOptimize(static_cast<const size_t *>(extents));
      benchmark::ClobberMemory();
    }
  }
  Count(state, setup);
}

template <class LookUp> void LookUpAll(benchmark::State &state, LookUp look_up) {
  Setup setup(state);
  aml_tile tile;
  for (auto _ : state) {
    for (size_t id = 0; id < setup.count; ++id) {
      look_up(setup, id, &tile);
      benchmark::DoNotOptimize(static_cast<const aml_tile *>(&tile));
      benchmark::ClobberMemory();
    }
  }
  Count(state, setup);
}

void BM_TilingClipped_TileInline(benchmark::State &state) {
  LookUpAll(state, [](const Setup &setup, size_t id, aml_tile *tile) {
    aml_tiling_clipped_tile(setup.tiling, &setup.datum, id, tile);
  });
}

void BM_TilingClipped_Tile(benchmark::State &state) {
  LookUpAll(state, [](const Setup &setup, size_t id, aml_tile *tile) {
    (void)!aml_tiling_tile(setup.tiling, &setup.datum, id, tile);
  });
}

// What loops over coordinates, instead of ids, look up.
void BM_TilingClipped_TileAtInline(benchmark::State &state) {
  Setup setup(state);
  aml_tile tile;
  for (auto _ : state) {
    size_t coords[3] = {};
    for (size_t i = 0; i < setup.count; ++i) {
      aml_tiling_clipped_tile_at(setup.tiling, &setup.datum, coords, &tile);
      benchmark::DoNotOptimize(static_cast<const aml_tile *>(&tile));
      benchmark::ClobberMemory();
      for (size_t d = setup.ndims; d-- > 0 && ++coords[d] == setup.grid[d];)
        coords[d] = 0;
    }
  }
  Count(state, setup);
}

void BM_TilingClipped_Iterate(benchmark::State &state, aml_tiling_order order) {
  Setup setup(state);
  for (auto _ : state) {
    aml_tiling_iterator iterator;
    if (aml_tiling_iterate(setup.tiling, order, nullptr, nullptr, &iterator) != 0)
      state.SkipWithError("no iterator");
    AML_TILING_FOR_EACH(id, &iterator)
    benchmark::DoNotOptimize(static_cast<const size_t &>(id));
  }
  Count(state, setup);
}

BENCHMARK(BM_Baseline_Divisions)->DenseRange(1, 3);
BENCHMARK(BM_TilingClipped_TileInline)->DenseRange(1, 3);
BENCHMARK(BM_TilingClipped_TileAtInline)->DenseRange(1, 3);
BENCHMARK(BM_TilingClipped_Tile)->DenseRange(1, 3);
BENCHMARK_CAPTURE(BM_TilingClipped_Iterate, Row, AML_TILING_ROW)->DenseRange(1, 3);
BENCHMARK_CAPTURE(BM_TilingClipped_Iterate, Column, AML_TILING_COLUMN)->DenseRange(1, 3);
BENCHMARK_CAPTURE(BM_TilingClipped_Iterate, Morton, AML_TILING_MORTON)->DenseRange(2, 3);

} // namespace
