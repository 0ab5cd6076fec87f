// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/cached.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "aml/area/cached_testing.h"
#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;

aml_area_map_options WithFlags(unsigned flags) {
  aml_area_map_options options = {};
  options.flags = flags;
  return options;
}
const aml_area_map_options kNoZero = WithFlags(AML_AREA_MAP_NO_ZERO);

// Anonymous memory, which can do more.
class AreaCachedOverLinux : public testing::Test {
protected:
  AreaCachedOverLinux() { EXPECT_EQ(0, aml_area_linux_init(memory_, nullptr)); }
  AML_AREA_LINUX_DECL(memory_);
};

TEST_F(AreaCached, WhatWasGivenBackServesTheNextMapOfItsSize) {
  Cached cached(inner_);
  void *const a = aml_area_map(cached.area, 3 * kPage - 1, nullptr);
  void *const b = aml_area_map(cached.area, 3 * kPage, nullptr);
  EXPECT_EQ(0, aml_area_unmap(cached.area, a, 3 * kPage - 1));
  EXPECT_EQ(0, aml_area_unmap(cached.area, b, 3 * kPage));
  EXPECT_EQ(2, pages_.live());
  void *const other = aml_area_map(cached.area, 2 * kPage, nullptr);
  EXPECT_EQ(3, pages_.live());
  // The one that was given back last, as its lines are the warmest.
  EXPECT_EQ(b, aml_area_map(cached.area, 3 * kPage, nullptr));
  EXPECT_EQ(a, aml_area_map(cached.area, 2 * kPage + 1, nullptr));
  EXPECT_EQ(3, pages_.live());
  const aml_area_cached_stats stats = cached.Stats();
  EXPECT_EQ(2u, stats.hits);
  EXPECT_EQ(3u, stats.misses);
  EXPECT_EQ(0u, stats.kept_size);
  EXPECT_EQ(0, aml_area_unmap(cached.area, other, 2 * kPage));
  EXPECT_EQ(0, aml_area_unmap(cached.area, a, 3 * kPage));
  EXPECT_EQ(0, aml_area_unmap(cached.area, b, 3 * kPage));
  EXPECT_EQ(3u, cached.Stats().kept_count);
  EXPECT_EQ(8 * kPage, cached.Stats().kept_size);
}

TEST_F(AreaCached, ReusedMemoryIsZeroUnlessThatIsWaived) {
  Cached cached(inner_);
  auto *bytes = static_cast<char *>(aml_area_map(cached.area, kPage, nullptr));
  std::memset(bytes, 7, kPage);
  EXPECT_EQ(0, aml_area_unmap(cached.area, bytes, kPage));
  ASSERT_EQ(bytes, aml_area_map(cached.area, kPage, &kNoZero));
  EXPECT_EQ(7, bytes[kPage - 1]);
  EXPECT_EQ(0, aml_area_unmap(cached.area, bytes, kPage));
  ASSERT_EQ(bytes, aml_area_map(cached.area, kPage, nullptr));
  for (size_t i = 0; i < kPage; ++i)
    ASSERT_EQ(0, bytes[i]) << i;
  EXPECT_EQ(0, aml_area_unmap(cached.area, bytes, kPage));
}

TEST_F(AreaCached, MemoryThatTheHostCannotZeroIsReusedWhereThatIsWaived) {
  pages_.Hide();
  Cached cached(inner_);
  void *const a = aml_area_map(cached.area, kPage, nullptr);
  EXPECT_EQ(0, aml_area_unmap(cached.area, a, kPage));
  void *const b = aml_area_map(cached.area, kPage, nullptr);
  EXPECT_NE(a, b);
  EXPECT_EQ(a, aml_area_map(cached.area, kPage, &kNoZero));
  EXPECT_EQ(0, aml_area_unmap(cached.area, a, kPage));
  EXPECT_EQ(0, aml_area_unmap(cached.area, b, kPage));
}

// As an area says whose memory other processes see, or a file holds.
template <unsigned kMore> unsigned CapabilitiesAnd(const aml_area *area) {
  return aml_area_linux_ops.capabilities(area) | kMore;
}

template <unsigned kMore> void ExpectNothingKept(aml_area *area) {
  aml_area_ops ops = aml_area_linux_ops;
  ops.capabilities = CapabilitiesAnd<kMore>;
  ops.info = [](aml_area *of, const void *pointer, aml_area_info *info) {
    const int err = aml_area_linux_ops.info(of, pointer, info);
    info->capabilities |= kMore;
    return err;
  };
  area->ops = &ops;
  {
    Cached cached(area);
    void *const page = aml_area_map(cached.area, kPage, nullptr);
    EXPECT_EQ(0, aml_area_unmap(cached.area, page, kPage));
    EXPECT_EQ(0u, cached.Stats().kept_count);
    unsigned char present = 0;
    EXPECT_EQ(-1, mincore(page, kPage, &present)) << "still mapped";
  }
  area->ops = &aml_area_linux_ops;
}

