// SPDX-License-Identifier: BSD-3-Clause
//
// area:linux where there are several nodes and pools of huge pages: what a machine of one node
// cannot show. Compared with /proc/self/smaps, numa_maps and move_pages. Runs as root in a machine
// of its own, whose pools it fills and empties.

#include <gtest/gtest.h>
#include <numa.h>
#include <numaif.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/area_report.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kHuge = size_t{2} << 20;

uintptr_t Number(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

// The nodes that have memory which this process may use.
aml_nodeset Nodes() {
  aml_nodeset nodes = {};
  bitmask *const allowed = numa_get_mems_allowed();
  for (int node = 0; node <= numa_max_node(); ++node)
    if (numa_bitmask_isbitset(allowed, static_cast<unsigned>(node)) &&
        numa_node_size64(node, nullptr) > 0)
      (void)aml_nodeset_add(&nodes, node);
  numa_bitmask_free(allowed);
  return nodes;
}

std::vector<int> Locate(char *memory, size_t size, size_t stride) {
  std::vector<void *> addresses;
  for (size_t offset = 0; offset < size; offset += stride)
    addresses.push_back(memory + offset);
  std::vector<int> nodes(addresses.size(), -1000);
  EXPECT_EQ(0, move_pages(0, addresses.size(), addresses.data(), nullptr, nodes.data(), 0));
  return nodes;
}

// A line of /proc/self/smaps on the mapping around an address.
std::string Smaps(const void *address, const std::string &name) {
  std::ifstream file("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(file, line);) {
    unsigned long start = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &start, &end) == 2)
      here = Number(address) >= start && Number(address) < end;
    else if (here && line.rfind(name + ":", 0) == 0)
      return line + " ";
  }
  return "";
}

// The line of /proc/self/numa_maps on the mapping that starts at an address.
std::string NumaMaps(const void *start) {
  std::ifstream file("/proc/self/numa_maps");
  for (std::string line; std::getline(file, line);)
    if (std::stoul(line, nullptr, 16) == Number(start))
      return line;
  return "";
}

bool Contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

void Write(const std::string &path, size_t number) {
  std::ofstream(path) << number << std::flush;
}

size_t Read(const std::string &path) {
  size_t number = 0;
  std::ifstream(path) >> number;
  return number;
}

std::string PoolOf(int node) {
  return "/sys/devices/system/node/node" + std::to_string(node) + "/hugepages/hugepages-2048kB/";
}

// A kernel with less than 512 MB has transparent huge pages off.
bool HasTransparent() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string text;
  std::getline(file, text);
  return !text.empty() && !Contains(text, "[never]");
}

class AreaLinuxVm : public ::testing::Test {
protected:
  void SetUp() override {
    nodes_ = Nodes();
    ASSERT_GE(aml_nodeset_count(&nodes_), 2u) << "this machine has one node";
    last_ = aml_nodeset_last(&nodes_);
  }
  void TearDown() override {
    aml_area_destroy(&area_);
    for (int node = -1; (node = aml_nodeset_next(&nodes_, node)) >= 0;)
      Write(PoolOf(node) + "nr_hugepages", 0);
  }

  void Create() {
    aml_area_destroy(&area_);
    ASSERT_EQ(0, aml_area_linux_create(&area_, &options_)) << aml_error_detail();
  }
  char *Map(size_t size, size_t alignment = 0) {
    aml_area_map_options options = {};
    options.alignment = alignment;
    return static_cast<char *>(aml_area_map(area_, size, &options));
  }
  void Unmap(void *memory, size_t size) {
    EXPECT_EQ(0, aml_area_unmap(area_, memory, size)) << aml_error_detail();
  }
  aml_area_info Info(const void *memory) {
    aml_area_info info = {};
    EXPECT_EQ(0, aml_area_get_info(area_, memory, &info)) << aml_error_detail();
    return info;
  }
  void Report(void *memory, size_t size) {
    ASSERT_EQ(0, aml_area_report(area_, memory, size, report_.get())) << aml_error_detail();
  }

