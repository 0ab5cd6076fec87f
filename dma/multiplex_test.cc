// SPDX-License-Identifier: BSD-3-Clause
//
// Where dma:multiplex sends requests, what becomes of batches, and that waiting, calling off and
// coming after others work across its routes.

#include "aml/dma/multiplex.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/capable_area_testing.h"
#include "aml/dma/inner_testing.h"
#include "aml/dma/parallel.h"
#include "aml/dma/probe_testing.h"

namespace {

using namespace aml_testing;

using Counts = std::vector<size_t>;

class DmaMultiplex : public testing::Test {
protected:
  void Init(const std::vector<aml_dma_route> &routes) {
    ASSERT_EQ(0, aml_dma_multiplex_init(dma_, routes.data(), routes.size())) << aml_error_detail();
  }
  // To files, from files, and within memory of the host.
  void InitForFiles() {
    Init({{AML_AREA_FILE_BACKED, 0, a_.get()},
          {0, AML_AREA_FILE_BACKED, b_.get()},
          {AML_AREA_HOST_WRITABLE, AML_AREA_HOST_READABLE, c_.get()}});
  }
  void TearDown() override { aml_dma_fini(dma_); }

  ProbeDma a_;
  ProbeDma b_;
  ProbeDma c_;
  CapableArea file_{AML_AREA_FILE_BACKED | AML_AREA_HOST_READABLE | AML_AREA_SHARED};
  CapableArea device_{AML_AREA_DEVICE};
  CapableArea host_{AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE};
  AML_DMA_MULTIPLEX_DECL(dma_);
};

TEST_F(DmaMultiplex, ARequestGoesToTheFirstRouteThatFitsBothAreas) {
  InitForFiles();
  const struct {
    aml_area *dst;
    aml_area *src;
    ProbeDma *expected;
  } cases[] = {{file_.get(), nullptr, &a_},       {file_.get(), file_.get(), &a_},
               {file_.get(), device_.get(), &a_}, {nullptr, file_.get(), &b_},
               {device_.get(), file_.get(), &b_}, {nullptr, nullptr, &c_},
               {host_.get(), nullptr, &c_},       {nullptr, host_.get(), &c_}};
  for (const auto &it : cases) {
    for (ProbeDma *probe : {&a_, &b_, &c_})
      probe->came.clear();
    Asked asked(64, it.dst, it.src);
    EXPECT_EQ(0, asked.Submit(dma_)) << aml_error_detail();
    for (ProbeDma *probe : {&a_, &b_, &c_})
      EXPECT_EQ(probe == it.expected ? Counts{1} : Counts{}, probe->came) << &it - cases;
    EXPECT_EQ(it.expected->get(), asked.request.dma) << "who is asked about it from now on";
  }
}

TEST_F(DmaMultiplex, WithoutARouteItSaysWhatBothAreasAre) {
  InitForFiles();
  CapableArea none(0);
  Asked asked(64, device_.get(), host_.get());
  EXPECT_EQ(-AML_ENOTSUP, asked.Submit(dma_));
  EXPECT_STREQ("aml_dma_submit: src is readable writable, whence no route leads to dst, which is "
               "device",
               aml_error_detail());
  EXPECT_EQ(AML_DMA_IDLE, asked.state());
  Asked another(64, host_.get(), none.get());
  EXPECT_EQ(-AML_ENOTSUP, another.Submit(dma_));
  EXPECT_STREQ(
      "aml_dma_submit: src is unreachable, whence no route leads to dst, which is readable "
      "writable",
      aml_error_detail());
  CapableArea all(~0U);
  CapableArea nearly_all(~0U >> 1);
  Init({{AML_AREA_HOST_READABLE, 1U << 31, a_.get()}});
  Asked third(64, all.get(), nearly_all.get());
  EXPECT_EQ(-AML_ENOTSUP, third.Submit(dma_));
  EXPECT_STREQ("aml_dma_submit: src is readable writable shared file device, whence no route leads "
               "to dst, which is readable writable shared file device",
               aml_error_detail());
  for (ProbeDma *probe : {&a_, &b_, &c_})
    EXPECT_EQ(Counts{}, probe->came);
}

TEST_F(DmaMultiplex, ABatchIsCutWhereTheRouteChanges) {
  InitForFiles();
  std::deque<Asked> batch;
  for (aml_area *dst : {file_.get(), file_.get(), host_.get(), file_.get(), host_.get()})
    batch.emplace_back(64, dst);
  size_t taken = 0;
  EXPECT_EQ(0, SubmitAll(dma_, batch, &taken)) << aml_error_detail();
  EXPECT_EQ(5u, taken);
  EXPECT_EQ((Counts{2, 1}), a_.came);
  EXPECT_EQ((Counts{1, 1}), c_.came);
  for (const Asked &asked : batch)
    EXPECT_EQ(AML_DMA_DONE, asked.state());
  EXPECT_EQ(0, aml_dma_submit_many(dma_, 0, nullptr, &taken));
  EXPECT_EQ(0u, taken);
}

TEST_F(DmaMultiplex, ABatchEndsWhereARouteRefuses) {
  InitForFiles();
  std::deque<Asked> batch;
  for (aml_area *dst : {file_.get(), file_.get(), file_.get(), host_.get(), file_.get()})
    batch.emplace_back(64, dst);
  a_.takes = 2;
  size_t taken = 0;
  EXPECT_EQ(-AML_EAGAIN, SubmitAll(dma_, batch, &taken));
  EXPECT_STREQ("aml_dma_submit: dma takes no more", aml_error_detail());
  EXPECT_EQ(2u, taken);
  EXPECT_EQ(Counts{3}, a_.came);
  EXPECT_EQ(Counts{}, c_.came) << "what comes later is not taken before";
  for (size_t i = 0; i < batch.size(); ++i)
    EXPECT_EQ(i < 2 ? AML_DMA_DONE : AML_DMA_IDLE, batch[i].state());
}

// Those before are run meanwhile, and one that comes after a failure leaves a sentence.
TEST_F(DmaMultiplex, ABatchEndsWhereNoRouteLeads) {
  Init({{AML_AREA_HOST_WRITABLE, 0, InnerSequential::Get()}, {AML_AREA_FILE_BACKED, 0, a_.get()}});
  int bytes[3] = {1, 2, 3};
  const aml_tile one = aml_tile_bytes(&bytes[0], sizeof(int));
  const aml_tile two = aml_tile_bytes(&bytes[1], sizeof(int));
  aml_tile far = aml_tile_bytes(&bytes[2], sizeof(int));
  far.area = device_.get();
  const aml_dma_operation failing = {[](void *, const void *, size_t, void *) { return -AML_EIO; },
                                     nullptr, 0, 0};
  aml_dma_options fails = {};
  fails.operation = &failing;
  aml_dma_request requests[3] = {};
  aml_dma_request *const before[] = {&requests[0]};
  aml_dma_options later = {};
  later.after = before;
  later.after_count = 1;
  ASSERT_EQ(0, aml_dma_submit(dma_, &requests[0], &one, &two, &fails));
  const aml_dma_transfer batch[] = {{&requests[1], &one, &two, &later},
                                    {&requests[2], &far, &two, nullptr}};
  size_t taken = 0;
  EXPECT_EQ(-AML_ENOTSUP, aml_dma_submit_many(dma_, 2, batch, &taken));
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  EXPECT_STREQ("aml_dma_submit: dst is device, where no route leads", aml_error_detail());
  EXPECT_EQ(1u, taken);
  EXPECT_EQ(-AML_ECANCELED, aml_dma_wait(&requests[1]));
  EXPECT_EQ(AML_DMA_IDLE, aml_dma_request_state(&requests[2]));
}

/** A dma with a thread, which is kept busy until it is let go. */
class Busy {
public:
  static constexpr size_t kQueueSize = 128;

