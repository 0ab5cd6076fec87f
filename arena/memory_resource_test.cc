// SPDX-License-Identifier: BSD-3-Clause
//
// Containers of the standard library over arena:bump, and over an arena that counts what it is
// asked for.

#include "aml/arena/memory_resource.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "aml/arena/bump.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/support/page_area.h"

namespace {

template <class T> using Vector = std::vector<T, aml::Allocator<T>>;
using String = std::basic_string<char, std::char_traits<char>, aml::Allocator<char>>;
template <class K, class V>
using Map = std::map<K, V, std::less<>, aml::Allocator<std::pair<const K, V>>>;
template <class K, class V>
using UnorderedMap =
    std::unordered_map<K, V, std::hash<K>, std::equal_to<>, aml::Allocator<std::pair<const K, V>>>;
template <class T> using List = std::list<T, aml::Allocator<T>>;

struct alignas(256) Wide {
  int value;
};

// An arena that frees each block, and knows its blocks: one given back twice, or never, shows.
class CountingArena {
public:
  CountingArena() { block_.arena.ops = &kOps; }
  CountingArena(const CountingArena &) = delete;
  ~CountingArena() { EXPECT_TRUE(block_.live.empty()) << "blocks were not given back"; }

  aml_arena *get() { return &block_.arena; }
  size_t live() const { return block_.live.size(); }
  size_t count() const { return block_.count; }
  size_t last_alignment() const { return block_.last_alignment; }

private:
  struct Block {
    aml_arena arena;
    std::map<void *, size_t> live;
    size_t count = 0;
    size_t last_alignment = 0;
  };

  static Block *BlockOf(aml_arena *arena) { return reinterpret_cast<Block *>(arena); }

  static void *Alloc(aml_arena *arena, size_t size, size_t alignment, unsigned) {
    void *pointer = nullptr;
    if (posix_memalign(&pointer, std::max(alignment, sizeof pointer), size) != 0)
      return nullptr;
    BlockOf(arena)->live[pointer] = size;
    BlockOf(arena)->last_alignment = alignment;
    ++BlockOf(arena)->count;
    return pointer;
  }

  static void Free(aml_arena *arena, void *pointer) {
    EXPECT_EQ(1u, BlockOf(arena)->live.erase(pointer)) << "is no block of this arena";
    std::free(pointer);
  }

  static aml_arena_ops MakeOps() {
    aml_arena_ops ops = {};
    ops.name = "counting";
    ops.alloc = Alloc;
    ops.free = Free;
    return ops;
  }

  static inline const aml_arena_ops kOps = MakeOps();

  Block block_{};
};

class ArenaMemoryResource : public testing::Test {
protected:
  ~ArenaMemoryResource() override { aml_arena_destroy(&bump_); }

  void SetUp() override { ASSERT_EQ(0, aml_arena_bump_create(&bump_, pages_.get(), nullptr)); }

  uint64_t BumpSize() const {
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(bump_, &stats));
    return stats.live_size;
  }

  PageArea pages_;
  aml_arena *bump_ = nullptr;
  CountingArena counting_;
};

// The containers hold what they would hold elsewhere, and their memory is the arena's.
template <class Strings, class Numbers, class Names, class Index, class Chain, class From>
void UseContainers(From from, aml_arena *owner) {
  Numbers numbers(from);
  for (int i = 0; i < 1000; ++i)
    numbers.push_back(i);
  EXPECT_EQ(999, numbers.back());
  Strings text("a string that is longer than what fits into the object itself", from);
  text += text;
  EXPECT_EQ(0u, text.find("a string"));
  Names names(from);
  Index index(from);
  Chain chain(from);
  for (int i = 0; i < 100; ++i) {
    names.emplace(i, i * i);
    index.emplace(i, -i);
    chain.push_front(i);
  }
  for (int i = 0; i < 100; i += 2) {
    names.erase(i);
    index.erase(i);
    chain.pop_back();
  }
  EXPECT_EQ(49 * 49, names.at(49));
  EXPECT_EQ(50u, index.size());
  EXPECT_EQ(99, chain.front());
  if ((aml_arena_capabilities(owner) & AML_ARENA_KNOWS_OWN) != 0) {
    EXPECT_TRUE(aml_arena_owns(owner, numbers.data()));
    EXPECT_TRUE(aml_arena_owns(owner, text.data()));
    EXPECT_TRUE(aml_arena_owns(owner, &names.at(49)));
    EXPECT_TRUE(aml_arena_owns(owner, &index.at(49)));
    EXPECT_TRUE(aml_arena_owns(owner, &chain.front()));
  }
}

TEST_F(ArenaMemoryResource, PmrContainersLiveInAnArena) {
  aml::MemoryResource resource(bump_);
  UseContainers<std::pmr::string, std::pmr::vector<int>, std::pmr::map<int, int>,
                std::pmr::unordered_map<int, int>, std::pmr::list<int>>(&resource, bump_);
  EXPECT_LT(0u, BumpSize());
}

TEST_F(ArenaMemoryResource, OtherContainersLiveInAnArena) {
  UseContainers<String, Vector<int>, Map<int, int>, UnorderedMap<int, int>, List<int>>(bump_,
                                                                                       bump_);
  EXPECT_LT(0u, BumpSize());
}

TEST_F(ArenaMemoryResource, WhatContainersTakeTheyGiveBack) {
  std::pmr::vector<std::pmr::string> nested;
  {
    aml::MemoryResource resource(counting_.get());
    std::pmr::vector<std::pmr::string> strings(&resource);
    for (int i = 0; i < 100; ++i)
      strings.emplace_back("a string that is too long to be kept in the object");
    EXPECT_EQ(101u, counting_.live()) << "the strings come from where the vector does";
    nested = strings; // its own resource is another
    EXPECT_EQ(101u, counting_.live());
  }
  EXPECT_EQ(0u, counting_.live());
  {
    Map<int, String> strings(counting_.get());
    for (int i = 0; i < 100; ++i)
      strings.emplace(i, String(100, 'x', counting_.get()));
    EXPECT_EQ(200u, counting_.live());
  }
  EXPECT_EQ(0u, counting_.live());
  EXPECT_EQ(100u, nested.size());
}

