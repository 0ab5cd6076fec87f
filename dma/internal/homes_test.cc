// SPDX-License-Identifier: BSD-3-Clause
//
// What a system tells, or does not, of where pages and threads are. On machines with several nodes:
// //tests/numa.

#include "aml/dma/internal/homes.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "aml/core/cpuset.h"
#include "aml/tests/fault/system.h"

namespace {

constexpr size_t kPage = 65536; // the largest there is
constexpr int16_t kHome = 7;

class DmaHomes : public testing::Test {
protected:
  DmaHomes() { std::fill(std::begin(homes_.of_node), std::end(homes_.of_node), kHome); }

  void SetUp() override {
    void *const memory =
        mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(MAP_FAILED, memory);
    pages_[0] = memory;
    pages_[1] = static_cast<char *>(memory) + kPage + 100;
    *static_cast<char *>(memory) = 1;
    aml_internal_homes_locate(&homes_, 1, pages_, home_);
    if (home_[0] == 0)
      GTEST_SKIP() << "move_pages is not allowed here";
  }

  void TearDown() override { (void)munmap(pages_[0], 2 * kPage); }

  aml_internal_homes homes_{};
  void *pages_[2]{};
  int16_t home_[2] = {-1, -1};
};

TEST_F(DmaHomes, APageHasOneOnceItIsTouched) {
  for (int time = 0; time < 2; ++time) { // looking touches nothing
    aml_internal_homes_locate(&homes_, 2, pages_, home_);
    EXPECT_EQ(kHome, home_[0]);
    EXPECT_EQ(0, home_[1]);
  }
}

TEST_F(DmaHomes, NothingHasOneWhereTheSystemDoesNotTell) {
  aml_fault_system_arm(AML_FAULT_MOVE_PAGES, 1, EPERM);
  aml_internal_homes_locate(&homes_, 2, pages_, home_);
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_EQ(0, home_[0]);
  EXPECT_EQ(0, home_[1]);
}

TEST_F(DmaHomes, AThreadsIsThatOfItsNode) {
  EXPECT_EQ(kHome, aml_internal_homes_here(&homes_));
}

TEST(DmaHomesFind, ThereAreNotSeveralWhereTheSystemDoesNotTell) {
  aml_internal_homes homes = {};
  aml_fault_system_arm(AML_FAULT_GET_MEMPOLICY, 1, EPERM);
  aml_internal_homes_find(&homes, nullptr);
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_FALSE(homes.are_several);
}

TEST(DmaHomesFind, ThereAreNotSeveralForOneCpu) {
  aml_internal_homes homes = {};
  const aml_cpuset one = aml_cpuset_of(0);
  aml_internal_homes_find(&homes, &one);
  EXPECT_FALSE(homes.are_several);
}

} // namespace
