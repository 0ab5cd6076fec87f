// SPDX-License-Identifier: BSD-3-Clause
//
// What the generic functions refuse, forward and stand in for, seen by an arena that only notes
// what it is asked.

#include "aml/core/arena.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "aml/core/error.h"

namespace {

// Notes calls as text; hands out the addresses of its own slots.
struct Fake {
  aml_arena arena;
  std::vector<std::string> calls;
  char slots[8];
  size_t next;
};

Fake *FakeOf(const aml_arena *arena) {
  return reinterpret_cast<Fake *>(const_cast<aml_arena *>(arena));
}

void Note(const aml_arena *arena, const std::string &call) {
  FakeOf(arena)->calls.push_back(call);
}

void *Alloc(aml_arena *arena, size_t size, size_t alignment, unsigned flags) {
  Fake *const fake = FakeOf(arena);
  Note(arena, "alloc " + std::to_string(size) + " " + std::to_string(alignment) + " " +
                  std::to_string(flags));
  return fake->next == sizeof fake->slots ? nullptr : &fake->slots[fake->next++];
}

aml_arena_ops Mandatory() {
  aml_arena_ops ops = {};
  ops.name = "fake";
  ops.fini = [](aml_arena *arena) { Note(arena, "fini"); };
  ops.capabilities = [](const aml_arena *) { return unsigned{AML_ARENA_THREAD_SAFE}; };
  ops.stats = [](const aml_arena *, aml_arena_stats *stats) { stats->live_count = 42; };
  ops.validate = [](const aml_arena *arena) {
    Note(arena, "validate");
    return 0;
  };
  ops.alloc = Alloc;
  ops.free = [](aml_arena *arena, void *pointer) {
    Note(arena, "free " + std::to_string(static_cast<char *>(pointer) - FakeOf(arena)->slots));
  };
  return ops;
}

aml_arena_ops All() {
  aml_arena_ops ops = Mandatory();
  ops.capabilities = [](const aml_arena *) {
    return unsigned{AML_ARENA_THREAD_SAFE | AML_ARENA_CAN_RESET};
  };
  ops.realloc = [](aml_arena *arena, void *pointer, size_t size, size_t alignment, unsigned) {
    Note(arena, "realloc " + std::to_string(size) + " " + std::to_string(alignment));
    return pointer;
  };
  ops.usable_size = [](const aml_arena *, const void *) { return size_t{24}; };
  ops.owns = [](const aml_arena *, const void *) { return true; };
  ops.reset = [](aml_arena *arena) { Note(arena, "reset"); };
  ops.trim = [](aml_arena *arena, size_t keep, size_t *released) {
    Note(arena, "trim " + std::to_string(keep));
    *released = 5;
    return -AML_EIO;
  };
  ops.alloc_batch = [](aml_arena *arena, size_t size, size_t alignment, unsigned, size_t count,
                       void *[]) {
    Note(arena, "alloc_batch " + std::to_string(size) + " " + std::to_string(alignment));
    return count - 1;
  };
  ops.free_batch = [](aml_arena *arena, size_t count, void *const[]) {
    Note(arena, "free_batch " + std::to_string(count));
  };
  return ops;
}

const aml_arena_ops kMandatory = Mandatory();
const aml_arena_ops kAll = All();

class CoreArena : public testing::Test {
protected:
  CoreArena() {
    bare_.arena.ops = &kMandatory;
    full_.arena.ops = &kAll;
  }

  static void ExpectError(int err, const char *sentence) {
    EXPECT_EQ(err, aml_error_code());
    EXPECT_STREQ(sentence, aml_error_detail());
  }

  // The one call that was forwarded since the last time.
  static std::string Call(Fake *fake) {
    EXPECT_EQ(1u, fake->calls.size());
    std::string call = fake->calls.empty() ? "" : fake->calls[0];
    fake->calls.clear();
    return call;
  }

