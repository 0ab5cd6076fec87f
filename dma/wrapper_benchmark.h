// SPDX-License-Identifier: BSD-3-Clause
//
// What a dma over another one adds to a request: copies through both in turn. `ratio` is how many
// times as fast as the inner dma the outer one is, `added_ns` what a request takes longer.
//
// The first argument is bytes per request, the second how many requests go together.

#ifndef AML_DMA_WRAPPER_BENCHMARK_H
#define AML_DMA_WRAPPER_BENCHMARK_H

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/tile.h"
#include "aml/dma/ratio_benchmark.h"

namespace aml_benchmark {

/** Copies of one size that are submitted together. */
class Batch {
public:
  Batch(size_t size, size_t count)
      : size_(size), from_(Touched(size, 1)), to_(Touched(size * count, 2)), dst_(count),
        requests_(count), transfers_(count) {
    src_ = aml_tile_bytes(from_.get(), size);
    for (size_t i = 0; i < count; ++i) {
      dst_[i] = aml_tile_bytes(to_.get() + i * size, size);
      transfers_[i] = {&requests_[i], &dst_[i], &src_, nullptr};
    }
  }

  void Copy(aml_dma *dma) {
    int err = 0;
    if (transfers_.size() == 1) {
      err = aml_dma_copy(dma, &dst_[0], &src_, nullptr);
    } else {
      err = aml_dma_submit_many(dma, transfers_.size(), transfers_.data(), nullptr);
      for (aml_dma_request &request : requests_)
        err |= aml_dma_wait(&request);
    }
    if (err != 0)
      std::abort();
  }

  bool HasHappened() const {
    for (const aml_tile &dst : dst_)
      if (std::memcmp(dst.base, from_.get(), size_) != 0)
        return false;
    return true;
  }

private:
  size_t size_;
  Memory from_;
  Memory to_;
  aml_tile src_;
  std::vector<aml_tile> dst_;
  std::vector<aml_dma_request> requests_;
  std::vector<aml_dma_transfer> transfers_;
};

inline void CompareWithInner(benchmark::State &state, aml_dma *inner, aml_dma *outer) {
  const auto size = static_cast<size_t>(state.range(0));
  const auto count = static_cast<size_t>(state.range(1));
  Batch batch(size, count);
  batch.Copy(outer);
  if (!batch.HasHappened())
    return state.SkipWithError("nothing was copied");
  const int repeats = static_cast<int>(1 + 5000 / count);
  const double added = CompareWith(
      state, size * count, 1, repeats, [&](size_t) { batch.Copy(inner); },
      [&](size_t) { batch.Copy(outer); });
  state.counters["added_ns"] = added * 1e9 / static_cast<double>(count);
}

} // namespace aml_benchmark

#endif
