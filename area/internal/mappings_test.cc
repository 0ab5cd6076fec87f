// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/internal/mappings.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "aml/core/error.h"

namespace {

constexpr size_t kPage = 4096;
constexpr char kCall[] = "aml_area_unmap";

void *At(uintptr_t address) {
  return reinterpret_cast<void *>(address);
}

class AreaInternalMappings : public ::testing::Test {
protected:
  void SetUp() override {
    mapping_.range.size = 2 * kPage;
    mapping_.size = kPage + 1;
    ASSERT_EQ(nullptr, aml_internal_mappings_put(&set_, At(16 * kPage), &mapping_));
  }

  int Take(uintptr_t address, size_t size) {
    return aml_internal_mappings_take(&set_, kCall, At(address), "size", size, kPage, &taken_);
  }

  void ExpectRefused(uintptr_t address, size_t size, const char *sentence) {
    EXPECT_EQ(-AML_EINVAL, Take(address, size));
    EXPECT_STREQ(sentence, aml_error_detail());
    EXPECT_EQ(nullptr, taken_);
    EXPECT_EQ(&mapping_, aml_internal_mappings_find(&set_, At(16 * kPage)));
  }

  aml_internal_ranges set_ = {};
  aml_internal_mapping mapping_ = {};
  aml_internal_mapping *taken_ = nullptr;
};

TEST_F(AreaInternalMappings, AreFoundByEachAddressInThem) {
  EXPECT_EQ(&mapping_, aml_internal_mappings_find(&set_, At(18 * kPage - 1)));
  EXPECT_EQ(nullptr, aml_internal_mappings_find(&set_, At(18 * kPage)));
  EXPECT_EQ(nullptr, aml_internal_mappings_find(&set_, nullptr));
}

TEST_F(AreaInternalMappings, AreTakenByStartAndAnySizeThatRoundsUpToTheirs) {
  for (const size_t size : {kPage + 1, kPage + 2, 2 * kPage}) {
    taken_ = nullptr;
    ASSERT_EQ(0, Take(16 * kPage, size)) << aml_error_detail();
    EXPECT_EQ(&mapping_, taken_);
    EXPECT_EQ(nullptr, aml_internal_mappings_find(&set_, At(16 * kPage)));
    ASSERT_EQ(nullptr, aml_internal_mappings_put(&set_, At(16 * kPage), taken_));
  }
}

TEST_F(AreaInternalMappings, WhatIsNoMappingIsRefused) {
  const char none[] = "aml_area_unmap: pointer is in no mapping, or in one that was given back "
                      "already";
  ExpectRefused(15 * kPage, kPage + 1, none);
  ExpectRefused(18 * kPage, kPage + 1, none);
}

TEST_F(AreaInternalMappings, PartsAreRefused) {
  ExpectRefused(17 * kPage, kPage, "aml_area_unmap: pointer is inside a mapping, not at its start");
  ExpectRefused(16 * kPage, kPage, "aml_area_unmap: size 4096 is not that of the mapping");
  ExpectRefused(16 * kPage, 2 * kPage + 1, "aml_area_unmap: size 8193 is not that of the mapping");
  EXPECT_EQ(-AML_EINVAL, Take(16 * kPage, SIZE_MAX));
}

TEST_F(AreaInternalMappings, AnOverlapPutsOutWhatWasThere) {
  aml_internal_mapping next = {};
  next.range.size = kPage;
  ASSERT_EQ(nullptr, aml_internal_mappings_put(&set_, At(18 * kPage), &next));
  aml_internal_mapping other = {};
  for (const uintptr_t page : {15, 17}) {
    other.range.size = 4 * kPage;
    EXPECT_EQ(&mapping_, aml_internal_mappings_put(&set_, At(page * kPage), &other)) << page;
    EXPECT_EQ(&next, aml_internal_mappings_put(&set_, At(page * kPage), &other)) << page;
    EXPECT_EQ(nullptr, aml_internal_mappings_find(&set_, At(17 * kPage)));
    ASSERT_EQ(nullptr, aml_internal_mappings_put(&set_, At(page * kPage), &other)) << page;
    ASSERT_EQ(&other, aml_internal_mappings_find(&set_, At(17 * kPage)));
    aml_internal_ranges_remove(&set_, &other.range);
    ASSERT_EQ(nullptr, aml_internal_mappings_put(&set_, At(16 * kPage), &mapping_));
    ASSERT_EQ(nullptr, aml_internal_mappings_put(&set_, At(18 * kPage), &next));
  }
}

} // namespace
