// SPDX-License-Identifier: BSD-3-Clause
//
// What dma:throttled lets through and when, by a clock that goes on when somebody sleeps.

#include "aml/dma/throttled.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/probe_testing.h"

namespace {

using namespace aml_testing;

using Times = std::vector<uint64_t>;

/** Time that goes on by sleeping alone. */
class Clock {
public:
  static constexpr uint64_t kStart = 5000000000; // as if the machine had been up for a while

  const aml_dma_throttled_clock *get() const { return &clock_; }
  uint64_t now() const { return now_ - kStart; }
  void Advance(uint64_t ns) { now_ += ns; }

  Times sleeps; // until when, in the order of calls

  bool remembers = true; // sleeps; not for several threads

private:
  static Clock *Self(void *context) { return static_cast<Clock *>(context); }
  static uint64_t Now(void *context) { return Self(context)->now_; }
  static void SleepUntil(uint64_t time, void *context) {
    Clock *const self = Self(context);
    if (self->remembers)
      self->sleeps.push_back(time - kStart);
    uint64_t now = self->now_;
    while (now < time && !self->now_.compare_exchange_weak(now, time)) {
    }
  }

  std::atomic<uint64_t> now_{kStart};
  aml_dma_throttled_clock clock_{Now, SleepUntil, this};
};

/** A byte takes a nanosecond, unless a test wants another rate. */
class DmaThrottled : public testing::Test {
protected:
  void Init(uint64_t burst, uint64_t bytes_per_second = 1000000000) {
    aml_dma_throttled_options options = {};
    options.bytes_per_second = bytes_per_second;
    options.burst = burst;
    options.clock = clock_.get();
    ASSERT_EQ(0, aml_dma_throttled_init(dma_, probe_.get(), &options)) << aml_error_detail();
  }
  void TearDown() override { aml_dma_fini(dma_); }

  void SubmitSome(size_t count, size_t size) {
    for (size_t i = 0; i < count; ++i) {
      Asked asked(size);
      ASSERT_EQ(0, asked.Submit(dma_)) << aml_error_detail();
    }
  }

