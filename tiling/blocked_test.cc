// SPDX-License-Identifier: BSD-3-Clause
//
// What the contract suite does not show: where each element is, compared with counting; and what is
// refused. What all tilings into boxes refuse, clipped_test shows.

#include "aml/tiling/blocked.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <random>
#include <string>

#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/1d.h"
#include "aml/tiling/shapes_testing.h"

namespace {

using namespace aml_testing;

// Tiles lie one behind the other in the order of their ids, and elements in them likewise.
void ExpectOneBehindTheOther(const aml_tiling *tiling, const aml_tile &datum,
                             const aml_tiling_blocked_options &options) {
  aml_tiling_info info;
  ASSERT_EQ(0, aml_tiling_get_info(tiling, &info));
  const char *next = static_cast<char *>(datum.base);
  for (size_t id = 0; id < info.count; ++id) {
    aml_tile tile = {};
    aml_tile by_inline = {};
    ASSERT_EQ(0, aml_tiling_tile(tiling, &datum, id, &tile)) << aml_error_detail();
    aml_tiling_blocked_tile(tiling, &datum, id, &by_inline);
    ASSERT_EQ(next, tile.base) << "tile " << id;
    ASSERT_EQ(next, by_inline.base) << "tile " << id;
    auto stride = static_cast<ptrdiff_t>(info.element_size);
    for (size_t i = 0; i < tile.ndims; ++i) {
      const size_t d = options.tile_order == AML_ORDER_ROW ? tile.ndims - 1 - i : i;
      ASSERT_EQ(stride, tile.stride_bytes[d]);
      ASSERT_EQ(stride, by_inline.stride_bytes[d]);
      ASSERT_EQ(tile.extent[d], by_inline.extent[d]);
      stride *= static_cast<ptrdiff_t>(tile.extent[d]);
    }
    next += aml_tile_size(&tile);
  }
  EXPECT_EQ(static_cast<char *>(datum.base) + info.storage_size, next);
}

TEST(TilingBlocked, TilesLieOneBehindTheOther) {
  std::mt19937 random(4);
  for (int round = 0; round < 400; ++round) {
    const Shape shape = RandomShape(&random);
    const aml_tiling_blocked_options options = {
        round % 2 == 0 ? AML_ORDER_ROW : AML_ORDER_COLUMN,
        round / 2 % 2 == 0 ? AML_ORDER_ROW : AML_ORDER_COLUMN,
        round / 4 % 2 == 0 ? AML_TILING_BLOCKED_CLIPPED : AML_TILING_BLOCKED_PADDED};
    aml_tiling *tiling = nullptr;
    ASSERT_EQ(0, aml_tiling_blocked_create(&tiling, shape.element_size, shape.ndims, shape.extent,
                                           shape.tile_extent, &options));
    aml_tile datum = {};
    ASSERT_EQ(0, aml_tile_dense(&datum, nullptr, &datum, shape.element_size, shape.ndims,
                                shape.extent, AML_ORDER_ROW));
    ExpectOneBehindTheOther(tiling, datum, options);
    aml_tiling_destroy(&tiling);
  }
}

TEST(TilingBlocked, TheHeadersPictureIsTrue) {
  const size_t places[4][5] = {
      {0, 1, 2, 6, 7}, {3, 4, 5, 8, 9}, {10, 11, 12, 16, 17}, {13, 14, 15, 18, 19}};
  const size_t extent[] = {4, 5};
  char memory[20];
  AML_TILING_BLOCKED_DECL(tiling);
  aml_tile datum = {};
  ASSERT_EQ(0, aml_tiling_blocked_init_2d_row(tiling, 1, 4, 5, 2, 3));
  ASSERT_EQ(0, aml_tile_dense(&datum, nullptr, memory, 1, 2, extent, AML_ORDER_ROW));
  for (size_t row = 0; row < 4; ++row)
    for (size_t column = 0; column < 5; ++column) {
      const size_t coords[] = {row / 2, column / 3};
      const size_t within[] = {row % 2, column % 3};
      aml_tile tile = {};
      aml_tiling_blocked_tile_at(tiling, &datum, coords, &tile);
      EXPECT_EQ(memory + places[row][column], aml_tile_address(&tile, within));
    }
}

TEST(TilingBlocked, TheNamedTwoDimensionalOnesAreThoseOfTheirOptions) {
  const size_t extent[] = {7, 5};
  const size_t tile_extent[] = {3, 2};
  for (const aml_order order : {AML_ORDER_ROW, AML_ORDER_COLUMN}) {
    const aml_tiling_blocked_options options = {order, order, AML_TILING_BLOCKED_CLIPPED};
    AML_TILING_BLOCKED_DECL(named);
    AML_TILING_BLOCKED_DECL(other);
    ASSERT_EQ(0,
              (order == AML_ORDER_ROW ? aml_tiling_blocked_init_2d_row
                                      : aml_tiling_blocked_init_2d_column)(named, 8, 7, 5, 3, 2));
    ASSERT_EQ(0, aml_tiling_blocked_init(other, 8, 2, extent, tile_extent, &options));
    aml_tile datum = {};
    ASSERT_EQ(0, aml_tile_dense(&datum, nullptr, &datum, 8, 2, extent, AML_ORDER_ROW));
    ExpectOneBehindTheOther(named, datum, options);
    for (size_t id = 0; id < aml_tiling_count(other); ++id) {
      aml_tile tiles[2] = {};
      ASSERT_EQ(0, aml_tiling_tile(named, &datum, id, &tiles[0]));
      ASSERT_EQ(0, aml_tiling_tile(other, &datum, id, &tiles[1]));
      EXPECT_EQ(tiles[1].base, tiles[0].base);
      EXPECT_TRUE(aml_tile_has_shape_of(&tiles[0], &tiles[1]));
    }
    aml_tiling *created = nullptr;
    const auto create = order == AML_ORDER_ROW ? aml_tiling_blocked_create_2d_row
                                               : aml_tiling_blocked_create_2d_column;
    ASSERT_EQ(0, create(&created, 8, 7, 5, 3, 2));
    ExpectOneBehindTheOther(created, datum, options);
    aml_tiling_destroy(&created);
    EXPECT_EQ(-AML_EINVAL, create(&created, 8, 7, 5, 0, 2));
    EXPECT_EQ(nullptr, created);
    EXPECT_EQ(-AML_EINVAL, create(nullptr, 8, 7, 5, 3, 2));
  }
}

TEST(TilingBlocked, InitRefusesUnknownOptionsAndWhatIsNotItsOwn) {
  const size_t extent[] = {7, 5};
  AML_TILING_BLOCKED_DECL(tiling);
  AML_TILING_1D_DECL(other);
  aml_tiling_blocked_options options = {};
  const auto refused = [&](aml_tiling *it, const char *sentence) {
    EXPECT_EQ(-AML_EINVAL, aml_tiling_blocked_init(it, 8, 2, extent, extent, &options));
    EXPECT_EQ(std::string("aml_tiling_blocked_init: ") + sentence, aml_error_detail());
    EXPECT_EQ(0u, it == nullptr ? 0 : aml_tiling_count(it));
  };
  refused(nullptr, "tiling is null, or was not declared by AML_TILING_BLOCKED_DECL");
  refused(other, "tiling is null, or was not declared by AML_TILING_BLOCKED_DECL");
  const int unknown = 2;
  std::memcpy(&options.order, &unknown, sizeof unknown);
  refused(tiling, "order is no order");
  options = {};
  std::memcpy(&options.tile_order, &unknown, sizeof unknown);
  refused(tiling, "tile_order is no order");
  options = {};
  std::memcpy(&options.edge, &unknown, sizeof unknown);
  refused(tiling, "edge is no kind of edge");
  EXPECT_EQ(-AML_EINVAL, aml_tiling_blocked_init_2d_row(tiling, 8, 7, 0, 3, 2));
  EXPECT_STREQ("aml_tiling_blocked_init_2d_row: extent of dimension 1 is 0", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_tiling_blocked_init_2d_column(tiling, 8, 7, 5, 0, 2));
  EXPECT_STREQ("aml_tiling_blocked_init_2d_column: tile_extent of dimension 0 is 0",
               aml_error_detail());
}

} // namespace
