// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/table.h"

#include <gtest/gtest.h>

#include <climits>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "aml/binding/mapping_testing.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

using namespace aml_testing;

std::vector<int> RandomTable(std::mt19937 &random) {
  std::vector<int> table(1 + random() % 40);
  for (int &entry : table)
    entry = random() % 5 == 0 ? -AML_ENOENT : static_cast<int>(random() % 3);
  return table;
}

TEST(BindingTable, EachItemIsWhereItsEntrySays) {
  std::mt19937 random(1);
  for (int round = 0; round < 100; ++round) {
    const std::vector<int> table = RandomTable(random);
    AML_BINDING_TABLE_DECL(binding);
    ASSERT_EQ(0, aml_binding_table_init(binding, table.data(), table.size(), nullptr));
    const auto at = [&](size_t index) { return table[index]; };
    const size_t count = 1 + random() % table.size();
    ExpectMapping(binding, count, at,
                  [&](size_t index) { return aml_binding_table_device_of(binding, index); });
    ExpectLongestRuns(binding, count, at);
    aml_binding_fini(binding);
  }
}

TEST(BindingTable, ARepeatedTableBeginsAnewBehindItsEnd) {
  std::mt19937 random(2);
  const aml_binding_table_options options = {true};
  for (int round = 0; round < 50; ++round) {
    const std::vector<int> table = RandomTable(random);
    AML_BINDING_TABLE_DECL(binding);
    ASSERT_EQ(0, aml_binding_table_init(binding, table.data(), table.size(), &options));
    const auto at = [&](size_t index) { return table[index % table.size()]; };
    ExpectMapping(binding, 150, at,
                  [&](size_t index) { return aml_binding_table_device_of(binding, index); });
    const size_t last = SIZE_MAX - 1;
    EXPECT_EQ(at(last), aml_binding_device_of(binding, last, SIZE_MAX));
    ExpectRuns(binding, 150, at);
    aml_binding_fini(binding);
  }
}

TEST(BindingTable, AnItemBehindItsEndIsRefused) {
  const int table[] = {4, 5};
  AML_BINDING_TABLE_DECL(binding);
  ASSERT_EQ(0, aml_binding_table_init(binding, table, 2, nullptr));
  EXPECT_EQ(5, aml_binding_device_of(binding, 1, 9));
  for (const size_t index : {size_t{2}, SIZE_MAX - 1}) {
    ExpectRefused(-AML_EINVAL,
                  "aml_binding_device_of: index " + std::to_string(index) +
                      " is behind the end of the table",
                  [&] { return aml_binding_device_of(binding, index, SIZE_MAX); });
    EXPECT_EQ(1u, binding->ops->run(binding, index, SIZE_MAX));
  }
  aml_binding_fini(binding);
}

TEST(BindingTable, NamesTheDevicesOfItsEntries) {
  const int table[] = {40, 1, -AML_ENOENT, 40, 1023};
  AML_BINDING_TABLE_DECL(binding);
  ASSERT_EQ(0, aml_binding_table_init(binding, table, 5, nullptr));
  EXPECT_EQ((std::vector<int>{1, 40, 1023}), Numbers(NamedBy(binding)));
  aml_binding_fini(binding);
  ExpectNotInitialised(binding);
}

TEST(BindingTable, RefusesWhatIsNoTableAndWhatIsNotItsOwn) {
  int table[] = {0, 1, 2};
  ExpectOwnStorageOnly(
      "table", [&](aml_binding *it) { return aml_binding_table_init(it, table, 3, nullptr); });
  AML_BINDING_TABLE_DECL(binding);
  ExpectRefused(-AML_EINVAL, "aml_binding_table_init: devices is null",
                [&] { return aml_binding_table_init(binding, nullptr, 3, nullptr); });
  ExpectRefused(-AML_EINVAL, "aml_binding_table_init: length is 0",
                [&] { return aml_binding_table_init(binding, table, 0, nullptr); });
  for (const int wrong : {-1, -AML_EINVAL, int{AML_NODESET_CAPACITY}, INT_MAX, INT_MIN}) {
    table[1] = wrong;
    ExpectRefused(-AML_EINVAL,
                  "aml_binding_table_init: devices: the entry of item 1 is no number of a device",
                  [&] { return aml_binding_table_init(binding, table, 3, nullptr); });
  }
  ExpectNotInitialised(binding);
  EXPECT_EQ(0, aml_binding_table_init(binding, table, 1, nullptr));
  aml_binding_fini(binding);
}

} // namespace