  Busy() {
    aml_dma_parallel_options options = {};
    options.thread_count = 1;
    options.queue_size = kQueueSize;
    EXPECT_EQ(0, aml_dma_parallel_create(&dma_, &options)) << aml_error_detail();
    options_.operation = &operation_;
    EXPECT_EQ(0, aml_dma_submit(dma_, &request_, &tile_, &tile_, &options_));
    while (aml_dma_request_state(&request_) != AML_DMA_RUNNING)
      std::this_thread::yield();
  }
  Busy(const Busy &) = delete;
  ~Busy() {
    LetGo();
    aml_dma_destroy(&dma_);
  }
  aml_dma *get() { return dma_; }
  void LetGo() { blocks_ = false; }

private:
  static int Run(void *, const void *, size_t, void *argument) {
    while (static_cast<Busy *>(argument)->blocks_)
      std::this_thread::yield();
    return 0;
  }

  std::atomic<bool> blocks_{true};
  char byte_ = 0;
  aml_tile tile_ = aml_tile_bytes(&byte_, 1);
  aml_dma_operation operation_ = {Run, this, 0, 0};
  aml_dma_options options_{};
  aml_dma_request request_{};
  aml_dma *dma_ = nullptr;
};

class DmaMultiplexBusy : public DmaMultiplex {
protected:
  Busy busy_;
};

TEST_F(DmaMultiplexBusy, ThoseOfAllRoutesAreWaitedForAtOnce) {
  Init({{AML_AREA_FILE_BACKED, 0, a_.get()}, {0, 0, busy_.get()}});
  int from = 1;
  int to = 0;
  const aml_tile src = aml_tile_bytes(&from, sizeof from);
  const aml_tile dst = aml_tile_bytes(&to, sizeof to);
  aml_dma_request slow = {};
  Asked fast(64, file_.get());
  ASSERT_EQ(0, aml_dma_submit(dma_, &slow, &dst, &src, nullptr));
  ASSERT_EQ(0, fast.Submit(dma_));
  aml_dma_request *requests[] = {&slow, &fast.request};
  size_t index = 77;
  ASSERT_EQ(0, aml_dma_wait_any(2, requests, &index));
  EXPECT_EQ(1u, index);
  requests[1] = nullptr;
  busy_.LetGo();
  ASSERT_EQ(0, aml_dma_wait_any(2, requests, &index));
  EXPECT_EQ(0u, index);
  EXPECT_EQ(0, aml_dma_wait(&slow));
  EXPECT_EQ(1, to);
}

TEST_F(DmaMultiplexBusy, ToCallOffAndToTryReachTheRoute) {
  Init({{0, 0, busy_.get()}});
  std::vector<int> to(2 * Busy::kQueueSize, 0);
  int from = 1;
  const aml_tile src = aml_tile_bytes(&from, sizeof from);
  std::deque<aml_dma_request> requests;
  std::deque<aml_tile> dst;
  aml_dma_options tries = {};
  tries.flags = AML_DMA_TRY;
  int err = 0;
  while (err == 0 && dst.size() < to.size()) {
    dst.push_back(aml_tile_bytes(&to[dst.size()], sizeof from));
    err = aml_dma_submit(dma_, &requests.emplace_back(), &dst.back(), &src, &tries);
  }
  EXPECT_EQ(-AML_EAGAIN, err) << "the queue is full";
  EXPECT_EQ(AML_DMA_IDLE, aml_dma_request_state(&requests.back()));
  EXPECT_EQ(0, aml_dma_copy(dma_, &dst.back(), &src, &tries)) << "a small copy needs none";
  EXPECT_EQ(1, to[dst.size() - 1]);
  requests.pop_back();
  ASSERT_LE(2u, requests.size());
  EXPECT_EQ(0, aml_dma_cancel(&requests[1])) << aml_error_detail();
  busy_.LetGo();
  for (size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(i == 1 ? -AML_ECANCELED : 0, aml_dma_wait(&requests[i]));
    EXPECT_EQ(i == 1 ? 0 : 1, to[i]);
  }
}

TEST_F(DmaMultiplexBusy, ARequestComesAfterThoseOfOtherRoutes) {
  Init({{AML_AREA_SHARED, 0, InnerParallel::Get()}, {0, 0, busy_.get()}});
  CapableArea shared(AML_AREA_SHARED | AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE);
  constexpr size_t kLength = 100;
  std::vector<size_t> value(kLength + 1, 0);
  value[0] = 4711;
  std::vector<aml_tile> tiles;
  for (size_t i = 0; i <= kLength; ++i) {
    tiles.push_back(aml_tile_bytes(&value[i], sizeof value[i]));
    tiles[i].area = i % 2 == 0 ? shared.get() : nullptr;
  }
  std::vector<aml_dma_request> requests(kLength);
  std::vector<aml_dma_request *> before(kLength);
  std::vector<aml_dma_options> options(kLength);
  for (size_t i = 0; i < kLength; ++i) {
    before[i] = i == 0 ? nullptr : &requests[i - 1];
    options[i].after = &before[i];
    options[i].after_count = i == 0 ? 0 : 1;
    ASSERT_EQ(0, aml_dma_submit(dma_, &requests[i], &tiles[i + 1], &tiles[i], &options[i]))
        << aml_error_detail();
  }
  busy_.LetGo();
  EXPECT_EQ(0, aml_dma_wait(&requests.back()));
  EXPECT_EQ(std::vector<size_t>(kLength + 1, 4711), value);
}

TEST_F(DmaMultiplex, CapabilitiesAreThoseOfAll) {
  EXPECT_EQ(0u, aml_dma_capabilities(dma_)) << "not initialised";
  Init({{0, 0, a_.get()}, {0, 0, b_.get()}});
  a_.capabilities = AML_DMA_THREAD_SAFE | AML_DMA_CAN_OVERLAP;
  b_.capabilities = AML_DMA_THREAD_SAFE | AML_DMA_CAN_OPERATE;
  EXPECT_EQ(unsigned{AML_DMA_THREAD_SAFE}, aml_dma_capabilities(dma_));
  b_.capabilities = AML_DMA_CAN_OVERLAP | AML_DMA_ASYNC;
  EXPECT_EQ(unsigned{AML_DMA_CAN_OVERLAP | AML_DMA_ASYNC}, aml_dma_capabilities(dma_))
      << "some go on by themselves";
}

TEST_F(DmaMultiplex, ABarrierAndTheEndWaitForAllRoutesWhateverOneSays) {
  InitForFiles();
  a_.barrier_result = -AML_EIO;
  for (int round = 1; round <= 2; ++round) {
    std::deque<Asked> asked;
    for (ProbeDma *probe : {&a_, &b_, &c_})
      probe->holds = true;
    ASSERT_EQ(0, asked.emplace_back(64, file_.get()).Submit(dma_));
    ASSERT_EQ(0, asked.emplace_back(64, nullptr, file_.get()).Submit(dma_));
    ASSERT_EQ(0, asked.emplace_back(64).Submit(dma_));
    EXPECT_EQ(AML_DMA_PENDING, asked[1].state());
    if (round == 1) {
      EXPECT_EQ(-AML_EIO, aml_dma_barrier(dma_));
      EXPECT_STREQ("aml_dma_barrier: dma fails", aml_error_detail());
    } else {
      aml_dma_fini(dma_);
    }
    for (const Asked &it : asked)
      EXPECT_EQ(AML_DMA_DONE, it.state());
    for (const ProbeDma *probe : {&a_, &b_, &c_})
      EXPECT_EQ(round, probe->barriers);
  }
}

TEST_F(DmaMultiplex, ArgumentsThatAreNoneAreRefused) {
  std::vector<aml_dma_route> routes(AML_DMA_MULTIPLEX_ROUTES + 1, {0, 0, a_.get()});
  const auto expect_refused = [](const char *sentence, aml_dma *dma, const aml_dma_route *given,
                                 size_t count) {
    EXPECT_EQ(-AML_EINVAL, aml_dma_multiplex_init(dma, given, count));
    EXPECT_EQ(std::string("aml_dma_multiplex_init: ") + sentence, aml_error_detail());
  };
  const char *const other = "dma is null, or was not declared by AML_DMA_MULTIPLEX_DECL";
  expect_refused(other, nullptr, routes.data(), 1);
  expect_refused(other, a_.get(), routes.data(), 1);
  expect_refused("routes is null", dma_, nullptr, 1);
  expect_refused("count 0 is 0, or above AML_DMA_MULTIPLEX_ROUTES", dma_, routes.data(), 0);
  expect_refused("count 17 is 0, or above AML_DMA_MULTIPLEX_ROUTES", dma_, routes.data(), 17);
  routes[15].dma = nullptr;
  expect_refused("routes 15 has no dma", dma_, routes.data(), 16);
  aml_dma *created = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_dma_multiplex_create(&created, routes.data(), 16));
  EXPECT_EQ(-AML_EINVAL, aml_dma_multiplex_create(nullptr, routes.data(), 1));
  EXPECT_EQ(nullptr, created);
  Init(std::vector<aml_dma_route>(routes.begin(), routes.begin() + 15));
  routes.clear(); // was copied
  Asked asked;
  EXPECT_EQ(0, asked.Submit(dma_));
}

} // namespace
