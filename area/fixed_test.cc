// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/fixed.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

constexpr size_t kGranule = 64;

// A region of 16 granules as an area.
class AreaFixed : public testing::Test {
protected:
  AreaFixed() {
    options_.pointer = region_;
    options_.size = sizeof region_;
    EXPECT_EQ(0, aml_area_fixed_init(area_, &options_));
  }
  ~AreaFixed() override {
    aml_area_fini(area_);
    EXPECT_EQ(before_.blocks, aml_fault_system_held().blocks);
  }

  char *Map(size_t size) { return static_cast<char *>(aml_area_map(area_, size, nullptr)); }

  aml_area_fixed_room Room() {
    aml_area_fixed_room room = {};
    EXPECT_EQ(0, aml_area_fixed_get_room(area_, &room));
    return room;
  }

  alignas(1024) char region_[16 * kGranule] = {};
  aml_area_fixed_options options_ = {};
  aml_fault_held before_ = aml_fault_system_held();
  AML_AREA_FIXED_DECL(area_);
};

TEST_F(AreaFixed, MappingsAreCutFirstFitAndMergeAgain) {
  char *const a = Map(1);
  char *const b = Map(2 * kGranule);
  char *const c = Map(13 * kGranule);
  EXPECT_EQ(region_, a);
  EXPECT_EQ(region_ + kGranule, b);
  EXPECT_EQ(region_ + 3 * kGranule, c);
  EXPECT_EQ(nullptr, Map(1));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_STREQ("aml_area_map: size 1 is more than there is room for", aml_error_detail());
  EXPECT_EQ(0u, Room().free);
  EXPECT_EQ(0, aml_area_unmap(area_, a, 1));
  EXPECT_EQ(0, aml_area_unmap(area_, c, 13 * kGranule));
  EXPECT_EQ(14 * kGranule, Room().free);
  EXPECT_EQ(13 * kGranule, Room().largest);
  EXPECT_EQ(0, aml_area_unmap(area_, b, 2 * kGranule));
  EXPECT_EQ(16 * kGranule, Room().largest);
  EXPECT_EQ(16 * kGranule, Room().total);
}

TEST_F(AreaFixed, MappingsAreZeroUnlessThatIsWaived) {
  std::memset(region_, 7, sizeof region_);
  aml_area_map_options options = {};
  options.flags = AML_AREA_MAP_NO_ZERO;
  auto *const dirty = static_cast<char *>(aml_area_map(area_, kGranule, &options));
  EXPECT_EQ(7, dirty[0]);
  char *const clean = Map(kGranule);
  for (size_t i = 0; i < kGranule; ++i)
    EXPECT_EQ(0, clean[i]);
  EXPECT_EQ(0, aml_area_unmap(area_, clean, kGranule));
  EXPECT_EQ(0, aml_area_unmap(area_, dirty, kGranule));
}

TEST_F(AreaFixed, ARegionMayKeepWhatLiesInIt) {
  alignas(64) static char region[2 * 8192];
  std::memset(region, 7, sizeof region);
  options_.pointer = region;
  options_.size = sizeof region;
  options_.flags = AML_AREA_FIXED_NO_ZERO;
  AML_AREA_FIXED_DECL(area);
  ASSERT_EQ(0, aml_area_fixed_init(area, &options_));
  EXPECT_EQ(0u, aml_area_capabilities(area) & AML_AREA_ZEROED);
  aml_area_map_options options = {};
  options.flags = AML_AREA_MAP_POPULATE;
  void *const mapped = aml_area_map(area, 8192, &options);
  EXPECT_EQ(region, mapped);
  EXPECT_EQ(region, aml_area_resize(area, mapped, 8192, sizeof region, 0));
  for (const char byte : region)
    ASSERT_EQ(7, byte);
  EXPECT_EQ(0, aml_area_unmap(area, mapped, sizeof region));
  aml_area_fini(area);
}

TEST_F(AreaFixed, AHintIsHadWhereItIsFree) {
  aml_area_map_options options = {};
  options.hint = region_ + 5 * kGranule;
  options.flags = AML_AREA_MAP_EXACT;
  void *const there = aml_area_map(area_, kGranule, &options);
  EXPECT_EQ(options.hint, there);
  const void *const bad[] = {there, region_ + 1, region_ - kGranule, region_ + sizeof region_};
  for (const void *const hint : bad) {
    options.hint = const_cast<void *>(hint);
    EXPECT_EQ(nullptr, aml_area_map(area_, kGranule, &options));
    EXPECT_EQ(-AML_EEXIST, aml_error_code());
    EXPECT_STREQ("aml_area_map: hint is not free, aligned and in the region", aml_error_detail());
  }
  options.hint = there;
  options.flags = 0;
  void *const elsewhere = aml_area_map(area_, kGranule, &options);
  EXPECT_EQ(region_, elsewhere);
  EXPECT_EQ(0, aml_area_unmap(area_, there, kGranule));
  EXPECT_EQ(0, aml_area_unmap(area_, elsewhere, kGranule));
}

