// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/debug.h"

#include <gtest/gtest.h>

#include "aml/arena/over_heap_testing.h"
#include "aml/core/arena.h"
#include "aml/tests/contract/arena.h"

namespace {

using namespace aml_testing;

struct Debug {
  AML_ARENA_DEBUG_DECL(upper);

  static aml_arena_debug_options Options() {
    aml_arena_debug_options options = {};
    options.quarantine_size = 1 << 16;
    options.frames = 1;
    return options;
  }

  static int Init(aml_arena *arena, aml_arena *inner) {
    const aml_arena_debug_options options = Options();
    return aml_arena_debug_init(arena, inner, &options);
  }
  static int Create(aml_arena **arena, aml_arena *inner) {
    const aml_arena_debug_options options = Options();
    return aml_arena_debug_create(arena, inner, &options);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(ArenaDebug, ArenaContract, ArenaOverFactory<Debug>);

} // namespace
