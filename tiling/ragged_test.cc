// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tiling/ragged.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/1d.h"

namespace {

std::vector<size_t> RandomOffsets(std::mt19937 *random) {
  std::vector<size_t> offsets = {0};
  for (size_t tiles = 1 + (*random)() % 30; tiles > 0; --tiles)
    offsets.push_back(offsets.back() + ((*random)() % 3 == 0 ? 0 : (*random)() % 9));
  offsets.back() += 1;
  return offsets;
}

TEST(TilingRagged, TilesAreWhatLiesBetweenTheirOffsets) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const std::vector<size_t> offsets = RandomOffsets(&random);
    std::vector<char> memory(4 * offsets.back());
    aml_tile datum = aml_tile_bytes(memory.data(), offsets.back());
    datum.stride_bytes[0] = 4;
    AML_TILING_RAGGED_DECL(tiling);
    ASSERT_EQ(0, aml_tiling_ragged_init(tiling, 1, offsets.size() - 1, offsets.data()));
    for (size_t id = 0; id + 1 < offsets.size(); ++id) {
      const size_t extent = offsets[id + 1] - offsets[id];
      aml_tile tile = {};
      const int err = aml_tiling_tile(tiling, &datum, id, &tile);
      ASSERT_EQ(extent == 0 ? -AML_ENOENT : 0, err);
      if (err) {
        EXPECT_EQ("aml_tiling_tile: id " + std::to_string(id) + " is of a tile without elements",
                  aml_error_detail());
      }
      aml_tiling_ragged_tile(tiling, &datum, id, &tile);
      EXPECT_EQ(memory.data() + 4 * offsets[id], tile.base);
      EXPECT_EQ(extent, tile.extent[0]);
      EXPECT_EQ(extent, aml_tiling_ragged_extent(tiling, id));
      for (size_t element = offsets[id]; element < offsets[id + 1]; ++element) {
        size_t found = SIZE_MAX;
        ASSERT_EQ(0, aml_tiling_ragged_find(tiling, element, &found));
        EXPECT_EQ(id, found) << "of element " << element;
      }
    }
    size_t found = 77;
    EXPECT_EQ(-AML_EINVAL, aml_tiling_ragged_find(tiling, offsets.back(), &found));
    EXPECT_EQ(77u, found);
    aml_tiling_fini(tiling);
  }
}

void ExpectRefused(int code, const char *sentence, size_t element_size, size_t count,
                   const size_t *offsets) {
  AML_TILING_RAGGED_DECL(tiling);
  EXPECT_EQ(code, aml_tiling_ragged_init(tiling, element_size, count, offsets));
  EXPECT_EQ(std::string("aml_tiling_ragged_init: ") + sentence, aml_error_detail());
  EXPECT_EQ(0u, aml_tiling_count(tiling));
}

TEST(TilingRagged, InitRefusesBadArgumentsByName) {
  const size_t good[] = {0, 2, 5};
  const size_t falling[] = {0, 5, 2};
  const size_t late[] = {1, 2, 5};
  const size_t none[] = {0, 0, 0};
  const size_t large[] = {0, 1, size_t{PTRDIFF_MAX} / 8 + 1};
  ExpectRefused(-AML_EINVAL, "element_size is 0", 0, 2, good);
  ExpectRefused(-AML_EINVAL, "count is 0", 8, 0, good);
  ExpectRefused(-AML_EINVAL, "offsets is null", 8, 2, nullptr);
  ExpectRefused(-AML_EINVAL, "offsets 2 is less than the one before it", 8, 2, falling);
  ExpectRefused(-AML_EINVAL, "offsets do not begin with 0", 8, 2, late);
  ExpectRefused(-AML_EINVAL, "offsets are all 0", 8, 2, none);
  ExpectRefused(-AML_EOVERFLOW, "offsets times element_size are larger than the range of addresses",
                8, 2, large);
}

TEST(TilingRagged, WhatIsNoTilingByPrefixSumsIsRefused) {
  const size_t offsets[] = {0, 2, 5};
  size_t id = 77;
  AML_TILING_1D_DECL(other);
  AML_TILING_RAGGED_DECL(declared);
  for (aml_tiling *const tiling : {other, static_cast<aml_tiling *>(nullptr)}) {
    EXPECT_EQ(-AML_EINVAL, aml_tiling_ragged_init(tiling, 8, 2, offsets));
    EXPECT_STREQ("aml_tiling_ragged_init: tiling is null, or was not declared by "
                 "AML_TILING_RAGGED_DECL",
                 aml_error_detail());
    EXPECT_EQ(-AML_EINVAL, aml_tiling_ragged_find(tiling, 0, &id));
    EXPECT_STREQ("aml_tiling_ragged_find: tiling is null, or no tiling by prefix sums",
                 aml_error_detail());
  }
  EXPECT_EQ(-AML_EINVAL, aml_tiling_ragged_find(declared, 0, &id));
  EXPECT_STREQ("aml_tiling_ragged_find: element 0 is not in the datum", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_tiling_ragged_find(declared, 0, nullptr));
  EXPECT_STREQ("aml_tiling_ragged_find: id is null", aml_error_detail());
  EXPECT_EQ(77u, id);
}

} // namespace
