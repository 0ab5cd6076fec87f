// SPDX-License-Identifier: BSD-3-Clause
//
// What the tests of dma:parallel have in common.

#ifndef AML_DMA_PARALLEL_TESTING_H
#define AML_DMA_PARALLEL_TESTING_H

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/parallel.h"

namespace aml_testing {

struct Destroy {
  void operator()(aml_dma *dma) const { aml_dma_destroy(&dma); }
};
using Dma = std::unique_ptr<aml_dma, Destroy>;

inline Dma Create(const aml_dma_parallel_options &options) {
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
  /** One of them. */
  aml_dma_request *request() { return &transfers_.front().request; }

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

inline aml_dma_parallel_options Threads(size_t count) {
  aml_dma_parallel_options options = {};
  options.thread_count = count;
  return options;
}

} // namespace aml_testing

#endif
