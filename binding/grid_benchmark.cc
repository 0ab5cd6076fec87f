// SPDX-License-Identifier: BSD-3-Clause
//
// A look-up in one to three dimensions, against the divisions that a user would write.

#include "aml/binding/grid.h"

#include <benchmark/benchmark.h>

#include <cstddef>

#include "aml/binding/lookup_benchmark.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"

namespace {

using namespace aml_testing;

constexpr int kDevices[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

struct Grid {
  explicit Grid(benchmark::State &state)
      : options{static_cast<size_t>(state.range(0)),
                {11, 10, 9},
                {1, 2, 3},
                {2, 2, 3},
                kDevices,
                AML_ORDER_ROW} {
    if (aml_binding_grid_init(binding, &options) != 0)
      state.SkipWithError(aml_error_detail());
  }
  Grid(const Grid &) = delete;
  ~Grid() { aml_binding_fini(binding); }
  aml_binding_grid_options options;
  AML_BINDING_GRID_DECL(binding);
};

void BM_Baseline_Divisions(benchmark::State &state) {
  Grid grid(state);
  const aml_binding_grid_options &of = grid.options;
  benchmark::DoNotOptimize(&grid.options);
  LookUpAllAs(state, grid.binding, [&](size_t id) {
    size_t place = 0;
    size_t step = 1;
    for (size_t d = of.ndims; d-- > 0;) {
      const size_t coord = d == 0 ? id : id % of.tiles[d];
      place += coord / of.block[d] % of.grid[d] * step;
      step *= of.grid[d];
      id = d == 0 ? 0 : id / of.tiles[d];
    }
    return of.devices[place];
  });
}

void BM_BindingGrid_DeviceOfInline(benchmark::State &state) {
  const Grid grid(state);
  LookUpAllAs(state, grid.binding,
              [&](size_t id) { return aml_binding_grid_device_of(grid.binding, id); });
}

void BM_BindingGrid_DeviceOf(benchmark::State &state) {
  const Grid grid(state);
  LookUpAllGeneric(state, grid.binding);
}

BENCHMARK(BM_Baseline_Divisions)->DenseRange(1, 3);
BENCHMARK(BM_BindingGrid_DeviceOfInline)->DenseRange(1, 3);
BENCHMARK(BM_BindingGrid_DeviceOf)->DenseRange(1, 3);

} // namespace
