// SPDX-License-Identifier: BSD-3-Clause
//
// What a copy is to the memcpy, to a memcpy per row, and to a plain copy past the caches of the
// same bytes, or to the loops that one would write: see `ratio` in ratio_benchmark.h. Bytes per
// second count each byte once.
//
// Hot: both sides are in cache, as far as they fit. Cold: neither is, and each call has others.

#include "aml/dma/sequential.h"

#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "aml/core/dma.h"
#include "aml/core/tile.h"
#include "aml/dma/internal/kernels.h"
#include "aml/dma/ratio_benchmark.h"

namespace {

using namespace aml_benchmark;

/** A sequential dma, ended with the benchmark. */
class Dma {
public:
  explicit Dma(benchmark::State &state) {
    if (aml_dma_sequential_create(&dma_, nullptr) != 0)
      state.SkipWithError("no dma");
  }
  Dma(const Dma &) = delete;
  ~Dma() { aml_dma_destroy(&dma_); }

  void Copy(const aml_tile &dst, const aml_tile &src, aml_dma_use use) {
    aml_dma_options options = {};
    options.use = use;
    (void)!aml_dma_copy(dma_, &dst, &src, use == AML_DMA_USE_UNKNOWN ? nullptr : &options);
  }

private:
  aml_dma *dma_ = nullptr;
};

size_t SizeOf(const benchmark::State &state) {
  return static_cast<size_t>(state.range(0));
}

/** The loop that a copy of one run comes to, which none of the request's cost is in. */
void (*Loop())(char *dst, const char *src, size_t size) {
  return aml_internal_kernels_find(nullptr)->copy;
}

// The loop alone against memcpy, both called by address: a jump more takes as long as 64 bytes.
void BM_DmaSequential_LoopHot(benchmark::State &state) {
  const size_t size = SizeOf(state);
  const Memory src = Touched(size, 1);
  const Memory dst = Touched(size, 2);
  const auto calls = [size, to = dst.get(), from = src.get()](auto *loop) {
    auto *volatile address = loop; // which the compiler is not to know
    return [=, loop = address](size_t) {
      loop(to, from, size);
      benchmark::ClobberMemory();
    };
  };
  CompareWith(state, size, 1, size < 65536 ? 20000 : 3, calls(std::memcpy), calls(Loop()));
}

// A request against the loop that it runs: `added_ns` is what asking costs.
void BM_DmaSequential_Request(benchmark::State &state) {
  const size_t size = SizeOf(state);
  const Memory src = Touched(size, 1);
  const Memory dst = Touched(size, 2);
  const aml_tile from = aml_tile_bytes(src.get(), size);
  const aml_tile to = aml_tile_bytes(dst.get(), size);
  const auto loop = Loop();
  Dma dma(state);
  const double added = CompareWith(
      state, size, 1, 1000,
      [&](size_t) {
        loop(dst.get(), src.get(), size);
        benchmark::ClobberMemory();
      },
      [&](size_t) { dma.Copy(to, from, AML_DMA_USE_UNKNOWN); });
  state.counters["added_ns"] = added * 1e9;
}

void BM_DmaSequential_CopyHot(benchmark::State &state) {
  const size_t size = SizeOf(state);
  const Memory src = Touched(size, 1);
  const Memory dst = Touched(size, 2);
  const aml_tile from = aml_tile_bytes(src.get(), size);
  const aml_tile to = aml_tile_bytes(dst.get(), size);
  Dma dma(state);
  CompareWith(
      state, size, 1, size < 65536 ? 1000 : 3,
      [&](size_t) {
        std::memcpy(dst.get(), src.get(), size);
        benchmark::ClobberMemory();
      },
      [&](size_t) { dma.Copy(to, from, AML_DMA_USE_UNKNOWN); });
  if (std::memcmp(dst.get(), src.get(), size) != 0)
    state.SkipWithError("copied something else");
}

constexpr size_t kPool = size_t{128} << 20;

void BM_DmaSequential_CopyColdStreamed(benchmark::State &state) {
  const size_t size = SizeOf(state);
  const Memory src = Touched(kPool, 1);
  const Memory dst = Touched(kPool, 2);
  Dma dma(state);
  const auto offset = [&](size_t i) { return i * size % kPool; };
  CompareWith(
      state, size, RepeatsOf(size) / 2, RepeatsOf(size),
      [&](size_t i) { std::memcpy(dst.get() + offset(i), src.get() + offset(i), size); },
      [&](size_t i) {
        dma.Copy(aml_tile_bytes(dst.get() + offset(i), size),
                 aml_tile_bytes(src.get() + offset(i), size), AML_DMA_USE_STREAM);
      });
}

uint64_t Sum(const char *memory, size_t size) {
  uint64_t sum = 0;
  for (size_t i = 0; i < size; i += sizeof sum) {
    uint64_t word;
    std::memcpy(&word, memory + i, sizeof word);
    sum += word;
  }
  return sum;
}

// Cold memory is pulled into a slot, which is summed.
void BM_DmaSequential_PullAndSum(benchmark::State &state) {
  const size_t size = SizeOf(state);
  const Memory src = Touched(kPool, 1);
  const Memory slot = Touched(size, 2);
  const aml_tile to = aml_tile_bytes(slot.get(), size);
  Dma dma(state);
  uint64_t sum = 0;
  const auto offset = [&](size_t i) { return i * size % kPool; };
  CompareWith(
      state, size, 1, RepeatsOf(size),
      [&](size_t i) {
        std::memcpy(slot.get(), src.get() + offset(i), size);
        sum += Sum(slot.get(), size);
      },
      [&](size_t i) {
        dma.Copy(to, aml_tile_bytes(src.get() + offset(i), size), AML_DMA_USE_SOON);
        sum += Sum(slot.get(), size);
      });
  state.counters["sum"] = static_cast<double>(sum);
}

// Tiles of a matrix of doubles whose rows are 64 KiB.
constexpr size_t kRow = 8192 * sizeof(double);
constexpr size_t kRows = 2048;

/** `rows` rows of `row_size` bytes. */
aml_tile Tile(char *base, size_t rows, size_t row_size, size_t stride) {
  aml_tile tile = aml_tile_bytes(base, row_size / sizeof(double));
  tile.element_size = sizeof(double);
  tile.ndims = 2;
  tile.extent[0] = rows;
  tile.extent[1] = row_size / sizeof(double);
  tile.stride_bytes[0] = static_cast<ptrdiff_t>(stride);
  tile.stride_bytes[1] = sizeof(double);
  return tile;
}

void CopyRows(char *dst, size_t dst_stride, const char *src, size_t src_stride, size_t rows,
              size_t size) {
  for (size_t row = 0; row < rows; ++row)
    std::memcpy(dst + row * dst_stride, src + row * src_stride, size);
}

/** Gathers, resp. scatters, tiles of a matrix to, resp. from, a slot or packed tiles. */
void Strided(benchmark::State &state, bool is_gather, bool is_packed, aml_dma_use use) {
  const auto rows = static_cast<size_t>(state.range(0));
  const size_t size = static_cast<size_t>(state.range(1)) * sizeof(double);
  const Memory matrix = Touched(kRows * kRow);
  const Memory packed = Touched(is_packed ? kRows * kRow : rows * size, 2);
  Dma dma(state);
  const size_t across = kRow / size;
  const auto in_matrix = [&](size_t i) {
    const size_t tile = i * 7 % (across * (kRows / rows));
    return matrix.get() + tile / across * rows * kRow + tile % across * size;
  };
  const auto in_packed = [&](size_t i) {
    return packed.get() + (is_packed ? i * rows * size % (kRows * kRow) : 0);
  };
  CompareWith(
      state, rows * size, RepeatsOf(rows * size) / 2, RepeatsOf(rows * size),
      [&](size_t i) {
        if (is_gather)
          CopyRows(in_packed(i), size, in_matrix(i), kRow, rows, size);
        else
          CopyRows(in_matrix(i), kRow, in_packed(i), size, rows, size);
      },
      [&](size_t i) {
        const aml_tile there = Tile(in_matrix(i), rows, size, kRow);
        const aml_tile here = Tile(in_packed(i), rows, size, size);
        dma.Copy(is_gather ? here : there, is_gather ? there : here, use);
      });
}

void BM_DmaSequential_GatherToSlot(benchmark::State &state) {
  Strided(state, true, false, AML_DMA_USE_SOON);
}

void BM_DmaSequential_GatherToCold(benchmark::State &state) {
  Strided(state, true, true, AML_DMA_USE_STREAM);
}

void BM_DmaSequential_ScatterFromSlot(benchmark::State &state) {
  Strided(state, false, false, AML_DMA_USE_STREAM);
}

void BM_DmaSequential_ScatterFromCold(benchmark::State &state) {
  Strided(state, false, true, AML_DMA_USE_STREAM);
}

/** Permutes the dimensions of an array, against a plain copy past the caches of its bytes. */
template <class Element>
void Permute(benchmark::State &state, const std::array<size_t, 3> &extent,
             const std::array<size_t, 3> &order) {
  const size_t size = extent[0] * extent[1] * extent[2] * sizeof(Element);
  const Memory src = Touched(size, 1);
  const Memory dst = Touched(size, 2);
  aml_tile whole;
  aml_tile from;
  aml_tile to;
  const std::array<size_t, 3> permuted = {extent[order[0]], extent[order[1]], extent[order[2]]};
  if (aml_tile_dense(&whole, nullptr, src.get(), sizeof(Element), 3, extent.data(),
                     AML_ORDER_ROW) != 0 ||
      aml_tile_permute(&whole, order.data(), &from) != 0 ||
      aml_tile_dense(&to, nullptr, dst.get(), sizeof(Element), 3, permuted.data(), AML_ORDER_ROW) !=
          0)
    state.SkipWithError("no tiles");
  Dma dma(state);
  CompareWith(
      state, size, 1, 1,
      [&](size_t) {
        dma.Copy(aml_tile_bytes(dst.get(), size), aml_tile_bytes(src.get(), size),
                 AML_DMA_USE_STREAM);
      },
      [&](size_t) { dma.Copy(to, from, AML_DMA_USE_STREAM); });
}

template <class Element> void BM_DmaSequential_Transpose(benchmark::State &state) {
  const size_t side = SizeOf(state);
  Permute<Element>(state, {side, side, 1}, {1, 0, 2});
}

// The argument's digits are the order of dimensions.
void BM_DmaSequential_PermuteCube(benchmark::State &state) {
  const size_t order = SizeOf(state);
  Permute<double>(state, {256, 256, 256}, {order / 100, order / 10 % 10, order % 10});
}

void BM_DmaSequential_PermuteBox(benchmark::State &state) {
  const size_t order = SizeOf(state);
  Permute<double>(state, {384, 272, 160}, {order / 100, order / 10 % 10, order % 10});
}

template <size_t kSize> struct Bytes { char bytes[kSize]; };

/** Gathers elements that are a line apart, against a loop over elements of that size. */
template <size_t kSize> void BM_DmaSequential_GatherElements(benchmark::State &state) {
  constexpr size_t kCount = 4096;
  constexpr size_t kApart = 64;
  const Memory src = Touched(kCount * kApart, 1);
  const Memory dst = Touched(kCount * kSize, 2);
  aml_tile to = aml_tile_bytes(dst.get(), kCount);
  to.element_size = kSize;
  to.stride_bytes[0] = kSize;
  aml_tile from = to;
  from.base = src.get();
  from.stride_bytes[0] = kApart;
  Dma dma(state);
  CompareWith(
      state, kCount * kSize, 1, 100,
      [&](size_t) {
        for (size_t i = 0; i < kCount; ++i) {
          std::memcpy(dst.get() + i * kSize, src.get() + i * kApart, kSize);
          benchmark::ClobberMemory(); // element by element
        }
      },
      [&](size_t) { dma.Copy(to, from, AML_DMA_USE_UNKNOWN); });
}

template <class Element>
void TransposeByLoops(char *dst, const char *src, size_t rows, size_t columns) {
  auto *const to = reinterpret_cast<Element *>(dst);
  const auto *const from = reinterpret_cast<const Element *>(src);
  for (size_t row = 0; row < rows; ++row)
    for (size_t column = 0; column < columns; ++column)
      to[row * columns + column] = from[column * rows + row];
}

/** Transposes a plane, against two loops. */
template <class Element> void TransposePlane(benchmark::State &state, size_t rows, size_t columns) {
  const size_t size = rows * columns * sizeof(Element);
  const Memory src = Touched(size, 1);
  const Memory dst = Touched(size, 2);
  const size_t extent[] = {rows, columns};
  aml_tile to;
  aml_tile from;
  if (aml_tile_dense(&to, nullptr, dst.get(), sizeof(Element), 2, extent, AML_ORDER_ROW) != 0 ||
      aml_tile_dense(&from, nullptr, src.get(), sizeof(Element), 2, extent, AML_ORDER_COLUMN) != 0)
    state.SkipWithError("no tiles");
  Dma dma(state);
  CompareWith(
      state, size, 1, size < 1 << 20 ? 100 : 1,
      [&](size_t) { TransposeByLoops<Element>(dst.get(), src.get(), rows, columns); },
      [&](size_t) { dma.Copy(to, from, AML_DMA_USE_UNKNOWN); });
}

// Pixels of some channels become one plane for each of them, and back.

template <class Element> void BM_DmaSequential_SplitChannels(benchmark::State &state) {
  TransposePlane<Element>(state, SizeOf(state), static_cast<size_t>(state.range(1)));
}

template <class Element> void BM_DmaSequential_MergeChannels(benchmark::State &state) {
  TransposePlane<Element>(state, static_cast<size_t>(state.range(1)), SizeOf(state));
}

template <class Element> void BM_DmaSequential_TransposeOdd(benchmark::State &state) {
  TransposePlane<Element>(state, SizeOf(state), SizeOf(state));
}

void Channels(benchmark::internal::Benchmark *benchmark) {
  for (const int64_t pixels : {128 * 128, 1024 * 1024})
    for (const int64_t channels : {3, 4, 7})
      benchmark->Args({channels, pixels})->UseManualTime();
}

void Tiles(benchmark::internal::Benchmark *benchmark) {
  benchmark->Args({256, 256})->Args({64, 64})->Args({2048, 8})->UseManualTime();
}

void Orders(benchmark::internal::Benchmark *benchmark) {
  for (const int64_t order : {21, 102, 120, 201, 210})
    benchmark->Arg(order)->UseManualTime();
}

BENCHMARK(BM_DmaSequential_LoopHot)
    ->RangeMultiplier(2)
    ->Range(64, 64 << 10)
    ->Arg(384)
    ->Arg(640)
    ->Arg(1 << 20)
    ->Arg(16 << 20)
    ->UseManualTime();
BENCHMARK(BM_DmaSequential_Request)->RangeMultiplier(4)->Range(256, 16 << 10)->UseManualTime();
BENCHMARK(BM_DmaSequential_CopyHot)->RangeMultiplier(4)->Range(64, 64 << 20)->UseManualTime();
BENCHMARK(BM_DmaSequential_CopyColdStreamed)
    ->RangeMultiplier(4)
    ->Range(1 << 20, 64 << 20)
    ->UseManualTime();
BENCHMARK(BM_DmaSequential_PullAndSum)
    ->RangeMultiplier(4)
    ->Range(64 << 10, 64 << 20)
    ->UseManualTime();
BENCHMARK(BM_DmaSequential_GatherToSlot)->Apply(Tiles);
BENCHMARK(BM_DmaSequential_GatherToCold)->Apply(Tiles);
BENCHMARK(BM_DmaSequential_ScatterFromSlot)->Apply(Tiles);
BENCHMARK(BM_DmaSequential_ScatterFromCold)->Apply(Tiles);
BENCHMARK_TEMPLATE(BM_DmaSequential_Transpose, double)
    ->Arg(4096)
    ->Arg(4160)
    ->Arg(4099)
    ->UseManualTime();
BENCHMARK_TEMPLATE(BM_DmaSequential_Transpose, float)
    ->Arg(4096)
    ->Arg(4160)
    ->Arg(4099)
    ->UseManualTime();
BENCHMARK(BM_DmaSequential_PermuteCube)->Apply(Orders);
BENCHMARK(BM_DmaSequential_PermuteBox)->Apply(Orders);
BENCHMARK_TEMPLATE(BM_DmaSequential_GatherElements, 3)->UseManualTime();
BENCHMARK_TEMPLATE(BM_DmaSequential_GatherElements, 12)->UseManualTime();
BENCHMARK_TEMPLATE(BM_DmaSequential_GatherElements, 23)->UseManualTime();
BENCHMARK_TEMPLATE(BM_DmaSequential_GatherElements, 48)->UseManualTime();
BENCHMARK_TEMPLATE(BM_DmaSequential_SplitChannels, uint8_t)->Apply(Channels);
BENCHMARK_TEMPLATE(BM_DmaSequential_SplitChannels, float)->Apply(Channels);
BENCHMARK_TEMPLATE(BM_DmaSequential_MergeChannels, uint8_t)->Apply(Channels);
BENCHMARK_TEMPLATE(BM_DmaSequential_MergeChannels, float)->Apply(Channels);
BENCHMARK_TEMPLATE(BM_DmaSequential_TransposeOdd, Bytes<12>)->Arg(256)->Arg(1024)->UseManualTime();
BENCHMARK_TEMPLATE(BM_DmaSequential_TransposeOdd, Bytes<32>)->Arg(256)->Arg(1024)->UseManualTime();

} // namespace
