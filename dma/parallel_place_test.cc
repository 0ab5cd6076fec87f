// SPDX-License-Identifier: BSD-3-Clause
//
// How many threads a dma has, and where they run.

#include "aml/dma/parallel.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>

#include <cstddef>
#include <string>
#include <vector>

#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_rank.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/parallel_testing.h"
#include "aml/dma/threads_testing.h"

namespace {

using namespace aml_testing;

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

} // namespace
