// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tiling/1d.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/core/tiling_iterator.h"

namespace {

aml_tile Datum(void *base, size_t count, size_t element_size, ptrdiff_t stride) {
  aml_tile datum = {};
  datum.base = base;
  datum.element_size = element_size;
  datum.ndims = 1;
  datum.extent[0] = count;
  datum.stride_bytes[0] = stride;
  return datum;
}

TEST(Tiling1d, TilesPartitionTheDatumExactly) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    const size_t count = 1 + random() % 300;
    const size_t tile_count = 1 + random() % 320;
    const size_t element_size = 1 + random() % 9;
    const ptrdiff_t stride = static_cast<ptrdiff_t>(element_size + random() % 5);
    aml_tiling *tiling = nullptr;
    ASSERT_EQ(0, aml_tiling_1d_create(&tiling, count, element_size, tile_count));
    std::vector<char> memory(count * static_cast<size_t>(stride));
    const aml_tile datum = Datum(memory.data(), count, element_size, stride);
    char *expected = memory.data();
    size_t elements = 0;
    for (size_t id = 0; id < aml_tiling_count(tiling); ++id) {
      aml_tile tile;
      ASSERT_EQ(0, aml_tiling_tile(tiling, &datum, id, &tile));
      ASSERT_EQ(0, aml_tile_check(&tile, "test", "tile"));
      EXPECT_EQ(expected, tile.base);
      EXPECT_EQ(stride, tile.stride_bytes[0]);
      EXPECT_LE(tile.extent[0], tile_count);
      expected += static_cast<ptrdiff_t>(tile.extent[0]) * stride;
      elements += tile.extent[0];
    }
    EXPECT_EQ(count, elements);
    aml_tiling_destroy(&tiling);
  }
}

TEST(Tiling1d, TheLastTileIsClipped) {
  AML_TILING_1D_DECL(tiling);
  ASSERT_EQ(0, aml_tiling_1d_init(tiling, 25, 1, 10));
  EXPECT_EQ(3u, aml_tiling_count(tiling));
  char memory[25];
  const aml_tile datum = aml_tile_bytes(memory, 25);
  aml_tile tile;
  ASSERT_EQ(0, aml_tiling_tile(tiling, &datum, 2, &tile));
  EXPECT_EQ(5u, tile.extent[0]);
  EXPECT_EQ(memory + 20, tile.base);
  aml_tiling_fini(tiling);
}

TEST(Tiling1d, RefusesTilesBehindTheLast) {
  AML_TILING_1D_DECL(tiling);
  ASSERT_EQ(0, aml_tiling_1d_init(tiling, 25, 1, 10));
  char memory[25];
  const aml_tile datum = aml_tile_bytes(memory, 25);
  aml_tile tile = aml_tile_bytes(memory, 1);
  for (const size_t id : {size_t{3}, size_t{99}, SIZE_MAX}) {
    EXPECT_EQ(-AML_EINVAL, aml_tiling_tile(tiling, &datum, id, &tile));
    size_t result = 77;
    EXPECT_EQ(-AML_EINVAL, aml_tiling_id(tiling, &id, &result));
    EXPECT_EQ(-AML_EINVAL, aml_tiling_coords(tiling, id, &result));
    EXPECT_EQ(77u, result);
  }
  EXPECT_EQ(1u, tile.extent[0]);
  aml_tiling_fini(tiling);
}

TEST(Tiling1d, RefusesDataOfAnotherShape) {
  AML_TILING_1D_DECL(tiling);
  ASSERT_EQ(0, aml_tiling_1d_init(tiling, 8, 4, 2));
  int memory[16];
  aml_tile tile;
  const aml_tile shorter = Datum(memory, 7, 4, 4);
  const aml_tile smaller = Datum(memory, 8, 2, 4);
  aml_tile plane = Datum(memory, 8, 4, 4);
  plane.ndims = 2;
  plane.extent[1] = 1;
  plane.stride_bytes[1] = 4;
  for (const aml_tile &datum : {shorter, smaller, plane})
    EXPECT_EQ(-AML_EINVAL, aml_tiling_tile(tiling, &datum, 0, &tile));
  aml_tiling_fini(tiling);
}

TEST(Tiling1d, TheInlineFormIsTheGenericOne) {
  AML_TILING_1D_DECL(tiling);
  ASSERT_EQ(0, aml_tiling_1d_init(tiling, 100, 8, 7));
  double memory[100];
  const aml_tile datum = Datum(memory, 100, 8, 8);
  for (size_t id = 0; id < aml_tiling_count(tiling); ++id) {
    aml_tile generic;
    ASSERT_EQ(0, aml_tiling_tile(tiling, &datum, id, &generic));
    aml_tile inlined;
    aml_tiling_1d_tile(tiling, &datum, id, &inlined);
    EXPECT_EQ(generic.base, inlined.base);
    EXPECT_TRUE(aml_tile_has_shape_of(&generic, &inlined));
  }
  aml_tiling_fini(tiling);
}

