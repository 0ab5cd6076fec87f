// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/tracked.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/arena/over_testing.h"
#include "aml/core/arena.h"
#include "aml/tests/contract/arena.h"

namespace {

using namespace aml_testing;

struct Tracked {
  AML_ARENA_TRACKED_DECL(upper);
  int Init(size_t, aml_arena *inner) { return aml_arena_tracked_init(upper, inner, nullptr); }
  int Create(size_t, aml_arena *inner, aml_arena **created) {
    return aml_arena_tracked_create(created, inner, nullptr);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(ArenaTracked, ArenaContract, OverFactory<Tracked>);

} // namespace
