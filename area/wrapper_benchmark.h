// SPDX-License-Identifier: BSD-3-Clause
//
// What the benchmarks of wrappers share: an area whose calls cost next to nothing, so that what a
// wrapper adds can be seen, and the loop over map and unmap.

#ifndef AML_AREA_WRAPPER_BENCHMARK_H
#define AML_AREA_WRAPPER_BENCHMARK_H

#include <benchmark/benchmark.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "aml/core/area.h"
#include "aml/core/error.h"

/** Hands out addresses that nobody may touch, each once. */
class AddressArea {
public:
  AddressArea() { block_.area.ops = &kOps; }
  AddressArea(const AddressArea &) = delete;
  ~AddressArea() = default;

  aml_area *get() { return &block_.area; }

private:
  static constexpr size_t kGranularity = 4096;

  struct Block {
    aml_area area;
    std::atomic<uintptr_t> next{kGranularity};
  };

  static unsigned Capabilities(const aml_area *) { return 0; }

  static int Map(aml_area *area, size_t size, const aml_area_map_options *, void **pointer) {
    const size_t rounded = (size + kGranularity - 1) & ~(kGranularity - 1);
    *pointer = reinterpret_cast<void *>(reinterpret_cast<Block *>(area)->next.fetch_add(rounded));
    return 0;
  }

  static int Unmap(aml_area *, void *, size_t) { return 0; }

  static int Info(aml_area *, const void *, aml_area_info *info) {
    *info = aml_area_info{};
    info->granularity = info->max_alignment = info->page_size = kGranularity;
    return 0;
  }

  static void Fini(aml_area *) {}

  static aml_area_ops MakeOps() {
    aml_area_ops ops = {};
    ops.name = "address";
    ops.fini = Fini;
    ops.capabilities = Capabilities;
    ops.map = Map;
    ops.unmap = Unmap;
    ops.info = Info;
    return ops;
  }

  static inline const aml_area_ops kOps = MakeOps();

  Block block_{};
};

/** Maps and unmaps, over and over. */
inline void MapAndUnmap(benchmark::State &state, aml_area *area,
                        const aml_area_map_options *options = nullptr) {
  const auto size = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    void *const pointer = aml_area_map(area, size, options);
    if (pointer == nullptr || aml_area_unmap(area, pointer, size) != 0) {
      state.SkipWithError(aml_error_detail());
      break;
    }
  }
}

/** The baseline of every wrapper. */
inline void BM_Baseline_Inner(benchmark::State &state) {
  AddressArea inner;
  MapAndUnmap(state, inner.get());
}
BENCHMARK(BM_Baseline_Inner)->Arg(4096);

#endif
