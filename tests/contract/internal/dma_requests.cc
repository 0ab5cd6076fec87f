// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/internal/dma_requests.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/tests/contract/internal/dma_fixture.h"
#include "aml/tests/contract/internal/refusal.h"

namespace aml_testing {

namespace {

/** A copy of some integers, and whether it has happened. */
struct Transfer {
  explicit Transfer(int first = 1) {
    std::iota(from.begin(), from.end(), first);
    dst = aml_tile_bytes(to.data(), to.size() * sizeof(int));
    src = aml_tile_bytes(from.data(), from.size() * sizeof(int));
  }
  Transfer(const Transfer &) = delete;

  bool HasHappened() const { return to == from; }
  bool HasNot() const { return to == std::vector<int>(to.size(), 0); }

  std::vector<int> from = std::vector<int>(100);
  std::vector<int> to = std::vector<int>(100, 0);
  aml_tile dst;
  aml_tile src;
  aml_dma_request request{};
};

int Submit(aml_dma *dma, Transfer &transfer, const aml_dma_options *options = nullptr) {
  return aml_dma_submit(dma, &transfer.request, &transfer.dst, &transfer.src, options);
}

} // namespace

void CheckARequestIsDoneOnceItWasWaitedFor(aml_dma *dma) {
  Transfer transfer;
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(0, Submit(dma, transfer)) << aml_error_detail();
    EXPECT_NE(AML_DMA_IDLE, aml_dma_request_state(&transfer.request));
    EXPECT_EQ(0, aml_dma_wait(&transfer.request));
    EXPECT_EQ(AML_DMA_DONE, aml_dma_request_state(&transfer.request));
    EXPECT_TRUE(transfer.HasHappened());
    EXPECT_EQ(0, aml_dma_wait(&transfer.request)) << "it may be waited for again";
    std::fill(transfer.to.begin(), transfer.to.end(), 0); // and be submitted again
  }
}

void CheckARequestInFlightIsNotTakenTwice(aml_dma *dma) {
  Transfer transfer;
  ASSERT_EQ(0, Submit(dma, transfer));
  const int err = Submit(dma, transfer);
  EXPECT_TRUE(err == 0 || err == -AML_EBUSY) << err;
  EXPECT_EQ(0, aml_dma_wait(&transfer.request));
  EXPECT_TRUE(transfer.HasHappened());
}

void CheckARequestThatIsRefusedStaysIdle(aml_dma *dma) {
  Transfer transfer;
  transfer.src.extent[0] = 1;
  EXPECT_EQ(-AML_EINVAL, Submit(dma, transfer));
  EXPECT_EQ(AML_DMA_IDLE, aml_dma_request_state(&transfer.request));
  transfer.src = aml_tile_bytes(transfer.to.data() + 1, transfer.dst.extent[0] - sizeof(int));
  transfer.dst.extent[0] -= sizeof(int);
  EXPECT_EQ(-AML_EINVAL, Submit(dma, transfer)) << "they overlap";
  EXPECT_EQ(AML_DMA_IDLE, aml_dma_request_state(&transfer.request));
}

void CheckTestSaysWhenARequestIsDone(aml_dma *dma) {
  Transfer transfer;
  ASSERT_EQ(0, Submit(dma, transfer));
  bool done = false;
  while (!done) {
    ASSERT_EQ(0, aml_dma_test(&transfer.request, &done));
    std::this_thread::yield();
  }
  EXPECT_TRUE(transfer.HasHappened());
  EXPECT_EQ(0, aml_dma_wait(&transfer.request));
}

void CheckNotifyIsCalledOnce(aml_dma *dma) {
  std::atomic<int> calls{0};
  aml_dma_options options = {};
  options.notify = [](aml_dma_request *, void *argument) {
    ++*static_cast<std::atomic<int> *>(argument);
  };
  options.notify_argument = &calls;
  for (int round = 1; round <= 5; ++round) {
    Transfer transfer;
    ASSERT_EQ(0, Submit(dma, transfer, &options));
    EXPECT_EQ(0, aml_dma_wait(&transfer.request));
    EXPECT_EQ(0, aml_dma_wait(&transfer.request));
    EXPECT_EQ(round, calls);
  }
}

void CheckAnEventfdCountsWhatIsDone(aml_dma *dma) {
  std::deque<Transfer> transfers(10);
  const int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  ASSERT_LE(0, descriptor);
  aml_dma_options options = {};
  options.eventfd = &descriptor;
  for (Transfer &transfer : transfers)
    ASSERT_EQ(0, Submit(dma, transfer, &options));
  const bool is_canceled = aml_dma_cancel(&transfers.back().request) == 0;
  for (Transfer &transfer : transfers)
    EXPECT_EQ(is_canceled && &transfer == &transfers.back() ? -AML_ECANCELED : 0,
              aml_dma_wait(&transfer.request));
  uint64_t sum = 0;
  pollfd event = {descriptor, POLLIN, 0};
  while (sum < transfers.size()) {
    uint64_t count;
    ASSERT_EQ(1, poll(&event, 1, 2000)) << "nothing came after " << sum;
    ASSERT_EQ(ssize_t{sizeof count}, read(descriptor, &count, sizeof count));
    sum += count;
  }
  EXPECT_EQ(transfers.size(), sum);
  EXPECT_EQ(0, poll(&event, 1, 0));
  close(descriptor);
}

