// SPDX-License-Identifier: BSD-3-Clause
//
// The oracle of the contract suite of arenas: what blocks there are, what each holds, and what the
// arena must then say of itself.

#ifndef AML_TESTS_CONTRACT_INTERNAL_ARENA_ORACLE_H
#define AML_TESTS_CONTRACT_INTERNAL_ARENA_ORACLE_H

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/memory.h"
#include "aml/tests/contract/internal/watched_area.h"

namespace aml_testing {

inline size_t Draw(std::mt19937 *random, size_t below) {
  return static_cast<size_t>((*random)()) % below;
}

/** Sizes of which small ones are many, up to 8 KiB. */
inline size_t RandomSize(std::mt19937 *random) {
  return Draw(random, size_t{1} << Draw(random, 14));
}

inline bool Can(const aml_arena *arena, aml_arena_capability capability) {
  return (aml_arena_capabilities(arena) & static_cast<unsigned>(capability)) != 0;
}

inline aml_arena_stats StatsOf(const aml_arena *arena) {
  aml_arena_stats stats = {};
  EXPECT_EQ(0, aml_arena_get_stats(arena, &stats)) << aml_error_detail();
  return stats;
}

inline auto NumbersOf(const aml_arena_stats &stats) {
  return std::make_tuple(stats.live_count, stats.live_size, stats.peak_size, stats.reserved_size,
                         stats.metadata_size, stats.limit);
}

inline void ExpectValid(const aml_arena *arena) {
  EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
}

/** Whether a quantity is known and lies below another one that is known. */
inline bool IsBelow(uint64_t low, uint64_t high) {
  return low != AML_UNKNOWN && high != AML_UNKNOWN && low < high;
}

/** The blocks of an arena. Each call of it is checked, and then the whole arena. */
class Blocks {
public:
  Blocks(aml_arena *arena, const WatchedArea &area)
      : arena_(arena), area_(area), granularity_(area.granularity()) {
    Check();
  }
  Blocks(const Blocks &) = delete;

  size_t count() const { return blocks_.size(); }
  char *at(size_t index) const { return std::next(blocks_.begin(), index)->first; }
  size_t SizeOf(char *block) const { return blocks_.at(block).size; }
  std::vector<char *> addresses() const {
    std::vector<char *> all;
    for (const auto &block : blocks_)
      all.push_back(block.first);
    return all;
  }
  bool IsHostMemory() const { return area_.IsHostMemory(); }

  /** Allocates a block; null if the arena is full. */
  char *Alloc(size_t size, size_t alignment = 0, unsigned flags = 0) {
    const aml_arena_stats before = StatsOf(arena_);
    void *const block = aml_arena_alloc(arena_, size, alignment, flags);
    if (block == nullptr) {
      EXPECT_EQ(-AML_ENOMEM, aml_error_code()) << aml_error_detail();
      EXPECT_EQ(NumbersOf(before), NumbersOf(StatsOf(arena_))) << "changed by a failure";
    } else {
      Add(block, size, alignment, flags);
      ExpectGrown(before, size);
    }
    Check();
    return static_cast<char *>(block);
  }

  /** Gives a block back, which stays where single blocks cannot be freed. */
  void Free(char *block) {
    CheckContents(block);
    const aml_arena_stats before = StatsOf(arena_);
    aml_arena_free(arena_, block);
    const aml_arena_stats after = StatsOf(arena_);
    EXPECT_EQ(before.peak_size, after.peak_size);
    if (Can(arena_, AML_ARENA_CAN_FREE)) {
      blocks_.erase(block);
      EXPECT_TRUE(after.live_size == AML_UNKNOWN || after.live_size < before.live_size);
    } else {
      EXPECT_EQ(NumbersOf(before), NumbersOf(after)) << "single blocks cannot be freed";
      CheckContents(block);
    }
    Check();
  }

  /** Takes note of a new block, and checks and fills it. */
  void Add(void *start, size_t size, size_t alignment, unsigned flags) {
    char *const block = static_cast<char *>(start);
    const size_t usable = UsableSize(block, size);
    ASSERT_EQ(0u, NumberOf(block) % (alignment == 0 ? AML_ARENA_ALIGNMENT : alignment));
    ASSERT_TRUE(area_.mapped() == 0 || area_.Holds(block, usable)) << "is not the area's memory";
    const auto next = blocks_.lower_bound(block);
    ASSERT_TRUE(next == blocks_.end() || block + usable <= next->first) << "blocks overlap";
    if (next != blocks_.begin()) {
      const auto previous = std::prev(next);
      ASSERT_LE(previous->first + previous->second.usable, block) << "blocks overlap";
    }
    if (IsHostMemory() && (flags & AML_ARENA_ZERO) != 0) {
      EXPECT_TRUE(IsZero(block, usable)) << size << " bytes, or what is usable, are not zero";
    }
    CheckOwned(block, usable);
    blocks_[block] = {size, usable, ++seed_};
    if (IsHostMemory()) {
      Fill(block, HeadOf(blocks_[block]), seed_);
      Fill(block + usable - TailOf(blocks_[block]), TailOf(blocks_[block]), seed_);
    }
  }

