// SPDX-License-Identifier: BSD-3-Clause
//
// dma:parallel and dmas over it under many threads, with queues that are too small.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/dma/capable_area_testing.h"
#include "aml/dma/multiplex.h"
#include "aml/dma/parallel.h"
#include "aml/dma/sequential.h"
#include "aml/dma/stress_testing.h"
#include "aml/dma/throttled.h"
#include "aml/dma/traced.h"

namespace {

using namespace aml_testing;

struct Destroy {
  void operator()(aml_dma *dma) const { aml_dma_destroy(&dma); }
};
using Dma = std::unique_ptr<aml_dma, Destroy>;

Dma Create(size_t threads, size_t queue_size) {
  aml_dma_parallel_options options = {};
  options.thread_count = threads;
  options.queue_size = queue_size;
  options.chunk_size = 4096;
  options.spin_ns = 2000;
  aml_dma *dma = nullptr;
  EXPECT_EQ(0, aml_dma_parallel_create(&dma, &options)) << aml_error_detail();
  return Dma(dma);
}

TEST(DmaParallelStress, NothingIsLostOrDoneTwice) {
  const Dma first = Create(3, 64);
  const Dma second = Create(1, 16);
  ExpectNothingIsLostOrDoneTwice(first.get(), second.get());
}

// Requests of one batch go by several routes, and come after those of others.
TEST(DmaMultiplexStress, NothingIsLostOrDoneTwice) {
  CapableArea shared(AML_AREA_SHARED | AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE);
  const Dma first = Create(3, 64);
  const Dma second = Create(1, 16);
  AML_DMA_SEQUENTIAL_DECL(third);
  ASSERT_EQ(0, aml_dma_sequential_init(third, nullptr));
  const aml_dma_route routes[] = {{AML_AREA_SHARED, AML_AREA_SHARED, first.get()},
                                  {AML_AREA_SHARED, 0, second.get()},
                                  {0, AML_AREA_SHARED, third},
                                  {0, 0, first.get()}};
  AML_DMA_MULTIPLEX_DECL(dma);
  ASSERT_EQ(0, aml_dma_multiplex_init(dma, routes, 4));
  ExpectNothingIsLostOrDoneTwice(dma, second.get(), {nullptr, shared.get()});
  aml_dma_fini(dma);
  aml_dma_fini(third);
}

// With fewer records than requests are in flight, and a limit that is looked at and never reached.
TEST(DmaTracedAndThrottledStress, NothingIsLostOrDoneTwice) {
  const Dma first = Create(3, 64);
  const Dma second = Create(1, 16);
  aml_dma_traced_options few = {};
  few.in_flight = 8;
  aml_dma_throttled_options fast = {};
  fast.bytes_per_second = UINT64_MAX;
  AML_DMA_THROTTLED_DECL(throttled);
  AML_DMA_TRACED_DECL(over);
  AML_DMA_TRACED_DECL(traced);
  ASSERT_EQ(0, aml_dma_throttled_init(throttled, first.get(), &fast));
  ASSERT_EQ(0, aml_dma_traced_init(over, throttled, nullptr));
  ASSERT_EQ(0, aml_dma_traced_init(traced, second.get(), &few));
  ExpectNothingIsLostOrDoneTwice(over, traced);
  for (aml_dma *dma : {over, traced}) {
    aml_dma_traced_stats stats = {};
    EXPECT_EQ(0, aml_dma_traced_get_stats(dma, &stats));
    EXPECT_EQ(stats.taken, stats.done + stats.failed + stats.canceled);
    EXPECT_LT(0u, stats.done);
  }
  aml_dma_fini(traced);
  aml_dma_fini(over);
  aml_dma_fini(throttled);
}

} // namespace
