// SPDX-License-Identifier: BSD-3-Clause
//
// The law of halos, element by element: a tile is its interior and what is at most the widths away
// from it; interiors partition the array but its border; the parts of a halo partition it.

#include "aml/tiling/halo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/1d.h"
#include "aml/tiling/shapes_testing.h"

namespace {

using namespace aml_testing;

using Elements = std::multiset<const char *>;

void Collect(const aml_tile &tile, Elements *elements) {
  size_t coords[AML_MAX_DIMS] = {};
  for (size_t left = aml_tile_count(&tile); left > 0; --left) {
    elements->insert(static_cast<char *>(aml_tile_address(&tile, coords)));
    for (size_t d = tile.ndims; d-- > 0 && ++coords[d] == tile.extent[d];)
      coords[d] = 0;
  }
}

// A tiling with random halos, of at most three dimensions.
struct Case {
  Shape shape;
  aml_tiling_halo_options options = {};

  explicit Case(std::mt19937 *random) : shape(RandomShape(random)) {
    shape.ndims = std::min(shape.ndims, size_t{3});
    options.has_border = (*random)() % 2 == 0;
    options.order = (*random)() % 2 == 0 ? AML_ORDER_ROW : AML_ORDER_COLUMN;
    for (size_t d = 0; d < shape.ndims; ++d) {
      shape.extent[d] = 1 + shape.extent[d] % 7;
      options.before[d] = (*random)() % 4;
      options.after[d] = (*random)() % 4;
      if (options.has_border)
        shape.extent[d] += options.before[d] + options.after[d];
    }
  }

  size_t Origin(size_t d) const { return options.has_border ? options.before[d] : 0; }
  size_t End(size_t d) const {
    return shape.extent[d] - (options.has_border ? options.after[d] : 0);
  }
};

// By definition: from `from` to `to` in each dimension.
Elements Box(const aml_tile &datum, const size_t from[], const size_t to[]) {
  size_t extent[AML_MAX_DIMS];
  for (size_t d = 0; d < datum.ndims; ++d)
    extent[d] = to[d] - from[d];
  aml_tile box = {};
  Elements elements;
  EXPECT_EQ(0, aml_tile_slice(&datum, from, extent, &box)) << aml_error_detail();
  Collect(box, &elements);
  return elements;
}

// The parts in all directions, and the interior.
Elements Assemble(const aml_tiling *tiling, const aml_tile &datum, size_t id,
                  const aml_tile &interior) {
  Elements elements;
  Collect(interior, &elements);
  for (int number = 0; number < 27; ++number) {
    const int direction[] = {number % 3 - 1, number / 3 % 3 - 1, number / 9 - 1};
    bool is_interior = true;
    bool is_beyond = false;
    for (size_t d = 0; d < 3; ++d) {
      is_interior = is_interior && (direction[d] == 0 || d >= datum.ndims);
      is_beyond = is_beyond || (direction[d] != 0 && d >= datum.ndims);
    }
    if (is_interior || is_beyond)
      continue;
    aml_tile part = {};
    const int err = aml_tiling_halo_part(tiling, &datum, id, direction, &part);
    EXPECT_TRUE(err == 0 || err == -AML_ENOENT) << aml_error_detail();
    if (err == 0)
      Collect(part, &elements);
  }
  return elements;
}

TEST(TilingHalo, TilesAreInteriorsAndWhatIsNear) {
  std::mt19937 random(6);
  for (int round = 0; round < 150; ++round) {
    const Case made(&random);
    const aml_tile datum = RandomLayout(made.shape, &random);
    AML_TILING_HALO_DECL(tiling);
    ASSERT_EQ(0, aml_tiling_halo_init(tiling, made.shape.element_size, made.shape.ndims,
                                      made.shape.extent, made.shape.tile_extent, &made.options))
        << aml_error_detail();
    Elements interiors;
    for (size_t id = 0; id < aml_tiling_count(tiling); ++id) {
      size_t from[AML_MAX_DIMS];
      size_t to[AML_MAX_DIMS];
      size_t halo_from[AML_MAX_DIMS];
      size_t halo_to[AML_MAX_DIMS];
      size_t coords[AML_MAX_DIMS];
      ASSERT_EQ(0, aml_tiling_coords(tiling, id, coords));
      for (size_t d = 0; d < made.shape.ndims; ++d) {
        from[d] = made.Origin(d) + coords[d] * made.shape.tile_extent[d];
        to[d] = std::min(from[d] + made.shape.tile_extent[d], made.End(d));
        halo_from[d] = from[d] - std::min(from[d], made.options.before[d]);
        halo_to[d] = std::min(to[d] + made.options.after[d], made.shape.extent[d]);
      }
      aml_tile tile = {};
      aml_tile interior = {};
      ASSERT_EQ(0, aml_tiling_tile(tiling, &datum, id, &tile)) << aml_error_detail();
      ASSERT_EQ(0, aml_tiling_halo_interior(tiling, &datum, id, &interior));
      Elements found;
      Collect(tile, &found);
      ASSERT_EQ(Box(datum, halo_from, halo_to), found) << "tile " << id;
      ASSERT_EQ(found, Assemble(tiling, datum, id, interior)) << "tile " << id;
      found.clear();
      Collect(interior, &found);
      ASSERT_EQ(Box(datum, from, to), found) << "interior " << id;
      interiors.insert(found.begin(), found.end());
    }
    size_t origin[AML_MAX_DIMS];
    size_t end[AML_MAX_DIMS];
    for (size_t d = 0; d < made.shape.ndims; ++d) {
      origin[d] = made.Origin(d);
      end[d] = made.End(d);
    }
    ASSERT_EQ(Box(datum, origin, end), interiors) << "which each tile alone writes";
    aml_tiling_fini(tiling);
  }
}

TEST(TilingHalo, TheLargestTileIsFoundWhateverTheWidths) {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    const size_t extent[] = {1 + random() % 60};
    const size_t tile_extent[] = {1 + random() % 9};
    aml_tiling_halo_options options = {};
    options.before[0] = random() % 70;
    options.after[0] = random() % 70;
    AML_TILING_HALO_DECL(tiling);
    ASSERT_EQ(0, aml_tiling_halo_init(tiling, 1, 1, extent, tile_extent, &options));
    size_t most = 0;
    for (size_t id = 0; id < aml_tiling_count(tiling); ++id) {
      size_t each = 0;
      ASSERT_EQ(0, aml_tiling_tile_extent(tiling, id, &each));
      most = std::max(most, each);
    }
    aml_tiling_info info;
    ASSERT_EQ(0, aml_tiling_get_info(tiling, &info));
    ASSERT_EQ(most, info.tile_extent[0]) << extent[0] << " in " << tile_extent[0] << ", widths "
                                         << options.before[0] << " and " << options.after[0];
    aml_tiling_fini(tiling);
  }
}

