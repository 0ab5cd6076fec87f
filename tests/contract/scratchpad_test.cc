// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of scratchpads passes a type that keeps the contract.

#include "aml/tests/contract/scratchpad.h"

#include <gtest/gtest.h>

#include "aml/core/scratchpad.h"
#include "aml/tests/contract/internal/shelf_scratchpad.h"

namespace {

using namespace aml_testing;

struct Sound : ShelfFactory<Sound> {
  static void Plant(aml_scratchpad_ops *) {}
};

INSTANTIATE_TYPED_TEST_SUITE_P(Shelf, ScratchpadContract, Sound);

} // namespace
