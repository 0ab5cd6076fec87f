// SPDX-License-Identifier: BSD-3-Clause
//
// Mappings of a huge page or two, which are pieces of a reservation where the system wants advice
// on huge pages: each is a mapping like any other, and with the area the reservation ends.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aml/area/linux.h"
#include "aml/area/linux_testing.h"
#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

constexpr size_t kHuge = 2 * kMiB;
constexpr size_t kReservation = 64 * kMiB;

class AreaLinuxReserve : public AreaLinux {
protected:
  void SetUp() override {
    before_ = MappedPages();
    if (HugePageSetting() != "madvise")
      GTEST_SKIP() << "huge pages need no advice here, or there are none";
    AreaLinux::SetUp();
  }

  // Ends the area, with which all that it reserved ends.
  void ExpectNothingIsLeft() {
    aml_area_destroy(&area_);
    EXPECT_EQ(before_, MappedPages());
  }

  size_t before_ = 0;
};

TEST_F(AreaLinuxReserve, APieceIsAMappingLikeAnyOther) {
  for (const size_t size : {kHuge, 2 * kHuge}) {
    char *const memory = Map(size);
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    EXPECT_EQ(0u, Number(memory) % kHuge);
    const std::string flags = Smaps(memory)["VmFlags"];
    EXPECT_TRUE(Contains(flags, " rd wr ")) << flags;
    EXPECT_TRUE(Contains(flags, " hg ")) << flags;
    EXPECT_TRUE(Contains(flags, " ac ")) << flags << ": not charged as memory";
    EXPECT_EQ(0u, PresentPages(memory, size / page_));
    EXPECT_TRUE(IsZero(memory, size));
    std::memset(memory, 1, size);
    // What is behind it is nobody's yet.
    EXPECT_FALSE(Contains(Smaps(memory + size)["VmFlags"], " rd "));
    Unmap(memory, size);
    EXPECT_FALSE(IsMapped(memory));
    EXPECT_FALSE(IsMapped(memory + size - page_));
  }
  ExpectNothingIsLeft();
}

TEST_F(AreaLinuxReserve, WhatIsReservedHasABoundAndIsNoMemory) {
  for (int i = 0; i < 100; ++i) {
    char *const memory = Map(kHuge);
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    Unmap(memory, kHuge);
    EXPECT_GE(before_ + kReservation / page_, MappedPages());
  }
  ExpectNothingIsLeft();
}

TEST_F(AreaLinuxReserve, PiecesAreApartAndOutliveTheirReservation) {
  std::vector<std::pair<char *, size_t>> all;
  for (int i = 0; i < 80; ++i) {
    const size_t size = i % 3 == 0 ? 2 * kHuge : kHuge;
    char *const memory = Map(size);
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    memory[0] = memory[size - 1] = static_cast<char>(i);
    all.emplace_back(memory, size);
  }
  for (size_t i = 0; i < all.size(); ++i) {
    const auto &[memory, size] = all[i];
    EXPECT_EQ(static_cast<char>(i), memory[0]);
    EXPECT_EQ(static_cast<char>(i), memory[size - 1]);
    Unmap(memory, size);
  }
  ExpectNothingIsLeft();
}

TEST_F(AreaLinuxReserve, OtherSizesAndPlacesReserveNothing) {
  char *const place = Map(kHuge + page_);
  Unmap(place, kHuge + page_);
  const size_t before = MappedPages();
  for (const size_t size : {page_, kHuge - page_, kHuge + page_, 3 * kHuge}) {
    char *const memory = Map(size);
    EXPECT_EQ(before + size / page_, MappedPages());
    Unmap(memory, size);
  }
  Unmap(Map(kHuge, 2 * kHuge), kHuge);
  EXPECT_EQ(place, Map(kHuge, 0, AML_AREA_MAP_EXACT, place));
  Unmap(place, kHuge);
  for (const auto kind : {AML_AREA_LINUX_HUGE_NONE, AML_AREA_LINUX_HUGE_DEFAULT}) {
    aml_area_linux_options options = {};
    options.huge_pages = kind;
    options.guard_size = kind == AML_AREA_LINUX_HUGE_DEFAULT ? page_ : 0;
    Create(options);
    Unmap(Map(kHuge), kHuge);
  }
  EXPECT_EQ(before, MappedPages());
}