TEST_F(AreaCachedOverLinux, WhatIsSharedOrFileBackedIsNotKept) {
  ExpectNothingKept<AML_AREA_SHARED>(memory_);
  ExpectNothingKept<AML_AREA_FILE_BACKED>(memory_);
}

TEST_F(AreaCachedOverLinux, AlignmentIsLookedAt) {
  Cached cached(memory_);
  aml_area_map_options options = {};
  std::vector<void *> some;
  for (int i = 0; i < 8; ++i)
    some.push_back(aml_area_map(cached.area, kPage, nullptr));
  for (void *const one : some)
    EXPECT_EQ(0, aml_area_unmap(cached.area, one, kPage));
  options.alignment = 1 << 20;
  void *const aligned = aml_area_map(cached.area, kPage, &options);
  EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(aligned) % options.alignment);
  EXPECT_EQ(0, aml_area_unmap(cached.area, aligned, kPage));
  EXPECT_EQ(aligned, aml_area_map(cached.area, kPage, &options));
  EXPECT_EQ(0, aml_area_unmap(cached.area, aligned, kPage));
}

TEST_F(AreaCachedOverLinux, AHitTakesNoPageFault) {
  constexpr size_t kSize = size_t{2} << 20;
  AML_AREA_LINUX_DECL(base_pages);
  aml_area_linux_options options = {};
  options.huge_pages = AML_AREA_LINUX_HUGE_NONE;
  ASSERT_EQ(0, aml_area_linux_init(base_pages, &options));
  Cached cached(base_pages);
  const auto touch = [&] {
    auto *const bytes = static_cast<char *>(aml_area_map(cached.area, kSize, &kNoZero));
    for (size_t i = 0; i < kSize; i += kPage)
      const_cast<volatile char *>(bytes)[i] = 1;
    EXPECT_EQ(0, aml_area_unmap(cached.area, bytes, kSize));
  };
  const auto faults = [] {
    rusage usage = {};
    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_minflt;
  };
  touch();
  const long before = faults();
  for (int i = 0; i < 100; ++i)
    touch();
  // Of 51,200 pages touched. Those of one's own code, and of sanitizers, may come and go.
  EXPECT_LT(faults() - before, 1000);
  EXPECT_EQ(100u, cached.Stats().hits);
}

TEST_F(AreaCachedOverLinux, AHitPopulates) {
  Cached cached(memory_);
  void *const pages = aml_area_map(cached.area, 4 * kPage, nullptr);
  EXPECT_EQ(0, aml_area_unmap(cached.area, pages, 4 * kPage));
  const aml_area_map_options options = WithFlags(AML_AREA_MAP_POPULATE | AML_AREA_MAP_NO_ZERO);
  ASSERT_EQ(pages, aml_area_map(cached.area, 4 * kPage, &options));
  unsigned char present[4] = {};
  ASSERT_EQ(0, mincore(pages, 4 * kPage, present));
  for (const unsigned char page : present)
    EXPECT_EQ(1, page & 1);
  EXPECT_EQ(0, aml_area_unmap(cached.area, pages, 4 * kPage));
}

TEST_F(AreaCachedOverLinux, AHintIsNotServedByTheCache) {
  Cached cached(memory_);
  void *const a = aml_area_map(cached.area, kPage, nullptr);
  EXPECT_EQ(0, aml_area_unmap(cached.area, a, kPage));
  aml_area_map_options options = {};
  options.hint = static_cast<char *>(a) - (size_t{64} << 20);
  void *const b = aml_area_map(cached.area, kPage, &options);
  EXPECT_NE(a, b);
  EXPECT_EQ(0u, cached.Stats().hits);
  EXPECT_EQ(0, aml_area_unmap(cached.area, b, kPage));
}

