// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "aml/arena/internal/poison.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/support/arena_ops.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;
// Tools that watch memory keep account of each byte of a chunk.
constexpr size_t kMostAlignment = size_t{1} << (AML_INTERNAL_POISONS ? 26 : 30);

bool IsZero(const void *object, size_t size) {
  const char *byte = static_cast<const char *>(object);
  return std::all_of(byte, byte + size, [](char c) { return c == 0; });
}

class ArenaPool : public ::testing::Test {
protected:
  void TearDown() override {
    aml_arena_destroy(&arena_);
    EXPECT_EQ(0, area_.live());
  }

  void Create(size_t object_size, const aml_arena_pool_options &options) {
    ASSERT_EQ(0, aml_arena_pool_create(&arena_, area_.get(), object_size, &options))
        << aml_error_detail();
  }

  // With a chunk for each page.
  void Create(size_t object_size, aml_arena_pool_metadata metadata = AML_ARENA_POOL_AUTO) {
    aml_arena_pool_options options = {};
    options.metadata = metadata;
    options.chunk_size = kPage;
    Create(object_size, options);
  }

  char *Alloc(size_t size, size_t alignment = 0, unsigned flags = 0) {
    return static_cast<char *>(aml_arena_alloc(arena_, size, alignment, flags));
  }

  aml_arena_stats Stats() {
    aml_arena_stats stats = {};
    EXPECT_EQ(0, aml_arena_get_stats(arena_, &stats));
    EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    return stats;
  }

  void ExpectBroken(const char *sentence) {
    EXPECT_EQ(-AML_EINVAL, aml_arena_validate(arena_));
    EXPECT_STREQ(sentence, aml_error_detail());
  }

  PageArea area_;
  aml_arena *arena_ = nullptr;
};

// What holds wherever free objects are kept track of.
class ArenaPoolMetadata : public ArenaPool,
                          public ::testing::WithParamInterface<aml_arena_pool_metadata> {
protected:
  void CreateSo(size_t object_size) { Create(object_size, GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Any, ArenaPoolMetadata,
                         ::testing::Values(AML_ARENA_POOL_IN_BAND, AML_ARENA_POOL_OUT_OF_BAND));

TEST_P(ArenaPoolMetadata, ObjectsLieBehindOneAnother) {
  CreateSo(100);
  char *const first = Alloc(100);
  EXPECT_EQ(first + 112, Alloc(1));
  EXPECT_EQ(first + 224, Alloc(0));
  EXPECT_EQ(112u, aml_arena_usable_size(arena_, first));
  EXPECT_EQ(3u, Stats().live_count);
  EXPECT_EQ(3 * 112u, Stats().live_size);
}

TEST_P(ArenaPoolMetadata, WhatIsGivenBackLastIsHandedOutFirst) {
  CreateSo(64);
  std::array<char *, 4> objects;
  for (char *&object : objects)
    object = Alloc(64);
  for (char *object : objects)
    aml_arena_free(arena_, object);
  EXPECT_EQ(0u, Stats().live_count);
  for (size_t i = objects.size(); i-- > 0;)
    EXPECT_EQ(objects[i], Alloc(64));
  EXPECT_EQ(4u, Stats().live_count);
}

TEST_P(ArenaPoolMetadata, NothingNewIsCarvedWhileAnObjectIsFree) {
  CreateSo(64);
  std::vector<void *> objects(kPage / 64);
  for (int round = 0; round < 5; ++round) {
    ASSERT_EQ(objects.size(),
              aml_arena_alloc_batch(arena_, 64, 0, 0, objects.size(), objects.data()));
    EXPECT_EQ(kPage, Stats().reserved_size);
    EXPECT_EQ(kPage, Stats().peak_size);
    aml_arena_free_batch(arena_, objects.size(), objects.data());
  }
}

TEST_P(ArenaPoolMetadata, ThePeakOutlivesWhatItWasOf) {
  CreateSo(64);
  std::vector<char *> objects;
  for (size_t i = 0; i < 2 * kPage / 64; ++i)
    objects.push_back(Alloc(1));
  for (char *object : objects)
    aml_arena_free(arena_, object);
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  EXPECT_EQ(2 * kPage, Stats().peak_size);
  ASSERT_NE(nullptr, Alloc(1));
  ASSERT_EQ(0, aml_arena_reset(arena_));
  EXPECT_EQ(2 * kPage, Stats().peak_size);
}

TEST_P(ArenaPoolMetadata, TrimGivesBackTheChunksWithoutLiveObjects) {
  CreateSo(kPage / 4);
  std::array<std::array<char *, 4>, 5> chunks;
  for (auto &chunk : chunks)
    for (char *&object : chunk)
      object = Alloc(1);
  // Of chunks 1 and 3 all, of the others one object each.
  for (size_t i = 0; i < chunks.size(); ++i)
    for (size_t j = i % 2 == 1 ? 0 : 1; j < 4; ++j)
      aml_arena_free(arena_, chunks[i][j]);
  size_t released = 0;
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, &released));
  EXPECT_EQ(2 * kPage, released);
  EXPECT_EQ(3 * kPage, Stats().reserved_size);
  EXPECT_EQ(3u, Stats().live_count);
  EXPECT_FALSE(aml_arena_owns(arena_, chunks[1][0]));
  EXPECT_TRUE(aml_arena_owns(arena_, chunks[2][0]));
  for (size_t j = 3; j > 0; --j) {
    EXPECT_EQ(chunks[4][j], Alloc(1)) << "those that stay keep their order";
  }
}

