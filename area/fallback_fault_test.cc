// SPDX-License-Identifier: BSD-3-Clause
//
// What fails beneath, the C heap or an area, loses nothing.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>

#include "aml/area/fallback.h"
#include "aml/area/fallback_testing.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

using AreaFallbackFault = AreaFallback;

TEST_F(AreaFallbackFault, CreateWithoutMemoryLeavesNothing) {
  aml_area *area = nullptr;
  aml_area *const areas[] = {first_, second_};
  const size_t failures = EachFailure(
      AML_FAULT_HEAP, ENOMEM, [&] { return aml_area_fallback_create(&area, 2, areas, nullptr); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(nullptr, area);
      });
  EXPECT_EQ(2u, failures);
  aml_area_destroy(&area);
}

TEST_F(AreaFallbackFault, CreateOverAnAreaThatFailsLeavesNothing) {
  aml_area *area = nullptr;
  aml_area *const areas[] = {first_, second_};
  for (size_t nth = 1; nth <= 2; ++nth) {
    const aml_fault_held before = aml_fault_system_held();
    aml_area_fault_arm(second_, AML_AREA_FAULT_INFO, nth, 1, -AML_EIO);
    EXPECT_EQ(-AML_EIO, aml_area_fallback_create(&area, 2, areas, nullptr)) << nth;
    EXPECT_EQ(1u, aml_area_fault_disarm(second_));
    EXPECT_EQ(nullptr, area);
    ExpectHeld(before);
  }
  aml_area_info info = {};
  FailIn(second_, AML_AREA_FAULT_INFO, -AML_EIO);
  EXPECT_EQ(-AML_EIO, aml_area_get_info(area_, nullptr, &info));
  EXPECT_EQ(nullptr, info.type);
}

TEST_F(AreaFallbackFault, MapWithoutMemoryForARecordMapsNothing) {
  void *bytes = nullptr;
  const size_t failures = EachFailure(
      AML_FAULT_HEAP, ENOMEM,
      [&] {
        bytes = aml_area_map(area_, kPage, nullptr);
        return bytes == nullptr ? aml_error_code() : 0;
      },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_STREQ("aml_area_map: no memory for a record", aml_error_detail());
        EXPECT_EQ(0u, aml_area_fault_live(first_) + aml_area_fault_live(second_));
      });
  EXPECT_EQ(1u, failures);
  Unmap(bytes, kPage);
}

TEST_F(AreaFallbackFault, AMapThatNoAreaServesLeavesNoRecord) {
  const aml_fault_held before = aml_fault_system_held();
  Fail(AML_AREA_FAULT_MAP);
  FailIn(second_, AML_AREA_FAULT_MAP, -AML_ENOSPC);
  EXPECT_EQ(nullptr, aml_area_map(area_, kPage, nullptr));
  EXPECT_EQ(-AML_ENOSPC, aml_error_code());
  ExpectHeld(before);
}

TEST_F(AreaFallbackFault, UnmapAndResizeNeedNoMemory) {
  void *bytes = Map(kPage);
  aml_fault_system_arm(AML_FAULT_HEAP, 1, ENOMEM);
  bytes = aml_area_resize(area_, bytes, kPage, 4 * kPage, AML_AREA_RESIZE_MAY_MOVE);
  Fail(AML_AREA_FAULT_RESIZE);
  bytes = aml_area_resize(area_, bytes, 4 * kPage, 2 * kPage, AML_AREA_RESIZE_MAY_MOVE);
  EXPECT_EQ(1u, IndexOf(bytes));
  EXPECT_EQ(0, aml_area_unmap(area_, bytes, 2 * kPage));
  EXPECT_EQ(0u, aml_fault_system_disarm().seen);
}

TEST_F(AreaFallbackFault, AnUnmapThatFailsLeavesTheMapping) {
  char *const bytes = Map(kPage);
  Fail(AML_AREA_FAULT_UNMAP, -AML_EBUSY);
  EXPECT_EQ(-AML_EBUSY, aml_area_unmap(area_, bytes, kPage));
  (void)aml_area_fault_disarm(first_);
  EXPECT_EQ(0u, IndexOf(bytes));
  EXPECT_EQ(kPage, Stats(0).live_size);
  Unmap(bytes, kPage);
}

// Each call of the areas fails once in a resize that moves; then it works.
TEST_F(AreaFallbackFault, AResizeThatCannotMoveChangesNothing) {
  char *const bytes = Map(2 * kPage);
  bytes[0] = bytes[2 * kPage - 1] = 7;
  const auto resized = [&] {
    return aml_area_resize(area_, bytes, 2 * kPage, 9 * kPage, AML_AREA_RESIZE_MAY_MOVE);
  };
  const auto unchanged = [&] {
    EXPECT_EQ(0u, IndexOf(bytes));
    EXPECT_EQ(2 * kPage, Stats(0).live_size);
    EXPECT_EQ(0u, Stats(1).live_size);
    EXPECT_EQ(1u, aml_area_fault_live(first_));
    EXPECT_EQ(0u, aml_area_fault_live(second_));
    EXPECT_EQ(7, bytes[0] & bytes[2 * kPage - 1]);
  };
  Fail(AML_AREA_FAULT_RESIZE);
  FailIn(second_, AML_AREA_FAULT_MAP, -AML_EPERM);
  EXPECT_EQ(nullptr, resized());
  EXPECT_EQ(-AML_EPERM, aml_error_code());
  EXPECT_STREQ("aml_area_resize: area 0 (fault): fails, as a test planned; area 1 (fault): "
               "aml_area_map: fails, as a test planned",
               aml_error_detail());
  (void)aml_area_fault_disarm(second_);
  unchanged();
  Fail(AML_AREA_FAULT_RESIZE | AML_AREA_FAULT_UNMAP);
  EXPECT_EQ(nullptr, resized());
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  unchanged();
  Fail(AML_AREA_FAULT_RESIZE, -AML_EIO);
  EXPECT_EQ(nullptr, resized()) << "not one of the reasons";
  EXPECT_EQ(-AML_EIO, aml_error_code());
  unchanged();
  (void)aml_area_fault_disarm(first_);
  Unmap(bytes, 2 * kPage);
}

} // namespace
