// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/binding/local.h"
#include "aml/core/binding.h"
#include "aml/tests/contract/binding.h"

namespace {

using namespace aml_testing;

struct LocalFactory {
  static constexpr size_t kInstances = 1;
  AML_BINDING_LOCAL_DECL(binding);

  int Init(size_t /*i*/) { return aml_binding_local_init(binding); }
  static int Create(size_t /*i*/, aml_binding **created) {
    return aml_binding_local_create(created);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(BindingLocal, BindingContract, LocalFactory);

} // namespace
