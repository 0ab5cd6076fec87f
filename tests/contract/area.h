// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of areas: what core/area.h says, shown for one type. Run it on a type of
// yours, inside AML or outside, by a Factory like this one:
//
//     #include "aml/tests/contract/area.h"
//
//     struct MyAreaFactory {
//       static constexpr size_t kInstances = 2;
//       AML_MY_AREA_DECL(area);
//       int Init(size_t i) { return aml_my_area_init(area, &kOptions[i]); }
//       static int Create(size_t i, aml_area **it) { return aml_my_area_create(it, &kOptions[i]); }
//     };
//
//     using namespace aml_testing;
//     INSTANTIATE_TYPED_TEST_SUITE_P(MyArea, AreaContract, MyAreaFactory);
//
//   kInstances  how many areas to test, each of other options.
//   area        a declared area; the factory that holds it is not copied.
//   Init        initialises `area` as instance i.
//   Create      allocates instance i.
//
// An instance must be able to hold 40 granules, or 40 pages where those are larger. What an area
// lacks by its capabilities it must refuse; memory that the host cannot touch is not looked at, so
// that its contents are for the test of a dma. Placement is tested on one device, and bind and move
// may answer that the system forbids them.
//
// Depend on //tests/contract:area. Threads: one test starts some, and one forks.

#ifndef AML_TESTS_CONTRACT_AREA_H
#define AML_TESTS_CONTRACT_AREA_H

#include <gtest/gtest.h>

#include "aml/tests/contract/internal/area_contents.h"
#include "aml/tests/contract/internal/area_fixture.h"
#include "aml/tests/contract/internal/area_info.h"
#include "aml/tests/contract/internal/area_life.h"
#include "aml/tests/contract/internal/area_maps.h"
#include "aml/tests/contract/internal/area_placement.h"

namespace aml_testing {

REGISTER_TYPED_TEST_SUITE_P(
    AreaContract, MappingsDoNotOverlapAndKeepTheirContents, FreshMemoryIsZeroWhereTheAreaSaysSo,
    ZeroingCanBeWaived, MappingsAreAlignedAsAsked, TheLargestAlignmentIsWhatInfoSays,
    BadArgumentsOfMapAreRefused, SizesLargerThanMemoryAreRefused, AHintIsAWish,
    ExactIsTheHintOrNothing, SizesRoundUpToTheGranularity, PopulatedPagesArePresent,
    UnmapOfNullDoesNothing, BadArgumentsOfUnmapAreRefused, InfoDescribesTheArea,
    InfoDescribesAMapping, InfoFillsEveryField, BadArgumentsOfInfoAreRefused,
    CapabilitiesHaveTheirOperations, BindSetsThePolicy, BindGrowsToWholePagesAndNoFurther,
    BoundPagesAreOnTheDevice, BadArgumentsOfBindAreRefused, DevicesThatDoNotExistAreRefused,
    LocateTellsWherePagesAre, LocateAnswersForEachPointer, BadArgumentsOfLocateAreRefused,
    MovedPagesAreWhereResultsSay, BadArgumentsOfMoveAreRefused, ResizedMappingsKeepTheirContents,
    ResizedInPlaceMappingsStay, BadArgumentsOfResizeAreRefused, ResizingPastMemoryChangesNothing,
    PurgedPagesAreAsFresh, BadArgumentsOfPurgeAreRefused, SyncChangesNothing,
    BadArgumentsOfSyncAreRefused, RangesPastTheLastAddressAreRefused, ThreadsShareAnArea,
    OtherProcessesSeeWhatIsShared, CallsThatSucceedLeaveTheLastError,
    FiniOfADeclaredAreaDoesNothing, FiniLeavesStorageAsDeclared, ACreatedAreaIsLikeADeclaredOne);

} // namespace aml_testing

#endif
