// SPDX-License-Identifier: BSD-3-Clause
//
// Every instruction set's loops, as far as this CPU has them, against loops element by element,
// with red zones around both sides.

#include "aml/dma/internal/kernels.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

constexpr size_t kLine = 64;
constexpr size_t kPage = 4096;
constexpr size_t kRedZone = 2 * kLine;

/** Random bytes, the first one behind the red zone `shift` bytes behind a line. */
class Memory {
public:
  Memory(size_t size, size_t shift, std::mt19937 &random)
      : bytes_(size + shift + 2 * kRedZone + kLine) {
    auto seed = static_cast<uint32_t>(random());
    for (char &byte : bytes_)
      byte = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
    const auto address = reinterpret_cast<uintptr_t>(bytes_.data());
    begin_ = kRedZone + (0 - address) % kLine + shift;
  }
  char *begin() { return bytes_.data() + begin_; }
  /** Where in a page it begins. */
  size_t Place() { return reinterpret_cast<uintptr_t>(begin()) % kPage; }
  void MoveBegin(size_t distance) { begin_ += distance; }
  std::vector<char> bytes() const { return bytes_; }

  /** What the memory is to be once `write` has been done at `begin`. */
  template <class Write> std::vector<char> After(Write write) const {
    std::vector<char> expected = bytes_;
    write(expected.data() + begin_);
    return expected;
  }

private:
  std::vector<char> bytes_;
  size_t begin_;
};

class Kernels : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    kernels_ = aml_internal_kernels_find(GetParam());
    if (kernels_ == nullptr)
      GTEST_SKIP() << "this CPU lacks " << GetParam();
  }

  size_t Below(size_t limit) { return random_() % limit; }

  /** A shift of addresses: a line's begin as often as not. */
  size_t Shift() { return Below(2) == 0 ? 0 : Below(kLine); }

  const aml_internal_kernels *kernels_ = nullptr;
  std::mt19937 random_{11};
};

TEST_P(Kernels, CopyRunsOfAnySizeAtAnyAlignment) {
  for (size_t i = 0; i < 600; ++i) {
    const size_t size = i < 300 ? 2 * i : i < 590 ? Below(20000) : 70000 + Below(4000);
    Memory dst(size + kPage, Shift(), random_);
    Memory src(size, Shift(), random_);
    if (i % 4 < 2) // a little behind the source within a page, where loads meet stores
      dst.MoveBegin((src.Place() + Below(600) - dst.Place()) % kPage);
    const auto expected = dst.After([&](char *to) { std::memcpy(to, src.begin(), size); });
    const auto source = src.bytes();
    if (i % 4 != 1)
      kernels_->copy(dst.begin(), src.begin(), size);
    else
      kernels_->stream(dst.begin(), src.begin(), size);
    kernels_->fence();
    ASSERT_TRUE(expected == dst.bytes()) << size;
    ASSERT_TRUE(source == src.bytes());
  }
}

TEST_P(Kernels, CopyRowsOfAnySizeAndStride) {
  for (size_t i = 0; i < 400; ++i) {
    aml_internal_rows rows = {};
    rows.count = 1 + Below(20);
    rows.size = 1 + Below(Below(2) == 0 ? 100 : 1500);
    const bool are_lines = Below(3) == 0;
    if (are_lines)
      rows.size = kLine * (1 + Below(12));
    const size_t dst_stride = rows.size + (are_lines ? kLine * Below(3) : Shift());
    const size_t src_stride = Below(5) == 0 ? 0 : rows.size + Shift(); // rows may stand still
    Memory dst(rows.count * dst_stride, are_lines ? 0 : Shift(), random_);
    Memory src(rows.count * src_stride + rows.size, Shift(), random_);
    const bool is_backwards = Below(3) == 0;
    rows.dst = dst.begin();
    rows.src = src.begin() + (is_backwards ? (rows.count - 1) * src_stride : 0);
    rows.dst_stride = static_cast<ptrdiff_t>(dst_stride);
    rows.src_stride = static_cast<ptrdiff_t>(src_stride) * (is_backwards ? -1 : 1);
    const auto expected = dst.After([&](char *to) {
      for (size_t row = 0; row < rows.count; ++row)
        std::memcpy(to + row * dst_stride, rows.src + static_cast<ptrdiff_t>(row) * rows.src_stride,
                    rows.size);
    });
    const auto run = i % 2 == 0 ? kernels_->copy_rows : kernels_->stream_rows;
    run(&rows);
    kernels_->fence();
    ASSERT_TRUE(expected == dst.bytes()) << rows.count << " rows of " << rows.size;
  }
}

