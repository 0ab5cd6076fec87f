// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "aml/binding/grid.h"
#include "aml/core/binding.h"
#include "aml/core/tile.h"
#include "aml/tests/contract/binding.h"

namespace {

using namespace aml_testing;

constexpr int kNumbers[] = {0, 900, 7, 1, 1, 3, 1023, 2, 5, 6, 4, 8};

constexpr aml_binding_grid_options kOptions[] = {
    {1, {}, {}, {}, kNumbers, AML_ORDER_ROW},
    {1, {}, {3}, {4}, kNumbers, AML_ORDER_COLUMN},
    {2, {0, 5}, {1, 2}, {2, 2}, kNumbers, AML_ORDER_ROW},
    {2, {7, 0}, {2, 1}, {3, 2}, kNumbers, AML_ORDER_COLUMN},
    {2, {4, 4}, {1, SIZE_MAX}, {2, 1}, kNumbers, AML_ORDER_ROW},
    {3, {3, 4, 5}, {1, 2, 2}, {2, 3, 2}, kNumbers, AML_ORDER_ROW},
    {8, {2, 1, 2, 3, 1, 2, 2, 2}, {}, {2, 1, 1, 3, 1, 1, 2, 1}, kNumbers, AML_ORDER_COLUMN},
};

struct GridFactory {
  static constexpr size_t kInstances = sizeof kOptions / sizeof kOptions[0];
  AML_BINDING_GRID_DECL(binding);

  int Init(size_t i) { return aml_binding_grid_init(binding, &kOptions[i]); }
  static int Create(size_t i, aml_binding **created) {
    return aml_binding_grid_create(created, &kOptions[i]);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(BindingGrid, BindingContract, GridFactory);

} // namespace
