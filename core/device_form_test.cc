// SPDX-License-Identifier: BSD-3-Clause
//
// Which forms of files are believed, and what is made of several that tell of the same.

#include <gtest/gtest.h>

#include <string>

#include "aml/core/block.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/device_testing.h"
#include "aml/tests/sysfs/tree.h"

namespace {

constexpr char kFolder[] = "sys/devices/system/node/";

std::string Path(const std::string &name) {
  return kFolder + name;
}

TEST(CoreDeviceForm, ANumberIsAloneInItsFile) {
  SysfsTree tree = SysfsTree::Of("two_sockets");
  const std::string pool = Path("node0/hugepages/hugepages-2048kB/nr_hugepages");
  for (const std::string text : {"4\n5\n", "4 5\n", "4\n\n", " 4\n", "+4\n", "-4\n", "0x4\n",
                                 "4.\n", "18446744073709551616\n"}) {
    ASSERT_TRUE(tree.Write(pool, text));
    EXPECT_EQ(AML_UNKNOWN, At(Read(tree), 0).pools[0].total) << text;
  }
  ASSERT_TRUE(tree.Write(pool, "18446744073709551614\n"));
  EXPECT_EQ(AML_UNKNOWN - 1, At(Read(tree), 0).pools[0].total);
}

TEST(CoreDeviceForm, LinesMayHaveAnyOrder) {
  SysfsTree tree = SysfsTree::Of("two_sockets");
  ASSERT_TRUE(tree.Write("proc/self/status", "Mems_allowed_list:\t1\nCpus_allowed_list:\t3\n"));
  ASSERT_TRUE(tree.Write(Path("node0/meminfo"), "Node 0 MemFree: 5 kB\nNode 0 MemTotal: 7 kB\n"));
  const Devices devices = Read(tree);
  EXPECT_EQ("3", Text(*aml_devices_cpus(devices.get())));
  EXPECT_EQ(AML_ANSWER_NO, At(devices, 0).is_allowed);
  EXPECT_EQ(AML_ANSWER_YES, At(devices, 1).is_allowed);
  EXPECT_EQ(7 * kKib, At(devices, 0).total);
  EXPECT_EQ(5 * kKib, At(devices, 0).free);
}

TEST(CoreDeviceForm, SizesHaveTheirUnit) {
  SysfsTree tree = SysfsTree::Of("two_sockets");
  for (const std::string text :
       {"Node 0 MemTotal: 7 MB\n", "Node 0 MemTotal: 7\n", "Node 0 MemTotal: 7 kB 8\n",
        "Node 0 MemTotal:\n", "Node 0 NoMemTotal: 7 kB\n", "Node 0 XMemTotal: 7 kB\n",
        "Node 0 MemTotal: 18014398509481985 kB\n"}) {
    ASSERT_TRUE(tree.Write(Path("node0/meminfo"), text));
    EXPECT_EQ(AML_UNKNOWN, At(Read(tree), 0).total) << text;
  }
}

TEST(CoreDeviceForm, MovableIsKnownIfBothListsAre) {
  for (const std::string list : {"has_memory", "has_normal_memory"}) {
    SysfsTree tree = SysfsTree::Of("hbm_flat");
    tree.Remove(Path(list));
    EXPECT_EQ(AML_ANSWER_UNKNOWN, At(Read(tree), 0).is_movable);
    EXPECT_EQ(AML_ANSWER_UNKNOWN, At(Read(tree), 3).is_movable);
  }
}

TEST(CoreDeviceForm, MemoryWithoutBlocksMayBePluggedAllTheSame) {
  SysfsTree tree = SysfsTree::Of("one_node");
  for (int block = 0; block < 128; ++block)
    tree.Remove(Path("node0/memory" + std::to_string(block)));
  EXPECT_EQ(AML_UNKNOWN, At(Read(tree), 0).plugged);
}

TEST(CoreDeviceForm, ARowOfDistancesHasAColumnForEachNodeOnline) {
  SysfsTree tree = SysfsTree::Of("two_sockets");
  for (const std::string row : {"10\n", "10 21 31\n", "10 21 x\n", "10 0\n", "10 -1\n", "10 x\n",
                                "10 4294967306\n", "10 21\n10 21\n", "10,21\n"}) {
    ASSERT_TRUE(tree.Write(Path("node0/distance"), row));
    const Devices devices = Read(tree);
    EXPECT_EQ(-1, aml_devices_distance(devices.get(), 0, 0)) << row;
    EXPECT_EQ(-1, aml_devices_distance(devices.get(), 0, 1)) << row;
    EXPECT_EQ(21, aml_devices_distance(devices.get(), 1, 0)) << row;
  }
}

TEST(CoreDeviceForm, WithoutTheListOfNodesOnlineAsManyColumnsAsFoldersAreBelieved) {
  SysfsTree tree = SysfsTree::Of("two_sockets");
  tree.Remove(Path("online"));
  EXPECT_EQ(21, aml_devices_distance(Read(tree).get(), 0, 1));
  EXPECT_EQ(AML_ANSWER_UNKNOWN, At(Read(tree), 0).is_online);
  SysfsTree holes = SysfsTree::Of("holes");
  holes.Remove(Path("online"));
  EXPECT_EQ(-1, aml_devices_distance(Read(holes).get(), 0, 2));
}

TEST(CoreDeviceForm, WithoutTheListOfNodesWithCpusTheirOwnListsTell) {
  SysfsTree tree = SysfsTree::Of("hbm_flat");
  tree.Remove(Path("has_cpu"));
  EXPECT_EQ(AML_ANSWER_YES, At(Read(tree), 0).has_cpus);
  EXPECT_EQ(AML_ANSWER_NO, At(Read(tree), 2).has_cpus);
  EXPECT_EQ(AML_DEVICE_HBM, At(Read(tree), 2).kind);
  tree.Remove(Path("node2/cpulist"));
  EXPECT_EQ(AML_ANSWER_UNKNOWN, At(Read(tree), 2).has_cpus);
  EXPECT_EQ(AML_DEVICE_UNKNOWN, At(Read(tree), 2).kind);
}

TEST(CoreDeviceForm, EachClassOfFiguresIsForItsInitiators) {
  const Devices devices = Read(
      SysfsTree::FromText("sys/devices/system/node/node{0-2}/cpulist: {}\n"
                          "sys/devices/system/node/node1/access0/initiators/node2\n"
                          "sys/devices/system/node/node1/access0/initiators/read_latency: 5\n"
                          "sys/devices/system/node/node1/access1/initiators/node0\n"
                          "sys/devices/system/node/node1/access1/initiators/read_latency: 7\n"));
  EXPECT_EQ(7u, aml_devices_performance(devices.get(), 0, 1).read_latency_ns);
  EXPECT_EQ(AML_UNKNOWN, aml_devices_performance(devices.get(), 1, 1).read_latency_ns);
  EXPECT_EQ(5u, aml_devices_performance(devices.get(), 2, 1).read_latency_ns);
}

} // namespace
