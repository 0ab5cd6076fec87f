// SPDX-License-Identifier: BSD-3-Clause
//
// What iterators visit, compared with loops over all coordinates of grids whose ids ascend evenly,
// in one order or the other, and of one whose ids do not.

#include "aml/core/tiling_iterator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <random>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/tiling.h"
#include "aml/core/tiling_range.h"

namespace {

// A grid that cuts nothing.
struct Grid {
  aml_tiling tiling;
  size_t ndims;
  size_t grid[AML_MAX_DIMS];
  size_t step[AML_MAX_DIMS]; // all 0: ids along the last coordinate first, from the highest one
  bool refuses;
};

const Grid *GridOf(const aml_tiling *tiling) {
  return reinterpret_cast<const Grid *>(tiling);
}

size_t Count(const Grid &grid) {
  size_t count = 1;
  for (size_t d = 0; d < grid.ndims; ++d)
    count *= grid.grid[d];
  return count;
}

size_t IdOf(const Grid &grid, const size_t coords[]) {
  size_t id = 0;
  size_t row = 0;
  for (size_t d = 0; d < grid.ndims; ++d) {
    id += coords[d] * grid.step[d];
    row = row * grid.grid[d] + coords[d];
  }
  return grid.step[0] == 0 ? Count(grid) - 1 - row : id;
}

const aml_tiling_ops kOps = [] {
  aml_tiling_ops ops = {};
  ops.name = "grid";
  ops.info = [](const aml_tiling *tiling, aml_tiling_info *info) {
    *info = {};
    info->grid_ndims = GridOf(tiling)->ndims;
    std::copy_n(GridOf(tiling)->grid, AML_MAX_DIMS, info->grid);
    std::copy_n(GridOf(tiling)->step, AML_MAX_DIMS, info->id_step);
  };
  ops.id = [](const aml_tiling *tiling, const size_t coords[], size_t *id) {
    if (GridOf(tiling)->refuses)
      return -AML_EIO;
    *id = IdOf(*GridOf(tiling), coords);
    return 0;
  };
  return ops;
}();

enum class Ids { kRow, kColumn, kUneven };
constexpr Ids kIds[] = {Ids::kRow, Ids::kColumn, Ids::kUneven};

Grid MakeGrid(std::vector<size_t> grid, Ids ids = Ids::kRow) {
  Grid made = {};
  made.tiling.ops = &kOps;
  made.ndims = grid.size();
  std::copy(grid.begin(), grid.end(), made.grid);
  size_t step = ids == Ids::kUneven ? 0 : 1;
  for (size_t i = 0; i < made.ndims; ++i) {
    const size_t d = ids == Ids::kColumn ? i : made.ndims - 1 - i;
    made.step[d] = step;
    step *= grid[d];
  }
  return made;
}

using Visited = std::vector<size_t>;

Visited Visit(aml_tiling_iterator iterator) {
  Visited ids;
  for (size_t id; aml_tiling_next(&iterator, &id);)
    ids.push_back(id);
  return ids;
}

// What an order sorts coordinates of a box by, and ids.
std::vector<size_t> PlaceIn(aml_tiling_order order, std::vector<size_t> at,
                            const std::vector<size_t> &extent, size_t id) {
  std::vector<size_t> code;
  switch (order) {
  case AML_TILING_FORWARD:
  case AML_TILING_BACKWARD:
    return {id};
  case AML_TILING_MORTON:
  case AML_TILING_MORTON_REVERSE:
    for (unsigned level = 8; level-- > 0;)
      for (size_t d = 0; d < at.size(); ++d)
        if ((extent[d] - 1) >> level != 0)
          code.push_back(at[d] >> level & 1);
    return code;
  default:
    if (order == AML_TILING_COLUMN || order == AML_TILING_COLUMN_REVERSE)
      std::reverse(at.begin(), at.end());
    return at;
  }
}

// The ids of a box in an order, by loops over all coordinates of the grid.
Visited Expected(const Grid &grid, aml_tiling_order order, const std::vector<size_t> &offset,
                 const std::vector<size_t> &extent) {
  struct Place {
    std::vector<size_t> place;
    size_t id;
  };
  std::vector<Place> places;
  for (size_t row = 0; row < Count(grid); ++row) {
    std::vector<size_t> coords(grid.ndims);
    size_t rest = row;
    for (size_t d = grid.ndims; d-- > 0; rest /= grid.grid[d])
      coords[d] = rest % grid.grid[d];
    const size_t id = IdOf(grid, coords.data());
    bool inside = true;
    for (size_t d = 0; d < grid.ndims; ++d) {
      inside = inside && coords[d] >= offset[d] && coords[d] - offset[d] < extent[d];
      coords[d] -= offset[d];
    }
    if (inside)
      places.push_back({PlaceIn(order, coords, extent, id), id});
  }
  std::sort(places.begin(), places.end(),
            [](const Place &a, const Place &b) { return a.place < b.place; });
  if (order % 2 == 1)
    std::reverse(places.begin(), places.end());
  Visited ids;
  for (const Place &place : places)
    ids.push_back(place.id);
  return ids;
}

constexpr aml_tiling_order kOrders[] = {
    AML_TILING_ROW,    AML_TILING_ROW_REVERSE,    AML_TILING_COLUMN,  AML_TILING_COLUMN_REVERSE,
    AML_TILING_MORTON, AML_TILING_MORTON_REVERSE, AML_TILING_FORWARD, AML_TILING_BACKWARD};

bool IsOfIds(aml_tiling_order order) {
  return order == AML_TILING_FORWARD || order == AML_TILING_BACKWARD;
}

TEST(CoreTilingIterator, IteratorsVisitBoxesInTheirOrder) {
  std::mt19937 random(7);
  for (int i = 0; i < 300; ++i) {
    std::vector<size_t> sides(1 + random() % 4);
    std::vector<size_t> offset(sides.size());
    std::vector<size_t> extent(sides.size());
    for (size_t d = 0; d < sides.size(); ++d) {
      sides[d] = 1 + random() % 5;
      offset[d] = random() % sides[d];
      extent[d] = 1 + random() % (sides[d] - offset[d]);
    }
    const Grid grid = MakeGrid(sides, kIds[i % 3]);
    for (const aml_tiling_order order : kOrders) {
      if (IsOfIds(order)) {
        offset.assign(sides.size(), 0);
        extent = sides;
      }
      aml_tiling_iterator iterator;
      ASSERT_EQ(0,
                aml_tiling_iterate(&grid.tiling, order, offset.data(), extent.data(), &iterator));
      const Visited expected = Expected(grid, order, offset, extent);
      ASSERT_EQ(expected.size(), aml_tiling_iterator_count(&iterator));
      ASSERT_EQ(expected, Visit(iterator)) << "order " << order << ", ids " << i % 3;
    }
  }
}

TEST(CoreTilingIterator, ANullBoxIsTheWholeGrid) {
  const Grid grid = MakeGrid({3, 4});
  aml_tiling_iterator iterator;
  ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, AML_TILING_ROW, nullptr, nullptr, &iterator));
  EXPECT_EQ(12u, Visit(iterator).size());
  const size_t offset[] = {1, 2};
  ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, AML_TILING_ROW, offset, nullptr, &iterator));
  EXPECT_EQ((Visited{6, 7, 10, 11}), Visit(iterator));
  const size_t extent[] = {2, 1};
  ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, AML_TILING_ROW, nullptr, extent, &iterator));
  EXPECT_EQ((Visited{0, 4}), Visit(iterator));
}

