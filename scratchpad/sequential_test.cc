// SPDX-License-Identifier: BSD-3-Clause

#include "aml/scratchpad/sequential.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <list>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/scratchpad.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/dma/sequential.h"
#include "aml/tiling/1d.h"

namespace {

constexpr size_t kTileCount = 8; // elements of a tile
constexpr size_t kTiles = 13;    // of the datum; the last one is smaller
constexpr size_t kCount = kTileCount * kTiles - 3;

class ScratchpadSequential : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(0, aml_area_linux_create(&area_, nullptr));
    ASSERT_EQ(0, aml_tiling_1d_create(&tiling_, kCount, sizeof(int), kTileCount));
    ASSERT_EQ(0, aml_dma_sequential_create(&dma_, nullptr));
    std::iota(data_.begin(), data_.end(), 1000);
    const size_t extent[] = {kCount};
    ASSERT_EQ(
        0, aml_tile_dense(&datum_, nullptr, data_.data(), sizeof(int), 1, extent, AML_ORDER_ROW));
  }

  void TearDown() override {
    aml_scratchpad_destroy(&pad_);
    aml_dma_destroy(&dma_);
    aml_tiling_destroy(&tiling_);
    aml_area_destroy(&area_);
  }

  int Create(size_t slots, bool read_only = false) {
    aml_scratchpad_sequential_options options = {};
    options.slot_count = slots;
    options.read_only = read_only;
    return aml_scratchpad_sequential_create(&pad_, area_, &datum_, tiling_, dma_, &options);
  }

  // Pulls a tile, checks its first element, and lets it go.
  void Touch(size_t id) {
    const aml_tile *tile = nullptr;
    ASSERT_EQ(0, aml_scratchpad_pull(pad_, id, 0, &tile)) << aml_error_detail();
    EXPECT_EQ(data_[id * kTileCount], *static_cast<int *>(tile->base));
    ASSERT_EQ(0, aml_scratchpad_release(pad_, id, false));
  }

  // Pulls a tile, fills it with `value`, and lets it go as dirty.
  void Fill(size_t id, int value) {
    const aml_tile *tile = nullptr;
    ASSERT_EQ(0, aml_scratchpad_pull(pad_, id, 0, &tile)) << aml_error_detail();
    std::fill_n(static_cast<int *>(tile->base), aml_tile_count(tile), value);
    ASSERT_EQ(0, aml_scratchpad_release(pad_, id, true));
  }

  aml_scratchpad_stats Stats() {
    aml_scratchpad_stats stats = {};
    EXPECT_EQ(0, aml_scratchpad_get_stats(pad_, &stats));
    EXPECT_EQ(0, aml_scratchpad_validate(pad_)) << aml_error_detail();
    return stats;
  }

  std::array<int, kCount> data_{};
  aml_tile datum_{};
  aml_area *area_ = nullptr;
  aml_tiling *tiling_ = nullptr;
  aml_dma *dma_ = nullptr;
  aml_scratchpad *pad_ = nullptr;
};

TEST_F(ScratchpadSequential, EvictsTheTileThatWasReleasedLeastRecently) {
  ASSERT_EQ(0, Create(3));
  for (const size_t id :
       std::initializer_list<size_t>{0, 1, 2, 0, 3}) // 1 is the oldest when 3 comes
    Touch(id);
  EXPECT_EQ(1u, Stats().hits);
  Touch(0);
  Touch(2);
  EXPECT_EQ(3u, Stats().hits);
  Touch(1);
  const aml_scratchpad_stats stats = Stats();
  EXPECT_EQ(3u, stats.hits);
  EXPECT_EQ(5u, stats.misses);
  EXPECT_EQ(2u, stats.evictions);
}

TEST_F(ScratchpadSequential, AgreesWithAModelOfLeastRecentlyReleased) {
  constexpr size_t kSlots = 5;
  ASSERT_EQ(0, Create(kSlots));
  std::list<size_t> cached; // oldest first
  uint64_t hits = 0;
  std::mt19937 random(7);
  for (int step = 0; step < 20000; ++step) {
    const size_t id = random() % kTiles;
    const size_t before = cached.size();
    cached.remove(id);
    hits += cached.size() < before;
    if (cached.size() == kSlots)
      cached.pop_front();
    cached.push_back(id);
    Touch(id);
  }
  const aml_scratchpad_stats stats = Stats();
  EXPECT_EQ(hits, stats.hits);
  EXPECT_EQ(20000 - hits, stats.misses);
  EXPECT_EQ(stats.misses - kSlots, stats.evictions);
  EXPECT_EQ(kSlots, stats.used_slots);
}

