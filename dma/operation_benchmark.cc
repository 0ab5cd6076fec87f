// SPDX-License-Identifier: BSD-3-Clause
//
// What ready-made operations through dma:sequential are to the loop that a program would write, as
// its compiler makes it, and to a memcpy that reads and writes as many bytes: see `ratio` in
// ratio_benchmark.h. Bytes per second count those of both tiles.
//
// The argument is the number of elements: in cache, or not.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "aml/core/dma.h"
#include "aml/core/dma_operation.h"
#include "aml/core/tile.h"
#include "aml/dma/ratio_benchmark.h"
#include "aml/dma/sequential.h"

namespace {

using namespace aml_benchmark;

// The plain loops. Those to 16 bits know nothing of NaN or infinity, which is in their favour.

struct F64ToF32 {
  using Dst = float;
  using Src = double;
  static constexpr aml_dma_number kDst = AML_DMA_NUMBER_F32;
  static constexpr aml_dma_number kSrc = AML_DMA_NUMBER_F64;
  static Dst Of(Dst, Src number) { return static_cast<float>(number); }
};

uint32_t BitsOf(float number) {
  uint32_t bits;
  std::memcpy(&bits, &number, sizeof bits);
  return bits;
}

struct F32ToBf16 {
  using Dst = uint16_t;
  using Src = float;
  static constexpr aml_dma_number kDst = AML_DMA_NUMBER_BF16;
  static constexpr aml_dma_number kSrc = AML_DMA_NUMBER_F32;
  static Dst Of(Dst, Src number) {
    const uint32_t bits = BitsOf(number);
    return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
};

struct F32ToF16 {
  using Dst = uint16_t;
  using Src = float;
  static constexpr aml_dma_number kDst = AML_DMA_NUMBER_F16;
  static constexpr aml_dma_number kSrc = AML_DMA_NUMBER_F32;
  static Dst Of(Dst, Src number) {
    const uint32_t bits = BitsOf(number);
    const uint32_t magnitude = bits & 0x7fffffff;
    const uint32_t sign = bits >> 16 & 0x8000;
    if (magnitude < 0x38800000) // subnormal: as many halves of its last bit
      return static_cast<uint16_t>(sign | BitsOf(number < 0 ? 0.5f - number : 0.5f + number));
    return static_cast<uint16_t>(sign |
                                 (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13);
  }
};

struct Bf16ToF32 {
  using Dst = float;
  using Src = uint16_t;
  static constexpr aml_dma_number kDst = AML_DMA_NUMBER_F32;
  static constexpr aml_dma_number kSrc = AML_DMA_NUMBER_BF16;
  static Dst Of(Dst, Src number) {
    const uint32_t bits = static_cast<uint32_t>(number) << 16;
    float wide;
    std::memcpy(&wide, &bits, sizeof wide);
    return wide;
  }
};

struct F32ToI8 {
  using Dst = int8_t;
  using Src = float;
  static constexpr aml_dma_number kDst = AML_DMA_NUMBER_I8;
  static constexpr aml_dma_number kSrc = AML_DMA_NUMBER_F32;
  static Dst Of(Dst, Src number) {
    return static_cast<int8_t>(std::lrint(std::min(std::max(number, -128.0f), 127.0f)));
  }
};

template <class Number, aml_dma_number kNumber> struct Sum {
  using Dst = Number;
  using Src = Number;
  static constexpr aml_dma_number kDst = kNumber;
  static constexpr aml_dma_number kSrc = kNumber;
  static Dst Of(Dst sum, Src number) { return sum + number; }
};
using SumF32 = Sum<float, AML_DMA_NUMBER_F32>;
using SumF64 = Sum<double, AML_DMA_NUMBER_F64>;

template <class Plain>
__attribute__((noinline)) void Loop(typename Plain::Dst *to, const typename Plain::Src *from,
                                    size_t count) {
  for (size_t i = 0; i < count; ++i)
    to[i] = Plain::Of(to[i], from[i]);
}

template <class Element> aml_tile TileOf(const Memory &memory, size_t count) {
  aml_tile tile = aml_tile_bytes(memory.get(), count);
  tile.element_size = sizeof(Element);
  tile.stride_bytes[0] = sizeof(Element);
  return tile;
}

/** Times an operation against what `baseline` does with its memory. */
template <class Plain, class Baseline> void Compare(benchmark::State &state, Baseline baseline) {
  using Dst = typename Plain::Dst;
  using Src = typename Plain::Src;
  const auto count = static_cast<size_t>(state.range(0));
  const Memory dst = Touched(count * sizeof(Dst), 0);
  const Memory src = Touched(count * sizeof(Src), 0);
  auto *const to = reinterpret_cast<Dst *>(dst.get());
  auto *const from = reinterpret_cast<Src *>(src.get());
  for (size_t i = 0; i < count; ++i)
    from[i] = static_cast<Src>(i % 1000);
  const aml_tile to_tile = TileOf<Dst>(dst, count);
  const aml_tile from_tile = TileOf<Src>(src, count);
  aml_dma_options options = {};
  options.operation = std::is_same_v<Dst, Src>
                          ? aml_dma_operation_accumulate(Plain::kDst)
                          : aml_dma_operation_convert(Plain::kDst, Plain::kSrc);
  aml_dma *dma = nullptr;
  int failures = aml_dma_sequential_create(&dma, nullptr) != 0;
  CompareWith(
      state, count * (sizeof(Dst) + sizeof(Src)), 1,
      static_cast<int>(std::max<size_t>(1, 100000 / count)),
      [&](size_t) { baseline(to, from, count); },
      [&](size_t) { failures += aml_dma_copy(dma, &to_tile, &from_tile, &options) != 0; });
  aml_dma_destroy(&dma);
  if (failures != 0)
    state.SkipWithError("failed");
}

template <class Plain> void BM_DmaOperation_OverLoop(benchmark::State &state) {
  Compare<Plain>(state, Loop<Plain>);
}

/** Half as many bytes as both tiles have: a copy moves each twice. */
template <class Plain> void BM_DmaOperation_OverMemcpy(benchmark::State &state) {
  using Dst = typename Plain::Dst;
  using Src = typename Plain::Src;
  const size_t both = sizeof(Dst) + sizeof(Src);
  const Memory copy = Touched(static_cast<size_t>(state.range(0)) * both / 2);
  Compare<Plain>(state, [&](Dst *, const Src *from, size_t count) {
    // What the source lacks of it, it has in cache or not as the rest.
    const size_t size = std::min(count * both / 2, count * sizeof(Src));
    std::memcpy(copy.get(), from, size);
    std::memcpy(copy.get() + size, from, count * both / 2 - size);
  });
}

void Counts(benchmark::internal::Benchmark *benchmark) {
  benchmark->Arg(4096)->Arg(65536)->Arg(8 << 20)->UseManualTime();
}

#define OVER_BOTH(plain)                                                                           \
  BENCHMARK_TEMPLATE(BM_DmaOperation_OverLoop, plain)->Apply(Counts);                              \
  BENCHMARK_TEMPLATE(BM_DmaOperation_OverMemcpy, plain)->Apply(Counts)

OVER_BOTH(F32ToBf16);
OVER_BOTH(F32ToF16);
OVER_BOTH(Bf16ToF32);
OVER_BOTH(F64ToF32);
OVER_BOTH(F32ToI8);
OVER_BOTH(SumF32);
OVER_BOTH(SumF64);

} // namespace
