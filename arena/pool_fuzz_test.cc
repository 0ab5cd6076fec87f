// SPDX-License-Identifier: BSD-3-Clause
//
// arena:pool of any shape lives the life that the input tells of.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "aml/arena/pool.h"
#include "aml/core/arena.h"
#include "aml/tests/support/arena_ops.h"
#include "aml/tests/support/page_area.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  static char region[size_t{1} << 16];
  if (size < 3)
    return 0;
  PageArea area;
  aml_arena_pool_options options = {};
  options.alignment = size_t{1} << (data[0] & 7);
  options.thread_safe = (data[0] & 8) != 0;
  options.metadata = static_cast<aml_arena_pool_metadata>((data[0] >> 4 & 3) % 3);
  options.cache_count = options.thread_safe ? data[1] & 15 : 0;
  if ((data[0] & 64) != 0) {
    options.region = region + data[1];
    options.region_size = sizeof region - data[1];
  } else {
    options.chunk_size = size_t{1} << (data[1] >> 4);
    options.limit = size_t{1} << 20;
  }
  AML_ARENA_POOL_DECL(arena);
  if (aml_arena_pool_init(arena, area.get(), 1 + 8 * size_t{data[2]}, &options) != 0)
    std::abort();
  aml_testing::DemandArenaOps(arena, data + 3, size - 3);
  aml_arena_fini(arena);
  if (area.live() != 0)
    std::abort();
  return 0;
}
