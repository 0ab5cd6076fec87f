// SPDX-License-Identifier: BSD-3-Clause
//
// An account against a map of the C++ library. Addresses are numbers, of memory that there is not.

#include "aml/arena/internal/ledger.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <thread>
#include <vector>

namespace {

constexpr uintptr_t kTract = uintptr_t{1} << 16;

struct Kept {
  size_t size;
  uintptr_t word;
};

class InternalLedger : public testing::TestWithParam<bool> {
protected:
  void SetUp() override {
    ledger_ = aml_internal_ledger_create(GetParam(), 0);
    ASSERT_NE(nullptr, ledger_);
  }
  ~InternalLedger() override { aml_internal_ledger_destroy(ledger_); }

  static const void *At(uintptr_t address) { return reinterpret_cast<const void *>(address); }

  void Put(uintptr_t start, size_t size, uintptr_t word = 0) {
    aml_internal_hand *const hand = aml_internal_ledger_prepare(ledger_, size);
    ASSERT_NE(nullptr, hand);
    aml_internal_ledger_put(ledger_, hand, At(start), size, word, word % 2 != 0);
  }

  aml_internal_ledger_sums Sums() const {
    aml_internal_ledger_sums sums = {};
    aml_internal_ledger_sum(ledger_, &sums);
    return sums;
  }

  bool Overlaps(uintptr_t start, size_t size) const {
    const auto next = model_.lower_bound(start);
    if (next != model_.end() && next->first - start < size)
      return true;
    return next != model_.begin() && start - std::prev(next)->first < std::prev(next)->second.size;
  }

  static void ExpectSame(const std::pair<const uintptr_t, Kept> &kept,
                         const aml_internal_entry &entry) {
    EXPECT_EQ(kept.first, entry.start);
    EXPECT_EQ(kept.second.size, entry.size);
    EXPECT_EQ(kept.second.word, entry.word);
    EXPECT_EQ(kept.second.word % 2 != 0, entry.mark);
  }

  void ExpectWalkIsTheModel() {
    aml_internal_entry entry = {};
    uintptr_t address = 0;
    for (const auto &kept : model_) {
      ASSERT_TRUE(aml_internal_ledger_next(ledger_, address, &entry));
      ExpectSame(kept, entry);
      address = entry.start + 1;
    }
    EXPECT_FALSE(aml_internal_ledger_next(ledger_, address, &entry));
    EXPECT_EQ(nullptr, aml_internal_ledger_check(ledger_));
    EXPECT_EQ(model_.size(), Sums().live_count);
  }

  void ExpectFound(uintptr_t address) {
    aml_internal_entry entry = {};
    const bool found = aml_internal_ledger_find(ledger_, address, &entry);
    const auto behind = model_.upper_bound(address);
    const bool is_in = behind != model_.begin() &&
                       address - std::prev(behind)->first < std::prev(behind)->second.size;
    ASSERT_EQ(is_in, found) << std::hex << address;
    if (is_in)
      ExpectSame(*std::prev(behind), entry);
  }

