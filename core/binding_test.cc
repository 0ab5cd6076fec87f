// SPDX-License-Identifier: BSD-3-Clause
//
// The mapping, and applying and verifying it page by page.

#include "aml/core/binding.h"
#include "aml/core/binding_testing.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/support/device_area.h"

namespace {

using namespace binding_testing;

class CoreBinding : public CoreBindingFixture {};

TEST_F(CoreBinding, AsksTheTypeForADevice) {
  Function binding([](size_t index, size_t count) { return static_cast<int>(index * 10 + count); });
  EXPECT_EQ(23, aml_binding_device_of(binding.get(), 2, 3));
  EXPECT_EQ(-AML_EINVAL, aml_binding_device_of(binding.get(), 3, 3));
  EXPECT_STREQ("aml_binding_device_of: index 3 is not below count", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_binding_device_of(binding.get(), 0, 0));
  EXPECT_EQ(-AML_EINVAL, aml_binding_device_of(nullptr, 0, 1));
}

TEST_F(CoreBinding, TellsDevicesAndPolicy) {
  Function binding([](size_t, size_t) { return 1; });
  aml_nodeset devices = {};
  EXPECT_EQ(0, aml_binding_devices(binding.get(), &devices));
  EXPECT_TRUE(aml_nodeset_has(&devices, 1));
  EXPECT_EQ(-AML_EINVAL, aml_binding_devices(nullptr, &devices));
  EXPECT_EQ(-AML_EINVAL, aml_binding_devices(binding.get(), nullptr));

  aml_policy policy = AML_POLICY_DEFAULT;
  EXPECT_EQ(-AML_ENOTSUP, aml_binding_policy(binding.get(), &policy, &devices));
  EXPECT_EQ(AML_POLICY_DEFAULT, policy);
  binding.BecomePolicy(aml_nodeset_of(7));
  EXPECT_EQ(0, aml_binding_policy(binding.get(), &policy, &devices));
  EXPECT_EQ(AML_POLICY_INTERLEAVE, policy);
  EXPECT_EQ(7, aml_nodeset_last(&devices));
  EXPECT_EQ(-AML_EINVAL, aml_binding_policy(nullptr, &policy, &devices));
  EXPECT_EQ(-AML_EINVAL, aml_binding_policy(binding.get(), nullptr, &devices));
  EXPECT_EQ(-AML_EINVAL, aml_binding_policy(binding.get(), &policy, nullptr));
}

TEST_F(CoreBinding, FiniAndDestroyTakeNull) {
  aml_binding_fini(nullptr);
  aml_binding_destroy(nullptr);
  aml_binding *none = nullptr;
  aml_binding_destroy(&none);
  Function binding([](size_t, size_t) { return 0; });
  aml_binding_fini(binding.get());
  EXPECT_EQ(1, binding.finis);
}

// By pages

TEST_F(CoreBinding, PagesAreNumberedFromTheFirstOneOfTheRange) {
  Function binding([](size_t index, size_t count) {
    EXPECT_EQ(4u, count);
    return static_cast<int>(index);
  });
  // From within the first page into the fourth.
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), At(100), 3 * kPage, nullptr));
  area_.Touch(kStart, 5 * kPage);
  EXPECT_EQ((V{0, 1, 2, 3, 0}), DevicesOf(5));
  ASSERT_EQ(4u, area_.binds.size());
  EXPECT_EQ(kStart, area_.binds[0].start);
  EXPECT_EQ(AML_POLICY_BIND, area_.binds[0].policy);
}

TEST_F(CoreBinding, RunsOfOneDeviceAreOneBind) {
  Function binding([](size_t index, size_t) { return index < 700 ? 1 : 3; });
  const aml_binding_apply_options options = {AML_AREA_BIND_MOVE, 0};
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 1000 * kPage, &options));
  ASSERT_EQ(2u, area_.binds.size());
  EXPECT_EQ(700 * kPage, area_.binds[0].size);
  EXPECT_EQ(kStart + 700 * kPage, area_.binds[1].start);
  EXPECT_EQ(300 * kPage, area_.binds[1].size);
  EXPECT_EQ(unsigned{AML_AREA_BIND_MOVE}, area_.binds[1].flags);
}