TEST_F(ScratchpadSequential, FindsTilesAmongManyThatCollide) {
  // More ids than a table of 2 * 64 entries has homes, and deletions all the time.
  constexpr size_t kMany = 4096;
  std::vector<uint16_t> many(kMany);
  std::iota(many.begin(), many.end(), uint16_t{0});
  const size_t extent[] = {kMany};
  aml_tile datum;
  ASSERT_EQ(0, aml_tile_dense(&datum, nullptr, many.data(), 2, 1, extent, AML_ORDER_ROW));
  aml_tiling *each = nullptr;
  ASSERT_EQ(0, aml_tiling_1d_create(&each, kMany, 2, 1));
  aml_scratchpad_sequential_options options = {};
  options.slot_count = 64;
  ASSERT_EQ(0, aml_scratchpad_sequential_create(&pad_, area_, &datum, each, dma_, &options));
  std::mt19937 random(3);
  for (int step = 0; step < 20000; ++step) {
    const size_t id = random() % 128 * (random() % 32);
    const aml_tile *tile = nullptr;
    ASSERT_EQ(0, aml_scratchpad_pull(pad_, id, 0, &tile));
    ASSERT_EQ(id, *static_cast<uint16_t *>(tile->base));
    ASSERT_EQ(0, aml_scratchpad_release(pad_, id, false));
    ASSERT_EQ(0, step % 3 == 0 ? aml_scratchpad_drop(pad_, id) : 0);
    ASSERT_EQ(0, step % 64 == 0 ? aml_scratchpad_validate(pad_) : 0) << aml_error_detail();
  }
  aml_scratchpad_destroy(&pad_);
  aml_tiling_destroy(&each);
}

TEST_F(ScratchpadSequential, SaysDeadlockWhenAllSlotsArePinned) {
  ASSERT_EQ(0, Create(2));
  const aml_tile *tile = nullptr;
  ASSERT_EQ(0, aml_scratchpad_pull(pad_, 0, 0, &tile));
  ASSERT_EQ(0, aml_scratchpad_pull(pad_, 1, 0, &tile));
  const aml_tile *untouched = tile;
  EXPECT_EQ(-AML_EDEADLK, aml_scratchpad_pull(pad_, 2, 0, &untouched));
  EXPECT_EQ(-AML_EAGAIN, aml_scratchpad_pull(pad_, 2, AML_SCRATCHPAD_TRY, &untouched));
  EXPECT_EQ(tile, untouched);
  EXPECT_EQ(0, aml_scratchpad_pull(pad_, 1, AML_SCRATCHPAD_TRY, &tile));
  EXPECT_EQ(2u, Stats().pinned_slots);
  for (const size_t id : std::initializer_list<size_t>{0, 1, 1})
    EXPECT_EQ(0, aml_scratchpad_release(pad_, id, false));
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_release(pad_, 1, false));
  Touch(2);
}

TEST_F(ScratchpadSequential, WritesDirtyTilesBackWhenTheyLeave) {
  ASSERT_EQ(0, Create(2));
  Fill(0, -1);
  EXPECT_EQ(1000, data_[0]);
  Touch(1);
  Touch(2);
  for (size_t i = 0; i < kTileCount; ++i)
    EXPECT_EQ(-1, data_[i]);
  EXPECT_EQ(1000 + static_cast<int>(kTileCount), data_[kTileCount]);
  EXPECT_EQ(kTileCount * sizeof(int), Stats().written_size);
}

TEST_F(ScratchpadSequential, TheLastTileEndsWithTheDatum) {
  ASSERT_EQ(0, Create(1));
  Fill(kTiles - 1, -5);
  ASSERT_EQ(0, aml_scratchpad_flush(pad_));
  EXPECT_EQ(-5, data_[kCount - 1]);
  EXPECT_EQ((kTileCount - 3) * sizeof(int), Stats().written_size);
}

