// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/interleave.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "aml/binding/single.h"
#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

aml_nodeset Set(const char *text) {
  aml_nodeset set = {};
  EXPECT_EQ(0, aml_nodeset_parse(text, &set));
  return set;
}

TEST(BindingInterleave, GoesRoundTheDevicesInAscendingOrder) {
  for (const char *const text : {"0", "7", "0-1", "3,1,900", "0-1023", "0,64,128,1023"}) {
    const aml_nodeset set = Set(text);
    const size_t count = aml_nodeset_count(&set);
    AML_BINDING_INTERLEAVE_DECL(binding);
    ASSERT_EQ(0, aml_binding_interleave_init(binding, &set));
    for (size_t index = 0; index < 3 * count; ++index) {
      const int device = aml_nodeset_at(&set, index % count);
      ASSERT_EQ(device, aml_binding_device_of(binding, index, SIZE_MAX));
      ASSERT_EQ(device, aml_binding_interleave_device_of(binding, index));
    }
    const size_t last = SIZE_MAX - 1;
    EXPECT_EQ(aml_nodeset_at(&set, last % count), aml_binding_device_of(binding, last, SIZE_MAX));
    aml_binding_fini(binding);
  }
}

TEST(BindingInterleave, IsThePolicyOfItsName) {
  const aml_nodeset set = Set("1-2,40");
  AML_BINDING_INTERLEAVE_DECL(binding);
  ASSERT_EQ(0, aml_binding_interleave_init(binding, &set));
  aml_policy policy = AML_POLICY_DEFAULT;
  aml_nodeset devices = {};
  ASSERT_EQ(0, aml_binding_policy(binding, &policy, &devices));
  EXPECT_EQ(AML_POLICY_INTERLEAVE, policy);
  EXPECT_TRUE(aml_nodeset_is_equal(&set, &devices));
  devices = aml_nodeset_of(9);
  ASSERT_EQ(0, aml_binding_devices(binding, &devices));
  EXPECT_TRUE(aml_nodeset_is_equal(&set, &devices));
  EXPECT_EQ(1u, binding->ops->run(binding, 3, 10));
  aml_binding_fini(binding);
}

TEST(BindingInterleave, OneDeviceIsOneRun) {
  const aml_nodeset set = Set("6");
  AML_BINDING_INTERLEAVE_DECL(binding);
  ASSERT_EQ(0, aml_binding_interleave_init(binding, &set));
  EXPECT_EQ(7u, binding->ops->run(binding, 3, 10));
  aml_binding_fini(binding);
}

TEST(BindingInterleave, RefusesAnEmptySetAndWhatIsNotItsOwn) {
  const aml_nodeset empty = {};
  const aml_nodeset set = Set("0");
  AML_BINDING_INTERLEAVE_DECL(binding);
  EXPECT_EQ(-AML_EINVAL, aml_binding_interleave_init(binding, &empty));
  EXPECT_STREQ("aml_binding_interleave_init: devices is null or empty", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_binding_interleave_init(binding, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_binding_interleave_init(nullptr, &set));
  AML_BINDING_SINGLE_DECL(other);
  EXPECT_EQ(-AML_EINVAL, aml_binding_interleave_init(other, &set));
  EXPECT_EQ(0u, binding_storage.count);
  EXPECT_EQ(0, aml_binding_interleave_init(binding, &set));
}

TEST(BindingInterleave, CreateMakesOneOrNone) {
  const aml_nodeset empty = {};
  const aml_nodeset set = Set("2,4");
  aml_binding *binding = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_binding_interleave_create(nullptr, &set));
  EXPECT_EQ(-AML_EINVAL, aml_binding_interleave_create(&binding, &empty));
  EXPECT_EQ(nullptr, binding);
  ASSERT_EQ(0, aml_binding_interleave_create(&binding, &set));
  EXPECT_EQ(4, aml_binding_device_of(binding, 1, 2));
  aml_binding_destroy(&binding);
  EXPECT_EQ(nullptr, binding);
}

TEST(BindingInterleave, FiniLeavesStorageAsDeclared) {
  const aml_nodeset set = Set("5-9");
  AML_BINDING_INTERLEAVE_DECL(binding);
  aml_binding_fini(binding);
  ASSERT_EQ(0, aml_binding_interleave_init(binding, &set));
  aml_binding_fini(binding);
  EXPECT_EQ(0u, binding_storage.count);
  for (const uint16_t device : binding_storage.devices)
    EXPECT_EQ(0, device);
  EXPECT_EQ(0, aml_binding_interleave_init(binding, &set));
}

TEST(BindingInterleave, ADeclaredOneSaysThatItWasNotInitialised) {
  AML_BINDING_INTERLEAVE_DECL(binding);
  EXPECT_EQ(-AML_EINVAL, aml_binding_device_of(binding, 0, 1));
  EXPECT_STREQ("aml_binding_device_of: binding was not initialised", aml_error_detail());
}

} // namespace
