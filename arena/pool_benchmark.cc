// SPDX-License-Identifier: BSD-3-Clause
//
// What an object costs: inline, by the generic call, and with threads; against a free list written
// by hand, std::pmr's pool, and the allocators of peer_benchmark.h, whose Pair and Bulk are of the
// same shape: allocate, write 8 bytes and free; or allocate 1000 and free them in order.
//
// Handoff has one thread allocate and another one free what it is sent; time is for an object.

#include "aml/arena/pool.h"

#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <thread>
#include <vector>

#include "aml/arena/peer_benchmark.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"

namespace {

constexpr size_t kBlocks = 1000;
constexpr size_t kRegionSize = size_t{8} << 20;

char *Region() {
  static std::vector<char> region(kRegionSize, 1);
  return region.data();
}

size_t SizeOf(const benchmark::State &state) {
  return static_cast<size_t>(state.range(0));
}

// A pool over the region.
template <aml_arena_pool_metadata kMetadata, bool kThreadSafe> class Pool {
public:
  explicit Pool(size_t size) : arena_(Make(size)) {}
  Pool(const Pool &) = delete;
  ~Pool() {
    aml_arena *arena = arena_;
    aml_arena_destroy(&arena);
  }
  void *Alloc(size_t size) { return aml_arena_alloc(arena_, size, 0, 0); }
  void Free(void *block) { aml_arena_free(arena_, block); }
  aml_arena *get() { return arena_; }

protected:
  static aml_arena *Make(size_t size) {
    aml_arena *arena = nullptr;
    aml_arena_pool_options options = {};
    options.metadata = kMetadata;
    options.thread_safe = kThreadSafe;
    options.region = Region();
    options.region_size = kRegionSize;
    if (aml_arena_pool_create(&arena, nullptr, size, &options) != 0)
      std::abort();
    return arena;
  }

  aml_arena *const arena_; // its address is nowhere, so that it may be in a register
};

using InBand = Pool<AML_ARENA_POOL_IN_BAND, false>;
using OutOfBand = Pool<AML_ARENA_POOL_OUT_OF_BAND, false>;
using ThreadSafe = Pool<AML_ARENA_POOL_OUT_OF_BAND, true>;
using ThreadSafeInBand = Pool<AML_ARENA_POOL_IN_BAND, true>;

struct Inline : InBand {
  using InBand::InBand;
  void *Alloc(size_t) { return aml_arena_pool_alloc(arena_); }
  void Free(void *block) { aml_arena_pool_free(arena_, block); }
};

// What a user would write: a list through the free objects, and no account of them.
class FreeList {
public:
  explicit FreeList(size_t size) {
    for (char *at = Region(); at + size <= Region() + kRegionSize; at += size)
      Free(at);
  }
  void *Alloc(size_t) {
    void *const object = *head_;
    std::memcpy(head_.get(), object, sizeof *head_);
    return object;
  }
  void Free(void *object) {
    std::memcpy(object, head_.get(), sizeof *head_);
    *head_ = object;
  }

private:
  std::unique_ptr<void *> head_ = std::make_unique<void *>(nullptr); // in memory, as an arena's is
};

// The same through a table of operations, as the generic call is.
class CalledFreeList {
public:
  explicit CalledFreeList(size_t size) : list_(new FreeList(size)) {
    benchmark::DoNotOptimize(alloc_);
    benchmark::DoNotOptimize(free_);
  }
  void *Alloc(size_t size) { return alloc_(list_.get(), size); }
  void Free(void *object) { free_(list_.get(), object); }

private:
  std::unique_ptr<FreeList> list_;
  void *(*alloc_)(FreeList *, size_t) = [](FreeList *list, size_t size) {
    return list->Alloc(size);
  };
  void (*free_)(FreeList *, void *) = [](FreeList *list, void *object) { list->Free(object); };
};

class PmrPool {
public:
  explicit PmrPool(size_t size) : size_(size) {}
  void *Alloc(size_t size) { return pool_.allocate(size); }
  void Free(void *object) { pool_.deallocate(object, size_); }

private:
  size_t size_;
  std::pmr::unsynchronized_pool_resource pool_;
};

struct Malloc {
  explicit Malloc(size_t) {}
  void *Alloc(size_t size) { return std::malloc(size); }
  void Free(void *block) { std::free(block); }
};

template <class Allocator> void Pair(benchmark::State &state) {
  const size_t size = SizeOf(state);
  Allocator allocator(size);
  for (auto _ : state) {
    void *object = allocator.Alloc(size);
    std::memset(object, 1, 8);
    benchmark::DoNotOptimize(object);
    allocator.Free(object);
  }
}

template <class Allocator> void Bulk(benchmark::State &state) {
  const size_t size = SizeOf(state);
  Allocator allocator(size);
  std::vector<void *> objects(kBlocks);
  for (auto _ : state) {
    for (void *&object : objects)
      object = allocator.Alloc(size);
    benchmark::DoNotOptimize(objects.data());
    for (void *object : objects)
      allocator.Free(object);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBlocks));
}

template <class AnyPool> void Batch(benchmark::State &state) {
  const size_t size = SizeOf(state);
  AnyPool pool(size);
  std::vector<void *> objects(kBlocks);
  for (auto _ : state) {
    if (aml_arena_alloc_batch(pool.get(), size, 0, 0, kBlocks, objects.data()) != kBlocks)
      return state.SkipWithError(aml_error_detail());
    aml_arena_free_batch(pool.get(), kBlocks, objects.data());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBlocks));
}

