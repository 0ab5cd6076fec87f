// SPDX-License-Identifier: BSD-3-Clause
//
// arena:buddy over an area that fails.

#include <gtest/gtest.h>

#include "aml/arena/buddy.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/support/arena_faults.h"

namespace {

template <size_t kPages> int Create(aml_area *area, aml_arena **arena) {
  aml_arena_buddy_options options = {};
  options.chunk_size = kPages * 4096;
  return aml_arena_buddy_create(arena, area, &options);
}

TEST(ArenaBuddyFault, SurvivesEachFailureOfItsArea) {
  aml_testing::ExpectArenaSurvivesItsArea(Create<1>);
}

TEST(ArenaBuddyFault, WhereTheAreaHasNoWholeChunkTheLeastWillDo) {
  aml_testing::ExpectArenaDoesWithLessThanAChunk(Create<100>);
}

} // namespace
