// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of bindings: threads, and the end of a life.

#ifndef AML_TESTS_CONTRACT_INTERNAL_BINDING_LIFE_H
#define AML_TESTS_CONTRACT_INTERNAL_BINDING_LIFE_H

#include <gtest/gtest.h>

#include "aml/core/binding.h"
#include "aml/tests/contract/internal/binding_fixture.h"

namespace aml_testing {

void CheckThreadsShareABinding(aml_binding *binding);
void CheckFiniOfADeclaredBindingDoesNothing(const BindingFactory &any);
void CheckFiniLeavesStorageAsDeclared(const BindingFactory &any);
void CheckACreatedBindingIsLikeADeclaredOne(const BindingFactory &any);

TYPED_TEST_P(BindingContract, ThreadsShareABinding) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckThreadsShareABinding);
}

TYPED_TEST_P(BindingContract, FiniOfADeclaredBindingDoesNothing) {
  CheckFiniOfADeclaredBindingDoesNothing(AnyBindingFactory<TypeParam>());
}

TYPED_TEST_P(BindingContract, FiniLeavesStorageAsDeclared) {
  CheckFiniLeavesStorageAsDeclared(AnyBindingFactory<TypeParam>());
}

TYPED_TEST_P(BindingContract, ACreatedBindingIsLikeADeclaredOne) {
  CheckACreatedBindingIsLikeADeclaredOne(AnyBindingFactory<TypeParam>());
}

} // namespace aml_testing

#endif
