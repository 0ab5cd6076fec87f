// SPDX-License-Identifier: BSD-3-Clause
//
// What tests of devices share: snapshots of machines on paper, and their facts as plain values.

#ifndef AML_CORE_DEVICE_TESTING_H
#define AML_CORE_DEVICE_TESTING_H

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aml/core/block.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/sysfs/tree.h"

struct Destroy {
  void operator()(aml_devices *devices) const { aml_devices_destroy(&devices); }
};
using Devices = std::unique_ptr<aml_devices, Destroy>;

inline constexpr uint64_t kKib = 1024;
inline constexpr uint64_t kGib = uint64_t{1} << 30;

inline Devices Read(const SysfsTree &tree) {
  const aml_devices_options options = tree.options();
  aml_devices *devices = nullptr;
  EXPECT_EQ(0, aml_devices_read(&devices, &options)) << aml_error_detail();
  return Devices(devices);
}

inline Devices Read(const std::string &machine) {
  return Read(SysfsTree::Of(machine));
}

inline aml_device At(const Devices &devices, int number) {
  const aml_device *const device = aml_devices_find(devices.get(), number);
  EXPECT_NE(nullptr, device) << number;
  return device == nullptr ? aml_device{} : *device;
}

inline std::string Text(const aml_cpuset &set) {
  std::vector<char> text(AML_CPUSET_TEXT_CAPACITY);
  aml_cpuset_format(&set, text.data(), text.size());
  return text.data();
}

inline std::string Text(const aml_nodeset &set) {
  std::vector<char> text(AML_NODESET_TEXT_CAPACITY);
  aml_nodeset_format(&set, text.data(), text.size());
  return text.data();
}

inline std::vector<uint64_t> Figures(const aml_device_performance &performance) {
  return {performance.read_bandwidth_mib_s, performance.write_bandwidth_mib_s,
          performance.read_latency_ns, performance.write_latency_ns};
}

inline const std::vector<uint64_t> kNoFigures(4, AML_UNKNOWN);

#endif
