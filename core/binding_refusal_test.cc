// SPDX-License-Identifier: BSD-3-Clause
//
// What applying and verifying refuse, and what they fail with.

#include "aml/core/binding.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "aml/core/area.h"
#include "aml/core/binding_testing.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/support/device_area.h"

namespace {

using namespace binding_testing;

class CoreBindingRefusal : public CoreBindingFixture {};

TEST_F(CoreBindingRefusal, RefusesWhatIsNoRange) {
  Function binding([](size_t, size_t) { return 0; });
  aml_binding_report report;
  const auto apply = [&](aml_binding *b, aml_area *a, void *pointer, size_t size) {
    const int err = aml_binding_apply(b, a, pointer, size, nullptr);
    EXPECT_EQ(err, aml_binding_verify(b, a, pointer, size, &report));
    return err;
  };
  EXPECT_EQ(-AML_EINVAL, apply(nullptr, area_.get(), kPointer, 1));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), nullptr, kPointer, 1));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), area_.get(), nullptr, 1));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), area_.get(), kPointer, 0));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), area_.get(), kPointer, SIZE_MAX));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), area_.get(), kPointer, SIZE_MAX - kStart));
  EXPECT_EQ(-AML_EINVAL, aml_binding_verify(binding.get(), area_.get(), kPointer, 1, nullptr));
  const aml_binding_apply_options options = {1u << 9, 0};
  EXPECT_EQ(-AML_EINVAL, aml_binding_apply(binding.get(), area_.get(), kPointer, 1, &options));
  EXPECT_STREQ("aml_binding_apply: flags has an unknown bit", aml_error_detail());
  EXPECT_TRUE(area_.binds.empty());
}

TEST_F(CoreBindingRefusal, RefusesWhatIsNoDatum) {
  Function binding([](size_t, size_t) { return 0; });
  Tiles tiling({Bytes(0, kPage)});
  Tiles empty({});
  const aml_tile datum = Datum(kPage);
  const aml_tile of_no_area = Bytes(0, kPage);
  aml_tile invalid = datum;
  invalid.extent[0] = 0;
  aml_binding_report report;
  const auto apply = [&](aml_binding *b, const aml_tiling *t, const aml_tile *d) {
    const int err = aml_binding_apply_tiled(b, t, d, nullptr);
    EXPECT_EQ(err, aml_binding_verify_tiled(b, t, d, &report));
    return err;
  };
  EXPECT_EQ(-AML_EINVAL, apply(nullptr, tiling.get(), &datum));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), nullptr, &datum));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), empty.get(), &datum));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), tiling.get(), nullptr));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), tiling.get(), &of_no_area));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), tiling.get(), &invalid));
  EXPECT_EQ(-AML_EINVAL, aml_binding_verify_tiled(binding.get(), tiling.get(), &datum, nullptr));
  tiling.refuses = 0;
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), tiling.get(), &datum));
  EXPECT_STREQ("aml_tiling_tile: datum is refused", aml_error_detail());
}

TEST_F(CoreBindingRefusal, WhatTheBindingFailsWithIsReported) {
  for (const int answer : {-AML_EIO, AML_NODESET_CAPACITY}) {
    Function binding([&](size_t index, size_t) { return index == 2 ? answer : 0; });
    Tiles tiling({Bytes(0, kPage), Bytes(kPage, kPage), Bytes(2 * kPage, kPage)});
    const aml_tile datum = Datum(3 * kPage);
    const int code = answer < 0 ? answer : -AML_EINVAL;
    aml_binding_report report;
    report.right_size = 77;
    EXPECT_EQ(code, aml_binding_apply(binding.get(), area_.get(), kPointer, 3 * kPage, nullptr));
    EXPECT_EQ(code, aml_error_code());
    EXPECT_EQ(code, aml_binding_verify(binding.get(), area_.get(), kPointer, 3 * kPage, &report));
    EXPECT_EQ(code, aml_binding_apply_tiled(binding.get(), tiling.get(), &datum, nullptr));
    EXPECT_EQ(code, aml_binding_verify_tiled(binding.get(), tiling.get(), &datum, &report));
    EXPECT_EQ(77u, report.right_size);
    EXPECT_TRUE(area_.binds.empty());
  }
}

TEST_F(CoreBindingRefusal, WhatTheAreaFailsWithIsReported) {
  Function binding([](size_t index, size_t) { return static_cast<int>(index % 2); });
  const aml_binding_apply_options few = {0, 1};
  aml_binding_report report;
  report.right_size = 77;
  area_.fail_info = -AML_EINVAL;
  EXPECT_EQ(-AML_EINVAL, aml_binding_apply(binding.get(), area_.get(), kPointer, kPage, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_binding_verify(binding.get(), area_.get(), kPointer, kPage, &report));
  area_.fail_info = 0;
  area_.fail_bind_at = 2;
  EXPECT_EQ(-AML_EPERM,
            aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, nullptr));
  EXPECT_EQ(2u, area_.binds.size());
  area_.Touch(kStart, 1025 * kPage);
  area_.fail_move_at = 1;
  EXPECT_EQ(-AML_EPERM,
            aml_binding_apply(binding.get(), area_.get(), kPointer, 1025 * kPage, &few));
  EXPECT_EQ(1u, area_.moves.size());
  area_.fail_locate_at = 2;
  EXPECT_EQ(-AML_EPERM,
            aml_binding_verify(binding.get(), area_.get(), kPointer, 1025 * kPage, &report));
  EXPECT_STREQ("aml_area_locate: is forbidden", aml_error_detail());
  EXPECT_EQ(2u, area_.locates.size());
  EXPECT_EQ(77u, report.right_size);
}

TEST_F(CoreBindingRefusal, WhatIsAnsweredOfASinglePageIsReported) {
  Function binding([](size_t index, size_t) { return static_cast<int>(index % 2); });
  const aml_binding_apply_options few = {0, 1};
  aml_binding_report report;
  area_.Touch(kStart, 4 * kPage);
  area_.answers[kStart / kPage + 3] = -AML_ENOMEM;
  EXPECT_EQ(-AML_ENOMEM, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &few));
  EXPECT_STREQ("aml_binding_apply: a page cannot be moved", aml_error_detail());
  EXPECT_EQ(-AML_ENOMEM,
            aml_binding_verify(binding.get(), area_.get(), kPointer, 4 * kPage, &report));
}

} // namespace
