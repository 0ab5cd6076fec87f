// SPDX-License-Identifier: BSD-3-Clause
//
// Defects that the contract suite of dmas must catch, each by the test that is there for it.

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <utility>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/tests/contract/dma.h"
#include "aml/tests/contract/expect_failures.h"
#include "aml/tests/contract/internal/late_dma.h"

namespace {

using namespace aml_testing;
using Table = aml_dma_ops;

/** Submits as Late::SubmitNow(), and then does one thing more. */
template <void (*Spoil)(aml_dma_request *request)>
int SubmitAndSpoil(aml_dma *dma, aml_dma_request *request) {
  const aml_tile dst = *request->dst;
  const int err = Late::SubmitNow(dma, request);
  aml_dma_request copy = *request;
  copy.dst = &dst;
  if (!err)
    Spoil(&copy);
  return err;
}

struct WritesOneByteMore : LateFactory<WritesOneByteMore> {
  static void Spoil(aml_dma_request *request) {
    void *lowest;
    size_t size;
    aml_tile_span(request->dst, &lowest, &size);
    ++static_cast<char *>(lowest)[size];
  }
  static void Plant(Table *ops) { ops->submit = SubmitAndSpoil<Spoil>; }
};
EXPECT_CAUGHT(DmaContract, CopiesAnyTileToAnyOfItsExtents, WritesOneByteMore);

struct WritesTheSource : LateFactory<WritesTheSource> {
  static void Spoil(aml_dma_request *request) { ++*static_cast<char *>(request->src->base); }
  static void Plant(Table *ops) { ops->submit = SubmitAndSpoil<Spoil>; }
};
EXPECT_CAUGHT(DmaContract, CopiesAnyTileToAnyOfItsExtents, WritesTheSource);

// Takes every tile for one contiguous run.
struct IgnoresStrides : LateFactory<IgnoresStrides> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *, aml_dma_request *request) {
      const int err = Late::Check(request);
      if (err)
        return err;
      std::memmove(request->dst->base, request->src->base, aml_tile_size(request->dst));
      aml_dma_request_finish(request, 0);
      return 0;
    };
  }
};
EXPECT_CAUGHT(DmaContract, TransposesPlanesOfAnySides, IgnoresStrides);

struct LosesTheLastByte : LateFactory<LosesTheLastByte> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *dma, aml_dma_request *request) {
      aml_tile shorter[] = {*request->dst, *request->src};
      if (shorter[0].ndims != 1 || shorter[0].extent[0] < 4097)
        return Late::SubmitNow(dma, request);
      --shorter[0].extent[0];
      request->dst = &shorter[0];
      return Late::SubmitNow(dma, request);
    };
  }
};
EXPECT_CAUGHT(DmaContract, CopiesRunsOfAnySize, LosesTheLastByte);

struct MovesWhatStandsStill : LateFactory<MovesWhatStandsStill> {
  static void Spoil(aml_dma_request *request) {
    if (request->src->stride_bytes[0] == 0)
      static_cast<char *>(request->dst->base)[1] = 0;
  }
  static void Plant(Table *ops) { ops->submit = SubmitAndSpoil<Spoil>; }
};
EXPECT_CAUGHT(DmaContract, ASourceMayStandStill, MovesWhatStandsStill);

struct AllowsOverlap : LateFactory<AllowsOverlap> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *, aml_dma_request *request) {
      Late::Run(request);
      return 0;
    };
  }
};
EXPECT_CAUGHT(DmaContract, OverlapIsRefusedAndChangesNothing, AllowsOverlap);

struct RefusesNeighbours : LateFactory<RefusesNeighbours> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *dma, aml_dma_request *request) {
      aml_tile larger = *request->dst;
      ++larger.extent[larger.ndims - 1];
      return aml_tile_may_overlap(&larger, request->src) &&
                     !Late::IsSame(*request->dst, *request->src)
                 ? Late::Refuse(-AML_EINVAL, "dst", "overlaps src")
                 : Late::SubmitNow(dma, request);
    };
  }
};
EXPECT_CAUGHT(DmaContract, OverlapIsRefusedAndChangesNothing, RefusesNeighbours);

struct RefusesTheSameTile : LateFactory<RefusesTheSameTile> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *dma, aml_dma_request *request) {
      return aml_tile_may_overlap(request->dst, request->src)
                 ? Late::Refuse(-AML_EINVAL, "dst", "overlaps src")
                 : Late::SubmitNow(dma, request);
    };
  }
};
EXPECT_CAUGHT(DmaContract, TheSameTileIsNoOverlap, RefusesTheSameTile);

struct CopiesOverlapForwards : LateFactory<CopiesOverlapForwards> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *, aml_dma_request *request) {
      const int err = Late::Check(request);
      if (err)
        return err;
      ForEachElement(Extents(request->dst->extent, request->dst->extent + request->dst->ndims),
                     [&](const size_t *coords) {
                       std::memmove(aml_tile_address(request->dst, coords),
                                    aml_tile_address(request->src, coords),
                                    request->dst->element_size);
                     });
      aml_dma_request_finish(request, 0);
      return 0;
    };
  }
};
EXPECT_CAUGHT(DmaContract, WithOverlapItIsAsIfTheSourceWereReadFirst, CopiesOverlapForwards);

