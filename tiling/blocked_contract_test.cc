// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/contract/tiling.h"
#include "aml/tiling/blocked.h"
#include "aml/tiling/shapes_testing.h"

namespace {

using namespace aml_testing;

struct TilingBlockedFactory {
  static constexpr size_t kInstances = 8 * kShapeCount;
  AML_TILING_BLOCKED_DECL(tiling);

  static aml_tiling_blocked_options Options(size_t i) {
    i /= kShapeCount;
    return {i % 2 == 0 ? AML_ORDER_ROW : AML_ORDER_COLUMN,
            i / 2 % 2 == 0 ? AML_ORDER_ROW : AML_ORDER_COLUMN,
            i / 4 == 0 ? AML_TILING_BLOCKED_CLIPPED : AML_TILING_BLOCKED_PADDED};
  }
  int Init(size_t i) {
    const Shape shape = PaddedShape(i % kShapeCount);
    const aml_tiling_blocked_options options = Options(i);
    return aml_tiling_blocked_init(tiling, shape.element_size, shape.ndims, shape.extent,
                                   shape.tile_extent, &options);
  }
  static int Create(size_t i, aml_tiling **created) {
    const Shape shape = PaddedShape(i % kShapeCount);
    const aml_tiling_blocked_options options = Options(i);
    return aml_tiling_blocked_create(created, shape.element_size, shape.ndims, shape.extent,
                                     shape.tile_extent, &options);
  }
  // What is dense and row-major.
  static bool Accepts(size_t i, TilingLayout layout) {
    aml_tiling *tiling = nullptr;
    if (Create(i, &tiling) != 0)
      return false;
    const aml_tile datum = TileOfShape(InfoOf(tiling), layout);
    aml_tiling_destroy(&tiling);
    return aml_tile_is_contiguous(&datum);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(TilingBlocked, TilingContract, TilingBlockedFactory);

} // namespace
