// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/nodeset.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/core/set_testing.h"

namespace {

struct Nodeset {
  using Set = aml_nodeset;
  static constexpr const char *kName = "aml_nodeset";
  static constexpr int kCapacity = AML_NODESET_CAPACITY;
  static constexpr size_t kTextCapacity = AML_NODESET_TEXT_CAPACITY;
  static constexpr size_t kLongestText = 2004;
  static constexpr int kOfEachDensity = 5;
  static constexpr auto Add = aml_nodeset_add;
  static constexpr auto Remove = aml_nodeset_remove;
  static constexpr auto Has = aml_nodeset_has;
  static constexpr auto Of = aml_nodeset_of;
  static constexpr auto Count = aml_nodeset_count;
  static constexpr auto IsEmpty = aml_nodeset_is_empty;
  static constexpr auto Next = aml_nodeset_next;
  static constexpr auto At = aml_nodeset_at;
  static constexpr auto Last = aml_nodeset_last;
  static constexpr auto IsEqual = aml_nodeset_is_equal;
  static constexpr auto IsSubset = aml_nodeset_is_subset;
  static constexpr auto Intersect = aml_nodeset_intersect;
  static constexpr auto Unite = aml_nodeset_unite;
  static constexpr auto Subtract = aml_nodeset_subtract;
  static constexpr auto Parse = aml_nodeset_parse;
  static constexpr auto Format = aml_nodeset_format;
};

INSTANTIATE_TYPED_TEST_SUITE_P(CoreNodeset, AnySet, Nodeset);

} // namespace
