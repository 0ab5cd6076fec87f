// SPDX-License-Identifier: BSD-3-Clause
//
// What the benchmarks of tilings share: about a thousand tiles in one to three dimensions, looked
// up in turn; items are tiles. No byte of a datum is touched.

#ifndef AML_TILING_LOOKUP_BENCHMARK_H
#define AML_TILING_LOOKUP_BENCHMARK_H

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/core/tiling_iterator.h"

namespace aml_testing {

/** A dense array of as many dimensions as the benchmark's argument says, and a tiling of it. */
struct LookUps {
  /** `create(this, &tiling)` makes the tiling, and may lay the array out otherwise. */
  template <class Create>
  LookUps(benchmark::State &state, Create create) : ndims(static_cast<size_t>(state.range(0))) {
    const size_t sides[][3] = {{1021}, {33, 31}, {11, 10, 9}};
    for (size_t d = 0; d < ndims; ++d) {
      grid[d] = sides[ndims - 1][d];
      tile_extent[d] = 64;
      extent[d] = grid[d] * tile_extent[d] - 3;
    }
    if (aml_tile_dense(&datum, nullptr, this, sizeof(double), ndims, extent, AML_ORDER_ROW) ||
        create(this, &tiling))
      state.SkipWithError("no tiling");
    count = aml_tiling_count(tiling);
  }
  LookUps(const LookUps &) = delete;
  ~LookUps() { aml_tiling_destroy(&tiling); }

  void CountIn(benchmark::State &state) const {
    state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(count));
  }

  size_t ndims;
  size_t grid[3] = {};
  size_t extent[3] = {};
  size_t tile_extent[3] = {};
  size_t count = 0;
  aml_tiling *tiling = nullptr;
  aml_tile datum{};
};

/** An address and the extents, which is all that a user without tiles would have. */
inline void LookUpByDivision(benchmark::State &state, const LookUps &setup) {
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
  setup.CountIn(state);
}

/** Each tile by `look_up(setup, id, &tile)`. */
template <class LookUp>
void LookUpAll(benchmark::State &state, const LookUps &setup, LookUp look_up) {
  aml_tile tile;
  for (auto _ : state) {
    for (size_t id = 0; id < setup.count; ++id) {
      look_up(setup, id, &tile);
      benchmark::DoNotOptimize(static_cast<const aml_tile *>(&tile));
      benchmark::ClobberMemory();
    }
  }
  setup.CountIn(state);
}

/** Each tile by `look_up(setup, coords, &tile)`, as loops over coordinates would. */
template <class LookUp>
void LookUpAllCoords(benchmark::State &state, const LookUps &setup, LookUp look_up) {
  aml_tile tile;
  for (auto _ : state) {
    size_t coords[3] = {};
    for (size_t i = 0; i < setup.count; ++i) {
      look_up(setup, static_cast<const size_t *>(coords), &tile);
      benchmark::DoNotOptimize(static_cast<const aml_tile *>(&tile));
      benchmark::ClobberMemory();
      for (size_t d = setup.ndims; d-- > 0 && ++coords[d] == setup.grid[d];)
        coords[d] = 0;
    }
  }
  setup.CountIn(state);
}

/** Each tile through the generic call. */
inline void LookUpAllGeneric(benchmark::State &state, const LookUps &setup) {
  LookUpAll(state, setup, [](const LookUps &it, size_t id, aml_tile *tile) {
    (void)!aml_tiling_tile(it.tiling, &it.datum, id, tile);
  });
}

/** Each tile's id, by an iterator. */
inline void Iterate(benchmark::State &state, const LookUps &setup, aml_tiling_order order) {
  for (auto _ : state) {
    aml_tiling_iterator iterator;
    if (aml_tiling_iterate(setup.tiling, order, nullptr, nullptr, &iterator) != 0)
      state.SkipWithError("no iterator");
    AML_TILING_FOR_EACH (id, &iterator)
      benchmark::DoNotOptimize(static_cast<const size_t &>(id));
  }
  setup.CountIn(state);
}

} // namespace aml_testing

#endif
