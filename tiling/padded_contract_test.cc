// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>
#include <map>

#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/contract/tiling.h"
#include "aml/tiling/padded.h"
#include "aml/tiling/shapes_testing.h"

namespace {

using namespace aml_testing;

struct TilingPaddedFactory {
  static constexpr size_t kInstances = 2 * kShapeCount;
  AML_TILING_PADDED_DECL(tiling);

  static aml_tiling_padded_options Options(size_t i) {
    return {i < kShapeCount ? AML_ORDER_ROW : AML_ORDER_COLUMN};
  }
  int Init(size_t i) {
    const Shape shape = PaddedShape(i % kShapeCount);
    const aml_tiling_padded_options options = Options(i);
    return aml_tiling_padded_init(tiling, shape.element_size, shape.ndims, shape.extent,
                                  shape.tile_extent, &options);
  }
  static int Create(size_t i, aml_tiling **created) {
    const Shape shape = PaddedShape(i % kShapeCount);
    const aml_tiling_padded_options options = Options(i);
    return aml_tiling_padded_create(created, shape.element_size, shape.ndims, shape.extent,
                                    shape.tile_extent, &options);
  }
  // Each stride is to step over all that smaller strides lead to, padding included.
  static bool Accepts(size_t i, TilingLayout layout) {
    aml_tiling *tiling = nullptr;
    if (Create(i, &tiling) != 0)
      return false;
    const aml_tiling_info info = InfoOf(tiling);
    aml_tiling_destroy(&tiling);
    const aml_tile datum = TileOfShape(info, layout);
    std::map<ptrdiff_t, size_t> elements; // by stride
    for (size_t d = 0; d < info.ndims; ++d) {
      const size_t extent = info.grid[d] * info.tile_extent[d];
      if (extent > 1 && !elements.emplace(datum.stride_bytes[d], extent).second)
        return false;
    }
    auto span = static_cast<ptrdiff_t>(info.element_size);
    for (const auto &[stride, extent] : elements) {
      if (stride < span)
        return false;
      span += static_cast<ptrdiff_t>(extent - 1) * stride;
    }
    return true;
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(TilingPadded, TilingContract, TilingPaddedFactory);

} // namespace
