// SPDX-License-Identifier: BSD-3-Clause
//
// What tests of arenas over others share: arenas to be over, for the contract suite.

#ifndef AML_ARENA_OVER_TESTING_H
#define AML_ARENA_OVER_TESTING_H

#include <cstddef>

#include "aml/arena/bump.h"
#include "aml/arena/pool.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/support/arena_over.h"
#include "aml/tests/support/page_area.h"

namespace aml_testing {

constexpr size_t kMiB = size_t{1} << 20;

/** The least that has room for every block of the suite. */
constexpr size_t kLargeObject = size_t{192} << 10;

/** Options of a pool of large objects. `limit`: 0 is none. */
inline aml_arena_pool_options LargePool(bool thread_safe, size_t limit) {
  aml_arena_pool_options options = {};
  options.alignment = PageArea::kPage;
  options.thread_safe = thread_safe;
  options.limit = limit;
  return options;
}

inline aml_arena_bump_options LimitedBump(size_t limit) {
  aml_arena_bump_options options = {};
  options.limit = limit;
  return options;
}

/**
 * A factory of `Type`, which has `upper`, and Init and Create of it over an arena: one that frees,
 * one that does not, and one that is thread-safe.
 */
template <class Type> struct OverFactory {
  static constexpr size_t kInstances = 3;
  PageArea pages;
  AML_ARENA_POOL_DECL(pool);
  AML_ARENA_BUMP_DECL(bump);
  Type type;
  ArenaOver over;
  aml_arena *arena = over.get();

  aml_area *area() { return pages.get(); }

  int Init(size_t i, aml_area *area) {
    const aml_arena_pool_options of_pool = LargePool(i == 2, 0);
    const aml_arena_bump_options of_bump = LimitedBump(8 * kMiB);
    int err = i == 1 ? aml_arena_bump_init(bump, area, &of_bump)
                     : aml_arena_pool_init(pool, area, kLargeObject, &of_pool);
    if (!err)
      err = type.Init(i, i == 1 ? bump : pool);
    over.Set(type.upper, i == 1 ? bump : pool);
    return err;
  }

  int Create(size_t i, aml_area *area, aml_arena **created) {
    const aml_arena_pool_options of_pool = LargePool(i == 2, 0);
    const aml_arena_bump_options of_bump = LimitedBump(8 * kMiB);
    aml_arena *upper = nullptr;
    aml_arena *inner = nullptr;
    int err = i == 1 ? aml_arena_bump_create(&inner, area, &of_bump)
                     : aml_arena_pool_create(&inner, area, kLargeObject, &of_pool);
    if (!err)
      err = type.Create(i, inner, &upper);
    *created = ArenaOver::Create(upper, inner);
    return err;
  }
};

} // namespace aml_testing

#endif
