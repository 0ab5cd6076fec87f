// SPDX-License-Identifier: BSD-3-Clause
//
// What fuzz tests of arenas share: where an arena's memory comes from, by the first byte of the
// input; the others are its life.

#ifndef AML_ARENA_FUZZ_TESTING_H
#define AML_ARENA_FUZZ_TESTING_H

#include <cstddef>
#include <cstdlib>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/tests/support/arena_ops.h"
#include "aml/tests/support/page_area.h"

namespace aml_testing {

constexpr size_t kFuzzRegionSize = size_t{1} << 16;

/** In a region that begins anywhere, or over an area by chunks of one page or many, to a limit. */
template <class Options> Options MemoryBy(unsigned char kind, char *region) {
  Options options = {};
  if (kind % 2 == 0) {
    options.region = region + kind / 2 % 32;
    options.region_size = kFuzzRegionSize - kind % 64;
  } else {
    options.chunk_size = kind % 4 == 1 ? 1 : size_t{1} << 18;
    options.limit = size_t{8} << 20;
  }
  return options;
}

/** As DemandArenaOps(), where the host can touch the memory. */
inline void DemandOps(aml_arena *arena, const unsigned char *data, size_t size) {
  DemandArenaOps(arena, data, size);
}

/**
 * Leads one life of a declared arena, and demands that all memory is given back at its end.
 *
 * @param live  does what bytes say with the arena, which has no blocks, and aborts if it is wrong.
 */
template <class Options>
void DemandArenaLife(aml_arena *arena,
                     int (*init)(aml_arena *arena, aml_area *area, const Options *options),
                     const unsigned char *data, size_t size,
                     void (*live)(aml_arena *arena, const unsigned char *data,
                                  size_t size) = DemandOps) {
  if (size == 0)
    return;
  PageArea area;
  std::vector<char> region(kFuzzRegionSize + 32);
  const auto options = MemoryBy<Options>(data[0], region.data());
  if (init(arena, area.get(), &options) != 0)
    std::abort();
  live(arena, data + 1, size - 1);
  aml_arena_fini(arena);
  if (area.live() != 0)
    std::abort();
}

} // namespace aml_testing

#endif
