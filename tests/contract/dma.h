// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of dmas: what core/dma.h says, shown for one type that copies memory of the
// host. Run it on a type of yours, inside AML or outside, by a Factory like this one:
//
//     #include "aml/tests/contract/dma.h"
//
//     struct MyDmaFactory {
//       AML_MY_DMA_DECL(dma);
//       int Init() { return aml_my_dma_init(dma, nullptr); }
//       static int Create(aml_dma **it) { return aml_my_dma_create(it, nullptr); }
//     };
//
//     using namespace aml_testing;
//     INSTANTIATE_TYPED_TEST_SUITE_P(MyDma, DmaContract, MyDmaFactory);
//
//   dma     a declared dma; the factory that holds it is not copied.
//   Init    initialises `dma`; its queue, if it has one, takes 150 requests.
//   Create  allocates such a one.
//
// What a dma cannot do by its capabilities it must refuse.
//
// Depend on //tests/contract:dma. Threads: one test starts some, if the type is safe.

#ifndef AML_TESTS_CONTRACT_DMA_H
#define AML_TESTS_CONTRACT_DMA_H

#include <gtest/gtest.h>

#include "aml/tests/contract/internal/dma_copies.h"
#include "aml/tests/contract/internal/dma_fixture.h"
#include "aml/tests/contract/internal/dma_requests.h"

namespace aml_testing {

REGISTER_TYPED_TEST_SUITE_P(
    DmaContract, CopiesAnyTileToAnyOfItsExtents, CopiesRunsOfAnySize, TransposesPlanesOfAnySides,
    ASourceMayStandStill, APlanIsForAnyTilesOfItsShape, OverlapIsRefusedAndChangesNothing,
    TilesThatTheCallerVouchesForAreCopied, TheSameTileIsNoOverlap,
    WithOverlapItIsAsIfTheSourceWereReadFirst, TilesOfOtherShapesAreRefusedAndChangeNothing,
    MemoryThatTheHostCannotTouchIsNotTouched, AnOperationTakesEachElementOnce,
    ARequestIsDoneOnceItWasWaitedFor, ARequestInFlightIsNotTakenTwice,
    ARequestThatIsRefusedStaysIdle, TestSaysWhenARequestIsDone, NotifyIsCalledOnce,
    AnEventfdCountsWhatIsDone, OneOfManyIsWaitedFor, WhatARequestComesAfterIsDoneBefore,
    WhatComesAfterAFailureIsCanceled, ARefusedResubmissionKeepsTheOutcome, ManyAreLikeOneByOne,
    ManyStopAtTheFirstThatIsRefused, ABarrierMeansThatAllAreDone, CancelSaysWhetherARequestWillRun,
    CallsThatSucceedLeaveTheLastError, ThreadsShareADmaThatIsSafe, FiniWaitsForWhatIsInFlight,
    FiniLeavesStorageAsDeclared, ACreatedDmaIsLikeADeclaredOne);

} // namespace aml_testing

#endif
