// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/support/arena_faults.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "aml/core/error.h"
#include "aml/tests/contract/internal/memory.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/support/page_area.h"

namespace aml_testing {

namespace {

constexpr size_t kPage = 4096;

class Life {
public:
  Life(const CreateArena &create, int code) : code_(code) {
    aml_arena sentinel = {};
    arena_ = &sentinel;
    if (create(&arena_) != 0) {
      CheckFailure();
      EXPECT_EQ(&sentinel, arena_) << "a failure has changed the result";
      EXPECT_EQ(0, create(&arena_)) << aml_error_detail();
    }
  }
  Life(const Life &) = delete;
  ~Life() { aml_arena_destroy(&arena_); }

  void Live() {
    for (size_t i = 0; i < 16; ++i)
      Alloc(kPage / 4 + 100 * (i % 3), 0, 0);
    Alloc(3 * kPage, 64, 0);
    Alloc(kPage / 2, 1, AML_ARENA_ZERO);
    AllocBatch();
    Resize(2 * kPage);
    Trim(0);
    FreeEveryOther();
    Trim(kPage);
    GiveAllBack();
    Alloc(10, 0, 0);
    Trim(kPage);
    Trim(0);
    Alloc(3 * kPage / 4, 0, 0);
    CheckContents();
  }

private:
  struct Block {
    char *bytes;
    size_t size;
    unsigned seed;
  };

  bool Can(unsigned capability) const { return (aml_arena_capabilities(arena_) & capability) != 0; }

  aml_arena_stats Stats() {
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(arena_, &stats));
    EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    return stats;
  }

  // A call has failed, which happens once in a life.
  void CheckFailure() {
    EXPECT_EQ(code_, aml_error_code()) << aml_error_detail();
    EXPECT_EQ(1u, ++failures_);
  }

  void CheckUnchanged(const aml_arena_stats &before) {
    const aml_arena_stats now = Stats();
    EXPECT_EQ(before.live_count, now.live_count);
    EXPECT_EQ(before.live_size, now.live_size);
    EXPECT_EQ(before.peak_size, now.peak_size);
    EXPECT_EQ(before.reserved_size, now.reserved_size);
    CheckContents();
  }

  void CheckContents() {
    for (const Block &block : blocks_)
      EXPECT_TRUE(Holds(block.bytes, block.size, block.seed));
  }

  void Add(void *bytes, size_t size) {
    ASSERT_NE(nullptr, bytes) << "one call failed, not two: " << aml_error_detail();
    const Block block = {static_cast<char *>(bytes), size, ++seed_};
    Fill(block.bytes, size, block.seed);
    blocks_.push_back(block);
  }

  // Calls until it succeeds, and sees what a failure leaves.
  template <class Call> void *Insist(Call call) {
    const aml_arena_stats before = Stats();
    void *block = call();
    if (block == nullptr) {
      CheckFailure();
      CheckUnchanged(before);
      block = call();
    }
    return block;
  }

  void Alloc(size_t size, size_t alignment, unsigned flags) {
    void *const block = Insist([&] { return aml_arena_alloc(arena_, size, alignment, flags); });
    EXPECT_TRUE(block == nullptr || flags == 0 || IsZero(static_cast<char *>(block), size));
    Add(block, size);
  }

  void AllocBatch() {
    void *blocks[6] = {};
    const size_t count = aml_arena_alloc_batch(arena_, kPage / 2, 0, 0, 6, blocks);
    if (count < 6)
      CheckFailure();
    for (size_t i = 0; i < 6; ++i) {
      EXPECT_EQ(i >= count, blocks[i] == nullptr);
      if (i < count)
        Add(blocks[i], kPage / 2);
    }
  }

  void Resize(size_t size) {
    if (!Can(AML_ARENA_CAN_REALLOC))
      return;
    const Block old = blocks_.front();
    void *const moved = Insist([&] { return aml_arena_realloc(arena_, old.bytes, size, 0, 0); });
    ASSERT_NE(nullptr, moved);
    EXPECT_TRUE(Holds(static_cast<char *>(moved), old.size, old.seed));
    blocks_.erase(blocks_.begin());
    Add(moved, size);
  }

