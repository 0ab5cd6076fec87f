// SPDX-License-Identifier: BSD-3-Clause
//
// What the generic functions refuse and forward, and what iterators visit, compared with loops.

#include "aml/core/tiling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/tile.h"

namespace {

// A grid whose ids run along the last coordinate first. Cuts nothing: tile() tells the id.
struct Grid {
  aml_tiling tiling;
  size_t ndims;
  size_t grid[AML_MAX_DIMS];
  bool refuses;
};

const Grid *GridOf(const aml_tiling *tiling) {
  return reinterpret_cast<const Grid *>(tiling);
}

size_t Count(const aml_tiling *tiling) {
  size_t count = 1;
  for (size_t d = 0; d < GridOf(tiling)->ndims; ++d)
    count *= GridOf(tiling)->grid[d];
  return count;
}

int finis;

const aml_tiling_ops kOps = [] {
  aml_tiling_ops ops = {};
  ops.name = "grid";
  ops.fini = [](aml_tiling *) { ++finis; };
  ops.info = [](const aml_tiling *tiling, aml_tiling_info *info) {
    *info = {};
    info->grid_ndims = GridOf(tiling)->ndims;
    std::copy_n(GridOf(tiling)->grid, AML_MAX_DIMS, info->grid);
  };
  ops.count = Count;
  ops.id = [](const aml_tiling *tiling, const size_t coords[], size_t *id) {
    if (GridOf(tiling)->refuses)
      return -AML_EIO;
    *id = 0;
    for (size_t d = 0; d < GridOf(tiling)->ndims; ++d)
      *id = *id * GridOf(tiling)->grid[d] + coords[d];
    return 0;
  };
  ops.coords = [](const aml_tiling *, size_t id, size_t coords[]) {
    coords[0] = id;
    return -AML_EIO;
  };
  ops.tile = [](const aml_tiling *, const aml_tile *datum, size_t id, aml_tile *tile) {
    *tile = *datum;
    tile->extent[0] = id;
    return -AML_EPERM;
  };
  return ops;
}();

Grid MakeGrid(std::vector<size_t> grid) {
  Grid made = {};
  made.tiling.ops = &kOps;
  made.ndims = grid.size();
  std::copy(grid.begin(), grid.end(), made.grid);
  return made;
}

using Ids = std::vector<size_t>;

Ids Visit(aml_tiling_iterator iterator) {
  Ids ids;
  for (size_t id; aml_tiling_next(&iterator, &id);)
    ids.push_back(id);
  return ids;
}

// The ids of a box in an order, by loops over all coordinates of the grid.
Ids Expected(const Grid &grid, aml_tiling_order order, const std::vector<size_t> &offset,
             const std::vector<size_t> &extent) {
  struct Place {
    std::vector<size_t> coords;
    size_t id;
  };
  std::vector<Place> places;
  for (size_t id = 0; id < Count(&grid.tiling); ++id) {
    std::vector<size_t> coords(grid.ndims);
    size_t rest = id;
    for (size_t d = grid.ndims; d-- > 0; rest /= grid.grid[d])
      coords[d] = rest % grid.grid[d];
    bool inside = true;
    for (size_t d = 0; d < grid.ndims; ++d)
      inside = inside && coords[d] >= offset[d] && coords[d] - offset[d] < extent[d];
    if (order == AML_TILING_COLUMN || order == AML_TILING_COLUMN_REVERSE)
      std::reverse(coords.begin(), coords.end());
    if (inside)
      places.push_back({coords, id});
  }
  std::sort(places.begin(), places.end(),
            [](const Place &a, const Place &b) { return a.coords < b.coords; });
  if (order == AML_TILING_ROW_REVERSE || order == AML_TILING_COLUMN_REVERSE)
    std::reverse(places.begin(), places.end());
  Ids ids;
  for (const Place &place : places)
    ids.push_back(place.id);
  return ids;
}

constexpr aml_tiling_order kOrders[] = {AML_TILING_ROW, AML_TILING_COLUMN, AML_TILING_ROW_REVERSE,
                                        AML_TILING_COLUMN_REVERSE};

TEST(CoreTiling, IteratorsVisitBoxesInTheirOrder) {
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
    const Grid grid = MakeGrid(sides);
    for (const aml_tiling_order order : kOrders) {
      aml_tiling_iterator iterator;
      ASSERT_EQ(0,
                aml_tiling_iterate(&grid.tiling, order, offset.data(), extent.data(), &iterator));
      ASSERT_EQ(Expected(grid, order, offset, extent), Visit(iterator));
    }
  }
}

