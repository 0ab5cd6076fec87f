// SPDX-License-Identifier: BSD-3-Clause
//
// What the benchmarks of dmas have in common: memory that huge pages can back, and a copy timed
// against its baseline in turn, so that what else the machine does hits both. `ratio` is how many
// times as fast as the baseline a copy is: the median of the pairs.

#ifndef AML_DMA_RATIO_BENCHMARK_H
#define AML_DMA_RATIO_BENCHMARK_H

#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace aml_benchmark {

struct Free {
  void operator()(void *memory) const { std::free(memory); }
};

using Memory = std::unique_ptr<char, Free>;

/** Touched memory, aligned so that huge pages can back it. */
inline Memory Touched(size_t size, int value = 1) {
  constexpr size_t kHuge = size_t{2} << 20;
  const size_t rounded = (size + kHuge - 1) / kHuge * kHuge;
  void *const memory = std::aligned_alloc(kHuge, rounded);
  (void)madvise(memory, rounded, MADV_HUGEPAGE);
  std::memset(memory, value, rounded);
  return Memory(static_cast<char *>(memory));
}

inline double SecondsOf(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/** Times `call` with numbers from *i on, `repeats` times in a row, after `warmup` untimed times. */
template <class Call> double SecondsOf(Call call, int warmup, int repeats, size_t *i) {
  for (int r = 0; r < warmup; ++r)
    call((*i)++);
  benchmark::ClobberMemory();
  const auto start = std::chrono::steady_clock::now();
  for (int r = 0; r < repeats; ++r)
    call((*i)++);
  benchmark::ClobberMemory();
  return SecondsOf(start);
}

/** Several times what the largest cache holds. */
constexpr size_t kManyCaches = size_t{96} << 20;

/** How often `size` bytes go into that. */
inline int RepeatsOf(size_t size) {
  return size < kManyCaches ? static_cast<int>(kManyCaches / size) : 1;
}

inline double MedianOf(std::vector<double> &values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/**
 * Times `baseline` and `copy` in turn, each `repeats` times in a row; both are called with a number
 * that grows, and move `size` bytes a call.
 *
 * @param warmup  how often each is called before that: where caches are cold, as often as fills
 *                them, so that neither has to write back what the other one left there.
 *
 * Returns: how many seconds a call of `copy` takes longer: the median of the pairs.
 */
template <class Baseline, class Copy>
double CompareWith(benchmark::State &state, size_t size, int warmup, int repeats, Baseline baseline,
                   Copy copy) {
  std::vector<double> ratios;
  std::vector<double> added;
  size_t i = 0;
  for (auto _ : state) {
    const double before = SecondsOf(baseline, warmup, repeats, &i);
    const double after = SecondsOf(copy, warmup, repeats, &i);
    state.SetIterationTime(after);
    ratios.push_back(before / after);
    added.push_back((after - before) / repeats);
  }
  state.counters["ratio"] = MedianOf(ratios);
  state.SetBytesProcessed(state.iterations() * repeats * static_cast<int64_t>(size));
  return MedianOf(added);
}

} // namespace aml_benchmark

#endif