TEST_F(ScratchpadSequential, OverwriteDoesNotRead) {
  ASSERT_EQ(0, Create(1));
  const aml_tile *tile = nullptr;
  ASSERT_EQ(0, aml_scratchpad_pull(pad_, 4, AML_SCRATCHPAD_OVERWRITE, &tile));
  EXPECT_EQ(0u, Stats().read_size);
  std::fill_n(static_cast<int *>(tile->base), kTileCount, 9);
  EXPECT_EQ(0u, Stats().dirty_slots) << "nothing was written yet, as far as anybody said";
  ASSERT_EQ(0, aml_scratchpad_release(pad_, 4, true));
  EXPECT_EQ(1u, Stats().dirty_slots);
  Touch(5);
  EXPECT_EQ(9, data_[4 * kTileCount]);
}

TEST_F(ScratchpadSequential, PrefetchOfATileInASlotKeepsItLongest) {
  ASSERT_EQ(0, Create(2));
  Touch(0);
  Touch(1);
  ASSERT_EQ(0, aml_scratchpad_prefetch(pad_, 0));
  Touch(2);
  const uint64_t hits = Stats().hits;
  Touch(0);
  EXPECT_EQ(hits + 1, Stats().hits) << "tile 1 left, not tile 0";
}

TEST_F(ScratchpadSequential, ADeclaredOneIsRefusedByEveryCall) {
  AML_SCRATCHPAD_SEQUENTIAL_DECL(pad);
  const aml_tile *tile = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_pull(pad, 0, 0, &tile));
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_release(pad, 0, false));
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_push(pad, 0));
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_prefetch(pad, 0));
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_drop(pad, 0));
  EXPECT_EQ(0, aml_scratchpad_flush(pad));
  EXPECT_EQ(0, aml_scratchpad_validate(pad));
}

TEST_F(ScratchpadSequential, PrefetchTakesNoSlotFromADirtyTile) {
  ASSERT_EQ(0, Create(2));
  Fill(0, 1);
  Touch(1);
  ASSERT_EQ(0, aml_scratchpad_prefetch(pad_, 2)); // takes the slot of 1
  EXPECT_EQ(1u, Stats().prefetches);
  Touch(2);
  EXPECT_EQ(1u, Stats().hits);
  Fill(2, 2);
  ASSERT_EQ(0, aml_scratchpad_prefetch(pad_, 3)); // both are dirty
  EXPECT_EQ(1u, Stats().prefetches);
  EXPECT_EQ(2u, Stats().dirty_slots);
  ASSERT_EQ(0, aml_scratchpad_prefetch(pad_, 2)); // there already
  EXPECT_EQ(1u, Stats().prefetches);
}

TEST_F(ScratchpadSequential, ReadOnlyRefusesWrites) {
  ASSERT_EQ(0, Create(2, true));
  const aml_tile *tile = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_pull(pad_, 0, AML_SCRATCHPAD_OVERWRITE, &tile));
  ASSERT_EQ(0, aml_scratchpad_pull(pad_, 0, 0, &tile));
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_release(pad_, 0, true));
  EXPECT_EQ(1u, Stats().pinned_slots);
  EXPECT_EQ(0, aml_scratchpad_release(pad_, 0, false));
}

TEST_F(ScratchpadSequential, DropForgetsWhatIsNotPinned) {
  ASSERT_EQ(0, Create(2));
  const aml_tile *tile = nullptr;
  ASSERT_EQ(0, aml_scratchpad_pull(pad_, 0, 0, &tile));
  EXPECT_EQ(-AML_EBUSY, aml_scratchpad_drop(pad_, 0));
  *static_cast<int *>(tile->base) = -7;
  ASSERT_EQ(0, aml_scratchpad_release(pad_, 0, true));
  EXPECT_EQ(0, aml_scratchpad_drop(pad_, 0));
  EXPECT_EQ(0, aml_scratchpad_drop(pad_, 1));
  EXPECT_EQ(0u, Stats().used_slots);
  Touch(0);
  EXPECT_EQ(1000, data_[0]);
}

TEST_F(ScratchpadSequential, RefusesIdsBehindTheLast) {
  ASSERT_EQ(0, Create(2));
  const aml_tile *tile = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_pull(pad_, kTiles, 0, &tile));
  EXPECT_EQ(nullptr, tile);
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_pull(pad_, 0, 1u << 31, &tile));
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_release(pad_, kTiles, false));
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_push(pad_, kTiles));
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_prefetch(pad_, kTiles));
  EXPECT_EQ(-AML_EINVAL, aml_scratchpad_drop(pad_, SIZE_MAX));
  EXPECT_NE(nullptr, std::strstr(aml_error_detail(), "id 18446744073709551615"));
}

