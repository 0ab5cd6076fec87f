// SPDX-License-Identifier: BSD-3-Clause
//
// Any sequence of calls keeps the laws of arenas (tests/support/arena_ops.h): in a region that
// begins anywhere, and over an area by chunks of one page or many, up to a limit.

#include <cstddef>
#include <cstdlib>
#include <vector>

#include "aml/arena/slab.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/support/arena_ops.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kRegionSize = size_t{1} << 16;

aml_arena_slab_options OptionsOf(unsigned char kind, char *region) {
  aml_arena_slab_options options = {};
  if (kind % 2 == 0) {
    options.region = region + kind / 2 % 32;
    options.region_size = kRegionSize - kind % 64;
  } else {
    options.chunk_size = kind % 4 == 1 ? 1 : size_t{1} << 18;
    options.limit = size_t{8} << 20;
  }
  return options;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  if (size == 0)
    return 0;
  PageArea area;
  std::vector<char> region(kRegionSize + 32);
  const aml_arena_slab_options options = OptionsOf(data[0], region.data());
  AML_ARENA_SLAB_DECL(arena);
  if (aml_arena_slab_init(arena, area.get(), &options) != 0)
    std::abort();
  aml_testing::DemandArenaOps(arena, data + 1, size - 1);
  aml_arena_fini(arena);
  if (area.live() != 0)
    std::abort();
  return 0;
}