TEST_F(ArenaPool, TheStackHasRoomForWhatWasHandedOutUntilATrim) {
  // A word for each object would be more than there is. Tools keep account of each byte.
  constexpr size_t kSize = size_t{1} << (AML_INTERNAL_POISONS ? 26 : 46);
  aml_arena_pool_options options = {};
  options.metadata = AML_ARENA_POOL_OUT_OF_BAND;
  options.region = reinterpret_cast<void *>(kPage);
  options.region_size = kSize;
  area_.Hide();
  Create(sizeof(void *), options);
  const uint64_t least = Stats().metadata_size;
  for (int i = 0; i < 1000; ++i)
    ASSERT_NE(nullptr, Alloc(1, 1));
  EXPECT_GE(least + 2000 * sizeof(void *), Stats().metadata_size);
}

TEST_F(ArenaPool, TrimShrinksTheStack) {
  Create(sizeof(void *), AML_ARENA_POOL_OUT_OF_BAND);
  std::vector<char *> objects(100 * kPage / sizeof(void *));
  const uint64_t least = Stats().metadata_size;
  for (char *&object : objects)
    ASSERT_NE(nullptr, object = Alloc(1, 1));
  for (char *const object : objects)
    aml_arena_free(arena_, object);
  EXPECT_LE(least + objects.size() * sizeof(void *), Stats().metadata_size);
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  EXPECT_GE(least + sizeof(void *), Stats().metadata_size);
  EXPECT_NE(nullptr, Alloc(1, 1));
}

TEST_P(ArenaPoolMetadata, TrimKeepsWhatMayStay) {
  CreateSo(kPage);
  std::array<void *, 6> objects;
  ASSERT_EQ(6u, aml_arena_alloc_batch(arena_, 1, 0, 0, 6, objects.data()));
  aml_arena_free_batch(arena_, 6, objects.data());
  size_t released = 0;
  ASSERT_EQ(0, aml_arena_trim(arena_, 4 * kPage, &released));
  EXPECT_EQ(2 * kPage, released);
  EXPECT_EQ(4 * kPage, Stats().reserved_size);
  EXPECT_EQ(6u, aml_arena_alloc_batch(arena_, 1, 0, 0, 6, objects.data()));
  EXPECT_EQ(6 * kPage, Stats().reserved_size);
}

