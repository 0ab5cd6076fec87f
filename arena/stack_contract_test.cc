// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/arena/bump.h"
#include "aml/arena/pool.h"
#include "aml/arena/stack.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/contract/arena.h"
#include "aml/tests/support/arena_over.h"
#include "aml/tests/support/page_area.h"

namespace {

using namespace aml_testing;

constexpr size_t kMiB = size_t{1} << 20;

/** The least that has room for every block of the suite. */
constexpr size_t kLargeObject = size_t{192} << 10;

/** Options of a pool of large objects. `limit`: 0 is none. */
aml_arena_pool_options LargePool(bool thread_safe, size_t limit) {
  aml_arena_pool_options options = {};
  options.alignment = PageArea::kPage;
  options.thread_safe = thread_safe;
  options.limit = limit;
  return options;
}

aml_arena_bump_options LimitedBump(size_t limit) {
  aml_arena_bump_options options = {};
  options.limit = limit;
  return options;
}

// The first arena has little: two pools, two bump arenas, two pools for threads of which the second
// has a limit as well.
struct ArenaStackFactory {
  static constexpr size_t kInstances = 3;
  PageArea pages;
  AML_ARENA_POOL_DECL(small_pool);
  AML_ARENA_POOL_DECL(large_pool);
  AML_ARENA_BUMP_DECL(small_bump);
  AML_ARENA_BUMP_DECL(large_bump);
  AML_ARENA_STACK_DECL(stack);
  ArenaOver both; // ends the two
  ArenaOver over;
  aml_arena *arena = over.get();

  aml_area *area() { return pages.get(); }

  int Init(size_t i, aml_area *area) {
    aml_arena *const arenas[] = {i == 1 ? small_bump : small_pool,
                                 i == 1 ? large_bump : large_pool};
    const aml_arena_pool_options of_pools[] = {LargePool(i == 2, 2 * kMiB),
                                               LargePool(i == 2, i == 2 ? 64 * kMiB : 0)};
    const aml_arena_bump_options of_bumps[] = {LimitedBump(1 * kMiB), LimitedBump(8 * kMiB)};
    int err = 0;
    for (size_t j = 0; j < 2 && !err; ++j)
      err = i == 1 ? aml_arena_bump_init(arenas[j], area, &of_bumps[j])
                   : aml_arena_pool_init(arenas[j], area, kLargeObject, &of_pools[j]);
    if (!err)
      err = aml_arena_stack_init(stack, 2, arenas);
    both.Set(arenas[0], arenas[1]);
    over.Set(stack, both.get());
    return err;
  }

  int Create(size_t i, aml_area *area, aml_arena **created) {
    aml_arena *arenas[] = {nullptr, nullptr};
    aml_arena *upper = nullptr;
    const aml_arena_pool_options of_pools[] = {LargePool(i == 2, 2 * kMiB),
                                               LargePool(i == 2, i == 2 ? 64 * kMiB : 0)};
    const aml_arena_bump_options of_bumps[] = {LimitedBump(1 * kMiB), LimitedBump(8 * kMiB)};
    int err = 0;
    for (size_t j = 0; j < 2 && !err; ++j)
      err = i == 1 ? aml_arena_bump_create(&arenas[j], area, &of_bumps[j])
                   : aml_arena_pool_create(&arenas[j], area, kLargeObject, &of_pools[j]);
    if (!err)
      err = aml_arena_stack_create(&upper, 2, arenas);
    *created = ArenaOver::Create(upper, ArenaOver::Create(arenas[0], arenas[1]));
    return err;
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(ArenaStack, ArenaContract, ArenaStackFactory);

} // namespace
