// SPDX-License-Identifier: BSD-3-Clause
//
// Applying and verifying tile by tile.

#include "aml/core/binding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "aml/core/binding_testing.h"
#include "aml/core/nodeset.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/support/device_area.h"

namespace {

using namespace binding_testing;

class CoreBindingTiled : public CoreBindingFixture {};

TEST_F(CoreBindingTiled, SixteenTilesOfAPageOverTwoDevicesAreEightAndEight) {
  Function binding([](size_t index, size_t count) {
    EXPECT_EQ(16u, count);
    return static_cast<int>(index % 2);
  });
  std::vector<aml_tile> tiles;
  for (size_t i = 0; i < 16; ++i)
    tiles.push_back(Bytes(i * kPage, kPage));
  Tiles tiling(tiles);
  const aml_tile datum = Datum(16 * kPage);
  ASSERT_EQ(0, aml_binding_apply_tiled(binding.get(), tiling.get(), &datum, nullptr));
  area_.Touch(kStart, 16 * kPage);
  aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify_tiled(binding.get(), tiling.get(), &datum, &report));
  EXPECT_EQ(16 * kPage, report.right_size);
  EXPECT_EQ(8 * kPage, report.device_size[0]);
  EXPECT_EQ(8 * kPage, report.device_size[1]);
}

TEST_F(CoreBindingTiled, TilesAreNotNumberedByAddressThoughPagesAre) {
  Function binding([](size_t index, size_t) { return static_cast<int>(index % 3); });
  aml_nodeset set = aml_nodeset_of(0);
  ASSERT_TRUE(aml_nodeset_add(&set, 1));
  ASSERT_TRUE(aml_nodeset_add(&set, 2));
  binding.BecomePolicy(set);
  Tiles tiling({Bytes(0, kPage), Bytes(kPage, kPage), Bytes(2 * kPage, kPage)});
  const aml_tile datum = Datum(3 * kPage);
  ASSERT_EQ(0, aml_binding_apply_tiled(binding.get(), tiling.get(), &datum, nullptr));
  area_.Touch(kStart, 3 * kPage);
  EXPECT_EQ((V{0, 1, 2}), DevicesOf(3));
}

TEST_F(CoreBindingTiled, ASharedPageGoesToTheMostBytesThenToTheSmallerNumber) {
  EXPECT_EQ((V{2, 1, 1}),
            PlaceTiles({Bytes(0, kPage + 2000), Bytes(kPage + 2000, 2 * kPage - 2000)}, {2, 1}, 3));
  area_.place.clear();
  EXPECT_EQ((V{1, 1}), PlaceTiles({Bytes(0, kPage / 2), Bytes(kPage / 2, kPage / 2),
                                   Bytes(kPage, kPage / 2), Bytes(kPage + kPage / 2, kPage / 2)},
                                  {2, 1, 1, 2}, 2));
  area_.place.clear();
  // Two pieces of one device outweigh a larger one of another.
  EXPECT_EQ((V{9}),
            PlaceTiles({Bytes(0, 1200), Bytes(1200, 1600), Bytes(2800, 1296)}, {9, 3, 9}, 1));
}

TEST_F(CoreBindingTiled, AStridedTileIsPlacedRunByRun) {
  // A matrix of 8 rows of one page, cut into two columns of which the first is wider.
  const aml_tile datum = Datum(8 * kPage);
  aml_tile matrix = datum;
  matrix.element_size = 8;
  matrix.ndims = 2;
  matrix.extent[0] = 8;
  matrix.extent[1] = 512;
  matrix.stride_bytes[0] = kPage;
  matrix.stride_bytes[1] = 8;
  aml_tile left = matrix;
  left.extent[1] = 300;
  aml_tile right = matrix;
  right.extent[1] = 212;
  right.base = At(size_t{300} * 8);
  EXPECT_EQ((V{4, 4, 4, 4, 4, 4, 4, 4}), PlaceTiles({left, right}, {4, 1}, 8));
  EXPECT_EQ(1u, area_.binds.size());
}

