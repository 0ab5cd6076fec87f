// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/slab_depot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "aml/tests/fault/system.h"

namespace {

constexpr size_t kRoom = 8;
constexpr size_t kMost = kRoom * AML_INTERNAL_SLAB_DEPOT_BATCHES;

struct Free {
  void operator()(aml_internal_slab_depot *depot) const { std::free(depot); }
};

class ArenaSlabDepot : public testing::Test {
protected:
  ArenaSlabDepot() : depot_(aml_internal_slab_make_depot(kRoom)) { depot_->is_open = true; }

  // Gives blocks of which each has a number of its own; these tell who gave them.
  bool Give(const void *giver, size_t count) {
    std::vector<void *> blocks;
    for (size_t i = 0; i < count; ++i)
      blocks.push_back(&memory_[next_ + i]);
    if (!aml_internal_slab_depot_give(depot_.get(), giver, count, blocks.data()))
      return false;
    std::fill_n(givers_.begin() + static_cast<ptrdiff_t>(next_), count, giver);
    next_ += count;
    return true;
  }

  // Takes blocks, and returns who gave each.
  std::vector<const void *> Take(const void *taker, size_t count) {
    std::vector<void *> blocks(count + 1, nullptr);
    blocks.resize(aml_internal_slab_depot_take(depot_.get(), taker, count, blocks.data()));
    std::vector<const void *> givers;
    for (void *const block : blocks) {
      const auto number = static_cast<size_t>(static_cast<char *>(block) - memory_.data());
      EXPECT_FALSE(taken_[number]) << number;
      taken_[number] = true;
      givers.push_back(givers_[number]);
    }
    return givers;
  }

  using Givers = std::vector<const void *>;
  std::unique_ptr<aml_internal_slab_depot, Free> depot_;
  std::vector<char> memory_ = std::vector<char>(100000);
  std::vector<const void *> givers_ = std::vector<const void *>(memory_.size());
  std::vector<bool> taken_ = std::vector<bool>(memory_.size());
  size_t next_ = 0;
  const char a_ = 0;
  const char b_ = 0;
};

TEST_F(ArenaSlabDepot, IsOneCacheLineAndBlocks) {
  EXPECT_EQ(64u, sizeof(aml_internal_slab_depot));
  EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(depot_.get()) % 64);
  EXPECT_LE(64 + kMost * sizeof(void *), aml_internal_slab_depot_size(kRoom));
}

TEST_F(ArenaSlabDepot, WithoutMemoryThereIsNone) {
  aml_fault_system_arm(AML_FAULT_MEMORY, 1, ENOMEM);
  EXPECT_EQ(nullptr, aml_internal_slab_make_depot(kRoom));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
}

TEST_F(ArenaSlabDepot, KnowsWhetherItCountsRight) {
  ASSERT_TRUE(Give(&a_, 3));
  EXPECT_TRUE(aml_internal_slab_is_depot_right(depot_.get()));
  const aml_internal_slab_depot right = *depot_;
  ++depot_->count;
  EXPECT_FALSE(aml_internal_slab_is_depot_right(depot_.get()));
  *depot_ = right;
  depot_->counts[0] = depot_->count = kRoom + 1;
  EXPECT_FALSE(aml_internal_slab_is_depot_right(depot_.get()));
  *depot_ = right;
  depot_->is_open = false;
  EXPECT_FALSE(aml_internal_slab_is_depot_right(depot_.get()));
  *depot_ = right;
}

TEST_F(ArenaSlabDepot, WhoGivesAndTakesGetsItsOwn) {
  ASSERT_TRUE(Give(&a_, 5));
  ASSERT_TRUE(Give(&b_, 5));
  EXPECT_EQ(Givers(5, &a_), Take(&a_, 5));
  EXPECT_EQ(Givers(5, &b_), Take(&b_, 5));
  EXPECT_EQ(0u, depot_->count);
}

TEST_F(ArenaSlabDepot, WhatOthersGaveIsForWhoNeverGave) {
  ASSERT_TRUE(Give(&a_, 5));
  EXPECT_EQ(Givers(4, &a_), Take(&b_, 4));
  EXPECT_EQ(Givers(1, &a_), Take(nullptr, 4));
}

TEST_F(ArenaSlabDepot, OrForAnyoneIfItIsMuch) {
  ASSERT_TRUE(Give(&b_, 1));
  EXPECT_EQ(Givers(1, &b_), Take(&b_, 1));
  ASSERT_TRUE(Give(&a_, kMost / 2));
  EXPECT_EQ(Givers(), Take(&b_, 4)) << "b takes what it gives";
  ASSERT_TRUE(Give(&a_, 1));
  EXPECT_EQ(Givers(4, &a_), Take(&b_, 4));
}

TEST_F(ArenaSlabDepot, WhoComesAgainInVainIsOneWhoOnlyTakes) {
  ASSERT_TRUE(Give(&b_, 1));
  EXPECT_EQ(Givers(1, &b_), Take(&b_, 1));
  ASSERT_TRUE(Give(&a_, 3));
  EXPECT_EQ(Givers(), Take(&b_, 1));
  EXPECT_EQ(Givers(1, &a_), Take(&b_, 1));
  ASSERT_TRUE(Give(&b_, 1));
  EXPECT_EQ(Givers(1, &b_), Take(&b_, 2));
  EXPECT_EQ(Givers(), Take(&b_, 1));
}

TEST_F(ArenaSlabDepot, ATakeMayBeOfSeveralBatches) {
  ASSERT_TRUE(Give(&a_, kRoom + 3));
  EXPECT_EQ(Givers(kRoom + 3, &a_), Take(&a_, kMost));
}

TEST_F(ArenaSlabDepot, WhatHasNoRoomIsRefusedAsAWhole) {
  ASSERT_TRUE(Give(&a_, 3));
  ASSERT_TRUE(Give(&b_, kMost - 5)); // to a batch of a's, too
  EXPECT_FALSE(Give(&a_, 3));
  EXPECT_TRUE(Give(&a_, 2));
  EXPECT_EQ(kMost, Take(nullptr, kMost + 1).size());
}

TEST_F(ArenaSlabDepot, ClosedItHoldsNothing) {
  ASSERT_TRUE(Give(&a_, 3));
  aml_internal_slab_close_depot(depot_.get());
  EXPECT_EQ(Givers(), Take(&a_, 3));
  EXPECT_FALSE(Give(&a_, 1));
}

TEST_F(ArenaSlabDepot, NoBlockIsLostOrThereTwice) {
  std::mt19937 random(1);
  const char threads[6] = {};
  size_t held = 0;
  while (next_ + kMost < memory_.size()) {
    const void *const thread = &threads[random() % 6];
    const size_t count = 1 + random() % (2 * kRoom);
    if (random() % 2 == 0) {
      const bool has_room = held + count <= kMost;
      ASSERT_EQ(has_room, Give(thread, count));
      held += has_room ? count : 0;
    } else {
      held -= Take(thread, count).size();
    }
    ASSERT_EQ(held, depot_->count);
  }
  EXPECT_TRUE(aml_internal_slab_is_depot_right(depot_.get()));
  EXPECT_EQ(held, Take(nullptr, kMost).size());
  EXPECT_EQ(static_cast<ptrdiff_t>(next_), std::count(taken_.begin(), taken_.end(), true));
}

} // namespace
