// SPDX-License-Identifier: BSD-3-Clause
//
// What the account adds to a call: over an arena that costs next to nothing, by blocks that are
// allocated one after the other and then given back, in the order they came. The first argument is
// the size of a block, the second how many there are; time is per iteration, items per second are
// calls. The difference to the baseline, divided by the calls, is what the account costs.

#include "aml/arena/tracked.h"

#include <benchmark/benchmark.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "aml/core/arena.h"
#include "aml/core/error.h"

namespace {

// Hands out addresses that nobody touches, from a stack of each thread's own.
class AddressArena {
public:
  explicit AddressArena(unsigned capabilities) { arena_ = {{&kOps}, capabilities}; }
  AddressArena(const AddressArena &) = delete;
  ~AddressArena() = default;
  aml_arena *get() { return &arena_.arena; }

  // Lays out the calling thread's blocks.
  static void LayOut(size_t size, size_t count, uintptr_t base) {
    stack_.clear();
    stack_.reserve(count);
    for (size_t i = count; i-- > 0;)
      stack_.push_back(reinterpret_cast<void *>(base + i * size));
  }

private:
  struct Arena {
    aml_arena arena;
    unsigned capabilities;
  };

  static aml_arena_ops MakeOps() {
    aml_arena_ops ops = {};
    ops.name = "address";
    ops.fini = [](aml_arena *) {};
    ops.capabilities = [](const aml_arena *arena) {
      return reinterpret_cast<const Arena *>(arena)->capabilities;
    };
    ops.stats = [](const aml_arena *, aml_arena_stats *stats) { *stats = {}; };
    ops.validate = [](const aml_arena *) { return 0; };
    ops.alloc = [](aml_arena *, size_t, size_t, unsigned) -> void * {
      if (stack_.empty())
        return nullptr;
      void *const block = stack_.back();
      stack_.pop_back();
      return block;
    };
    ops.free = [](aml_arena *, void *pointer) { stack_.push_back(pointer); };
    return ops;
  }

  static inline const aml_arena_ops kOps = MakeOps();
  static inline thread_local std::vector<void *> stack_;

  Arena arena_;
};

constexpr uintptr_t kBase = uintptr_t{1} << 32;

void AllocAndFree(benchmark::State &state, aml_arena *arena) {
  const auto size = static_cast<size_t>(state.range(0));
  std::vector<void *> blocks(static_cast<size_t>(state.range(1)));
  AddressArena::LayOut(size, blocks.size(),
                       kBase * static_cast<uintptr_t>(state.thread_index() + 1));
  for (auto _ : state) {
    for (void *&block : blocks)
      block = aml_arena_alloc(arena, size, 0, 0);
    for (void *const block : blocks)
      aml_arena_free(arena, block);
  }
  state.SetItemsProcessed(state.iterations() * state.range(1) * 2);
}

AddressArena &Inner(bool is_shared) {
  static AddressArena shared(AML_ARENA_CAN_FREE | AML_ARENA_THREAD_SAFE);
  static AddressArena one(AML_ARENA_CAN_FREE);
  return is_shared ? shared : one;
}

void BM_Baseline_Inner(benchmark::State &state) {
  AllocAndFree(state, Inner(true).get());
}

// Made for all threads of a run by the first.
aml_arena *tracked = nullptr;

void Track(bool is_shared) {
  if (aml_arena_tracked_create(&tracked, Inner(is_shared).get(), nullptr) != 0)
    std::abort();
}

void End(benchmark::State &state) {
  aml_arena_tracked_stats stats = {};
  if (aml_arena_tracked_get_stats(tracked, &stats) != 0 || stats.live_count != 0 ||
      stats.refusals != 0)
    state.SkipWithError("the account is wrong");
  aml_arena_destroy(&tracked);
}

void BM_ArenaTracked_ThreadSafe(benchmark::State &state) {
  if (state.thread_index() == 0)
    Track(true);
  AllocAndFree(state, tracked);
  if (state.thread_index() == 0)
    End(state);
}

void BM_ArenaTracked_ThreadCompatible(benchmark::State &state) {
  Track(false);
  AllocAndFree(state, tracked);
  End(state);
}

BENCHMARK(BM_Baseline_Inner)
    ->Args({64, 1})
    ->Args({64, 1000})
    ->Args({64, 100000})
    ->Args({1000, 1000})
    ->Threads(1)
    ->Threads(2);
BENCHMARK(BM_ArenaTracked_ThreadSafe)
    ->Args({64, 1})
    ->Args({64, 1000})
    ->Args({64, 100000})
    ->Args({1000, 1000})
    ->Threads(1)
    ->Threads(2);
BENCHMARK(BM_ArenaTracked_ThreadCompatible)
    ->Args({64, 1})
    ->Args({64, 1000})
    ->Args({64, 100000})
    ->Args({1000, 1000});

} // namespace
