// SPDX-License-Identifier: BSD-3-Clause
//
// Probes of each node of a machine, by its first CPU: only where pages come from is real here, and
// that there are figures.

#include <gtest/gtest.h>

#include <string>

#include "aml/core/block.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/error.h"
#include "aml/core/probe.h"

namespace {

class NumaProbe : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(0, aml_devices_read(&devices_, nullptr)) << aml_error_detail();
    options_.size = size_t{1} << 20;
    options_.time_ms = 1;
    options_.repetitions = 1;
    cpu_ = aml_cpuset_of(aml_cpuset_next(aml_devices_cpus(devices_), -1));
  }
  void TearDown() override { aml_devices_destroy(&devices_); }

  aml_devices *devices_ = nullptr;
  aml_probe_options options_ = {};
  aml_cpuset cpu_ = {};
};

TEST_F(NumaProbe, EachDeviceWithMemoryIsMeasuredThere) {
  int measured = 0;
  for (size_t i = 0; i < aml_devices_count(devices_); ++i) {
    const aml_device *const device = aml_devices_at(devices_, i);
    if (device->total == 0 || device->usable < 4 * options_.size)
      continue;
    aml_probe_result result;
    ASSERT_EQ(0, aml_probe(&cpu_, device->number, &options_, &result))
        << device->number << ": " << aml_error_detail();
    EXPECT_EQ(AML_ANSWER_YES, result.is_on_target);
    EXPECT_NE(AML_UNKNOWN, result.read_bandwidth_mib_s.median);
    EXPECT_NE(AML_UNKNOWN, result.read_latency_ns.median);
    const aml_device_performance figures = aml_probe_performance(&result);
    EXPECT_EQ(0, aml_devices_set_performance(devices_, 0, device->number, &figures));
    EXPECT_EQ(figures.read_latency_ns,
              aml_devices_performance(devices_, 0, device->number).read_latency_ns);
    ++measured;
  }
  EXPECT_LT(0, measured);
}

TEST_F(NumaProbe, ADeviceWithoutMemoryIsRefused) {
  for (size_t i = 0; i < aml_devices_count(devices_); ++i) {
    const aml_device *const device = aml_devices_at(devices_, i);
    if (device->total != 0)
      continue;
    aml_probe_result result;
    EXPECT_EQ(-AML_ENODEV, aml_probe(&cpu_, device->number, &options_, &result));
    EXPECT_EQ("aml_probe: target " + std::to_string(device->number) + " has no memory",
              aml_error_detail());
  }
}

TEST_F(NumaProbe, MoreThanADeviceHasIsRefused) {
  for (size_t i = 0; i < aml_devices_count(devices_); ++i) {
    const aml_device *const device = aml_devices_at(devices_, i);
    if (device->total == 0)
      continue;
    options_.size = device->total;
    aml_probe_result result;
    EXPECT_EQ(-AML_ENOMEM, aml_probe(&cpu_, device->number, &options_, &result));
  }
}

} // namespace
