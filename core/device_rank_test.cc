// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/device_rank.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "aml/core/block.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/device_testing.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

aml_device_query By(aml_device_criterion criterion) {
  aml_device_query query = {};
  query.criterion = criterion;
  return query;
}

// "2:0 0:1 1:2= 3:2=": numbers, ranks, and whether they tie.
std::string Rank(const Devices &devices, const aml_device_query &query) {
  aml_device_ranked ranked[AML_NODESET_CAPACITY];
  size_t count = 0;
  EXPECT_EQ(0, aml_devices_rank(devices.get(), &query, ranked, AML_NODESET_CAPACITY, &count))
      << aml_error_detail();
  std::string text;
  for (size_t i = 0; i < count; ++i)
    text += (i == 0 ? "" : " ") + std::to_string(ranked[i].number) + ":" +
            std::to_string(ranked[i].rank) + (ranked[i].is_tied ? "=" : "") +
            (ranked[i].value == AML_UNKNOWN ? "?" : "");
  return text;
}

std::string Best(const Devices &devices, const aml_device_query &query) {
  aml_nodeset best = {};
  EXPECT_EQ(0, aml_devices_best(devices.get(), &query, &best)) << aml_error_detail();
  return Text(best);
}

TEST(DeviceRank, TheFastestFromACpuIsItsNeighbour) {
  const Devices devices = Read("hbm_flat");
  const aml_cpuset first = aml_cpuset_of(0);
  const aml_cpuset second = aml_cpuset_of(60);
  aml_device_query query = By(AML_DEVICE_BY_READ_BANDWIDTH);
  query.cpus = &first;
  EXPECT_EQ("2:0 0:1 1:2=? 3:2=?", Rank(devices, query));
  EXPECT_EQ("2", Best(devices, query));
  query.cpus = &second;
  EXPECT_EQ("3:0 1:1 0:2=? 2:2=?", Rank(devices, query));
  query.criterion = AML_DEVICE_BY_READ_LATENCY;
  EXPECT_EQ("1:0 3:1 0:2=? 2:2=?", Rank(devices, query));
  EXPECT_EQ("1", Best(devices, query));
}

TEST(DeviceRank, FromAllCpusTiesAreTold) {
  const Devices devices = Read("hbm_flat");
  EXPECT_EQ("2:0= 3:0= 0:2= 1:2=", Rank(devices, By(AML_DEVICE_BY_READ_BANDWIDTH)));
  EXPECT_EQ("2-3", Best(devices, By(AML_DEVICE_BY_WRITE_BANDWIDTH)));
  EXPECT_EQ("0-1", Best(devices, By(AML_DEVICE_BY_WRITE_LATENCY)));
}

TEST(DeviceRank, TheNearestIsByDistance) {
  const Devices devices = Read("cxl");
  const aml_cpuset first = aml_cpuset_of(3);
  aml_device_query query = By(AML_DEVICE_BY_DISTANCE);
  query.cpus = &first;
  EXPECT_EQ("0:0 2:1= 4:1= 3:3 1:4", Rank(devices, query));
  query.kinds = AML_DEVICE_EXPANSION;
  EXPECT_EQ("2:0 3:1", Rank(devices, query));
  // From both sockets the farther one counts.
  query.cpus = nullptr;
  EXPECT_EQ("2:0 3:1", Rank(devices, query));
  query.kinds = 0;
  EXPECT_EQ("0:0= 1:0= 2:2= 4:2= 3:4", Rank(devices, query));
}

TEST(DeviceRank, TheLargestMayBeTheFarthest) {
  const Devices devices = Read("cxl");
  EXPECT_EQ("3", Best(devices, By(AML_DEVICE_BY_SIZE)));
  EXPECT_EQ("3", Best(devices, By(AML_DEVICE_BY_USABLE)));
  aml_device_query query = By(AML_DEVICE_BY_SIZE);
  query.kinds = AML_DEVICE_DRAM;
  EXPECT_EQ("0-1", Best(devices, query));
}

