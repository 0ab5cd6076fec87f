// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "aml/binding/mapping_testing.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

using namespace aml_testing;

TEST(BindingBlock, EachDeviceHasItsConsecutiveItems) {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    const aml_nodeset set = RandomSet(random, round % 10 == 0 ? 2000 : 9);
    const std::vector<int> devices = Numbers(set);
    const size_t count = 1 + random() % (round % 10 == 0 ? 3000 : 100);
    AML_BINDING_BLOCK_DECL(binding);
    ASSERT_EQ(0, aml_binding_block_init(binding, &set));
    std::vector<int> expected;
    for (size_t i = 0; i < devices.size(); ++i)
      expected.insert(expected.end(), (i + 1) * count / devices.size() - i * count / devices.size(),
                      devices[i]);
    ASSERT_EQ(count, expected.size());
    const auto at = [&](size_t index) { return expected[index]; };
    ExpectMapping(binding, count, at,
                  [&](size_t index) { return aml_binding_block_device_of(binding, index, count); });
    if (count <= 100)
      ExpectLongestRuns(binding, count, at);
    aml_binding_fini(binding);
  }
}

TEST(BindingBlock, NoTwoDevicesDifferByMoreThanOneItem) {
  const aml_nodeset set = Set("2,3,5-7");
  AML_BINDING_BLOCK_DECL(binding);
  ASSERT_EQ(0, aml_binding_block_init(binding, &set));
  for (size_t count = 5; count < 40; ++count) {
    std::vector<size_t> items(8);
    for (size_t index = 0; index < count; ++index)
      ++items[aml_binding_device_of(binding, index, count)];
    const std::vector<size_t> of = {items[2], items[3], items[5], items[6], items[7]};
    EXPECT_LE(*std::max_element(of.begin(), of.end()), *std::min_element(of.begin(), of.end()) + 1)
        << count;
  }
  aml_binding_fini(binding);
}

// Where the products of the formula do not fit in 64 bits.
TEST(BindingBlock, AsManyItemsAsCanBeAreDealtExactly) {
  const aml_nodeset set = Set("0-2");
  AML_BINDING_BLOCK_DECL(binding);
  ASSERT_EQ(0, aml_binding_block_init(binding, &set));
  const size_t third = SIZE_MAX / 3; // 3 divides 2^64 - 1
  for (const int device : {0, 1, 2}) {
    const size_t first = static_cast<size_t>(device) * third;
    EXPECT_EQ(device, aml_binding_device_of(binding, first, SIZE_MAX));
    EXPECT_EQ(third, binding->ops->run(binding, first, SIZE_MAX));
    EXPECT_EQ(device, aml_binding_device_of(binding, first + third - 1, SIZE_MAX));
    EXPECT_EQ(1u, binding->ops->run(binding, first + third - 1, SIZE_MAX));
  }
  aml_binding_fini(binding);
}

TEST(BindingBlock, NamesItsDevices) {
  const aml_nodeset set = Set("1-2,40,1023");
  AML_BINDING_BLOCK_DECL(binding);
  ASSERT_EQ(0, aml_binding_block_init(binding, &set));
  EXPECT_EQ(Numbers(set), Numbers(NamedBy(binding)));
  aml_binding_fini(binding);
  ExpectNotInitialised(binding);
}

TEST(BindingBlock, RefusesAnEmptySetAndWhatIsNotItsOwn) {
  const aml_nodeset empty = {};
  const aml_nodeset set = Set("0");
  ExpectOwnStorageOnly("block", [&](aml_binding *it) { return aml_binding_block_init(it, &set); });
  AML_BINDING_BLOCK_DECL(binding);
  for (const aml_nodeset *const wrong : {static_cast<const aml_nodeset *>(nullptr), &empty})
    ExpectRefused(-AML_EINVAL, "aml_binding_block_init: devices is null or empty",
                  [&] { return aml_binding_block_init(binding, wrong); });
  ExpectNotInitialised(binding);
  EXPECT_EQ(0, aml_binding_block_init(binding, &set));
  aml_binding_fini(binding);
}

} // namespace
