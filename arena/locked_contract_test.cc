// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/arena/locked.h"
#include "aml/arena/over_testing.h"
#include "aml/core/arena.h"
#include "aml/tests/contract/arena.h"

namespace {

using namespace aml_testing;

// Each instance with another lock; the last is over an arena that is thread-safe without.
struct Locked {
  AML_ARENA_LOCKED_DECL(upper);

  int Init(size_t i, aml_arena *inner) {
    const aml_arena_locked_options options = {static_cast<aml_arena_lock>(i)};
    return aml_arena_locked_init(upper, inner, &options);
  }
  int Create(size_t i, aml_arena *inner, aml_arena **created) {
    const aml_arena_locked_options options = {static_cast<aml_arena_lock>(i)};
    return aml_arena_locked_create(created, inner, &options);
  }
};

using ArenaLockedFactory = OverFactory<Locked>;

INSTANTIATE_TYPED_TEST_SUITE_P(ArenaLocked, ArenaContract, ArenaLockedFactory);

} // namespace
