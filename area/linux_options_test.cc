// SPDX-License-Identifier: BSD-3-Clause
//
// Guards, locks, populating and what else options ask for, by what /proc/self/smaps and mincore
// report, or by the signal that a touch brings.

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "aml/area/linux.h"
#include "aml/area/linux_testing.h"
#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

std::string VmFlags(const void *address) {
  return Smaps(address)["VmFlags"];
}

// Populating

TEST_F(AreaLinux, AnAreaMayPopulateEachMapping) {
  aml_area_linux_options options = {};
  options.flags = AML_AREA_LINUX_POPULATE;
  Create(options);
  EXPECT_NE(0u, Info().granted & AML_AREA_GRANT_POPULATED);
  char *memory = Map(100 * page_);
  EXPECT_EQ(100u, PresentPages(memory, 100));
  memory = static_cast<char *>(
      aml_area_resize(area_, memory, 100 * page_, 200 * page_, AML_AREA_RESIZE_MAY_MOVE));
  ASSERT_NE(nullptr, memory);
  EXPECT_EQ(200u, PresentPages(memory, 200));
  Unmap(memory, 200 * page_);
}

TEST_F(AreaLinux, SeveralThreadsPopulateAllOfIt) {
  constexpr size_t kSize = 33 * kMiB;
  const size_t pages = kSize / page_;
  for (const unsigned threads : {2u, 3u, 1000u}) {
    aml_area_linux_options options = {};
    options.populate_threads = threads;
    Create(options);
    const size_t before = MappedPages();
    char *const memory = Map(kSize + page_, 0, AML_AREA_MAP_POPULATE);
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    EXPECT_EQ(pages + 1, PresentPages(memory, pages + 1));
    Unmap(memory, kSize + page_);
    // A stack or two may be kept by libc.
    EXPECT_GT(before + pages, MappedPages());
  }
}

// Locking

class AreaLinuxLock : public AreaLinux {
protected:
  void SetUp() override {
    AreaLinux::SetUp();
    void *const page = Map(page_);
    // Under sanitizers mlock() does nothing.
    const bool can_lock = mlock(page, page_) == 0 && Contains(VmFlags(page), " lo ");
    Unmap(page, page_);
    if (!can_lock)
      GTEST_SKIP() << "nothing may be locked here";
  }

  void CreateWith(unsigned flags) {
    aml_area_linux_options options = {};
    options.flags = flags;
    Create(options);
    EXPECT_NE(0u, Info().granted & AML_AREA_GRANT_LOCKED);
  }
};

TEST_F(AreaLinuxLock, LockedMemoryIsPresentAndStays) {
  CreateWith(AML_AREA_LINUX_LOCK);
  char *const memory = Map(8 * page_);
  EXPECT_TRUE(Contains(VmFlags(memory), " lo ")) << VmFlags(memory);
  EXPECT_FALSE(Contains(VmFlags(memory), " lf "));
  EXPECT_EQ(8u, PresentPages(memory, 8));
  EXPECT_TRUE(Contains(Smaps(memory)["Locked"], " 32 kB"));
  Unmap(memory, 8 * page_);
}

TEST_F(AreaLinuxLock, OnFaultNothingIsPresentYet) {
  CreateWith(AML_AREA_LINUX_LOCK_ON_FAULT);
  char *const memory = Map(8 * page_);
  EXPECT_TRUE(Contains(VmFlags(memory), " lo ")) << VmFlags(memory);
  EXPECT_EQ(0u, PresentPages(memory, 8));
  memory[page_] = 1;
  EXPECT_EQ(1u, PresentPages(memory, 8));
  Unmap(memory, 8 * page_);
}

