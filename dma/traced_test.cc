// SPDX-License-Identifier: BSD-3-Clause
//
// What dma:traced counts and tells, and that requests and their options are what they would be
// without it.

#include "aml/dma/traced.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/inner_testing.h"
#include "aml/dma/probe_testing.h"

namespace {

using namespace aml_testing;

aml_dma_traced_stats StatsOf(const aml_dma *dma) {
  aml_dma_traced_stats stats = {};
  EXPECT_EQ(0, aml_dma_traced_get_stats(dma, &stats)) << aml_error_detail();
  return stats;
}

uint64_t EndedOf(const aml_dma_traced_stats &stats) {
  return stats.done + stats.failed + stats.canceled;
}

class DmaTraced : public testing::Test {
protected:
  void Init(size_t in_flight = 0) {
    aml_dma_traced_options options = {};
    options.in_flight = in_flight;
    ASSERT_EQ(0, aml_dma_traced_init(dma_, probe_.get(), &options)) << aml_error_detail();
  }
  void TearDown() override { aml_dma_fini(dma_); }

  ProbeDma probe_;
  AML_DMA_TRACED_DECL(dma_);
};

TEST_F(DmaTraced, EachRequestIsCountedByWhatBecameOfIt) {
  Init();
  probe_.holds = true;
  std::deque<Asked> asked;
  for (const size_t size : {1, 20, 300, 4000})
    ASSERT_EQ(0, asked.emplace_back(size).Submit(dma_));
  aml_dma_traced_stats stats = StatsOf(dma_);
  EXPECT_EQ(4u, stats.taken);
  EXPECT_EQ(0u, EndedOf(stats));
  EXPECT_EQ(0, aml_dma_cancel(&asked[2].request));
  probe_.Finish();
  probe_.Finish(-AML_EIO);
  EXPECT_EQ(0, aml_dma_wait(&asked[3].request));
  EXPECT_EQ(-AML_EIO, aml_dma_wait(&asked[1].request));
  EXPECT_EQ(-AML_ECANCELED, aml_dma_wait(&asked[2].request));
  stats = StatsOf(dma_);
  EXPECT_EQ(4u, stats.taken);
  EXPECT_EQ(2u, stats.done);
  EXPECT_EQ(1u, stats.failed);
  EXPECT_EQ(1u, stats.canceled);
  EXPECT_EQ(0u, stats.refused);
  EXPECT_EQ(0u, stats.unseen);
  EXPECT_EQ(4001u, stats.size) << "of those that succeeded";
}

TEST_F(DmaTraced, LatenciesAreInTheirClasses) {
  Init();
  for (int i = 0; i < 100; ++i) {
    Asked asked;
    ASSERT_EQ(0, asked.Submit(dma_));
  }
  const aml_dma_traced_stats stats = StatsOf(dma_);
  uint64_t count = 0;
  uint64_t least = 0;
  uint64_t most = 0;
  for (size_t i = 0; i < AML_DMA_TRACED_CLASSES; ++i)
    if (stats.latency[i] != 0) {
      count += stats.latency[i];
      least += stats.latency[i] * (i == 0 ? 0 : uint64_t{1} << i);
      most += stats.latency[i] * ((uint64_t{2} << i) - 1);
    }
  EXPECT_EQ(100u, count);
  EXPECT_LE(least, stats.latency_ns);
  EXPECT_GE(most, stats.latency_ns);
  EXPECT_LT(0u, aml_dma_traced_quantile(&stats, 0.5));
}

TEST_F(DmaTraced, QuantilesAreTheEndsOfTheirClasses) {
  aml_dma_traced_stats stats = {};
  EXPECT_EQ(0u, aml_dma_traced_quantile(nullptr, 0.5));
  EXPECT_EQ(0u, aml_dma_traced_quantile(&stats, 0.5));
  stats.latency[0] = 1;
  EXPECT_EQ(1u, aml_dma_traced_quantile(&stats, 0.5));
  stats.latency[0] = 0;
  stats.latency[4] = 50;
  stats.latency[10] = 49;
  stats.latency[63] = 1;
  for (const double share : {-1.0, 0.0, 0.01, 0.5})
    EXPECT_EQ(31u, aml_dma_traced_quantile(&stats, share)) << share;
  for (const double share : {0.501, 0.9, 0.99})
    EXPECT_EQ(2047u, aml_dma_traced_quantile(&stats, share)) << share;
  for (const double share : {0.991, 1.0, 2.0})
    EXPECT_EQ(UINT64_MAX, aml_dma_traced_quantile(&stats, share)) << share;
}

/** What happened to a request, in order. */
struct Events {
  aml_dma *dma = nullptr;
  const aml_dma_options *options = nullptr;
  aml_dma_trace trace{};
  std::string order;

