// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "aml/arena/jemalloc.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/contract/arena.h"
#include "aml/tests/support/page_area.h"

namespace {

using namespace aml_testing;

constexpr size_t kMiB = size_t{1} << 20;

struct ArenaJemallocFactory {
  static constexpr size_t kInstances = 5;
  PageArea pages;
  std::vector<char> region = std::vector<char>(12 * kMiB, 1);
  AML_ARENA_JEMALLOC_DECL(arena);

  aml_area *area() { return pages.get(); }

  aml_arena_jemalloc_options OptionsOf(size_t i) {
    aml_arena_jemalloc_options options = {};
    if (i == 1)
      options.chunk_size = 1; // a chunk for each extent
    if (i == 2)
      options.limit = 12 * kMiB;
    if (i == 3) {
      options.region = region.data() + 1;
      options.region_size = region.size() - 1;
    }
    if (i == 4)
      options.flags = AML_ARENA_JEMALLOC_NO_CACHE;
    return options;
  }

  int Init(size_t i, aml_area *area) {
    const aml_arena_jemalloc_options options = OptionsOf(i);
    return aml_arena_jemalloc_init(arena, area, &options);
  }
  int Create(size_t i, aml_area *area, aml_arena **created) {
    const aml_arena_jemalloc_options options = OptionsOf(i);
    return aml_arena_jemalloc_create(created, area, &options);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(ArenaJemalloc, ArenaContract, ArenaJemallocFactory);

} // namespace
