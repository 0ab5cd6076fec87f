// SPDX-License-Identifier: BSD-3-Clause
//
// Large copies, in which all threads take part.

#include "aml/dma/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/parallel_testing.h"

namespace {

using namespace aml_testing;

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

} // namespace
