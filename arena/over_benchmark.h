// SPDX-License-Identifier: BSD-3-Clause
//
// What the benchmarks of arenas over others share: a pool, which costs next to nothing, so that
// what is added can be seen; the pair of an alloc and a free; and the pool alone as the baseline.

#ifndef AML_ARENA_OVER_BENCHMARK_H
#define AML_ARENA_OVER_BENCHMARK_H

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "aml/arena/pool.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"

namespace aml_benchmark {

constexpr size_t kBlockSize = 64;

/** A pool in a region of its own; aborts where there is none. */
class InnerPool {
public:
  explicit InnerPool(size_t object_size = kBlockSize) : region_(size_t{1} << 16, 1) {
    aml_arena_pool_options options = {};
    options.region = region_.data();
    options.region_size = region_.size();
    if (aml_arena_pool_init(arena_, nullptr, object_size, &options) != 0)
      std::abort();
  }
  InnerPool(const InnerPool &) = delete;
  ~InnerPool() { aml_arena_fini(arena_); }
  aml_arena *get() { return arena_; }

private:
  std::vector<char> region_;
  AML_ARENA_POOL_DECL(arena_);
};

/** Allocates a block, writes 8 bytes and frees it, over and over. */
inline void Pair(benchmark::State &state, aml_arena *arena) {
  for (auto _ : state) {
    void *block = aml_arena_alloc(arena, kBlockSize, 0, 0);
    if (block == nullptr)
      return state.SkipWithError(aml_error_detail());
    std::memset(block, 1, 8);
    benchmark::DoNotOptimize(block);
    aml_arena_free(arena, block);
  }
}

inline void BM_Baseline_Inner(benchmark::State &state) {
  InnerPool inner;
  Pair(state, inner.get());
}
BENCHMARK(BM_Baseline_Inner);

} // namespace aml_benchmark

#endif