struct TouchesWhatItCannot : LateFactory<TouchesWhatItCannot> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *, aml_dma_request *request) {
      Late::Run(request);
      return 0;
    };
  }
};
EXPECT_CAUGHT(DmaContract, MemoryThatTheHostCannotTouchIsNotTouched, TouchesWhatItCannot);

struct CopiesInsteadOfOperating : LateFactory<CopiesInsteadOfOperating> {
  static void Spoil(aml_dma_request *request) {
    if (request->options->operation != nullptr)
      std::memset(request->dst->base, 1, request->dst->element_size);
  }
  static void Plant(Table *ops) { ops->submit = SubmitAndSpoil<Spoil>; }
};
EXPECT_CAUGHT(DmaContract, AnOperationTakesEachElementOnce, CopiesInsteadOfOperating);

struct ForgetsWhatTheOperationSaid : LateFactory<ForgetsWhatTheOperationSaid> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *, aml_dma_request *request) {
      const int err = Late::Check(request);
      if (err)
        return err;
      (void)Late::Copy(request);
      aml_dma_request_finish(request, 0);
      return 0;
    };
  }
};
EXPECT_CAUGHT(DmaContract, AnOperationTakesEachElementOnce, ForgetsWhatTheOperationSaid);

struct IsDoneBeforeItCopied : LateFactory<IsDoneBeforeItCopied> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *, aml_dma_request *request) {
      aml_dma_request_finish(request, 0);
      return 0;
    };
  }
};
EXPECT_CAUGHT(DmaContract, ARequestIsDoneOnceItWasWaitedFor, IsDoneBeforeItCopied);

struct RunsTwiceWhatIsSubmittedTwice : LateFactory<RunsTwiceWhatIsSubmittedTwice> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *, aml_dma_request *request) {
      request->result = -AML_EIO;
      __atomic_store_n(&request->state, AML_DMA_DONE, __ATOMIC_RELEASE);
      return 0;
    };
  }
};
EXPECT_CAUGHT(DmaContract, ARequestInFlightIsNotTakenTwice, RunsTwiceWhatIsSubmittedTwice);

struct FinishesWhatItRefuses : LateFactory<FinishesWhatItRefuses> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *, aml_dma_request *request) {
      const int err = Late::Check(request);
      aml_dma_request_finish(request, err ? err : Late::Copy(request));
      return 0;
    };
  }
};
EXPECT_CAUGHT(DmaContract, ARequestThatIsRefusedStaysIdle, FinishesWhatItRefuses);

struct PollsTooEarly : LateFactory<PollsTooEarly> {
  static void Plant(Table *ops) {
    ops->poll = [](aml_dma *dma) {
      for (aml_dma_request *request : std::exchange(Late::Of(dma)->queue, {}))
        aml_dma_request_finish(request, 0);
      return 0;
    };
  }
};
EXPECT_CAUGHT(DmaContract, TestSaysWhenARequestIsDone, PollsTooEarly);

struct NotifiesTwice : LateFactory<NotifiesTwice> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *dma, aml_dma_request *request) {
      if (request->options->notify != nullptr)
        request->options->notify(request, request->options->notify_argument);
      return Late::SubmitNow(dma, request);
    };
  }
};
EXPECT_CAUGHT(DmaContract, NotifyIsCalledOnce, NotifiesTwice);

struct TellsNoEventfd : LateFactory<TellsNoEventfd> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *dma, aml_dma_request *request) {
      static aml_dma_options silent;
      request->options = &silent;
      return Late::SubmitNow(dma, request);
    };
  }
};
EXPECT_CAUGHT(DmaContract, AnEventfdCountsWhatIsDone, TellsNoEventfd);

struct IsDoneWithoutCopying : LateFactory<IsDoneWithoutCopying> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *, aml_dma_request *request) {
      aml_dma_request_finish(request, 0);
      return 0;
    };
  }
};
EXPECT_CAUGHT(DmaContract, OneOfManyIsWaitedFor, IsDoneWithoutCopying);

struct RemembersAddresses : LateFactory<RemembersAddresses> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *dma, aml_dma_request *request) {
      aml_dma_plan *const plan = request->options->plan;
      aml_tile dst = *request->dst;
      if (plan != nullptr && plan->work[0] == 0)
        plan->work[0] = reinterpret_cast<uintptr_t>(dst.base);
      else if (plan != nullptr)
        dst.base = reinterpret_cast<void *>(plan->work[0]);
      request->dst = &dst;
      return Late::SubmitNow(dma, request);
    };
  }
};
EXPECT_CAUGHT(DmaContract, APlanIsForAnyTilesOfItsShape, RemembersAddresses);

