// SPDX-License-Identifier: BSD-3-Clause
//
// What kind of memory a device is said to be, and by which evidence.

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/device_testing.h"
#include "aml/tests/sysfs/tree.h"

namespace {

using Kind = std::pair<aml_device_kind, aml_device_evidence>;

constexpr Kind kUnknown = {AML_DEVICE_UNKNOWN, AML_DEVICE_EVIDENCE_NONE};
constexpr char kNode[] = "sys/devices/system/node/node";
constexpr char kTiers[] = "sys/devices/virtual/memory_tiering/memory_tier";

Kind KindOf(const Devices &devices, int number) {
  const aml_device device = At(devices, number);
  return {device.kind, device.evidence};
}

// One node with CPUs, of 100000 MiB/s and 100 ns, and one without, of which these are told.
SysfsTree Pair(const std::string &bandwidth, const std::string &latency) {
  const std::string text =
      "sys/devices/system/node/has_cpu: 0\n"
      "sys/devices/system/node/node{0-1}/meminfo: Node {} MemTotal: 1024 kB\n"
      "sys/devices/system/node/node0/access1/initiators/read_bandwidth: 100000\n"
      "sys/devices/system/node/node0/access1/initiators/read_latency: 100\n";
  SysfsTree tree = SysfsTree::FromText(text);
  EXPECT_TRUE(
      tree.Write(kNode + std::string("1/access1/initiators/read_bandwidth"), bandwidth + "\n"));
  EXPECT_TRUE(tree.Write(kNode + std::string("1/access1/initiators/read_latency"), latency + "\n"));
  return tree;
}

TEST(CoreDeviceKind, MemoryOfCpusIsDram) {
  const Kind dram = {AML_DEVICE_DRAM, AML_DEVICE_EVIDENCE_CPUS};
  EXPECT_EQ(dram, KindOf(Read("one_node"), 0));
  EXPECT_EQ(dram, KindOf(Read("two_sockets"), 1));
  EXPECT_EQ(dram, KindOf(Read("hbm_flat"), 0));
  EXPECT_EQ(dram, KindOf(Read("snc4"), 7));
}

TEST(CoreDeviceKind, HbmIsToldByBandwidthAlsoWhenFirmwareHasSetItApart) {
  const Devices devices = Read("hbm_flat");
  for (const int number : {2, 3})
    EXPECT_EQ(Kind(AML_DEVICE_HBM, AML_DEVICE_EVIDENCE_BANDWIDTH), KindOf(devices, number));
}

TEST(CoreDeviceKind, ARecordedMachineHasAllThree) {
  const Devices devices = Read("recorded");
  EXPECT_EQ(Kind(AML_DEVICE_DRAM, AML_DEVICE_EVIDENCE_CPUS), KindOf(devices, 0));
  EXPECT_EQ(Kind(AML_DEVICE_DRAM, AML_DEVICE_EVIDENCE_CPUS), KindOf(devices, 1));
  EXPECT_EQ(Kind(AML_DEVICE_HBM, AML_DEVICE_EVIDENCE_BANDWIDTH), KindOf(devices, 2));
  EXPECT_EQ(Kind(AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_BANDWIDTH), KindOf(devices, 3));
}

TEST(CoreDeviceKind, ARegionOfTheCxlBusIsExpansion) {
  SysfsTree tree = SysfsTree::Of("cxl");
  EXPECT_EQ(Kind(AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_CXL), KindOf(Read(tree), 2));
  // Its first block is offline and gone; one behind it is the node's.
  tree.Remove(kNode + std::string("2/memory66"));
  EXPECT_EQ(Kind(AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_CXL), KindOf(Read(tree), 2));
  // A region that lies elsewhere says nothing; the tier does.
  EXPECT_TRUE(tree.Write("sys/bus/cxl/devices/region0/resource", "0x9000000000\n"));
  EXPECT_EQ(Kind(AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_TIER), KindOf(Read(tree), 2));
}

TEST(CoreDeviceKind, ARegionThatTouchesCpusMemoryDoesNotMakeItExpansion) {
  SysfsTree tree = SysfsTree::Of("cxl");
  EXPECT_TRUE(tree.Write("sys/bus/cxl/devices/region0/resource", "0x0\n"));
  EXPECT_EQ(Kind(AML_DEVICE_DRAM, AML_DEVICE_EVIDENCE_CPUS), KindOf(Read(tree), 0));
}

TEST(CoreDeviceKind, ADaxDeviceOfAnNvdimmIsExpansion) {
  SysfsTree tree = SysfsTree::Of("cxl");
  EXPECT_EQ(Kind(AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_DAX), KindOf(Read(tree), 3));
  // One that is not made memory is not the node's.
  EXPECT_TRUE(tree.MakeLink("sys/devices/platform/ACPI0012:00/ndbus0/region0/dax0.0/driver",
                            "../../../../../../bus/dax/drivers/device_dax"));
  EXPECT_EQ(Kind(AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_TIER), KindOf(Read(tree), 3));
  tree.Remove("sys/devices/platform/ACPI0012:00/ndbus0/region0/dax0.0/driver");
  EXPECT_EQ(Kind(AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_TIER), KindOf(Read(tree), 3));
}

TEST(CoreDeviceKind, MemoryThatFirmwareHasSetApartIsUnknownWithoutFigures) {
  SysfsTree tree = SysfsTree::Of("cxl");
  EXPECT_EQ(kUnknown, KindOf(Read(tree), 4));
  EXPECT_TRUE(tree.MakeLink("sys/bus/dax/devices/dax2.0",
                            "../../../devices/platform/ACPI0017:00/root0/region1/dax2.0"));
  EXPECT_TRUE(
      tree.Write("sys/devices/platform/ACPI0017:00/root0/region1/dax2.0/target_node", "4\n"));
  EXPECT_TRUE(tree.MakeLink("sys/devices/platform/ACPI0017:00/root0/region1/dax2.0/driver",
                            "../../../../../../bus/dax/drivers/kmem"));
  EXPECT_EQ(Kind(AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_DAX), KindOf(Read(tree), 4));
}

TEST(CoreDeviceKind, FiguresAreComparedWithThoseOfCpusMemory) {
  const Kind hbm = {AML_DEVICE_HBM, AML_DEVICE_EVIDENCE_BANDWIDTH};
  const Kind slow = {AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_BANDWIDTH};
  const Kind far = {AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_LATENCY};
  const Kind dram = {AML_DEVICE_DRAM, AML_DEVICE_EVIDENCE_BANDWIDTH};
  EXPECT_EQ(hbm, KindOf(Read(Pair("150000", "149")), 1));
  EXPECT_EQ(dram, KindOf(Read(Pair("149999", "149")), 1));
  EXPECT_EQ(dram, KindOf(Read(Pair("50001", "149")), 1));
  EXPECT_EQ(slow, KindOf(Read(Pair("50000", "149")), 1));
  EXPECT_EQ(far, KindOf(Read(Pair("50001", "150")), 1));
  EXPECT_EQ(hbm, KindOf(Read(Pair("150000", "300")), 1));
}

TEST(CoreDeviceKind, OneFigureIsEnough) {
  EXPECT_EQ(Kind(AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_LATENCY),
            KindOf(Read(Pair("0", "150")), 1));
  EXPECT_EQ(Kind(AML_DEVICE_DRAM, AML_DEVICE_EVIDENCE_LATENCY), KindOf(Read(Pair("0", "149")), 1));
  EXPECT_EQ(Kind(AML_DEVICE_HBM, AML_DEVICE_EVIDENCE_BANDWIDTH),
            KindOf(Read(Pair("150000", "0")), 1));
  EXPECT_EQ(kUnknown, KindOf(Read(Pair("0", "0")), 1));
}

TEST(CoreDeviceKind, FiguresMayBeThoseOfTheFirstClassOnly) {
  const Devices devices = Read(SysfsTree::FromText(
      "sys/devices/system/node/has_cpu: 0\n"
      "sys/devices/system/node/node{0-1}/meminfo: Node {} MemTotal: 1024 kB\n"
      "sys/devices/system/node/node{0-1}/access0/initiators/read_bandwidth: 1{}000\n"
      "sys/devices/system/node/node{0-1}/access0/initiators/read_latency: {}1\n"));
  EXPECT_EQ(Kind(AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_LATENCY), KindOf(devices, 1));
}

TEST(CoreDeviceKind, TheBestOfCpusMemoryIsWhatOthersAreComparedWith) {
  for (const std::string other : {"0", "2"}) {
    SysfsTree tree = Pair("100000", "0");
    const std::string best = other == "0" ? "2" : "0";
    EXPECT_TRUE(tree.Write("sys/devices/system/node/has_cpu", "0,2\n"));
    EXPECT_TRUE(tree.Write(kNode + other + "/access1/initiators/read_bandwidth", "50000\n"));
    EXPECT_TRUE(tree.Write(kNode + best + "/access1/initiators/read_bandwidth", "100000\n"));
    EXPECT_EQ(Kind(AML_DEVICE_DRAM, AML_DEVICE_EVIDENCE_BANDWIDTH), KindOf(Read(tree), 1));
    tree.Remove(kNode + std::string("1/access1"));
    EXPECT_TRUE(tree.Write(kTiers + std::string("4/nodelist"), best + "\n"));
    EXPECT_TRUE(tree.Write(kTiers + std::string("5/nodelist"), "1\n"));
    EXPECT_TRUE(tree.Write(kTiers + std::string("6/nodelist"), other + "\n"));
    EXPECT_EQ(Kind(AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_TIER), KindOf(Read(tree), 1));
  }
}

TEST(CoreDeviceKind, OtherwiseTheTierTells) {
  SysfsTree tree = Pair("0", "0");
  EXPECT_TRUE(tree.Write(kTiers + std::string("4/nodelist"), "0\n"));
  EXPECT_EQ(kUnknown, KindOf(Read(tree), 1));
  EXPECT_TRUE(tree.Write(kTiers + std::string("5/nodelist"), "1\n"));
  EXPECT_EQ(Kind(AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_TIER), KindOf(Read(tree), 1));
  tree.Remove(kTiers + std::string("5/nodelist"));
  EXPECT_TRUE(tree.Write(kTiers + std::string("3/nodelist"), "1\n"));
  EXPECT_EQ(Kind(AML_DEVICE_HBM, AML_DEVICE_EVIDENCE_TIER), KindOf(Read(tree), 1));
}

TEST(CoreDeviceKind, TheTierOfCpusMemoryIsNoEvidence) {
  SysfsTree tree = Pair("0", "0");
  EXPECT_TRUE(tree.Write(kTiers + std::string("4/nodelist"), "0-1\n"));
  EXPECT_EQ(kUnknown, KindOf(Read(tree), 1));
  EXPECT_EQ(4, At(Read(tree), 1).tier);
}

TEST(CoreDeviceKind, ANodeWithoutMemoryHasNone) {
  const Devices devices = Read("holes");
  EXPECT_EQ(kUnknown, KindOf(devices, 2));
  EXPECT_EQ(kUnknown, KindOf(devices, 5));
  EXPECT_EQ(Kind(AML_DEVICE_EXPANSION, AML_DEVICE_EVIDENCE_TIER), KindOf(devices, 9));
}

} // namespace
