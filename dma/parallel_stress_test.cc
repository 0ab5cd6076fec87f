// SPDX-License-Identifier: BSD-3-Clause
//
// Many threads use everything that requests have, on two dmas at once, with queues that are too
// small: nothing is lost, done twice, done after it was called off, or done beside where it should
// be. Most requests add to what is there, which shows what was done how often.

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/dma_operation.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/parallel.h"

namespace {

using Random = std::mt19937;

constexpr int kSubmitters = 64;
constexpr int kRounds = 6;
constexpr size_t kBatch = 10;

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

/** One request with memory of its own, used again and again. */
class Unit {
public:
  enum Kind { kCopy, kAdd, kFail };

  Unit() = default;
  Unit(const Unit &) = delete;

  /** Thinks of something new. */
  void Prepare(Random &random, const int *eventfd, unsigned flags) {
    kind_ = random() % 8 == 0 ? kFail : random() % 3 == 0 ? kCopy : kAdd;
    const size_t count = 1 + random() % (random() % 4 == 0 ? 12000 : 300);
    step_ = 1 + random() % 2;
    from_.resize(count);
    to_.resize(kRedZone + count * step_ + kRedZone);
    auto seed = static_cast<unsigned>(random());
    for (std::vector<unsigned char> *bytes : {&from_, &to_})
      for (unsigned char &byte : *bytes)
        byte = static_cast<unsigned char>((seed = seed * 1664525 + 1013904223) >> 24);
    before_ = to_;
    src_ = aml_tile_bytes(from_.data(), count);
    dst_ = aml_tile_bytes(to_.data() + kRedZone, count);
    dst_.stride_bytes[0] = static_cast<std::ptrdiff_t>(step_);
    runs_ = 0;
    notices_ = 0;
    follower_ = nullptr;
    is_taken_ = false;
    after_.clear();
    options_ = {};
    options_.flags = flags;
    options_.operation = kind_ == kAdd    ? aml_dma_operation_accumulate(AML_DMA_NUMBER_U8)
                         : kind_ == kFail ? &fail_
                                          : nullptr;
    options_.notify = Notify;
    options_.notify_argument = this;
    options_.eventfd = eventfd;
  }

  void ComeAfter(Unit *other) {
    after_.push_back(&other->request_);
    options_.after = after_.data();
    options_.after_count = after_.size();
  }

  /** Has `follower` submitted to `dma` when this one is done. */
  void BeFollowedBy(Unit *follower, aml_dma *dma) {
    follower_ = follower;
    follower_dma_ = dma;
  }

  aml_dma_transfer transfer() { return {&request_, &dst_, &src_, &options_}; }
  aml_dma_request *request() { return &request_; }
  Unit *follower() const { return follower_; }
  bool is_taken() const { return is_taken_; }
  void set_taken() { is_taken_ = true; }

  bool Cancel() {
    is_off_ = aml_dma_cancel(&request_) == 0;
    return is_off_;
  }

  /** Waits. Returns: how many things are wrong. */
  int Check() {
    const bool was_off = is_off_;
    is_off_ = false;
    const int outcome = aml_dma_wait(&request_);
    bool is_hindered = was_off;
    for (size_t i = 0; i < after_.size(); ++i)
      is_hindered |= aml_dma_wait(after_[i]) != 0;
    const int expected = is_hindered ? -AML_ECANCELED : kind_ == kFail ? -AML_EIO : 0;
    std::vector<unsigned char> bytes = before_;
    if (expected == 0)
      for (size_t i = 0; i < from_.size(); ++i) {
        unsigned char &byte = bytes[kRedZone + i * step_];
        byte = static_cast<unsigned char>(from_[i] + (kind_ == kAdd ? byte : 0));
      }
    return (outcome != expected) + (bytes != to_) + (notices_ != 1) +
           ((expected == -AML_EIO) != (runs_ > 0));
  }

private:
  static constexpr size_t kRedZone = 32;

  static int Fail(void *, const void *, size_t, void *argument) {
    ++static_cast<Unit *>(argument)->runs_;
    return -AML_EIO;
  }

  static void Notify(aml_dma_request *, void *argument) {
    auto *const self = static_cast<Unit *>(argument);
    ++self->notices_;
    if (self->follower_ == nullptr)
      return;
    const aml_dma_transfer next = self->follower_->transfer();
    if (aml_dma_submit(self->follower_dma_, next.request, next.dst, next.src, next.options) == 0)
      self->follower_->set_taken();
  }

  Kind kind_ = kCopy;
  size_t step_ = 1;
  std::vector<unsigned char> from_;
  std::vector<unsigned char> to_;
  std::vector<unsigned char> before_;
  aml_tile dst_{};
  aml_tile src_{};
  aml_dma_operation fail_ = {Fail, this, 0, 0};
  aml_dma_options options_{};
  aml_dma_request request_{};
  std::vector<aml_dma_request *> after_;
  std::atomic<int> runs_{0};
  std::atomic<int> notices_{0};
  Unit *follower_ = nullptr;
  aml_dma *follower_dma_ = nullptr;
  bool is_taken_ = false;
  bool is_off_ = false;
};

/** What one thread does. */
class Submitter {
public:
  Submitter(unsigned seed, aml_dma *first, aml_dma *second)
      : random_(seed), dmas_{first, second}, eventfd_(eventfd(0, EFD_NONBLOCK)) {}
  Submitter(const Submitter &) = delete;
  ~Submitter() { close(eventfd_); }