TEST(DeviceRank, TheUsersOwnFiguresCount) {
  const Devices devices = Read("hbm_flat");
  aml_device_performance figures = {};
  figures.read_bandwidth_mib_s = 900000;
  figures.write_bandwidth_mib_s = AML_UNKNOWN;
  figures.read_latency_ns = AML_UNKNOWN;
  figures.write_latency_ns = AML_UNKNOWN;
  ASSERT_EQ(0, aml_devices_set_performance(devices.get(), 0, 1, &figures));
  const aml_cpuset first = aml_cpuset_of(0);
  aml_device_query query = By(AML_DEVICE_BY_READ_BANDWIDTH);
  query.cpus = &first;
  EXPECT_EQ("1:0 2:1 0:2 3:3?", Rank(devices, query));
}

TEST(DeviceRank, WhatIsTooSmallOrForbiddenIsLeftOut) {
  const Devices devices = Read("cxl");
  aml_device_query query = By(AML_DEVICE_BY_DISTANCE);
  query.min_usable = At(devices, 3).usable;
  EXPECT_EQ("3:0", Rank(devices, query));
  query.min_usable = UINT64_MAX - 1;
  EXPECT_EQ("", Rank(devices, query));
  aml_nodeset best = {};
  EXPECT_EQ(-AML_ENODEV, aml_devices_best(devices.get(), &query, &best));
  EXPECT_STREQ("aml_devices_best: query is answered by no device", aml_error_detail());
  SysfsTree tree = SysfsTree::Of("cxl");
  tree.Write("proc/self/status", "Cpus_allowed_list:\t0-31\nMems_allowed_list:\t0,2\n");
  const Devices confined = Read(tree);
  query = By(AML_DEVICE_BY_SIZE);
  EXPECT_EQ("0:0 2:1", Rank(confined, query));
  query.includes_forbidden = true;
  EXPECT_EQ("3", Best(confined, query));
}

TEST(DeviceRank, WithoutFiguresAllTieAsUnknown) {
  const Devices devices = Read("cxl");
  aml_nodeset best = aml_nodeset_of(9);
  const aml_device_query query = By(AML_DEVICE_BY_READ_BANDWIDTH);
  EXPECT_EQ("0:0=? 1:0=? 2:0=? 4:0=? 3:0=?", Rank(devices, query));
  EXPECT_EQ(-AML_ENOENT, aml_devices_best(devices.get(), &query, &best));
  EXPECT_STREQ("aml_devices_best: criterion is a figure that is known of no device",
               aml_error_detail());
  EXPECT_EQ("9", Text(best)) << "left as it was";
}

TEST(DeviceRank, ACapacityThatIsTooSmallGetsTheBest) {
  const Devices devices = Read("hbm_flat");
  const aml_device_query query = By(AML_DEVICE_BY_READ_BANDWIDTH);
  aml_device_ranked two[2] = {};
  size_t count = 0;
  ASSERT_EQ(0, aml_devices_rank(devices.get(), &query, two, 2, &count));
  EXPECT_EQ(4u, count);
  EXPECT_EQ(2, two[0].number);
  EXPECT_EQ(3, two[1].number);
  EXPECT_EQ(819200u, two[1].value);
  count = 0;
  EXPECT_EQ(0, aml_devices_rank(devices.get(), nullptr, nullptr, 0, &count));
  EXPECT_EQ(4u, count);
}

std::string NearestCpus(const Devices &devices, int number) {
  aml_cpuset cpus = {};
  EXPECT_EQ(0, aml_devices_nearest_cpus(devices.get(), number, &cpus)) << aml_error_detail();
  return Text(cpus);
}

