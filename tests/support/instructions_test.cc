// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/support/instructions.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

namespace {

// A loop that no compiler shortens.
void Loop(size_t rounds) {
  for (volatile size_t i = 0; i < rounds; i = i + 1) {
  }
}

std::vector<size_t> LoopsOf(const std::vector<size_t> &rounds, std::string *why_not) {
  std::vector<size_t> counts;
  *why_not = CountInstructions(
      [&](InstructionMeter *meter) {
        for (const size_t round : rounds) {
          meter->Begin();
          Loop(round);
          meter->End();
        }
      },
      &counts);
  return counts;
}

TEST(Instructions, AreCountedExactlyAndEachTimeTheSame) {
  std::string why_not;
  const std::vector<size_t> counts = LoopsOf({0, 10, 110, 210, 10}, &why_not);
  if (!why_not.empty())
    GTEST_SKIP() << why_not;
  ASSERT_EQ(5u, counts.size());
  EXPECT_EQ(counts[1], counts[4]);
  EXPECT_EQ(counts[2] - counts[1], counts[3] - counts[2]) << "a hundred rounds more";
  EXPECT_LE(300u, counts[2] - counts[1]) << "three instructions a round, at least";
  EXPECT_EQ(counts, LoopsOf({0, 10, 110, 210, 10}, &why_not));
}

TEST(Instructions, NothingIsNone) {
  std::vector<size_t> counts;
  const std::string why_not = CountInstructions(
      [](InstructionMeter *meter) {
        Loop(1000);
        meter->Begin();
        meter->End();
      },
      &counts);
  if (!why_not.empty())
    GTEST_SKIP() << why_not;
  EXPECT_EQ(std::vector<size_t>{0}, counts);
}

TEST(Instructions, MoreThanTheBoundAreAFailure) {
  std::string why_not;
  (void)LoopsOf({}, &why_not);
  if (!why_not.empty())
    GTEST_SKIP() << why_not;
  const auto work = [](InstructionMeter *meter) {
    for (const size_t rounds : {1, 100}) {
      meter->Begin();
      Loop(rounds);
      meter->End();
    }
  };
  ExpectBounded("a loop", 10000, work);
  EXPECT_NONFATAL_FAILURE(ExpectBounded("a loop", 100, work), "a loop");
  EXPECT_NONFATAL_FAILURE(ExpectBounded("nothing", 100,
                                        [](InstructionMeter *meter) {
                                          meter->Begin();
                                          meter->End();
                                        }),
                          "nothing was counted");
}

} // namespace
