// SPDX-License-Identifier: BSD-3-Clause
//
// scratchpad:sequential over an area and a dma of which each call fails in turn: what was written
// to a tile is in its slot or in the datum at any time, and reaches the datum in the end.

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>
#include <string>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/scratchpad.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/dma/sequential.h"
#include "aml/scratchpad/sequential.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/fault/dma.h"
#include "aml/tests/support/page_area.h"
#include "aml/tiling/1d.h"

namespace {

constexpr size_t kTiles = 6;
constexpr size_t kTileCount = 10;

class ScratchpadSequentialFault : public testing::Test {
protected:
  void SetUp() override {
    const size_t extent[] = {data_.size()};
    ASSERT_EQ(0, aml_area_fault_create(&area_, pages_.get(), 0));
    ASSERT_EQ(0, aml_dma_sequential_create(&copier_, nullptr));
    ASSERT_EQ(0, aml_dma_fault_create(&dma_, copier_));
    ASSERT_EQ(0, aml_tiling_1d_create(&tiling_, data_.size(), sizeof(int), kTileCount));
    ASSERT_EQ(
        0, aml_tile_dense(&datum_, nullptr, data_.data(), sizeof(int), 1, extent, AML_ORDER_ROW));
  }

  void TearDown() override {
    aml_scratchpad_destroy(&pad_);
    aml_tiling_destroy(&tiling_);
    aml_dma_destroy(&dma_);
    aml_dma_destroy(&copier_);
    EXPECT_EQ(0u, aml_area_fault_live(area_));
    aml_area_destroy(&area_);
  }

  int Create() {
    aml_scratchpad_sequential_options options = {};
    options.slot_count = 2;
    return aml_scratchpad_sequential_create(&pad_, area_, &datum_, tiling_, dma_, &options);
  }

  aml_scratchpad_stats Stats() {
    aml_scratchpad_stats stats = {};
    EXPECT_EQ(0, aml_scratchpad_get_stats(pad_, &stats));
    EXPECT_EQ(0, aml_scratchpad_validate(pad_)) << aml_error_detail();
    return stats;
  }

  int Pull(size_t id, int **values) {
    const aml_tile *tile = nullptr;
    const int err = aml_scratchpad_pull(pad_, id, 0, &tile);
    if (!err)
      *values = static_cast<int *>(tile->base);
    return err;
  }

  // Writes to a tile by way of the scratchpad.
  void Write(size_t id, int value) {
    int *values = nullptr;
    ASSERT_EQ(0, Pull(id, &values)) << aml_error_detail();
    values[3] = value;
    ASSERT_EQ(0, aml_scratchpad_release(pad_, id, true));
  }

  int &InDatum(size_t id) { return data_[id * kTileCount + 3]; }

