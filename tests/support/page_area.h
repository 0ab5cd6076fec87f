// SPDX-License-Identifier: BSD-3-Clause
//
// An area for tests of those who use areas: pages of the system, without libnuma. It counts its
// mappings, and can pose as memory that the host cannot touch. To make it fail, put
// tests/fault/area.h over it.

#ifndef AML_TESTS_SUPPORT_PAGE_AREA_H
#define AML_TESTS_SUPPORT_PAGE_AREA_H

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "aml/core/area.h"
#include "aml/core/error.h"

class PageArea {
public:
  static constexpr size_t kPage = 4096;

  PageArea() { block_.area.ops = &kOps; }
  PageArea(const PageArea &) = delete;
  ~PageArea() = default;

  aml_area *get() { return &block_.area; }

  /** Mappings that were not given back. */
  int live() const { return block_.live; }

  /** From now on a touch of fresh memory is a fatal signal. */
  void Hide() { block_.hidden = true; }

private:
  struct Block {
    aml_area area;
    std::atomic<int> live{0};
    std::atomic<bool> hidden{false};
  };

  static Block *BlockOf(aml_area *area) { return reinterpret_cast<Block *>(area); }

  static size_t RoundUp(size_t size) { return (size + kPage - 1) & ~(kPage - 1); }

  static unsigned Capabilities(const aml_area *area) {
    return reinterpret_cast<const Block *>(area)->hidden
               ? static_cast<unsigned>(AML_AREA_ZEROED)
               : AML_AREA_ZEROED | AML_AREA_HOST_READABLE | AML_AREA_HOST_WRITABLE;
  }

  static int Map(aml_area *area, size_t size, const aml_area_map_options *options, void **pointer) {
    Block *const block = BlockOf(area);
    if (options->alignment > kPage)
      return aml_error_set(-AML_EINVAL, "aml_area_map", "alignment", "is more than a page");
    const int access = block->hidden ? PROT_NONE : PROT_READ | PROT_WRITE;
    void *const pages = size > SIZE_MAX / 2 ? MAP_FAILED
                                            : mmap(nullptr, RoundUp(size), access,
                                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED)
      return aml_error_set(-AML_ENOMEM, "aml_area_map", nullptr, "no pages");
    ++block->live;
    *pointer = pages;
    return 0;
  }

  static int Unmap(aml_area *area, void *pointer, size_t size) {
    if (munmap(pointer, RoundUp(size)) != 0)
      return aml_error_set(-AML_EINVAL, "aml_area_unmap", "pointer", "is refused");
    --BlockOf(area)->live;
    return 0;
  }

  static int Info(aml_area *area, const void *, aml_area_info *info) {
    *info = aml_area_info{};
    info->type = "page";
    info->capabilities = Capabilities(area);
    info->granularity = info->max_alignment = info->page_size = kPage;
    info->size = AML_UNKNOWN;
    info->read_bandwidth_mib_s = info->write_bandwidth_mib_s = AML_UNKNOWN;
    info->read_latency_ns = info->write_latency_ns = AML_UNKNOWN;
    return 0;
  }

  static void Fini(aml_area *) {}

  static aml_area_ops MakeOps() {
    aml_area_ops ops = {};
    ops.name = "page";
    ops.fini = Fini;
    ops.capabilities = Capabilities;
    ops.map = Map;
    ops.unmap = Unmap;
    ops.info = Info;
    return ops;
  }

  static inline const aml_area_ops kOps = MakeOps();

  Block block_{};
};

#endif
