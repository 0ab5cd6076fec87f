// SPDX-License-Identifier: BSD-3-Clause
//
// dma:traced without memory: at init, and afterwards, when it needs none.

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/dma/everything_testing.h"
#include "aml/dma/inner_testing.h"
#include "aml/dma/probe_testing.h"
#include "aml/dma/taken_testing.h"
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
  aml_dma_fini(dma);
}

/** Counts what it is told, from any thread. */
void Hook(const aml_dma_trace *trace, void *context) {
  *static_cast<std::atomic<uint64_t> *>(context) += trace->size;
}

// With records for all requests, and with some that others are in flight without.
TEST(DmaTracedSystemFault, OnceMadeItTakesNoMemoryAndNoThreads) {
  for (aml_dma *inner : {InnerSequential::Get(), InnerParallel::Get()})
    for (const size_t in_flight : {3, 1000}) {
      std::atomic<uint64_t> size{0};
      aml_dma_traced_options options = {Hook, &size, in_flight};
      AML_DMA_TRACED_DECL(dma);
      ASSERT_EQ(0, aml_dma_traced_init(dma, inner, &options));
      ExpectEverythingTakesNothing(dma);
      aml_dma_traced_stats stats = {};
      const Taken taken;
      const int err = aml_dma_traced_get_stats(dma, &stats);
      const uint64_t median = aml_dma_traced_quantile(&stats, 0.5);
      const int refused = aml_dma_traced_get_stats(inner, &stats);
      taken.ExpectNothing();
      EXPECT_EQ(0, err);
      EXPECT_EQ(-AML_EINVAL, refused);
      EXPECT_LT(0u, median);
      EXPECT_LE(stats.size, size);
      EXPECT_EQ(in_flight == 3, stats.unseen > 0) << stats.unseen;
      EXPECT_LT(0u, stats.failed);
      EXPECT_LT(0u, stats.canceled);
      aml_dma_fini(dma);
    }
}

// Batches of which some have records, all are refused or some are; those called off and that fail.
TEST(DmaTracedSystemFault, WhatIsNotDoneTakesNoMemoryEither) {
  enum { kRounds = 100, kBatch = 5 };
  ProbeDma probe;
  aml_dma_traced_options options = {};
  options.in_flight = 3;
  AML_DMA_TRACED_DECL(dma);
  ASSERT_EQ(0, aml_dma_traced_init(dma, probe.get(), &options));
  Batch batch(kBatch, 64);
  probe.Hold(3 * kRounds, kBatch);
  int right = 0;
  const Taken taken;
  for (int round = 0; round < kRounds; ++round) {
    right += batch.GoWrong(dma, probe);
    right += batch.first().Submit(dma) == -AML_EAGAIN;
    right += aml_dma_capabilities(dma) == probe.capabilities;
  }
  taken.ExpectNothing();
  EXPECT_EQ((Batch::kAnswers + 2) * kRounds, right);
  aml_dma_traced_stats stats = {};
  EXPECT_EQ(0, aml_dma_traced_get_stats(dma, &stats));
  EXPECT_EQ(uint64_t{2 * kRounds}, stats.unseen);
  EXPECT_EQ(uint64_t{2 * kRounds}, stats.refused);
  EXPECT_EQ(uint64_t{kRounds}, stats.failed);
  EXPECT_EQ(uint64_t{kRounds}, stats.canceled);
  aml_dma_fini(dma);
}

} // namespace
