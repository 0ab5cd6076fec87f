// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "aml/core/block.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/error.h"
#include "aml/core/probe.h"
#include "aml/core/probe_testing.h"

namespace {

// Expects a refusal, and that the result is untouched.
void Expect(int code, const std::string &sentence, const aml_cpuset *cpus, int target,
            const aml_probe_options &options) {
  aml_probe_result result = {};
  result.threads = 77;
  EXPECT_EQ(code, aml_probe(cpus, target, &options, &result));
  EXPECT_EQ("aml_probe: " + sentence, aml_error_detail());
  EXPECT_EQ(77u, result.threads);
}

TEST(CoreProbeRefusal, NoCpusOrNoResult) {
  const aml_cpuset none = {};
  const aml_cpuset cpus = SomeCpus(1);
  Expect(-AML_EINVAL, "cpus is null or empty", nullptr, AML_PROBE_ANY, Brief());
  Expect(-AML_EINVAL, "cpus is null or empty", &none, AML_PROBE_ANY, Brief());
  EXPECT_EQ(-AML_EINVAL, aml_probe(&cpus, AML_PROBE_ANY, nullptr, nullptr));
  EXPECT_STREQ("aml_probe: result is null", aml_error_detail());
}

TEST(CoreProbeRefusal, OptionsThatAreNone) {
  const aml_cpuset cpus = SomeCpus(1);
  struct Case {
    std::string sentence;
    std::function<void(aml_probe_options &)> change;
  };
  const std::vector<Case> cases = {
      {"options.measurements has bits that are no measurement",
       [](aml_probe_options &options) { options.measurements = 1u << 5; }},
      {"options.load is no load",
       [](aml_probe_options &options) { std::memset(&options.load, 1, sizeof options.load); }},
      {"options.repetitions is more than AML_PROBE_MAX_REPETITIONS",
       [](aml_probe_options &options) { options.repetitions = AML_PROBE_MAX_REPETITIONS + 1; }},
      {"options.threads is more than there are CPUs in the set",
       [](aml_probe_options &options) { options.threads = 2; }},
      {"options.load_threads is more than there are CPUs in the set but one",
       [](aml_probe_options &options) { options.load_threads = 1; }},
      {"options.size is less than 8 KiB for each thread",
       [](aml_probe_options &options) { options.size = 8191; }},
      {"options.size is less than 8 KiB for each thread",
       [](aml_probe_options &options) { options.size = 1; }},
  };
  for (const Case &it : cases) {
    aml_probe_options options = Brief();
    it.change(options);
    Expect(-AML_EINVAL, it.sentence, &cpus, AML_PROBE_ANY, options);
  }
}

TEST(CoreProbeRefusal, ACpuThatIsNotThere) {
  aml_cpuset cpus = SomeCpus(1);
  aml_cpuset_add(&cpus, AML_CPUSET_CAPACITY - 1);
  Expect(-AML_EINVAL, "cpus: CPU 8191 is offline, or not allowed to this process", &cpus,
         AML_PROBE_ANY, Brief());
}

TEST(CoreProbeRefusal, ATargetThatIsNotThere) {
  const aml_cpuset cpus = SomeCpus(1);
  Expect(-AML_ENODEV, "target 1023 is no device", &cpus, 1023, Brief());
  Expect(-AML_ENODEV, "target 2147483647 is no device", &cpus, INT32_MAX, Brief());
  Expect(-AML_EINVAL, "target is neither a device nor AML_PROBE_ANY", &cpus, -2, Brief());
}

TEST(CoreProbeRefusal, MoreThanThereIs) {
  const aml_cpuset cpus = SomeCpus(1);
  aml_probe_options options = Brief();
  for (const size_t size : {SIZE_MAX, SIZE_MAX - 4095, SIZE_MAX / 2}) {
    options.size = size;
    Expect(-AML_ENOMEM,
           "a buffer of " + std::to_string(size) + " bytes is not what the device has to give now",
           &cpus, AML_PROBE_ANY, options);
  }
}

TEST(CoreProbeRefusal, MoreThanTheProcessMayMap) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer needs the addresses";
#endif
  const aml_cpuset cpus = SomeCpus(1);
  rlimit before;
  ASSERT_EQ(0, getrlimit(RLIMIT_AS, &before));
  std::ifstream file("/proc/self/statm");
  rlim_t pages = 0;
  file >> pages;
  const rlim_t room = rlim_t{32} << 20;
  const rlimit small = {pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + room, before.rlim_max};
  ASSERT_EQ(0, setrlimit(RLIMIT_AS, &small));
  aml_probe_result result;
  aml_probe_options options = Brief();
  options.size = 2 * room;
  const int err = aml_probe(&cpus, AML_PROBE_ANY, &options, &result);
  const std::string sentence = aml_error_detail();
  ASSERT_EQ(0, setrlimit(RLIMIT_AS, &before));
  EXPECT_EQ(-AML_ENOMEM, err);
  EXPECT_EQ("aml_probe: mmap: Cannot allocate memory", sentence);
}

} // namespace
