// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/fault/area.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;

class FaultArea : public testing::Test {
protected:
  void SetUp() override { ASSERT_EQ(0, aml_area_fault_create(&area_, pages_.get(), 0)); }
  void TearDown() override {
    EXPECT_EQ(0u, aml_area_fault_live(area_));
    EXPECT_EQ(0, pages_.live());
    aml_area_destroy(&area_);
  }

  PageArea pages_;
  aml_area *area_ = nullptr;
};

TEST_F(FaultArea, DoesAsTheInnerOneUntilArmed) {
  aml_area_info inner;
  aml_area_info outer;
  ASSERT_EQ(0, aml_area_get_info(pages_.get(), nullptr, &inner));
  ASSERT_EQ(0, aml_area_get_info(area_, nullptr, &outer));
  EXPECT_EQ(inner.granularity, outer.granularity);
  EXPECT_EQ(inner.capabilities, outer.capabilities);
  EXPECT_EQ(aml_area_capabilities(pages_.get()), aml_area_capabilities(area_));
  auto *const memory = static_cast<char *>(aml_area_map(area_, 10, nullptr));
  ASSERT_NE(nullptr, memory);
  memory[9] = 1;
  EXPECT_EQ(1u, aml_area_fault_live(area_));
  EXPECT_EQ(1, pages_.live());
  EXPECT_EQ(0, aml_area_unmap(area_, memory, 10));
  EXPECT_EQ(nullptr, aml_area_map(area_, SIZE_MAX, nullptr));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code()) << "what the inner one failed with";
}

TEST_F(FaultArea, TheNthCallFailsAndNoOther) {
  for (size_t nth = 1; nth <= 4; ++nth) {
    aml_area_fault_arm(area_, AML_AREA_FAULT_MAP, nth, 1, -AML_EPERM);
    for (size_t call = 1; call <= 4; ++call) {
      void *const memory = aml_area_map(area_, kPage, nullptr);
      EXPECT_EQ(call == nth, memory == nullptr);
      if (memory == nullptr) {
        EXPECT_EQ(-AML_EPERM, aml_error_code());
        EXPECT_STREQ("aml_area_map: fails, as a test planned", aml_error_detail());
      }
      EXPECT_EQ(0, aml_area_unmap(area_, memory, kPage)) << "is not counted";
    }
    EXPECT_EQ(1u, aml_area_fault_disarm(area_));
  }
}

TEST_F(FaultArea, SeveralCallsFailFromTheNthOn) {
  aml_area_fault_arm(area_, AML_AREA_FAULT_INFO, 2, 2, -AML_EIO);
  aml_area_info info;
  std::string outcome;
  for (int call = 0; call < 5; ++call)
    outcome += aml_area_get_info(area_, nullptr, &info) == 0 ? '.' : 'x';
  EXPECT_EQ(".xx..", outcome);
  EXPECT_EQ(2u, aml_area_fault_disarm(area_));
  aml_area_fault_arm(area_, AML_AREA_FAULT_INFO, 3, SIZE_MAX, -AML_EIO);
  outcome.clear();
  for (int call = 0; call < 5; ++call)
    outcome += aml_area_get_info(area_, nullptr, &info) == 0 ? '.' : 'x';
  EXPECT_EQ("..xxx", outcome);
  EXPECT_EQ(3u, aml_area_fault_disarm(area_));
  EXPECT_EQ(0, aml_area_get_info(area_, nullptr, &info));
  EXPECT_EQ(0u, aml_area_fault_disarm(area_)) << "nothing was armed";
}

TEST_F(FaultArea, ACallThatFailsDoesNothing) {
  void *const memory = aml_area_map(area_, kPage, nullptr);
  ASSERT_NE(nullptr, memory);
  aml_area_fault_arm(area_, AML_AREA_FAULT_ALL, 1, 2, -AML_EIO);
  EXPECT_EQ(-AML_EIO, aml_area_unmap(area_, memory, kPage));
  EXPECT_EQ(1u, aml_area_fault_live(area_));
  EXPECT_EQ(1, pages_.live());
  EXPECT_EQ(nullptr, aml_area_map(area_, kPage, nullptr));
  EXPECT_EQ(1, pages_.live());
  EXPECT_EQ(0, aml_area_unmap(area_, memory, kPage));
  EXPECT_EQ(2u, aml_area_fault_disarm(area_));
}

