// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/peer_benchmark.h"

#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aml/core/arena.h"
#include "aml/core/error.h"

namespace aml_benchmark {

namespace {

constexpr size_t kLeast = 16;

struct Peer {
  const char *name;
  void *(*malloc)(size_t size);
  void (*release)(void *pointer);

  void *Alloc(size_t size) const { return malloc(size); }
  void Free(void *pointer) const { release(pointer); }
};

struct Arena {
  aml_arena *arena;

  void *Alloc(size_t size) const { return aml_arena_alloc(arena, size, 0, 0); }
  void Free(void *pointer) const { aml_arena_free(arena, pointer); }
};

size_t SizeOf(const benchmark::State &state) {
  return static_cast<size_t>(state.range(0));
}

// Sizes and places that are drawn beforehand, the same for all.
class Draws {
public:
  static constexpr size_t kCount = size_t{1} << 16;

  Draws(size_t most, size_t places) : sizes_(kCount), places_(kCount) {
    std::mt19937 random(1);
    std::uniform_real_distribution<double> log_size(std::log(static_cast<double>(kLeast)),
                                                    std::log(static_cast<double>(most)));
    for (size_t i = 0; i < kCount; ++i) {
      sizes_[i] = static_cast<size_t>(std::exp(log_size(random)));
      places_[i] = (size_t{random()} << 16 ^ random()) % places;
    }
  }

  size_t Size() { return sizes_[next_++ % kCount]; }
  size_t Place() const { return places_[next_ % kCount]; }

private:
  std::vector<size_t> sizes_;
  std::vector<size_t> places_;
  size_t next_ = 0;
};

void Touch(void *block) {
  std::memset(block, 1, 8);
}

template <class Allocator> void Pair(benchmark::State &state, Allocator allocator) {
  const size_t size = SizeOf(state);
  for (auto _ : state) {
    void *const block = allocator.Alloc(size);
    if (block == nullptr)
      return state.SkipWithError("no memory");
    Touch(block);
    benchmark::DoNotOptimize(block);
    allocator.Free(block);
  }
}

template <class Allocator> void Replace(benchmark::State &state, Allocator allocator) {
  constexpr size_t kLive = 10000;
  Draws draws(SizeOf(state), kLive);
  std::vector<void *> blocks(kLive);
  for (void *&block : blocks)
    block = allocator.Alloc(draws.Size());
  for (auto _ : state) {
    void *&block = blocks[draws.Place()];
    allocator.Free(block);
    block = allocator.Alloc(draws.Size());
    if (block == nullptr)
      return state.SkipWithError("no memory");
    Touch(block);
  }
  for (void *block : blocks)
    allocator.Free(block);
}

template <class Allocator> void Bulk(benchmark::State &state, Allocator allocator) {
  constexpr size_t kBlocks = 1000;
  const size_t size = SizeOf(state);
  std::vector<void *> blocks(kBlocks);
  for (auto _ : state) {
    for (void *&block : blocks)
      block = allocator.Alloc(size);
    benchmark::DoNotOptimize(blocks.data());
    for (void *block : blocks)
      allocator.Free(block);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBlocks));
}

// Many blocks are allocated, and freed at random. The first rounds, for which there is no memory
// yet, do not count.
template <class Allocator> void Scatter(benchmark::State &state, Allocator allocator) {
  constexpr size_t kBlocks = 100000;
  const size_t size = SizeOf(state);
  std::vector<size_t> order(kBlocks);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  std::vector<void *> blocks(kBlocks);
  const auto round = [&] {
    for (void *&block : blocks) {
      block = allocator.Alloc(size);
      Touch(block);
    }
    for (const size_t place : order)
      allocator.Free(blocks[place]);
  };
  for (int i = 0; i < 3; ++i)
    round();
  for (auto _ : state)
    round();
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBlocks));
}

// Blocks on their way from one thread to another.
class Belt {
public:
  static constexpr size_t kBatch = 64;

