// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of scratchpads: what core/scratchpad.h says, shown for one type. Run it on a
// type of yours, inside AML or outside, by a Factory like this one:
//
//     #include "aml/tests/contract/scratchpad.h"
//
//     struct MyScratchpadFactory {
//       static constexpr bool kWaits = false;
//       static constexpr bool kIsThreadSafe = false;
//       AML_MY_SCRATCHPAD_DECL(scratchpad);
//       int Init(aml_testing::ScratchpadParts &parts) {
//         return aml_my_scratchpad_init(scratchpad, parts.area(), parts.datum(), parts.tiling(),
//                                       parts.dma(), &kOptions);
//       }
//       static int Create(aml_testing::ScratchpadParts &parts, aml_scratchpad **it) { … }
//     };
//
//     using namespace aml_testing;
//     INSTANTIATE_TYPED_TEST_SUITE_P(MyScratchpad, ScratchpadContract, MyScratchpadFactory);
//
//   kWaits         whether a pull waits for a slot where all are pinned, and so for ever in the
//                  suite; else it says -AML_EDEADLK.
//   kIsThreadSafe  whether threads may share it.
//   scratchpad     a declared scratchpad; the factory that holds it is not copied.
//   Init           initialises `scratchpad`, over the parts and with ScratchpadParts::kSlots slots.
//   Create         allocates such a one.
//
// Depend on //tests/contract:scratchpad. Threads: one test starts some, if the type is safe.

#ifndef AML_TESTS_CONTRACT_SCRATCHPAD_H
#define AML_TESTS_CONTRACT_SCRATCHPAD_H

#include <gtest/gtest.h>

#include "aml/tests/contract/internal/scratchpad_fixture.h"
#include "aml/tests/contract/internal/scratchpad_life.h"
#include "aml/tests/contract/internal/scratchpad_tiles.h"

namespace aml_testing {

REGISTER_TYPED_TEST_SUITE_P(ScratchpadContract, APulledTileHoldsTheDatums, TwoPullsAreOneTile,
                            APinnedTileStaysWhereItIs, WhenAllSlotsArePinnedATryDoesNotWait,
                            WhatWasWrittenReachesTheDatumWhenItLeaves, CleanTilesAreNotWrittenBack,
                            ADirtyTileStaysSoThroughCleanReleases, OverwritingReadsNothing,
                            WhatWasNotOverwrittenAfterAllIsForgotten, PushWritesBackAndKeeps,
                            FlushBringsTheDatumUpToDate, DropForgetsWhatIsNotPinned,
                            PrefetchingChangesNoContents, ARandomWalkAgreesWithAModel,
                            IdsBehindTheLastAreRefused, ReleaseOfWhatIsNotPinnedIsRefused,
                            StatsCountWhatHappened, APullWhoseReadFailsPinsNothing,
                            AWriteBackThatFailsLosesNothing, CallsThatSucceedLeaveTheLastError,
                            ThreadsShareAScratchpadThatIsSafe, FiniWritesBackAndGivesTheSlotsBack,
                            FiniLeavesStorageAsDeclared, InitWithoutMemoryForSlotsChangesNothing,
                            ACreatedScratchpadIsLikeADeclaredOne);

} // namespace aml_testing

#endif