  void See(const aml_dma_request *request, char what) {
    order += what;
    EXPECT_EQ(options, request->options) << "the user's own";
    EXPECT_NE(AML_DMA_DONE, aml_dma_request_state(request));
    EXPECT_EQ(1u, EndedOf(StatsOf(dma))) << "is accounted for";
  }
  static void Hook(const aml_dma_trace *trace, void *context) {
    auto *const self = static_cast<Events *>(context);
    self->trace = *trace;
    self->See(trace->request, 'h');
  }
  static void Notify(aml_dma_request *request, void *argument) {
    static_cast<Events *>(argument)->See(request, 'n');
  }
};

TEST_F(DmaTraced, TheHookIsToldBeforeNotifyBeforeItIsDone) {
  Events events;
  aml_dma_traced_options options = {};
  options.hook = Events::Hook;
  options.context = &events;
  ASSERT_EQ(0, aml_dma_traced_init(dma_, probe_.get(), &options));
  aml_dma_options user = {};
  user.notify = Events::Notify;
  user.notify_argument = &events;
  events.dma = dma_;
  events.options = &user;
  probe_.holds = true;
  Asked asked(1234);
  ASSERT_EQ(0, asked.Submit(dma_, &user));
  EXPECT_EQ("", events.order);
  probe_.Finish(-AML_EIO);
  EXPECT_EQ("hn", events.order);
  EXPECT_EQ(AML_DMA_DONE, asked.state());
  EXPECT_EQ(&user, asked.request.options);
  EXPECT_EQ(&asked.request, events.trace.request);
  EXPECT_EQ(1234u, events.trace.size);
  EXPECT_LE(events.trace.submitted_ns, events.trace.done_ns);
  EXPECT_EQ(StatsOf(dma_).latency_ns, events.trace.done_ns - events.trace.submitted_ns);
}

TEST_F(DmaTraced, WhatTheUserAsksForReachesTheInnerDma) {
  Init();
  probe_.holds = true;
  Asked first;
  Asked asked;
  aml_dma_request *const before[] = {&first.request};
  aml_dma_plan plan = {};
  const int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  ASSERT_LE(0, descriptor);
  const aml_dma_operation operation = {[](void *, const void *, size_t, void *) { return 0; },
                                       nullptr, 0, 0};
  aml_dma_options user = {};
  user.use = AML_DMA_USE_STREAM;
  user.flags = AML_DMA_DISTINCT;
  user.operation = &operation;
  user.after = before;
  user.after_count = 1;
  user.eventfd = &descriptor;
  user.plan = &plan;
  ASSERT_EQ(0, first.Submit(dma_));
  ASSERT_EQ(0, asked.Submit(dma_, &user));
  const aml_dma_options *const lent = asked.request.options;
  EXPECT_NE(&user, lent);
  EXPECT_EQ(user.use, lent->use);
  EXPECT_EQ(user.flags, lent->flags);
  EXPECT_EQ(user.operation, lent->operation);
  EXPECT_EQ(user.after, lent->after);
  EXPECT_EQ(user.after_count, lent->after_count);
  EXPECT_EQ(user.eventfd, lent->eventfd);
  EXPECT_EQ(user.plan, lent->plan);
  EXPECT_EQ(0, aml_dma_wait(&asked.request));
  uint64_t count = 0;
  ASSERT_EQ(ssize_t{sizeof count}, read(descriptor, &count, sizeof count));
  EXPECT_EQ(1u, count);
  close(descriptor);
}

TEST_F(DmaTraced, ThoseBeyondPassByAsTheyAre) {
  Init(2);
  probe_.holds = true;
  int notified = 0;
  aml_dma_options user = {};
  user.notify = [](aml_dma_request *, void *argument) { ++*static_cast<int *>(argument); };
  user.notify_argument = &notified;
  std::deque<Asked> asked(5);
  for (Asked &it : asked)
    ASSERT_EQ(0, it.Submit(dma_, &user));
  for (size_t i = 0; i < asked.size(); ++i)
    EXPECT_EQ(i >= 2, asked[i].request.options == &user);
  for (Asked &it : asked)
    EXPECT_EQ(0, aml_dma_wait(&it.request));
  EXPECT_EQ(5, notified);
  aml_dma_traced_stats stats = StatsOf(dma_);
  EXPECT_EQ(2u, stats.taken);
  EXPECT_EQ(2u, stats.done);
  EXPECT_EQ(3u, stats.unseen);
  probe_.holds = false;
  EXPECT_EQ(0, asked[0].Submit(dma_, &user)) << "and there is room again";
  stats = StatsOf(dma_);
  EXPECT_EQ(3u, stats.taken);
  EXPECT_EQ(3u, stats.unseen);
}

TEST_F(DmaTraced, NotifyMaySubmitTheNextThatIsSeenToo) {
  struct Chain {
    aml_dma *dma;
    std::deque<Asked> asked{10};
    size_t next = 0;
    aml_dma_options options{};
    static void Next(aml_dma_request *, void *argument) {
      auto *const self = static_cast<Chain *>(argument);
      if (self->next < self->asked.size()) {
        Asked &asked = self->asked[self->next++];
        EXPECT_EQ(0, asked.Submit(self->dma, &self->options));
      }
    }
  };
  Init(1);
  Chain chain;
  chain.dma = dma_;
  chain.options.notify = Chain::Next;
  chain.options.notify_argument = &chain;
  Chain::Next(nullptr, &chain);
  EXPECT_EQ(10u, StatsOf(dma_).done);
  EXPECT_EQ(0u, StatsOf(dma_).unseen);
}

TEST_F(DmaTraced, ARequestThatIsRefusedHasItsOptionsBack) {
  Init(1);
  aml_dma_options user = {};
  Asked asked;
  probe_.takes = 0;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(-AML_EAGAIN, asked.Submit(dma_, &user));
    EXPECT_STREQ("aml_dma_submit: dma takes no more", aml_error_detail());
    EXPECT_EQ(&user, asked.request.options);
    EXPECT_EQ(AML_DMA_IDLE, asked.state());
  }
  probe_.takes = 1;
  EXPECT_EQ(0, asked.Submit(dma_, &user));
  const aml_dma_traced_stats stats = StatsOf(dma_);
  EXPECT_EQ(10u, stats.refused);
  EXPECT_EQ(1u, stats.taken);
  EXPECT_EQ(1u, stats.done);
  EXPECT_EQ(0u, stats.unseen);
}

