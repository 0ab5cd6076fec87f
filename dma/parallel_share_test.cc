// SPDX-License-Identifier: BSD-3-Clause
//
// How a large request is divided, and who does which part of it.

#include "aml/dma/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

#include "aml/dma/parallel_rounds_testing.h"
#include "aml/dma/parallel_testing.h"

namespace {

using namespace aml_testing;

constexpr size_t kPage = 4096;
constexpr size_t kThreads = 2;
constexpr size_t kShare = 8; // parts
constexpr size_t kParts = (kThreads + 1) * kShare;

class DmaParallelShare : public testing::Test {
protected:
  DmaParallelShare() : dma_(Create(Options(kPage))) {}

  static aml_dma_parallel_options Options(size_t chunk_size) {
    aml_dma_parallel_options options = Threads(kThreads);
    options.chunk_size = chunk_size;
    return options;
  }

  std::vector<char> to_ = std::vector<char>(kParts * kPage);
  std::vector<char> from_ = std::vector<char>(kParts * kPage);
  Dma dma_;
};

/** That each thread's parts follow each other. */
void ExpectContiguous(const std::vector<Part> &parts) {
  for (const auto &[thread, begins] : BeginsByThread(parts, kShare)) {
    ASSERT_EQ(kShare, begins.size());
    for (size_t i = 0; i < kShare; ++i)
      EXPECT_EQ(begins[0] + i * kPage, begins[i]);
    EXPECT_EQ(0u, begins[0] % (kShare * kPage));
  }
}

TEST_F(DmaParallelShare, AThreadAndWhoWaitsHaveTheSamePartsEachTime) {
  Rounds first(kThreads + 1, kParts);
  const std::vector<Part> parts =
      first.WithOneThatWaits(dma_.get(), to_.data(), from_.data(), to_.size());
  ExpectAllOnce(parts, to_.size());
  ExpectContiguous(parts);
  for (int time = 0; time < 5; ++time) {
    Rounds again(kThreads + 1, kParts);
    const std::vector<Part> same =
        again.WithOneThatWaits(dma_.get(), to_.data(), from_.data(), to_.size());
    EXPECT_EQ(BeginsByThread(parts, kShare), BeginsByThread(same, kShare));
  }
}

TEST_F(DmaParallelShare, ThreadsGoOnWithWhatNobodyHasBegun) {
  Rounds first(kThreads, kParts);
  const std::vector<Part> parts =
      first.WithoutWaiting(dma_.get(), to_.data(), from_.data(), to_.size());
  ExpectAllOnce(parts, to_.size());
  ExpectContiguous(parts);
  for (size_t i = kThreads * kShare; i < kParts; ++i) // that of who did not wait
    EXPECT_LE(kThreads * kShare * kPage, parts[i].begin);
  Rounds second(kThreads, kParts);
  const std::vector<Part> same =
      second.WithoutWaiting(dma_.get(), to_.data(), from_.data(), to_.size());
  EXPECT_EQ(BeginsByThread(parts, kShare), BeginsByThread(same, kShare));
}

TEST_F(DmaParallelShare, WhoWaitedBeforeItBeganTakesPart) {
  std::thread let_go;
  {
    Blocker first(dma_.get(), 1);
    aml_dma_request *const after[] = {first.request()};
    Rounds rounds(kThreads + 1, kParts);
    rounds.Submit(dma_.get(), to_.data(), from_.data(), to_.size(), after);
    let_go = std::thread([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20)); // until the other one sleeps
      first.LetGo();
    });
    ExpectAllOnce(rounds.Parts(), to_.size());
  }
  let_go.join();
}

/** Two requests: a short one, and a large one that who waits for the short one helps with. */
struct Meanwhile {
  std::thread::id waiter = std::this_thread::get_id();
  Transfer of_short;
  std::atomic<size_t> helped{0}; /**< parts of the large one, done by who waits */
  std::atomic<bool> has_begun{false};
  std::atomic<bool> is_over{false};

  bool IsShortDone() const { return aml_dma_request_state(&of_short.request) == AML_DMA_DONE; }

  /** The short one lasts until it was waited for. */
  static int Last(void *, const void *, size_t, void *argument) {
    auto *const self = static_cast<Meanwhile *>(argument);
    while (self->helped == 0)
      std::this_thread::yield();
    return 0;
  }

  /** Parts of the large one last until the short one is done; in other threads, until told. */
  static int Help(void *, const void *, size_t, void *argument) {
    auto *const self = static_cast<Meanwhile *>(argument);
    const bool is_waiter = std::this_thread::get_id() == self->waiter;
    const bool is_first = is_waiter && self->helped++ == 0;
    self->has_begun = true;
    while (is_waiter ? !is_first && !self->IsShortDone() : !self->is_over)
      std::this_thread::yield();
    return 0;
  }
};

TEST_F(DmaParallelShare, WhoWaitsHelpsOthersNoLongerThanItWaits) {
  Meanwhile meanwhile;
  const aml_dma_operation lasts = {Meanwhile::Last, &meanwhile, 0, 0};
  const aml_dma_operation helps = {Meanwhile::Help, &meanwhile, 1, 1};
  aml_dma_options of_short = {};
  aml_dma_options of_large = {};
  of_short.operation = &lasts;
  of_large.operation = &helps;
  ASSERT_EQ(0, meanwhile.of_short.Submit(dma_.get(), &of_short));
  while (aml_dma_request_state(&meanwhile.of_short.request) == AML_DMA_PENDING)
    std::this_thread::yield();
  Transfer large(kParts * kPage);
  ASSERT_EQ(0, large.Submit(dma_.get(), &of_large));
  while (!meanwhile.has_begun)
    std::this_thread::yield();
  EXPECT_EQ(0, aml_dma_wait(&meanwhile.of_short.request));
  EXPECT_GE(2u, meanwhile.helped) << "the part in which the short one ended is the last";
  meanwhile.is_over = true;
  EXPECT_EQ(0, aml_dma_wait(&large.request));
}

TEST_F(DmaParallelShare, PartsAreWholePagesOfChunkSizeAtLeast) {
  struct Case {
    size_t size;
    size_t chunk_size;
    size_t parts;
  };
  for (const Case &each :
       {Case{kParts * kPage - 1, kPage, kParts - 1}, Case{7 * kPage + 1, kPage, 7},
        Case{kParts * kPage, 2 * kPage, kParts / 2}, Case{10 * kPage + 5, 3 * kPage - 7, 3}}) {
    const Dma dma = Create(Options(each.chunk_size));
    Rounds rounds(1, each.parts);
    const std::vector<Part> parts =
        rounds.WithoutWaiting(dma.get(), to_.data(), from_.data(), each.size);
    ExpectAllOnce(parts, each.size);
    for (const Part &part : parts) {
      EXPECT_EQ(0u, part.begin % kPage);
      EXPECT_GE(part.size, each.chunk_size);
    }
  }
}

TEST_F(DmaParallelShare, PartsAreLargerWhereThereWouldBeMoreThanEightAThread) {
  std::vector<char> to(5 * kParts * kPage);
  std::vector<char> from(to.size());
  Rounds rounds(1, kParts);
  const std::vector<Part> parts =
      rounds.WithoutWaiting(dma_.get(), to.data(), from.data(), to.size());
  ExpectAllOnce(parts, to.size());
  for (const Part &part : parts)
    EXPECT_EQ(5 * kPage, part.size);
}

} // namespace
