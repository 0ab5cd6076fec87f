// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of areas: resizing mappings, giving their pages back, and making them durable.

#ifndef AML_TESTS_CONTRACT_INTERNAL_AREA_CONTENTS_H
#define AML_TESTS_CONTRACT_INTERNAL_AREA_CONTENTS_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/area_fixture.h"
#include "aml/tests/contract/internal/area_placement.h"
#include "aml/tests/contract/internal/memory.h"
#include "aml/tests/contract/internal/refusal.h"

namespace aml_testing {

/** Resizes a filled mapping, and expects it to keep what stays and to be fresh where it is new. */
inline void ExpectResized(aml_area *area, Mapping *mapping, size_t size, unsigned flags) {
  const size_t old_size = Rounded(area, mapping->size());
  const size_t new_size = Rounded(area, size);
  mapping->Fill(1);
  void *const resized = aml_area_resize(area, mapping->bytes(), mapping->size(), size, flags);
  if (resized == nullptr) {
    EXPECT_EQ(-AML_ENOMEM, aml_error_code()) << aml_error_detail();
    EXPECT_EQ(0u, flags) << "no memory for so little";
    EXPECT_TRUE(mapping->Holds(1)) << "changed by a failure";
    return;
  }
  if (flags == 0) {
    EXPECT_EQ(mapping->bytes(), resized);
  }
  mapping->Resized(resized, size);
  if (IsHostMemory(area)) {
    EXPECT_TRUE(Holds(mapping->bytes(), std::min(old_size, new_size), 1)) << "contents are lost";
  }
  if (IsHostMemory(area) && Can(area, AML_AREA_ZEROED) && new_size > old_size) {
    EXPECT_TRUE(IsZero(mapping->bytes() + old_size, new_size - old_size));
  }
  mapping->Fill(2);
  EXPECT_TRUE(mapping->Holds(2));
}

inline void CheckResizedMappingsKeepTheirContents(aml_area *area) {
  const size_t granularity = GranularityOf(area);
  Mapping mapping(area, 1);
  if (!Can(area, AML_AREA_CAN_RESIZE)) {
    ExpectRefusedWith(-AML_ENOTSUP, "aml_area_resize:", [&] {
      return aml_area_resize(area, mapping.bytes(), 1, 2, 0) == nullptr ? aml_error_code() : 0;
    });
    return;
  }
  for (const size_t size : {granularity, 3 * granularity + 1, 5 * granularity, granularity + 1,
                            granularity - 1 + (granularity == 1), 9 * granularity, size_t{1}}) {
    SCOPED_TRACE(testing::Message() << mapping.size() << " to " << size << " bytes");
    ExpectResized(area, &mapping, size, AML_AREA_RESIZE_MAY_MOVE);
  }
}

TYPED_TEST_P(AreaContract, ResizedMappingsKeepTheirContents) {
  this->OnEach(CheckResizedMappingsKeepTheirContents);
}

inline void CheckResizedInPlaceMappingsStay(aml_area *area) {
  const size_t granularity = GranularityOf(area);
  if (!Can(area, AML_AREA_CAN_RESIZE))
    return;
  Mapping mapping(area, 4 * granularity);
  for (const size_t size : {2 * granularity, 3 * granularity, 3 * granularity, size_t{1}}) {
    SCOPED_TRACE(testing::Message() << mapping.size() << " to " << size << " bytes");
    ExpectResized(area, &mapping, size, 0);
  }
}

TYPED_TEST_P(AreaContract, ResizedInPlaceMappingsStay) {
  this->OnEach(CheckResizedInPlaceMappingsStay);
}

inline void CheckBadArgumentsOfResizeAreRefused(aml_area *area) {
  Mapping mapping(area, 1);
  mapping.Fill(1);
  char *const at = mapping.bytes();
  const auto refused = [](const char *argument, aml_area *of, void *pointer, size_t old_size,
                          size_t new_size, unsigned flags) {
    ExpectRefused(std::string("aml_area_resize: ") + argument, [&] {
      void *const resized = aml_area_resize(of, pointer, old_size, new_size, flags);
      EXPECT_EQ(nullptr, resized);
      return aml_error_code();
    });
  };
  refused("area", nullptr, at, 1, 2, 0);
  refused("pointer", area, nullptr, 1, 2, 0);
  refused("old_size", area, at, 0, 2, 0);
  refused("new_size", area, at, 1, 0, 0);
  refused("flags", area, at, 1, 2, 2);
  refused("flags", area, at, 1, 2, ~0u);
  EXPECT_TRUE(mapping.Holds(1));
}

TYPED_TEST_P(AreaContract, BadArgumentsOfResizeAreRefused) {
  this->OnEach(CheckBadArgumentsOfResizeAreRefused);
}

inline void CheckResizingPastMemoryChangesNothing(aml_area *area) {
  if (!Can(area, AML_AREA_CAN_RESIZE))
    return;
  Mapping mapping(area, 2 * GranularityOf(area));
  mapping.Fill(1);
  for (const size_t size : {SIZE_MAX, SIZE_MAX - GranularityOf(area), SIZE_MAX / 2 + 1}) {
    ForgetTheLastError();
    EXPECT_EQ(nullptr, aml_area_resize(area, mapping.bytes(), mapping.size(), size,
                                       AML_AREA_RESIZE_MAY_MOVE));
    EXPECT_EQ(-AML_ENOMEM, aml_error_code()) << aml_error_detail();
    EXPECT_TRUE(mapping.Holds(1));
  }
}

TYPED_TEST_P(AreaContract, ResizingPastMemoryChangesNothing) {
  this->OnEach(CheckResizingPastMemoryChangesNothing);
}

/** Purges the bytes from `begin` to `end`, and expects the whole pages between them to be fresh. */
inline void ExpectPurged(aml_area *area, Mapping *mapping, size_t begin, size_t end) {
  const size_t page_size = InfoOf(area).page_size;
  const size_t first = (begin + page_size - 1) / page_size * page_size;
  const size_t last = std::max(first, end / page_size * page_size);
  mapping->Fill(1);
  ASSERT_EQ(0, aml_area_purge(area, mapping->bytes() + begin, end - begin)) << aml_error_detail();
  if (!IsHostMemory(area))
    return;
  for (size_t i = 0; i < mapping->size(); ++i) {
    const bool purged = i >= first && i < last;
    const char byte = mapping->bytes()[i];
    if (!purged) {
      ASSERT_EQ(PatternAt(i, 1), byte) << "lost, though not of a whole page: " << i;
    } else if (Can(area, AML_AREA_ZEROED)) {
      ASSERT_EQ(0, byte) << "not fresh: " << i;
    }
  }
  mapping->Fill(2);
  EXPECT_TRUE(mapping->Holds(2)) << "unusable when purged";
}

inline void CheckPurgedPagesAreAsFresh(aml_area *area) {
  const size_t page_size = InfoOf(area).page_size;
  Mapping mapping(area, 4 * StepOf(area));
  ASSERT_TRUE(mapping.ok());
  if (!Can(area, AML_AREA_CAN_PURGE)) {
    mapping.Fill(1);
    ExpectRefusedWith(-AML_ENOTSUP, "aml_area_purge:", [&] {
      return aml_area_purge(area, mapping.bytes(), mapping.size());
    });
    EXPECT_TRUE(mapping.Holds(1));
    return;
  }
  ExpectPurged(area, &mapping, 0, mapping.size());
  ExpectPurged(area, &mapping, 1, 3 * page_size + 1);
  ExpectPurged(area, &mapping, page_size, 3 * page_size - 1);
  ExpectPurged(area, &mapping, 1, page_size);
  ExpectPurged(area, &mapping, page_size - 1, page_size + 1);
}

TYPED_TEST_P(AreaContract, PurgedPagesAreAsFresh) {
  this->OnEach(CheckPurgedPagesAreAsFresh);
}

inline void CheckBadArgumentsOfPurgeAreRefused(aml_area *area) {
  Mapping mapping(area, StepOf(area));
  mapping.Fill(1);
  ExpectRefused("aml_area_purge: area",
                [&] { return aml_area_purge(nullptr, mapping.bytes(), mapping.size()); });
  ExpectRefused("aml_area_purge: pointer",
                [&] { return aml_area_purge(area, nullptr, mapping.size()); });
  ExpectRefused("aml_area_purge: size", [&] { return aml_area_purge(area, mapping.bytes(), 0); });
  EXPECT_TRUE(mapping.Holds(1));
}

TYPED_TEST_P(AreaContract, BadArgumentsOfPurgeAreRefused) {
  this->OnEach(CheckBadArgumentsOfPurgeAreRefused);
}

inline void CheckSyncChangesNothing(aml_area *area) {
  Mapping mapping(area, 2 * StepOf(area));
  mapping.Fill(1);
  const auto sync = [&](size_t offset, size_t size) {
    return aml_area_sync(area, mapping.bytes() + offset, size);
  };
  if (!Can(area, AML_AREA_CAN_SYNC)) {
    ExpectRefusedWith(-AML_ENOTSUP, "aml_area_sync:", [&] { return sync(0, mapping.size()); });
  } else {
    EXPECT_EQ(0, sync(0, mapping.size())) << aml_error_detail();
    EXPECT_EQ(0, sync(1, mapping.size() - 2)) << aml_error_detail();
    EXPECT_EQ(0, sync(mapping.size() - 1, 1)) << aml_error_detail();
  }
  EXPECT_TRUE(mapping.Holds(1));
}

TYPED_TEST_P(AreaContract, SyncChangesNothing) {
  this->OnEach(CheckSyncChangesNothing);
}

inline void CheckBadArgumentsOfSyncAreRefused(aml_area *area) {
  Mapping mapping(area, 1);
  ExpectRefused("aml_area_sync: area", [&] { return aml_area_sync(nullptr, mapping.bytes(), 1); });
  ExpectRefused("aml_area_sync: pointer", [&] { return aml_area_sync(area, nullptr, 1); });
  ExpectRefused("aml_area_sync: size", [&] { return aml_area_sync(area, mapping.bytes(), 0); });
}

TYPED_TEST_P(AreaContract, BadArgumentsOfSyncAreRefused) {
  this->OnEach(CheckBadArgumentsOfSyncAreRefused);
}

inline void CheckRangesPastTheLastAddressAreRefused(aml_area *area) {
  Mapping mapping(area, StepOf(area));
  mapping.Fill(1);
  for (const size_t size : {SIZE_MAX, SIZE_MAX - NumberOf(mapping.bytes()) + 1}) {
    int err = aml_area_bind(area, mapping.bytes(), size, AML_POLICY_DEFAULT, nullptr, 0);
    EXPECT_TRUE(IsOneOf(err, {-AML_EINVAL, -AML_ENOTSUP, -AML_EPERM})) << err;
    err = aml_area_purge(area, mapping.bytes(), size);
    EXPECT_TRUE(IsOneOf(err, {-AML_EINVAL, -AML_ENOTSUP})) << err;
    err = aml_area_sync(area, mapping.bytes(), size);
    EXPECT_TRUE(IsOneOf(err, {-AML_EINVAL, -AML_ENOTSUP})) << err;
  }
  EXPECT_TRUE(mapping.Holds(1));
}

TYPED_TEST_P(AreaContract, RangesPastTheLastAddressAreRefused) {
  this->OnEach(CheckRangesPastTheLastAddressAreRefused);
}

} // namespace aml_testing

#endif
