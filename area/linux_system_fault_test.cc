// SPDX-License-Identifier: BSD-3-Clause
//
// area:linux where a system call fails: the code and the sentence, that a mapping is there whole or
// not at all, and what is done without. What the kernel answers to calls on NUMA is played in
// internal/numa_test.cc.

#include <gtest/gtest.h>
#include <numaif.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

constexpr size_t kMiB = size_t{1} << 20;

uintptr_t Number(const void *pointer) {
  return reinterpret_cast<uintptr_t>(pointer);
}

std::string Sentence(const std::string &text, int number) {
  return text + ": " + std::strerror(number);
}

size_t PresentPages(void *memory, size_t pages) {
  std::vector<unsigned char> present(pages);
  EXPECT_EQ(0, mincore(memory, pages * static_cast<size_t>(sysconf(_SC_PAGESIZE)), present.data()));
  return static_cast<size_t>(
      std::count_if(present.begin(), present.end(), [](int flags) { return (flags & 1) != 0; }));
}

class AreaLinuxSystemFault : public ::testing::Test {
protected:
  void SetUp() override { Create({}); }

  void TearDown() override {
    aml_area_destroy(&area_);
    ExpectHeld(before_);
  }

  // Replaces the area.
  void Create(const aml_area_linux_options &options) {
    aml_area_destroy(&area_);
    ASSERT_EQ(0, aml_area_linux_create(&area_, &options)) << aml_error_detail();
  }

  void CreateHuge(aml_area_linux_huge_pages huge_pages) {
    aml_area_linux_options options = {};
    options.huge_pages = huge_pages;
    Create(options);
  }

  // Maps into memory_; returns 0 or a code.
  int Map(size_t size, const aml_area_map_options &options = {}) {
    memory_ = static_cast<char *>(aml_area_map(area_, size, &options));
    return memory_ == nullptr ? aml_error_code() : 0;
  }

  void Unmap(size_t size) {
    EXPECT_EQ(0, aml_area_unmap(area_, memory_, size)) << aml_error_detail();
  }

  // Maps once for each of the calls, with that one failing so that there is no mapping.
  size_t EachFailedMap(unsigned calls, int number, int code, const std::string &sentence,
                       size_t size, const aml_area_map_options &options = {}) {
    const size_t failures = EachFailure(
        calls, number, [&] { return Map(size, options); },
        [&](int err) {
          EXPECT_EQ(code, err);
          EXPECT_EQ(Sentence(sentence, number), aml_error_detail());
          EXPECT_EQ(nullptr, memory_);
        });
    Unmap(size);
    return failures;
  }

  const aml_fault_held before_ = aml_fault_system_held();
  const size_t page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  aml_area *area_ = nullptr;
  char *memory_ = nullptr;
};

// Creating

TEST_F(AreaLinuxSystemFault, CreateWithoutMemoryLeavesItsResultAlone) {
  aml_area sentinel = {};
  aml_area *area = &sentinel;
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&area] { return aml_area_linux_create(&area, nullptr); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(-AML_ENOMEM, aml_error_code());
        EXPECT_STREQ("aml_area_linux_create: no memory for the block", aml_error_detail());
        EXPECT_EQ(&sentinel, area);
      });
  EXPECT_EQ(1u, failures);
  ASSERT_NE(&sentinel, area);
  aml_area_destroy(&area);
}

TEST_F(AreaLinuxSystemFault, CreateThatCannotCheckItsDevicesKeepsNothing) {
  aml_area_linux_options options = {};
  options.policy = AML_POLICY_BIND;
  options.devices = aml_nodeset_of(0);
  aml_area *area = nullptr;
  const aml_fault_held before = aml_fault_system_held();
  aml_fault_system_arm(AML_FAULT_GET_MEMPOLICY, 1, EPERM);
  EXPECT_EQ(-AML_EPERM, aml_area_linux_create(&area, &options));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_EQ(nullptr, area);
  ExpectHeld(before);
}

TEST_F(AreaLinuxSystemFault, WithoutTheSystemsSettingThereAreNoHugePages) {
  for (const unsigned call : {AML_FAULT_OPEN, AML_FAULT_READ}) {
    aml_fault_system_arm(call | AML_FAULT_FROM_THEN_ON, 1, EACCES);
    aml_area_linux_options options = {};
    options.huge_pages = AML_AREA_LINUX_HUGE_TRANSPARENT;
    aml_area *refused = nullptr;
    EXPECT_EQ(-AML_ENOTSUP, aml_area_linux_create(&refused, &options));
    options.wishes = AML_AREA_GRANT_HUGE_TRANSPARENT;
    Create(options);
    const aml_fault_count count = aml_fault_system_disarm();
    EXPECT_EQ(count.seen, count.failed);
    aml_area_info info = {};
    ASSERT_EQ(0, aml_area_get_info(area_, nullptr, &info));
    EXPECT_EQ(0u, info.granted & AML_AREA_GRANT_HUGE_TRANSPARENT);
    EXPECT_EQ(0, Map(8 * kMiB));
    Unmap(8 * kMiB);
  }
}

