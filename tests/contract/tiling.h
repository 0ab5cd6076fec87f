// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of tilings: what core/tiling.h says, shown for one type. Run it on a type of
// yours, inside AML or outside, by a Factory like this one:
//
//     #include "aml/tests/contract/tiling.h"
//
//     struct MyTilingFactory {
//       static constexpr size_t kInstances = 3;
//       AML_MY_TILING_DECL(tiling);
//       int Init(size_t i) { return aml_my_tiling_init(tiling, kShapes[i]…); }
//       static int Create(size_t i, aml_tiling **it) { return aml_my_tiling_create(it, …); }
//       static bool Accepts(size_t i, aml_testing::TilingLayout layout) { return true; }
//     };
//
//     using namespace aml_testing;
//     INSTANTIATE_TYPED_TEST_SUITE_P(MyTiling, TilingContract, MyTilingFactory);
//
//   kInstances  how many tilings to test: one tile, one element, clipped edges, uneven shapes.
//   Small
//               ones, at most some thousands of elements: each element of each is looked at.
//   tiling      a declared tiling; the factory that holds it is not copied.
//   Init        initialises `tiling` as instance i.
//   Create      allocates instance i.
//   Accepts     whether instance i takes a datum of that layout; it must take one, and refuse with
//               -AML_EINVAL what it does not.
//
// Depend on //tests/contract:tiling. Threads: one test starts some.

#ifndef AML_TESTS_CONTRACT_TILING_H
#define AML_TESTS_CONTRACT_TILING_H

#include <gtest/gtest.h>

#include "aml/tests/contract/internal/tiling_fixture.h"
#include "aml/tests/contract/internal/tiling_iterators.h"
#include "aml/tests/contract/internal/tiling_life.h"
#include "aml/tests/contract/internal/tiling_tiles.h"

namespace aml_testing {

REGISTER_TYPED_TEST_SUITE_P(
    TilingContract, InfoDescribesATiling, TheGridHoldsEachTileOnce,
    IdsAndCoordinatesDetermineEachOther, IdsThatAreNotBelowTheCountAreRefused,
    CoordinatesOutsideTheGridAreRefused, NullIsRefused, TilesAreValidAndWithinTheDatum,
    TilesCoverTheDatumAsInfoSays, InfoTellsTheLargestTile, ExtentsAreThoseOfTheTile,
    TilesAreInTheDatumsArea, DataOfAnotherShapeAreRefused, DataOfOtherDimensionsAreRefused,
    LayoutsThatTheTypeDoesNotTakeAreRefused, WhatIsBehindADatumsDimensionsIsNotRead,
    NoByteOfADatumIsTouched, IteratorsVisitEachTileOnce, IteratorsVisitABoxInTheirOrder,
    PartsInAscendingOrderAreTheWholeIteration, AnIterationUnderWayCanBeForkedAndSplit,
    BehindTheEndOfAnIterationThereIsNothing, BoxesThatLeaveTheGridAreRefused,
    BadArgumentsOfIteratorsAreRefused, AnswersDoNotDependOnCallsBefore,
    CallsThatSucceedLeaveTheLastError, ThreadsShareATiling, FiniOfADeclaredTilingDoesNothing,
    FiniLeavesStorageAsDeclared, ACreatedTilingIsLikeADeclaredOne);

} // namespace aml_testing

#endif
