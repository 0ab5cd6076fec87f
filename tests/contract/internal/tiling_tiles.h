// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of tilings: what a tiling says of itself, ids and coordinates, tiles.

#ifndef AML_TESTS_CONTRACT_INTERNAL_TILING_TILES_H
#define AML_TESTS_CONTRACT_INTERNAL_TILING_TILES_H

#include <gtest/gtest.h>

#include "aml/core/tiling.h"
#include "aml/tests/contract/internal/laid_out.h"
#include "aml/tests/contract/internal/tiling_fixture.h"

namespace aml_testing {

void CheckInfoDescribesATiling(aml_tiling *tiling);
void CheckTheGridHoldsEachTileOnce(aml_tiling *tiling);
void CheckIdsAndCoordinatesDetermineEachOther(aml_tiling *tiling);
void CheckIdsThatAreNotBelowTheCountAreRefused(aml_tiling *tiling, const LaidOut &data);
void CheckCoordinatesOutsideTheGridAreRefused(aml_tiling *tiling);
void CheckNullIsRefused(aml_tiling *tiling, const LaidOut &data);
void CheckTilesAreValidAndWithinTheDatum(aml_tiling *tiling, const LaidOut &data);
void CheckTilesCoverTheDatumAsInfoSays(aml_tiling *tiling, const LaidOut &data);
void CheckInfoTellsTheLargestTile(aml_tiling *tiling, const LaidOut &data);
void CheckExtentsAreThoseOfTheTile(aml_tiling *tiling, const LaidOut &data);
void CheckTilesAreInTheDatumsArea(aml_tiling *tiling, const LaidOut &data);
void CheckDataOfAnotherShapeAreRefused(aml_tiling *tiling, const LaidOut &data);
void CheckDataOfOtherDimensionsAreRefused(aml_tiling *tiling, const LaidOut &data);
void CheckLayoutsThatTheTypeDoesNotTakeAreRefused(const TilingFactory &any);
void CheckWhatIsBehindADatumsDimensionsIsNotRead(aml_tiling *tiling, const LaidOut &data);
void CheckNoByteOfADatumIsTouched(aml_tiling *tiling, const LaidOut &data);

TYPED_TEST_P(TilingContract, InfoDescribesATiling) {
  OnEach(AnyTilingFactory<TypeParam>(), CheckInfoDescribesATiling);
}

TYPED_TEST_P(TilingContract, TheGridHoldsEachTileOnce) {
  OnEach(AnyTilingFactory<TypeParam>(), CheckTheGridHoldsEachTileOnce);
}

TYPED_TEST_P(TilingContract, IdsAndCoordinatesDetermineEachOther) {
  OnEach(AnyTilingFactory<TypeParam>(), CheckIdsAndCoordinatesDetermineEachOther);
}

TYPED_TEST_P(TilingContract, IdsThatAreNotBelowTheCountAreRefused) {
  OnEachDatum(AnyTilingFactory<TypeParam>(), CheckIdsThatAreNotBelowTheCountAreRefused);
}

TYPED_TEST_P(TilingContract, CoordinatesOutsideTheGridAreRefused) {
  OnEach(AnyTilingFactory<TypeParam>(), CheckCoordinatesOutsideTheGridAreRefused);
}

TYPED_TEST_P(TilingContract, NullIsRefused) {
  OnEachDatum(AnyTilingFactory<TypeParam>(), CheckNullIsRefused);
}

TYPED_TEST_P(TilingContract, TilesAreValidAndWithinTheDatum) {
  OnEachDatum(AnyTilingFactory<TypeParam>(), CheckTilesAreValidAndWithinTheDatum);
}

TYPED_TEST_P(TilingContract, TilesCoverTheDatumAsInfoSays) {
  OnEachDatum(AnyTilingFactory<TypeParam>(), CheckTilesCoverTheDatumAsInfoSays);
}

TYPED_TEST_P(TilingContract, InfoTellsTheLargestTile) {
  OnEachDatum(AnyTilingFactory<TypeParam>(), CheckInfoTellsTheLargestTile);
}

TYPED_TEST_P(TilingContract, ExtentsAreThoseOfTheTile) {
  OnEachDatum(AnyTilingFactory<TypeParam>(), CheckExtentsAreThoseOfTheTile);
}

TYPED_TEST_P(TilingContract, TilesAreInTheDatumsArea) {
  OnEachDatum(AnyTilingFactory<TypeParam>(), CheckTilesAreInTheDatumsArea);
}

TYPED_TEST_P(TilingContract, DataOfAnotherShapeAreRefused) {
  OnEachDatum(AnyTilingFactory<TypeParam>(), CheckDataOfAnotherShapeAreRefused);
}

TYPED_TEST_P(TilingContract, DataOfOtherDimensionsAreRefused) {
  OnEachDatum(AnyTilingFactory<TypeParam>(), CheckDataOfOtherDimensionsAreRefused);
}

TYPED_TEST_P(TilingContract, LayoutsThatTheTypeDoesNotTakeAreRefused) {
  CheckLayoutsThatTheTypeDoesNotTakeAreRefused(AnyTilingFactory<TypeParam>());
}

TYPED_TEST_P(TilingContract, WhatIsBehindADatumsDimensionsIsNotRead) {
  OnEachDatum(AnyTilingFactory<TypeParam>(), CheckWhatIsBehindADatumsDimensionsIsNotRead);
}

TYPED_TEST_P(TilingContract, NoByteOfADatumIsTouched) {
  OnEachDatum(AnyTilingFactory<TypeParam>(), CheckNoByteOfADatumIsTouched);
}

} // namespace aml_testing

#endif
