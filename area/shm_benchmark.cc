// SPDX-License-Identifier: BSD-3-Clause
//
// Map and unmap of a piece of a segment, beside a segment of its own for each mapping.

#include "aml/area/shm.h"

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

void BM_Baseline_Memfd(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  for (auto _ : state) {
    const int descriptor = memfd_create("baseline", MFD_CLOEXEC);
    const int err = posix_fallocate(descriptor, 0, static_cast<off_t>(size));
    void *const memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    munmap(memory, size);
    close(descriptor);
    if (err != 0 || memory == MAP_FAILED) {
      state.SkipWithError("no memory");
      break;
    }
  }
}

void BM_AreaShm_Map(benchmark::State &state) {
  const auto size = static_cast<size_t>(state.range(0));
  AML_AREA_SHM_DECL(area);
  if (aml_area_shm_init(area, nullptr) != 0) {
    state.SkipWithError(aml_error_detail());
    return;
  }
  for (auto _ : state) {
    void *const memory = aml_area_map(area, size, nullptr);
    if (memory == nullptr || aml_area_unmap(area, memory, size) != 0) {
      state.SkipWithError(aml_error_detail());
      break;
    }
  }
  aml_area_fini(area);
}

constexpr int64_t kSmall = 4 << 10;
constexpr int64_t kLarge = 2 << 20;

BENCHMARK(BM_Baseline_Memfd)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_AreaShm_Map)->Arg(kSmall)->Arg(kLarge);

} // namespace
