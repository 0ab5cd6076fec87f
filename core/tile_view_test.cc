// SPDX-License-Identifier: BSD-3-Clause
//
// Views of tiles by one coordinate and by another element size, compared byte by byte.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <random>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/tile.h"

namespace {

// Where the bytes of a tile are, in its order.
std::vector<const char *> BytesOf(const aml_tile &tile) {
  std::vector<const char *> bytes;
  size_t coords[AML_MAX_DIMS] = {};
  for (size_t left = aml_tile_count(&tile); left > 0; --left) {
    const char *const element = static_cast<char *>(aml_tile_address(&tile, coords));
    for (size_t byte = 0; byte < tile.element_size; ++byte)
      bytes.push_back(element + byte);
    for (size_t d = tile.ndims; d-- > 0 && ++coords[d] == tile.extent[d];)
      coords[d] = 0;
  }
  return bytes;
}

char memory[100000];

// A tile of two to four dimensions, whose last one may have gaps or run backwards.
aml_tile RandomTile(std::mt19937 *random) {
  aml_tile tile = aml_tile_bytes(memory + sizeof memory / 2, 1);
  tile.element_size = size_t{1} << (*random)() % 4;
  tile.ndims = 2 + (*random)() % 3;
  auto stride = static_cast<ptrdiff_t>(tile.element_size * (1 + (*random)() % 2));
  for (size_t d = tile.ndims; d-- > 0;) {
    tile.extent[d] = 1 + (*random)() % 6;
    tile.stride_bytes[d] = (*random)() % 4 == 0 ? -stride : stride;
    stride *= static_cast<ptrdiff_t>(tile.extent[d]);
  }
  return tile;
}

TEST(CoreTileView, APlaneIsASliceWithoutItsDimension) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    const aml_tile tile = RandomTile(&random);
    const size_t dimension = random() % tile.ndims;
    const size_t coord = random() % tile.extent[dimension];
    size_t offset[AML_MAX_DIMS] = {};
    size_t extent[AML_MAX_DIMS];
    std::memcpy(extent, tile.extent, sizeof extent);
    offset[dimension] = coord;
    extent[dimension] = 1;
    aml_tile box = {};
    aml_tile plane = tile;
    ASSERT_EQ(0, aml_tile_slice(&tile, offset, extent, &box));
    ASSERT_EQ(0, aml_tile_plane(&plane, dimension, coord, &plane)) << "in place";
    EXPECT_EQ(tile.ndims - 1, plane.ndims);
    EXPECT_EQ(BytesOf(box), BytesOf(plane));
    EXPECT_EQ(0, aml_tile_check(&plane, "test", "plane"));
  }
}

TEST(CoreTileView, AnotherElementSizeVisitsTheSameBytes) {
  std::mt19937 random(2);
  int views = 0;
  for (int round = 0; round < 2000; ++round) {
    const aml_tile tile = RandomTile(&random);
    const size_t element_size = size_t{1} << random() % 5;
    const size_t last = tile.ndims - 1;
    const bool runs_on = tile.stride_bytes[last] == static_cast<ptrdiff_t>(tile.element_size);
    const bool is_possible = element_size <= tile.element_size ||
                             (runs_on && tile.extent[last] * tile.element_size % element_size == 0);
    aml_tile view = tile;
    const int err = aml_tile_reinterpret(&view, element_size, &view);
    ASSERT_EQ(is_possible ? 0 : -AML_EINVAL, err);
    EXPECT_EQ(BytesOf(tile), BytesOf(view));
    if (is_possible) {
      EXPECT_EQ(element_size, view.element_size);
      EXPECT_EQ(0, aml_tile_check(&view, "test", "view"));
      ++views;
    }
  }
  EXPECT_GT(views, 500);
}

void ExpectRefused(int err, const char *sentence) {
  EXPECT_EQ(-AML_EINVAL, err);
  EXPECT_STREQ(sentence, aml_error_detail());
}

TEST(CoreTileView, BadPlanesAreRefusedByName) {
  const size_t extent[] = {3, 4};
  aml_tile tile = {};
  aml_tile plane = aml_tile_bytes(memory, 77);
  const aml_tile line = plane;
  ASSERT_EQ(0, aml_tile_dense(&tile, nullptr, memory, 8, 2, extent, AML_ORDER_ROW));
  ExpectRefused(aml_tile_plane(nullptr, 0, 0, &plane), "aml_tile_plane: tile is null");
  ExpectRefused(aml_tile_plane(&tile, 0, 0, nullptr), "aml_tile_plane: plane is null");
  ExpectRefused(aml_tile_plane(&line, 0, 0, &plane), "aml_tile_plane: tile has one dimension only");
  ExpectRefused(aml_tile_plane(&tile, 2, 0, &plane),
                "aml_tile_plane: dimension 2 is none of the tile");
  ExpectRefused(aml_tile_plane(&tile, 1, 4, &plane), "aml_tile_plane: coord 4 is outside the tile");
  EXPECT_EQ(77u, plane.extent[0]);
}

TEST(CoreTileView, BadElementSizesAreRefusedByName) {
  const size_t extent[] = {3, 4};
  aml_tile tile = {};
  aml_tile view = aml_tile_bytes(memory, 77);
  ASSERT_EQ(0, aml_tile_dense(&tile, nullptr, memory, 4, 2, extent, AML_ORDER_ROW));
  ExpectRefused(aml_tile_reinterpret(nullptr, 1, &view), "aml_tile_reinterpret: tile is null");
  ExpectRefused(aml_tile_reinterpret(&tile, 1, nullptr), "aml_tile_reinterpret: view is null");
  ExpectRefused(aml_tile_reinterpret(&tile, 0, &view),
                "aml_tile_reinterpret: element_size 0 neither divides the tile's nor is a multiple "
                "of it");
  ExpectRefused(aml_tile_reinterpret(&tile, 6, &view),
                "aml_tile_reinterpret: element_size 6 neither divides the tile's nor is a multiple "
                "of it");
  ExpectRefused(aml_tile_reinterpret(&tile, 12, &view),
                "aml_tile_reinterpret: element_size 12 does not divide the last dimension");
  ASSERT_EQ(0, aml_tile_dense(&tile, nullptr, memory, 4, 2, extent, AML_ORDER_COLUMN));
  ExpectRefused(aml_tile_reinterpret(&tile, 8, &view),
                "aml_tile_reinterpret: tile has elements in its last dimension that are not one "
                "behind the other");
  tile.ndims = AML_MAX_DIMS;
  for (size_t d = 0; d < AML_MAX_DIMS; ++d) {
    tile.extent[d] = 1;
    tile.stride_bytes[d] = 8;
  }
  ExpectRefused(aml_tile_reinterpret(&tile, 2, &view),
                "aml_tile_reinterpret: tile has no dimension left for the parts of its elements");
  EXPECT_EQ(77u, view.extent[0]);
}

} // namespace
