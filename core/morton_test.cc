// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/morton.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace {

using Coords = std::vector<size_t>;

aml_morton Grid(const Coords &extent) {
  aml_morton grid = {};
  EXPECT_TRUE(aml_morton_init(&grid, extent.size(), extent.data()));
  return grid;
}

// The definition, bit by bit.
uint64_t CodeOf(const Coords &extent, const Coords &coords) {
  uint64_t code = 0;
  unsigned position = 0;
  for (unsigned level = 0; level < 64; ++level)
    for (size_t d = extent.size(); d-- > 0;)
      if (((extent[d] - 1) >> level) != 0)
        code |= (uint64_t{coords[d]} >> level & 1) << position++;
  return code;
}

std::vector<Coords> AllOf(const Coords &extent) {
  std::vector<Coords> all;
  Coords at(extent.size());
  for (size_t d = 0; d < extent.size();) {
    all.push_back(at);
    for (d = 0; d < extent.size() && ++at[d] == extent[d]; ++d)
      at[d] = 0;
  }
  return all;
}

// Ranks are the places in the list that is sorted by code; on the processor's way and on the other.
void ExpectSortedByCode(const Coords &extent) {
  std::vector<Coords> all = AllOf(extent);
  std::sort(all.begin(), all.end(), [&](const Coords &a, const Coords &b) {
    return CodeOf(extent, a) < CodeOf(extent, b);
  });
  aml_morton grid = Grid(extent);
  for (const bool has_bmi2 : {false, grid.has_bmi2}) {
    grid.has_bmi2 = has_bmi2;
    for (size_t rank = 0; rank < all.size(); ++rank) {
      ASSERT_EQ(rank, aml_morton_rank(&grid, all[rank].data()));
      Coords coords(extent.size());
      aml_morton_coords(&grid, rank, coords.data());
      ASSERT_EQ(all[rank], coords);
    }
  }
}

TEST(CoreMorton, RanksFollowTheCodesOfSmallGrids) {
  for (size_t rows = 1; rows < 14; ++rows)
    for (size_t columns = 1; columns < 14; ++columns)
      ExpectSortedByCode({rows, columns});
  for (const Coords &extent : std::vector<Coords>{{1},
                                                  {7},
                                                  {64},
                                                  {3, 5, 7},
                                                  {16, 1, 3},
                                                  {1, 1, 1, 1, 1, 1, 1, 1},
                                                  {2, 3, 2, 3, 2, 3, 2, 3},
                                                  {1, 100},
                                                  {100, 1},
                                                  {33, 2, 9}})
    ExpectSortedByCode(extent);
}

TEST(CoreMorton, TheHeadersPicturesAreTrue) {
  const aml_morton grid = Grid({3, 3});
  const size_t ranks[3][3] = {{0, 1, 4}, {2, 3, 5}, {6, 7, 8}};
  for (size_t row = 0; row < 3; ++row)
    for (size_t column = 0; column < 3; ++column) {
      const size_t coords[] = {row, column};
      EXPECT_EQ(ranks[row][column], aml_morton_rank(&grid, coords));
    }
}

TEST(CoreMorton, RanksOfLargeGridsReturn) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 5000; ++round) {
    const size_t ndims = 1 + random() % AML_MAX_DIMS;
    Coords extent(ndims);
    size_t count = 1;
    for (size_t &each : extent) {
      each = 1 + random() % (size_t{1} << (56 / ndims));
      count *= each;
    }
    const aml_morton grid = Grid(extent);
    for (const size_t rank : {size_t{0}, count - 1, random() % count}) {
      Coords coords(ndims);
      aml_morton_coords(&grid, rank, coords.data());
      for (size_t d = 0; d < ndims; ++d)
        ASSERT_LT(coords[d], extent[d]);
      ASSERT_EQ(rank, aml_morton_rank(&grid, coords.data()));
    }
  }
}

TEST(CoreMorton, NeighboursInRankAscendInCode) {
  const Coords extent = {1000, 777};
  const aml_morton grid = Grid(extent);
  Coords before(2);
  Coords coords(2);
  for (size_t rank = 1; rank < 777000; rank += 997) {
    aml_morton_coords(&grid, rank - 1, before.data());
    aml_morton_coords(&grid, rank, coords.data());
    ASSERT_LT(CodeOf(extent, before), CodeOf(extent, coords));
  }
}

TEST(CoreMorton, OneDimensionOfAllNumbersIsItself) {
  const aml_morton grid = Grid({SIZE_MAX});
  for (const size_t at : {size_t{0}, size_t{12345}, SIZE_MAX / 2, SIZE_MAX / 2 + 1, SIZE_MAX - 1}) {
    size_t coords[] = {0};
    EXPECT_EQ(at, aml_morton_rank(&grid, &at));
    aml_morton_coords(&grid, at, coords);
    EXPECT_EQ(at, coords[0]);
  }
}

TEST(CoreMorton, CodesOfMoreBitsThanThereAreAreRefused) {
  aml_morton grid = {};
  grid.ndims = 77;
  const size_t extent[] = {(size_t{1} << 32) + 1, size_t{1} << 32};
  EXPECT_FALSE(aml_morton_init(&grid, 2, extent));
  EXPECT_EQ(77u, grid.ndims);
}

} // namespace
