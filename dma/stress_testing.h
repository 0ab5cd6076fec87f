// SPDX-License-Identifier: BSD-3-Clause
//
// Many threads use everything that requests have, on two dmas at once: nothing is lost, done twice,
// done after it was called off, or done beside where it should be. Many requests combine what comes
// with what is there, which shows what was done how often.

#ifndef AML_DMA_STRESS_TESTING_H
#define AML_DMA_STRESS_TESTING_H

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <iterator>
#include <random>
#include <thread>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/dma_operation.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"

namespace aml_testing {

using StressRandom = std::mt19937;

/** That tiles are said to be in; a null one is none. */
using StressAreas = std::vector<aml_area *>;

/** One request with memory of its own, used again and again. */
class StressUnit {
public:
  enum Kind { kCopy, kAdd, kWiden, kMix, kFail };

  StressUnit() = default;
  StressUnit(const StressUnit &) = delete;

  /** Thinks of something new. */
  void Prepare(StressRandom &random, const StressAreas &areas, const int *eventfd, unsigned flags) {
    static constexpr Kind kKinds[] = {kAdd, kAdd, kAdd, kCopy, kCopy, kWiden, kMix, kFail};
    kind_ = kKinds[random() % std::size(kKinds)];
    element_size_ = kind_ == kWiden ? 2 : 1;
    const size_t count = 1 + random() % (random() % 4 == 0 ? 12000 : 300);
    step_ = 1 + random() % 2;
    from_.resize(count);
    to_.resize(kRedZone + count * step_ * element_size_ + kRedZone);
    auto seed = static_cast<unsigned>(random());
    for (std::vector<unsigned char> *bytes : {&from_, &to_})
      for (unsigned char &byte : *bytes)
        byte = static_cast<unsigned char>((seed = seed * 1664525 + 1013904223) >> 24);
    before_ = to_;
    src_ = aml_tile_bytes(from_.data(), count);
    dst_ = aml_tile_bytes(to_.data() + kRedZone, count);
    src_.area = areas[random() % areas.size()];
    dst_.area = areas[random() % areas.size()];
    dst_.element_size = element_size_;
    dst_.stride_bytes[0] = static_cast<std::ptrdiff_t>(step_ * element_size_);
    runs_ = 0;
    notices_ = 0;
    follower_ = nullptr;
    is_taken_ = false;
    after_.clear();
    options_ = {};
    options_.flags = flags;
    options_.operation = Operation();
    options_.notify = Notify;
    options_.notify_argument = this;
    options_.eventfd = eventfd;
  }

  void ComeAfter(StressUnit *other) {
    after_.push_back(&other->request_);
    options_.after = after_.data();
    options_.after_count = after_.size();
  }

  /** Has `follower` submitted to `dma` when this one is done. */
  void BeFollowedBy(StressUnit *follower, aml_dma *dma) {
    follower_ = follower;
    follower_dma_ = dma;
  }

  aml_dma_transfer transfer() { return {&request_, &dst_, &src_, &options_}; }
  aml_dma_request *request() { return &request_; }
  StressUnit *follower() const { return follower_; }
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
      for (size_t i = 0; i < from_.size(); ++i)
        Combine(&bytes[kRedZone + i * step_ * element_size_], from_[i]);
    return (outcome != expected) + (bytes != to_) + (notices_ != 1) +
           ((expected == -AML_EIO) != (runs_ > 0));
  }

private:
  static constexpr size_t kRedZone = 32;

  const aml_dma_operation *Operation() const {
    switch (kind_) {
    case kAdd:
      return aml_dma_operation_accumulate(AML_DMA_NUMBER_U8);
    case kWiden:
      return aml_dma_operation_convert(AML_DMA_NUMBER_U16, AML_DMA_NUMBER_U8);
    case kMix:
      return &mix_;
    case kFail:
      return &fail_;
    default:
      return nullptr;
    }
  }

  /** What an element of the destination is to become. */
  void Combine(unsigned char *to, unsigned char from) const {
    const uint16_t wide = from;
    if (kind_ == kWiden)
      std::memcpy(to, &wide, sizeof wide);
    else
      *to = static_cast<unsigned char>(kind_ == kAdd   ? *to + from
                                       : kind_ == kMix ? *to * 2 ^ from
                                                       : from);
  }

  static int Mix(void *dst, const void *src, size_t count, void *) {
    auto *const to = static_cast<unsigned char *>(dst);
    const auto *const from = static_cast<const unsigned char *>(src);
    for (size_t i = 0; i < count; ++i)
      to[i] = static_cast<unsigned char>(to[i] * 2 ^ from[i]);
    return 0;
  }

  static int Fail(void *, const void *, size_t, void *argument) {
    ++static_cast<StressUnit *>(argument)->runs_;
    return -AML_EIO;
  }

