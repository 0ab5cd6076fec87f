// SPDX-License-Identifier: BSD-3-Clause
//
// Defects that the contract suite of bindings must catch, each by the test that is there for it.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <thread>

#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/contract/binding.h"
#include "aml/tests/contract/expect_failures.h"
#include "aml/tests/contract/internal/stripe_binding.h"

namespace {

using namespace aml_testing;

// The mapping

struct ForgetsToNameADevice : StripeFactory<ForgetsToNameADevice> {
  static void Plant(aml_binding_ops *ops) {
    ops->devices = [](const aml_binding *binding, aml_nodeset *devices) {
      Stripe::Devices(binding, devices);
      aml_nodeset_remove(devices, aml_nodeset_last(devices));
    };
  }
};
EXPECT_CAUGHT(BindingContract, AnswersAreDevicesThatItNames, ForgetsToNameADevice);

struct AnswersWhatIsNoCode : StripeFactory<AnswersWhatIsNoCode> {
  static void Plant(aml_binding_ops *ops) {
    ops->device_of = [](const aml_binding *binding, size_t index, size_t count) {
      return index == 5 ? -99 : Stripe::DeviceOf(binding, index, count);
    };
  }
};
EXPECT_CAUGHT(BindingContract, AnswersAreDevicesThatItNames, AnswersWhatIsNoCode);

struct AddsToTheDevices : StripeFactory<AddsToTheDevices> {
  static void Plant(aml_binding_ops *ops) {
    ops->devices = [](const aml_binding *binding, aml_nodeset *devices) {
      aml_nodeset named = {};
      Stripe::Devices(binding, &named);
      aml_nodeset_unite(devices, &named);
    };
  }
};
EXPECT_CAUGHT(BindingContract, DevicesReplaceWhatIsInTheSet, AddsToTheDevices);

// Deals devices out as it is asked, whatever the item.
template <class Derived> struct DealsInTurn : StripeFactory<Derived> {
  static void Plant(aml_binding_ops *ops) {
    ops->device_of = [](const aml_binding *binding, size_t, size_t count) {
      static size_t next = 0;
      return Stripe::DeviceOf(binding, next++, count);
    };
  }
};

struct DealsItemsInTurn : DealsInTurn<DealsItemsInTurn> {};
EXPECT_CAUGHT(BindingContract, AnswersDoNotDependOnCallsBefore, DealsItemsInTurn);

struct DealsTilesInTurn : DealsInTurn<DealsTilesInTurn> {};
EXPECT_CAUGHT(BindingContract, TilesGoWhereTheBindingSays, DealsTilesInTurn);

// Runs. Each is one item too long: at a stripe's end, or at the end of all.

template <class Derived> struct RunsIntoTheNextStripe : StripeFactory<Derived> {
  static void Plant(aml_binding_ops *ops) {
    ops->run = [](const aml_binding *binding, size_t index, size_t count) {
      const size_t run = Stripe::Run(binding, index, count);
      return run < count - index ? run + 1 : run;
    };
  }
};

struct TellsLongRuns : RunsIntoTheNextStripe<TellsLongRuns> {};
EXPECT_CAUGHT(BindingContract, RunsAreOfOneDevice, TellsLongRuns);

struct BindsLongRuns : RunsIntoTheNextStripe<BindsLongRuns> {};
EXPECT_CAUGHT(BindingContract, PagesGoWhereTheBindingSays, BindsLongRuns);

struct MovesLongRuns : RunsIntoTheNextStripe<MovesLongRuns> {};
EXPECT_CAUGHT(BindingContract, PagesThatArePresentAreMoved, MovesLongRuns);

struct VerifiesLongRuns : RunsIntoTheNextStripe<VerifiesLongRuns> {};
EXPECT_CAUGHT(BindingContract, VerifyFindsPagesThatAreElsewhere, VerifiesLongRuns);

struct RunsBehindTheEnd : StripeFactory<RunsBehindTheEnd> {
  static void Plant(aml_binding_ops *ops) {
    ops->run = [](const aml_binding *binding, size_t index, size_t) {
      return Stripe::Run(binding, index, SIZE_MAX);
    };
  }
};
EXPECT_CAUGHT(BindingContract, RunsAreOfOneDevice, RunsBehindTheEnd);

struct RunsOfNothing : StripeFactory<RunsOfNothing> {
  static void Plant(aml_binding_ops *ops) {
    ops->run = [](const aml_binding *binding, size_t index, size_t count) {
      return Stripe::Run(binding, index, count) - 1;
    };
  }
};
EXPECT_CAUGHT(BindingContract, RunsAreOfOneDevice, RunsOfNothing);

// Policies

struct TakesAnyStripesForAPolicy : StripeFactory<TakesAnyStripesForAPolicy> {
  static void Plant(aml_binding_ops *ops) {
    ops->policy = [](const aml_binding *binding, aml_policy *policy, aml_nodeset *devices) {
      *policy = AML_POLICY_INTERLEAVE;
      Stripe::Devices(binding, devices);
      return 0;
    };
  }
};
EXPECT_CAUGHT(BindingContract, APolicyIsTheMapping, TakesAnyStripesForAPolicy);

struct BindsToSeveral : StripeFactory<BindsToSeveral> {
  static void Plant(aml_binding_ops *ops) {
    ops->policy = [](const aml_binding *binding, aml_policy *policy, aml_nodeset *devices) {
      const int err = Stripe::Policy(binding, policy, devices);
      if (!err)
        *policy = AML_POLICY_BIND;
      return err;
    };
  }
};
EXPECT_CAUGHT(BindingContract, APolicyIsTheMapping, BindsToSeveral);

struct WritesBeforeItRefuses : StripeFactory<WritesBeforeItRefuses> {
  static void Plant(aml_binding_ops *ops) {
    ops->policy = [](const aml_binding *binding, aml_policy *policy, aml_nodeset *devices) {
      Stripe::Devices(binding, devices);
      return Stripe::Policy(binding, policy, devices);
    };
  }
};
EXPECT_CAUGHT(BindingContract, WhatIsNoPolicySaysSoAndChangesNothing, WritesBeforeItRefuses);

struct RefusesInSilence : StripeFactory<RefusesInSilence> {
  static void Plant(aml_binding_ops *ops) {
    ops->policy = [](const aml_binding *, aml_policy *, aml_nodeset *) { return -AML_ENOTSUP; };
  }
};
EXPECT_CAUGHT(BindingContract, WhatIsNoPolicySaysSoAndChangesNothing, RefusesInSilence);

// Errors

struct RecordsSuccess : StripeFactory<RecordsSuccess> {
  static void Plant(aml_binding_ops *ops) {
    ops->device_of = [](const aml_binding *binding, size_t index, size_t count) {
      (void)aml_error_set(-AML_EINVAL, "aml_binding_device_of", nullptr, "worked");
      return Stripe::DeviceOf(binding, index, count);
    };
  }
};
EXPECT_CAUGHT(BindingContract, CallsThatSucceedLeaveTheLastError, RecordsSuccess);

// The items of one stripe are bound, though the binding cannot say where they belong.
struct RunsOverErrors : StripeFactory<RunsOverErrors> {
  static void Plant(aml_binding_ops *ops) {
    ops->run = [](const aml_binding *, size_t index, size_t count) { return count - index; };
  }
};
EXPECT_CAUGHT(BindingContract, AnErrorOfTheBindingIsThatOfApply, RunsOverErrors);

// Threads, and the end

// As state kept per thread would.
struct AnswersTheFirstThreadOnly : StripeFactory<AnswersTheFirstThreadOnly> {
  static void Plant(aml_binding_ops *ops) {
    ops->device_of = [](const aml_binding *binding, size_t index, size_t count) {
      static const std::thread::id first = std::this_thread::get_id();
      const bool is_first = std::this_thread::get_id() == first;
      return Stripe::DeviceOf(binding, is_first ? index : 0, count);
    };
  }
};
EXPECT_CAUGHT(BindingContract, ThreadsShareABinding, AnswersTheFirstThreadOnly);

struct FiniTakesTheOperations : StripeFactory<FiniTakesTheOperations> {
  static void Plant(aml_binding_ops *ops) {
    ops->fini = [](aml_binding *binding) { binding->ops = nullptr; };
  }
};
EXPECT_CAUGHT(BindingContract, FiniOfADeclaredBindingDoesNothing, FiniTakesTheOperations);

struct KeepsItsOldDevices : StripeFactory<KeepsItsOldDevices> {
  static void Plant(aml_binding_ops *ops) {
    ops->fini = [](aml_binding *) {};
  }
  int Init(size_t i) {
    const StripeShape old = stripe.shape;
    const int err = Stripe::Init(binding, kStripeShapes[i]);
    if (old.count != 0)
      stripe.shape.devices[0] = old.devices[0];
    return err;
  }
};
EXPECT_CAUGHT(BindingContract, FiniLeavesStorageAsDeclared, KeepsItsOldDevices);

struct CreatesOtherStripes : StripeFactory<CreatesOtherStripes> {
  static void Plant(aml_binding_ops *) {}
  static int Create(size_t i, aml_binding **created) {
    const int err = StripeFactory::Create(i, created);
    if (!err)
      ++reinterpret_cast<Stripe *>(*created)->shape.width;
    return err;
  }
};
EXPECT_CAUGHT(BindingContract, ACreatedBindingIsLikeADeclaredOne, CreatesOtherStripes);

} // namespace
