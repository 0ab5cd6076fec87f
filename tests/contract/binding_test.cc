// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of bindings on the type that defects are planted in: without one it passes.

#include "aml/tests/contract/binding.h"

#include <gtest/gtest.h>

#include "aml/core/binding.h"
#include "aml/tests/contract/internal/stripe_binding.h"

namespace {

using namespace aml_testing;

struct PlainStripe : StripeFactory<PlainStripe> {
  static void Plant(aml_binding_ops *) {}
};

INSTANTIATE_TYPED_TEST_SUITE_P(Stripe, BindingContract, PlainStripe);

// Runs and a policy are a type's own choice.
struct BareStripe : StripeFactory<BareStripe> {
  static void Plant(aml_binding_ops *ops) {
    ops->run = nullptr;
    ops->policy = nullptr;
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(BareStripe, BindingContract, BareStripe);

} // namespace
