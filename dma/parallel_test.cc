// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/parallel.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_rank.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"

namespace {

struct Destroy {
  void operator()(aml_dma *dma) const { aml_dma_destroy(&dma); }
};
using Dma = std::unique_ptr<aml_dma, Destroy>;

Dma Create(const aml_dma_parallel_options &options) {
  aml_dma *dma = nullptr;
  EXPECT_EQ(0, aml_dma_parallel_create(&dma, &options)) << aml_error_detail();
  return Dma(dma);
}

/** A copy of some bytes, and whether it has happened. */
struct Transfer {
  explicit Transfer(size_t size = 64, unsigned seed = 1) : from(size), to(size) {
    for (unsigned char &byte : from)
      byte = static_cast<unsigned char>((seed = seed * 1664525 + 1013904223) >> 24);
    dst = aml_tile_bytes(to.data(), size);
    src = aml_tile_bytes(from.data(), size);
  }
  Transfer(const Transfer &) = delete;

  int Submit(aml_dma *dma, const aml_dma_options *options = nullptr) {
    return aml_dma_submit(dma, &request, &dst, &src, options);
  }
  bool HasHappened() const { return to == from; }
  bool HasNot() const {
    return std::count(to.begin(), to.end(), 0) == static_cast<std::ptrdiff_t>(to.size());
  }

  std::vector<unsigned char> from;
  std::vector<unsigned char> to;
  aml_tile dst;
  aml_tile src;
  aml_dma_request request{};
};

/** Requests that keep the threads of a dma busy until they are let go. */
class Blocker {
public:
  Blocker(aml_dma *dma, size_t threads) : transfers_(threads) {
    options_.operation = &operation_;
    for (Transfer &transfer : transfers_)
      EXPECT_EQ(0, transfer.Submit(dma, &options_));
    while (running_ < threads)
      std::this_thread::yield();
  }
  ~Blocker() {
    LetGo();
    for (Transfer &transfer : transfers_)
      EXPECT_EQ(0, aml_dma_wait(&transfer.request));
  }
  void LetGo() { blocks_ = false; }

private:
  static int Run(void *, const void *, size_t, void *argument) {
    auto *const self = static_cast<Blocker *>(argument);
    ++self->running_;
    while (self->blocks_)
      std::this_thread::yield();
    return 0;
  }

  std::atomic<bool> blocks_{true};
  std::atomic<size_t> running_{0};
  aml_dma_operation operation_ = {Run, this, 0, 0};
  aml_dma_options options_{};
  std::deque<Transfer> transfers_;
};

aml_dma_parallel_options Threads(size_t count) {
  aml_dma_parallel_options options = {};
  options.thread_count = count;
  return options;
}

TEST(DmaParallel, OptionsThatAreNoneAreRefused) {
  const auto expect_refused = [](const char *sentence, const aml_dma_parallel_options &options) {
    AML_DMA_PARALLEL_DECL(dma);
    EXPECT_EQ(-AML_EINVAL, aml_dma_parallel_init(dma, &options));
    EXPECT_EQ(std::string("aml_dma_parallel_init: ") + sentence, aml_error_detail());
    aml_dma_fini(dma);
  };
  expect_refused("thread_count is above AML_DMA_PARALLEL_MAX_THREADS", Threads(257));
  aml_dma_parallel_options options = {};
  options.queue_size = (size_t{1} << 24) + 1;
  expect_refused("queue_size is above 16777216", options);
  options = {};
  options.cpu_count = 1;
  expect_refused("cpus is null where cpu_count is not 0, or the other way round", options);
  const int none[] = {0, -1};
  options.cpus = none;
  options.cpu_count = 2;
  expect_refused("cpus 1 is no CPU's number", options);
  const aml_cpuset empty = {};
  options.cpu_set = &empty;
  const int first[] = {0};
  options.cpus = first;
  options.cpu_count = 1;
  expect_refused("cpu_set is given, and so are cpus", options);
  options.cpus = nullptr;
  options.cpu_count = 0;
  expect_refused("cpu_set is empty", options);
  options = {};
  options.kernels = "abacus";
  AML_DMA_PARALLEL_DECL(dma);
  EXPECT_EQ(-AML_ENOTSUP, aml_dma_parallel_init(dma, &options));
  EXPECT_EQ(-AML_EINVAL, aml_dma_parallel_init(nullptr, nullptr));
}

TEST(DmaParallel, ACpuThatIsNotThereIsRefused) {
  const int far[] = {AML_CPUSET_CAPACITY - 1};
  const aml_cpuset set = aml_cpuset_of(far[0]);
  aml_dma_parallel_options options[2] = {Threads(2), Threads(2)};
  options[0].cpus = far;
  options[0].cpu_count = 1;
  options[1].cpu_set = &set;
  for (const aml_dma_parallel_options &each : options) {
    AML_DMA_PARALLEL_DECL(dma);
    EXPECT_EQ(-AML_EINVAL, aml_dma_parallel_init(dma, &each));
    EXPECT_STREQ("aml_dma_parallel_init: pthread_create: Invalid argument", aml_error_detail());
  }
}

/** Where a thread of a dma may run, and whether signals may reach it. */
struct Seen {
  aml_cpuset cpus{};
  bool takes_signals = true;
};

int Look(void *, const void *, size_t, void *argument) {
  auto *const seen = static_cast<Seen *>(argument);
  cpu_set_t cpus;
  sigset_t blocked;
  if (sched_getaffinity(0, sizeof cpus, &cpus) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(static_cast<size_t>(cpu), &cpus))
        aml_cpuset_add(&seen->cpus, cpu);
  if (pthread_sigmask(SIG_BLOCK, nullptr, &blocked) == 0)
    seen->takes_signals = sigismember(&blocked, SIGUSR1) != 1 || sigismember(&blocked, SIGINT) != 1;
  return 0;
}

Seen LookFromAThreadOf(aml_dma *dma) {
  Seen seen;
  const aml_dma_operation operation = {Look, &seen, 0, 0};
  aml_dma_options options = {};
  options.operation = &operation;
  Transfer transfer;
  EXPECT_EQ(0, transfer.Submit(dma, &options));
  bool done = false;
  while (!done) { // not wait, which would run it here
    EXPECT_EQ(0, aml_dma_test(&transfer.request, &done));
    std::this_thread::yield();
  }
  return seen;
}

struct DestroyDevices {
  void operator()(aml_devices *devices) const { aml_devices_destroy(&devices); }
};

class DmaParallelPlaced : public testing::Test {
protected:
  void SetUp() override {
    aml_devices *devices = nullptr;
    ASSERT_EQ(0, aml_devices_read(&devices, nullptr)) << aml_error_detail();
    devices_.reset(devices);
    mine_ = *aml_devices_cpus(devices);
    ASSERT_FALSE(aml_cpuset_is_empty(&mine_));
  }

