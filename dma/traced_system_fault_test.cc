// SPDX-License-Identifier: BSD-3-Clause
//
// dma:traced without memory: at init, and afterwards, when it needs none.

#include <gtest/gtest.h>

#include <cerrno>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/dma/probe_testing.h"
#include "aml/dma/traced.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

using namespace aml_testing;

TEST(DmaTracedSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  ProbeDma probe;
  const aml_fault_held before = aml_fault_system_held();
  aml_dma sentinel = {};
  aml_dma *dma = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&] { return aml_dma_traced_create(&dma, probe.get(), nullptr); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(-AML_ENOMEM, aml_error_code());
        EXPECT_EQ(&sentinel, dma);
      });
  EXPECT_EQ(2u, failures) << "of the block, and of the account";
  ASSERT_NE(&sentinel, dma);
  aml_dma_destroy(&dma);
  ExpectHeld(before);
}

TEST(DmaTracedSystemFault, InitWithoutMemoryLeavesStorageAsDeclared) {
  ProbeDma probe;
  AML_DMA_TRACED_DECL(dma);
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&] { return aml_dma_traced_init(dma, probe.get(), nullptr); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_STREQ("aml_dma_traced_init: no memory for the account", aml_error_detail());
        EXPECT_EQ(0u, aml_dma_capabilities(dma));
        aml_dma_fini(dma);
      });
  EXPECT_EQ(1u, failures);
  Asked asked;
  aml_fault_system_arm(AML_FAULT_MEMORY, 0, ENOMEM);
  const int err = asked.Submit(dma);
  const size_t seen = aml_fault_system_disarm().seen;
  EXPECT_EQ(0, err);
  EXPECT_EQ(0u, seen) << "a request takes no memory";
  aml_dma_fini(dma);
}

} // namespace