TEST_F(ScratchpadSequential, MakesNoMoreSlotsThanThereAreTiles) {
  ASSERT_EQ(0, Create(1000));
  EXPECT_EQ(kTiles, Stats().slots);
  for (size_t id = 0; id < kTiles; ++id)
    Touch(id);
  EXPECT_EQ(0u, Stats().evictions);
}

TEST_F(ScratchpadSequential, DefaultsAreAsDocumented) {
  ASSERT_EQ(0, aml_scratchpad_sequential_create(&pad_, area_, &datum_, tiling_, dma_, nullptr));
  EXPECT_EQ(kTiles, Stats().slots); // fewer than 16
  EXPECT_EQ(64u, Stats().slot_size);
  EXPECT_GE(Stats().metadata_size, kTiles * sizeof(aml_tile));
}

TEST_F(ScratchpadSequential, SlotsAreInTheOrderAskedFor) {
  aml_scratchpad_sequential_options options = {};
  options.order = AML_ORDER_COLUMN;
  options.alignment = 4096;
  ASSERT_EQ(0, aml_scratchpad_sequential_create(&pad_, area_, &datum_, tiling_, dma_, &options));
  const aml_tile *tile = nullptr;
  ASSERT_EQ(0, aml_scratchpad_pull(pad_, 3, 0, &tile));
  EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(tile->base) % 4096);
  EXPECT_EQ(area_, tile->area);
  ASSERT_EQ(0, aml_scratchpad_release(pad_, 3, false));
}

TEST_F(ScratchpadSequential, InitRefusesWhatItCannotWorkWith) {
  AML_SCRATCHPAD_SEQUENTIAL_DECL(pad);
  const auto init = [&](aml_area *area, const aml_tile *datum, aml_tiling *tiling, aml_dma *dma,
                        const aml_scratchpad_sequential_options &options) {
    return aml_scratchpad_sequential_init(pad, area, datum, tiling, dma, &options);
  };
  const aml_scratchpad_sequential_options none = {};
  EXPECT_EQ(-AML_EINVAL, init(nullptr, &datum_, tiling_, dma_, none));
  EXPECT_EQ(-AML_EINVAL, init(area_, nullptr, tiling_, dma_, none));
  EXPECT_EQ(-AML_EINVAL, init(area_, &datum_, nullptr, dma_, none));
  EXPECT_EQ(-AML_EINVAL, init(area_, &datum_, tiling_, nullptr, none));
  aml_tile shorter = datum_;
  --shorter.extent[0];
  EXPECT_EQ(-AML_EINVAL, init(area_, &shorter, tiling_, dma_, none));
  aml_scratchpad_sequential_options options = {};
  options.alignment = 48;
  EXPECT_EQ(-AML_EINVAL, init(area_, &datum_, tiling_, dma_, options));
  options = {};
  std::memset(&options.order, 7, sizeof options.order);
  EXPECT_EQ(-AML_EINVAL, init(area_, &datum_, tiling_, dma_, options));
  options = {};
  options.slot_count = SIZE_MAX; // more than there are tiles
  EXPECT_EQ(0, init(area_, &datum_, tiling_, dma_, options));
  aml_scratchpad_fini(pad);
  options = {};
  options.alignment = size_t{1} << 62;
  EXPECT_EQ(-AML_EOVERFLOW, init(area_, &datum_, tiling_, dma_, options));
  EXPECT_EQ(0, init(area_, &datum_, tiling_, dma_, none));
  aml_scratchpad_fini(pad);
}

TEST_F(ScratchpadSequential, TheInlineFormIsTheGenericOne) {
  ASSERT_EQ(0, Create(2));
  const aml_tile *inlined = nullptr;
  const aml_tile *generic = nullptr;
  ASSERT_EQ(0, aml_scratchpad_sequential_pull(pad_, 6, 0, &inlined));
  ASSERT_EQ(0, aml_scratchpad_pull(pad_, 6, 0, &generic));
  EXPECT_EQ(inlined, generic);
  EXPECT_EQ(1u, Stats().hits);
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(0, aml_scratchpad_release(pad_, 6, false));
}

} // namespace
