// SPDX-License-Identifier: BSD-3-Clause
//
// Ready-made operations through dmas of the host: every pair of numbers, tiles of all kinds,
// against the definition element by element.

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/dma_operation.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/parallel.h"
#include "aml/dma/sequential.h"
#include "aml/tests/support/laid_tile.h"
#include "aml/tests/support/numbers.h"

namespace {

using namespace aml_testing;
using Random = std::mt19937;

struct Destroy {
  void operator()(aml_dma *dma) const { aml_dma_destroy(&dma); }
};
using Dma = std::unique_ptr<aml_dma, Destroy>;

/** A sequential dma, and a parallel one that cuts all but the smallest requests. */
std::vector<Dma> BothDmas() {
  std::vector<Dma> dmas;
  aml_dma *dma = nullptr;
  EXPECT_EQ(0, aml_dma_sequential_create(&dma, nullptr));
  dmas.emplace_back(dma);
  aml_dma_parallel_options options = {};
  options.thread_count = 2;
  options.chunk_size = 256;
  EXPECT_EQ(0, aml_dma_parallel_create(&dma, &options));
  dmas.emplace_back(dma);
  return dmas;
}

/** Every way in which two tiles may lie to each other. */
struct Shape {
  Extents extent;
  Lie dst;
  Lie src;
};
const Shape kShapes[] = {
    {{700}, Lie::kDense, Lie::kDense},
    {{21, 35}, Lie::kDense, Lie::kTransposed},
    {{5, 9, 15}, Lie::kScattered, Lie::kBroadcast},
    {{3, 130}, Lie::kScattered, Lie::kScattered},
};

/** Runs an operation on tiles of all shapes, and compares with `combine` for each element. */
template <class Combine>
void ExpectElementByElement(aml_dma *dma, const aml_dma_operation *operation, Combine combine) {
  Random random(3);
  for (const Shape &shape : kShapes) {
    const LaidTile src(shape.extent, operation->src_element_size, shape.src, random);
    const LaidTile dst(shape.extent, operation->dst_element_size, shape.dst, random);
    const Bytes expected = dst.CombinedWith(src, combine);
    aml_dma_plan plan = {};
    aml_dma_options options = {};
    options.operation = operation;
    options.plan = &plan;
    ASSERT_EQ(0, aml_dma_copy(dma, &dst.tile(), &src.tile(), &options)) << aml_error_detail();
    ASSERT_EQ(expected, dst.bytes());
  }
}

TEST(DmaOperation, EveryPairOfNumbersIsConvertedWhateverTheStrides) {
  for (const Dma &dma : BothDmas())
    for (int dst = 0; dst < AML_DMA_NUMBERS; ++dst)
      for (int src = 0; src < AML_DMA_NUMBERS; ++src) {
        SCOPED_TRACE(std::string(kNumbers[dst].name) + " of " + kNumbers[src].name);
        ExpectElementByElement(
            dma.get(),
            aml_dma_operation_convert(static_cast<aml_dma_number>(dst),
                                      static_cast<aml_dma_number>(src)),
            [&](void *to, const void *from) {
              StoreNumber(kNumbers[dst],
                          Converted(kNumbers[dst], kNumbers[src], LoadNumber(kNumbers[src], from)),
                          to);
            });
        if (HasFatalFailure())
          return;
      }
}

/** Adds numbers of which none is NaN; where one is, the sum is what the CPU makes of it. */
void AddOne(int number, void *to, const void *from) {
  const NumberFormat &format = kNumbers[number];
  const uint64_t a = LoadNumber(format, to);
  const uint64_t b = LoadNumber(format, from);
  const bool is_nan = IsNan(format, a) || IsNan(format, b) ||
                      (IsFloat(format) && std::isnan(ValueOf(format, a) + ValueOf(format, b)));
  const aml_dma_operation &own = *aml_dma_operation_accumulate(static_cast<aml_dma_number>(number));
  if (is_nan)
    (void)own.run(to, from, 1, own.argument);
  else
    StoreNumber(format, Added(format, a, b), to);
}

TEST(DmaOperation, EveryNumberIsAddedUpWhateverTheStrides) {
  for (const Dma &dma : BothDmas())
    for (int number = 0; number < AML_DMA_NUMBERS; ++number) {
      SCOPED_TRACE(kNumbers[number].name);
      ExpectElementByElement(dma.get(),
                             aml_dma_operation_accumulate(static_cast<aml_dma_number>(number)),
                             [&](void *to, const void *from) { AddOne(number, to, from); });
      if (HasFatalFailure())
        return;
    }
}

TEST(DmaOperation, TilesOfOtherElementsAreRefusedAndStayAsTheyAre) {
  for (const Dma &dma : BothDmas()) {
    const float from[] = {1, 2, 3, 4};
    float to[] = {5, 6, 7, 8};
    const size_t extent[] = {4};
    aml_tile src;
    aml_tile dst;
    ASSERT_EQ(0, aml_tile_dense(&src, nullptr, const_cast<float *>(from), sizeof(float), 1, extent,
                                AML_ORDER_ROW));
    ASSERT_EQ(0, aml_tile_dense(&dst, nullptr, to, sizeof(float), 1, extent, AML_ORDER_ROW));
    aml_dma_options options = {};
    options.operation = aml_dma_operation_convert(AML_DMA_NUMBER_F16, AML_DMA_NUMBER_F32);
    EXPECT_EQ(-AML_EINVAL, aml_dma_copy(dma.get(), &dst, &src, &options));
    EXPECT_STREQ("aml_dma_copy: dst has another element size than the operation takes",
                 aml_error_detail());
    options.operation = aml_dma_operation_convert(AML_DMA_NUMBER_F32, AML_DMA_NUMBER_F64);
    EXPECT_EQ(-AML_EINVAL, aml_dma_copy(dma.get(), &dst, &src, &options));
    EXPECT_STREQ("aml_dma_copy: src has another element size than the operation takes",
                 aml_error_detail());
    options.operation = aml_dma_operation_accumulate(AML_DMA_NUMBER_U8);
    EXPECT_EQ(-AML_EINVAL, aml_dma_copy(dma.get(), &dst, &src, &options));
    EXPECT_EQ(5, to[0]);
    EXPECT_EQ(8, to[3]);
  }
}

TEST(DmaOperation, ATileIsAddedToItself) {
  for (const Dma &dma : BothDmas()) {
    std::vector<double> numbers(1000);
    for (size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = static_cast<double>(i);
    aml_tile tile = aml_tile_bytes(numbers.data(), numbers.size() / 2);
    tile.element_size = sizeof(double);
    tile.stride_bytes[0] = 2 * sizeof(double);
    aml_dma_options options = {};
    options.operation = aml_dma_operation_accumulate(AML_DMA_NUMBER_F64);
    ASSERT_EQ(0, aml_dma_copy(dma.get(), &tile, &tile, &options)) << aml_error_detail();
    for (size_t i = 0; i < numbers.size(); ++i)
      ASSERT_EQ(static_cast<double>(i % 2 == 0 ? 2 * i : i), numbers[i]);
  }
}

TEST(DmaOperation, SumsOfAChainOfRequestsComeOneAfterTheOther) {
  for (const Dma &dma : BothDmas()) {
    constexpr size_t kSize = 3000;
    constexpr size_t kRequests = 20;
    std::vector<int32_t> sum(kSize, 0);
    std::vector<int32_t> from(kSize, 3);
    const size_t extent[] = {kSize};
    aml_tile dst;
    aml_tile src;
    ASSERT_EQ(0, aml_tile_dense(&dst, nullptr, sum.data(), 4, 1, extent, AML_ORDER_ROW));
    ASSERT_EQ(0, aml_tile_dense(&src, nullptr, from.data(), 4, 1, extent, AML_ORDER_ROW));
    aml_dma_request requests[kRequests] = {};
    aml_dma_request *before[kRequests] = {};
    aml_dma_options options[kRequests] = {};
    for (size_t i = 0; i < kRequests; ++i) {
      options[i].operation = aml_dma_operation_accumulate(AML_DMA_NUMBER_I32);
      if (i > 0) {
        before[i] = &requests[i - 1];
        options[i].after = &before[i];
        options[i].after_count = 1;
      }
      ASSERT_EQ(0, aml_dma_submit(dma.get(), &requests[i], &dst, &src, &options[i]));
    }
    EXPECT_EQ(0, aml_dma_wait(&requests[kRequests - 1]));
    EXPECT_EQ(std::vector<int32_t>(kSize, 3 * kRequests), sum);
    EXPECT_EQ(0, aml_dma_barrier(dma.get()));
  }
}

} // namespace