// Shared by the threads of a benchmark; made by the first of them.
template <class Allocator> void SharedPair(benchmark::State &state) {
  static Allocator *shared;
  const size_t size = SizeOf(state);
  if (state.thread_index() == 0)
    shared = new Allocator(size);
  for (auto _ : state) {
    void *object = shared->Alloc(size);
    std::memset(object, 1, 8);
    benchmark::DoNotOptimize(object);
    shared->Free(object);
  }
  if (state.thread_index() == 0)
    delete shared;
}

// From one thread to another one, batches of pointers in slots that are taken in turn.
class Belt {
public:
  using Batch = std::array<void *, 64>;

  void Send(const Batch &batch) {
    Slot &slot = slots_[sent_++ % kSlots];
    Await(slot, false);
    slot.batch = batch;
    slot.is_full.store(true, std::memory_order_release);
  }
  Batch Receive() {
    Slot &slot = slots_[received_++ % kSlots];
    Await(slot, true);
    const Batch batch = slot.batch;
    slot.is_full.store(false, std::memory_order_release);
    return batch;
  }

private:
  static constexpr size_t kSlots = 8;
  struct alignas(64) Slot {
    std::atomic<bool> is_full{false};
    Batch batch;
  };
  static void Await(const Slot &slot, bool is_full) {
    while (slot.is_full.load(std::memory_order_acquire) != is_full)
      std::this_thread::yield();
  }

  std::array<Slot, kSlots> slots_;
  alignas(64) size_t sent_ = 0;
  alignas(64) size_t received_ = 0;
};

template <class Allocator> void Handoff(benchmark::State &state) {
  const size_t size = SizeOf(state);
  Allocator allocator(size);
  Belt belt;
  std::thread consumer([&] {
    for (;;)
      for (void *object : belt.Receive()) {
        if (object == nullptr)
          return;
        benchmark::DoNotOptimize(*static_cast<char *>(object));
        allocator.Free(object);
      }
  });
  for (auto _ : state) {
    Belt::Batch batch;
    for (void *&object : batch) {
      object = allocator.Alloc(size);
      std::memset(object, 1, 8);
    }
    belt.Send(batch);
  }
  belt.Send({});
  consumer.join();
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(Belt::Batch().size()));
}

// The life of an arena that is made, used once and ended.
void CreateAllocDestroy(benchmark::State &state) {
  for (auto _ : state) {
    Inline pool(SizeOf(state));
    for (size_t i = 0; i < kBlocks; ++i)
      benchmark::DoNotOptimize(pool.Alloc(0));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBlocks));
}

BENCHMARK(Pair<FreeList>)->Name("BM_Baseline_FreeList_Pair")->Arg(64);
BENCHMARK(Pair<Inline>)->Name("BM_ArenaPool_PairInline")->Arg(64);
BENCHMARK(Pair<CalledFreeList>)->Name("BM_Baseline_CalledFreeList_Pair")->Arg(64);
BENCHMARK(Pair<InBand>)->Name("BM_ArenaPool_Pair")->Arg(64);
BENCHMARK(Pair<OutOfBand>)->Name("BM_ArenaPool_PairOutOfBand")->Arg(64);
BENCHMARK(Pair<ThreadSafe>)->Name("BM_ArenaPool_PairThreadSafe")->Arg(64);
BENCHMARK(Pair<PmrPool>)->Name("BM_Baseline_PmrPool_Pair")->Arg(64);

BENCHMARK(Bulk<FreeList>)->Name("BM_Baseline_FreeList_Bulk")->Arg(64);
BENCHMARK(Bulk<Inline>)->Name("BM_ArenaPool_BulkInline")->Arg(64);
BENCHMARK(Bulk<InBand>)->Name("BM_ArenaPool_Bulk")->Arg(64);
BENCHMARK(Bulk<OutOfBand>)->Name("BM_ArenaPool_BulkOutOfBand")->Arg(64);
BENCHMARK(Bulk<ThreadSafe>)->Name("BM_ArenaPool_BulkThreadSafe")->Arg(64);
BENCHMARK(Bulk<PmrPool>)->Name("BM_Baseline_PmrPool_Bulk")->Arg(64);
BENCHMARK(Batch<InBand>)->Name("BM_ArenaPool_Batch")->Arg(64);
BENCHMARK(Batch<OutOfBand>)->Name("BM_ArenaPool_BatchOutOfBand")->Arg(64);
BENCHMARK(Batch<ThreadSafe>)->Name("BM_ArenaPool_BatchThreadSafe")->Arg(64);

BENCHMARK(SharedPair<ThreadSafe>)->Name("BM_ArenaPool_SharedPair")->Arg(64)->Threads(2);
BENCHMARK(SharedPair<Malloc>)->Name("BM_Baseline_Malloc_SharedPair")->Arg(64)->Threads(2);
BENCHMARK(Handoff<ThreadSafe>)->Name("BM_ArenaPool_Handoff")->Arg(64)->UseRealTime();
BENCHMARK(Handoff<ThreadSafeInBand>)->Name("BM_ArenaPool_HandoffInBand")->Arg(64)->UseRealTime();
BENCHMARK(Handoff<Malloc>)->Name("BM_Baseline_Malloc_Handoff")->Arg(64)->UseRealTime();

BENCHMARK(CreateAllocDestroy)->Name("BM_ArenaPool_CreateAllocDestroy")->Arg(64);

const bool registered = aml_benchmark::BenchmarkPeers();

} // namespace