  Clock clock_;
  ProbeDma probe_;
  AML_DMA_THROTTLED_DECL(dma_);
};

TEST_F(DmaThrottled, ABurstPassesAtOnceAndThenWhatTheRateAllows) {
  Init(1000);
  SubmitSome(4, 300); // the fourth begins within the burst
  EXPECT_EQ(Times{}, clock_.sleeps);
  SubmitSome(3, 300);
  EXPECT_EQ((Times{200, 500, 800}), clock_.sleeps);
}

TEST_F(DmaThrottled, APauseAllowsABurstAndNoMore) {
  Init(1000);
  for (int round = 0; round < 3; ++round) {
    const uint64_t now = clock_.now();
    clock_.sleeps.clear();
    SubmitSome(5, 300);
    EXPECT_EQ((Times{now + 200}), clock_.sleeps);
    clock_.Advance(1000000);
  }
}

TEST_F(DmaThrottled, WithoutABurstItIsWhatTenMillisecondsAllow) {
  Init(0);
  SubmitSome(11, 1000000);
  EXPECT_EQ(Times{}, clock_.sleeps);
  SubmitSome(1, 1000000);
  EXPECT_EQ((Times{1000000}), clock_.sleeps);
}

TEST_F(DmaThrottled, OneThatIsLargeIsWaitedForByTheNext) {
  Init(1);
  SubmitSome(1, 1000000);
  EXPECT_EQ(Times{}, clock_.sleeps);
  SubmitSome(2, 1);
  EXPECT_EQ((Times{1000000 - 1, 1000000}), clock_.sleeps);
}

// No span of time sees more than its share, and nobody waits who need not.
TEST_F(DmaThrottled, EachSpanOfTimeSeesItsShare) {
  constexpr uint64_t kBurst = 5000;
  constexpr uint64_t kLargest = 2000;
  struct Passed {
    uint64_t time;
    uint64_t size;
  };
  Init(kBurst);
  std::mt19937 random(3);
  std::vector<Passed> passed;
  for (int i = 0; i < 1000; ++i) {
    if (random() % 8 == 0)
      clock_.Advance(random() % 10000);
    const uint64_t asked = clock_.now();
    const uint64_t size = 1 + random() % kLargest;
    SubmitSome(1, size);
    passed.push_back({clock_.now(), size});
    uint64_t sum = 0;
    bool was_full = false; // had one more byte before it made it too much for a span?
    for (size_t from = passed.size(); from-- > 0;) {
      sum += passed[from].size;
      const uint64_t span = passed.back().time - passed[from].time;
      ASSERT_LE(sum, span + kBurst + size) << "from " << from << " to " << i;
      was_full |= sum == span + kBurst + size;
    }
    ASSERT_TRUE(passed.back().time == asked || was_full) << i;
  }
}

TEST_F(DmaThrottled, ToTryIsToBeRefusedUntilItsTurn) {
  Init(100);
  aml_dma_options tries = {};
  tries.flags = AML_DMA_TRY;
  Asked first(1000);
  Asked second(1000);
  ASSERT_EQ(0, first.Submit(dma_, &tries));
  for (const uint64_t now : {0, 899}) { // is not counted, however often
    clock_.Advance(now);
    EXPECT_EQ(-AML_EAGAIN, second.Submit(dma_, &tries));
    EXPECT_STREQ("aml_dma_submit: dma has reached its limit for now", aml_error_detail());
    EXPECT_EQ(AML_DMA_IDLE, second.state());
  }
  clock_.Advance(1);
  EXPECT_EQ(0, second.Submit(dma_, &tries)) << aml_error_detail();
  EXPECT_EQ(AML_DMA_DONE, second.state());
  EXPECT_EQ(Times{}, clock_.sleeps);
  EXPECT_EQ((std::vector<size_t>{1, 1}), probe_.came);
}

TEST_F(DmaThrottled, WhatTheInnerDmaRefusesIsNotCounted) {
  Init(1000);
  probe_.takes = 0;
  for (int i = 0; i < 100; ++i) {
    Asked asked(10000);
    EXPECT_EQ(-AML_EAGAIN, asked.Submit(dma_));
    EXPECT_STREQ("aml_dma_submit: dma takes no more", aml_error_detail());
    EXPECT_EQ(AML_DMA_IDLE, asked.state());
  }
  probe_.takes = 2;
  std::deque<Asked> batch;
  for (int i = 0; i < 5; ++i)
    batch.emplace_back(200);
  size_t taken = 77;
  EXPECT_EQ(-AML_EAGAIN, SubmitAll(dma_, batch, &taken));
  EXPECT_EQ(2u, taken);
  for (size_t i = 0; i < 5; ++i)
    EXPECT_EQ(i < 2 ? AML_DMA_DONE : AML_DMA_IDLE, batch[i].state());
  probe_.takes = SIZE_MAX;
  SubmitSome(4, 200); // 1000 are within the burst, and one that begins in it
  EXPECT_EQ(Times{}, clock_.sleeps);
  SubmitSome(1, 200);
  EXPECT_EQ((Times{200}), clock_.sleeps);
}

TEST_F(DmaThrottled, OfABatchAsManyGoOnAsTheBurstAllows) {
  Init(1000);
  std::deque<Asked> batch;
  for (int i = 0; i < 7; ++i)
    batch.emplace_back(300);
  size_t taken = 0;
  EXPECT_EQ(0, SubmitAll(dma_, batch, &taken));
  EXPECT_EQ(7u, taken);
  EXPECT_EQ((std::vector<size_t>{4, 1, 1, 1}), probe_.came);
  EXPECT_EQ((Times{200, 500, 800}), clock_.sleeps) << "as if they had come one by one";
  aml_dma_options tries = {};
  tries.flags = AML_DMA_TRY;
  clock_.Advance(700);
  probe_.came.clear();
  EXPECT_EQ(-AML_EAGAIN, SubmitAll(dma_, batch, &taken, &tries));
  EXPECT_EQ(2u, taken);
  EXPECT_EQ((std::vector<size_t>{2}), probe_.came);
}

TEST_F(DmaThrottled, WhatIsCalledOffIsCounted) {
  Init(1);
  probe_.holds = true;
  Asked canceled(1000);
  ASSERT_EQ(0, canceled.Submit(dma_));
  EXPECT_EQ(0, aml_dma_cancel(&canceled.request));
  EXPECT_EQ(-AML_ECANCELED, aml_dma_wait(&canceled.request));
  probe_.holds = false;
  SubmitSome(1, 1);
  EXPECT_EQ((Times{999}), clock_.sleeps);
}

// At 100 GB/s, 64 bytes take 0.64 ns.
TEST_F(DmaThrottled, LessThanANanosecondCountsToo) {
  Init(1000, 100000000000);
  SubmitSome(10001, 64);
  EXPECT_LE(6390u, clock_.now());
  EXPECT_GE(6880u, clock_.now()) << "no more than a sixteenth for each is rounded up";
}

TEST_F(DmaThrottled, BytesAreTheDestinations) {
  Init(1);
  static double element;
  const aml_dma_operation narrows = {[](void *, const void *, size_t, void *) { return 0; },
                                     nullptr, 0, 0};
  aml_dma_options options = {};
  options.operation = &narrows;
  const size_t count = 100;
  for (const size_t dst_size : {1, 4}) {
    clock_.sleeps.clear();
    clock_.Advance(1000);
    const uint64_t now = clock_.now();
    aml_tile dst = {};
    aml_tile src = {};
    ASSERT_EQ(0, aml_tile_dense(&dst, nullptr, &element, dst_size, 1, &count, AML_ORDER_ROW));
    ASSERT_EQ(0, aml_tile_dense(&src, nullptr, &element, 8, 1, &count, AML_ORDER_ROW));
    aml_dma_request request = {};
    ASSERT_EQ(0, aml_dma_submit(dma_, &request, &dst, &src, &options)) << aml_error_detail();
    SubmitSome(1, 1);
    EXPECT_EQ((Times{now + count * dst_size - 1}), clock_.sleeps);
  }
}

TEST_F(DmaThrottled, CenturiesAreNoMoreThanALimit) {
  constexpr size_t kHuge = size_t{1} << 62;
  Init(1, 1);
  SubmitSome(2, kHuge); // each takes more than a number holds
  aml_dma_options tries = {};
  tries.flags = AML_DMA_TRY;
  Asked later(1);
  EXPECT_EQ(-AML_EAGAIN, later.Submit(dma_, &tries));
  EXPECT_STREQ("aml_dma_submit: dma has reached its limit for now", aml_error_detail());
  probe_.takes = 0;
  Asked refused(kHuge);
  EXPECT_EQ(-AML_EAGAIN, refused.Submit(dma_)); // once it was its turn
  probe_.takes = SIZE_MAX;
  EXPECT_EQ(0, later.Submit(dma_, &tries)) << aml_error_detail();
  ASSERT_EQ(2u, clock_.sleeps.size());
  EXPECT_LT(clock_.sleeps[0], clock_.sleeps[1]);
}

// A dma that is done at submit, for any number of threads.
struct AtOnce {
  static int Submit(aml_dma *, aml_dma_request *request) {
    aml_dma_request_finish(request, 0);
    return 0;
  }
};

TEST(DmaThrottledThreads, NothingIsForgotten) {
  constexpr size_t kThreads = 4;
  constexpr size_t kEach = 2000;
  Clock clock;
  clock.remembers = false;
  aml_dma_ops ops = {};
  ops.submit = AtOnce::Submit;
  aml_dma inner = {&ops};
  aml_dma_throttled_options options = {};
  options.bytes_per_second = 1000000000;
  options.burst = 100;
  options.clock = clock.get();
  AML_DMA_THROTTLED_DECL(dma);
  ASSERT_EQ(0, aml_dma_throttled_init(dma, &inner, &options));
  std::atomic<size_t> failures{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (size_t i = 0; i < kEach; ++i) {
        Asked asked(64);
        failures += asked.Submit(dma) != 0;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0u, failures);
  EXPECT_EQ(kThreads * kEach * 64 - 64 - 100, clock.now()) << "when the last one's turn was";
  aml_dma_fini(dma);
}

TEST_F(DmaThrottled, CapabilitiesAndBarriersAreTheInnerOnes) {
  EXPECT_EQ(0u, aml_dma_capabilities(dma_)) << "not initialised";
  Init(1);
  probe_.capabilities = AML_DMA_ASYNC | AML_DMA_CAN_OPERATE;
  EXPECT_EQ(probe_.capabilities, aml_dma_capabilities(dma_));
  probe_.holds = true;
  Asked asked;
  ASSERT_EQ(0, asked.Submit(dma_));
  EXPECT_EQ(AML_DMA_PENDING, asked.state());
  probe_.barrier_result = -AML_EIO;
  EXPECT_EQ(-AML_EIO, aml_dma_barrier(dma_));
  EXPECT_EQ(AML_DMA_DONE, asked.state());
  Asked another;
  ASSERT_EQ(0, another.Submit(dma_));
  aml_dma_fini(dma_);
  EXPECT_EQ(AML_DMA_DONE, another.state());
  EXPECT_EQ(2, probe_.barriers);
}

TEST_F(DmaThrottled, ArgumentsThatAreNoneAreRefused) {
  aml_dma_throttled_options options = {};
  options.bytes_per_second = 1;
  const auto expect_refused = [&](const char *sentence, aml_dma *dma, aml_dma *inner,
                                  const aml_dma_throttled_options *given) {
    EXPECT_EQ(-AML_EINVAL, aml_dma_throttled_init(dma, inner, given));
    EXPECT_EQ(std::string("aml_dma_throttled_init: ") + sentence, aml_error_detail());
  };
  const char *const other = "dma is null, or was not declared by AML_DMA_THROTTLED_DECL";
  expect_refused(other, nullptr, probe_.get(), &options);
  expect_refused(other, probe_.get(), probe_.get(), &options);
  expect_refused("inner is null", dma_, nullptr, &options);
  expect_refused("options is null", dma_, probe_.get(), nullptr);
  options.bytes_per_second = 0;
  expect_refused("bytes_per_second is 0", dma_, probe_.get(), &options);
  options.bytes_per_second = 1;
  aml_dma_throttled_clock clock = *clock_.get();
  options.clock = &clock;
  clock.now_ns = nullptr;
  expect_refused("clock lacks a function", dma_, probe_.get(), &options);
  clock = *clock_.get();
  clock.sleep_until_ns = nullptr;
  expect_refused("clock lacks a function", dma_, probe_.get(), &options);
  EXPECT_EQ(-AML_EINVAL, aml_dma_throttled_create(nullptr, probe_.get(), &options));
  aml_dma *created = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_dma_throttled_create(&created, nullptr, &options));
  EXPECT_EQ(nullptr, created);
  aml_dma_fini(dma_);
}

} // namespace
