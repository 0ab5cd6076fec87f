// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of areas: what an area tells of itself and of its mappings.

#ifndef AML_TESTS_CONTRACT_INTERNAL_AREA_INFO_H
#define AML_TESTS_CONTRACT_INTERNAL_AREA_INFO_H

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <tuple>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/contract/internal/area_fixture.h"
#include "aml/tests/contract/internal/refusal.h"

namespace aml_testing {

inline bool IsPowerOfTwo(size_t number) {
  return number != 0 && (number & (number - 1)) == 0;
}

inline bool IsPolicy(aml_policy policy) {
  return policy >= AML_POLICY_DEFAULT && policy <= AML_POLICY_WEIGHTED_INTERLEAVE;
}

/** What info says, to be compared; the name of memory is left to those who read it. */
inline auto FieldsOf(const aml_area_info &info) {
  char devices[AML_NODESET_TEXT_CAPACITY];
  (void)aml_nodeset_format(&info.devices, devices, sizeof devices);
  return std::make_tuple(std::string(info.type), info.capabilities, info.granularity,
                         info.max_alignment, info.page_size, info.size, info.granted, info.policy,
                         std::string(devices), info.native.kind, info.read_bandwidth_mib_s,
                         info.write_bandwidth_mib_s, info.read_latency_ns, info.write_latency_ns);
}

/** What is true of every info. */
inline void ExpectInfoOfTheArea(aml_area *area, const aml_area_info &info) {
  EXPECT_STREQ(area->ops->name, info.type);
  EXPECT_EQ(aml_area_capabilities(area), info.capabilities);
  EXPECT_TRUE(IsPowerOfTwo(info.granularity)) << info.granularity;
  EXPECT_TRUE(IsPowerOfTwo(info.max_alignment)) << info.max_alignment;
  EXPECT_TRUE(IsPowerOfTwo(info.page_size)) << info.page_size;
  EXPECT_GE(info.max_alignment, info.granularity);
  EXPECT_EQ(0u, info.granted & ~0x1ffu) << "grants that there are not";
  EXPECT_TRUE(IsPolicy(info.policy)) << info.policy;
  EXPECT_LE(info.native.kind, AML_NATIVE_MPI);
}

inline void CheckInfoDescribesTheArea(aml_area *area) {
  const aml_area_info info = InfoOf(area);
  ExpectInfoOfTheArea(area, info);
  EXPECT_EQ(AML_UNKNOWN, info.size);
  const Mapping mapping(area, 1);
  EXPECT_EQ(FieldsOf(info), FieldsOf(InfoOf(area))) << "it changes with what is mapped";
}

TYPED_TEST_P(AreaContract, InfoDescribesTheArea) {
  this->OnEach(CheckInfoDescribesTheArea);
}

inline void CheckInfoDescribesAMapping(aml_area *area) {
  const aml_area_info whole = InfoOf(area);
  for (const size_t size : {size_t{1}, whole.granularity, 2 * whole.granularity + 3}) {
    const Mapping mapping(area, size);
    ASSERT_TRUE(mapping.ok());
    const aml_area_info info = InfoOf(area, mapping.bytes());
    ExpectInfoOfTheArea(area, info);
    EXPECT_EQ(whole.granularity, info.granularity);
    EXPECT_LE(info.page_size, whole.page_size) << "what an area says holds for each mapping";
    if (info.size != AML_UNKNOWN) {
      EXPECT_TRUE(info.size == size || info.size == Rounded(area, size)) << info.size;
    }
    for (const size_t inside : {size / 2, size - 1})
      EXPECT_EQ(FieldsOf(info), FieldsOf(InfoOf(area, mapping.bytes() + inside))) << inside;
  }
}

TYPED_TEST_P(AreaContract, InfoDescribesAMapping) {
  this->OnEach(CheckInfoDescribesAMapping);
}

inline void CheckInfoFillsEveryField(aml_area *area) {
  const Mapping mapping(area, 1);
  for (const void *const pointer : {(const void *)nullptr, (const void *)mapping.bytes()}) {
    aml_area_info low;
    aml_area_info high;
    std::memset(&low, 0x11, sizeof low);
    std::memset(&high, 0x66, sizeof high);
    ASSERT_EQ(0, aml_area_get_info(area, pointer, &low)) << aml_error_detail();
    ASSERT_EQ(0, aml_area_get_info(area, pointer, &high)) << aml_error_detail();
    ASSERT_NE(0, std::memcmp(&low.type, "\x11\x11\x11\x11\x11\x11\x11\x11", sizeof low.type));
    EXPECT_EQ(FieldsOf(low), FieldsOf(high)) << "a field was left as it was";
  }
}

TYPED_TEST_P(AreaContract, InfoFillsEveryField) {
  this->OnEach(CheckInfoFillsEveryField);
}

inline void CheckBadArgumentsOfInfoAreRefused(aml_area *area) {
  aml_area_info info;
  aml_area_info before;
  std::memset(&info, 0x11, sizeof info);
  std::memcpy(&before, &info, sizeof info);
  ExpectRefused("aml_area_get_info: area",
                [&] { return aml_area_get_info(nullptr, nullptr, &info); });
  EXPECT_EQ(0, std::memcmp(&before, &info, sizeof info));
  ExpectRefused("aml_area_get_info: info",
                [&] { return aml_area_get_info(area, nullptr, nullptr); });
}

TYPED_TEST_P(AreaContract, BadArgumentsOfInfoAreRefused) {
  this->OnEach(CheckBadArgumentsOfInfoAreRefused);
}

inline void CheckCapabilitiesHaveTheirOperations(aml_area *area) {
  const aml_area_ops *const ops = area->ops;
  EXPECT_STRNE("", ops->name);
  EXPECT_EQ(0u, aml_area_capabilities(area) & ~0xfffu) << "capabilities that there are not";
  EXPECT_TRUE(!Can(area, AML_AREA_CAN_BIND) || ops->bind != nullptr);
  EXPECT_TRUE(!Can(area, AML_AREA_CAN_LOCATE) || ops->locate != nullptr);
  EXPECT_TRUE(!Can(area, AML_AREA_CAN_MOVE) || ops->move != nullptr);
  EXPECT_TRUE(!Can(area, AML_AREA_CAN_RESIZE) || ops->resize != nullptr);
  EXPECT_TRUE(!Can(area, AML_AREA_CAN_PURGE) || ops->purge != nullptr);
  EXPECT_TRUE(!Can(area, AML_AREA_CAN_SYNC) || ops->sync != nullptr);
}

TYPED_TEST_P(AreaContract, CapabilitiesHaveTheirOperations) {
  this->OnEach(CheckCapabilitiesHaveTheirOperations);
  EXPECT_EQ(0u, aml_area_capabilities(nullptr));
}

} // namespace aml_testing

#endif
