// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/internal/dma_copies.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <random>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/tests/contract/internal/dma_fixture.h"
#include "aml/tests/contract/internal/refusal.h"
#include "aml/tests/support/laid_tile.h"
#include "aml/tests/support/page_area.h"

namespace aml_testing {

namespace {

constexpr size_t kElementSizes[] = {1, 2, 3, 4, 5, 8, 12, 16, 24, 100};

/** Copies, and compares all memory around with a copy element by element. */
void ExpectCopies(aml_dma *dma, std::mt19937 &random, const Extents &extent, size_t element_size,
                  Lie dst_lie, Lie src_lie, const aml_dma_options *options = nullptr) {
  LaidTile dst(extent, element_size, dst_lie, random);
  const LaidTile src(extent, element_size, src_lie, random);
  const Bytes source_before = src.bytes();
  const Bytes expected = dst.CopiedFrom(src);
  ASSERT_EQ(0, aml_dma_copy(dma, &dst.tile(), &src.tile(), options)) << aml_error_detail();
  ASSERT_TRUE(expected == dst.bytes()) << "elements differ, or memory around them was written";
  ASSERT_TRUE(source_before == src.bytes()) << "the source was written";
}

/** Adds each element of the source to that of the destination, and counts. */
struct Adder {
  std::atomic<size_t> elements{0};
  size_t fails_after = SIZE_MAX;