TEST_F(AreaCachedOverLinux, WhatWasBoundOrMovedIsNotKept) {
  Cached cached(memory_);
  void *const bound = aml_area_map(cached.area, 2 * kPage, nullptr);
  // The system may forbid both; the area cannot tell how much of it was done.
  const aml_nodeset zero = aml_nodeset_of(0);
  char *const second = static_cast<char *>(bound) + kPage;
  int err = aml_area_bind(cached.area, second, kPage, AML_POLICY_PREFERRED, &zero, 0);
  EXPECT_TRUE(err == 0 || err == -AML_EPERM || err == -AML_ENOTSUP) << aml_error_detail();
  EXPECT_EQ(0, aml_area_unmap(cached.area, bound, 2 * kPage));
  EXPECT_EQ(0u, cached.Stats().kept_count);
  void *const moved = aml_area_map(cached.area, 2 * kPage, nullptr);
  const int device = 0;
  int result = 0;
  err = aml_area_move(cached.area, 1, &moved, &device, &result);
  EXPECT_TRUE(err == 0 || err == -AML_EPERM || err == -AML_ENOTSUP) << aml_error_detail();
  EXPECT_EQ(0, aml_area_unmap(cached.area, moved, 2 * kPage));
  EXPECT_EQ(0u, cached.Stats().kept_count);
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(cached.area, moved, kPage, AML_POLICY_PREFERRED, &zero, 0));
  EXPECT_STREQ("aml_area_bind: pointer is in no mapping", aml_error_detail());
}

TEST_F(AreaCachedOverLinux, AResizedMappingIsKeptByItsNewSize) {
  Cached cached(memory_);
  void *pages = aml_area_map(cached.area, 8 * kPage, nullptr);
  EXPECT_EQ(nullptr, aml_area_resize(cached.area, pages, 8 * kPage, SIZE_MAX, 0));
  EXPECT_EQ(nullptr, aml_area_resize(cached.area, pages, 7 * kPage, kPage, 0));
  EXPECT_STREQ("aml_area_resize: old_size 28672 is not that of the mapping", aml_error_detail());
  pages = aml_area_resize(cached.area, pages, 8 * kPage, 2 * kPage, 0);
  ASSERT_NE(nullptr, pages);
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(cached.area, pages, 8 * kPage));
  EXPECT_EQ(0, aml_area_unmap(cached.area, pages, 2 * kPage));
  EXPECT_EQ(2 * kPage, cached.Stats().kept_size);
}

TEST_F(AreaCached, NoMoreIsKeptThanTheBound) {
  Cached cached(inner_, 4 * kPage);
  void *const a = aml_area_map(cached.area, 2 * kPage, nullptr);
  void *const b = aml_area_map(cached.area, 2 * kPage, nullptr);
  void *const c = aml_area_map(cached.area, kPage, nullptr);
  void *const large = aml_area_map(cached.area, 5 * kPage, nullptr);
  EXPECT_EQ(0, aml_area_unmap(cached.area, a, 2 * kPage));
  EXPECT_EQ(0, aml_area_unmap(cached.area, b, 2 * kPage));
  EXPECT_EQ(0, aml_area_unmap(cached.area, large, 5 * kPage));
  EXPECT_EQ(4 * kPage, cached.Stats().kept_size);
  EXPECT_EQ(0, aml_area_unmap(cached.area, c, kPage));
  EXPECT_EQ(3 * kPage, cached.Stats().kept_size);
  EXPECT_EQ(1u, cached.Stats().evictions);
  EXPECT_EQ(b, aml_area_map(cached.area, 2 * kPage, nullptr)) << "the oldest went";
  EXPECT_EQ(0, aml_area_unmap(cached.area, b, 2 * kPage));
}

TEST_F(AreaCached, NothingIsKeptLongerThanItsAge) {
  Cached cached(inner_, 0, 1000);
  void *const a = aml_area_map(cached.area, kPage, nullptr);
  EXPECT_EQ(0, aml_area_unmap(cached.area, a, kPage));
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  void *const b = aml_area_map(cached.area, 2 * kPage, nullptr);
  EXPECT_EQ(1u, cached.Stats().evictions);
  EXPECT_EQ(1, pages_.live());
  EXPECT_EQ(0, aml_area_unmap(cached.area, b, 2 * kPage));
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_EQ(0, aml_area_cached_trim(cached.area, SIZE_MAX));
  EXPECT_EQ(0, pages_.live());
}

TEST_F(AreaCached, TrimGivesBackTheOldest) {
  Cached cached(inner_);
  void *some[4];
  for (void *&one : some)
    one = aml_area_map(cached.area, kPage, nullptr);
  for (void *const one : some)
    EXPECT_EQ(0, aml_area_unmap(cached.area, one, kPage));
  EXPECT_EQ(0, aml_area_cached_trim(cached.area, 2 * kPage + 1));
  EXPECT_EQ(2, pages_.live());
  EXPECT_EQ(some[3], aml_area_map(cached.area, kPage, nullptr));
  EXPECT_EQ(some[2], aml_area_map(cached.area, kPage, nullptr));
  EXPECT_EQ(0, aml_area_unmap(cached.area, some[3], kPage));
  EXPECT_EQ(0, aml_area_unmap(cached.area, some[2], kPage));
  EXPECT_EQ(0, aml_area_cached_trim(cached.area, 0));
  EXPECT_EQ(0, pages_.live());
}

