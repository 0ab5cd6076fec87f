// SPDX-License-Identifier: BSD-3-Clause
//
// What the kernel reports of our mappings: /proc/self/smaps, statm, mincore. Options have tests of
// their own; placement on several nodes is shown in tests/numa.

#include "aml/area/linux.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "aml/area/linux_testing.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

// Mapping

TEST_F(AreaLinux, MapsWholePagesOfZeros) {
  char *const memory = Map(page_ + 1);
  ASSERT_NE(nullptr, memory) << aml_error_detail();
  EXPECT_TRUE(IsZero(memory, 2 * page_));
  std::memset(memory, 1, 2 * page_);
  Unmap(memory, page_ + 1);
  EXPECT_FALSE(IsMapped(memory));
  EXPECT_FALSE(IsMapped(memory + page_));
}

TEST_F(AreaLinux, AlignsUpTo1GiBAndKeepsNothingMoreMapped) {
  for (size_t alignment = 1; alignment <= 1024 * kMiB; alignment <<= 1) {
    const size_t before = MappedPages();
    char *const memory = Map(3 * page_ - 1, alignment);
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    EXPECT_EQ(0u, Number(memory) % alignment);
    EXPECT_EQ(before + 3, MappedPages());
    memory[3 * page_ - 1] = 1;
    Unmap(memory, 3 * page_ - 1);
    EXPECT_EQ(before, MappedPages());
  }
  EXPECT_EQ(nullptr, Map(1, 2048 * kMiB));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_STREQ("aml_area_map: alignment 2147483648 is more than 1 GiB", aml_error_detail());
}

TEST_F(AreaLinux, MapsAtTheHintWhereItCan) {
  char *const place = MapAlone();
  EXPECT_NE(place, Map(page_, 0, 0, place));
  Unmap(place, page_);
  EXPECT_EQ(place, Map(page_, 0, 0, place));
  Unmap(place, page_);
}

TEST_F(AreaLinux, ExactIsAtTheHintOrNotAtAll) {
  char *const place = MapAlone();
  *place = 7;
  EXPECT_EQ(nullptr, Map(page_, 0, AML_AREA_MAP_EXACT, place));
  EXPECT_EQ(-AML_EEXIST, aml_error_code());
  EXPECT_STREQ("aml_area_map: mmap at the hint: File exists", aml_error_detail());
  EXPECT_EQ(7, *place);
  Unmap(place, page_);
  EXPECT_EQ(place, Map(page_, 0, AML_AREA_MAP_EXACT, place));
  Unmap(place, page_);
  EXPECT_EQ(nullptr, Map(page_, 0, AML_AREA_MAP_EXACT, place + 1));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(nullptr, Map(page_, 2 * kMiB, AML_AREA_MAP_EXACT, reinterpret_cast<char *>(kMiB)));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_FALSE(IsMapped(place));
}

TEST_F(AreaLinux, SizesThatNoMemoryHasAreRefused) {
  const size_t before = MappedPages();
  for (const size_t size : {SIZE_MAX, SIZE_MAX - page_ + 1, SIZE_MAX / 2}) {
    for (const size_t alignment : {size_t{0}, 2 * kMiB}) {
      EXPECT_EQ(nullptr, Map(size, alignment));
      EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    }
  }
  EXPECT_EQ(before, MappedPages());
}

TEST_F(AreaLinux, PopulateMakesEveryPagePresent) {
  constexpr size_t kPages = 100;
  char *const memory = Map(kPages * page_, 2 * kMiB, AML_AREA_MAP_POPULATE);
  ASSERT_NE(nullptr, memory) << aml_error_detail();
  EXPECT_EQ(kPages, PresentPages(memory, kPages));
  EXPECT_TRUE(IsZero(memory, kPages * page_));
  Unmap(memory, kPages * page_);
}

TEST_F(AreaLinux, MappingTouchesNoPage) {
  constexpr size_t kPages = 1000;
  char *const memory = Map(kPages * page_, 4 * kMiB);
  ASSERT_NE(nullptr, memory);
  EXPECT_EQ(0u, PresentPages(memory, kPages));
  Unmap(memory, kPages * page_);
}

TEST_F(AreaLinux, UnmapRefusesWhatItCanTellIsNoMapping) {
  char *const memory = Map(page_);
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, memory + 1, page_));
  EXPECT_STREQ("aml_area_unmap: pointer is not the start of a page", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, memory, SIZE_MAX));
  EXPECT_TRUE(IsMapped(memory));
  Unmap(memory, page_);
}

// Resize and purge