TEST_P(ArenaPoolMetadata, ZeroesWhatWasUsedBefore) {
  CreateSo(kPage / 2);
  for (int round = 0; round < 6; ++round) {
    std::array<void *, 3> objects;
    ASSERT_EQ(3u, aml_arena_alloc_batch(arena_, 100, 0, round % 2, 3, objects.data()));
    void *const single = Alloc(100, 0, AML_ARENA_ZERO);
    EXPECT_TRUE(IsZero(single, kPage / 2)) << "all of it, for realloc";
    for (void *object : objects) {
      EXPECT_TRUE(round % 2 == 0 || IsZero(object, kPage / 2));
      std::memset(object, 0xff, kPage / 2);
    }
    std::memset(single, 0xff, kPage / 2);
    if (round < 3) {
      ASSERT_EQ(0, aml_arena_reset(arena_));
    } else {
      aml_arena_free(arena_, single);
      aml_arena_free_batch(arena_, 3, objects.data());
    }
  }
}

TEST_P(ArenaPoolMetadata, ReallocStaysInItsObject) {
  CreateSo(200);
  char *const object = Alloc(1);
  EXPECT_EQ(object, aml_arena_realloc(arena_, object, 208, 16, AML_ARENA_ZERO));
  EXPECT_EQ(nullptr, aml_arena_realloc(arena_, object, 209, 0, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_STREQ("aml_arena_realloc: size 209 is larger than the pool's objects", aml_error_detail());
}

TEST_P(ArenaPoolMetadata, AnObjectThatIsFreeTwiceIsFound) {
  CreateSo(64);
  std::array<char *, 3> objects = {Alloc(1), Alloc(1), Alloc(1)};
  aml_arena_free(arena_, objects[0]);
  aml_arena_free(arena_, objects[1]);
  EXPECT_EQ(0, aml_arena_validate(arena_));
  aml_arena_free(arena_, objects[0]);
  ExpectBroken("aml_arena_validate: arena has an object that is free twice");
}

TEST_F(ArenaPool, FreesBeyondTheLastObjectAreDropped) {
  Create(64, AML_ARENA_POOL_OUT_OF_BAND);
  char *const object = Alloc(1);
  for (int i = 0; i < 100; ++i)
    aml_arena_free(arena_, object);
  EXPECT_EQ(0u, Stats().live_count);
  EXPECT_EQ(object, Alloc(1));
  EXPECT_NE(object, Alloc(1));
}

TEST_P(ArenaPoolMetadata, WhatIsNoObjectIsFound) {
  CreateSo(64);
  alignas(64) static char foreign[64];
  char *const object = Alloc(1);
  const auto free_and_expect = [this](char *pointer, const char *sentence) {
    aml_arena_free(arena_, pointer);
    ExpectBroken(sentence);
    ASSERT_EQ(0, aml_arena_reset(arena_));
    EXPECT_EQ(0, aml_arena_validate(arena_)) << aml_error_detail();
    ASSERT_NE(nullptr, Alloc(1));
  };
  free_and_expect(foreign, "aml_arena_validate: arena has a free object outside its chunks; "
                           "perhaps one was written to");
  aml_internal_poison_none(foreign, sizeof foreign);
  free_and_expect(object + 16, "aml_arena_validate: arena has a free object where there is none; "
                               "perhaps one was written to");
  free_and_expect(object + 64, "aml_arena_validate: arena has a free object that was never handed "
                               "out");
}

TEST_F(ArenaPool, AFreeObjectThatWasWrittenToIsFound) {
  Create(64);
  char *const first = Alloc(1);
  char *const second = Alloc(1);
  aml_arena_free(arena_, first);
  aml_arena_free(arena_, second);
  aml_internal_poison_none(second, 64); // or a tool would find it first
  std::memset(second, 0x5a, 8);
  ExpectBroken("aml_arena_validate: arena has a free object outside its chunks; perhaps one was "
               "written to");
  aml_internal_poison_none(second, 64);
  std::memset(second, 0, 8);
  ExpectBroken("aml_arena_validate: arena has fewer free objects than it counts");
}

TEST_F(ArenaPool, RefusesSizesAndAlignmentsThatObjectsDoNotHave) {
  aml_arena_pool_options options = {};
  options.alignment = 64;
  Create(100, options);
  EXPECT_NE(nullptr, Alloc(128, 64)) << "rounded up to the alignment";
  EXPECT_EQ(nullptr, Alloc(129));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_STREQ("aml_arena_alloc: size 129 is larger than the pool's objects", aml_error_detail());
  EXPECT_EQ(nullptr, Alloc(1, 128));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_STREQ("aml_arena_alloc: alignment 128 is more than that of the pool's objects",
               aml_error_detail());
  EXPECT_EQ(1u, Stats().live_count);
}

TEST_F(ArenaPool, SmallObjectsLieCloseIfTheirAlignmentIsSmall) {
  aml_arena_pool_options options = {};
  options.alignment = 1;
  Create(1, options);
  char *const first = Alloc(1, 1);
  EXPECT_EQ(first + sizeof(void *), Alloc(1, 1)) << "an object has room for a word";
}

TEST_F(ArenaPool, AlignsBeyondWhatTheAreaCan) {
  aml_arena_pool_options options = {};
  for (options.alignment = kPage; options.alignment <= kMostAlignment; options.alignment *= 4) {
    Create(24, options);
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(Alloc(24, options.alignment)) % options.alignment);
    EXPECT_EQ(3u, Stats().live_count);
    aml_arena_destroy(&arena_);
  }
}

TEST_F(ArenaPool, TheInlineFormIsTheGenericOne) {
  Create(64);
  void *const object = aml_arena_pool_alloc(arena_);
  aml_arena_free(arena_, object);
  EXPECT_EQ(object, aml_arena_pool_alloc(arena_));
  aml_arena_pool_free(arena_, object);
  EXPECT_EQ(object, Alloc(64));
  EXPECT_EQ(1u, Stats().live_count);
}

TEST_F(ArenaPool, KeepsToItsLimit) {
  aml_arena_pool_options options = {};
  options.limit = 3 * kPage + 5;
  Create(kPage, options);
  for (int i = 0; i < 3; ++i)
    ASSERT_NE(nullptr, Alloc(kPage));
  EXPECT_EQ(nullptr, Alloc(1));
  EXPECT_STREQ("aml_arena_alloc: the arena's limit is reached", aml_error_detail());
  EXPECT_EQ(3 * kPage, Stats().reserved_size);
}

TEST_F(ArenaPool, ARegionIsUsedToItsEndAndNeverGrows) {
  alignas(64) std::array<char, 256 + 8> region;
  aml_arena_pool_options options = {};
  options.region = region.data() + 8;
  options.region_size = 256;
  ASSERT_EQ(0, aml_arena_pool_create(&arena_, nullptr, 64, &options));
  EXPECT_EQ(region.data() + 16, Alloc(1)) << "the first that is aligned";
  EXPECT_NE(nullptr, Alloc(1));
  EXPECT_NE(nullptr, Alloc(1));
  EXPECT_EQ(nullptr, Alloc(1));
  EXPECT_STREQ("aml_arena_alloc: the arena's region is full", aml_error_detail());
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  EXPECT_EQ(3u, Stats().live_count);
  aml_arena_destroy(&arena_);
  for (const size_t size : {1, 8, 63}) {
    options.region_size = size; // room for none
    ASSERT_EQ(0, aml_arena_pool_create(&arena_, nullptr, 64, &options));
    EXPECT_EQ(nullptr, Alloc(1));
    EXPECT_EQ(0u, Stats().live_count);
    aml_arena_destroy(&arena_);
  }
}

TEST_F(ArenaPool, NeverTouchesMemoryThatTheHostCannot) {
  area_.Hide(); // inaccessible pages: a touch is a signal
  Create(100);
  EXPECT_EQ(0u, aml_arena_capabilities(arena_) & (AML_ARENA_IN_BAND | AML_ARENA_HOST_MEMORY));
  std::array<void *, 100> objects;
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(100u, aml_arena_alloc_batch(arena_, 100, 0, 0, 100, objects.data()));
    aml_arena_free(arena_, objects[7]);
    objects[7] = nullptr;
    aml_arena_free_batch(arena_, 100, objects.data());
  }
  EXPECT_EQ(0u, aml_arena_alloc_batch(arena_, 8, 0, AML_ARENA_ZERO, 1, objects.data()));
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  EXPECT_EQ(0u, Stats().live_count);
  ASSERT_EQ(0, aml_arena_trim(arena_, 0, nullptr));
  EXPECT_EQ(0u, Stats().reserved_size);
}

