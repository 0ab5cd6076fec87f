// SPDX-License-Identifier: BSD-3-Clause
//
// Which tiles are valid, and what the functions that make and view them refuse.

#include "aml/core/tile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "aml/core/error.h"

namespace {

// Nothing is dereferenced, so any address will do.
char *const kBase = reinterpret_cast<char *>(uintptr_t{1} << 40);

aml_tile Tile(char *base, size_t element_size, std::vector<size_t> extent,
              std::vector<ptrdiff_t> stride) {
  aml_tile tile = {};
  tile.base = base;
  tile.element_size = element_size;
  tile.ndims = extent.size();
  std::copy(extent.begin(), extent.end(), tile.extent);
  std::copy(stride.begin(), stride.end(), tile.stride_bytes);
  return tile;
}

int Check(const aml_tile &tile) {
  return aml_tile_check(&tile, "aml_f", "src");
}

TEST(CoreTileCheck, BytesAreAContiguousTile) {
  const aml_tile tile = aml_tile_bytes(kBase, 100);
  EXPECT_EQ(0, Check(tile));
  EXPECT_EQ(kBase, tile.base);
  EXPECT_EQ(nullptr, tile.area);
  EXPECT_EQ(100u, aml_tile_count(&tile));
  EXPECT_EQ(100u, aml_tile_size(&tile));
  EXPECT_TRUE(aml_tile_is_contiguous(&tile));
}

TEST(CoreTileCheck, ADenseArrayInRowsHasItsLastDimensionFastest) {
  const size_t extent[] = {2, 3, 4};
  aml_tile tile;
  auto *const area = reinterpret_cast<aml_area *>(kBase);
  ASSERT_EQ(0, aml_tile_dense(&tile, area, kBase, 8, 3, extent, AML_ORDER_ROW));
  EXPECT_EQ(area, tile.area);
  EXPECT_EQ(96, tile.stride_bytes[0]);
  EXPECT_EQ(32, tile.stride_bytes[1]);
  EXPECT_EQ(8, tile.stride_bytes[2]);
  EXPECT_EQ(24u, aml_tile_count(&tile));
  EXPECT_EQ(192u, aml_tile_size(&tile));
}

TEST(CoreTileCheck, ADenseArrayInColumnsHasItsFirstDimensionFastest) {
  const size_t extent[] = {2, 3, 4};
  aml_tile tile;
  ASSERT_EQ(0, aml_tile_dense(&tile, nullptr, kBase, 8, 3, extent, AML_ORDER_COLUMN));
  EXPECT_EQ(8, tile.stride_bytes[0]);
  EXPECT_EQ(16, tile.stride_bytes[1]);
  EXPECT_EQ(48, tile.stride_bytes[2]);
}

TEST(CoreTileCheck, ADenseArrayMayHaveAllTheDimensionsThereAre) {
  const size_t extent[AML_MAX_DIMS] = {2, 2, 2, 2, 2, 2, 2, 2};
  aml_tile tile;
  ASSERT_EQ(0, aml_tile_dense(&tile, nullptr, kBase, 4, AML_MAX_DIMS, extent, AML_ORDER_ROW));
  EXPECT_EQ(512, tile.stride_bytes[0]);
  EXPECT_EQ(4, tile.stride_bytes[AML_MAX_DIMS - 1]);
  EXPECT_TRUE(aml_tile_is_contiguous(&tile));
}

// What a program in C may well pass; a cast to a number outside an enumeration is none in C++.
__attribute__((no_sanitize("undefined"))) aml_order NoOrder() {
  const int number = 2;
  aml_order order;
  static_assert(sizeof order == sizeof number, "enumerations are ints");
  std::memcpy(&order, &number, sizeof order);
  return order;
}

TEST(CoreTileCheck, DenseRefusesWhatIsNoArrayAndLeavesTheTile) {
  const size_t extent[AML_MAX_DIMS + 1] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  const size_t zero[] = {3, 0};
  const size_t huge[] = {SIZE_MAX, SIZE_MAX};
  const size_t large[] = {size_t{1} << 62, 2};
  aml_tile tile = aml_tile_bytes(kBase, 7);
  const auto dense = [&](size_t element_size, size_t ndims, const size_t *extents,
                         aml_order order = AML_ORDER_ROW, char *base = kBase) {
    return aml_tile_dense(&tile, nullptr, base, element_size, ndims, extents, order);
  };
  EXPECT_EQ(-AML_EINVAL, dense(0, 1, extent));
  EXPECT_EQ(-AML_EINVAL, dense(8, 0, extent));
  EXPECT_EQ(-AML_EINVAL, dense(8, AML_MAX_DIMS + 1, extent));
  EXPECT_STREQ("aml_tile_dense: ndims 9 is not 1 to 8", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, dense(8, 2, zero));
  EXPECT_EQ(-AML_EINVAL, dense(8, 1, nullptr));
  EXPECT_EQ(-AML_EINVAL, dense(8, 1, extent, NoOrder()));
  EXPECT_STREQ("aml_tile_dense: order is no order", aml_error_detail());
  EXPECT_EQ(-AML_EOVERFLOW, dense(8, 2, huge));
  EXPECT_EQ(-AML_EOVERFLOW, dense(1, 2, large));
  EXPECT_EQ(-AML_EOVERFLOW, dense(SIZE_MAX, 1, extent));
  char *const last = reinterpret_cast<char *>(UINTPTR_MAX);
  EXPECT_EQ(-AML_EOVERFLOW, dense(2, 1, extent, AML_ORDER_COLUMN, last)) << "ends behind the last";
  EXPECT_EQ(-AML_EINVAL, aml_tile_dense(&tile, nullptr, nullptr, 8, 1, extent, AML_ORDER_ROW));
  EXPECT_EQ(-AML_EINVAL, aml_tile_dense(nullptr, nullptr, kBase, 8, 1, extent, AML_ORDER_ROW));
  EXPECT_EQ(7u, tile.extent[0]);
  EXPECT_EQ(1u, tile.element_size);
}

TEST(CoreTileCheck, CheckNamesWhatIsWrongWithATile) {
  const auto expect = [](const aml_tile &tile, int err, const char *sentence) {
    EXPECT_EQ(err, Check(tile));
    EXPECT_EQ(std::string("aml_f: src ") + sentence, aml_error_detail());
  };
  EXPECT_EQ(-AML_EINVAL, aml_tile_check(nullptr, "aml_f", "dst"));
  EXPECT_STREQ("aml_f: dst is null", aml_error_detail());
  expect(Tile(kBase, 1, {}, {}), -AML_EINVAL, "0 dimensions: a tile has 1 to 8");
  aml_tile nine = Tile(kBase, 1, {1}, {1});
  nine.ndims = 9;
  expect(nine, -AML_EINVAL, "9 dimensions: a tile has 1 to 8");
  expect(Tile(kBase, 0, {1}, {1}), -AML_EINVAL, "has an element size of 0");
  expect(Tile(nullptr, 1, {1}, {1}), -AML_EINVAL, "has a null base");
  expect(Tile(kBase, 1, {2, 0}, {1, 1}), -AML_EINVAL, "has an extent of 0");
  expect(Tile(kBase, 1, {SIZE_MAX, 2}, {0, 0}), -AML_EOVERFLOW,
         "has more elements than can be counted");
}

TEST(CoreTileCheck, CheckRefusesTilesThatLeaveTheRangeOfAddresses) {
  char *const low = reinterpret_cast<char *>(uintptr_t{100});
  char *const high = reinterpret_cast<char *>(UINTPTR_MAX - 99);
  EXPECT_EQ(0, Check(Tile(low, 1, {101}, {-1})));
  EXPECT_EQ(-AML_EOVERFLOW, Check(Tile(low, 1, {102}, {-1})));
  EXPECT_EQ(0, Check(Tile(high, 1, {99}, {1})));
  EXPECT_EQ(-AML_EOVERFLOW, Check(Tile(high, 1, {101}, {1})));
  EXPECT_EQ(-AML_EOVERFLOW, Check(Tile(high, 8, {13}, {8})));
  EXPECT_EQ(-AML_EOVERFLOW, Check(Tile(kBase, 1, {3}, {PTRDIFF_MAX})));
  EXPECT_EQ(-AML_EOVERFLOW, Check(Tile(kBase, 1, {3}, {PTRDIFF_MIN})));
  EXPECT_EQ(-AML_EOVERFLOW, Check(Tile(kBase, 1, {2, 2}, {PTRDIFF_MAX, PTRDIFF_MAX})));
  EXPECT_EQ(-AML_EOVERFLOW, Check(Tile(kBase, SIZE_MAX, {1}, {1})));
  EXPECT_EQ(-AML_EOVERFLOW, Check(Tile(kBase, 2, {SIZE_MAX / 2 + 1}, {0})));
  EXPECT_EQ(0, Check(Tile(kBase, 1, {1}, {PTRDIFF_MIN}))) << "a stride that is never stepped";
}

TEST(CoreTileCheck, SliceRefusesBoxesThatLeaveTheTile) {
  const aml_tile tile = Tile(kBase, 8, {3, 4}, {32, 8});
  aml_tile box = aml_tile_bytes(kBase, 7);
  const auto slice = [&](size_t row, size_t column, size_t rows, size_t columns) {
    const size_t offset[] = {row, column};
    const size_t extent[] = {rows, columns};
    return aml_tile_slice(&tile, offset, extent, &box);
  };
  EXPECT_EQ(-AML_EINVAL, slice(3, 0, 1, 1));
  EXPECT_EQ(-AML_EINVAL, slice(0, 4, 1, 1));
  EXPECT_STREQ("aml_tile_slice: offset 4 is outside the tile", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, slice(0, 0, 0, 1));
  EXPECT_EQ(-AML_EINVAL, slice(1, 0, 3, 1));
  EXPECT_EQ(-AML_EINVAL, slice(0, 1, 1, SIZE_MAX));
  EXPECT_EQ(7u, box.extent[0]);
  EXPECT_EQ(0, slice(2, 3, 1, 1));
  const size_t zeros[] = {0, 0};
  EXPECT_EQ(-AML_EINVAL, aml_tile_slice(nullptr, zeros, zeros, &box));
  EXPECT_EQ(-AML_EINVAL, aml_tile_slice(&tile, nullptr, zeros, &box));
  EXPECT_EQ(-AML_EINVAL, aml_tile_slice(&tile, zeros, nullptr, &box));
  EXPECT_EQ(-AML_EINVAL, aml_tile_slice(&tile, zeros, zeros, nullptr));
}

TEST(CoreTileCheck, PermuteRefusesWhatIsNoPermutation) {
  const aml_tile tile = Tile(kBase, 8, {3, 4}, {32, 8});
  aml_tile permuted = aml_tile_bytes(kBase, 7);
  for (const auto &order : {std::vector<size_t>{0, 0}, {1, 1}, {0, 2}, {SIZE_MAX, 0}})
    EXPECT_EQ(-AML_EINVAL, aml_tile_permute(&tile, order.data(), &permuted));
  EXPECT_EQ(7u, permuted.extent[0]);
  const size_t swapped[] = {1, 0};
  EXPECT_EQ(-AML_EINVAL, aml_tile_permute(nullptr, swapped, &permuted));
  EXPECT_EQ(-AML_EINVAL, aml_tile_permute(&tile, nullptr, &permuted));
  EXPECT_EQ(-AML_EINVAL, aml_tile_permute(&tile, swapped, nullptr));
}

TEST(CoreTileCheck, ShapesAreExtentsAndElementSize) {
  const aml_tile tile = Tile(kBase, 8, {3, 4}, {32, 8});
  const auto same = [&](const aml_tile &other) { return aml_tile_has_shape_of(&tile, &other); };
  EXPECT_TRUE(same(Tile(kBase + 1, 8, {3, 4}, {8, 32})));
  EXPECT_FALSE(same(Tile(kBase, 4, {3, 4}, {32, 8})));
  EXPECT_FALSE(same(Tile(kBase, 8, {4, 3}, {32, 8})));
  EXPECT_FALSE(same(Tile(kBase, 8, {3, 4, 1}, {32, 8, 8})));
}

} // namespace
