// SPDX-License-Identifier: BSD-3-Clause
//
// The fixture of the contract suite of scratchpads (tests/contract/scratchpad.h): a datum of
// integers, cut into tiles, and what a scratchpad of it works with. Areas and dmas fail on demand.

#ifndef AML_TESTS_CONTRACT_INTERNAL_SCRATCHPAD_FIXTURE_H
#define AML_TESTS_CONTRACT_INTERNAL_SCRATCHPAD_FIXTURE_H

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/scratchpad.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/dma/sequential.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/fault/dma.h"
#include "aml/tests/support/page_area.h"
#include "aml/tiling/1d.h"

namespace aml_testing {

/** What a scratchpad is made of. */
class ScratchpadParts {
public:
  static constexpr size_t kTileCount = 11;
  static constexpr size_t kTiles = 8;
  /** Elements; the last tile has three less than the others. */
  static constexpr size_t kCount = kTiles * kTileCount - 3;
  /** What a scratchpad of the suite must have. */
  static constexpr size_t kSlots = 3;

  ScratchpadParts() {
    const size_t extent[] = {kCount};
    EXPECT_EQ(0, aml_area_fault_create(&area_, pages_.get(), 0));
    EXPECT_EQ(0, aml_dma_sequential_create(&copier_, nullptr));
    EXPECT_EQ(0, aml_dma_fault_create(&dma_, copier_));
    EXPECT_EQ(0, aml_tiling_1d_create(&tiling_, kCount, sizeof(int), kTileCount));
    EXPECT_EQ(
        0, aml_tile_dense(&datum_, nullptr, data_.data(), sizeof(int), 1, extent, AML_ORDER_ROW));
    for (size_t i = 0; i < kCount; ++i)
      data_[i] = static_cast<int>(i) + 1000;
  }
  ScratchpadParts(const ScratchpadParts &) = delete;
  ~ScratchpadParts() {
    aml_tiling_destroy(&tiling_);
    aml_dma_destroy(&dma_);
    aml_dma_destroy(&copier_);
    EXPECT_EQ(0u, aml_area_fault_live(area_)) << "mappings that were not given back";
    aml_area_destroy(&area_);
  }

  aml_area *area() { return area_; }
  aml_dma *dma() { return dma_; }
  const aml_tiling *tiling() const { return tiling_; }
  const aml_tile *datum() const { return &datum_; }

  /** The first element of a tile, as the datum has it. */
  int &InDatum(size_t id) { return data_[id * kTileCount]; }
  size_t CountOf(size_t id) const { return id == kTiles - 1 ? kTileCount - 3 : kTileCount; }
  bool IsInDatum(const int *element) const {
    return element >= data_.data() && element < data_.data() + kCount;
  }

private:
  PageArea pages_;
  std::array<int, kCount> data_{};
  aml_area *area_ = nullptr;
  aml_dma *copier_ = nullptr;
  aml_dma *dma_ = nullptr;
  aml_tiling *tiling_ = nullptr;
  aml_tile datum_{};
};

constexpr size_t kNoTiles[] = {ScratchpadParts::kTiles, SIZE_MAX};

template <class Factory> class ScratchpadContract : public testing::Test {
protected:
  void SetUp() override { ASSERT_EQ(0, Init()) << aml_error_detail(); }
  void TearDown() override { aml_scratchpad_fini(pad()); }

  int Init() { return factory_.Init(parts_); }
  aml_scratchpad *pad() { return factory_.scratchpad; }

  aml_scratchpad_stats Stats() {
    aml_scratchpad_stats stats = {};
    EXPECT_EQ(0, aml_scratchpad_get_stats(pad(), &stats));
    EXPECT_EQ(0, aml_scratchpad_validate(pad())) << aml_error_detail();
    EXPECT_LE(stats.used_slots, stats.slots);
    EXPECT_LE(stats.pinned_slots, stats.used_slots);
    EXPECT_LE(stats.dirty_slots, stats.used_slots);
    return stats;
  }

  int TryPull(size_t id, int **elements, unsigned flags = 0) {
    const aml_tile *tile = nullptr;
    const int err = aml_scratchpad_pull(pad(), id, flags, &tile);
    if (!err)
      *elements = static_cast<int *>(tile->base);
    return err;
  }

  /** Pins a tile, and returns its elements. */
  int *Pull(size_t id, unsigned flags = 0) {
    int *elements = nullptr;
    EXPECT_EQ(0, TryPull(id, &elements, flags)) << aml_error_detail();
    return elements;
  }

  void Release(size_t id, bool dirty = false) {
    EXPECT_EQ(0, aml_scratchpad_release(pad(), id, dirty)) << aml_error_detail();
  }

  /** What the scratchpad says that the first element of a tile is. */
  int Read(size_t id) {
    const int *const elements = Pull(id);
    const int value = elements == nullptr ? -1 : elements[0];
    Release(id);
    return value;
  }

  void Write(size_t id, int value) {
    int *const elements = Pull(id);
    ASSERT_NE(nullptr, elements);
    elements[0] = value;
    Release(id, true);
  }

  /** Makes a tile that is not pinned leave, whatever it is that chooses the victim. */
  void Evict(size_t id) {
    for (size_t i = 1; i <= ScratchpadParts::kSlots; ++i)
      (void)Pull((id + i) % ScratchpadParts::kTiles);
    for (size_t i = 1; i <= ScratchpadParts::kSlots; ++i)
      Release((id + i) % ScratchpadParts::kTiles);
  }

  ScratchpadParts parts_;
  Factory factory_;
};

TYPED_TEST_SUITE_P(ScratchpadContract);

} // namespace aml_testing

#endif
