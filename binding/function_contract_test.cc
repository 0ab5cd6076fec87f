// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/binding/function.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/contract/binding.h"

namespace {

using namespace aml_testing;

constexpr int kMiddle = 7;

struct Instance {
  const char *devices;
  aml_binding_function_call *function;
};
const Instance kInstance[] = {
    {"0", [](void *, size_t, size_t) { return 0; }},
    {"0,2,900", [](void *, size_t index, size_t) { return index % 3 == 0 ? 900 : 2; }},
    {"1,7", [](void *context, size_t index,
               size_t count) { return index < count / 2 ? *static_cast<int *>(context) : 1; }},
    {"3", [](void *, size_t index, size_t) { return index % 2 == 0 ? 3 : -AML_ENOENT; }},
    {"3", [](void *, size_t index, size_t) { return index == 5 ? -AML_EIO : 3; }},
    {"3-4", [](void *, size_t index, size_t) { return static_cast<int>(index % 4 + 1); }},
};

struct FunctionFactory {
  static constexpr size_t kInstances = sizeof kInstance / sizeof kInstance[0];
  AML_BINDING_FUNCTION_DECL(binding);

  static aml_nodeset Devices(size_t i) {
    aml_nodeset devices = {};
    EXPECT_EQ(0, aml_nodeset_parse(kInstance[i].devices, &devices));
    return devices;
  }
  static void *Context() {
    static int middle = kMiddle;
    return &middle;
  }
  int Init(size_t i) {
    const aml_nodeset devices = Devices(i);
    return aml_binding_function_init(binding, kInstance[i].function, Context(), &devices);
  }
  static int Create(size_t i, aml_binding **created) {
    const aml_nodeset devices = Devices(i);
    return aml_binding_function_create(created, kInstance[i].function, Context(), &devices);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(BindingFunction, BindingContract, FunctionFactory);

} // namespace
