// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/checked.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace {

constexpr size_t kEdges[] = {0,
                             1,
                             2,
                             3,
                             4095,
                             4096,
                             SIZE_MAX / 4096,
                             SIZE_MAX / 2,
                             SIZE_MAX / 2 + 1,
                             SIZE_MAX - 4095,
                             SIZE_MAX - 1,
                             SIZE_MAX};

using Wide = unsigned __int128;

TEST(CoreChecked, SumsAreExactOrRefused) {
  for (const size_t a : kEdges)
    for (const size_t b : kEdges) {
      size_t sum = 7;
      const Wide exact = Wide{a} + b;
      EXPECT_EQ(exact <= SIZE_MAX, aml_checked_add(a, b, &sum)) << a << " + " << b;
      EXPECT_EQ(exact <= SIZE_MAX ? static_cast<size_t>(exact) : 7, sum);
    }
}

TEST(CoreChecked, ProductsAreExactOrRefused) {
  for (const size_t a : kEdges)
    for (const size_t b : kEdges) {
      size_t product = 7;
      const Wide exact = Wide{a} * b;
      EXPECT_EQ(exact <= SIZE_MAX, aml_checked_multiply(a, b, &product)) << a << " * " << b;
      EXPECT_EQ(exact <= SIZE_MAX ? static_cast<size_t>(exact) : 7, product);
    }
}

TEST(CoreChecked, RoundsUpToAMultipleOrRefuses) {
  for (const size_t size : kEdges)
    for (const size_t alignment : {size_t{1}, size_t{2}, size_t{4096}, SIZE_MAX / 2 + 1}) {
      size_t rounded = 7;
      const Wide exact = (Wide{size} + alignment - 1) / alignment * alignment;
      EXPECT_EQ(exact <= SIZE_MAX, aml_checked_round_up(size, alignment, &rounded))
          << size << " to " << alignment;
      EXPECT_EQ(exact <= SIZE_MAX ? static_cast<size_t>(exact) : 7, rounded);
    }
}

TEST(CoreChecked, PowersOfTwoHaveOneBit) {
  EXPECT_FALSE(aml_is_power_of_two(0));
  for (int bit = 0; bit < 64; ++bit) {
    const size_t power = size_t{1} << bit;
    EXPECT_TRUE(aml_is_power_of_two(power)) << bit;
    for (int other = 0; other < bit; ++other)
      EXPECT_FALSE(aml_is_power_of_two(power | size_t{1} << other)) << bit << " and " << other;
  }
}

} // namespace
