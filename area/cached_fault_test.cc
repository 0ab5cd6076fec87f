// SPDX-License-Identifier: BSD-3-Clause
//
// area:cached, when the inner area or the C heap fails.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "aml/area/cached.h"
#include "aml/area/cached_testing.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;

TEST_F(AreaCached, WhatTheInnerAreaRefusesToTakeStaysKept) {
  Cached cached(inner_);
  void *const a = aml_area_map(cached.area, kPage, nullptr);
  EXPECT_EQ(0, aml_area_unmap(cached.area, a, kPage));
  aml_area_fault_arm(inner_, AML_AREA_FAULT_UNMAP, 1, 1, -AML_EIO);
  EXPECT_EQ(-AML_EIO, aml_area_cached_trim(cached.area, 0));
  EXPECT_EQ(1u, cached.Stats().kept_count);
  EXPECT_EQ(a, aml_area_map(cached.area, kPage, nullptr));
  EXPECT_EQ(0, aml_area_unmap(cached.area, a, kPage));
}

TEST_F(AreaCached, ARefusalKeepsNothingElseFromBeingGivenBack) {
  Cached cached(inner_);
  void *pages[3];
  for (void *&page : pages)
    page = aml_area_map(cached.area, kPage, nullptr);
  for (void *const page : pages)
    EXPECT_EQ(0, aml_area_unmap(cached.area, page, kPage));
  aml_area_fault_arm(inner_, AML_AREA_FAULT_UNMAP, 1, 1, -AML_EIO);
  EXPECT_EQ(-AML_EIO, aml_area_cached_trim(cached.area, 0));
  EXPECT_EQ(1u, cached.Stats().kept_count);
  EXPECT_EQ(1, pages_.live());
  EXPECT_EQ(pages[0], aml_area_map(cached.area, kPage, nullptr)) << "the oldest was refused";
  EXPECT_EQ(0, aml_area_unmap(cached.area, pages[0], kPage));
  aml_area_fault_arm(inner_, AML_AREA_FAULT_UNMAP, 1, SIZE_MAX, -AML_EIO);
  EXPECT_EQ(-AML_EIO, aml_area_cached_trim(cached.area, 0)) << "and each is tried once";
  EXPECT_EQ(1u, aml_area_fault_disarm(inner_));
}

TEST_F(AreaCached, AnUnmapThatTheInnerAreaRefusesLeavesTheMapping) {
  Cached cached(inner_, kPage);
  void *const a = aml_area_map(cached.area, 2 * kPage, nullptr);
  aml_area_fault_arm(inner_, AML_AREA_FAULT_UNMAP, 1, 1, -AML_EIO);
  EXPECT_EQ(-AML_EIO, aml_area_unmap(cached.area, a, 2 * kPage));
  EXPECT_EQ(0, aml_area_unmap(cached.area, a, 2 * kPage));
}

TEST_F(AreaCached, WhatIsKeptIsGivenUpBeforeMemoryRunsOut) {
  Cached cached(inner_);
  void *const a = aml_area_map(cached.area, kPage, nullptr);
  EXPECT_EQ(0, aml_area_unmap(cached.area, a, kPage));
  aml_area_fault_arm(inner_, AML_AREA_FAULT_MAP, 1, 1, -AML_ENOMEM);
  void *const b = aml_area_map(cached.area, 2 * kPage, nullptr);
  EXPECT_NE(nullptr, b);
  EXPECT_EQ(1, pages_.live());
  aml_area_fault_arm(inner_, AML_AREA_FAULT_MAP, 1, 2, -AML_ENOMEM);
  EXPECT_EQ(nullptr, aml_area_map(cached.area, kPage, nullptr));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(0, aml_area_unmap(cached.area, b, 2 * kPage));
}

TEST_F(AreaCached, EveryAllocationMayFail) {
  aml_area *area = nullptr;
  EXPECT_EQ(2u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM,
                    [&] { return aml_area_cached_create(&area, inner_, nullptr); },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_EQ(nullptr, area);
                    }));
  void *page = nullptr;
  EXPECT_EQ(1u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM,
                    [&] {
                      page = aml_area_map(area, kPage, nullptr);
                      return page == nullptr ? aml_error_code() : 0;
                    },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_EQ(0, pages_.live());
                    }));
  EXPECT_EQ(0u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM, [&] { return aml_area_unmap(area, page, kPage); },
                    [](int) {}));
  aml_area_destroy(&area);
}

} // namespace
