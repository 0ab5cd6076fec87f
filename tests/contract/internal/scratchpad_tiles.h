// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of scratchpads: what is in a tile, how long, and what reaches the datum.

#ifndef AML_TESTS_CONTRACT_INTERNAL_SCRATCHPAD_TILES_H
#define AML_TESTS_CONTRACT_INTERNAL_SCRATCHPAD_TILES_H

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/scratchpad.h"
#include "aml/core/tile.h"
#include "aml/tests/contract/internal/scratchpad_fixture.h"

namespace aml_testing {

TYPED_TEST_P(ScratchpadContract, APulledTileHoldsTheDatums) {
  for (size_t id = 0; id < ScratchpadParts::kTiles; ++id) {
    const aml_tile *tile = nullptr;
    ASSERT_EQ(0, aml_scratchpad_pull(this->pad(), id, 0, &tile)) << aml_error_detail();
    ASSERT_EQ(0, aml_tile_check(tile, "pull", "tile")) << aml_error_detail();
    EXPECT_EQ(1u, tile->ndims);
    EXPECT_EQ(this->parts_.CountOf(id), tile->extent[0]);
    EXPECT_EQ(sizeof(int), tile->element_size);
    EXPECT_EQ(this->parts_.area(), tile->area);
    EXPECT_TRUE(aml_tile_is_contiguous(tile));
    const int *const elements = static_cast<const int *>(tile->base);
    EXPECT_FALSE(this->parts_.IsInDatum(elements)) << "is no slot";
    for (size_t i = 0; i < tile->extent[0]; ++i)
      ASSERT_EQ((&this->parts_.InDatum(id))[i], elements[i]) << "element " << i << " of " << id;
    this->Release(id);
  }
}

TYPED_TEST_P(ScratchpadContract, TwoPullsAreOneTile) {
  int *const first = this->Pull(2);
  EXPECT_EQ(first, this->Pull(2));
  EXPECT_EQ(1u, this->Stats().used_slots);
  EXPECT_EQ(1u, this->Stats().misses) << "two pulls of one tile are one transfer";
  this->Release(2);
  EXPECT_EQ(1u, this->Stats().pinned_slots) << "it was pulled twice";
  this->Release(2);
  EXPECT_EQ(0u, this->Stats().pinned_slots);
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_release(this->pad(), 2, false));
}

TYPED_TEST_P(ScratchpadContract, APinnedTileStaysWhereItIs) {
  int *const pinned = this->Pull(4);
  pinned[0] = 77;
  for (size_t id = 0; id < ScratchpadParts::kTiles; ++id)
    if (id != 4)
      (void)this->Read(id);
  EXPECT_EQ(77, pinned[0]);
  EXPECT_EQ(pinned, this->Pull(4));
  this->Release(4);
  this->Release(4, true);
  this->Evict(4);
  EXPECT_EQ(77, this->parts_.InDatum(4));
}

TYPED_TEST_P(ScratchpadContract, WhenAllSlotsArePinnedATryDoesNotWait) {
  for (size_t id = 0; id < ScratchpadParts::kSlots; ++id)
    (void)this->Pull(id);
  int *elements = nullptr;
  EXPECT_EQ(-AML_EAGAIN, this->TryPull(5, &elements, AML_SCRATCHPAD_TRY));
  EXPECT_EQ(-AML_EAGAIN, aml_error_code());
  EXPECT_EQ(nullptr, elements);
  EXPECT_NE(nullptr, this->Pull(1, AML_SCRATCHPAD_TRY)) << "a hit needs no slot";
  this->Release(1);
  if (!TypeParam::kWaits) {
    EXPECT_EQ(-AML_EDEADLK, this->TryPull(5, &elements));
  }
  EXPECT_EQ(ScratchpadParts::kSlots, this->Stats().pinned_slots);
  this->Release(0);
  EXPECT_NE(nullptr, this->Pull(5, AML_SCRATCHPAD_TRY)) << "a slot is free again";
  for (const size_t id : {1u, 2u, 5u})
    this->Release(id);
}