TEST_F(DmaTraced, ABatchIsCountedAsFarAsItWasTaken) {
  struct Case {
    size_t in_flight, takes;
    uint64_t taken, unseen, refused;
  };
  for (const Case &it : {Case{5, 5, 5, 0, 0}, Case{5, 2, 2, 0, 1}, Case{5, 0, 0, 0, 1},
                         Case{3, 4, 3, 1, 1}, Case{3, 2, 2, 0, 1}, Case{3, 9, 3, 2, 0}}) {
    AML_DMA_TRACED_DECL(dma);
    aml_dma_traced_options options = {};
    options.in_flight = it.in_flight;
    ASSERT_EQ(0, aml_dma_traced_init(dma, probe_.get(), &options));
    probe_.takes = it.takes;
    probe_.came.clear();
    std::deque<Asked> batch(5);
    aml_dma_options user = {};
    size_t taken = 0;
    EXPECT_EQ(it.refused == 0 ? 0 : -AML_EAGAIN, SubmitAll(dma, batch, &taken, &user));
    EXPECT_EQ(it.taken + it.unseen, taken);
    EXPECT_EQ(std::vector<size_t>{5}, probe_.came) << "went on as one";
    for (const Asked &asked : batch)
      EXPECT_EQ(&user, asked.request.options);
    const aml_dma_traced_stats stats = StatsOf(dma);
    EXPECT_EQ(it.taken, stats.taken);
    EXPECT_EQ(it.taken, stats.done);
    EXPECT_EQ(it.unseen, stats.unseen);
    EXPECT_EQ(it.refused, stats.refused);
    aml_dma_fini(dma);
  }
}

