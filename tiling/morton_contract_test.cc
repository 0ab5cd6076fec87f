// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/contract/tiling.h"
#include "aml/tiling/morton.h"
#include "aml/tiling/shapes_testing.h"

namespace {

using namespace aml_testing;

struct TilingMortonFactory {
  static constexpr size_t kInstances = kShapeCount;
  AML_TILING_MORTON_DECL(tiling);

  int Init(size_t i) {
    const Shape shape = kShapes[i];
    return aml_tiling_morton_init(tiling, shape.element_size, shape.ndims, shape.extent,
                                  shape.tile_extent);
  }
  static int Create(size_t i, aml_tiling **created) {
    const Shape shape = kShapes[i];
    return aml_tiling_morton_create(created, shape.element_size, shape.ndims, shape.extent,
                                    shape.tile_extent);
  }
  static bool Accepts(size_t, TilingLayout) { return true; }
};

INSTANTIATE_TYPED_TEST_SUITE_P(TilingMorton, TilingContract, TilingMortonFactory);

} // namespace
