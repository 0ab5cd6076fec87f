// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tiling/nested.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <random>
#include <string>

#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tiling/1d.h"
#include "aml/tiling/clipped.h"
#include "aml/tiling/ragged.h"
#include "aml/tiling/shapes_testing.h"

namespace {

using namespace aml_testing;

// Each inner tile is what tiling:clipped cuts out of the outer tile as a datum.
void ExpectCutsOf(const aml_tiling *tiling, const aml_tiling *outer, const aml_tile &datum,
                  const size_t inner_extent[]) {
  size_t next = 0;
  for (size_t outer_id = 0; outer_id < aml_tiling_count(outer); ++outer_id) {
    aml_tile outer_tile = {};
    aml_tiling *cut = nullptr;
    size_t first = 0;
    size_t count = 0;
    ASSERT_EQ(0, aml_tiling_tile(outer, &datum, outer_id, &outer_tile));
    ASSERT_EQ(0, aml_tiling_clipped_create(&cut, datum.element_size, datum.ndims, outer_tile.extent,
                                           inner_extent, nullptr));
    ASSERT_EQ(0, aml_tiling_nested_range(tiling, outer_id, &first, &count));
    EXPECT_EQ(next, first);
    ASSERT_EQ(aml_tiling_count(cut), count);
    for (size_t inner_id = 0; inner_id < count; ++inner_id, ++next) {
      aml_tile expected = {};
      aml_tile tile = {};
      size_t split[2] = {};
      ASSERT_EQ(0, aml_tiling_tile(cut, &outer_tile, inner_id, &expected));
      ASSERT_EQ(0, aml_tiling_tile(tiling, &datum, next, &tile));
      EXPECT_EQ(expected.base, tile.base);
      EXPECT_TRUE(aml_tile_has_shape_of(&expected, &tile));
      EXPECT_TRUE(std::equal(expected.stride_bytes, expected.stride_bytes + expected.ndims,
                             tile.stride_bytes));
      ASSERT_EQ(0, aml_tiling_nested_split(tiling, next, &split[0], &split[1]));
      EXPECT_EQ(outer_id, split[0]);
      EXPECT_EQ(inner_id, split[1]);
    }
    aml_tiling_destroy(&cut);
  }
  EXPECT_EQ(next, aml_tiling_count(tiling));
}

TEST(TilingNested, TilesAreThoseOfOuterTilesAsData) {
  std::mt19937 random(8);
  for (int round = 0; round < 100; ++round) {
    const Shape shape = RandomShape(&random);
    const aml_tile datum = RandomLayout(shape, &random);
    aml_tiling *outer = nullptr;
    aml_tiling *tiling = nullptr;
    size_t inner_extent[AML_MAX_DIMS];
    for (size_t d = 0; d < shape.ndims; ++d)
      inner_extent[d] = 1 + random() % 5;
    ASSERT_EQ(0, aml_tiling_clipped_create(&outer, shape.element_size, shape.ndims, shape.extent,
                                           shape.tile_extent, nullptr));
    ASSERT_EQ(0, aml_tiling_nested_create(&tiling, outer, inner_extent, nullptr));
    ExpectCutsOf(tiling, outer, datum, inner_extent);
    aml_tiling_destroy(&tiling);
    aml_tiling_destroy(&outer);
  }
}

TEST(TilingNested, ThreeLevelsAreCutsOfCuts) {
  const size_t extent[] = {100, 70, 30};
  const size_t sizes[3][3] = {{40, 40, 30}, {17, 20, 9}, {5, 3, 4}};
  aml_tile datum = {};
  aml_tiling *node = nullptr;
  aml_tiling *socket = nullptr;
  aml_tiling *cache = nullptr;
  ASSERT_EQ(0, aml_tile_dense(&datum, nullptr, &datum, 8, 3, extent, AML_ORDER_COLUMN));
  ASSERT_EQ(0, aml_tiling_clipped_create(&node, 8, 3, extent, sizes[0], nullptr));
  ASSERT_EQ(0, aml_tiling_nested_create(&socket, node, sizes[1], nullptr));
  ASSERT_EQ(0, aml_tiling_nested_create(&cache, socket, sizes[2], nullptr));
  ExpectCutsOf(socket, node, datum, sizes[1]);
  ExpectCutsOf(cache, socket, datum, sizes[2]);
  aml_tiling_destroy(&cache);
  aml_tiling_destroy(&socket);
  aml_tiling_destroy(&node);
}

class TilingNestedOfRows : public ::testing::Test {
protected:
  void SetUp() override { ASSERT_EQ(0, aml_tiling_ragged_init(rows, 1, 3, offsets)); }