TYPED_TEST_P(ScratchpadContract, WhatWasWrittenReachesTheDatumWhenItLeaves) {
  for (size_t id = 0; id < ScratchpadParts::kTiles; ++id)
    this->Write(id, static_cast<int>(id) + 1);
  for (size_t id = 0; id < ScratchpadParts::kTiles; ++id) {
    this->Evict(id);
    EXPECT_EQ(static_cast<int>(id) + 1, this->parts_.InDatum(id));
    EXPECT_EQ(static_cast<int>(id) + 1, this->Read(id));
  }
}

TYPED_TEST_P(ScratchpadContract, CleanTilesAreNotWrittenBack) {
  (void)this->Read(0);
  this->parts_.InDatum(0) = 5; // as somebody may do who knows that the tile is clean
  this->Evict(0);
  ASSERT_EQ(0, aml_scratchpad_flush(this->pad()));
  EXPECT_EQ(5, this->parts_.InDatum(0));
  EXPECT_EQ(0u, this->Stats().written_size);
}

TYPED_TEST_P(ScratchpadContract, ADirtyTileStaysSoThroughCleanReleases) {
  int *const elements = this->Pull(0);
  (void)this->Pull(0);
  elements[0] = 5;
  this->Release(0, true);
  this->Release(0, false);
  (void)this->Read(0);
  EXPECT_EQ(1u, this->Stats().dirty_slots);
  ASSERT_EQ(0, aml_scratchpad_flush(this->pad()));
  EXPECT_EQ(5, this->parts_.InDatum(0));
}

TYPED_TEST_P(ScratchpadContract, OverwritingReadsNothing) {
  const uint64_t before = this->Stats().read_size;
  int *const elements = this->Pull(3, AML_SCRATCHPAD_OVERWRITE);
  ASSERT_NE(nullptr, elements);
  EXPECT_EQ(before, this->Stats().read_size);
  for (size_t i = 0; i < this->parts_.CountOf(3); ++i)
    elements[i] = static_cast<int>(i) - 50;
  this->Release(3, true);
  this->Evict(3);
  for (size_t i = 0; i < this->parts_.CountOf(3); ++i)
    EXPECT_EQ(static_cast<int>(i) - 50, (&this->parts_.InDatum(3))[i]);
}

TYPED_TEST_P(ScratchpadContract, WhatWasNotOverwrittenAfterAllIsForgotten) {
  const int before = this->parts_.InDatum(3);
  this->Write(0, 1);
  this->Evict(3);
  (void)this->Pull(3, AML_SCRATCHPAD_OVERWRITE);
  ASSERT_EQ(0, aml_scratchpad_flush(this->pad()));
  ASSERT_EQ(0, aml_scratchpad_push(this->pad(), 3));
  EXPECT_EQ(before, this->parts_.InDatum(3)) << "written back before it was released";
  this->Release(3, false);
  ASSERT_EQ(0, aml_scratchpad_flush(this->pad()));
  EXPECT_EQ(before, this->parts_.InDatum(3));
  EXPECT_EQ(before, this->Read(3)) << "the bytes of the tile that was in the slot before";
}

TYPED_TEST_P(ScratchpadContract, PushWritesBackAndKeeps) {
  int *const elements = this->Pull(6);
  elements[0] = 1;
  EXPECT_EQ(0, aml_scratchpad_push(this->pad(), 6)) << "nothing is known to be dirty yet";
  this->Release(6, true);
  ASSERT_EQ(0, aml_scratchpad_push(this->pad(), 6));
  EXPECT_EQ(1, this->parts_.InDatum(6));
  EXPECT_EQ(0u, this->Stats().dirty_slots);
  EXPECT_EQ(elements, this->Pull(6)) << "it is still in its slot";
  elements[0] = 2;
  this->Release(6, true);
  (void)this->Pull(6);
  ASSERT_EQ(0, aml_scratchpad_push(this->pad(), 6)) << "it may be pinned";
  EXPECT_EQ(2, this->parts_.InDatum(6));
  this->Release(6);
  EXPECT_EQ(0, aml_scratchpad_push(this->pad(), 7)) << "it is in no slot";
}

