// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/parallel_testing.h"

namespace {

using namespace aml_testing;

TEST(DmaParallel, WhatNoThreadHasBegunTheOneThatWaitsRuns) {
  const Dma dma = Create(Threads(2));
  Transfer transfer;
  const Blocker blocker(dma.get(), 2);
  ASSERT_EQ(0, transfer.Submit(dma.get()));
  EXPECT_EQ(AML_DMA_PENDING, aml_dma_request_state(&transfer.request));
  EXPECT_EQ(0, aml_dma_wait(&transfer.request));
  EXPECT_TRUE(transfer.HasHappened());
}

TEST(DmaParallel, WhoWaitsForAnotherLeavesALargeCopyToThreads) {
  const Dma dma = Create(Threads(1));
  Blocker blocker(dma.get(), 1);
  Transfer large(size_t{4} << 20);
  ASSERT_EQ(0, large.Submit(dma.get()));
  std::thread waiting([&] { EXPECT_EQ(0, aml_dma_wait(blocker.request())); });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(AML_DMA_PENDING, aml_dma_request_state(&large.request))
      << "it would wait for all of that";
  blocker.LetGo();
  waiting.join();
  EXPECT_EQ(0, aml_dma_wait(&large.request));
  EXPECT_TRUE(large.HasHappened());
}

TEST(DmaParallel, ABarrierBeginsLargeCopiesThatItWaitsFor) {
  const Dma dma = Create(Threads(1));
  Blocker blocker(dma.get(), 1);
  Transfer large(size_t{4} << 20);
  ASSERT_EQ(0, large.Submit(dma.get()));
  std::thread barrier([&] { EXPECT_EQ(0, aml_dma_barrier(dma.get())); });
  const auto is_done = [&] { return aml_dma_request_state(&large.request) == AML_DMA_DONE; };
  for (int i = 0; i < 10000 && !is_done(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(is_done()) << "though the thread is busy";
  blocker.LetGo();
  barrier.join();
  EXPECT_TRUE(large.HasHappened());
}

TEST(DmaParallel, WhatNoThreadHasBegunCanBeCalledOff) {
  const Dma dma = Create(Threads(1));
  Transfer transfer;
  {
    const Blocker blocker(dma.get(), 1);
    ASSERT_EQ(0, transfer.Submit(dma.get()));
    EXPECT_EQ(0, aml_dma_cancel(&transfer.request));
    EXPECT_EQ(-AML_ECANCELED, aml_dma_wait(&transfer.request));
    EXPECT_EQ(-AML_EBUSY, aml_dma_cancel(&transfer.request)) << "it is done";
  }
  EXPECT_TRUE(transfer.HasNot());
  ASSERT_EQ(0, transfer.Submit(dma.get())) << aml_error_detail();
  EXPECT_EQ(0, aml_dma_wait(&transfer.request));
  EXPECT_TRUE(transfer.HasHappened());
}

TEST(DmaParallel, AFullQueueSaysSoOrIsWorkedOn) {
  aml_dma_parallel_options options = Threads(1);
  options.queue_size = 16;
  const Dma dma = Create(options);
  std::deque<Transfer> transfers(40);
  const Blocker blocker(dma.get(), 1);
  aml_dma_options tries = {};
  tries.flags = AML_DMA_TRY;
  size_t taken = 0;
  while (transfers[taken].Submit(dma.get(), &tries) == 0)
    ++taken;
  EXPECT_EQ(16u, taken);
  EXPECT_EQ(-AML_EAGAIN, aml_error_code());
  EXPECT_STREQ("aml_dma_submit: dma has a full queue", aml_error_detail());
  EXPECT_EQ(AML_DMA_IDLE, aml_dma_request_state(&transfers[taken].request));
  for (size_t i = taken; i < transfers.size(); ++i)
    ASSERT_EQ(0, transfers[i].Submit(dma.get())) << "it makes room by itself";
  for (Transfer &transfer : transfers) {
    EXPECT_EQ(0, aml_dma_wait(&transfer.request));
    EXPECT_TRUE(transfer.HasHappened());
  }
}

TEST(DmaParallel, ASmallCopyPassesByTheQueue) {
  aml_dma_parallel_options options = Threads(1);
  options.queue_size = 16;
  const Dma dma = Create(options);
  std::deque<Transfer> transfers(17);
  Blocker blocker(dma.get(), 1);
  aml_dma_options tries = {};
  tries.flags = AML_DMA_TRY;
  size_t taken = 0;
  while (transfers[taken].Submit(dma.get(), &tries) == 0)
    ++taken;
  Transfer small;
  EXPECT_EQ(0, aml_dma_copy(dma.get(), &small.dst, &small.src, &tries)) << aml_error_detail();
  EXPECT_TRUE(small.HasHappened());
  const aml_tile shifted = aml_tile_bytes(small.to.data() + 1, small.to.size() - 1);
  const aml_tile shorter = aml_tile_bytes(small.to.data(), small.to.size() - 1);
  EXPECT_EQ(-AML_EINVAL, aml_dma_copy(dma.get(), &shifted, &shorter, &tries));
  EXPECT_STREQ("aml_dma_submit: dst overlaps src without being the same tile", aml_error_detail());
  int told = 0;
  tries.notify = [](aml_dma_request *, void *argument) { ++*static_cast<int *>(argument); };
  tries.notify_argument = &told;
  EXPECT_EQ(-AML_EAGAIN, aml_dma_copy(dma.get(), &small.dst, &small.src, &tries))
      << "others may hear of it, so that a barrier must know it";
  EXPECT_EQ(0, told);
  tries = {};
  tries.flags = AML_DMA_TRY;
  aml_dma_request *const before[] = {blocker.request()};
  tries.after = before;
  tries.after_count = 1;
  EXPECT_EQ(-AML_EAGAIN, aml_dma_copy(dma.get(), &small.dst, &small.src, &tries))
      << "what it comes after is not done";
  blocker.LetGo();
  for (size_t i = 0; i < taken; ++i)
    EXPECT_EQ(0, aml_dma_wait(&transfers[i].request));
}

TEST(DmaParallel, ManyAreWaitedForInAnyOrder) {
  aml_dma_parallel_options options = Threads(2);
  options.queue_size = 4096;
  const Dma dma = Create(options);
  std::deque<Transfer> transfers;
  for (unsigned i = 0; i < 4000; ++i)
    transfers.emplace_back(size_t{32}, i);
  std::vector<Transfer *> order;
  for (Transfer &transfer : transfers) {
    ASSERT_EQ(0, transfer.Submit(dma.get()));
    order.push_back(&transfer);
  }
  std::shuffle(order.begin(), order.end(), std::mt19937(3));
  for (Transfer *transfer : order) {
    EXPECT_EQ(0, aml_dma_wait(&transfer->request));
    EXPECT_TRUE(transfer->HasHappened());
  }
}

TEST(DmaParallel, AfterABarrierWaitingForEachIsStillRight) {
  const Dma dma = Create(Threads(2));
  std::deque<Transfer> transfers(500);
  for (Transfer &transfer : transfers)
    ASSERT_EQ(0, transfer.Submit(dma.get()));
  ASSERT_EQ(0, aml_dma_barrier(dma.get()));
  for (Transfer &transfer : transfers) {
    EXPECT_EQ(AML_DMA_DONE, aml_dma_request_state(&transfer.request));
    EXPECT_TRUE(transfer.HasHappened());
    EXPECT_EQ(0, aml_dma_wait(&transfer.request));
  }
}

/** Transfers of which each but the first comes after, and goes on from, the one before. */
struct Chain {
  explicit Chain(size_t length) : links(length), before(length), options(length) {
    for (size_t i = 1; i < length; ++i) {
      before[i] = &links[i - 1].request;
      links[i].src = links[i - 1].dst;
      options[i].after = &before[i];
      options[i].after_count = 1;
    }
  }

  std::deque<Transfer> links;
  std::vector<aml_dma_request *> before;
  std::vector<aml_dma_options> options;
};

TEST(DmaParallel, AChainIsWaitedForFromItsEnd) {
  const Dma dma = Create(Threads(1));
  constexpr size_t kLength = 900;
  Chain chain(kLength);
  for (size_t i = 0; i < kLength; ++i)
    ASSERT_EQ(0, chain.links[i].Submit(dma.get(), &chain.options[i]));
  for (size_t i = kLength; i-- > 0;) {
    EXPECT_EQ(0, aml_dma_wait(&chain.links[i].request));
    EXPECT_EQ(chain.links[0].from, chain.links[i].to);
  }
}

TEST(DmaParallel, ABatchOfAChainGoesThroughASmallQueueWhoseThreadSleeps) {
  aml_dma_parallel_options made = Threads(1);
  made.queue_size = 16;
  made.spin_ns = 1;
  const Dma dma = Create(made);
  constexpr size_t kLength = 50;
  Chain chain(kLength);
  std::vector<aml_dma_transfer> transfers;
  for (size_t i = 0; i < kLength; ++i) {
    Transfer &link = chain.links[i];
    transfers.push_back({&link.request, &link.dst, &link.src, &chain.options[i]});
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(20)); // until it does
  ASSERT_EQ(0, aml_dma_submit_many(dma.get(), kLength, transfers.data(), nullptr));
  EXPECT_EQ(0, aml_dma_wait(&chain.links[kLength - 1].request));
  EXPECT_EQ(chain.links[0].from, chain.links[kLength - 1].to);
}

// Fairness: no submitter's request passes another's, however many one of them has submitted.
TEST(DmaParallel, RequestsOfAllSubmittersAreBegunInTheOrderOfTheirSubmission) {
  struct Begun {
    int submitter;
    std::vector<int> *log;
    aml_dma_operation operation;
    aml_dma_options options;
    Transfer transfer;
  };
  const std::vector<int> submitters = {0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 1, 0, 0, 2, 1};
  const Dma dma = Create(Threads(1));
  std::vector<int> log; // by the one thread that the dma has
  std::deque<Begun> requests;
  Blocker blocker(dma.get(), 1);
  for (const int submitter : submitters) {
    Begun &it = requests.emplace_back();
    it.submitter = submitter;
    it.log = &log;
    it.operation = {[](void *, const void *, size_t, void *argument) {
                      auto *const self = static_cast<Begun *>(argument);
                      self->log->push_back(self->submitter);
                      return 0;
                    },
                    &it, 0, 0};
    it.options.operation = &it.operation;
    std::thread([&] { EXPECT_EQ(0, it.transfer.Submit(dma.get(), &it.options)); }).join();
  }
  blocker.LetGo();
  while (aml_dma_request_state(&requests.back().transfer.request) != AML_DMA_DONE)
    std::this_thread::yield();
  for (Begun &it : requests)
    EXPECT_EQ(0, aml_dma_wait(&it.transfer.request));
  EXPECT_EQ(submitters, log);
}

// It would wait for room that perhaps only its own thread can make.
TEST(DmaParallel, SubmitWithinNotifyOrAnOperationDoesNotWaitForRoom) {
  constexpr size_t kQueue = 16;
  struct Submitter {
    aml_dma *dma;
    std::deque<Transfer> transfers{2 * kQueue};
    size_t taken = 0;
    int refused = 0;
    void SubmitAll() {
      while (taken < transfers.size() && refused == 0) {
        refused = transfers[taken].Submit(dma);
        taken += refused == 0 ? 1 : 0;
      }
    }
  };
  aml_dma_parallel_options options = Threads(1);
  options.queue_size = kQueue;
  const Dma dma = Create(options);
  for (const bool is_operation : {false, true}) {
    Submitter submitter{dma.get()};
    Transfer transfer;
    const aml_dma_operation operation = {[](void *, const void *, size_t, void *argument) {
                                           static_cast<Submitter *>(argument)->SubmitAll();
                                           return 0;
                                         },
                                         &submitter, 0, 0};
    aml_dma_options submitted = {};
    submitted.operation = is_operation ? &operation : nullptr;
    submitted.notify_argument = &submitter;
    submitted.notify = [](aml_dma_request *, void *argument) {
      static_cast<Submitter *>(argument)->SubmitAll();
    };
    {
      Blocker blocker(dma.get(), 1);
      ASSERT_EQ(0, transfer.Submit(dma.get(), &submitted));
      EXPECT_EQ(0, aml_dma_wait(&transfer.request)); // runs it here
    }
    EXPECT_EQ(-AML_EAGAIN, submitter.refused);
    EXPECT_EQ(kQueue, submitter.taken);
    for (size_t i = 0; i < submitter.taken; ++i)
      EXPECT_EQ(0, aml_dma_wait(&submitter.transfers[i].request));
  }
}

TEST(DmaParallel, ABarrierEndsThoughOthersGoOnSubmitting) {
  aml_dma_parallel_options options = Threads(1);
  options.queue_size = 16;
  const Dma dma = Create(options);
  const aml_dma_operation operation = {[](void *, const void *, size_t, void *) {
                                         std::this_thread::sleep_for(std::chrono::milliseconds(1));
                                         return 0;
                                       },
                                       nullptr, 0, 0};
  std::atomic<bool> ends{false};
  std::vector<std::thread> submitters;
  for (int i = 0; i < 40; ++i)
    submitters.emplace_back([&] {
      aml_dma_options submitted = {};
      submitted.operation = &operation;
      Transfer transfer;
      while (!ends) {
        EXPECT_EQ(0, transfer.Submit(dma.get(), &submitted));
        EXPECT_EQ(0, aml_dma_wait(&transfer.request));
      }
    });
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(0, aml_dma_barrier(dma.get()));
  ends = true;
  for (std::thread &submitter : submitters)
    submitter.join();
}

TEST(DmaParallel, ARequestMayComeAfterThatOfAnotherDma) {
  const Dma first = Create(Threads(1));
  const Dma second = Create(Threads(1));
  Transfer one(64, 7);
  Transfer two;
  two.src = one.dst;
  aml_dma_request *const before[] = {&one.request};
  aml_dma_options options = {};
  options.after = before;
  options.after_count = 1;
  {
    const Blocker blocker(first.get(), 1);
    ASSERT_EQ(0, one.Submit(first.get()));
    ASSERT_EQ(0, two.Submit(second.get(), &options));
  }
  EXPECT_EQ(0, aml_dma_wait(&two.request));
  EXPECT_EQ(one.from, two.to);
}

// A dma over this one may lend it options that end with notify. The sanitizers see who looks at
// them longer.
TEST(DmaParallel, WhoWaitsDoesNotLookAtOptions) {
  const Dma dma = Create(Threads(1));
  static const aml_dma_options none = {};
  for (int round = 0; round < 100; ++round) {
    std::atomic<bool> blocks{true};
    const aml_dma_operation blocking = {[](void *, const void *, size_t, void *argument) {
                                          while (*static_cast<std::atomic<bool> *>(argument))
                                            std::this_thread::yield();
                                          return 0;
                                        },
                                        &blocks, 0, 0};
    aml_dma_options slow = {};
    slow.operation = &blocking;
    Transfer one;
    Transfer two;
    aml_dma_request *const before[] = {&one.request};
    auto lent = std::make_unique<aml_dma_options>();
    lent->after = before;
    lent->after_count = 1;
    lent->notify = [](aml_dma_request *request, void *argument) {
      request->options = &none;
      static_cast<std::unique_ptr<aml_dma_options> *>(argument)->reset();
    };
    lent->notify_argument = &lent;
    ASSERT_EQ(0, one.Submit(dma.get(), &slow));
    ASSERT_EQ(0, two.Submit(dma.get(), lent.get()));
    while (aml_dma_request_state(&one.request) != AML_DMA_RUNNING)
      std::this_thread::yield();
    blocks = false;
    EXPECT_EQ(0, aml_dma_wait(&two.request));
    EXPECT_EQ(nullptr, lent);
    EXPECT_TRUE(two.HasHappened());
  }
}

} // namespace