  const size_t offsets[4] = {0, 0, 5, 5};
  const size_t two[1] = {2};
  AML_TILING_RAGGED_DECL(rows);
  AML_TILING_NESTED_DECL(tiling);
};

TEST_F(TilingNestedOfRows, EmptyOuterTilesHoldNone) {
  ASSERT_EQ(0, aml_tiling_nested_init(tiling, rows, two, nullptr));
  EXPECT_EQ(3u, aml_tiling_count(tiling));
  const size_t expected[] = {0, 3, 0};
  for (size_t row = 0; row < 3; ++row) {
    size_t first = 0;
    size_t count = 77;
    ASSERT_EQ(0, aml_tiling_nested_range(tiling, row, &first, &count));
    EXPECT_EQ(expected[row], count);
  }
  aml_tiling_fini(tiling);
}

TEST_F(TilingNestedOfRows, BadArgumentsAreRefusedByName) {
  const size_t zero[] = {0};
  AML_TILING_1D_DECL(other);
  const auto refused = [this](int err, const char *sentence) {
    EXPECT_EQ(-AML_EINVAL, err);
    EXPECT_STREQ(sentence, aml_error_detail());
    EXPECT_EQ(0u, aml_tiling_count(tiling));
  };
  refused(aml_tiling_nested_init(other, rows, two, nullptr),
          "aml_tiling_nested_init: tiling is null, or was not declared by AML_TILING_NESTED_DECL");
  refused(aml_tiling_nested_init(tiling, nullptr, two, nullptr),
          "aml_tiling_nested_init: outer is null, or was not initialised");
  refused(aml_tiling_nested_init(tiling, other, two, nullptr),
          "aml_tiling_nested_init: outer is null, or was not initialised");
  refused(aml_tiling_nested_init(tiling, rows, nullptr, nullptr),
          "aml_tiling_nested_init: tile_extent is null");
  refused(aml_tiling_nested_init(tiling, rows, zero, nullptr),
          "aml_tiling_nested_init: tile_extent of dimension 0 is 0");
}

TEST_F(TilingNestedOfRows, QueriesAreRefusedByName) {
  size_t one = 77;
  size_t two_of_them = 77;
  ASSERT_EQ(0, aml_tiling_nested_init(tiling, rows, two, nullptr));
  const auto refused = [](int err, const std::string &sentence) {
    EXPECT_EQ(-AML_EINVAL, err);
    EXPECT_EQ(sentence, aml_error_detail());
  };
  refused(aml_tiling_nested_split(rows, 0, &one, &two_of_them),
          "aml_tiling_nested_split: tiling is null, or no tiling of tiles");
  refused(aml_tiling_nested_split(tiling, 3, &one, &two_of_them),
          "aml_tiling_nested_split: id 3 is not below the number of tiles");
  refused(aml_tiling_nested_split(tiling, 0, nullptr, &two_of_them),
          "aml_tiling_nested_split: outer_id is null");
  refused(aml_tiling_nested_range(tiling, 3, &one, &two_of_them),
          "aml_tiling_nested_range: outer_id 3 is not below the number of outer tiles");
  refused(aml_tiling_nested_range(tiling, 0, &one, nullptr),
          "aml_tiling_nested_range: count is null");
  refused(aml_tiling_nested_range(nullptr, 0, &one, &two_of_them),
          "aml_tiling_nested_range: tiling is null, or no tiling of tiles");
  EXPECT_EQ(77u, one);
  EXPECT_EQ(77u, two_of_them);
  aml_tiling_fini(tiling);
}

TEST_F(TilingNestedOfRows, InitWithoutMemoryLeavesTheBlockAsDeclared) {
  const aml_fault_held before = aml_fault_system_held();
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM,
      [this] { return aml_tiling_nested_init(tiling, rows, two, nullptr); },
      [this](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_STREQ("aml_tiling_nested_init: no memory for the numbers of outer tiles",
                     aml_error_detail());
        EXPECT_EQ(0u, aml_tiling_count(tiling));
      });
  EXPECT_EQ(1u, failures);
  EXPECT_EQ(3u, aml_tiling_count(tiling));
  aml_tiling_fini(tiling);
  ExpectHeld(before);
}

} // namespace
