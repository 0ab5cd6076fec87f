// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "aml/binding/table.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/tests/contract/binding.h"

namespace {

using namespace aml_testing;

struct Table {
  std::vector<int> devices;
  bool repeat;
};
const Table kTables[] = {
    {{0}, true},
    {{7}, false},
    {{0, 0, 1, 1, 1, 900, 0}, true},
    {{-AML_ENOENT, 3, 3, -AML_ENOENT}, true},
    {{-AML_ENOENT}, true},
    {{5, 2, 2, 1023, -AML_ENOENT, 2}, false},
};

struct TableFactory {
  static constexpr size_t kInstances = sizeof kTables / sizeof kTables[0];
  AML_BINDING_TABLE_DECL(binding);

  int Init(size_t i) {
    const aml_binding_table_options options = {kTables[i].repeat};
    return aml_binding_table_init(binding, kTables[i].devices.data(), kTables[i].devices.size(),
                                  &options);
  }
  static int Create(size_t i, aml_binding **created) {
    const aml_binding_table_options options = {kTables[i].repeat};
    return aml_binding_table_create(created, kTables[i].devices.data(), kTables[i].devices.size(),
                                    &options);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(BindingTable, BindingContract, TableFactory);

} // namespace
