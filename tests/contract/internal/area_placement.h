// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of areas: which device memory comes from, where it is, and moving it.

#ifndef AML_TESTS_CONTRACT_INTERNAL_AREA_PLACEMENT_H
#define AML_TESTS_CONTRACT_INTERNAL_AREA_PLACEMENT_H

#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <cstddef>
#include <string>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/contract/internal/area_fixture.h"
#include "aml/tests/contract/internal/area_info.h"
#include "aml/tests/contract/internal/memory.h"
#include "aml/tests/contract/internal/refusal.h"

namespace aml_testing {

/** Bytes that are whole pages and whole granules. */
inline size_t StepOf(aml_area *area) {
  return std::max(InfoOf(area).page_size, GranularityOf(area));
}

/** What locate says of one address, or INT_MIN where it is not allowed to. */
inline int DeviceAt(aml_area *area, void *pointer) {
  int device = INT_MIN;
  const int err = aml_area_locate(area, 1, &pointer, &device);
  EXPECT_TRUE(IsOneOf(err, {0, -AML_ENOTSUP, -AML_EPERM})) << aml_error_detail();
  EXPECT_TRUE(err == 0 || device == INT_MIN) << "a failure wrote a result";
  return device;
}

/** A device that there is: where a page comes from, or number 0 where that is not told. */
inline int AnyDevice(aml_area *area) {
  Mapping mapping(area, 1);
  mapping.Fill(1);
  return std::max(0, DeviceAt(area, mapping.bytes()));
}

/** Whether a bind worked; false where the system lacks the policy or forbids it. */
inline bool Bound(aml_area *area, void *pointer, size_t size, aml_policy policy,
                  const aml_nodeset *devices, unsigned flags) {
  const int err = aml_area_bind(area, pointer, size, policy, devices, flags);
  EXPECT_TRUE(IsOneOf(err, {0, -AML_ENOTSUP, -AML_EPERM})) << aml_error_detail();
  return err == 0;
}

inline void CheckBindSetsThePolicy(aml_area *area) {
  const aml_nodeset one = aml_nodeset_of(AnyDevice(area));
  Mapping mapping(area, 2 * StepOf(area));
  mapping.Fill(1);
  if (!Can(area, AML_AREA_CAN_BIND)) {
    ExpectRefusedWith(-AML_ENOTSUP, "aml_area_bind:", [&] {
      return aml_area_bind(area, mapping.bytes(), 1, AML_POLICY_DEFAULT, nullptr, 0);
    });
    return;
  }
  for (int number = AML_POLICY_WEIGHTED_INTERLEAVE; number >= 0; --number) {
    const auto policy = static_cast<aml_policy>(number);
    const bool takes_devices = policy != AML_POLICY_DEFAULT && policy != AML_POLICY_LOCAL;
    if (!Bound(area, mapping.bytes(), mapping.size(), policy, takes_devices ? &one : nullptr, 0))
      continue;
    const aml_area_info info = InfoOf(area, mapping.bytes() + mapping.size() - 1);
    EXPECT_EQ(policy, info.policy);
    if (takes_devices) {
      EXPECT_TRUE(aml_nodeset_is_equal(&one, &info.devices)) << "policy " << policy;
    }
  }
  EXPECT_TRUE(mapping.Holds(1));
}

TYPED_TEST_P(AreaContract, BindSetsThePolicy) {
  this->OnEach(CheckBindSetsThePolicy);
}

inline void CheckBindGrowsToWholePagesAndNoFurther(aml_area *area) {
  const aml_nodeset one = aml_nodeset_of(AnyDevice(area));
  const size_t page_size = InfoOf(area).page_size;
  const Mapping mapping(area, 3 * StepOf(area));
  if (!Can(area, AML_AREA_CAN_BIND))
    return;
  const aml_policy fresh = InfoOf(area, mapping.bytes()).policy;
  const aml_policy wanted = fresh == AML_POLICY_BIND ? AML_POLICY_INTERLEAVE : AML_POLICY_BIND;
  // Two bytes, on either side of a page's end.
  if (!Bound(area, mapping.bytes() + 2 * page_size - 1, 2, wanted, &one, 0))
    return;
  const aml_policy expected[] = {fresh, wanted, wanted};
  for (size_t page = 0; page < 3; ++page)
    for (const size_t byte : {page * page_size, (page + 1) * page_size - 1})
      EXPECT_EQ(expected[page], InfoOf(area, mapping.bytes() + byte).policy) << byte;
}

TYPED_TEST_P(AreaContract, BindGrowsToWholePagesAndNoFurther) {
  this->OnEach(CheckBindGrowsToWholePagesAndNoFurther);
}

inline void CheckBoundPagesAreOnTheDevice(aml_area *area) {
  const int device = AnyDevice(area);
  const aml_nodeset one = aml_nodeset_of(device);
  Mapping mapping(area, 3 * StepOf(area));
  mapping.Fill(1);
  if (!Can(area, AML_AREA_CAN_BIND) ||
      !Bound(area, mapping.bytes(), mapping.size(), AML_POLICY_BIND, &one,
             AML_AREA_BIND_MOVE | AML_AREA_BIND_STRICT))
    return;
  EXPECT_TRUE(mapping.Holds(1));
  for (size_t offset = 0; offset < mapping.size(); offset += StepOf(area))
    EXPECT_TRUE(IsOneOf(DeviceAt(area, mapping.bytes() + offset), {device, -AML_ENOENT, INT_MIN}));
}

TYPED_TEST_P(AreaContract, BoundPagesAreOnTheDevice) {
  this->OnEach(CheckBoundPagesAreOnTheDevice);
}

inline void CheckBadArgumentsOfBindAreRefused(aml_area *area) {
  const Mapping mapping(area, 1);
  const aml_nodeset none = {};
  aml_nodeset two = aml_nodeset_of(0);
  (void)aml_nodeset_add(&two, 1);
  const aml_nodeset *const first = &two;
  const auto refused = [](const char *argument, aml_area *of, void *at, size_t size, int policy,
                          const aml_nodeset *devices, unsigned flags) {
    ExpectRefused(std::string("aml_area_bind: ") + argument, [&] {
      return aml_area_bind(of, at, size, static_cast<aml_policy>(policy), devices, flags);
    });
  };
  char *const at = mapping.bytes();
  const auto before = FieldsOf(InfoOf(area, at));
  refused("area", nullptr, at, 1, AML_POLICY_DEFAULT, nullptr, 0);
  refused("pointer", area, nullptr, 1, AML_POLICY_DEFAULT, nullptr, 0);
  refused("size", area, at, 0, AML_POLICY_DEFAULT, nullptr, 0);
  for (const int policy : {-1, static_cast<int>(AML_POLICY_WEIGHTED_INTERLEAVE) + 1})
    refused("policy", area, at, 1, policy, first, 0);
  for (int policy = AML_POLICY_BIND; policy <= AML_POLICY_WEIGHTED_INTERLEAVE; ++policy)
    for (const aml_nodeset *const devices : {(const aml_nodeset *)nullptr, &none})
      refused("devices", area, at, 1, policy, devices, 0);
  refused("devices", area, at, 1, AML_POLICY_PREFERRED, &two, 0);
  for (const unsigned flags : {4u, ~0u})
    refused("flags", area, at, 1, AML_POLICY_DEFAULT, nullptr, flags);
  EXPECT_EQ(before, FieldsOf(InfoOf(area, at)));
}

TYPED_TEST_P(AreaContract, BadArgumentsOfBindAreRefused) {
  this->OnEach(CheckBadArgumentsOfBindAreRefused);
}

inline void CheckDevicesThatDoNotExistAreRefused(aml_area *area) {
  Mapping mapping(area, StepOf(area));
  mapping.Fill(1);
  const auto before = FieldsOf(InfoOf(area, mapping.bytes()));
  aml_nodeset devices = aml_nodeset_of(AML_NODESET_CAPACITY - 1);
  for (int round = 0; round < 2; ++round) {
    const int err =
        aml_area_bind(area, mapping.bytes(), mapping.size(), AML_POLICY_BIND, &devices, 0);
    EXPECT_TRUE(IsOneOf(err, {-AML_EINVAL, -AML_ENOTSUP, -AML_EPERM})) << err;
    (void)aml_nodeset_add(&devices, AnyDevice(area));
  }
  void *const page = mapping.bytes();
  for (const int device : {-1, AML_NODESET_CAPACITY - 1, INT_MAX}) {
    int result = INT_MIN;
    const int err = aml_area_move(area, 1, &page, &device, &result);
    EXPECT_TRUE(IsOneOf(err, {0, -AML_EINVAL, -AML_ENOTSUP, -AML_EPERM})) << err;
    EXPECT_LT(result, 0) << "moved to device " << device;
    EXPECT_TRUE(err == 0 || result == INT_MIN) << "a failure wrote a result";
  }
  EXPECT_EQ(before, FieldsOf(InfoOf(area, mapping.bytes())));
  EXPECT_TRUE(mapping.Holds(1));
}

TYPED_TEST_P(AreaContract, DevicesThatDoNotExistAreRefused) {
  this->OnEach(CheckDevicesThatDoNotExistAreRefused);
}

inline void CheckLocateTellsWherePagesAre(aml_area *area) {
  Mapping mapping(area, 4 * StepOf(area));
  if (!Can(area, AML_AREA_CAN_LOCATE)) {
    void *const page = mapping.bytes();
    int device = INT_MIN;
    ExpectRefusedWith(-AML_ENOTSUP,
                      "aml_area_locate:", [&] { return aml_area_locate(area, 1, &page, &device); });
    EXPECT_EQ(INT_MIN, device);
    return;
  }
  const int fresh = DeviceAt(area, mapping.bytes());
  EXPECT_EQ(fresh, DeviceAt(area, mapping.bytes())) << "it touches what it looks at";
  EXPECT_TRUE(fresh >= 0 || IsOneOf(fresh, {INT_MIN, -AML_ENOENT}));
  mapping.Fill(1);
  const size_t page_size = InfoOf(area).page_size;
  for (size_t offset = 0; offset < mapping.size(); offset += page_size) {
    const int device = DeviceAt(area, mapping.bytes() + offset);
    EXPECT_TRUE(device >= 0 || device == INT_MIN || !IsHostMemory(area)) << device;
    EXPECT_EQ(device, DeviceAt(area, mapping.bytes() + offset + page_size - 1));
  }
  EXPECT_TRUE(mapping.Holds(1));
}

TYPED_TEST_P(AreaContract, LocateTellsWherePagesAre) {
  this->OnEach(CheckLocateTellsWherePagesAre);
}

inline void CheckLocateAnswersForEachPointer(aml_area *area) {
  Mapping mapping(area, 3 * StepOf(area));
  mapping.Fill(1);
  const size_t last = mapping.size() - 1;
  void *const pointers[] = {mapping.bytes() + last, mapping.bytes(), mapping.bytes() + last / 2};
  int devices[] = {INT_MIN, INT_MIN, INT_MIN, INT_MIN};
  if (aml_area_locate(area, 3, pointers, devices))
    return;
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_NE(INT_MIN, devices[i]) << "no answer";
    EXPECT_EQ(DeviceAt(area, pointers[i]), devices[i]);
  }
  EXPECT_EQ(INT_MIN, devices[3]) << "an answer too many";
}