  void Run() {
    wrong_ += eventfd_ < 0;
    for (int round = 0; round < kRounds; ++round) {
      Prepare();
      if (random_() % 2 == 0)
        SubmitTogether();
      else
        SubmitOneByOne();
      for (Unit &unit : units_)
        canceled_ += random_() % 6 == 0 && unit.Cancel();
      AwaitAll();
      for (size_t i = kBatch; i-- > 0;)
        Check(&units_[i]);
      AwaitSignals();
    }
  }

  int wrong() const { return wrong_; }
  int canceled() const { return canceled_; }
  int followed() const { return followed_; }
  int turned_away() const { return turned_away_; }
  bool HasMoreSignals() const {
    uint64_t more;
    return read(eventfd_, &more, sizeof more) >= 0;
  }

private:
  aml_dma *AnyDma() { return dmas_[random_() % 2]; }

  void Prepare() {
    for (size_t i = 0; i < kBatch; ++i) {
      units_[i].Prepare(random_, &eventfd_, random_() % 2 == 0 ? unsigned{AML_DMA_TRY} : 0);
      if (i > 0 && random_() % 4 == 0)
        units_[i].ComeAfter(&units_[random_() % i]);
      if (i > 0 && random_() % 8 == 0)
        units_[i].ComeAfter(&units_[i - 1]);
      if (random_() % 4 != 0)
        continue;
      followers_[i].Prepare(random_, &eventfd_, AML_DMA_TRY);
      units_[i].BeFollowedBy(&followers_[i], AnyDma());
    }
  }

  /** Counts the times that the queue was full, and what else went wrong. */
  void Account(int err) {
    turned_away_ += err == -AML_EAGAIN;
    wrong_ += err != 0 && err != -AML_EAGAIN;
    if (err != 0)
      std::this_thread::yield();
  }

  void SubmitOneByOne() {
    for (Unit &unit : units_) {
      const aml_dma_transfer next = unit.transfer();
      aml_dma *const dma = AnyDma();
      for (int err = -AML_EAGAIN; err == -AML_EAGAIN;) {
        err = aml_dma_submit(dma, next.request, next.dst, next.src, next.options);
        Account(err);
      }
    }
  }

  void SubmitTogether() {
    aml_dma *const dma = AnyDma();
    std::vector<aml_dma_transfer> transfers;
    for (Unit &unit : units_)
      transfers.push_back(unit.transfer());
    for (size_t done = 0; done < kBatch;) {
      size_t taken = 0;
      Account(aml_dma_submit_many(dma, kBatch - done, &transfers[done], &taken));
      done += taken;
    }
  }

  void AwaitAll() {
    switch (random_() % 4) {
    case 0:
      for (aml_dma *dma : dmas_)
        wrong_ += aml_dma_barrier(dma) != 0;
      for (Unit &unit : units_)
        wrong_ += aml_dma_request_state(unit.request()) != AML_DMA_DONE;
      return;
    case 1:
      for (Unit &unit : units_)
        for (bool done = false; !done; std::this_thread::yield())
          wrong_ += aml_dma_test(unit.request(), &done) != 0;
      return;
    case 2:
      AwaitAny();
      return;
    default: // from the last to the first, as they are checked
      return;
    }
  }

  void AwaitAny() {
    std::vector<aml_dma_request *> requests;
    for (Unit &unit : units_)
      requests.push_back(unit.request());
    for (size_t left = kBatch; left > 0; --left) {
      size_t index = kBatch;
      wrong_ += aml_dma_wait_any(kBatch, requests.data(), &index) != 0;
      wrong_ += aml_dma_request_state(requests[index]) != AML_DMA_DONE;
      requests[index] = nullptr;
    }
  }

  void Check(Unit *unit) {
    wrong_ += unit->Check();
    ++expected_signals_;
    Unit *const follower = unit->follower();
    if (follower == nullptr || !follower->is_taken())
      return;
    wrong_ += follower->Check();
    ++expected_signals_;
    ++followed_;
  }

  /** Signals come after requests are done, and none is lost. */
  void AwaitSignals() {
    constexpr int kForeverMs = 60000;
    pollfd ready = {eventfd_, POLLIN, 0};
    while (expected_signals_ > 0) {
      uint64_t seen = 0;
      if (poll(&ready, 1, kForeverMs) != 1 || read(eventfd_, &seen, sizeof seen) < 0 ||
          seen > expected_signals_) {
        ++wrong_;
        return;
      }
      expected_signals_ -= seen;
    }
  }

  Random random_;
  aml_dma *dmas_[2];
  int eventfd_;
  Unit units_[kBatch];
  Unit followers_[kBatch];
  uint64_t expected_signals_ = 0;
  int wrong_ = 0;
  int canceled_ = 0;
  int followed_ = 0;
  int turned_away_ = 0;
};

TEST(DmaParallelStress, NothingIsLostOrDoneTwice) {
  Dma first = Create(3, 64);
  Dma second = Create(1, 16);
  std::deque<Submitter> submitters;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kSubmitters; ++i)
    submitters.emplace_back(i, first.get(), second.get());
  for (Submitter &submitter : submitters)
    threads.emplace_back([&submitter] { submitter.Run(); });
  for (std::thread &thread : threads)
    thread.join();
  first.reset();
  second.reset();
  int canceled = 0;
  int followed = 0;
  int turned_away = 0;
  for (const Submitter &submitter : submitters) {
    EXPECT_EQ(0, submitter.wrong());
    EXPECT_FALSE(submitter.HasMoreSignals());
    canceled += submitter.canceled();
    followed += submitter.followed();
    turned_away += submitter.turned_away();
  }
  EXPECT_LT(0, followed);
  RecordProperty("canceled", canceled);
  RecordProperty("followed", followed);
  RecordProperty("turned_away", turned_away);
}

} // namespace
