// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/local.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "aml/binding/mapping_testing.h"
#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/support/device_area.h"

namespace {

using namespace aml_testing;

TEST(BindingLocal, EveryItemMayBeAnywhere) {
  AML_BINDING_LOCAL_DECL(binding);
  ASSERT_EQ(0, aml_binding_local_init(binding));
  ExpectMapping(
      binding, 20, [](size_t) { return -AML_ENOENT; },
      [&](size_t) { return aml_binding_local_device_of(binding); });
  EXPECT_EQ(-AML_ENOENT, aml_binding_device_of(binding, SIZE_MAX - 1, SIZE_MAX));
  EXPECT_EQ(7u, binding->ops->run(binding, 3, 10));
  const aml_nodeset named = NamedBy(binding);
  EXPECT_TRUE(aml_nodeset_is_empty(&named));
  aml_binding_fini(binding);
}

TEST(BindingLocal, IsThePolicyOfItsName) {
  AML_BINDING_LOCAL_DECL(binding);
  ASSERT_EQ(0, aml_binding_local_init(binding));
  aml_policy policy = AML_POLICY_DEFAULT;
  aml_nodeset devices = Set("4");
  ASSERT_EQ(0, aml_binding_policy(binding, &policy, &devices));
  EXPECT_EQ(AML_POLICY_LOCAL, policy);
  EXPECT_TRUE(aml_nodeset_is_empty(&devices));
  aml_binding_fini(binding);
}

TEST(BindingLocal, PagesAreRightWhereverTheyAre) {
  constexpr size_t kSize = 8 * DeviceArea::kPage;
  constexpr uintptr_t kStart = 1000 * DeviceArea::kPage;
  DeviceArea area;
  area.home = 6;
  area.Touch(kStart, kSize);
  AML_BINDING_LOCAL_DECL(binding);
  ASSERT_EQ(0, aml_binding_local_init(binding));
  static aml_binding_report report;
  ASSERT_EQ(
      0, aml_binding_verify(binding, area.get(), reinterpret_cast<void *>(kStart), kSize, &report))
      << aml_error_detail();
  EXPECT_EQ(kSize, report.right_size);
  EXPECT_EQ(kSize, report.device_size[6]);
  EXPECT_EQ(0u, report.wrong_size);
  aml_binding_fini(binding);
}

TEST(BindingLocal, RefusesWhatIsNotItsOwn) {
  ExpectOwnStorageOnly("local", [](aml_binding *it) { return aml_binding_local_init(it); });
}

} // namespace
