// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/sequential.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <numeric>
#include <random>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/tile_pair_testing.h"
#include "aml/tests/support/laid_tile.h"
#include "aml/tests/support/page_area.h"

namespace {

using namespace aml_testing;
using Random = std::mt19937;

size_t Below(Random &random, size_t bound) {
  return random() % bound;
}

class DmaSequential : public ::testing::Test {
protected:
  void SetUp() override { ASSERT_EQ(0, aml_dma_sequential_create(&dma_, nullptr)); }
  void TearDown() override { aml_dma_destroy(&dma_); }

  aml_dma *dma_ = nullptr;
};

TEST_F(DmaSequential, CopiesRandomTilesAsElementByElementDoes) {
  Random random(1);
  const size_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 12, 16, 24, 33};
  for (int round = 0; round < 1500; ++round) {
    Extents extent(1 + Below(random, 5));
    size_t count = 1;
    for (size_t &e : extent) {
      e = 1 + Below(random, count > 2000 ? 2 : 37 / extent.size() + 3);
      count *= e;
    }
    const size_t element_size = sizes[Below(random, std::size(sizes))];
    const auto lie = static_cast<Lie>(Below(random, 3));
    const LaidTile src(extent, element_size, lie == Lie::kDense ? lie : Lie::kBroadcast, random);
    const LaidTile dst(extent, element_size, lie, random);
    const Bytes expected = dst.CopiedFrom(src);
    aml_dma_options options = {};
    options.use = static_cast<aml_dma_use>(Below(random, 3));
    ASSERT_EQ(0, aml_dma_copy(dma_, &dst.tile(), &src.tile(), &options)) << aml_error_detail();
    ASSERT_EQ(expected, dst.bytes()) << "round " << round;
  }
}

TEST(DmaTilePairs, AnyRequestDoesAsElementByElementByAnyLoops) {
  Random random(12);
  for (int round = 0; round < 150; ++round) {
    Bytes input(80);
    for (unsigned char &byte : input)
      byte = static_cast<unsigned char>(random() % 3 == 0 ? random() % 4 : random());
    ASSERT_EQ("", TilePair(input.data(), input.size()).Check()) << "round " << round;
  }
}

TEST_F(DmaSequential, TransposesPlanesLargerThanABlock) {
  Random random(2);
  for (const size_t element_size : std::initializer_list<size_t>{1, 2, 4, 8, 16, 20}) {
    for (const auto &[rows, columns] :
         {std::pair<size_t, size_t>{31, 33}, {64, 64}, {1, 100}, {129, 65}, {100, 3}}) {
      const LaidTile src({3, rows, columns}, element_size, Lie::kTransposed, random);
      const LaidTile dst({3, rows, columns}, element_size, Lie::kDense, random);
      const Bytes expected = dst.CopiedFrom(src);
      ASSERT_EQ(0, aml_dma_copy(dma_, &dst.tile(), &src.tile(), nullptr)) << aml_error_detail();
      ASSERT_EQ(expected, dst.bytes()) << element_size << " bytes, " << rows << " x " << columns;
    }
  }
}

TEST_F(DmaSequential, CopiesRunsOfEverySize) {
  Random random(4);
  for (size_t size = 1; size <= 70; ++size)
    for (const Extents &extent : {Extents{9}, {4, 5}, {2, 3, 4}}) {
      const LaidTile src(extent, size, Lie::kScattered, random);
      const LaidTile dst(extent, size, Lie::kScattered, random);
      const Bytes expected = dst.CopiedFrom(src);
      ASSERT_EQ(0, aml_dma_copy(dma_, &dst.tile(), &src.tile(), nullptr)) << aml_error_detail();
      ASSERT_EQ(expected, dst.bytes()) << size << " bytes in " << extent.size() << " dimensions";
    }
}

TEST_F(DmaSequential, TransposesElementsOfEverySize) {
  Random random(5);
  for (size_t size = 1; size <= 70; ++size)
    for (const Extents &extent : {Extents{2, 40}, {40, 2}, {3, 3}, {33, 34}, {1100, 2}}) {
      const LaidTile src(extent, size, Lie::kTransposed, random);
      const LaidTile dst(extent, size, Lie::kDense, random);
      const Bytes expected = dst.CopiedFrom(src);
      ASSERT_EQ(0, aml_dma_copy(dma_, &dst.tile(), &src.tile(), nullptr)) << aml_error_detail();
      ASSERT_EQ(expected, dst.bytes()) << size << " bytes, " << extent[0] << " x " << extent[1];
    }
}