TEST(CoreTilingIterator, PartsAreBalancedAndInOrderTheWhole) {
  for (const aml_tiling_order order : kOrders)
    for (const size_t parts : {1u, 2u, 3u, 5u, 12u, 13u, 100u}) {
      const Grid grid = MakeGrid({3, 4}, kIds[parts % 3]);
      aml_tiling_iterator whole;
      ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, order, nullptr, nullptr, &whole));
      Visited together;
      size_t least = SIZE_MAX;
      size_t most = 0;
      for (size_t part = 0; part < parts; ++part) {
        aml_tiling_iterator iterator = whole;
        ASSERT_EQ(0, aml_tiling_iterator_split(&iterator, part, parts));
        const Visited ids = Visit(iterator);
        least = std::min(least, ids.size());
        most = std::max(most, ids.size());
        together.insert(together.end(), ids.begin(), ids.end());
      }
      EXPECT_EQ(Visit(whole), together);
      EXPECT_LE(most - least, 1u) << parts;
    }
}

TEST(CoreTilingIterator, WhatIsSplitIsWhatIsLeft) {
  for (const aml_tiling_order order : kOrders) {
    const Grid grid = MakeGrid({3, 4}, kIds[order % 3]);
    aml_tiling_iterator whole;
    ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, order, nullptr, nullptr, &whole));
    Visited expected = Visit(whole);
    size_t id;
    ASSERT_TRUE(aml_tiling_next(&whole, &id));
    EXPECT_EQ(expected.front(), id);
    expected.erase(expected.begin());
    Visited together;
    for (size_t part = 0; part < 3; ++part)
      for (size_t piece = 0; piece < 2; ++piece) {
        aml_tiling_iterator iterator = whole;
        ASSERT_EQ(0, aml_tiling_iterator_split(&iterator, part, 3));
        ASSERT_EQ(0, aml_tiling_iterator_split(&iterator, piece, 2)) << "a part of a part";
        const Visited ids = Visit(iterator);
        together.insert(together.end(), ids.begin(), ids.end());
      }
    EXPECT_EQ(expected, together);
  }
}