TEST_F(ArenaPool, InitRefusesWhatItCannotWorkWith) {
  aml_arena *arena = nullptr;
  std::array<char, 8> region;
  const auto refused = [&](size_t object_size, aml_arena_pool_options options,
                           const char *sentence) {
    EXPECT_EQ(-AML_EINVAL, aml_arena_pool_create(&arena, area_.get(), object_size, &options));
    EXPECT_STREQ(sentence, aml_error_detail());
    EXPECT_EQ(nullptr, arena);
  };
  aml_arena_pool_options options = {};
  refused(0, options, "aml_arena_pool_init: object_size is 0");
  refused(SIZE_MAX - 3, options,
          "aml_arena_pool_init: object_size 18446744073709551612 is too large");
  options.alignment = 24;
  refused(8, options, "aml_arena_pool_init: alignment 24 is not a power of two");
  options = {};
  options.metadata = static_cast<aml_arena_pool_metadata>(3);
  refused(8, options, "aml_arena_pool_init: metadata 3 is unknown");
  options = {};
  options.cache_count = 1;
  refused(8, options, "aml_arena_pool_init: cache_count is for thread_safe only");
  options.thread_safe = true;
  options.cache_count = size_t{1} << 30;
  refused(8, options, "aml_arena_pool_init: cache_count 1073741824 is too large");
  options = {};
  options.region = region.data();
  refused(8, options, "aml_arena_pool_init: region_size is 0");
  AML_ARENA_POOL_DECL(declared);
  EXPECT_EQ(-AML_EINVAL, aml_arena_pool_init(declared, nullptr, 8, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_pool_init(nullptr, area_.get(), 8, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_arena_pool_create(nullptr, area_.get(), 8, nullptr));
  area_.Hide();
  options = {};
  options.metadata = AML_ARENA_POOL_IN_BAND;
  refused(8, options,
          "aml_arena_pool_init: metadata cannot be in band where the host cannot read and write");
}

TEST_F(ArenaPool, OneThatIsOnlyDeclaredSaysSo) {
  AML_ARENA_POOL_DECL(arena);
  aml_arena_stats stats = {};
  EXPECT_EQ(nullptr, aml_arena_alloc(arena, 0, 0, 0));
  EXPECT_EQ(nullptr, aml_arena_pool_alloc(arena));
  EXPECT_STREQ("aml_arena_alloc: arena is not initialised", aml_error_detail());
  EXPECT_EQ(0, aml_arena_get_stats(arena, &stats));
  EXPECT_EQ(0u, stats.reserved_size);
  EXPECT_EQ(0, aml_arena_reset(arena));
  EXPECT_EQ(-AML_EINVAL, aml_arena_trim(arena, 0, nullptr));
  EXPECT_EQ(0, aml_arena_validate(arena));
  EXPECT_FALSE(aml_arena_owns(arena, arena));
  aml_arena_fini(arena);
}

#if defined(AML_INTERNAL_HAS_ASAN)
TEST_P(ArenaPoolMetadata, AddressSanitizerReportsAUseOfAFreeObject) {
  CreateSo(64);
  volatile char *const object = Alloc(64);
  object[63] = 1;
  aml_arena_free(arena_, const_cast<char *>(object));
  EXPECT_DEATH(object[0] = 1, "use-after-poison");
  EXPECT_DEATH(object[63] = 1, "use-after-poison");
  EXPECT_DEATH(object[64] = 1, "use-after-poison") << "never handed out";
}
#endif

TEST_P(ArenaPoolMetadata, ARandomLifeKeepsTheLaws) {
  CreateSo(96);
  for (unsigned seed = 1; seed <= 4; ++seed)
    EXPECT_EQ("", aml_testing::RunArenaOps(arena_, aml_testing::RandomBytes(seed, 2000)));
}

} // namespace
