// SPDX-License-Identifier: BSD-3-Clause
//
// Applying and verifying where the C heap has no more. Only what is bound by tiles takes memory.

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

#include "aml/area/linux.h"
#include "aml/binding/interleave.h"
#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/support/device_area.h"
#include "aml/tiling/1d.h"

namespace {

constexpr size_t kPage = DeviceArea::kPage;
constexpr size_t kFirst = 1000 * kPage;
constexpr size_t kPages = 200;
constexpr size_t kSize = kPages * kPage;
constexpr size_t kTileSize = 3000; // so that nearly every page is shared

class CoreBindingSystemFault : public ::testing::Test {
protected:
  void SetUp() override {
    aml_nodeset devices = aml_nodeset_of(2);
    ASSERT_TRUE(aml_nodeset_add(&devices, 5));
    ASSERT_EQ(0, aml_binding_interleave_create(&binding_, &devices));
    ASSERT_EQ(0, aml_tiling_1d_create(&tiling_, kSize, 1, kTileSize));
    const size_t extent[] = {kSize};
    ASSERT_EQ(0, aml_tile_dense(&datum_, area_.get(), Start(), 1, 1, extent, AML_ORDER_ROW));
  }

  void TearDown() override {
    aml_tiling_destroy(&tiling_);
    aml_binding_destroy(&binding_);
    ExpectHeld(before_);
  }

  static void *Start() { return reinterpret_cast<void *>(kFirst); }

  // How many failures of memory a call has, each of which is said in its name and is harmless.
  size_t FailuresOf(const std::string &name, const std::function<int()> &call,
                    const std::function<void()> &expect_unchanged) {
    size_t shared = 0;
    const size_t failures = EachFailure(AML_FAULT_MEMORY, ENOMEM, call, [&](int err) {
      EXPECT_EQ(-AML_ENOMEM, err);
      EXPECT_EQ(-AML_ENOMEM, aml_error_code());
      const std::string said = aml_error_detail();
      shared += said == name + ": no memory for pages that tiles share";
      if (shared == 0) {
        EXPECT_EQ(name + ": no memory for the list of pages", said);
      }
      expect_unchanged();
    });
    EXPECT_EQ(failures, shared + 1) << "the list of pages is taken once, and first";
    return failures;
  }