TEST(CoreTilingIterator, ACopyOfAnIteratorForksTheIteration) {
  const Grid grid = MakeGrid({3, 4});
  aml_tiling_iterator iterator;
  ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, AML_TILING_ROW, nullptr, nullptr, &iterator));
  size_t id;
  ASSERT_TRUE(aml_tiling_next(&iterator, &id));
  EXPECT_EQ(11u, Visit(iterator).size()) << "which visits a copy";
  EXPECT_EQ(11u, Visit(iterator).size());
  while (aml_tiling_next(&iterator, &id))
    continue;
  id = 77;
  EXPECT_FALSE(aml_tiling_next(&iterator, &id));
  EXPECT_EQ(77u, id) << "touched at the end";
}

TEST(CoreTilingIterator, IterateRefusesBoxesThatLeaveTheGrid) {
  const Grid grid = MakeGrid({3, 4});
  aml_tiling_iterator iterator = {};
  iterator.end = 77;
  const auto iterate = [&](std::vector<size_t> offset, std::vector<size_t> extent) {
    return aml_tiling_iterate(&grid.tiling, AML_TILING_ROW, offset.data(), extent.data(),
                              &iterator);
  };
  EXPECT_EQ(-AML_EINVAL, iterate({3, 0}, {1, 1}));
  EXPECT_STREQ("aml_tiling_iterate: offset 3 is outside the grid", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, iterate({0, 0}, {4, 1}));
  EXPECT_STREQ("aml_tiling_iterate: extent 4 is 0 or reaches outside the grid", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, iterate({2, 0}, {2, 1}));
  EXPECT_EQ(-AML_EINVAL, iterate({0, 0}, {1, 0}));
  EXPECT_EQ(-AML_EINVAL, iterate({0, 1}, {1, SIZE_MAX}));
  const size_t offset[] = {0, 1};
  EXPECT_EQ(-AML_EINVAL,
            aml_tiling_iterate(&grid.tiling, AML_TILING_FORWARD, offset, nullptr, &iterator));
  EXPECT_STREQ("aml_tiling_iterate: extent is not the whole grid, which an order of ids must visit",
               aml_error_detail());
  const Grid large = MakeGrid({(size_t{1} << 32) + 1, 1 << 30, 4});
  EXPECT_EQ(-AML_EOVERFLOW,
            aml_tiling_iterate(&large.tiling, AML_TILING_MORTON, nullptr, nullptr, &iterator));
  EXPECT_STREQ("aml_tiling_iterate: extent is of more tiles than have a Z code",
               aml_error_detail());
  EXPECT_EQ(77u, iterator.end) << "touched by a call that failed";
}

// What a program in C may well pass; a cast to a number outside an enumeration is none in C++.
__attribute__((no_sanitize("undefined"))) aml_tiling_order NoOrder() {
  const int number = 8;
  aml_tiling_order order;
  static_assert(sizeof order == sizeof number, "enumerations are ints");
  std::memcpy(&order, &number, sizeof order);
  return order;
}

