// SPDX-License-Identifier: BSD-3-Clause
//
// What mappings cost, each beside the raw system calls that do the same.

#include "aml/area/linux.h"

#include <benchmark/benchmark.h>
#include <numaif.h>
#include <sys/mman.h>

#include <cstdlib>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

constexpr size_t kPage = 4096;
constexpr int kProtection = PROT_READ | PROT_WRITE;
constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS;

size_t SizeOf(const benchmark::State &state) {
  return static_cast<size_t>(state.range(0));
}

// A Linux area, ended with the benchmark.
class Area {
public:
  Area(benchmark::State &state, aml_policy policy) {
    aml_area_linux_options options = {};
    options.policy = policy;
    if (policy != AML_POLICY_DEFAULT)
      options.devices = aml_nodeset_of(0);
    if (aml_area_linux_create(&area_, &options) != 0)
      state.SkipWithError(aml_error_detail());
  }
  Area(const Area &) = delete;
  ~Area() { aml_area_destroy(&area_); }
  aml_area *get() { return area_; }

private:
  aml_area *area_ = nullptr;
};

void Touch(char *memory, size_t size) {
  for (size_t offset = 0; offset < size; offset += kPage)
    memory[offset] = 1;
  benchmark::ClobberMemory();
}

// Maps and unmaps by raw calls.
void RawMap(benchmark::State &state, bool bind, bool touch) {
  const size_t size = SizeOf(state);
  const unsigned long node_zero = 1;
  for (auto _ : state) {
    void *const memory = mmap(nullptr, size, kProtection, kFlags, -1, 0);
    if (memory == MAP_FAILED || (bind && mbind(memory, size, MPOL_BIND, &node_zero, 64, 0) != 0)) {
      state.SkipWithError("mmap or mbind failed");
      break;
    }
    if (touch)
      Touch(static_cast<char *>(memory), size);
    munmap(memory, size);
  }
}

// Maps and unmaps by an area.
void AreaMap(benchmark::State &state, aml_policy policy, bool touch) {
  const size_t size = SizeOf(state);
  Area area(state, policy);
  if (area.get() == nullptr)
    return;
  for (auto _ : state) {
    void *const memory = aml_area_map(area.get(), size, nullptr);
    if (memory == nullptr) {
      state.SkipWithError(aml_error_detail());
      break;
    }
    if (touch)
      Touch(static_cast<char *>(memory), size);
    (void)aml_area_unmap(area.get(), memory, size);
  }
}

void BM_Baseline_Mmap(benchmark::State &state) {
  RawMap(state, false, false);
}
void BM_AreaLinux_Map(benchmark::State &state) {
  AreaMap(state, AML_POLICY_DEFAULT, false);
}
void BM_Baseline_MmapMbind(benchmark::State &state) {
  RawMap(state, true, false);
}
void BM_AreaLinux_MapBound(benchmark::State &state) {
  AreaMap(state, AML_POLICY_BIND, false);
}
void BM_Baseline_MmapTouch(benchmark::State &state) {
  RawMap(state, false, true);
}
void BM_AreaLinux_MapTouch(benchmark::State &state) {
  AreaMap(state, AML_POLICY_DEFAULT, true);
}

// Binds one mapping over and over.
void BM_Baseline_Mbind(benchmark::State &state) {
  const size_t size = SizeOf(state);
  const unsigned long node_zero = 1;
  void *const memory = mmap(nullptr, size, kProtection, kFlags, -1, 0);
  for (auto _ : state)
    benchmark::DoNotOptimize(mbind(memory, size, MPOL_BIND, &node_zero, 64, 0));
  munmap(memory, size);
}
void BM_AreaLinux_Bind(benchmark::State &state) {
  const size_t size = SizeOf(state);
  const aml_nodeset zero = aml_nodeset_of(0);
  Area area(state, AML_POLICY_DEFAULT);
  void *const memory = aml_area_map(area.get(), size, nullptr);
  for (auto _ : state) {
    if (aml_area_bind(area.get(), memory, size, AML_POLICY_BIND, &zero, 0) != 0) {
      state.SkipWithError(aml_error_detail());
      break;
    }
  }
  (void)aml_area_unmap(area.get(), memory, size);
}

// Pages of a mapping, all present, to ask after.
struct Pages {
  explicit Pages(size_t count)
      : memory(static_cast<char *>(mmap(nullptr, count * kPage, kProtection, kFlags, -1, 0))),
        pointers(count), nodes(count, -1) {
    Touch(memory, count * kPage);
    for (size_t i = 0; i < count; ++i)
      pointers[i] = memory + i * kPage;
  }
  Pages(const Pages &) = delete;
  ~Pages() { munmap(memory, pointers.size() * kPage); }
  char *memory;
  std::vector<void *> pointers;
  std::vector<int> nodes;
};

void Count(benchmark::State &state, const Pages &pages) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(pages.pointers.size()));
  if (pages.nodes.back() < 0)
    state.SkipWithError("the last page is nowhere");
}

void BM_Baseline_MovePagesQuery(benchmark::State &state) {
  Pages pages(SizeOf(state));
  for (auto _ : state)
    benchmark::DoNotOptimize(move_pages(0, pages.pointers.size(), pages.pointers.data(), nullptr,
                                        pages.nodes.data(), 0));
  Count(state, pages);
}
void BM_AreaLinux_Locate(benchmark::State &state) {
  Pages pages(SizeOf(state));
  Area area(state, AML_POLICY_DEFAULT);
  for (auto _ : state)
    benchmark::DoNotOptimize(aml_area_locate(area.get(), pages.pointers.size(),
                                             pages.pointers.data(), pages.nodes.data()));
  Count(state, pages);
}

void BM_AreaLinux_Init(benchmark::State &state) {
  for (auto _ : state) {
    AML_AREA_LINUX_DECL(area);
    benchmark::DoNotOptimize(aml_area_linux_init(area, nullptr));
    aml_area_fini(area);
  }
}

constexpr int64_t kSmall = 4 << 10;
constexpr int64_t kLarge = 2 << 20;

BENCHMARK(BM_Baseline_Mmap)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_AreaLinux_Map)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_Baseline_MmapMbind)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_AreaLinux_MapBound)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_Baseline_MmapTouch)->Arg(kSmall)->Arg(64 << 10);
BENCHMARK(BM_AreaLinux_MapTouch)->Arg(kSmall)->Arg(64 << 10);
BENCHMARK(BM_Baseline_Mbind)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_AreaLinux_Bind)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_Baseline_MovePagesQuery)->Arg(1)->Arg(512)->Arg(4096);
BENCHMARK(BM_AreaLinux_Locate)->Arg(1)->Arg(512)->Arg(4096);
BENCHMARK(BM_AreaLinux_Init);

} // namespace
