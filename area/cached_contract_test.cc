// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/area/cached.h"
#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/tests/contract/area.h"

namespace {

using namespace aml_testing;

// Over anonymous memory; instance 1 keeps one page, instance 2 keeps what is a second old at most.
struct AreaCachedFactory {
  static constexpr size_t kInstances = 3;
  AML_AREA_CACHED_DECL(area);

  static aml_area *Inner() {
    static aml_area *const inner = [] {
      aml_area *made = nullptr;
      EXPECT_EQ(0, aml_area_linux_create(&made, nullptr));
      return made;
    }();
    return inner;
  }
  static aml_area_cached_options OptionsOf(size_t i) {
    aml_area_cached_options options = {};
    if (i == 1)
      options.max_size = 4096;
    if (i == 2)
      options.max_age_ns = 1000000000;
    return options;
  }
  int Init(size_t i) {
    const aml_area_cached_options options = OptionsOf(i);
    return aml_area_cached_init(area, Inner(), &options);
  }
  static int Create(size_t i, aml_area **created) {
    const aml_area_cached_options options = OptionsOf(i);
    return aml_area_cached_create(created, Inner(), &options);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(AreaCached, AreaContract, AreaCachedFactory);

} // namespace
