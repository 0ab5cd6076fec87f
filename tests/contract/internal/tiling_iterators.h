// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of tilings: iterators.

#ifndef AML_TESTS_CONTRACT_INTERNAL_TILING_ITERATORS_H
#define AML_TESTS_CONTRACT_INTERNAL_TILING_ITERATORS_H

#include <gtest/gtest.h>

#include "aml/core/tiling.h"
#include "aml/tests/contract/internal/tiling_fixture.h"

namespace aml_testing {

void CheckIteratorsVisitEachTileOnce(aml_tiling *tiling);
void CheckIteratorsVisitABoxInTheirOrder(aml_tiling *tiling);
void CheckPartsInAscendingOrderAreTheWholeIteration(aml_tiling *tiling);
void CheckAnIterationUnderWayCanBeForkedAndSplit(aml_tiling *tiling);
void CheckBehindTheEndOfAnIterationThereIsNothing(aml_tiling *tiling);
void CheckBoxesThatLeaveTheGridAreRefused(aml_tiling *tiling);
void CheckBadArgumentsOfIteratorsAreRefused(aml_tiling *tiling);

TYPED_TEST_P(TilingContract, IteratorsVisitEachTileOnce) {
  OnEach(AnyTilingFactory<TypeParam>(), CheckIteratorsVisitEachTileOnce);
}

TYPED_TEST_P(TilingContract, IteratorsVisitABoxInTheirOrder) {
  OnEach(AnyTilingFactory<TypeParam>(), CheckIteratorsVisitABoxInTheirOrder);
}

TYPED_TEST_P(TilingContract, PartsInAscendingOrderAreTheWholeIteration) {
  OnEach(AnyTilingFactory<TypeParam>(), CheckPartsInAscendingOrderAreTheWholeIteration);
}

TYPED_TEST_P(TilingContract, AnIterationUnderWayCanBeForkedAndSplit) {
  OnEach(AnyTilingFactory<TypeParam>(), CheckAnIterationUnderWayCanBeForkedAndSplit);
}

TYPED_TEST_P(TilingContract, BehindTheEndOfAnIterationThereIsNothing) {
  OnEach(AnyTilingFactory<TypeParam>(), CheckBehindTheEndOfAnIterationThereIsNothing);
}

TYPED_TEST_P(TilingContract, BoxesThatLeaveTheGridAreRefused) {
  OnEach(AnyTilingFactory<TypeParam>(), CheckBoxesThatLeaveTheGridAreRefused);
}

TYPED_TEST_P(TilingContract, BadArgumentsOfIteratorsAreRefused) {
  OnEach(AnyTilingFactory<TypeParam>(), CheckBadArgumentsOfIteratorsAreRefused);
}

} // namespace aml_testing

#endif
