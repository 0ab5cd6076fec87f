// SPDX-License-Identifier: BSD-3-Clause
//
// binding:single without memory.

#include <gtest/gtest.h>

#include <cerrno>

#include "aml/binding/single.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

TEST(BindingSingleSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  const aml_fault_held before = aml_fault_system_held();
  aml_binding sentinel = {};
  aml_binding *binding = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&] { return aml_binding_single_create(&binding, 2); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(-AML_ENOMEM, aml_error_code());
        EXPECT_STREQ("aml_binding_single_create: no memory for the block", aml_error_detail());
        EXPECT_EQ(&sentinel, binding);
      });
  EXPECT_EQ(1u, failures);
  ASSERT_NE(&sentinel, binding);
  EXPECT_EQ(2, aml_binding_device_of(binding, 0, 1));
  aml_binding_destroy(&binding);
  ExpectHeld(before);
}

TEST(BindingSingleSystemFault, ARefusedCreateKeepsNoMemory) {
  const aml_fault_held before = aml_fault_system_held();
  aml_binding *binding = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_binding_single_create(&binding, -1));
  EXPECT_EQ(nullptr, binding);
  ExpectHeld(before);
}

TEST(BindingSingleSystemFault, InitNeedsNoMemory) {
  AML_BINDING_SINGLE_DECL(binding);
  aml_fault_system_arm(AML_FAULT_MEMORY | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  const int err = aml_binding_single_init(binding, 2);
  aml_binding_fini(binding);
  EXPECT_EQ(0u, aml_fault_system_disarm().seen);
  EXPECT_EQ(0, err);
}

} // namespace
