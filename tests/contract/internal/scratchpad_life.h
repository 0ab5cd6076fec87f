// SPDX-License-Identifier: BSD-3-Clause
//
// The contract suite of scratchpads: arguments, statistics, failures, threads, and the end of a
// life.

#ifndef AML_TESTS_CONTRACT_INTERNAL_SCRATCHPAD_LIFE_H
#define AML_TESTS_CONTRACT_INTERNAL_SCRATCHPAD_LIFE_H

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/error.h"
#include "aml/core/scratchpad.h"
#include "aml/tests/contract/internal/refusal.h"
#include "aml/tests/contract/internal/scratchpad_fixture.h"

namespace aml_testing {

TYPED_TEST_P(ScratchpadContract, IdsBehindTheLastAreRefused) {
  aml_scratchpad *const pad = this->pad();
  for (const size_t id : kNoTiles) {
    int *elements = nullptr;
    ExpectRefused("aml_scratchpad_pull: id", [&] { return this->TryPull(id, &elements); });
    EXPECT_EQ(nullptr, elements);
    ExpectRefused("aml_scratchpad_release: id",
                  [&] { return aml_scratchpad_release(pad, id, true); });
    ExpectRefused("aml_scratchpad_push: id", [&] { return aml_scratchpad_push(pad, id); });
    ExpectRefused("aml_scratchpad_prefetch: id", [&] { return aml_scratchpad_prefetch(pad, id); });
    ExpectRefused("aml_scratchpad_drop: id", [&] { return aml_scratchpad_drop(pad, id); });
  }
  EXPECT_EQ(0u, this->Stats().used_slots);
}

TYPED_TEST_P(ScratchpadContract, ReleaseOfWhatIsNotPinnedIsRefused) {
  const auto release = [&] { return aml_scratchpad_release(this->pad(), 1, true); };
  ExpectRefused("aml_scratchpad_release: id", release);
  (void)this->Read(1);
  ExpectRefused("aml_scratchpad_release: id", release);
  EXPECT_EQ(0u, this->Stats().dirty_slots) << "and does not make it dirty";
}

TYPED_TEST_P(ScratchpadContract, StatsCountWhatHappened) {
  const aml_scratchpad_stats fresh = this->Stats();
  EXPECT_EQ(ScratchpadParts::kSlots, fresh.slots);
  EXPECT_GE(fresh.slot_size, ScratchpadParts::kTileCount * sizeof(int));
  EXPECT_EQ(0u, fresh.hits + fresh.misses + fresh.evictions + fresh.read_size + fresh.written_size +
                    fresh.failures + fresh.used_slots);
  (void)this->Read(0);
  (void)this->Read(0);
  this->Write(0, 1);
  EXPECT_EQ(1u, this->Stats().misses);
  EXPECT_EQ(2u, this->Stats().hits);
  EXPECT_EQ(ScratchpadParts::kTileCount * sizeof(int), this->Stats().read_size);
  this->Evict(0);
  const aml_scratchpad_stats stats = this->Stats();
  EXPECT_EQ(3 + ScratchpadParts::kSlots, stats.hits + stats.misses);
  EXPECT_EQ(stats.misses, stats.evictions + stats.used_slots) << "each tile came and may have left";
  EXPECT_EQ(ScratchpadParts::kTileCount * sizeof(int), stats.written_size);
  EXPECT_EQ(0u, stats.dirty_slots);
  EXPECT_EQ(0u, stats.failures);
}

TYPED_TEST_P(ScratchpadContract, APullWhoseReadFailsPinsNothing) {
  int *elements = nullptr;
  aml_dma_fault_arm(this->parts_.dma(), AML_DMA_FAULT_TRANSFER, 1, 1, -AML_EIO);
  EXPECT_EQ(-AML_EIO, this->TryPull(1, &elements));
  EXPECT_EQ(1u, aml_dma_fault_disarm(this->parts_.dma()));
  EXPECT_EQ(nullptr, elements);
  EXPECT_EQ(0u, this->Stats().pinned_slots);
  EXPECT_EQ(1u, this->Stats().failures);
  EXPECT_EQ(this->parts_.InDatum(1), this->Read(1)) << "and the next one reads it";
}

TYPED_TEST_P(ScratchpadContract, AWriteBackThatFailsLosesNothing) {
  for (size_t id = 0; id < ScratchpadParts::kSlots; ++id)
    this->Write(id, static_cast<int>(id) + 1);
  aml_dma_fault_arm(this->parts_.dma(), AML_DMA_FAULT_SUBMIT | AML_DMA_FAULT_TRANSFER, 1, SIZE_MAX,
                    -AML_ENOSPC);
  int *elements = nullptr;
  EXPECT_EQ(-AML_ENOSPC, this->TryPull(6, &elements));
  EXPECT_EQ(-AML_ENOSPC, aml_scratchpad_push(this->pad(), 0));
  EXPECT_EQ(-AML_ENOSPC, aml_scratchpad_flush(this->pad()));
  EXPECT_LT(3u, aml_dma_fault_disarm(this->parts_.dma())) << "a flush tries all";
  EXPECT_EQ(ScratchpadParts::kSlots, this->Stats().dirty_slots);
  for (size_t id = 0; id < ScratchpadParts::kSlots; ++id)
    EXPECT_EQ(static_cast<int>(id) + 1, this->Read(id));
  ASSERT_EQ(0, aml_scratchpad_flush(this->pad()));
  for (size_t id = 0; id < ScratchpadParts::kSlots; ++id)
    EXPECT_EQ(static_cast<int>(id) + 1, this->parts_.InDatum(id));
}

TYPED_TEST_P(ScratchpadContract, CallsThatSucceedLeaveTheLastError) {
  ForgetTheLastError();
  this->Write(0, 1);
  this->Evict(0);
  EXPECT_EQ(0, aml_scratchpad_push(this->pad(), 0));
  EXPECT_EQ(0, aml_scratchpad_prefetch(this->pad(), 0));
  EXPECT_EQ(0, aml_scratchpad_flush(this->pad()));
  EXPECT_EQ(0, aml_scratchpad_drop(this->pad(), 0));
  EXPECT_TRUE(NothingWasRecorded()) << aml_error_detail();
}

// Each thread adds to its own element of any tile, so that only the scratchpad can lose a sum.
TYPED_TEST_P(ScratchpadContract, ThreadsShareAScratchpadThatIsSafe) {
  constexpr size_t kThreads = 2;
  constexpr int kRounds = 2000;
  if (!TypeParam::kIsThreadSafe)
    return;
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (size_t id = 0; id < ScratchpadParts::kTiles; ++id)
    std::fill_n(&this->parts_.InDatum(id), kThreads, 0);
  for (size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < kRounds; ++round) {
        const size_t id = (static_cast<size_t>(round) * (t + 3)) % ScratchpadParts::kTiles;
        int *elements = nullptr;
        failures += this->TryPull(id, &elements) != 0;
        elements[t] += 1;
        failures += aml_scratchpad_release(this->pad(), id, true) != 0;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0, failures);
  ASSERT_EQ(0, aml_scratchpad_flush(this->pad()));
  for (size_t t = 0; t < kThreads; ++t) {
    int sum = 0;
    for (size_t id = 0; id < ScratchpadParts::kTiles; ++id)
      sum += (&this->parts_.InDatum(id))[t];
    EXPECT_EQ(kRounds, sum);
  }
}

TYPED_TEST_P(ScratchpadContract, FiniWritesBackAndGivesTheSlotsBack) {
  this->Write(0, 123);
  EXPECT_LT(0u, aml_area_fault_live(this->parts_.area()));
  aml_scratchpad_fini(this->pad());
  EXPECT_EQ(123, this->parts_.InDatum(0));
  EXPECT_EQ(0u, aml_area_fault_live(this->parts_.area()));
}

TYPED_TEST_P(ScratchpadContract, FiniLeavesStorageAsDeclared) {
  const aml_scratchpad_ops *const ops = this->pad()->ops;
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(this->parts_.InDatum(1), this->Read(1));
    aml_scratchpad_fini(this->pad());
    aml_scratchpad_fini(this->pad());
    ASSERT_EQ(ops, this->pad()->ops);
    ASSERT_EQ(0, this->Init()) << aml_error_detail();
    EXPECT_EQ(0u, this->Stats().used_slots);
  }
}