TEST_F(DmaSequential, StreamsLargeRunsExactly) {
  aml_dma *streaming = nullptr;
  aml_dma_sequential_options small = {};
  small.stream_size = 1;
  ASSERT_EQ(0, aml_dma_sequential_create(&streaming, &small));
  Random random(3);
  std::vector<unsigned char> src(20000);
  for (unsigned char &byte : src)
    byte = static_cast<unsigned char>(random());
  for (int round = 0; round < 500; ++round) {
    std::vector<unsigned char> dst(src.size() + 128, 0xee);
    const size_t from = Below(random, 70);
    const size_t to = Below(random, 70);
    const size_t size = 1 + Below(random, round % 2 == 0 ? 700 : src.size() - 70);
    const aml_tile src_tile = aml_tile_bytes(src.data() + from, size);
    const aml_tile dst_tile = aml_tile_bytes(dst.data() + to, size);
    std::vector<unsigned char> expected = dst;
    std::memcpy(&expected[to], &src[from], size);
    ASSERT_EQ(0, aml_dma_copy(streaming, &dst_tile, &src_tile, nullptr));
    ASSERT_EQ(expected, dst) << size << " bytes from " << from << " to " << to;
  }
  aml_dma_destroy(&streaming);
}

TEST_F(DmaSequential, RefusesTilesThatOverlap) {
  std::array<int, 100> data{};
  for (const size_t size : std::initializer_list<size_t>{4, 40, 200}) {
    const aml_tile src = aml_tile_bytes(data.data(), size);
    const aml_tile dst = aml_tile_bytes(data.data() + 1, size);
    if (size == 4)
      EXPECT_EQ(0, aml_dma_copy(dma_, &dst, &src, nullptr)) << "they touch, no more";
    else
      EXPECT_EQ(-AML_EINVAL, aml_dma_copy(dma_, &dst, &src, nullptr));
  }
  const aml_tile same = aml_tile_bytes(data.data(), sizeof data);
  EXPECT_EQ(0, aml_dma_copy(dma_, &same, &same, nullptr));
}

TEST_F(DmaSequential, CopiesColumnsOfOneMatrix) {
  std::array<int, 12> matrix; // 4 x 3
  std::iota(matrix.begin(), matrix.end(), 0);
  aml_tile column = {};
  column.base = matrix.data();
  column.element_size = sizeof(int);
  column.ndims = 1;
  column.extent[0] = 4;
  column.stride_bytes[0] = 3 * sizeof(int);
  aml_tile other = column;
  other.base = matrix.data() + 2;
  ASSERT_EQ(0, aml_dma_copy(dma_, &other, &column, nullptr)) << aml_error_detail();
  for (size_t row = 0; row < 4; ++row)
    EXPECT_EQ(matrix[3 * row], matrix[3 * row + 2]);
}

TEST_F(DmaSequential, OverlapIsAsIfTheSourceWereReadFirst) {
  aml_dma_options options = {};
  options.flags = AML_DMA_OVERLAP;
  for (const ptrdiff_t shift : {-7, -1, 0, 1, 5, 16, 17}) {
    // A box of 5 x 6 in rows of 16, moved within them.
    std::array<int, 16 * 16> data;
    std::iota(data.begin(), data.end(), 0);
    aml_tile src = {};
    src.base = data.data() + 64;
    src.element_size = sizeof(int);
    src.ndims = 2;
    src.extent[0] = 5;
    src.extent[1] = 6;
    src.stride_bytes[0] = 16 * sizeof(int);
    src.stride_bytes[1] = sizeof(int);
    aml_tile dst = src;
    dst.base = data.data() + 64 + shift;
    ASSERT_EQ(0, aml_dma_copy(dma_, &dst, &src, &options)) << aml_error_detail();
    for (size_t row = 0; row < 5; ++row)
      for (size_t column = 0; column < 6; ++column) {
        const size_t at = 64 + row * 16 + column;
        EXPECT_EQ(static_cast<int>(at),
                  data[static_cast<size_t>(static_cast<ptrdiff_t>(at) + shift)]);
      }
  }
}

