// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/near.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "aml/binding/mapping_testing.h"
#include "aml/core/binding.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/device_rank.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/sysfs/tree.h"

namespace {

using namespace aml_testing;

// A machine on paper, and bindings for threads on its CPUs.
class Machine {
public:
  explicit Machine(const char *name) {
    const SysfsTree tree = SysfsTree::Of(name);
    const aml_devices_options options = tree.options();
    EXPECT_EQ(0, aml_devices_read(&devices_, &options)) << aml_error_detail();
  }
  Machine(const Machine &) = delete;
  ~Machine() { aml_devices_destroy(&devices_); }

  int Init(aml_binding *binding, const std::vector<const char *> &cpus_of_thread,
           const aml_binding_near_options *options) const {
    std::vector<aml_cpuset> cpus(cpus_of_thread.size());
    for (size_t t = 0; t < cpus.size(); ++t)
      EXPECT_EQ(0, aml_cpuset_parse(cpus_of_thread[t], &cpus[t]));
    return aml_binding_near_init(binding, devices_, cpus.data(), cpus.size(), options);
  }
  // Of each thread: with one item for each.
  std::vector<int> DevicesOfThreads(const std::vector<const char *> &cpus_of_thread,
                                    const aml_binding_near_options *options) const {
    AML_BINDING_NEAR_DECL(binding);
    EXPECT_EQ(0, Init(binding, cpus_of_thread, options)) << aml_error_detail();
    std::vector<int> devices;
    for (size_t t = 0; t < cpus_of_thread.size(); ++t)
      devices.push_back(aml_binding_device_of(binding, t, cpus_of_thread.size()));
    aml_binding_fini(binding);
    return devices;
  }
  aml_devices *devices() { return devices_; }

private:
  aml_devices *devices_ = nullptr;
};

// Threads 0, 1, … of a machine of eight nodes, whose CPUs come eight by eight.
std::vector<const char *> ThreadsOfSnc4(std::mt19937 &random, size_t threads) {
  const char *const cpus[] = {"0", "9", "18", "27", "36-39", "45", "54", "63"};
  std::vector<const char *> of;
  for (size_t t = 0; t < threads; ++t)
    of.push_back(cpus[random() % 8]);
  return of;
}

TEST(BindingNear, WithoutChunksTheFirstThreadsHaveOneItemMore) {
  const Machine machine("snc4");
  std::mt19937 random(1);
  for (int round = 0; round < 40; ++round) {
    const size_t threads = 1 + random() % 9;
    const std::vector<const char *> cpus = ThreadsOfSnc4(random, threads);
    const std::vector<int> device = machine.DevicesOfThreads(cpus, nullptr);
    const size_t count = 1 + random() % 60;
    std::vector<int> expected;
    for (size_t t = 0; t < threads; ++t)
      expected.insert(expected.end(), count / threads + (t < count % threads ? 1 : 0), device[t]);
    ASSERT_EQ(count, expected.size());
    AML_BINDING_NEAR_DECL(binding);
    ASSERT_EQ(0, machine.Init(binding, cpus, nullptr));
    const auto at = [&](size_t index) { return expected[index]; };
    ExpectMapping(binding, count, at,
                  [&](size_t index) { return aml_binding_near_device_of(binding, index, count); });
    ExpectRuns(binding, count, at);
    aml_binding_fini(binding);
  }
}

TEST(BindingNear, ChunksGoRoundTheThreads) {
  const Machine machine("snc4");
  std::mt19937 random(2);
  for (int round = 0; round < 40; ++round) {
    const size_t threads = 1 + random() % 9;
    const aml_binding_near_options options = {1 + random() % 5, AML_DEVICE_BY_DISTANCE, 0};
    const std::vector<const char *> cpus = ThreadsOfSnc4(random, threads);
    const std::vector<int> device = machine.DevicesOfThreads(cpus, nullptr);
    AML_BINDING_NEAR_DECL(binding);
    ASSERT_EQ(0, machine.Init(binding, cpus, &options));
    const auto at = [&](size_t index) { return device[index / options.chunk % threads]; };
    ExpectMapping(binding, 100, at,
                  [&](size_t index) { return aml_binding_near_device_of(binding, index, 100); });
    ExpectRuns(binding, 100, at);
    aml_binding_fini(binding);
  }
}

TEST(BindingNear, AsManyItemsAsCanBeAreSharedOut) {
  const Machine machine("two_sockets");
  AML_BINDING_NEAR_DECL(binding);
  ASSERT_EQ(0, machine.Init(binding, {"0", "16"}, nullptr));
  const size_t first = SIZE_MAX / 2 + 1; // one more than the second thread has
  EXPECT_EQ(0, aml_binding_device_of(binding, first - 1, SIZE_MAX));
  EXPECT_EQ(1, aml_binding_device_of(binding, first, SIZE_MAX));
  EXPECT_EQ(first, binding->ops->run(binding, 0, SIZE_MAX));
  EXPECT_EQ(first - 1, binding->ops->run(binding, first, SIZE_MAX));
  aml_binding_fini(binding);
  ASSERT_EQ(0, machine.Init(binding, {"16"}, nullptr));
  EXPECT_EQ(SIZE_MAX, binding->ops->run(binding, 0, SIZE_MAX)) << "one thread is one run";
  aml_binding_fini(binding);
}

TEST(BindingNear, AThreadsDeviceIsTheBestFromItsCpus) {
  const Machine machine("hbm_flat"); // 0 and 1 have CPUs 0-55 and 56-111, and 2 and 3 are their HBM
  const std::vector<const char *> cpus = {"56-111", "3", "0-55", "111"};
  EXPECT_EQ((std::vector<int>{1, 0, 0, 1}), machine.DevicesOfThreads(cpus, nullptr));
  const aml_binding_near_options hbm = {0, AML_DEVICE_BY_DISTANCE, AML_DEVICE_HBM};
  EXPECT_EQ((std::vector<int>{3, 2, 2, 3}), machine.DevicesOfThreads(cpus, &hbm));
  const aml_binding_near_options fastest = {0, AML_DEVICE_BY_READ_BANDWIDTH, 0};
  EXPECT_EQ((std::vector<int>{3, 2, 2, 3}), machine.DevicesOfThreads(cpus, &fastest));
}

TEST(BindingNear, OfSeveralBestDevicesItIsTheSmallestNumber) {
  const Machine machine("two_sockets");
  EXPECT_EQ((std::vector<int>{0, 1}), machine.DevicesOfThreads({"0-31", "31"}, nullptr));
}

TEST(BindingNear, NamesTheDevicesOfItsThreads) {
  const Machine machine("snc4");
  AML_BINDING_NEAR_DECL(binding);
  ASSERT_EQ(0, machine.Init(binding, {"63", "8", "62"}, nullptr));
  EXPECT_EQ((std::vector<int>{1, 7}), Numbers(NamedBy(binding)));
  aml_binding_fini(binding);
  ExpectNotInitialised(binding);
}

TEST(BindingNear, AThreadWithoutADeviceIsNamed) {
  const Machine machine("two_sockets");
  AML_BINDING_NEAR_DECL(binding);
  const auto expect = [&](int code, const std::vector<const char *> &cpus,
                          const aml_binding_near_options *options, const std::string &thread) {
    EXPECT_EQ(code, machine.Init(binding, cpus, options));
    EXPECT_EQ(code, aml_error_code());
    EXPECT_EQ(0u, std::string(aml_error_detail())
                      .find("aml_binding_near_init: cpus: of thread " + thread + " aml_devices_"))
        << aml_error_detail();
  };
  expect(-AML_EINVAL, {"0", "5000"}, nullptr, "1");
  expect(-AML_EINVAL, {"0", "16", ""}, nullptr, "2");
  const aml_binding_near_options hbm = {0, AML_DEVICE_BY_DISTANCE, AML_DEVICE_HBM};
  expect(-AML_ENODEV, {"0"}, &hbm, "0");
  const aml_binding_near_options strange = {0, AML_DEVICE_BY_DISTANCE, 1u << 20};
  expect(-AML_EINVAL, {"0"}, &strange, "0");
  const aml_binding_near_options by_write = {0, AML_DEVICE_BY_WRITE_LATENCY, 0};
  expect(-AML_ENOENT, {"0"}, &by_write, "0"); // which firmware gives as 0 there
  ExpectNotInitialised(binding);
}

TEST(BindingNear, RefusesNullNoThreadAndWhatIsNotItsOwn) {
  Machine machine("two_sockets");
  const aml_cpuset zero = aml_cpuset_of(0);
  ExpectOwnStorageOnly("near", [&](aml_binding *it) {
    return aml_binding_near_init(it, machine.devices(), &zero, 1, nullptr);
  });
  AML_BINDING_NEAR_DECL(binding);
  const std::string call = "aml_binding_near_init: ";
  ExpectRefused(-AML_EINVAL, call + "snapshot is null",
                [&] { return aml_binding_near_init(binding, nullptr, &zero, 1, nullptr); });
  ExpectRefused(-AML_EINVAL, call + "cpus is null", [&] {
    return aml_binding_near_init(binding, machine.devices(), nullptr, 1, nullptr);
  });
  ExpectRefused(-AML_EINVAL, call + "threads is 0", [&] {
    return aml_binding_near_init(binding, machine.devices(), &zero, 0, nullptr);
  });
  ExpectRefused(-AML_ENOMEM, call + "no memory for the devices of threads", [&] {
    return aml_binding_near_init(binding, machine.devices(), &zero, SIZE_MAX, nullptr);
  });
  ExpectNotInitialised(binding);
}

} // namespace
