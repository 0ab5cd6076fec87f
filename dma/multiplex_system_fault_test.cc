// SPDX-License-Identifier: BSD-3-Clause
//
// dma:multiplex without memory, and that it takes none once it is made.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <deque>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/dma/capable_area_testing.h"
#include "aml/dma/everything_testing.h"
#include "aml/dma/inner_testing.h"
#include "aml/dma/multiplex.h"
#include "aml/dma/probe_testing.h"
#include "aml/dma/taken_testing.h"
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

TEST(DmaMultiplexSystemFault, OnceMadeItTakesNoMemoryAndNoThreads) {
  CapableArea shared(AML_AREA_SHARED | AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE);
  const aml_dma_route routes[] = {{AML_AREA_FILE_BACKED, 0, InnerSequential::Get()},
                                  {AML_AREA_SHARED, AML_AREA_SHARED, InnerSequential::Get()},
                                  {AML_AREA_SHARED, 0, InnerParallel::Get()},
                                  {AML_AREA_HOST_WRITABLE, 0, InnerSequential::Get()}};
  AML_DMA_MULTIPLEX_DECL(dma);
  ASSERT_EQ(0, aml_dma_multiplex_init(dma, routes, 4));
  // Three, so that both tiles of a request go through all pairs.
  ExpectEverythingTakesNothing(dma, {nullptr, shared.get(), shared.get()});
  aml_dma_fini(dma);
}

// Those that no route leads to and those that a route refuses, alone and in a batch; one called off
// and one that fails; and a barrier that does.
TEST(DmaMultiplexSystemFault, WhatGoesWrongTakesNoMemoryEither) {
  enum { kRounds = 100, kBatch = 5 };
  ProbeDma probe;
  CapableArea file(AML_AREA_FILE_BACKED);
  CapableArea device(AML_AREA_DEVICE);
  const aml_dma_route route = {AML_AREA_FILE_BACKED, AML_AREA_HOST_READABLE, probe.get()};
  AML_DMA_MULTIPLEX_DECL(dma);
  ASSERT_EQ(0, aml_dma_multiplex_init(dma, &route, 1));
  Asked nowhere(64, device.get());
  Asked from_nowhere(64, file.get(), device.get());
  std::deque<Asked> asked;
  aml_dma_transfer transfers[kBatch];
  for (aml_dma_transfer &transfer : transfers) // the last ones lead nowhere
    transfer = asked.emplace_back(64, asked.size() < 3 ? file.get() : nullptr).transfer();
  aml_dma_request *const requests[] = {&asked[0].request, &asked[1].request, nullptr};
  probe.Hold(2 * kRounds, kBatch);
  probe.barrier_result = -AML_EIO;
  int right = 0;
  const Taken taken;
  for (int round = 0; round < kRounds; ++round) {
    size_t count = 0;
    size_t index = 0;
    right += nowhere.Submit(dma) == -AML_ENOTSUP;
    right += from_nowhere.Submit(dma) == -AML_ENOTSUP;
    probe.takes = kBatch;
    right += aml_dma_submit_many(dma, kBatch, transfers, &count) == -AML_ENOTSUP && count == 3;
    right += aml_dma_cancel(&asked[2].request) == 0;
    probe.Finish(-AML_EIO);
    right += aml_dma_wait_any(3, requests, &index) == 0 && index == 0;
    right += aml_dma_wait(&asked[0].request) == -AML_EIO;
    right += aml_dma_barrier(dma) == -AML_EIO && asked[1].state() == AML_DMA_DONE;
    probe.takes = 0;
    right += asked[0].Submit(dma) == -AML_EAGAIN;
    right += aml_dma_capabilities(dma) == probe.capabilities;
  }
  taken.ExpectNothing();
  EXPECT_EQ(9 * kRounds, right);
  aml_dma_fini(dma);
}

} // namespace
