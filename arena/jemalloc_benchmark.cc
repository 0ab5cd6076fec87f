// SPDX-License-Identifier: BSD-3-Clause
//
// What a block costs through the generic call, against jemalloc's malloc called directly and
// glibc's, each by a pointer to a function: a pair of alloc and free, and random replacement among
// 10,000 blocks of 16 to 1024 bytes. Items per second are blocks. And what a block of new pages
// costs in a region, of which most or little is unused.

#include "aml/arena/jemalloc.h"

#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "aml/area/linux.h"
#include "aml/arena/internal/jemalloc_calls.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"

namespace {

// Somebody's malloc and free. The shared libjemalloc cannot be opened by a program that is running:
// it wants more of the static TLS block than there is left.
struct Malloc {
  void *(*alloc)(size_t);
  void (*free)(void *);
};

Malloc Glibc() {
  return {std::malloc, std::free};
}

Malloc Jemalloc() {
  return {[](size_t size) { return aml_internal_jemalloc_mallocx(size, 0); },
          [](void *block) { aml_internal_jemalloc_dallocx(block, 0); }};
}

struct MallocHeap {
  explicit MallocHeap(Malloc from) : from_(from) {}
  static bool ok() { return true; }
  void *Alloc(size_t size) const { return from_.alloc(size); }
  void Free(void *block) const { from_.free(block); }
  Malloc from_;
};

class ArenaHeap {
public:
  explicit ArenaHeap(unsigned flags) {
    aml_arena_jemalloc_options options = {};
    options.flags = flags;
    ok_ = aml_area_linux_create(&area_, nullptr) == 0 &&
          aml_arena_jemalloc_create(&arena_, area_, &options) == 0;
  }
  ArenaHeap(const ArenaHeap &) = delete;
  ~ArenaHeap() {
    aml_arena_destroy(&arena_);
    aml_area_destroy(&area_);
  }
  bool ok() const { return ok_; }
  void *Alloc(size_t size) const { return aml_arena_alloc(arena_, size, 0, 0); }
  void Free(void *block) const { aml_arena_free(arena_, block); }

private:
  aml_area *area_ = nullptr;
  aml_arena *arena_ = nullptr;
  bool ok_ = false;
};

template <class Heap> void Pair(benchmark::State &state, const Heap &heap) {
  if (!heap.ok()) {
    state.SkipWithError("no arena");
    return;
  }
  const auto size = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    void *const block = heap.Alloc(size);
    benchmark::DoNotOptimize(block);
    *static_cast<volatile char *>(block) = 1;
    heap.Free(block);
  }
  state.SetItemsProcessed(state.iterations());
}

template <class Heap> void Replace(benchmark::State &state, const Heap &heap) {
  if (!heap.ok()) {
    state.SkipWithError("no arena");
    return;
  }
  std::vector<void *> blocks(10000, nullptr);
  uint32_t random = 1;
  for (auto _ : state) {
    random = random * 1664525 + 1013904223;
    void *&block = blocks[(random >> 8) % blocks.size()];
    if (block != nullptr)
      heap.Free(block);
    block = heap.Alloc(16 + (random >> 16) % 1009);
    *static_cast<volatile uint64_t *>(block) = 1;
  }
  for (void *block : blocks)
    if (block != nullptr)
      heap.Free(block);
  state.SetItemsProcessed(state.iterations());
}

void BM_Baseline_Glibc_Pair(benchmark::State &state) {
  Pair(state, MallocHeap(Glibc()));
}
void BM_Baseline_Jemalloc_Pair(benchmark::State &state) {
  Pair(state, MallocHeap(Jemalloc()));
}
void BM_ArenaJemalloc_Pair(benchmark::State &state) {
  Pair(state, ArenaHeap(0));
}
void BM_ArenaJemalloc_PairWithoutCache(benchmark::State &state) {
  Pair(state, ArenaHeap(AML_ARENA_JEMALLOC_NO_CACHE));
}
void BM_Baseline_Glibc_Replace(benchmark::State &state) {
  Replace(state, MallocHeap(Glibc()));
}
void BM_Baseline_Jemalloc_Replace(benchmark::State &state) {
  Replace(state, MallocHeap(Jemalloc()));
}
void BM_ArenaJemalloc_Replace(benchmark::State &state) {
  Replace(state, ArenaHeap(0));
}

void BM_ArenaJemalloc_CreateDestroy(benchmark::State &state) {
  for (auto _ : state) {
    ArenaHeap heap(0);
    benchmark::DoNotOptimize(heap.Alloc(64));
  }
}

BENCHMARK(BM_Baseline_Glibc_Pair)->Arg(64)->Arg(4096)->Arg(65536);
BENCHMARK(BM_Baseline_Jemalloc_Pair)->Arg(64)->Arg(4096)->Arg(65536);
BENCHMARK(BM_ArenaJemalloc_Pair)->Arg(64)->Arg(4096)->Arg(65536);
BENCHMARK(BM_ArenaJemalloc_PairWithoutCache)->Arg(64);
BENCHMARK(BM_Baseline_Glibc_Replace);
BENCHMARK(BM_Baseline_Jemalloc_Replace);
BENCHMARK(BM_ArenaJemalloc_Replace);
BENCHMARK(BM_ArenaJemalloc_CreateDestroy);

// Blocks of 64 KiB, which are not touched.
void BM_ArenaJemalloc_NewPages(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  void *const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  aml_arena_jemalloc_options options = {};
  options.region = memory;
  options.region_size = size;
  aml_arena *arena = nullptr;
  if (memory == MAP_FAILED || aml_arena_jemalloc_create(&arena, nullptr, &options) != 0)
    return state.SkipWithError("no arena");
  for (auto _ : state)
    if (aml_arena_alloc(arena, 60000, 0, 0) == nullptr)
      return state.SkipWithError("no block");
  aml_arena_destroy(&arena);
  munmap(memory, size);
}

BENCHMARK(BM_ArenaJemalloc_NewPages)
    ->Iterations(50000)
    ->Arg(int64_t{1} << 32)
    ->Arg(int64_t{1} << 36);

} // namespace
