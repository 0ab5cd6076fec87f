// SPDX-License-Identifier: BSD-3-Clause
//
// An area before another one, for the contract suite of arenas: it keeps account of what the arena
// maps, says where it holds memory, fails when told to, and can pose as memory that the host cannot
// touch.

#ifndef AML_TESTS_CONTRACT_INTERNAL_WATCHED_AREA_H
#define AML_TESTS_CONTRACT_INTERNAL_WATCHED_AREA_H

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/memory.h"

namespace aml_testing {

class WatchedArea {
public:
  /** `base` must outlive it. */
  explicit WatchedArea(aml_area *base) : block_{{&kOps}, this}, base_(base) {}
  WatchedArea(const WatchedArea &) = delete;

  aml_area *get() { return &block_.area; }

  bool IsHostMemory() const {
    const unsigned host = AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE;
    return !hidden_ && (aml_area_capabilities(base_) & host) == host;
  }

  size_t granularity() const {
    aml_area_info info = {};
    return aml_area_get_info(base_, nullptr, &info) || info.granularity == 0 ? 1 : info.granularity;
  }

  /** From now on a touch of fresh memory is a fatal signal. */
  void Hide() { hidden_ = true; }
  void RefuseMaps(bool refuse, int err = -AML_ENOMEM) { refuse_maps_ = refuse ? err : 0; }
  void RefuseUnmaps(bool refuse) { refuse_unmaps_ = refuse; }

  /** Calls of map and unmap. */
  size_t calls() const { return calls_; }

  /** Unmaps of what was not mapped so. */
  size_t wrong() const { return wrong_; }

  /** Bytes mapped now, as they were asked for, rounded up to a multiple. */
  size_t mapped(size_t multiple = 1) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    size_t sum = 0;
    for (const auto &mapping : mappings_)
      sum += (mapping.second + multiple - 1) / multiple * multiple;
    return sum;
  }

  /** Whether a range lies within one mapping. */
  bool Holds(const void *start, size_t size) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto behind = mappings_.upper_bound(NumberOf(start));
    return behind != mappings_.begin() && NumberOf(start) + size <= EndOf(std::prev(behind));
  }

private:
  using Mappings = std::map<uintptr_t, size_t>;

  struct Block {
    aml_area area;
    WatchedArea *self;
  };

  static WatchedArea *Of(aml_area *area) { return reinterpret_cast<Block *>(area)->self; }
  static uintptr_t EndOf(Mappings::const_iterator mapping) {
    return mapping->first + mapping->second;
  }

  static unsigned Capabilities(const aml_area *area) {
    const WatchedArea *const self = reinterpret_cast<const Block *>(area)->self;
    const unsigned host = AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE;
    return aml_area_capabilities(self->base_) & ~(self->hidden_ ? host : 0u);
  }

  static int Map(aml_area *area, size_t size, const aml_area_map_options *options, void **pointer) {
    WatchedArea *const self = Of(area);
    const std::lock_guard<std::mutex> lock(self->mutex_);
    ++self->calls_;
    if (self->refuse_maps_)
      return aml_error_set(self->refuse_maps_, "aml_area_map", "area", "is told to refuse");
    *pointer = aml_area_map(self->base_, size, options);
    if (*pointer == nullptr)
      return aml_error_code();
    if (self->hidden_)
      (void)mprotect(*pointer, size, PROT_NONE);
    self->mappings_[NumberOf(*pointer)] = size;
    return 0;
  }

  static int Unmap(aml_area *area, void *pointer, size_t size) {
    WatchedArea *const self = Of(area);
    const std::lock_guard<std::mutex> lock(self->mutex_);
    ++self->calls_;
    if (self->refuse_unmaps_)
      return aml_error_set(-AML_EBUSY, "aml_area_unmap", "area", "is told to refuse");
    const auto found = self->mappings_.find(NumberOf(pointer));
    if (found == self->mappings_.end() || found->second != size) {
      ++self->wrong_;
      return aml_error_set(-AML_EINVAL, "aml_area_unmap", "pointer", "is no mapping of that size");
    }
    self->mappings_.erase(found);
    return aml_area_unmap(self->base_, pointer, size);
  }

  static int Info(aml_area *area, const void *pointer, aml_area_info *info) {
    const int err = aml_area_get_info(Of(area)->base_, pointer, info);
    if (!err)
      info->capabilities = Capabilities(area);
    return err;
  }

  static aml_area_ops MakeOps() {
    aml_area_ops ops = {};
    ops.name = "watched";
    ops.fini = [](aml_area *) {};
    ops.capabilities = Capabilities;
    ops.map = Map;
    ops.unmap = Unmap;
    ops.info = Info;
    return ops;
  }

  static inline const aml_area_ops kOps = MakeOps();

  Block block_;
  aml_area *base_;
  mutable std::mutex mutex_;
  Mappings mappings_;
  std::atomic<size_t> calls_{0};
  std::atomic<size_t> wrong_{0};
  bool hidden_ = false;
  int refuse_maps_ = 0; // with this code
  bool refuse_unmaps_ = false;
};

} // namespace aml_testing

#endif
