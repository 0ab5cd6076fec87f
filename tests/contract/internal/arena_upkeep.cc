// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/internal/arena_upkeep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/arena_fixture.h"
#include "aml/tests/contract/internal/arena_oracle.h"
#include "aml/tests/contract/internal/refusal.h"
#include "aml/tests/contract/internal/watched_area.h"

namespace aml_testing {

namespace {

/** Fills the arena with `count` blocks of a size that leaves something over in most chunks. */
void AllocMany(Blocks *blocks, size_t count) {
  for (size_t i = 0; i < count; ++i)
    ASSERT_NE(nullptr, blocks->Alloc(30000 + i)) << aml_error_detail();
}

/** Gives all blocks back, by whatever the arena can; false if it cannot. */
bool GiveAllBack(aml_arena *arena, Blocks *blocks) {
  if (Can(arena, AML_ARENA_CAN_RESET)) {
    EXPECT_EQ(0, aml_arena_reset(arena)) << aml_error_detail();
    blocks->ForgetAll();
    return true;
  }
  while (Can(arena, AML_ARENA_CAN_FREE) && blocks->count() != 0)
    blocks->Free(blocks->at(0));
  return blocks->count() == 0;
}

} // namespace

void CheckResetKeepsTheMemoryForReuse(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  AllocMany(&blocks, 40);
  if (!Can(arena, AML_ARENA_CAN_RESET)) {
    ExpectRefusedWith(-AML_ENOTSUP, "aml_arena_reset:", [arena] { return aml_arena_reset(arena); });
    blocks.CheckAllContents();
    return;
  }
  blocks.CheckAllContents();
  const size_t calls = area.calls();
  const aml_arena_stats full = StatsOf(arena);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(0, aml_arena_reset(arena)) << aml_error_detail();
    blocks.ForgetAll();
    blocks.Check();
    EXPECT_EQ(full.reserved_size, StatsOf(arena).reserved_size);
    AllocMany(&blocks, 40);
    blocks.CheckAllContents();
  }
  EXPECT_EQ(calls, area.calls()) << "it asks the area for what it had";
  EXPECT_EQ(0, aml_arena_reset(arena));
  EXPECT_EQ(0, aml_arena_reset(arena)) << "an empty arena";
}

void CheckTrimGivesBackWhatHoldsNoBlock(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  AllocMany(&blocks, 50);
  size_t released = 12345;
  if (!Can(arena, AML_ARENA_CAN_TRIM)) {
    ExpectRefusedWith(-AML_ENOTSUP,
                      "aml_arena_trim:", [&] { return aml_arena_trim(arena, 0, &released); });
    EXPECT_EQ(12345u, released);
    return;
  }
  EXPECT_EQ(0, aml_arena_trim(arena, 0, nullptr)) << aml_error_detail();
  blocks.CheckAllContents();
  blocks.Check();
  const std::vector<char *> addresses = blocks.addresses();
  if (!GiveAllBack(arena, &blocks) || area.mapped() == 0)
    return;
  const size_t full = area.mapped();
  EXPECT_EQ(0, aml_arena_trim(arena, full, &released)) << aml_error_detail();
  EXPECT_EQ(0u, released) << "all of it may stay";
  EXPECT_EQ(0, aml_arena_trim(arena, full / 2, &released)) << aml_error_detail();
  const size_t half = area.mapped();
  EXPECT_EQ(full - half, released);
  EXPECT_EQ(0, aml_arena_trim(arena, 0, &released)) << aml_error_detail();
  EXPECT_EQ(half - area.mapped(), released);
  EXPECT_LE(half, full / 2 + area.mapped()) << "more was kept than may stay";
  EXPECT_LT(area.mapped(), full) << "nothing was given back";
  EXPECT_EQ(0, aml_arena_trim(arena, 0, &released));
  EXPECT_EQ(0u, released) << "there was nothing left";
  for (const char *const address : addresses)
    EXPECT_TRUE(area.Holds(address, 1) || !aml_arena_owns(arena, address)) << "it is the area's";
  blocks.Check();
  AllocMany(&blocks, 5);
}

void CheckATrimThatFailsKeepsTheChunk(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  AllocMany(&blocks, 50);
  if (!Can(arena, AML_ARENA_CAN_TRIM) || !GiveAllBack(arena, &blocks) || area.mapped() == 0)
    return;
  const size_t full = area.mapped();
  area.RefuseUnmaps(true);
  ForgetTheLastError();
  EXPECT_EQ(-AML_EBUSY, aml_arena_trim(arena, 0, nullptr));
  EXPECT_EQ(-AML_EBUSY, aml_error_code());
  EXPECT_EQ(full, area.mapped());
  blocks.Check();
  area.RefuseUnmaps(false);
  AllocMany(&blocks, 50);
  EXPECT_EQ(full, area.mapped()) << "what was kept is not used again";
  blocks.CheckAllContents();
  EXPECT_TRUE(GiveAllBack(arena, &blocks));
  EXPECT_EQ(0, aml_arena_trim(arena, 0, nullptr)) << aml_error_detail();
  EXPECT_LT(area.mapped(), full);
}

