// SPDX-License-Identifier: BSD-3-Clause
//
// The replay of a trace finds nothing wrong with an arena that keeps its contract, and finds
// defects that are planted in one.

#include "aml/tests/support/arena_trace.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <string>

#include "aml/tests/contract/internal/heap_arena.h"

namespace {

using namespace aml_testing;

ArenaTrace Read(const char *text) {
  const std::string path = testing::TempDir() + "/some.trace";
  std::ofstream(path) << text;
  return ReadArenaTrace(path);
}

const char kTrace[] =
    "# two threads\n+ 0 100 64\n+ 1 20\n@2\n0 2 30\n= 0 1000\n@1\n- 1\n+ 1 40\n- 0\n";

template <class Factory> std::string BrokenBy() {
  Factory factory;
  EXPECT_EQ(0, factory.Init(1, factory.area()));
  const std::string broken = ReplayArenaTrace(factory.arena, Read(kTrace));
  const std::string also =
      broken.empty() ? ReplayArenaTraceByThreads(factory.arena, Read(kTrace), 2) : "";
  aml_arena_fini(factory.arena);
  return broken + also;
}

struct Sound : HeapFactory<Sound> {
  static void Plant(aml_arena_ops *) {}
};

struct LosesContents : HeapFactory<LosesContents> {
  static void Plant(aml_arena_ops *ops) {
    ops->realloc = [](aml_arena *arena, void *block, size_t size, size_t alignment,
                      unsigned flags) {
      void *const moved = Heap::Realloc(arena, block, size, alignment, flags);
      std::memset(moved, 0x55, 50);
      return moved;
    };
  }
};

struct ForgetsZeros : HeapFactory<ForgetsZeros> {
  static void Plant(aml_arena_ops *ops) {
    ops->alloc = [](aml_arena *arena, size_t size, size_t alignment, unsigned) {
      void *const block = Heap::Alloc(arena, size, alignment, 0);
      std::memset(block, 0x55, size);
      return block;
    };
  }
};

struct KeepsBlocks : HeapFactory<KeepsBlocks> {
  static void Plant(aml_arena_ops *ops) {
    ops->free = [](aml_arena *, void *) {};
  }
};

TEST(ArenaTrace, IsReadCallByCall) {
  const ArenaTrace trace = Read(kTrace);
  ASSERT_EQ(7u, trace.calls.size());
  EXPECT_EQ(2u, trace.threads);
  EXPECT_EQ(1000u, trace.largest);
  EXPECT_EQ(64u, trace.calls[0].alignment);
  EXPECT_EQ(1u, trace.calls[2].thread);
  EXPECT_EQ(1u, trace.calls[3].after) << "the call that made the block";
  EXPECT_EQ(5u, trace.calls[5].after) << "the call that freed it";
  EXPECT_EQ(0u, ReadArenaTrace("/nowhere").calls.size());
}

TEST(ArenaTrace, FindsNothingWhereNothingIsWrong) {
  EXPECT_EQ("", BrokenBy<Sound>());
}

TEST(ArenaTrace, FindsDefects) {
  EXPECT_EQ("resized blocks keep their contents (call 4)", BrokenBy<LosesContents>());
  EXPECT_EQ("zeroed bytes are zero (call 3)", BrokenBy<ForgetsZeros>());
  EXPECT_EQ("live blocks are counted (call 5)", BrokenBy<KeepsBlocks>());
}

} // namespace
