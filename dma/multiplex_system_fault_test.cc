// SPDX-License-Identifier: BSD-3-Clause
//
// dma:multiplex without memory.

#include <gtest/gtest.h>

#include <cerrno>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/dma/multiplex.h"
#include "aml/dma/probe_testing.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

using namespace aml_testing;

TEST(DmaMultiplexSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  ProbeDma probe;
  const aml_dma_route route = {0, 0, probe.get()};
  const aml_fault_held before = aml_fault_system_held();
  aml_dma sentinel = {};
  aml_dma *dma = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&] { return aml_dma_multiplex_create(&dma, &route, 1); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_STREQ("aml_dma_multiplex_create: no memory for the block", aml_error_detail());
        EXPECT_EQ(&sentinel, dma);
      });
  EXPECT_EQ(1u, failures);
  ASSERT_NE(&sentinel, dma);
  Asked asked;
  EXPECT_EQ(0, asked.Submit(dma));
  aml_dma_destroy(&dma);
  ExpectHeld(before);
}

} // namespace
