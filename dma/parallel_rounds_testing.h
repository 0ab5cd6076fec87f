// SPDX-License-Identifier: BSD-3-Clause
//
// Who does which part of a large request, without chance: an operation on bytes whose threads go
// round by round. Each does one part, and waits until all others have begun theirs.

#ifndef AML_DMA_PARALLEL_ROUNDS_TESTING_H
#define AML_DMA_PARALLEL_ROUNDS_TESTING_H

#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <thread>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/parallel_testing.h"

namespace aml_testing {

/** What a thread was given. */
struct Part {
  size_t begin; /**< bytes from the destination's base */
  size_t size;
  std::thread::id thread;
  int cpu;
};

class Rounds {
public:
  /** For as many threads as take part, and as many parts as there will be. */
  Rounds(size_t threads, size_t parts) : threads_(threads), parts_(parts) {}

  /** Lets the threads of `dma` alone do a request; none is written. */
  std::vector<Part> WithoutWaiting(aml_dma *dma, void *dst, const void *src, size_t size) {
    // All have looked where they run, and are idle.
    Blocker(dma, threads_).LetGo();
    Submit(dma, dst, src, size);
    for (bool done = false; !done; std::this_thread::yield())
      EXPECT_EQ(0, aml_dma_test(&request_, &done));
    return Parts();
  }

  /** Lets them do it with the calling thread, which is the first to begin. */
  std::vector<Part> WithOneThatWaits(aml_dma *dma, void *dst, const void *src, size_t size) {
    Blocker blocker(dma, threads_ - 1);
    at_first_ = [&] { blocker.LetGo(); };
    Submit(dma, dst, src, size);
    return Parts();
  }

  void Submit(aml_dma *dma, void *dst, const void *src, size_t size,
              aml_dma_request *const *after = nullptr) {
    base_ = static_cast<const char *>(dst);
    dst_ = aml_tile_bytes(dst, size);
    src_ = aml_tile_bytes(const_cast<void *>(src), size);
    options_.operation = &operation_;
    options_.after = after;
    options_.after_count = after == nullptr ? 0 : 1;
    ASSERT_EQ(0, aml_dma_submit(dma, &request_, &dst_, &src_, &options_)) << aml_error_detail();
  }

  /** Waits. Returns: who did what. */
  std::vector<Part> Parts() {
    EXPECT_EQ(0, aml_dma_wait(&request_)) << aml_error_detail();
    EXPECT_EQ(parts_.size(), begun_);
    return parts_;
  }

private:
  static constexpr int kLooks = 100000; /**< of 100 microseconds at least */

  static int Run(void *dst, const void *, size_t count, void *argument) {
    return static_cast<Rounds *>(argument)->Enter(static_cast<const char *>(dst), count);
  }

  int Enter(const char *dst, size_t count) {
    const size_t index = begun_++;
    if (index >= parts_.size())
      return -AML_EINVAL; // more parts than there are
    parts_[index] = {static_cast<size_t>(dst - base_), count, std::this_thread::get_id(),
                     sched_getcpu()};
    if (index == 0 && at_first_)
      at_first_();
    const size_t end = std::min((index / threads_ + 1) * threads_, parts_.size());
    for (int looks = 0; begun_ < end; ++looks) {
      if (looks > kLooks)
        return -AML_EBUSY; // fewer threads take part
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return 0;
  }

  const size_t threads_;
  std::vector<Part> parts_; /**< in the order in which they were begun */
  std::atomic<size_t> begun_{0};
  std::function<void()> at_first_;
  const char *base_ = nullptr;
  aml_dma_operation operation_ = {Run, this, 1, 1};
  aml_dma_options options_{};
  aml_dma_request request_{};
  aml_tile dst_{};
  aml_tile src_{};
};

/** That parts are all bytes of a request, once. */
inline void ExpectAllOnce(std::vector<Part> parts, size_t size) {
  size_t end = 0;
  std::sort(parts.begin(), parts.end(),
            [](const Part &a, const Part &b) { return a.begin < b.begin; });
  for (const Part &part : parts) {
    EXPECT_EQ(end, part.begin);
    end = part.begin + part.size;
  }
  EXPECT_EQ(size, end);
}

/** Where each thread's first `most` parts begin, in its order. */
inline std::map<std::thread::id, std::vector<size_t>> BeginsByThread(const std::vector<Part> &parts,
                                                                     size_t most) {
  std::map<std::thread::id, std::vector<size_t>> begins;
  for (const Part &part : parts)
    if (std::vector<size_t> &own = begins[part.thread]; own.size() < most)
      own.push_back(part.begin);
  return begins;
}

} // namespace aml_testing

#endif
