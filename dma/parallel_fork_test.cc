// SPDX-License-Identifier: BSD-3-Clause
//
// dma:parallel in a process that forks while it is used.

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <string>
#include <thread>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/fork_testing.h"
#include "aml/dma/parallel.h"
#include "aml/dma/parallel_testing.h"
#include "aml/tests/fault/system.h"

namespace {

using namespace aml_testing;

// What is wrong with a dma that a child makes, beside one of its parent.
std::string UseOwn(aml_dma_request *parents) {
  const Dma dma = Create(Threads(2));
  return Use(dma.get(), parents);
}

TEST(DmaParallelFork, AChildIsRefusedAndMakesItsOwn) {
  Create(Threads(1)).reset(); // the first maps a page that stays
  const aml_fault_held before = aml_fault_system_held();
  Dma dma = Create(Threads(2));
  AwaitSleep();
  std::deque<Transfer> queued(5);
  std::atomic<int> notified{0};
  {
    Blocker blocker(dma.get(), 2);
    aml_dma_options options = {};
    options.notify = [](aml_dma_request *, void *argument) {
      ++*static_cast<std::atomic<int> *>(argument);
    };
    options.notify_argument = &notified;
    for (Transfer &transfer : queued)
      ASSERT_EQ(0, transfer.Submit(dma.get(), &options));
    EXPECT_EQ("", InAChild([&] {
                std::string wrong = AskInVain(dma.get(), &queued[0].request);
                wrong += AskInVain(dma.get(), blocker.request());
                wrong += UseOwn(&queued[1].request);
                dma.reset();
                const aml_fault_held now = aml_fault_system_held();
                if (now.blocks != before.blocks || now.mapped_size != before.mapped_size)
                  wrong += "the child still has memory of the dma; ";
                if (notified != 0)
                  wrong += "notify was called in the child; ";
                return wrong;
              }));
  }
  for (Transfer &transfer : queued) {
    EXPECT_EQ(0, aml_dma_wait(&transfer.request));
    EXPECT_TRUE(transfer.HasHappened());
  }
  EXPECT_EQ(5, notified);
}

TEST(DmaParallelFork, WhatWasDoneBeforeIsDoneInTheChild) {
  const Dma dma = Create(Threads(1));
  Transfer done;
  ASSERT_EQ(0, done.Submit(dma.get()));
  ASSERT_EQ(0, aml_dma_barrier(dma.get()));
  AwaitSleep();
  EXPECT_EQ("", InAChild([&] {
              bool is_done = false;
              return std::string(aml_dma_wait(&done.request) == 0 && done.HasHappened() &&
                                         aml_dma_test(&done.request, &is_done) == 0 && is_done
                                     ? ""
                                     : aml_error_detail());
            }));
}

TEST(DmaParallelFork, AChildEndsADmaThatAThreadWasEnding) {
  AML_DMA_PARALLEL_DECL(dma);
  const aml_dma_parallel_options options = Threads(1);
  ASSERT_EQ(0, aml_dma_parallel_init(dma, &options));
  AwaitSleep();
  Blocker blocker(dma, 1);
  std::atomic<bool> has_begun{false};
  std::thread ender([&has_begun, dma] {
    has_begun = true;
    aml_dma_fini(dma);
  });
  while (!has_begun)
    std::this_thread::yield();
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ("", InAChild([&] {
                const std::string wrong = AskInVain(dma, blocker.request());
                aml_dma_fini(dma);
                aml_dma_fini(dma);
                return wrong;
              }));
  blocker.LetGo();
  ender.join();
}

TEST(DmaParallelFork, AChildOfThreadsInMidCallIsRefused) {
  Dma dma = Create(Threads(2));
  AwaitSleep();
  std::deque<Transfer> transfers;
  for (unsigned i = 0; i < 60; ++i)
    transfers.emplace_back(1 + i * 50, i);
  Blocker blocker(dma.get(), 1);
  Crowd crowd(dma.get(), &transfers);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ("", InAChild([&] {
                std::string wrong = AskInVain(dma.get(), blocker.request());
                wrong += UseOwn(blocker.request());
                dma.reset();
                return wrong;
              }));
  EXPECT_EQ(0u, crowd.Stop());
}

} // namespace