  static void Notify(aml_dma_request *, void *argument) {
    auto *const self = static_cast<StressUnit *>(argument);
    ++self->notices_;
    if (self->follower_ == nullptr)
      return;
    const aml_dma_transfer next = self->follower_->transfer();
    if (aml_dma_submit(self->follower_dma_, next.request, next.dst, next.src, next.options) == 0)
      self->follower_->set_taken();
  }

  Kind kind_ = kCopy;
  size_t step_ = 1;
  size_t element_size_ = 1;
  std::vector<unsigned char> from_;
  std::vector<unsigned char> to_;
  std::vector<unsigned char> before_;
  aml_tile dst_{};
  aml_tile src_{};
  aml_dma_operation mix_ = {Mix, nullptr, 0, 0};
  aml_dma_operation fail_ = {Fail, this, 0, 0};
  aml_dma_options options_{};
  aml_dma_request request_{};
  std::vector<aml_dma_request *> after_;
  std::atomic<int> runs_{0};
  std::atomic<int> notices_{0};
  StressUnit *follower_ = nullptr;
  aml_dma *follower_dma_ = nullptr;
  bool is_taken_ = false;
  bool is_off_ = false;
};

/** What one thread does. */
class StressSubmitter {
public:
  StressSubmitter(unsigned seed, aml_dma *first, aml_dma *second, const StressAreas &areas)
      : random_(seed), dmas_{first, second}, areas_(areas), eventfd_(eventfd(0, EFD_NONBLOCK)) {}
  StressSubmitter(const StressSubmitter &) = delete;
  ~StressSubmitter() { close(eventfd_); }

  void Run() {
    wrong_ += eventfd_ < 0;
    for (int round = 0; round < kRounds; ++round) {
      Prepare();
      if (random_() % 2 == 0)
        SubmitTogether();
      else
        SubmitOneByOne();
      for (StressUnit &unit : units_)
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
  enum { kRounds = 6 };
  static constexpr size_t kBatch = 10;

  aml_dma *AnyDma() { return dmas_[random_() % 2]; }

  void Prepare() {
    for (size_t i = 0; i < kBatch; ++i) {
      units_[i].Prepare(random_, areas_, &eventfd_, random_() % 2 == 0 ? unsigned{AML_DMA_TRY} : 0);
      if (i > 0 && random_() % 4 == 0)
        units_[i].ComeAfter(&units_[random_() % i]);
      if (i > 0 && random_() % 8 == 0)
        units_[i].ComeAfter(&units_[i - 1]);
      if (random_() % 4 != 0)
        continue;
      followers_[i].Prepare(random_, areas_, &eventfd_, AML_DMA_TRY);
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
    for (StressUnit &unit : units_) {
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
    for (StressUnit &unit : units_)
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
      for (StressUnit &unit : units_)
        wrong_ += aml_dma_request_state(unit.request()) != AML_DMA_DONE;
      return;
    case 1:
      for (StressUnit &unit : units_)
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
    for (StressUnit &unit : units_)
      requests.push_back(unit.request());
    for (size_t left = kBatch; left > 0; --left) {
      size_t index = kBatch;
      wrong_ += aml_dma_wait_any(kBatch, requests.data(), &index) != 0;
      wrong_ += aml_dma_request_state(requests[index]) != AML_DMA_DONE;
      requests[index] = nullptr;
    }
  }

  void Check(StressUnit *unit) {
    wrong_ += unit->Check();
    ++expected_signals_;
    StressUnit *const follower = unit->follower();
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

  StressRandom random_;
  aml_dma *dmas_[2];
  StressAreas areas_;
  int eventfd_;
  StressUnit units_[kBatch];
  StressUnit followers_[kBatch];
  uint64_t expected_signals_ = 0;
  int wrong_ = 0;
  int canceled_ = 0;
  int followed_ = 0;
  int turned_away_ = 0;
};

/** Has many threads use two dmas that operate, and that may say that a queue is full. */
inline void ExpectNothingIsLostOrDoneTwice(aml_dma *first, aml_dma *second,
                                           const StressAreas &areas = {nullptr}) {
  constexpr unsigned kSubmitters = 64;
  std::deque<StressSubmitter> submitters;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kSubmitters; ++i)
    submitters.emplace_back(i, first, second, areas);
  for (StressSubmitter &submitter : submitters)
    threads.emplace_back([&submitter] { submitter.Run(); });
  for (std::thread &thread : threads)
    thread.join();
  int canceled = 0;
  int followed = 0;
  int turned_away = 0;
  for (const StressSubmitter &submitter : submitters) {
    EXPECT_EQ(0, submitter.wrong());
    EXPECT_FALSE(submitter.HasMoreSignals());
    canceled += submitter.canceled();
    followed += submitter.followed();
    turned_away += submitter.turned_away();
  }
  EXPECT_LT(0, followed);
  testing::Test::RecordProperty("canceled", canceled);
  testing::Test::RecordProperty("followed", followed);
  testing::Test::RecordProperty("turned_away", turned_away);
}

} // namespace aml_testing

#endif
