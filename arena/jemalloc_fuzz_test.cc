// SPDX-License-Identifier: BSD-3-Clause
//
// Any sequence of calls keeps the laws of arenas (tests/support/arena_ops.h): in a region that
// begins anywhere, and over an area by chunks of one page or many, up to a limit, with a cache of
// the thread's and without.

#include <cstddef>

#include "aml/arena/fuzz_testing.h"
#include "aml/arena/jemalloc.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"

namespace {

int InitWithoutCache(aml_arena *arena, aml_area *area, const aml_arena_jemalloc_options *memory) {
  aml_arena_jemalloc_options options = *memory;
  options.flags = AML_ARENA_JEMALLOC_NO_CACHE;
  return aml_arena_jemalloc_init(arena, area, &options);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  AML_ARENA_JEMALLOC_DECL(arena);
  aml_testing::DemandArenaLife(
      arena, size != 0 && data[0] >= 128 ? InitWithoutCache : aml_arena_jemalloc_init, data, size);
  return 0;
}
