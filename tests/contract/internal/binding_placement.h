// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of bindings: memory goes where the binding says, page by page and tile by
// tile, and is found to be there. Shown on an area of numbers, so that a machine of one node will
// do.

#ifndef AML_TESTS_CONTRACT_INTERNAL_BINDING_PLACEMENT_H
#define AML_TESTS_CONTRACT_INTERNAL_BINDING_PLACEMENT_H

#include <gtest/gtest.h>

#include "aml/core/binding.h"
#include "aml/tests/contract/internal/binding_fixture.h"

namespace aml_testing {

void CheckPagesGoWhereTheBindingSays(aml_binding *binding);
void CheckPagesThatArePresentAreMoved(aml_binding *binding);
void CheckVerifyFindsPagesThatAreElsewhere(aml_binding *binding);
void CheckTilesGoWhereTheBindingSays(aml_binding *binding);
void CheckAnErrorOfTheBindingIsThatOfApply(aml_binding *binding);
void CheckAnAreaThatCannotBindOrLocateSaysSo(aml_binding *binding);

TYPED_TEST_P(BindingContract, PagesGoWhereTheBindingSays) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckPagesGoWhereTheBindingSays);
}

TYPED_TEST_P(BindingContract, PagesThatArePresentAreMoved) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckPagesThatArePresentAreMoved);
}

TYPED_TEST_P(BindingContract, VerifyFindsPagesThatAreElsewhere) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckVerifyFindsPagesThatAreElsewhere);
}

TYPED_TEST_P(BindingContract, TilesGoWhereTheBindingSays) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckTilesGoWhereTheBindingSays);
}

TYPED_TEST_P(BindingContract, AnErrorOfTheBindingIsThatOfApply) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckAnErrorOfTheBindingIsThatOfApply);
}

TYPED_TEST_P(BindingContract, AnAreaThatCannotBindOrLocateSaysSo) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckAnAreaThatCannotBindOrLocateSaysSo);
}

} // namespace aml_testing

#endif