TYPED_TEST_P(ScratchpadContract, FlushBringsTheDatumUpToDate) {
  this->Write(0, 10);
  this->Write(1, 11);
  int *const pinned = this->Pull(0);
  EXPECT_EQ(2u, this->Stats().dirty_slots);
  ASSERT_EQ(0, aml_scratchpad_flush(this->pad()));
  EXPECT_EQ(10, this->parts_.InDatum(0));
  EXPECT_EQ(11, this->parts_.InDatum(1));
  EXPECT_EQ(0u, this->Stats().dirty_slots);
  EXPECT_EQ(pinned, this->Pull(0));
  this->Release(0);
  this->Release(0);
  const uint64_t written = this->Stats().written_size;
  ASSERT_EQ(0, aml_scratchpad_flush(this->pad()));
  EXPECT_EQ(written, this->Stats().written_size) << "nothing was dirty";
}

TYPED_TEST_P(ScratchpadContract, DropForgetsWhatIsNotPinned) {
  const int before = this->parts_.InDatum(2);
  this->Write(2, 22);
  (void)this->Pull(2);
  EXPECT_EQ(-AML_EBUSY, aml_scratchpad_drop(this->pad(), 2));
  this->Release(2);
  ASSERT_EQ(0, aml_scratchpad_drop(this->pad(), 2));
  EXPECT_EQ(0u, this->Stats().used_slots);
  ASSERT_EQ(0, aml_scratchpad_flush(this->pad()));
  EXPECT_EQ(before, this->parts_.InDatum(2)) << "written back all the same";
  this->parts_.InDatum(2) = 23;
  EXPECT_EQ(23, this->Read(2)) << "not read anew";
  EXPECT_EQ(0, aml_scratchpad_drop(this->pad(), 7)) << "it is in no slot";
}

TYPED_TEST_P(ScratchpadContract, PrefetchingChangesNoContents) {
  EXPECT_EQ(0, aml_scratchpad_prefetch(this->pad(), 5));
  EXPECT_EQ(0u, this->Stats().pinned_slots);
  EXPECT_EQ(this->parts_.InDatum(5), this->Read(5));
  ASSERT_EQ(0, aml_scratchpad_drop(this->pad(), 5));
  for (size_t id = 0; id < ScratchpadParts::kSlots; ++id)
    this->Write(id, static_cast<int>(id) + 50);
  EXPECT_EQ(0, aml_scratchpad_prefetch(this->pad(), 6));
  EXPECT_EQ(0u, this->Stats().pinned_slots);
  for (size_t id = 0; id < ScratchpadParts::kSlots; ++id)
    EXPECT_EQ(static_cast<int>(id) + 50, this->Read(id));
}

TYPED_TEST_P(ScratchpadContract, ARandomWalkAgreesWithAModel) {
  std::mt19937 random(7);
  std::array<int, ScratchpadParts::kTiles> model;
  for (size_t id = 0; id < model.size(); ++id)
    model[id] = this->parts_.InDatum(id);
  std::vector<size_t> pinned;
  for (int step = 1; step <= 3000; ++step) {
    const size_t id = random() % model.size();
    switch (random() % 8) {
    case 0:
      ASSERT_EQ(0, aml_scratchpad_push(this->pad(), id));
      ASSERT_TRUE(this->parts_.InDatum(id) == model[id]) << "step " << step;
      break;
    case 1:
      ASSERT_EQ(0, aml_scratchpad_prefetch(this->pad(), id));
      break;
    case 2:
      if (pinned.size() < ScratchpadParts::kSlots - 1) {
        ASSERT_EQ(model[id], this->Pull(id)[0]);
        pinned.push_back(id);
      }
      break;
    case 3:
      if (!pinned.empty()) {
        this->Release(pinned.back());
        pinned.pop_back();
      }
      break;
    case 4:
      this->Write(id, step);
      model[id] = step;
      break;
    default:
      ASSERT_EQ(model[id], this->Read(id)) << "step " << step;
    }
    (void)this->Stats();
  }
  for (const size_t id : pinned)
    this->Release(id);
  ASSERT_EQ(0, aml_scratchpad_flush(this->pad()));
  for (size_t id = 0; id < model.size(); ++id)
    EXPECT_EQ(model[id], this->parts_.InDatum(id));
}

} // namespace aml_testing

#endif
