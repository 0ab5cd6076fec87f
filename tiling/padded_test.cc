// SPDX-License-Identifier: BSD-3-Clause
//
// What the contract suite does not show: which boxes tiles are, where padding is and that only it
// is filled, and what is refused. What all tilings into boxes refuse, clipped_test shows.

#include "aml/tiling/padded.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/1d.h"
#include "aml/tiling/shapes_testing.h"

namespace {

using namespace aml_testing;

// Fills the padding of all tiles of an array of 0xaa with 0x55, and expects each byte.
void ExpectOnlyPaddingFilled(const aml_tiling *tiling, const Shape &shape, aml_order order) {
  aml_tiling_info info;
  ASSERT_EQ(0, aml_tiling_get_info(tiling, &info));
  std::vector<char> memory(info.storage_size, '\xaa');
  aml_tile datum = {};
  ASSERT_EQ(0, aml_tiling_padded_datum(tiling, nullptr, memory.data(), order, &datum));
  const std::vector<char> value(shape.element_size, '\x55');
  size_t interior_size = 0;
  for (size_t id = 0; id < info.count; ++id) {
    aml_tile tile = {};
    aml_tile interior = {};
    ASSERT_EQ(0, aml_tiling_tile(tiling, &datum, id, &tile));
    ASSERT_EQ(0, aml_tiling_padded_interior(tiling, &datum, id, &interior));
    EXPECT_EQ(tile.base, interior.base);
    EXPECT_EQ(info.max_tile_size, aml_tile_size(&tile));
    interior_size += aml_tile_size(&interior);
    ASSERT_EQ(0, aml_tiling_padded_fill(tiling, &datum, id, value.data())) << aml_error_detail();
  }
  const size_t datum_size = aml_tile_size(&datum);
  EXPECT_EQ(datum_size, interior_size);
  EXPECT_EQ(static_cast<ptrdiff_t>(memory.size() - datum_size),
            std::count(memory.begin(), memory.end(), '\x55'));
  size_t coords[AML_MAX_DIMS] = {};
  for (size_t left = aml_tile_count(&datum); left > 0; --left) {
    ASSERT_EQ('\xaa', *static_cast<char *>(aml_tile_address(&datum, coords)));
    for (size_t d = datum.ndims; d-- > 0 && ++coords[d] == datum.extent[d];)
      coords[d] = 0;
  }
}

TEST(TilingPadded, PaddingIsFilledAndNothingElse) {
  std::mt19937 random(2);
  for (int round = 0; round < 200; ++round) {
    const Shape shape = RandomShape(&random);
    AML_TILING_PADDED_DECL(tiling);
    ASSERT_EQ(0, aml_tiling_padded_init(tiling, shape.element_size, shape.ndims, shape.extent,
                                        shape.tile_extent, nullptr));
    ExpectOnlyPaddingFilled(tiling, shape, round % 2 == 0 ? AML_ORDER_ROW : AML_ORDER_COLUMN);
    aml_tiling_fini(tiling);
  }
}

TEST(TilingPadded, TilesAreBoxesOfOneSize) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    const Shape shape = RandomShape(&random);
    const aml_tiling_padded_options options = {round % 2 == 0 ? AML_ORDER_ROW : AML_ORDER_COLUMN};
    aml_tiling *tiling = nullptr;
    ASSERT_EQ(0, aml_tiling_padded_create(&tiling, shape.element_size, shape.ndims, shape.extent,
                                          shape.tile_extent, &options));
    aml_tile datum = {};
    ASSERT_EQ(0, aml_tiling_padded_datum(tiling, nullptr, &datum, AML_ORDER_COLUMN, &datum));
    for (size_t id = 0; id < aml_tiling_count(tiling); ++id) {
      size_t coords[AML_MAX_DIMS];
      aml_tile tile = {};
      aml_tile by_inline = {};
      ASSERT_EQ(0, aml_tiling_coords(tiling, id, coords));
      ASSERT_EQ(0, aml_tiling_tile(tiling, &datum, id, &tile)) << aml_error_detail();
      aml_tiling_padded_tile(tiling, &datum, id, &by_inline);
      for (size_t d = 0; d < shape.ndims; ++d) {
        EXPECT_EQ(shape.tile_extent[d], tile.extent[d]);
        coords[d] *= shape.tile_extent[d];
      }
      EXPECT_EQ(aml_tile_address(&datum, coords), tile.base);
      EXPECT_EQ(tile.base, by_inline.base);
      EXPECT_TRUE(aml_tile_has_shape_of(&tile, &by_inline));
    }
    aml_tiling_destroy(&tiling);
  }
}

