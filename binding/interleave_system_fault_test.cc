// SPDX-License-Identifier: BSD-3-Clause
//
// binding:interleave without memory.

#include <gtest/gtest.h>

#include <cerrno>

#include "aml/binding/interleave.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

TEST(BindingInterleaveSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  const aml_fault_held before = aml_fault_system_held();
  const aml_nodeset devices = aml_nodeset_of(3);
  aml_binding sentinel = {};
  aml_binding *binding = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&] { return aml_binding_interleave_create(&binding, &devices); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(-AML_ENOMEM, aml_error_code());
        EXPECT_STREQ("aml_binding_interleave_create: no memory for the block", aml_error_detail());
        EXPECT_EQ(&sentinel, binding);
      });
  EXPECT_EQ(1u, failures);
  ASSERT_NE(&sentinel, binding);
  EXPECT_EQ(3, aml_binding_device_of(binding, 0, 1));
  aml_binding_destroy(&binding);
  ExpectHeld(before);
}

TEST(BindingInterleaveSystemFault, ARefusedCreateKeepsNoMemory) {
  const aml_fault_held before = aml_fault_system_held();
  const aml_nodeset none = {};
  aml_binding *binding = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_binding_interleave_create(&binding, &none));
  EXPECT_EQ(nullptr, binding);
  ExpectHeld(before);
}

TEST(BindingInterleaveSystemFault, InitNeedsNoMemory) {
  AML_BINDING_INTERLEAVE_DECL(binding);
  const aml_nodeset devices = aml_nodeset_of(3);
  aml_fault_system_arm(AML_FAULT_MEMORY | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  const int err = aml_binding_interleave_init(binding, &devices);
  aml_binding_fini(binding);
  EXPECT_EQ(0u, aml_fault_system_disarm().seen);
  EXPECT_EQ(0, err);
}

} // namespace
