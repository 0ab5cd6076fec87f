// SPDX-License-Identifier: BSD-3-Clause
//
// Applying and verifying 1 GiB, against the bare system calls that it needs. Pages are of 4 KiB,
// and all on the first node, so that nothing moves.

#include <benchmark/benchmark.h>
#include <numaif.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "aml/area/linux.h"
#include "aml/binding/interleave.h"
#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/1d.h"

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kTile = 2 << 20;

// Two devices in turn by tiles of 2 MiB, of pages resp. of tiles. The second one is the first
// again, by BIND, so that a machine of one node will do: neighbours are not merged by AML, since it
// is asked for other devices. Where the machine has one node, the second is left where it is.
struct Cyclic {
  aml_binding binding;
  size_t period; // items of one device
};

int DeviceOf(const aml_binding *binding, size_t index, size_t) {
  return index / reinterpret_cast<const Cyclic *>(binding)->period % 2 == 0 ? 0 : -AML_ENOENT;
}

size_t Run(const aml_binding *binding, size_t index, size_t count) {
  const size_t period = reinterpret_cast<const Cyclic *>(binding)->period;
  return std::min(period - index % period, count - index);
}

const aml_binding_ops kCyclicOps = [] {
  aml_binding_ops ops = {};
  ops.name = "cyclic";
  ops.fini = [](aml_binding *) {};
  ops.device_of = DeviceOf;
  ops.devices = [](const aml_binding *, aml_nodeset *devices) { *devices = aml_nodeset_of(0); };
  ops.run = Run;
  return ops;
}();

// Memory of as many bytes as the benchmark says, of pages that are not huge.
class Memory {
public:
  explicit Memory(benchmark::State &state) : size_(static_cast<size_t>(state.range(0))) {
    aml_area_linux_options options = {};
    options.huge_pages = AML_AREA_LINUX_HUGE_NONE;
    const aml_area_map_options aligned = {kTile, nullptr, 0, nullptr};
    if (aml_area_linux_create(&area_, &options) != 0 ||
        (start_ = static_cast<char *>(aml_area_map(area_, size_, &aligned))) == nullptr)
      state.SkipWithError(aml_error_detail());
  }
  Memory(const Memory &) = delete;
  ~Memory() {
    (void)aml_area_unmap(area_, start_, size_);
    aml_area_destroy(&area_);
  }

  // Back to one mapping without a policy.
  void Reset() { (void)mbind(start_, size_, MPOL_DEFAULT, nullptr, 0, 0); }

  aml_area *area() { return area_; }
  char *start() { return start_; }
  size_t size() const { return size_; }

private:
  size_t size_;
  aml_area *area_ = nullptr;
  char *start_ = nullptr;
};

constexpr unsigned long kFirstNode = 1;

void BM_Baseline_MbindInterleave(benchmark::State &state) {
  Memory memory(state);
  for (auto _ : state)
    if (mbind(memory.start(), memory.size(), MPOL_INTERLEAVE, &kFirstNode, 64, 0) != 0)
      state.SkipWithError("mbind failed");
}

void BM_BindingInterleave_Apply(benchmark::State &state) {
  Memory memory(state);
  const aml_nodeset first = aml_nodeset_of(0);
  AML_BINDING_INTERLEAVE_DECL(binding);
  if (aml_binding_interleave_init(binding, &first) != 0)
    state.SkipWithError(aml_error_detail());
  for (auto _ : state)
    if (aml_binding_apply(binding, memory.area(), memory.start(), memory.size(), nullptr) != 0)
      state.SkipWithError(aml_error_detail());
  aml_binding_fini(binding);
}

// One call for each second tile, since those between stay.
void BM_Baseline_MbindTiles(benchmark::State &state) {
  Memory memory(state);
  for (auto _ : state) {
    for (size_t offset = 0; offset < memory.size(); offset += 2 * kTile)
      if (mbind(memory.start() + offset, kTile, MPOL_BIND, &kFirstNode, 64, 0) != 0)
        state.SkipWithError("mbind failed");
    state.PauseTiming();
    memory.Reset();
    state.ResumeTiming();
  }
}

