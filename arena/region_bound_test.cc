// SPDX-License-Identifier: BSD-3-Clause
//
// What arenas cost in a large region of which little is used: instructions are counted one by one,
// and stay below a bound that knows nothing of the region's size. A page that is zeroed, or a
// bitmap that is searched, takes more than there is from here to the bound.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "aml/arena/buddy.h"
#include "aml/arena/bump.h"
#include "aml/arena/internal/runs.h"
#include "aml/arena/internal/source.h"
#include "aml/arena/pool.h"
#include "aml/arena/slab.h"
#include "aml/arena/tlsf.h"
#include "aml/core/arena.h"
#include "aml/tests/support/instructions.h"

namespace {

// Of a plain build, which is several times what an optimised one takes; some for malloc too.
constexpr size_t kBound = 100000;
// What there can be to know of blocks of 64 bytes, or of pages, takes more than the bound to walk.
constexpr size_t kSize = size_t{1} << 30;
constexpr size_t kRunsSize = size_t{1} << 33;

void *Region(size_t size) {
  void *const region = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return region == MAP_FAILED ? std::abort(), nullptr : region;
}

void Check(bool condition) {
  if (!condition)
    std::abort();
}

void Measure(InstructionMeter *meter, const std::function<void()> &call) {
  meter->Begin();
  call();
  meter->End();
}

struct Kind {
  const char *name;
  int (*create)(aml_arena **arena, void *region);
  std::vector<size_t> sizes;
};

template <class Options> Options WithRegion(void *region) {
  Options options = {};
  options.region = region;
  options.region_size = kSize;
  return options;
}

int CreatePool(aml_arena **arena, void *region, bool is_thread_safe) {
  auto options = WithRegion<aml_arena_pool_options>(region);
  options.thread_safe = is_thread_safe;
  return aml_arena_pool_create(arena, nullptr, 64, &options);
}

const Kind kKinds[] = {
    {"buddy",
     [](aml_arena **arena, void *region) {
       const auto options = WithRegion<aml_arena_buddy_options>(region);
       return aml_arena_buddy_create(arena, nullptr, &options);
     },
     {64, 5000, kSize / 4, kSize / 2}},
    {"bump",
     [](aml_arena **arena, void *region) {
       const auto options = WithRegion<aml_arena_bump_options>(region);
       return aml_arena_bump_create(arena, nullptr, &options);
     },
     {64, 5000, kSize / 4, kSize / 2}},
    {"pool",
     [](aml_arena **arena, void *region) { return CreatePool(arena, region, false); },
     {64}},
    {"pool_threads",
     [](aml_arena **arena, void *region) { return CreatePool(arena, region, true); },
     {64}},
    {"slab",
     [](aml_arena **arena, void *region) {
       const auto options = WithRegion<aml_arena_slab_options>(region);
       return aml_arena_slab_create(arena, nullptr, &options);
     },
     {64, 100000, kSize / 4}},
    {"tlsf",
     [](aml_arena **arena, void *region) {
       const auto options = WithRegion<aml_arena_tlsf_options>(region);
       return aml_arena_tlsf_create(arena, nullptr, &options);
     },
     {64, 5000, kSize / 4, kSize / 2}},
};

class ArenaRegionBound : public testing::TestWithParam<Kind> {};

INSTANTIATE_TEST_SUITE_P(All, ArenaRegionBound, testing::ValuesIn(kKinds),
                         [](const auto &kind) { return std::string(kind.param.name); });

TEST_P(ArenaRegionBound, NoCallTakesInstructionsForWhatIsNotUsed) {
  ExpectBounded(GetParam().name, kBound, [](InstructionMeter *meter) {
    void *const region = Region(kSize);
    aml_arena *arena = nullptr;
    Measure(meter, [&] { Check(GetParam().create(&arena, region) == 0); });
    for (int i = 0; i < 2; ++i) {
      void *block = nullptr;
      for (const size_t size : GetParam().sizes)
        Measure(meter, [&] { Check((block = aml_arena_alloc(arena, size, 0, 0)) != nullptr); });
      Measure(meter, [&] { aml_arena_free(arena, block); });
      Measure(meter, [&] { Check(aml_arena_owns(arena, region)); });
      Measure(meter, [&] { Check(aml_arena_reset(arena) == 0); });
      Measure(meter, [&] { Check(aml_arena_trim(arena, 0, nullptr) == 0); });
    }
    aml_arena_stats stats;
    Measure(meter, [&] { Check(aml_arena_get_stats(arena, &stats) == 0); });
    Measure(meter, [&] { aml_arena_destroy(&arena); });
  });
}

// As arena:jemalloc has them.
TEST(ArenaRegionBoundRuns, NoCallTakesInstructionsForWhatIsNotUsed) {
  ExpectBounded("runs", kBound, [](InstructionMeter *meter) {
    constexpr size_t kPage = 4096;
    void *const region = Region(kRunsSize);
    const aml_internal_source_options options = {0, 0, region, kRunsSize};
    aml_internal_source source;
    aml_internal_runs runs;
    Check(aml_internal_source_init(&source, "test", nullptr, &options, 1) == 0);
    aml_internal_runs_init(&runs, &source, "test", kPage);
    Measure(meter, [&] { Check(aml_internal_runs_adopt(&runs, region, kRunsSize)); });
    const auto take = [&](size_t size) {
      return aml_internal_runs_take(&runs, size, kPage, nullptr);
    };
    Measure(meter, [&] { Check(take(kPage) == region); });
    // So long a run takes a word for 64 pages.
    void *const half = take(kRunsSize / 2);
    Measure(meter, [&] { Check(take(kPage) != nullptr); });
    void *run = nullptr;
    Measure(meter, [&] { Check((run = take(4 * kPage)) > half); });
    Measure(meter, [&] { aml_internal_runs_give(&runs, run, 4 * kPage); });
    Measure(meter, [&] { Check(take(kPage) == run); });
    Measure(meter, [&] { aml_internal_runs_fini(&runs); });
  });
}

} // namespace
