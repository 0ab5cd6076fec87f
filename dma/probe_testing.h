// SPDX-License-Identifier: BSD-3-Clause
//
// A dma for others to be put over in tests: it moves nothing, remembers what it was asked for, and
// does as it is told. Requests are done at submit, or when a test says so.
//
// Threads: one.

#ifndef AML_DMA_PROBE_TESTING_H
#define AML_DMA_PROBE_TESTING_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"

namespace aml_testing {

class ProbeDma {
public:
  ProbeDma() { block_.dma.ops = &kOps; }
  ProbeDma(const ProbeDma &) = delete;

  aml_dma *get() { return &block_.dma; }

  unsigned capabilities = AML_DMA_THREAD_SAFE;
  bool holds = false;       // requests, until Finish() or cancel
  size_t takes = SIZE_MAX;  // so many more requests, and then refuses
  int barrier_result = 0;   // of those to come
  std::vector<size_t> came; // how many requests came at once, those refused included
  int barriers = 0;
  std::vector<aml_dma_request *> held;

  /** Holds up to `requests` at once from now on, in up to `calls`, without memory taken for it. */
  void Hold(size_t calls, size_t requests) {
    came.reserve(calls);
    held.reserve(requests);
    holds = true;
  }

  /** Makes the oldest request that is held done. */
  void Finish(int result = 0) {
    aml_dma_request *const request = held.front();
    held.erase(held.begin());
    aml_dma_request_finish(request, result);
  }

private:
  struct Block {
    aml_dma dma;
    ProbeDma *self;
  };

  static ProbeDma *Self(aml_dma *dma) { return reinterpret_cast<Block *>(dma)->self; }

  static unsigned Capabilities(const aml_dma *dma) {
    return reinterpret_cast<const Block *>(dma)->self->capabilities;
  }

  static int SubmitMany(aml_dma *dma, size_t count, aml_dma_request *const requests[],
                        size_t *taken) {
    ProbeDma *const self = Self(dma);
    self->came.push_back(count);
    for (*taken = 0; *taken < count; ++*taken) {
      if (self->takes == 0)
        return aml_error_set(-AML_EAGAIN, "aml_dma_submit", "dma", "takes no more");
      --self->takes;
      if (self->holds)
        self->held.push_back(requests[*taken]);
      else
        aml_dma_request_finish(requests[*taken], 0);
    }
    return 0;
  }

  static int Submit(aml_dma *dma, aml_dma_request *request) {
    size_t taken;
    return SubmitMany(dma, 1, &request, &taken);
  }

  static int Wait(aml_dma *dma, aml_dma_request *request) {
    while (aml_dma_request_state(request) != AML_DMA_DONE)
      Self(dma)->Finish();
    return 0;
  }

  static int Cancel(aml_dma *dma, aml_dma_request *request) {
    auto &held = Self(dma)->held;
    held.erase(std::find(held.begin(), held.end(), request));
    aml_dma_request_fail(request, -AML_ECANCELED, "it was canceled");
    return 0;
  }

  static int Barrier(aml_dma *dma) {
    ProbeDma *const self = Self(dma);
    ++self->barriers;
    while (!self->held.empty())
      self->Finish();
    return self->barrier_result == 0
               ? 0
               : aml_error_set(self->barrier_result, "aml_dma_barrier", "dma", "fails");
  }

  static void Fini(aml_dma *) {}

  static aml_dma_ops MakeOps() {
    aml_dma_ops ops = {};
    ops.name = "probe";
    ops.fini = Fini;
    ops.capabilities = Capabilities;
    ops.submit = Submit;
    ops.wait = Wait;
    ops.cancel = Cancel;
    ops.barrier = Barrier;
    ops.submit_many = SubmitMany;
    return ops;
  }

  static inline const aml_dma_ops kOps = MakeOps();

  Block block_{{}, this};
};

/** A request to copy some bytes, which a probe does not touch. */
struct Asked {
  explicit Asked(size_t size = 64, aml_area *dst_area = nullptr, aml_area *src_area = nullptr)
      : dst(aml_tile_bytes(reinterpret_cast<void *>(uintptr_t{4096}), size)), src(dst) {
    dst.area = dst_area;
    src.area = src_area;
  }
  Asked(const Asked &) = delete;

  int Submit(aml_dma *dma, const aml_dma_options *options = nullptr) {
    return aml_dma_submit(dma, &request, &dst, &src, options);
  }
  aml_dma_transfer transfer(const aml_dma_options *options = nullptr) {
    return {&request, &dst, &src, options};
  }
  aml_dma_state state() const { return aml_dma_request_state(&request); }

  aml_tile dst;
  aml_tile src;
  aml_dma_request request{};
};

/** Requests that are submitted at once, and do not all end well. */
class Batch {
public:
  enum { kAnswers = 6 };

  Batch(size_t count, size_t size) {
    while (transfers_.size() < count)
      transfers_.push_back(asked_.emplace_back(size).transfer());
  }
  Asked &first() { return asked_.front(); }

  /**
   * Of all, one is called off, one fails, and the others end with a barrier, which fails; then two
   * are taken. `probe` is what is below, and holds. Returns: how many answers were right.
   */
  int GoWrong(aml_dma *dma, ProbeDma &probe) {
    size_t count = 0;
    int right = 0;
    probe.barrier_result = -AML_EIO;
    probe.takes = transfers_.size();
    right += Submit(dma, &count) == 0 && count == transfers_.size();
    right += aml_dma_cancel(&asked_[1].request) == 0;
    probe.Finish(-AML_EIO);
    right += aml_dma_wait(&first().request) == -AML_EIO;
    right += aml_dma_barrier(dma) == -AML_EIO && asked_.back().state() == AML_DMA_DONE;
    probe.takes = 2;
    right += Submit(dma, &count) == -AML_EAGAIN && count == 2;
    right += aml_dma_barrier(dma) == -AML_EIO;
    return right;
  }

private:
  int Submit(aml_dma *dma, size_t *count) {
    return aml_dma_submit_many(dma, transfers_.size(), transfers_.data(), count);
  }

  std::deque<Asked> asked_;
  std::vector<aml_dma_transfer> transfers_;
};

/** Submits all at once. Returns: as aml_dma_submit_many(). */
template <class Requests>
int SubmitAll(aml_dma *dma, Requests &requests, size_t *taken,
              const aml_dma_options *options = nullptr) {
  std::vector<aml_dma_transfer> batch;
  for (Asked &asked : requests)
    batch.push_back(asked.transfer(options));
  return aml_dma_submit_many(dma, batch.size(), batch.data(), taken);
}

} // namespace aml_testing

#endif
