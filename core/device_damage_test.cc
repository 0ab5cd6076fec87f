// SPDX-License-Identifier: BSD-3-Clause
//
// Each file of each machine is damaged in each way. The rest must be told as before, and what
// depends on the file must be told as before or not at all, or differ as the damaged text says.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>
#include <map>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/device_testing.h"
#include "aml/tests/sysfs/tree.h"

namespace {

// What is told, each fact by a name that begins with the device's number.
using Facts = std::map<std::string, std::string>;

std::string Join(const std::vector<uint64_t> &numbers) {
  std::string text;
  for (const uint64_t number : numbers)
    text += (number == AML_UNKNOWN ? "unknown" : std::to_string(number)) + " ";
  return text;
}

void AddFacts(const aml_devices *devices, const aml_device &device, Facts *facts) {
  const std::string name = std::to_string(device.number) + " ";
  (*facts)[name + "states"] =
      Join({static_cast<uint64_t>(device.is_online), static_cast<uint64_t>(device.has_cpus)});
  (*facts)[name + "movable"] = std::to_string(device.is_movable);
  (*facts)[name + "allowed"] = std::to_string(device.is_allowed);
  (*facts)[name + "kind"] =
      Join({static_cast<uint64_t>(device.kind), static_cast<uint64_t>(device.evidence)});
  (*facts)[name + "tier"] = std::to_string(device.tier);
  (*facts)[name + "memory"] = Join({device.total, device.free});
  (*facts)[name + "plugged"] = Join({device.plugged});
  (*facts)[name + "usable"] = Join({device.usable});
  (*facts)[name + "cpus"] = Text(device.near_cpus);
  for (const aml_device_access *access : {&device.access0, &device.access1})
    (*facts)[name + (access == &device.access0 ? "access0" : "access1")] =
        Text(access->initiators) + " " + Join(Figures(access->performance));
  std::string &distances = (*facts)[name + "distances"];
  for (size_t i = 0; i < aml_devices_count(devices); ++i)
    distances += std::to_string(aml_devices_distance(devices, device.number,
                                                     aml_devices_at(devices, i)->number)) +
                 " ";
  for (size_t i = 0; i < device.pool_count; ++i) {
    const aml_device_pool &pool = device.pools[i];
    (*facts)[name + "pool " + std::to_string(pool.page_size / kKib)] =
        Join({pool.total, pool.free, pool.surplus});
  }
  for (size_t i = 0; i < device.cache_count; ++i) {
    const aml_device_cache &cache = device.caches[i];
    (*facts)[name + "cache " + std::to_string(cache.level)] =
        Join({cache.size, cache.line_size, static_cast<uint64_t>(cache.indexing),
              static_cast<uint64_t>(cache.writes)});
  }
}

Facts FactsOf(const Devices &devices) {
  Facts facts;
  facts["cpus"] = Text(*aml_devices_cpus(devices.get()));
  facts["headroom"] = Join({aml_devices_headroom(devices.get())});
  for (size_t i = 0; i < aml_devices_count(devices.get()); ++i)
    AddFacts(devices.get(), *aml_devices_at(devices.get(), i), &facts);
  return facts;
}

// The facts that depend on a file; $1 is what its pattern has in parentheses. The first that
// matches counts. A file with none is one that nothing depends on.
const std::vector<std::pair<std::string, std::string>> kDependents = {
    {"sys/devices/system/memory/block_size_bytes", "\\d+ (plugged|kind)"},
    {"sys/devices/system/node/online", "\\d+ (states|distances)"},
    {"sys/devices/system/node/has_cpu", "\\d+ (states|kind)"},
    {"sys/devices/system/node/has_(?:normal_)?memory", "\\d+ movable"},
    {".*/node(\\d+)/meminfo", "$1 (memory|usable|plugged|kind)|\\d+ kind"},
    {".*/node(\\d+)/cpulist", "$1 cpus"},
    {".*/node(\\d+)/distance", "$1 distances"},
    {".*/node(\\d+)/access0/.*", "$1 access0|\\d+ kind"},
    {".*/node(\\d+)/access1/.*", "$1 access1|\\d+ kind"},
    {".*/node(\\d+)/hugepages/hugepages-2048kB/.*", "$1 pool 2048"},
    {".*/node(\\d+)/hugepages/hugepages-1048576kB/.*", "$1 pool 1048576"},
    {".*/node(\\d+)/memory_side_cache/index(?:\\d+)/.*", "$1 cache \\d+"},
    {".*/memory_tiering/.*", "\\d+ (tier|kind)"},
    {".*/(?:region0|dax\\d\\.0)/.*", "\\d+ kind"},
    {"proc/self/status", "cpus|\\d+ (allowed|usable)"},
    {"proc/self/cgroup|cgroup/.*", "headroom|\\d+ usable"},
};

std::string DependentsOf(const std::string &path) {
  for (const auto &[pattern, facts] : kDependents) {
    std::smatch match;
    if (std::regex_match(path, match, std::regex(pattern)))
      return match.format(facts);
  }
  return "";
}

using Damage =
    std::function<void(SysfsTree *, const std::string &path, const std::string &content)>;

std::map<std::string, Damage> Damages() {
  std::map<std::string, Damage> damages;
  const std::map<std::string, std::string> contents = {
      {"empty", ""},
      {"blank", "\n"},
      {"not a number", "nonsense\n"},
      {"huge", std::string(70000, '7') + "\n"},
      {"binary", std::string("0\0\xff\xfe\n", 5)},
  };
  for (const auto &[name, content] : contents)
    damages[name] = [content = content](SysfsTree *tree, const std::string &path,
                                        const std::string &) {
      ASSERT_TRUE(tree->Write(path, content));
    };
  damages["missing"] = [](SysfsTree *tree, const std::string &path, const std::string &) {
    tree->Remove(path);
  };
  damages["a folder"] = [](SysfsTree *tree, const std::string &path, const std::string &) {
    ASSERT_TRUE(tree->MakeFolder(path));
  };
  damages["a pipe"] = [](SysfsTree *tree, const std::string &path, const std::string &) {
    tree->Remove(path);
    const std::string sysfs = tree->options().sysfs;
    ASSERT_EQ(0, mkfifo((sysfs.substr(0, sysfs.size() - 3) + path).c_str(), 0600));
  };
  damages["cut in the middle"] = [](SysfsTree *tree, const std::string &path,
                                    const std::string &content) {
    ASSERT_TRUE(tree->Write(path, content.substr(0, content.size() / 2)));
  };
  damages["cut before its end"] = [](SysfsTree *tree, const std::string &path,
                                     const std::string &content) {
    ASSERT_TRUE(tree->Write(path, content.substr(0, content.size() - 1)));
  };
  return damages;
}

class CoreDeviceDamage : public ::testing::TestWithParam<std::string> {};

TEST_P(CoreDeviceDamage, OfOneFileLeavesTheFiguresOfOthers) {
  SysfsTree tree = SysfsTree::Of(GetParam());
  const Facts whole = FactsOf(Read(tree));
  const bool has_like_nodes = GetParam() == "many_nodes" || GetParam() == "snc4";
  const std::regex middle(".*/node(?:[1-689]|[1-6][0-9]|70)/.*");
  size_t changes = 0;
  for (const std::string &path : tree.Files()) {
    if (has_like_nodes && std::regex_match(path, middle))
      continue;
    const std::regex dependents(DependentsOf(path));
    const std::string content = tree.Read(path);
    for (const auto &[name, damage] : Damages()) {
      SCOPED_TRACE(path + " is " + name);
      ASSERT_NO_FATAL_FAILURE(damage(&tree, path, content));
      const Facts facts = FactsOf(Read(tree));
      ASSERT_EQ(whole.size(), facts.size());
      for (const auto &[fact, value] : facts)
        if (value != whole.at(fact)) {
          ++changes;
          EXPECT_TRUE(std::regex_match(fact, dependents)) << fact << " is " << value;
        }
    }
    ASSERT_TRUE(tree.Write(path, content));
  }
  EXPECT_LT(0u, changes);
  EXPECT_EQ(whole, FactsOf(Read(tree)));
}

std::vector<std::string> MachinesWithNodes() {
  return {"cxl",      "hbm_flat", "holes", "limited",    "many_nodes",
          "one_node", "recorded", "snc4",  "two_sockets"};
}

INSTANTIATE_TEST_SUITE_P(Machine, CoreDeviceDamage, ::testing::ValuesIn(MachinesWithNodes()),
                         [](const auto &tested) { return tested.param; });

TEST(CoreDeviceDamageOfFolders, LeavesWhatIsElsewhere) {
  for (const std::string folder : {"access0", "access1", "hugepages", "memory_side_cache"}) {
    SysfsTree tree = SysfsTree::Of("recorded");
    for (int node = 0; node < 4; ++node)
      EXPECT_TRUE(tree.Write("sys/devices/system/node/node" + std::to_string(node) + "/" + folder,
                             "a file\n"));
    const Devices devices = Read(tree);
    EXPECT_EQ(128588 * kKib, At(devices, 1).total) << folder;
    EXPECT_EQ(folder == "hugepages" ? 0u : 2u, At(devices, 1).pool_count);
    EXPECT_EQ(folder == "memory_side_cache" ? 0u : 1u, At(devices, 3).cache_count);
  }
}

TEST(CoreDeviceDamageOfFolders, OddEntriesAreNotTaken) {
  SysfsTree tree = SysfsTree::Of("two_sockets");
  for (const std::string node : {"node", "node07", "node-1", "node1024", "node99999999999999999999",
                                 "node1x", "xnode1", "Node3"})
    EXPECT_TRUE(tree.MakeFolder("sys/devices/system/node/" + node));
  for (const std::string pool : {"hugepages-0kB", "hugepages-64MB", "hugepages-", "hugepages-kB",
                                 "hugepages-99999999999999999kB"})
    EXPECT_TRUE(tree.MakeFolder("sys/devices/system/node/node0/hugepages/" + pool));
  for (const std::string cache : {"index0", "index", "index-1"})
    EXPECT_TRUE(tree.MakeFolder("sys/devices/system/node/node0/memory_side_cache/" + cache));
  EXPECT_EQ(FactsOf(Read("two_sockets")), FactsOf(Read(tree)));
}

// The order of a folder's entries is the file system's; some list the newest first.
TEST(CoreDeviceDamageOfFolders, MoreCachesAndPoolsThanAreToldLoseTheLast) {
  for (const int step : {1, -1}) {
    SysfsTree tree = SysfsTree::FromText("");
    for (int i = 0; i < 20; ++i) {
      const std::string number = std::to_string(step > 0 ? 1 + i : 20 - i);
      const std::string node = "sys/devices/system/node/node0/";
      EXPECT_TRUE(tree.Write(node + "memory_side_cache/index" + number + "/size", number + "\n"));
      EXPECT_TRUE(
          tree.Write(node + "hugepages/hugepages-" + number + "kB/nr_hugepages", number + "\n"));
    }
    const aml_device device = At(Read(tree), 0);
    ASSERT_EQ(size_t{AML_DEVICE_CACHES}, device.cache_count);
    for (int i = 0; i < AML_DEVICE_CACHES; ++i) {
      EXPECT_EQ(i + 1, device.caches[i].level);
      EXPECT_EQ(1u + static_cast<unsigned>(i), device.caches[i].size);
    }
    ASSERT_EQ(size_t{AML_DEVICE_POOLS}, device.pool_count);
    for (unsigned i = 0; i < AML_DEVICE_POOLS; ++i) {
      EXPECT_EQ((i + 1) * kKib, device.pools[i].page_size);
      EXPECT_EQ(i + 1u, device.pools[i].total);
    }
  }
}

} // namespace
