// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/probe.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/block.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/error.h"
#include "aml/core/probe_testing.h"

namespace {

std::string Lines(const std::string &path, const std::string &start) {
  std::ifstream file(path);
  std::string found;
  for (std::string line; std::getline(file, line);)
    if (line.rfind(start, 0) == 0)
      found += line + "\n";
  return found;
}

size_t CountOf(const std::string &folder) {
  size_t count = 0;
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    count += !entry.path().empty();
  return count;
}

// The anonymous mappings of that many bytes and more, one that a probe may have made.
std::string MappingsOf(size_t size) {
  std::ifstream file("/proc/self/maps");
  std::string found;
  for (std::string line; std::getline(file, line);) {
    size_t end = 0;
    const uint64_t first = std::stoull(line, &end, 16);
    const uint64_t mapped = std::stoull(line.substr(end + 1), nullptr, 16) - first;
    if (mapped >= size && mapped <= size + (size_t{8} << 20) &&
        line.find("rw-p") != std::string::npos)
      found += line + "\n";
  }
  return found;
}

bool IsKnown(const aml_probe_figure &figure) {
  return figure.best != AML_UNKNOWN && figure.median != AML_UNKNOWN;
}

void ExpectBandwidth(const aml_probe_figure &figure) {
  EXPECT_TRUE(IsKnown(figure));
  EXPECT_LT(0u, figure.median);
  EXPECT_LE(figure.median, figure.best);
}

void ExpectLatency(const aml_probe_figure &figure) {
  EXPECT_TRUE(IsKnown(figure));
  EXPECT_LT(0u, figure.best);
  EXPECT_LE(figure.best, figure.median);
}

TEST(CoreProbe, EachFigureIsMeasured) {
  const aml_cpuset cpus = SomeCpus(2);
  const aml_probe_options options = Brief();
  aml_probe_result result;
  ASSERT_EQ(0, aml_probe(&cpus, AML_PROBE_ANY, &options, &result)) << aml_error_detail();
  EXPECT_EQ(options.size, result.size);
  EXPECT_LE(result.huge_size, result.size);
  EXPECT_EQ(aml_cpuset_count(&cpus), result.threads);
  EXPECT_EQ(AML_ANSWER_UNKNOWN, result.is_on_target);
  ExpectBandwidth(result.read_bandwidth_mib_s);
  ExpectBandwidth(result.write_bandwidth_mib_s);
#ifdef __x86_64__
  ExpectBandwidth(result.nontemporal_write_bandwidth_mib_s);
#else
  EXPECT_FALSE(IsKnown(result.nontemporal_write_bandwidth_mib_s));
#endif
  ExpectLatency(result.read_latency_ns);
  if (result.threads == 2) {
    ExpectLatency(result.loaded_read_latency_ns);
    ExpectBandwidth(result.load_bandwidth_mib_s);
  }
}

TEST(CoreProbe, OneCpuCannotBeUnderLoad) {
  const aml_cpuset cpus = SomeCpus(1);
  const aml_probe_options options = Brief();
  aml_probe_result result;
  ASSERT_EQ(0, aml_probe(&cpus, AML_PROBE_ANY, &options, &result)) << aml_error_detail();
  EXPECT_TRUE(IsKnown(result.read_latency_ns));
  EXPECT_FALSE(IsKnown(result.loaded_read_latency_ns));
  EXPECT_FALSE(IsKnown(result.load_bandwidth_mib_s));
}

TEST(CoreProbe, WhatIsNotAskedForIsUnknown) {
  const aml_cpuset cpus = SomeCpus(2);
  aml_probe_options options = Brief();
  options.load = AML_PROBE_LOAD_WRITE;
  for (const unsigned only : {AML_PROBE_READ, AML_PROBE_WRITE, AML_PROBE_NONTEMPORAL_WRITE,
                              AML_PROBE_LATENCY, AML_PROBE_LOADED_LATENCY}) {
    aml_probe_result result;
    options.measurements = only;
    ASSERT_EQ(0, aml_probe(&cpus, AML_PROBE_ANY, &options, &result)) << aml_error_detail();
    EXPECT_EQ(only == AML_PROBE_READ, IsKnown(result.read_bandwidth_mib_s));
    EXPECT_EQ(only == AML_PROBE_WRITE, IsKnown(result.write_bandwidth_mib_s));
    EXPECT_EQ(only == AML_PROBE_LATENCY, IsKnown(result.read_latency_ns));
    EXPECT_EQ(only == AML_PROBE_LOADED_LATENCY && result.threads == 2,
              IsKnown(result.loaded_read_latency_ns));
    EXPECT_EQ(IsKnown(result.loaded_read_latency_ns), IsKnown(result.load_bandwidth_mib_s));
  }
}

TEST(CoreProbe, FewerThreadsAreOnTheFirstCpus) {
  const aml_cpuset cpus = SomeCpus(2);
  aml_probe_options options = Brief();
  options.threads = 1;
  options.size = 3 * 4096 + 100;
  aml_probe_result result;
  ASSERT_EQ(0, aml_probe(&cpus, AML_PROBE_ANY, &options, &result)) << aml_error_detail();
  EXPECT_EQ(1u, result.threads);
  EXPECT_EQ(size_t{3 * 4096}, result.size);
}

TEST(CoreProbe, AResultRanksDevices) {
  aml_devices *devices = nullptr;
  ASSERT_EQ(0, aml_devices_read(&devices, nullptr)) << aml_error_detail();
  const int node = aml_devices_at(devices, 0)->number;
  const aml_cpuset cpus = SomeCpus(1);
  const aml_probe_options options = Brief();
  aml_probe_result result;
  ASSERT_EQ(0, aml_probe(&cpus, AML_PROBE_ANY, &options, &result)) << aml_error_detail();
  const aml_device_performance performance = aml_probe_performance(&result);
  EXPECT_EQ(0, aml_devices_set_performance(devices, node, node, &performance));
  const aml_device_performance kept = aml_devices_performance(devices, node, node);
  EXPECT_EQ(result.read_bandwidth_mib_s.median, kept.read_bandwidth_mib_s);
  EXPECT_EQ(result.read_latency_ns.median, kept.read_latency_ns);
  aml_devices_destroy(&devices);
}

TEST(CoreProbe, NonTemporalWritingIsPreferredInAResult) {
  aml_probe_result result = {};
  result.write_bandwidth_mib_s = {20, 10};
  result.nontemporal_write_bandwidth_mib_s = {40, 30};
  EXPECT_EQ(30u, aml_probe_performance(&result).write_bandwidth_mib_s);
  EXPECT_EQ(AML_UNKNOWN, aml_probe_performance(&result).write_latency_ns);
  result.nontemporal_write_bandwidth_mib_s = {AML_UNKNOWN, AML_UNKNOWN};
  EXPECT_EQ(10u, aml_probe_performance(&result).write_bandwidth_mib_s);
  EXPECT_EQ(AML_UNKNOWN, aml_probe_performance(nullptr).read_bandwidth_mib_s);
  EXPECT_EQ(AML_UNKNOWN, aml_probe_performance(nullptr).write_bandwidth_mib_s);
  EXPECT_EQ(AML_UNKNOWN, aml_probe_performance(nullptr).read_latency_ns);
}

struct Calls {
  std::vector<unsigned> done;
  std::set<unsigned> totals;
  unsigned stop_at = UINT32_MAX;
  aml_cpuset affinity = {};
};

bool Note(unsigned done, unsigned total, void *context) {
  auto *const calls = static_cast<Calls *>(context);
  calls->done.push_back(done);
  calls->totals.insert(total);
  calls->affinity = Affinity();
  return done != calls->stop_at;
}

TEST(CoreProbe, ProgressIsToldBeforeEachRepetition) {
  const aml_cpuset cpus = SomeCpus(1);
  Calls calls;
  aml_probe_options options = Brief();
  options.measurements = AML_PROBE_READ | AML_PROBE_LATENCY | AML_PROBE_LOADED_LATENCY;
  options.progress = Note;
  options.context = &calls;
  aml_probe_result result;
  ASSERT_EQ(0, aml_probe(&cpus, AML_PROBE_ANY, &options, &result)) << aml_error_detail();
  EXPECT_EQ((std::vector<unsigned>{0, 1, 2, 3}), calls.done);
  EXPECT_EQ(std::set<unsigned>{4}, calls.totals);
}

TEST(CoreProbe, AtEachRepetitionItCanBeStopped) {
  const aml_cpuset cpus = SomeCpus(2);
  aml_probe_result result = {};
  result.threads = 77;
  const size_t threads = IdleTaskCount();
  for (unsigned stop_at = 0;; ++stop_at) {
    Calls calls;
    calls.stop_at = stop_at;
    aml_probe_options options = Brief();
    options.progress = Note;
    options.context = &calls;
    const int err = aml_probe(&cpus, AML_PROBE_ANY, &options, &result);
    if (err == 0) {
      EXPECT_EQ(std::set<unsigned>{stop_at}, calls.totals);
      break;
    }
    EXPECT_EQ(-AML_ECANCELED, err);
    EXPECT_STREQ("aml_probe: options.progress said to stop", aml_error_detail());
    EXPECT_EQ(77u, result.threads);
    EXPECT_EQ(threads, TaskCount(threads));
  }
}

TEST(CoreProbe, TheCallersAffinityIsLeftAlone) {
  const aml_cpuset before = Affinity();
  const aml_cpuset cpus = SomeCpus(1);
  Calls calls;
  aml_probe_options options = Brief();
  options.progress = Note;
  options.context = &calls;
  aml_probe_result result;
  ASSERT_EQ(0, aml_probe(&cpus, AML_PROBE_ANY, &options, &result)) << aml_error_detail();
  const aml_cpuset after = Affinity();
  EXPECT_TRUE(aml_cpuset_is_equal(&before, &calls.affinity));
  EXPECT_TRUE(aml_cpuset_is_equal(&before, &after));
}

// The affinities of all threads, as the kernel tells them.
std::set<std::string> Affinities() {
  std::set<std::string> found;
  for (const std::string &task : Tasks())
    found.insert(Lines(task + "/status", "Cpus_allowed_list:"));
  return found;
}

TEST(CoreProbe, EachCpuHasAThreadThatIsBoundToIt) {
  const aml_cpuset cpus = SomeCpus(2);
  std::set<std::string> expected;
  for (int cpu = aml_cpuset_next(&cpus, -1); cpu >= 0; cpu = aml_cpuset_next(&cpus, cpu))
    expected.insert("Cpus_allowed_list:\t" + std::to_string(cpu) + "\n");
  std::atomic<bool> is_over{false};
  std::atomic<bool> is_seen{false};
  std::thread watch([&] {
    std::set<std::string> seen;
    while (!is_over && !is_seen) {
      seen.merge(Affinities());
      is_seen = std::includes(seen.begin(), seen.end(), expected.begin(), expected.end());
    }
  });
  aml_probe_options options = Brief();
  options.measurements = AML_PROBE_READ;
  options.time_ms = 20;
  aml_probe_result result;
  int err = 0;
  while (!is_seen && err == 0)
    err = aml_probe(&cpus, AML_PROBE_ANY, &options, &result);
  is_over = true;
  watch.join();
  EXPECT_EQ(0, err) << aml_error_detail();
  EXPECT_TRUE(is_seen);
}

TEST(CoreProbe, NothingIsHeldAfterwards) {
  const aml_cpuset cpus = SomeCpus(2);
  aml_probe_options options = Brief();
  // Larger than the stacks that libc keeps for threads to come.
  options.size = size_t{128} << 20;
  options.measurements = AML_PROBE_READ;
  aml_probe_result result;
  const size_t descriptors = CountOf("/proc/self/fd");
  ASSERT_EQ(0, aml_probe(&cpus, AML_PROBE_ANY, &options, &result)) << aml_error_detail();
  EXPECT_EQ(descriptors, CountOf("/proc/self/fd"));
  EXPECT_EQ("", MappingsOf(options.size));
}

TEST(CoreProbe, AForkedChildProbes) {
  const aml_cpuset cpus = SomeCpus(2);
  const aml_probe_options options = Brief();
  aml_probe_result result;
  ASSERT_EQ(0, aml_probe(&cpus, AML_PROBE_ANY, &options, &result)) << aml_error_detail();
  const pid_t child = fork();
  ASSERT_LE(0, child);
  if (child == 0)
    _exit(aml_probe(&cpus, AML_PROBE_ANY, &options, &result) == 0 ? 0 : 1);
  int status = -1;
  ASSERT_EQ(child, waitpid(child, &status, 0));
  EXPECT_EQ(0, status);
}

} // namespace