TEST_P(Kernels, TransposePlanesOfAnySidesAndStrides) {
  for (size_t i = 0; i < 600; ++i) {
    const size_t log = i % AML_INTERNAL_TRANSPOSES;
    const size_t size = size_t{1} << log;
    aml_internal_plane plane = {};
    plane.rows = 1 + Below(Below(2) == 0 ? 20 : 150);
    plane.columns = 1 + Below(Below(2) == 0 ? 20 : 600 / size + 100);
    const size_t unit = Below(2) == 0 ? size : 1; // rows begin between elements, or anywhere
    const size_t gap = Below(3) * Shift() / unit * unit;
    const bool is_aligned = Below(2) == 0; // the rows at least
    size_t dst_stride = plane.columns * size + gap;
    dst_stride = is_aligned ? (dst_stride + kLine - 1) / kLine * kLine : dst_stride;
    const size_t src_stride = Below(9) == 0 ? 0 : plane.rows * size + Shift();
    Memory dst(plane.rows * dst_stride, Shift() / unit * unit, random_);
    Memory src(plane.columns * src_stride + plane.rows * size, Shift(), random_);
    const bool is_backwards = Below(3) == 0;
    plane.dst = dst.begin();
    plane.src = src.begin() + (is_backwards ? (plane.columns - 1) * src_stride : 0);
    plane.dst_stride = static_cast<ptrdiff_t>(dst_stride);
    plane.src_stride = static_cast<ptrdiff_t>(src_stride) * (is_backwards ? -1 : 1);
    const auto expected = dst.After([&](char *to) {
      for (size_t row = 0; row < plane.rows; ++row)
        for (size_t column = 0; column < plane.columns; ++column)
          std::memcpy(to + row * dst_stride + column * size,
                      plane.src + row * size + static_cast<ptrdiff_t>(column) * plane.src_stride,
                      size);
    });
    kernels_->transpose[log](&plane, Below(2) == 0);
    kernels_->fence();
    ASSERT_TRUE(expected == dst.bytes())
        << plane.rows << " x " << plane.columns << " of " << size << " bytes";
  }
}

/** A dense plane in memory of exactly its size, where sanitizers tell of reads beyond it. */
std::vector<char> Plane(size_t size, std::mt19937 &random) {
  std::vector<char> bytes(size);
  for (char &byte : bytes)
    byte = static_cast<char>(random());
  return bytes;
}

TEST_P(Kernels, TransposeDensePlanesOfEveryShortSide) {
  for (size_t log = 0; log < AML_INTERNAL_TRANSPOSES; ++log)
    for (size_t side = 1; side <= 17; ++side)
      for (size_t i = 0; i < 12; ++i) {
        const size_t size = size_t{1} << log;
        const size_t along = i < 4 ? 1 + Below(20) : 1 + Below(i == 11 ? 1000 : 100);
        const size_t rows = i % 2 == 0 ? side : along;
        const size_t columns = i % 2 == 0 ? along : side;
        const std::vector<char> src = Plane(rows * columns * size, random_);
        std::vector<char> dst = Plane(src.size(), random_);
        std::vector<char> expected(src.size());
        for (size_t row = 0; row < rows; ++row)
          for (size_t column = 0; column < columns; ++column)
            std::memcpy(&expected[(row * columns + column) * size],
                        &src[(column * rows + row) * size], size);
        aml_internal_plane plane = {};
        plane.dst = dst.data();
        plane.src = src.data();
        plane.rows = rows;
        plane.columns = columns;
        plane.dst_stride = static_cast<ptrdiff_t>(columns * size);
        plane.src_stride = static_cast<ptrdiff_t>(rows * size);
        kernels_->transpose[log](&plane, Below(2) == 0);
        kernels_->fence();
        ASSERT_TRUE(expected == dst) << rows << " x " << columns << " of " << size << " bytes";
      }
}

TEST(KernelsFind, NamesWhatIsThereAndNothingElse) {
  EXPECT_EQ(nullptr, aml_internal_kernels_find("abacus"));
  EXPECT_EQ(nullptr, aml_internal_kernels_find(""));
  const aml_internal_kernels *const portable = aml_internal_kernels_find("portable");
  ASSERT_NE(nullptr, portable);
  EXPECT_FALSE(portable->can_stream);
  const aml_internal_kernels *const best = aml_internal_kernels_find(nullptr);
  ASSERT_NE(nullptr, best);
  EXPECT_EQ(best, aml_internal_kernels_find(best->name));
}

INSTANTIATE_TEST_SUITE_P(Each, Kernels,
                         testing::Values("portable", "avx2", "avx512", "avx512_halves", "neon"),
                         [](const auto &tested) { return std::string(tested.param); });

} // namespace
