// SPDX-License-Identifier: BSD-3-Clause
//
// What this process may use of what there is.

#include <gtest/gtest.h>

#include <string>

#include "aml/core/block.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/device_testing.h"
#include "aml/tests/sysfs/tree.h"

namespace {

// Node 0 has 8 GiB free.
SysfsTree WithGroup(const std::string &groups, const std::string &files) {
  return SysfsTree::FromText("sys/devices/system/node/node0/meminfo: Node 0 MemFree: 8388608 kB\n"
                             "sys/devices/system/node/node0/cpulist: 0-3\n"
                             "proc/self/cgroup: " +
                             groups + "\n" + files);
}

uint64_t Headroom(const SysfsTree &tree) {
  const Devices devices = Read(tree);
  const uint64_t headroom = aml_devices_headroom(devices.get());
  EXPECT_EQ(headroom < 8 * kGib ? headroom : 8 * kGib, At(devices, 0).usable);
  EXPECT_EQ(8 * kGib, At(devices, 0).free);
  return headroom;
}

TEST(CoreDeviceLimits, TheTightestGroupCounts) {
  SysfsTree tree = SysfsTree::Of("limited");
  // The slice's: 8 GiB, of which 7.5 are used, but 1 by files that are not in use.
  EXPECT_EQ(3 * kGib / 2, aml_devices_headroom(Read(tree).get()));
  EXPECT_EQ(3 * kGib / 2, At(Read(tree), 0).usable);
  // The job's own: 2 GiB, of which 100 MiB are used.
  tree.Remove("cgroup/batch.slice/memory.max");
  EXPECT_EQ(2 * kGib - 100 * 1024 * kKib, aml_devices_headroom(Read(tree).get()));
}

TEST(CoreDeviceLimits, ASoftLimitCountsTooInARecordedGroup) {
  const Devices devices = Read("recorded");
  EXPECT_EQ(67108864u - 1212416u, aml_devices_headroom(devices.get()));
  EXPECT_EQ(67108864u - 1212416u, At(devices, 1).usable);
  EXPECT_EQ(101968 * kKib, At(devices, 1).free);
}

TEST(CoreDeviceLimits, ACpusetHidesNodesAndCpusInARecordedGroup) {
  const Devices devices = Read("recorded");
  for (const int number : {0, 1, 2})
    EXPECT_EQ(AML_ANSWER_YES, At(devices, number).is_allowed);
  EXPECT_EQ(AML_ANSWER_NO, At(devices, 3).is_allowed);
  EXPECT_EQ(0u, At(devices, 3).usable);
  EXPECT_EQ("0", Text(*aml_devices_cpus(devices.get())));
  EXPECT_EQ("1", Text(At(devices, 1).near_cpus));
}

TEST(CoreDeviceLimits, VersionOneHasOtherNames) {
  const std::string groups = "5:cpuset:/\\n4:cpu,memory:/a/b\\n0::/a";
  const std::string limit = "cgroup/memory/a/memory.limit_in_bytes: 2147483648\n"
                            "cgroup/memory/memory.limit_in_bytes: 9223372036854771712\n"
                            "cgroup/memory/memory.usage_in_bytes: 4096\n";
  EXPECT_EQ(AML_UNKNOWN, Headroom(WithGroup(groups, limit)));
  const std::string usage = "cgroup/memory/a/memory.usage_in_bytes: 1073741824\n";
  EXPECT_EQ(kGib, Headroom(WithGroup(groups, limit + usage)));
  const std::string stat =
      "cgroup/memory/a/memory.stat: inactive_file 5\\ntotal_inactive_file 536870912\n";
  EXPECT_EQ(3 * kGib / 2, Headroom(WithGroup(groups, limit + usage + stat)));
  // Another controller's group does not matter.
  EXPECT_EQ(AML_UNKNOWN, Headroom(WithGroup("4:cpu,memory2:/a\\n0::/", limit + usage)));
}

TEST(CoreDeviceLimits, VersionTwoMayBeBesideVersionOne) {
  EXPECT_EQ(kGib, Headroom(WithGroup("4:memory:/\\n0::/a",
                                     "cgroup/unified/a/memory.max: 2147483648\n"
                                     "cgroup/unified/a/memory.current: 1073741824\n")));
}

TEST(CoreDeviceLimits, InAContainerTheRootOfTheMountIsTheGroup) {
  EXPECT_EQ(kGib, Headroom(WithGroup("0::/docker/1234", "cgroup/memory.max: 1073741824\n"
                                                        "cgroup/memory.current: 0\n")));
}

TEST(CoreDeviceLimits, AGroupOutsideOfTheMountTellsNothing) {
  for (const std::string groups : {"0::/../other", "0::/..", "0::", "0::other", "0", "", "::"})
    EXPECT_EQ(AML_UNKNOWN, Headroom(WithGroup(groups, "cgroup/memory.max: 4096\n"
                                                      "cgroup/memory.current: 0\n"
                                                      "cgroupother/memory.max: 4096\n"
                                                      "cgroupother/memory.current: 0\n")))
        << groups;
}

TEST(CoreDeviceLimits, WhatIsUsedUpLeavesNothing) {
  const std::string files = "cgroup/memory.max: 1073741824\n"
                            "cgroup/memory.current: ";
  EXPECT_EQ(0u, Headroom(WithGroup("0::/", files + "1073741824\n")));
  EXPECT_EQ(0u, Headroom(WithGroup("0::/", files + "1073741825\n")));
  EXPECT_EQ(1u, Headroom(WithGroup("0::/", files + "1073741823\n")));
  // Another name that ends alike is another figure.
  EXPECT_EQ(3u, Headroom(WithGroup("0::/", files + "1073741823\ncgroup/memory.stat: "
                                                   "total_inactive_file 9\\ninactive_file 2\n")));
  // Counters are not read at one moment: more may be reclaimable than was used.
  EXPECT_EQ(kGib, Headroom(WithGroup("0::/", files + "5\ncgroup/memory.stat: inactive_file 9\n")));
}

TEST(CoreDeviceLimits, WithoutALimitAllThatIsFreeIsUsable) {
  EXPECT_EQ(AML_UNKNOWN, Headroom(WithGroup("0::/", "cgroup/memory.max: max\n"
                                                    "cgroup/memory.current: 5\n")));
  EXPECT_EQ(AML_UNKNOWN, Headroom(WithGroup("0::/", "")));
}

TEST(CoreDeviceLimits, WhereItIsNotToldEverythingIsTakenAsAllowed) {
  const Devices devices = Read(WithGroup("0::/", ""));
  EXPECT_EQ(AML_ANSWER_UNKNOWN, At(devices, 0).is_allowed);
  EXPECT_EQ("0-3", Text(*aml_devices_cpus(devices.get())));
  EXPECT_EQ(8 * kGib, At(devices, 0).usable);
}

} // namespace
