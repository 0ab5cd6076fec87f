// SPDX-License-Identifier: BSD-3-Clause
//
// What the contract suite does not show: which box each tile is, in random arrays of random
// strides; and what is refused. The refusals are those of all tilings into boxes.

#include "aml/tiling/clipped.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/1d.h"
#include "aml/tiling/shapes_testing.h"

namespace {

using namespace aml_testing;

void ExpectSameTile(const aml_tile &expected, const aml_tile &tile) {
  EXPECT_TRUE(aml_tile_has_shape_of(&expected, &tile));
  EXPECT_EQ(expected.base, tile.base);
  EXPECT_EQ(expected.area, tile.area);
  for (size_t d = 0; d < tile.ndims; ++d)
    EXPECT_EQ(expected.stride_bytes[d], tile.stride_bytes[d]);
}

// The tile by its definition: a slice.
aml_tile Slice(const aml_tile &datum, const Shape &shape, const size_t coords[]) {
  size_t offset[AML_MAX_DIMS];
  size_t extent[AML_MAX_DIMS];
  for (size_t d = 0; d < shape.ndims; ++d) {
    offset[d] = coords[d] * shape.tile_extent[d];
    extent[d] = std::min(shape.tile_extent[d], shape.extent[d] - offset[d]);
  }
  aml_tile box = {};
  EXPECT_EQ(0, aml_tile_slice(&datum, offset, extent, &box));
  return box;
}

TEST(TilingClipped, TilesAreTheBoxesOfTheArray) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const Shape shape = RandomShape(&random);
    const aml_tile datum = RandomLayout(shape, &random);
    const aml_tiling_clipped_options options = {round % 2 == 0 ? AML_ORDER_ROW : AML_ORDER_COLUMN};
    AML_TILING_CLIPPED_DECL(tiling);
    ASSERT_EQ(0, aml_tiling_clipped_init(tiling, shape.element_size, shape.ndims, shape.extent,
                                         shape.tile_extent, &options));
    for (size_t id = 0; id < aml_tiling_count(tiling); ++id) {
      size_t coords[AML_MAX_DIMS];
      ASSERT_EQ(0, aml_tiling_coords(tiling, id, coords));
      const aml_tile expected = Slice(datum, shape, coords);
      aml_tile tile = {};
      ASSERT_EQ(0, aml_tiling_tile(tiling, &datum, id, &tile));
      ExpectSameTile(expected, tile);
      aml_tiling_clipped_tile(tiling, &datum, id, &tile);
      ExpectSameTile(expected, tile);
      aml_tiling_clipped_tile_at(tiling, &datum, coords, &tile);
      ExpectSameTile(expected, tile);
    }
    aml_tiling_fini(tiling);
  }
}

TEST(TilingClipped, IdsRunAlongTheDimensionOfTheirOrder) {
  const size_t extent[] = {5, 7};
  const size_t tile_extent[] = {2, 3};
  const aml_tiling_clipped_options column = {AML_ORDER_COLUMN};
  AML_TILING_CLIPPED_DECL(by_row);
  AML_TILING_CLIPPED_DECL(by_column);
  ASSERT_EQ(0, aml_tiling_clipped_init(by_row, 8, 2, extent, tile_extent, nullptr));
  ASSERT_EQ(0, aml_tiling_clipped_init(by_column, 8, 2, extent, tile_extent, &column));
  const size_t coords[] = {1, 2};
  size_t id = 0;
  ASSERT_EQ(0, aml_tiling_id(by_row, coords, &id));
  EXPECT_EQ(5u, id);
  ASSERT_EQ(0, aml_tiling_id(by_column, coords, &id));
  EXPECT_EQ(7u, id);
}

// Arguments of init, each of which can be made wrong.
struct Arguments {
  size_t element_size = 8;
  size_t ndims = 2;
  size_t extent[AML_MAX_DIMS] = {10, 10};
  size_t tile_extent[AML_MAX_DIMS] = {4, 4};
  bool has_extent = true;
  bool has_tile_extent = true;
  aml_tiling_clipped_options options = {AML_ORDER_ROW};
};

