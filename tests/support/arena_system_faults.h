// SPDX-License-Identifier: BSD-3-Clause
//
// arena_faults.h, where the C heap or the system under the area has no more.

#ifndef AML_TESTS_SUPPORT_ARENA_SYSTEM_FAULTS_H
#define AML_TESTS_SUPPORT_ARENA_SYSTEM_FAULTS_H

#include <gtest/gtest.h>

#include <cerrno>

#include "aml/core/error.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/support/arena_faults.h"
#include "aml/tests/support/page_area.h"

namespace aml_testing {

/** Lives through each failure to take memory; `create` makes chunks as small as they can be. */
inline void ExpectArenaSurvivesTheSystem(const CreateArenaOver &create) {
  PageArea area;
  aml_fault_held before = {};
  const size_t failures = LiveThroughEachFailure(
      [&](aml_arena **arena) { return create(area.get(), arena); }, -AML_ENOMEM,
      [&](size_t nth) {
        before = aml_fault_system_held();
        aml_fault_system_arm(AML_FAULT_MEMORY, nth, ENOMEM);
      },
      [&] {
        const size_t failed = aml_fault_system_disarm().failed;
        ExpectHeld(before);
        return failed;
      });
  EXPECT_LT(10u, failures) << "there was little to fail";
  EXPECT_EQ(0, area.live());
}

} // namespace aml_testing

#endif
