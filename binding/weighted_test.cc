// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/weighted.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "aml/binding/mapping_testing.h"
#include "aml/core/binding.h"
#include "aml/core/cpuset.h"
#include "aml/core/device.h"
#include "aml/core/device_facts.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/sysfs/tree.h"

namespace {

using namespace aml_testing;

int Init(aml_binding *binding, const aml_nodeset &set, const std::vector<unsigned> &weights) {
  const aml_binding_weighted_options options = {weights.data(), nullptr};
  return aml_binding_weighted_init(binding, &set, &options);
}

int64_t Sum(const std::vector<unsigned> &weights) {
  return std::accumulate(weights.begin(), weights.end(), int64_t{0});
}

// Some of them 0, or with a common divisor; not all 0.
std::vector<unsigned> RandomWeights(std::mt19937 &random, size_t count) {
  const unsigned factor = random() % 3 == 0 ? 1000000 : 1;
  std::vector<unsigned> weights(count);
  for (unsigned &weight : weights)
    weight = random() % 6 == 0 ? 0 : factor * static_cast<unsigned>(random() % 50);
  weights[random() % count] = factor * 3;
  return weights;
}

// Of every prefix, in integers: |x * W - t * w| * (2n - 2) <= W * (2n - 3), which is less than one.
TEST(BindingWeighted, EveryPrefixIsWithinOneItemOfTheWeights) {
  std::mt19937 random(1);
  for (int round = 0; round < 80; ++round) {
    const aml_nodeset set = RandomSet(random, 12);
    const std::vector<int> devices = Numbers(set);
    const std::vector<unsigned> weights = RandomWeights(random, devices.size());
    AML_BINDING_WEIGHTED_DECL(binding);
    ASSERT_EQ(0, Init(binding, set, weights)) << aml_error_detail();
    const int64_t total = Sum(weights);
    const auto used = static_cast<int64_t>(aml_nodeset_count(&binding_storage.devices));
    const int64_t scale = used == 1 ? 2 : 2 * (used - 1);
    std::map<int, int64_t> items;
    for (int64_t t = 1; t <= 700; ++t) {
      ++items[aml_binding_weighted_device_of(binding, static_cast<size_t>(t - 1))];
      for (size_t i = 0; i < devices.size(); ++i)
        ASSERT_LE(scale * std::abs(items[devices[i]] * total - t * int64_t{weights[i]}),
                  (scale - 1) * total)
            << "device " << devices[i] << " after " << t << " items";
    }
    aml_binding_fini(binding);
  }
}

TEST(BindingWeighted, BeginsAnewAfterAPeriodOfTheReducedWeights) {
  const aml_nodeset set = Set("1,4,9");
  AML_BINDING_WEIGHTED_DECL(binding);
  ASSERT_EQ(0, Init(binding, set, {UINT_MAX, UINT_MAX / 5 * 2, UINT_MAX / 5}))
      << aml_error_detail();
  std::vector<int> period;
  for (size_t i = 0; i < 8; ++i)
    period.push_back(aml_binding_weighted_device_of(binding, i));
  const auto at = [&](size_t index) { return period[index % 8]; };
  ExpectMapping(binding, 100, at,
                [&](size_t index) { return aml_binding_weighted_device_of(binding, index); });
  EXPECT_EQ(at(SIZE_MAX - 1), aml_binding_device_of(binding, SIZE_MAX - 1, SIZE_MAX));
  ExpectRuns(binding, 100, at);
  aml_binding_fini(binding);
}

TEST(BindingWeighted, ADeviceOfWeightZeroIsNeitherUsedNorNamed) {
  const aml_nodeset set = Set("1-4");
  AML_BINDING_WEIGHTED_DECL(binding);
  ASSERT_EQ(0, Init(binding, set, {0, 7, 0, 0}));
  EXPECT_EQ(std::vector<int>{2}, Numbers(NamedBy(binding)));
  EXPECT_EQ(2, aml_binding_device_of(binding, 5, 10));
  EXPECT_EQ(5u, binding->ops->run(binding, 5, 10)) << "one device is one run";
  aml_binding_fini(binding);
  ExpectNotInitialised(binding);
}

TEST(BindingWeighted, GivenWeightsAreNoPolicyOfTheKernel) {
  const aml_nodeset set = Set("0-1");
  AML_BINDING_WEIGHTED_DECL(binding);
  ASSERT_EQ(0, Init(binding, set, {1, 1}));
  aml_policy policy = AML_POLICY_DEFAULT;
  aml_nodeset devices = {};
  ExpectRefused(-AML_ENOTSUP, "aml_binding_policy: binding has weights that are not the system's",
                [&] { return aml_binding_policy(binding, &policy, &devices); });
  aml_binding_fini(binding);
}

TEST(BindingWeighted, APeriodIsOfAtMost65536Items) {
  const aml_nodeset set = Set("0-1");
  AML_BINDING_WEIGHTED_DECL(binding);
  ASSERT_EQ(0, Init(binding, set, {65535, 1}));
  aml_binding_fini(binding);
  const auto refused = [&](unsigned a, unsigned b) {
    ExpectRefused(-AML_EOVERFLOW,
                  "aml_binding_weighted_init: weights: their sum, reduced, " +
                      std::to_string(uint64_t{a} + b) + " is more than 65536",
                  [&] {
                    return Init(binding, set, {a, b});
                  });
  };
  refused(65536, 1);
  refused(UINT_MAX, UINT_MAX - 1);
  ExpectNotInitialised(binding);
}

TEST(BindingWeighted, RefusesNoWeightAnEmptySetAndWhatIsNotItsOwn) {
  const aml_nodeset empty = {};
  const aml_nodeset set = Set("0-1");
  ExpectOwnStorageOnly("weighted", [&](aml_binding *it) { return Init(it, set, {1, 1}); });
  AML_BINDING_WEIGHTED_DECL(binding);
  for (const aml_nodeset *const wrong : {static_cast<const aml_nodeset *>(nullptr), &empty})
    ExpectRefused(-AML_EINVAL, "aml_binding_weighted_init: devices is null or empty",
                  [&] { return aml_binding_weighted_init(binding, wrong, nullptr); });
  ExpectRefused(-AML_EINVAL, "aml_binding_weighted_init: weights are all 0", [&] {
    return Init(binding, set, {0, 0});
  });
  ExpectNotInitialised(binding);
}

const std::string kWeights = "sys/kernel/mm/mempolicy/weighted_interleave/";

int InitFrom(aml_binding *binding, const char *set, const SysfsTree &tree) {
  const aml_nodeset devices = Set(set);
  const aml_binding_weighted_options options = {nullptr, tree.options().sysfs};
  return aml_binding_weighted_init(binding, &devices, &options);
}

// As the kernel has it: page t is on the first device below whose sum of weights t is.
TEST(BindingWeighted, WithoutWeightsItIsTheMappingOfTheKernelAndItsPolicy) {
  const unsigned weights[] = {2, 4, 255, 6};
  SysfsTree tree = SysfsTree::Of("two_sockets");
  for (size_t i = 0; i < 4; ++i)
    ASSERT_TRUE(
        tree.Write(kWeights + "node" + std::to_string(i), std::to_string(weights[i]) + "\n"));
  AML_BINDING_WEIGHTED_DECL(binding);
  ASSERT_EQ(0, InitFrom(binding, "0,1,3", tree)) << aml_error_detail();
  const auto at = [](size_t index) { return index % 12 < 2 ? 0 : index % 12 < 6 ? 1 : 3; };
  ExpectMapping(binding, 100, at,
                [&](size_t index) { return aml_binding_weighted_device_of(binding, index); });
  ExpectLongestRuns(binding, 100, at);
  aml_policy policy = AML_POLICY_DEFAULT;
  aml_nodeset devices = {};
  ASSERT_EQ(0, aml_binding_policy(binding, &policy, &devices));
  EXPECT_EQ(AML_POLICY_WEIGHTED_INTERLEAVE, policy);
  EXPECT_EQ((std::vector<int>{0, 1, 3}), Numbers(devices));
  aml_binding_fini(binding);
}

TEST(BindingWeighted, ASystemWithoutItsWeightsIsRefused) {
  SysfsTree tree = SysfsTree::Of("two_sockets");
  AML_BINDING_WEIGHTED_DECL(binding);
  ExpectRefused(-AML_ENOTSUP,
                "aml_binding_weighted_init: weights are none of the system's: Linux has them from "
                "6.9 on",
                [&] { return InitFrom(binding, "0", tree); });
  ASSERT_TRUE(tree.Write(kWeights + "node0", "1\n"));
  ExpectRefused(-AML_ENODEV,
                "aml_binding_weighted_init: devices: of device 1 the kernel has no weight",
                [&] { return InitFrom(binding, "0-1", tree); });
  for (const char *const text : {"", "\n", "0\n", "256\n", "1000\n", "7", "7x\n", "-1\n", " 1\n"}) {
    ASSERT_TRUE(tree.Write(kWeights + "node0", text));
    ExpectRefused(-AML_EIO,
                  "aml_binding_weighted_init: weights: that of device 0 is no number of 1 to 255",
                  [&] { return InitFrom(binding, "0", tree); });
  }
  const std::string deep(5000, 'a');
  const aml_nodeset set = Set("0");
  const aml_binding_weighted_options options = {nullptr, deep.c_str()};
  ExpectRefused(-AML_EINVAL, "aml_binding_weighted_init: sysfs_root is too long",
                [&] { return aml_binding_weighted_init(binding, &set, &options); });
  ExpectNotInitialised(binding);
}

TEST(BindingWeighted, NoOptionsAreTheWeightsOfThisMachine) {
  const bool has = access("/sys/kernel/mm/mempolicy/weighted_interleave/node0", R_OK) == 0;
  const aml_nodeset set = Set("0");
  AML_BINDING_WEIGHTED_DECL(binding);
  EXPECT_EQ(has, aml_binding_weighted_init(binding, &set, nullptr) == 0) << aml_error_detail();
  aml_policy policy = AML_POLICY_DEFAULT;
  aml_nodeset devices = {};
  EXPECT_EQ(has, aml_binding_policy(binding, &policy, &devices) == 0);
  aml_binding_fini(binding);
}

// Weights by bandwidth

class BindingWeightedByBandwidth : public ::testing::Test {
protected:
  void SetUp() override {
    const aml_devices_options options = tree_.options();
    ASSERT_EQ(0, aml_devices_read(&devices_, &options)) << aml_error_detail();
    ASSERT_EQ(0, aml_cpuset_parse("0-55", &cpus_)); // those of device 0
  }
  void TearDown() override { aml_devices_destroy(&devices_); }