  PageArea pages_;
  std::array<int, kTiles * kTileCount> data_{};
  aml_area *area_ = nullptr;
  aml_dma *copier_ = nullptr;
  aml_dma *dma_ = nullptr;
  aml_tiling *tiling_ = nullptr;
  aml_tile datum_{};
  aml_scratchpad *pad_ = nullptr;
};

TEST_F(ScratchpadSequentialFault, CreateSurvivesEachFailureOfItsArea) {
  size_t nth = 1;
  for (;; ++nth) {
    aml_area_fault_arm(area_, AML_AREA_FAULT_ALL, nth, 1, -AML_EPERM);
    const int err = Create();
    if (aml_area_fault_disarm(area_) == 0)
      break;
    EXPECT_EQ(-AML_EPERM, err);
    EXPECT_EQ(nullptr, pad_);
    EXPECT_EQ(0u, aml_area_fault_live(area_));
  }
  EXPECT_LT(1u, nth);
  Write(0, 7);
  EXPECT_EQ(0, aml_scratchpad_flush(pad_));
  EXPECT_EQ(7, InDatum(0));
}

TEST_F(ScratchpadSequentialFault, APullThatFailsPinsNothing) {
  ASSERT_EQ(0, Create());
  int *values = nullptr;
  for (const unsigned how : {AML_DMA_FAULT_SUBMIT, AML_DMA_FAULT_TRANSFER}) {
    aml_dma_fault_arm(dma_, how, 1, 1, -AML_EIO);
    EXPECT_EQ(-AML_EIO, Pull(4, &values));
    EXPECT_EQ(nullptr, values);
    EXPECT_EQ(1u, aml_dma_fault_disarm(dma_));
    const aml_scratchpad_stats stats = Stats();
    EXPECT_EQ(0u, stats.used_slots) << "a tile that was not read is in no slot";
    EXPECT_EQ(0u, stats.pinned_slots);
    EXPECT_EQ(-AML_EINVAL, aml_scratchpad_release(pad_, 4, false));
  }
  EXPECT_EQ(2u, Stats().failures);
  InDatum(4) = 44;
  ASSERT_EQ(0, Pull(4, &values));
  EXPECT_EQ(44, values[3]);
  EXPECT_EQ(0, aml_scratchpad_release(pad_, 4, false));
}

TEST_F(ScratchpadSequentialFault, AWriteBackThatFailsKeepsTheTile) {
  ASSERT_EQ(0, Create());
  Write(0, 10);
  Write(1, 11);
  for (const unsigned how : {AML_DMA_FAULT_SUBMIT, AML_DMA_FAULT_TRANSFER}) {
    int *values = nullptr;
    aml_dma_fault_arm(dma_, how, 1, 1, -AML_ENOSPC);
    EXPECT_EQ(-AML_ENOSPC, Pull(2, &values)) << "it would have evicted tile 0";
    EXPECT_EQ(1u, aml_dma_fault_disarm(dma_));
    EXPECT_EQ(0, InDatum(0));
    EXPECT_EQ(2u, Stats().dirty_slots);
    EXPECT_EQ(0u, Stats().pinned_slots);
    ASSERT_EQ(0, Pull(0, &values));
    EXPECT_EQ(10, values[3]) << "it still is in its slot";
    EXPECT_EQ(0, aml_scratchpad_release(pad_, 0, false));
    EXPECT_EQ(2u, Stats().dirty_slots) << "clean releases do not make a dirty tile clean";
    ASSERT_EQ(0, Pull(1, &values));
    EXPECT_EQ(0, aml_scratchpad_release(pad_, 1, false));
  }
  Write(2, 12);
  EXPECT_EQ(10, InDatum(0)) << "the next eviction wrote it back";
}

TEST_F(ScratchpadSequentialFault, ATileThatCannotBeWrittenDoesNotBlockTheOthers) {
  ASSERT_EQ(0, Create());
  Write(0, 10);
  int *values = nullptr;
  ASSERT_EQ(0, Pull(1, &values));
  ASSERT_EQ(0, aml_scratchpad_release(pad_, 1, false));
  aml_dma_fault_arm(dma_, AML_DMA_FAULT_TRANSFER, 1, 1, -AML_ENOSPC);
  ASSERT_EQ(0, Pull(2, &values)) << "tile 1, which is clean, leaves instead of tile 0";
  EXPECT_EQ(1u, aml_dma_fault_disarm(dma_));
  EXPECT_EQ(0, aml_scratchpad_release(pad_, 2, false));
  EXPECT_EQ(1u, Stats().failures);
  EXPECT_EQ(1u, Stats().dirty_slots);
  EXPECT_EQ(0, InDatum(0));
  EXPECT_EQ(0, aml_scratchpad_flush(pad_));
  EXPECT_EQ(10, InDatum(0));
}

TEST_F(ScratchpadSequentialFault, APushThatFailsLeavesTheTileDirty) {
  ASSERT_EQ(0, Create());
  Write(3, 33);
  aml_dma_fault_arm(dma_, AML_DMA_FAULT_TRANSFER, 1, 1, -AML_EIO);
  EXPECT_EQ(-AML_EIO, aml_scratchpad_push(pad_, 3));
  EXPECT_EQ(1u, Stats().dirty_slots);
  EXPECT_EQ(0, InDatum(3));
  EXPECT_EQ(0, aml_scratchpad_push(pad_, 3));
  EXPECT_EQ(33, InDatum(3));
  EXPECT_EQ(0u, Stats().dirty_slots);
  EXPECT_EQ(1u, aml_dma_fault_disarm(dma_));
}

TEST_F(ScratchpadSequentialFault, AFlushTriesAllAndReportsTheFirstFailure) {
  ASSERT_EQ(0, Create());
  for (size_t nth = 1; nth <= 2; ++nth) {
    Write(0, static_cast<int>(100 + nth));
    Write(1, static_cast<int>(200 + nth));
    aml_dma_fault_arm(dma_, AML_DMA_FAULT_TRANSFER, nth, 1, -AML_EIO);
    EXPECT_EQ(-AML_EIO, aml_scratchpad_flush(pad_));
    EXPECT_EQ(1u, aml_dma_fault_disarm(dma_));
    EXPECT_EQ(1u, Stats().dirty_slots) << "the other one was written";
    EXPECT_EQ(0, aml_scratchpad_flush(pad_));
    EXPECT_EQ(static_cast<int>(100 + nth), InDatum(0));
    EXPECT_EQ(static_cast<int>(200 + nth), InDatum(1));
  }
}

TEST_F(ScratchpadSequentialFault, APrefetchThatFailsLeavesNoHalfReadTile) {
  ASSERT_EQ(0, Create());
  InDatum(5) = 55;
  aml_dma_fault_arm(dma_, AML_DMA_FAULT_TRANSFER, 1, 1, -AML_EIO);
  EXPECT_EQ(-AML_EIO, aml_scratchpad_prefetch(pad_, 5));
  EXPECT_EQ(1u, aml_dma_fault_disarm(dma_));
  EXPECT_EQ(0u, Stats().used_slots);
  int *values = nullptr;
  ASSERT_EQ(0, Pull(5, &values));
  EXPECT_EQ(55, values[3]);
  EXPECT_EQ(0, aml_scratchpad_release(pad_, 5, false));
}

// A random walk in which about each fifth transfer fails. The model holds what each tile's value is
// to its user; what a call that failed would have done has not happened.
TEST_F(ScratchpadSequentialFault, NothingDirtyIsEverLost) {
  ASSERT_EQ(0, Create());
  std::mt19937 random(7);
  std::array<int, kTiles> model{};
  size_t failures = 0;
  for (int step = 1; step <= 5000; ++step) {
    const size_t id = random() % kTiles;
    int *values = nullptr;
    aml_dma_fault_arm(dma_, random() % 2 == 0 ? AML_DMA_FAULT_SUBMIT : AML_DMA_FAULT_TRANSFER,
                      1 + random() % 5, 1, -AML_EIO);
    switch (random() % 8) {
    case 0:
      (void)!aml_scratchpad_push(pad_, id);
      break;
    case 1:
      (void)!aml_scratchpad_flush(pad_);
      break;
    case 2:
      (void)!aml_scratchpad_prefetch(pad_, id);
      break;
    default:
      if (Pull(id, &values) != 0)
        break;
      ASSERT_EQ(model[id], values[3]) << "step " << step;
      if (random() % 2 == 0)
        model[id] = values[3] = step;
      ASSERT_EQ(0, aml_scratchpad_release(pad_, id, model[id] == step));
    }
    failures += aml_dma_fault_disarm(dma_);
    Stats();
  }
  EXPECT_LT(500u, failures);
  ASSERT_EQ(0, aml_scratchpad_flush(pad_));
  for (size_t id = 0; id < kTiles; ++id)
    EXPECT_EQ(model[id], InDatum(id));
}

TEST_F(ScratchpadSequentialFault, DestroyWritesBackWhatItCan) {
  ASSERT_EQ(0, Create());
  Write(0, 1);
  Write(1, 2);
  aml_dma_fault_arm(dma_, AML_DMA_FAULT_TRANSFER, 1, 1, -AML_EIO);
  aml_scratchpad_destroy(&pad_);
  EXPECT_EQ(1u, aml_dma_fault_disarm(dma_));
  EXPECT_EQ(1, (InDatum(0) == 1) + (InDatum(1) == 2));
  EXPECT_EQ(0u, aml_area_fault_live(area_));
}

} // namespace
