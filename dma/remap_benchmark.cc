// SPDX-License-Identifier: BSD-3-Clause
//
// Moving pages against memcpy of the same bytes, which are in cache as far as they fit. `ratio` is
// how many times as fast as memcpy moving is. Equal: both tiles lie equally within huge pages, so
// that whole page tables move; else page by page.

#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/ratio_benchmark.h"
#include "aml/dma/remap.h"

namespace {

/** Small pages, mapped and touched. */
char *Map(size_t size, size_t shift) {
  constexpr size_t kHuge = size_t{2} << 20;
  const size_t whole = size + 2 * kHuge;
  auto *const start = static_cast<char *>(
      mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  char *const memory = start + (kHuge - reinterpret_cast<uintptr_t>(start) % kHuge) + shift;
  (void)madvise(start, whole, MADV_NOHUGEPAGE);
  std::memset(memory, 1, size);
  return memory; // until the process ends
}

void BM_DmaRemap_Move(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  const bool is_equal = state.range(1) != 0;
  char *tiles[2] = {Map(size, 0), Map(size, is_equal ? 0 : 4096)};
  char *const from = Map(size, 0);
  char *const to = Map(size, 0);
  AML_DMA_REMAP_DECL(dma);
  if (aml_dma_remap_init(dma, nullptr) != 0) {
    state.SkipWithError(aml_error_detail());
    return;
  }
  const auto move = [&](size_t i) {
    const aml_tile src = aml_tile_bytes(tiles[i % 2], size);
    const aml_tile dst = aml_tile_bytes(tiles[(i + 1) % 2], size);
    if (aml_dma_copy(dma, &dst, &src, nullptr) != 0)
      std::abort();
  };
  tiles[0][size / 2] = 42;
  move(0);
  if (tiles[1][size / 2] != 42 || tiles[0][size / 2] != 0)
    std::abort();
  size_t moves = 1;
  std::memset(tiles[0], 0, size);
  aml_benchmark::CompareWith(
      state, size, 8, 32,
      [&](size_t) {
        std::memcpy(to, from, size);
        benchmark::ClobberMemory();
      },
      [&](size_t) { move(moves++); });
  aml_dma_fini(dma);
}
BENCHMARK(BM_DmaRemap_Move)
    ->ArgNames({"bytes", "equal"})
    ->ArgsProduct({{2 << 20, 16 << 20, 128 << 20}, {1, 0}})
    ->UseManualTime();

} // namespace

BENCHMARK_MAIN();
