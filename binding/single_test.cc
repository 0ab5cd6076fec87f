// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/single.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

#include "aml/binding/interleave.h"
#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

TEST(BindingSingle, EveryItemIsOnTheDevice) {
  for (const int device : {0, 3, AML_NODESET_CAPACITY - 1}) {
    AML_BINDING_SINGLE_DECL(binding);
    ASSERT_EQ(0, aml_binding_single_init(binding, device));
    for (const size_t index : {size_t{0}, size_t{17}, SIZE_MAX - 1}) {
      EXPECT_EQ(device, aml_binding_device_of(binding, index, SIZE_MAX));
      EXPECT_EQ(device, aml_binding_single_device_of(binding));
    }
    aml_binding_fini(binding);
  }
}

TEST(BindingSingle, IsOneRunAndOnePolicy) {
  AML_BINDING_SINGLE_DECL(binding);
  ASSERT_EQ(0, aml_binding_single_init(binding, 5));
  EXPECT_EQ(7u, binding->ops->run(binding, 3, 10));
  const aml_nodeset five = aml_nodeset_of(5);
  aml_nodeset devices = {};
  ASSERT_EQ(0, aml_binding_devices(binding, &devices));
  EXPECT_TRUE(aml_nodeset_is_equal(&five, &devices));
  aml_policy policy = AML_POLICY_DEFAULT;
  devices = {};
  ASSERT_EQ(0, aml_binding_policy(binding, &policy, &devices));
  EXPECT_EQ(AML_POLICY_BIND, policy);
  EXPECT_TRUE(aml_nodeset_is_equal(&five, &devices));
  aml_binding_fini(binding);
}

TEST(BindingSingle, RefusesWhatIsNoDeviceAndWhatIsNotItsOwn) {
  AML_BINDING_SINGLE_DECL(binding);
  EXPECT_EQ(-AML_EINVAL, aml_binding_single_init(binding, -1));
  EXPECT_EQ(-AML_EINVAL, aml_binding_single_init(binding, AML_NODESET_CAPACITY));
  EXPECT_STREQ("aml_binding_single_init: device is no number of a device", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_binding_single_init(nullptr, 0));
  AML_BINDING_INTERLEAVE_DECL(other);
  EXPECT_EQ(-AML_EINVAL, aml_binding_single_init(other, 0));
  EXPECT_EQ(0, aml_binding_single_init(binding, 0));
}

TEST(BindingSingle, CreateMakesOneOrNone) {
  aml_binding *binding = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_binding_single_create(nullptr, 0));
  EXPECT_EQ(-AML_EINVAL, aml_binding_single_create(&binding, -1));
  EXPECT_EQ(nullptr, binding);
  ASSERT_EQ(0, aml_binding_single_create(&binding, 2));
  EXPECT_EQ(2, aml_binding_device_of(binding, 0, 1));
  aml_binding_destroy(&binding);
  EXPECT_EQ(nullptr, binding);
}

TEST(BindingSingle, FiniLeavesStorageAsDeclared) {
  AML_BINDING_SINGLE_DECL(binding);
  aml_binding_fini(binding);
  ASSERT_EQ(0, aml_binding_single_init(binding, 9));
  aml_binding_fini(binding);
  EXPECT_EQ(0, binding_storage.device);
  EXPECT_EQ(0, aml_binding_single_init(binding, 9));
}

} // namespace