void CheckOneOfManyIsWaitedFor(aml_dma *dma) {
  std::deque<Transfer> transfers(20);
  std::vector<aml_dma_request *> requests;
  for (Transfer &transfer : transfers) {
    ASSERT_EQ(0, Submit(dma, transfer));
    requests.push_back(&transfer.request);
  }
  for (size_t i = 0; i < transfers.size(); ++i) {
    size_t index;
    ASSERT_EQ(0, aml_dma_wait_any(requests.size(), requests.data(), &index)) << aml_error_detail();
    ASSERT_LT(index, requests.size());
    ASSERT_EQ(AML_DMA_DONE, aml_dma_request_state(requests[index]));
    EXPECT_TRUE(transfers[index].HasHappened());
    requests[index] = nullptr;
  }
}

void CheckWhatARequestComesAfterIsDoneBefore(aml_dma *dma) {
  std::deque<Transfer> chain(30);
  std::vector<aml_dma_request *> before(chain.size());
  std::deque<aml_dma_options> options(chain.size());
  for (size_t i = 0; i < chain.size(); ++i) {
    if (i > 0) {
      before[i] = &chain[i - 1].request;
      chain[i].src = chain[i - 1].dst;
      options[i].after = &before[i];
      options[i].after_count = 1;
    }
    ASSERT_EQ(0, Submit(dma, chain[i], &options[i])) << aml_error_detail();
  }
  for (Transfer &transfer : chain) {
    EXPECT_EQ(0, aml_dma_wait(&transfer.request));
    EXPECT_EQ(chain[0].from, transfer.to);
  }
}

void CheckWhatComesAfterAFailureIsCanceled(aml_dma *dma) {
  Transfer first;
  Transfer second;
  const aml_dma_operation failing = {[](void *, const void *, size_t, void *) { return -AML_EIO; },
                                     nullptr, 0, 0};
  aml_dma_options fails = {};
  fails.operation = &failing;
  if ((aml_dma_capabilities(dma) & AML_DMA_CAN_OPERATE) == 0)
    return;
  ASSERT_EQ(0, Submit(dma, first, &fails));
  aml_dma_request *const before[] = {&first.request};
  aml_dma_options options = {};
  options.after = before;
  options.after_count = 1;
  ASSERT_EQ(0, Submit(dma, second, &options));
  EXPECT_EQ(-AML_ECANCELED, aml_dma_wait(&second.request));
  EXPECT_TRUE(second.HasNot());
  ForgetTheLastError();
  EXPECT_EQ(-AML_EIO, aml_dma_wait(&first.request));
  EXPECT_EQ(-AML_EIO, aml_error_code()) << "wait says so in its caller's thread";
  EXPECT_EQ(0u, std::string(aml_error_detail()).rfind("aml_dma_wait: ", 0)) << aml_error_detail();
}

void CheckARefusedResubmissionKeepsTheOutcome(aml_dma *dma) {
  Transfer transfer;
  ASSERT_EQ(0, Submit(dma, transfer));
  ASSERT_EQ(0, aml_dma_wait(&transfer.request));
  transfer.src = aml_tile_bytes(transfer.to.data() + 1, transfer.dst.extent[0] - sizeof(int));
  transfer.dst.extent[0] -= sizeof(int);
  EXPECT_EQ(-AML_EINVAL, Submit(dma, transfer)) << "they overlap";
  EXPECT_EQ(AML_DMA_DONE, aml_dma_request_state(&transfer.request));
  EXPECT_EQ(0, aml_dma_wait(&transfer.request));
}

void CheckManyAreLikeOneByOne(aml_dma *dma) {
  std::deque<Transfer> transfers;
  for (int i = 0; i < 150; ++i)
    transfers.emplace_back(i);
  std::vector<aml_dma_transfer> batch;
  for (Transfer &transfer : transfers)
    batch.push_back({&transfer.request, &transfer.dst, &transfer.src, nullptr});
  size_t taken = 0;
  ASSERT_EQ(0, aml_dma_submit_many(dma, batch.size(), batch.data(), &taken)) << aml_error_detail();
  EXPECT_EQ(batch.size(), taken);
  for (Transfer &transfer : transfers) {
    EXPECT_EQ(0, aml_dma_wait(&transfer.request));
    ASSERT_TRUE(transfer.HasHappened());
  }
}

void CheckManyStopAtTheFirstThatIsRefused(aml_dma *dma) {
  std::deque<Transfer> transfers(5);
  std::vector<aml_dma_transfer> batch;
  for (Transfer &transfer : transfers)
    batch.push_back({&transfer.request, &transfer.dst, &transfer.src, nullptr});
  batch[3].src = nullptr;
  size_t taken = 77;
  EXPECT_EQ(-AML_EINVAL, aml_dma_submit_many(dma, batch.size(), batch.data(), &taken));
  EXPECT_EQ(3u, taken);
  for (size_t i = 0; i < transfers.size(); ++i) {
    if (i < 3) {
      EXPECT_EQ(0, aml_dma_wait(&transfers[i].request));
    }
    EXPECT_EQ(i < 3, transfers[i].HasHappened()) << i;
  }
}

