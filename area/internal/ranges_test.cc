// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/internal/ranges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>

namespace {

using Range = aml_internal_range;

Range Of(uintptr_t start, size_t size) {
  return Range{start, size, nullptr, nullptr, 0};
}

TEST(Ranges, AnEmptySetHasNone) {
  const aml_internal_ranges ranges = {};
  EXPECT_EQ(nullptr, aml_internal_ranges_find(&ranges, 0));
  EXPECT_EQ(nullptr, aml_internal_ranges_from(&ranges, 0));
}

TEST(Ranges, AreFoundByEachAddressInThem) {
  aml_internal_ranges ranges = {};
  Range a = Of(100, 10);
  Range b = Of(110, 5);
  ASSERT_TRUE(aml_internal_ranges_insert(&ranges, &a));
  ASSERT_TRUE(aml_internal_ranges_insert(&ranges, &b));
  EXPECT_EQ(nullptr, aml_internal_ranges_find(&ranges, 99));
  EXPECT_EQ(&a, aml_internal_ranges_find(&ranges, 100));
  EXPECT_EQ(&a, aml_internal_ranges_find(&ranges, 109));
  EXPECT_EQ(&b, aml_internal_ranges_find(&ranges, 110));
  EXPECT_EQ(&b, aml_internal_ranges_find(&ranges, 114));
  EXPECT_EQ(nullptr, aml_internal_ranges_find(&ranges, 115));
  EXPECT_EQ(&b, aml_internal_ranges_from(&ranges, 101));
  EXPECT_EQ(nullptr, aml_internal_ranges_from(&ranges, 111));
}

TEST(Ranges, OverlappingOnesAreRefused) {
  aml_internal_ranges ranges = {};
  Range a = Of(100, 10);
  ASSERT_TRUE(aml_internal_ranges_insert(&ranges, &a));
  for (const auto &[start, size] :
       {std::pair{100, 10}, {99, 2}, {109, 1}, {90, 30}, {104, 2}, {109, 100}}) {
    Range other = Of(static_cast<uintptr_t>(start), static_cast<size_t>(size));
    EXPECT_FALSE(aml_internal_ranges_insert(&ranges, &other)) << start << " " << size;
  }
  EXPECT_EQ(&a, ranges.root);
}

TEST(Ranges, ReachTheLastAddress) {
  aml_internal_ranges ranges = {};
  Range last = Of(UINTPTR_MAX - 9, 10);
  ASSERT_TRUE(aml_internal_ranges_insert(&ranges, &last));
  EXPECT_EQ(&last, aml_internal_ranges_find(&ranges, UINTPTR_MAX));
  EXPECT_FALSE(aml_internal_ranges_insert(&ranges, &last));
}

// A set and what it is to hold, by start.
struct Model {
  aml_internal_ranges ranges = {};
  std::map<uintptr_t, std::unique_ptr<Range>> held;

  bool Overlaps(const Range &range) const {
    auto at = held.lower_bound(range.start + range.size);
    if (at == held.begin())
      return false;
    --at;
    return at->second->start + at->second->size > range.start;
  }

  void Insert(const Range &range) {
    auto node = std::make_unique<Range>(range);
    const bool fits = !Overlaps(range);
    ASSERT_EQ(fits, aml_internal_ranges_insert(&ranges, node.get()));
    if (fits)
      held[range.start] = std::move(node);
  }

  void Remove(uintptr_t near) {
    auto at = held.lower_bound(near);
    if (at == held.end())
      return;
    aml_internal_ranges_remove(&ranges, at->second.get());
    held.erase(at);
  }

  void Look(uintptr_t address) const {
    auto at = held.lower_bound(address);
    EXPECT_EQ(at == held.end() ? nullptr : at->second.get(),
              aml_internal_ranges_from(&ranges, address));
    const Range point = Of(address, 1);
    const Range *const found = aml_internal_ranges_find(&ranges, address);
    ASSERT_EQ(Overlaps(point), found != nullptr);
    if (found != nullptr) {
      EXPECT_EQ(held.at(found->start).get(), found);
    }
  }
};

TEST(Ranges, AgreeWithAnOrderedMap) {
  std::mt19937_64 random(1);
  Model model;
  for (int i = 0; i < 20000; ++i) {
    const uintptr_t start = random() % 4096 * 16;
    if (random() % 2 == 0)
      model.Insert(Of(start, 1 + random() % 64));
    else
      model.Remove(start);
    model.Look(random() % (4096 * 16 + 100));
  }
  while (!model.held.empty())
    model.Remove(0);
  EXPECT_EQ(nullptr, model.ranges.root);
}

size_t DepthOf(const Range *tree) {
  return tree == nullptr ? 0 : 1 + std::max(DepthOf(tree->left), DepthOf(tree->right));
}

TEST(Ranges, AscendingOnesMakeNoDeepTree) {
  Model model;
  for (uintptr_t i = 0; i < 10000; ++i)
    model.Insert(Of(i * 4096, 4096));
  EXPECT_LT(DepthOf(model.ranges.root), 60u);
}

} // namespace