TEST_F(AreaFixed, OnlyWholeLiveMappingsAreGivenBack) {
  char *const a = Map(2 * kGranule);
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, a + kGranule, kGranule));
  EXPECT_STREQ("aml_area_unmap: pointer is inside a mapping, not at its start", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, a, kGranule));
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, region_ - 1, 1));
  EXPECT_EQ(0, aml_area_unmap(area_, a, kGranule + 1));
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, a, 2 * kGranule));
  EXPECT_STREQ("aml_area_unmap: pointer is in no mapping, or in one that was given back already",
               aml_error_detail());
}

TEST_F(AreaFixed, MappingsGrowInPlaceOrMove) {
  char *const a = Map(2 * kGranule);
  std::memset(a, 1, 2 * kGranule);
  std::memset(a + 2 * kGranule, 7, kGranule);
  EXPECT_EQ(a, aml_area_resize(area_, a, 2 * kGranule, 3 * kGranule, 0));
  EXPECT_EQ(1, a[2 * kGranule - 1]);
  EXPECT_EQ(0, a[2 * kGranule]);
  char *const wall = Map(1);
  EXPECT_EQ(nullptr, aml_area_resize(area_, a, 3 * kGranule, 4 * kGranule, 0));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(nullptr,
            aml_area_resize(area_, a, 3 * kGranule, 13 * kGranule, AML_AREA_RESIZE_MAY_MOVE));
  EXPECT_STREQ("aml_area_resize: new_size 832 is more than there is room for", aml_error_detail());
  auto *const moved = static_cast<char *>(
      aml_area_resize(area_, a, 3 * kGranule, 5 * kGranule, AML_AREA_RESIZE_MAY_MOVE));
  EXPECT_EQ(wall + kGranule, moved);
  EXPECT_EQ(1, moved[0]);
  EXPECT_EQ(0, moved[5 * kGranule - 1]);
  EXPECT_EQ(moved, aml_area_resize(area_, moved, 5 * kGranule, 1, 0));
  EXPECT_EQ(nullptr, aml_area_resize(area_, moved, 5 * kGranule, 1, 0));
  EXPECT_STREQ("aml_area_resize: old_size 320 is not that of the mapping", aml_error_detail());
  EXPECT_EQ(nullptr, aml_area_resize(area_, moved, 1, SIZE_MAX, 0));
  EXPECT_EQ(14 * kGranule, Room().free);
  EXPECT_EQ(0, aml_area_unmap(area_, moved, 1));
  EXPECT_EQ(0, aml_area_unmap(area_, wall, 1));
}

TEST_F(AreaFixed, MemoryOfADeviceIsNotTouched) {
  AML_AREA_FIXED_DECL(device);
  // Not mapped at all.
  options_.pointer = reinterpret_cast<void *>(uintptr_t{1} << 20);
  options_.size = size_t{1} << 40;
  options_.capabilities = AML_AREA_DEVICE;
  options_.devices = aml_nodeset_of(3);
  ASSERT_EQ(0, aml_area_fixed_init(device, &options_));
  void *const a = aml_area_map(device, size_t{1} << 39, nullptr);
  EXPECT_EQ(options_.pointer, a);
  aml_area_info info;
  ASSERT_EQ(0, aml_area_get_info(device, a, &info));
  EXPECT_TRUE(aml_nodeset_has(&info.devices, 3));
  EXPECT_EQ(size_t{1} << 39, info.size);
  EXPECT_EQ(static_cast<unsigned>(AML_AREA_DEVICE | AML_AREA_CAN_RESIZE), info.capabilities);
  EXPECT_NE(nullptr, aml_area_resize(device, a, size_t{1} << 39, size_t{1} << 40, 0));
  aml_area_map_options options = {};
  options.flags = AML_AREA_MAP_POPULATE;
  EXPECT_EQ(nullptr, aml_area_map(device, 1, &options));
  EXPECT_EQ(-AML_ENOTSUP, aml_error_code());
  EXPECT_EQ(0, aml_area_unmap(device, a, size_t{1} << 40));
  aml_area_fini(device);
}