  // Puts pages into a node's pool.
  void Fill(int node, size_t count) {
    Write(PoolOf(node) + "nr_hugepages", count);
    ASSERT_EQ(count, Read(PoolOf(node) + "free_hugepages")) << "no room for a pool";
  }
  void CreatePool(unsigned wishes = 0) {
    options_.huge_pages = AML_AREA_LINUX_HUGE_POOL;
    options_.pool_page_size = kHuge;
    options_.wishes = wishes;
    Create();
  }

  const std::unique_ptr<aml_area_pages> report_ = std::make_unique<aml_area_pages>();
  aml_nodeset nodes_{};
  int last_ = -1;
  aml_area_linux_options options_{};
  aml_area *area_ = nullptr;
};

// Policies

TEST_F(AreaLinuxVm, EachPolicyIsInForceWhenPagesAreTouched) {
  const aml_nodeset one = aml_nodeset_of(last_);
  struct Case {
    aml_policy policy;
    aml_nodeset devices;
    std::string text;
  };
  char list[AML_NODESET_TEXT_CAPACITY];
  (void)aml_nodeset_format(&nodes_, list, sizeof list);
  const std::string all = list;
  const std::string last = std::to_string(last_);
  for (const Case &c :
       {Case{AML_POLICY_BIND, one, "bind:" + last},
        Case{AML_POLICY_PREFERRED, one, "prefer:" + last},
        Case{AML_POLICY_PREFERRED_MANY, one, "prefer (many):" + last},
        Case{AML_POLICY_LOCAL, {}, "local"},
        Case{AML_POLICY_INTERLEAVE, nodes_, "interleave:" + all},
        Case{AML_POLICY_WEIGHTED_INTERLEAVE, nodes_, "weighted interleave:" + all}}) {
    SCOPED_TRACE(c.text);
    options_ = {};
    options_.policy = c.policy;
    options_.devices = c.devices;
    options_.guard_size = kPage;
    Create();
    char *const memory = Map(60 * kPage);
    if (memory == nullptr && aml_error_code() == -AML_ENOTSUP) {
      EXPECT_TRUE(Contains(aml_error_detail(), " or later, and this is ")) << aml_error_detail();
      continue;
    }
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    EXPECT_TRUE(Contains(NumaMaps(memory), " " + c.text)) << NumaMaps(memory);
    EXPECT_EQ(c.policy, Info(memory).policy);
    std::memset(memory, 1, 60 * kPage);
    const std::vector<int> found = Locate(memory, 60 * kPage, kPage);
    std::map<int, size_t> on;
    for (const int node : found)
      ++on[node];
    if (aml_nodeset_is_equal(&c.devices, &one)) {
      EXPECT_EQ(60u, on[last_]);
    } else if (c.policy != AML_POLICY_LOCAL) {
      EXPECT_EQ(aml_nodeset_count(&nodes_), on.size());
    }
    Report(memory, 60 * kPage);
    EXPECT_EQ(60 * kPage, report_->base_size);
    for (const auto &[node, pages] : on)
      EXPECT_EQ(pages * kPage, report_->device_size[node]);
    Unmap(memory, 60 * kPage);
  }
}

TEST_F(AreaLinuxVm, ByDefaultLargeMappingsAreHugePagesOnTheNode) {
  if (!HasTransparent())
    GTEST_SKIP() << "no transparent huge pages in a machine so small";
  options_.policy = AML_POLICY_BIND;
  options_.devices = aml_nodeset_of(last_);
  Create();
  char *const memory = Map(4 * kHuge);
  std::memset(memory, 1, 4 * kHuge);
  EXPECT_TRUE(Contains(Smaps(memory, "AnonHugePages"), "8192 kB"))
      << Smaps(memory, "AnonHugePages");
  Report(memory + kHuge, 2 * kHuge);
  EXPECT_EQ(2 * kHuge, report_->transparent_size);
  EXPECT_EQ(2 * kHuge, report_->device_size[last_]);
  Unmap(memory, 4 * kHuge);
}

