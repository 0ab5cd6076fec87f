// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/internal/probe_caches.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "aml/core/cpuset.h"
#include "aml/core/error.h"
#include "aml/tests/sysfs/tree.h"

namespace {

// A folder in which CPUs' caches can be written.
class CoreProbeCaches : public ::testing::Test {
protected:
  void Write(int cpu, int index, const std::string &file, const std::string &text) {
    ASSERT_TRUE(tree_.Write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index" +
                                std::to_string(index) + "/" + file,
                            text));
  }
  void Cache(int cpu, int index, int level, const std::string &size, const std::string &cpus) {
    Write(cpu, index, "level", std::to_string(level) + "\n");
    Write(cpu, index, "size", size + "\n");
    Write(cpu, index, "shared_cpu_list", cpus + "\n");
    Write(cpu, index, "coherency_line_size", "64\n");
  }
  aml_internal_probe_caches Read(const std::string &cpus) {
    aml_cpuset set = {};
    aml_internal_probe_caches caches = {};
    EXPECT_EQ(0, aml_cpuset_parse(cpus.c_str(), &set));
    EXPECT_EQ(0, aml_internal_probe_read_caches("call", tree_.options().sysfs, &set, &caches));
    return caches;
  }

  SysfsTree tree_ = SysfsTree::FromText("");
};

TEST_F(CoreProbeCaches, ACacheThatIsSharedCountsOnce) {
  for (int cpu = 0; cpu < 4; ++cpu) {
    Cache(cpu, 0, 1, "32K", std::to_string(cpu));
    Cache(cpu, 1, 3, cpu < 2 ? "32768K" : "16384K", cpu < 2 ? "0-1" : "2-3");
    Cache(cpu, 2, 2, "1024K", std::to_string(cpu));
  }
  const aml_internal_probe_caches all = Read("0-3");
  EXPECT_EQ(uint64_t{48} << 20, all.total);
  EXPECT_EQ(uint64_t{32} << 20, all.largest);
  EXPECT_EQ(64u, all.line_size);
  EXPECT_EQ(uint64_t{16} << 20, Read("2-3").total);
  EXPECT_EQ(uint64_t{32} << 20, Read("1").largest);
}

TEST_F(CoreProbeCaches, WhereNothingIsToldThereAreNone) {
  const aml_internal_probe_caches caches = Read("0,8191");
  EXPECT_EQ(0u, caches.total);
  EXPECT_EQ(0u, caches.largest);
  EXPECT_EQ(64u, caches.line_size);
}

TEST_F(CoreProbeCaches, DamagedFilesAreNone) {
  for (const std::string &size : std::vector<std::string>{
           "", "K", "12", "-1K", "1M", "12K34", "99999999999999999999K", "18014398509481985K"}) {
    Cache(0, 0, 1, size, "0");
    EXPECT_EQ(0u, Read("0").total) << size;
  }
  Cache(0, 0, 1, "64K", "nonsense");
  EXPECT_EQ(uint64_t{64} << 10, Read("0").total);
}

TEST_F(CoreProbeCaches, LinesAreLongerWhereTheyAreTold) {
  const std::vector<std::pair<std::string, uint64_t>> cases = {
      {"128", 128}, {"1024", 1024}, {"2048", 64}, {"96", 64}, {"0", 64}, {"x", 64}};
  for (const auto &it : cases) {
    Cache(0, 0, 3, "64K", "0");
    Write(0, 0, "coherency_line_size", it.first + "\n");
    EXPECT_EQ(it.second, Read("0").line_size) << it.first;
  }
}

} // namespace
