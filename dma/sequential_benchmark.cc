// SPDX-License-Identifier: BSD-3-Clause
//
// What a copy costs beside the memcpy, the memcpy per row, and the loops that a user would write
// for the same bytes in the same binary. Bytes per second count each byte once.

#include "aml/dma/sequential.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "aml/core/dma.h"
#include "aml/core/tile.h"

namespace {

struct Free {
  void operator()(void *memory) const { std::free(memory); }
};

// Touched memory, aligned to 2 MiB so that huge pages can back it.
std::unique_ptr<char, Free> Memory(size_t size, int value) {
  constexpr size_t kHuge = size_t{2} << 20;
  const size_t rounded = (size + kHuge - 1) / kHuge * kHuge;
  auto *const memory = static_cast<char *>(std::aligned_alloc(kHuge, rounded));
  std::memset(memory, value, rounded);
  return std::unique_ptr<char, Free>(memory);
}

void Count(benchmark::State &state, size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

// A sequential dma, ended with the benchmark.
class Dma {
public:
  explicit Dma(benchmark::State &state) {
    if (aml_dma_sequential_create(&dma_, nullptr) != 0)
      state.SkipWithError("no dma");
  }
  Dma(const Dma &) = delete;
  ~Dma() { aml_dma_destroy(&dma_); }
  aml_dma *get() { return dma_; }

private:
  aml_dma *dma_ = nullptr;
};

void BM_Baseline_Memcpy(benchmark::State &state) {
  const size_t size = static_cast<size_t>(state.range(0));
  const auto src = Memory(size, 1);
  const auto dst = Memory(size, 2);
  for (auto _ : state) {
    std::memcpy(dst.get(), src.get(), size);
    benchmark::ClobberMemory();
  }
  Count(state, size);
}

void CopyContiguous(benchmark::State &state, aml_dma_use use) {
  const size_t size = static_cast<size_t>(state.range(0));
  const auto src_memory = Memory(size, 1);
  const auto dst_memory = Memory(size, 2);
  const aml_tile src = aml_tile_bytes(src_memory.get(), size);
  const aml_tile dst = aml_tile_bytes(dst_memory.get(), size);
  aml_dma_options options = {};
  options.use = use;
  const aml_dma_options *const asked = use == AML_DMA_USE_UNKNOWN ? nullptr : &options;
  Dma dma(state);
  for (auto _ : state) {
    (void)!aml_dma_copy(dma.get(), &dst, &src, asked);
    benchmark::ClobberMemory();
  }
  if (std::memcmp(dst_memory.get(), src_memory.get(), size) != 0)
    state.SkipWithError("copied something else");
  Count(state, size);
}

void BM_DmaSequential_Copy(benchmark::State &state) {
  CopyContiguous(state, AML_DMA_USE_UNKNOWN);
}

void BM_DmaSequential_CopyStream(benchmark::State &state) {
  CopyContiguous(state, AML_DMA_USE_STREAM);
}

// Tiles of a square matrix of doubles.
constexpr size_t kMatrix = 4096;

aml_tile MatrixTile(char *base, size_t rows, size_t columns, size_t leading) {
  aml_tile tile;
  tile.base = base;
  tile.area = nullptr;
  tile.element_size = sizeof(double);
  tile.ndims = 2;
  tile.extent[0] = rows;
  tile.extent[1] = columns;
  tile.stride_bytes[0] = static_cast<ptrdiff_t>(leading * sizeof(double));
  tile.stride_bytes[1] = sizeof(double);
  return tile;
}

// Where the i-th tile of `side` x `side` begins; a walk over the whole matrix.
size_t TileOffset(size_t i, size_t side) {
  const size_t across = kMatrix / side;
  const size_t row = i / across % across;
  const size_t column = i % across;
  return (row * side * kMatrix + column * side) * sizeof(double);
}

void BM_Baseline_GatherMemcpyPerRow(benchmark::State &state) {
  const size_t side = static_cast<size_t>(state.range(0));
  const auto matrix = Memory(kMatrix * kMatrix * sizeof(double), 1);
  const auto slot = Memory(side * side * sizeof(double), 2);
  size_t i = 0;
  for (auto _ : state) {
    const char *from = matrix.get() + TileOffset(i++, side);
    for (size_t row = 0; row < side; ++row)
      std::memcpy(slot.get() + row * side * sizeof(double), from + row * kMatrix * sizeof(double),
                  side * sizeof(double));
    benchmark::ClobberMemory();
  }
  Count(state, side * side * sizeof(double));
}

void BM_DmaSequential_Gather(benchmark::State &state) {
  const size_t side = static_cast<size_t>(state.range(0));
  const auto matrix = Memory(kMatrix * kMatrix * sizeof(double), 1);
  const auto slot = Memory(side * side * sizeof(double), 2);
  const aml_tile dst = MatrixTile(slot.get(), side, side, side);
  Dma dma(state);
  size_t i = 0;
  for (auto _ : state) {
    const aml_tile src = MatrixTile(matrix.get() + TileOffset(i++, side), side, side, kMatrix);
    (void)!aml_dma_copy(dma.get(), &dst, &src, nullptr);
    benchmark::ClobberMemory();
  }
  Count(state, side * side * sizeof(double));
}

void BM_Baseline_ScatterMemcpyPerRow(benchmark::State &state) {
  const size_t side = static_cast<size_t>(state.range(0));
  const auto matrix = Memory(kMatrix * kMatrix * sizeof(double), 1);
  const auto slot = Memory(side * side * sizeof(double), 2);
  size_t i = 0;
  for (auto _ : state) {
    char *to = matrix.get() + TileOffset(i++, side);
    for (size_t row = 0; row < side; ++row)
      std::memcpy(to + row * kMatrix * sizeof(double), slot.get() + row * side * sizeof(double),
                  side * sizeof(double));
    benchmark::ClobberMemory();
  }
  Count(state, side * side * sizeof(double));
}

void Scatter(benchmark::State &state, aml_dma_use use) {
  const size_t side = static_cast<size_t>(state.range(0));
  const auto matrix = Memory(kMatrix * kMatrix * sizeof(double), 1);
  const auto slot = Memory(side * side * sizeof(double), 2);
  const aml_tile src = MatrixTile(slot.get(), side, side, side);
  aml_dma_options options = {};
  options.use = use;
  Dma dma(state);
  size_t i = 0;
  for (auto _ : state) {
    const aml_tile dst = MatrixTile(matrix.get() + TileOffset(i++, side), side, side, kMatrix);
    (void)!aml_dma_copy(dma.get(), &dst, &src, &options);
    benchmark::ClobberMemory();
  }
  Count(state, side * side * sizeof(double));
}

void BM_DmaSequential_Scatter(benchmark::State &state) {
  Scatter(state, AML_DMA_USE_UNKNOWN);
}

void BM_DmaSequential_ScatterStream(benchmark::State &state) {
  Scatter(state, AML_DMA_USE_STREAM);
}

template <typename Element> void BM_Baseline_TransposeLoops(benchmark::State &state) {
  const size_t side = static_cast<size_t>(state.range(0));
  const auto src_memory = Memory(side * side * sizeof(Element), 1);
  const auto dst_memory = Memory(side * side * sizeof(Element), 2);
  const auto *const src = reinterpret_cast<const Element *>(src_memory.get());
  auto *const dst = reinterpret_cast<Element *>(dst_memory.get());
  for (auto _ : state) {
    for (size_t i = 0; i < side; ++i)
      for (size_t j = 0; j < side; ++j)
        dst[i * side + j] = src[j * side + i];
    benchmark::ClobberMemory();
  }
  Count(state, side * side * sizeof(Element));
}

template <typename Element> void BM_DmaSequential_Transpose(benchmark::State &state) {
  const size_t side = static_cast<size_t>(state.range(0));
  const auto src_memory = Memory(side * side * sizeof(Element), 1);
  const auto dst_memory = Memory(side * side * sizeof(Element), 2);
  const size_t extent[] = {side, side};
  aml_tile src;
  aml_tile dst;
  if (aml_tile_dense(&src, nullptr, src_memory.get(), sizeof(Element), 2, extent,
                     AML_ORDER_COLUMN) != 0 ||
      aml_tile_dense(&dst, nullptr, dst_memory.get(), sizeof(Element), 2, extent, AML_ORDER_ROW) !=
          0)
    state.SkipWithError("no tiles");
  Dma dma(state);
  for (auto _ : state) {
    (void)!aml_dma_copy(dma.get(), &dst, &src, nullptr);
    benchmark::ClobberMemory();
  }
  Count(state, side * side * sizeof(Element));
}

void Sizes(benchmark::internal::Benchmark *benchmark) {
  for (const int64_t size : {64, 256, 1 << 10, 4 << 10, 64 << 10, 1 << 20, 8 << 20, 64 << 20})
    benchmark->Arg(size);
}

BENCHMARK(BM_Baseline_Memcpy)->Apply(Sizes);
BENCHMARK(BM_DmaSequential_Copy)->Apply(Sizes);
BENCHMARK(BM_DmaSequential_CopyStream)->Arg(1 << 20)->Arg(64 << 20);
BENCHMARK(BM_Baseline_GatherMemcpyPerRow)->Arg(64)->Arg(256);
BENCHMARK(BM_DmaSequential_Gather)->Arg(64)->Arg(256);
BENCHMARK(BM_Baseline_ScatterMemcpyPerRow)->Arg(64)->Arg(256);
BENCHMARK(BM_DmaSequential_Scatter)->Arg(64)->Arg(256);
BENCHMARK(BM_DmaSequential_ScatterStream)->Arg(64)->Arg(256);
BENCHMARK_TEMPLATE(BM_Baseline_TransposeLoops, double)->Arg(512)->Arg(2048);
BENCHMARK_TEMPLATE(BM_DmaSequential_Transpose, double)->Arg(512)->Arg(2048);
BENCHMARK_TEMPLATE(BM_Baseline_TransposeLoops, float)->Arg(512)->Arg(2048);
BENCHMARK_TEMPLATE(BM_DmaSequential_Transpose, float)->Arg(512)->Arg(2048);

} // namespace
