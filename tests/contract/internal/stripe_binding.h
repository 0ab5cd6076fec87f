// SPDX-License-Identifier: BSD-3-Clause
//
// A small type of binding that keeps its contract, for defects to be planted in: stripes of as many
// items each, round a list of devices, one of which may be "anywhere" or an error.

#ifndef AML_TESTS_CONTRACT_INTERNAL_STRIPE_BINDING_H
#define AML_TESTS_CONTRACT_INTERNAL_STRIPE_BINDING_H

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace aml_testing {

struct StripeShape {
  size_t width; // items of a stripe
  size_t count; // of devices
  int devices[3];
};

constexpr StripeShape kStripeShapes[] = {
    {1, 1, {3}},
    {1, 3, {0, 2, 9}},
    {4, 2, {7, 1}},
    {2, 3, {5, -AML_ENOENT, 6}},
    {8, 2, {1, -AML_EPERM}},
};

struct Stripe {
  aml_binding binding;
  StripeShape shape;

  static const Stripe *Of(const aml_binding *binding) {
    return reinterpret_cast<const Stripe *>(binding);
  }

  static int Init(aml_binding *binding, const StripeShape &shape) {
    reinterpret_cast<Stripe *>(binding)->shape = shape;
    return 0;
  }

  static void Fini(aml_binding *binding) {
    reinterpret_cast<Stripe *>(binding)->shape = StripeShape{};
  }

  static int DeviceOf(const aml_binding *binding, size_t index, size_t) {
    const StripeShape &shape = Of(binding)->shape;
    const int device = shape.devices[index / shape.width % shape.count];
    if (device < 0 && device != -AML_ENOENT)
      return aml_error_set(device, "aml_binding_device_of", "index", "is of a forbidden stripe");
    return device;
  }

  static void Devices(const aml_binding *binding, aml_nodeset *devices) {
    const StripeShape &shape = Of(binding)->shape;
    *devices = aml_nodeset{};
    for (size_t i = 0; i < shape.count; ++i)
      (void)aml_nodeset_add(devices, shape.devices[i]);
  }

  static size_t Run(const aml_binding *binding, size_t index, size_t count) {
    const StripeShape &shape = Of(binding)->shape;
    const size_t left = shape.count == 1 ? count : shape.width - index % shape.width;
    return std::min(left, count - index);
  }

  static int Policy(const aml_binding *binding, aml_policy *policy, aml_nodeset *devices) {
    const StripeShape &shape = Of(binding)->shape;
    if (shape.width != 1)
      return aml_error_set(-AML_ENOTSUP, "aml_binding_policy", "binding", "has wide stripes");
    *policy = shape.count == 1 ? AML_POLICY_BIND : AML_POLICY_INTERLEAVE;
    Devices(binding, devices);
    return 0;
  }
};

/** The type's operations, with a defect planted. */
inline aml_binding_ops StripeOps(void (*plant)(aml_binding_ops *ops)) {
  aml_binding_ops ops = {"stripe",        Stripe::Fini, Stripe::DeviceOf,
                         Stripe::Devices, Stripe::Run,  Stripe::Policy};
  plant(&ops);
  return ops;
}

/** A factory for the suite, of stripes with the defect that `Derived::Plant(ops)` plants. */
template <class Derived> struct StripeFactory {
  static constexpr size_t kInstances = sizeof kStripeShapes / sizeof kStripeShapes[0];

  static const aml_binding_ops *Ops() {
    static const aml_binding_ops ops = StripeOps(Derived::Plant);
    return &ops;
  }

  Stripe stripe = {{Ops()}, {}};
  aml_binding *binding = &stripe.binding;

  int Init(size_t i) { return Stripe::Init(binding, kStripeShapes[i]); }

  static int Create(size_t i, aml_binding **created) {
    auto *const made = static_cast<Stripe *>(std::calloc(1, sizeof(Stripe)));
    if (made == nullptr)
      return aml_error_set(-AML_ENOMEM, "Create", nullptr, "no memory");
    made->binding.ops = Ops();
    *created = &made->binding;
    return Stripe::Init(*created, kStripeShapes[i]);
  }
};

} // namespace aml_testing

#endif
