// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/grid_tiling.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"

namespace {

TEST(MatmulGridTiling, EachElementIsInOneTileWhateverTheOrder) {
  const size_t extent[] = {5, 7};
  const size_t tile_extent[] = {2, 3};
  GRID_TILING_DECL(tiling);
  ASSERT_EQ(grid_tiling_init(tiling, sizeof(int), extent, tile_extent), 0);
  ASSERT_EQ(aml_tiling_count(tiling), 9u);
  for (const aml_order order : {AML_ORDER_ROW, AML_ORDER_COLUMN}) {
    std::vector<int> seen(35);
    aml_tile datum;
    ASSERT_EQ(aml_tile_dense(&datum, nullptr, seen.data(), sizeof(int), 2, extent, order), 0);
    for (size_t id = 0; id < 9; ++id) {
      aml_tile tile;
      ASSERT_EQ(aml_tiling_tile(tiling, &datum, id, &tile), 0);
      ASSERT_EQ(aml_tile_check(&tile, "test", "tile"), 0);
      EXPECT_EQ(tile.extent[0], id / 3 == 2 ? 1u : 2u);
      EXPECT_EQ(tile.extent[1], id % 3 == 2 ? 1u : 3u);
      for (size_t i = 0; i < tile.extent[0]; ++i)
        for (size_t j = 0; j < tile.extent[1]; ++j) {
          const size_t coords[] = {i, j};
          ++*static_cast<int *>(aml_tile_address(&tile, coords));
        }
    }
    EXPECT_EQ(seen, std::vector<int>(35, 1));
  }
}

TEST(MatmulGridTiling, IdsAndCoordinatesAreInverse) {
  const size_t extent[] = {5, 7};
  const size_t tile_extent[] = {2, 3};
  GRID_TILING_DECL(tiling);
  ASSERT_EQ(grid_tiling_init(tiling, 8, extent, tile_extent), 0);
  for (size_t id = 0; id < 9; ++id) {
    size_t coords[2];
    size_t again = 99;
    ASSERT_EQ(aml_tiling_coords(tiling, id, coords), 0);
    ASSERT_EQ(aml_tiling_id(tiling, coords, &again), 0);
    EXPECT_EQ(again, id);
  }
  size_t coords[2] = {3, 0};
  size_t id = 99;
  EXPECT_EQ(aml_tiling_id(tiling, coords, &id), -AML_EINVAL);
  coords[0] = 0;
  coords[1] = 3;
  EXPECT_EQ(aml_tiling_id(tiling, coords, &id), -AML_EINVAL);
  EXPECT_EQ(id, 99u);
  EXPECT_EQ(aml_tiling_coords(tiling, 9, coords), -AML_EINVAL);
}

TEST(MatmulGridTiling, TellsItsShape) {
  const size_t extent[] = {5, 7};
  const size_t tile_extent[] = {10, 3};
  aml_tiling *tiling = nullptr;
  ASSERT_EQ(grid_tiling_create(&tiling, 8, extent, tile_extent), 0);
  aml_tiling_info info;
  ASSERT_EQ(aml_tiling_get_info(tiling, &info), 0);
  EXPECT_EQ(info.cover, AML_TILING_PARTITION);
  EXPECT_EQ(info.tile_extent[0], 5u);
  EXPECT_EQ(info.grid[0], 1u);
  EXPECT_EQ(info.grid[1], 3u);
  EXPECT_EQ(info.max_tile_size, 5u * 3 * 8);
  EXPECT_EQ(info.storage_size, 5u * 7 * 8);
  aml_tiling_destroy(&tiling);
  EXPECT_EQ(tiling, nullptr);
}

TEST(MatmulGridTiling, BadTilesAreRefused) {
  const size_t extent[] = {5, 7};
  GRID_TILING_DECL(tiling);
  ASSERT_EQ(grid_tiling_init(tiling, 4, extent, extent), 0);
  std::vector<int> data(70);
  aml_tile datum;
  aml_tile tile;
  ASSERT_EQ(aml_tile_dense(&datum, nullptr, data.data(), 4, 2, extent, AML_ORDER_ROW), 0);
  EXPECT_EQ(aml_tiling_tile(tiling, &datum, 1, &tile), -AML_EINVAL);
  datum.extent[1] = 6;
  EXPECT_EQ(aml_tiling_tile(tiling, &datum, 0, &tile), -AML_EINVAL);
  datum.extent[1] = 7;
  datum.element_size = 8;
  EXPECT_EQ(aml_tiling_tile(tiling, &datum, 0, &tile), -AML_EINVAL);
}

TEST(MatmulGridTiling, BadArgumentsAreRefused) {
  const size_t good[] = {5, 7};
  const size_t zero[] = {5, 0};
  const size_t huge[] = {SIZE_MAX / 2, 3};
  GRID_TILING_DECL(tiling);
  EXPECT_EQ(grid_tiling_init(nullptr, 8, good, good), -AML_EINVAL);
  EXPECT_EQ(grid_tiling_init(tiling, 0, good, good), -AML_EINVAL);
  EXPECT_EQ(grid_tiling_init(tiling, 8, zero, good), -AML_EINVAL);
  EXPECT_EQ(grid_tiling_init(tiling, 8, good, zero), -AML_EINVAL);
  EXPECT_EQ(grid_tiling_init(tiling, 8, nullptr, good), -AML_EINVAL);
  EXPECT_EQ(grid_tiling_init(tiling, 8, good, nullptr), -AML_EINVAL);
  EXPECT_EQ(grid_tiling_init(tiling, 8, huge, good), -AML_EOVERFLOW);
  EXPECT_EQ(grid_tiling_create(nullptr, 8, good, good), -AML_EINVAL);
  aml_tiling *untouched = tiling;
  EXPECT_EQ(grid_tiling_create(&untouched, 0, good, good), -AML_EINVAL);
  EXPECT_EQ(untouched, tiling);
  aml_tiling_fini(tiling);
  EXPECT_EQ(grid_tiling_init(tiling, 8, good, good), 0);
}

} // namespace