void BM_BindingCyclic_ApplyPages(benchmark::State &state) {
  Memory memory(state);
  Cyclic cyclic = {{&kCyclicOps}, kTile / kPage};
  for (auto _ : state) {
    if (aml_binding_apply(&cyclic.binding, memory.area(), memory.start(), memory.size(), nullptr) !=
        0)
      state.SkipWithError(aml_error_detail());
    state.PauseTiming();
    memory.Reset();
    state.ResumeTiming();
  }
}

void BM_BindingCyclic_ApplyTiles(benchmark::State &state) {
  Memory memory(state);
  Cyclic cyclic = {{&kCyclicOps}, 1};
  AML_TILING_1D_DECL(tiling);
  aml_tile datum = aml_tile_bytes(memory.start(), memory.size());
  datum.area = memory.area();
  if (aml_tiling_1d_init(tiling, memory.size(), 1, kTile) != 0)
    state.SkipWithError(aml_error_detail());
  for (auto _ : state) {
    if (aml_binding_apply_tiled(&cyclic.binding, tiling, &datum, nullptr) != 0)
      state.SkipWithError(aml_error_detail());
    state.PauseTiming();
    memory.Reset();
    state.ResumeTiming();
  }
}

// One call for all pages, into an array that is there.
void BM_Baseline_QueryPages(benchmark::State &state) {
  Memory memory(state);
  std::memset(memory.start(), 1, memory.size());
  const size_t count = memory.size() / kPage;
  std::vector<void *> pages(count);
  std::vector<int> nodes(count);
  for (size_t i = 0; i < count; ++i)
    pages[i] = memory.start() + i * kPage;
  for (auto _ : state)
    if (move_pages(0, count, pages.data(), nullptr, nodes.data(), 0) != 0)
      state.SkipWithError("move_pages failed");
}

void BM_BindingInterleave_Verify(benchmark::State &state) {
  static aml_binding_report report;
  Memory memory(state);
  std::memset(memory.start(), 1, memory.size());
  const aml_nodeset first = aml_nodeset_of(0);
  AML_BINDING_INTERLEAVE_DECL(binding);
  if (aml_binding_interleave_init(binding, &first) != 0)
    state.SkipWithError(aml_error_detail());
  for (auto _ : state)
    if (aml_binding_verify(binding, memory.area(), memory.start(), memory.size(), &report) != 0)
      state.SkipWithError(aml_error_detail());
  if (report.right_size + report.wrong_size != memory.size())
    state.SkipWithError("pages are not present that were touched");
  aml_binding_fini(binding);
}

void BM_BindingCyclic_VerifyTiles(benchmark::State &state) {
  static aml_binding_report report;
  Memory memory(state);
  std::memset(memory.start(), 1, memory.size());
  Cyclic cyclic = {{&kCyclicOps}, 1};
  AML_TILING_1D_DECL(tiling);
  aml_tile datum = aml_tile_bytes(memory.start(), memory.size());
  datum.area = memory.area();
  if (aml_tiling_1d_init(tiling, memory.size(), 1, kTile) != 0)
    state.SkipWithError(aml_error_detail());
  for (auto _ : state)
    if (aml_binding_verify_tiled(&cyclic.binding, tiling, &datum, &report) != 0)
      state.SkipWithError(aml_error_detail());
}

constexpr int64_t kSize = 1 << 30;

BENCHMARK(BM_Baseline_MbindInterleave)->Arg(kSize);
BENCHMARK(BM_BindingInterleave_Apply)->Arg(kSize);
BENCHMARK(BM_Baseline_MbindTiles)->Arg(kSize);
BENCHMARK(BM_BindingCyclic_ApplyPages)->Arg(kSize);
BENCHMARK(BM_BindingCyclic_ApplyTiles)->Arg(kSize);
BENCHMARK(BM_Baseline_QueryPages)->Arg(kSize)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_BindingInterleave_Verify)->Arg(kSize)->Unit(benchmark::kMillisecond);
BENCHMARK(BM_BindingCyclic_VerifyTiles)->Arg(kSize)->Unit(benchmark::kMillisecond);

} // namespace
