// SPDX-License-Identifier: BSD-3-Clause
//
// scratchpad:sequential where the C heap, or the system under its area, has no more.

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/scratchpad.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/dma/sequential.h"
#include "aml/scratchpad/sequential.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tests/support/page_area.h"
#include "aml/tiling/1d.h"

namespace {

constexpr size_t kTiles = 8;
constexpr size_t kTileCount = 16;

class ScratchpadSequentialSystemFault : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(0, aml_dma_sequential_create(&dma_, nullptr));
    ASSERT_EQ(0, aml_tiling_1d_create(&tiling_, data_.size(), sizeof(int), kTileCount));
    const size_t extent[] = {data_.size()};
    ASSERT_EQ(
        0, aml_tile_dense(&datum_, nullptr, data_.data(), sizeof(int), 1, extent, AML_ORDER_ROW));
    options_.slot_count = 2;
  }

  void TearDown() override {
    aml_scratchpad_destroy(&pad_);
    aml_tiling_destroy(&tiling_);
    aml_dma_destroy(&dma_);
    ExpectHeld(before_);
  }

  int Create(aml_scratchpad **pad) {
    return aml_scratchpad_sequential_create(pad, area_.get(), &datum_, tiling_, dma_, &options_);
  }

  // Pulls each tile in turn and makes it dirty.
  int Walk() {
    for (size_t id = 0; id < kTiles; ++id) {
      const aml_tile *tile = nullptr;
      const int err = aml_scratchpad_pull(pad_, id, 0, &tile);
      if (err)
        return err;
      static_cast<int *>(tile->base)[0] = static_cast<int>(id);
      if (aml_scratchpad_release(pad_, id, true) != 0)
        return aml_error_code();
    }
    return aml_scratchpad_flush(pad_);
  }

  const aml_fault_held before_ = aml_fault_system_held();
  PageArea area_;
  std::array<int, kTiles * kTileCount> data_{};
  aml_tile datum_{};
  aml_scratchpad_sequential_options options_{};
  aml_dma *dma_ = nullptr;
  aml_tiling *tiling_ = nullptr;
  aml_scratchpad *pad_ = nullptr;
};

TEST_F(ScratchpadSequentialSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  aml_scratchpad sentinel = {};
  aml_scratchpad *pad = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&] { return Create(&pad); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(-AML_ENOMEM, aml_error_code());
        EXPECT_EQ(&sentinel, pad);
        EXPECT_EQ(0, area_.live());
      });
  EXPECT_EQ(5u, failures) << "the block, three arrays and the slots";
  ASSERT_NE(&sentinel, pad);
  pad_ = pad;
  EXPECT_EQ(0, Walk());
}

TEST_F(ScratchpadSequentialSystemFault, NothingFromThenOnIsTheSame) {
  aml_scratchpad *pad = nullptr;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY | AML_FAULT_FROM_THEN_ON, ENOMEM, [&] { return Create(&pad); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(nullptr, pad);
      });
  EXPECT_EQ(5u, failures);
  pad_ = pad;
}

TEST_F(ScratchpadSequentialSystemFault, AnInitThatFailsLeavesStorageAsDeclared) {
  AML_SCRATCHPAD_SEQUENTIAL_DECL(pad);
  const aml_scratchpad_sequential declared = pad_storage;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM,
      [&] {
        return aml_scratchpad_sequential_init(pad, area_.get(), &datum_, tiling_, dma_, &options_);
      },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(0, std::memcmp(&declared, &pad_storage, sizeof declared));
      });
  EXPECT_EQ(4u, failures);
  aml_scratchpad_fini(pad);
  EXPECT_EQ(0, area_.live());
}

TEST_F(ScratchpadSequentialSystemFault, ItSaysWhichMemoryThereIsNot) {
  aml_scratchpad *pad = nullptr;
  aml_fault_system_arm(AML_FAULT_MALLOC, 1, ENOMEM);
  EXPECT_EQ(-AML_ENOMEM, Create(&pad));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_STREQ("aml_scratchpad_sequential_init: no memory for the table of slots",
               aml_error_detail());
  aml_fault_system_arm(AML_FAULT_MMAP, 1, ENOMEM);
  EXPECT_EQ(-AML_ENOMEM, Create(&pad));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_EQ(0, std::strncmp("aml_area_map: ", aml_error_detail(), 14)) << aml_error_detail();
}

TEST_F(ScratchpadSequentialSystemFault, OnceMadeItTakesNoMemory) {
  ASSERT_EQ(0, Create(&pad_));
  aml_fault_system_arm(AML_FAULT_MEMORY | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  const int err = Walk();
  EXPECT_EQ(0u, aml_fault_system_disarm().seen);
  EXPECT_EQ(0, err);
  for (size_t id = 0; id < kTiles; ++id)
    EXPECT_EQ(static_cast<int>(id), data_[id * kTileCount]);
}

TEST_F(ScratchpadSequentialSystemFault, DestroyGoesOnWhereTheSystemRefusesTheSlots) {
  ASSERT_EQ(0, Create(&pad_));
  const aml_tile *tile = nullptr;
  ASSERT_EQ(0, aml_scratchpad_pull(pad_, 0, 0, &tile));
  void *const slots = tile->base; // the first tile is in the first slot
  static_cast<int *>(slots)[0] = 5;
  ASSERT_EQ(0, aml_scratchpad_release(pad_, 0, true));
  aml_fault_system_arm(AML_FAULT_MUNMAP, 1, ENOMEM);
  aml_scratchpad_destroy(&pad_);
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_EQ(nullptr, pad_);
  EXPECT_EQ(5, data_[0]) << "what was dirty has been written back";
  EXPECT_EQ(1, area_.live());
  EXPECT_EQ(0, aml_area_unmap(area_.get(), slots, 2 * kTileCount * sizeof(int)));
}

} // namespace