  void FreeEveryOther() {
    if (!Can(AML_ARENA_CAN_FREE))
      return;
    std::vector<Block> rest;
    for (size_t i = 0; i < blocks_.size(); ++i) {
      if (i % 2 == 0)
        aml_arena_free(arena_, blocks_[i].bytes);
      else
        rest.push_back(blocks_[i]);
    }
    blocks_ = rest;
    CheckContents();
  }

  void GiveAllBack() {
    CheckContents();
    if (Can(AML_ARENA_CAN_RESET)) {
      EXPECT_EQ(0, aml_arena_reset(arena_));
      blocks_.clear();
    }
    while (Can(AML_ARENA_CAN_FREE) && !blocks_.empty()) {
      aml_arena_free(arena_, blocks_.back().bytes);
      blocks_.pop_back();
    }
  }

  void Trim(size_t keep) {
    if (!Can(AML_ARENA_CAN_TRIM))
      return;
    const aml_arena_stats before = Stats();
    size_t released = 0;
    if (aml_arena_trim(arena_, keep, &released) != 0)
      CheckFailure();
    else
      EXPECT_EQ(released, before.reserved_size - Stats().reserved_size);
    CheckContents();
  }

  int code_;
  aml_arena *arena_ = nullptr;
  std::vector<Block> blocks_;
  unsigned seed_ = 0;
  size_t failures_ = 0;
};

} // namespace

size_t LiveThroughEachFailure(const CreateArena &create, int code,
                              const std::function<void(size_t nth)> &arm,
                              const std::function<size_t()> &disarm) {
  constexpr size_t kTooMany = 10000;
  for (size_t nth = 1; nth < kTooMany && !testing::Test::HasFailure(); ++nth) {
    SCOPED_TRACE("failure of call " + std::to_string(nth));
    arm(nth);
    Life(create, code).Live();
    const size_t failed = disarm();
    if (failed == 0)
      return nth - 1;
    EXPECT_EQ(1u, failed);
  }
  return 0;
}

void ExpectArenaSurvivesItsArea(const CreateArenaOver &create) {
  PageArea pages;
  aml_area *area = nullptr;
  ASSERT_EQ(0, aml_area_fault_create(&area, pages.get(), 0));
  int lost = 0; // mappings that the area did not take back when the arena ended
  const size_t failures = LiveThroughEachFailure(
      [&](aml_arena **arena) { return create(area, arena); }, -AML_EPERM,
      [&](size_t nth) { aml_area_fault_arm(area, AML_AREA_FAULT_ALL, nth, 1, -AML_EPERM); },
      [&] {
        const size_t failed = aml_area_fault_disarm(area);
        EXPECT_GE(failed, aml_area_fault_live(area));
        lost += static_cast<int>(aml_area_fault_live(area));
        aml_area_destroy(&area);
        EXPECT_EQ(0, aml_area_fault_create(&area, pages.get(), 0));
        return failed;
      });
  EXPECT_LT(20u, failures) << "there was little to fail";
  EXPECT_EQ(lost, pages.live());
  EXPECT_GT(4, lost) << "trim and the arena's end give up when one chunk is refused";
  aml_area_destroy(&area);
}

void ExpectArenaDoesWithLessThanAChunk(const CreateArenaOver &create) {
  PageArea pages;
  AML_AREA_FAULT_DECL(area);
  ASSERT_EQ(0, aml_area_fault_init(area, pages.get(), 0));
  aml_arena *arena = nullptr;
  ASSERT_EQ(0, create(area, &arena));
  aml_area_fault_arm(area, AML_AREA_FAULT_MAP, 1, 1, -AML_ENOMEM);
  EXPECT_NE(nullptr, aml_arena_alloc(arena, 10, 0, 0)) << aml_error_detail();
  EXPECT_EQ(1u, aml_area_fault_disarm(area));
  aml_arena_stats stats = {};
  EXPECT_EQ(0, aml_arena_get_stats(arena, &stats));
  EXPECT_EQ(kPage, stats.reserved_size);
  aml_area_fault_arm(area, AML_AREA_FAULT_MAP, 1, 2, -AML_ENOMEM);
  EXPECT_EQ(nullptr, aml_arena_alloc(arena, kPage + 1, 0, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(2u, aml_area_fault_disarm(area));
  aml_arena_destroy(&arena);
  aml_area_fini(area);
}

} // namespace aml_testing