TEST_F(CoreBinding, RunsThatTheTypeTellsAreMergedToo) {
  int asked = 0;
  Function binding([&](size_t, size_t) { return ++asked, 2; });
  binding.TellRuns([](const aml_binding *, size_t, size_t) { return size_t{100}; });
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 1050 * kPage, nullptr));
  ASSERT_EQ(1u, area_.binds.size());
  EXPECT_EQ(1050 * kPage, area_.binds[0].size);
  EXPECT_LE(asked, 2 * 11);
}

TEST_F(CoreBinding, ARunOfNothingIsTakenForOnePage) {
  Function binding([](size_t index, size_t) { return static_cast<int>(index); });
  binding.TellRuns([](const aml_binding *, size_t, size_t) { return size_t{0}; });
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 3 * kPage, nullptr));
  EXPECT_EQ(3u, area_.binds.size());
}

TEST_F(CoreBinding, PagesThatTheBindingLeavesAloneAreNotBound) {
  Function binding([](size_t index, size_t) { return index == 1 ? kAbsent : 2; });
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 3 * kPage, nullptr));
  area_.home = 5;
  area_.Touch(kStart, 3 * kPage);
  EXPECT_EQ((V{2, 5, 2}), DevicesOf(3));
  aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify(binding.get(), area_.get(), kPointer, 3 * kPage, &report));
  EXPECT_EQ(3 * kPage, report.right_size);
}

TEST_F(CoreBinding, AKernelPolicyIsOneBindAndNumbersPagesByAddress) {
  aml_nodeset set = aml_nodeset_of(1);
  ASSERT_TRUE(aml_nodeset_add(&set, 4));
  ASSERT_TRUE(aml_nodeset_add(&set, 6));
  const std::array<int, 3> nodes = {1, 4, 6};
  Function binding([&](size_t index, size_t) { return nodes.at(index % 3); });
  binding.BecomePolicy(set);
  // 256 is 1 modulo 3: the rotation does not start at this mapping's first page.
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 3000 * kPage, nullptr));
  ASSERT_EQ(1u, area_.binds.size());
  EXPECT_EQ(AML_POLICY_INTERLEAVE, area_.binds[0].policy);
  EXPECT_TRUE(aml_nodeset_is_equal(&set, &area_.binds[0].devices));
  area_.Touch(kStart, 3000 * kPage);
  EXPECT_EQ((V{4, 6, 1, 4}), DevicesOf(4));
  aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify(binding.get(), area_.get(), kPointer, 3000 * kPage, &report));
  EXPECT_EQ(3000 * kPage, report.right_size);
  EXPECT_EQ(1000 * kPage, report.device_size[6]);
  // A part of the range, from anywhere in it, is right too.
  ASSERT_EQ(0, aml_binding_verify(binding.get(), area_.get(), At(7 * kPage), 5 * kPage, &report));
  EXPECT_EQ(5 * kPage, report.right_size);
}

