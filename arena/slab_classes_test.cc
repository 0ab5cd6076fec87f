// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/slab_classes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "aml/arena/internal/slab_bits.h"
#include "aml/arena/internal/slab_map.h"
#include "aml/arena/internal/slab_runs.h"
#include "aml/arena/internal/slab_span.h"

namespace {

constexpr unsigned kCount = AML_INTERNAL_SLAB_CLASS_COUNT;
constexpr size_t kUnit = AML_INTERNAL_SLAB_UNIT;

const aml_internal_slab_class &Class(unsigned index) {
  return aml_internal_slab_classes[index];
}

TEST(SlabClasses, EachSizeHasTheSmallestClassThatHoldsIt) {
  EXPECT_EQ(0u, aml_internal_slab_class_of(0));
  for (unsigned i = 0; i < kCount; ++i) {
    EXPECT_EQ(i, aml_internal_slab_class_of(Class(i).size));
    if (i + 1 < kCount) {
      EXPECT_EQ(i + 1, aml_internal_slab_class_of(Class(i).size + 1));
      EXPECT_LE(Class(i + 1).size - Class(i).size, std::max(16u, Class(i).size / 8));
    }
  }
  EXPECT_EQ(size_t{AML_INTERNAL_SLAB_MAX_SIZE}, Class(kCount - 1).size);
  for (size_t size = 0; size <= AML_INTERNAL_SLAB_TABLE_SIZE; ++size)
    EXPECT_EQ(AML_INTERNAL_SLAB_FIRST_CLASS + aml_internal_slab_class_of(size),
              aml_internal_slab_kind_in_table(size));
}

TEST(SlabClasses, SpansWasteLittle) {
  unsigned slots = 0;
  for (unsigned i = 0; i < kCount; ++i) {
    const size_t used = Class(i).size * size_t{Class(i).capacity};
    const size_t size = Class(i).units * kUnit;
    EXPECT_LE(used, size);
    EXPECT_LE(size - used, size / 80) << Class(i).size;
    EXPECT_LE(Class(i).capacity, AML_INTERNAL_SLAB_MAX_CAPACITY);
    EXPECT_TRUE(Class(i).capacity == 1 || Class(i).units <= AML_INTERNAL_SLAB_MAX_MANY_UNITS);
    EXPECT_EQ(slots, Class(i).first_slot);
    EXPECT_LE(Class(i).slots, AML_INTERNAL_SLAB_MAX_SLOTS);
    slots += Class(i).slots;
  }
  EXPECT_EQ(size_t{AML_INTERNAL_SLAB_SLOT_COUNT}, slots);
}

TEST(SlabClasses, EachOffsetHasItsBlock) {
  for (unsigned i = 0; i < kCount; ++i)
    for (size_t offset = 0; offset < Class(i).units * kUnit; ++offset)
      ASSERT_EQ(offset / Class(i).size, aml_internal_slab_index(&Class(i), offset))
          << Class(i).size << " " << offset;
}

TEST(SlabRuns, LongerRunsAreInLaterLists) {
  unsigned last = 0;
  for (size_t units = 1; units < size_t{1} << 40; units += 1 + units / 64) {
    const unsigned list = aml_internal_slab_run_list(units);
    EXPECT_LE(last, list);
    EXPECT_GE(last + 1, list);
    last = list;
  }
  EXPECT_EQ(unsigned{AML_INTERNAL_SLAB_RUN_LISTS} - 1, last);
}

TEST(SlabRuns, ARunIsFoundIfThereIsOne) {
  aml_internal_slab_runs runs = {};
  std::vector<aml_internal_slab_span> spans(300);
  for (size_t i = 0; i < spans.size(); ++i) {
    spans[i].units = 1 + i * i % 1000;
    aml_internal_slab_runs_put(&runs, &spans[i]);
  }
  for (size_t units = 1; units <= 1100; ++units) {
    const aml_internal_slab_span *const found = aml_internal_slab_runs_find(&runs, units);
    const bool is_there = std::any_of(spans.begin(), spans.end(),
                                      [&](const auto &span) { return span.units >= units; });
    ASSERT_EQ(is_there, found != nullptr) << units;
    if (found != nullptr) {
      EXPECT_LE(units, found->units);
      EXPECT_GE(2 * units + 16, found->units) << "there is a smaller one";
    }
  }
  for (auto &span : spans)
    aml_internal_slab_runs_remove(&runs, &span);
  EXPECT_EQ(nullptr, aml_internal_slab_runs_find(&runs, 1));
  EXPECT_EQ(0u, runs.used[0] | runs.used[1]);
}

TEST(SlabBits, RangesAreAsBitByBit) {
  constexpr size_t kBits = 192;
  for (size_t first = 0; first < kBits; first += 7)
    for (size_t count = 0; first + count <= kBits; count += 5) {
      uint64_t words[3] = {};
      aml_internal_slab_set(words, first, count);
      for (size_t i = 0; i < kBits; ++i)
        ASSERT_EQ(i >= first && i < first + count, (words[i / 64] >> i % 64 & 1) != 0);
      ASSERT_EQ(count, aml_internal_slab_count(words, 0, kBits));
      ASSERT_TRUE(aml_internal_slab_all(words, first, count));
      ASSERT_EQ(count == kBits, aml_internal_slab_all(words, 0, kBits));
      ASSERT_EQ(count == 0 ? kBits : first, aml_internal_slab_find(words, true, 0, kBits));
      ASSERT_EQ(first + count, aml_internal_slab_find(words, false, first, kBits));
      if (count >= 1 && count <= 64) {
        ASSERT_EQ(UINT64_MAX >> (64 - count), aml_internal_slab_get(words, first, count));
      }
      aml_internal_slab_clear(words, first, count);
      ASSERT_EQ(0u, words[0] | words[1] | words[2]);
    }
}

} // namespace
