// SPDX-License-Identifier: BSD-3-Clause
//
// What is done to ranges and pages, by the area that has them; and what areas can do together.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "aml/area/fallback.h"
#include "aml/area/fallback_testing.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/fault/area.h"

namespace {

constexpr int kUntouched = -1000;

class AreaFallbackPlace : public AreaFallback {
protected:
  void SetUp() override {
    AreaFallback::SetUp();
    a_ = Map(2 * kPage);
    b_ = MapSecond(2 * kPage);
    a_[0] = b_[0] = 1;
  }
  void TearDown() override {
    (void)aml_area_fault_disarm(first_);
    (void)aml_area_fault_disarm(second_);
    Unmap(a_, 2 * kPage);
    Unmap(b_, 2 * kPage);
    AreaFallback::TearDown();
  }

  // Expects `call` to be one of the second area's, and of no other.
  template <class Call> void ExpectSecond(unsigned operation, Call call) {
    Fail(AML_AREA_FAULT_ALL);
    FailIn(second_, operation, -AML_EDEADLK);
    EXPECT_EQ(-AML_EDEADLK, call());
    EXPECT_EQ(0u, aml_area_fault_disarm(first_));
    EXPECT_EQ(1u, aml_area_fault_disarm(second_));
  }

  char *a_ = nullptr;
  char *b_ = nullptr;
};

TEST_F(AreaFallbackPlace, TheAreaThatServedDoesWhatIsDoneToARange) {
  ExpectSecond(AML_AREA_FAULT_BIND, [this] {
    return aml_area_bind(area_, b_ + 1, kPage, AML_POLICY_DEFAULT, nullptr, 0);
  });
  ExpectSecond(AML_AREA_FAULT_PURGE, [this] { return aml_area_purge(area_, b_, kPage); });
  ExpectSecond(AML_AREA_FAULT_INFO, [this] {
    aml_area_info info = {};
    return aml_area_get_info(area_, b_ + 1, &info);
  });
  ExpectSecond(AML_AREA_FAULT_UNMAP, [this] { return aml_area_unmap(area_, b_, 2 * kPage); });
  EXPECT_EQ(1u, IndexOf(b_)) << "still mapped";
}

TEST_F(AreaFallbackPlace, WhatReachesPastAMappingIsRefused) {
  EXPECT_EQ(0, aml_area_purge(area_, b_ + kPage, kPage)) << aml_error_detail();
  EXPECT_EQ(-AML_EINVAL, aml_area_purge(area_, b_ + kPage, kPage + 1));
  EXPECT_STREQ("aml_area_purge: size 4097 reaches past the mapping", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area_, b_, SIZE_MAX, AML_POLICY_DEFAULT, nullptr, 0));
  int local = 0;
  EXPECT_EQ(-AML_EINVAL, aml_area_purge(area_, &local, 1));
  EXPECT_STREQ("aml_area_purge: pointer is in no mapping", aml_error_detail());
  aml_area_info info = {};
  EXPECT_EQ(-AML_EINVAL, aml_area_get_info(area_, &local, &info));
  EXPECT_STREQ("aml_area_get_info: pointer is in no mapping", aml_error_detail());
}

TEST_F(AreaFallbackPlace, PagesOfSeveralAreasAreLocatedInOneCall) {
  void *const pages[] = {b_, a_, a_ + kPage, b_ + kPage, a_};
  int devices[] = {kUntouched, kUntouched, kUntouched, kUntouched, kUntouched, kUntouched};
  const int err = aml_area_locate(area_, 5, pages, devices);
  if (err == -AML_EPERM || err == -AML_ENOTSUP)
    GTEST_SKIP() << aml_error_detail();
  ASSERT_EQ(0, err) << aml_error_detail();
  EXPECT_GE(devices[0], 0);
  EXPECT_EQ(-AML_ENOENT, devices[2]) << "never touched";
  EXPECT_EQ(-AML_ENOENT, devices[3]);
  EXPECT_EQ(devices[1], devices[4]);
  EXPECT_EQ(kUntouched, devices[5]);
  int results[5] = {};
  const int to[] = {devices[0], devices[1], devices[1], devices[0], devices[1]};
  ASSERT_EQ(0, aml_area_move(area_, 5, pages, to, results)) << aml_error_detail();
  EXPECT_EQ(devices[0], results[0]);
  EXPECT_EQ(devices[1], results[1]);
}

TEST_F(AreaFallbackPlace, AnAreaThatRefusesLeavesTheOthersAnswers) {
  void *const pages[] = {b_, a_, b_ + kPage};
  int devices[] = {kUntouched, kUntouched, kUntouched};
  if (aml_area_locate(area_, 1, pages, devices) != 0)
    GTEST_SKIP() << aml_error_detail();
  for (aml_area *const refusing : {first_, second_}) {
    FailIn(refusing, AML_AREA_FAULT_LOCATE, -AML_EBUSY);
    ASSERT_EQ(0, aml_area_locate(area_, 3, pages, devices)) << aml_error_detail();
    (void)aml_area_fault_disarm(refusing);
    for (size_t i = 0; i < 3; ++i)
      EXPECT_EQ((i == 1) == (refusing == first_), devices[i] == -AML_EBUSY) << i;
  }
}