TYPED_TEST_P(AreaContract, LocateAnswersForEachPointer) {
  this->OnEach(CheckLocateAnswersForEachPointer);
}

inline void CheckBadArgumentsOfLocateAreRefused(aml_area *area) {
  const Mapping mapping(area, 1);
  void *const page = mapping.bytes();
  int device = INT_MIN;
  ExpectRefused("aml_area_locate: area",
                [&] { return aml_area_locate(nullptr, 1, &page, &device); });
  if (!Can(area, AML_AREA_CAN_LOCATE))
    return;
  ExpectRefused("aml_area_locate: pointers",
                [&] { return aml_area_locate(area, 1, nullptr, &device); });
  ExpectRefused("aml_area_locate: devices",
                [&] { return aml_area_locate(area, 1, &page, nullptr); });
  EXPECT_EQ(0, aml_area_locate(area, 0, nullptr, nullptr));
  EXPECT_EQ(0, aml_area_locate(area, 0, &page, &device));
  EXPECT_EQ(INT_MIN, device);
}

TYPED_TEST_P(AreaContract, BadArgumentsOfLocateAreRefused) {
  this->OnEach(CheckBadArgumentsOfLocateAreRefused);
}

inline void CheckMovedPagesAreWhereResultsSay(aml_area *area) {
  Mapping mapping(area, 3 * StepOf(area));
  mapping.Fill(1);
  const size_t step = StepOf(area);
  void *const pages[] = {mapping.bytes() + 2 * step, mapping.bytes() + 1};
  const int device = AnyDevice(area);
  const int devices[] = {device, device};
  int results[] = {INT_MIN, INT_MIN, INT_MIN};
  const int err = aml_area_move(area, 2, pages, devices, results);
  if (!Can(area, AML_AREA_CAN_MOVE)) {
    EXPECT_EQ(-AML_ENOTSUP, err);
  }
  EXPECT_TRUE(IsOneOf(err, {0, -AML_ENOTSUP, -AML_EPERM})) << aml_error_detail();
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(err != 0, results[i] == INT_MIN) << "page " << i;
    if (results[i] >= 0) {
      EXPECT_EQ(device, results[i]);
      EXPECT_TRUE(IsOneOf(DeviceAt(area, pages[i]), {results[i], INT_MIN}));
    }
  }
  EXPECT_EQ(INT_MIN, results[2]) << "a result too many";
  EXPECT_TRUE(mapping.Holds(1));
}

