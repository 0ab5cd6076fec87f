// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aml/binding/near.h"
#include "aml/core/binding.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/tests/contract/binding.h"
#include "aml/tests/sysfs/tree.h"

namespace {

using namespace aml_testing;

// Of two sockets, CPUs 0 to 15 and 16 to 31.
struct Instance {
  std::vector<int> cpu_of_thread;
  size_t chunk;
};
const Instance kInstance[] = {
    {{0}, 0},         {{16}, 5},           {{0, 16}, 0}, {{0, 20, 17, 1, 2}, 0},
    {{16, 1, 17}, 2}, {{0, 16}, SIZE_MAX},
};

const aml_devices *TwoSockets() {
  static const aml_devices *const devices = [] {
    const SysfsTree tree = SysfsTree::Of("two_sockets");
    const aml_devices_options options = tree.options();
    static aml_devices *made = nullptr; // reachable to the end, which leak checkers ask for
    EXPECT_EQ(0, aml_devices_read(&made, &options));
    return made;
  }();
  return devices;
}

struct NearFactory {
  static constexpr size_t kInstances = sizeof kInstance / sizeof kInstance[0];
  AML_BINDING_NEAR_DECL(binding);

  template <class Make> static int With(size_t i, Make make) {
    const aml_binding_near_options options = {kInstance[i].chunk, AML_DEVICE_BY_DISTANCE, 0};
    std::vector<aml_cpuset> cpus;
    for (const int cpu : kInstance[i].cpu_of_thread)
      cpus.push_back(aml_cpuset_of(cpu));
    return make(cpus, &options);
  }
  int Init(size_t i) {
    return With(
        i, [this](const std::vector<aml_cpuset> &cpus, const aml_binding_near_options *options) {
          return aml_binding_near_init(binding, TwoSockets(), cpus.data(), cpus.size(), options);
        });
  }
  static int Create(size_t i, aml_binding **created) {
    return With(
        i, [=](const std::vector<aml_cpuset> &cpus, const aml_binding_near_options *options) {
          return aml_binding_near_create(created, TwoSockets(), cpus.data(), cpus.size(), options);
        });
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(BindingNear, BindingContract, NearFactory);

} // namespace