  static int Run(void *dst, const void *src, size_t count, void *argument) {
    auto *const self = static_cast<Adder *>(argument);
    const size_t before = self->elements.fetch_add(count);
    for (size_t i = 0; i < count; ++i)
      static_cast<double *>(dst)[i] += static_cast<const float *>(src)[i];
    return before + count > self->fails_after ? 4711 : 0;
  }
};

} // namespace

void CheckCopiesAnyTileToAnyOfItsExtents(aml_dma *dma) {
  std::mt19937 random(7);
  for (int i = 0; i < 1500; ++i) {
    SCOPED_TRACE(testing::Message() << "case " << i);
    Extents extent(1 + random() % AML_MAX_DIMS);
    for (size_t &side : extent)
      side = 1 + random() % (extent.size() > 4 ? 3 : 6);
    const size_t element_size = kElementSizes[random() % std::size(kElementSizes)];
    const Lie dst = static_cast<Lie>(random() % 3);
    const Lie src = static_cast<Lie>(random() % 4);
    ASSERT_NO_FATAL_FAILURE(ExpectCopies(dma, random, extent, element_size, dst, src));
  }
}

void CheckCopiesRunsOfAnySize(aml_dma *dma) {
  std::mt19937 random(7);
  for (const size_t size : {1u, 2u, 63u, 64u, 65u, 127u, 4095u, 4096u, 4097u, 70001u, 1u << 18})
    for (const aml_dma_use use : {AML_DMA_USE_UNKNOWN, AML_DMA_USE_SOON, AML_DMA_USE_STREAM}) {
      aml_dma_options options = {};
      options.use = use;
      ASSERT_NO_FATAL_FAILURE(
          ExpectCopies(dma, random, {size}, 1, Lie::kDense, Lie::kDense, &options));
      ASSERT_NO_FATAL_FAILURE(
          ExpectCopies(dma, random, {3, size}, 1, Lie::kDense, Lie::kScattered, &options));
    }
}

void CheckTransposesPlanesOfAnySides(aml_dma *dma) {
  std::mt19937 random(7);
  for (const size_t element_size : kElementSizes)
    for (const Extents &extent :
         {Extents{1, 70}, {70, 1}, {31, 33}, {32, 64}, {65, 2}, {5, 3, 40}}) {
      ASSERT_NO_FATAL_FAILURE(
          ExpectCopies(dma, random, extent, element_size, Lie::kDense, Lie::kTransposed));
      ASSERT_NO_FATAL_FAILURE(
          ExpectCopies(dma, random, extent, element_size, Lie::kTransposed, Lie::kDense));
    }
}

void CheckASourceMayStandStill(aml_dma *dma) {
  unsigned char byte = 7;
  Bytes row(50, 1);
  aml_tile src = aml_tile_bytes(&byte, 50);
  src.stride_bytes[0] = 0;
  const aml_tile dst = aml_tile_bytes(row.data(), 50);
  ASSERT_EQ(0, aml_dma_copy(dma, &dst, &src, nullptr)) << aml_error_detail();
  EXPECT_EQ(Bytes(50, 7), row);
}

void CheckAPlanIsForAnyTilesOfItsShape(aml_dma *dma) {
  std::mt19937 random(7);
  const Extents extents[] = {{3, 5, 4}, {60}, {3, 5, 5}};
  for (int i = 0; i < 100; ++i) {
    SCOPED_TRACE(testing::Message() << "case " << i);
    aml_dma_plan plan = {};
    aml_dma_options options = {};
    options.plan = &plan;
    const auto before = random;
    for (const Extents &extent : extents) {
      random = before; // so that what has the same extents has the same strides
      LaidTile dst(extents[0], 8, Lie::kScattered, random);
      const LaidTile src(extents[0], 8, Lie::kBroadcast, random);
      const Bytes expected = dst.CopiedFrom(src);
      ASSERT_EQ(0, aml_dma_copy(dma, &dst.tile(), &src.tile(), &options));
      ASSERT_TRUE(expected == dst.bytes());
      ASSERT_NO_FATAL_FAILURE(
          ExpectCopies(dma, random, extent, 8, Lie::kScattered, Lie::kBroadcast, &options));
    }
  }
}

void CheckOverlapIsRefusedAndChangesNothing(aml_dma *dma) {
  Bytes bytes(200);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<unsigned char>(i);
  const Bytes before = bytes;
  for (const size_t offset : {1u, 50u, 99u}) {
    const aml_tile low = aml_tile_bytes(bytes.data(), 100);
    const aml_tile high = aml_tile_bytes(bytes.data() + offset, 100);
    EXPECT_EQ(-AML_EINVAL, aml_dma_copy(dma, &low, &high, nullptr));
    EXPECT_EQ(-AML_EINVAL, aml_dma_copy(dma, &high, &low, nullptr));
    EXPECT_EQ(-AML_EINVAL, aml_error_code());
  }
  EXPECT_EQ(before, bytes);
  const aml_tile low = aml_tile_bytes(bytes.data(), 100);
  const aml_tile next = aml_tile_bytes(bytes.data() + 100, 100);
  EXPECT_EQ(0, aml_dma_copy(dma, &low, &next, nullptr)) << "neighbours do not overlap";
}

// A column into a row of one matrix: apart, though that is hard to find out.
void CheckTilesThatTheCallerVouchesForAreCopied(aml_dma *dma) {
  std::vector<int> matrix(64 * 64);
  std::iota(matrix.begin(), matrix.end(), 0);
  aml_tile dst = aml_tile_bytes(&matrix[5 * 64 + 20], 5);
  dst.element_size = sizeof(int);
  dst.stride_bytes[0] = sizeof(int);
  aml_tile src = dst;
  src.base = &matrix[3];
  src.stride_bytes[0] = 64 * sizeof(int);
  aml_dma_options options = {};
  options.flags = AML_DMA_DISTINCT;
  ASSERT_EQ(0, aml_dma_copy(dma, &dst, &src, &options)) << aml_error_detail();
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(3 + 64 * i, matrix[static_cast<size_t>(5 * 64 + 20 + i)]);
}

void CheckTheSameTileIsNoOverlap(aml_dma *dma) {
  std::mt19937 random(7);
  for (const Lie lie : {Lie::kDense, Lie::kTransposed, Lie::kScattered}) {
    LaidTile tile({4, 5}, 8, lie, random);
    const Bytes before = tile.bytes();
    const aml_tile same = tile.tile();
    EXPECT_EQ(0, aml_dma_copy(dma, &tile.tile(), &same, nullptr)) << aml_error_detail();
    EXPECT_TRUE(before == tile.bytes());
  }
}

// Where a dma cannot do that, it says -AML_ENOTSUP and changes nothing.
void CheckWithOverlapItIsAsIfTheSourceWereReadFirst(aml_dma *dma) {
  std::mt19937 random(7);
  aml_dma_options options = {};
  options.flags = AML_DMA_OVERLAP;
  for (int i = 0; i < 500; ++i) {
    const size_t rows = 1 + random() % 4;
    const size_t columns = 1 + random() % 40;
    const size_t leading = columns + random() % 8;
    Bytes bytes(2 * rows * leading + 100);
    for (unsigned char &byte : bytes)
      byte = static_cast<unsigned char>(random());
    const auto tile_at = [&](size_t offset) {
      aml_tile tile = aml_tile_bytes(bytes.data() + offset, 1);
      tile.ndims = 2;
      tile.extent[0] = rows;
      tile.extent[1] = columns;
      tile.stride_bytes[0] = static_cast<ptrdiff_t>(leading);
      tile.stride_bytes[1] = 1;
      return tile;
    };
    const aml_tile src = tile_at(random() % 60);
    const aml_tile dst = tile_at(random() % 60);
    const Bytes before = bytes;
    Bytes expected = bytes;
    ForEachElement({rows, columns}, [&](const size_t *coords) {
      const auto *const from = static_cast<unsigned char *>(aml_tile_address(&src, coords));
      auto *const to = static_cast<unsigned char *>(aml_tile_address(&dst, coords));
      expected[static_cast<size_t>(to - bytes.data())] =
          before[static_cast<size_t>(from - bytes.data())];
    });
    const int err = aml_dma_copy(dma, &dst, &src, &options);
    if (rows == 1 && (aml_dma_capabilities(dma) & AML_DMA_CAN_OVERLAP) != 0) {
      ASSERT_EQ(0, err) << "a run is what memmove takes: " << aml_error_detail();
    }
    ASSERT_TRUE(err == 0 || err == -AML_ENOTSUP) << aml_error_detail();
    ASSERT_TRUE((err == 0 ? expected : before) == bytes) << "case " << i;
  }
}

void CheckTilesOfOtherShapesAreRefusedAndChangeNothing(aml_dma *dma) {
  Bytes bytes(64, 3);
  const Bytes before = bytes;
  const aml_tile dst = aml_tile_bytes(bytes.data(), 16);
  const aml_tile other = aml_tile_bytes(bytes.data() + 32, 15);
  aml_tile words = aml_tile_bytes(bytes.data() + 32, 16);
  words.element_size = words.extent[0] = 2;
  words.stride_bytes[0] = 2;
  ExpectRefused("aml_dma_copy: dst", [&] { return aml_dma_copy(dma, &dst, &other, nullptr); });
  ExpectRefused("aml_dma_copy: dst", [&] { return aml_dma_copy(dma, &dst, &words, nullptr); });
  ExpectRefused("aml_dma_copy: src", [&] { return aml_dma_copy(dma, &dst, nullptr, nullptr); });
  EXPECT_EQ(before, bytes);
}

void CheckMemoryThatTheHostCannotTouchIsNotTouched(aml_dma *dma) {
  PageArea area;
  area.Hide(); // a touch is a fatal signal
  void *const hidden = aml_area_map(area.get(), 64, nullptr);
  Bytes bytes(64, 3);
  aml_tile there = aml_tile_bytes(hidden, 64);
  there.area = area.get();
  const aml_tile here = aml_tile_bytes(bytes.data(), 64);
  ExpectRefusedWith(-AML_ENOTSUP, "aml_dma_submit: src",
                    [&] { return aml_dma_copy(dma, &here, &there, nullptr); });
  ExpectRefusedWith(-AML_ENOTSUP, "aml_dma_submit: dst",
                    [&] { return aml_dma_copy(dma, &there, &here, nullptr); });
  EXPECT_EQ(0, aml_area_unmap(area.get(), hidden, 64));
}

void CheckAnOperationTakesEachElementOnce(aml_dma *dma) {
  std::vector<double> sums(6 * 10, 0.5);
  std::vector<float> numbers(6 * 7);
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<float>(i);
  aml_tile dst = aml_tile_bytes(sums.data(), 1);
  dst.element_size = sizeof(double);
  dst.ndims = 2;
  dst.extent[0] = 6;
  dst.extent[1] = 7;
  dst.stride_bytes[0] = 10 * sizeof(double);
  dst.stride_bytes[1] = sizeof(double);
  aml_tile src = dst;
  src.base = numbers.data();
  src.element_size = sizeof(float);
  src.stride_bytes[0] = 7 * sizeof(float);
  src.stride_bytes[1] = sizeof(float);
  Adder adder;
  const aml_dma_operation operation = {Adder::Run, &adder, 0, 0};
  aml_dma_options options = {};
  options.operation = &operation;
  const int err = aml_dma_copy(dma, &dst, &src, &options);
  if ((aml_dma_capabilities(dma) & AML_DMA_CAN_OPERATE) == 0) {
    EXPECT_EQ(-AML_ENOTSUP, err);
    return;
  }
  ASSERT_EQ(0, err) << aml_error_detail();
  EXPECT_EQ(numbers.size(), adder.elements);
  for (size_t row = 0; row < 6; ++row)
    for (size_t column = 0; column < 10; ++column)
      ASSERT_EQ(0.5 + (column < 7 ? numbers[row * 7 + column] : 0.f), sums[row * 10 + column]);
  adder.elements = 0;
  adder.fails_after = 20;
  EXPECT_EQ(4711, aml_dma_copy(dma, &dst, &src, &options))
      << "what the operation returned is what wait returns";
}

} // namespace aml_testing