  const aml_fault_held before_ = aml_fault_system_held();
  DeviceArea area_;
  aml_tile datum_{};
  aml_tiling *tiling_ = nullptr;
  aml_binding *binding_ = nullptr;
};

TEST_F(CoreBindingSystemFault, ApplyingByTilesWithoutMemoryBindsNothing) {
  const size_t failures = FailuresOf(
      "aml_binding_apply_tiled",
      [this] { return aml_binding_apply_tiled(binding_, tiling_, &datum_, nullptr); },
      [this] {
        EXPECT_TRUE(area_.binds.empty());
        EXPECT_TRUE(area_.moves.empty());
      });
  EXPECT_LE(4u, failures) << "the list of shared pages has grown at least twice";
  EXPECT_FALSE(area_.binds.empty());
}

TEST_F(CoreBindingSystemFault, VerifyingByTilesWithoutMemoryReportsNothing) {
  ASSERT_EQ(0, aml_binding_apply_tiled(binding_, tiling_, &datum_, nullptr));
  area_.Touch(kFirst, kSize);
  aml_binding_report unchanged;
  std::memset(&unchanged, 0x5a, sizeof unchanged);
  aml_binding_report report = unchanged;
  const size_t failures = FailuresOf(
      "aml_binding_verify_tiled",
      [&] { return aml_binding_verify_tiled(binding_, tiling_, &datum_, &report); },
      [&] {
        EXPECT_EQ(0, std::memcmp(&unchanged, &report, sizeof report));
        EXPECT_TRUE(area_.locates.empty());
      });
  EXPECT_LE(4u, failures);
  EXPECT_EQ(kSize, report.right_size);
}

TEST_F(CoreBindingSystemFault, RebalancingByTilesWithoutMemoryMakesNoProgress) {
  area_.home = 3;
  area_.Touch(kFirst, kSize);
  aml_binding_progress progress = {};
  (void)FailuresOf(
      "aml_binding_rebalance_tiled",
      [&] { return aml_binding_rebalance_tiled(binding_, tiling_, &datum_, 0, &progress); },
      [&] {
        EXPECT_EQ(0u, progress.total_size);
        EXPECT_TRUE(area_.moves.empty());
      });
  EXPECT_EQ(kSize, progress.done_size);
  EXPECT_EQ(kSize, progress.moved_size);
}

TEST_F(CoreBindingSystemFault, InterleavingAGibibyteIsOneSystemCall) {
  constexpr size_t kGibibyte = size_t{1} << 30;
  AML_AREA_LINUX_DECL(area);
  ASSERT_EQ(0, aml_area_linux_init(area, nullptr));
  void *const memory = aml_area_map(area, kGibibyte, nullptr);
  ASSERT_NE(nullptr, memory) << aml_error_detail();
  aml_binding *binding = nullptr;
  const aml_nodeset first = aml_nodeset_of(0);
  ASSERT_EQ(0, aml_binding_interleave_create(&binding, &first));
  for (const aml_binding *each : {binding, binding_}) { // over one node, and over two
    aml_fault_system_arm(AML_FAULT_MBIND | AML_FAULT_GET_MEMPOLICY | AML_FAULT_MOVE_PAGES |
                             AML_FAULT_MADVISE | AML_FAULT_MEMORY | AML_FAULT_OPEN | AML_FAULT_READ,
                         0, 0);
    const int err = aml_binding_apply(each, area, memory, kGibibyte, nullptr);
    const size_t calls = aml_fault_system_disarm().seen;
    // A container may forbid it, and this machine lack the nodes; why, may take calls to find out.
    EXPECT_TRUE(err == 0 ? calls == 1 : calls >= 1) << calls;
    EXPECT_TRUE(err == 0 || err == -AML_EPERM || err == -AML_ENOTSUP || err == -AML_EINVAL)
        << aml_error_detail();
  }
  aml_binding_destroy(&binding);
  EXPECT_EQ(0, aml_area_unmap(area, memory, kGibibyte));
  aml_area_fini(area);
}

TEST_F(CoreBindingSystemFault, ATilingThatSharesNoPageTakesTheListAlone) {
  aml_tiling *pages = nullptr;
  ASSERT_EQ(0, aml_tiling_1d_create(&pages, kSize, 1, 4 * kPage));
  EXPECT_EQ(1u, FailuresOf(
                    "aml_binding_apply_tiled",
                    [&] { return aml_binding_apply_tiled(binding_, pages, &datum_, nullptr); },
                    [this] { EXPECT_TRUE(area_.binds.empty()); }));
  aml_tiling_destroy(&pages);
}

TEST_F(CoreBindingSystemFault, WhatTheAreaRefusesKeepsNoMemory) {
  const aml_fault_held held = aml_fault_system_held();
  area_.fail_bind_at = 1; // when the first run is bound already
  EXPECT_EQ(-AML_EPERM, aml_binding_apply_tiled(binding_, tiling_, &datum_, nullptr));
  ExpectHeld(held);
  area_.fail_locate_at = 0;
  aml_binding_report report = {};
  EXPECT_EQ(-AML_EPERM, aml_binding_verify_tiled(binding_, tiling_, &datum_, &report));
  ExpectHeld(held);
}

TEST_F(CoreBindingSystemFault, ByPagesNoMemoryIsTaken) {
  aml_binding_apply_options options = {};
  options.flags = AML_AREA_BIND_MOVE | AML_AREA_BIND_STRICT;
  area_.Touch(kFirst, kSize);
  aml_binding_report report = {};
  aml_fault_system_arm(AML_FAULT_MEMORY | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  const int applied = aml_binding_apply(binding_, area_.get(), Start(), kSize, &options);
  const int verified = aml_binding_verify(binding_, area_.get(), Start(), kSize, &report);
  EXPECT_EQ(0u, aml_fault_system_disarm().seen);
  EXPECT_EQ(0, applied) << aml_error_detail();
  EXPECT_EQ(0, verified) << aml_error_detail();
  EXPECT_EQ(kSize, report.right_size);
}

} // namespace
