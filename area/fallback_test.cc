// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/fallback.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "aml/area/fallback_testing.h"
#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/support/page_area.h"

namespace {

TEST_F(AreaFallback, TheFirstAreaThatCanServes) {
  char *const first = Map(1);
  EXPECT_EQ(0u, IndexOf(first));
  EXPECT_EQ(1u, aml_area_fault_live(first_));
  char *const second = MapSecond(kPage + 1);
  EXPECT_EQ(1u, IndexOf(second));
  EXPECT_EQ(1u, IndexOf(second + 2 * kPage - 1)) << "each address of it";
  EXPECT_EQ(1u, aml_area_fault_live(second_));
  EXPECT_EQ(1u, Stats(0).live_count);
  EXPECT_EQ(kPage, Stats(0).live_size);
  EXPECT_EQ(1u, Stats(0).maps);
  EXPECT_EQ(1u, Stats(0).failures);
  EXPECT_EQ(2 * kPage, Stats(1).live_size);
  EXPECT_EQ(1u, Stats(1).maps);
  EXPECT_EQ(0u, Stats(1).failures);
  Unmap(first, 1);
  Unmap(second, kPage + 1);
}

TEST_F(AreaFallback, MappingsGoBackToWhereTheyCameFrom) {
  char *const second = MapSecond(kPage);
  char *const first = Map(kPage);
  Unmap(second, kPage);
  EXPECT_EQ(1u, aml_area_fault_live(first_));
  EXPECT_EQ(0u, aml_area_fault_live(second_));
  EXPECT_EQ(0u, IndexOf(first));
  Unmap(first, kPage);
}

TEST_F(AreaFallback, EachDefaultReasonLetsTheNextAreaTry) {
  for (int code = 1; code <= AML_ESYSTEM; ++code) {
    const bool falls =
        code == AML_ENOMEM || code == AML_ENOSPC || code == AML_ENOTSUP || code == AML_EPERM;
    Fail(AML_AREA_FAULT_MAP, -code);
    void *const bytes = aml_area_map(area_, 1, nullptr);
    EXPECT_EQ(falls, bytes != nullptr) << aml_strerror(code);
    if (bytes == nullptr) {
      EXPECT_EQ(-code, aml_error_code());
    }
    EXPECT_EQ(0, aml_area_unmap(area_, bytes, 1));
  }
}

TEST_F(AreaFallback, ReasonsCanBeChosen) {
  aml_area_fallback_options options = {};
  options.reasons = AML_AREA_FALLBACK_ON(AML_EIO) | AML_AREA_FALLBACK_ON(AML_EBUSY);
  Create(options);
  for (const int code : {AML_EIO, AML_EBUSY}) {
    Fail(AML_AREA_FAULT_MAP, -code);
    void *const bytes = Map(1);
    EXPECT_EQ(1u, IndexOf(bytes));
    Unmap(bytes, 1);
  }
  Fail(AML_AREA_FAULT_MAP, -AML_ENOMEM);
  EXPECT_EQ(nullptr, aml_area_map(area_, 1, nullptr));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
}

TEST_F(AreaFallback, ATotalFailureNamesEachAreasReason) {
  Fail(AML_AREA_FAULT_MAP, -AML_ENOMEM);
  FailIn(second_, AML_AREA_FAULT_MAP, -AML_EBUSY);
  EXPECT_EQ(nullptr, aml_area_map(area_, 1, nullptr));
  EXPECT_EQ(-AML_EBUSY, aml_error_code()) << "of the last one";
  EXPECT_STREQ("aml_area_map: area 0 (fault): fails, as a test planned; area 1 (fault): fails, as "
               "a test planned",
               aml_error_detail());
}

TEST_F(AreaFallback, AFailureThatIsNoReasonNamesItsArea) {
  Fail(AML_AREA_FAULT_MAP, -AML_EIO);
  EXPECT_EQ(nullptr, aml_area_map(area_, 1, nullptr));
  EXPECT_STREQ("aml_area_map: area 0 (fault): fails, as a test planned", aml_error_detail());
  EXPECT_EQ(0u, Stats(1).failures);
}

TEST_F(AreaFallback, TheSentenceHasRoomForEachOfManyAreas) {
  aml_area *areas[10];
  aml_area *area = nullptr;
  for (aml_area *&each : areas)
    each = first_;
  ASSERT_EQ(0, aml_area_fallback_create(&area, 10, areas, nullptr));
  Fail(AML_AREA_FAULT_MAP);
  EXPECT_EQ(nullptr, aml_area_map(area, 1, nullptr));
  for (int i = 0; i < 10; ++i)
    EXPECT_NE(std::string::npos,
              std::string(aml_error_detail()).find("area " + std::to_string(i) + " (fault"))
        << aml_error_detail();
  aml_area_destroy(&area);
}

TEST_F(AreaFallback, UnmapOfWhatIsNoMappingIsRefused) {
  char *const bytes = Map(2 * kPage);
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, bytes + kPage, kPage));
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, bytes, kPage));
  EXPECT_STREQ("aml_area_unmap: size 4096 is not that of the mapping", aml_error_detail());
  Unmap(bytes, 2 * kPage);
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, bytes, 2 * kPage));
  EXPECT_STREQ("aml_area_unmap: pointer is in no mapping, or in one that was given back already",
               aml_error_detail());
}