  /** The next batch's places, when the other thread has taken what was there. */
  void **Begin() {
    while (head_.load(std::memory_order_relaxed) - tail_.load(std::memory_order_acquire) ==
           places_.size())
      std::this_thread::yield();
    return &places_[head_.load(std::memory_order_relaxed) % places_.size()];
  }
  void End() { head_.fetch_add(kBatch, std::memory_order_release); }
  void Stop() { stopped_.store(true, std::memory_order_release); }

  template <class Take> void TakeAll(Take take) {
    for (size_t tail = 0;;) {
      const bool stopped = stopped_.load(std::memory_order_acquire);
      const size_t head = head_.load(std::memory_order_acquire);
      for (; tail != head; ++tail)
        take(places_[tail % places_.size()]);
      tail_.store(tail, std::memory_order_release);
      if (stopped)
        return;
      std::this_thread::yield();
    }
  }

private:
  std::array<void *, 1024> places_{};
  alignas(128) std::atomic<size_t> head_{0};
  alignas(128) std::atomic<size_t> tail_{0};
  std::atomic<bool> stopped_{false};
};

template <class Allocator> void Handover(benchmark::State &state, Allocator allocator) {
  Draws draws(SizeOf(state), 1);
  Belt belt;
  std::thread consumer([&] { belt.TakeAll([&](void *block) { allocator.Free(block); }); });
  for (auto _ : state) {
    void **const batch = belt.Begin();
    for (size_t i = 0; i < Belt::kBatch; ++i) {
      batch[i] = allocator.Alloc(SizeOf(state) == 64 ? 64 : draws.Size());
      Touch(batch[i]);
    }
    belt.End();
  }
  belt.Stop();
  consumer.join();
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(Belt::kBatch));
}

void Overhead(benchmark::State &state, Arena allocator) {
  const size_t fill_size = std::max(size_t{64} << 20, SizeOf(state) << 11);
  struct Block {
    void *pointer;
    size_t size;
  };
  aml_arena_stats stats = {};
  size_t asked = 0;
  for (auto _ : state) {
    Draws draws(SizeOf(state), 1);
    std::mt19937_64 random(1);
    std::vector<Block> blocks;
    asked = 0;
    const auto fill = [&] {
      while (asked < fill_size) {
        const size_t size = draws.Size();
        blocks.push_back({allocator.Alloc(size), size});
        asked += size;
      }
    };
    fill();
    for (size_t replaced = 4 * blocks.size(); replaced > 0; --replaced) {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      allocator.Free(blocks.back().pointer);
      asked -= blocks.back().size;
      blocks.pop_back();
      fill();
    }
    if (aml_arena_get_stats(allocator.arena, &stats) != 0)
      return state.SkipWithError(aml_error_detail());
    for (const Block &block : blocks)
      allocator.Free(block.pointer);
  }
  const bool is_in_band = (aml_arena_capabilities(allocator.arena) & AML_ARENA_IN_BAND) != 0;
  const uint64_t held = stats.reserved_size + (is_in_band ? 0 : stats.metadata_size);
  state.counters["overhead"] = static_cast<double>(held) / static_cast<double>(asked);
}

// Registers what `run(state, work)` calls with an allocator.
template <class Run> void Register(const std::string &name, Run run) {
  const auto add = [&](const char *work, auto call, std::vector<int64_t> sizes) {
    auto *const added =
        benchmark::RegisterBenchmark(("BM_" + name + "_" + work).c_str(),
                                     [run, call](benchmark::State &state) { run(state, call); });
    for (const int64_t size : sizes)
      added->Arg(size);
  };
  add("Pair", [](benchmark::State &state, auto allocator) { Pair(state, allocator); },
      {16, 64, 256, 4096, 65536, 1 << 20});
  add("Replace", [](benchmark::State &state, auto allocator) { Replace(state, allocator); },
      {1024, 32768});
  add("Bulk", [](benchmark::State &state, auto allocator) { Bulk(state, allocator); }, {64, 1024});
  add("Scatter", [](benchmark::State &state, auto allocator) { Scatter(state, allocator); },
      {64, 1024});
}

