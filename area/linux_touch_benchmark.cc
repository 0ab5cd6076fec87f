// SPDX-License-Identifier: BSD-3-Clause
//
// What it takes until memory is there: mapping and a first touch of each page, beside a plain mmap
// with pages of 4 KiB. Giving back is not counted. BM_…/size/threads; a machine, or a group of
// processes, with less memory touches less.

#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kLeast = size_t{64} << 20;

size_t NumberIn(const char *path) {
  size_t number = SIZE_MAX;
  std::ifstream file(path);
  return file >> number ? number : SIZE_MAX;
}

// Bytes that may well be had without swapping, or being killed.
size_t AvailableMemory() {
  size_t available = 0;
  std::ifstream file("/proc/meminfo");
  for (std::string word; file >> word;)
    if (word == "MemAvailable:" && file >> available)
      break;
  const size_t limit = NumberIn("/sys/fs/cgroup/memory.max");
  const size_t used = NumberIn("/sys/fs/cgroup/memory.current");
  return std::min(available * 1024, limit > used && limit != SIZE_MAX ? limit - used : limit);
}

// The size to touch; 0, with the benchmark skipped, if that would be too little to tell anything.
size_t SizeFor(benchmark::State &state) {
  const size_t available = AvailableMemory();
  size_t size = static_cast<size_t>(state.range(0));
  while (size > available / 2 && size >= kLeast)
    size /= 2;
  if (size >= kLeast) {
    state.counters["touched_mib"] = static_cast<double>(size >> 20);
    return size;
  }
  state.SkipWithError("less than 128 MiB of memory are free");
  return 0;
}

// Writes to each page; whether it was zero.
bool Touch(char *memory, size_t size) {
  char seen = 0;
  for (size_t offset = 0; offset < size; offset += kPage) {
    seen = static_cast<char>(seen | memory[offset]);
    memory[offset] = 1;
  }
  benchmark::ClobberMemory();
  return seen == 0;
}

// Repeats `map`, which returns null or `size` bytes, a first touch, and, not counted, `unmap`.
template <class Map, class Unmap>
void FirstTouch(benchmark::State &state, size_t size, Map map, Unmap unmap) {
  for (auto _ : state) {
    char *const memory = static_cast<char *>(map());
    if (memory == nullptr || !Touch(memory, size)) {
      state.SkipWithError("no memory, or none that is zero");
      break;
    }
    state.PauseTiming();
    unmap(memory);
    state.ResumeTiming();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(size));
}

void BM_Baseline_FirstTouch(benchmark::State &state) {
  const size_t size = SizeFor(state);
  if (size == 0)
    return;
  FirstTouch(
      state, size,
      [size]() -> void * {
        void *const memory =
            mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        // Where the system uses huge pages unasked.
        (void)madvise(memory, size, MADV_NOHUGEPAGE);
        return memory == MAP_FAILED ? nullptr : memory;
      },
      [size](void *memory) { munmap(memory, size); });
}

void AreaFirstTouch(benchmark::State &state, aml_area_linux_options options) {
  const size_t size = SizeFor(state);
  if (size == 0)
    return;
  aml_area *area = nullptr;
  if (aml_area_linux_create(&area, &options) != 0) {
    state.SkipWithError(aml_error_detail());
    return;
  }
  FirstTouch(
      state, size, [=] { return aml_area_map(area, size, nullptr); },
      [=](void *memory) { (void)aml_area_unmap(area, memory, size); });
  aml_area_destroy(&area);
}

void BM_AreaLinux_FirstTouch(benchmark::State &state) {
  AreaFirstTouch(state, {});
}

// By as many threads as the second argument says.
void BM_AreaLinux_Populate(benchmark::State &state) {
  aml_area_linux_options options = {};
  options.flags = AML_AREA_LINUX_POPULATE;
  options.populate_threads = static_cast<unsigned>(state.range(1));
  AreaFirstTouch(state, options);
}

// Sanitizers make the figures worthless, and touching slow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int64_t kSize = int64_t{64} << 20;
#else
constexpr int64_t kSize = int64_t{1} << 30;
#endif

BENCHMARK(BM_Baseline_FirstTouch)->Arg(kSize)->UseRealTime();
BENCHMARK(BM_AreaLinux_FirstTouch)->Arg(kSize)->UseRealTime();
BENCHMARK(BM_AreaLinux_Populate)->Args({kSize, 1})->Args({kSize, 2})->UseRealTime();

} // namespace
