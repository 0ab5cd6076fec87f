// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/internal/binding_placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/core/tile.h"
#include "aml/tests/contract/internal/binding_fixture.h"
#include "aml/tests/contract/internal/plane_tiling.h"
#include "aml/tests/contract/internal/refusal.h"
#include "aml/tests/support/device_area.h"
#include "aml/tests/support/page_area.h"

namespace aml_testing {

namespace {

constexpr size_t kPageSize = DeviceArea::kPage;
constexpr size_t kPageCounts[] = {1, 2, 13, 100};
constexpr size_t kFirstPage = 1000; // its number by address
constexpr uintptr_t kStart = kFirstPage * kPageSize;

void *PageAt(size_t page) {
  return reinterpret_cast<void *>(kStart + page * kPageSize);
}

/** The devices of a range's pages. */
std::vector<int> DevicesOfPages(const aml_binding *binding, size_t count) {
  if (!PolicyOf(binding).is_one)
    return DevicesOf(binding, count);
  std::vector<int> devices;
  for (size_t page = 0; page < count; ++page)
    devices.push_back(aml_binding_device_of(binding, kFirstPage + page, SIZE_MAX));
  return devices;
}

/** A device that a binding does not name. */
int StrangerTo(const aml_binding *binding) {
  const aml_nodeset named = NamedBy(binding);
  int device = 0;
  while (aml_nodeset_has(&named, device))
    ++device;
  return device;
}

/**
 * Whether the area of numbers can show where a binding puts pages: not if the system has a say in
 * it (a policy with weights, or with a second choice), nor if the binding answers with an error.
 */
bool CanBeShown(const aml_binding *binding, const std::vector<int> &devices) {
  const Policy policy = PolicyOf(binding);
  if (std::any_of(devices.begin(), devices.end(), IsError))
    return false;
  return !policy.is_one || policy.policy == AML_POLICY_INTERLEAVE ||
         policy.policy == AML_POLICY_BIND || policy.policy == AML_POLICY_PREFERRED;
}

/** Expects pages where they are wanted; those that may be anywhere, at the area's home. */
void ExpectPlaced(const DeviceArea &area, const std::vector<int> &wanted) {
  for (size_t page = 0; page < wanted.size(); ++page)
    ASSERT_EQ(wanted[page] == kAnywhere ? area.home : wanted[page],
              area.DeviceAt(kStart + page * kPageSize))
        << "page " << page << " of " << wanted.size();
}

/** Expects what verify reports to be so many pages, on the devices where they are. */
void ExpectReport(const aml_binding_report &report, const DeviceArea &area,
                  const std::vector<int> &wanted) {
  aml_binding_report expected = {};
  for (size_t page = 0; page < wanted.size(); ++page) {
    const int device = area.DeviceAt(kStart + page * kPageSize);
    if (device < 0) {
      expected.absent_size += kPageSize;
      continue;
    }
    expected.device_size[device] += kPageSize;
    const bool right = wanted[page] == kAnywhere || wanted[page] == device;
    (right ? expected.right_size : expected.wrong_size) += kPageSize;
    if (!right && expected.first_wrong == nullptr)
      expected.first_wrong = PageAt(page);
  }
  EXPECT_EQ(expected.right_size, report.right_size);
  EXPECT_EQ(expected.wrong_size, report.wrong_size);
  EXPECT_EQ(expected.absent_size, report.absent_size);
  EXPECT_EQ(expected.first_wrong, report.first_wrong);
  EXPECT_TRUE(std::equal(std::begin(expected.device_size), std::end(expected.device_size),
                         std::begin(report.device_size)));
}

} // namespace

void CheckPagesGoWhereTheBindingSays(aml_binding *binding) {
  for (const size_t count : kPageCounts) {
    const std::vector<int> wanted = DevicesOfPages(binding, count);
    if (!CanBeShown(binding, wanted))
      continue;
    DeviceArea area;
    area.home = StrangerTo(binding);
    const size_t size = count * kPageSize;
    ASSERT_EQ(0, aml_binding_apply(binding, area.get(), PageAt(0), size, nullptr))
        << aml_error_detail();
    area.Touch(kStart, size);
    ExpectPlaced(area, wanted);
    aml_binding_report report;
    ASSERT_EQ(0, aml_binding_verify(binding, area.get(), PageAt(0), size, &report));
    EXPECT_EQ(0u, report.wrong_size);
    ExpectReport(report, area, wanted);
  }
}

void CheckPagesThatArePresentAreMoved(aml_binding *binding) {
  for (const size_t max_mappings : {size_t{1}, size_t{0}}) {
    const size_t count = 20;
    const std::vector<int> wanted = DevicesOfPages(binding, count);
    if (!CanBeShown(binding, wanted))
      continue;
    DeviceArea area;
    area.home = StrangerTo(binding);
    area.Touch(kStart, count * kPageSize);
    const aml_binding_apply_options options = {AML_AREA_BIND_MOVE, max_mappings};
    ASSERT_EQ(0, aml_binding_apply(binding, area.get(), PageAt(0), count * kPageSize, &options))
        << aml_error_detail();
    ExpectPlaced(area, wanted);
  }
}

void CheckVerifyFindsPagesThatAreElsewhere(aml_binding *binding) {
  std::mt19937 random(5);
  for (const size_t count : kPageCounts) {
    const std::vector<int> wanted = DevicesOfPages(binding, count);
    if (!CanBeShown(binding, wanted))
      continue;
    DeviceArea area;
    const int stranger = StrangerTo(binding);
    for (size_t page = 0; page < count; ++page) {
      const int choice = static_cast<int>(random() % 4);
      if (choice != 0 && wanted[page] != kAnywhere)
        area.place[kFirstPage + page] = choice == 1 ? stranger : wanted[page];
    }
    aml_binding_report report;
    ASSERT_EQ(0, aml_binding_verify(binding, area.get(), PageAt(0), count * kPageSize, &report))
        << aml_error_detail();
    ExpectReport(report, area, wanted);
  }
}

void CheckTilesGoWhereTheBindingSays(aml_binding *binding) {
  for (const size_t count : kPageCounts) {
    const std::vector<int> wanted = DevicesOf(binding, count);
    if (std::any_of(wanted.begin(), wanted.end(), IsError))
      continue;
    // Each tile is a page.
    const size_t columns = kPageSize / Plane::kElementSize;
    const aml_tiling_ops ops = PlaneOps([](aml_tiling_ops *) {});
    Plane plane = {{&ops}, {}, {}};
    ASSERT_EQ(
        0, Plane::Init(&plane.tiling, {AML_TILING_PARTITION, 0, {count, columns}, {1, columns}}));
    DeviceArea area;
    area.home = StrangerTo(binding);
    aml_tile datum;
    ASSERT_EQ(0, aml_tile_dense(&datum, area.get(), PageAt(0), Plane::kElementSize, 2,
                                plane.shape.extent, AML_ORDER_ROW));
    ASSERT_EQ(0, aml_binding_apply_tiled(binding, &plane.tiling, &datum, nullptr))
        << aml_error_detail();
    area.Touch(kStart, count * kPageSize);
    ExpectPlaced(area, wanted);
    aml_binding_report report;
    ASSERT_EQ(0, aml_binding_verify_tiled(binding, &plane.tiling, &datum, &report));
    EXPECT_EQ(0u, report.wrong_size);
    ExpectReport(report, area, wanted);
  }
}

void CheckAnErrorOfTheBindingIsThatOfApply(aml_binding *binding) {
  const size_t count = 20;
  const std::vector<int> wanted = DevicesOfPages(binding, count);
  const auto error = std::find_if(wanted.begin(), wanted.end(), IsError);
  if (error == wanted.end())
    return;
  DeviceArea area;
  const size_t size = count * kPageSize;
  EXPECT_EQ(*error, aml_binding_apply(binding, area.get(), PageAt(0), size, nullptr));
  EXPECT_EQ(*error, aml_error_code());
  aml_binding_report report;
  EXPECT_EQ(*error, aml_binding_verify(binding, area.get(), PageAt(0), size, &report));
}

void CheckAnAreaThatCannotBindOrLocateSaysSo(aml_binding *binding) {
  const size_t count = 20;
  const size_t size = count * kPageSize;
  const std::vector<int> wanted = DevicesOfPages(binding, count);
  if (!CanBeShown(binding, wanted))
    return;
  PageArea area;
  const bool binds = *std::max_element(wanted.begin(), wanted.end()) >= 0;
  if (binds)
    ExpectRefusedWith(-AML_ENOTSUP, "aml_area_bind: area", [&] {
      return aml_binding_apply(binding, area.get(), PageAt(0), size, nullptr);
    });
  aml_binding_report report;
  std::memset(static_cast<void *>(&report), 0x5a, sizeof report);
  ExpectRefusedWith(-AML_ENOTSUP, "aml_area_locate: area", [&] {
    return aml_binding_verify(binding, area.get(), PageAt(0), size, &report);
  });
  const auto *const bytes = reinterpret_cast<const unsigned char *>(&report);
  EXPECT_TRUE(std::all_of(bytes, bytes + sizeof report, [](int byte) { return byte == 0x5a; }));
}

} // namespace aml_testing