TEST_F(AreaFallbackPlace, WhatAllAreasRefuseFailsAndWritesNothing) {
  void *const pages[] = {b_, a_};
  const int to[] = {0, 0};
  int results[] = {kUntouched, kUntouched};
  for (aml_area *const each : {first_, second_})
    FailIn(each, AML_AREA_FAULT_LOCATE | AML_AREA_FAULT_MOVE, -AML_EPERM);
  EXPECT_EQ(-AML_EPERM, aml_area_locate(area_, 2, pages, results));
  EXPECT_EQ(-AML_EPERM, aml_area_move(area_, 2, pages, to, results));
  EXPECT_EQ(kUntouched, results[0]);
  EXPECT_EQ(kUntouched, results[1]);
}

TEST_F(AreaFallbackPlace, AnAddressOfNoMappingIsRefusedBeforeAnythingIsDone) {
  int local = 0;
  void *const pages[] = {a_, b_, &local};
  const int to[] = {0, 0, 0};
  int results[] = {kUntouched, kUntouched, kUntouched};
  EXPECT_EQ(-AML_EINVAL, aml_area_locate(area_, 3, pages, results));
  EXPECT_STREQ("aml_area_locate: pointers: number 2 is in no mapping", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_move(area_, 3, pages, to, results));
  EXPECT_EQ(kUntouched, results[0]);
}

// What an area of two can do that lack some capabilities.
unsigned Together(aml_area *inner, unsigned hidden_in_one, unsigned hidden_in_other) {
  AML_AREA_FAULT_DECL(one);
  AML_AREA_FAULT_DECL(other);
  AML_AREA_FALLBACK_DECL(area);
  EXPECT_EQ(0, aml_area_fault_init(one, inner, hidden_in_one));
  EXPECT_EQ(0, aml_area_fault_init(other, inner, hidden_in_other));
  aml_area *const areas[] = {one, other};
  EXPECT_EQ(0, aml_area_fallback_init(area, 2, areas, nullptr)) << aml_error_detail();
  const unsigned capabilities = aml_area_capabilities(area);
  aml_area_fini(area);
  return capabilities;
}

TEST_F(AreaFallbackPlace, CanDoWhatAllOfItsAreasCan) {
  const unsigned all = aml_area_capabilities(linux_);
  EXPECT_EQ(all, aml_area_capabilities(area_));
  for (const unsigned bit :
       {AML_AREA_CAN_BIND, AML_AREA_CAN_LOCATE, AML_AREA_CAN_MOVE, AML_AREA_CAN_RESIZE,
        AML_AREA_CAN_PURGE, AML_AREA_ZEROED, AML_AREA_HOST_READABLE, AML_AREA_HOST_WRITABLE}) {
    EXPECT_EQ(all & ~bit, Together(linux_, bit, 0)) << bit;
    EXPECT_EQ(all & ~bit, Together(linux_, 0, bit)) << bit;
  }
}

// An area of devices, over one of nodes.
struct DeviceArea {
  aml_area area;
  aml_area_ops ops;
  aml_area *inner;

  explicit DeviceArea(aml_area *over) : area{&ops}, ops(*over->ops), inner(over) {
    ops.capabilities = [](const aml_area *self) {
      return aml_area_capabilities(reinterpret_cast<const DeviceArea *>(self)->inner) |
             AML_AREA_DEVICE | AML_AREA_SHARED;
    };
    ops.info = [](aml_area *self, const void *pointer, aml_area_info *info) {
      const int err = aml_area_get_info(reinterpret_cast<DeviceArea *>(self)->inner, pointer, info);
      info->capabilities = aml_area_capabilities(self);
      info->devices = aml_nodeset_of(3);
      info->read_latency_ns = 5;
      return err;
    };
  }
};

TEST_F(AreaFallbackPlace, WhereNumbersMeanDifferentThingsNoneIsTaken) {
  DeviceArea device(linux_);
  AML_AREA_FALLBACK_DECL(area);
  constexpr unsigned kNumbers = AML_AREA_CAN_BIND | AML_AREA_CAN_LOCATE | AML_AREA_CAN_MOVE;
  for (const bool is_first : {false, true}) {
    aml_area *const areas[] = {is_first ? &device.area : linux_, is_first ? linux_ : &device.area,
                               &device.area};
    ASSERT_EQ(0, aml_area_fallback_init(area, 3, areas, nullptr)) << aml_error_detail();
    const unsigned capabilities = aml_area_capabilities(area);
    EXPECT_EQ((aml_area_capabilities(linux_) | AML_AREA_DEVICE | AML_AREA_SHARED) & ~kNumbers,
              capabilities);
    aml_area_info info = {};
    ASSERT_EQ(0, aml_area_get_info(area, nullptr, &info));
    EXPECT_TRUE(aml_nodeset_is_empty(&info.devices));
    EXPECT_EQ(AML_UNKNOWN, info.read_latency_ns) << "they differ";
    EXPECT_EQ(-AML_ENOTSUP, aml_area_bind(area, &info, 1, AML_POLICY_DEFAULT, nullptr, 0));
    EXPECT_STREQ("aml_area_bind: area is of areas of which one cannot do this", aml_error_detail());
    aml_area_fini(area);
  }
  aml_area *const devices[] = {&device.area, &device.area};
  ASSERT_EQ(0, aml_area_fallback_init(area, 2, devices, nullptr));
  EXPECT_EQ(kNumbers, aml_area_capabilities(area) & kNumbers);
  aml_area_info info = {};
  ASSERT_EQ(0, aml_area_get_info(area, nullptr, &info));
  EXPECT_TRUE(aml_nodeset_has(&info.devices, 3));
  EXPECT_EQ(5u, info.read_latency_ns);
  aml_area_fini(area);
}

} // namespace