TEST_F(AreaLinuxVm, SeveralThreadsPopulateWhereThePolicySays) {
  options_.policy = AML_POLICY_BIND;
  options_.devices = aml_nodeset_of(last_);
  options_.populate_threads = 2;
  options_.flags = AML_AREA_LINUX_POPULATE | AML_AREA_LINUX_LOCK;
  Create();
  const size_t size = 40 * (size_t{1} << 20);
  char *const memory = Map(size);
  ASSERT_NE(nullptr, memory) << aml_error_detail();
  EXPECT_TRUE(Contains(Smaps(memory, "VmFlags"), " lo ")) << Smaps(memory, "VmFlags");
  EXPECT_EQ(std::vector<int>(size / kPage, last_), Locate(memory, size, kPage));
  Unmap(memory, size);
}

// Pools

TEST_F(AreaLinuxVm, PoolPagesComeFromThePoolOfTheNode) {
  Fill(last_, 4);
  options_.policy = AML_POLICY_BIND;
  options_.devices = aml_nodeset_of(last_);
  CreatePool();
  EXPECT_EQ(kHuge, Info(nullptr).granularity);
  char *const memory = Map(3 * kHuge - 1);
  ASSERT_NE(nullptr, memory) << aml_error_detail();
  EXPECT_EQ(0u, Number(memory) % kHuge);
  EXPECT_TRUE(Contains(Smaps(memory, "KernelPageSize"), " 2048 kB"));
  EXPECT_TRUE(Contains(Smaps(memory, "VmFlags"), " ht "));
  EXPECT_EQ(1u, Read(PoolOf(last_) + "free_hugepages"));
  std::memset(memory, 1, 3 * kHuge);
  EXPECT_EQ(std::vector<int>(3, last_), Locate(memory, 3 * kHuge, kHuge));
  EXPECT_EQ(AML_AREA_GRANT_HUGE_POOL | AML_AREA_GRANT_POLICY, Info(memory).granted);
  EXPECT_EQ(kHuge, Info(memory).page_size);
  Report(memory, 3 * kHuge);
  EXPECT_EQ(kHuge, report_->pools[0].page_size);
  EXPECT_EQ(3 * kHuge, report_->pools[0].size);
  EXPECT_EQ(3 * kHuge, report_->device_size[last_]);
  ASSERT_EQ(0, aml_area_purge(area_, memory, kHuge)) << aml_error_detail();
  EXPECT_EQ(2u, Read(PoolOf(last_) + "free_hugepages"));
  Unmap(memory, 3 * kHuge - 1);
  EXPECT_EQ(4u, Read(PoolOf(last_) + "free_hugepages"));
}

TEST_F(AreaLinuxVm, WhereTheNodesPoolIsEmptyMapFailsAndNoTouchIsFatal) {
  const int first = aml_nodeset_next(&nodes_, -1);
  Fill(first, 3);
  options_.policy = AML_POLICY_BIND;
  options_.devices = aml_nodeset_of(last_);
  CreatePool();
  EXPECT_EQ(nullptr, Map(2 * kHuge));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_STREQ("aml_area_map: madvise(MADV_POPULATE_WRITE): Cannot allocate memory",
               aml_error_detail());
  EXPECT_EQ(3u, Read(PoolOf(first) + "free_hugepages"));
}

