// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "aml/area/limited.h"
#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/tests/contract/area.h"

namespace {

using namespace aml_testing;

// Over anonymous memory; instance 1 has a reservation, of which some mappings are larger.
struct AreaLimitedFactory {
  static constexpr size_t kInstances = 2;
  static constexpr size_t kReserve = 1 << 16;
  AML_AREA_LIMITED_DECL(area);

  static aml_area *Inner() {
    static aml_area *const inner = [] {
      aml_area *made = nullptr;
      EXPECT_EQ(0, aml_area_linux_create(&made, nullptr));
      return made;
    }();
    return inner;
  }
  static aml_area_quota *Quota() {
    static aml_area_quota quota;
    aml_area_quota_options options = {};
    options.limit = SIZE_MAX / 2;
    static const int err = aml_area_quota_init(&quota, &options);
    EXPECT_EQ(0, err);
    return &quota;
  }
  int Init(size_t i) { return aml_area_limited_init(area, Inner(), Quota(), i * kReserve); }
  static int Create(size_t i, aml_area **created) {
    return aml_area_limited_create(created, Inner(), Quota(), i * kReserve);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(AreaLimited, AreaContract, AreaLimitedFactory);

} // namespace