TEST(CoreTilingIterator, IteratorsRefuseBadArguments) {
  const Grid grid = MakeGrid({3, 4});
  aml_tiling_iterator iterator;
  size_t id = 9;
  EXPECT_EQ(-AML_EINVAL, aml_tiling_iterate(&grid.tiling, NoOrder(), nullptr, nullptr, &iterator));
  EXPECT_STREQ("aml_tiling_iterate: order is no order", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_tiling_iterate(nullptr, AML_TILING_ROW, nullptr, nullptr, &iterator));
  EXPECT_EQ(-AML_EINVAL,
            aml_tiling_iterate(&grid.tiling, AML_TILING_ROW, nullptr, nullptr, nullptr));
  ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, AML_TILING_ROW, nullptr, nullptr, &iterator));
  EXPECT_EQ(-AML_EINVAL, aml_tiling_iterator_split(&iterator, 2, 2));
  EXPECT_STREQ("aml_tiling_iterator_split: part 2 is not below parts", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_tiling_iterator_split(&iterator, 0, 0));
  EXPECT_EQ(-AML_EINVAL, aml_tiling_iterator_split(nullptr, 0, 1));
  EXPECT_FALSE(aml_tiling_next(nullptr, &id));
  EXPECT_FALSE(aml_tiling_next(&iterator, nullptr));
  EXPECT_EQ(9u, id);
  EXPECT_EQ(12u, Visit(iterator).size());
}

TEST(CoreTilingIterator, AnIterationEndsWhereTheTypeRefuses) {
  Grid grid = MakeGrid({3, 4}, Ids::kUneven);
  aml_tiling_iterator iterator;
  ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, AML_TILING_ROW, nullptr, nullptr, &iterator));
  grid.refuses = true;
  EXPECT_TRUE(Visit(iterator).empty());
}

// Ids that go on from row to row are one run, whose cost is that of counting.
TEST(CoreTilingIterator, RowsThatGoOnAreLoadedAsOne) {
  const Grid grid = MakeGrid({3, 1, 4, 5});
  aml_tiling_iterator iterator;
  size_t id;
  ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, AML_TILING_ROW, nullptr, nullptr, &iterator));
  ASSERT_TRUE(aml_tiling_next(&iterator, &id));
  EXPECT_EQ(59u, iterator.run_left);
  const size_t offset[] = {0, 0, 1, 0};
  ASSERT_EQ(0,
            aml_tiling_iterate(&grid.tiling, AML_TILING_ROW_REVERSE, offset, nullptr, &iterator));
  ASSERT_TRUE(aml_tiling_next(&iterator, &id));
  EXPECT_EQ(59u, id);
  EXPECT_EQ(14u, iterator.run_left);
  const size_t line[] = {3, 1, 1, 1}; // of one tile in all dimensions but the slowest
  ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, AML_TILING_ROW, nullptr, line, &iterator));
  ASSERT_TRUE(aml_tiling_next(&iterator, &id));
  EXPECT_EQ(2u, iterator.run_left);
  EXPECT_EQ(20u, iterator.run_step);
}

TEST(CoreTilingIterator, TheMacroAndTheRangeVisitWhatIsLeft) {
  const Grid grid = MakeGrid({3, 4});
  for (const aml_tiling_order order : kOrders) {
    aml_tiling_iterator iterator;
    ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, order, nullptr, nullptr, &iterator));
    size_t first;
    ASSERT_TRUE(aml_tiling_next(&iterator, &first));
    const Visited expected = Visit(iterator);
    const aml::Tiles tiles(iterator);
    EXPECT_EQ(11u, tiles.size());
    EXPECT_EQ(expected, Visited(tiles.begin(), tiles.end()));
    EXPECT_EQ(expected, Visited(tiles.begin(), tiles.end())) << "again";
    EXPECT_EQ(expected[0], *tiles.begin()++);
    EXPECT_EQ(tiles.begin(), tiles.begin());
    EXPECT_NE(tiles.begin(), ++tiles.begin());
    Visited ids;
    for (const size_t id : tiles)
      ids.push_back(id);
    EXPECT_EQ(expected, ids);
    ids.clear();
    AML_TILING_FOR_EACH (id, &iterator)
      ids.push_back(id);
    EXPECT_EQ(expected, ids);
    EXPECT_EQ(0u, aml_tiling_iterator_count(&iterator));
    EXPECT_EQ(aml::Tiles(iterator).begin(), aml::Tiles::end());
  }
  EXPECT_EQ(0u, aml_tiling_iterator_count(nullptr));
  EXPECT_FALSE(aml_tiling_iterator_load(nullptr));
}

} // namespace
