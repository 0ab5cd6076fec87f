// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "aml/binding/weighted.h"
#include "aml/core/binding.h"
#include "aml/core/nodeset.h"
#include "aml/tests/contract/binding.h"
#include "aml/tests/sysfs/tree.h"

namespace {

using namespace aml_testing;

struct Instance {
  const char *devices;
  std::vector<unsigned> weights; // none: the system's
};
const Instance kInstance[] = {
    {"0", {5}},
    {"0-1", {3, 1}},
    {"1,4,900", {7, 2, 4}},
    {"0-3", {0, 9, 0, 1}},
    {"2-3", {1000, 999}},
    {"0-1", {}},
    {"1,3", {}},
    {"2", {}},
};

std::string SystemOfFour() {
  static SysfsTree tree =
      SysfsTree::FromText("sys/kernel/mm/mempolicy/weighted_interleave/node0: 3\n"
                          "sys/kernel/mm/mempolicy/weighted_interleave/node1: 2\n"
                          "sys/kernel/mm/mempolicy/weighted_interleave/node2: 4\n"
                          "sys/kernel/mm/mempolicy/weighted_interleave/node3: 1\n");
  return tree.options().sysfs;
}

struct WeightedFactory {
  static constexpr size_t kInstances = sizeof kInstance / sizeof kInstance[0];
  AML_BINDING_WEIGHTED_DECL(binding);

  template <class Make> static int With(size_t i, Make make) {
    const std::string root = SystemOfFour();
    const std::vector<unsigned> &weights = kInstance[i].weights;
    aml_nodeset devices = {};
    EXPECT_EQ(0, aml_nodeset_parse(kInstance[i].devices, &devices));
    const aml_binding_weighted_options options = {weights.empty() ? nullptr : weights.data(),
                                                  root.c_str()};
    return make(&devices, &options);
  }
  int Init(size_t i) {
    return With(i, [this](const aml_nodeset *devices, const aml_binding_weighted_options *options) {
      return aml_binding_weighted_init(binding, devices, options);
    });
  }
  static int Create(size_t i, aml_binding **created) {
    return With(i, [=](const aml_nodeset *devices, const aml_binding_weighted_options *options) {
      return aml_binding_weighted_create(created, devices, options);
    });
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(BindingWeighted, BindingContract, WeightedFactory);

} // namespace