  Fake bare_{};
  Fake full_{};
  aml_arena *const bare = &bare_.arena;
  aml_arena *const full = &full_.arena;
};

using Calls = std::vector<std::string>;

TEST_F(CoreArena, AllocForwardsWithTheDefaultAlignment) {
  EXPECT_EQ(bare_.slots, aml_arena_alloc(bare, 10, 0, AML_ARENA_ZERO));
  EXPECT_EQ("alloc 10 16 1", Call(&bare_));
  EXPECT_NE(nullptr, aml_arena_alloc(bare, 0, 64, 0));
  EXPECT_EQ("alloc 0 64 0", Call(&bare_));
}

TEST_F(CoreArena, AllocRefusesAlignmentsThatAreNone) {
  for (const size_t alignment : {size_t{3}, size_t{24}, SIZE_MAX})
    EXPECT_EQ(nullptr, aml_arena_alloc(full, 1, alignment, 0));
  ExpectError(-AML_EINVAL, "aml_arena_alloc: alignment 18446744073709551615 is not a power of two");
  EXPECT_EQ(nullptr, aml_arena_alloc(nullptr, 1, 0, 0));
  ExpectError(-AML_EINVAL, "aml_arena_alloc: arena is null");
  EXPECT_TRUE(full_.calls.empty());
}

TEST_F(CoreArena, FreeOfNullIsNotForwarded) {
  aml_arena_free(bare, nullptr);
  aml_arena_free(nullptr, nullptr);
  EXPECT_TRUE(bare_.calls.empty());
  aml_arena_free(bare, bare_.slots + 3);
  EXPECT_EQ("free 3", Call(&bare_));
}

TEST_F(CoreArena, ReallocOfNullAllocates) {
  EXPECT_NE(nullptr, aml_arena_realloc(bare, nullptr, 7, 0, 0)) << "also where realloc is lacking";
  EXPECT_EQ("alloc 7 16 0", Call(&bare_));
}

TEST_F(CoreArena, ReallocChecksItsArguments) {
  EXPECT_EQ(full_.slots, aml_arena_realloc(full, full_.slots, 9, 0, 0));
  EXPECT_EQ("realloc 9 16", Call(&full_));
  EXPECT_EQ(nullptr, aml_arena_realloc(full, full_.slots, 0, 0, 0));
  ExpectError(-AML_EINVAL, "aml_arena_realloc: size is 0");
  EXPECT_EQ(nullptr, aml_arena_realloc(full, full_.slots, 1, 6, 0));
  ExpectError(-AML_EINVAL, "aml_arena_realloc: alignment 6 is not a power of two");
  EXPECT_EQ(nullptr, aml_arena_realloc(nullptr, full_.slots, 1, 0, 0));
  ExpectError(-AML_EINVAL, "aml_arena_realloc: arena is null");
  EXPECT_EQ(nullptr, aml_arena_realloc(bare, bare_.slots, 1, 0, 0));
  ExpectError(-AML_ENOTSUP, "aml_arena_realloc: arena is of a type that cannot do this");
  EXPECT_TRUE(full_.calls.empty());
  EXPECT_TRUE(bare_.calls.empty());
}

TEST_F(CoreArena, WhatATypeDoesNotKnowHasAnAnswer) {
  EXPECT_EQ(24u, aml_arena_usable_size(full, full_.slots));
  EXPECT_EQ(0u, aml_arena_usable_size(bare, bare_.slots));
  EXPECT_EQ(0u, aml_arena_usable_size(full, nullptr));
  EXPECT_EQ(0u, aml_arena_usable_size(nullptr, full_.slots));
  EXPECT_TRUE(aml_arena_owns(full, full_.slots));
  EXPECT_FALSE(aml_arena_owns(bare, bare_.slots));
  EXPECT_FALSE(aml_arena_owns(full, nullptr));
  EXPECT_FALSE(aml_arena_owns(nullptr, full_.slots));
}

TEST_F(CoreArena, ResetIsForwardedOrNotSupported) {
  EXPECT_EQ(0, aml_arena_reset(full));
  EXPECT_EQ("reset", Call(&full_));
  EXPECT_EQ(-AML_ENOTSUP, aml_arena_reset(bare));
  EXPECT_EQ(-AML_EINVAL, aml_arena_reset(nullptr));
  ExpectError(-AML_EINVAL, "aml_arena_reset: arena is null");
}

TEST_F(CoreArena, TrimTellsWhatWasReleasedAlsoWhenItFails) {
  size_t released = 0;
  EXPECT_EQ(-AML_EIO, aml_arena_trim(full, 3, &released));
  EXPECT_EQ(5u, released);
  EXPECT_EQ("trim 3", Call(&full_));
  EXPECT_EQ(-AML_EIO, aml_arena_trim(full, 3, nullptr));
  EXPECT_EQ(-AML_ENOTSUP, aml_arena_trim(bare, 0, &released));
  EXPECT_EQ(-AML_EINVAL, aml_arena_trim(nullptr, 0, &released));
  EXPECT_EQ(5u, released);
}

TEST_F(CoreArena, ABatchIsOneCallWhereTheTypeHasIt) {
  void *pointers[4] = {};
  EXPECT_EQ(3u, aml_arena_alloc_batch(full, 10, 0, 0, 4, pointers));
  EXPECT_EQ("alloc_batch 10 16", Call(&full_));
  aml_arena_free_batch(full, 4, pointers);
  EXPECT_EQ("free_batch 4", Call(&full_));
}

TEST_F(CoreArena, ABatchIsSingleCallsElsewhere) {
  void *pointers[12] = {};
  EXPECT_EQ(3u, aml_arena_alloc_batch(bare, 1, 8, 0, 3, pointers));
  EXPECT_EQ((Calls{"alloc 1 8 0", "alloc 1 8 0", "alloc 1 8 0"}), bare_.calls);
  bare_.calls.clear();
  EXPECT_EQ(5u, aml_arena_alloc_batch(bare, 1, 8, 0, 9, pointers + 3)) << "and stops at a failure";
  EXPECT_EQ(nullptr, pointers[8]);
  bare_.calls.clear();
  pointers[1] = nullptr;
  aml_arena_free_batch(bare, 3, pointers);
  EXPECT_EQ((Calls{"free 0", "free 2"}), bare_.calls);
}

TEST_F(CoreArena, BatchesCheckTheirArguments) {
  void *pointers[1] = {};
  EXPECT_EQ(0u, aml_arena_alloc_batch(nullptr, 1, 0, 0, 1, pointers));
  ExpectError(-AML_EINVAL, "aml_arena_alloc_batch: arena is null");
  EXPECT_EQ(0u, aml_arena_alloc_batch(full, 1, 0, 0, 1, nullptr));
  ExpectError(-AML_EINVAL, "aml_arena_alloc_batch: pointers is null");
  EXPECT_EQ(0u, aml_arena_alloc_batch(full, 1, 12, 0, 1, pointers));
  ExpectError(-AML_EINVAL, "aml_arena_alloc_batch: alignment 12 is not a power of two");
  aml_arena_free_batch(nullptr, 1, pointers);
  aml_arena_free_batch(full, 1, nullptr);
  EXPECT_TRUE(full_.calls.empty());
}

TEST_F(CoreArena, QuestionsAreForwardedButForNull) {
  aml_arena_stats stats = {};
  EXPECT_EQ(unsigned{AML_ARENA_THREAD_SAFE}, aml_arena_capabilities(bare));
  EXPECT_EQ(0u, aml_arena_capabilities(nullptr));
  EXPECT_EQ(0, aml_arena_get_stats(full, &stats));
  EXPECT_EQ(42u, stats.live_count);
  EXPECT_EQ(-AML_EINVAL, aml_arena_get_stats(nullptr, &stats));
  EXPECT_EQ(-AML_EINVAL, aml_arena_get_stats(full, nullptr));
  ExpectError(-AML_EINVAL, "aml_arena_get_stats: stats is null");
  EXPECT_EQ(0, aml_arena_validate(full));
  EXPECT_EQ(-AML_EINVAL, aml_arena_validate(nullptr));
}

TEST_F(CoreArena, FiniEndsADeclaredOneAndDestroyACreatedOne) {
  aml_arena_fini(full);
  EXPECT_EQ("fini", Call(&full_));
  aml_arena_fini(nullptr);
  static int finis;
  static const aml_arena_ops kCounting = [] {
    aml_arena_ops ops = Mandatory();
    ops.fini = [](aml_arena *) { ++finis; };
    return ops;
  }();
  auto *created = static_cast<aml_arena *>(std::malloc(sizeof(aml_arena)));
  created->ops = &kCounting;
  aml_arena_destroy(&created);
  EXPECT_EQ(1, finis);
  EXPECT_EQ(nullptr, created);
  aml_arena_destroy(&created);
  aml_arena_destroy(nullptr);
  EXPECT_EQ(1, finis);
}

} // namespace
