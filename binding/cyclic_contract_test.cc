// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "aml/binding/cyclic.h"
#include "aml/core/binding.h"
#include "aml/core/nodeset.h"
#include "aml/tests/contract/binding.h"

namespace {

using namespace aml_testing;

struct Shape {
  const char *devices;
  size_t block;
};
constexpr Shape kShapes[] = {
    {"0", 0},      {"6", 3},          {"0-1", 1}, {"1,4,900", 5}, {"0,64,128,1023", 2},
    {"0-1022", 1}, {"2-3", SIZE_MAX},
};

struct CyclicFactory {
  static constexpr size_t kInstances = sizeof kShapes / sizeof kShapes[0];
  AML_BINDING_CYCLIC_DECL(binding);

  template <class Make> static int With(size_t i, Make make) {
    aml_nodeset devices = {};
    EXPECT_EQ(0, aml_nodeset_parse(kShapes[i].devices, &devices));
    const aml_binding_cyclic_options options = {kShapes[i].block};
    return make(&devices, kShapes[i].block == 0 ? nullptr : &options);
  }
  int Init(size_t i) {
    return With(i, [this](const aml_nodeset *devices, const aml_binding_cyclic_options *options) {
      return aml_binding_cyclic_init(binding, devices, options);
    });
  }
  static int Create(size_t i, aml_binding **created) {
    return With(i, [=](const aml_nodeset *devices, const aml_binding_cyclic_options *options) {
      return aml_binding_cyclic_create(created, devices, options);
    });
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(BindingCyclic, BindingContract, CyclicFactory);

} // namespace
