// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/cyclic.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

#include "aml/binding/mapping_testing.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

using namespace aml_testing;

TEST(BindingCyclic, BlocksGoRoundTheDevices) {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    const aml_nodeset set = RandomSet(random, 9);
    const std::vector<int> devices = Numbers(set);
    const aml_binding_cyclic_options options = {random() % 8};
    const size_t block = options.block == 0 ? 1 : options.block;
    AML_BINDING_CYCLIC_DECL(binding);
    ASSERT_EQ(0, aml_binding_cyclic_init(binding, &set, &options));
    const auto at = [&](size_t index) { return devices[index / block % devices.size()]; };
    ExpectMapping(binding, 200, at,
                  [&](size_t index) { return aml_binding_cyclic_device_of(binding, index); });
    ExpectLongestRuns(binding, 100, at);
    aml_binding_fini(binding);
  }
}

TEST(BindingCyclic, NoOptionsAreBlocksOfOne) {
  const aml_nodeset set = Set("2,4");
  AML_BINDING_CYCLIC_DECL(binding);
  ASSERT_EQ(0, aml_binding_cyclic_init(binding, &set, nullptr));
  EXPECT_EQ(2, aml_binding_device_of(binding, 0, 3));
  EXPECT_EQ(4, aml_binding_device_of(binding, 1, 3));
  EXPECT_EQ(2, aml_binding_device_of(binding, 2, 3));
  aml_binding_fini(binding);
}

TEST(BindingCyclic, BlocksMayBeAsLargeAsCanBe) {
  const aml_nodeset set = Set("2,4");
  for (const size_t block : {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2 + 1}) {
    const aml_binding_cyclic_options options = {block};
    AML_BINDING_CYCLIC_DECL(binding);
    ASSERT_EQ(0, aml_binding_cyclic_init(binding, &set, &options));
    EXPECT_EQ(block, binding->ops->run(binding, 0, SIZE_MAX));
    EXPECT_EQ(2, aml_binding_device_of(binding, block - 1, SIZE_MAX));
    if (block < SIZE_MAX - 1) {
      EXPECT_EQ(4, aml_binding_device_of(binding, block, SIZE_MAX));
      EXPECT_EQ(SIZE_MAX - block, binding->ops->run(binding, block, SIZE_MAX));
    }
    aml_binding_fini(binding);
  }
}

TEST(BindingCyclic, NamesItsDevices) {
  const aml_nodeset set = Set("1-2,40,1023");
  AML_BINDING_CYCLIC_DECL(binding);
  ASSERT_EQ(0, aml_binding_cyclic_init(binding, &set, nullptr));
  EXPECT_EQ(Numbers(set), Numbers(NamedBy(binding)));
  aml_binding_fini(binding);
  ExpectNotInitialised(binding);
}

TEST(BindingCyclic, RefusesAnEmptySetAndWhatIsNotItsOwn) {
  const aml_nodeset empty = {};
  const aml_nodeset set = Set("0");
  ExpectOwnStorageOnly("cyclic",
                       [&](aml_binding *it) { return aml_binding_cyclic_init(it, &set, nullptr); });
  AML_BINDING_CYCLIC_DECL(binding);
  for (const aml_nodeset *const wrong : {static_cast<const aml_nodeset *>(nullptr), &empty})
    ExpectRefused(-AML_EINVAL, "aml_binding_cyclic_init: devices is null or empty",
                  [&] { return aml_binding_cyclic_init(binding, wrong, nullptr); });
  ExpectNotInitialised(binding);
  EXPECT_EQ(0, aml_binding_cyclic_init(binding, &set, nullptr));
  aml_binding_fini(binding);
}

} // namespace
