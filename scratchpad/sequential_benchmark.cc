// SPDX-License-Identifier: BSD-3-Clause
//
// What a hit costs at few and at many slots, against a hash table of the C++ library and against a
// linear search of the slots; and what a miss costs, against the memcpy that it cannot do without.
// Tiles are asked for in a random order, the same one for each contender.

#include "aml/scratchpad/sequential.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <random>
#include <unordered_map>
#include <vector>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/scratchpad.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/dma/sequential.h"
#include "aml/tiling/1d.h"

namespace {

constexpr size_t kIds = 4096; // a power of two

// A scratchpad of `slots` slots over a datum of `tiles` tiles of `tile_size` bytes.
class Pad {
public:
  Pad(benchmark::State &state, size_t slots, size_t tiles, size_t tile_size) {
    size_ = tiles * tile_size;
    aml_scratchpad_sequential_options options = {};
    options.slot_count = slots;
    if (aml_area_linux_create(&area_, nullptr) != 0 ||
        aml_tiling_1d_create(&tiling_, size_, 1, tile_size) != 0 ||
        aml_dma_sequential_create(&dma_, nullptr) != 0 ||
        (data_ = static_cast<char *>(aml_area_map(area_, size_, nullptr))) == nullptr) {
      state.SkipWithError("no blocks");
      return;
    }
    std::memset(data_, 1, size_);
    const aml_tile datum = aml_tile_bytes(data_, size_);
    if (aml_scratchpad_sequential_create(&pad_, area_, &datum, tiling_, dma_, &options) != 0)
      state.SkipWithError("no scratchpad");
  }
  Pad(const Pad &) = delete;
  ~Pad() {
    aml_scratchpad_destroy(&pad_);
    if (data_ != nullptr)
      (void)aml_area_unmap(area_, data_, size_);
    aml_dma_destroy(&dma_);
    aml_tiling_destroy(&tiling_);
    aml_area_destroy(&area_);
  }
  aml_scratchpad *get() { return pad_; }
  char *data() { return data_; }

private:
  aml_area *area_ = nullptr;
  aml_tiling *tiling_ = nullptr;
  aml_dma *dma_ = nullptr;
  aml_scratchpad *pad_ = nullptr;
  char *data_ = nullptr;
  size_t size_ = 0;
};

std::vector<size_t> RandomIds(size_t tiles) {
  std::mt19937_64 random(1);
  std::vector<size_t> ids(kIds);
  std::generate(ids.begin(), ids.end(), [&] { return random() % tiles; });
  return ids;
}

void BM_ScratchpadSequential_Hit(benchmark::State &state) {
  const size_t slots = static_cast<size_t>(state.range(0));
  Pad pad(state, slots, slots, 64);
  const aml_tile *tile = nullptr;
  for (size_t id = 0; id < slots; ++id)
    if (aml_scratchpad_pull(pad.get(), id, 0, &tile) != 0 ||
        aml_scratchpad_release(pad.get(), id, false) != 0)
      state.SkipWithError("cannot fill the slots");
  const std::vector<size_t> ids = RandomIds(slots);
  size_t i = 0;
  for (auto _ : state) {
    const size_t id = ids[i++ % kIds];
    (void)!aml_scratchpad_pull(pad.get(), id, 0, &tile);
    benchmark::DoNotOptimize(tile);
    (void)!aml_scratchpad_release(pad.get(), id, false);
  }
  aml_scratchpad_stats stats;
  if (aml_scratchpad_get_stats(pad.get(), &stats) != 0 || stats.misses != slots)
    state.SkipWithError("not all were hits");
}

void BM_Baseline_UnorderedMapFind(benchmark::State &state) {
  const size_t slots = static_cast<size_t>(state.range(0));
  std::unordered_map<size_t, size_t> map;
  for (size_t id = 0; id < slots; ++id)
    map[id] = id;
  const std::vector<size_t> ids = RandomIds(slots);
  size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(map.find(ids[i++ % kIds])->second);
}

void BM_Baseline_LinearSearch(benchmark::State &state) {
  const size_t slots = static_cast<size_t>(state.range(0));
  std::vector<size_t> in_slot(slots);
  std::iota(in_slot.begin(), in_slot.end(), size_t{0});
  const std::vector<size_t> ids = RandomIds(slots);
  size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(std::find(in_slot.begin(), in_slot.end(), ids[i++ % kIds]));
}

// Each pull evicts a clean tile and reads another one: 256 tiles go round 16 slots.
void BM_ScratchpadSequential_Miss(benchmark::State &state) {
  const size_t tile_size = static_cast<size_t>(state.range(0));
  constexpr size_t kTiles = 256;
  Pad pad(state, 16, kTiles, tile_size);
  const aml_tile *tile = nullptr;
  size_t id = 0;
  for (auto _ : state) {
    (void)!aml_scratchpad_pull(pad.get(), id, 0, &tile);
    benchmark::DoNotOptimize(tile);
    (void)!aml_scratchpad_release(pad.get(), id, false);
    id = (id + 1) % kTiles;
  }
  aml_scratchpad_stats stats;
  if (aml_scratchpad_get_stats(pad.get(), &stats) != 0 || stats.hits != 0)
    state.SkipWithError("not all were misses");
  state.SetBytesProcessed(static_cast<int64_t>(stats.read_size));
}

// The same bytes in the same order, copied by memcpy into 16 slots in turn.
void BM_Baseline_MemcpyIntoSlots(benchmark::State &state) {
  const size_t tile_size = static_cast<size_t>(state.range(0));
  constexpr size_t kTiles = 256;
  Pad pad(state, 1, kTiles, tile_size);
  std::vector<char> slots(16 * tile_size);
  size_t id = 0;
  for (auto _ : state) {
    std::memcpy(slots.data() + id % 16 * tile_size, pad.data() + id * tile_size, tile_size);
    benchmark::DoNotOptimize(slots.data());
    benchmark::ClobberMemory();
    id = (id + 1) % kTiles;
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(tile_size));
}

BENCHMARK(BM_ScratchpadSequential_Hit)->Arg(16)->Arg(16384);
BENCHMARK(BM_Baseline_UnorderedMapFind)->Arg(16)->Arg(16384);
BENCHMARK(BM_Baseline_LinearSearch)->Arg(16)->Arg(16384);
BENCHMARK(BM_ScratchpadSequential_Miss)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20);
BENCHMARK(BM_Baseline_MemcpyIntoSlots)->Arg(4 << 10)->Arg(64 << 10)->Arg(1 << 20);

} // namespace