TEST_F(AreaLinuxVm, AnEmptyPoolIsSaidOrDoneWithout) {
  Fill(last_, 2);
  CreatePool();
  EXPECT_EQ(nullptr, Map(3 * kHuge));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  CreatePool(AML_AREA_GRANT_HUGE_POOL);
  char *const small = Map(3 * kHuge);
  ASSERT_NE(nullptr, small) << aml_error_detail();
  char *const pooled = Map(2 * kHuge);
  ASSERT_NE(nullptr, pooled);
  EXPECT_EQ(HasTransparent() ? unsigned{AML_AREA_GRANT_HUGE_TRANSPARENT} : 0u, Info(small).granted);
  EXPECT_EQ(kPage, Info(small).page_size);
  EXPECT_EQ(AML_AREA_GRANT_HUGE_POOL, Info(pooled).granted);
  EXPECT_EQ(kHuge, Info(pooled).page_size);
  const aml_nodeset one = aml_nodeset_of(last_);
  // Both can be bound, each by its own pages.
  EXPECT_EQ(0, aml_area_bind(area_, small + kPage, kPage, AML_POLICY_BIND, &one, 0));
  EXPECT_TRUE(Contains(NumaMaps(small + kPage), " bind:")) << NumaMaps(small + kPage);
  EXPECT_EQ(0, aml_area_bind(area_, pooled + kPage, kPage, AML_POLICY_BIND, &one, 0))
      << aml_error_detail();
  EXPECT_TRUE(Contains(NumaMaps(pooled), " bind:")) << NumaMaps(pooled);
  Unmap(pooled, 2 * kHuge);
  Unmap(small, 3 * kHuge);
  EXPECT_EQ(2u, Read(PoolOf(last_) + "free_hugepages"));
}

TEST_F(AreaLinuxVm, PoolPagesGrowShrinkAndMove) {
  Fill(last_, 8);
  for (const size_t guard_size : {size_t{0}, kPage}) {
    SCOPED_TRACE(guard_size);
    options_.guard_size = guard_size;
    CreatePool();
    char *memory = Map(2 * kHuge, 2 * kHuge);
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    EXPECT_EQ(0u, Number(memory) % (2 * kHuge));
    EXPECT_EQ(6u, Read(PoolOf(last_) + "free_hugepages") -
                      Read("/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages"));
    std::memset(memory, 7, 2 * kHuge);
    EXPECT_EQ(memory, aml_area_resize(area_, memory, 2 * kHuge, kHuge, 0)) << aml_error_detail();
    EXPECT_EQ(guard_size == 0 ? "" : "---p", [&] {
      std::ifstream file("/proc/self/maps");
      for (std::string line; std::getline(file, line);) {
        unsigned long start = 0;
        unsigned long end = 0;
        char access[5] = "";
        if (std::sscanf(line.c_str(), "%lx-%lx %4s", &start, &end, access) == 3 &&
            Number(memory + kHuge) >= start && Number(memory + kHuge) < end)
          return std::string(access);
      }
      return std::string();
    }());
    memory = static_cast<char *>(
        aml_area_resize(area_, memory, kHuge, 3 * kHuge, AML_AREA_RESIZE_MAY_MOVE));
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    EXPECT_EQ(7, memory[kHuge - 1]);
    EXPECT_EQ(0, memory[kHuge]);
    std::memset(memory, 1, 3 * kHuge);
    EXPECT_TRUE(Contains(Smaps(memory + 2 * kHuge, "VmFlags"), " ht "));
    Unmap(memory, 3 * kHuge);
    EXPECT_EQ(8u, Read(PoolOf(last_) + "free_hugepages"));
  }
}

TEST_F(AreaLinuxVm, LockedPoolPagesArePresent) {
  Fill(last_, 2);
  options_.flags = AML_AREA_LINUX_LOCK;
  CreatePool();
  char *const memory = Map(2 * kHuge);
  ASSERT_NE(nullptr, memory) << aml_error_detail();
  EXPECT_EQ(0u, Read(PoolOf(last_) + "free_hugepages"));
  EXPECT_EQ(std::vector<int>(2, last_), Locate(memory, 2 * kHuge, kHuge));
  EXPECT_NE(0u, Info(memory).granted & AML_AREA_GRANT_LOCKED);
  Unmap(memory, 2 * kHuge);
}

} // namespace
