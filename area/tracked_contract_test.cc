// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/area/linux.h"
#include "aml/area/tracked.h"
#include "aml/core/area.h"
#include "aml/tests/contract/area.h"
#include "aml/tests/fault/area.h"

namespace {

using namespace aml_testing;

aml_area *Linux() {
  static aml_area *const area = [] {
    aml_area *made = nullptr;
    EXPECT_EQ(0, aml_area_linux_create(&made, nullptr));
    return made;
  }();
  return area;
}

// Memory that can do nothing but be mapped.
aml_area *Bare() {
  static aml_area *const area = [] {
    aml_area *made = nullptr;
    constexpr unsigned kHidden = AML_AREA_CAN_BIND | AML_AREA_CAN_LOCATE | AML_AREA_CAN_MOVE |
                                 AML_AREA_CAN_RESIZE | AML_AREA_CAN_PURGE | AML_AREA_ZEROED;
    EXPECT_EQ(0, aml_area_fault_create(&made, Linux(), kHidden));
    return made;
  }();
  return area;
}

aml_area *Tracked() {
  static aml_area *const area = [] {
    aml_area *made = nullptr;
    EXPECT_EQ(0, aml_area_tracked_create(&made, Linux(), nullptr));
    return made;
  }();
  return area;
}

struct AreaTrackedFactory {
  static constexpr size_t kInstances = 3;
  AML_AREA_TRACKED_DECL(area);

  static aml_area *Inner(size_t i) { return i == 0 ? Linux() : i == 1 ? Bare() : Tracked(); }
  int Init(size_t i) { return aml_area_tracked_init(area, Inner(i), nullptr); }
  static int Create(size_t i, aml_area **created) {
    return aml_area_tracked_create(created, Inner(i), nullptr);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(AreaTracked, AreaContract, AreaTrackedFactory);

} // namespace