// The operations that a range of memory takes, by an area that has them all.
std::vector<int> CallAll(aml_area *area, char *memory) {
  const aml_nodeset zero = aml_nodeset_of(0);
  void *pages[] = {memory};
  int devices[] = {0};
  int results[] = {0};
  return {aml_area_bind(area, memory, kPage, AML_POLICY_BIND, &zero, 0),
          aml_area_locate(area, 1, pages, devices),
          aml_area_move(area, 1, pages, devices, results),
          aml_area_resize(area, memory, kPage, 2 * kPage, 0) == nullptr ? aml_error_code() : 0,
          aml_area_purge(area, memory, kPage),
          aml_area_sync(area, memory, kPage)};
}

constexpr unsigned kOperations[] = {AML_AREA_FAULT_BIND,  AML_AREA_FAULT_LOCATE,
                                    AML_AREA_FAULT_MOVE,  AML_AREA_FAULT_RESIZE,
                                    AML_AREA_FAULT_PURGE, AML_AREA_FAULT_SYNC};

constexpr unsigned kCapabilities[] = {AML_AREA_CAN_BIND,   AML_AREA_CAN_LOCATE, AML_AREA_CAN_MOVE,
                                      AML_AREA_CAN_RESIZE, AML_AREA_CAN_PURGE,  AML_AREA_CAN_SYNC};

TEST_F(FaultArea, EachOperationFailsByItself) {
  char *const memory = static_cast<char *>(aml_area_map(area_, kPage, nullptr));
  const std::vector<int> usual = CallAll(area_, memory);
  for (size_t i = 0; i < std::size(kOperations); ++i) {
    aml_area_fault_arm(area_, kOperations[i], 1, 1, -AML_ECANCELED);
    std::vector<int> expected = usual;
    expected[i] = -AML_ECANCELED;
    EXPECT_EQ(expected, CallAll(area_, memory));
    EXPECT_EQ(1u, aml_area_fault_disarm(area_));
  }
  EXPECT_EQ(0, aml_area_unmap(area_, memory, kPage));
}

TEST_F(FaultArea, HiddenCapabilitiesAreLacking) {
  char byte = 0;
  for (size_t i = 0; i < std::size(kCapabilities); ++i) {
    AML_AREA_FAULT_DECL(area);
    ASSERT_EQ(0, aml_area_fault_init(area, pages_.get(), kCapabilities[i] | AML_AREA_ZEROED));
    EXPECT_EQ(0u, aml_area_capabilities(area) & (kCapabilities[i] | AML_AREA_ZEROED));
    EXPECT_NE(0u, aml_area_capabilities(area) & AML_AREA_HOST_READABLE);
    EXPECT_EQ(-AML_ENOTSUP, CallAll(area, &byte)[i]);
    aml_area_info info;
    ASSERT_EQ(0, aml_area_get_info(area, nullptr, &info));
    EXPECT_EQ(aml_area_capabilities(area), info.capabilities);
    aml_area_fini(area);
  }
}

TEST_F(FaultArea, ThreadsShareOneCount) {
  constexpr size_t kThreads = 4;
  constexpr size_t kCalls = 500;
  aml_area_fault_arm(area_, AML_AREA_FAULT_MAP, 100, 300, -AML_ENOMEM);
  std::atomic<size_t> failed{0};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&] {
      for (size_t call = 0; call < kCalls; ++call) {
        void *const memory = aml_area_map(area_, kPage, nullptr);
        failed += memory == nullptr;
        EXPECT_EQ(0, aml_area_unmap(area_, memory, kPage));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(300u, failed);
  EXPECT_EQ(300u, aml_area_fault_disarm(area_));
}

TEST_F(FaultArea, InitRefusesNullAndOtherStorage) {
  AML_AREA_FAULT_DECL(area);
  EXPECT_EQ(-AML_EINVAL, aml_area_fault_init(nullptr, pages_.get(), 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_fault_init(area, nullptr, 0));
  EXPECT_STREQ("aml_area_fault_init: inner is null", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_fault_init(pages_.get(), pages_.get(), 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_fault_create(nullptr, pages_.get(), 0));
  aml_area *none = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_area_fault_create(&none, nullptr, 0));
  EXPECT_EQ(nullptr, none);
  aml_area_fini(area);
  EXPECT_EQ(0, aml_area_fault_init(area, pages_.get(), 0)) << "fini leaves it as declared";
  aml_area_fini(area);
}

} // namespace
