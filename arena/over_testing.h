// SPDX-License-Identifier: BSD-3-Clause
//
// The factory for the contract suite of arenas over others: over one that can do all that there is
// but share, over a bump arena, and over one for several threads, which has a limit.

#ifndef AML_ARENA_OVER_TESTING_H
#define AML_ARENA_OVER_TESTING_H

#include <cstddef>

#include "aml/arena/bump.h"
#include "aml/arena/tlsf.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/contract/internal/heap_arena.h"
#include "aml/tests/support/arena_over.h"
#include "aml/tests/support/page_area.h"

namespace aml_testing {

/** `Type` has a declared arena `upper`, and Init(i, inner) and Create(i, inner, &created) of it. */
template <class Type> struct OverFactory {
  static constexpr size_t kInstances = 3;
  PageArea pages;
  SoundHeap heap;
  AML_ARENA_BUMP_DECL(bump);
  AML_ARENA_TLSF_DECL(tlsf);
  Type type;
  ArenaOver over;
  aml_arena *arena = over.get();

  aml_area *area() { return pages.get(); }

  int Init(size_t i, aml_area *area) {
    aml_arena *const inners[] = {tlsf, bump, heap.arena};
    int err = i == 0   ? aml_arena_tlsf_init(tlsf, area, nullptr)
              : i == 1 ? aml_arena_bump_init(bump, area, nullptr)
                       : heap.Init(1, area);
    if (!err)
      err = type.Init(i, inners[i]);
    over.Set(type.upper, inners[i]);
    return err;
  }

  int Create(size_t i, aml_area *area, aml_arena **created) {
    aml_arena *upper = nullptr;
    aml_arena *inner = nullptr;
    int err = i == 0   ? aml_arena_tlsf_create(&inner, area, nullptr)
              : i == 1 ? aml_arena_bump_create(&inner, area, nullptr)
                       : heap.Create(1, area, &inner);
    if (!err)
      err = type.Create(i, inner, &upper);
    *created = ArenaOver::Create(upper, inner);
    return err;
  }
};

} // namespace aml_testing

#endif
