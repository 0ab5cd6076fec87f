// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of tilings: that calls change nothing, threads, and the end of a life.

#ifndef AML_TESTS_CONTRACT_INTERNAL_TILING_LIFE_H
#define AML_TESTS_CONTRACT_INTERNAL_TILING_LIFE_H

#include <gtest/gtest.h>

#include "aml/core/tiling.h"
#include "aml/tests/contract/internal/laid_out.h"
#include "aml/tests/contract/internal/tiling_fixture.h"

namespace aml_testing {

void CheckAnswersDoNotDependOnCallsBefore(aml_tiling *tiling, const LaidOut &data);
void CheckCallsThatSucceedLeaveTheLastError(aml_tiling *tiling, const LaidOut &data);
void CheckThreadsShareATiling(aml_tiling *tiling, const LaidOut &data);
void CheckFiniOfADeclaredTilingDoesNothing(const TilingFactory &any);
void CheckFiniLeavesStorageAsDeclared(const TilingFactory &any);
void CheckACreatedTilingIsLikeADeclaredOne(const TilingFactory &any);

TYPED_TEST_P(TilingContract, AnswersDoNotDependOnCallsBefore) {
  OnEachDatum(AnyTilingFactory<TypeParam>(), CheckAnswersDoNotDependOnCallsBefore);
}

TYPED_TEST_P(TilingContract, CallsThatSucceedLeaveTheLastError) {
  OnEachDatum(AnyTilingFactory<TypeParam>(), CheckCallsThatSucceedLeaveTheLastError);
}

TYPED_TEST_P(TilingContract, ThreadsShareATiling) {
  OnEachDatum(AnyTilingFactory<TypeParam>(), CheckThreadsShareATiling);
}

TYPED_TEST_P(TilingContract, FiniOfADeclaredTilingDoesNothing) {
  CheckFiniOfADeclaredTilingDoesNothing(AnyTilingFactory<TypeParam>());
}

TYPED_TEST_P(TilingContract, FiniLeavesStorageAsDeclared) {
  CheckFiniLeavesStorageAsDeclared(AnyTilingFactory<TypeParam>());
}

TYPED_TEST_P(TilingContract, ACreatedTilingIsLikeADeclaredOne) {
  CheckACreatedTilingIsLikeADeclaredOne(AnyTilingFactory<TypeParam>());
}

} // namespace aml_testing

#endif