TEST_F(AreaFallback, AResizeStaysWhereItCan) {
  char *bytes = MapSecond(kPage);
  bytes = static_cast<char *>(
      aml_area_resize(area_, bytes, kPage, 3 * kPage, AML_AREA_RESIZE_MAY_MOVE));
  ASSERT_NE(nullptr, bytes) << aml_error_detail();
  EXPECT_EQ(1u, IndexOf(bytes + 3 * kPage - 1));
  EXPECT_EQ(3 * kPage, Stats(1).live_size);
  Unmap(bytes, 3 * kPage);
}

TEST_F(AreaFallback, AResizeThatMayMoveGoesToAnotherArea) {
  for (const size_t size : {5 * kPage, kPage + 1}) {
    char *bytes = Map(3 * kPage);
    for (size_t i = 0; i < 3 * kPage; ++i)
      bytes[i] = static_cast<char>(i % 251);
    Fail(AML_AREA_FAULT_RESIZE);
    bytes = static_cast<char *>(
        aml_area_resize(area_, bytes, 3 * kPage, size, AML_AREA_RESIZE_MAY_MOVE));
    ASSERT_NE(nullptr, bytes) << aml_error_detail();
    (void)aml_area_fault_disarm(first_);
    EXPECT_EQ(1u, IndexOf(bytes));
    for (size_t i = 0; i < size; ++i)
      ASSERT_EQ(i < 3 * kPage ? static_cast<char>(i % 251) : 0, bytes[i]) << i;
    EXPECT_EQ(0u, aml_area_fault_live(first_));
    EXPECT_EQ(0u, Stats(0).live_size);
    EXPECT_EQ((size + kPage - 1) / kPage * kPage, Stats(1).live_size);
    Unmap(bytes, size);
  }
}

TEST_F(AreaFallback, AResizeThatMayNotMoveFails) {
  char *const bytes = Map(kPage);
  bytes[0] = 1;
  Fail(AML_AREA_FAULT_RESIZE);
  EXPECT_EQ(nullptr, aml_area_resize(area_, bytes, kPage, 2 * kPage, 0));
  EXPECT_STREQ("aml_area_resize: area 0 (fault): fails, as a test planned", aml_error_detail());
  EXPECT_EQ(1, bytes[0]);
  Unmap(bytes, kPage);
}

TEST_F(AreaFallback, MemoryThatTheHostCannotReadIsNotCopied) {
  AML_AREA_FAULT_DECL(device);
  ASSERT_EQ(0, aml_area_fault_init(device, linux_, AML_AREA_HOST_READABLE));
  aml_area *const areas[] = {first_, device};
  aml_area *area = nullptr;
  ASSERT_EQ(0, aml_area_fallback_create(&area, 2, areas, nullptr));
  void *const bytes = aml_area_map(area, 1, nullptr);
  Fail(AML_AREA_FAULT_RESIZE);
  EXPECT_EQ(nullptr, aml_area_resize(area, bytes, 1, 2 * kPage, AML_AREA_RESIZE_MAY_MOVE));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(0, aml_area_unmap(area, bytes, 1));
  aml_area_destroy(&area);
}

TEST_F(AreaFallback, TheCoarsestGranularityIsThatOfAll) {
  aml_area_linux_options huge = {};
  huge.huge_pages = AML_AREA_LINUX_HUGE_POOL;
  huge.wishes = AML_AREA_GRANT_HUGE_POOL;
  AML_AREA_LINUX_DECL(pool);
  if (aml_area_linux_init(pool, &huge) != 0)
    GTEST_SKIP() << "no kind of pool: " << aml_error_detail();
  aml_area_info whole = {};
  ASSERT_EQ(0, aml_area_get_info(pool, nullptr, &whole));
  aml_area *const areas[] = {pool, linux_};
  aml_area *area = nullptr;
  ASSERT_EQ(0, aml_area_fallback_create(&area, 2, areas, nullptr)) << aml_error_detail();
  aml_area_info info = {};
  ASSERT_EQ(0, aml_area_get_info(area, nullptr, &info));
  EXPECT_EQ(whole.granularity, info.granularity);
  std::vector<void *> live;
  for (int i = 0; i < 4; ++i) {
    live.push_back(aml_area_map(area, 1, nullptr));
    EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(live.back()) % info.granularity);
    size_t index = SIZE_MAX;
    EXPECT_EQ(0, aml_area_fallback_index_of(
                     area, static_cast<char *>(live.back()) + info.granularity - 1, &index));
  }
  for (void *const bytes : live)
    EXPECT_EQ(0, aml_area_unmap(area, bytes, 1)) << aml_error_detail();
  aml_area_destroy(&area);
}

