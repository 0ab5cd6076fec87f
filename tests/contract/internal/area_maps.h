// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of areas: mappings, and what is told of them.

#ifndef AML_TESTS_CONTRACT_INTERNAL_AREA_MAPS_H
#define AML_TESTS_CONTRACT_INTERNAL_AREA_MAPS_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <string>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/area_fixture.h"
#include "aml/tests/contract/internal/memory.h"
#include "aml/tests/contract/internal/refusal.h"

namespace aml_testing {

/** Where mappings are, in bytes that they round up to, and what each was filled with. */
class LiveMappings {
public:
  struct Entry {
    size_t size;
    unsigned seed;
  };

  explicit LiveMappings(aml_area *area) : area_(area) {}
  LiveMappings(const LiveMappings &) = delete;
  ~LiveMappings() {
    while (!entries_.empty())
      Unmap(entries_.begin()->first);
  }

  size_t count() const { return entries_.size(); }
  char *at(size_t index) const { return std::next(entries_.begin(), index)->first; }

  void Map(size_t size, unsigned seed) {
    char *const bytes = static_cast<char *>(aml_area_map(area_, size, nullptr));
    ASSERT_NE(nullptr, bytes) << aml_error_detail();
    const size_t rounded = Rounded(area_, size);
    const auto next = entries_.lower_bound(bytes);
    if (next != entries_.end()) {
      ASSERT_LE(NumberOf(bytes) + rounded, NumberOf(next->first)) << "mappings overlap";
    }
    if (next != entries_.begin()) {
      const auto previous = std::prev(next);
      ASSERT_LE(NumberOf(previous->first) + Rounded(area_, previous->second.size), NumberOf(bytes))
          << "mappings overlap";
    }
    if (Can(area_, AML_AREA_ZEROED) && Can(area_, AML_AREA_HOST_READABLE)) {
      EXPECT_TRUE(IsZero(bytes, rounded)) << "fresh memory is not zero";
    }
    if (IsHostMemory(area_))
      Fill(bytes, rounded, seed);
    entries_[bytes] = {size, seed};
  }

