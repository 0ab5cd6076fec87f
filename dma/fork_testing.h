// SPDX-License-Identifier: BSD-3-Clause
//
// What tests have in common of dmas in a process that forks: a child that says what it finds wrong,
// and ends if it hangs.

#ifndef AML_DMA_FORK_TESTING_H
#define AML_DMA_FORK_TESTING_H

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/dma.h"

namespace aml_testing {

/**
 * Does something in the child of a fork, which it ends with.
 *
 * @param work  returns what is wrong; empty: nothing.
 *
 * Returns: that, or how else the child ended.
 */
std::string InAChild(const std::function<std::string()> &work);

/**
 * Asks a dma of another process for all there is.
 *
 * @param in_flight  was in flight at the fork; nothing of it may change.
 *
 * Returns: what was not refused as it should be.
 */
std::string AskInVain(aml_dma *dma, aml_dma_request *in_flight);

/**
 * Uses a dma that this process has made: also after a request of another one's, and in a child of
 * its own, which is refused.
 *
 * @param after  was in flight at the fork, of a dma that has not ended here.
 *
 * Returns: what is wrong.
 */
std::string Use(aml_dma *dma, aml_dma_request *after);

/**
 * Threads that submit requests, a few each, wait for them, look at what came of them, and begin
 * again. They take no memory meanwhile; see AwaitSleep().
 */
template <class Request> class Crowd {
public:
  enum { kThreads = 3 };

  /** @param requests  so many for each thread in turn; they live longer. */
  Crowd(aml_dma *dma, std::deque<Request> *requests) {
    for (size_t t = 0; t < kThreads; ++t)
      threads_.emplace_back([=] { Run(dma, requests, t); });
    while (begun_ < kThreads)
      std::this_thread::yield();
  }
  Crowd(const Crowd &) = delete;

  /** Returns: how many were refused, failed, or came to nothing. */
  size_t Stop() {
    is_over_ = true;
    for (std::thread &thread : threads_)
      thread.join();
    return lost_;
  }

private:
  void Run(aml_dma *dma, std::deque<Request> *requests, size_t t) {
    const size_t count = requests->size() / kThreads;
    ++begun_;
    while (!is_over_) {
      for (size_t i = t * count; i < (t + 1) * count; ++i) {
        Request &request = (*requests)[i];
        std::fill(request.to.begin(), request.to.end(), 0);
        lost_ += request.Submit(dma) != 0;
      }
      for (size_t i = t * count; i < (t + 1) * count; ++i) {
        Request &request = (*requests)[i];
        lost_ += aml_dma_wait(&request.request) != 0 || !request.HasHappened();
      }
    }
  }

  std::atomic<bool> is_over_{false};
  std::atomic<size_t> begun_{0};
  std::atomic<size_t> lost_{0};
  std::vector<std::thread> threads_;
};

/**
 * Waits until all other threads sleep. Those that begin take memory, and of a sanitizer's heap a
 * child finds the lock taken for ever.
 */
void AwaitSleep();

/** How many descriptors this process has. */
size_t CountDescriptors();

} // namespace aml_testing

#endif
