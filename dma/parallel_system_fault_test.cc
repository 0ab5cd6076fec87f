// SPDX-License-Identifier: BSD-3-Clause
//
// dma:parallel without memory or threads, and how much of both it takes once it is made.

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <cerrno>
#include <thread>

#include "aml/core/cpuset.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
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
  aml_dma *first = nullptr; // of this process, for which a page is mapped that stays
  EXPECT_EQ(0, aml_dma_parallel_create(&first, &options));
  aml_dma_destroy(&first);
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

TEST(DmaParallelSystemFault, OnceMadeNoThreadOfItTakesMemoryOrThreads) {
  aml_dma_parallel_options options = {};
  options.thread_count = 2;
  options.chunk_size = 1024;
  options.queue_size = 16; // a batch finds it full
  AML_DMA_PARALLEL_DECL(dma);
  ASSERT_EQ(0, aml_dma_parallel_init(dma, &options));
  ExpectEverythingTakesNothing(dma);
  aml_dma_fini(dma);
}

} // namespace