TEST(TilingHalo, WithoutHalosItIsAPartition) {
  const size_t extent[] = {5};
  AML_TILING_HALO_DECL(tiling);
  aml_tiling_info info;
  ASSERT_EQ(0, aml_tiling_halo_init(tiling, 1, 1, extent, extent, nullptr));
  ASSERT_EQ(0, aml_tiling_get_info(tiling, &info));
  EXPECT_EQ(AML_TILING_PARTITION, info.cover);
}

class TilingHaloRefusal : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(0, aml_tile_dense(&datum, nullptr, memory, 1, 2, extent, AML_ORDER_ROW));
    ASSERT_EQ(0, aml_tiling_halo_init(tiling, 1, 2, extent, tile_extent, &options));
  }

  const size_t extent[2] = {4, 6};
  const size_t tile_extent[2] = {2, 3};
  const aml_tiling_halo_options options = {{1, 1}, {1, 0}, false, AML_ORDER_ROW};
  char memory[24] = {};
  aml_tile datum{};
  aml_tile tile{};
  AML_TILING_HALO_DECL(tiling);
};

TEST_F(TilingHaloRefusal, BordersThatLeaveNoInterior) {
  for (const size_t width : {size_t{2}, size_t{4}, SIZE_MAX}) {
    const aml_tiling_halo_options border = {{width, 0}, {2, 0}, true, AML_ORDER_ROW};
    AML_TILING_HALO_DECL(other);
    EXPECT_EQ(-AML_EINVAL, aml_tiling_halo_init(other, 1, 2, extent, tile_extent, &border));
    EXPECT_STREQ("aml_tiling_halo_init: extent of dimension 0 is no larger than its border",
                 aml_error_detail());
    EXPECT_EQ(0u, aml_tiling_count(other));
  }
}

TEST_F(TilingHaloRefusal, DirectionsByName) {
  const auto part = [&](int first, int second) {
    const int direction[] = {first, second};
    return aml_tiling_halo_part(tiling, &datum, 0, direction, &tile);
  };
  EXPECT_EQ(-AML_EINVAL, part(0, 0));
  EXPECT_STREQ("aml_tiling_halo_part: direction is that of the interior", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, part(0, 2));
  EXPECT_EQ(-AML_EINVAL, part(-2, 0));
  EXPECT_STREQ("aml_tiling_halo_part: direction has a number other than -1, 0 and 1",
               aml_error_detail());
  EXPECT_EQ(-AML_ENOENT, part(-1, 0)) << "the array's edge";
  EXPECT_EQ(-AML_ENOENT, part(0, 1)) << "of no width";
  EXPECT_STREQ("aml_tiling_halo_part: direction has no halo", aml_error_detail());
  EXPECT_EQ(0, part(1, 0));
  EXPECT_EQ(-AML_EINVAL, aml_tiling_halo_part(tiling, &datum, 0, nullptr, &tile));
  EXPECT_STREQ("aml_tiling_halo_part: direction is null", aml_error_detail());
}

TEST_F(TilingHaloRefusal, WhatIsNoTilingWithHalosAndNull) {
  AML_TILING_1D_DECL(other);
  const int direction[] = {1, 0};
  for (aml_tiling *const it : {other, static_cast<aml_tiling *>(nullptr)}) {
    EXPECT_EQ(-AML_EINVAL, aml_tiling_halo_init(it, 1, 2, extent, tile_extent, &options));
    EXPECT_EQ(-AML_EINVAL, aml_tiling_halo_interior(it, &datum, 0, &tile));
    EXPECT_STREQ("aml_tiling_halo_interior: tiling is null, or no tiling with halos",
                 aml_error_detail());
    EXPECT_EQ(-AML_EINVAL, aml_tiling_halo_part(it, &datum, 0, direction, &tile));
  }
  EXPECT_EQ(-AML_EINVAL, aml_tiling_halo_interior(tiling, nullptr, 0, &tile));
  EXPECT_STREQ("aml_tiling_halo_interior: datum is null", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_tiling_halo_interior(tiling, &datum, 0, nullptr));
  EXPECT_STREQ("aml_tiling_halo_interior: interior is null", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_tiling_halo_part(tiling, &datum, 0, direction, nullptr));
  EXPECT_STREQ("aml_tiling_halo_part: part is null", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_tiling_halo_interior(tiling, &datum, 4, &tile));
  EXPECT_STREQ("aml_tiling_tile: id 4 is not below the number of tiles", aml_error_detail());
  datum.extent[1] = 5;
  EXPECT_EQ(-AML_EINVAL, aml_tiling_halo_interior(tiling, &datum, 0, &tile));
}

} // namespace
