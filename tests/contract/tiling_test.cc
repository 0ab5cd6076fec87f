// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of tilings on the type that defects are planted in: without one it passes.

#include "aml/tests/contract/tiling.h"

#include <gtest/gtest.h>

#include "aml/core/tiling.h"
#include "aml/tests/contract/internal/plane_tiling.h"

namespace {

using namespace aml_testing;

struct PlainPlane : PlaneFactory<PlainPlane> {
  static void Plant(aml_tiling_ops *) {}
};

INSTANTIATE_TYPED_TEST_SUITE_P(Plane, TilingContract, PlainPlane);

} // namespace
