// SPDX-License-Identifier: BSD-3-Clause
//
// The tests of sets of numbers, for any type of set: every operation is compared with std::set, for
// random sets and for those at the edges of words and of the capacity.
//
// T names a set's type and functions; see nodeset_test.cc.

#ifndef AML_CORE_SET_TESTING_H
#define AML_CORE_SET_TESTING_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "aml/core/error.h"

using Oracle = std::set<int>;

template <class T> typename T::Set SetOf(const Oracle &oracle) {
  typename T::Set set = {};
  for (const int number : oracle)
    EXPECT_TRUE(T::Add(&set, number));
  return set;
}

template <class T> Oracle OracleOf(const typename T::Set &set) {
  Oracle oracle;
  for (int n = T::Next(&set, -1); n >= 0; n = T::Next(&set, n))
    oracle.insert(n);
  return oracle;
}

template <class T> std::string TextOf(const typename T::Set &set) {
  std::vector<char> text(T::kTextCapacity);
  const size_t length = T::Format(&set, text.data(), text.size());
  EXPECT_LT(length, text.size());
  EXPECT_EQ(length, std::string(text.data()).size());
  return text.data();
}

// Sets of every density, and those whose members lie at the edges.
template <class T> std::vector<Oracle> Oracles() {
  std::vector<Oracle> oracles = {
      {},
      {0},
      {T::kCapacity - 1},
      {63},
      {64},
      {63, 64},
      {0, T::kCapacity - 1},
      {0, 2, 4},
      {0, 1, 2, 3, 8},
      {T::kCapacity - 3, T::kCapacity - 2, T::kCapacity - 1},
      {127, 128, 129},
  };
  Oracle all;
  Oracle even;
  for (int number = 0; number < T::kCapacity; ++number) {
    all.insert(number);
    if (number % 2 == 0)
      even.insert(number);
  }
  oracles.push_back(all);
  oracles.push_back(even);
  std::mt19937 random(7);
  for (const int one_in : {2, 10, 100, 500})
    for (int i = 0; i < T::kOfEachDensity; ++i) {
      Oracle oracle;
      for (int number = 0; number < T::kCapacity; ++number)
        if (random() % static_cast<unsigned>(one_in) == 0)
          oracle.insert(number);
      oracles.push_back(oracle);
    }
  return oracles;
}

template <class T> class AnySet : public ::testing::Test {};

TYPED_TEST_SUITE_P(AnySet);

TYPED_TEST_P(AnySet, HoldsWhatWasAdded) {
  using T = TypeParam;
  for (const Oracle &oracle : Oracles<T>()) {
    const typename T::Set set = SetOf<T>(oracle);
    EXPECT_EQ(oracle, OracleOf<T>(set));
    EXPECT_EQ(oracle.size(), T::Count(&set));
    EXPECT_EQ(oracle.empty(), T::IsEmpty(&set));
    EXPECT_EQ(oracle.empty() ? -1 : *oracle.rbegin(), T::Last(&set));
    for (int number = -2; number < T::kCapacity + 2; ++number)
      EXPECT_EQ(oracle.count(number) == 1, T::Has(&set, number)) << number;
  }
}

TYPED_TEST_P(AnySet, NextIsTheSmallestLargerOne) {
  using T = TypeParam;
  for (const Oracle &oracle : Oracles<T>()) {
    const typename T::Set set = SetOf<T>(oracle);
    for (int number = -1; number < T::kCapacity + 1; ++number) {
      const auto larger = oracle.upper_bound(number);
      EXPECT_EQ(larger == oracle.end() ? -1 : *larger, T::Next(&set, number)) << number;
    }
    EXPECT_EQ(-1, T::Next(&set, -2));
  }
}

TYPED_TEST_P(AnySet, PlacesCountFromTheSmallest) {
  using T = TypeParam;
  for (const Oracle &oracle : Oracles<T>()) {
    const typename T::Set set = SetOf<T>(oracle);
    size_t index = 0;
    for (const int number : oracle)
      EXPECT_EQ(number, T::At(&set, index++));
    EXPECT_EQ(-1, T::At(&set, index));
    EXPECT_EQ(-1, T::At(&set, SIZE_MAX));
  }
}

