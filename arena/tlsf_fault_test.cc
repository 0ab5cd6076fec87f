// SPDX-License-Identifier: BSD-3-Clause
//
// arena:tlsf over an area that fails.

#include <gtest/gtest.h>

#include "aml/arena/tlsf.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/support/arena_faults.h"

namespace {

template <size_t kPages> int Create(aml_area *area, aml_arena **arena) {
  aml_arena_tlsf_options options = {};
  options.chunk_size = kPages * 4096;
  return aml_arena_tlsf_create(arena, area, &options);
}

TEST(ArenaTlsfFault, SurvivesEachFailureOfItsArea) {
  aml_testing::ExpectArenaSurvivesItsArea(Create<1>);
}

TEST(ArenaTlsfFault, WhereTheAreaHasNoWholeChunkTheLeastWillDo) {
  aml_testing::ExpectArenaDoesWithLessThanAChunk(Create<100>);
}

} // namespace
