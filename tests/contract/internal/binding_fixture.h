// SPDX-License-Identifier: BSD-3-Clause
//
// The fixture of the contract suite of bindings (tests/contract/binding.h), and what it compares
// a binding's answers with.

#ifndef AML_TESTS_CONTRACT_INTERNAL_BINDING_FIXTURE_H
#define AML_TESTS_CONTRACT_INTERNAL_BINDING_FIXTURE_H

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace aml_testing {

/** How many items there are, in tests that look at each of them. */
constexpr size_t kItemCounts[] = {1, 2, 3, 7, 64, 1000};

constexpr int kAnywhere = -AML_ENOENT;

/** What a binding answers for each item of a count; expects nothing, so that threads may. */
inline std::vector<int> DevicesOf(const aml_binding *binding, size_t count) {
  std::vector<int> devices;
  for (size_t index = 0; index < count; ++index)
    devices.push_back(aml_binding_device_of(binding, index, count));
  return devices;
}

inline bool IsError(int device) {
  return device < 0 && device != kAnywhere;
}

inline aml_nodeset NamedBy(const aml_binding *binding) {
  aml_nodeset devices = {};
  EXPECT_EQ(0, aml_binding_devices(binding, &devices)) << aml_error_detail();
  return devices;
}

/** The kernel policy that a binding is, if it is one. */
struct Policy {
  bool is_one;
  aml_policy policy;
  aml_nodeset devices;
};

inline Policy PolicyOf(const aml_binding *binding) {
  Policy result = {};
  result.is_one = aml_binding_policy(binding, &result.policy, &result.devices) == 0;
  return result;
}

/** Whether a binding says the same as another one, of each of some items. */
inline bool Agree(const aml_binding *one, const aml_binding *other) {
  for (const size_t count : kItemCounts)
    if (DevicesOf(one, count) != DevicesOf(other, count))
      return false;
  const aml_nodeset named[] = {NamedBy(one), NamedBy(other)};
  return aml_nodeset_is_equal(&named[0], &named[1]);
}

template <class Factory> class BindingContract : public testing::Test {
protected:
  /** Calls `check` with each of the factory's bindings. */
  static void OnEach(void (*check)(aml_binding *binding)) {
    for (size_t i = 0; i < Factory::kInstances; ++i) {
      SCOPED_TRACE(testing::Message() << "instance " << i);
      Factory factory;
      ASSERT_EQ(0, factory.Init(i)) << aml_error_detail();
      check(factory.binding);
      aml_binding_fini(factory.binding);
    }
  }
};

TYPED_TEST_SUITE_P(BindingContract);

} // namespace aml_testing

#endif
