// SPDX-License-Identifier: BSD-3-Clause
//
// area:linux with options where a system call fails: the code and the sentence, that a mapping is
// there whole or not at all, and that wishes are done without.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr unsigned kMapCalls = AML_FAULT_MMAP | AML_FAULT_MUNMAP | AML_FAULT_MADVISE |
                               AML_FAULT_MPROTECT | AML_FAULT_MLOCK | AML_FAULT_MBIND;

size_t PresentPages(void *memory, size_t pages) {
  std::vector<unsigned char> present(pages);
  EXPECT_EQ(0, mincore(memory, pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)), present.data()));
  return static_cast<size_t>(
      std::count_if(present.begin(), present.end(), [](int flags) { return (flags & 1) != 0; }));
}

class AreaLinuxOptionsFault : public ::testing::Test {
protected:
  void TearDown() override {
    aml_area_destroy(&area_);
    ExpectHeld(before_);
  }

  void Create() {
    aml_area_destroy(&area_);
    ASSERT_EQ(0, aml_area_linux_create(&area_, &options_)) << aml_error_detail();
  }

  int Map(size_t size) {
    memory_ = static_cast<char *>(aml_area_map(area_, size, nullptr));
    return memory_ == nullptr ? aml_error_code() : 0;
  }

  void Unmap(size_t size) {
    EXPECT_EQ(0, aml_area_unmap(area_, memory_, size)) << aml_error_detail();
  }

  // Resizes memory_, once for each of the calls, with that one failing.
  size_t EachFailedResize(unsigned calls, size_t old_size, size_t new_size, unsigned flags) {
    return EachFailure(
        calls, ENOMEM,
        [&] {
          void *const result = aml_area_resize(area_, memory_, old_size, new_size, flags);
          if (result == nullptr)
            return aml_error_code();
          memory_ = static_cast<char *>(result);
          return 0;
        },
        [&](int err) {
          EXPECT_EQ(-AML_ENOMEM, err) << aml_error_detail();
          EXPECT_EQ(old_size, static_cast<size_t>(std::count(memory_, memory_ + old_size, 7)));
        });
  }

  const aml_fault_held before_ = aml_fault_system_held();
  const size_t page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  aml_area_linux_options options_{};
  aml_area *area_ = nullptr;
  char *memory_ = nullptr;
};

TEST_F(AreaLinuxOptionsFault, EveryCallOfAMapMayFail) {
  options_.flags = AML_AREA_LINUX_NO_DUMP | AML_AREA_LINUX_NO_MERGE | AML_AREA_LINUX_POPULATE |
                   AML_AREA_LINUX_LOCK_ON_FAULT;
  options_.guard_size = 1;
  options_.huge_pages = AML_AREA_LINUX_HUGE_NONE;
  Create();
  if (Map(page_) != 0)
    GTEST_SKIP() << "nothing may be locked here";
  Unmap(page_);
  const size_t failures = EachFailure(
      kMapCalls, ENOMEM, [&] { return Map(10 * page_); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(nullptr, memory_);
      });
  // mmap, mprotect; madvise for huge pages, merging, dumps, populating; mlock2.
  EXPECT_EQ(7u, failures);
  Unmap(10 * page_);
}

