// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/arena/bump.h"
#include "aml/arena/debug.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/contract/arena.h"
#include "aml/tests/contract/internal/heap_arena.h"
#include "aml/tests/support/arena_over.h"
#include "aml/tests/support/page_area.h"

namespace {

using namespace aml_testing;

// Can do all that there is, from several threads.
struct Sound : HeapFactory<Sound> {
  static void Plant(aml_arena_ops *) {}
};

struct ArenaDebugFactory {
  static constexpr size_t kInstances = 3;
  PageArea pages;
  Sound heap;
  AML_ARENA_BUMP_DECL(bump);
  AML_ARENA_DEBUG_DECL(debug);
  ArenaOver over;
  aml_arena *arena = over.get();

  aml_area *area() { return pages.get(); }

  static aml_arena_debug_options Options() {
    aml_arena_debug_options options = {};
    options.quarantine_size = 1 << 16;
    options.frames = 1;
    return options;
  }

  int Init(size_t i, aml_area *area) {
    const aml_arena_debug_options options = Options();
    aml_arena *const inner = i == 2 ? bump : heap.arena;
    int err = i == 2 ? aml_arena_bump_init(bump, area, nullptr) : heap.Init(i, area);
    if (!err)
      err = aml_arena_debug_init(debug, inner, &options);
    over.Set(debug, inner);
    return err;
  }

  int Create(size_t i, aml_area *area, aml_arena **created) {
    const aml_arena_debug_options options = Options();
    aml_arena *inner = nullptr;
    aml_arena *upper = nullptr;
    int err = i == 2 ? aml_arena_bump_create(&inner, area, nullptr) : heap.Create(i, area, &inner);
    if (!err)
      err = aml_arena_debug_create(&upper, inner, &options);
    *created = ArenaOver::Create(upper, inner);
    return err;
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(ArenaDebug, ArenaContract, ArenaDebugFactory);

} // namespace
