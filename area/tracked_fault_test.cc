// SPDX-License-Identifier: BSD-3-Clause
//
// What fails beneath, the C heap or the inner area, leaves the account right and nothing lost.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>

#include "aml/area/linux.h"
#include "aml/area/tracked.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

constexpr size_t kPage = 4096;

class AreaTrackedFault : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(0, aml_area_linux_init(linux_, nullptr));
    ASSERT_EQ(0, aml_area_fault_init(fault_, linux_, 0));
    ASSERT_EQ(0, aml_area_tracked_init(area_, fault_, nullptr));
  }
  void TearDown() override {
    EXPECT_EQ(0u, Stats().live_count);
    aml_area_fini(area_);
    EXPECT_EQ(0u, aml_area_fault_live(fault_));
    aml_area_fini(fault_);
    aml_area_fini(linux_);
  }

  aml_area_tracked_stats Stats() {
    aml_area_tracked_stats stats = {};
    EXPECT_EQ(0, aml_area_tracked_get_stats(area_, &stats));
    return stats;
  }

  void Arm(unsigned operation, int err) { aml_area_fault_arm(fault_, operation, 1, 1, err); }

  AML_AREA_LINUX_DECL(linux_);
  AML_AREA_FAULT_DECL(fault_);
  AML_AREA_TRACKED_DECL(area_);
};

TEST_F(AreaTrackedFault, CreateWithoutMemoryLeavesNothing) {
  aml_area *area = nullptr;
  const size_t failures = EachFailure(
      AML_FAULT_HEAP, ENOMEM, [&] { return aml_area_tracked_create(&area, fault_, nullptr); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(nullptr, area);
      });
  EXPECT_EQ(2u, failures);
  aml_area_destroy(&area);
}

TEST_F(AreaTrackedFault, MapWithoutMemoryForARecordMapsNothing) {
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
        EXPECT_EQ(0u, aml_area_fault_live(fault_));
      });
  EXPECT_EQ(1u, failures);
  EXPECT_EQ(1u, Stats().failures);
  EXPECT_EQ(0, aml_area_unmap(area_, bytes, kPage));
}

TEST_F(AreaTrackedFault, UnmapAndResizeNeedNoMemory) {
  void *bytes = aml_area_map(area_, kPage, nullptr);
  aml_fault_system_arm(AML_FAULT_HEAP, 1, ENOMEM);
  bytes = aml_area_resize(area_, bytes, kPage, 4 * kPage, AML_AREA_RESIZE_MAY_MOVE);
  EXPECT_NE(nullptr, bytes) << aml_error_detail();
  EXPECT_EQ(0, aml_area_unmap(area_, bytes, 4 * kPage));
  EXPECT_EQ(0u, aml_fault_system_disarm().seen);
}

TEST_F(AreaTrackedFault, AMapThatFailsBeneathLeavesNoRecord) {
  const aml_fault_held before = aml_fault_system_held();
  Arm(AML_AREA_FAULT_MAP, -AML_EPERM);
  EXPECT_EQ(nullptr, aml_area_map(area_, kPage, nullptr));
  EXPECT_EQ(-AML_EPERM, aml_error_code());
  EXPECT_EQ(1u, aml_area_fault_disarm(fault_));
  ExpectHeld(before);
  const aml_area_tracked_stats stats = Stats();
  EXPECT_EQ(0u, stats.maps);
  EXPECT_EQ(1u, stats.failures);
  EXPECT_EQ(0u, stats.refusals);
  EXPECT_EQ(0u, stats.peak_size);
}

TEST_F(AreaTrackedFault, AnUnmapThatFailsBeneathLeavesTheMapping) {
  void *const bytes = aml_area_map(area_, kPage, nullptr);
  Arm(AML_AREA_FAULT_UNMAP, -AML_EBUSY);
  EXPECT_EQ(-AML_EBUSY, aml_area_unmap(area_, bytes, kPage));
  EXPECT_EQ(1u, aml_area_fault_disarm(fault_));
  aml_area_tracked_mapping mapping = {};
  EXPECT_EQ(0, aml_area_tracked_find(area_, bytes, &mapping));
  EXPECT_EQ(kPage, mapping.size);
  const aml_area_tracked_stats stats = Stats();
  EXPECT_EQ(1u, stats.live_count);
  EXPECT_EQ(kPage, stats.live_size);
  EXPECT_EQ(kPage, stats.peak_size);
  EXPECT_EQ(0u, stats.unmaps);
  EXPECT_EQ(1u, stats.failures);
  EXPECT_EQ(0, aml_area_unmap(area_, bytes, kPage));
}

TEST_F(AreaTrackedFault, AResizeThatFailsBeneathLeavesTheMapping) {
  void *const bytes = aml_area_map(area_, kPage, nullptr);
  Arm(AML_AREA_FAULT_RESIZE, -AML_ENOMEM);
  EXPECT_EQ(nullptr, aml_area_resize(area_, bytes, kPage, 9 * kPage, AML_AREA_RESIZE_MAY_MOVE));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(1u, aml_area_fault_disarm(fault_));
  EXPECT_EQ(kPage, Stats().live_size);
  EXPECT_EQ(0u, Stats().resizes);
  EXPECT_EQ(0, aml_area_unmap(area_, bytes, kPage));
}

TEST_F(AreaTrackedFault, AResizedMappingHasItsNewSizeAndAddress) {
  void *bytes = aml_area_map(area_, kPage, nullptr);
  for (const size_t size : {64 * kPage, 2 * kPage + 1, kPage}) {
    aml_area_info info = {};
    const size_t old_size = aml_area_get_info(area_, bytes, &info) == 0 ? info.size : 0;
    bytes = aml_area_resize(area_, bytes, old_size, size, AML_AREA_RESIZE_MAY_MOVE);
    ASSERT_NE(nullptr, bytes) << aml_error_detail();
    aml_area_tracked_mapping mapping = {};
    ASSERT_EQ(0, aml_area_tracked_find(area_, static_cast<char *>(bytes) + size - 1, &mapping));
    EXPECT_EQ(bytes, mapping.pointer);
    EXPECT_EQ(size, mapping.size);
    EXPECT_EQ(1u, mapping.number);
    EXPECT_EQ((size + kPage - 1) / kPage * kPage, Stats().live_size);
  }
  EXPECT_EQ(3u, Stats().resizes);
  EXPECT_EQ(64 * kPage, Stats().peak_size);
  EXPECT_EQ(nullptr, aml_area_resize(area_, bytes, 2 * kPage, kPage, 0));
  EXPECT_STREQ("aml_area_resize: old_size 8192 is not that of the mapping", aml_error_detail());
  EXPECT_EQ(1u, Stats().refusals);
  EXPECT_EQ(0, aml_area_unmap(area_, bytes, kPage));
}

TEST_F(AreaTrackedFault, InitFailsWithWhatTheInnerAreaFailsWith) {
  AML_AREA_TRACKED_DECL(area);
  Arm(AML_AREA_FAULT_INFO, -AML_EIO);
  EXPECT_EQ(-AML_EIO, aml_area_tracked_init(area, fault_, nullptr));
  EXPECT_EQ(1u, aml_area_fault_disarm(fault_));
  EXPECT_EQ(nullptr, aml_area_map(area, 1, nullptr));
}

} // namespace
