// SPDX-License-Identifier: BSD-3-Clause
//
// What tiles say of themselves is compared with the addresses of all their elements, one by one.

#include "aml/core/tile.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <random>
#include <set>
#include <vector>

namespace {

// Nothing is dereferenced, so any address will do.
char *const kBase = reinterpret_cast<char *>(uintptr_t{1} << 40);

aml_tile Tile(char *base, size_t element_size, std::vector<size_t> extent,
              std::vector<ptrdiff_t> stride) {
  aml_tile tile = {};
  tile.base = base;
  tile.element_size = element_size;
  tile.ndims = extent.size();
  std::copy(extent.begin(), extent.end(), tile.extent);
  std::copy(stride.begin(), stride.end(), tile.stride_bytes);
  return tile;
}

// The address of each element, the last dimension fastest.
std::vector<uintptr_t> Addresses(const aml_tile &tile) {
  std::vector<uintptr_t> addresses;
  size_t coords[AML_MAX_DIMS] = {};
  for (size_t left = aml_tile_count(&tile); left > 0; --left) {
    auto address = reinterpret_cast<uintptr_t>(tile.base);
    for (size_t d = 0; d < tile.ndims; ++d)
      address += static_cast<uintptr_t>(static_cast<ptrdiff_t>(coords[d]) * tile.stride_bytes[d]);
    addresses.push_back(address);
    EXPECT_EQ(address, reinterpret_cast<uintptr_t>(aml_tile_address(&tile, coords)));
    for (size_t d = tile.ndims; d-- > 0;) {
      if (++coords[d] < tile.extent[d])
        break;
      coords[d] = 0;
    }
  }
  return addresses;
}

std::set<uintptr_t> Bytes(const aml_tile &tile) {
  std::set<uintptr_t> bytes;
  for (const uintptr_t address : Addresses(tile))
    for (size_t i = 0; i < tile.element_size; ++i)
      bytes.insert(address + i);
  return bytes;
}

int Check(const aml_tile &tile) {
  return aml_tile_check(&tile, "aml_f", "src");
}

// Small tiles of all kinds: dense, strided, broadcast, backwards, with dimensions of one element.
class Random {
public:
  size_t UpTo(size_t most) { return engine_() % (most + 1); }

  aml_tile MakeTile() {
    const size_t ndims = 1 + UpTo(3);
    std::vector<size_t> extent;
    std::vector<ptrdiff_t> stride;
    for (size_t d = 0; d < ndims; ++d) {
      extent.push_back(1 + UpTo(3));
      stride.push_back(static_cast<ptrdiff_t>(UpTo(40)) - 20);
    }
    return Tile(kBase + UpTo(60), 1 + UpTo(7), extent, stride);
  }

  // Another tile of the same strides, near it: what an area's tiles of one matrix are.
  aml_tile MakeSibling(const aml_tile &tile) {
    aml_tile sibling = tile;
    for (size_t d = 0; d < tile.ndims; ++d)
      sibling.extent[d] = 1 + UpTo(3);
    sibling.base = kBase + UpTo(120);
    return sibling;
  }

