// SPDX-License-Identifier: BSD-3-Clause
//
// dma:parallel without memory or threads, and how much of both it takes once it is made.

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <thread>

#include "aml/core/cpuset.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/everything_testing.h"
#include "aml/dma/parallel.h"
#include "aml/dma/threads_testing.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

/** How many threads are given their place before there is no memory for that. */
int spared_places = 0;

} // namespace

// The name that the linker's --wrap asks for; only calls of AML come by here.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" int __wrap_pthread_attr_setaffinity_np(pthread_attr_t *, size_t, const cpu_set_t *) {
  return spared_places-- > 0 ? 0 : ENOMEM;
}

namespace {

using namespace aml_testing;

TEST(DmaParallelSystemFault, CreateWithoutMemoryOrThreadsLeavesNothing) {
  aml_dma_parallel_options options = {};
  options.thread_count = 3;
  std::thread([] {}).join(); // with the first, thread sanitizer starts one of its own
  const size_t threads = CountThreads();
  for (const unsigned calls : {unsigned{AML_FAULT_HEAP}, unsigned{AML_FAULT_PTHREAD_CREATE}}) {
    const bool is_memory = calls == AML_FAULT_HEAP;
    aml_dma *dma = nullptr;
    const size_t failures = EachFailure(
        calls, is_memory ? ENOMEM : EAGAIN, [&] { return aml_dma_parallel_create(&dma, &options); },
        [&](int err) {
          EXPECT_EQ(is_memory ? -AML_ENOMEM : -AML_EAGAIN, err) << aml_error_detail();
          EXPECT_EQ(nullptr, dma);
          EXPECT_TRUE(HasThreads(threads));
        });
    EXPECT_EQ(is_memory ? 5u : 3u, failures);
    ASSERT_NE(nullptr, dma);
    aml_dma_destroy(&dma);
    EXPECT_TRUE(HasThreads(threads));
  }
}

TEST(DmaParallelSystemFault, CreateWithoutMemoryForPlacesLeavesNothing) {
  const aml_cpuset any = aml_cpuset_of(0);
  aml_dma_parallel_options options = {};
  options.thread_count = 3;
  options.cpu_set = &any;
  std::thread([] {}).join();
  const size_t threads = CountThreads();
  for (int spared = 0; spared < 3; ++spared) {
    spared_places = spared;
    aml_dma *dma = nullptr;
    EXPECT_EQ(-AML_ENOMEM, aml_dma_parallel_create(&dma, &options));
    EXPECT_EQ(nullptr, dma);
    EXPECT_TRUE(HasThreads(threads));
  }
}

enum { kThreads = 2, kMemory = AML_FAULT_MEMORY | AML_FAULT_PTHREAD_CREATE };

/** What the threads of a dma do all at once: each meets the others before it goes on. */
struct Meeting {
  std::atomic<int> arrived{0};
  std::atomic<uint64_t> seen{0};
  bool is_first = true;
};

int Meet(void *, const void *, size_t, void *argument) {
  auto *const meeting = static_cast<Meeting *>(argument);
  if (meeting->is_first)
    aml_fault_system_arm(kMemory | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  else
    meeting->seen += aml_fault_system_disarm().seen;
  ++meeting->arrived;
  while (meeting->arrived < kThreads)
    std::this_thread::yield();
  return 0;
}

/** Has each thread of the dma, and no other, run Meet(). */
void MeetAll(aml_dma *dma, Meeting *meeting) {
  const aml_dma_operation operation = {Meet, meeting, 0, 0};
  aml_dma_options options = {};
  options.operation = &operation;
  char bytes[kThreads][2] = {};
  aml_tile tiles[kThreads][2];
  aml_dma_request requests[kThreads] = {};
  for (int i = 0; i < kThreads; ++i) {
    tiles[i][0] = aml_tile_bytes(&bytes[i][0], 1);
    tiles[i][1] = aml_tile_bytes(&bytes[i][1], 1);
    ASSERT_EQ(0, aml_dma_submit(dma, &requests[i], &tiles[i][0], &tiles[i][1], &options));
  }
  for (aml_dma_request &request : requests)
    for (bool done = false; !done;) // waiting would run it here
      ASSERT_EQ(0, aml_dma_test(&request, &done));
}

TEST(DmaParallelSystemFault, OnceMadeNoThreadOfItTakesMemoryOrThreads) {
  aml_dma_parallel_options options = {};
  options.thread_count = kThreads;
  options.chunk_size = 1024;
  AML_DMA_PARALLEL_DECL(dma);
  ASSERT_EQ(0, aml_dma_parallel_init(dma, &options));
  const size_t threads = CountThreads();
  Everything everything;
  Meeting before;
  Meeting after;
  int failed = 0;
  after.is_first = false;
  MeetAll(dma, &before);
  aml_fault_system_arm(kMemory | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  for (int round = 0; round < 5; ++round)
    failed += everything.Use(dma);
  EXPECT_EQ(0u, aml_fault_system_disarm().seen);
  MeetAll(dma, &after);
  EXPECT_EQ(0u, after.seen);
  EXPECT_EQ(0, failed);
  EXPECT_TRUE(HasThreads(threads));
  aml_dma_fini(dma);
}

} // namespace
