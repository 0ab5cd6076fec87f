// SPDX-License-Identifier: BSD-3-Clause
//
// Two small types of dma that keep their contract, for defects to be planted in: one copies element
// by element at submit, the other keeps requests in a queue and runs them when somebody waits.

#ifndef AML_TESTS_CONTRACT_INTERNAL_LATE_DMA_H
#define AML_TESTS_CONTRACT_INTERNAL_LATE_DMA_H

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/tests/support/laid_tile.h"

namespace aml_testing {

struct Late {
  struct State {
    std::recursive_mutex mutex;
    std::deque<aml_dma_request *> queue;
  };
  using Lock = std::lock_guard<std::recursive_mutex>;

  aml_dma dma;
  State *state; // null: not initialised

  static State *Of(aml_dma *dma) { return reinterpret_cast<Late *>(dma)->state; }

  static int Init(aml_dma *dma) {
    reinterpret_cast<Late *>(dma)->state = new State;
    return 0;
  }

  static void Fini(aml_dma *dma) {
    if (Of(dma) == nullptr)
      return;
    RunAll(dma);
    delete std::exchange(reinterpret_cast<Late *>(dma)->state, nullptr);
  }

  static int Refuse(int err, const char *argument, const char *reason) {
    return aml_error_set(err, "aml_dma_submit", argument, reason);
  }

  static bool IsSame(const aml_tile &a, const aml_tile &b) {
    return a.base == b.base && a.element_size == b.element_size && a.ndims == b.ndims &&
           std::equal(a.extent, a.extent + a.ndims, b.extent) &&
           std::equal(a.stride_bytes, a.stride_bytes + a.ndims, b.stride_bytes);
  }

  static int Check(const aml_dma_request *request) {
    const aml_tile &dst = *request->dst;
    const aml_tile &src = *request->src;
    if (dst.area != nullptr && (aml_area_capabilities(dst.area) & AML_AREA_HOST_WRITABLE) == 0)
      return Refuse(-AML_ENOTSUP, "dst", "cannot be written");
    if (src.area != nullptr && (aml_area_capabilities(src.area) & AML_AREA_HOST_READABLE) == 0)
      return Refuse(-AML_ENOTSUP, "src", "cannot be read");
    if ((request->options->flags & (AML_DMA_OVERLAP | AML_DMA_DISTINCT)) == 0 &&
        !IsSame(dst, src) && aml_tile_may_overlap(&dst, &src))
      return Refuse(-AML_EINVAL, "dst", "overlaps src");
    return 0;
  }

  // Copies by way of a buffer, so that overlap does not matter.
  static int Copy(const aml_dma_request *request) {
    const aml_tile &dst = *request->dst;
    const aml_tile &src = *request->src;
    const aml_dma_operation *const operation = request->options->operation;
    const Extents extent(dst.extent, dst.extent + dst.ndims);
    Bytes buffer;
    int result = 0;
    if (operation == nullptr && aml_tile_is_contiguous(&dst) && aml_tile_is_contiguous(&src)) {
      std::memmove(dst.base, src.base, aml_tile_size(&dst));
      return 0;
    }
    ForEachElement(extent, [&](const size_t *coords) {
      const auto *const from = static_cast<unsigned char *>(aml_tile_address(&src, coords));
      if (operation == nullptr)
        buffer.insert(buffer.end(), from, from + src.element_size);
      else if (result == 0)
        result = operation->run(aml_tile_address(&dst, coords), from, 1, operation->argument);
    });
    const unsigned char *next = buffer.data();
    if (operation == nullptr)
      ForEachElement(extent, [&](const size_t *coords) {
        std::memcpy(aml_tile_address(&dst, coords), next, dst.element_size);
        next += dst.element_size;
      });
    return result;
  }

  // Runs a request, which no queue holds any more, after those that it comes after.
  static void Run(aml_dma_request *request) {
    int result = aml_dma_request_await_others(request);
    if (result == 0)
      result = Copy(request);
    if (result == 0)
      aml_dma_request_finish(request, 0);
    else
      aml_dma_request_fail(request, result, "the copy failed");
  }

  static int RunAll(aml_dma *dma) {
    const Lock lock(Of(dma)->mutex);
    while (!Of(dma)->queue.empty()) {
      aml_dma_request *const request = Of(dma)->queue.front();
      Of(dma)->queue.pop_front();
      Run(request);
    }
    return 0;
  }

  static int SubmitNow(aml_dma *, aml_dma_request *request) {
    const int err = Check(request);
    if (!err)
      Run(request);
    return err;
  }

  static int Submit(aml_dma *dma, aml_dma_request *request) {
    const int err = Check(request);
    const Lock lock(Of(dma)->mutex);
    if (!err)
      Of(dma)->queue.push_back(request);
    return err;
  }

  static int Wait(aml_dma *dma, aml_dma_request *) { return RunAll(dma); }

  static int Cancel(aml_dma *dma, aml_dma_request *request) {
    const Lock lock(Of(dma)->mutex);
    auto &queue = Of(dma)->queue;
    const auto it = std::find(queue.begin(), queue.end(), request);
    if (it == queue.end())
      return aml_error_set(-AML_EBUSY, "aml_dma_cancel", "request", "is done");
    queue.erase(it);
    aml_dma_request_fail(request, -AML_ECANCELED, "it was canceled");
    return 0;
  }

  static aml_dma_ops MakeOps() {
    aml_dma_ops ops = {};
    ops.name = "late";
    ops.fini = Fini;
    ops.capabilities = [](const aml_dma *) {
      return unsigned{AML_DMA_THREAD_SAFE | AML_DMA_CAN_OVERLAP | AML_DMA_CAN_OPERATE};
    };
    ops.submit = Submit;
    ops.wait = Wait;
    ops.cancel = Cancel;
    ops.poll = RunAll;
    ops.barrier = RunAll;
    return ops;
  }
};

/** Makes late dmas whose operations Defect::Plant() has changed. */
template <class Defect> struct LateFactory {
  static const aml_dma_ops *Ops() {
    static const aml_dma_ops ops = [] {
      aml_dma_ops made = Late::MakeOps();
      Defect::Plant(&made);
      return made;
    }();
    return &ops;
  }

  Late late{{Ops()}, nullptr};
  aml_dma *dma = &late.dma;

  int Init() { return Late::Init(dma); }

  static int Create(aml_dma **created) {
    auto *const made = static_cast<Late *>(std::calloc(1, sizeof(Late)));
    made->dma.ops = Ops();
    *created = &made->dma;
    return Late::Init(*created);
  }
};

} // namespace aml_testing

#endif