  void Unmap(char *bytes) {
    const Entry entry = entries_.at(bytes);
    if (IsHostMemory(area_)) {
      EXPECT_TRUE(Holds(bytes, Rounded(area_, entry.size), entry.seed)) << "contents changed";
    }
    EXPECT_EQ(0, aml_area_unmap(area_, bytes, entry.size)) << aml_error_detail();
    entries_.erase(bytes);
  }

private:
  aml_area *area_;
  std::map<char *, Entry> entries_;
};

inline void CheckMappingsDoNotOverlapAndKeepTheirContents(aml_area *area) {
  std::mt19937 random(3);
  const size_t granularity = GranularityOf(area);
  LiveMappings live(area);
  for (unsigned step = 0; step < 300; ++step) {
    if (live.count() < 12 && random() % 5 != 0)
      live.Map(1 + random() % (3 * granularity), step);
    else if (live.count() != 0)
      live.Unmap(live.at(random() % live.count()));
    if (testing::Test::HasFatalFailure())
      return;
  }
}

TYPED_TEST_P(AreaContract, MappingsDoNotOverlapAndKeepTheirContents) {
  this->OnEach(CheckMappingsDoNotOverlapAndKeepTheirContents);
}

inline void CheckFreshMemoryIsZeroWhereTheAreaSaysSo(aml_area *area) {
  const bool zeroed = Can(area, AML_AREA_ZEROED) && Can(area, AML_AREA_HOST_READABLE);
  const size_t size = 2 * GranularityOf(area);
  for (unsigned round = 0; round < 4; ++round) {
    Mapping mapping(area, size);
    ASSERT_TRUE(mapping.ok());
    EXPECT_TRUE(!zeroed || IsZero(mapping.bytes(), size)) << "round " << round;
    mapping.Fill(round);
    EXPECT_TRUE(mapping.Holds(round));
  }
}

TYPED_TEST_P(AreaContract, FreshMemoryIsZeroWhereTheAreaSaysSo) {
  this->OnEach(CheckFreshMemoryIsZeroWhereTheAreaSaysSo);
}

inline void CheckZeroingCanBeWaived(aml_area *area) {
  aml_area_map_options options = {};
  options.flags = AML_AREA_MAP_NO_ZERO;
  for (unsigned round = 0; round < 3; ++round) {
    Mapping mapping(area, GranularityOf(area) + 1, &options);
    ASSERT_TRUE(mapping.ok());
    mapping.Fill(round);
    EXPECT_TRUE(mapping.Holds(round));
  }
}

TYPED_TEST_P(AreaContract, ZeroingCanBeWaived) {
  this->OnEach(CheckZeroingCanBeWaived);
}

// Maps with an alignment, twice. An area of few granules has room for few that are aligned to more.
inline void CheckAlignment(aml_area *area, size_t size, size_t alignment) {
  const aml_area_info info = InfoOf(area);
  aml_area_map_options options = {};
  options.alignment = alignment;
  void *mappings[2];
  for (void *&mapping : mappings) {
    mapping = aml_area_map(area, size, &options);
    if (mapping == nullptr) {
      EXPECT_EQ(-AML_ENOMEM, aml_error_code()) << aml_error_detail();
      EXPECT_GT(alignment, 16 * info.granularity) << "there is room for 40 granules";
    }
    EXPECT_EQ(0u, NumberOf(mapping) % alignment);
    EXPECT_EQ(0u, NumberOf(mapping) % info.granularity);
  }
  for (void *const mapping : mappings)
    EXPECT_EQ(0, aml_area_unmap(area, mapping, size));
}

inline void CheckMappingsAreAlignedAsAsked(aml_area *area) {
  const aml_area_info info = InfoOf(area);
  const size_t most = std::min(info.max_alignment, std::max<size_t>(info.granularity, 1 << 26));
  for (size_t alignment = 1; alignment != 0 && alignment <= most; alignment *= 2)
    for (const size_t size : {size_t{1}, info.granularity + 1})
      CheckAlignment(area, size, alignment);
}

TYPED_TEST_P(AreaContract, MappingsAreAlignedAsAsked) {
  this->OnEach(CheckMappingsAreAlignedAsAsked);
}

inline void CheckTheLargestAlignmentIsWhatInfoSays(aml_area *area) {
  const aml_area_info info = InfoOf(area);
  aml_area_map_options options = {};
  options.alignment = info.max_alignment;
  void *const bytes = aml_area_map(area, 1, &options);
  if (bytes == nullptr) {
    EXPECT_EQ(-AML_ENOMEM, aml_error_code()) << aml_error_detail();
  }
  EXPECT_EQ(0u, NumberOf(bytes) % info.max_alignment);
  EXPECT_EQ(0, aml_area_unmap(area, bytes, 1));
  for (size_t larger = info.max_alignment; (larger *= 2) != 0;) {
    options.alignment = larger;
    ExpectRefused("aml_area_map: alignment", [area, &options] {
      return aml_area_map(area, 1, &options) == nullptr ? aml_error_code() : 0;
    });
  }
}

TYPED_TEST_P(AreaContract, TheLargestAlignmentIsWhatInfoSays) {
  this->OnEach(CheckTheLargestAlignmentIsWhatInfoSays);
}

/** Expects `size` bytes with `options` to be refused. */
inline void ExpectNoMapping(int code, const char *argument, aml_area *area, size_t size,
                            const aml_area_map_options &options) {
  ExpectRefusedWith(code, std::string("aml_area_map: ") + argument, [&] {
    void *const bytes = aml_area_map(area, size, &options);
    EXPECT_EQ(nullptr, bytes);
    return aml_error_code();
  });
}

inline void CheckBadArgumentsOfMapAreRefused(aml_area *area) {
  aml_area_map_options options = {};
  ExpectNoMapping(-AML_EINVAL, "area", nullptr, 1, options);
  ExpectNoMapping(-AML_EINVAL, "size", area, 0, options);
  for (const size_t alignment : {size_t{3}, size_t{4095}, size_t{4097}, SIZE_MAX, SIZE_MAX - 1}) {
    options.alignment = alignment;
    ExpectNoMapping(-AML_EINVAL, "alignment", area, 1, options);
  }
  options = {};
  for (const unsigned flags : {8u, 1u << 31, ~0u}) {
    options.flags = flags;
    ExpectNoMapping(-AML_EINVAL, "flags", area, 1, options);
  }
  options.flags = AML_AREA_MAP_EXACT;
  ExpectNoMapping(-AML_EINVAL, "hint", area, 1, options);
}

TYPED_TEST_P(AreaContract, BadArgumentsOfMapAreRefused) {
  this->OnEach(CheckBadArgumentsOfMapAreRefused);
}

inline void CheckSizesLargerThanMemoryAreRefused(aml_area *area) {
  const size_t granularity = GranularityOf(area);
  aml_area_map_options aligned = {};
  aligned.alignment = InfoOf(area).max_alignment;
  for (const size_t size : {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - granularity + 1,
                            SIZE_MAX - granularity, SIZE_MAX - aligned.alignment, SIZE_MAX / 2 + 1})
    for (const aml_area_map_options *const options : {&aligned, (aml_area_map_options *)nullptr}) {
      ForgetTheLastError();
      EXPECT_EQ(nullptr, aml_area_map(area, size, options)) << size;
      EXPECT_EQ(-AML_ENOMEM, aml_error_code()) << size << ": " << aml_error_detail();
      EXPECT_EQ(0u, std::string(aml_error_detail()).rfind("aml_area_map: ", 0));
    }
  const Mapping mapping(area, 1);
  EXPECT_TRUE(mapping.ok()) << "unusable after a failure";
}

TYPED_TEST_P(AreaContract, SizesLargerThanMemoryAreRefused) {
  this->OnEach(CheckSizesLargerThanMemoryAreRefused);
}

inline void CheckAHintIsAWish(aml_area *area) {
  Mapping taken(area, 1);
  taken.Fill(1);
  aml_area_map_options options = {};
  options.hint = taken.bytes();
  Mapping other(area, 1, &options);
  ASSERT_TRUE(other.ok());
  EXPECT_NE(taken.bytes(), other.bytes());
  other.Fill(2);
  EXPECT_TRUE(taken.Holds(1));
}

TYPED_TEST_P(AreaContract, AHintIsAWish) {
  this->OnEach(CheckAHintIsAWish);
}

inline void CheckExactIsTheHintOrNothing(aml_area *area) {
  const size_t granularity = GranularityOf(area);
  aml_area_map_options options = {};
  options.flags = AML_AREA_MAP_EXACT;
  Mapping taken(area, 4 * granularity);
  taken.Fill(1);
  for (const size_t granule : {0, 1, 3}) {
    options.hint = taken.bytes() + granule * granularity;
    ForgetTheLastError();
    EXPECT_EQ(nullptr, aml_area_map(area, 1, &options)) << "two mappings at one place";
    EXPECT_TRUE(IsOneOf(aml_error_code(), {-AML_EEXIST, -AML_ENOTSUP})) << aml_error_detail();
  }
  EXPECT_TRUE(taken.Holds(1));
}

TYPED_TEST_P(AreaContract, ExactIsTheHintOrNothing) {
  this->OnEach(CheckExactIsTheHintOrNothing);
}

/** Maps and unmaps `size` bytes, and then expects each granule of them to be free. */
inline void ExpectAllGranulesBack(aml_area *area, size_t size) {
  const size_t granularity = GranularityOf(area);
  char *const bytes = static_cast<char *>(aml_area_map(area, size, nullptr));
  ASSERT_NE(nullptr, bytes) << aml_error_detail();
  const size_t rounded = Rounded(area, size);
  if (IsHostMemory(area))
    Fill(bytes, rounded, 1);
  ASSERT_EQ(0, aml_area_unmap(area, bytes, size)) << aml_error_detail();
  aml_area_map_options options = {};
  options.flags = AML_AREA_MAP_EXACT;
  for (size_t offset = 0; offset < rounded; offset += granularity) {
    options.hint = bytes + offset;
    void *const again = aml_area_map(area, granularity, &options);
    if (again == nullptr && aml_error_code() == -AML_ENOTSUP)
      return;
    EXPECT_EQ(options.hint, again) << aml_error_detail();
    EXPECT_EQ(0, aml_area_unmap(area, again, granularity));
  }
}

inline void CheckSizesRoundUpToTheGranularity(aml_area *area) {
  const size_t granularity = GranularityOf(area);
  for (const size_t size : {size_t{1}, granularity, granularity + 1, 3 * granularity - 1})
    ExpectAllGranulesBack(area, size);
}

TYPED_TEST_P(AreaContract, SizesRoundUpToTheGranularity) {
  this->OnEach(CheckSizesRoundUpToTheGranularity);
}

inline void CheckPopulatedPagesArePresent(aml_area *area) {
  const size_t size = 3 * GranularityOf(area);
  aml_area_map_options options = {};
  options.flags = AML_AREA_MAP_POPULATE;
  char *const bytes = static_cast<char *>(aml_area_map(area, size, &options));
  if (bytes == nullptr) {
    EXPECT_EQ(-AML_ENOTSUP, aml_error_code()) << aml_error_detail();
    return;
  }
  if (Can(area, AML_AREA_ZEROED) && Can(area, AML_AREA_HOST_READABLE)) {
    EXPECT_TRUE(IsZero(bytes, size));
  }
  const size_t page_size = InfoOf(area).page_size;
  for (size_t offset = 0; offset < size; offset += page_size) {
    void *const page = bytes + offset;
    int device = 0;
    const int err = aml_area_locate(area, 1, &page, &device);
    EXPECT_TRUE(IsOneOf(err, {0, -AML_ENOTSUP, -AML_EPERM})) << aml_error_detail();
    EXPECT_NE(-AML_ENOENT, device);
  }
  EXPECT_EQ(0, aml_area_unmap(area, bytes, size));
}

TYPED_TEST_P(AreaContract, PopulatedPagesArePresent) {
  this->OnEach(CheckPopulatedPagesArePresent);
}

inline void CheckUnmapOfNullDoesNothing(aml_area *area) {
  ForgetTheLastError();
  EXPECT_EQ(0, aml_area_unmap(area, nullptr, 1));
  EXPECT_EQ(0, aml_area_unmap(area, nullptr, 0));
  EXPECT_EQ(0, aml_area_unmap(nullptr, nullptr, 1));
  EXPECT_TRUE(NothingWasRecorded());
}

TYPED_TEST_P(AreaContract, UnmapOfNullDoesNothing) {
  this->OnEach(CheckUnmapOfNullDoesNothing);
}

inline void CheckBadArgumentsOfUnmapAreRefused(aml_area *area) {
  Mapping mapping(area, 1);
  mapping.Fill(1);
  ExpectRefused("aml_area_unmap: area",
                [&] { return aml_area_unmap(nullptr, mapping.bytes(), 1); });
  ExpectRefused("aml_area_unmap: size", [&] { return aml_area_unmap(area, mapping.bytes(), 0); });
  EXPECT_TRUE(mapping.Holds(1));
}

TYPED_TEST_P(AreaContract, BadArgumentsOfUnmapAreRefused) {
  this->OnEach(CheckBadArgumentsOfUnmapAreRefused);
}

} // namespace aml_testing

#endif