TEST_F(CoreBindingTiled, TheLayoutOfATileDoesNotMatterItsBytesDo) {
  // 4 pages as an 8 x 256 array of doubles, seen transposed and backwards, and then repeated.
  aml_tile tile = Bytes(0, 1);
  tile.element_size = 8;
  tile.ndims = 3;
  tile.base = At(4 * kPage - 8);
  tile.extent[0] = 256;
  tile.stride_bytes[0] = -8;
  tile.extent[1] = 7;
  tile.stride_bytes[1] = 0;
  tile.extent[2] = 8;
  tile.stride_bytes[2] = -256 * 8;
  EXPECT_EQ((V{0, 3, 3, 3, 3, 0}), [&] {
    aml_tile shifted = tile;
    shifted.base = At(5 * kPage - 8);
    return PlaceTiles({shifted, Bytes(0, 100)}, {3, 0}, 6);
  }());
  // Bytes that are seen seven times count once: 2048 against 2048 is a tie.
  area_.place.clear();
  tile.base = At(2040);
  tile.extent[2] = 1;
  EXPECT_EQ((V{1}), PlaceTiles({tile, Bytes(2048, 2048)}, {2, 1}, 1));
}

TEST_F(CoreBindingTiled, AColumnOfSingleElementsIsCountedByItsBytes) {
  // Every other double to device 1, every fourth to 2, every fourth to 3; then by thirds.
  const auto every = [](size_t offset, size_t step, size_t count) {
    aml_tile tile = Bytes(offset, 1);
    tile.element_size = 8;
    tile.extent[0] = count;
    tile.stride_bytes[0] = static_cast<ptrdiff_t>(step);
    return tile;
  };
  EXPECT_EQ((V{5, 5}),
            PlaceTiles({every(0, 16, 512), every(8, 32, 256), every(24, 32, 256)}, {5, 2, 3}, 2));
}

TEST_F(CoreBindingTiled, OverlappingTilesEachCount) {
  // The page is three times someone's as a whole: twice device 6's, once device 2's.
  EXPECT_EQ((V{6}), PlaceTiles({Bytes(0, kPage), Bytes(0, kPage), Bytes(0, kPage)}, {6, 2, 6}, 1));
  area_.place.clear();
  EXPECT_EQ((V{2}), PlaceTiles({Bytes(0, kPage), Bytes(0, kPage)}, {6, 2}, 1));
}

TEST_F(CoreBindingTiled, PagesInNoTileStayAndAreNotReported) {
  area_.home = 7;
  EXPECT_EQ((V{1, 7, 7, 1, 7}), PlaceTiles({Bytes(0, kPage), Bytes(3 * kPage, 10)}, {1, 1}, 5));
  Function binding([](size_t, size_t) { return 1; });
  Tiles tiling({Bytes(0, kPage), Bytes(3 * kPage, 10)});
  const aml_tile datum = Datum(5 * kPage);
  aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify_tiled(binding.get(), tiling.get(), &datum, &report));
  EXPECT_EQ(2 * kPage, report.right_size);
  EXPECT_EQ(0u, report.device_size[7]);
}

TEST_F(CoreBindingTiled, TilesThatTheBindingLeavesAloneHaveNoSay) {
  area_.home = 7;
  EXPECT_EQ((V{2, 7}), PlaceTiles({Bytes(0, 4000), Bytes(4000, 96), Bytes(kPage, kPage)},
                                  {kAbsent, 2, kAbsent}, 2));
}

TEST_F(CoreBindingTiled, TilesOutsideTheDatumsOwnSpanArePlacedToo) {
  // As those of a tiling that pads.
  EXPECT_EQ((V{0, 3}), PlaceTiles({Bytes(kPage, 2 * kPage)}, {3}, 2));
  EXPECT_EQ(3 * kPage, area_.binds[0].start + area_.binds[0].size - kStart);
}

TEST_F(CoreBindingTiled, ManyTilesThatSharePagesAreSettled) {
  std::vector<aml_tile> tiles;
  std::vector<int> devices;
  for (size_t i = 0; i < 3000; ++i) {
    tiles.push_back(Bytes(i * 100, 100));
    devices.push_back(static_cast<int>(i % 41));
  }
  const size_t pages = (3000 * 100 + kPage - 1) / kPage;
  const V placed = PlaceTiles(tiles, devices, pages);
  for (size_t page = 0; page < pages; ++page) {
    std::map<int, size_t> bytes;
    for (size_t byte = page * kPage; byte < (page + 1) * kPage && byte < 300000; ++byte)
      ++bytes[devices[byte / 100]];
    const auto most =
        std::max_element(bytes.begin(), bytes.end(),
                         [](const auto &a, const auto &b) { return a.second < b.second; });
    EXPECT_EQ(most->first, placed[page]) << page;
  }
}

// Failure

} // namespace
