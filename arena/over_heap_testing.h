// SPDX-License-Identifier: BSD-3-Clause
//
// The factory for the contract suite of arenas over others: over one that can do all that there is,
// from several threads; over that with a limit; and over a bump arena.

#ifndef AML_ARENA_OVER_HEAP_TESTING_H
#define AML_ARENA_OVER_HEAP_TESTING_H

#include <cstddef>

#include "aml/arena/bump.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/contract/internal/heap_arena.h"
#include "aml/tests/support/arena_over.h"
#include "aml/tests/support/page_area.h"

/** Over::upper is a declared arena; Over::Init(upper, inner) and Create(&upper, inner) make it. */
template <class Over> struct ArenaOverFactory {
  static constexpr size_t kInstances = 3;
  PageArea pages;
  aml_testing::SoundHeap heap;
  AML_ARENA_BUMP_DECL(bump);
  Over declared;
  ArenaOver over;
  aml_arena *arena = over.get();

  aml_area *area() { return pages.get(); }

  int Init(size_t i, aml_area *area) {
    aml_arena *const inner = i == 2 ? bump : heap.arena;
    int err = i == 2 ? aml_arena_bump_init(bump, area, nullptr) : heap.Init(i, area);
    if (!err)
      err = Over::Init(declared.upper, inner);
    over.Set(declared.upper, inner);
    return err;
  }

  int Create(size_t i, aml_area *area, aml_arena **created) {
    aml_arena *inner = nullptr;
    aml_arena *upper = nullptr;
    int err = i == 2 ? aml_arena_bump_create(&inner, area, nullptr) : heap.Create(i, area, &inner);
    if (!err)
      err = Over::Create(&upper, inner);
    *created = ArenaOver::Create(upper, inner);
    return err;
  }
};

#endif
