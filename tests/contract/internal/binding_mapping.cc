// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/internal/binding_mapping.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/contract/internal/binding_fixture.h"
#include "aml/tests/contract/internal/refusal.h"

namespace aml_testing {

namespace {

/** Some indices below a large count: the first ones, the last ones, and others. */
std::vector<size_t> SomeIndices(size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<size_t> indices;
  for (size_t i = 0; i < 100 && i < count; ++i)
    indices.insert(indices.end(), {i, count - 1 - i, random() % count});
  return indices;
}

} // namespace

void CheckAnswersAreDevicesThatItNames(aml_binding *binding) {
  const aml_nodeset named = NamedBy(binding);
  for (const size_t count : {size_t{1}, size_t{2}, size_t{7}, size_t{1000}, SIZE_MAX})
    for (const size_t index : SomeIndices(count, 1)) {
      const int device = aml_binding_device_of(binding, index, count);
      if (device < 0) {
        ASSERT_STRNE("unknown error", aml_strerror(device)) << "of item " << index;
      } else {
        ASSERT_TRUE(aml_nodeset_has(&named, device))
            << "item " << index << " of " << count << " is on " << device;
      }
    }
}

void CheckDevicesReplaceWhatIsInTheSet(aml_binding *binding) {
  const aml_nodeset named = NamedBy(binding);
  aml_nodeset devices;
  std::memset(&devices, 0xff, sizeof devices);
  ASSERT_EQ(0, aml_binding_devices(binding, &devices)) << aml_error_detail();
  EXPECT_TRUE(aml_nodeset_is_equal(&named, &devices));
}

void CheckAnswersDoNotDependOnCallsBefore(aml_binding *binding) {
  std::mt19937 random(2);
  const size_t count = 50;
  const std::vector<int> expected = DevicesOf(binding, count);
  const aml_nodeset named = NamedBy(binding);
  for (int round = 0; round < 300; ++round) {
    const size_t index = random() % count;
    ASSERT_EQ(expected[index], aml_binding_device_of(binding, index, count));
    const int other = aml_binding_device_of(binding, random() % 9, 9 + random() % 9);
    (void)other;
    const aml_nodeset again = NamedBy(binding);
    ASSERT_TRUE(aml_nodeset_is_equal(&named, &again));
  }
}

void CheckBadArgumentsAreRefused(aml_binding *binding) {
  const char index[] = "aml_binding_device_of: index";
  ExpectRefused(index, [&] { return aml_binding_device_of(binding, 0, 0); });
  ExpectRefused(index, [&] { return aml_binding_device_of(binding, 7, 7); });
  ExpectRefused(index, [&] { return aml_binding_device_of(binding, SIZE_MAX, 7); });
  ExpectRefused("aml_binding_device_of: binding",
                [] { return aml_binding_device_of(nullptr, 0, 1); });
  aml_policy policy = AML_POLICY_PREFERRED;
  const aml_nodeset before = aml_nodeset_of(9);
  aml_nodeset devices = before;
  ExpectRefused("aml_binding_devices: binding",
                [&] { return aml_binding_devices(nullptr, &devices); });
  ExpectRefused("aml_binding_devices: devices",
                [&] { return aml_binding_devices(binding, nullptr); });
  ExpectRefused("aml_binding_policy: binding",
                [&] { return aml_binding_policy(nullptr, &policy, &devices); });
  ExpectRefused("aml_binding_policy: policy",
                [&] { return aml_binding_policy(binding, nullptr, &devices); });
  ExpectRefused("aml_binding_policy: devices",
                [&] { return aml_binding_policy(binding, &policy, nullptr); });
  EXPECT_EQ(AML_POLICY_PREFERRED, policy);
  EXPECT_TRUE(aml_nodeset_is_equal(&before, &devices));
}

void CheckRunsAreOfOneDevice(aml_binding *binding) {
  if (binding->ops->run == nullptr)
    return; // then items are asked for one by one
  for (const size_t count : kItemCounts) {
    const std::vector<int> devices = DevicesOf(binding, count);
    for (size_t index = 0; index < count; ++index) {
      const size_t run = binding->ops->run(binding, index, count);
      ASSERT_GE(run, 1u) << "from " << index << " of " << count;
      ASSERT_LE(run, count - index) << "from " << index << " of " << count;
      for (size_t i = index; i < index + run; ++i)
        ASSERT_EQ(devices[index], devices[i]) << "of item " << i << " of " << count;
    }
  }
  const size_t last = binding->ops->run(binding, SIZE_MAX - 1, SIZE_MAX);
  EXPECT_EQ(1u, last) << "behind the last item of all that can be there is none";
}

namespace {

/** Whether page `index`, numbered by address, may be on `device` by a policy of the kernel. */
bool Allows(const Policy &policy, size_t index, int device) {
  const size_t count = aml_nodeset_count(&policy.devices);
  switch (policy.policy) {
  case AML_POLICY_DEFAULT:
  case AML_POLICY_LOCAL:
    return count == 0 && device == kAnywhere;
  case AML_POLICY_INTERLEAVE:
    return count != 0 && device == aml_nodeset_at(&policy.devices, index % count);
  case AML_POLICY_BIND:
  case AML_POLICY_PREFERRED:
    return count == 1 && aml_nodeset_has(&policy.devices, device);
  default:
    return aml_nodeset_has(&policy.devices, device);
  }
}

} // namespace

void CheckAPolicyIsTheMapping(aml_binding *binding) {
  const Policy policy = PolicyOf(binding);
  if (!policy.is_one)
    return; // which the next test looks at
  const aml_nodeset named = NamedBy(binding);
  EXPECT_TRUE(aml_nodeset_is_subset(&policy.devices, &named));
  for (const size_t index : SomeIndices(SIZE_MAX, 3)) {
    const int device = aml_binding_device_of(binding, index, SIZE_MAX);
    ASSERT_TRUE(Allows(policy, index, device)) << "page " << index << " is on " << device;
  }
}

void CheckWhatIsNoPolicySaysSoAndChangesNothing(aml_binding *binding) {
  if (PolicyOf(binding).is_one)
    return;
  aml_policy policy = AML_POLICY_PREFERRED;
  const aml_nodeset before = aml_nodeset_of(9);
  aml_nodeset devices = before;
  ExpectRefusedWith(-AML_ENOTSUP, "aml_binding_policy: binding",
                    [&] { return aml_binding_policy(binding, &policy, &devices); });
  EXPECT_EQ(AML_POLICY_PREFERRED, policy);
  EXPECT_TRUE(aml_nodeset_is_equal(&before, &devices));
}

void CheckCallsThatSucceedLeaveTheLastError(aml_binding *binding) {
  const bool is_policy = PolicyOf(binding).is_one;
  for (const size_t index : SomeIndices(100, 4)) {
    ForgetTheLastError();
    if (aml_binding_device_of(binding, index, 100) < 0)
      ForgetTheLastError(); // it may have recorded why there is none
    (void)NamedBy(binding);
    if (binding->ops->run != nullptr)
      (void)binding->ops->run(binding, index, 100);
    if (is_policy)
      (void)PolicyOf(binding);
    ASSERT_TRUE(NothingWasRecorded()) << aml_error_detail();
  }
}

} // namespace aml_testing