  aml_internal_ledger *ledger_ = nullptr;
  std::map<uintptr_t, Kept> model_;
};

TEST_P(InternalLedger, IsAMapOfDisjointBlocks) {
  std::mt19937_64 random(7);
  const uintptr_t bases[] = {0, 5 * kTract, uintptr_t{1} << 47, 0 - 16 * kTract};
  for (unsigned step = 0; step < 6000; ++step) {
    const uintptr_t base = bases[random() % std::size(bases)];
    const uintptr_t start = base + random() % (8 * kTract);
    const size_t size = 1 + random() % (size_t{1} << random() % 18);
    if (random() % 3 == 0 && !model_.empty()) {
      auto kept = model_.lower_bound(start);
      if (kept == model_.end())
        kept = model_.begin();
      aml_internal_entry entry = {};
      ASSERT_TRUE(aml_internal_ledger_take(ledger_, At(kept->first), &entry));
      ExpectSame(*kept, entry);
      ASSERT_FALSE(aml_internal_ledger_take(ledger_, At(kept->first), &entry)) << "taken twice";
      model_.erase(kept);
    } else if (!Overlaps(start, size)) {
      Put(start, size, step);
      model_[start] = {size, step};
    }
    ExpectFound(base + random() % (10 * kTract));
    aml_internal_entry entry = {};
    ASSERT_EQ(model_.count(start) != 0, aml_internal_ledger_get(ledger_, At(start), &entry));
    if (step % 2000 == 0)
      ExpectWalkIsTheModel();
  }
  ExpectWalkIsTheModel();
  EXPECT_EQ(0u, Sums().lost);
}

TEST_P(InternalLedger, TinyBlocksMayLieSideBySide) {
  uintptr_t start = kTract - 40;
  for (size_t i = 0; i < 60; ++i) {
    const size_t size = 1 + i * 7 % 20;
    Put(start, size, i);
    model_[start] = {size, i};
    start += size;
  }
  for (uintptr_t address = kTract - 50; address < start + 10; ++address)
    ExpectFound(address);
  ExpectWalkIsTheModel();
  for (const auto &kept : model_)
    EXPECT_TRUE(aml_internal_ledger_take(ledger_, At(kept.first), nullptr));
  EXPECT_EQ(0u, Sums().live_count);
}

TEST_P(InternalLedger, LargeBlocksAreFoundFromTheirEnds) {
  const size_t size = size_t{1} << 34;
  Put(3 * kTract + 7, size, 1);
  model_[3 * kTract + 7] = {size, 1};
  for (const uintptr_t address : {3 * kTract + 6, 3 * kTract + 7, 4 * kTract, 3 * kTract + 6 + size,
                                  3 * kTract + 7 + size, 9 * kTract + size})
    ExpectFound(address);
  Put(uintptr_t{1} << 50, AML_INTERNAL_LEDGER_MAX_SIZE, 2);
  aml_internal_entry entry = {};
  EXPECT_TRUE(aml_internal_ledger_get(ledger_, At(uintptr_t{1} << 50), &entry));
  EXPECT_EQ(AML_INTERNAL_LEDGER_MAX_SIZE, entry.size);
}

TEST_P(InternalLedger, WhatIsPutInTheSamePlaceIsNoticed) {
  Put(kTract, 100);
  Put(kTract, 100);
  EXPECT_EQ(1u, Sums().lost) << "the same start and class";
  Put(kTract + 8, 20);
  EXPECT_EQ(2u, Sums().lost) << "the same granule, another class";
  Put(kTract + 4096, 5000);
  Put(kTract + 4096 + 32, 5000);
  EXPECT_EQ(3u, Sums().lost) << "the same slot";
  Put(2 * kTract, 3);
  Put(2 * kTract, 3);
  EXPECT_EQ(4u, Sums().lost) << "tiny";
  EXPECT_EQ(3u, Sums().live_count);
  EXPECT_EQ(20u + 5000 + 3, Sums().live_size);
  EXPECT_EQ(nullptr, aml_internal_ledger_check(ledger_));
}

TEST_P(InternalLedger, WhatIsPutBackWasNeverTaken) {
  Put(kTract, 100, 9);
  const aml_internal_ledger_sums before = Sums();
  aml_internal_entry entry = {};
  ASSERT_TRUE(aml_internal_ledger_take(ledger_, At(kTract), &entry));
  aml_internal_ledger_put_back(ledger_, aml_internal_ledger_prepare(ledger_, 100), &entry);
  EXPECT_EQ(before.puts, Sums().puts);
  EXPECT_EQ(before.takes, Sums().takes);
  EXPECT_EQ(before.live_size, Sums().live_size);
  EXPECT_EQ(before.peak_size, Sums().peak_size);
  EXPECT_EQ(before.histogram[6], Sums().histogram[6]);
  EXPECT_EQ(nullptr, aml_internal_ledger_check(ledger_));
}

TEST_P(InternalLedger, GrowsWithTheAddressesInUse) {
  constexpr size_t kCount = 3000; // tracts, so that the table grows some times
  for (size_t i = 0; i < kCount; ++i) {
    Put(i * 37 % kCount * kTract, 64, i);
    model_[i * 37 % kCount * kTract] = {64, i};
  }
  ExpectWalkIsTheModel();
  aml_internal_ledger_clear(ledger_);
  model_.clear();
  ExpectWalkIsTheModel();
  EXPECT_EQ(kCount, Sums().cleared);
  EXPECT_EQ(kCount * 64, Sums().peak_size);
}

INSTANTIATE_TEST_SUITE_P(SharedOrNot, InternalLedger, testing::Bool());

TEST(InternalLedgerThreads, EachBlockIsTakenByOneOfThemOnly) {
  constexpr size_t kThreads = 3;
  constexpr uintptr_t kBlocks = 3000;
  aml_internal_ledger *const ledger = aml_internal_ledger_create(true, 1 << 12);
  ASSERT_NE(nullptr, ledger);
  std::atomic<uintptr_t> put{0};
  std::atomic<uintptr_t> taken{0};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      for (;;) {
        const uintptr_t i = put++;
        if (i >= kBlocks)
          break;
        aml_internal_hand *const hand = aml_internal_ledger_prepare(ledger, 40);
        aml_internal_ledger_put(ledger, hand, reinterpret_cast<void *>(i * 48), 40, i, false);
      }
      // All race for the same ones, some of which are not there yet.
      for (uintptr_t i = 0; i < kBlocks; ++i)
        taken += aml_internal_ledger_take(ledger, reinterpret_cast<void *>(i * 48), nullptr);
    });
  for (std::thread &thread : threads)
    thread.join();
  aml_internal_ledger_sums sums = {};
  aml_internal_ledger_sum(ledger, &sums);
  EXPECT_EQ(kBlocks, sums.puts);
  EXPECT_EQ(taken, sums.takes);
  EXPECT_EQ(kBlocks - taken, sums.live_count);
  EXPECT_EQ(40 * (kBlocks - taken), sums.live_size);
  EXPECT_LE(sums.peak_size, 40 * kBlocks);
  EXPECT_EQ(nullptr, aml_internal_ledger_check(ledger));
  aml_internal_ledger_destroy(ledger);
}

