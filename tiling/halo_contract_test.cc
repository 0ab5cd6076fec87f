// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/contract/tiling.h"
#include "aml/tiling/halo.h"
#include "aml/tiling/shapes_testing.h"

namespace {

using namespace aml_testing;

// None, of one element, uneven, wider than tiles, wider than the array; with a border.
constexpr aml_tiling_halo_options kOptions[] = {
    {{}, {}, false, AML_ORDER_ROW},
    {{1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1}, false, AML_ORDER_COLUMN},
    {{0, 2, 1}, {3, 0, 1}, false, AML_ORDER_ROW},
    {{SIZE_MAX, SIZE_MAX}, {SIZE_MAX, 1}, false, AML_ORDER_ROW},
    {{1, 0, 1}, {2, 1, 0}, true, AML_ORDER_ROW},
};

struct TilingHaloFactory {
  static constexpr size_t kInstances = std::size(kOptions) * kShapeCount;
  AML_TILING_HALO_DECL(tiling);

  static aml_tiling_halo_options Options(size_t i) { return kOptions[i / kShapeCount]; }

  // The array has its border besides.
  static Shape BorderedShape(size_t i) {
    Shape shape = kShapes[i % kShapeCount];
    const aml_tiling_halo_options options = Options(i);
    for (size_t d = 0; d < shape.ndims && options.has_border; ++d)
      shape.extent[d] += options.before[d] + options.after[d];
    return shape;
  }
  int Init(size_t i) {
    const Shape shape = BorderedShape(i);
    const aml_tiling_halo_options options = Options(i);
    return aml_tiling_halo_init(tiling, shape.element_size, shape.ndims, shape.extent,
                                shape.tile_extent, &options);
  }
  static int Create(size_t i, aml_tiling **created) {
    const Shape shape = BorderedShape(i);
    const aml_tiling_halo_options options = Options(i);
    return aml_tiling_halo_create(created, shape.element_size, shape.ndims, shape.extent,
                                  shape.tile_extent, &options);
  }
  static bool Accepts(size_t, TilingLayout) { return true; }
};

INSTANTIATE_TYPED_TEST_SUITE_P(TilingHalo, TilingContract, TilingHaloFactory);

} // namespace
