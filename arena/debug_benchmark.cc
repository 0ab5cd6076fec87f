// SPDX-License-Identifier: BSD-3-Clause
//
// What watching costs: over a bump arena that is reset after each 1000 blocks, against that arena
// alone. Items per second are blocks.

#include "aml/arena/debug.h"

#include <benchmark/benchmark.h>

#include <cstddef>
#include <vector>

#include "aml/arena/bump.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"

namespace {

constexpr int kBlocks = 1000;

void AllocAndReset(benchmark::State &state, aml_arena *arena) {
  const auto size = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    for (int i = 0; i < kBlocks; ++i)
      benchmark::DoNotOptimize(aml_arena_alloc(arena, size, 0, 0));
    (void)!aml_arena_reset(arena);
  }
  state.SetItemsProcessed(state.iterations() * kBlocks);
}

class Bump {
public:
  Bump() : region_(size_t{4} << 20, 1) {
    const aml_arena_bump_options options = {0, 0, region_.data(), region_.size()};
    (void)!aml_arena_bump_create(&arena_, nullptr, &options);
  }
  Bump(const Bump &) = delete;
  ~Bump() { aml_arena_destroy(&arena_); }
  aml_arena *get() { return arena_; }

private:
  std::vector<char> region_;
  aml_arena *arena_ = nullptr;
};

void BM_Baseline_Inner(benchmark::State &state) {
  Bump bump;
  AllocAndReset(state, bump.get());
}

// The second argument is how many frames of a trace are kept.
void BM_ArenaDebug_Alloc(benchmark::State &state) {
  Bump bump;
  aml_arena_debug_options options = {};
  options.frames = static_cast<size_t>(state.range(1));
  AML_ARENA_DEBUG_DECL(arena);
  if (aml_arena_debug_init(arena, bump.get(), &options) != 0)
    return state.SkipWithError(aml_error_detail());
  AllocAndReset(state, arena);
  if (aml_arena_validate(arena) != 0)
    state.SkipWithError(aml_error_detail());
  aml_arena_fini(arena);
}

BENCHMARK(BM_Baseline_Inner)->Arg(64)->Arg(1000);
BENCHMARK(BM_ArenaDebug_Alloc)->Args({64, 1})->Args({64, 16})->Args({1000, 16});

} // namespace