class TilingPaddedRefusal : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(0, aml_tiling_padded_init(tiling, 4, 2, extent, tile_extent, nullptr));
    ASSERT_EQ(0, aml_tiling_padded_datum(tiling, nullptr, memory, AML_ORDER_ROW, &datum));
  }

  const size_t extent[2] = {3, 5};
  const size_t tile_extent[2] = {2, 3};
  int memory[24] = {};
  AML_TILING_PADDED_DECL(tiling);
  aml_tile datum{};
};

TEST_F(TilingPaddedRefusal, DataWithoutRoomForPadding) {
  const char sentence[] = "aml_tiling_tile: datum has strides that leave no room for padding";
  aml_tile dense = {};
  aml_tile tile = {};
  ASSERT_EQ(0, aml_tile_dense(&dense, nullptr, memory, 4, 2, extent, AML_ORDER_ROW));
  EXPECT_EQ(-AML_EINVAL, aml_tiling_tile(tiling, &dense, 0, &tile));
  EXPECT_STREQ(sentence, aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_tiling_padded_fill(tiling, &dense, 0, &tile));
  for (const ptrdiff_t stride : {ptrdiff_t{0}, ptrdiff_t{-24}, ptrdiff_t{23}, PTRDIFF_MAX}) {
    aml_tile other = datum;
    other.stride_bytes[0] = stride;
    EXPECT_EQ(-AML_EINVAL, aml_tiling_tile(tiling, &other, 0, &tile)) << stride;
    EXPECT_STREQ(sentence, aml_error_detail());
  }
  aml_tile high = datum;
  high.base = reinterpret_cast<void *>(UINTPTR_MAX - 80);
  EXPECT_EQ(-AML_EINVAL, aml_tiling_tile(tiling, &high, 0, &tile)) << "padding has no address";
}

TEST_F(TilingPaddedRefusal, WhatIsNoPaddedTiling) {
  AML_TILING_1D_DECL(other);
  aml_tile tile = {};
  const auto refused = [](int err, const char *call) {
    EXPECT_EQ(-AML_EINVAL, err);
    EXPECT_EQ(std::string(call) + ": tiling is null, or no tiling into padded boxes",
              aml_error_detail());
  };
  for (aml_tiling *const it : {other, static_cast<aml_tiling *>(nullptr)}) {
    refused(aml_tiling_padded_datum(it, nullptr, memory, AML_ORDER_ROW, &tile),
            "aml_tiling_padded_datum");
    refused(aml_tiling_padded_interior(it, &datum, 0, &tile), "aml_tiling_padded_interior");
    refused(aml_tiling_padded_fill(it, &datum, 0, memory), "aml_tiling_padded_interior");
    EXPECT_EQ(-AML_EINVAL, aml_tiling_padded_init(it, 4, 2, extent, tile_extent, nullptr));
  }
}

TEST_F(TilingPaddedRefusal, NullByName) {
  aml_tile tile = {};
  EXPECT_EQ(-AML_EINVAL, aml_tiling_padded_datum(tiling, nullptr, memory, AML_ORDER_ROW, nullptr));
  EXPECT_STREQ("aml_tiling_padded_datum: datum is null", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_tiling_padded_interior(tiling, nullptr, 0, &tile));
  EXPECT_STREQ("aml_tiling_padded_interior: datum is null", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_tiling_padded_interior(tiling, &datum, 0, nullptr));
  EXPECT_STREQ("aml_tiling_padded_interior: interior is null", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_tiling_padded_fill(tiling, &datum, 0, nullptr));
  EXPECT_STREQ("aml_tiling_padded_fill: value is null", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_tiling_padded_fill(tiling, &datum, 4, memory));
  EXPECT_STREQ("aml_tiling_tile: id 4 is not below the number of tiles", aml_error_detail());
}

TEST_F(TilingPaddedRefusal, FillingWhatTheHostCannotWrite) {
  aml_area_ops ops = {};
  ops.capabilities = [](const aml_area *) -> unsigned { return AML_AREA_DEVICE; };
  aml_area area = {&ops};
  datum.area = &area;
  EXPECT_EQ(-AML_ENOTSUP, aml_tiling_padded_fill(tiling, &datum, 3, memory));
  EXPECT_STREQ("aml_tiling_padded_fill: datum is in an area that the host cannot write",
               aml_error_detail());
}

TEST_F(TilingPaddedRefusal, ArraysThatAreTooLargeWithTheirPadding) {
  const size_t large[] = {size_t{1} << 32, 2};
  const size_t tiles[] = {(size_t{1} << 31) + 1, size_t{1} << 31};
  AML_TILING_PADDED_DECL(other);
  EXPECT_EQ(-AML_EOVERFLOW, aml_tiling_padded_init(other, 1, 2, large, tiles, nullptr));
  EXPECT_STREQ("aml_tiling_padded_init: extent is larger than the range of addresses",
               aml_error_detail());
}

} // namespace
