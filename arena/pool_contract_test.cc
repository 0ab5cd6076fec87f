// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/arena/pool.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/contract/arena.h"
#include "aml/tests/support/page_area.h"

namespace {

using namespace aml_testing;

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kObjectSize = size_t{192} << 10;

// Large enough for the many small blocks of the suite, each of which is an object. Not touched but
// where objects are.
char g_region[48 * kMiB];

struct ArenaPoolFactory {
  static constexpr size_t kInstances = 4;
  PageArea pages;
  AML_ARENA_POOL_DECL(arena);

  aml_area *area() { return pages.get(); }

  static aml_arena_pool_options OptionsOf(size_t i) {
    aml_arena_pool_options options = {};
    options.alignment = 4096;
    options.thread_safe = i == 1 || i == 2;
    if (i == 0)
      options.limit = sizeof g_region;
    if (i == 2) {
      options.metadata = AML_ARENA_POOL_IN_BAND;
      options.cache_count = 1;
      options.chunk_size = 1; // a chunk for each object
    }
    if (i == 3) {
      options.metadata = AML_ARENA_POOL_OUT_OF_BAND;
      options.region = g_region + 1;
      options.region_size = sizeof g_region - 1;
    }
    return options;
  }

  int Init(size_t i, aml_area *area) {
    const aml_arena_pool_options options = OptionsOf(i);
    return aml_arena_pool_init(arena, area, kObjectSize, &options);
  }
  int Create(size_t i, aml_area *area, aml_arena **created) {
    const aml_arena_pool_options options = OptionsOf(i);
    return aml_arena_pool_create(created, area, kObjectSize, &options);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(ArenaPool, ArenaContract, ArenaPoolFactory);

} // namespace