TEST(CoreTiling, ANullBoxIsTheWholeGrid) {
  const Grid grid = MakeGrid({3, 4});
  aml_tiling_iterator iterator;
  ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, AML_TILING_ROW, nullptr, nullptr, &iterator));
  EXPECT_EQ(12u, Visit(iterator).size());
  const size_t offset[] = {1, 2};
  ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, AML_TILING_ROW, offset, nullptr, &iterator));
  EXPECT_EQ((Ids{6, 7, 10, 11}), Visit(iterator));
  const size_t extent[] = {2, 1};
  ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, AML_TILING_ROW, nullptr, extent, &iterator));
  EXPECT_EQ((Ids{0, 4}), Visit(iterator));
}

TEST(CoreTiling, PartsAreBalancedAndInOrderTheWhole) {
  const Grid grid = MakeGrid({3, 4});
  for (const aml_tiling_order order : kOrders)
    for (const size_t parts : {1u, 2u, 3u, 5u, 12u, 13u, 100u}) {
      aml_tiling_iterator whole;
      ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, order, nullptr, nullptr, &whole));
      Ids together;
      size_t least = SIZE_MAX;
      size_t most = 0;
      for (size_t part = 0; part < parts; ++part) {
        aml_tiling_iterator iterator = whole;
        ASSERT_EQ(0, aml_tiling_iterator_split(&iterator, part, parts));
        const Ids ids = Visit(iterator);
        least = std::min(least, ids.size());
        most = std::max(most, ids.size());
        together.insert(together.end(), ids.begin(), ids.end());
      }
      EXPECT_EQ(Visit(whole), together);
      EXPECT_LE(most - least, 1u) << parts;
    }
}

TEST(CoreTiling, WhatIsSplitIsWhatIsLeft) {
  const Grid grid = MakeGrid({3, 4});
  for (const aml_tiling_order order : kOrders) {
    aml_tiling_iterator whole;
    ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, order, nullptr, nullptr, &whole));
    Ids expected = Visit(whole);
    size_t id;
    ASSERT_TRUE(aml_tiling_next(&whole, &id));
    EXPECT_EQ(expected.front(), id);
    expected.erase(expected.begin());
    Ids together;
    for (size_t part = 0; part < 3; ++part)
      for (size_t piece = 0; piece < 2; ++piece) {
        aml_tiling_iterator iterator = whole;
        ASSERT_EQ(0, aml_tiling_iterator_split(&iterator, part, 3));
        ASSERT_EQ(0, aml_tiling_iterator_split(&iterator, piece, 2)) << "a part of a part";
        const Ids ids = Visit(iterator);
        together.insert(together.end(), ids.begin(), ids.end());
      }
    EXPECT_EQ(expected, together);
  }
}

