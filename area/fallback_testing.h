// SPDX-License-Identifier: BSD-3-Clause
//
// What the tests of area:fallback share: two areas of anonymous memory that fail on demand, in
// order.

#ifndef AML_AREA_FALLBACK_TESTING_H
#define AML_AREA_FALLBACK_TESTING_H

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "aml/area/fallback.h"
#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/fault/area.h"

class AreaFallback : public ::testing::Test {
protected:
  static constexpr size_t kPage = 4096;

  void SetUp() override {
    ASSERT_EQ(0, aml_area_linux_init(linux_, nullptr));
    ASSERT_EQ(0, aml_area_fault_init(first_, linux_, 0));
    ASSERT_EQ(0, aml_area_fault_init(second_, linux_, 0));
    Create({});
  }
  void TearDown() override {
    EXPECT_EQ(0u, Stats(0).live_count);
    EXPECT_EQ(0u, Stats(1).live_count);
    aml_area_destroy(&area_);
    EXPECT_EQ(0u, aml_area_fault_live(first_));
    EXPECT_EQ(0u, aml_area_fault_live(second_));
  }

  // Replaces the area.
  void Create(const aml_area_fallback_options &options) {
    aml_area *const areas[] = {first_, second_};
    aml_area_destroy(&area_);
    ASSERT_EQ(0, aml_area_fallback_create(&area_, 2, areas, &options)) << aml_error_detail();
  }

  // Makes the first area fail at what `operations` name, until disarmed.
  void Fail(unsigned operations, int err = -AML_ENOMEM) { FailIn(first_, operations, err); }
  static void FailIn(aml_area *area, unsigned operations, int err) {
    aml_area_fault_arm(area, operations, 1, SIZE_MAX, err);
  }

  char *Map(size_t size) {
    char *const bytes = static_cast<char *>(aml_area_map(area_, size, nullptr));
    EXPECT_NE(nullptr, bytes) << aml_error_detail();
    return bytes;
  }

  // Maps from the second area, which the first one then has no part in.
  char *MapSecond(size_t size) {
    Fail(AML_AREA_FAULT_MAP);
    char *const bytes = Map(size);
    EXPECT_EQ(1u, aml_area_fault_disarm(first_));
    EXPECT_EQ(1u, IndexOf(bytes));
    return bytes;
  }

  void Unmap(void *bytes, size_t size) {
    EXPECT_EQ(0, aml_area_unmap(area_, bytes, size)) << aml_error_detail();
  }

  size_t IndexOf(const void *pointer) {
    size_t index = SIZE_MAX;
    EXPECT_EQ(0, aml_area_fallback_index_of(area_, pointer, &index)) << aml_error_detail();
    return index;
  }

  aml_area_fallback_stats Stats(size_t index) {
    aml_area_fallback_stats stats = {};
    EXPECT_EQ(0, aml_area_fallback_get_stats(area_, index, &stats)) << aml_error_detail();
    return stats;
  }

  AML_AREA_LINUX_DECL(linux_);
  AML_AREA_FAULT_DECL(first_);
  AML_AREA_FAULT_DECL(second_);
  aml_area *area_ = nullptr;
};

#endif
