// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "aml/arena/slab.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/contract/arena.h"
#include "aml/tests/support/page_area.h"

namespace {

using namespace aml_testing;

constexpr size_t kMiB = size_t{1} << 20;

struct ArenaSlabFactory {
  static constexpr size_t kInstances = 4;
  PageArea pages;
  std::vector<char> memory = std::vector<char>(10 * kMiB, 1);
  AML_ARENA_SLAB_DECL(arena);

  aml_area *area() { return pages.get(); }

  aml_arena_slab_options OptionsOf(size_t i) {
    aml_arena_slab_options options = {};
    if (i == 1) {
      options.chunk_size = 1; // a chunk for each span
      options.flags = AML_ARENA_SLAB_NO_ZERO;
    }
    if (i == 2)
      options.limit = 6 * kMiB;
    if (i == 3) {
      // Metadata depends on how many times 2 MiB it touches.
      options.region =
          memory.data() + (0 - reinterpret_cast<uintptr_t>(memory.data())) % (2 * kMiB);
      options.region_size = 8 * kMiB - 1;
      options.flags = AML_ARENA_SLAB_KEEP;
    }
    return options;
  }

  int Init(size_t i, aml_area *area) {
    const aml_arena_slab_options options = OptionsOf(i);
    return aml_arena_slab_init(arena, area, &options);
  }
  int Create(size_t i, aml_area *area, aml_arena **created) {
    const aml_arena_slab_options options = OptionsOf(i);
    return aml_arena_slab_create(created, area, &options);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(ArenaSlab, ArenaContract, ArenaSlabFactory);

} // namespace
