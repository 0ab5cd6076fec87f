// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/area/fixed.h"
#include "aml/core/area.h"
#include "aml/tests/contract/area.h"

namespace {

using namespace aml_testing;

// Whole regions, one that the host cannot touch, and one that is not zeroed; the odd ends of
// instance 1 are not used.
struct AreaFixedFactory {
  static constexpr size_t kInstances = 4;
  static constexpr size_t kSize = size_t{1} << 20;
  AML_AREA_FIXED_DECL(area);

  static aml_area_fixed_options OptionsOf(size_t i) {
    alignas(4096) static char regions[kInstances][kSize];
    aml_area_fixed_options options = {};
    options.pointer = regions[i];
    options.size = kSize;
    if (i == 1) {
      options.pointer = regions[i] + 1;
      options.size -= 2;
      options.granularity = 4096;
    }
    if (i == 2)
      options.capabilities = AML_AREA_DEVICE;
    if (i == 3)
      options.flags = AML_AREA_FIXED_NO_ZERO;
    return options;
  }
  int Init(size_t i) {
    const aml_area_fixed_options options = OptionsOf(i);
    return aml_area_fixed_init(area, &options);
  }
  static int Create(size_t i, aml_area **created) {
    const aml_area_fixed_options options = OptionsOf(i);
    return aml_area_fixed_create(created, &options);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(AreaFixed, AreaContract, AreaFixedFactory);

} // namespace