  /** A block has ended otherwise; returns what its contents were filled with. */
  unsigned Forget(char *block) {
    const unsigned seed = blocks_.at(block).seed;
    blocks_.erase(block);
    return seed;
  }

  void ForgetAll() { blocks_.clear(); }

  void CheckAllContents() const {
    for (const auto &block : blocks_)
      CheckContents(block.first);
  }

  /** Checks what the arena says of itself. */
  void Check() const {
    ExpectValid(arena_);
    const aml_arena_stats stats = StatsOf(arena_);
    uint64_t size = 0;
    for (const auto &block : blocks_)
      size += std::max<size_t>(1, block.second.size);
    EXPECT_TRUE(stats.live_count == AML_UNKNOWN || stats.live_count == blocks_.size())
        << stats.live_count << " live blocks, not " << blocks_.size();
    EXPECT_FALSE(IsBelow(stats.live_size, size)) << stats.live_size << " live bytes of " << size;
    EXPECT_TRUE(!blocks_.empty() || stats.live_size == 0 || stats.live_size == AML_UNKNOWN);
    EXPECT_FALSE(IsBelow(stats.peak_size, stats.live_size));
    EXPECT_FALSE(IsBelow(stats.reserved_size, stats.live_size));
    EXPECT_FALSE(IsBelow(stats.limit, stats.reserved_size));
    CheckReserved(stats.reserved_size);
  }

private:
  struct Block {
    size_t size;
    size_t usable;
    unsigned seed;
  };

  size_t UsableSize(const void *block, size_t size) const {
    const size_t usable = aml_arena_usable_size(arena_, block);
    if (!Can(arena_, AML_ARENA_KNOWS_SIZE)) {
      EXPECT_EQ(0u, usable) << "known, though it cannot be";
      return std::max<size_t>(1, size);
    }
    EXPECT_GE(usable, std::max<size_t>(1, size));
    return std::max<size_t>(usable, std::max<size_t>(1, size));
  }

  void CheckOwned(const char *block, size_t usable) const {
    const bool known = Can(arena_, AML_ARENA_KNOWS_OWN);
    EXPECT_EQ(known, aml_arena_owns(arena_, block));
    EXPECT_EQ(known, aml_arena_owns(arena_, block + usable - 1));
  }

  void CheckContents(const char *start) const {
    const Block &block = blocks_.at(const_cast<char *>(start));
    if (IsHostMemory()) {
      EXPECT_TRUE(Holds(start, HeadOf(block), block.seed) &&
                  Holds(start + block.usable - TailOf(block), TailOf(block), block.seed))
          << block.size << " bytes are changed";
    }
  }

  /** What is filled: what was asked for, and both ends of what may be used beyond that. */
  static size_t HeadOf(const Block &block) { return std::min(block.usable, block.size + 64); }
  static size_t TailOf(const Block &block) {
    return std::min<size_t>(block.usable - HeadOf(block), 64);
  }

  void ExpectGrown(const aml_arena_stats &before, size_t size) const {
    const aml_arena_stats after = StatsOf(arena_);
    if (after.live_size == AML_UNKNOWN)
      return;
    EXPECT_GE(after.live_size, before.live_size + std::max<size_t>(1, size));
    if (after.peak_size != AML_UNKNOWN) {
      EXPECT_EQ(std::max(before.peak_size, after.live_size), after.peak_size);
    }
  }

  /** An arena in a region of its own maps nothing. */
  void CheckReserved(uint64_t reserved) const {
    const size_t mapped = area_.mapped();
    if (mapped == 0 || reserved == AML_UNKNOWN)
      return;
    EXPECT_GE(reserved, mapped) << "bytes held from the area";
    EXPECT_LE(reserved, area_.mapped(granularity_)) << "bytes held from the area";
  }

  aml_arena *arena_;
  const WatchedArea &area_;
  size_t granularity_;
  std::map<char *, Block> blocks_;
  unsigned seed_ = 0;
};

} // namespace aml_testing

#endif
