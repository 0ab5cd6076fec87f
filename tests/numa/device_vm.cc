// SPDX-License-Identifier: BSD-3-Clause
//
// What core/device.h tells of a booted machine, beside the file that the machine was made from.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

struct Node {
  uint64_t size = 0;
  size_t cpus = 0;
};

using Pair = std::pair<int, int>;

// A topology file; its form is described by run-in-numa-vm --help.
struct Topology {
  std::vector<Node> nodes;
  std::map<Pair, int> distances;
  std::map<Pair, aml_device_performance> performance;
  std::map<int, uint64_t> caches;

  static uint64_t SizeOf(const std::string &text) {
    return std::stoull(text) * (text.back() == 'G' ? 1024 : 1) * kMiB;
  }

  void ReadNode(std::istringstream &words) {
    Node node;
    for (std::string word; words >> word;) {
      if (word.rfind("mem=", 0) == 0 && word != "mem=0")
        node.size = SizeOf(word.substr(4));
      if (word.rfind("cpus=", 0) == 0)
        node.cpus = std::stoul(word.substr(5));
    }
    nodes.push_back(node);
  }

  void ReadPerformance(std::istringstream &words) {
    int from = 0;
    int to = 0;
    uint64_t latency = 0;
    std::string bandwidth;
    words >> from >> to >> latency >> bandwidth;
    aml_device_performance figures = {};
    figures.read_latency_ns = figures.write_latency_ns = latency;
    figures.read_bandwidth_mib_s = figures.write_bandwidth_mib_s = SizeOf(bandwidth) / kMiB;
    if (words >> latency >> bandwidth) {
      figures.write_latency_ns = latency;
      figures.write_bandwidth_mib_s = SizeOf(bandwidth) / kMiB;
    }
    performance[{from, to}] = figures;
  }

  explicit Topology(const char *path) {
    std::ifstream file(path);
    EXPECT_TRUE(file) << path;
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line.substr(0, line.find('#')));
      std::string word;
      int a = 0;
      int b = 0;
      words >> word;
      if (word == "node" && words >> a) {
        ReadNode(words);
      } else if (word == "distance" && words >> a >> b) {
        words >> distances[{a, b}];
        distances[{b, a}] = distances[{a, b}];
      } else if (word == "perf") {
        ReadPerformance(words);
      } else if (word == "cache" && words >> a >> word) {
        caches[a] = SizeOf(word);
      }
    }
  }
};

bool AreEqual(const aml_device_performance &a, const aml_device_performance &b) {
  return a.read_bandwidth_mib_s == b.read_bandwidth_mib_s &&
         a.write_bandwidth_mib_s == b.write_bandwidth_mib_s &&
         a.read_latency_ns == b.read_latency_ns && a.write_latency_ns == b.write_latency_ns;
}

class DeviceVm : public testing::Test {
protected:
  DeviceVm() { EXPECT_EQ(0, aml_devices_read(&devices_, nullptr)) << aml_error_detail(); }
  ~DeviceVm() override { aml_devices_destroy(&devices_); }

  const aml_device &At(size_t number) const {
    const aml_device *const device = aml_devices_find(devices_, static_cast<int>(number));
    EXPECT_NE(nullptr, device) << number;
    static const aml_device none = {};
    return device == nullptr ? none : *device;
  }

  Topology topology_{"/topology"};
  aml_devices *devices_ = nullptr;
};

TEST_F(DeviceVm, NodesHaveTheirSizesAndCpus) {
  ASSERT_EQ(topology_.nodes.size(), aml_devices_count(devices_));
  int cpu = 0;
  for (size_t i = 0; i < topology_.nodes.size(); ++i) {
    SCOPED_TRACE(i);
    const Node &node = topology_.nodes[i];
    const aml_device &device = At(i);
    EXPECT_EQ(AML_ANSWER_YES, device.is_online);
    EXPECT_EQ(node.cpus != 0 ? AML_ANSWER_YES : AML_ANSWER_NO, device.has_cpus);
    EXPECT_EQ(node.cpus, aml_cpuset_count(&device.near_cpus));
    for (size_t j = 0; j < node.cpus; ++j)
      EXPECT_TRUE(aml_cpuset_has(&device.near_cpus, cpu++));
    // The kernel keeps some, the most of it on node 0, and rounds borders.
    EXPECT_LE(device.total, node.size + 4 * kMiB);
    EXPECT_GE(device.total + (i == 0 ? 96 : 0) * kMiB, node.size - node.size / 8);
    EXPECT_LE(device.free, device.total);
    if (node.size == 0)
      continue;
    EXPECT_EQ(AML_ANSWER_YES, device.is_allowed);
    EXPECT_GT(device.usable, 0u);
  }
}

TEST_F(DeviceVm, DistancesAreTheFirmwares) {
  const auto count = static_cast<int>(topology_.nodes.size());
  for (int from = 0; from < count; ++from)
    for (int to = 0; to < count; ++to) {
      const auto found = topology_.distances.find({from, to});
      const int told = found == topology_.distances.end() ? 20 : found->second;
      EXPECT_EQ(from == to ? 10 : told, aml_devices_distance(devices_, from, to))
          << from << " to " << to;
    }
}

