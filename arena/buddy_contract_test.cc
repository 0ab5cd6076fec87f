// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>
#include <memory>

#include "aml/arena/buddy.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/contract/arena.h"
#include "aml/tests/support/page_area.h"

namespace {

using namespace aml_testing;

constexpr size_t kMiB = size_t{1} << 20;

struct ArenaBuddyFactory {
  static constexpr size_t kInstances = 5;
  PageArea pages;
  // Aligned alike, so that arenas know the same of it.
  std::unique_ptr<char, decltype(&std::free)> region{
      static_cast<char *>(std::aligned_alloc(16 * kMiB, 16 * kMiB)), std::free};
  AML_ARENA_BUDDY_DECL(arena);

  aml_area *area() { return pages.get(); }

  aml_arena_buddy_options OptionsOf(size_t i) {
    aml_arena_buddy_options options = {};
    if (i == 1)
      options.chunk_size = 1; // a chunk for each page, or block that is larger
    if (i == 2)
      options.limit = 6 * kMiB;
    if (i == 4)
      options.min_block = 4096;
    if (i == 3) {
      options.region = region.get() + 1;
      options.region_size = 8 * kMiB - 1;
    }
    return options;
  }

  int Init(size_t i, aml_area *area) {
    const aml_arena_buddy_options options = OptionsOf(i);
    return aml_arena_buddy_init(arena, area, &options);
  }
  int Create(size_t i, aml_area *area, aml_arena **created) {
    const aml_arena_buddy_options options = OptionsOf(i);
    return aml_arena_buddy_create(created, area, &options);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(ArenaBuddy, ArenaContract, ArenaBuddyFactory);

} // namespace
