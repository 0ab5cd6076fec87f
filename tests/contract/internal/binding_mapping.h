// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of bindings: which device an item is on, and what says the same otherwise.

#ifndef AML_TESTS_CONTRACT_INTERNAL_BINDING_MAPPING_H
#define AML_TESTS_CONTRACT_INTERNAL_BINDING_MAPPING_H

#include <gtest/gtest.h>

#include "aml/core/binding.h"
#include "aml/tests/contract/internal/binding_fixture.h"

namespace aml_testing {

void CheckAnswersAreDevicesThatItNames(aml_binding *binding);
void CheckDevicesReplaceWhatIsInTheSet(aml_binding *binding);
void CheckAnswersDoNotDependOnCallsBefore(aml_binding *binding);
void CheckBadArgumentsAreRefused(aml_binding *binding);
void CheckRunsAreOfOneDevice(aml_binding *binding);
void CheckAPolicyIsTheMapping(aml_binding *binding);
void CheckWhatIsNoPolicySaysSoAndChangesNothing(aml_binding *binding);
void CheckCallsThatSucceedLeaveTheLastError(aml_binding *binding);

TYPED_TEST_P(BindingContract, AnswersAreDevicesThatItNames) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckAnswersAreDevicesThatItNames);
}

TYPED_TEST_P(BindingContract, DevicesReplaceWhatIsInTheSet) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckDevicesReplaceWhatIsInTheSet);
}

TYPED_TEST_P(BindingContract, AnswersDoNotDependOnCallsBefore) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckAnswersDoNotDependOnCallsBefore);
}

TYPED_TEST_P(BindingContract, BadArgumentsAreRefused) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckBadArgumentsAreRefused);
}

TYPED_TEST_P(BindingContract, RunsAreOfOneDevice) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckRunsAreOfOneDevice);
}

TYPED_TEST_P(BindingContract, APolicyIsTheMapping) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckAPolicyIsTheMapping);
}

TYPED_TEST_P(BindingContract, WhatIsNoPolicySaysSoAndChangesNothing) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckWhatIsNoPolicySaysSoAndChangesNothing);
}

TYPED_TEST_P(BindingContract, CallsThatSucceedLeaveTheLastError) {
  OnEach(AnyBindingFactory<TypeParam>(), CheckCallsThatSucceedLeaveTheLastError);
}

} // namespace aml_testing

#endif