TEST_F(AreaFixed, RegionsThatAreNoneAreRefused) {
  struct Case {
    void *pointer;
    size_t size;
    size_t granularity;
    unsigned capabilities;
    const char *sentence;
  };
  void *const last = reinterpret_cast<void *>(UINTPTR_MAX - 100);
  const Case cases[] = {
      {nullptr, 64, 0, 0, "pointer is null"},
      {region_, 0, 0, 0, "size 0 holds no whole granule"},
      {region_ + 1, 126, 0, 0, "size 126 holds no whole granule"},
      {region_, 1024, 48, 0, "granularity 48 is not a power of two"},
      {region_, 1024, 0, AML_AREA_CAN_BIND, "capabilities has a bit that is not the region's"},
      {last, 200, 0, 0, "size reaches past the range of addresses"},
      {last, 10, 4096, 0, "size reaches past the range of addresses"},
  };
  for (const Case &one : cases) {
    AML_AREA_FIXED_DECL(area);
    options_.pointer = one.pointer;
    options_.size = one.size;
    options_.granularity = one.granularity;
    options_.capabilities = one.capabilities;
    EXPECT_EQ(-AML_EINVAL, aml_area_fixed_init(area, &options_));
    EXPECT_EQ(std::string("aml_area_fixed_init: ") + one.sentence, aml_error_detail());
  }
  AML_AREA_FIXED_DECL(area);
  options_.capabilities = 0;
  options_.granularity = 0;
  options_.flags = 1u << 1;
  EXPECT_EQ(-AML_EINVAL, aml_area_fixed_init(area, &options_));
  EXPECT_STREQ("aml_area_fixed_init: flags has an unknown bit", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_fixed_init(area, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_fixed_init(nullptr, &options_));
  EXPECT_EQ(-AML_EINVAL, aml_area_fixed_create(nullptr, &options_));
}

TEST_F(AreaFixed, ADeclaredAreaRefusesCalls) {
  AML_AREA_FIXED_DECL(area);
  aml_area_info info;
  aml_area_fixed_room room;
  EXPECT_EQ(0u, aml_area_capabilities(area));
  EXPECT_EQ(nullptr, aml_area_map(area, 1, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area, region_, 1));
  EXPECT_EQ(-AML_EINVAL, aml_area_get_info(area, nullptr, &info));
  EXPECT_EQ(-AML_EINVAL, aml_area_fixed_get_room(area, &room));
  EXPECT_STREQ("aml_area_fixed_get_room: area is null, of another type, or not initialised",
               aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_fixed_get_room(nullptr, &room));
  EXPECT_EQ(-AML_EINVAL, aml_area_fixed_get_room(area_, nullptr));
}

TEST_F(AreaFixed, EveryAllocationMayFail) {
  aml_area *made = nullptr;
  const auto check = [](int err) { EXPECT_EQ(-AML_ENOMEM, err); };
  EXPECT_EQ(3u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM, [&] { return aml_area_fixed_create(&made, &options_); },
                    check));
  aml_area_destroy(&made);
  void *mapped = nullptr;
  aml_area_map_options options = {};
  options.hint = region_ + kGranule;
  options.flags = AML_AREA_MAP_EXACT;
  EXPECT_EQ(2u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM,
                    [&] {
                      mapped = aml_area_map(area_, 2 * kGranule, &options);
                      return mapped == nullptr ? aml_error_code() : 0;
                    },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_EQ(16 * kGranule, Room().largest);
                    }));
  EXPECT_EQ(1u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM,
                    [&] {
                      void *const same = aml_area_resize(area_, mapped, 2 * kGranule, 1, 0);
                      return same == nullptr ? aml_error_code() : 0;
                    },
                    check));
  EXPECT_EQ(0u,
            EachFailure(
                AML_FAULT_HEAP, ENOMEM, [&] { return aml_area_unmap(area_, mapped, 1); }, check));
}

TEST_F(AreaFixed, ThreadsGetPiecesOfTheirOwn) {
  std::atomic<int> clashes{0};
  std::vector<std::thread> threads;
  for (int t = 1; t <= 4; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 1000; ++i) {
        const size_t size = (1 + i % 3) * kGranule;
        char *const bytes = Map(size);
        if (bytes == nullptr)
          continue;
        std::memset(bytes, t, size);
        std::this_thread::yield();
        for (size_t at = 0; at < size; ++at)
          clashes += bytes[at] != t;
        EXPECT_EQ(0, aml_area_unmap(area_, bytes, size));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0, clashes);
  EXPECT_EQ(16 * kGranule, Room().largest);
}

} // namespace