TYPED_TEST_P(AnySet, AddRefusesWhatNoSetCanHold) {
  using T = TypeParam;
  typename T::Set set = T::Of(5);
  for (const int number : {-1, T::kCapacity, INT32_MAX, INT32_MIN}) {
    EXPECT_FALSE(T::Add(&set, number)) << number;
    T::Remove(&set, number);
    const typename T::Set none = T::Of(number);
    EXPECT_TRUE(T::IsEmpty(&none)) << number;
  }
  EXPECT_EQ(Oracle{5}, OracleOf<T>(set));
}

TYPED_TEST_P(AnySet, RemoveTakesOneOut) {
  using T = TypeParam;
  for (const Oracle &oracle : Oracles<T>()) {
    typename T::Set set = SetOf<T>(oracle);
    Oracle rest = oracle;
    for (const int number : {0, 5, 63, 64, T::kCapacity - 1}) {
      T::Remove(&set, number);
      rest.erase(number);
    }
    EXPECT_EQ(rest, OracleOf<T>(set));
  }
}

TYPED_TEST_P(AnySet, SetsCombineAsSetsDo) {
  using T = TypeParam;
  const std::vector<Oracle> oracles = Oracles<T>();
  for (const Oracle &a : oracles)
    for (const Oracle &b : oracles) {
      const typename T::Set left = SetOf<T>(a);
      const typename T::Set right = SetOf<T>(b);
      Oracle expected;
      std::set_intersection(a.begin(), a.end(), b.begin(), b.end(),
                            std::inserter(expected, expected.end()));
      typename T::Set set = left;
      T::Intersect(&set, &right);
      EXPECT_EQ(expected, OracleOf<T>(set));
      set = left;
      T::Unite(&set, &right);
      expected = a;
      expected.insert(b.begin(), b.end());
      EXPECT_EQ(expected, OracleOf<T>(set));
      set = left;
      T::Subtract(&set, &right);
      expected.clear();
      std::set_difference(a.begin(), a.end(), b.begin(), b.end(),
                          std::inserter(expected, expected.end()));
      EXPECT_EQ(expected, OracleOf<T>(set));
      EXPECT_EQ(a == b, T::IsEqual(&left, &right));
      EXPECT_EQ(std::includes(b.begin(), b.end(), a.begin(), a.end()), T::IsSubset(&left, &right));
    }
}

TYPED_TEST_P(AnySet, TheTextIsAsShortAsCanBe) {
  using T = TypeParam;
  EXPECT_EQ("", TextOf<T>(SetOf<T>({})));
  EXPECT_EQ("0", TextOf<T>(SetOf<T>({0})));
  EXPECT_EQ("0-3,8", TextOf<T>(SetOf<T>({0, 1, 2, 3, 8})));
  EXPECT_EQ("0-1", TextOf<T>(SetOf<T>({0, 1})));
  EXPECT_EQ("0,2,4", TextOf<T>(SetOf<T>({0, 2, 4})));
  EXPECT_EQ("62-65," + std::to_string(T::kCapacity - 1),
            TextOf<T>(SetOf<T>({62, 63, 64, 65, T::kCapacity - 1})));
}

TYPED_TEST_P(AnySet, ParsingUndoesFormatting) {
  using T = TypeParam;
  for (const Oracle &oracle : Oracles<T>()) {
    const typename T::Set set = SetOf<T>(oracle);
    typename T::Set parsed = T::Of(9);
    ASSERT_EQ(0, T::Parse(TextOf<T>(set).c_str(), &parsed)) << aml_error_detail();
    EXPECT_TRUE(T::IsEqual(&set, &parsed));
  }
}

TYPED_TEST_P(AnySet, TheLongestTextFits) {
  using T = TypeParam;
  Oracle even;
  for (int number = 0; number < T::kCapacity; number += 2)
    even.insert(number);
  EXPECT_EQ(T::kLongestText, TextOf<T>(SetOf<T>(even)).size());
}

