// SPDX-License-Identifier: BSD-3-Clause
//
// What is read of machines on paper, and of this one.

#include "aml/core/device.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "aml/core/block.h"
#include "aml/core/cpuset.h"
#include "aml/core/device_facts.h"
#include "aml/core/device_testing.h"
#include "aml/core/error.h"

namespace {

TEST(CoreDevice, ALaptopHasOne) {
  const Devices devices = Read("one_node");
  ASSERT_EQ(1u, aml_devices_count(devices.get()));
  const aml_device device = At(devices, 0);
  EXPECT_EQ(AML_ANSWER_YES, device.is_online);
  EXPECT_EQ(AML_ANSWER_YES, device.is_allowed);
  EXPECT_EQ(AML_ANSWER_NO, device.is_movable);
  EXPECT_EQ(AML_ANSWER_YES, device.has_cpus);
  EXPECT_EQ(16265424 * kKib, device.total);
  EXPECT_EQ(16 * kGib, device.plugged);
  EXPECT_EQ(9120340 * kKib, device.free);
  EXPECT_EQ(device.free, device.usable);
  EXPECT_EQ(4, device.tier);
  EXPECT_EQ("0-7", Text(device.near_cpus));
  EXPECT_EQ("0-7", Text(*aml_devices_cpus(devices.get())));
  EXPECT_EQ(AML_UNKNOWN, aml_devices_headroom(devices.get()));
  EXPECT_EQ(10, aml_devices_distance(devices.get(), 0, 0));
}

TEST(CoreDevice, WhatFirmwareDoesNotTellIsUnknown) {
  const Devices devices = Read("one_node");
  const aml_device device = At(devices, 0);
  EXPECT_EQ(kNoFigures, Figures(device.access0.performance));
  EXPECT_EQ(kNoFigures, Figures(device.access1.performance));
  EXPECT_EQ("", Text(device.access0.initiators));
  EXPECT_EQ(kNoFigures, Figures(aml_devices_performance(devices.get(), 0, 0)));
  EXPECT_EQ(0u, device.cache_count);
}

TEST(CoreDevice, AFigureOfZeroIsUnknown) {
  const Devices devices = Read("two_sockets");
  const std::vector<uint64_t> figures = {131072, 98304, 90, AML_UNKNOWN};
  for (const int number : {0, 1}) {
    const aml_device device = At(devices, number);
    EXPECT_EQ(figures, Figures(device.access0.performance));
    EXPECT_EQ(figures, Figures(device.access1.performance));
    EXPECT_EQ(std::to_string(number), Text(device.access1.initiators));
    EXPECT_EQ(figures, Figures(aml_devices_performance(devices.get(), number, number)));
    EXPECT_EQ(kNoFigures, Figures(aml_devices_performance(devices.get(), 1 - number, number)));
  }
}

TEST(CoreDevice, PoolsAreByPageSize) {
  const Devices devices = Read("two_sockets");
  const aml_device device = At(devices, 0);
  ASSERT_EQ(2u, device.pool_count);
  EXPECT_EQ(2048 * kKib, device.pools[0].page_size);
  EXPECT_EQ(4u, device.pools[0].total);
  EXPECT_EQ(3u, device.pools[0].free);
  EXPECT_EQ(1u, device.pools[0].surplus);
  EXPECT_EQ(kGib, device.pools[1].page_size);
  EXPECT_EQ(2u, device.pools[1].total);
  EXPECT_EQ(1u, device.pools[1].free);
  ASSERT_EQ(1u, At(devices, 1).pool_count);
  EXPECT_EQ(8u, At(devices, 1).pools[0].total);
  EXPECT_EQ(0u, At(devices, 1).pools[0].free);
}

TEST(CoreDevice, DistancesHaveADirection) {
  const Devices devices = Read("hbm_flat");
  EXPECT_EQ(13, aml_devices_distance(devices.get(), 0, 2));
  EXPECT_EQ(23, aml_devices_distance(devices.get(), 0, 3));
  EXPECT_EQ(23, aml_devices_distance(devices.get(), 3, 2));
  EXPECT_EQ(-1, aml_devices_distance(devices.get(), 0, 4));
  EXPECT_EQ(-1, aml_devices_distance(devices.get(), -1, 0));
}

TEST(CoreDevice, MemoryMayHaveNoCpus) {
  const Devices devices = Read("hbm_flat");
  const aml_device device = At(devices, 3);
  EXPECT_EQ(AML_ANSWER_NO, device.has_cpus);
  EXPECT_EQ(AML_ANSWER_YES, device.is_movable);
  EXPECT_EQ("", Text(device.near_cpus));
  EXPECT_EQ("1", Text(device.access0.initiators));
  EXPECT_EQ(819200u, aml_devices_performance(devices.get(), 1, 3).read_bandwidth_mib_s);
  EXPECT_EQ(64 * kGib, device.plugged);
}

TEST(CoreDevice, AMemorySideCacheIsTold) {
  const Devices devices = Read("snc4");
  ASSERT_EQ(8u, aml_devices_count(devices.get()));
  for (int number = 0; number < 8; ++number) {
    const aml_device device = At(devices, number);
    ASSERT_EQ(1u, device.cache_count);
    EXPECT_EQ(1, device.caches[0].level);
    EXPECT_EQ(16 * kGib, device.caches[0].size);
    EXPECT_EQ(64u, device.caches[0].line_size);
    EXPECT_EQ(AML_DEVICE_CACHE_DIRECT_MAPPED, device.caches[0].indexing);
    EXPECT_EQ(AML_DEVICE_CACHE_WRITE_BACK, device.caches[0].writes);
    EXPECT_EQ(AML_UNKNOWN, device.plugged);
    EXPECT_EQ(number / 4 == 0 ? 12 : 21,
              aml_devices_distance(devices.get(), number, 3 - number % 4));
  }
  EXPECT_EQ("8-15", Text(*aml_devices_cpus(devices.get())));
}

TEST(CoreDevice, CachesAreByLevelWithTheKernelsNumbersForTheirWays) {
  const Devices devices = Read(SysfsTree::FromText(
      "sys/devices/system/node/node0/memory_side_cache/index{1-4}/size: {}\n"
      "sys/devices/system/node/node0/memory_side_cache/index1/indexing: 1\n"
      "sys/devices/system/node/node0/memory_side_cache/index1/write_policy: 1\n"
      "sys/devices/system/node/node0/memory_side_cache/index2/indexing: 2\n"
      "sys/devices/system/node/node0/memory_side_cache/index2/write_policy: 2\n"
      "sys/devices/system/node/node0/memory_side_cache/index3/indexing: 3\n"
      "sys/devices/system/node/node0/memory_side_cache/index3/write_policy: 3\n"));
  const aml_device device = At(devices, 0);
  ASSERT_EQ(4u, device.cache_count);
  EXPECT_EQ(AML_DEVICE_CACHE_INDEXED, device.caches[0].indexing);
  EXPECT_EQ(AML_DEVICE_CACHE_WRITE_THROUGH, device.caches[0].writes);
  EXPECT_EQ(AML_DEVICE_CACHE_INDEXING_OTHER, device.caches[1].indexing);
  EXPECT_EQ(AML_DEVICE_CACHE_WRITES_OTHER, device.caches[1].writes);
  for (const int place : {2, 3}) {
    EXPECT_EQ(AML_DEVICE_CACHE_INDEXING_UNKNOWN, device.caches[place].indexing);
    EXPECT_EQ(AML_DEVICE_CACHE_WRITES_UNKNOWN, device.caches[place].writes);
    EXPECT_EQ(AML_UNKNOWN, device.caches[place].line_size);
  }
}

TEST(CoreDevice, NumbersMayHaveHoles) {
  const Devices devices = Read("holes");
  ASSERT_EQ(4u, aml_devices_count(devices.get()));
  std::vector<int> numbers;
  for (size_t i = 0; i < 4; ++i)
    numbers.push_back(aml_devices_at(devices.get(), i)->number);
  EXPECT_EQ((std::vector<int>{0, 2, 5, 9}), numbers);
  EXPECT_EQ(nullptr, aml_devices_at(devices.get(), 4));
  EXPECT_EQ(nullptr, aml_devices_find(devices.get(), 1));
  EXPECT_EQ(nullptr, aml_devices_find(devices.get(), 10));
  EXPECT_EQ(nullptr, aml_devices_find(devices.get(), -1));
}

TEST(CoreDevice, DistancesAreOfNodesThatAreOnline) {
  const Devices devices = Read("holes");
  EXPECT_EQ(20, aml_devices_distance(devices.get(), 0, 2));
  EXPECT_EQ(30, aml_devices_distance(devices.get(), 0, 9));
  EXPECT_EQ(40, aml_devices_distance(devices.get(), 2, 9));
  EXPECT_EQ(10, aml_devices_distance(devices.get(), 9, 9));
  EXPECT_EQ(-1, aml_devices_distance(devices.get(), 0, 5));
  EXPECT_EQ(-1, aml_devices_distance(devices.get(), 5, 0));
}

TEST(CoreDevice, AnOfflineNodeHasMemoryThatIsNotUsed) {
  const Devices devices = Read("holes");
  const aml_device device = At(devices, 5);
  EXPECT_EQ(AML_ANSWER_NO, device.is_online);
  EXPECT_EQ(AML_UNKNOWN, device.total);
  EXPECT_EQ(AML_UNKNOWN, device.free);
  EXPECT_EQ(kGib, device.plugged);
}

TEST(CoreDevice, OfANodeThatIsNotAllowedNothingIsUsable) {
  const Devices devices = Read("holes");
  const aml_device device = At(devices, 9);
  EXPECT_EQ(AML_ANSWER_NO, device.is_allowed);
  EXPECT_EQ(AML_ANSWER_YES, device.is_movable);
  EXPECT_EQ(4 * kGib, device.free);
  EXPECT_EQ(0u, device.usable);
  EXPECT_EQ(5 * kGib, device.plugged);
}

TEST(CoreDevice, ANodeWithoutMemoryHasNone) {
  const Devices devices = Read("holes");
  const aml_device device = At(devices, 2);
  EXPECT_EQ(0u, device.total);
  EXPECT_EQ(0u, device.plugged);
  EXPECT_EQ("4-7", Text(device.near_cpus));
  EXPECT_EQ(AML_DEVICE_UNKNOWN, device.kind);
}

TEST(CoreDevice, ThereMayBeMoreThanAWordHasBits) {
  const Devices devices = Read("many_nodes");
  ASSERT_EQ(72u, aml_devices_count(devices.get()));
  for (int number = 0; number < 72; ++number) {
    const aml_device device = At(devices, number);
    EXPECT_EQ(number, device.number);
    EXPECT_EQ(std::to_string(number), Text(device.near_cpus));
    EXPECT_EQ(static_cast<uint64_t>(number) * 1000 * kKib, device.usable);
    EXPECT_EQ(number == 0 ? 10 : 20 + number, aml_devices_distance(devices.get(), 0, number));
    EXPECT_EQ(number == 71 ? 10 : 20 + 71 - number,
              aml_devices_distance(devices.get(), 71, number));
    EXPECT_EQ(-1, aml_devices_distance(devices.get(), 35, number));
  }
}

TEST(CoreDevice, AKernelWithoutNumaHasOne) {
  const Devices devices = Read("no_numa");
  ASSERT_EQ(1u, aml_devices_count(devices.get()));
  const aml_device device = At(devices, 0);
  EXPECT_EQ(3882196 * kKib, device.total);
  EXPECT_EQ(2101884 * kKib, device.usable);
  EXPECT_EQ("0-3", Text(device.near_cpus));
  EXPECT_EQ(AML_ANSWER_YES, device.is_online);
  EXPECT_EQ(AML_DEVICE_DRAM, device.kind);
  ASSERT_EQ(1u, device.pool_count);
  EXPECT_EQ(12u, device.pools[0].free);
}

TEST(CoreDevice, ThisMachineHasSomeThatMayBeUsed) {
  aml_devices *devices = nullptr;
  ASSERT_EQ(0, aml_devices_read(&devices, nullptr)) << aml_error_detail();
  ASSERT_GE(aml_devices_count(devices), 1u);
  EXPECT_FALSE(aml_cpuset_is_empty(aml_devices_cpus(devices)));
  size_t usable = 0;
  for (size_t i = 0; i < aml_devices_count(devices); ++i)
    usable += aml_devices_at(devices, i)->is_allowed != AML_ANSWER_NO;
  EXPECT_GE(usable, 1u);
  aml_devices_destroy(&devices);
  EXPECT_EQ(nullptr, devices);
  aml_devices_destroy(&devices);
  aml_devices_destroy(nullptr);
}

} // namespace
