// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/internal/probe_team.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "aml/core/cpuset.h"
#include "aml/core/error.h"
#include "aml/core/internal/probe_kernels.h"
#include "aml/core/probe_testing.h"

namespace {

constexpr uint64_t kMillisecond = 1000000;

class CoreProbeTeam : public ::testing::Test {
protected:
  aml_internal_probe_job Job(aml_internal_probe_kind kind, size_t at, size_t size) {
    aml_internal_probe_job job = {};
    job.kind = kind;
    job.cpu = aml_cpuset_at(&cpus_, 0);
    job.block = memory_ + at;
    job.size = size;
    job.line_size = 64;
    job.sum = 1;
    return job;
  }

  const aml_cpuset cpus_ = Affinity();
  alignas(4096) char memory_[1 << 20] = {};
};

TEST_F(CoreProbeTeam, WithoutTimeAStreamIsOnePass) {
  aml_internal_probe_job write = Job(AML_INTERNAL_PROBE_WRITE, 0, sizeof memory_);
  ASSERT_EQ(0, aml_internal_probe_run("call", &write, 1, 0));
  EXPECT_EQ(sizeof memory_, write.count);
  aml_internal_probe_job read = Job(AML_INTERNAL_PROBE_READ, 0, sizeof memory_);
  ASSERT_EQ(0, aml_internal_probe_run("call", &read, 1, 0));
  // Each word is 1, and the sum goes on from what was there.
  EXPECT_EQ(1 + sizeof memory_ / sizeof(uint64_t), read.sum);
}

TEST_F(CoreProbeTeam, WithTimeAStreamTakesIt) {
  for (const auto kind :
       {AML_INTERNAL_PROBE_READ, AML_INTERNAL_PROBE_WRITE, AML_INTERNAL_PROBE_WRITE_NONTEMPORAL}) {
    // A multiple of the grain, yet of nothing that streams go on by.
    const size_t size = 77 * AML_INTERNAL_PROBE_GRAIN;
    std::vector<aml_internal_probe_job> jobs(3, Job(kind, 0, size));
    for (size_t i = 0; i < 3; ++i)
      jobs[i].block = memory_ + i * size;
    ASSERT_EQ(0, aml_internal_probe_run("call", jobs.data(), 3, kMillisecond));
    for (const aml_internal_probe_job &job : jobs) {
      EXPECT_LE(kMillisecond, job.time_ns);
      EXPECT_LT(0u, job.count);
    }
  }
}

TEST_F(CoreProbeTeam, LoadGoesOnUntilTheChaseIsDone) {
  aml_internal_probe_job cycle = Job(AML_INTERNAL_PROBE_MAKE_CYCLE, 0, sizeof memory_ / 2);
  ASSERT_EQ(0, aml_internal_probe_run("call", &cycle, 1, 0));
  std::vector<aml_internal_probe_job> jobs = {
      Job(AML_INTERNAL_PROBE_CHASE, 0, 0),
      Job(AML_INTERNAL_PROBE_WRITE, sizeof memory_ / 2, sizeof memory_ / 2)};
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(0, aml_internal_probe_run("call", jobs.data(), jobs.size(), kMillisecond));
    EXPECT_LE(kMillisecond, jobs[0].time_ns);
    EXPECT_LT(0u, jobs[0].count);
    EXPECT_LT(0u, jobs[1].count);
    // Where it goes on next time.
    EXPECT_LE(memory_, jobs[0].block);
    EXPECT_GT(memory_ + sizeof memory_ / 2, jobs[0].block);
    EXPECT_EQ(0, (jobs[0].block - memory_) % 64);
  }
}

TEST_F(CoreProbeTeam, EachRunsOnItsCpu) {
  const aml_cpuset before = Affinity();
  for (int cpu = aml_cpuset_next(&cpus_, -1); cpu >= 0; cpu = aml_cpuset_next(&cpus_, cpu)) {
    std::vector<aml_internal_probe_job> jobs(8, Job(AML_INTERNAL_PROBE_READ, 0, sizeof memory_));
    for (aml_internal_probe_job &job : jobs)
      job.cpu = cpu;
    ASSERT_EQ(0, aml_internal_probe_run("call", jobs.data(), jobs.size(), 0));
    for (const aml_internal_probe_job &job : jobs)
      EXPECT_EQ(cpu, job.ran_on);
  }
  const aml_cpuset after = Affinity();
  EXPECT_TRUE(aml_cpuset_is_equal(&before, &after));
}

TEST_F(CoreProbeTeam, NoneRunsIfOneCannot) {
  std::vector<aml_internal_probe_job> jobs(2, Job(AML_INTERNAL_PROBE_WRITE, 0, 4096));
  jobs[1].cpu = AML_CPUSET_CAPACITY - 1;
  EXPECT_EQ(-AML_EINVAL, aml_internal_probe_run("call", jobs.data(), 2, 0));
  EXPECT_STREQ("call: cpus: CPU 8191 is offline, or not allowed to this process",
               aml_error_detail());
  EXPECT_EQ(0u, jobs[0].count);
  EXPECT_EQ(0, memory_[0]);
}

} // namespace
