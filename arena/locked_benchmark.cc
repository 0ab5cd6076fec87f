// SPDX-License-Identifier: BSD-3-Clause
//
// What a lock adds to an alloc and a free: spin, mutex and none, against the arena below, and with
// two threads that both want it.

#include "aml/arena/locked.h"

#include <benchmark/benchmark.h>

#include <cstdlib>

#include "aml/arena/over_benchmark.h"
#include "aml/core/arena.h"

namespace {

using namespace aml_benchmark;

struct Locked {
  explicit Locked(aml_arena_lock lock) {
    const aml_arena_locked_options options = {lock};
    if (aml_arena_locked_init(arena, inner.get(), &options) != 0)
      std::abort();
  }
  ~Locked() { aml_arena_fini(arena); }

  InnerPool inner;
  AML_ARENA_LOCKED_DECL(arena);
};

template <aml_arena_lock kLock> void BM_ArenaLocked_Pair(benchmark::State &state) {
  Locked locked(kLock);
  Pair(state, locked.arena);
}

template <aml_arena_lock kLock> void BM_ArenaLocked_SharedPair(benchmark::State &state) {
  static Locked *shared;
  if (state.thread_index() == 0)
    shared = new Locked(kLock);
  for (auto _ : state) {
    void *block = aml_arena_alloc(shared->arena, kBlockSize, 0, 0);
    benchmark::DoNotOptimize(block);
    aml_arena_free(shared->arena, block);
  }
  if (state.thread_index() == 0)
    delete shared;
}

BENCHMARK_TEMPLATE(BM_ArenaLocked_Pair, AML_ARENA_LOCK_NONE);
BENCHMARK_TEMPLATE(BM_ArenaLocked_Pair, AML_ARENA_LOCK_SPIN);
BENCHMARK_TEMPLATE(BM_ArenaLocked_Pair, AML_ARENA_LOCK_MUTEX);
BENCHMARK_TEMPLATE(BM_ArenaLocked_SharedPair, AML_ARENA_LOCK_SPIN)->Threads(2)->UseRealTime();
BENCHMARK_TEMPLATE(BM_ArenaLocked_SharedPair, AML_ARENA_LOCK_MUTEX)->Threads(2)->UseRealTime();

} // namespace
