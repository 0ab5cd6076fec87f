// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/cpuset.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/core/set_testing.h"

namespace {

struct Cpuset {
  using Set = aml_cpuset;
  static constexpr const char *kName = "aml_cpuset";
  static constexpr int kCapacity = AML_CPUSET_CAPACITY;
  static constexpr size_t kTextCapacity = AML_CPUSET_TEXT_CAPACITY;
  static constexpr size_t kLongestText = 19924;
  static constexpr int kOfEachDensity = 1;
  static constexpr auto Add = aml_cpuset_add;
  static constexpr auto Remove = aml_cpuset_remove;
  static constexpr auto Has = aml_cpuset_has;
  static constexpr auto Of = aml_cpuset_of;
  static constexpr auto Count = aml_cpuset_count;
  static constexpr auto IsEmpty = aml_cpuset_is_empty;
  static constexpr auto Next = aml_cpuset_next;
  static constexpr auto At = aml_cpuset_at;
  static constexpr auto Last = aml_cpuset_last;
  static constexpr auto IsEqual = aml_cpuset_is_equal;
  static constexpr auto IsSubset = aml_cpuset_is_subset;
  static constexpr auto Intersect = aml_cpuset_intersect;
  static constexpr auto Unite = aml_cpuset_unite;
  static constexpr auto Subtract = aml_cpuset_subtract;
  static constexpr auto Parse = aml_cpuset_parse;
  static constexpr auto Format = aml_cpuset_format;
};

INSTANTIATE_TYPED_TEST_SUITE_P(CoreCpuset, AnySet, Cpuset);

} // namespace
