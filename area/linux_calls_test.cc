// SPDX-License-Identifier: BSD-3-Clause
//
// How many system calls area:linux makes, beside the raw ones that do the same, and what becomes of
// a mapping of huge pages when each of them fails.

#include <gtest/gtest.h>
#include <numaif.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

constexpr size_t kHuge = size_t{2} << 20;
constexpr size_t kPiecesOfReservation = 32;
constexpr unsigned kMemoryCalls = AML_FAULT_MMAP | AML_FAULT_MUNMAP | AML_FAULT_MREMAP |
                                  AML_FAULT_MADVISE | AML_FAULT_MPROTECT | AML_FAULT_MLOCK |
                                  AML_FAULT_MUNLOCK | AML_FAULT_MBIND | AML_FAULT_GET_MEMPOLICY |
                                  AML_FAULT_MOVE_PAGES;
constexpr unsigned kFileCalls =
    AML_FAULT_OPEN | AML_FAULT_READ | AML_FAULT_ACCESS | AML_FAULT_PRCTL;
constexpr unsigned kAllCalls =
    kMemoryCalls | kFileCalls | AML_FAULT_HEAP | AML_FAULT_PTHREAD_CREATE;

// The system's setting of huge pages; empty where it has none.
std::string HugePageSetting() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t open = text.find('[');
  return open == std::string::npos ? "" : text.substr(open + 1, text.find(']') - open - 1);
}

bool IsHugeByAdvice() {
  return HugePageSetting() == "madvise";
}

class AreaLinuxCalls : public ::testing::Test {
protected:
  void SetUp() override { Create(AML_POLICY_DEFAULT); }

  void TearDown() override {
    aml_area_destroy(&area_);
    ExpectHeld(before_);
  }

  void Create(aml_policy policy, unsigned flags = 0) {
    aml_area_linux_options options = {};
    options.policy = policy;
    options.flags = flags;
    aml_area_destroy(&area_);
    ASSERT_EQ(0, aml_area_linux_create(&area_, &options)) << aml_error_detail();
  }

  // Maps and unmaps so often; returns how many calls that took.
  size_t MapCalls(size_t size, size_t times = 1) {
    aml_fault_system_arm(kAllCalls, 0, 0);
    for (size_t i = 0; i < times; ++i) {
      void *const memory = aml_area_map(area_, size, nullptr);
      EXPECT_NE(nullptr, memory) << aml_error_detail();
      EXPECT_EQ(0, aml_area_unmap(area_, memory, size));
    }
    return aml_fault_system_disarm().seen;
  }

  const aml_fault_held before_ = aml_fault_system_held();
  const size_t page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  aml_area *area_ = nullptr;
};

TEST_F(AreaLinuxCalls, APageTakesTheRawOnes) {
  EXPECT_EQ(2u, MapCalls(page_));
  EXPECT_EQ(200u, MapCalls(page_, 100));
}

TEST_F(AreaLinuxCalls, HugePagesTakeAsManyButForTheReservation) {
  if (!IsHugeByAdvice())
    GTEST_SKIP() << "huge pages need no advice here, or there are none";
  // mmap; munmap and mmap where that is not aligned, with one or two munmap; madvise.
  const size_t first = MapCalls(kHuge) - 2;
  EXPECT_LE(2u, first);
  EXPECT_GE(6u, first);
  EXPECT_EQ(2u * (kPiecesOfReservation - 1), MapCalls(kHuge, kPiecesOfReservation - 1));
  EXPECT_LE(2u + 2u, MapCalls(kHuge));
}

TEST_F(AreaLinuxCalls, APolicyTakesOneMore) {
  if (get_mempolicy(nullptr, nullptr, 0, nullptr, 0) != 0)
    GTEST_SKIP() << "no NUMA system calls here";
  const size_t small = MapCalls(page_);
  (void)MapCalls(kHuge);
  const size_t large = MapCalls(kHuge);
  Create(AML_POLICY_LOCAL);
  EXPECT_EQ(small + 1, MapCalls(page_));
  (void)MapCalls(kHuge);
  // Elsewhere the number of calls for alignment depends on what else is mapped.
  if (IsHugeByAdvice()) {
    EXPECT_EQ(large + 1, MapCalls(kHuge));
  }
}

TEST_F(AreaLinuxCalls, EachOptionTakesOneMore) {
  for (const unsigned flag :
       {AML_AREA_LINUX_POPULATE, AML_AREA_LINUX_NO_DUMP, AML_AREA_LINUX_NO_MERGE}) {
    Create(AML_POLICY_DEFAULT, flag);
    EXPECT_EQ(3u, MapCalls(page_)) << flag;
  }
}

TEST_F(AreaLinuxCalls, WhatNeedsNoneMakesNone) {
  void *const memory = aml_area_map(area_, page_, nullptr);
  aml_area_info info = {};
  aml_fault_system_arm(kAllCalls, 0, 0);
  EXPECT_NE(0u, aml_area_capabilities(area_));
  EXPECT_EQ(0, aml_area_get_info(area_, nullptr, &info));
  EXPECT_EQ(nullptr, aml_area_map(area_, SIZE_MAX, nullptr));
  EXPECT_EQ(nullptr, aml_area_map(area_, 0, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, memory, SIZE_MAX));
  EXPECT_EQ(0, aml_area_unmap(area_, nullptr, 1));
  EXPECT_EQ(0u, aml_fault_system_disarm().seen);
  EXPECT_EQ(0, aml_area_unmap(area_, memory, page_));
}