TEST_F(AreaLinuxLock, LockedPagesCanBePurgedAndTheMappingGrows) {
  for (const unsigned flag :
       {unsigned{AML_AREA_LINUX_LOCK}, unsigned{AML_AREA_LINUX_LOCK_ON_FAULT}}) {
    CreateWith(flag);
    char *memory = Map(4 * page_);
    std::memset(memory, 7, 4 * page_);
    ASSERT_EQ(0, aml_area_purge(area_, memory + page_, 2 * page_)) << aml_error_detail();
    EXPECT_EQ(2u, PresentPages(memory, 4));
    EXPECT_TRUE(IsZero(memory + page_, 2 * page_));
    EXPECT_TRUE(Contains(VmFlags(memory), " lo "));
    memory = static_cast<char *>(
        aml_area_resize(area_, memory, 4 * page_, 6 * page_, AML_AREA_RESIZE_MAY_MOVE));
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    EXPECT_EQ(7, *memory);
    EXPECT_TRUE(Contains(VmFlags(memory + 5 * page_), " lo "));
    Unmap(memory, 6 * page_);
  }
}

// Dumps and merging

TEST_F(AreaLinux, AMappingMayBeLeftOutOfDumps) {
  aml_area_linux_options options = {};
  char *const plain = Map(page_);
  EXPECT_FALSE(Contains(VmFlags(plain), " dd "));
  Unmap(plain, page_);
  options.flags = AML_AREA_LINUX_NO_DUMP;
  Create(options);
  EXPECT_NE(0u, Info().granted & AML_AREA_GRANT_NO_DUMP);
  char *memory = Map(page_);
  EXPECT_TRUE(Contains(VmFlags(memory), " dd ")) << VmFlags(memory);
  memory = static_cast<char *>(
      aml_area_resize(area_, memory, page_, 3 * page_, AML_AREA_RESIZE_MAY_MOVE));
  EXPECT_TRUE(Contains(VmFlags(memory + 2 * page_), " dd "));
  Unmap(memory, 3 * page_);
}

TEST_F(AreaLinux, AMappingIsKeptFromMergingInAProcessThatMerges) {
  constexpr int kSetMemoryMerge = 67; // PR_SET_MEMORY_MERGE
  EXPECT_SUCCESS_OR_SKIP(RunInChild([this] {
    if (prctl(kSetMemoryMerge, 1, 0, 0, 0) != 0)
      _exit(77);
    char *const plain = Map(page_);
    EXPECT_TRUE(Contains(VmFlags(plain), " mg ")) << VmFlags(plain);
    aml_area_linux_options options = {};
    options.flags = AML_AREA_LINUX_NO_MERGE;
    Create(options);
    char *const memory = Map(page_);
    EXPECT_FALSE(Contains(VmFlags(memory), " mg ")) << VmFlags(memory);
    EXPECT_EQ(1, prctl(kSetMemoryMerge + 1, 0, 0, 0, 0)) << "the process was changed";
    Unmap(memory, page_);
  }));
}

// Guards

class AreaLinuxGuard : public AreaLinux {
protected:
  void SetUp() override {
    aml_area_linux_options options = {};
    options.guard_size = page_ + 1; // two pages
    options.flags = AML_AREA_LINUX_NO_DUMP;
    Create(options);
  }

  static void ExpectFault(char *address) {
    EXPECT_EQ(-SIGSEGV, RunInChild([address] {
      (void)signal(SIGSEGV, SIG_DFL);
      *const_cast<volatile char *>(address) = 1;
    }));
    EXPECT_TRUE(IsMapped(address)) << "somebody else may get the address";
  }

  // That it is accessible, and nothing around it is; what is there else ends.
  void ExpectGuarded(char *memory, size_t size) {
    memory[0] = memory[size - 1] = 1;
    EXPECT_TRUE(Contains(VmFlags(memory), " rd wr ")) << VmFlags(memory);
    EXPECT_TRUE(Contains(VmFlags(memory + size - 1), " dd "));
    for (char *const address :
         {memory - 1, memory - 2 * page_, memory + size, memory + size + 2 * page_ - 1}) {
      EXPECT_FALSE(Contains(VmFlags(address), " rd ")) << VmFlags(address);
      ASSERT_TRUE(IsMapped(reinterpret_cast<void *>(Number(address) & ~(page_ - 1))));
    }
  }
};

