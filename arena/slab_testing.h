// SPDX-License-Identifier: BSD-3-Clause
//
// What tests of arena:slab share: pages of the system that can be purged, what is resident, and one
// arena.

#ifndef AML_ARENA_SLAB_TESTING_H
#define AML_ARENA_SLAB_TESTING_H

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "aml/arena/slab.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/support/page_area.h"

/** A PageArea that can purge, or refuses to. */
class PurgingArea {
public:
  PurgingArea() : block_{{&kOps}, this} {}
  PurgingArea(const PurgingArea &) = delete;

  aml_area *get() { return &block_.area; }
  int live() const { return pages_.live(); }
  size_t purged() const { return purged_; }
  void RefusePurges(bool refuse) { refuse_ = refuse; }

private:
  struct Block {
    aml_area area;
    PurgingArea *self;
  };

  static PurgingArea *Of(aml_area *area) { return reinterpret_cast<Block *>(area)->self; }

  static unsigned Capabilities(const aml_area *area) {
    auto *const self = reinterpret_cast<const Block *>(area)->self;
    return aml_area_capabilities(self->pages_.get()) | AML_AREA_CAN_PURGE;
  }

  static int Map(aml_area *area, size_t size, const aml_area_map_options *options, void **pointer) {
    *pointer = aml_area_map(Of(area)->pages_.get(), size, options);
    return *pointer == nullptr ? aml_error_code() : 0;
  }

  static int Unmap(aml_area *area, void *pointer, size_t size) {
    return aml_area_unmap(Of(area)->pages_.get(), pointer, size);
  }

  static int Info(aml_area *area, const void *pointer, aml_area_info *info) {
    const int err = aml_area_get_info(Of(area)->pages_.get(), pointer, info);
    info->capabilities = Capabilities(area);
    return err;
  }

  static int Purge(aml_area *area, void *pointer, size_t size) {
    if (Of(area)->refuse_ || madvise(pointer, size, MADV_DONTNEED) != 0)
      return aml_error_set(-AML_ENOTSUP, "aml_area_purge", "area", "is told to refuse");
    Of(area)->purged_ += size;
    return 0;
  }

  static aml_area_ops MakeOps() {
    aml_area_ops ops = {};
    ops.name = "purging";
    ops.fini = [](aml_area *) {};
    ops.capabilities = Capabilities;
    ops.map = Map;
    ops.unmap = Unmap;
    ops.info = Info;
    ops.purge = Purge;
    return ops;
  }

  static inline const aml_area_ops kOps = MakeOps();

  Block block_;
  PageArea pages_;
  std::atomic<size_t> purged_{0};
  std::atomic<bool> refuse_{false};
};

/** Checks the arena, and tells what it holds. */
inline aml_arena_stats ValidStats(const aml_arena *arena) {
  aml_arena_stats stats = {};
  EXPECT_EQ(0, aml_arena_get_stats(arena, &stats)) << aml_error_detail();
  EXPECT_EQ(0, aml_arena_validate(arena)) << aml_error_detail();
  return stats;
}

/** Whether a page is in memory; false, too, if nothing is mapped there. */
inline bool IsResident(const void *pointer) {
  unsigned char there = 0;
  const auto number = reinterpret_cast<uintptr_t>(pointer) & ~(PageArea::kPage - 1);
  return mincore(reinterpret_cast<void *>(number), PageArea::kPage, &there) == 0 &&
         (there & 1) != 0;
}

/** A test that makes one arena over such an area, and ends it. */
class SlabTest : public testing::Test {
protected:
  void Make(const aml_arena_slab_options &options = {}) {
    ASSERT_EQ(0, aml_arena_slab_create(&arena_, area_.get(), &options)) << aml_error_detail();
  }
  void TearDown() override {
    aml_arena_destroy(&arena_);
    EXPECT_EQ(0, area_.live());
  }

  char *Alloc(size_t size, size_t alignment = 0, unsigned flags = 0) {
    void *const block = aml_arena_alloc(arena_, size, alignment, flags);
    EXPECT_NE(nullptr, block) << aml_error_detail();
    return static_cast<char *>(block);
  }
  void Free(void *block) { aml_arena_free(arena_, block); }

  /** Allocates at most so many blocks, as far as they can be had, and frees them. Returns: how
   * many. */
  size_t Use(size_t size, size_t count) {
    std::vector<void *> blocks;
    while (blocks.size() < count)
      if (void *const block = aml_arena_alloc(arena_, size, 0, 0))
        blocks.push_back(block);
      else
        break;
    for (void *const block : blocks)
      Free(block);
    return blocks.size();
  }
  size_t FillAndEmpty(size_t size) { return Use(size, SIZE_MAX); }

  PurgingArea area_;
  aml_arena *arena_ = nullptr;
};

#endif
