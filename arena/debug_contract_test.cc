// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/debug.h"

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/arena/over_testing.h"
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

  int Init(size_t, aml_arena *inner) {
    const aml_arena_debug_options options = Options();
    return aml_arena_debug_init(upper, inner, &options);
  }
  int Create(size_t, aml_arena *inner, aml_arena **created) {
    const aml_arena_debug_options options = Options();
    return aml_arena_debug_create(created, inner, &options);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(ArenaDebug, ArenaContract, OverFactory<Debug>);

} // namespace