TYPED_TEST_P(ScratchpadContract, InitWithoutMemoryForSlotsChangesNothing) {
  aml_scratchpad_fini(this->pad());
  aml_area_fault_arm(this->parts_.area(), AML_AREA_FAULT_MAP, 1, SIZE_MAX, -AML_ENOMEM);
  EXPECT_EQ(-AML_ENOMEM, this->Init());
  aml_scratchpad *none = nullptr;
  EXPECT_EQ(-AML_ENOMEM, TypeParam::Create(this->parts_, &none));
  EXPECT_EQ(nullptr, none);
  EXPECT_EQ(2u, aml_area_fault_disarm(this->parts_.area()));
  EXPECT_EQ(0u, aml_area_fault_live(this->parts_.area()));
  ASSERT_EQ(0, this->Init()) << aml_error_detail();
}

TYPED_TEST_P(ScratchpadContract, ACreatedScratchpadIsLikeADeclaredOne) {
  aml_scratchpad *created = nullptr;
  ASSERT_EQ(0, TypeParam::Create(this->parts_, &created)) << aml_error_detail();
  EXPECT_EQ(this->pad()->ops, created->ops);
  const aml_tile *tile = nullptr;
  ASSERT_EQ(0, aml_scratchpad_pull(created, 1, 0, &tile));
  static_cast<int *>(tile->base)[0] = 9;
  ASSERT_EQ(0, aml_scratchpad_release(created, 1, true));
  aml_scratchpad_destroy(&created);
  EXPECT_EQ(nullptr, created);
  EXPECT_EQ(9, this->parts_.InDatum(1));
}

} // namespace aml_testing

#endif
