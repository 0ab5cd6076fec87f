// SPDX-License-Identifier: BSD-3-Clause
//
// What users say of devices, and what is refused.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aml/core/block.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/device_testing.h"
#include "aml/core/error.h"
#include "aml/tests/sysfs/tree.h"

namespace {

constexpr aml_device_performance kNothing = {AML_UNKNOWN, AML_UNKNOWN, AML_UNKNOWN, AML_UNKNOWN};

// Reads, which must fail and leave the result untouched.
int ReadError(const aml_devices_options &options) {
  aml_devices *devices = nullptr;
  const int err = aml_devices_read(&devices, &options);
  EXPECT_EQ(nullptr, devices);
  aml_devices_destroy(&devices);
  return err;
}

int ReadError(const SysfsTree &tree) {
  return ReadError(tree.options());
}

std::string Sysfs(const SysfsTree &tree) {
  return tree.options().sysfs;
}

TEST(CoreDeviceSet, AKindIsTheUsers) {
  const Devices devices = Read("cxl");
  ASSERT_EQ(0, aml_devices_set_kind(devices.get(), 4, AML_DEVICE_HBM));
  EXPECT_EQ(AML_DEVICE_HBM, At(devices, 4).kind);
  EXPECT_EQ(AML_DEVICE_EVIDENCE_USER, At(devices, 4).evidence);
  EXPECT_EQ(AML_DEVICE_EVIDENCE_DAX, At(devices, 3).evidence);
  ASSERT_EQ(0, aml_devices_set_kind(devices.get(), 4, AML_DEVICE_UNKNOWN));
  EXPECT_EQ(AML_DEVICE_UNKNOWN, At(devices, 4).kind);
}

TEST(CoreDeviceSet, AKindIsRefusedIfItIsNotOne) {
  const Devices devices = Read("cxl");
  for (const int kind : {0, 3, 16, -1}) {
    EXPECT_EQ(-AML_EINVAL,
              aml_devices_set_kind(devices.get(), 4, static_cast<aml_device_kind>(kind)));
    EXPECT_STREQ("aml_devices_set_kind: kind is not one kind", aml_error_detail());
  }
  EXPECT_EQ(-AML_EINVAL, aml_devices_set_kind(nullptr, 4, AML_DEVICE_HBM));
  EXPECT_STREQ("aml_devices_set_kind: devices is null", aml_error_detail());
  EXPECT_EQ(-AML_ENOENT, aml_devices_set_kind(devices.get(), 5, AML_DEVICE_HBM));
  EXPECT_STREQ("aml_devices_set_kind: number 5 is no device", aml_error_detail());
  EXPECT_EQ(AML_DEVICE_UNKNOWN, At(devices, 4).kind);
}

TEST(CoreDeviceSet, OwnFiguresStandAboveFirmwares) {
  const Devices devices = Read("two_sockets");
  aml_device_performance own = kNothing;
  own.read_bandwidth_mib_s = 7;
  own.write_latency_ns = 8;
  ASSERT_EQ(0, aml_devices_set_performance(devices.get(), 0, 0, &own));
  EXPECT_EQ((std::vector<uint64_t>{7, 98304, 90, 8}),
            Figures(aml_devices_performance(devices.get(), 0, 0)));
  EXPECT_EQ(131072u, At(devices, 0).access0.performance.read_bandwidth_mib_s);
  // What is unknown leaves what was said before.
  own.read_bandwidth_mib_s = AML_UNKNOWN;
  own.write_latency_ns = 9;
  ASSERT_EQ(0, aml_devices_set_performance(devices.get(), 0, 0, &own));
  EXPECT_EQ((std::vector<uint64_t>{7, 98304, 90, 9}),
            Figures(aml_devices_performance(devices.get(), 0, 0)));
}

TEST(CoreDeviceSet, OwnFiguresAreOfAPairInOneDirection) {
  const Devices devices = Read("snc4");
  for (int from = 0; from < 8; ++from)
    for (int to = 0; to < 8; ++to) {
      aml_device_performance own = kNothing;
      own.read_latency_ns = static_cast<uint64_t>(1000 + 10 * from + to);
      ASSERT_EQ(0, aml_devices_set_performance(devices.get(), from, to, &own));
    }
  for (int from = 0; from < 8; ++from)
    for (int to = 0; to < 8; ++to)
      EXPECT_EQ(static_cast<uint64_t>(1000 + 10 * from + to),
                aml_devices_performance(devices.get(), from, to).read_latency_ns);
}

TEST(CoreDeviceSet, FiguresAreRefusedForWhatIsNotThere) {
  const Devices devices = Read("two_sockets");
  aml_device_performance own = kNothing;
  own.read_latency_ns = 1;
  EXPECT_EQ(-AML_EINVAL, aml_devices_set_performance(nullptr, 0, 0, &own));
  EXPECT_STREQ("aml_devices_set_performance: devices is null", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_devices_set_performance(devices.get(), 0, 0, nullptr));
  EXPECT_STREQ("aml_devices_set_performance: performance is null", aml_error_detail());
  EXPECT_EQ(-AML_ENOENT, aml_devices_set_performance(devices.get(), 2, 0, &own));
  EXPECT_STREQ("aml_devices_set_performance: initiator 2 is no device", aml_error_detail());
  EXPECT_EQ(-AML_ENOENT, aml_devices_set_performance(devices.get(), 0, -1, &own));
  EXPECT_STREQ("aml_devices_set_performance: target -1 is no device", aml_error_detail());
}

TEST(CoreDeviceSet, FiguresOfZeroAreRefused) {
  const Devices devices = Read("two_sockets");
  for (uint64_t aml_device_performance::*const figure :
       {&aml_device_performance::read_bandwidth_mib_s,
        &aml_device_performance::write_bandwidth_mib_s, &aml_device_performance::read_latency_ns,
        &aml_device_performance::write_latency_ns}) {
    aml_device_performance own = {1, 1, 1, 1};
    own.*figure = 0;
    EXPECT_EQ(-AML_EINVAL, aml_devices_set_performance(devices.get(), 0, 0, &own));
    EXPECT_STREQ("aml_devices_set_performance: performance has a figure of 0", aml_error_detail());
  }
  EXPECT_EQ(90u, aml_devices_performance(devices.get(), 0, 0).read_latency_ns);
}

TEST(CoreDeviceSet, NoSnapshotHasNoDevices) {
  EXPECT_EQ(0u, aml_devices_count(nullptr));
  EXPECT_EQ(nullptr, aml_devices_at(nullptr, 0));
  EXPECT_EQ(nullptr, aml_devices_find(nullptr, 0));
  EXPECT_EQ(-1, aml_devices_distance(nullptr, 0, 0));
  EXPECT_EQ("", Text(*aml_devices_cpus(nullptr)));
  EXPECT_EQ(AML_UNKNOWN, aml_devices_headroom(nullptr));
  EXPECT_EQ(kNoFigures, Figures(aml_devices_performance(nullptr, 0, 0)));
}

TEST(CoreDeviceSet, AMachineIsRefusedIfItsNodesCannotBeListed) {
  EXPECT_EQ(-AML_EINVAL, aml_devices_read(nullptr, nullptr));
  EXPECT_STREQ("aml_devices_read: devices is null", aml_error_detail());
  const SysfsTree none = SysfsTree::FromText("sys/devices/system/node/online: 0\n");
  EXPECT_EQ(-AML_ENODEV, ReadError(none));
  EXPECT_EQ("aml_devices_read: " + Sysfs(none) + " lists no NUMA node",
            std::string(aml_error_detail()));
  const SysfsTree file = SysfsTree::FromText("sys/devices/system/node: 0\n");
  EXPECT_EQ(-AML_ENOENT, ReadError(file));
  EXPECT_EQ("aml_devices_read: opendir " + Sysfs(file) + "/devices/system/node: Not a directory",
            std::string(aml_error_detail()));
  const SysfsTree empty = SysfsTree::FromText("proc\n");
  EXPECT_EQ(-AML_ENOENT, ReadError(empty));
  EXPECT_EQ("aml_devices_read: " + Sysfs(empty) + " lists no NUMA nodes, and there is no meminfo",
            std::string(aml_error_detail()));
}

TEST(CoreDeviceSet, PathsThatAreTooLongAreRefused) {
  const SysfsTree tree = SysfsTree::Of("one_node");
  const std::string path(4096, '/');
  for (const char *aml_devices_options::*const folder :
       {&aml_devices_options::sysfs, &aml_devices_options::procfs, &aml_devices_options::cgroups}) {
    aml_devices_options options = tree.options();
    options.*folder = path.c_str();
    EXPECT_EQ(-AML_EINVAL, ReadError(options));
    EXPECT_STREQ("aml_devices_read: options has a path that is too long", aml_error_detail());
  }
}

TEST(CoreDeviceSet, AControlGroupsPathMayBeTooLongToBeRead) {
  SysfsTree tree = SysfsTree::Of("one_node");
  for (const size_t length : {4000, 5000, 60000}) {
    ASSERT_TRUE(tree.Write("proc/self/cgroup", "0::/" + std::string(length, 'x') + "\n"));
    EXPECT_EQ(AML_UNKNOWN, aml_devices_headroom(Read(tree).get()));
  }
}

} // namespace
