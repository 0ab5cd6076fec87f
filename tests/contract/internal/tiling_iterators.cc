// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/internal/tiling_iterators.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <random>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/tiling.h"
#include "aml/core/tiling_iterator.h"
#include "aml/tests/contract/internal/refusal.h"
#include "aml/tests/contract/internal/tiling_fixture.h"
#include "aml/tests/contract/internal/tiling_oracle.h"

namespace aml_testing {

void CheckIteratorsVisitEachTileOnce(aml_tiling *tiling) {
  const size_t count = aml_tiling_count(tiling);
  for (const aml_tiling_order order : kTilingOrders) {
    aml_tiling_iterator iterator;
    ASSERT_EQ(0, aml_tiling_iterate(tiling, order, nullptr, nullptr, &iterator));
    std::vector<size_t> ids = Visit(&iterator, count + 1);
    EXPECT_EQ(IdsOf(tiling, order, WholeGrid(InfoOf(tiling))), ids) << "in order " << order;
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    EXPECT_EQ(count, ids.size()) << "in order " << order;
  }
}

void CheckIteratorsVisitABoxInTheirOrder(aml_tiling *tiling) {
  std::mt19937 random(7);
  const aml_tiling_info info = InfoOf(tiling);
  for (int round = 0; round < 40; ++round) {
    const Box box = RandomBox(info, &random);
    const aml_tiling_order order = kBoxOrders[static_cast<size_t>(round) % std::size(kBoxOrders)];
    aml_tiling_iterator iterator;
    ASSERT_EQ(0, aml_tiling_iterate(tiling, order, box.offset, box.extent, &iterator));
    ASSERT_EQ(IdsOf(tiling, order, box), Visit(&iterator, info.count + 1)) << "order " << order;
    // Without extents, the box reaches to the grid's end.
    Box rest = box;
    for (size_t d = 0; d < info.grid_ndims; ++d)
      rest.extent[d] = info.grid[d] - box.offset[d];
    ASSERT_EQ(0, aml_tiling_iterate(tiling, order, box.offset, nullptr, &iterator));
    ASSERT_EQ(IdsOf(tiling, order, rest), Visit(&iterator, info.count + 1)) << "order " << order;
  }
}

void CheckPartsInAscendingOrderAreTheWholeIteration(aml_tiling *tiling) {
  std::mt19937 random(8);
  const aml_tiling_info info = InfoOf(tiling);
  for (size_t parts = 1; parts < 2 * std::min(info.count, size_t{10}) + 2; ++parts) {
    const Box box = RandomBox(info, &random);
    const aml_tiling_order order = kBoxOrders[parts % std::size(kBoxOrders)];
    const std::vector<size_t> all = IdsOf(tiling, order, box);
    std::vector<size_t> ids;
    for (size_t part = 0; part < parts; ++part) {
      aml_tiling_iterator iterator;
      ASSERT_EQ(0, aml_tiling_iterate(tiling, order, box.offset, box.extent, &iterator));
      ASSERT_EQ(0, aml_tiling_iterator_split(&iterator, part, parts));
      const std::vector<size_t> some = Visit(&iterator, info.count + 1);
      EXPECT_GE(some.size(), all.size() / parts) << "is not balanced";
      EXPECT_LE(some.size(), (all.size() + parts - 1) / parts) << "is not balanced";
      ids.insert(ids.end(), some.begin(), some.end());
    }
    ASSERT_EQ(all, ids) << "in " << parts << " parts, order " << order;
  }
}

void CheckAnIterationUnderWayCanBeForkedAndSplit(aml_tiling *tiling) {
  const aml_tiling_info info = InfoOf(tiling);
  for (const aml_tiling_order order : kTilingOrders) {
    const std::vector<size_t> all = IdsOf(tiling, order, WholeGrid(info));
    aml_tiling_iterator iterator;
    ASSERT_EQ(0, aml_tiling_iterate(tiling, order, nullptr, nullptr, &iterator));
    std::vector<size_t> ids = Visit(&iterator, all.size() / 3);
    std::vector<size_t> again = ids;
    aml_tiling_iterator halves[] = {iterator, iterator};
    for (size_t part = 0; part < 2; ++part) {
      ASSERT_EQ(0, aml_tiling_iterator_split(&halves[part], part, 2));
      const std::vector<size_t> half = Visit(&halves[part], info.count + 1);
      again.insert(again.end(), half.begin(), half.end());
    }
    const std::vector<size_t> rest = Visit(&iterator, info.count + 1);
    ids.insert(ids.end(), rest.begin(), rest.end());
    EXPECT_EQ(all, ids) << "in order " << order;
    EXPECT_EQ(all, again) << "in order " << order;
  }
}

void CheckBehindTheEndOfAnIterationThereIsNothing(aml_tiling *tiling) {
  aml_tiling_iterator iterator;
  ASSERT_EQ(0, aml_tiling_iterate(tiling, AML_TILING_ROW, nullptr, nullptr, &iterator));
  const size_t count = aml_tiling_count(tiling);
  EXPECT_EQ(count, Visit(&iterator, count + 1).size());
  size_t id = 77;
  for (int i = 0; i < 3; ++i)
    EXPECT_FALSE(aml_tiling_next(&iterator, &id));
  EXPECT_EQ(77u, id);
}

namespace {

/** Expects that a box is refused, for the argument named, and the iterator untouched. */
void ExpectBoxRefused(const aml_tiling *tiling, const Box &box, const char *argument) {
  aml_tiling_iterator iterator;
  std::memset(static_cast<void *>(&iterator), 0x5a, sizeof iterator);
  aml_tiling_iterator before;
  std::memcpy(static_cast<void *>(&before), &iterator, sizeof iterator);
  ExpectRefused(std::string("aml_tiling_iterate: ") + argument, [&] {
    return aml_tiling_iterate(tiling, AML_TILING_ROW, box.offset, box.extent, &iterator);
  });
  EXPECT_EQ(0, std::memcmp(&before, &iterator, sizeof iterator));
}

} // namespace

void CheckBoxesThatLeaveTheGridAreRefused(aml_tiling *tiling) {
  const aml_tiling_info info = InfoOf(tiling);
  for (size_t d = 0; d < info.grid_ndims; ++d) {
    for (const size_t extent : {size_t{0}, info.grid[d] + 1, SIZE_MAX}) {
      Box box = WholeGrid(info);
      box.extent[d] = extent;
      ExpectBoxRefused(tiling, box, "extent");
    }
    for (const size_t offset : {info.grid[d], SIZE_MAX}) {
      Box box = WholeGrid(info);
      box.offset[d] = offset;
      box.extent[d] = 1;
      ExpectBoxRefused(tiling, box, "offset");
    }
  }
}

void CheckBadArgumentsOfIteratorsAreRefused(aml_tiling *tiling) {
  aml_tiling_iterator it;
  ASSERT_EQ(0, aml_tiling_iterate(tiling, AML_TILING_COLUMN, nullptr, nullptr, &it));
  const auto iterate = [&it](const aml_tiling *of, int order) {
    return aml_tiling_iterate(of, static_cast<aml_tiling_order>(order), nullptr, nullptr, &it);
  };
  ExpectRefused("aml_tiling_iterate: tiling", [&] { return iterate(nullptr, AML_TILING_ROW); });
  ExpectRefused("aml_tiling_iterate: order",
                [&] { return iterate(tiling, AML_TILING_BACKWARD + 1); });
  ExpectRefused("aml_tiling_iterate: order", [&] { return iterate(tiling, -1); });
  ExpectRefused("aml_tiling_iterate: iterator", [&] {
    return aml_tiling_iterate(tiling, AML_TILING_ROW, nullptr, nullptr, nullptr);
  });
  const char part[] = "aml_tiling_iterator_split: part";
  ExpectRefused(part, [&] { return aml_tiling_iterator_split(&it, 0, 0); });
  ExpectRefused(part, [&] { return aml_tiling_iterator_split(&it, 3, 3); });
  ExpectRefused(part, [&] { return aml_tiling_iterator_split(&it, SIZE_MAX, 3); });
  ExpectRefused("aml_tiling_iterator_split: iterator",
                [] { return aml_tiling_iterator_split(nullptr, 0, 1); });
  size_t id = 77;
  EXPECT_FALSE(aml_tiling_next(nullptr, &id));
  EXPECT_FALSE(aml_tiling_next(&it, nullptr));
  EXPECT_EQ(77u, id);
  EXPECT_EQ(IdsOf(tiling, AML_TILING_COLUMN, WholeGrid(InfoOf(tiling))),
            Visit(&it, aml_tiling_count(tiling) + 1))
      << "a refused call changed the iteration";
}

} // namespace aml_testing
