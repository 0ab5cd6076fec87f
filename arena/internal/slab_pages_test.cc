// SPDX-License-Identifier: BSD-3-Clause

#include "aml/arena/internal/slab_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <set>
#include <vector>

#include "aml/arena/slab_testing.h"
#include "aml/tests/fault/system.h"

namespace {

constexpr size_t kPage = AML_INTERNAL_SLAB_PAGE;
constexpr size_t kFew = AML_INTERNAL_SLAB_FEW_PAGES;
constexpr size_t kMany = 300;

class ArenaSlabPages : public testing::Test {
protected:
  ArenaSlabPages() : before_(aml_fault_system_held()) {}
  ~ArenaSlabPages() override {
    aml_internal_slab_end_pages(&pages_);
    const aml_fault_held held = aml_fault_system_held();
    EXPECT_EQ(before_.blocks, held.blocks);
    EXPECT_EQ(before_.mapped_size, held.mapped_size);
  }

  ptrdiff_t Mapped() const { return aml_fault_system_held().mapped_size - before_.mapped_size; }

  void *Take() {
    void *const page = aml_internal_slab_take_page(&pages_);
    if (page != nullptr)
      std::memset(page, 1, kPage);
    return page;
  }

  std::vector<void *> TakeMany() {
    std::vector<void *> pages(kMany);
    std::generate(pages.begin(), pages.end(), [this] { return Take(); });
    return pages;
  }

