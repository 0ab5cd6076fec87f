// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of arenas: single blocks.

#ifndef AML_TESTS_CONTRACT_INTERNAL_ARENA_BLOCKS_H
#define AML_TESTS_CONTRACT_INTERNAL_ARENA_BLOCKS_H

#include <gtest/gtest.h>

#include "aml/core/arena.h"
#include "aml/tests/contract/internal/arena_fixture.h"

namespace aml_testing {

void CheckBlocksDoNotOverlapAndKeepTheirContents(aml_arena *arena, WatchedArea &area);
void CheckBlocksAreAlignedAsAsked(aml_arena *arena, WatchedArea &area);
void CheckBlocksOfNoBytesAreDistinct(aml_arena *arena, WatchedArea &area);
void CheckZeroedBlocksAreZero(aml_arena *arena, WatchedArea &area);
void CheckFreedMemoryIsUsedAgain(aml_arena *arena, WatchedArea &area);
void CheckFreeOfNullDoesNothing(aml_arena *arena, WatchedArea &area);
void CheckSizesLargerThanMemoryAreRefused(aml_arena *arena, WatchedArea &area);
void CheckAlignmentsLargerThanMemoryAreRefused(aml_arena *arena, WatchedArea &area);
void CheckBadArgumentsOfAllocAreRefused(aml_arena *arena, WatchedArea &area);
void CheckResizedBlocksKeepTheirContents(aml_arena *arena, WatchedArea &area);
void CheckResizingNullAllocates(aml_arena *arena, WatchedArea &area);
void CheckBadArgumentsOfReallocAreRefused(aml_arena *arena, WatchedArea &area);
void CheckOnlyMemoryOfTheArenaIsOwned(aml_arena *arena, WatchedArea &area);

TYPED_TEST_P(ArenaContract, BlocksDoNotOverlapAndKeepTheirContents) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckBlocksDoNotOverlapAndKeepTheirContents);
}

TYPED_TEST_P(ArenaContract, BlocksAreAlignedAsAsked) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckBlocksAreAlignedAsAsked);
}

TYPED_TEST_P(ArenaContract, BlocksOfNoBytesAreDistinct) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckBlocksOfNoBytesAreDistinct);
}

TYPED_TEST_P(ArenaContract, ZeroedBlocksAreZero) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckZeroedBlocksAreZero);
}

TYPED_TEST_P(ArenaContract, FreedMemoryIsUsedAgain) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckFreedMemoryIsUsedAgain);
}

TYPED_TEST_P(ArenaContract, FreeOfNullDoesNothing) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckFreeOfNullDoesNothing);
}

TYPED_TEST_P(ArenaContract, SizesLargerThanMemoryAreRefused) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckSizesLargerThanMemoryAreRefused);
}

TYPED_TEST_P(ArenaContract, AlignmentsLargerThanMemoryAreRefused) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckAlignmentsLargerThanMemoryAreRefused);
}

TYPED_TEST_P(ArenaContract, BadArgumentsOfAllocAreRefused) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckBadArgumentsOfAllocAreRefused);
}

TYPED_TEST_P(ArenaContract, ResizedBlocksKeepTheirContents) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckResizedBlocksKeepTheirContents);
}

TYPED_TEST_P(ArenaContract, ResizingNullAllocates) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckResizingNullAllocates);
}

TYPED_TEST_P(ArenaContract, BadArgumentsOfReallocAreRefused) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckBadArgumentsOfReallocAreRefused);
}

TYPED_TEST_P(ArenaContract, OnlyMemoryOfTheArenaIsOwned) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckOnlyMemoryOfTheArenaIsOwned);
}

} // namespace aml_testing

#endif