// Runs what came last first, and does not look at what a request comes after.
struct RunsTheLastFirst : LateFactory<RunsTheLastFirst> {
  static void Plant(Table *ops) {
    ops->wait = [](aml_dma *dma, aml_dma_request *) {
      auto queue = std::exchange(Late::Of(dma)->queue, {});
      for (auto it = queue.rbegin(); it != queue.rend(); ++it)
        aml_dma_request_finish(*it, Late::Copy(*it));
      return 0;
    };
  }
};
EXPECT_CAUGHT(DmaContract, WhatARequestComesAfterIsDoneBefore, RunsTheLastFirst);

struct LosesOneOfMany : LateFactory<LosesOneOfMany> {
  static void Plant(Table *ops) {
    ops->submit_many = [](aml_dma *dma, size_t count, aml_dma_request *const requests[],
                          size_t *taken) {
      for (size_t i = 0; i < count; ++i) {
        if (i == 17)
          aml_dma_request_finish(requests[i], 0);
        else
          (void)Late::Submit(dma, requests[i]);
      }
      *taken = count;
      return 0;
    };
  }
};
EXPECT_CAUGHT(DmaContract, ManyAreLikeOneByOne, LosesOneOfMany);

struct CountsOneLess : LateFactory<CountsOneLess> {
  static void Plant(Table *ops) {
    ops->submit_many = [](aml_dma *dma, size_t count, aml_dma_request *const requests[],
                          size_t *taken) {
      for (size_t i = 0; i < count; ++i)
        (void)Late::SubmitNow(dma, requests[i]);
      *taken = count - 1;
      return 0;
    };
  }
};
EXPECT_CAUGHT(DmaContract, ManyStopAtTheFirstThatIsRefused, CountsOneLess);

struct WaitsForNobody : LateFactory<WaitsForNobody> {
  static void Plant(Table *ops) {
    ops->barrier = [](aml_dma *) { return 0; };
  }
};
EXPECT_CAUGHT(DmaContract, ABarrierMeansThatAllAreDone, WaitsForNobody);

struct RunsWhatIsCanceled : LateFactory<RunsWhatIsCanceled> {
  static void Plant(Table *ops) {
    ops->cancel = [](aml_dma *dma, aml_dma_request *request) {
      (void)Late::Copy(request);
      return Late::Cancel(dma, request);
    };
  }
};
EXPECT_CAUGHT(DmaContract, CancelSaysWhetherARequestWillRun, RunsWhatIsCanceled);

struct LosesWhatItCannotCancel : LateFactory<LosesWhatItCannotCancel> {
  static void Plant(Table *ops) {
    ops->cancel = [](aml_dma *dma, aml_dma_request *request) {
      (void)Late::Cancel(dma, request);
      return aml_error_set(-AML_EBUSY, "aml_dma_cancel", "request", "has begun");
    };
  }
};
EXPECT_CAUGHT(DmaContract, CancelSaysWhetherARequestWillRun, LosesWhatItCannotCancel);

struct RecordsItsSuccess : LateFactory<RecordsItsSuccess> {
  static void Plant(Table *ops) {
    ops->barrier = [](aml_dma *dma) {
      (void)aml_error_set(0, "aml_dma_barrier", nullptr, "went well");
      return Late::RunAll(dma);
    };
  }
};
EXPECT_CAUGHT(DmaContract, CallsThatSucceedLeaveTheLastError, RecordsItsSuccess);

struct LosesSomeOfThreads : LateFactory<LosesSomeOfThreads> {
  static void Plant(Table *ops) {
    ops->submit = [](aml_dma *dma, aml_dma_request *request) {
      static std::atomic<int> calls{0};
      if (++calls % 100 != 0)
        return Late::SubmitNow(dma, request);
      aml_dma_request_finish(request, 0);
      return 0;
    };
  }
};
EXPECT_CAUGHT(DmaContract, ThreadsShareADmaThatIsSafe, LosesSomeOfThreads);

struct EndsInFlight : LateFactory<EndsInFlight> {
  static void Plant(Table *ops) {
    ops->fini = [](aml_dma *dma) {
      if (Late::Of(dma) != nullptr)
        Late::Of(dma)->queue.clear();
      Late::Fini(dma);
    };
  }
};
EXPECT_CAUGHT(DmaContract, FiniWaitsForWhatIsInFlight, EndsInFlight);

struct FiniTakesTheOperations : LateFactory<FiniTakesTheOperations> {
  static void Plant(Table *ops) {
    ops->fini = [](aml_dma *dma) {
      Late::Fini(dma);
      dma->ops = nullptr;
    };
  }
};
EXPECT_CAUGHT(DmaContract, FiniLeavesStorageAsDeclared, FiniTakesTheOperations);

struct CreatesAnother : LateFactory<CreatesAnother> {
  static void Plant(Table *) {}
  static int Create(aml_dma **created) {
    static const Table other = Late::MakeOps();
    const int err = LateFactory<CreatesAnother>::Create(created);
    (*created)->ops = &other;
    return err;
  }
};
EXPECT_CAUGHT(DmaContract, ACreatedDmaIsLikeADeclaredOne, CreatesAnother);

} // namespace
