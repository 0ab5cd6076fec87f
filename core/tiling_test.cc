// SPDX-License-Identifier: BSD-3-Clause
//
// What the generic functions refuse and forward.

#include "aml/core/tiling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/tile.h"

namespace {

// A grid whose ids run along the last coordinate first. Cuts nothing: tile() tells the id.
struct Grid {
  aml_tiling tiling;
  size_t ndims;
  size_t grid[AML_MAX_DIMS];
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
    *id = 0;
    for (size_t d = 0; d < GridOf(tiling)->ndims; ++d)
      *id = *id * GridOf(tiling)->grid[d] + coords[d];
    return 0;
  };
  ops.coords = [](const aml_tiling *, size_t id, size_t coords[]) {
    coords[0] = id;
    return -AML_EIO;
  };
  ops.tile_extent = [](const aml_tiling *, size_t id, size_t extent[]) {
    extent[0] = id;
    return -AML_ENOENT;
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
  EXPECT_EQ(-AML_ENOENT, aml_tiling_tile_extent(tiling, 6, coords));
  EXPECT_EQ(6u, coords[0]);
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
  refused(aml_tiling_tile_extent(nullptr, 0, coords), "aml_tiling_tile_extent: tiling is null");
  refused(aml_tiling_tile_extent(tiling, 0, nullptr), "aml_tiling_tile_extent: extent is null");
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
