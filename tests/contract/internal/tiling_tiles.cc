// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/internal/tiling_tiles.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/contract/internal/laid_out.h"
#include "aml/tests/contract/internal/refusal.h"
#include "aml/tests/contract/internal/tiling_fixture.h"
#include "aml/tests/contract/internal/tiling_oracle.h"

namespace aml_testing {

void CheckInfoDescribesATiling(aml_tiling *tiling) {
  const aml_tiling_info info = InfoOf(tiling);
  EXPECT_STREQ(tiling->ops->name, info.type);
  EXPECT_STRNE("", info.type);
  EXPECT_LE(static_cast<unsigned>(info.cover), unsigned{AML_TILING_OVERLAPPING});
  EXPECT_GE(info.element_size, 1u);
  ASSERT_GE(info.ndims, 1u);
  ASSERT_LE(info.ndims, size_t{AML_MAX_DIMS});
  size_t datum_size = info.element_size;
  size_t tile_size = info.element_size;
  for (size_t d = 0; d < info.ndims; ++d) {
    EXPECT_GE(info.extent[d], 1u);
    EXPECT_GE(info.tile_extent[d], 1u);
    EXPECT_TRUE(info.tile_extent[d] <= info.extent[d] || info.cover == AML_TILING_PADDED);
    datum_size *= info.extent[d];
    tile_size *= info.tile_extent[d];
  }
  EXPECT_GE(info.max_tile_size, info.element_size);
  EXPECT_LE(info.max_tile_size, tile_size);
  EXPECT_GE(info.storage_size, datum_size);
}

void CheckTheGridHoldsEachTileOnce(aml_tiling *tiling) {
  const aml_tiling_info info = InfoOf(tiling);
  ASSERT_GE(info.grid_ndims, 1u);
  ASSERT_LE(info.grid_ndims, size_t{AML_MAX_DIMS});
  size_t count = 1;
  for (size_t d = 0; d < info.grid_ndims; ++d)
    count *= info.grid[d];
  EXPECT_GE(info.count, 1u);
  EXPECT_EQ(count, info.count);
  EXPECT_EQ(count, aml_tiling_count(tiling));
}

void CheckIdsAndCoordinatesDetermineEachOther(aml_tiling *tiling) {
  const aml_tiling_info info = InfoOf(tiling);
  for (size_t id = 0; id < info.count; ++id) {
    size_t coords[AML_MAX_DIMS];
    std::fill(std::begin(coords), std::end(coords), SIZE_MAX);
    ASSERT_EQ(0, aml_tiling_coords(tiling, id, coords)) << aml_error_detail();
    for (size_t d = 0; d < info.grid_ndims; ++d)
      ASSERT_LT(coords[d], info.grid[d]) << "of tile " << id;
    for (size_t d = info.grid_ndims; d < AML_MAX_DIMS; ++d)
      ASSERT_EQ(SIZE_MAX, coords[d]) << "was written, but there is room for grid_ndims only";
    size_t again = SIZE_MAX;
    ASSERT_EQ(0, aml_tiling_id(tiling, coords, &again)) << aml_error_detail();
    ASSERT_EQ(id, again);
    for (size_t d = 0; d < info.grid_ndims && info.id_step[0] != 0; ++d)
      again -= coords[d] * info.id_step[d];
    ASSERT_TRUE(info.id_step[0] == 0 || again == 0) << "id_step does not lead to tile " << id;
  }
}

void CheckIdsThatAreNotBelowTheCountAreRefused(aml_tiling *tiling, const LaidOut &data) {
  const size_t count = aml_tiling_count(tiling);
  for (const size_t id : {count, count + 1, 2 * count, SIZE_MAX / 2, SIZE_MAX}) {
    size_t coords[AML_MAX_DIMS];
    std::fill(std::begin(coords), std::end(coords), 77u);
    ExpectRefused("aml_tiling_coords: id", [&] { return aml_tiling_coords(tiling, id, coords); });
    EXPECT_EQ(AML_MAX_DIMS, std::count(std::begin(coords), std::end(coords), 77u));
    aml_tile tile;
    std::memset(&tile, 0x5a, sizeof tile);
    const aml_tile before = tile;
    ExpectRefused("aml_tiling_tile: id",
                  [&] { return aml_tiling_tile(tiling, &data.datum(), id, &tile); });
    EXPECT_EQ(0, std::memcmp(&before, &tile, sizeof tile)) << "a refused call changed its result";
  }
}

void CheckCoordinatesOutsideTheGridAreRefused(aml_tiling *tiling) {
  const aml_tiling_info info = InfoOf(tiling);
  for (size_t d = 0; d < info.grid_ndims; ++d)
    for (const size_t outside : {info.grid[d], info.grid[d] + 1, SIZE_MAX}) {
      size_t coords[AML_MAX_DIMS] = {};
      coords[d] = outside;
      size_t id = 77;
      ExpectRefused("aml_tiling_id: coords", [&] { return aml_tiling_id(tiling, coords, &id); });
      EXPECT_EQ(77u, id) << "a refused call changed its result";
    }
}

void CheckNullIsRefused(aml_tiling *tiling, const LaidOut &data) {
  const aml_tile *const datum = &data.datum();
  size_t coords[AML_MAX_DIMS] = {};
  size_t id = 77;
  aml_tile tile = *datum;
  aml_tiling_info info = InfoOf(tiling);
  EXPECT_EQ(0u, aml_tiling_count(nullptr));
  ExpectRefused("aml_tiling_get_info: tiling", [&] { return aml_tiling_get_info(nullptr, &info); });
  ExpectRefused("aml_tiling_get_info: info", [&] { return aml_tiling_get_info(tiling, nullptr); });
  ExpectRefused("aml_tiling_id: tiling", [&] { return aml_tiling_id(nullptr, coords, &id); });
  ExpectRefused("aml_tiling_id: coords", [&] { return aml_tiling_id(tiling, nullptr, &id); });
  ExpectRefused("aml_tiling_id: id", [&] { return aml_tiling_id(tiling, coords, nullptr); });
  ExpectRefused("aml_tiling_coords: tiling", [&] { return aml_tiling_coords(nullptr, 0, coords); });
  ExpectRefused("aml_tiling_coords: coords", [&] { return aml_tiling_coords(tiling, 0, nullptr); });
  ExpectRefused("aml_tiling_tile: tiling",
                [&] { return aml_tiling_tile(nullptr, datum, 0, &tile); });
  ExpectRefused("aml_tiling_tile: datum",
                [&] { return aml_tiling_tile(tiling, nullptr, 0, &tile); });
  ExpectRefused("aml_tiling_tile: tile",
                [&] { return aml_tiling_tile(tiling, datum, 0, nullptr); });
  EXPECT_EQ(77u, id);
  EXPECT_EQ(NumbersOf(*datum), NumbersOf(tile));
  EXPECT_EQ(NumbersOf(InfoOf(tiling)), NumbersOf(info));
}

void CheckTilesAreValidAndWithinTheDatum(aml_tiling *tiling, const LaidOut &data) {
  const aml_tiling_info info = InfoOf(tiling);
  for (size_t id = 0; id < info.count; ++id) {
    aml_tile tile = {};
    if (!HasTile(tiling, data.datum(), id, &tile))
      continue;
    ASSERT_EQ(0, aml_tile_check(&tile, "suite", "tile")) << aml_error_detail();
    EXPECT_EQ(info.ndims, tile.ndims);
    EXPECT_EQ(info.element_size, tile.element_size);
    size_t strangers = 0;
    ForEachElement(tile, [&](const char *address) {
      const bool padding = info.cover == AML_TILING_PADDED && data.IsInStorage(address);
      strangers += data.ElementAt(address) == data.count() && !padding ? 1 : 0;
    });
    EXPECT_EQ(0u, strangers) << "elements of tile " << id << " are none of the datum";
  }
}

void CheckTilesCoverTheDatumAsInfoSays(aml_tiling *tiling, const LaidOut &data) {
  const aml_tiling_info info = InfoOf(tiling);
  std::vector<size_t> seen(data.count() + 1); // and one for padding
  for (size_t id = 0; id < info.count; ++id) {
    aml_tile tile = {};
    if (!HasTile(tiling, data.datum(), id, &tile))
      continue;
    ForEachElement(tile, [&](const char *address) { ++seen[data.ElementAt(address)]; });
  }
  seen.pop_back();
  EXPECT_EQ(0, std::count(seen.begin(), seen.end(), 0u)) << "elements are in no tile";
  const size_t most = *std::max_element(seen.begin(), seen.end());
  EXPECT_TRUE(most == 1 || info.cover == AML_TILING_OVERLAPPING) << "tiles overlap";
}

void CheckInfoTellsTheLargestTile(aml_tiling *tiling, const LaidOut &data) {
  const aml_tiling_info info = InfoOf(tiling);
  size_t extent[AML_MAX_DIMS] = {};
  size_t size = 0;
  for (size_t id = 0; id < info.count; ++id) {
    aml_tile tile = {};
    if (!HasTile(tiling, data.datum(), id, &tile))
      continue;
    size = std::max(size, aml_tile_size(&tile));
    for (size_t d = 0; d < info.ndims; ++d)
      extent[d] = std::max(extent[d], tile.extent[d]);
  }
  EXPECT_EQ(info.max_tile_size, size);
  for (size_t d = 0; d < info.ndims; ++d)
    EXPECT_EQ(info.tile_extent[d], extent[d]) << "of dimension " << d;
}

void CheckExtentsAreThoseOfTheTile(aml_tiling *tiling, const LaidOut &data) {
  const aml_tiling_info info = InfoOf(tiling);
  for (size_t id = 0; id < info.count; ++id) {
    aml_tile tile = {};
    size_t extent[AML_MAX_DIMS];
    std::fill(std::begin(extent), std::end(extent), 77u);
    const bool has_tile = HasTile(tiling, data.datum(), id, &tile);
    ASSERT_EQ(has_tile ? 0 : -AML_ENOENT, aml_tiling_tile_extent(tiling, id, extent));
    for (size_t d = 0; d < AML_MAX_DIMS; ++d)
      ASSERT_EQ(has_tile && d < info.ndims ? tile.extent[d] : 77u, extent[d])
          << "of dimension " << d << " of tile " << id;
  }
  size_t extent[AML_MAX_DIMS] = {77};
  for (const size_t id : {info.count, SIZE_MAX})
    ExpectRefused("aml_tiling_tile_extent: id",
                  [&] { return aml_tiling_tile_extent(tiling, id, extent); });
  ExpectRefused("aml_tiling_tile_extent: tiling",
                [&] { return aml_tiling_tile_extent(nullptr, 0, extent); });
  ExpectRefused("aml_tiling_tile_extent: extent",
                [&] { return aml_tiling_tile_extent(tiling, 0, nullptr); });
  EXPECT_EQ(77u, extent[0]) << "a refused call changed its result";
}

void CheckTilesAreInTheDatumsArea(aml_tiling *tiling, const LaidOut &data) {
  aml_area *const areas[] = {nullptr, reinterpret_cast<aml_area *>(tiling)};
  for (aml_area *const area : areas) {
    aml_tile datum = data.datum();
    datum.area = area;
    for (size_t id = 0; id < aml_tiling_count(tiling); ++id) {
      aml_tile tile = {};
      tile.area = areas[area == nullptr ? 1 : 0];
      if (!HasTile(tiling, datum, id, &tile))
        continue;
      ASSERT_EQ(area, tile.area);
    }
  }
}

namespace {

/** Expects that a datum is refused, by each of some ids, and the result untouched. */
void ExpectDatumRefused(const aml_tiling *tiling, const aml_tile &datum) {
  for (const size_t id : {size_t{0}, aml_tiling_count(tiling) - 1}) {
    aml_tile tile;
    std::memset(&tile, 0x5a, sizeof tile);
    const aml_tile before = tile;
    ExpectRefused("aml_tiling_tile: datum",
                  [&] { return aml_tiling_tile(tiling, &datum, id, &tile); });
    EXPECT_EQ(0, std::memcmp(&before, &tile, sizeof tile)) << "a refused call changed its result";
  }
}

} // namespace

void CheckDataOfAnotherShapeAreRefused(aml_tiling *tiling, const LaidOut &data) {
  const aml_tile good = data.datum();
  for (size_t d = 0; d < good.ndims; ++d) {
    aml_tile datum = good;
    datum.extent[d] = good.extent[d] + 1;
    ExpectDatumRefused(tiling, datum);
    datum.extent[d] = good.extent[d] - 1;
    if (datum.extent[d] != 0)
      ExpectDatumRefused(tiling, datum);
  }
  aml_tile datum = good;
  datum.element_size = good.element_size + 1;
  ExpectDatumRefused(tiling, datum);
  datum.element_size = good.element_size - 1;
  if (datum.element_size != 0)
    ExpectDatumRefused(tiling, datum);
}

void CheckDataOfOtherDimensionsAreRefused(aml_tiling *tiling, const LaidOut &data) {
  aml_tile datum = data.datum();
  if (datum.ndims < AML_MAX_DIMS) {
    datum.extent[datum.ndims] = 1;
    datum.stride_bytes[datum.ndims] = static_cast<ptrdiff_t>(datum.element_size);
    ++datum.ndims;
    ExpectDatumRefused(tiling, datum);
    --datum.ndims;
  }
  if (--datum.ndims > 0)
    ExpectDatumRefused(tiling, datum);
}

void CheckLayoutsThatTheTypeDoesNotTakeAreRefused(const TilingFactory &any) {
  for (size_t i = 0; i < any.instances; ++i) {
    const TilingFactory::Made factory = any.make();
    ASSERT_EQ(0, factory.Init(i)) << aml_error_detail();
    for (const TilingLayout layout : kTilingLayouts) {
      SCOPED_TRACE(testing::Message()
                   << "instance " << i << ", layout " << static_cast<int>(layout));
      const LaidOut data(InfoOf(factory.tiling), layout);
      aml_tile tile = {};
      if (any.accepts(i, layout)) {
        (void)HasTile(factory.tiling, data.datum(), 0, &tile);
      } else {
        ExpectDatumRefused(factory.tiling, data.datum());
      }
    }
    aml_tiling_fini(factory.tiling);
  }
}

void CheckWhatIsBehindADatumsDimensionsIsNotRead(aml_tiling *tiling, const LaidOut &data) {
  aml_tile datum = data.datum();
  for (size_t d = datum.ndims; d < AML_MAX_DIMS; ++d) {
    datum.extent[d] = 0;
    datum.stride_bytes[d] = PTRDIFF_MAX;
  }
  for (size_t id = 0; id < aml_tiling_count(tiling); ++id)
    ASSERT_EQ(AnswersOn(tiling, data.datum(), id), AnswersOn(tiling, datum, id));
}

// An address may be none of the host's. A tiling that follows it ends this test by a signal.
void CheckNoByteOfADatumIsTouched(aml_tiling *tiling, const LaidOut &data) {
  void *lowest;
  size_t size;
  aml_tile_span(&data.datum(), &lowest, &size);
  size = std::max(size, InfoOf(tiling).storage_size);
  void *const hidden = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(MAP_FAILED, hidden);
  aml_tile datum = data.datum();
  const ptrdiff_t inside = static_cast<char *>(datum.base) - static_cast<char *>(lowest);
  datum.base = static_cast<char *>(hidden) + inside;
  for (size_t id = 0; id < aml_tiling_count(tiling); ++id) {
    aml_tile tile = {};
    (void)HasTile(tiling, datum, id, &tile);
  }
  EXPECT_EQ(0, munmap(hidden, size));
}

} // namespace aml_testing