TEST_F(AreaLinux, ResizeKeepsWhatStaysAndZeroesWhatIsNew) {
  char *memory = Map(page_);
  std::memset(memory, 5, page_);
  memory = static_cast<char *>(
      aml_area_resize(area_, memory, page_, 5 * page_ - 1, AML_AREA_RESIZE_MAY_MOVE));
  ASSERT_NE(nullptr, memory) << aml_error_detail();
  EXPECT_EQ(5, memory[page_ - 1]);
  EXPECT_TRUE(IsZero(memory + page_, 4 * page_));
  std::memset(memory, 6, 5 * page_);
  EXPECT_EQ(memory, aml_area_resize(area_, memory, 5 * page_ - 1, page_ + 1, 0));
  EXPECT_EQ(6, memory[2 * page_ - 1]);
  EXPECT_FALSE(IsMapped(memory + 2 * page_));
  EXPECT_EQ(memory, aml_area_resize(area_, memory, page_ + 1, 2 * page_, 0));
  Unmap(memory, 2 * page_);
}

TEST_F(AreaLinux, ResizeFailsWithTheMappingAsItWas) {
  char *const memory = Map(3 * page_);
  *memory = 5;
  // There is no room behind the first page.
  EXPECT_EQ(nullptr, aml_area_resize(area_, memory, page_, 2 * page_, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  for (const size_t size : {SIZE_MAX, SIZE_MAX / 2}) {
    EXPECT_EQ(nullptr, aml_area_resize(area_, memory, page_, size, AML_AREA_RESIZE_MAY_MOVE));
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  }
  EXPECT_EQ(nullptr, aml_area_resize(area_, memory + 1, page_, page_, 0));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(nullptr, aml_area_resize(area_, memory, SIZE_MAX, page_, 0));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(5, *memory);
  Unmap(memory, 3 * page_);
  EXPECT_EQ(nullptr, aml_area_resize(area_, memory, page_, 2 * page_, AML_AREA_RESIZE_MAY_MOVE));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
}

TEST_F(AreaLinux, PurgeGivesBackWholePagesOnly) {
  char *const memory = Map(4 * page_);
  std::memset(memory, 1, 4 * page_);
  ASSERT_EQ(0, aml_area_purge(area_, memory + 1, 3 * page_));
  EXPECT_EQ(1, memory[page_ - 1]);
  EXPECT_TRUE(IsZero(memory + page_, 2 * page_));
  EXPECT_EQ(1, memory[3 * page_]);
  ASSERT_EQ(0, aml_area_purge(area_, memory + 1, page_));
  ASSERT_EQ(0, aml_area_purge(area_, memory + 3 * page_, page_ - 1));
  EXPECT_EQ(1, memory[3 * page_]);
  Unmap(memory, 4 * page_);
  EXPECT_EQ(-AML_EINVAL, aml_area_purge(area_, memory, page_));
  EXPECT_STREQ("aml_area_purge: pointer and size span addresses without a mapping",
               aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_purge(area_, memory, SIZE_MAX));
}

// Information

TEST_F(AreaLinux, InfoTellsWhatIsKnownAndThatTheRestIsNot) {
  const aml_area_info info = Info();
  EXPECT_STREQ("linux", info.type);
  EXPECT_EQ(aml_area_capabilities(area_), info.capabilities);
  EXPECT_EQ(page_, info.granularity);
  EXPECT_EQ(page_, info.page_size);
  EXPECT_EQ(1024 * kMiB, info.max_alignment);
  EXPECT_EQ(AML_UNKNOWN, info.size);
  EXPECT_EQ(AML_NATIVE_NONE, info.native.kind);
  EXPECT_EQ(AML_UNKNOWN, info.read_bandwidth_mib_s);
  EXPECT_EQ(AML_UNKNOWN, info.write_bandwidth_mib_s);
  EXPECT_EQ(AML_UNKNOWN, info.read_latency_ns);
  EXPECT_EQ(AML_UNKNOWN, info.write_latency_ns);
}

TEST_F(AreaLinux, InfoRefusesAnAddressWithoutAMapping) {
  SKIP_WITHOUT_NUMA();
  char *const memory = MapAlone();
  Unmap(memory, page_);
  aml_area_info info = {};
  info.size = 77;
  EXPECT_EQ(-AML_EINVAL, aml_area_get_info(area_, memory, &info));
  EXPECT_STREQ("aml_area_get_info: pointer is an address without a mapping", aml_error_detail());
  EXPECT_EQ(77u, info.size);
}

// Making

TEST(AreaLinuxInit, RefusesWhatMakesNoSense) {
  AML_AREA_LINUX_DECL(area);
  const auto init = [&](const aml_area_linux_options &options) {
    return aml_area_linux_init(area, &options);
  };
  EXPECT_EQ(-AML_EINVAL, aml_area_linux_init(nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_linux_create(nullptr, nullptr));
  aml_area_linux other = {};
  EXPECT_EQ(-AML_EINVAL, aml_area_linux_init(&other.area, nullptr));
  EXPECT_EQ(-AML_EINVAL, init(Policy(AML_POLICY_DEFAULT, "0")));
  EXPECT_EQ(-AML_EINVAL, init(Policy(AML_POLICY_LOCAL, "0")));
  for (const aml_policy policy : {AML_POLICY_BIND, AML_POLICY_PREFERRED, AML_POLICY_PREFERRED_MANY,
                                  AML_POLICY_INTERLEAVE, AML_POLICY_WEIGHTED_INTERLEAVE})
    EXPECT_EQ(-AML_EINVAL, init(Policy(policy)));
  EXPECT_EQ(-AML_EINVAL, init(Policy(AML_POLICY_PREFERRED, "0-1")));
  EXPECT_EQ(-AML_EINVAL, init(Policy(static_cast<aml_policy>(7), "0")));
  aml_area_linux_options options = {};
  const auto refuses = [&](const std::string &sentence) {
    EXPECT_EQ(-AML_EINVAL, init(options));
    EXPECT_EQ("aml_area_linux_init: " + sentence, aml_error_detail());
    options = {};
  };
  const int no_kind = AML_AREA_LINUX_HUGE_POOL + 1;
  std::memcpy(&options.huge_pages, &no_kind, sizeof no_kind);
  refuses("huge_pages is no kind of huge pages");
  options.bind_flags = 4;
  refuses("bind_flags has an unknown bit");
  options.flags = 32;
  refuses("flags has an unknown bit");
  options.flags = AML_AREA_LINUX_LOCK | AML_AREA_LINUX_LOCK_ON_FAULT;
  refuses("flags has both AML_AREA_LINUX_LOCK and LOCK_ON_FAULT");
  options.wishes = AML_AREA_GRANT_POLICY << 1;
  refuses("wishes has an unknown bit");
  options.pool_page_size = 2 * kMiB;
  refuses("pool_page_size is not 0, yet huge_pages is not of a pool");
  options.huge_pages = AML_AREA_LINUX_HUGE_POOL;
  options.pool_page_size = 3 * kMiB;
  refuses("pool_page_size is not a power of two");
  options.guard_size = SIZE_MAX;
  refuses("guard_size is larger than the range of addresses");
  // A failed init leaves the area as declared, so it may follow.
  EXPECT_EQ(0u, area_storage.page_size);
  EXPECT_EQ(0, aml_area_linux_init(area, nullptr));
  aml_area_fini(area);
}

TEST(AreaLinuxInit, RefusesDevicesWithoutMemory) {
  SKIP_WITHOUT_NUMA();
  for (const char *const devices : {"1023", "0,1023"}) {
    const aml_area_linux_options options = Policy(AML_POLICY_INTERLEAVE, devices);
    aml_area *area = nullptr;
    EXPECT_EQ(-AML_EINVAL, aml_area_linux_create(&area, &options));
    EXPECT_STREQ("aml_area_linux_init: device 1023 has no memory that this process may use",
                 aml_error_detail());
    EXPECT_EQ(nullptr, area);
  }
}

TEST(AreaLinuxInit, FiniLeavesStorageAsDeclared) {
  AML_AREA_LINUX_DECL(area);
  aml_area_fini(area);
  for (int round = 0; round < 2; ++round) {
    aml_area_linux_options options = {};
    options.huge_pages = AML_AREA_LINUX_HUGE_TRANSPARENT;
    ASSERT_EQ(0, aml_area_linux_init(area, &options));
    void *const memory = aml_area_map(area, 1, nullptr);
    EXPECT_NE(nullptr, memory);
    EXPECT_EQ(0, aml_area_unmap(area, memory, 1));
    aml_area_fini(area);
    aml_area_linux declared;
    std::memset(&declared, 0, sizeof declared);
    declared.area.ops = &aml_area_linux_ops;
    EXPECT_EQ(0, std::memcmp(&declared, &area_storage, sizeof declared));
  }
}

// Threads

TEST_F(AreaLinux, ServesManyThreadsAtOnce) {
  const bool has_numa = HasNuma();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t, has_numa] {
      const aml_nodeset zero = aml_nodeset_of(0);
      for (int i = 0; i < 200; ++i) {
        const size_t size = static_cast<size_t>(1 + (i * 7 + t) % 5) * page_;
        char *const memory = Map(size, i % 3 == 0 ? kMiB : 0);
        ASSERT_NE(nullptr, memory);
        ASSERT_TRUE(IsZero(memory, size));
        std::memset(memory, t + 1, size);
        if (has_numa) {
          ASSERT_EQ(0, aml_area_bind(area_, memory, size, AML_POLICY_BIND, &zero, 0));
        }
        ASSERT_EQ(t + 1, memory[size - 1]);
        ASSERT_EQ(0, aml_area_unmap(area_, memory, size));
      }
    });
  }
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace
