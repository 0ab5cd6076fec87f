// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/binding/block.h"
#include "aml/core/binding.h"
#include "aml/core/nodeset.h"
#include "aml/tests/contract/binding.h"

namespace {

using namespace aml_testing;

constexpr const char *kDevices[] = {"0", "6", "0-1", "1,4,900", "0,64,128,1023", "0-1022"};

aml_nodeset Devices(size_t i) {
  aml_nodeset devices = {};
  EXPECT_EQ(0, aml_nodeset_parse(kDevices[i], &devices));
  return devices;
}

struct BlockFactory {
  static constexpr size_t kInstances = sizeof kDevices / sizeof kDevices[0];
  AML_BINDING_BLOCK_DECL(binding);

  int Init(size_t i) {
    const aml_nodeset devices = Devices(i);
    return aml_binding_block_init(binding, &devices);
  }
  static int Create(size_t i, aml_binding **created) {
    const aml_nodeset devices = Devices(i);
    return aml_binding_block_create(created, &devices);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(BindingBlock, BindingContract, BlockFactory);

} // namespace