TEST_F(DmaTraced, OneMayBeOverAnother) {
  Init(1);
  AML_DMA_TRACED_DECL(outer);
  ASSERT_EQ(0, aml_dma_traced_init(outer, dma_, nullptr));
  probe_.takes = 2;
  std::deque<Asked> batch(4);
  aml_dma_options user = {};
  size_t taken = 0;
  EXPECT_EQ(-AML_EAGAIN, SubmitAll(outer, batch, &taken, &user));
  EXPECT_EQ(2u, taken);
  for (const Asked &asked : batch)
    EXPECT_EQ(&user, asked.request.options);
  EXPECT_EQ(2u, StatsOf(outer).done);
  EXPECT_EQ(1u, StatsOf(outer).refused);
  EXPECT_EQ(1u, StatsOf(dma_).done);
  EXPECT_EQ(1u, StatsOf(dma_).unseen);
  EXPECT_EQ(1u, StatsOf(dma_).refused);
  aml_dma_fini(outer);
}

/** Copies that several threads ask for: some after others, some called off. */
void CopyAbout(aml_dma *dma, size_t rounds, std::atomic<size_t> *lost) {
  constexpr size_t kCount = 4;
  for (size_t round = 0; round < rounds; ++round) {
    uint64_t values[kCount + 1] = {round, 0, 0, 0, 0};
    aml_tile tiles[kCount + 1];
    aml_dma_request requests[kCount] = {};
    aml_dma_request *before[kCount] = {};
    aml_dma_options options[kCount] = {};
    tiles[0] = aml_tile_bytes(&values[0], sizeof values[0]);
    for (size_t i = 0; i < kCount; ++i) {
      tiles[i + 1] = aml_tile_bytes(&values[i + 1], sizeof values[i + 1]);
      before[i] = i == 0 ? nullptr : &requests[i - 1];
      options[i].after = &before[i];
      options[i].after_count = i == 0 ? 0 : 1;
      *lost += aml_dma_submit(dma, &requests[i], &tiles[i + 1], &tiles[i], &options[i]) != 0;
    }
    const bool is_canceled = round % 3 == 0 && aml_dma_cancel(&requests[kCount - 1]) == 0;
    for (size_t i = kCount; i-- > 0;) {
      const bool is_off = i == kCount - 1 && is_canceled;
      *lost += aml_dma_wait(&requests[i]) != (is_off ? -AML_ECANCELED : 0);
      *lost += values[i + 1] != (is_off ? 0 : round) || requests[i].options != &options[i];
    }
  }
}