TEST(DeviceRank, TheNearestCpusAreTheDevicesOwnOrThoseOfTheNearestThatHasSome) {
  const Devices cxl = Read("cxl");
  EXPECT_EQ("0-15", NearestCpus(cxl, 0));
  EXPECT_EQ("16-31", NearestCpus(cxl, 1));
  EXPECT_EQ("0-15", NearestCpus(cxl, 2));
  EXPECT_EQ("56-111", NearestCpus(Read("hbm_flat"), 3));
}

TEST(DeviceRank, TheNearestCpusAreOfAllThatTie) {
  SysfsTree tree = SysfsTree::Of("hbm_flat");
  tree.Write("sys/devices/system/node/node1/distance", "21 10 13 13\n");
  EXPECT_EQ("0-111", NearestCpus(Read(tree), 2));
}

TEST(DeviceRank, TheNearestCpusAreAmongThoseThatTheProcessMayRunOn) {
  SysfsTree tree = SysfsTree::Of("cxl");
  tree.Write("proc/self/status", "Cpus_allowed_list:\t14-17\nMems_allowed_list:\t0-4\n");
  EXPECT_EQ("14-15", NearestCpus(Read(tree), 2));
  tree.Write("proc/self/status", "Cpus_allowed_list:\t20-21\nMems_allowed_list:\t0-4\n");
  EXPECT_EQ("20-21", NearestCpus(Read(tree), 0)) << "farther, but there are no others";
}

TEST(DeviceRank, WithoutDistancesOnlyOwnCpusAreNear) {
  SysfsTree tree = SysfsTree::Of("cxl");
  tree.Remove("sys/devices/system/node/node0/distance");
  tree.Remove("sys/devices/system/node/node1/distance");
  const Devices devices = Read(tree);
  EXPECT_EQ("0-15", NearestCpus(devices, 0));
  aml_cpuset cpus = aml_cpuset_of(9);
  EXPECT_EQ(-AML_ENOENT, aml_devices_nearest_cpus(devices.get(), 2, &cpus));
  EXPECT_EQ(-AML_ENODEV, aml_devices_nearest_cpus(devices.get(), 5, &cpus));
  EXPECT_STREQ("aml_devices_nearest_cpus: number is no device's", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_devices_nearest_cpus(nullptr, 0, &cpus));
  EXPECT_EQ(-AML_EINVAL, aml_devices_nearest_cpus(devices.get(), 0, nullptr));
  EXPECT_EQ("9", Text(cpus)) << "left as it was";
}

TEST(DeviceRank, BadArgumentsAreRefused) {
  const Devices devices = Read("hbm_flat");
  aml_nodeset best = {};
  size_t count = 7;
  EXPECT_EQ(-AML_EINVAL, aml_devices_rank(nullptr, nullptr, nullptr, 0, &count));
  EXPECT_EQ(-AML_EINVAL, aml_devices_rank(devices.get(), nullptr, nullptr, 0, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_devices_rank(devices.get(), nullptr, nullptr, 1, &count));
  EXPECT_STREQ("aml_devices_rank: ranked is null", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_devices_best(devices.get(), nullptr, nullptr));
  aml_device_query query = By(static_cast<aml_device_criterion>(7));
  EXPECT_EQ(-AML_EINVAL, aml_devices_best(devices.get(), &query, &best));
  EXPECT_STREQ("aml_devices_best: criterion is none", aml_error_detail());
  query = By(AML_DEVICE_BY_SIZE);
  query.kinds = 1u << 20;
  EXPECT_EQ(-AML_EINVAL, aml_devices_best(devices.get(), &query, &best));
  const aml_cpuset none = aml_cpuset_of(5000);
  query.kinds = 0;
  query.cpus = &none;
  EXPECT_EQ(-AML_EINVAL, aml_devices_rank(devices.get(), &query, nullptr, 0, &count));
  EXPECT_STREQ("aml_devices_rank: cpus are near no device of this machine", aml_error_detail());
  EXPECT_EQ(7u, count);
}

} // namespace