TEST_F(AreaLinuxGuard, NothingAroundAMappingIsAccessible) {
  EXPECT_NE(0u, Info().granted & AML_AREA_GRANT_GUARDED);
  const size_t before = MappedPages();
  for (const size_t alignment : {size_t{0}, kMiB}) {
    for (const size_t size : {page_, 4 * kMiB}) {
      char *const memory = Map(size, alignment);
      ASSERT_NE(nullptr, memory) << aml_error_detail();
      EXPECT_EQ(0u, alignment == 0 ? 0 : Number(memory) % alignment);
      EXPECT_EQ(before + size / page_ + 4, MappedPages());
      ExpectGuarded(memory, size);
      Unmap(memory, size);
      EXPECT_EQ(before, MappedPages());
      EXPECT_FALSE(IsMapped(memory - 2 * page_));
    }
  }
}

TEST_F(AreaLinuxGuard, ATouchOfAGuardIsAFault) {
  char *const memory = Map(page_);
  ExpectFault(memory - 2 * page_);
  ExpectFault(memory + page_);
  Unmap(memory, page_);
}

TEST_F(AreaLinuxGuard, GuardsGoWithAMappingThatShrinksAndGrows) {
  const size_t before = MappedPages();
  char *const memory = Map(10 * page_);
  std::memset(memory, 5, 10 * page_);
  for (const size_t pages : {size_t{9}, size_t{3}, size_t{3}}) {
    ASSERT_EQ(memory, aml_area_resize(area_, memory, 10 * page_, pages * page_, 0))
        << aml_error_detail();
    ExpectGuarded(memory, pages * page_);
    EXPECT_EQ(5, memory[page_]);
    EXPECT_EQ(before + pages + 4, MappedPages());
    ASSERT_EQ(memory, aml_area_resize(area_, memory, pages * page_, 10 * page_, 0))
        << aml_error_detail();
    ExpectGuarded(memory, 10 * page_);
    EXPECT_TRUE(IsZero(memory + pages * page_ + 1, (10 - pages) * page_ - 2)) << pages;
    EXPECT_EQ(before + 14, MappedPages());
    std::memset(memory, 5, 10 * page_);
  }
  Unmap(memory, 10 * page_);
  EXPECT_EQ(before, MappedPages());
}

TEST_F(AreaLinuxGuard, WhereThereIsNoRoomAMappingMovesIfItMay) {
  const size_t before = MappedPages();
  char *const memory = Map(page_);
  *memory = 9;
  // Something behind its guard.
  aml_area *plain = nullptr;
  ASSERT_EQ(0, aml_area_linux_create(&plain, nullptr));
  aml_area_map_options there = {};
  there.hint = memory + 3 * page_;
  void *const obstacle = aml_area_map(plain, page_, &there);
  EXPECT_EQ(nullptr, aml_area_resize(area_, memory, page_, 4 * page_, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_STREQ("aml_area_resize: mmap behind the mapping: Cannot allocate memory",
               aml_error_detail());
  ExpectGuarded(memory, page_);
  *memory = 9;
  char *const moved = static_cast<char *>(
      aml_area_resize(area_, memory, page_, 4 * page_, AML_AREA_RESIZE_MAY_MOVE));
  ASSERT_NE(nullptr, moved) << aml_error_detail();
  EXPECT_EQ(9, *moved);
  EXPECT_TRUE(IsZero(moved + page_, 3 * page_));
  ExpectGuarded(moved, 4 * page_);
  EXPECT_FALSE(IsMapped(memory));
  Unmap(moved, 4 * page_);
  EXPECT_EQ(0, aml_area_unmap(plain, obstacle, page_));
  aml_area_destroy(&plain);
  EXPECT_EQ(before, MappedPages());
}

TEST_F(AreaLinuxGuard, ExactPutsTheMappingAtTheHintAndGuardsAround) {
  char *const place = Map(page_);
  Unmap(place, page_);
  EXPECT_EQ(place, Map(page_, 0, AML_AREA_MAP_EXACT, place)) << aml_error_detail();
  ExpectGuarded(place, page_);
  // The guards would be over the mapping's.
  EXPECT_EQ(nullptr, Map(page_, 0, AML_AREA_MAP_EXACT, place + 2 * page_));
  EXPECT_EQ(-AML_EEXIST, aml_error_code());
  Unmap(place, page_);
}

} // namespace