void CheckFreeAndResetNeedNothingOfTheArea(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  for (int round = 0; round < 2; ++round) {
    AllocMany(&blocks, 50);
    (void)blocks.Alloc(150000);
    area.RefuseMaps(true);
    area.RefuseUnmaps(true);
    while (Can(arena, AML_ARENA_CAN_FREE) && blocks.count() != 10)
      blocks.Free(blocks.at(blocks.count() / 2));
    if (Can(arena, AML_ARENA_CAN_RESET)) {
      EXPECT_EQ(0, aml_arena_reset(arena));
      blocks.ForgetAll();
    }
    blocks.CheckAllContents();
    blocks.Check();
    area.RefuseMaps(false);
    area.RefuseUnmaps(false);
  }
}

void CheckAFullArenaSaysSoAndKeepsItsBlocks(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  AllocMany(&blocks, 3);
  const bool grows = area.mapped() != 0;
  area.RefuseMaps(true);
  size_t size = 1 << 20;
  for (int i = 0; i < 1000 && size != 0; ++i)
    if (blocks.Alloc(size, 1) == nullptr)
      size /= 2;
  EXPECT_EQ(0u, size) << "there is memory without end";
  if (Can(arena, AML_ARENA_CAN_REALLOC)) {
    const auto before = NumbersOf(StatsOf(arena));
    EXPECT_EQ(nullptr, aml_arena_realloc(arena, blocks.at(0), 1 << 28, 0, 0));
    EXPECT_EQ(-AML_ENOMEM, aml_error_code()) << aml_error_detail();
    EXPECT_EQ(before, NumbersOf(StatsOf(arena)));
  }
  blocks.CheckAllContents();
  area.RefuseMaps(false);
  if (grows && StatsOf(arena).limit == AML_UNKNOWN) {
    EXPECT_NE(nullptr, blocks.Alloc(100000)) << "unusable after a failure";
  }
  blocks.CheckAllContents();
}

void CheckAFailureOfTheAreaIsTold(aml_arena *arena, WatchedArea &area) {
  area.RefuseMaps(true, -AML_EPERM);
  const size_t calls = area.calls();
  void *block = nullptr;
  for (int i = 0; i < 1000 && (block = aml_arena_alloc(arena, 100000, 0, 0)) != nullptr; ++i)
    ;
  EXPECT_EQ(nullptr, block) << "there is memory without end";
  EXPECT_EQ(area.calls() == calls ? -AML_ENOMEM : -AML_EPERM, aml_error_code())
      << aml_error_detail();
  area.RefuseMaps(false);
  ExpectValid(arena);
}

void CheckTheLimitHolds(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  const uint64_t limit = StatsOf(arena).limit;
  if (limit == AML_UNKNOWN)
    return;
  uint64_t sum = 0;
  while (sum <= limit && blocks.Alloc(1 << 16) != nullptr)
    sum += 1 << 16;
  EXPECT_LE(sum, limit);
  EXPECT_LE(area.mapped(), limit);
  EXPECT_EQ(limit, StatsOf(arena).limit);
  blocks.CheckAllContents();
}

void CheckStatsFillEveryField(aml_arena *arena, WatchedArea &area) {
  Blocks blocks(arena, area);
  (void)blocks.Alloc(100);
  aml_arena_stats low;
  aml_arena_stats high;
  std::memset(&low, 0x11, sizeof low);
  std::memset(&high, 0x66, sizeof high);
  EXPECT_EQ(0, aml_arena_get_stats(arena, &low));
  EXPECT_EQ(0, aml_arena_get_stats(arena, &high));
  EXPECT_EQ(NumbersOf(low), NumbersOf(high)) << "a field was left as it was";
  ExpectRefused("aml_arena_get_stats: arena", [&] { return aml_arena_get_stats(nullptr, &low); });
  ExpectRefused("aml_arena_get_stats: stats", [&] { return aml_arena_get_stats(arena, nullptr); });
  EXPECT_EQ(NumbersOf(low), NumbersOf(high)) << "changed by a failure";
}

void CheckCapabilitiesHaveTheirOperations(aml_arena *arena, WatchedArea &) {
  const aml_arena_ops *const ops = arena->ops;
  EXPECT_STRNE("", ops->name);
  EXPECT_EQ(0u, aml_arena_capabilities(arena) & ~0x1ffu) << "capabilities that there are not";
  EXPECT_TRUE(!Can(arena, AML_ARENA_CAN_REALLOC) || ops->realloc != nullptr);
  EXPECT_TRUE(!Can(arena, AML_ARENA_KNOWS_SIZE) || ops->usable_size != nullptr);
  EXPECT_TRUE(!Can(arena, AML_ARENA_KNOWS_OWN) || ops->owns != nullptr);
  EXPECT_TRUE(!Can(arena, AML_ARENA_CAN_RESET) || ops->reset != nullptr);
  EXPECT_TRUE(!Can(arena, AML_ARENA_CAN_TRIM) || ops->trim != nullptr);
}

void CheckNullIsNoArena() {
  EXPECT_EQ(0u, aml_arena_capabilities(nullptr));
  size_t released = 12345;
  ExpectRefused("aml_arena_reset: arena", [] { return aml_arena_reset(nullptr); });
  ExpectRefused("aml_arena_trim: arena", [&] { return aml_arena_trim(nullptr, 0, &released); });
  ExpectRefused("aml_arena_validate: arena", [] { return aml_arena_validate(nullptr); });
  EXPECT_EQ(12345u, released);
}

} // namespace aml_testing