TEST_F(AreaLinuxOptionsFault, EachOptionHasItsSentence) {
  struct Case {
    unsigned flags;
    unsigned call;
    std::string what;
  };
  for (const Case &c :
       {Case{AML_AREA_LINUX_NO_DUMP, AML_FAULT_MADVISE, "madvise(MADV_DONTDUMP)"},
        Case{AML_AREA_LINUX_NO_MERGE, AML_FAULT_MADVISE, "madvise(MADV_UNMERGEABLE)"},
        Case{AML_AREA_LINUX_POPULATE, AML_FAULT_MADVISE, "madvise(MADV_POPULATE_WRITE)"},
        Case{AML_AREA_LINUX_LOCK, AML_FAULT_MLOCK, "mlock, which RLIMIT_MEMLOCK limits"},
        Case{AML_AREA_LINUX_LOCK_ON_FAULT, AML_FAULT_MLOCK,
             "mlock, which RLIMIT_MEMLOCK limits"}}) {
    options_ = {};
    options_.flags = c.flags;
    Create();
    aml_fault_system_arm(c.call, 1, ENOMEM);
    EXPECT_EQ(-AML_ENOMEM, Map(page_));
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    EXPECT_EQ("aml_area_map: " + c.what + ": " + std::strerror(ENOMEM), aml_error_detail());
    // As a wish it is done without.
    options_.wishes = AML_AREA_GRANT_NO_DUMP | AML_AREA_GRANT_NO_MERGE | AML_AREA_GRANT_POPULATED |
                      AML_AREA_GRANT_LOCKED;
    Create();
    aml_fault_system_arm(c.call | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
    EXPECT_EQ(0, Map(page_)) << aml_error_detail();
    EXPECT_NE(0u, aml_fault_system_disarm().failed);
    aml_area_info info = {};
    ASSERT_EQ(0, aml_area_get_info(area_, memory_, &info));
    // Nothing merges on its own, and locking is no part of populating.
    EXPECT_EQ(0u, info.granted & (AML_AREA_GRANT_NO_DUMP | AML_AREA_GRANT_LOCKED));
    Unmap(page_);
  }
}

TEST_F(AreaLinuxOptionsFault, WhatAWishGotIsNotClaimedWhereTheKernelDoesNotTell) {
  options_.flags = AML_AREA_LINUX_NO_DUMP;
  options_.wishes = AML_AREA_GRANT_NO_DUMP;
  Create();
  ASSERT_EQ(0, Map(page_));
  for (const unsigned call : {AML_FAULT_OPEN, AML_FAULT_READ}) {
    aml_area_info info = {};
    aml_fault_system_arm(call, 1, EACCES);
    EXPECT_EQ(0, aml_area_get_info(area_, memory_, &info));
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    EXPECT_EQ(0u, info.granted & AML_AREA_GRANT_NO_DUMP);
  }
  Unmap(page_);
}

// Threads that populate

TEST_F(AreaLinuxOptionsFault, WithoutThreadsTheCallingOnePopulatesAll) {
  options_.populate_threads = 4;
  options_.flags = AML_AREA_LINUX_POPULATE;
  Create();
  for (const size_t nth : {1, 2}) {
    aml_fault_system_arm(AML_FAULT_PTHREAD_CREATE, nth, EAGAIN);
    ASSERT_EQ(0, Map(64 * kMiB)) << aml_error_detail();
    EXPECT_EQ(nth, aml_fault_system_disarm().seen);
    EXPECT_EQ(64 * kMiB / page_, PresentPages(memory_, 64 * kMiB / page_));
    Unmap(64 * kMiB);
  }
}

TEST_F(AreaLinuxOptionsFault, NoThreadIsMadeForASmallMapping) {
  options_.populate_threads = 4;
  options_.flags = AML_AREA_LINUX_POPULATE;
  Create();
  aml_fault_system_arm(AML_FAULT_PTHREAD_CREATE, 0, 0);
  ASSERT_EQ(0, Map(kMiB));
  EXPECT_EQ(0u, aml_fault_system_disarm().seen);
  Unmap(kMiB);
}

// Guards

TEST_F(AreaLinuxOptionsFault, AGuardedMappingThatCannotGrowInPlaceIsAsItWas) {
  options_.guard_size = 1;
  options_.huge_pages = AML_AREA_LINUX_HUGE_NONE;
  Create();
  ASSERT_EQ(0, Map(10 * page_));
  std::memset(memory_, 7, 10 * page_);
  char *const start = memory_;
  ASSERT_NE(nullptr, aml_area_resize(area_, memory_, 10 * page_, 4 * page_, 0));
  // mmap, mprotect, madvise for huge pages.
  EXPECT_EQ(3u, EachFailedResize(kMapCalls, 4 * page_, 9 * page_, 0));
  EXPECT_EQ(start, memory_);
  EXPECT_EQ(0,
            std::count_if(memory_ + 4 * page_, memory_ + 9 * page_, [](int c) { return c != 0; }));
  Unmap(9 * page_);
}

TEST_F(AreaLinuxOptionsFault, AGuardedMappingThatCannotShrinkIsAsItWas) {
  options_.guard_size = 1;
  Create();
  ASSERT_EQ(0, Map(10 * page_));
  std::memset(memory_, 7, 10 * page_);
  EXPECT_EQ(2u, EachFailedResize(AML_FAULT_MPROTECT | AML_FAULT_MUNMAP, 10 * page_, 4 * page_, 0));
  Unmap(4 * page_);
}

TEST_F(AreaLinuxOptionsFault, AMappingThatCannotBeCopiedIsAsItWas) {
  options_.guard_size = 1;
  Create();
  ASSERT_EQ(0, Map(4 * page_));
  std::memset(memory_, 7, 4 * page_);
  // In place it fails, and then the copy does too.
  aml_fault_system_arm(AML_FAULT_MMAP | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
  EXPECT_EQ(nullptr,
            aml_area_resize(area_, memory_, 4 * page_, 9 * page_, AML_AREA_RESIZE_MAY_MOVE));
  EXPECT_EQ(2u, aml_fault_system_disarm().failed);
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(4 * page_, static_cast<size_t>(std::count(memory_, memory_ + 4 * page_, 7)));
  Unmap(4 * page_);
}

TEST_F(AreaLinuxOptionsFault, AMappingThatGrowsAndCannotBePopulatedIsAsItWas) {
  options_.flags = AML_AREA_LINUX_POPULATE;
  Create();
  ASSERT_EQ(0, Map(10 * page_));
  std::memset(memory_, 7, 10 * page_);
  memory_ = static_cast<char *>(aml_area_resize(area_, memory_, 10 * page_, 4 * page_, 0));
  ASSERT_NE(nullptr, memory_);
  EXPECT_EQ(1u, EachFailedResize(AML_FAULT_MADVISE, 4 * page_, 10 * page_, 0));
  EXPECT_EQ(10u, PresentPages(memory_, 10));
  Unmap(10 * page_);
}

TEST_F(AreaLinuxOptionsFault, APurgeOfLockedMemoryOnAnOlderKernelIsRefused) {
  options_.flags = AML_AREA_LINUX_LOCK;
  options_.wishes = AML_AREA_GRANT_LOCKED;
  Create();
  ASSERT_EQ(0, Map(page_));
  aml_fault_system_arm(AML_FAULT_MADVISE, 1, EINVAL);
  EXPECT_EQ(-AML_ENOTSUP, aml_area_purge(area_, memory_, page_));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_STREQ("aml_area_purge: area is locked or from a pool, which needs Linux 5.18 or later",
               aml_error_detail());
  Unmap(page_);
}

} // namespace
