// SPDX-License-Identifier: BSD-3-Clause
//
// What the generic functions refuse and forward, and the life of a request, seen by a dma that
// keeps requests pending until it is told to run them.

#include "aml/core/dma.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/tile.h"

namespace {

// Keeps what it is given; refuses the requests after the first `room`.
struct Fake {
  aml_dma dma;
  std::vector<aml_dma_request *> queue;
  size_t room;
  size_t submits;
  size_t polls;
  int outcome;
  bool is_lost; // refuses to tell of requests

  void RunAll() {
    for (aml_dma_request *request : std::exchange(queue, {}))
      aml_dma_request_finish(request, outcome);
  }

  int RunAllUnlessLost() {
    if (is_lost)
      return aml_error_set(-AML_EPERM, "aml_dma_wait", "dma", "is lost");
    RunAll();
    return 0;
  }
};

Fake *FakeOf(aml_dma *dma) {
  return reinterpret_cast<Fake *>(dma);
}

int Submit(aml_dma *dma, aml_dma_request *request) {
  Fake *const fake = FakeOf(dma);
  ++fake->submits;
  EXPECT_EQ(AML_DMA_PENDING, aml_dma_request_state(request));
  EXPECT_NE(nullptr, request->options);
  if (fake->queue.size() == fake->room)
    return aml_error_set(-AML_EAGAIN, "aml_dma_submit", nullptr, "the queue is full");
  fake->queue.push_back(request);
  return 0;
}

int SubmitMany(aml_dma *dma, size_t count, aml_dma_request *const requests[], size_t *taken) {
  int err = 0;
  for (*taken = 0; *taken < count && !err; *taken += !err)
    err = Submit(dma, requests[*taken]);
  FakeOf(dma)->submits = 1000;
  return err;
}

int Cancel(aml_dma *dma, aml_dma_request *request) {
  std::vector<aml_dma_request *> &queue = FakeOf(dma)->queue;
  queue.erase(std::remove(queue.begin(), queue.end(), request), queue.end());
  aml_dma_request_finish(request, -AML_ECANCELED);
  return 0;
}

aml_dma_ops Mandatory() {
  aml_dma_ops ops = {};
  ops.name = "fake";
  ops.fini = [](aml_dma *dma) { FakeOf(dma)->RunAll(); };
  ops.capabilities = [](const aml_dma *) { return unsigned{AML_DMA_ASYNC}; };
  ops.submit = Submit;
  ops.wait = [](aml_dma *dma, aml_dma_request *) { return FakeOf(dma)->RunAllUnlessLost(); };
  ops.cancel = Cancel;
  return ops;
}

aml_dma_ops All() {
  aml_dma_ops ops = Mandatory();
  ops.poll = [](aml_dma *dma) {
    Fake *const fake = FakeOf(dma);
    return fake->is_lost || ++fake->polls == 2 ? fake->RunAllUnlessLost() : 0;
  };
  ops.barrier = [](aml_dma *dma) {
    FakeOf(dma)->RunAll();
    return -AML_EIO;
  };
  ops.submit_many = SubmitMany;
  return ops;
}

const aml_dma_ops kMandatory = Mandatory();
const aml_dma_ops kAll = All();

class CoreDma : public testing::Test {
protected:
  CoreDma() {
    bare_.dma.ops = &kMandatory;
    full_.dma.ops = &kAll;
    bare_.room = full_.room = 1000;
  }

  void ExpectRefused(int err, int code, const std::string &sentence) {
    EXPECT_EQ(code, err);
    EXPECT_EQ(sentence, aml_error_detail());
    EXPECT_EQ(0u, bare_.submits) << "forwarded in spite of that";
  }

  // Submits with what it is given and the fixture's own of the rest.
  int SubmitTiles(const aml_tile *dst, const aml_tile *src,
                  const aml_dma_options *options = nullptr) {
    return aml_dma_submit(bare, &request_, dst, src, options);
  }

