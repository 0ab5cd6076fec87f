// SPDX-License-Identifier: BSD-3-Clause
//
// dma:sequential without memory, and where the system does not tell the size of its caches.

#include <gtest/gtest.h>

#include <cerrno>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/dma/everything_testing.h"
#include "aml/dma/sequential.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

using namespace aml_testing;

TEST(DmaSequentialSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  const aml_fault_held before = aml_fault_system_held();
  aml_dma sentinel = {};
  aml_dma *dma = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&dma] { return aml_dma_sequential_create(&dma, nullptr); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(-AML_ENOMEM, aml_error_code());
        EXPECT_STREQ("aml_dma_sequential_create: no memory for the block", aml_error_detail());
        EXPECT_EQ(&sentinel, dma);
      });
  EXPECT_EQ(1u, failures);
  ASSERT_NE(&sentinel, dma);
  aml_dma_destroy(&dma);
  ExpectHeld(before);
}

size_t StreamSize(const aml_dma *dma) {
  return reinterpret_cast<const aml_dma_sequential *>(dma)->stream_size;
}

TEST(DmaSequentialSystemFault, WithoutTheSizeOfCachesThereIsADefault) {
  for (const unsigned call : {AML_FAULT_OPEN, AML_FAULT_READ}) {
    AML_DMA_SEQUENTIAL_DECL(dma);
    aml_fault_system_arm(call | AML_FAULT_FROM_THEN_ON, 1, EIO);
    const int err = aml_dma_sequential_init(dma, nullptr);
    const aml_fault_count count = aml_fault_system_disarm();
    EXPECT_EQ(count.seen, count.failed);
    EXPECT_TRUE(count.failed == 1 || call == AML_FAULT_READ) << "where there is no file to read";
    EXPECT_EQ(0, err);
    EXPECT_EQ(size_t{16} << 20, StreamSize(dma));
    aml_dma_fini(dma);
  }
}

TEST(DmaSequentialSystemFault, OnceMadeItTakesNoMemoryAndNoThreads) {
  AML_DMA_SEQUENTIAL_DECL(dma);
  ASSERT_EQ(0, aml_dma_sequential_init(dma, nullptr));
  ExpectEverythingTakesNothing(dma);
  aml_dma_fini(dma);
}

} // namespace
