// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "aml/core/tiling.h"
#include "aml/tests/contract/tiling.h"
#include "aml/tiling/1d.h"

namespace {

using namespace aml_testing;

// Elements, element size, elements of a tile.
constexpr size_t kShapes[][3] = {{1, 1, 1},    {1, 8, 5},          {10, 8, 4},
                                 {12, 4, 4},   {25, 1, 10},        {17, 3, 1},
                                 {100, 8, 99}, {100, 2, SIZE_MAX}, {64, 16, 63}};

struct Tiling1dFactory {
  static constexpr size_t kInstances = sizeof kShapes / sizeof kShapes[0];
  AML_TILING_1D_DECL(tiling);

  int Init(size_t i) {
    return aml_tiling_1d_init(tiling, kShapes[i][0], kShapes[i][1], kShapes[i][2]);
  }
  static int Create(size_t i, aml_tiling **created) {
    return aml_tiling_1d_create(created, kShapes[i][0], kShapes[i][1], kShapes[i][2]);
  }
  static bool Accepts(size_t, TilingLayout) { return true; }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Tiling1d, TilingContract, Tiling1dFactory);

} // namespace