TYPED_TEST_P(AnySet, FormatCutsOffAndTellsTheWholeLength) {
  using T = TypeParam;
  const typename T::Set set = SetOf<T>({0, 1, 2, 3, 8, 100});
  const std::string whole = "0-3,8,100";
  EXPECT_EQ(whole.size(), T::Format(&set, nullptr, 0));
  for (size_t capacity = 1; capacity < 12; ++capacity) {
    std::string text(16, 'z');
    EXPECT_EQ(whole.size(), T::Format(&set, text.data(), capacity));
    EXPECT_EQ(whole.substr(0, capacity - 1), text.c_str());
    EXPECT_EQ(std::string(16 - capacity, 'z'), text.substr(capacity)) << "wrote past the capacity";
  }
}

TYPED_TEST_P(AnySet, ParseTakesTheFormsOfSysfs) {
  using T = TypeParam;
  const std::string last = std::to_string(T::kCapacity - 1);
  const struct {
    std::string text;
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
      {last, {T::kCapacity - 1}},
      {std::to_string(T::kCapacity - 2) + "-" + last, {T::kCapacity - 2, T::kCapacity - 1}},
  };
  for (const auto &row : kTable) {
    typename T::Set set = T::Of(9);
    EXPECT_EQ(0, T::Parse(row.text.c_str(), &set)) << row.text;
    EXPECT_EQ(row.expected, OracleOf<T>(set)) << row.text;
  }
}

TYPED_TEST_P(AnySet, ParseRefusesOtherTextsAndLeavesTheSet) {
  using T = TypeParam;
  const std::string beyond = std::to_string(T::kCapacity);
  const struct {
    std::string text;
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
      {beyond, -AML_EOVERFLOW},
      {"0-" + beyond, -AML_EOVERFLOW},
      {"4294967296", -AML_EOVERFLOW},
      {"18446744073709551616", -AML_EOVERFLOW},
  };
  for (const auto &row : kTable) {
    typename T::Set set = T::Of(9);
    EXPECT_EQ(row.err, T::Parse(row.text.c_str(), &set)) << row.text;
    EXPECT_EQ(0u, std::string(aml_error_detail()).find(T::kName + std::string("_parse: text ")))
        << row.text;
    EXPECT_EQ(Oracle{9}, OracleOf<T>(set)) << row.text;
  }
}

TYPED_TEST_P(AnySet, ASuccessLeavesTheLastFailure) {
  using T = TypeParam;
  typename T::Set set = {};
  ASSERT_EQ(-AML_EOVERFLOW, T::Parse(std::to_string(T::kCapacity).c_str(), &set));
  const std::string detail = aml_error_detail();
  EXPECT_EQ(0, T::Parse("0-3", &set));
  EXPECT_EQ(-AML_EOVERFLOW, aml_error_code());
  EXPECT_EQ(detail, aml_error_detail());
}

TYPED_TEST_P(AnySet, ParseRefusesNull) {
  using T = TypeParam;
  typename T::Set set = {};
  EXPECT_EQ(-AML_EINVAL, T::Parse(nullptr, &set));
  EXPECT_EQ(T::kName + std::string("_parse: text is null"), aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, T::Parse("1", nullptr));
  EXPECT_EQ(T::kName + std::string("_parse: set is null"), aml_error_detail());
}

REGISTER_TYPED_TEST_SUITE_P(AnySet, HoldsWhatWasAdded, NextIsTheSmallestLargerOne,
                            PlacesCountFromTheSmallest, AddRefusesWhatNoSetCanHold,
                            RemoveTakesOneOut, SetsCombineAsSetsDo, TheTextIsAsShortAsCanBe,
                            ParsingUndoesFormatting, TheLongestTextFits,
                            FormatCutsOffAndTellsTheWholeLength, ParseTakesTheFormsOfSysfs,
                            ParseRefusesOtherTextsAndLeavesTheSet, ASuccessLeavesTheLastFailure,
                            ParseRefusesNull);

#endif
