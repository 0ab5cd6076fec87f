// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of arenas: threads, memory that the host cannot touch, and the end of a life.

#ifndef AML_TESTS_CONTRACT_INTERNAL_ARENA_LIFE_H
#define AML_TESTS_CONTRACT_INTERNAL_ARENA_LIFE_H

#include <gtest/gtest.h>

#include "aml/core/arena.h"
#include "aml/tests/contract/internal/arena_fixture.h"

namespace aml_testing {

void CheckThreadsShareAnArenaThatIsSafe(aml_arena *arena, WatchedArea &area);
void CheckHiddenMemoryIsRefusedOrNotTouched(const ArenaFactory &any);
void CheckCallsThatSucceedLeaveTheLastError(aml_arena *arena, WatchedArea &area);
void CheckFiniOfADeclaredArenaDoesNothing(const ArenaFactory &any);
void CheckFiniGivesEverythingBack(const ArenaFactory &any);
void CheckACreatedArenaIsLikeADeclaredOne(const ArenaFactory &any);

TYPED_TEST_P(ArenaContract, ThreadsShareAnArenaThatIsSafe) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckThreadsShareAnArenaThatIsSafe);
}

TYPED_TEST_P(ArenaContract, HiddenMemoryIsRefusedOrNotTouched) {
  CheckHiddenMemoryIsRefusedOrNotTouched(AnyArenaFactory<TypeParam>());
}

TYPED_TEST_P(ArenaContract, CallsThatSucceedLeaveTheLastError) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckCallsThatSucceedLeaveTheLastError);
}

TYPED_TEST_P(ArenaContract, FiniOfADeclaredArenaDoesNothing) {
  CheckFiniOfADeclaredArenaDoesNothing(AnyArenaFactory<TypeParam>());
}

TYPED_TEST_P(ArenaContract, FiniGivesEverythingBack) {
  CheckFiniGivesEverythingBack(AnyArenaFactory<TypeParam>());
}

TYPED_TEST_P(ArenaContract, ACreatedArenaIsLikeADeclaredOne) {
  CheckACreatedArenaIsLikeADeclaredOne(AnyArenaFactory<TypeParam>());
}

} // namespace aml_testing

#endif