  aml_fault_held before_;
  aml_internal_slab_pages pages_{};
};

TEST_F(ArenaSlabPages, AreApart) {
  const std::vector<void *> pages = TakeMany();
  for (size_t i = 0; i < kMany; ++i)
    std::memset(pages[i], static_cast<int>(i % 251), kPage);
  for (size_t i = 0; i < kMany; ++i) {
    const auto *const bytes = static_cast<const unsigned char *>(pages[i]);
    ASSERT_EQ(static_cast<ptrdiff_t>(kPage),
              std::count(bytes, bytes + kPage, static_cast<unsigned char>(i % 251)));
  }
}

TEST_F(ArenaSlabPages, TheFirstFewMapNothing) {
  for (int round = 0; round < 3; ++round) {
    void *pages[kFew];
    std::generate(pages, pages + kFew, [this] { return Take(); });
    EXPECT_EQ(0, Mapped());
    EXPECT_EQ(kFew, pages_.count);
    for (void *const page : pages)
      aml_internal_slab_give_page(&pages_, page);
    EXPECT_EQ(0u, pages_.count);
  }
}

TEST_F(ArenaSlabPages, ThatAreGivenAreTakenAgain) {
  const std::vector<void *> pages = TakeMany();
  const ptrdiff_t mapped = Mapped();
  std::set<void *> some;
  for (size_t i = kFew; i < kMany; i += 7) {
    aml_internal_slab_give_page(&pages_, pages[i]);
    some.insert(pages[i]);
  }
  while (!some.empty())
    ASSERT_EQ(1u, some.erase(aml_internal_slab_take_page(&pages_)));
  EXPECT_EQ(mapped, Mapped());
}

TEST_F(ArenaSlabPages, PurgedTakeNoMemoryAndOthersAreAsTheyWere) {
  const std::vector<void *> pages = TakeMany();
  for (size_t i = kFew; i < kMany; ++i)
    if (i % 10 != 0)
      aml_internal_slab_give_page(&pages_, pages[i]);
  EXPECT_TRUE(IsResident(pages[kFew + 1]));
  aml_internal_slab_purge_pages(&pages_, kPage);
  for (size_t i = kFew; i < kMany; ++i)
    ASSERT_EQ(i % 10 == 0, IsResident(pages[i])) << i;
  for (size_t i = 10; i < kMany; i += 10)
    EXPECT_EQ(1, static_cast<char *>(pages[i])[kPage - 1]);
}

// A system whose pages are larger would take what is behind the end of a range as well.
TEST_F(ArenaSlabPages, PurgedAreWholePagesOfTheSystem) {
  constexpr size_t kSystem = 16 * kPage;
  const std::vector<void *> pages = TakeMany();
  std::set<uintptr_t> used;
  for (size_t i = kFew; i < kMany; ++i)
    if (i % 40 != 0)
      aml_internal_slab_give_page(&pages_, pages[i]);
    else
      used.insert(reinterpret_cast<uintptr_t>(pages[i]) / kSystem);
  aml_internal_slab_purge_pages(&pages_, kSystem);
  size_t purged = 0;
  for (size_t i = kFew; i < kMany; ++i) {
    const auto address = reinterpret_cast<uintptr_t>(pages[i]);
    const bool is_first = address / kSystem == address / (64 * kPage) * 4; // with the bundle's own
    const bool stays = is_first || used.count(address / kSystem) != 0;
    purged += !stays;
    if (i % 40 == 0) {
      EXPECT_EQ(1, static_cast<char *>(pages[i])[kPage - 1]);
    } else if (IsResident(pages[i])) {
      EXPECT_TRUE(stays) << i;
    }
  }
  EXPECT_LT(kMany / 4, purged);
}

TEST_F(ArenaSlabPages, ThatAreResidentAreTakenFirst) {
  std::vector<void *> pages(kFew + 10);
  std::generate(pages.begin(), pages.end(), [this] { return Take(); });
  aml_internal_slab_give_page(&pages_, pages[kFew + 2]);
  aml_internal_slab_purge_pages(&pages_, kPage);
  aml_internal_slab_give_page(&pages_, pages[kFew + 8]);
  EXPECT_EQ(pages[kFew + 8], Take());
  EXPECT_EQ(pages[kFew + 2], Take());
}

TEST_F(ArenaSlabPages, ThatAreAllGivenAreUnmapped) {
  for (int round = 0; round < 3; ++round) {
    std::vector<void *> pages = TakeMany();
    EXPECT_LE(static_cast<ptrdiff_t>((kMany - kFew) * kPage), Mapped());
    EXPECT_LT(kMany, pages_.count) << "those that tell of others count";
    std::reverse(pages.begin(), pages.end());
    for (void *const page : pages)
      aml_internal_slab_give_page(&pages_, page);
    aml_internal_slab_purge_pages(&pages_, kPage);
    EXPECT_EQ(0, Mapped());
    EXPECT_EQ(0u, pages_.count);
  }
}

TEST_F(ArenaSlabPages, WithoutMemoryThereIsNone) {
  for (const unsigned calls : {AML_FAULT_MALLOC, AML_FAULT_MMAP}) {
    const size_t count = pages_.count;
    aml_fault_system_arm(calls, 1, ENOMEM);
    EXPECT_EQ(nullptr, Take());
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    EXPECT_EQ(count, pages_.count);
    for (size_t i = 0; i < kFew; ++i)
      EXPECT_NE(nullptr, Take());
  }
  EXPECT_NE(nullptr, Take());
}

TEST_F(ArenaSlabPages, ABundleThatIsNotUnmappedIsPurged) {
  const std::vector<void *> pages = TakeMany();
  for (void *const page : pages)
    aml_internal_slab_give_page(&pages_, page);
  const ptrdiff_t mapped = Mapped();
  aml_fault_system_arm(AML_FAULT_MUNMAP | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  aml_internal_slab_purge_pages(&pages_, kPage);
  EXPECT_LT(1u, aml_fault_system_disarm().failed);
  EXPECT_EQ(mapped, Mapped());
  EXPECT_FALSE(IsResident(pages[kFew]));
  (void)TakeMany();
  EXPECT_EQ(mapped, Mapped());
}

TEST_F(ArenaSlabPages, ThatTheSystemKeepsAreUsedAllTheSame) {
  const std::vector<void *> pages = TakeMany();
  for (size_t i = kFew; i < kMany; i += 2)
    aml_internal_slab_give_page(&pages_, pages[i]);
  aml_fault_system_arm(AML_FAULT_MADVISE | AML_FAULT_FROM_THEN_ON, 1, EINVAL);
  aml_internal_slab_purge_pages(&pages_, kPage);
  EXPECT_LT(10u, aml_fault_system_disarm().failed);
  EXPECT_TRUE(IsResident(pages[kFew]));
  for (size_t i = kFew; i < kMany; i += 2)
    EXPECT_NE(nullptr, Take());
}

} // namespace
