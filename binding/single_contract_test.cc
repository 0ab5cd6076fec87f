// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/binding/single.h"
#include "aml/core/binding.h"
#include "aml/core/nodeset.h"
#include "aml/tests/contract/binding.h"

namespace {

using namespace aml_testing;

constexpr int kDevices[] = {0, 5, AML_NODESET_CAPACITY - 1};

struct SingleFactory {
  static constexpr size_t kInstances = sizeof kDevices / sizeof kDevices[0];
  AML_BINDING_SINGLE_DECL(binding);

  int Init(size_t i) { return aml_binding_single_init(binding, kDevices[i]); }
  static int Create(size_t i, aml_binding **created) {
    return aml_binding_single_create(created, kDevices[i]);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(BindingSingle, BindingContract, SingleFactory);

} // namespace
