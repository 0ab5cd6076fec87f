// SPDX-License-Identifier: BSD-3-Clause
//
// What a probe of one CPU says, beside loops that anybody would write, on the same CPU and on as
// much memory: `ratio` is the probe's figure by the loop's, taken in turns. Time is of both.

#include "aml/core/probe.h"

#include <benchmark/benchmark.h>
#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

#include "aml/core/cpuset.h"
#include "aml/core/error.h"
#include "aml/core/probe_testing.h"

namespace {

constexpr size_t kHuge = size_t{2} << 20;
constexpr size_t kLine = 64;
constexpr unsigned kTimeMs = 20;

// Binds the thread to one CPU until the benchmark ends.
class Pinned {
public:
  Pinned() : cpu_(SomeCpus(1)) {
    sched_getaffinity(0, sizeof before_, before_);
    cpu_set_t set[AML_CPUSET_CAPACITY / CPU_SETSIZE] = {};
    CPU_SET_S(static_cast<size_t>(aml_cpuset_at(&cpu_, 0)), sizeof set, set);
    sched_setaffinity(0, sizeof set, set);
  }
  Pinned(const Pinned &) = delete;
  ~Pinned() { sched_setaffinity(0, sizeof before_, before_); }
  const aml_cpuset &cpu() const { return cpu_; }

private:
  aml_cpuset cpu_;
  cpu_set_t before_[AML_CPUSET_CAPACITY / CPU_SETSIZE] = {};
};

// Memory in huge pages, written once.
class Memory {
public:
  explicit Memory(size_t size) : size_(size + kHuge) {
    mapping_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping_ == MAP_FAILED)
      return;
    madvise(mapping_, size_, MADV_HUGEPAGE);
    std::memset(mapping_, 1, size_);
  }
  Memory(const Memory &) = delete;
  ~Memory() {
    if (mapping_ != MAP_FAILED)
      munmap(mapping_, size_);
  }
  char *get() const {
    const auto start = reinterpret_cast<uintptr_t>(mapping_);
    return mapping_ == MAP_FAILED ? nullptr
                                  : static_cast<char *>(mapping_) + (-start & (kHuge - 1));
  }

private:
  size_t size_;
  void *mapping_;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

// MiB/s of calls that go over `size` bytes each, for as long as the probe.
double Bandwidth(size_t size, const std::function<void()> &pass) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  std::chrono::duration<double> elapsed{};
  double bytes = 0;
  do {
    pass();
    bytes += static_cast<double>(size);
    elapsed = Clock::now() - start;
  } while (elapsed < std::chrono::milliseconds(kTimeMs));
  return bytes / (1 << 20) / elapsed.count();
}

void Report(benchmark::State &state, const std::vector<double> &probed,
            const std::vector<double> &plain) {
  std::vector<double> ratios;
  for (size_t i = 0; i < probed.size(); ++i)
    ratios.push_back(probed[i] / plain[i]);
  state.counters["probe"] = Median(probed);
  state.counters["plain"] = Median(plain);
  state.counters["ratio"] = Median(ratios);
}

// Compares a figure of the probe with what `plain` measures in memory of its own.
void Compare(benchmark::State &state, aml_probe_measurement which,
             const std::function<double(const aml_probe_result &)> &figure,
             const std::function<double(char *, size_t)> &plain) {
  const Pinned pinned;
  const auto size = static_cast<size_t>(state.range(0));
  const Memory memory(size);
  aml_probe_options options = {};
  options.measurements = which;
  options.repetitions = 1;
  options.time_ms = kTimeMs;
  options.size = size;
  std::vector<double> probed;
  std::vector<double> measured;
  if (memory.get() == nullptr)
    state.SkipWithError("no memory");
  for (auto _ : state) {
    aml_probe_result result;
    if (aml_probe(&pinned.cpu(), AML_PROBE_ANY, &options, &result) != 0) {
      state.SkipWithError(aml_error_detail());
      break;
    }
    probed.push_back(figure(result));
    measured.push_back(plain(memory.get(), size));
  }
  Report(state, probed, measured);
}

void BM_CoreProbe_ReadBySum(benchmark::State &state) {
  Compare(
      state, AML_PROBE_READ,
      [](const aml_probe_result &r) { return r.read_bandwidth_mib_s.median; },
      [](char *memory, size_t size) {
        const auto *const words = reinterpret_cast<const uint64_t *>(memory);
        return Bandwidth(size, [=] {
          uint64_t sum = std::accumulate(words, words + size / sizeof *words, uint64_t{0});
          benchmark::DoNotOptimize(sum += 1);
        });
      });
}

void BM_CoreProbe_WriteByMemset(benchmark::State &state) {
  Compare(
      state, AML_PROBE_WRITE,
      [](const aml_probe_result &r) { return r.write_bandwidth_mib_s.median; },
      [](char *memory, size_t size) {
        return Bandwidth(size, [=] {
          std::memset(memory, 2, size);
          benchmark::ClobberMemory();
        });
      });
}

void BM_CoreProbe_NontemporalWriteByMemset(benchmark::State &state) {
  Compare(
      state, AML_PROBE_NONTEMPORAL_WRITE,
      [](const aml_probe_result &r) { return r.nontemporal_write_bandwidth_mib_s.median; },
      [](char *memory, size_t size) {
        return Bandwidth(size, [=] {
          std::memset(memory, 2, size);
          benchmark::ClobberMemory();
        });
      });
}

void BM_CoreProbe_ReadByMemcpy(benchmark::State &state) {
  Compare(
      state, AML_PROBE_READ,
      [](const aml_probe_result &r) { return r.read_bandwidth_mib_s.median; },
      [](char *memory, size_t size) {
        return Bandwidth(size / 2, [=] {
          std::memcpy(memory, memory + size / 2, size / 2);
          benchmark::ClobberMemory();
        });
      });
}

// Nanoseconds a step, along lines in an order that is shuffled beforehand.
double ChaseByHand(char *memory, size_t size) {
  std::vector<uint32_t> order(size / kLine);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  for (size_t i = 0; i < order.size(); ++i) {
    char *const next = memory + order[(i + 1) % order.size()] * kLine;
    std::memcpy(memory + order[i] * kLine, &next, sizeof next);
  }
  // What the caches hold then is no line of the way.
  std::memset(memory + size, 3, size);
  char *line = memory + order[0] * kLine;
  constexpr size_t kSteps = 10000;
  const double mib_s = Bandwidth(kSteps, [&] {
    for (size_t i = 0; i < kSteps; ++i)
      std::memcpy(&line, line, sizeof(char *));
    benchmark::DoNotOptimize(line += 0);
  });
  return 1e9 / (mib_s * (1 << 20));
}

void BM_CoreProbe_LatencyByHand(benchmark::State &state) {
  Compare(
      state, AML_PROBE_LATENCY, [](const aml_probe_result &r) { return r.read_latency_ns.median; },
      [](char *memory, size_t size) { return ChaseByHand(memory, size / 2); });
}

// What is larger than the caches of most machines, and what is not.
void Sizes(benchmark::internal::Benchmark *it) {
  it->Arg(128 << 20)->Arg(1 << 20)->UseRealTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK(BM_CoreProbe_ReadBySum)->Apply(Sizes);
BENCHMARK(BM_CoreProbe_ReadByMemcpy)->Apply(Sizes);
BENCHMARK(BM_CoreProbe_WriteByMemset)->Apply(Sizes);
BENCHMARK(BM_CoreProbe_NontemporalWriteByMemset)->Apply(Sizes);
BENCHMARK(BM_CoreProbe_LatencyByHand)->Apply(Sizes);

} // namespace