// Mapping

TEST_F(AreaLinuxSystemFault, AMapThatTheSystemRefusesIsNull) {
  struct Case {
    int number;
    int code;
  };
  for (const Case &c : {Case{ENOMEM, -AML_ENOMEM}, Case{EPERM, -AML_EPERM}}) {
    SCOPED_TRACE(std::strerror(c.number));
    EXPECT_EQ(1u,
              EachFailedMap(AML_FAULT_MMAP, c.number, c.code, "aml_area_map: mmap", 10 * page_));
    aml_area_map_options aligned = {};
    aligned.alignment = kMiB;
    EXPECT_EQ(1u, EachFailedMap(AML_FAULT_MMAP, c.number, c.code, "aml_area_map: mmap", 10 * page_,
                                aligned));
  }
}

TEST_F(AreaLinuxSystemFault, AMapAtTheHintThatTheSystemRefusesIsNull) {
  ASSERT_EQ(0, Map(page_));
  aml_area_map_options exact = {};
  exact.hint = memory_;
  exact.flags = AML_AREA_MAP_EXACT;
  Unmap(page_);
  EXPECT_EQ(1u, EachFailedMap(AML_FAULT_MMAP, ENOMEM, -AML_ENOMEM, "aml_area_map: mmap at the hint",
                              page_, exact));
}

TEST_F(AreaLinuxSystemFault, WhenTooMuchCannotBeGivenBackNothingIsKept) {
  // A place in which a mapping with a megabyte too much has something before and behind.
  ASSERT_EQ(0, Map(4 * kMiB));
  aml_area_map_options aligned = {};
  aligned.alignment = kMiB;
  aligned.hint = memory_ + kMiB + 2 * page_ - (Number(memory_) & (kMiB - 1));
  Unmap(4 * kMiB);
  EXPECT_EQ(2u, EachFailedMap(AML_FAULT_MUNMAP, ENOMEM, -AML_ENOMEM, "aml_area_map: munmap",
                              10 * page_, aligned));
}

TEST_F(AreaLinuxSystemFault, AMapThatCannotBeBoundIsGivenBack) {
  if (get_mempolicy(nullptr, nullptr, 0, nullptr, 0) != 0)
    GTEST_SKIP() << "no NUMA system calls here";
  aml_area_linux_options options = {};
  options.policy = AML_POLICY_LOCAL;
  Create(options);
  EXPECT_EQ(1u, EachFailedMap(AML_FAULT_MBIND, ENOMEM, -AML_ENOMEM, "aml_area_map: mbind", page_));
}

TEST_F(AreaLinuxSystemFault, AMapThatCannotBeAdvisedIsGivenBack) {
  for (const auto huge : {AML_AREA_LINUX_HUGE_NONE, AML_AREA_LINUX_HUGE_TRANSPARENT}) {
    CreateHuge(huge);
    EXPECT_EQ(1u, EachFailedMap(AML_FAULT_MADVISE, ENOMEM, -AML_ENOMEM, "aml_area_map: madvise",
                                5 * kMiB));
  }
}

TEST_F(AreaLinuxSystemFault, AKernelWithoutHugePagesMapsSmallOnes) {
  for (const auto huge : {AML_AREA_LINUX_HUGE_NONE, AML_AREA_LINUX_HUGE_TRANSPARENT}) {
    CreateHuge(huge);
    aml_fault_system_arm(AML_FAULT_MADVISE, 1, EINVAL);
    const int err = Map(5 * kMiB);
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    ASSERT_EQ(0, err) << aml_error_detail();
    std::memset(memory_, 1, 5 * kMiB);
    Unmap(5 * kMiB);
  }
}

// Populating

class AreaLinuxPopulateFault : public AreaLinuxSystemFault {
protected:
  AreaLinuxPopulateFault() { populate_.flags = AML_AREA_MAP_POPULATE; }

  aml_area_map_options populate_{};
};

TEST_F(AreaLinuxPopulateFault, WhereThereIsNoRoomTheMapIsGivenBack) {
  const std::string sentence = "aml_area_map: madvise(MADV_POPULATE_WRITE)";
  EXPECT_EQ(1u,
            EachFailedMap(AML_FAULT_MADVISE, ENOMEM, -AML_ENOMEM, sentence, 10 * page_, populate_));
  // What the kernel says of a page that it cannot get: for us that is no memory either.
  aml_fault_system_arm(AML_FAULT_MADVISE, 1, EFAULT);
  EXPECT_EQ(-AML_ENOMEM, Map(10 * page_, populate_));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_EQ(Sentence(sentence, ENOMEM), aml_error_detail());
}

