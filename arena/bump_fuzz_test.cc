// SPDX-License-Identifier: BSD-3-Clause
//
// Any sequence of calls keeps the laws of arenas (tests/support/arena_ops.h): in a region that
// begins anywhere, and over an area by chunks of one page or many, up to a limit. And any sequence
// of allocs, marks and rewinds leaves what was there before the mark.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "aml/arena/bump.h"
#include "aml/arena/fuzz_testing.h"
#include "aml/core/arena.h"

namespace {

struct Block {
  char *bytes;
  size_t size;
};

struct Mark {
  aml_arena_bump_mark mark;
  size_t blocks;
  uint64_t live_size;
};

void Demand(bool holds) {
  if (!holds)
    std::abort();
}

uint64_t LiveSize(aml_arena *arena) {
  aml_arena_stats stats = {};
  Demand(aml_arena_get_stats(arena, &stats) == 0 && aml_arena_validate(arena) == 0);
  return stats.live_size;
}

// Each byte is a block of up to 8 KiB, a rewind, or a mark.
void DemandMarks(aml_arena *arena, const unsigned char *data, size_t size) {
  std::vector<Block> blocks;
  std::vector<Mark> marks = {{aml_arena_bump_get_mark(arena), 0, 0}};
  const auto tag = [&] { return static_cast<char>(blocks.size()); };
  const auto check_last = [&] {
    Demand(blocks.empty() ||
           std::all_of(blocks.back().bytes, blocks.back().bytes + blocks.back().size,
                       [&](char byte) { return byte == tag(); }));
  };
  for (const unsigned char *at = data; at != data + size; ++at) {
    check_last();
    if (*at >= 224) {
      marks.push_back({aml_arena_bump_get_mark(arena), blocks.size(), LiveSize(arena)});
    } else if (*at >= 192) {
      marks.resize(1 + *at % marks.size(), marks.front());
      Demand(aml_arena_bump_rewind(arena, marks.back().mark) == 0);
      Demand(LiveSize(arena) == marks.back().live_size);
      blocks.resize(marks.back().blocks);
    } else if (void *const block =
                   aml_arena_alloc(arena, size_t{1} << *at % 14, size_t{1} << *at / 14, 0)) {
      blocks.push_back({static_cast<char *>(block), size_t{1} << *at % 14});
      std::memset(block, tag(), blocks.back().size);
    }
  }
  for (; !blocks.empty(); blocks.pop_back())
    check_last();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  AML_ARENA_BUMP_DECL(arena);
  aml_testing::DemandArenaLife(arena, aml_arena_bump_init, data, size,
                               size != 0 && data[0] >= 128 ? DemandMarks : aml_testing::DemandOps);
  return 0;
}
