// SPDX-License-Identifier: BSD-3-Clause
//
// A user's own type of tiling, held to what every tiling promises.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "aml/core/tiling.h"
#include "aml/examples/matmul/grid_tiling.h"
#include "aml/tests/contract/tiling.h"

namespace {

using namespace aml_testing;

struct Shape {
  size_t element_size;
  size_t extent[2];
  size_t tile_extent[2];
};

constexpr Shape kShapes[] = {
    {1, {1, 1}, {1, 1}}, {8, {5, 7}, {2, 3}},         {4, {6, 6}, {3, 2}},
    {8, {1, 9}, {1, 4}}, {8, {9, 1}, {4, 1}},         {3, {12, 5}, {1, 1}},
    {8, {7, 7}, {6, 6}}, {8, {4, 6}, {SIZE_MAX, 10}}, {2, {20, 30}, {7, 8}}};

struct GridTilingFactory {
  static constexpr size_t kInstances = sizeof kShapes / sizeof kShapes[0];
  GRID_TILING_DECL(tiling);

  int Init(size_t i) {
    const Shape &shape = kShapes[i];
    return grid_tiling_init(tiling, shape.element_size, shape.extent, shape.tile_extent);
  }
  static int Create(size_t i, aml_tiling **created) {
    const Shape &shape = kShapes[i];
    return grid_tiling_create(created, shape.element_size, shape.extent, shape.tile_extent);
  }
  static bool Accepts(size_t, TilingLayout) { return true; }
};

INSTANTIATE_TYPED_TEST_SUITE_P(MatmulGridTiling, TilingContract, GridTilingFactory);

} // namespace
