// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of bindings: what core/binding.h says, shown for one type. Run it on a type of
// yours, inside AML or outside, by a Factory like this one:
//
//     #include "aml/tests/contract/binding.h"
//
//     struct MyBindingFactory {
//       static constexpr size_t kInstances = 3;
//       AML_MY_BINDING_DECL(binding);
//       int Init(size_t i) { return aml_my_binding_init(binding, kDevices[i]…); }
//       static int Create(size_t i, aml_binding **it) { return aml_my_binding_create(it, …); }
//     };
//
//     using namespace aml_testing;
//     INSTANTIATE_TYPED_TEST_SUITE_P(MyBinding, BindingContract, MyBindingFactory);
//
//   kInstances  how many bindings to test: one device, several, the largest number.
//   binding     a declared binding; the factory that holds it is not copied.
//   Init        initialises `binding` as instance i.
//   Create      allocates instance i.
//
// Whether the type has runs and a policy, the suite sees from its operations. Placement is shown
// for bindings that are no policy of the kernel, or one that leaves the system no choice.
//
// Depend on //tests/contract:binding. Threads: one test starts some.

#ifndef AML_TESTS_CONTRACT_BINDING_H
#define AML_TESTS_CONTRACT_BINDING_H

#include <gtest/gtest.h>

#include "aml/tests/contract/internal/binding_fixture.h"
#include "aml/tests/contract/internal/binding_life.h"
#include "aml/tests/contract/internal/binding_mapping.h"
#include "aml/tests/contract/internal/binding_placement.h"

namespace aml_testing {

REGISTER_TYPED_TEST_SUITE_P(BindingContract, AnswersAreDevicesThatItNames,
                            DevicesReplaceWhatIsInTheSet, AnswersDoNotDependOnCallsBefore,
                            BadArgumentsAreRefused, RunsAreOfOneDevice, APolicyIsTheMapping,
                            WhatIsNoPolicySaysSoAndChangesNothing,
                            CallsThatSucceedLeaveTheLastError, PagesGoWhereTheBindingSays,
                            PagesThatArePresentAreMoved, VerifyFindsPagesThatAreElsewhere,
                            TilesGoWhereTheBindingSays, AnErrorOfTheBindingIsThatOfApply,
                            AnAreaThatCannotBindOrLocateSaysSo, ThreadsShareABinding,
                            FiniOfADeclaredBindingDoesNothing, FiniLeavesStorageAsDeclared,
                            ACreatedBindingIsLikeADeclaredOne);

} // namespace aml_testing

#endif