TEST_F(CoreBinding, AKernelPolicyMovesAndChecksPageByPageWhenAsked) {
  // To the kernel a page is right on any device of the policy; to us it is not.
  const auto interleave = [](size_t index, size_t) { return static_cast<int>(index % 2); };
  Function binding(interleave);
  aml_nodeset set = aml_nodeset_of(0);
  ASSERT_TRUE(aml_nodeset_add(&set, 1));
  binding.BecomePolicy(set);
  area_.Touch(kStart, 3 * kPage);
  aml_binding_apply_options options = {0, 0};
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  EXPECT_EQ((V{0, 0, 0, kAbsent}), DevicesOf(4));
  EXPECT_TRUE(area_.locates.empty());

  options.flags = AML_AREA_BIND_STRICT;
  EXPECT_EQ(-AML_EIO, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  EXPECT_TRUE(area_.moves.empty());

  options.flags |= AML_AREA_BIND_MOVE;
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  EXPECT_EQ((V{0, 1, 0, kAbsent}), DevicesOf(4));
  EXPECT_EQ((std::vector<size_t>{1}), area_.moves);

  area_.place[kStart / kPage + 1] = 0;
  area_.answers[kStart / kPage + 1] = 0; // will not move
  EXPECT_EQ(-AML_EIO, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  options.flags = AML_AREA_BIND_MOVE;
  EXPECT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  area_.fail_locate_at = static_cast<int>(area_.locates.size());
  EXPECT_EQ(-AML_EPERM,
            aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  area_.fail_locate_at = -1;
  area_.fail_move_at = static_cast<int>(area_.moves.size());
  EXPECT_EQ(-AML_EPERM,
            aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
}

TEST_F(CoreBinding, APolicyOfOneDeviceIsLeftToTheKernel) {
  Function binding([](size_t, size_t) { return 3; });
  binding.BecomePolicy(aml_nodeset_of(3));
  const aml_binding_apply_options options = {AML_AREA_BIND_MOVE, 0};
  area_.Touch(kStart, 4 * kPage);
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  ASSERT_EQ(1u, area_.binds.size());
  EXPECT_EQ(unsigned{AML_AREA_BIND_MOVE}, area_.binds[0].flags);
  EXPECT_TRUE(area_.locates.empty());
  EXPECT_TRUE(area_.moves.empty());
}

TEST_F(CoreBinding, TooManyRunsMoveInBulkWhatIsPresent) {
  Function binding([](size_t index, size_t) { return static_cast<int>(index % 2); });
  area_.Touch(kStart, 1001 * kPage);
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 1001 * kPage, nullptr));
  EXPECT_TRUE(area_.binds.empty());
  EXPECT_EQ((std::vector<size_t>{512, 489}), area_.moves);
  aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify(binding.get(), area_.get(), kPointer, 1001 * kPage, &report));
  EXPECT_EQ(1001 * kPage, report.right_size);
  EXPECT_EQ(500 * kPage, report.device_size[1]);
  // As many as are allowed are bound.
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 1000 * kPage, nullptr));
  EXPECT_EQ(1000u, area_.binds.size());
}

TEST_F(CoreBinding, TheUserSaysHowManyMappingsAreTooMany) {
  Function binding([](size_t index, size_t) { return static_cast<int>(index % 2); });
  area_.Touch(kStart, 4 * kPage);
  aml_binding_apply_options options = {0, 3};
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  EXPECT_TRUE(area_.binds.empty());
  options.max_mappings = 4;
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  EXPECT_EQ(4u, area_.binds.size());
}

TEST_F(CoreBinding, TooManyRunsOfAbsentPagesAreRefused) {
  Function binding([](size_t index, size_t) { return static_cast<int>(index % 2); });
  area_.Touch(kStart, kPage);
  const aml_binding_apply_options options = {0, 2};
  EXPECT_EQ(-AML_EOVERFLOW,
            aml_binding_apply(binding.get(), area_.get(), kPointer, 3 * kPage, &options));
  EXPECT_STREQ("aml_binding_apply: binding needs more mappings than max_mappings, and a page is "
               "not present",
               aml_error_detail());
}

TEST_F(CoreBinding, BulkMovesLeaveAloneWhatTheBindingDoes) {
  Function binding([](size_t index, size_t) { return index % 2 == 0 ? kAbsent : 3; });
  area_.Touch(kStart, 5 * kPage);
  const aml_binding_apply_options options = {0, 1};
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 5 * kPage, &options));
  EXPECT_EQ((V{0, 3, 0, 3, 0}), DevicesOf(5));
}

TEST_F(CoreBinding, VerifyTellsRightWrongAndAbsent) {
  Function binding([](size_t index, size_t) { return index < 600 ? 1 : 2; });
  area_.home = 1;
  area_.Touch(kStart, 700 * kPage);
  aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify(binding.get(), area_.get(), kPointer, 1000 * kPage, &report));
  EXPECT_EQ(600 * kPage, report.right_size);
  EXPECT_EQ(100 * kPage, report.wrong_size);
  EXPECT_EQ(300 * kPage, report.absent_size);
  EXPECT_EQ(700 * kPage, report.device_size[1]);
  EXPECT_EQ(0u, report.device_size[2]);
  EXPECT_EQ(At(600 * kPage), report.first_wrong);
  EXPECT_EQ((std::vector<size_t>{512, 488}), area_.locates);
}

// By tiles

} // namespace
