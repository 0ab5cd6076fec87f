// SPDX-License-Identifier: BSD-3-Clause
//
// Any sequence of calls keeps the laws of arenas (tests/support/arena_ops.h): in a region that
// begins anywhere, and over an area by chunks of one page or many, up to a limit, that the host can
// touch or cannot. And when all is free, it is free in one piece.

#include <cstddef>
#include <cstdlib>
#include <vector>

#include "aml/arena/buddy.h"
#include "aml/arena/fuzz_testing.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/support/arena_ops.h"
#include "aml/tests/support/page_area.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  if (size == 0)
    return 0;
  PageArea area;
  std::vector<char> region(aml_testing::kFuzzRegionSize + 32);
  auto options = aml_testing::MemoryBy<aml_arena_buddy_options>(data[0], region.data());
  options.min_block = size_t{16} << data[0] / 16 % 6;
  const bool is_hidden = data[0] % 8 == 3;
  if (is_hidden)
    area.Hide();
  AML_ARENA_BUDDY_DECL(arena);
  if (aml_arena_buddy_init(arena, area.get(), &options) != 0)
    std::abort();
  aml_testing::DemandArenaOps(arena, data + 1, size - 1,
                              is_hidden ? aml_testing::Contents::kNeverTouched
                                        : aml_testing::Contents::kChecked);
  if (options.region != nullptr &&
      aml_arena_alloc(arena, aml_testing::kFuzzRegionSize / 4, 1, 0) == nullptr)
    std::abort();
  aml_arena_fini(arena);
  if (area.live() != 0)
    std::abort();
  return 0;
}