template <class Function> Function Find(void *library, const char *name) {
  Function function = nullptr;
  void *const found = dlsym(library, name);
  static_assert(sizeof function == sizeof found);
  std::memcpy(&function, &found, sizeof found);
  return function;
}

// jemalloc wants more static storage per thread than glibc holds ready for libraries that come late
// (glibc manual, "Dynamic Linking Tunables"). The tunable is read when a program starts: start
// anew.
void StartAnewWithRoomForThreadStorage() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string line((std::istreambuf_iterator<char>(file)), {});
  std::vector<char *> arguments;
  for (size_t at = 0; at < line.size(); at += std::strlen(&line[at]) + 1)
    arguments.push_back(const_cast<char *>(&line[at]));
  arguments.push_back(nullptr);
  if (arguments.size() == 1 || std::getenv("GLIBC_TUNABLES") != nullptr)
    return;
  if (setenv("GLIBC_TUNABLES", "glibc.rtld.optional_static_tls=8192", 0) == 0)
    execv("/proc/self/exe", arguments.data());
}

std::vector<Peer> Peers() {
  std::vector<Peer> peers = {{"glibc", std::malloc, std::free}};
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  struct Library {
    const char *name;
    const char *file;
    const char *package;
  };
  for (const Library library :
       {Library{"jemalloc", "libjemalloc.so.2", "libjemalloc2"},
        Library{"mimalloc", "libmimalloc.so.2", "libmimalloc2.0"},
        Library{"tcmalloc", "libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"}}) {
    // Deep, so that its inner calls of malloc are its own.
    void *const opened = dlopen(library.file, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    const char *const error = opened == nullptr ? dlerror() : nullptr;
    if (error != nullptr && std::strstr(error, "static TLS") != nullptr)
      StartAnewWithRoomForThreadStorage();
    if (opened == nullptr) {
      std::fprintf(stderr, "without the peer %s: apt-get install %s\n", library.name,
                   library.package);
      continue;
    }
    const Peer peer = {library.name, Find<void *(*)(size_t)>(opened, "malloc"),
                       Find<void (*)(void *)>(opened, "free")};
    if (peer.malloc != nullptr && peer.release != nullptr)
      peers.push_back(peer);
  }
#endif
  return peers;
}

// An arena that lives as long as one benchmark.
template <class Work> void WithArena(benchmark::State &state, MakeArena make, Work work) {
  aml_arena *arena = make();
  if (arena == nullptr)
    return state.SkipWithError(aml_error_detail());
  work(state, Arena{arena});
  aml_arena_destroy(&arena);
}

} // namespace

bool BenchmarkArena(const char *name, MakeArena make) {
  Register(name, [make](benchmark::State &state, auto work) { WithArena(state, make, work); });
  benchmark::RegisterBenchmark(
      ("BM_" + std::string(name) + "_Overhead").c_str(),
      [make](benchmark::State &state) { WithArena(state, make, Overhead); })
      ->Arg(2048)
      ->Arg(65536)
      ->Iterations(1);
  return true;
}

bool BenchmarkHandover(const char *name, MakeArena make) {
  const auto add = [](const std::string &whose, auto run) {
    benchmark::RegisterBenchmark(("BM_" + whose + "_Handover").c_str(), run)
        ->Arg(64)
        ->Arg(1024)
        ->UseRealTime()
        ->MeasureProcessCPUTime();
  };
  add(name, [make](benchmark::State &state) {
    WithArena(state, make, [](benchmark::State &its, Arena arena) { Handover(its, arena); });
  });
  for (const Peer &peer : Peers())
    add(std::string("Peer_") + peer.name,
        [peer](benchmark::State &state) { Handover(state, peer); });
  return true;
}

bool BenchmarkPeers() {
  for (const Peer &peer : Peers())
    Register(std::string("Peer_") + peer.name,
             [peer](benchmark::State &state, auto work) { work(state, peer); });
  return true;
}

} // namespace aml_benchmark