TYPED_TEST_P(AreaContract, MovedPagesAreWhereResultsSay) {
  this->OnEach(CheckMovedPagesAreWhereResultsSay);
}

inline void CheckBadArgumentsOfMoveAreRefused(aml_area *area) {
  const Mapping mapping(area, 1);
  void *const page = mapping.bytes();
  const int device = 0;
  int result = INT_MIN;
  ExpectRefused("aml_area_move: area",
                [&] { return aml_area_move(nullptr, 1, &page, &device, &result); });
  if (!Can(area, AML_AREA_CAN_MOVE))
    return;
  ExpectRefused("aml_area_move: pointers",
                [&] { return aml_area_move(area, 1, nullptr, &device, &result); });
  ExpectRefused("aml_area_move: devices",
                [&] { return aml_area_move(area, 1, &page, nullptr, &result); });
  ExpectRefused("aml_area_move: results",
                [&] { return aml_area_move(area, 1, &page, &device, nullptr); });
  EXPECT_EQ(0, aml_area_move(area, 0, nullptr, nullptr, nullptr));
  EXPECT_EQ(0, aml_area_move(area, 0, &page, &device, &result));
  EXPECT_EQ(INT_MIN, result);
}

TYPED_TEST_P(AreaContract, BadArgumentsOfMoveAreRefused) {
  this->OnEach(CheckBadArgumentsOfMoveAreRefused);
}

} // namespace aml_testing

#endif