TEST(InternalLedgerThreads, APeakIsKnownToAQuantumForEachThread) {
  constexpr uint64_t kQuantum = 1000;
  aml_internal_ledger *const ledger = aml_internal_ledger_create(true, kQuantum);
  ASSERT_NE(nullptr, ledger);
  const auto put = [&](uintptr_t start) {
    for (uintptr_t i = 0; i < 100; ++i)
      aml_internal_ledger_put(ledger, aml_internal_ledger_prepare(ledger, 64),
                              reinterpret_cast<void *>(start + i * 64), 64, 0, false);
  };
  std::thread(put, kTract).join();
  put(2 * kTract);
  aml_internal_ledger_sums sums = {};
  for (uintptr_t i = 0; i < 100; ++i) {
    // A thread that puts none takes those of others.
    std::thread([&] {
      EXPECT_TRUE(
          aml_internal_ledger_take(ledger, reinterpret_cast<void *>(kTract + i * 64), nullptr));
    }).join();
    EXPECT_TRUE(
        aml_internal_ledger_take(ledger, reinterpret_cast<void *>(2 * kTract + i * 64), nullptr));
  }
  aml_internal_ledger_sum(ledger, &sums);
  EXPECT_EQ(0u, sums.live_size);
  EXPECT_LE(sums.peak_size, 200u * 64);
  EXPECT_GE(sums.peak_size, 200u * 64 - 2 * kQuantum);
  aml_internal_ledger_destroy(ledger);
}

} // namespace