TEST_F(AreaFallback, AreasThatCannotAlignToEachOtherAreRefused) {
  PageArea pages; // which align to no more than a page
  aml_area_linux_options huge = {};
  huge.huge_pages = AML_AREA_LINUX_HUGE_POOL;
  huge.wishes = AML_AREA_GRANT_HUGE_POOL;
  AML_AREA_LINUX_DECL(pool);
  if (aml_area_linux_init(pool, &huge) != 0)
    GTEST_SKIP() << "no kind of pool: " << aml_error_detail();
  aml_area_info info = {};
  ASSERT_EQ(0, aml_area_get_info(pool, nullptr, &info));
  if (info.granularity == kPage)
    GTEST_SKIP() << "no kind of pool";
  AML_AREA_FALLBACK_DECL(area);
  aml_area *const areas[] = {pool, pages.get()};
  EXPECT_EQ(-AML_EINVAL, aml_area_fallback_init(area, 2, areas, nullptr));
  EXPECT_EQ("aml_area_fallback_init: areas: granularity " + std::to_string(info.granularity) +
                " of one is more than another can align to",
            aml_error_detail());
}

TEST_F(AreaFallback, BadArgumentsAreRefused) {
  aml_area_fallback_stats stats = {};
  size_t index = 7;
  AML_AREA_FALLBACK_DECL(declared);
  for (aml_area *const area : {(aml_area *)nullptr, linux_, declared}) {
    EXPECT_EQ(-AML_EINVAL, aml_area_fallback_index_of(area, &index, &index));
    EXPECT_EQ(-AML_EINVAL, aml_area_fallback_get_stats(area, 0, &stats));
  }
  EXPECT_EQ(-AML_ENOENT, aml_area_fallback_index_of(area_, &index, &index));
  EXPECT_STREQ("aml_area_fallback_index_of: pointer is in no mapping", aml_error_detail());
  EXPECT_EQ(7u, index);
  EXPECT_EQ(-AML_EINVAL, aml_area_fallback_index_of(area_, &index, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_fallback_get_stats(area_, 2, &stats));
  EXPECT_STREQ("aml_area_fallback_get_stats: index 2 is not of one of the areas",
               aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_fallback_get_stats(area_, 0, nullptr));
  EXPECT_EQ(nullptr, aml_area_map(declared, 1, nullptr));
  EXPECT_STREQ("aml_area_map: area is not initialised", aml_error_detail());
  EXPECT_EQ(0u, aml_area_capabilities(declared));
}

TEST_F(AreaFallback, InitRefusesBadArguments) {
  AML_AREA_FALLBACK_DECL(area);
  aml_area *const one[] = {first_};
  aml_area *const hole[] = {first_, nullptr};
  aml_area *const itself[] = {first_, second_, area};
  const auto refused = [](const char *sentence, int err) {
    EXPECT_EQ(-AML_EINVAL, err);
    EXPECT_STREQ((std::string("aml_area_fallback_init: ") + sentence).c_str(), aml_error_detail());
  };
  const char storage[] = "area is null, or was not declared by AML_AREA_FALLBACK_DECL";
  refused(storage, aml_area_fallback_init(nullptr, 1, one, nullptr));
  refused(storage, aml_area_fallback_init(linux_, 1, one, nullptr));
  refused("areas is null", aml_area_fallback_init(area, 1, nullptr, nullptr));
  refused("count is 0", aml_area_fallback_init(area, 0, one, nullptr));
  refused("areas: number 1 is null, or the area itself",
          aml_area_fallback_init(area, 2, hole, nullptr));
  refused("areas: number 2 is null, or the area itself",
          aml_area_fallback_init(area, 3, itself, nullptr));
  aml_area_fallback_options options = {};
  for (const unsigned reasons : {1u, 1u << (AML_ESYSTEM + 1), ~0u}) {
    options.reasons = reasons;
    refused("reasons has a bit that is no code's", aml_area_fallback_init(area, 1, one, &options));
  }
  EXPECT_EQ(-AML_ENOMEM, aml_area_fallback_init(area, SIZE_MAX / 2, one, nullptr));
  aml_area *none = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_area_fallback_create(&none, 0, one, nullptr));
  EXPECT_EQ(nullptr, none);
}

TEST_F(AreaFallback, ThreadsShareTheAreas) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  aml_area_fault_arm(first_, AML_AREA_FAULT_MAP, 1, 500, -AML_ENOMEM);
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 250; ++i) {
        const size_t size = 1 + (i * 7919 + t) % (5 * kPage);
        void *const bytes = aml_area_map(area_, size, nullptr);
        size_t index = SIZE_MAX;
        wrong += aml_area_fallback_index_of(area_, bytes, &index) != 0 || index > 1;
        void *const resized =
            aml_area_resize(area_, bytes, size, size + kPage, AML_AREA_RESIZE_MAY_MOVE);
        wrong += resized == nullptr || aml_area_unmap(area_, resized, size + kPage) != 0;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0, wrong);
  EXPECT_EQ(500u, aml_area_fault_disarm(first_));
  EXPECT_EQ(500u, Stats(0).maps);
  EXPECT_EQ(500u, Stats(1).maps);
}

} // namespace
