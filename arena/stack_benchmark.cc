// SPDX-License-Identifier: BSD-3-Clause
//
// What an alloc and a free cost by which of several arenas serves, against that arena alone. Those
// before it refuse the size, which costs them a sentence.

#include "aml/arena/stack.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "aml/arena/over_benchmark.h"
#include "aml/core/arena.h"

namespace {

using namespace aml_benchmark;

void BM_ArenaStack_Pair(benchmark::State &state) {
  std::vector<std::unique_ptr<InnerPool>> pools;
  std::vector<aml_arena *> arenas;
  for (int64_t i = 0; i <= state.range(0); ++i) {
    pools.push_back(std::make_unique<InnerPool>(i == state.range(0) ? kBlockSize : 16));
    arenas.push_back(pools.back()->get());
  }
  AML_ARENA_STACK_DECL(stack);
  if (aml_arena_stack_init(stack, arenas.size(), arenas.data()) != 0)
    std::abort();
  Pair(state, stack);
  aml_arena_fini(stack);
}

BENCHMARK(BM_ArenaStack_Pair)->ArgName("index")->Arg(0)->Arg(1)->Arg(3);

} // namespace