  void Give(int device, uint64_t mib_s) {
    const aml_device_performance figures = {mib_s, AML_UNKNOWN, AML_UNKNOWN, AML_UNKNOWN};
    ASSERT_EQ(0, aml_devices_set_performance(devices_, 0, device, &figures));
  }
  std::vector<unsigned> Weights(const char *text) {
    const aml_nodeset set = Set(text);
    std::vector<unsigned> weights(aml_nodeset_count(&set), 77);
    EXPECT_EQ(0, aml_binding_weighted_by_bandwidth(devices_, &cpus_, &set, weights.data()))
        << aml_error_detail();
    return weights;
  }

  SysfsTree tree_ = SysfsTree::Of("hbm_flat");
  aml_devices *devices_ = nullptr;
  aml_cpuset cpus_ = {};
};

// Whether w of `sum` weights is within a sixteenth of the share that b of `all` is.
bool IsNear(uint64_t w, uint64_t sum, uint64_t b, uint64_t all) {
  const auto share = static_cast<int64_t>(w * all);
  const auto exact = static_cast<int64_t>(b * sum);
  return 16 * std::abs(share - exact) <= exact;
}

TEST_F(BindingWeightedByBandwidth, SharesAreWithinASixteenthWithASmallSum) {
  std::mt19937 random(3);
  for (int round = 0; round < 100; ++round) {
    const uint64_t a = 1000 + random() % 1000000;
    const uint64_t b = 1000 + random() % 1000000;
    Give(0, a);
    Give(2, b);
    const std::vector<unsigned> weights = Weights("0,2");
    const uint64_t sum = uint64_t{weights[0]} + weights[1];
    if (std::max(a, b) / std::min(a, b) < 100) {
      EXPECT_TRUE(IsNear(weights[0], sum, a, a + b) && IsNear(weights[1], sum, b, a + b))
          << a << " " << b;
    }
    for (uint64_t less = 2; less < sum; ++less) {
      const uint64_t nearest = (2 * less * a + a + b) / (2 * (a + b));
      ASSERT_FALSE(IsNear(nearest, less, a, a + b) && IsNear(less - nearest, less, b, a + b))
          << nearest << " of " << less << " would do for " << a << " " << b;
    }
  }
}

TEST_F(BindingWeightedByBandwidth, FirmwaresFiguresWillDo) {
  EXPECT_EQ((std::vector<unsigned>{2, 5}), Weights("0,2")); // of 3 to 8
  EXPECT_EQ(std::vector<unsigned>{1}, Weights("2"));
}

TEST_F(BindingWeightedByBandwidth, WhatIsTooSlowToCountHasWeightZero) {
  Give(0, UINT64_MAX - 1);
  Give(1, UINT64_MAX - 1);
  Give(2, 1);
  EXPECT_EQ((std::vector<unsigned>{2048, 2048, 0}), Weights("0-2"));
}

TEST_F(BindingWeightedByBandwidth, AFigureThatIsNotKnownIsRefused) {
  unsigned weights[] = {77, 77};
  const char *const sets[] = {"0,3", "0,9"}; // known from other CPUs only; no such device
  for (const char *const text : sets) {
    const aml_nodeset set = Set(text);
    ExpectRefused(
        -AML_ENOENT,
        std::string("aml_binding_weighted_by_bandwidth: devices: of device ") + text[2] +
            " no read bandwidth is known",
        [&] { return aml_binding_weighted_by_bandwidth(devices_, &cpus_, &set, weights); });
  }
  EXPECT_EQ(77u, weights[0]);
}

TEST_F(BindingWeightedByBandwidth, NullAnEmptySetAndStrangeCpusAreRefused) {
  unsigned weights[2];
  const aml_nodeset empty = {};
  const aml_nodeset set = Set("0,2");
  const aml_cpuset strange = aml_cpuset_of(5000);
  const std::string call = "aml_binding_weighted_by_bandwidth: ";
  const auto refused = [&](const char *why, const aml_devices *snapshot, const aml_nodeset *of,
                           unsigned *result) {
    ExpectRefused(-AML_EINVAL, call + why,
                  [&] { return aml_binding_weighted_by_bandwidth(snapshot, &cpus_, of, result); });
  };
  refused("snapshot is null", nullptr, &set, weights);
  refused("weights is null", devices_, &set, nullptr);
  refused("devices is null or empty", devices_, nullptr, weights);
  refused("devices is null or empty", devices_, &empty, weights);
  EXPECT_EQ(-AML_EINVAL, aml_binding_weighted_by_bandwidth(devices_, &strange, &set, weights));
  EXPECT_EQ(0u, std::string(aml_error_detail()).find(call + "snapshot or cpus: aml_devices_rank:"))
      << aml_error_detail();
}

} // namespace
