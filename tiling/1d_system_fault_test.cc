// SPDX-License-Identifier: BSD-3-Clause
//
// tiling:1d without memory.

#include <gtest/gtest.h>

#include <cerrno>

#include "aml/core/error.h"
#include "aml/core/tiling.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tiling/1d.h"

namespace {

TEST(Tiling1dSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  const aml_fault_held before = aml_fault_system_held();
  aml_tiling sentinel = {};
  aml_tiling *tiling = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM,
      [&tiling] { return aml_tiling_1d_create(&tiling, 10, sizeof(int), 4); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(-AML_ENOMEM, aml_error_code());
        EXPECT_STREQ("aml_tiling_1d_create: no memory for the block", aml_error_detail());
        EXPECT_EQ(&sentinel, tiling);
      });
  EXPECT_EQ(1u, failures);
  ASSERT_NE(&sentinel, tiling);
  EXPECT_EQ(3u, aml_tiling_count(tiling));
  aml_tiling_destroy(&tiling);
  ExpectHeld(before);
}

TEST(Tiling1dSystemFault, ARefusedCreateKeepsNoMemory) {
  const aml_fault_held before = aml_fault_system_held();
  aml_tiling *tiling = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_tiling_1d_create(&tiling, 0, sizeof(int), 4));
  EXPECT_EQ(nullptr, tiling);
  ExpectHeld(before);
}

TEST(Tiling1dSystemFault, InitNeedsNoMemory) {
  AML_TILING_1D_DECL(tiling);
  aml_fault_system_arm(AML_FAULT_MEMORY | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  const int err = aml_tiling_1d_init(tiling, 10, sizeof(int), 4);
  aml_tiling_fini(tiling);
  EXPECT_EQ(0u, aml_fault_system_disarm().seen);
  EXPECT_EQ(0, err);
}

} // namespace