TEST_F(AreaCached, OnlyWholeLiveMappingsAreGivenBack) {
  Cached cached(inner_);
  auto *const a = static_cast<char *>(aml_area_map(cached.area, 2 * kPage, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(cached.area, a + kPage, kPage));
  EXPECT_STREQ("aml_area_unmap: pointer is inside a mapping, not at its start", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(cached.area, a, kPage));
  EXPECT_STREQ("aml_area_unmap: size 4096 is not that of the mapping", aml_error_detail());
  EXPECT_EQ(0, aml_area_unmap(cached.area, a, 2 * kPage));
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(cached.area, a, 2 * kPage));
  EXPECT_STREQ("aml_area_unmap: pointer is in no mapping, or in one that was given back already",
               aml_error_detail());
  EXPECT_EQ(1u, cached.Stats().kept_count);
}

// What the inner area was told last.
const char *last_label = nullptr;
const aml_area_ops *pages_ops = nullptr;

int MapAndNote(aml_area *area, size_t size, const aml_area_map_options *options, void **pointer) {
  last_label = options->label;
  return pages_ops->map(area, size, options, pointer);
}

TEST_F(AreaCached, TheInnerAreaIsNotToldLabelsThatMayBeGone) {
  pages_ops = pages_.get()->ops;
  aml_area_ops noting = *pages_ops;
  noting.map = MapAndNote;
  pages_.get()->ops = &noting;
  {
    Cached cached(inner_);
    aml_area_map_options options = {};
    options.label = "short-lived";
    void *const a = aml_area_map(cached.area, kPage, &options);
    EXPECT_STREQ("aml_area_cached", last_label);
    EXPECT_EQ(0, aml_area_unmap(cached.area, a, kPage));
  }
  pages_.get()->ops = pages_ops;
}

TEST_F(AreaCached, FiniLeavesLiveMappingsToTheInnerArea) {
  void *page = nullptr;
  {
    Cached cached(inner_);
    page = aml_area_map(cached.area, kPage, nullptr);
  }
  EXPECT_EQ(1, pages_.live());
  EXPECT_EQ(0, aml_area_unmap(inner_, page, kPage));
}

TEST_F(AreaCached, BadArgumentsAreRefused) {
  AML_AREA_CACHED_DECL(area);
  aml_area_cached_stats stats = {};
  char byte = 0;
  EXPECT_EQ(-AML_EINVAL, aml_area_cached_init(nullptr, inner_, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_cached_init(inner_, inner_, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_cached_init(area, nullptr, nullptr));
  EXPECT_STREQ("aml_area_cached_init: inner is null, or the area itself", aml_error_detail());
  EXPECT_EQ(nullptr, aml_area_map(area, 1, nullptr));
  EXPECT_STREQ("aml_area_map: area is null, of another type, or not initialised",
               aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area, &byte, 1));
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area, &byte, 1, AML_POLICY_LOCAL, nullptr, 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_cached_trim(area, 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_cached_trim(inner_, 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_cached_get_stats(nullptr, &stats));
  Cached cached(inner_);
  EXPECT_EQ(-AML_EINVAL, aml_area_cached_get_stats(cached.area, nullptr));
  EXPECT_STREQ("aml_area_cached_get_stats: stats is null", aml_error_detail());
  EXPECT_EQ(nullptr, aml_area_map(cached.area, SIZE_MAX, nullptr));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
}

TEST_F(AreaCachedOverLinux, NoMappingIsGivenToTwoThreads) {
  Cached cached(memory_, 8 * kPage, 1000000);
  std::atomic<int> clashes{0};
  std::vector<std::thread> threads;
  for (int t = 1; t <= 4; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 500; ++i) {
        const size_t size = (1 + i % 3) * kPage;
        auto *const bytes = static_cast<char *>(aml_area_map(cached.area, size, &kNoZero));
        std::memset(bytes, t, size);
        std::this_thread::yield();
        for (size_t at = 0; at < size; at += 512)
          clashes += bytes[at] != t;
        EXPECT_EQ(0, aml_area_unmap(cached.area, bytes, size));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0, clashes);
  EXPECT_EQ(2000u, cached.Stats().hits + cached.Stats().misses);
}

} // namespace