// Few records go round among many threads, and those that wait look at nothing of them.
TEST(DmaTracedThreads, NoRequestIsLostOrCountedTwice) {
  constexpr size_t kThreads = 3;
  constexpr size_t kRounds = 500;
  for (aml_dma *inner : {InnerParallel::Get(), InnerSequential::Get()}) {
    AML_DMA_TRACED_DECL(dma);
    aml_dma_traced_options options = {};
    options.in_flight = 7;
    ASSERT_EQ(0, aml_dma_traced_init(dma, inner, &options));
    std::atomic<size_t> lost{0};
    std::vector<std::thread> threads;
    for (size_t t = 0; t < kThreads; ++t)
      threads.emplace_back(CopyAbout, dma, kRounds, &lost);
    for (std::thread &thread : threads)
      thread.join();
    EXPECT_EQ(0u, lost);
    const aml_dma_traced_stats stats = StatsOf(dma);
    EXPECT_EQ(kThreads * kRounds * 4, stats.taken + stats.unseen);
    EXPECT_EQ(stats.taken, EndedOf(stats));
    EXPECT_EQ(0u, stats.failed);
    EXPECT_EQ(stats.done * sizeof(uint64_t), stats.size);
    EXPECT_EQ(stats.taken,
              std::accumulate(stats.latency, stats.latency + AML_DMA_TRACED_CLASSES, uint64_t{0}));
    aml_dma_fini(dma);
  }
}

TEST_F(DmaTraced, CapabilitiesAndBarriersAreTheInnerOnes) {
  EXPECT_EQ(0u, aml_dma_capabilities(dma_)) << "not initialised";
  Init(1);
  probe_.capabilities = AML_DMA_ASYNC | AML_DMA_CAN_OPERATE;
  EXPECT_EQ(probe_.capabilities, aml_dma_capabilities(dma_));
  probe_.holds = true;
  std::deque<Asked> asked(4);
  ASSERT_EQ(0, asked[0].Submit(dma_));
  ASSERT_EQ(0, asked[1].Submit(dma_));
  probe_.barrier_result = -AML_EIO;
  EXPECT_EQ(-AML_EIO, aml_dma_barrier(dma_));
  ASSERT_EQ(0, asked[2].Submit(dma_));
  ASSERT_EQ(0, asked[3].Submit(dma_));
  EXPECT_EQ(AML_DMA_DONE, asked[1].state());
  EXPECT_EQ(AML_DMA_PENDING, asked[3].state());
  aml_dma_fini(dma_);
  EXPECT_EQ(AML_DMA_DONE, asked[2].state());
  EXPECT_EQ(AML_DMA_DONE, asked[3].state());
  EXPECT_EQ(2, probe_.barriers);
}

TEST_F(DmaTraced, ArgumentsThatAreNoneAreRefused) {
  aml_dma_traced_options options = {};
  const auto expect_refused = [&](const char *sentence, aml_dma *dma, aml_dma *inner) {
    EXPECT_EQ(-AML_EINVAL, aml_dma_traced_init(dma, inner, &options));
    EXPECT_EQ(std::string("aml_dma_traced_init: ") + sentence, aml_error_detail());
  };
  const char *const other = "dma is null, or was not declared by AML_DMA_TRACED_DECL";
  expect_refused(other, nullptr, probe_.get());
  expect_refused(other, probe_.get(), probe_.get());
  expect_refused("inner is null", dma_, nullptr);
  options.in_flight = 1000001;
  expect_refused("in_flight 1000001 is more than a million", dma_, probe_.get());
  aml_dma *created = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_dma_traced_create(&created, nullptr, nullptr));
  EXPECT_EQ(nullptr, created);
  EXPECT_EQ(-AML_EINVAL, aml_dma_traced_create(nullptr, probe_.get(), nullptr));

  aml_dma_traced_stats stats = {};
  stats.taken = 77;
  for (const aml_dma *it : {static_cast<aml_dma *>(nullptr), probe_.get(), dma_}) {
    EXPECT_EQ(-AML_EINVAL, aml_dma_traced_get_stats(it, &stats));
    EXPECT_STREQ("aml_dma_traced_get_stats: dma is no traced dma that is initialised",
                 aml_error_detail());
  }
  EXPECT_EQ(77u, stats.taken);
  Init();
  EXPECT_EQ(-AML_EINVAL, aml_dma_traced_get_stats(dma_, nullptr));
  EXPECT_STREQ("aml_dma_traced_get_stats: stats is null", aml_error_detail());
}

} // namespace
