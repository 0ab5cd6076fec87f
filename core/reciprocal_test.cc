// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/reciprocal.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace {

void ExpectDivides(const aml_reciprocal &by, size_t divisor, size_t n) {
  size_t remainder = SIZE_MAX;
  ASSERT_EQ(n / divisor, aml_reciprocal_divide(&by, n, &remainder)) << n << " / " << divisor;
  ASSERT_EQ(n % divisor, remainder) << n << " % " << divisor;
}

TEST(CoreReciprocal, EveryQuotientOfSmallNumbersIsExact) {
  for (size_t divisor = 1; divisor < 300; ++divisor) {
    const aml_reciprocal by = aml_reciprocal_of(divisor);
    for (size_t n = 0; n < 2000; ++n)
      ExpectDivides(by, divisor, n);
  }
}

// Where a quotient changes, and where the product with the inverse is largest.
TEST(CoreReciprocal, QuotientsAtTheEdgesOfAllMagnitudesAreExact) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 20000; ++round) {
    const size_t divisor = (random() >> (random() % 64)) | 1;
    const aml_reciprocal by = aml_reciprocal_of(divisor);
    const size_t most = SIZE_MAX / divisor;
    const size_t some = most == 0 ? 0 : random() % most;
    for (const size_t quotient : {size_t{0}, some, most})
      for (const size_t n : {quotient * divisor, quotient * divisor - 1, SIZE_MAX})
        ExpectDivides(by, divisor, n);
  }
}

TEST(CoreReciprocal, PowersOfTwoAreExact) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    const size_t divisor = size_t{1} << bit;
    const aml_reciprocal by = aml_reciprocal_of(divisor);
    for (const size_t n : std::vector<size_t>{0, 1, divisor - 1, divisor, divisor + 1, SIZE_MAX / 2,
                                              SIZE_MAX / 2 + 1, SIZE_MAX - 1, SIZE_MAX})
      ExpectDivides(by, divisor, n);
  }
}

} // namespace
