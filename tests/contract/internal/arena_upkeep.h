// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of arenas: reset, trim, limits, and what the area answers.

#ifndef AML_TESTS_CONTRACT_INTERNAL_ARENA_UPKEEP_H
#define AML_TESTS_CONTRACT_INTERNAL_ARENA_UPKEEP_H

#include <gtest/gtest.h>

#include "aml/core/arena.h"
#include "aml/tests/contract/internal/arena_fixture.h"

namespace aml_testing {

void CheckResetKeepsTheMemoryForReuse(aml_arena *arena, WatchedArea &area);
void CheckTrimGivesBackWhatHoldsNoBlock(aml_arena *arena, WatchedArea &area);
void CheckATrimThatFailsKeepsTheChunk(aml_arena *arena, WatchedArea &area);
void CheckFreeAndResetNeedNothingOfTheArea(aml_arena *arena, WatchedArea &area);
void CheckAFullArenaSaysSoAndKeepsItsBlocks(aml_arena *arena, WatchedArea &area);
void CheckAFailureOfTheAreaIsTold(aml_arena *arena, WatchedArea &area);
void CheckTheLimitHolds(aml_arena *arena, WatchedArea &area);
void CheckStatsFillEveryField(aml_arena *arena, WatchedArea &area);
void CheckCapabilitiesHaveTheirOperations(aml_arena *arena, WatchedArea &area);
void CheckNullIsNoArena();

TYPED_TEST_P(ArenaContract, ResetKeepsTheMemoryForReuse) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckResetKeepsTheMemoryForReuse);
}

TYPED_TEST_P(ArenaContract, TrimGivesBackWhatHoldsNoBlock) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckTrimGivesBackWhatHoldsNoBlock);
}

TYPED_TEST_P(ArenaContract, ATrimThatFailsKeepsTheChunk) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckATrimThatFailsKeepsTheChunk);
}

TYPED_TEST_P(ArenaContract, FreeAndResetNeedNothingOfTheArea) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckFreeAndResetNeedNothingOfTheArea);
}

TYPED_TEST_P(ArenaContract, AFullArenaSaysSoAndKeepsItsBlocks) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckAFullArenaSaysSoAndKeepsItsBlocks);
}

TYPED_TEST_P(ArenaContract, AFailureOfTheAreaIsTold) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckAFailureOfTheAreaIsTold);
}

TYPED_TEST_P(ArenaContract, TheLimitHolds) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckTheLimitHolds);
}

TYPED_TEST_P(ArenaContract, StatsFillEveryField) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckStatsFillEveryField);
}

TYPED_TEST_P(ArenaContract, CapabilitiesHaveTheirOperations) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckCapabilitiesHaveTheirOperations);
}

TYPED_TEST_P(ArenaContract, NullIsNoArena) {
  CheckNullIsNoArena();
}

} // namespace aml_testing

#endif
