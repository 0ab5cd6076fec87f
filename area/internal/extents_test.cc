// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/internal/extents.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <random>
#include <vector>

#include "aml/area/internal/mappings.h"
#include "aml/tests/fault/system.h"

namespace {

constexpr auto kOk = AML_INTERNAL_EXTENTS_OK;
constexpr auto kNoRoom = AML_INTERNAL_EXTENTS_NO_ROOM;
constexpr auto kNoMemory = AML_INTERNAL_EXTENTS_NO_MEMORY;

// Extents of which nothing may be lost.
class Extents : public testing::Test {
protected:
  ~Extents() override {
    aml_internal_extents_clear(&extents_);
    EXPECT_EQ(before_.blocks, aml_fault_system_held().blocks);
  }

  aml_internal_mapping *Take(size_t size, size_t alignment = 1) {
    aml_internal_mapping *piece = nullptr;
    EXPECT_EQ(kOk, aml_internal_extents_take(&extents_, size, alignment, &piece));
    return piece;
  }

  aml_fault_held before_ = aml_fault_system_held();
  aml_internal_extents extents_ = {};
};

TEST_F(Extents, NothingHasNoRoom) {
  aml_internal_mapping *piece = nullptr;
  EXPECT_EQ(kNoRoom, aml_internal_extents_take(&extents_, 1, 1, &piece));
  EXPECT_EQ(kNoRoom, aml_internal_extents_take_at(&extents_, 0, 1, &piece));
  EXPECT_EQ(0u, aml_internal_extents_largest(&extents_));
}

TEST_F(Extents, TheFirstPieceThatFitsIsTaken) {
  ASSERT_EQ(kOk, aml_internal_extents_add(&extents_, 100, 100));
  aml_internal_mapping *const a = Take(10);
  aml_internal_mapping *const b = Take(20);
  aml_internal_mapping *const c = Take(30);
  EXPECT_EQ(100u, a->range.start);
  EXPECT_EQ(110u, b->range.start);
  EXPECT_EQ(130u, c->range.start);
  EXPECT_EQ(40u, extents_.free_size);
  aml_internal_extents_give(&extents_, a);
  EXPECT_EQ(160u, Take(11)->range.start);
  EXPECT_EQ(100u, Take(10)->range.start);
}

TEST_F(Extents, NeighboursMerge) {
  ASSERT_EQ(kOk, aml_internal_extents_add(&extents_, 0, 30));
  aml_internal_mapping *const a = Take(10);
  aml_internal_mapping *const b = Take(10);
  aml_internal_mapping *const c = Take(10);
  aml_internal_extents_give(&extents_, a);
  aml_internal_extents_give(&extents_, c);
  EXPECT_EQ(10u, aml_internal_extents_largest(&extents_));
  aml_internal_extents_give(&extents_, b);
  EXPECT_EQ(30u, aml_internal_extents_largest(&extents_));
  EXPECT_EQ(0u, Take(30)->range.start);
}

TEST_F(Extents, StartsAreAligned) {
  ASSERT_EQ(kOk, aml_internal_extents_add(&extents_, 10, 1000));
  EXPECT_EQ(128u, Take(10, 64 * 2)->range.start);
  EXPECT_EQ(64u, Take(64, 64)->range.start);
  aml_internal_mapping *piece = nullptr;
  EXPECT_EQ(kNoRoom, aml_internal_extents_take(&extents_, 1, 1024, &piece));
  EXPECT_EQ(512u, Take(1, 512)->range.start);
}

TEST_F(Extents, APieceCanBeTakenWhereItIsFree) {
  ASSERT_EQ(kOk, aml_internal_extents_add(&extents_, 100, 100));
  aml_internal_mapping *piece = nullptr;
  ASSERT_EQ(kOk, aml_internal_extents_take_at(&extents_, 150, 20, &piece));
  EXPECT_EQ(150u, piece->range.start);
  for (const uintptr_t start : {99, 131, 150, 169, 190, 200})
    EXPECT_EQ(kNoRoom, aml_internal_extents_take_at(&extents_, start, 20, &piece)) << start;
  EXPECT_EQ(kOk, aml_internal_extents_take_at(&extents_, 170, 30, &piece));
}

TEST_F(Extents, PiecesGrowIntoFreeRoomAndShrink) {
  ASSERT_EQ(kOk, aml_internal_extents_add(&extents_, 0, 100));
  aml_internal_mapping *const a = Take(10);
  EXPECT_EQ(kOk, aml_internal_extents_resize(&extents_, a, 50));
  aml_internal_mapping *const b = Take(10);
  EXPECT_EQ(50u, b->range.start);
  EXPECT_EQ(kNoRoom, aml_internal_extents_resize(&extents_, a, 51));
  EXPECT_EQ(50u, a->range.size);
  EXPECT_EQ(kNoRoom, aml_internal_extents_resize(&extents_, b, 51));
  EXPECT_EQ(kOk, aml_internal_extents_resize(&extents_, b, 50));
  EXPECT_EQ(0u, extents_.free_size);
  EXPECT_EQ(kOk, aml_internal_extents_resize(&extents_, a, 20));
  EXPECT_EQ(30u, extents_.free_size);
  EXPECT_EQ(20u, Take(30)->range.start);
}

TEST_F(Extents, TheWholeRangeOfNumbersCanBeCut) {
  ASSERT_EQ(kOk, aml_internal_extents_add(&extents_, UINTPTR_MAX - 99, 100));
  aml_internal_mapping *const a = Take(60);
  aml_internal_mapping *const b = Take(40);
  EXPECT_EQ(UINTPTR_MAX - 39, b->range.start);
  aml_internal_extents_give(&extents_, b);
  aml_internal_extents_give(&extents_, a);
  EXPECT_EQ(100u, aml_internal_extents_largest(&extents_));
}

TEST_F(Extents, AFailedAllocationChangesNothing) {
  ASSERT_EQ(kOk, aml_internal_extents_add(&extents_, 1, 100));
  aml_internal_mapping *piece = nullptr;
  for (size_t nth = 1; nth <= 2; ++nth) {
    aml_fault_system_arm(AML_FAULT_HEAP, nth, ENOMEM);
    EXPECT_EQ(kNoMemory, aml_internal_extents_take(&extents_, 10, 16, &piece));
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    EXPECT_EQ(100u, aml_internal_extents_largest(&extents_));
  }
  aml_internal_mapping *const a = Take(10);
  aml_fault_system_arm(AML_FAULT_HEAP, 1, ENOMEM);
  EXPECT_EQ(kNoMemory, aml_internal_extents_resize(&extents_, a, 5));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_EQ(10u, a->range.size);
  aml_fault_system_arm(AML_FAULT_HEAP, 1, ENOMEM);
  aml_internal_extents_give(&extents_, a);
  EXPECT_EQ(0u, aml_fault_system_disarm().seen);
}

TEST_F(Extents, AgreeWithABitmap) {
  constexpr size_t kSize = 512;
  std::mt19937 random(1);
  ASSERT_EQ(kOk, aml_internal_extents_add(&extents_, 0, kSize));
  std::vector<bool> used(kSize);
  std::vector<aml_internal_mapping *> live;
  const auto mark = [&](const aml_internal_mapping *piece, bool is_used) {
    for (size_t i = 0; i < piece->range.size; ++i) {
      ASSERT_NE(is_used, used[piece->range.start + i]);
      used[piece->range.start + i] = is_used;
    }
  };
  const auto fits = [&](size_t size, size_t alignment) {
    for (size_t at = 0; at + size <= kSize; at += alignment) {
      size_t i = 0;
      while (i < size && !used[at + i])
        ++i;
      if (i == size)
        return at;
    }
    return kSize;
  };
  for (int step = 0; step < 20000; ++step) {
    if (random() % 2 == 0 && !live.empty()) {
      const size_t victim = random() % live.size();
      mark(live[victim], false);
      aml_internal_extents_give(&extents_, live[victim]);
      live[victim] = live.back();
      live.pop_back();
      continue;
    }
    const size_t size = 1 + random() % 60;
    const size_t alignment = size_t{1} << random() % 6;
    const size_t expected = fits(size, alignment);
    aml_internal_mapping *piece = nullptr;
    const auto result = aml_internal_extents_take(&extents_, size, alignment, &piece);
    ASSERT_EQ(expected == kSize ? kNoRoom : kOk, result);
    if (result != kOk)
      continue;
    ASSERT_EQ(expected, piece->range.start);
    mark(piece, true);
    live.push_back(piece);
  }
}

} // namespace