  // Strides of which each steps over what the faster ones reach, in any order and direction.
  aml_tile MakeNested() {
    aml_tile tile = MakeTile();
    auto span = static_cast<ptrdiff_t>(tile.element_size);
    for (size_t d = tile.ndims; d-- > 0;) {
      tile.stride_bytes[d] = (span + static_cast<ptrdiff_t>(UpTo(5))) * (UpTo(3) == 0 ? -1 : 1);
      span += std::abs(tile.stride_bytes[d]) * 3;
    }
    return tile;
  }

private:
  std::mt19937 engine_{7};
};

TEST(CoreTile, TheSpanIsTheRangeOfItsBytes) {
  Random random;
  for (int i = 0; i < 2000; ++i) {
    const aml_tile tile = random.MakeTile();
    ASSERT_EQ(0, Check(tile));
    const std::set<uintptr_t> bytes = Bytes(tile);
    void *lowest = nullptr;
    size_t size = 0;
    aml_tile_span(&tile, &lowest, &size);
    EXPECT_EQ(*bytes.begin(), reinterpret_cast<uintptr_t>(lowest));
    EXPECT_EQ(*bytes.rbegin() - *bytes.begin() + 1, size);
  }
}

bool Intersect(const std::set<uintptr_t> &a, const std::set<uintptr_t> &b) {
  return std::any_of(a.begin(), a.end(), [&](uintptr_t byte) { return b.count(byte) == 1; });
}

TEST(CoreTile, TilesThatShareAByteAreNeverToldApart) {
  Random random;
  int told_apart = 0;
  for (int i = 0; i < 20000; ++i) {
    const aml_tile a = random.MakeTile();
    const aml_tile b = random.UpTo(1) == 0 ? random.MakeTile() : random.MakeSibling(a);
    const bool answer = aml_tile_may_overlap(&a, &b);
    EXPECT_EQ(answer, aml_tile_may_overlap(&b, &a));
    if (!answer) {
      ++told_apart;
      ASSERT_FALSE(Intersect(Bytes(a), Bytes(b))) << i;
    }
  }
  EXPECT_LT(1000, told_apart) << "or nothing was shown";
}

TEST(CoreTile, TilesOfOneMatrixAreToldApartExactly) {
  Random random;
  int interleaved = 0;
  for (int i = 0; i < 20000; ++i) {
    const aml_tile a = random.MakeNested();
    const aml_tile b = random.MakeSibling(a);
    const bool expected = Intersect(Bytes(a), Bytes(b));
    ASSERT_EQ(expected, aml_tile_may_overlap(&a, &b)) << i;
    void *lowest[2];
    size_t size[2];
    aml_tile_span(&a, &lowest[0], &size[0]);
    aml_tile_span(&b, &lowest[1], &size[1]);
    interleaved += !expected && lowest[0] < static_cast<char *>(lowest[1]) + size[1] &&
                   lowest[1] < static_cast<char *>(lowest[0]) + size[0];
  }
  EXPECT_LT(100, interleaved) << "or only tiles far apart were compared";
}

TEST(CoreTile, HugeTilesThatShareAByteAreNotToldApart) {
  constexpr ptrdiff_t kUnit = ptrdiff_t{1} << 60;
  char *const low = reinterpret_cast<char *>(uintptr_t{1} << 20);
  char *const high = reinterpret_cast<char *>((uintptr_t{1} << 20) + 13 * uintptr_t{kUnit});
  const aml_tile up = Tile(low, 1, {2, 1}, {7 * kUnit, -kUnit});
  const aml_tile down = Tile(high, 1, {1, 7}, {7 * kUnit, -kUnit});
  ASSERT_EQ(0, Check(up));
  ASSERT_EQ(0, Check(down));
  const size_t last_of_up[] = {1, 0};
  const size_t last_of_down[] = {0, 6};
  ASSERT_EQ(aml_tile_address(&up, last_of_up), aml_tile_address(&down, last_of_down));
  EXPECT_TRUE(aml_tile_may_overlap(&up, &down));
  EXPECT_TRUE(aml_tile_may_overlap(&down, &up));
}

TEST(CoreTile, MergingVisitsTheSameElementsInTheSameOrder) {
  Random random;
  for (int i = 0; i < 5000; ++i) {
    const aml_tile tile = random.UpTo(1) == 0 ? random.MakeTile() : random.MakeNested();
    aml_tile merged;
    aml_tile_merge(&tile, &merged);
    ASSERT_EQ(0, Check(merged));
    EXPECT_LE(merged.ndims, tile.ndims);
    EXPECT_EQ(Addresses(tile), Addresses(merged));
    aml_tile again = tile;
    aml_tile_merge(&again, &again);
    EXPECT_EQ(merged.ndims, again.ndims) << "it may be merged in place";
  }
}

TEST(CoreTile, MergingADenseArrayMakesOneRun) {
  const size_t extent[] = {2, 1, 3, 4};
  aml_tile tile;
  ASSERT_EQ(0, aml_tile_dense(&tile, nullptr, kBase, 8, 4, extent, AML_ORDER_ROW));
  aml_tile_merge(&tile, &tile);
  EXPECT_EQ(1u, tile.ndims);
  EXPECT_EQ(24u, tile.extent[0]);
  EXPECT_EQ(8, tile.stride_bytes[0]);
  aml_tile one = Tile(kBase, 8, {1, 1}, {77, -77});
  aml_tile_merge(&one, &one);
  EXPECT_EQ(1u, one.ndims);
  EXPECT_EQ(1u, one.extent[0]);
  EXPECT_EQ(8, one.stride_bytes[0]);
}

TEST(CoreTile, MergingHugeTilesDoesNotWrap) {
  const aml_tile tile = Tile(reinterpret_cast<char *>(64), 1, {2, 2}, {1, PTRDIFF_MAX - 100});
  ASSERT_EQ(0, aml_tile_check(&tile, "aml_f", "src"));
  aml_tile merged;
  aml_tile_merge(&tile, &merged);
  EXPECT_EQ(2u, merged.ndims);
}

TEST(CoreTile, ContiguousMeansOneRunInOrder) {
  Random random;
  int contiguous = 0;
  for (int i = 0; i < 5000; ++i) {
    aml_tile tile = random.MakeTile();
    if (random.UpTo(1) == 0) {
      std::vector<size_t> extent(tile.extent, tile.extent + tile.ndims);
      ASSERT_EQ(0, aml_tile_dense(&tile, nullptr, kBase, tile.element_size, tile.ndims,
                                  extent.data(), static_cast<aml_order>(random.UpTo(1))));
    }
    const std::vector<uintptr_t> addresses = Addresses(tile);
    bool expected = true;
    for (size_t j = 1; j < addresses.size(); ++j)
      expected = expected && addresses[j] == addresses[j - 1] + tile.element_size;
    EXPECT_EQ(expected, aml_tile_is_contiguous(&tile)) << i;
    contiguous += expected;
  }
  EXPECT_LT(500, contiguous);
}

TEST(CoreTile, ASliceIsABoxOfTheElements) {
  Random random;
  for (int i = 0; i < 2000; ++i) {
    const aml_tile tile = random.MakeTile();
    size_t offset[AML_MAX_DIMS];
    size_t extent[AML_MAX_DIMS];
    for (size_t d = 0; d < tile.ndims; ++d) {
      offset[d] = random.UpTo(tile.extent[d] - 1);
      extent[d] = 1 + random.UpTo(tile.extent[d] - offset[d] - 1);
    }
    aml_tile box;
    ASSERT_EQ(0, aml_tile_slice(&tile, offset, extent, &box));
    EXPECT_EQ(aml_tile_address(&tile, offset), box.base);
    EXPECT_TRUE(std::equal(extent, extent + tile.ndims, box.extent));
    EXPECT_TRUE(std::equal(tile.stride_bytes, tile.stride_bytes + tile.ndims, box.stride_bytes));
  }
}

TEST(CoreTile, PermutingMovesNoElement) {
  Random random;
  std::mt19937 engine(3);
  for (int i = 0; i < 2000; ++i) {
    const aml_tile tile = random.MakeTile();
    std::vector<size_t> order(tile.ndims);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), engine);
    aml_tile permuted;
    ASSERT_EQ(0, aml_tile_permute(&tile, order.data(), &permuted));
    std::vector<uintptr_t> before = Addresses(tile);
    std::vector<uintptr_t> after = Addresses(permuted);
    std::sort(before.begin(), before.end());
    std::sort(after.begin(), after.end());
    EXPECT_EQ(before, after);
    for (size_t d = 0; d < tile.ndims; ++d)
      EXPECT_EQ(tile.extent[order[d]], permuted.extent[d]);
  }
}

} // namespace
