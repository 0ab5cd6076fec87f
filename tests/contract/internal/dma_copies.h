// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of dmas: what is copied, and what is refused.

#ifndef AML_TESTS_CONTRACT_INTERNAL_DMA_COPIES_H
#define AML_TESTS_CONTRACT_INTERNAL_DMA_COPIES_H

#include <gtest/gtest.h>

#include "aml/core/dma.h"
#include "aml/tests/contract/internal/dma_fixture.h"

namespace aml_testing {

void CheckCopiesAnyTileToAnyOfItsExtents(aml_dma *dma);
void CheckCopiesRunsOfAnySize(aml_dma *dma);
void CheckTransposesPlanesOfAnySides(aml_dma *dma);
void CheckASourceMayStandStill(aml_dma *dma);
void CheckAPlanIsForAnyTilesOfItsShape(aml_dma *dma);
void CheckOverlapIsRefusedAndChangesNothing(aml_dma *dma);
void CheckTilesThatTheCallerVouchesForAreCopied(aml_dma *dma);
void CheckTheSameTileIsNoOverlap(aml_dma *dma);
void CheckWithOverlapItIsAsIfTheSourceWereReadFirst(aml_dma *dma);
void CheckTilesOfOtherShapesAreRefusedAndChangeNothing(aml_dma *dma);
void CheckMemoryThatTheHostCannotTouchIsNotTouched(aml_dma *dma);
void CheckAnOperationTakesEachElementOnce(aml_dma *dma);

TYPED_TEST_P(DmaContract, CopiesAnyTileToAnyOfItsExtents) {
  OnDma(MakeDma<TypeParam>, CheckCopiesAnyTileToAnyOfItsExtents);
}

TYPED_TEST_P(DmaContract, CopiesRunsOfAnySize) {
  OnDma(MakeDma<TypeParam>, CheckCopiesRunsOfAnySize);
}

TYPED_TEST_P(DmaContract, TransposesPlanesOfAnySides) {
  OnDma(MakeDma<TypeParam>, CheckTransposesPlanesOfAnySides);
}

TYPED_TEST_P(DmaContract, ASourceMayStandStill) {
  OnDma(MakeDma<TypeParam>, CheckASourceMayStandStill);
}

TYPED_TEST_P(DmaContract, APlanIsForAnyTilesOfItsShape) {
  OnDma(MakeDma<TypeParam>, CheckAPlanIsForAnyTilesOfItsShape);
}

TYPED_TEST_P(DmaContract, OverlapIsRefusedAndChangesNothing) {
  OnDma(MakeDma<TypeParam>, CheckOverlapIsRefusedAndChangesNothing);
}

TYPED_TEST_P(DmaContract, TilesThatTheCallerVouchesForAreCopied) {
  OnDma(MakeDma<TypeParam>, CheckTilesThatTheCallerVouchesForAreCopied);
}

TYPED_TEST_P(DmaContract, TheSameTileIsNoOverlap) {
  OnDma(MakeDma<TypeParam>, CheckTheSameTileIsNoOverlap);
}

TYPED_TEST_P(DmaContract, WithOverlapItIsAsIfTheSourceWereReadFirst) {
  OnDma(MakeDma<TypeParam>, CheckWithOverlapItIsAsIfTheSourceWereReadFirst);
}

TYPED_TEST_P(DmaContract, TilesOfOtherShapesAreRefusedAndChangeNothing) {
  OnDma(MakeDma<TypeParam>, CheckTilesOfOtherShapesAreRefusedAndChangeNothing);
}

TYPED_TEST_P(DmaContract, MemoryThatTheHostCannotTouchIsNotTouched) {
  OnDma(MakeDma<TypeParam>, CheckMemoryThatTheHostCannotTouchIsNotTouched);
}

TYPED_TEST_P(DmaContract, AnOperationTakesEachElementOnce) {
  OnDma(MakeDma<TypeParam>, CheckAnOperationTakesEachElementOnce);
}

} // namespace aml_testing

#endif