  std::unique_ptr<aml_devices, DestroyDevices> devices_;
  aml_cpuset mine_{};
};

TEST_F(DmaParallelPlaced, ThreadsRunWhereTheyAreToldAndTakeNoSignals) {
  const int last = aml_cpuset_last(&mine_);
  aml_dma_parallel_options options = Threads(2);
  options.cpus = &last;
  options.cpu_count = 1;
  const Seen seen = LookFromAThreadOf(Create(options).get());
  const aml_cpuset only = aml_cpuset_of(last);
  EXPECT_TRUE(aml_cpuset_is_equal(&only, &seen.cpus));
  EXPECT_FALSE(seen.takes_signals);
}

TEST_F(DmaParallelPlaced, ThreadsRunNearADevice) {
  for (size_t i = 0; i < aml_devices_count(devices_.get()); ++i) {
    const int number = aml_devices_at(devices_.get(), i)->number;
    aml_cpuset near = {};
    if (aml_devices_nearest_cpus(devices_.get(), number, &near) != 0)
      continue;
    aml_dma_parallel_options options = Threads(1);
    options.cpu_set = &near;
    const Seen seen = LookFromAThreadOf(Create(options).get());
    EXPECT_TRUE(aml_cpuset_is_equal(&near, &seen.cpus)) << number;
  }
}

size_t CountThreads() {
  using Entries = std::filesystem::directory_iterator;
  return static_cast<size_t>(std::distance(Entries("/proc/self/task"), Entries()));
}

TEST_F(DmaParallelPlaced, ThereAreAsManyThreadsAsPlacesOrOneLessThanASetHas) {
  std::thread([] {}).join(); // with the first, thread sanitizer starts one of its own
  const size_t before = CountThreads();
  const int first = aml_cpuset_next(&mine_, -1);
  const int three[] = {first, first, first};
  aml_dma_parallel_options options = {};
  options.cpus = three;
  options.cpu_count = 3;
  const Dma placed = Create(options);
  EXPECT_EQ(before + 3, CountThreads());
  aml_cpuset five = aml_cpuset_of(first); // and four that may be none of this machine
  for (int cpu = 0; aml_cpuset_count(&five) < 5; ++cpu)
    aml_cpuset_add(&five, cpu);
  options = {};
  options.cpu_set = &five;
  const Dma near = Create(options);
  EXPECT_EQ(before + 3 + 4, CountThreads());
  const aml_cpuset one = aml_cpuset_of(first);
  options.cpu_set = &one;
  const Dma single = Create(options);
  EXPECT_EQ(before + 3 + 4 + 1, CountThreads());
}

TEST(DmaParallel, WhatNoThreadHasBegunTheOneThatWaitsRuns) {
  const Dma dma = Create(Threads(2));
  Transfer transfer;
  const Blocker blocker(dma.get(), 2);
  ASSERT_EQ(0, transfer.Submit(dma.get()));
  EXPECT_EQ(AML_DMA_PENDING, aml_dma_request_state(&transfer.request));
  EXPECT_EQ(0, aml_dma_wait(&transfer.request));
  EXPECT_TRUE(transfer.HasHappened());
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

/** How many threads of this process run or could. */
size_t AwakeThreads() {
  size_t count = 0;
  for (const auto &task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "stat");
    const std::string stat((std::istreambuf_iterator<char>(file)), {});
    const size_t end = stat.rfind(')'); // of the name; the state follows
    count += end != std::string::npos && stat[end + 2] == 'R' ? 1 : 0;
  }
  return count;
}

TEST(DmaParallel, ThreadsSleepWhileTheLastPartOfALargeCopyLasts) {
  struct Part {
    std::mutex mutex;
    std::condition_variable ends;
    bool has_begun = false;
    bool may_end = false;
    static int Run(void *, const void *, size_t, void *argument) {
      auto *const self = static_cast<Part *>(argument);
      std::unique_lock lock(self->mutex);
      if (!self->has_begun) {
        self->has_begun = true;
        self->ends.wait(lock, [self] { return self->may_end; });
      }
      return 0;
    }
  } part;
  aml_dma_parallel_options options = Threads(3);
  options.chunk_size = 4096;
  options.spin_ns = 1;
  const Dma dma = Create(options);
  const aml_dma_operation operation = {Part::Run, &part, 0, 0};
  aml_dma_options submitted = {};
  submitted.operation = &operation;
  Transfer transfer(size_t{64} * 4096);
  ASSERT_EQ(0, transfer.Submit(dma.get(), &submitted));
  size_t awake = 0;
  for (int i = 0, quiet = 0; i < 3000 && quiet < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    awake = AwakeThreads(); // this one is
    const std::lock_guard lock(part.mutex);
    quiet = part.has_begun && awake <= 1 ? quiet + 1 : 0;
  }
  EXPECT_LE(awake, 1u);
  {
    const std::lock_guard lock(part.mutex);
    part.may_end = true;
  }
  part.ends.notify_all();
  EXPECT_EQ(0, aml_dma_wait(&transfer.request));
}

TEST(DmaParallel, LargeTilesOfAllKindsAreCutExactly) {
  aml_dma_parallel_options options = Threads(3);
  options.chunk_size = 4096;
  const Dma dma = Create(options);
  constexpr size_t kSide = 515;
  std::vector<uint32_t> from(kSide * kSide);
  std::iota(from.begin(), from.end(), 0u);
  const size_t extent[] = {kSide, kSide};
  for (const aml_order order : {AML_ORDER_ROW, AML_ORDER_COLUMN})
    for (const size_t skipped : {size_t{0}, size_t{5}}) {
      std::vector<uint32_t> to(kSide * kSide, 0);
      aml_tile dst;
      aml_tile src;
      ASSERT_EQ(0, aml_tile_dense(&src, nullptr, from.data(), 4, 2, extent, order));
      ASSERT_EQ(0, aml_tile_dense(&dst, nullptr, to.data(), 4, 2, extent, AML_ORDER_ROW));
      src.extent[1] = dst.extent[1] = kSide - skipped;
      ASSERT_EQ(0, aml_dma_copy(dma.get(), &dst, &src, nullptr)) << aml_error_detail();
      for (size_t i = 0; i < kSide; ++i)
        for (size_t j = 0; j < kSide; ++j) {
          const size_t there = order == AML_ORDER_ROW ? i * kSide + j : j * kSide + i;
          ASSERT_EQ(j < kSide - skipped ? from[there] : 0, to[i * kSide + j]);
        }
    }
}

TEST(DmaParallel, AllThreadsTakePartInALargeCopy) {
  aml_dma_parallel_options options = Threads(3);
  options.chunk_size = 4096;
  options.spin_ns = 1; // so that they sleep and must be woken
  const Dma dma = Create(options);
  struct Meeting {
    std::atomic<size_t> present{0};
    static int Run(void *, const void *, size_t, void *argument) {
      auto *const self = static_cast<Meeting *>(argument);
      ++self->present;
      while (self->present < 4) // the three threads, and the one that waits
        std::this_thread::yield();
      return 0;
    }
  };
  for (int round = 0; round < 20; ++round) {
    Meeting meeting;
    const aml_dma_operation operation = {Meeting::Run, &meeting, 0, 0};
    aml_dma_options submitted = {};
    submitted.operation = &operation;
    Transfer transfer(size_t{16} * 4096);
    ASSERT_EQ(0, transfer.Submit(dma.get(), &submitted));
    EXPECT_EQ(0, aml_dma_wait(&transfer.request));
  }
}

TEST(DmaParallel, TheFirstFailureOfManyPartsReachesWait) {
  aml_dma_parallel_options options = Threads(2);
  options.chunk_size = 64;
  const Dma dma = Create(options);
  const aml_dma_operation operation = {[](void *, const void *, size_t, void *) { return 4711; },
                                       nullptr, 0, 0};
  aml_dma_options submitted = {};
  submitted.operation = &operation;
  Transfer transfer(64 * 1000);
  ASSERT_EQ(0, transfer.Submit(dma.get(), &submitted));
  EXPECT_EQ(4711, aml_dma_wait(&transfer.request));
  EXPECT_STREQ("aml_dma_wait: the operation failed", aml_error_detail());
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