void ExpectRefused(int code, const char *sentence, const Arguments &arguments) {
  AML_TILING_CLIPPED_DECL(tiling);
  EXPECT_EQ(code,
            aml_tiling_clipped_init(tiling, arguments.element_size, arguments.ndims,
                                    arguments.has_extent ? arguments.extent : nullptr,
                                    arguments.has_tile_extent ? arguments.tile_extent : nullptr,
                                    &arguments.options));
  EXPECT_STREQ(sentence, aml_error_detail());
  EXPECT_EQ(0u, aml_tiling_count(tiling)) << "a refused call changed the block";
}

TEST(TilingClipped, InitRefusesEachBadArgumentByName) {
  Arguments arguments;
  arguments.element_size = 0;
  ExpectRefused(-AML_EINVAL, "aml_tiling_clipped_init: element_size is 0", arguments);
  for (const size_t ndims : {size_t{0}, size_t{9}}) {
    arguments = {};
    arguments.ndims = ndims;
    const std::string sentence =
        "aml_tiling_clipped_init: ndims " + std::to_string(ndims) + " is not 1 to 8";
    ExpectRefused(-AML_EINVAL, sentence.c_str(), arguments);
  }
  arguments = {};
  arguments.has_extent = false;
  ExpectRefused(-AML_EINVAL, "aml_tiling_clipped_init: extent is null", arguments);
  arguments = {};
  arguments.has_tile_extent = false;
  ExpectRefused(-AML_EINVAL, "aml_tiling_clipped_init: tile_extent is null", arguments);
  arguments = {};
  arguments.extent[1] = 0;
  ExpectRefused(-AML_EINVAL, "aml_tiling_clipped_init: extent of dimension 1 is 0", arguments);
  arguments = {};
  arguments.tile_extent[0] = 0;
  ExpectRefused(-AML_EINVAL, "aml_tiling_clipped_init: tile_extent of dimension 0 is 0", arguments);
}

TEST(TilingClipped, InitRefusesArraysLargerThanTheRangeOfAddresses) {
  const char sentence[] = "aml_tiling_clipped_init: extent is larger than the range of addresses";
  Arguments arguments;
  arguments.extent[0] = size_t{1} << 40;
  arguments.extent[1] = size_t{1} << 20;
  ExpectRefused(-AML_EOVERFLOW, sentence, arguments);
  arguments.extent[0] = arguments.extent[1] = SIZE_MAX;
  ExpectRefused(-AML_EOVERFLOW, sentence, arguments);
  arguments.extent[1] = 1;
  arguments.element_size = 1;
  arguments.extent[0] = size_t{PTRDIFF_MAX} + 1;
  ExpectRefused(-AML_EOVERFLOW, sentence, arguments);
  arguments.extent[0] = PTRDIFF_MAX;
  AML_TILING_CLIPPED_DECL(tiling);
  EXPECT_EQ(
      0, aml_tiling_clipped_init(tiling, 1, 2, arguments.extent, arguments.tile_extent, nullptr));
  EXPECT_EQ((size_t{PTRDIFF_MAX} + 1) / 4, aml_tiling_count(tiling));
}

TEST(TilingClipped, InitRefusesWhatIsNotItsOwn) {
  const size_t extent[] = {10};
  AML_TILING_1D_DECL(other);
  for (aml_tiling *const tiling : {other, static_cast<aml_tiling *>(nullptr)}) {
    EXPECT_EQ(-AML_EINVAL, aml_tiling_clipped_init(tiling, 8, 1, extent, extent, nullptr));
    EXPECT_STREQ("aml_tiling_clipped_init: tiling is null, or was not declared by "
                 "AML_TILING_CLIPPED_DECL",
                 aml_error_detail());
  }
  EXPECT_EQ(-AML_EINVAL, aml_tiling_clipped_create(nullptr, 8, 1, extent, extent, nullptr));
  EXPECT_EQ(0u, other_storage.count);
}

} // namespace
