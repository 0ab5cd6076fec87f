// SPDX-License-Identifier: BSD-3-Clause
//
// What the contract suite of tilings compares a tiling's answers with.

#ifndef AML_TESTS_CONTRACT_INTERNAL_TILING_ORACLE_H
#define AML_TESTS_CONTRACT_INTERNAL_TILING_ORACLE_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/core/tiling_iterator.h"

namespace aml_testing {

/** The orders in which a box can be visited, and those of a whole grid. */
constexpr aml_tiling_order kBoxOrders[] = {AML_TILING_ROW,    AML_TILING_ROW_REVERSE,
                                           AML_TILING_COLUMN, AML_TILING_COLUMN_REVERSE,
                                           AML_TILING_MORTON, AML_TILING_MORTON_REVERSE};
constexpr aml_tiling_order kTilingOrders[] = {
    AML_TILING_ROW,    AML_TILING_ROW_REVERSE,    AML_TILING_COLUMN,  AML_TILING_COLUMN_REVERSE,
    AML_TILING_MORTON, AML_TILING_MORTON_REVERSE, AML_TILING_FORWARD, AML_TILING_BACKWARD};

using Numbers = std::vector<uintmax_t>;

inline aml_tiling_info InfoOf(const aml_tiling *tiling) {
  aml_tiling_info info = {};
  EXPECT_EQ(0, aml_tiling_get_info(tiling, &info)) << aml_error_detail();
  return info;
}

/** All that a tiling says of itself. */
inline Numbers NumbersOf(const aml_tiling_info &info) {
  Numbers numbers = {static_cast<uintmax_t>(info.cover),
                     info.element_size,
                     info.ndims,
                     info.grid_ndims,
                     info.count,
                     info.max_tile_size,
                     info.storage_size,
                     uintmax_t{info.type != nullptr}};
  for (size_t d = 0; d < info.ndims && d < AML_MAX_DIMS; ++d)
    numbers.insert(numbers.end(), {info.extent[d], info.tile_extent[d]});
  for (size_t d = 0; d < info.grid_ndims && d < AML_MAX_DIMS; ++d)
    numbers.insert(numbers.end(), {info.grid[d], info.id_step[d]});
  return numbers;
}

inline Numbers NumbersOf(const aml_tile &tile) {
  Numbers numbers = {reinterpret_cast<uintptr_t>(tile.base), reinterpret_cast<uintptr_t>(tile.area),
                     tile.element_size, tile.ndims};
  for (size_t d = 0; d < tile.ndims && d < AML_MAX_DIMS; ++d)
    numbers.insert(numbers.end(), {tile.extent[d], static_cast<uintmax_t>(tile.stride_bytes[d])});
  return numbers;
}

/** All that a tiling answers about one tile of a datum; expects nothing, so that threads may. */
inline Numbers AnswersOn(const aml_tiling *tiling, const aml_tile &datum, size_t id) {
  size_t coords[AML_MAX_DIMS] = {};
  size_t again = SIZE_MAX;
  aml_tile tile = {};
  const int results[] = {aml_tiling_coords(tiling, id, coords),
                         aml_tiling_id(tiling, coords, &again),
                         aml_tiling_tile(tiling, &datum, id, &tile)};
  Numbers answers = NumbersOf(tile);
  answers.insert(answers.end(), coords, coords + AML_MAX_DIMS);
  answers.insert(answers.end(), {again, aml_tiling_count(tiling)});
  for (const int result : results)
    answers.push_back(static_cast<uintmax_t>(result));
  return answers;
}

/** Whether a tile has elements, and which: a call that must succeed unless there are none. */
inline bool HasTile(const aml_tiling *tiling, const aml_tile &datum, size_t id, aml_tile *tile) {
  const int err = aml_tiling_tile(tiling, &datum, id, tile);
  EXPECT_TRUE(err == 0 || err == -AML_ENOENT) << "tile " << id << ": " << aml_error_detail();
  return err == 0;
}

/** A box of a grid. */
struct Box {
  size_t offset[AML_MAX_DIMS];
  size_t extent[AML_MAX_DIMS];
};

inline Box WholeGrid(const aml_tiling_info &info) {
  Box box = {};
  for (size_t d = 0; d < info.grid_ndims; ++d)
    box.extent[d] = info.grid[d];
  return box;
}

inline Box RandomBox(const aml_tiling_info &info, std::mt19937 *random) {
  Box box = {};
  for (size_t d = 0; d < info.grid_ndims; ++d) {
    box.offset[d] = (*random)() % info.grid[d];
    box.extent[d] = 1 + (*random)() % (info.grid[d] - box.offset[d]);
  }
  return box;
}

/** A tile of a box: what an order goes by, and its id. */
struct OrderedTile {
  Numbers place;
  size_t id;
};

/** What an order sorts coordinates of a box by. */
inline Numbers PlaceIn(aml_tiling_order order, const size_t at[], const Box &box, size_t ndims,
                       size_t id) {
  Numbers place;
  switch (order) {
  case AML_TILING_FORWARD:
  case AML_TILING_BACKWARD:
    return {id};
  case AML_TILING_MORTON:
  case AML_TILING_MORTON_REVERSE:
    // The code's bits, the highest first.
    for (unsigned level = 64; level-- > 0;)
      for (size_t d = 0; d < ndims; ++d)
        if ((box.extent[d] - 1) >> level != 0)
          place.push_back(at[d] >> level & 1);
    return place;
  default:
    place.assign(at, at + ndims);
    if (order == AML_TILING_COLUMN || order == AML_TILING_COLUMN_REVERSE)
      std::reverse(place.begin(), place.end());
    return place;
  }
}

/** The ids of a box's tiles in the order that an iterator must visit them in. */
inline std::vector<size_t> IdsOf(const aml_tiling *tiling, aml_tiling_order order, const Box &box) {
  const size_t ndims = InfoOf(tiling).grid_ndims;
  std::vector<OrderedTile> tiles;
  size_t at[AML_MAX_DIMS] = {};
  for (size_t turned = 0; turned < ndims;) {
    size_t coords[AML_MAX_DIMS] = {};
    for (size_t d = 0; d < ndims; ++d)
      coords[d] = box.offset[d] + at[d];
    size_t id = SIZE_MAX;
    EXPECT_EQ(0, aml_tiling_id(tiling, coords, &id)) << aml_error_detail();
    tiles.push_back({PlaceIn(order, at, box, ndims, id), id});
    for (turned = 0; turned < ndims && ++at[turned] == box.extent[turned]; ++turned)
      at[turned] = 0;
  }
  std::stable_sort(tiles.begin(), tiles.end(),
                   [](const OrderedTile &a, const OrderedTile &b) { return a.place < b.place; });
  std::vector<size_t> ids;
  for (const OrderedTile &tile : tiles)
    ids.push_back(tile.id);
  if (order == AML_TILING_ROW_REVERSE || order == AML_TILING_COLUMN_REVERSE ||
      order == AML_TILING_MORTON_REVERSE || order == AML_TILING_BACKWARD)
    std::reverse(ids.begin(), ids.end());
  return ids;
}

/** The ids that are left to an iterator, at most `limit`. */
inline std::vector<size_t> Visit(aml_tiling_iterator *iterator, size_t limit) {
  std::vector<size_t> ids;
  for (size_t id; ids.size() < limit && aml_tiling_next(iterator, &id);)
    ids.push_back(id);
  return ids;
}

} // namespace aml_testing

#endif
