// SPDX-License-Identifier: BSD-3-Clause
//
// Every operation is compared with std::set, for random sets and for those at the edges of words
// and of the capacity.

#include "aml/core/cpuset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "aml/core/error.h"

namespace {

using Oracle = std::set<int>;

aml_cpuset SetOf(const Oracle &oracle) {
  aml_cpuset set = {};
  for (const int number : oracle)
    EXPECT_TRUE(aml_cpuset_add(&set, number));
  return set;
}

Oracle OracleOf(const aml_cpuset &set) {
  Oracle oracle;
  for (int n = aml_cpuset_next(&set, -1); n >= 0; n = aml_cpuset_next(&set, n))
    oracle.insert(n);
  return oracle;
}

std::string TextOf(const aml_cpuset &set) {
  std::vector<char> text(AML_CPUSET_TEXT_CAPACITY);
  const size_t length = aml_cpuset_format(&set, text.data(), text.size());
  EXPECT_LT(length, text.size());
  EXPECT_EQ(length, std::string(text.data()).size());
  return text.data();
}

// Sets of every density, and those whose members lie at the edges.
std::vector<Oracle> Oracles() {
  std::vector<Oracle> oracles = {
      {},
      {0},
      {8191},
      {63},
      {64},
      {63, 64},
      {0, 8191},
      {0, 2, 4},
      {0, 1, 2, 3, 8},
      {8189, 8190, 8191},
      {127, 128, 129},
  };
  Oracle all;
  Oracle even;
  for (int number = 0; number < AML_CPUSET_CAPACITY; ++number) {
    all.insert(number);
    if (number % 2 == 0)
      even.insert(number);
  }
  oracles.push_back(all);
  oracles.push_back(even);
  std::mt19937 random(7);
  for (const int one_in : {2, 500})
    for (int i = 0; i < 2; ++i) {
      Oracle oracle;
      for (int number = 0; number < AML_CPUSET_CAPACITY; ++number)
        if (random() % static_cast<unsigned>(one_in) == 0)
          oracle.insert(number);
      oracles.push_back(oracle);
    }
  return oracles;
}

TEST(CoreCpuset, HoldsWhatWasAdded) {
  for (const Oracle &oracle : Oracles()) {
    const aml_cpuset set = SetOf(oracle);
    EXPECT_EQ(oracle, OracleOf(set));
    EXPECT_EQ(oracle.size(), aml_cpuset_count(&set));
    EXPECT_EQ(oracle.empty(), aml_cpuset_is_empty(&set));
    EXPECT_EQ(oracle.empty() ? -1 : *oracle.rbegin(), aml_cpuset_last(&set));
    for (int number = -2; number < AML_CPUSET_CAPACITY + 2; ++number)
      EXPECT_EQ(oracle.count(number) == 1, aml_cpuset_has(&set, number)) << number;
  }
}

TEST(CoreCpuset, NextIsTheSmallestLargerOne) {
  for (const Oracle &oracle : Oracles()) {
    const aml_cpuset set = SetOf(oracle);
    for (int number = -1; number < AML_CPUSET_CAPACITY + 1; ++number) {
      const auto larger = oracle.upper_bound(number);
      EXPECT_EQ(larger == oracle.end() ? -1 : *larger, aml_cpuset_next(&set, number)) << number;
    }
    EXPECT_EQ(-1, aml_cpuset_next(&set, -2));
  }
}

TEST(CoreCpuset, PlacesCountFromTheSmallest) {
  for (const Oracle &oracle : Oracles()) {
    const aml_cpuset set = SetOf(oracle);
    size_t index = 0;
    for (const int number : oracle)
      EXPECT_EQ(number, aml_cpuset_at(&set, index++));
    EXPECT_EQ(-1, aml_cpuset_at(&set, index));
    EXPECT_EQ(-1, aml_cpuset_at(&set, SIZE_MAX));
  }
}

TEST(CoreCpuset, AddRefusesWhatNoSetCanHold) {
  aml_cpuset set = aml_cpuset_of(5);
  for (const int number : {-1, AML_CPUSET_CAPACITY, INT32_MAX, INT32_MIN}) {
    EXPECT_FALSE(aml_cpuset_add(&set, number)) << number;
    aml_cpuset_remove(&set, number);
    const aml_cpuset none = aml_cpuset_of(number);
    EXPECT_TRUE(aml_cpuset_is_empty(&none)) << number;
  }
  EXPECT_EQ(Oracle{5}, OracleOf(set));
}

TEST(CoreCpuset, RemoveTakesOneOut) {
  for (const Oracle &oracle : Oracles()) {
    aml_cpuset set = SetOf(oracle);
    Oracle rest = oracle;
    for (const int number : {0, 5, 63, 64, 8191}) {
      aml_cpuset_remove(&set, number);
      rest.erase(number);
    }
    EXPECT_EQ(rest, OracleOf(set));
  }
}

TEST(CoreCpuset, SetsCombineAsSetsDo) {
  const std::vector<Oracle> oracles = Oracles();
  for (const Oracle &a : oracles)
    for (const Oracle &b : oracles) {
      const aml_cpuset left = SetOf(a);
      const aml_cpuset right = SetOf(b);
      Oracle expected;
      std::set_intersection(a.begin(), a.end(), b.begin(), b.end(),
                            std::inserter(expected, expected.end()));
      aml_cpuset set = left;
      aml_cpuset_intersect(&set, &right);
      EXPECT_EQ(expected, OracleOf(set));
      set = left;
      aml_cpuset_unite(&set, &right);
      expected = a;
      expected.insert(b.begin(), b.end());
      EXPECT_EQ(expected, OracleOf(set));
      set = left;
      aml_cpuset_subtract(&set, &right);
      expected.clear();
      std::set_difference(a.begin(), a.end(), b.begin(), b.end(),
                          std::inserter(expected, expected.end()));
      EXPECT_EQ(expected, OracleOf(set));
      EXPECT_EQ(a == b, aml_cpuset_is_equal(&left, &right));
      EXPECT_EQ(std::includes(b.begin(), b.end(), a.begin(), a.end()),
                aml_cpuset_is_subset(&left, &right));
    }
}

TEST(CoreCpuset, TheTextIsAsShortAsCanBe) {
  EXPECT_EQ("", TextOf(SetOf({})));
  EXPECT_EQ("0", TextOf(SetOf({0})));
  EXPECT_EQ("0-3,8", TextOf(SetOf({0, 1, 2, 3, 8})));
  EXPECT_EQ("0-1", TextOf(SetOf({0, 1})));
  EXPECT_EQ("0,2,4", TextOf(SetOf({0, 2, 4})));
  EXPECT_EQ("62-65,8191", TextOf(SetOf({62, 63, 64, 65, 8191})));
}

TEST(CoreCpuset, ParsingUndoesFormatting) {
  for (const Oracle &oracle : Oracles()) {
    const aml_cpuset set = SetOf(oracle);
    aml_cpuset parsed = aml_cpuset_of(9);
    ASSERT_EQ(0, aml_cpuset_parse(TextOf(set).c_str(), &parsed)) << aml_error_detail();
    EXPECT_TRUE(aml_cpuset_is_equal(&set, &parsed));
  }
}

TEST(CoreCpuset, TheLongestTextFits) {
  Oracle even;
  for (int number = 0; number < AML_CPUSET_CAPACITY; number += 2)
    even.insert(number);
  EXPECT_EQ(19924u, TextOf(SetOf(even)).size());
}

TEST(CoreCpuset, FormatCutsOffAndTellsTheWholeLength) {
  const aml_cpuset set = SetOf({0, 1, 2, 3, 8, 100});
  const std::string whole = "0-3,8,100";
  EXPECT_EQ(whole.size(), aml_cpuset_format(&set, nullptr, 0));
  for (size_t capacity = 1; capacity < 12; ++capacity) {
    std::string text(16, 'z');
    EXPECT_EQ(whole.size(), aml_cpuset_format(&set, text.data(), capacity));
    EXPECT_EQ(whole.substr(0, capacity - 1), text.c_str());
    EXPECT_EQ(std::string(16 - capacity, 'z'), text.substr(capacity)) << "wrote past the capacity";
  }
}

TEST(CoreCpuset, ParseTakesTheFormsOfSysfs) {
  const struct {
    const char *text;
    Oracle expected;
  } kTable[] = {
      {"", {}},
      {"\n", {}},
      {" \t ", {}},
      {"0\n", {0}},
      {" 3,1 ", {1, 3}},
      {"0-0", {0}},
      {"5,5,4-6", {4, 5, 6}},
      {"0007", {7}},
      {"8191", {8191}},
      {"8190-8191", {8190, 8191}},
  };
  for (const auto &row : kTable) {
    aml_cpuset set = aml_cpuset_of(9);
    EXPECT_EQ(0, aml_cpuset_parse(row.text, &set)) << row.text;
    EXPECT_EQ(row.expected, OracleOf(set)) << row.text;
  }
}

TEST(CoreCpuset, ParseRefusesOtherTextsAndLeavesTheSet) {
  const struct {
    const char *text;
    int err;
  } kTable[] = {
      {",", -AML_EINVAL},
      {"1,", -AML_EINVAL},
      {",1", -AML_EINVAL},
      {"1,,2", -AML_EINVAL},
      {"-1", -AML_EINVAL},
      {"1-", -AML_EINVAL},
      {"3-1", -AML_EINVAL},
      {"1 2", -AML_EINVAL},
      {"1, 2", -AML_EINVAL},
      {"1-2-3", -AML_EINVAL},
      {"x", -AML_EINVAL},
      {"1x", -AML_EINVAL},
      {"0x1", -AML_EINVAL},
      {"+1", -AML_EINVAL},
      {"\xff", -AML_EINVAL},
      {"8192", -AML_EOVERFLOW},
      {"0-8192", -AML_EOVERFLOW},
      {"4294967296", -AML_EOVERFLOW},
      {"18446744073709551616", -AML_EOVERFLOW},
  };
  for (const auto &row : kTable) {
    aml_cpuset set = aml_cpuset_of(9);
    EXPECT_EQ(row.err, aml_cpuset_parse(row.text, &set)) << row.text;
    EXPECT_EQ(0u, std::string(aml_error_detail()).find("aml_cpuset_parse: text ")) << row.text;
    EXPECT_EQ(Oracle{9}, OracleOf(set)) << row.text;
  }
}

TEST(CoreCpuset, ASuccessLeavesTheLastFailure) {
  aml_cpuset set = {};
  ASSERT_EQ(-AML_EOVERFLOW, aml_cpuset_parse("8192", &set));
  const std::string detail = aml_error_detail();
  EXPECT_EQ(0, aml_cpuset_parse("0-3", &set));
  EXPECT_EQ(-AML_EOVERFLOW, aml_error_code());
  EXPECT_EQ(detail, aml_error_detail());
}

TEST(CoreCpuset, ParseRefusesNull) {
  aml_cpuset set = {};
  EXPECT_EQ(-AML_EINVAL, aml_cpuset_parse(nullptr, &set));
  EXPECT_STREQ("aml_cpuset_parse: text is null", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_cpuset_parse("1", nullptr));
  EXPECT_STREQ("aml_cpuset_parse: set is null", aml_error_detail());
}

} // namespace
