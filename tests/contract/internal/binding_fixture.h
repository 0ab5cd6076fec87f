// SPDX-License-Identifier: BSD-3-Clause
//
// The fixture of the contract suite of bindings (tests/contract/binding.h), and what it compares
// a binding's answers with.

#ifndef AML_TESTS_CONTRACT_INTERNAL_BINDING_FIXTURE_H
#define AML_TESTS_CONTRACT_INTERNAL_BINDING_FIXTURE_H

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
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

/** What a factory of the suite offers, whatever its type: tests are compiled once. */
struct BindingFactory {
  /** One factory, and the binding that it holds. */
  struct Made {
    std::shared_ptr<void> factory;
    aml_binding *binding;
    int (*init)(void *factory, size_t i);
    int Init(size_t i) const { return init(factory.get(), i); }
  };

  size_t instances;
  Made (*make)();
  int (*create)(size_t i, aml_binding **binding);
};

template <class Factory> BindingFactory AnyBindingFactory() {
  const auto make = [] {
    const auto factory = std::make_shared<Factory>();
    return BindingFactory::Made{factory, factory->binding, [](void *made, size_t i) {
                                  return static_cast<Factory *>(made)->Init(i);
                                }};
  };
  return {Factory::kInstances, make, Factory::Create};
}

/** Calls `check` with each of a factory's bindings. */
inline void OnEach(const BindingFactory &any, void (*check)(aml_binding *binding)) {
  for (size_t i = 0; i < any.instances; ++i) {
    SCOPED_TRACE(testing::Message() << "instance " << i);
    const BindingFactory::Made made = any.make();
    ASSERT_EQ(0, made.Init(i)) << aml_error_detail();
    check(made.binding);
    aml_binding_fini(made.binding);
  }
}

template <class Factory> class BindingContract : public testing::Test {};

TYPED_TEST_SUITE_P(BindingContract);

} // namespace aml_testing

#endif