TEST(CoreTiling, ACopyOfAnIteratorForksTheIteration) {
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

TEST(CoreTiling, IterateRefusesBoxesThatLeaveTheGrid) {
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
  EXPECT_EQ(77u, iterator.end) << "touched by a call that failed";
}

// What a program in C may well pass; a cast to a number outside an enumeration is none in C++.
aml_tiling_order NoOrder() {
  const int number = 4;
  aml_tiling_order order;
  static_assert(sizeof order == sizeof number, "enumerations are ints");
  std::memcpy(&order, &number, sizeof order);
  return order;
}

TEST(CoreTiling, IteratorsRefuseBadArguments) {
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

TEST(CoreTiling, AnIterationEndsWhereTheTypeRefuses) {
  Grid grid = MakeGrid({3, 4});
  aml_tiling_iterator iterator;
  ASSERT_EQ(0, aml_tiling_iterate(&grid.tiling, AML_TILING_ROW, nullptr, nullptr, &iterator));
  grid.refuses = true;
  EXPECT_TRUE(Visit(iterator).empty());
}

TEST(CoreTiling, CallsAreForwarded) {
  const Grid grid = MakeGrid({3, 4});
  const aml_tiling *const tiling = &grid.tiling;
  const aml_tile datum = aml_tile_bytes(&finis, 4);
  const size_t at[] = {2, 1};
  size_t coords[AML_MAX_DIMS];
  size_t id = 0;
  aml_tile tile;
  aml_tiling_info info;
  EXPECT_EQ(12u, aml_tiling_count(tiling));
  EXPECT_EQ(0, aml_tiling_get_info(tiling, &info));
  EXPECT_EQ(2u, info.grid_ndims);
  EXPECT_EQ(0, aml_tiling_id(tiling, at, &id));
  EXPECT_EQ(9u, id);
  EXPECT_EQ(-AML_EIO, aml_tiling_coords(tiling, 5, coords));
  EXPECT_EQ(5u, coords[0]);
  EXPECT_EQ(-AML_EPERM, aml_tiling_tile(tiling, &datum, 7, &tile));
  EXPECT_EQ(7u, tile.extent[0]);
}

TEST(CoreTiling, NullIsRefusedByName) {
  const Grid grid = MakeGrid({3, 4});
  const aml_tiling *const tiling = &grid.tiling;
  const aml_tile datum = aml_tile_bytes(&finis, 4);
  size_t coords[AML_MAX_DIMS] = {};
  size_t id;
  aml_tile tile;
  aml_tiling_info info;
  const auto refused = [](int err, const char *sentence) {
    EXPECT_EQ(-AML_EINVAL, err);
    EXPECT_STREQ(sentence, aml_error_detail());
  };
  EXPECT_EQ(0u, aml_tiling_count(nullptr));
  refused(aml_tiling_get_info(nullptr, &info), "aml_tiling_get_info: tiling is null");
  refused(aml_tiling_get_info(tiling, nullptr), "aml_tiling_get_info: info is null");
  refused(aml_tiling_id(nullptr, coords, &id), "aml_tiling_id: tiling is null");
  refused(aml_tiling_id(tiling, nullptr, &id), "aml_tiling_id: coords is null");
  refused(aml_tiling_id(tiling, coords, nullptr), "aml_tiling_id: id is null");
  refused(aml_tiling_coords(nullptr, 0, coords), "aml_tiling_coords: tiling is null");
  refused(aml_tiling_coords(tiling, 0, nullptr), "aml_tiling_coords: coords is null");
  refused(aml_tiling_tile(nullptr, &datum, 0, &tile), "aml_tiling_tile: tiling is null");
  refused(aml_tiling_tile(tiling, nullptr, 0, &tile), "aml_tiling_tile: datum is null");
  refused(aml_tiling_tile(tiling, &datum, 0, nullptr), "aml_tiling_tile: tile is null");
}

TEST(CoreTiling, FiniEndsADeclaredOneAndDestroyACreatedOne) {
  Grid grid = MakeGrid({1});
  finis = 0;
  aml_tiling_fini(&grid.tiling);
  EXPECT_EQ(1, finis);
  aml_tiling_fini(nullptr);
  auto *created = static_cast<aml_tiling *>(std::malloc(sizeof(aml_tiling)));
  created->ops = &kOps;
  aml_tiling_destroy(&created);
  EXPECT_EQ(2, finis);
  EXPECT_EQ(nullptr, created);
  aml_tiling_destroy(&created);
  aml_tiling_destroy(nullptr);
  EXPECT_EQ(2, finis);
}

} // namespace
