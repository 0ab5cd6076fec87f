// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/file_dma.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <numeric>
#include <string>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/examples/matmul/file_area.h"

namespace {

using testing::HasSubstr;

/** A file of the ints 0 to 34 behind 12 bytes of something else: a 5 x 7 matrix. */
class MatmulFileDma : public testing::Test {
protected:
  static constexpr size_t kOffset = 12;
  static constexpr size_t kSize = kOffset + 35 * sizeof(int);

  void SetUp() override {
    file_ = std::tmpfile();
    ASSERT_NE(file_, nullptr);
    std::vector<int> numbers(35);
    std::iota(numbers.begin(), numbers.end(), 0);
    ASSERT_EQ(pwrite(fileno(file_), numbers.data(), 140, kOffset), 140);
    Open(fileno(file_));
    ASSERT_EQ(file_dma_create(&dma_), 0);
  }

  void TearDown() override {
    aml_dma_destroy(&dma_);
    EXPECT_EQ(dma_, nullptr);
    aml_area_destroy(&area_);
    std::fclose(file_);
  }

  /** Makes `matrix_` one of a descriptor's. */
  void Open(int descriptor) {
    const size_t extent[] = {5, 7};
    aml_area_destroy(&area_);
    ASSERT_EQ(file_area_create(&area_, descriptor, kSize), 0);
    start_ = static_cast<char *>(aml_area_map(area_, kSize, nullptr));
    ASSERT_NE(start_, nullptr);
    ASSERT_EQ(
        aml_tile_dense(&matrix_, area_, start_ + kOffset, sizeof(int), 2, extent, AML_ORDER_ROW),
        0);
  }

  aml_tile Box(size_t row, size_t column, size_t rows, size_t columns) {
    const size_t offset[] = {row, column};
    const size_t extent[] = {rows, columns};
    aml_tile box = {};
    EXPECT_EQ(aml_tile_slice(&matrix_, offset, extent, &box), 0);
    return box;
  }

  static aml_tile Memory(std::vector<int> &data, const aml_tile &shape, aml_order order) {
    aml_tile tile = {};
    EXPECT_EQ(aml_tile_dense(&tile, nullptr, data.data(), sizeof(int), 2, shape.extent, order), 0);
    return tile;
  }

  uint64_t Calls() const { return reinterpret_cast<const file_dma *>(dma_)->calls; }