TEST_F(DmaSequential, OverlapThatNeedsABufferIsNotSupported) {
  std::array<int, 16> matrix{};
  const size_t extent[] = {4, 4};
  aml_tile rows;
  aml_tile columns;
  ASSERT_EQ(0, aml_tile_dense(&rows, nullptr, matrix.data(), 4, 2, extent, AML_ORDER_ROW));
  ASSERT_EQ(0, aml_tile_dense(&columns, nullptr, matrix.data(), 4, 2, extent, AML_ORDER_COLUMN));
  aml_dma_options options = {};
  options.flags = AML_DMA_OVERLAP;
  EXPECT_EQ(-AML_ENOTSUP, aml_dma_copy(dma_, &rows, &columns, &options));
}

TEST_F(DmaSequential, RefusesMemoryThatTheHostCannotTouch) {
  PageArea area;
  area.Hide();
  std::array<char, 16> data{};
  const aml_tile host = aml_tile_bytes(data.data(), data.size());
  aml_tile hidden = aml_tile_bytes(data.data() + 8, 8);
  hidden.area = area.get();
  aml_tile half = host;
  half.extent[0] = 8;
  EXPECT_EQ(-AML_ENOTSUP, aml_dma_copy(dma_, &hidden, &half, nullptr));
  EXPECT_STREQ("aml_dma_submit: dst is in memory that the host cannot write", aml_error_detail());
  EXPECT_EQ(-AML_ENOTSUP, aml_dma_copy(dma_, &half, &hidden, nullptr));
  EXPECT_STREQ("aml_dma_submit: src is in memory that the host cannot read", aml_error_detail());
}

int AddInts(void *dst, const void *src, size_t count, void *argument) {
  *static_cast<size_t *>(argument) += count;
  for (size_t i = 0; i < count; ++i)
    static_cast<int *>(dst)[i] += static_cast<const int *>(src)[i];
  return 0;
}

int Refuse(void *, const void *, size_t, void *) {
  return -AML_EIO;
}

TEST_F(DmaSequential, AnOperationSeesEachElementOnceAndItsErrorReachesWait) {
  std::array<int, 24> dst_data;
  std::array<int, 24> src_data;
  std::iota(dst_data.begin(), dst_data.end(), 0);
  std::iota(src_data.begin(), src_data.end(), 100);
  const size_t extent[] = {4, 6};
  aml_tile dst;
  aml_tile src;
  ASSERT_EQ(0, aml_tile_dense(&dst, nullptr, dst_data.data(), 4, 2, extent, AML_ORDER_ROW));
  ASSERT_EQ(0, aml_tile_dense(&src, nullptr, src_data.data(), 4, 2, extent, AML_ORDER_COLUMN));
  size_t seen = 0;
  const aml_dma_operation add = {AddInts, &seen, 0, 0};
  aml_dma_options options = {};
  options.operation = &add;
  ASSERT_EQ(0, aml_dma_copy(dma_, &dst, &src, &options));
  EXPECT_EQ(24u, seen);
  for (size_t i = 0; i < 4; ++i)
    for (size_t j = 0; j < 6; ++j)
      EXPECT_EQ(static_cast<int>(i * 6 + j + 100 + j * 4 + i), dst_data[i * 6 + j]);
  const aml_dma_operation refuse = {Refuse, nullptr, 0, 0};
  options.operation = &refuse;
  aml_dma_request request = {};
  ASSERT_EQ(0, aml_dma_submit(dma_, &request, &dst, &src, &options));
  EXPECT_EQ(-AML_EIO, aml_dma_wait(&request));
}

// Adds numbers of two bytes to numbers of four, at any alignment, and counts its calls.
int AddShorts(void *dst, const void *src, size_t count, void *argument) {
  auto *const to = static_cast<unsigned char *>(dst);
  const auto *const from = static_cast<const unsigned char *>(src);
  for (size_t i = 0; i < count; ++i) {
    uint32_t sum;
    uint16_t number;
    std::memcpy(&sum, to + i * sizeof sum, sizeof sum);
    std::memcpy(&number, from + i * sizeof number, sizeof number);
    sum += number;
    std::memcpy(to + i * sizeof sum, &sum, sizeof sum);
  }
  ++*static_cast<size_t *>(argument);
  return 0;
}

