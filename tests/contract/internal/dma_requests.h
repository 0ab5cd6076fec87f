// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of dmas: the life of requests, threads, and the end of a dma.

#ifndef AML_TESTS_CONTRACT_INTERNAL_DMA_REQUESTS_H
#define AML_TESTS_CONTRACT_INTERNAL_DMA_REQUESTS_H

#include <gtest/gtest.h>

#include "aml/core/dma.h"
#include "aml/tests/contract/internal/dma_fixture.h"

namespace aml_testing {

void CheckARequestIsDoneOnceItWasWaitedFor(aml_dma *dma);
void CheckARequestInFlightIsNotTakenTwice(aml_dma *dma);
void CheckARequestThatIsRefusedStaysIdle(aml_dma *dma);
void CheckTestSaysWhenARequestIsDone(aml_dma *dma);
void CheckNotifyIsCalledOnce(aml_dma *dma);
void CheckAnEventfdCountsWhatIsDone(aml_dma *dma);
void CheckOneOfManyIsWaitedFor(aml_dma *dma);
void CheckWhatARequestComesAfterIsDoneBefore(aml_dma *dma);
void CheckWhatComesAfterAFailureIsCanceled(aml_dma *dma);
void CheckARefusedResubmissionKeepsTheOutcome(aml_dma *dma);
void CheckManyAreLikeOneByOne(aml_dma *dma);
void CheckManyStopAtTheFirstThatIsRefused(aml_dma *dma);
void CheckABarrierMeansThatAllAreDone(aml_dma *dma);
void CheckCancelSaysWhetherARequestWillRun(aml_dma *dma);
void CheckCallsThatSucceedLeaveTheLastError(aml_dma *dma);
void CheckThreadsShareADmaThatIsSafe(aml_dma *dma);
void CheckFiniWaitsForWhatIsInFlight(aml_dma *dma);
void CheckFiniLeavesStorageAsDeclared(DmaFactory *make);
void CheckACreatedDmaIsLikeADeclaredOne(DmaFactory *make);

TYPED_TEST_P(DmaContract, ARequestIsDoneOnceItWasWaitedFor) {
  OnDma(MakeDma<TypeParam>, CheckARequestIsDoneOnceItWasWaitedFor);
}

TYPED_TEST_P(DmaContract, ARequestInFlightIsNotTakenTwice) {
  OnDma(MakeDma<TypeParam>, CheckARequestInFlightIsNotTakenTwice);
}

TYPED_TEST_P(DmaContract, ARequestThatIsRefusedStaysIdle) {
  OnDma(MakeDma<TypeParam>, CheckARequestThatIsRefusedStaysIdle);
}

TYPED_TEST_P(DmaContract, TestSaysWhenARequestIsDone) {
  OnDma(MakeDma<TypeParam>, CheckTestSaysWhenARequestIsDone);
}

TYPED_TEST_P(DmaContract, NotifyIsCalledOnce) {
  OnDma(MakeDma<TypeParam>, CheckNotifyIsCalledOnce);
}

TYPED_TEST_P(DmaContract, AnEventfdCountsWhatIsDone) {
  OnDma(MakeDma<TypeParam>, CheckAnEventfdCountsWhatIsDone);
}

TYPED_TEST_P(DmaContract, OneOfManyIsWaitedFor) {
  OnDma(MakeDma<TypeParam>, CheckOneOfManyIsWaitedFor);
}

TYPED_TEST_P(DmaContract, WhatARequestComesAfterIsDoneBefore) {
  OnDma(MakeDma<TypeParam>, CheckWhatARequestComesAfterIsDoneBefore);
}

TYPED_TEST_P(DmaContract, WhatComesAfterAFailureIsCanceled) {
  OnDma(MakeDma<TypeParam>, CheckWhatComesAfterAFailureIsCanceled);
}

TYPED_TEST_P(DmaContract, ARefusedResubmissionKeepsTheOutcome) {
  OnDma(MakeDma<TypeParam>, CheckARefusedResubmissionKeepsTheOutcome);
}

TYPED_TEST_P(DmaContract, ManyAreLikeOneByOne) {
  OnDma(MakeDma<TypeParam>, CheckManyAreLikeOneByOne);
}

TYPED_TEST_P(DmaContract, ManyStopAtTheFirstThatIsRefused) {
  OnDma(MakeDma<TypeParam>, CheckManyStopAtTheFirstThatIsRefused);
}

TYPED_TEST_P(DmaContract, ABarrierMeansThatAllAreDone) {
  OnDma(MakeDma<TypeParam>, CheckABarrierMeansThatAllAreDone);
}

TYPED_TEST_P(DmaContract, CancelSaysWhetherARequestWillRun) {
  OnDma(MakeDma<TypeParam>, CheckCancelSaysWhetherARequestWillRun);
}

TYPED_TEST_P(DmaContract, CallsThatSucceedLeaveTheLastError) {
  OnDma(MakeDma<TypeParam>, CheckCallsThatSucceedLeaveTheLastError);
}

TYPED_TEST_P(DmaContract, ThreadsShareADmaThatIsSafe) {
  OnDma(MakeDma<TypeParam>, CheckThreadsShareADmaThatIsSafe);
}

TYPED_TEST_P(DmaContract, FiniWaitsForWhatIsInFlight) {
  OnDma(MakeDma<TypeParam>, CheckFiniWaitsForWhatIsInFlight);
}

TYPED_TEST_P(DmaContract, FiniLeavesStorageAsDeclared) {
  CheckFiniLeavesStorageAsDeclared(MakeDma<TypeParam>);
}

TYPED_TEST_P(DmaContract, ACreatedDmaIsLikeADeclaredOne) {
  CheckACreatedDmaIsLikeADeclaredOne(MakeDma<TypeParam>);
}

} // namespace aml_testing

#endif
