// SPDX-License-Identifier: BSD-3-Clause
//
// A look-up, against the arithmetic that a user would write; and an application to 64 MiB, against
// the one system call that it should be, and against the call per page that it must not be.

#include "aml/binding/interleave.h"

#include <benchmark/benchmark.h>
#include <numaif.h>
#include <sys/mman.h>

#include <array>
#include <cstdint>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kLookups = 1024;

aml_nodeset FirstDevices(int64_t count) {
  aml_nodeset set = {};
  for (int device = 0; device < count; ++device)
    (void)aml_nodeset_add(&set, device);
  return set;
}

void Count(benchmark::State &state) {
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kLookups));
}

void BM_Baseline_Modulo(benchmark::State &state) {
  std::array<int, 64> nodes{};
  auto count = static_cast<size_t>(state.range(0));
  for (size_t i = 0; i < count; ++i)
    nodes.at(i) = static_cast<int>(i);
  for (auto _ : state) {
    benchmark::DoNotOptimize(count);
    benchmark::DoNotOptimize(nodes.data());
    for (size_t i = 0; i < kLookups; ++i)
      benchmark::DoNotOptimize(nodes.data()[i % count]);
  }
  Count(state);
}

void BM_BindingInterleave_DeviceOfInline(benchmark::State &state) {
  const aml_nodeset set = FirstDevices(state.range(0));
  AML_BINDING_INTERLEAVE_DECL(binding);
  if (aml_binding_interleave_init(binding, &set) != 0)
    state.SkipWithError(aml_error_detail());
  for (auto _ : state) {
    benchmark::DoNotOptimize(binding);
    benchmark::ClobberMemory();
    for (size_t i = 0; i < kLookups; ++i)
      benchmark::DoNotOptimize(aml_binding_interleave_device_of(binding, i));
  }
  aml_binding_fini(binding);
  Count(state);
}

void BM_BindingInterleave_DeviceOf(benchmark::State &state) {
  const aml_nodeset set = FirstDevices(state.range(0));
  AML_BINDING_INTERLEAVE_DECL(binding);
  if (aml_binding_interleave_init(binding, &set) != 0)
    state.SkipWithError(aml_error_detail());
  for (auto _ : state)
    for (size_t i = 0; i < kLookups; ++i)
      benchmark::DoNotOptimize(aml_binding_device_of(binding, i, kLookups));
  aml_binding_fini(binding);
  Count(state);
}

// A mapping without pages, of as many bytes as the benchmark says.
class Mapping {
public:
  explicit Mapping(benchmark::State &state) : size_(static_cast<size_t>(state.range(0))) {
    if (aml_area_linux_create(&area_, nullptr) != 0 ||
        (memory_ = static_cast<char *>(aml_area_map(area_, size_, nullptr))) == nullptr)
      state.SkipWithError(aml_error_detail());
  }
  Mapping(const Mapping &) = delete;
  ~Mapping() {
    (void)aml_area_unmap(area_, memory_, size_);
    aml_area_destroy(&area_);
  }
  aml_area *area() { return area_; }
  char *memory() { return memory_; }
  size_t size() const { return size_; }

private:
  size_t size_;
  aml_area *area_ = nullptr;
  char *memory_ = nullptr;
};

void BM_Baseline_OneMbind(benchmark::State &state) {
  Mapping mapping(state);
  const unsigned long zero = 1;
  for (auto _ : state)
    if (mbind(mapping.memory(), mapping.size(), MPOL_INTERLEAVE, &zero, 64, 0) != 0)
      state.SkipWithError("mbind failed");
}

void BM_BindingInterleave_Apply(benchmark::State &state) {
  Mapping mapping(state);
  const aml_nodeset zero = aml_nodeset_of(0);
  AML_BINDING_INTERLEAVE_DECL(binding);
  if (aml_binding_interleave_init(binding, &zero) != 0)
    state.SkipWithError(aml_error_detail());
  for (auto _ : state)
    if (aml_binding_apply(binding, mapping.area(), mapping.memory(), mapping.size(), nullptr) != 0)
      state.SkipWithError(aml_error_detail());
  aml_binding_fini(binding);
}

void BM_Baseline_MbindPerPage(benchmark::State &state) {
  Mapping mapping(state);
  const unsigned long zero = 1;
  for (auto _ : state)
    for (size_t offset = 0; offset < mapping.size(); offset += kPage)
      if (mbind(mapping.memory() + offset, kPage, MPOL_INTERLEAVE, &zero, 64, 0) != 0)
        state.SkipWithError("mbind failed");
}

// Where every page is, in calls of some hundreds of pages.
void BM_BindingInterleave_Verify(benchmark::State &state) {
  static aml_binding_report report;
  Mapping mapping(state);
  const aml_nodeset zero = aml_nodeset_of(0);
  AML_BINDING_INTERLEAVE_DECL(binding);
  if (aml_binding_interleave_init(binding, &zero) != 0)
    state.SkipWithError(aml_error_detail());
  for (auto _ : state)
    if (aml_binding_verify(binding, mapping.area(), mapping.memory(), mapping.size(), &report) != 0)
      state.SkipWithError(aml_error_detail());
  if (report.absent_size != mapping.size())
    state.SkipWithError("pages are present that nobody touched");
  aml_binding_fini(binding);
}

constexpr int64_t kSize = 64 << 20;

BENCHMARK(BM_Baseline_Modulo)->Arg(2)->Arg(3);
BENCHMARK(BM_BindingInterleave_DeviceOfInline)->Arg(2)->Arg(3);
BENCHMARK(BM_BindingInterleave_DeviceOf)->Arg(2)->Arg(3);
BENCHMARK(BM_Baseline_OneMbind)->Arg(kSize);
BENCHMARK(BM_BindingInterleave_Apply)->Arg(kSize);
BENCHMARK(BM_Baseline_MbindPerPage)->Arg(kSize);
BENCHMARK(BM_BindingInterleave_Verify)->Arg(kSize);

} // namespace
