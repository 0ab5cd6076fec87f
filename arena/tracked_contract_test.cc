// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/tracked.h"

#include <gtest/gtest.h>

#include "aml/arena/over_heap_testing.h"
#include "aml/core/arena.h"
#include "aml/tests/contract/arena.h"

namespace {

using namespace aml_testing;

struct Tracked {
  AML_ARENA_TRACKED_DECL(upper);
  static int Init(aml_arena *arena, aml_arena *inner) {
    return aml_arena_tracked_init(arena, inner, nullptr);
  }
  static int Create(aml_arena **arena, aml_arena *inner) {
    return aml_arena_tracked_create(arena, inner, nullptr);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(ArenaTracked, ArenaContract, ArenaOverFactory<Tracked>);

} // namespace
