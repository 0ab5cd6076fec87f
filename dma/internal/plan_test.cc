// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/internal/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "aml/core/tile.h"

namespace {

/** Tiles of equal extents, the source's dimensions in another order; no memory is behind them. */
struct Pair {
  aml_tile dst{};
  aml_tile src{};
};

char *At(uintptr_t address) {
  return reinterpret_cast<char *>(address); // NOLINT(performance-no-int-to-ptr)
}

/** @param order  the source's dimensions, slowest first. */
Pair MakePair(const std::vector<size_t> &extent, const std::vector<size_t> &order,
              size_t element_size) {
  const size_t ndims = extent.size();
  Pair pair;
  pair.dst.base = At(uintptr_t{1} << 20);
  pair.src.base = At(uintptr_t{1} << 40);
  for (aml_tile *tile : {&pair.dst, &pair.src}) {
    tile->element_size = element_size;
    tile->ndims = ndims;
    std::copy(extent.begin(), extent.end(), tile->extent);
    auto stride = static_cast<ptrdiff_t>(element_size);
    for (size_t i = ndims; i-- > 0;) {
      const size_t d = tile == &pair.dst ? i : order[i];
      tile->stride_bytes[d] = stride;
      stride *= static_cast<ptrdiff_t>(extent[d]);
    }
  }
  return pair;
}

/** Where each element of a plan comes from; indexed by where it goes. */
void Visit(const aml_internal_plan &plan, const Pair &pair, std::vector<const char *> *sources) {
  std::vector<size_t> coords(AML_MAX_DIMS, 0);
  char *dst = plan.dst;
  const char *src = plan.src;
  do
    for (size_t i = 0; i < plan.run_count; ++i) {
      const auto offset = dst - static_cast<char *>(pair.dst.base);
      const auto index = static_cast<size_t>(offset) / plan.dst_element_size + i;
      if (index >= sources->size() || (*sources)[index] != nullptr)
        FAIL() << index << " is outside, or was visited before";
      (*sources)[index] = src + i * plan.src_element_size;
    }
  while (aml_internal_plan_advance(&plan, plan.ndims, coords.data(), &dst, &src));
}

void ExpectPartsToBeTheWhole(const Pair &pair, size_t size, size_t most) {
  aml_internal_plan plan;
  aml_internal_plan_make(&pair.dst, &pair.src, nullptr, &plan);
  const size_t count = aml_internal_plan_parts(&plan, size, most);
  const size_t elements = aml_internal_plan_size(&plan) / plan.dst_element_size;
  ASSERT_GE(count, size_t{1});
  ASSERT_LE(count, std::max<size_t>(1, most));
  std::vector<const char *> whole(elements);
  std::vector<const char *> parts(elements);
  ASSERT_NO_FATAL_FAILURE(Visit(plan, pair, &whole));
  for (size_t i = 0; i < count; ++i) {
    aml_internal_plan part;
    aml_internal_plan_part(&plan, count, i, &part);
    EXPECT_GT(aml_internal_plan_size(&part), size_t{0});
    ASSERT_NO_FATAL_FAILURE(Visit(part, pair, &parts));
  }
  EXPECT_EQ(whole, parts) << "in " << count;
}

class DmaPlanParts : public testing::TestWithParam<size_t> {};

TEST_P(DmaPlanParts, AreTheWholeInAnyOrderOfDimensions) {
  const size_t element_size = GetParam();
  const std::vector<size_t> shapes[] = {{1},          {7},          {30000},    {9, 7},
                                        {4100, 70},   {3, 16385},   {200, 200}, {2, 3, 5},
                                        {65, 2, 530}, {4, 5, 6, 70}};
  for (const std::vector<size_t> &extent : shapes) {
    std::vector<size_t> order(extent.size());
    std::iota(order.begin(), order.end(), size_t{0});
    do
      for (const size_t most : {7, 24}) {
        SCOPED_TRACE(testing::Message() << testing::PrintToString(extent) << " in order "
                                        << testing::PrintToString(order) << ", at most " << most);
        const Pair pair = MakePair(extent, order, element_size);
        ExpectPartsToBeTheWhole(pair, 4096, most);
        if (testing::Test::HasFailure())
          return;
      }
    while (std::next_permutation(order.begin(), order.end()));
  }
}

INSTANTIATE_TEST_SUITE_P(ElementSizes, DmaPlanParts, testing::Values(8, 100));

/** The parts of a plan of two dimensions that change places. */
std::vector<aml_internal_plan> PartsOfTranspose(size_t rows, size_t columns, size_t element_size) {
  const Pair pair = MakePair({rows, columns}, {1, 0}, element_size);
  aml_internal_plan plan;
  aml_internal_plan_make(&pair.dst, &pair.src, nullptr, &plan);
  const size_t count = aml_internal_plan_parts(&plan, 1 << 20, 64);
  std::vector<aml_internal_plan> parts(count);
  for (size_t i = 0; i < count; ++i)
    aml_internal_plan_part(&plan, count, i, &parts[i]);
  return parts;
}

// Narrower ones would read less than a page at each of the source's rows.
TEST(DmaPlan, PartsOfATransposeAreAPageOfTheSourceWide) {
  for (const size_t element_size : {size_t{4}, size_t{8}}) {
    const std::vector<aml_internal_plan> parts = PartsOfTranspose(4096, 4096, element_size);
    EXPECT_GE(parts.size(), size_t{32});
    for (const aml_internal_plan &part : parts) {
      EXPECT_EQ(4096 / element_size, part.extent[0]);
      EXPECT_EQ(size_t{0}, part.extent[1] * element_size % 64) << "lines of both stay whole";
    }
  }
}

} // namespace