  std::FILE *file_ = nullptr;
  aml_area *area_ = nullptr;
  char *start_ = nullptr;
  aml_tile matrix_ = {};
  aml_dma *dma_ = nullptr;
};

TEST_F(MatmulFileDma, ReadsEveryBoxInEitherOrder) {
  for (size_t row = 0; row < 5; ++row)
    for (size_t column = 0; column < 7; ++column)
      for (size_t rows = 1; row + rows <= 5; ++rows)
        for (size_t columns = 1; column + columns <= 7; ++columns)
          for (const aml_order order : {AML_ORDER_ROW, AML_ORDER_COLUMN}) {
            const aml_tile box = Box(row, column, rows, columns);
            std::vector<int> data(rows * columns, -1);
            const aml_tile memory = Memory(data, box, order);
            ASSERT_EQ(aml_dma_copy(dma_, &memory, &box, nullptr), 0);
            for (size_t i = 0; i < rows; ++i)
              for (size_t j = 0; j < columns; ++j)
                ASSERT_EQ(data[order == AML_ORDER_ROW ? i * columns + j : j * rows + i],
                          static_cast<int>((row + i) * 7 + column + j));
          }
}

TEST_F(MatmulFileDma, WritesWhatItReadsAndNothingElse) {
  for (const aml_order order : {AML_ORDER_ROW, AML_ORDER_COLUMN}) {
    const aml_tile box = Box(1, 2, 3, 4);
    std::vector<int> data(12);
    std::iota(data.begin(), data.end(), 100);
    const aml_tile memory = Memory(data, box, order);
    ASSERT_EQ(aml_dma_copy(dma_, &box, &memory, nullptr), 0);
    std::vector<int> all(35);
    ASSERT_EQ(pread(fileno(file_), all.data(), 140, kOffset), 140);
    for (size_t i = 0; i < 5; ++i)
      for (size_t j = 0; j < 7; ++j) {
        const bool inside = i >= 1 && i < 4 && j >= 2 && j < 6;
        const size_t place = order == AML_ORDER_ROW ? (i - 1) * 4 + j - 2 : (j - 2) * 3 + i - 1;
        EXPECT_EQ(all[i * 7 + j],
                  inside ? 100 + static_cast<int>(place) : static_cast<int>(i * 7 + j));
      }
  }
}

TEST_F(MatmulFileDma, ContiguousRunsAreOneCall) {
  std::vector<int> data(35);
  const aml_tile whole = Memory(data, matrix_, AML_ORDER_ROW);
  ASSERT_EQ(aml_dma_copy(dma_, &whole, &matrix_, nullptr), 0);
  EXPECT_EQ(Calls(), 1u);
  const aml_tile rows = Box(2, 0, 3, 7);
  const aml_tile room = Memory(data, rows, AML_ORDER_ROW);
  ASSERT_EQ(aml_dma_copy(dma_, &room, &rows, nullptr), 0);
  EXPECT_EQ(Calls(), 2u);
  const aml_tile box = Box(2, 1, 3, 6);
  const aml_tile narrow = Memory(data, box, AML_ORDER_ROW);
  ASSERT_EQ(aml_dma_copy(dma_, &narrow, &box, nullptr), 0);
  EXPECT_EQ(Calls(), 5u);
}

TEST_F(MatmulFileDma, AFileInColumnOrderIsReadByColumns) {
  const size_t order[] = {1, 0};
  aml_tile transposed;
  ASSERT_EQ(aml_tile_permute(&matrix_, order, &transposed), 0);
  std::vector<int> data(35);
  const aml_tile memory = Memory(data, transposed, AML_ORDER_COLUMN);
  ASSERT_EQ(aml_dma_copy(dma_, &memory, &transposed, nullptr), 0);
  EXPECT_EQ(Calls(), 1u);
  EXPECT_EQ(data[8], 8);
}

TEST_F(MatmulFileDma, AFileSeenBackwardsIsReadBackwards) {
  aml_tile backwards = Box(0, 0, 5, 7);
  backwards.base = start_ + kOffset + 34 * sizeof(int);
  backwards.stride_bytes[0] = -28;
  backwards.stride_bytes[1] = -4;
  std::vector<int> data(35);
  const aml_tile memory = Memory(data, backwards, AML_ORDER_ROW);
  ASSERT_EQ(aml_dma_copy(dma_, &memory, &backwards, nullptr), 0);
  for (int i = 0; i < 35; ++i)
    EXPECT_EQ(data[static_cast<size_t>(i)], 34 - i);
}

TEST_F(MatmulFileDma, AFileThatEndsTooSoonIsNamed) {
  ASSERT_EQ(ftruncate(fileno(file_), kOffset + 8 * sizeof(int)), 0);
  std::vector<int> data(35);
  const aml_tile memory = Memory(data, matrix_, AML_ORDER_ROW);
  EXPECT_EQ(aml_dma_copy(dma_, &memory, &matrix_, nullptr), -AML_EIO);
  EXPECT_THAT(aml_error_detail(), HasSubstr("ends at offset 44, before the tile does"));
}

TEST_F(MatmulFileDma, AFullDiskIsReportedByWait) {
  const int full = open("/dev/full", O_WRONLY);
  if (full < 0)
    GTEST_SKIP() << "no /dev/full here";
  Open(full);
  std::vector<int> data(35);
  const aml_tile memory = Memory(data, matrix_, AML_ORDER_ROW);
  aml_dma_request request = {};
  EXPECT_EQ(aml_dma_submit(dma_, &request, &matrix_, &memory, nullptr), 0);
  EXPECT_EQ(aml_dma_cancel(&request), -AML_EBUSY);
  EXPECT_EQ(aml_dma_wait(&request), -AML_ENOSPC);
  EXPECT_THAT(aml_error_detail(), HasSubstr("write /dev/full at offset 12: No space left"));
  EXPECT_EQ(aml_dma_copy(dma_, &matrix_, &memory, nullptr), -AML_ENOSPC);
  EXPECT_THAT(aml_error_detail(), HasSubstr("write /dev/full at offset 12: No space left"));
  close(full);
}

TEST_F(MatmulFileDma, AReadThatFailsIsReported) {
  const int directory = open("/", O_RDONLY | O_DIRECTORY);
  ASSERT_GE(directory, 0);
  Open(directory);
  std::vector<int> data(35);
  const aml_tile memory = Memory(data, matrix_, AML_ORDER_ROW);
  EXPECT_NE(aml_dma_copy(dma_, &memory, &matrix_, nullptr), 0);
  EXPECT_THAT(aml_error_detail(), HasSubstr("read / at offset 12: Is a directory"));
  close(directory);
}

TEST_F(MatmulFileDma, WhatItCannotReachIsRefused) {
  std::vector<int> data(35);
  std::vector<int> more(35);
  const aml_tile a = Memory(data, matrix_, AML_ORDER_ROW);
  const aml_tile b = Memory(more, matrix_, AML_ORDER_ROW);
  EXPECT_EQ(aml_dma_copy(dma_, &a, &b, nullptr), -AML_ENOTSUP);
  const aml_tile top = Box(0, 0, 1, 7);
  const aml_tile bottom = Box(4, 0, 1, 7);
  EXPECT_EQ(aml_dma_copy(dma_, &top, &bottom, nullptr), -AML_ENOTSUP);
  aml_dma_operation operation = {};
  operation.run = [](void *, const void *, size_t, void *) { return 0; };
  aml_dma_options options = {};
  options.operation = &operation;
  EXPECT_EQ(aml_dma_copy(dma_, &a, &matrix_, &options), -AML_ENOTSUP);
  aml_tile outside = matrix_;
  outside.base = start_ + kSize;
  EXPECT_EQ(aml_dma_copy(dma_, &a, &outside, nullptr), -AML_EINVAL);
  EXPECT_EQ(Calls(), 0u);
}

TEST(MatmulFileDmaInit, RefusesBadArguments) {
  EXPECT_EQ(file_dma_init(nullptr), -AML_EINVAL);
  EXPECT_EQ(file_dma_create(nullptr), -AML_EINVAL);
  FILE_DMA_DECL(dma);
  EXPECT_EQ(file_dma_init(dma), 0);
  aml_dma_fini(dma);
  EXPECT_EQ(file_dma_init(dma), 0);
  aml_dma_fini(dma);
}

TEST(MatmulFileArea, MapsTheFileOnce) {
  FILE_AREA_DECL(area);
  ASSERT_EQ(file_area_init(area, 0, 100), 0);
  EXPECT_EQ(aml_area_map(area, 101, nullptr), nullptr);
  char *start = static_cast<char *>(aml_area_map(area, 100, nullptr));
  ASSERT_NE(start, nullptr);
  EXPECT_EQ(aml_area_map(area, 1, nullptr), nullptr);
  aml_area_info info;
  ASSERT_EQ(aml_area_get_info(area, start + 99, &info), 0);
  EXPECT_EQ(info.native.kind, AML_NATIVE_FILE);
  EXPECT_EQ(info.native.origin, start);
  EXPECT_EQ(info.native.as.file.descriptor, 0);
  EXPECT_EQ(info.native.as.file.offset, 0u);
  EXPECT_EQ(aml_area_get_info(area, start + 100, &info), -AML_EINVAL);
  EXPECT_EQ(aml_area_capabilities(area) & (AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE), 0u);
  EXPECT_EQ(aml_area_unmap(area, start + 1, 100), -AML_EINVAL);
  EXPECT_EQ(aml_area_unmap(area, start, 100), 0);
  EXPECT_EQ(aml_area_unmap(area, start, 100), -AML_EINVAL);
  EXPECT_EQ(aml_area_map(area, 100, nullptr), start);
  aml_area_fini(area);
}

TEST(MatmulFileArea, RefusesBadArguments) {
  FILE_AREA_DECL(area);
  EXPECT_EQ(file_area_init(nullptr, 0, 1), -AML_EINVAL);
  EXPECT_EQ(file_area_init(area, -1, 1), -AML_EINVAL);
  EXPECT_EQ(file_area_init(area, 0, 0), -AML_EINVAL);
  EXPECT_EQ(file_area_init(area, 0, SIZE_MAX), -AML_EOVERFLOW);
  EXPECT_EQ(file_area_create(nullptr, 0, 1), -AML_EINVAL);
  aml_area *untouched = area;
  EXPECT_EQ(file_area_create(&untouched, 0, 0), -AML_EINVAL);
  EXPECT_EQ(untouched, area);
}

} // namespace