TEST_F(DeviceVm, FiguresAreThoseOfTheBestCpus) {
  for (size_t i = 0; i < topology_.nodes.size(); ++i) {
    SCOPED_TRACE(i);
    const auto target = static_cast<int>(i);
    const aml_device_access &access = At(i).access1;
    EXPECT_EQ(topology_.performance.empty(), aml_nodeset_is_empty(&access.initiators));
    for (int from = aml_nodeset_next(&access.initiators, -1); from >= 0;
         from = aml_nodeset_next(&access.initiators, from)) {
      const aml_device_performance &told = topology_.performance.at({from, target});
      EXPECT_TRUE(AreEqual(told, access.performance)) << "from " << from;
      EXPECT_TRUE(AreEqual(told, aml_devices_performance(devices_, from, target)));
      for (const auto &[pair, other] : topology_.performance)
        if (pair.second == target) {
          EXPECT_FALSE(other.read_latency_ns < told.read_latency_ns &&
                       other.read_bandwidth_mib_s > told.read_bandwidth_mib_s)
              << pair.first << " is better than " << from;
        }
    }
  }
}

TEST_F(DeviceVm, WithoutFiguresTheyAreUnknown) {
  if (!topology_.performance.empty())
    GTEST_SKIP() << "this firmware tells figures";
  for (size_t i = 0; i < topology_.nodes.size(); ++i) {
    const aml_device_performance figures =
        aml_devices_performance(devices_, 0, static_cast<int>(i));
    EXPECT_EQ(AML_UNKNOWN, figures.read_bandwidth_mib_s);
    EXPECT_EQ(AML_UNKNOWN, figures.write_bandwidth_mib_s);
    EXPECT_EQ(AML_UNKNOWN, figures.read_latency_ns);
    EXPECT_EQ(AML_UNKNOWN, figures.write_latency_ns);
  }
}

TEST_F(DeviceVm, MemorySideCachesAreTold) {
  for (size_t i = 0; i < topology_.nodes.size(); ++i) {
    SCOPED_TRACE(i);
    const aml_device &device = At(i);
    const auto cache = topology_.caches.find(static_cast<int>(i));
    ASSERT_EQ(cache == topology_.caches.end() ? 0u : 1u, device.cache_count);
    if (device.cache_count == 0)
      continue;
    EXPECT_EQ(1, device.caches[0].level);
    EXPECT_EQ(cache->second, device.caches[0].size);
    EXPECT_EQ(64u, device.caches[0].line_size);
    EXPECT_EQ(AML_DEVICE_CACHE_DIRECT_MAPPED, device.caches[0].indexing);
    EXPECT_EQ(AML_DEVICE_CACHE_WRITE_BACK, device.caches[0].writes);
  }
}

TEST_F(DeviceVm, KindsAreWhatTheMachineIsMadeOf) {
  constexpr auto kDram = AML_DEVICE_DRAM;
  constexpr auto kHbm = AML_DEVICE_HBM;
  constexpr auto kFar = AML_DEVICE_EXPANSION;
  const std::map<std::string, std::vector<aml_device_kind>> machines = {
      {"two-sockets", {kDram, kDram}},
      {"flat-hbm", {kDram, kDram, kHbm, kHbm}},
      {"cxl", {kDram, kFar, kFar}},
      {"hbm-cxl", {kDram, kDram, kHbm, kFar}},
      {"asymmetric", {kDram, kFar}},
      {"sub-numa", {kDram, kDram, kDram, kDram}},
      {"cached", {kDram, kDram}},
      {"one-node", {kDram}},
      {"ties", {kDram, kDram, kDram, kDram, kDram}},
      {"two-nodes", {kDram, kDram}},
  };
  const char *const name = std::getenv("NUMA_VM_MACHINE");
  ASSERT_NE(nullptr, name);
  const auto machine = machines.find(name);
  if (machine == machines.end())
    GTEST_SKIP() << "nothing tells what memory without CPUs is here";
  for (size_t i = 0; i < machine->second.size(); ++i) {
    EXPECT_EQ(machine->second[i], At(i).kind) << i;
    EXPECT_NE(AML_DEVICE_EVIDENCE_NONE, At(i).evidence) << i;
  }
}

TEST_F(DeviceVm, TiersOrderTheNodesByFigures) {
  for (const auto &[pair, fast] : topology_.performance)
    for (const auto &[other, slow] : topology_.performance) {
      const bool are_nearest = pair.first == other.first && pair.first == 0;
      const int fast_tier = At(static_cast<size_t>(pair.second)).tier;
      const int slow_tier = At(static_cast<size_t>(other.second)).tier;
      if (are_nearest && fast_tier >= 0 && slow_tier >= 0 &&
          slow.read_latency_ns > 2 * fast.read_latency_ns) {
        EXPECT_LE(fast_tier, slow_tier) << pair.second << " and " << other.second;
      }
    }
}

TEST_F(DeviceVm, PoolsOfHugePagesAreToldByNode) {
  const int node = static_cast<int>(topology_.nodes.size()) - 1;
  const std::string file = "/sys/devices/system/node/node" + std::to_string(node) +
                           "/hugepages/hugepages-2048kB/nr_hugepages";
  const auto pool = [&](int number) {
    aml_devices *devices = nullptr;
    EXPECT_EQ(0, aml_devices_read(&devices, nullptr));
    aml_device_pool found = {};
    const aml_device *const device = aml_devices_find(devices, number);
    for (size_t i = 0; device != nullptr && i < device->pool_count; ++i)
      if (device->pools[i].page_size == 2 * kMiB)
        found = device->pools[i];
    aml_devices_destroy(&devices);
    return found;
  };
  EXPECT_EQ(2 * kMiB, pool(node).page_size);
  EXPECT_EQ(0u, pool(node).total);
  std::ofstream(file) << 3 << std::flush;
  EXPECT_EQ(3u, pool(node).total);
  EXPECT_EQ(3u, pool(node).free);
  EXPECT_EQ(0u, pool(node).surplus);
  if (node != 0) {
    EXPECT_EQ(0u, pool(0).total);
  }
  std::ofstream(file) << 0 << std::flush;
}

} // namespace
