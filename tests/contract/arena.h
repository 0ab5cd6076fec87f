// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of arenas: what core/arena.h says, shown for one type. Run it on a type of
// yours, inside AML or outside, by a Factory like this one:
//
//     #include "aml/tests/contract/arena.h"
//
//     struct MyArenaFactory {
//       static constexpr size_t kInstances = 2;
//       PageArea pages;
//       aml_area *area() { return pages.get(); }
//       AML_MY_ARENA_DECL(arena);
//       int Init(size_t i, aml_area *area) { return aml_my_arena_init(arena, area, &kOptions[i]); }
//       int Create(size_t i, aml_area *area, aml_arena **it) {
//         return aml_my_arena_create(it, area, &kOptions[i]);
//       }
//     };
//
//     using namespace aml_testing;
//     INSTANTIATE_TYPED_TEST_SUITE_P(MyArena, ArenaContract, MyArenaFactory);
//
//   kInstances  how many arenas to test, each of other options.
//   area()      where memory comes from: pages that the host can read and write. The suite hands
//               the arena an area of its own, which watches this one.
//   arena       a declared arena; the factory that holds it is not copied, and outlives what it
//               creates.
//   Init        initialises `arena` as instance i.
//   Create      allocates instance i.
//
// An instance must be able to hold 4 MiB of blocks, and blocks of up to 192 KiB. One that works in
// a region of its own, and so maps nothing, keeps that region in the factory. What an arena cannot
// do by its capabilities it must refuse.
//
// Depend on //tests/contract:arena, and for PageArea on //tests/support:page_area. Threads: one
// test starts some, if the arena is thread-safe.

#ifndef AML_TESTS_CONTRACT_ARENA_H
#define AML_TESTS_CONTRACT_ARENA_H

#include <gtest/gtest.h>

#include "aml/tests/contract/internal/arena_batches.h"
#include "aml/tests/contract/internal/arena_blocks.h"
#include "aml/tests/contract/internal/arena_fixture.h"
#include "aml/tests/contract/internal/arena_life.h"
#include "aml/tests/contract/internal/arena_upkeep.h"

namespace aml_testing {

REGISTER_TYPED_TEST_SUITE_P(
    ArenaContract, BlocksDoNotOverlapAndKeepTheirContents, BlocksAreAlignedAsAsked,
    BlocksOfNoBytesAreDistinct, ZeroedBlocksAreZero, FreedMemoryIsUsedAgain, FreeOfNullDoesNothing,
    SizesLargerThanMemoryAreRefused, AlignmentsLargerThanMemoryAreRefused,
    BadArgumentsOfAllocAreRefused, ResizedBlocksKeepTheirContents, ResizingNullAllocates,
    BadArgumentsOfReallocAreRefused, OnlyMemoryOfTheArenaIsOwned, BatchesAreBlocks,
    BatchesAreGivenBackWhole, ABatchThatDoesNotFitIsCutShort, BadArgumentsOfBatchesAreRefused,
    ResetKeepsTheMemoryForReuse, TrimGivesBackWhatHoldsNoBlock, ATrimThatFailsKeepsTheChunk,
    FreeAndResetNeedNothingOfTheArea, AFullArenaSaysSoAndKeepsItsBlocks, AFailureOfTheAreaIsTold,
    TheLimitHolds, StatsFillEveryField, CapabilitiesHaveTheirOperations, NullIsNoArena,
    ThreadsShareAnArenaThatIsSafe, HiddenMemoryIsRefusedOrNotTouched,
    CallsThatSucceedLeaveTheLastError, FiniOfADeclaredArenaDoesNothing, FiniGivesEverythingBack,
    ACreatedArenaIsLikeADeclaredOne);

} // namespace aml_testing

#endif
