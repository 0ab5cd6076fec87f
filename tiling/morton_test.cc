// SPDX-License-Identifier: BSD-3-Clause
//
// What the contract suite does not show: that tiles are the boxes at their coordinates, which
// core's tests of the curve number; and what is refused.

#include "aml/tiling/morton.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <random>

#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/1d.h"
#include "aml/tiling/shapes_testing.h"

namespace {

using namespace aml_testing;

TEST(TilingMorton, TilesAreTheBoxesAtTheirCoordinates) {
  std::mt19937 random(5);
  for (int round = 0; round < 200; ++round) {
    const Shape shape = RandomShape(&random);
    const aml_tile datum = RandomLayout(shape, &random);
    aml_tiling *tiling = nullptr;
    ASSERT_EQ(0, aml_tiling_morton_create(&tiling, shape.element_size, shape.ndims, shape.extent,
                                          shape.tile_extent));
    for (size_t id = 0; id < aml_tiling_count(tiling); ++id) {
      size_t coords[AML_MAX_DIMS];
      aml_tile tiles[3] = {};
      ASSERT_EQ(0, aml_tiling_coords(tiling, id, coords));
      EXPECT_EQ(id, aml_tiling_morton_id(tiling, coords));
      ASSERT_EQ(0, aml_tiling_tile(tiling, &datum, id, &tiles[0]));
      aml_tiling_morton_tile(tiling, &datum, id, &tiles[1]);
      aml_tiling_morton_tile_at(tiling, &datum, coords, &tiles[2]);
      for (size_t d = 0; d < shape.ndims; ++d) {
        coords[d] *= shape.tile_extent[d];
        EXPECT_EQ(std::min(shape.tile_extent[d], shape.extent[d] - coords[d]), tiles[0].extent[d]);
        EXPECT_EQ(datum.stride_bytes[d], tiles[0].stride_bytes[d]);
      }
      for (const aml_tile &tile : tiles) {
        EXPECT_EQ(aml_tile_address(&datum, coords), tile.base);
        EXPECT_TRUE(aml_tile_has_shape_of(&tiles[0], &tile));
      }
    }
    aml_tiling_destroy(&tiling);
  }
}

TEST(TilingMorton, TheHeadersPictureIsTrue) {
  const size_t ids[3][4] = {{0, 1, 4, 5}, {2, 3, 6, 7}, {8, 9, 10, 11}};
  const size_t extent[] = {3, 4};
  const size_t tile_extent[] = {1, 1};
  AML_TILING_MORTON_DECL(tiling);
  ASSERT_EQ(0, aml_tiling_morton_init(tiling, 8, 2, extent, tile_extent));
  for (size_t row = 0; row < 3; ++row)
    for (size_t column = 0; column < 4; ++column) {
      const size_t coords[] = {row, column};
      size_t id = 99;
      ASSERT_EQ(0, aml_tiling_id(tiling, coords, &id));
      EXPECT_EQ(ids[row][column], id);
    }
}

TEST(TilingMorton, InitRefusesBadArguments) {
  const size_t extent[] = {3, 4};
  const size_t zero[] = {3, 0};
  AML_TILING_MORTON_DECL(tiling);
  AML_TILING_1D_DECL(other);
  for (aml_tiling *const it : {other, static_cast<aml_tiling *>(nullptr)}) {
    EXPECT_EQ(-AML_EINVAL, aml_tiling_morton_init(it, 8, 2, extent, extent));
    EXPECT_STREQ("aml_tiling_morton_init: tiling is null, or was not declared by "
                 "AML_TILING_MORTON_DECL",
                 aml_error_detail());
  }
  EXPECT_EQ(-AML_EINVAL, aml_tiling_morton_init(tiling, 8, 2, extent, zero));
  EXPECT_STREQ("aml_tiling_morton_init: tile_extent of dimension 1 is 0", aml_error_detail());
  // 57 bits of tiles at most, but in 8 dimensions, each of which rounds up: 8 times 8 bits and 1.
  const size_t wide[] = {257, 129, 129, 129, 129, 129, 129, 129};
  const size_t ones[] = {1, 1, 1, 1, 1, 1, 1, 1};
  EXPECT_EQ(-AML_EOVERFLOW, aml_tiling_morton_init(tiling, 1, 8, wide, ones));
  EXPECT_STREQ("aml_tiling_morton_init: tile_extent cuts more tiles than the Z curve can number",
               aml_error_detail());
  EXPECT_EQ(0u, aml_tiling_count(tiling)) << "a refused call changed the block";
}

} // namespace
