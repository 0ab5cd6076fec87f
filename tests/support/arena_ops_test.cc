// SPDX-License-Identifier: BSD-3-Clause
//
// The random life of an arena finds nothing wrong with a type that keeps its contract, and finds
// each defect that is planted in one.

#include "aml/tests/support/arena_ops.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "aml/tests/contract/internal/heap_arena.h"

namespace {

using namespace aml_testing;

template <class Factory> std::string LiveWith(unsigned seed) {
  Factory factory;
  EXPECT_EQ(0, factory.Init(1, factory.area()));
  const std::string broken = RunArenaOps(factory.arena, RandomBytes(seed, 3000));
  aml_arena_fini(factory.arena);
  return broken;
}

// The first law that a defect breaks, with some seed.
template <class Factory> std::string BrokenBy() {
  for (unsigned seed = 0; seed < 10; ++seed) {
    const std::string broken = LiveWith<Factory>(seed);
    if (!broken.empty())
      return broken.substr(0, broken.find(" (step"));
  }
  return "none";
}

struct Sound : HeapFactory<Sound> {
  static void Plant(aml_arena_ops *) {}
};

TEST(ArenaOps, FindsNothingWhereNothingIsWrong) {
  for (unsigned seed = 0; seed < 20; ++seed)
    EXPECT_EQ("", LiveWith<Sound>(seed)) << seed;
}

TEST(ArenaOps, AnyBytesAreALife) {
  for (size_t size = 0; size < 300; ++size) {
    Sound factory;
    ASSERT_EQ(0, factory.Init(1, factory.area()));
    std::vector<unsigned char> bytes = RandomBytes(static_cast<unsigned>(size), size);
    EXPECT_EQ("", RunArenaOps(factory.arena, bytes)) << size;
    aml_arena_fini(factory.arena);
  }
}

struct Overlaps : HeapFactory<Overlaps> {
  static void Plant(aml_arena_ops *ops) {
    ops->usable_size = [](const aml_arena *arena, const void *block) {
      return Heap::UsableSize(arena, block) + 1;
    };
  }
};

struct ForgetsAlignment : HeapFactory<ForgetsAlignment> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      return Heap::Alloc(arena, size, std::min<size_t>(alignment, 64), flags);
    };
  }
};

struct ForgetsZeros : HeapFactory<ForgetsZeros> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      return Heap::Alloc(arena, size, alignment, flags & ~static_cast<unsigned>(AML_ARENA_ZERO));
    };
  }
};

struct LosesContents : HeapFactory<LosesContents> {
  static void Plant(aml_arena_ops *ops) {
    ops->free = [](aml_arena *arena, void *block) {
      Heap::Free(arena, block);
      std::memset(block, 0x55, 600);
    };
  }
};

struct LosesResizedContents : HeapFactory<LosesResizedContents> {
  static void Plant(aml_arena_ops *ops) {
    ops->realloc = [](aml_arena *arena, void *block, size_t size, size_t alignment,
                      unsigned flags) {
      void *const moved = Heap::Alloc(arena, size, alignment, flags);
      if (moved != nullptr)
        Heap::Free(arena, block);
      return moved;
    };
  }
};

struct ForgetsFree : HeapFactory<ForgetsFree> {
  static void Plant(aml_arena_ops *ops) {
    ops->free = [](aml_arena *, void *) {};
  }
};

struct OwnsNothing : HeapFactory<OwnsNothing> {
  static void Plant(aml_arena_ops *ops) {
    ops->owns = [](const aml_arena *, const void *) { return false; };
  }
};

struct TellsAnotherPeak : HeapFactory<TellsAnotherPeak> {
  static void Plant(aml_arena_ops *ops) {
    ops->stats = [](const aml_arena *arena, aml_arena_stats *stats) {
      Heap::Stats(arena, stats);
      stats->peak_size = stats->live_size;
    };
  }
};

struct TellsMoreWasReleased : HeapFactory<TellsMoreWasReleased> {
  static void Plant(aml_arena_ops *ops) {
    ops->trim = [](aml_arena *arena, size_t keep, size_t *released) {
      const int err = Heap::Trim(arena, keep, released);
      ++*released;
      return err;
    };
  }
};

struct IsNeverValid : HeapFactory<IsNeverValid> {
  static void Plant(aml_arena_ops *ops) {
    ops->validate = [](const aml_arena *) {
      return aml_error_set(-AML_EINVAL, "aml_arena_validate", "arena", "is broken");
    };
  }
};

struct SaysAnotherReason : HeapFactory<SaysAnotherReason> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
      void *const block = Heap::Alloc(arena, size, alignment, flags);
      if (block == nullptr)
        (void)aml_error_set(-AML_EPERM, "aml_arena_alloc", nullptr, "is forbidden");
      return block;
    };
  }
};

TEST(ArenaOps, FindsEachDefect) {
  EXPECT_EQ("blocks do not overlap", BrokenBy<Overlaps>());
  EXPECT_EQ("blocks are aligned", BrokenBy<ForgetsAlignment>());
  EXPECT_EQ("zeroed bytes are zero", BrokenBy<ForgetsZeros>());
  EXPECT_EQ("blocks keep their contents", BrokenBy<LosesContents>());
  EXPECT_EQ("resized blocks keep their contents", BrokenBy<LosesResizedContents>());
  EXPECT_EQ("live blocks are counted", BrokenBy<ForgetsFree>());
  EXPECT_EQ("blocks are owned", BrokenBy<OwnsNothing>());
  EXPECT_EQ("the peak never falls", BrokenBy<TellsAnotherPeak>());
  EXPECT_EQ("trim tells what it gave back", BrokenBy<TellsMoreWasReleased>());
  EXPECT_EQ("aml_arena_validate: arena is broken", BrokenBy<IsNeverValid>());
  EXPECT_EQ("failures say why", BrokenBy<SaysAnotherReason>());
}

TEST(ArenaOpsDeathTest, ABrokenLawAbortsAFuzzTest) {
  IsNeverValid factory;
  ASSERT_EQ(0, factory.Init(0, factory.area()));
  const auto bytes = RandomBytes(1, 10);
  EXPECT_DEATH(DemandArenaOps(factory.arena, bytes.data(), bytes.size()), "broken: .*is broken");
  aml_arena_fini(factory.arena);
}

} // namespace
