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

// Eight pages, all of them on device 6.
class BindingLocalPages : public ::testing::Test {
protected:
  static constexpr size_t kSize = 8 * DeviceArea::kPage;
  static constexpr uintptr_t kStart = 1000 * DeviceArea::kPage;

  void SetUp() override {
    area_.home = 6;
    area_.Touch(kStart, kSize);
    ASSERT_EQ(0, aml_binding_local_init(binding));
  }
  void TearDown() override { aml_binding_fini(binding); }
  static void *Pages() { return reinterpret_cast<void *>(kStart); }

  DeviceArea area_;
  AML_BINDING_LOCAL_DECL(binding);
};

TEST_F(BindingLocalPages, AreRightWhereverTheyAre) {
  static aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify(binding, area_.get(), Pages(), kSize, &report))
      << aml_error_detail();
  EXPECT_EQ(kSize, report.right_size);
  EXPECT_EQ(kSize, report.device_size[6]);
  EXPECT_EQ(0u, report.wrong_size);
}

TEST_F(BindingLocalPages, HaveThePolicyInOneCallAndStay) {
  for (const unsigned flags : {0u, unsigned{AML_AREA_BIND_MOVE | AML_AREA_BIND_STRICT}}) {
    const aml_binding_apply_options options = {flags, 0};
    ASSERT_EQ(0, aml_binding_apply(binding, area_.get(), Pages(), kSize, &options))
        << aml_error_detail();
    ASSERT_EQ(1u, area_.binds.size());
    EXPECT_EQ(AML_POLICY_LOCAL, area_.binds[0].policy);
    EXPECT_EQ(kSize, area_.binds[0].size);
    EXPECT_TRUE(aml_nodeset_is_empty(&area_.binds[0].devices));
    for (size_t page = 0; page < 8; ++page)
      EXPECT_EQ(6, area_.DeviceAt(kStart + page * DeviceArea::kPage));
    area_.binds.clear();
  }
}

TEST(BindingLocal, RefusesWhatIsNotItsOwn) {
  ExpectOwnStorageOnly("local", [](aml_binding *it) { return aml_binding_local_init(it); });
}

} // namespace