  Fake bare_{};
  Fake full_{};
  aml_dma *const bare = &bare_.dma;
  aml_dma *const full = &full_.dma;
  char bytes_[256];
  aml_tile dst_ = aml_tile_bytes(bytes_, 64);
  aml_tile src_ = aml_tile_bytes(bytes_ + 128, 64);
  aml_dma_request request_{};
};

TEST_F(CoreDma, ARequestIsPendingUntilItIsDone) {
  ASSERT_EQ(AML_DMA_IDLE, aml_dma_request_state(&request_));
  ASSERT_EQ(0, SubmitTiles(&dst_, &src_));
  EXPECT_EQ(AML_DMA_PENDING, aml_dma_request_state(&request_));
  EXPECT_EQ(&dst_, request_.dst);
  EXPECT_EQ(&src_, request_.src);
  EXPECT_EQ(bare, request_.dma);
  bare_.outcome = 33;
  EXPECT_EQ(33, aml_dma_wait(&request_));
  EXPECT_EQ(AML_DMA_DONE, aml_dma_request_state(&request_));
  EXPECT_EQ(33, aml_dma_wait(&request_)) << "it may be waited for again";
  bare_.outcome = 0;
  ASSERT_EQ(0, SubmitTiles(&dst_, &src_)) << "and be submitted again";
  EXPECT_EQ(0, aml_dma_wait(&request_));
}

TEST_F(CoreDma, ARequestInFlightIsBusy) {
  ASSERT_EQ(0, SubmitTiles(&dst_, &src_));
  EXPECT_EQ(-AML_EBUSY, SubmitTiles(&dst_, &src_));
  EXPECT_STREQ("aml_dma_submit: request is in flight", aml_error_detail());
  EXPECT_EQ(1u, bare_.queue.size());
  EXPECT_EQ(0, aml_dma_wait(&request_));
}

TEST_F(CoreDma, ARequestThatWasNotTakenIsIdle) {
  bare_.room = 0;
  EXPECT_EQ(-AML_EAGAIN, SubmitTiles(&dst_, &src_));
  EXPECT_EQ(AML_DMA_IDLE, aml_dma_request_state(&request_));
  EXPECT_EQ(-AML_EINVAL, aml_dma_wait(&request_));
  EXPECT_STREQ("aml_dma_wait: request was never submitted", aml_error_detail());
}

TEST_F(CoreDma, NullIsRefusedByName) {
  bool done = false;
  ExpectRefused(aml_dma_submit(nullptr, &request_, &dst_, &src_, nullptr), -AML_EINVAL,
                "aml_dma_submit: dma is null");
  ExpectRefused(aml_dma_submit(bare, nullptr, &dst_, &src_, nullptr), -AML_EINVAL,
                "aml_dma_submit: request is null");
  ExpectRefused(SubmitTiles(nullptr, &src_), -AML_EINVAL, "aml_dma_submit: dst is null");
  ExpectRefused(SubmitTiles(&dst_, nullptr), -AML_EINVAL, "aml_dma_submit: src is null");
  ExpectRefused(aml_dma_copy(nullptr, &dst_, &src_, nullptr), -AML_EINVAL,
                "aml_dma_copy: dma is null");
  ExpectRefused(aml_dma_copy(bare, nullptr, &src_, nullptr), -AML_EINVAL,
                "aml_dma_copy: dst is null");
  ExpectRefused(aml_dma_submit_many(nullptr, 0, nullptr, nullptr), -AML_EINVAL,
                "aml_dma_submit_many: dma is null");
  ExpectRefused(aml_dma_submit_many(bare, 1, nullptr, nullptr), -AML_EINVAL,
                "aml_dma_submit_many: transfers is null");
  ExpectRefused(aml_dma_wait(nullptr), -AML_EINVAL, "aml_dma_wait: request is null");
  ExpectRefused(aml_dma_test(nullptr, &done), -AML_EINVAL, "aml_dma_test: request is null");
  ExpectRefused(aml_dma_cancel(nullptr), -AML_EINVAL, "aml_dma_cancel: request is null");
  ExpectRefused(aml_dma_barrier(nullptr), -AML_EINVAL, "aml_dma_barrier: dma is null");
}

TEST_F(CoreDma, WaitAnyWantsAtLeastOne) {
  aml_dma_request *requests[] = {nullptr, nullptr, &request_};
  size_t index = 7;
  ExpectRefused(aml_dma_wait_any(2, nullptr, &index), -AML_EINVAL,
                "aml_dma_wait_any: requests is null");
  ExpectRefused(aml_dma_wait_any(3, requests, nullptr), -AML_EINVAL,
                "aml_dma_wait_any: index is null");
  ExpectRefused(aml_dma_wait_any(2, requests, &index), -AML_EINVAL,
                "aml_dma_wait_any: requests holds none");
  ExpectRefused(aml_dma_wait_any(3, requests, &index), -AML_EINVAL,
                "aml_dma_wait_any: requests 2 was never submitted");
  EXPECT_EQ(7u, index);
  ASSERT_EQ(0, aml_dma_submit(full, &request_, &dst_, &src_, nullptr));
  EXPECT_EQ(0, aml_dma_wait_any(3, requests, &index)) << "polls until it is done";
  EXPECT_EQ(2u, index);
}

TEST_F(CoreDma, RequestsThatNobodySubmittedAreRefused) {
  bool done = false;
  ExpectRefused(aml_dma_test(&request_, &done), -AML_EINVAL,
                "aml_dma_test: request was never submitted");
  ExpectRefused(aml_dma_cancel(&request_), -AML_EINVAL,
                "aml_dma_cancel: request was never submitted");
}

TEST_F(CoreDma, TilesMustBeOfOneShape) {
  aml_tile other = src_;
  other.extent[0] = 63;
  ExpectRefused(SubmitTiles(&dst_, &other), -AML_EINVAL,
                "aml_dma_submit: dst 0 is a dimension in which it has another extent than src");
  other = src_;
  other.element_size = 2;
  ExpectRefused(SubmitTiles(&dst_, &other), -AML_EINVAL,
                "aml_dma_submit: dst has another element size than src");
  other = src_;
  other.ndims = 2;
  other.extent[1] = 1;
  other.stride_bytes[1] = 1;
  ExpectRefused(SubmitTiles(&dst_, &other), -AML_EINVAL,
                "aml_dma_submit: dst has another number of dimensions than src");
}

TEST_F(CoreDma, TilesMustBeValid) {
  for (const auto spoil :
       {+[](aml_tile *tile) { tile->base = nullptr; },
        +[](aml_tile *tile) { tile->element_size = 0; },
        +[](aml_tile *tile) { tile->extent[0] = 0; }, +[](aml_tile *tile) { tile->ndims = 0; },
        +[](aml_tile *tile) { tile->ndims = AML_MAX_DIMS + 1; }}) {
    aml_tile dst = dst_;
    aml_tile src = src_;
    spoil(&dst);
    EXPECT_EQ(-AML_EINVAL, SubmitTiles(&dst, &src_));
    EXPECT_EQ(0u, std::string(aml_error_detail()).find("aml_dma_submit: dst "));
    spoil(&src);
    EXPECT_EQ(-AML_EINVAL, SubmitTiles(&dst_, &src));
    EXPECT_EQ(0u, std::string(aml_error_detail()).find("aml_dma_submit: src "));
  }
  aml_tile endless = src_;
  endless.extent[0] = SIZE_MAX;
  EXPECT_EQ(-AML_EOVERFLOW, SubmitTiles(&dst_, &endless));
  EXPECT_EQ(0u, bare_.submits);
}

TEST_F(CoreDma, OnlyASourceMayBroadcast) {
  aml_tile still = dst_;
  still.stride_bytes[0] = 0;
  ExpectRefused(SubmitTiles(&still, &src_), -AML_EINVAL,
                "aml_dma_submit: dst has a stride of 0, so its elements are not distinct");
  EXPECT_EQ(0, SubmitTiles(&dst_, &still));
  EXPECT_EQ(0, aml_dma_wait(&request_));
  still.extent[0] = 1;
  aml_tile one = src_;
  one.extent[0] = 1;
  EXPECT_EQ(0, SubmitTiles(&still, &one)) << "a stride that is never stepped";
  EXPECT_EQ(0, aml_dma_wait(&request_));
}

TEST_F(CoreDma, OptionsAreChecked) {
  aml_dma_request never = {};
  aml_dma_request *after[] = {&never};
  aml_dma_operation nothing = {};
  const auto refused = [&](const aml_dma_options &options, const char *reason) {
    ExpectRefused(SubmitTiles(&dst_, &src_, &options), -AML_EINVAL,
                  std::string("aml_dma_submit: ") + reason);
  };
  aml_dma_options options = {};
  options.use = static_cast<aml_dma_use>(3);
  refused(options, "use is no use");
  options = {};
  options.flags = 8;
  refused(options, "flags has an unknown bit");
  options = {};
  options.operation = &nothing;
  refused(options, "operation has a null function");
  options = {};
  const int closed = -1;
  options.eventfd = &closed;
  refused(options, "eventfd is no descriptor");
  options = {};
  options.after_count = 1;
  refused(options, "after is null, yet after_count is not 0");
  options.after = after;
  refused(options, "after holds a request that was never submitted, or this one");
  after[0] = &request_;
  request_.state = AML_DMA_DONE;
  refused(options, "after holds a request that was never submitted, or this one");
}

TEST_F(CoreDma, AnOperationMayChangeTheElementSize) {
  const aml_dma_operation operation = {[](void *, const void *, size_t, void *) { return 0; },
                                       nullptr, 0, 0};
  aml_dma_options options = {};
  options.operation = &operation;
  aml_tile wide = dst_;
  wide.element_size = 2;
  wide.extent[0] = 64;
  wide.stride_bytes[0] = 2;
  EXPECT_EQ(0, SubmitTiles(&wide, &src_, &options));
  EXPECT_EQ(&options, request_.options);
  EXPECT_EQ(0, aml_dma_wait(&request_));
}

TEST_F(CoreDma, AnOperationMayWantCertainElementSizes) {
  aml_dma_operation operation = {[](void *, const void *, size_t, void *) { return 0; }, nullptr, 2,
                                 1};
  aml_dma_options options = {};
  options.operation = &operation;
  aml_tile wide = dst_;
  wide.element_size = 2;
  wide.stride_bytes[0] = 2;
  ExpectRefused(SubmitTiles(&dst_, &src_, &options), -AML_EINVAL,
                "aml_dma_submit: dst has another element size than the operation takes");
  ExpectRefused(SubmitTiles(&wide, &wide, &options), -AML_EINVAL,
                "aml_dma_submit: src has another element size than the operation takes");
  EXPECT_EQ(0, SubmitTiles(&wide, &src_, &options));
  EXPECT_EQ(0, aml_dma_wait(&request_));
  operation.dst_element_size = 0;
  EXPECT_EQ(0, SubmitTiles(&dst_, &src_, &options)) << "0 is any";
  EXPECT_EQ(0, aml_dma_wait(&request_));
}

TEST_F(CoreDma, TestPollsWithoutWaiting) {
  bool done = true;
  ASSERT_EQ(0, aml_dma_submit(full, &request_, &dst_, &src_, nullptr));
  EXPECT_EQ(0, aml_dma_test(&request_, &done));
  EXPECT_FALSE(done);
  EXPECT_EQ(0, aml_dma_test(&request_, &done));
  EXPECT_TRUE(done) << "the second poll found it done";
  EXPECT_EQ(0, aml_dma_test(&request_, &done));
  EXPECT_EQ(2u, full_.polls) << "what is done is not polled for";
  EXPECT_EQ(-AML_EINVAL, aml_dma_test(&request_, nullptr));
  ASSERT_EQ(0, SubmitTiles(&dst_, &src_));
  EXPECT_EQ(0, aml_dma_test(&request_, &done));
  EXPECT_FALSE(done) << "a type without poll";
  EXPECT_EQ(0, aml_dma_wait(&request_));
}

TEST_F(CoreDma, ARequestThatItsDmaRefusesToTellOfStaysAsItIs) {
  aml_dma_request other = {};
  aml_dma_request *const both[] = {&request_, &other};
  bool done = true;
  size_t index = 9;
  ASSERT_EQ(0, aml_dma_submit(full, &request_, &dst_, &src_, nullptr));
  ASSERT_EQ(0, aml_dma_submit(bare, &other, &dst_, &src_, nullptr));
  full_.is_lost = true;
  EXPECT_EQ(-AML_EPERM, aml_dma_wait(&request_));
  EXPECT_STREQ("aml_dma_wait: dma is lost", aml_error_detail());
  EXPECT_EQ(-AML_EPERM, aml_dma_test(&request_, &done));
  EXPECT_TRUE(done);
  EXPECT_EQ(-AML_EPERM, aml_dma_wait_any(2, both, &index)) << "and not once the other one is done";
  EXPECT_EQ(9u, index);
  EXPECT_EQ(-AML_EPERM, aml_dma_copy(full, &dst_, &src_, nullptr));
  EXPECT_EQ(AML_DMA_PENDING, aml_dma_request_state(&request_));
  bare_.RunAll();
  EXPECT_EQ(0, aml_dma_wait_any(2, both, &index)) << "one that is done can be told";
  EXPECT_EQ(1u, index);
  full_.queue.pop_back(); // the copy's, which is gone
  full_.is_lost = false;
  EXPECT_EQ(0, aml_dma_wait(&request_));
}

TEST_F(CoreDma, NotifyIsCalledOnceBeforeTheRequestIsDone) {
  std::vector<aml_dma_state> states;
  aml_dma_options options = {};
  options.notify = [](aml_dma_request *request, void *argument) {
    static_cast<std::vector<aml_dma_state> *>(argument)->push_back(aml_dma_request_state(request));
  };
  options.notify_argument = &states;
  ASSERT_EQ(0, SubmitTiles(&dst_, &src_, &options));
  EXPECT_TRUE(states.empty());
  EXPECT_EQ(0, aml_dma_wait(&request_));
  EXPECT_EQ(0, aml_dma_wait(&request_));
  EXPECT_EQ(std::vector<aml_dma_state>{AML_DMA_PENDING}, states);
}

TEST_F(CoreDma, CapabilitiesAreForwarded) {
  EXPECT_EQ(unsigned{AML_DMA_ASYNC}, aml_dma_capabilities(bare));
  EXPECT_EQ(0u, aml_dma_capabilities(nullptr));
}

TEST_F(CoreDma, WaitSaysInItsThreadWhatFailedInAnother) {
  ASSERT_EQ(0, SubmitTiles(&dst_, &src_));
  std::thread([&] {
    bare_.queue.clear();
    aml_dma_request_fail(&request_, -AML_EIO, "pread of a file");
  }).join();
  EXPECT_EQ(-AML_EIO, aml_dma_wait(&request_));
  EXPECT_EQ(-AML_EIO, aml_error_code());
  EXPECT_STREQ("aml_dma_wait: pread of a file", aml_error_detail());
  ASSERT_EQ(0, SubmitTiles(&dst_, &src_));
  bare_.outcome = -AML_ENOSPC;
  EXPECT_EQ(-AML_ENOSPC, aml_dma_wait(&request_));
  EXPECT_STREQ("aml_dma_wait: no space left", aml_error_detail()) << "no reason was given";
  bare_.outcome = 0;
}

TEST_F(CoreDma, AFailedRequestKeepsAsMuchOfItsReasonAsFits) {
  ASSERT_EQ(0, SubmitTiles(&dst_, &src_));
  bare_.queue.clear();
  const std::string reason(1000, 'r');
  aml_dma_request_fail(&request_, -AML_EIO, reason.c_str());
  EXPECT_EQ(-AML_EIO, aml_dma_wait(&request_));
  EXPECT_EQ("aml_dma_wait: " + reason.substr(0, AML_DMA_REASON_CAPACITY - 1), aml_error_detail());
}

TEST_F(CoreDma, AnOutcomeOutlivesARefusedResubmission) {
  ASSERT_EQ(0, SubmitTiles(&dst_, &src_));
  bare_.queue.clear();
  aml_dma_request_fail(&request_, -AML_EIO, "reading");
  bare_.room = 0;
  EXPECT_EQ(-AML_EAGAIN, SubmitTiles(&dst_, &src_));
  EXPECT_EQ(AML_DMA_DONE, aml_dma_request_state(&request_));
  EXPECT_EQ(-AML_EIO, aml_dma_wait(&request_));
  EXPECT_STREQ("aml_dma_wait: reading", aml_error_detail());
}

TEST_F(CoreDma, CancelEndsWhatHasNotBegun) {
  ASSERT_EQ(0, SubmitTiles(&dst_, &src_));
  EXPECT_EQ(0, aml_dma_cancel(&request_));
  EXPECT_EQ(-AML_ECANCELED, aml_dma_wait(&request_));
  EXPECT_EQ(-AML_EBUSY, aml_dma_cancel(&request_));
  EXPECT_STREQ("aml_dma_cancel: request is done", aml_error_detail());
}

TEST_F(CoreDma, BarrierIsNothingWhereRequestsAreDoneAtOnce) {
  EXPECT_EQ(0, aml_dma_barrier(bare));
  ASSERT_EQ(0, aml_dma_submit(full, &request_, &dst_, &src_, nullptr));
  EXPECT_EQ(-AML_EIO, aml_dma_barrier(full));
  EXPECT_EQ(0, aml_dma_wait(&request_));
}

TEST_F(CoreDma, CopyWaits) {
  bare_.outcome = -AML_EIO;
  EXPECT_EQ(-AML_EIO, aml_dma_copy(bare, &dst_, &src_, nullptr));
  EXPECT_TRUE(bare_.queue.empty());
  bare_.room = 0;
  EXPECT_EQ(-AML_EAGAIN, aml_dma_copy(bare, &dst_, &src_, nullptr));
}

TEST_F(CoreDma, CopyAsksToRunWhereATypeTells) {
  aml_dma_ops ops = Mandatory();
  ops.submit = [](aml_dma *, aml_dma_request *) { return -AML_EIO; };
  ops.run = [](aml_dma *dma, aml_dma_request *request) {
    EXPECT_EQ(AML_DMA_PENDING, aml_dma_request_state(request));
    return Submit(dma, request);
  };
  bare_.dma.ops = &ops;
  EXPECT_EQ(0, aml_dma_copy(bare, &dst_, &src_, nullptr));
  EXPECT_TRUE(bare_.queue.empty()) << "what is not run is waited for";
  EXPECT_EQ(-AML_EIO, aml_dma_submit(bare, &request_, &dst_, &src_, nullptr));
  bare_.dma.ops = &kMandatory;
}

TEST_F(CoreDma, ManyAreTakenInOrderUpToTheFirstThatIsNot) {
  for (aml_dma *const dma : {bare, full}) {
    for (const size_t room :
         {size_t{0}, size_t{1}, size_t{63}, size_t{64}, size_t{65}, size_t{200}}) {
      std::vector<aml_dma_request> requests(150);
      std::vector<aml_dma_transfer> transfers;
      for (aml_dma_request &request : requests)
        transfers.push_back({&request, &dst_, &src_, nullptr});
      Fake *const fake = FakeOf(dma);
      fake->room = room;
      size_t taken = 1000;
      EXPECT_EQ(room < 150 ? -AML_EAGAIN : 0,
                aml_dma_submit_many(dma, transfers.size(), transfers.data(), &taken));
      EXPECT_EQ(std::min<size_t>(room, 150), taken);
      ASSERT_EQ(taken, fake->queue.size());
      for (size_t i = 0; i < 150; ++i) {
        EXPECT_EQ(i < taken ? AML_DMA_PENDING : AML_DMA_IDLE, aml_dma_request_state(&requests[i]));
        EXPECT_TRUE(i >= taken || fake->queue[i] == &requests[i]) << i;
      }
      fake->RunAll();
    }
  }
}

TEST_F(CoreDma, ABadOneAmongManyStopsThere) {
  aml_dma_request requests[3] = {};
  const aml_dma_transfer transfers[] = {{&requests[0], &dst_, &src_, nullptr},
                                        {&requests[1], &dst_, nullptr, nullptr},
                                        {&requests[2], &dst_, &src_, nullptr}};
  size_t taken = 9;
  EXPECT_EQ(-AML_EINVAL, aml_dma_submit_many(full, 3, transfers, &taken));
  EXPECT_STREQ("aml_dma_submit_many: src is null", aml_error_detail());
  EXPECT_EQ(1u, taken);
  EXPECT_EQ(AML_DMA_IDLE, aml_dma_request_state(&requests[1]));
  EXPECT_EQ(AML_DMA_IDLE, aml_dma_request_state(&requests[2]));
  full_.RunAll();
  const aml_dma_transfer twice[] = {transfers[0], transfers[0]};
  EXPECT_EQ(-AML_EBUSY, aml_dma_submit_many(bare, 2, twice, nullptr)) << "one request, twice";
  bare_.RunAll();
  EXPECT_EQ(0, aml_dma_submit_many(bare, 0, nullptr, &taken));
  EXPECT_EQ(0u, taken);
  bare_.room = 0;
  EXPECT_EQ(-AML_EAGAIN, aml_dma_submit_many(bare, 3, transfers, &taken)) << "the earlier reason";
  EXPECT_STREQ("aml_dma_submit: the queue is full", aml_error_detail());
  EXPECT_EQ(0u, taken);
}

TEST_F(CoreDma, FiniEndsADeclaredOneAndDestroyACreatedOne) {
  ASSERT_EQ(0, SubmitTiles(&dst_, &src_));
  aml_dma_fini(bare);
  EXPECT_EQ(AML_DMA_DONE, aml_dma_request_state(&request_));
  aml_dma_fini(nullptr);
  static int finis;
  static const aml_dma_ops kCounting = [] {
    aml_dma_ops ops = Mandatory();
    ops.fini = [](aml_dma *) { ++finis; };
    return ops;
  }();
  auto *created = static_cast<aml_dma *>(std::malloc(sizeof(aml_dma)));
  created->ops = &kCounting;
  aml_dma_destroy(&created);
  EXPECT_EQ(nullptr, created);
  aml_dma_destroy(&created);
  aml_dma_destroy(nullptr);
  EXPECT_EQ(1, finis);
}

} // namespace