TEST_F(AreaLinuxPopulateFault, AnOlderKernelHasThePagesTouched) {
  aml_fault_system_arm(AML_FAULT_MADVISE, 1, EINVAL);
  const int err = Map(10 * page_ - 1, populate_);
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  ASSERT_EQ(0, err) << aml_error_detail();
  EXPECT_EQ(10u, PresentPages(memory_, 10));
  EXPECT_TRUE(std::all_of(memory_, memory_ + 10 * page_, [](char byte) { return byte == 0; }));
  Unmap(10 * page_ - 1);
}

TEST_F(AreaLinuxPopulateFault, EveryCallOfAnAlignedMapMayFail) {
  CreateHuge(AML_AREA_LINUX_HUGE_NONE);
  populate_.alignment = kMiB;
  const size_t failures = EachFailure(
      AML_FAULT_MMAP | AML_FAULT_MUNMAP | AML_FAULT_MADVISE, ENOMEM,
      [&] { return Map(10 * page_, populate_); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(nullptr, memory_);
      });
  // One mmap, one or two munmap, two madvise.
  EXPECT_LE(4u, failures);
  EXPECT_GE(5u, failures);
  EXPECT_EQ(10u, PresentPages(memory_, 10));
  Unmap(10 * page_);
}

// A mapping's life

TEST_F(AreaLinuxSystemFault, AnUnmapThatFailsLeavesTheMapping) {
  ASSERT_EQ(0, Map(3 * page_));
  std::memset(memory_, 7, 3 * page_);
  const aml_fault_held before = aml_fault_system_held();
  aml_fault_system_arm(AML_FAULT_MUNMAP, 1, ENOMEM);
  EXPECT_EQ(-AML_ENOMEM, aml_area_unmap(area_, memory_, 3 * page_));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_EQ(Sentence("aml_area_unmap: munmap", ENOMEM), aml_error_detail());
  ExpectHeld(before);
  EXPECT_TRUE(std::all_of(memory_, memory_ + 3 * page_, [](char byte) { return byte == 7; }));
  Unmap(3 * page_);
}

TEST_F(AreaLinuxSystemFault, AResizeThatFailsLeavesTheMapping) {
  struct Case {
    int number;
    int code;
    std::string sentence;
  };
  ASSERT_EQ(0, Map(page_));
  memory_[0] = 7;
  for (const Case &c : {Case{ENOMEM, -AML_ENOMEM, Sentence("aml_area_resize: mremap", ENOMEM)},
                        Case{EAGAIN, -AML_ENOMEM,
                             "aml_area_resize: mremap needs more locked memory than RLIMIT_MEMLOCK "
                             "allows"},
                        Case{EINVAL, -AML_ENOMEM, Sentence("aml_area_resize: mremap", ENOMEM)},
                        Case{EFAULT, -AML_EINVAL,
                             "aml_area_resize: pointer is no mapping of that size, or one that was "
                             "bound in pieces"}}) {
    const aml_fault_held before = aml_fault_system_held();
    aml_fault_system_arm(AML_FAULT_MREMAP, 1, c.number);
    EXPECT_EQ(nullptr, aml_area_resize(area_, memory_, page_, 4 * page_, AML_AREA_RESIZE_MAY_MOVE));
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    EXPECT_EQ(c.code, aml_error_code());
    EXPECT_EQ(c.sentence, aml_error_detail());
    ExpectHeld(before);
  }
  EXPECT_EQ(7, memory_[0]);
  void *const grown = aml_area_resize(area_, memory_, page_, 4 * page_, AML_AREA_RESIZE_MAY_MOVE);
  ASSERT_NE(nullptr, grown);
  memory_ = static_cast<char *>(grown);
  EXPECT_EQ(7, memory_[0]);
  Unmap(4 * page_);
}

TEST_F(AreaLinuxSystemFault, APurgeThatFailsLeavesThePages) {
  ASSERT_EQ(0, Map(2 * page_));
  std::memset(memory_, 7, 2 * page_);
  struct Case {
    int number;
    int code;
    std::string sentence;
  };
  for (const Case &c :
       {Case{EINVAL, -AML_EINVAL, Sentence("aml_area_purge: madvise(MADV_DONTNEED)", EINVAL)},
        Case{ENOMEM, -AML_EINVAL,
             "aml_area_purge: pointer and size span addresses without a mapping"}}) {
    aml_fault_system_arm(AML_FAULT_MADVISE, 1, c.number);
    EXPECT_EQ(c.code, aml_area_purge(area_, memory_, 2 * page_));
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    EXPECT_EQ(c.sentence, aml_error_detail());
    EXPECT_TRUE(std::all_of(memory_, memory_ + 2 * page_, [](char byte) { return byte == 7; }));
  }
  EXPECT_EQ(0, aml_area_purge(area_, memory_, 2 * page_));
  EXPECT_EQ(0, memory_[0]);
  Unmap(2 * page_);
}

} // namespace
