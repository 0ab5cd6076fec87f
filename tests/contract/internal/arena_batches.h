// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of arenas: batches of blocks.

#ifndef AML_TESTS_CONTRACT_INTERNAL_ARENA_BATCHES_H
#define AML_TESTS_CONTRACT_INTERNAL_ARENA_BATCHES_H

#include <gtest/gtest.h>

#include "aml/core/arena.h"
#include "aml/tests/contract/internal/arena_fixture.h"

namespace aml_testing {

void CheckBatchesAreBlocks(aml_arena *arena, WatchedArea &area);
void CheckBatchesAreGivenBackWhole(aml_arena *arena, WatchedArea &area);
void CheckABatchThatDoesNotFitIsCutShort(aml_arena *arena, WatchedArea &area);
void CheckBadArgumentsOfBatchesAreRefused(aml_arena *arena, WatchedArea &area);

TYPED_TEST_P(ArenaContract, BatchesAreBlocks) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckBatchesAreBlocks);
}

TYPED_TEST_P(ArenaContract, BatchesAreGivenBackWhole) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckBatchesAreGivenBackWhole);
}

TYPED_TEST_P(ArenaContract, ABatchThatDoesNotFitIsCutShort) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckABatchThatDoesNotFitIsCutShort);
}

TYPED_TEST_P(ArenaContract, BadArgumentsOfBatchesAreRefused) {
  OnEach(AnyArenaFactory<TypeParam>(), CheckBadArgumentsOfBatchesAreRefused);
}

} // namespace aml_testing

#endif