TEST(Tiling1d, InfoTellsTheSizesThatOthersNeed) {
  AML_TILING_1D_DECL(tiling);
  ASSERT_EQ(0, aml_tiling_1d_init(tiling, 10, 8, 4));
  aml_tiling_info info;
  ASSERT_EQ(0, aml_tiling_get_info(tiling, &info));
  EXPECT_STREQ("1d", info.type);
  EXPECT_EQ(AML_TILING_PARTITION, info.cover);
  EXPECT_EQ(3u, info.count);
  EXPECT_EQ(3u, info.grid[0]);
  EXPECT_EQ(4u, info.tile_extent[0]);
  EXPECT_EQ(32u, info.max_tile_size);
  EXPECT_EQ(80u, info.storage_size);
  aml_tiling_fini(tiling);
}

TEST(Tiling1d, ATileLargerThanTheDatumIsTheDatum) {
  AML_TILING_1D_DECL(tiling);
  ASSERT_EQ(0, aml_tiling_1d_init(tiling, 10, 8, SIZE_MAX));
  aml_tiling_info info;
  ASSERT_EQ(0, aml_tiling_get_info(tiling, &info));
  EXPECT_EQ(1u, info.count);
  EXPECT_EQ(80u, info.max_tile_size);
  aml_tiling_fini(tiling);
}

TEST(Tiling1d, InitRefusesWhatItCannotCut) {
  AML_TILING_1D_DECL(tiling);
  EXPECT_EQ(-AML_EINVAL, aml_tiling_1d_init(tiling, 0, 1, 1));
  EXPECT_EQ(-AML_EINVAL, aml_tiling_1d_init(tiling, 1, 0, 1));
  EXPECT_EQ(-AML_EINVAL, aml_tiling_1d_init(tiling, 1, 1, 0));
  EXPECT_STREQ("aml_tiling_1d_init: tile_count is 0", aml_error_detail());
  EXPECT_EQ(-AML_EOVERFLOW, aml_tiling_1d_init(tiling, SIZE_MAX / 2, 4, 1));
  EXPECT_EQ(-AML_EOVERFLOW, aml_tiling_1d_init(tiling, SIZE_MAX / 2 + 1, 1, 1));
  EXPECT_EQ(-AML_EINVAL, aml_tiling_1d_init(nullptr, 1, 1, 1));
  EXPECT_EQ(-AML_EINVAL, aml_tiling_1d_create(nullptr, 1, 1, 1));
  const aml_tiling_ops others = {};
  aml_tiling_1d storage = {};
  storage.tiling.ops = &others;
  EXPECT_EQ(-AML_EINVAL, aml_tiling_1d_init(&storage.tiling, 1, 1, 1));
  // More tiles than 32 bits count.
  ASSERT_EQ(0, aml_tiling_1d_init(tiling, size_t{1} << 40, 1, 3));
  EXPECT_EQ(((size_t{1} << 40) + 2) / 3, aml_tiling_count(tiling));
  aml_tiling_fini(tiling);
}

TEST(Tiling1d, IteratorsVisitEachTileOnceInEveryOrder) {
  AML_TILING_1D_DECL(tiling);
  ASSERT_EQ(0, aml_tiling_1d_init(tiling, 50, 1, 7));
  const size_t count = aml_tiling_count(tiling);
  for (int order = AML_TILING_ROW; order <= AML_TILING_COLUMN_REVERSE; ++order) {
    const bool reverse = order == AML_TILING_ROW_REVERSE || order == AML_TILING_COLUMN_REVERSE;
    for (size_t parts = 1; parts < 12; ++parts) {
      size_t visited = 0;
      for (size_t part = 0; part < parts; ++part) {
        aml_tiling_iterator it;
        ASSERT_EQ(0, aml_tiling_iterate(tiling, static_cast<aml_tiling_order>(order), nullptr,
                                        nullptr, &it));
        ASSERT_EQ(0, aml_tiling_iterator_split(&it, part, parts));
        for (size_t id; aml_tiling_next(&it, &id); ++visited)
          EXPECT_EQ(reverse ? count - 1 - visited : visited, id);
      }
      EXPECT_EQ(count, visited);
    }
  }
  aml_tiling_fini(tiling);
}

} // namespace