// Failures

TEST_F(AreaLinuxCalls, WhereOneCallFailsAPieceIsMappedAllTheSame) {
  if (!IsHugeByAdvice())
    GTEST_SKIP() << "huge pages need no advice here, or there are none";
  size_t nth = 1;
  for (aml_fault_count count = {1, 1}; count.failed != 0; ++nth) {
    Create(AML_POLICY_DEFAULT);
    const aml_fault_held before = aml_fault_system_held();
    aml_fault_system_arm(AML_FAULT_MMAP | AML_FAULT_MADVISE | AML_FAULT_MPROTECT, nth, ENOMEM);
    char *const memory = static_cast<char *>(aml_area_map(area_, kHuge, nullptr));
    count = aml_fault_system_disarm();
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    memory[0] = memory[kHuge - 1] = 1;
    EXPECT_EQ(0, aml_area_unmap(area_, memory, kHuge));
    aml_area_fini(area_);
    EXPECT_EQ(before.mapped_size, aml_fault_system_held().mapped_size) << nth;
    ASSERT_GT(10u, nth) << "makes ever more calls";
  }
  // mmap, perhaps again for alignment, madvise, mprotect; then one in which nothing fails.
  EXPECT_LE(4u, nth - 1);
}

TEST_F(AreaLinuxCalls, WhereAllFailAPieceIsNotMappedAndNothingIsKept) {
  struct Case {
    unsigned call;
    const char *sentence;
  };
  for (const Case &c : {Case{AML_FAULT_MMAP, "aml_area_map: mmap: "},
                        Case{AML_FAULT_MADVISE, "aml_area_map: madvise: "}}) {
    if (c.call == AML_FAULT_MADVISE && !IsHugeByAdvice())
      continue;
    Create(AML_POLICY_DEFAULT);
    const aml_fault_held before = aml_fault_system_held();
    aml_fault_system_arm(c.call | AML_FAULT_FROM_THEN_ON, 1, ENOMEM);
    EXPECT_EQ(nullptr, aml_area_map(area_, kHuge, nullptr));
    EXPECT_NE(0u, aml_fault_system_disarm().failed);
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    EXPECT_EQ(c.sentence + std::string(std::strerror(ENOMEM)), aml_error_detail());
    ExpectHeld(before);
  }
}

TEST_F(AreaLinuxCalls, APieceThatCannotBeBoundIsGivenBack) {
  Create(AML_POLICY_LOCAL);
  for (int i = 0; i < 3; ++i) {
    aml_fault_system_arm(AML_FAULT_MBIND, 1, ENOMEM);
    EXPECT_EQ(nullptr, aml_area_map(area_, kHuge, nullptr));
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    EXPECT_EQ("aml_area_map: mbind: " + std::string(std::strerror(ENOMEM)), aml_error_detail());
  }
}

TEST_F(AreaLinuxCalls, AKernelWithoutWeightsIsNamedWithItsVersion) {
  if (get_mempolicy(nullptr, nullptr, 0, nullptr, 0) != 0)
    GTEST_SKIP() << "no NUMA system calls here";
  aml_area_linux_options options = {};
  options.policy = AML_POLICY_WEIGHTED_INTERLEAVE;
  options.devices = aml_nodeset_of(0);
  aml_area_destroy(&area_);
  ASSERT_EQ(0, aml_area_linux_create(&area_, &options)) << aml_error_detail();
  aml_fault_system_arm(AML_FAULT_MBIND | AML_FAULT_FROM_THEN_ON, 1, EINVAL);
  EXPECT_EQ(nullptr, aml_area_map(area_, page_, nullptr));
  EXPECT_NE(0u, aml_fault_system_disarm().failed);
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  utsname kernel = {};
  ASSERT_EQ(0, uname(&kernel));
  const std::string sentence = aml_error_detail();
  EXPECT_EQ(0u, sentence.find("aml_area_map: ")) << sentence;
  EXPECT_NE(std::string::npos, sentence.find("needs Linux 6.9")) << sentence;
  EXPECT_NE(std::string::npos, sentence.find(kernel.release)) << sentence;
}

TEST_F(AreaLinuxCalls, WhatTheSystemDoesNotTellOfPoolsAndSettingsIsNotHad) {
  aml_area_linux_options options = {};
  options.huge_pages = AML_AREA_LINUX_HUGE_POOL;
  options.pool_page_size = kHuge;
  aml_area *refused = nullptr;
  aml_fault_system_arm(AML_FAULT_ACCESS, 1, EACCES);
  EXPECT_EQ(-AML_ENOTSUP, aml_area_linux_create(&refused, &options));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_STREQ("aml_area_linux_init: pool_page_size 2097152 names no pool of huge pages that this "
               "system has",
               aml_error_detail());
  EXPECT_EQ(nullptr, refused);
  // A kernel before 4.10 cannot be asked whether the process has huge pages off; then it has not.
  aml_fault_system_arm(AML_FAULT_PRCTL | AML_FAULT_FROM_THEN_ON, 1, EINVAL);
  Create(AML_POLICY_DEFAULT);
  EXPECT_NE(0u, aml_fault_system_disarm().failed);
  aml_area_info info = {};
  ASSERT_EQ(0, aml_area_get_info(area_, nullptr, &info));
  EXPECT_EQ(IsHugeByAdvice() || HugePageSetting() == "always",
            (info.granted & AML_AREA_GRANT_HUGE_TRANSPARENT) != 0);
}

} // namespace
