// SPDX-License-Identifier: BSD-3-Clause
//
// Map and unmap of what was kept, beside mmap and munmap; without a touch, and touching each page.

#include "aml/area/cached.h"

#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#include "aml/area/linux.h"
#include "aml/area/wrapper_benchmark.h"
#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

constexpr size_t kPage = 4096;

aml_area_map_options NoZero() {
  aml_area_map_options options = {};
  options.flags = AML_AREA_MAP_NO_ZERO;
  return options;
}

void Touch(void *memory, size_t size) {
  for (size_t offset = 0; offset < size; offset += kPage)
    static_cast<volatile char *>(memory)[offset] = 1;
}

// A cache over anonymous memory.
class Cached {
public:
  Cached(benchmark::State &state, uint64_t max_age_ns) {
    aml_area_cached_options options = {};
    options.max_age_ns = max_age_ns;
    if (aml_area_linux_init(inner_, nullptr) != 0 ||
        aml_area_cached_init(area_, inner_, &options) != 0)
      state.SkipWithError(aml_error_detail());
  }
  Cached(const Cached &) = delete;
  ~Cached() {
    aml_area_fini(area_);
    aml_area_fini(inner_);
  }
  aml_area *get() { return area_; }

private:
  AML_AREA_LINUX_DECL(inner_);
  AML_AREA_CACHED_DECL(area_);
};

void BM_Baseline_Mmap(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    void *const memory =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(memory, size);
  }
}

void BM_Baseline_MmapTouch(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    void *const memory =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    Touch(memory, size);
    munmap(memory, size);
  }
}

void BM_AreaCached_Map(benchmark::State &state) {
  const aml_area_map_options options = NoZero();
  Cached cached(state, 0);
  MapAndUnmap(state, cached.get(), &options);
}

void BM_AreaCached_MapAged(benchmark::State &state) {
  const aml_area_map_options options = NoZero();
  Cached cached(state, UINT64_C(10000000000));
  MapAndUnmap(state, cached.get(), &options);
}

void BM_AreaCached_MapTouch(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  const aml_area_map_options options = NoZero();
  Cached cached(state, 0);
  for (auto _ : state) {
    void *const memory = aml_area_map(cached.get(), size, &options);
    if (memory == nullptr) {
      state.SkipWithError(aml_error_detail());
      break;
    }
    Touch(memory, size);
    (void)aml_area_unmap(cached.get(), memory, size);
  }
}

void BM_AreaCached_MapZeroed(benchmark::State &state) {
  Cached cached(state, 0);
  MapAndUnmap(state, cached.get());
}

constexpr int64_t kSmall = 4 << 10;
constexpr int64_t kLarge = 2 << 20;

BENCHMARK(BM_Baseline_Mmap)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_Baseline_MmapTouch)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_AreaCached_Map)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_AreaCached_MapAged)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_AreaCached_MapTouch)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_AreaCached_MapZeroed)->Arg(kSmall)->Arg(kLarge);

} // namespace