TEST_F(AreaLinuxReserve, APieceGrowsShrinksAndIsPurged) {
  char *memory = Map(kHuge);
  std::memset(memory, 4, kHuge);
  EXPECT_EQ(nullptr, aml_area_resize(area_, memory, kHuge, 2 * kHuge, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  memory = static_cast<char *>(
      aml_area_resize(area_, memory, kHuge, 2 * kHuge, AML_AREA_RESIZE_MAY_MOVE));
  ASSERT_NE(nullptr, memory) << aml_error_detail();
  EXPECT_EQ(4, memory[kHuge - 1]);
  EXPECT_TRUE(IsZero(memory + kHuge, kHuge));
  EXPECT_TRUE(Contains(Smaps(memory + kHuge)["VmFlags"], " hg "));
  ASSERT_EQ(0, aml_area_purge(area_, memory, kHuge));
  EXPECT_TRUE(IsZero(memory, kHuge));
  EXPECT_EQ(memory, aml_area_resize(area_, memory, 2 * kHuge, page_, 0));
  Unmap(memory, page_);
  ExpectNothingIsLeft();
}

TEST_F(AreaLinuxReserve, WhereAddressesAreScarceAPieceIsMappedAlone) {
  EXPECT_SUCCESS_OR_SKIP(RunInChild([this] {
    const rlimit limit = {MappedPages() * page_ + 3 * kHuge, RLIM_INFINITY};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
      _exit(77);
    const size_t before = MappedPages();
    char *const memory = Map(kHuge);
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    EXPECT_EQ(0u, Number(memory) % kHuge);
    EXPECT_TRUE(Contains(Smaps(memory)["VmFlags"], " hg "));
    EXPECT_EQ(before + kHuge / page_, MappedPages());
    Unmap(memory, kHuge);
    EXPECT_EQ(before, MappedPages());
  }));
}

TEST_F(AreaLinuxReserve, AForkedProcessHasAReservationOfItsOwn) {
  char *const memory = Map(kHuge);
  memory[0] = 1;
  EXPECT_EQ(0, RunInChild([this, memory] {
              const size_t before = MappedPages();
              char *const other = Map(kHuge);
              ASSERT_NE(nullptr, other);
              other[0] = 2;
              Unmap(other, kHuge);
              Unmap(memory, kHuge);
              aml_area_destroy(&area_);
              EXPECT_EQ(before - kReservation / page_, MappedPages());
            }));
  EXPECT_EQ(1, memory[0]);
  char *const other = Map(kHuge);
  EXPECT_EQ(0, other[0]);
  Unmap(other, kHuge);
  Unmap(memory, kHuge);
  ExpectNothingIsLeft();
}

TEST_F(AreaLinuxReserve, ThreadsGetPiecesOfTheirOwn) {
  constexpr int kThreads = 4;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      std::vector<char *> mine;
      for (int i = 0; i < 200; ++i) {
        char *const memory = Map(kHuge);
        ASSERT_NE(nullptr, memory) << aml_error_detail();
        ASSERT_EQ(0, memory[page_]);
        memory[page_] = static_cast<char>(t + 1);
        mine.push_back(memory);
        if (i % 7 == 6) {
          for (char *const piece : mine) {
            ASSERT_EQ(t + 1, piece[page_]);
            Unmap(piece, kHuge);
          }
          mine.clear();
        }
      }
      for (char *const piece : mine)
        Unmap(piece, kHuge);
    });
  }
  for (std::thread &thread : threads)
    thread.join();
  // Libc may keep a thread's stack or heap, but not as much as a piece left behind.
  const size_t mapped = MappedPages();
  aml_area_destroy(&area_);
  EXPECT_GE(mapped, MappedPages());
  std::set<std::string> leftovers;
  std::ifstream file("/proc/self/smaps");
  for (std::string line; std::getline(file, line);)
    if (Contains(line, "VmFlags") && Contains(line, " hg "))
      leftovers.insert(line);
  EXPECT_TRUE(leftovers.empty()) << *leftovers.begin();
}

} // namespace
