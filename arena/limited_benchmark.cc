// SPDX-License-Identifier: BSD-3-Clause
//
// What a quota adds to an alloc and a free, with a lock and without one, against the arena below;
// and what a refusal costs.

#include "aml/arena/limited.h"

#include <benchmark/benchmark.h>

#include <cstdlib>

#include "aml/arena/over_benchmark.h"
#include "aml/core/arena.h"

namespace {

using namespace aml_benchmark;

struct Limited {
  Limited(aml_arena_lock lock, size_t size) {
    const aml_arena_quota_options options = {size, 0, lock};
    if (aml_arena_quota_init(&quota, &options) != 0 ||
        aml_arena_limited_init(arena, inner.get(), &quota) != 0)
      std::abort();
  }
  ~Limited() {
    aml_arena_fini(arena);
    aml_arena_quota_fini(&quota);
  }

  InnerPool inner;
  aml_arena_quota quota = {};
  AML_ARENA_LIMITED_DECL(arena);
};

template <aml_arena_lock kLock> void BM_ArenaLimited_Pair(benchmark::State &state) {
  Limited limited(kLock, size_t{1} << 16);
  Pair(state, limited.arena);
}

void BM_ArenaLimited_Refusal(benchmark::State &state) {
  Limited limited(AML_ARENA_LOCK_SPIN, 1);
  for (auto _ : state)
    benchmark::DoNotOptimize(aml_arena_alloc(limited.arena, kBlockSize, 0, 0));
}

BENCHMARK_TEMPLATE(BM_ArenaLimited_Pair, AML_ARENA_LOCK_NONE);
BENCHMARK_TEMPLATE(BM_ArenaLimited_Pair, AML_ARENA_LOCK_SPIN);
BENCHMARK_TEMPLATE(BM_ArenaLimited_Pair, AML_ARENA_LOCK_MUTEX);
BENCHMARK(BM_ArenaLimited_Refusal);

} // namespace