void CheckABarrierMeansThatAllAreDone(aml_dma *dma) {
  std::deque<Transfer> transfers(50);
  for (Transfer &transfer : transfers)
    ASSERT_EQ(0, Submit(dma, transfer));
  EXPECT_EQ(0, aml_dma_barrier(dma));
  for (Transfer &transfer : transfers) {
    EXPECT_EQ(AML_DMA_DONE, aml_dma_request_state(&transfer.request));
    EXPECT_TRUE(transfer.HasHappened());
    EXPECT_EQ(0, aml_dma_wait(&transfer.request));
  }
}

void CheckCancelSaysWhetherARequestWillRun(aml_dma *dma) {
  for (int round = 0; round < 20; ++round) {
    Transfer transfer;
    ASSERT_EQ(0, Submit(dma, transfer));
    const int err = aml_dma_cancel(&transfer.request);
    if (err == 0) {
      EXPECT_EQ(-AML_ECANCELED, aml_dma_wait(&transfer.request));
      EXPECT_EQ(0, aml_dma_barrier(dma));
      EXPECT_TRUE(transfer.HasNot()) << "ran though it was canceled";
    } else {
      EXPECT_EQ(-AML_EBUSY, err);
      EXPECT_EQ(0, aml_dma_wait(&transfer.request));
      EXPECT_TRUE(transfer.HasHappened()) << "was lost, though it had begun";
    }
    EXPECT_EQ(-AML_EBUSY, aml_dma_cancel(&transfer.request)) << "it is done";
  }
}

void CheckCallsThatSucceedLeaveTheLastError(aml_dma *dma) {
  Transfer transfer;
  ForgetTheLastError();
  EXPECT_EQ(0, Submit(dma, transfer));
  EXPECT_EQ(0, aml_dma_wait(&transfer.request));
  EXPECT_EQ(0, aml_dma_copy(dma, &transfer.dst, &transfer.src, nullptr));
  EXPECT_EQ(0, aml_dma_barrier(dma));
  EXPECT_TRUE(NothingWasRecorded()) << aml_error_detail();
}

void CheckThreadsShareADmaThatIsSafe(aml_dma *dma) {
  if ((aml_dma_capabilities(dma) & AML_DMA_THREAD_SAFE) == 0)
    return;
  std::atomic<size_t> lost{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 200; ++round) {
        std::deque<Transfer> mine;
        for (int i = 0; i < 3; ++i)
          lost += Submit(dma, mine.emplace_back(1 + t * 1000 + i)) != 0;
        for (Transfer &transfer : mine)
          lost += aml_dma_wait(&transfer.request) != 0 || !transfer.HasHappened();
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0u, lost);
}

void CheckFiniWaitsForWhatIsInFlight(aml_dma *dma) {
  std::deque<Transfer> transfers(20);
  for (Transfer &transfer : transfers)
    ASSERT_EQ(0, Submit(dma, transfer));
  aml_dma_fini(dma);
  for (const Transfer &transfer : transfers) {
    EXPECT_EQ(AML_DMA_DONE, aml_dma_request_state(&transfer.request));
    EXPECT_TRUE(transfer.HasHappened());
  }
}

void CheckFiniLeavesStorageAsDeclared(DmaFactory *make) {
  const std::unique_ptr<AnyDma> made = make();
  aml_dma *const dma = made->dma();
  const aml_dma_ops *const ops = dma->ops;
  for (int round = 0; round < 3; ++round) {
    ASSERT_EQ(0, made->Init()) << aml_error_detail();
    Transfer transfer;
    EXPECT_EQ(0, aml_dma_copy(dma, &transfer.dst, &transfer.src, nullptr));
    aml_dma_fini(dma);
    aml_dma_fini(dma);
    ASSERT_EQ(ops, dma->ops);
    EXPECT_TRUE(transfer.HasHappened());
  }
  const std::unique_ptr<AnyDma> declared = make();
  aml_dma_fini(declared->dma());
  EXPECT_EQ(ops, declared->dma()->ops);
}

void CheckACreatedDmaIsLikeADeclaredOne(DmaFactory *make) {
  const std::unique_ptr<AnyDma> made = make();
  aml_dma *created = nullptr;
  ASSERT_EQ(0, made->Create(&created)) << aml_error_detail();
  EXPECT_EQ(made->dma()->ops, created->ops);
  Transfer transfer;
  EXPECT_EQ(0, aml_dma_copy(created, &transfer.dst, &transfer.src, nullptr));
  EXPECT_TRUE(transfer.HasHappened());
  aml_dma_destroy(&created);
  EXPECT_EQ(nullptr, created);
}

} // namespace aml_testing
