// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/core/tiling.h"
#include "aml/tests/contract/tiling.h"
#include "aml/tiling/clipped.h"
#include "aml/tiling/shapes_testing.h"

namespace {

using namespace aml_testing;

struct TilingClippedFactory {
  static constexpr size_t kInstances = 2 * kShapeCount;
  AML_TILING_CLIPPED_DECL(tiling);

  static aml_tiling_clipped_options Options(size_t i) {
    return {i < kShapeCount ? AML_ORDER_ROW : AML_ORDER_COLUMN};
  }
  int Init(size_t i) {
    const Shape &shape = kShapes[i % kShapeCount];
    const aml_tiling_clipped_options options = Options(i);
    return aml_tiling_clipped_init(tiling, shape.element_size, shape.ndims, shape.extent,
                                   shape.tile_extent, &options);
  }
  static int Create(size_t i, aml_tiling **created) {
    const Shape &shape = kShapes[i % kShapeCount];
    const aml_tiling_clipped_options options = Options(i);
    return aml_tiling_clipped_create(created, shape.element_size, shape.ndims, shape.extent,
                                     shape.tile_extent, &options);
  }
  static bool Accepts(size_t, TilingLayout) { return true; }
};

INSTANTIATE_TYPED_TEST_SUITE_P(TilingClipped, TilingContract, TilingClippedFactory);

} // namespace
