// SPDX-License-Identifier: BSD-3-Clause
//
// Tilings of the tiles of each other type, and of a tiling of tiles.

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/core/error.h"
#include "aml/core/tiling.h"
#include "aml/tests/contract/tiling.h"
#include "aml/tiling/blocked.h"
#include "aml/tiling/clipped.h"
#include "aml/tiling/halo.h"
#include "aml/tiling/morton.h"
#include "aml/tiling/nested.h"
#include "aml/tiling/ragged.h"

namespace {

using namespace aml_testing;

constexpr size_t kExtent[] = {7, 10};
constexpr size_t kTileExtent[] = {3, 4};
constexpr size_t kInner[] = {2, 3};
constexpr size_t kOffsets[] = {0, 0, 7, 7, 12};

// The outer tilings, which live as long as the program.
aml_tiling *Outer(size_t i) {
  static aml_tiling *made[6];
  if (made[0] == nullptr) {
    const aml_tiling_halo_options halo = {{1, 1}, {0, 2}, false, AML_ORDER_ROW};
    const int results[] = {aml_tiling_clipped_create(&made[0], 4, 2, kExtent, kTileExtent, nullptr),
                           aml_tiling_morton_create(&made[1], 8, 2, kExtent, kTileExtent),
                           aml_tiling_blocked_create(&made[2], 2, 2, kExtent, kTileExtent, nullptr),
                           aml_tiling_halo_create(&made[3], 4, 2, kExtent, kTileExtent, &halo),
                           aml_tiling_ragged_create(&made[4], 4, 4, kOffsets),
                           aml_tiling_nested_create(&made[5], made[0], kInner, nullptr)};
    for (const int result : results)
      EXPECT_EQ(0, result) << aml_error_detail();
  }
  return made[i];
}

struct TilingNestedFactory {
  static constexpr size_t kInstances = 12;
  AML_TILING_NESTED_DECL(tiling);

  static aml_tiling_nested_options Options(size_t i) {
    return {i % 2 == 0 ? AML_ORDER_ROW : AML_ORDER_COLUMN};
  }
  int Init(size_t i) {
    const aml_tiling_nested_options options = Options(i);
    return aml_tiling_nested_init(tiling, Outer(i / 2), kInner, &options);
  }
  static int Create(size_t i, aml_tiling **created) {
    const aml_tiling_nested_options options = Options(i);
    return aml_tiling_nested_create(created, Outer(i / 2), kInner, &options);
  }
  // Contiguous tiles are of dense data.
  static bool Accepts(size_t i, TilingLayout layout) {
    return i / 2 != 2 || layout == TilingLayout::kRow || layout == TilingLayout::kPadded;
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(TilingNested, TilingContract, TilingNestedFactory);

} // namespace