TEST_F(DmaSequential, AnOperationSeesManyElementsWhateverTheStrides) {
  Random random(9);
  size_t calls = 0;
  const aml_dma_operation add = {AddShorts, &calls, 0, 0};
  aml_dma_options options = {};
  options.operation = &add;
  for (int round = 0; round < 300; ++round) {
    std::vector<size_t> extent(1 + Below(random, 3));
    for (size_t &e : extent)
      e = 1 + Below(random, 200 / (extent.size() * extent.size()));
    const LaidTile src(extent, 2, Lie::kBroadcast, random);
    const LaidTile dst(extent, 4, Lie::kScattered, random);
    size_t ignored = 0;
    const Bytes expected = dst.CombinedWith(
        src, [&](void *to, const void *from) { AddShorts(to, from, 1, &ignored); });
    calls = 0;
    ASSERT_EQ(0, aml_dma_copy(dma_, &dst.tile(), &src.tile(), &options)) << aml_error_detail();
    ASSERT_EQ(expected, dst.bytes()) << "round " << round;
    EXPECT_LE(calls, 1 + aml_tile_count(&dst.tile()) / 32);
  }
}

TEST_F(DmaSequential, ASourceThatStandsStillFills) {
  for (const size_t element_size : {1u, 3u, 8u, 16u, 100u, 5000u})
    for (const size_t size : {1000u, 4096u, 50000u}) {
      const size_t count = size / element_size + 1;
      std::vector<unsigned char> element(element_size);
      std::iota(element.begin(), element.end(), static_cast<unsigned char>(1));
      std::vector<unsigned char> dst(count * element_size + 2, 0xee);
      std::vector<unsigned char> expected = dst;
      for (size_t i = 0; i < count; ++i)
        std::memcpy(&expected[1 + i * element_size], element.data(), element_size);
      aml_tile to = aml_tile_bytes(&dst[1], count);
      to.element_size = element_size;
      to.stride_bytes[0] = static_cast<ptrdiff_t>(element_size);
      aml_tile from = to;
      from.base = element.data();
      from.stride_bytes[0] = 0;
      aml_dma_options options = {};
      options.use = AML_DMA_USE_STREAM;
      ASSERT_EQ(0, aml_dma_copy(dma_, &to, &from, &options));
      ASSERT_EQ(expected, dst) << count << " of " << element_size;
    }
}

void CountNotice(aml_dma_request *request, void *argument) {
  EXPECT_EQ(0, request->result);
  ++*static_cast<int *>(argument);
}

TEST_F(DmaSequential, ARequestIsDoneWhenSubmitReturns) {
  std::array<char, 8> from{1, 2, 3, 4, 5, 6, 7, 8};
  std::array<char, 8> to{};
  const aml_tile src = aml_tile_bytes(from.data(), 8);
  const aml_tile dst = aml_tile_bytes(to.data(), 8);
  int notices = 0;
  aml_dma_options options = {};
  options.notify = CountNotice;
  options.notify_argument = &notices;
  aml_dma_request request = {};
  for (int round = 1; round <= 3; ++round) {
    ASSERT_EQ(0, aml_dma_submit(dma_, &request, &dst, &src, &options));
    EXPECT_EQ(from, to);
    EXPECT_EQ(round, notices);
    bool done = false;
    EXPECT_EQ(0, aml_dma_test(&request, &done));
    EXPECT_TRUE(done);
    EXPECT_EQ(-AML_EBUSY, aml_dma_cancel(&request));
    EXPECT_EQ(0, aml_dma_barrier(dma_));
    EXPECT_EQ(0, aml_dma_wait(&request));
    EXPECT_EQ(0, aml_dma_wait(&request));
  }
}

TEST_F(DmaSequential, InitRefusesOtherStorage) {
  EXPECT_EQ(-AML_EINVAL, aml_dma_sequential_init(nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_dma_sequential_create(nullptr, nullptr));
  const aml_dma_ops others = {};
  aml_dma_sequential storage = {};
  storage.dma.ops = &others;
  EXPECT_EQ(-AML_EINVAL, aml_dma_sequential_init(&storage.dma, nullptr));
}

TEST_F(DmaSequential, KernelsThatAreNotThereAreRefused) {
  AML_DMA_SEQUENTIAL_DECL(dma);
  aml_dma_sequential_options options = {};
  options.kernels = "abacus";
  EXPECT_EQ(-AML_ENOTSUP, aml_dma_sequential_init(dma, &options));
  EXPECT_STREQ("aml_dma_sequential_init: kernels are none that this CPU has", aml_error_detail());
  aml_dma *made = nullptr;
  EXPECT_EQ(-AML_ENOTSUP, aml_dma_sequential_create(&made, &options));
  EXPECT_EQ(nullptr, made);
  options.kernels = "portable";
  EXPECT_EQ(0, aml_dma_sequential_init(dma, &options)) << aml_error_detail();
  aml_dma_fini(dma);
}

} // namespace
