// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of dmas passes types that keep the contract, at submit and later.

#include "aml/tests/contract/dma.h"

#include <gtest/gtest.h>

#include "aml/core/dma.h"
#include "aml/tests/contract/internal/late_dma.h"

namespace {

using namespace aml_testing;

struct AtSubmit : LateFactory<AtSubmit> {
  static void Plant(aml_dma_ops *ops) { ops->submit = Late::SubmitNow; }
};

struct WhenWaitedFor : LateFactory<WhenWaitedFor> {
  static void Plant(aml_dma_ops *) {}
};

using Factories = testing::Types<AtSubmit, WhenWaitedFor>;
INSTANTIATE_TYPED_TEST_SUITE_P(Late, DmaContract, Factories);

} // namespace