TEST_F(ArenaMemoryResource, SharedObjectsLiveInAnArena) {
  auto shared = std::allocate_shared<Wide>(aml::Allocator<Wide>(counting_.get()), Wide{7});
  std::weak_ptr<Wide> weak = shared;
  EXPECT_EQ(1u, counting_.live());
  EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(shared.get()) % alignof(Wide));
  shared.reset();
  EXPECT_EQ(1u, counting_.live()) << "the count of weak pointers is part of the block";
  weak.reset();
  EXPECT_EQ(0u, counting_.live());
}

TEST_F(ArenaMemoryResource, AlignmentsArePassedOn) {
  static_assert(alignof(Wide) > alignof(std::max_align_t), "or there is nothing to show");
  aml::MemoryResource resource(bump_);
  std::pmr::vector<char> padding(3, 'x', &resource);
  std::pmr::list<Wide> wide({{1}, {2}, {3}}, &resource);
  for (const Wide &element : wide)
    EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(&element) % alignof(Wide));
  Vector<Wide> others(5, Wide{4}, bump_);
  EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(others.data()) % alignof(Wide));
  void *const page = resource.allocate(1, size_t{1} << 16);
  EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(page) % (size_t{1} << 16));
  Vector<char> bytes(10, 'x', counting_.get());
  EXPECT_EQ(1u, counting_.last_alignment()) << "bytes need no padding";
}

TEST_F(ArenaMemoryResource, AllocationsOfNothingAreBlocks) {
  aml::MemoryResource resource(counting_.get());
  void *const nothing = resource.allocate(0, 1);
  EXPECT_NE(nullptr, nothing);
  resource.deallocate(nothing, 0, 1);
  EXPECT_EQ(0u, counting_.live());
}

TEST_F(ArenaMemoryResource, AnArenaThatIsFullThrowsAndKeepsTheContainer) {
  alignas(16) static char region[4096];
  aml_arena_bump_options options = {};
  options.region = region;
  options.region_size = sizeof region;
  AML_ARENA_BUMP_DECL(small);
  ASSERT_EQ(0, aml_arena_bump_init(small, nullptr, &options));
  aml::MemoryResource resource(small);
  std::pmr::vector<int> pmr({1, 2, 3}, &resource);
  EXPECT_THROW(pmr.reserve(5000), std::bad_alloc);
  EXPECT_STREQ("aml_arena_alloc: the arena's region is full", aml_error_detail());
  EXPECT_EQ(3, pmr.at(2));
  Vector<int> plain({1, 2, 3}, small);
  EXPECT_THROW(plain.reserve(5000), std::bad_alloc);
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(3, plain.at(2));
  EXPECT_NO_THROW(plain.reserve(100)) << "what fits is still had";
  aml_arena_fini(small);
}

TEST_F(ArenaMemoryResource, SizesThatNoMemoryHasAreRefusedBeforeTheyWrap) {
  aml::Allocator<uint64_t> allocator(counting_.get());
  EXPECT_THROW((void)allocator.allocate(SIZE_MAX / 8 + 2), std::bad_array_new_length);
  EXPECT_THROW((void)allocator.allocate(SIZE_MAX), std::bad_array_new_length);
  EXPECT_EQ(0u, counting_.count()) << "the arena was asked";
}

TEST_F(ArenaMemoryResource, ResourcesOverOneArenaAreEqual) {
  aml::MemoryResource first(bump_);
  aml::MemoryResource second(bump_);
  aml::MemoryResource other(counting_.get());
  EXPECT_EQ(first, second);
  EXPECT_NE(first, other);
  EXPECT_NE(first, *std::pmr::new_delete_resource());
  EXPECT_FALSE(std::pmr::new_delete_resource()->is_equal(first));
  EXPECT_EQ(bump_, first.arena());
  const aml::Allocator<int> ints(bump_);
  const aml::Allocator<char> chars(ints);
  EXPECT_TRUE(ints == chars);
  EXPECT_FALSE(ints != chars);
  EXPECT_TRUE(ints != aml::Allocator<int>(counting_.get()));
}

TEST_F(ArenaMemoryResource, AMoveTakesTheArenaAlongAndACopyDoesNot) {
  CountingArena other;
  Vector<int> source({1, 2, 3}, counting_.get());
  const int *const data = source.data();
  Vector<int> target(other.get());
  target = source;
  EXPECT_EQ(other.get(), target.get_allocator().arena());
  EXPECT_EQ(1u, other.live());
  target = std::move(source);
  static_assert(std::is_nothrow_move_assignable_v<Vector<int>>, "no element is moved");
  EXPECT_EQ(counting_.get(), target.get_allocator().arena());
  EXPECT_EQ(data, target.data());
  EXPECT_EQ(0u, other.live());
  const Vector<int> copy(target);
  EXPECT_EQ(counting_.get(), copy.get_allocator().arena());
}

TEST_F(ArenaMemoryResource, ContainersOfTwoArenasAreSwapped) {
  CountingArena other;
  List<int> first({1}, counting_.get());
  List<int> second({2, 3}, other.get());
  swap(first, second);
  EXPECT_EQ(2u, first.size());
  EXPECT_EQ(other.get(), first.get_allocator().arena());
  EXPECT_EQ(counting_.get(), second.get_allocator().arena());
}

} // namespace
