// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/tracked.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;

using Mappings = std::vector<aml_area_tracked_mapping>;

// A visit that keeps what it sees.
int Collect(void *mappings, const aml_area_tracked_mapping *mapping) {
  static_cast<Mappings *>(mappings)->push_back(*mapping);
  return 0;
}

class AreaTracked : public ::testing::Test {
protected:
  void SetUp() override {
    options_.report = Collect;
    options_.context = &leaks_;
    ASSERT_EQ(0, aml_area_tracked_create(&area_, inner_.get(), &options_));
  }
  void TearDown() override {
    aml_area_destroy(&area_);
    EXPECT_EQ(0, inner_.live());
  }

  char *Map(size_t size, const char *label = nullptr) {
    aml_area_map_options options = {};
    options.label = label;
    char *const bytes = static_cast<char *>(aml_area_map(area_, size, &options));
    EXPECT_NE(nullptr, bytes) << aml_error_detail();
    return bytes;
  }

  void Unmap(void *bytes, size_t size) {
    EXPECT_EQ(0, aml_area_unmap(area_, bytes, size)) << aml_error_detail();
  }

  aml_area_tracked_stats Stats() {
    aml_area_tracked_stats stats = {};
    EXPECT_EQ(0, aml_area_tracked_get_stats(area_, &stats)) << aml_error_detail();
    EXPECT_EQ(stats.live_count, stats.maps - stats.unmaps - stats.lost);
    EXPECT_EQ(stats.maps,
              std::accumulate(std::begin(stats.histogram), std::end(stats.histogram), uint64_t{0}));
    EXPECT_LE(stats.live_size, stats.peak_size);
    return stats;
  }

  Mappings Walk() {
    Mappings mappings;
    EXPECT_EQ(0, aml_area_tracked_walk(area_, Collect, &mappings));
    return mappings;
  }

  PageArea inner_;
  Mappings leaks_;
  aml_area_tracked_options options_ = {};
  aml_area *area_ = nullptr;
};

TEST_F(AreaTracked, CountsWhatIsLiveAndItsPeak) {
  char *const first = Map(1);
  char *const second = Map(kPage + 1);
  EXPECT_EQ(2u, Stats().live_count);
  EXPECT_EQ(3 * kPage, Stats().live_size);
  Unmap(first, 1);
  EXPECT_EQ(1u, Stats().live_count);
  EXPECT_EQ(2 * kPage, Stats().live_size);
  EXPECT_EQ(3 * kPage, Stats().peak_size);
  Unmap(second, kPage + 1);
  const aml_area_tracked_stats stats = Stats();
  EXPECT_EQ(0u, stats.live_size);
  EXPECT_EQ(3 * kPage, stats.peak_size);
  EXPECT_EQ(2u, stats.maps);
  EXPECT_EQ(2u, stats.unmaps);
  EXPECT_EQ(0u, stats.failures);
}

TEST_F(AreaTracked, CountsSizesByPowersOfTwo) {
  const size_t sizes[] = {1, 2, 3, 4095, 4096, 8191, 8192};
  for (const size_t size : sizes)
    Unmap(Map(size), size);
  const aml_area_tracked_stats stats = Stats();
  EXPECT_EQ(1u, stats.histogram[0]);
  EXPECT_EQ(2u, stats.histogram[1]);
  EXPECT_EQ(1u, stats.histogram[11]);
  EXPECT_EQ(2u, stats.histogram[12]);
  EXPECT_EQ(1u, stats.histogram[13]);
}

TEST_F(AreaTracked, WalksInOrderOfAddress) {
  std::vector<char *> live;
  for (size_t i = 0; i < 20; ++i)
    live.push_back(Map(1 + i * 1000));
  const Mappings mappings = Walk();
  ASSERT_EQ(20u, mappings.size());
  EXPECT_TRUE(std::is_sorted(mappings.begin(), mappings.end(),
                             [](const auto &a, const auto &b) { return a.pointer < b.pointer; }));
  for (const aml_area_tracked_mapping &mapping : mappings) {
    ASSERT_TRUE(mapping.number >= 1 && mapping.number <= 20);
    EXPECT_EQ(live[mapping.number - 1], mapping.pointer);
    EXPECT_EQ(1 + (mapping.number - 1) * 1000, mapping.size);
  }
  for (size_t i = 0; i < 20; ++i)
    Unmap(live[i], 1 + i * 1000);
  EXPECT_TRUE(Walk().empty());
}

TEST_F(AreaTracked, AVisitMayUnmapAndMap) {
  for (size_t i = 0; i < 5; ++i)
    Map(kPage);
  const auto unmap = [](void *area, const aml_area_tracked_mapping *mapping) {
    return aml_area_unmap(static_cast<aml_area *>(area), mapping->pointer, mapping->size);
  };
  EXPECT_EQ(0, aml_area_tracked_walk(area_, unmap, area_));
  EXPECT_EQ(0u, Stats().live_count);
}

TEST_F(AreaTracked, AVisitCanEndTheWalk) {
  char *const first = Map(1);
  char *const second = Map(1);
  const auto end = [](void *seen, const aml_area_tracked_mapping *) {
    ++*static_cast<int *>(seen);
    return 7;
  };
  int seen = 0;
  EXPECT_EQ(7, aml_area_tracked_walk(area_, end, &seen));
  EXPECT_EQ(1, seen);
  Unmap(first, 1);
  Unmap(second, 1);
}

TEST_F(AreaTracked, TellsWhoseEachAddressIs) {
  char *const bytes = Map(kPage + 1, "vectors");
  aml_area_tracked_mapping mapping = {};
  for (const size_t offset : {size_t{0}, size_t{1}, kPage, kPage + 1, 2 * kPage - 1}) {
    mapping = {};
    ASSERT_EQ(0, aml_area_tracked_find(area_, bytes + offset, &mapping)) << offset;
    EXPECT_EQ(bytes, mapping.pointer);
    EXPECT_EQ(kPage + 1, mapping.size);
    EXPECT_STREQ("vectors", mapping.label);
    EXPECT_EQ(1u, mapping.number);
  }
  Unmap(bytes, kPage + 1);
  mapping.size = 3;
  EXPECT_EQ(-AML_ENOENT, aml_area_tracked_find(area_, bytes, &mapping));
  EXPECT_STREQ("aml_area_tracked_find: pointer is in no mapping", aml_error_detail());
  EXPECT_EQ(-AML_ENOENT, aml_area_tracked_find(area_, nullptr, &mapping));
  EXPECT_EQ(3u, mapping.size);
}

TEST_F(AreaTracked, InfoTellsTheSizeThatWasAskedFor) {
  char *const bytes = Map(kPage + 1);
  aml_area_info info = {};
  ASSERT_EQ(0, aml_area_get_info(area_, bytes + kPage, &info));
  EXPECT_EQ(kPage + 1, info.size);
  EXPECT_STREQ("tracked", info.type);
  Unmap(bytes, kPage + 1);
  EXPECT_EQ(-AML_EINVAL, aml_area_get_info(area_, bytes, &info));
  EXPECT_STREQ("aml_area_get_info: pointer is in no mapping", aml_error_detail());
}

TEST_F(AreaTracked, TheAreasLabelIsOfMapsThatBringNone) {
  aml_area_destroy(&area_);
  options_.label = "solver";
  ASSERT_EQ(0, aml_area_tracked_create(&area_, inner_.get(), &options_));
  char *const theirs = Map(1, "mesh");
  char *const ours = Map(1);
  aml_area_tracked_mapping mapping = {};
  ASSERT_EQ(0, aml_area_tracked_find(area_, theirs, &mapping));
  EXPECT_STREQ("mesh", mapping.label);
  ASSERT_EQ(0, aml_area_tracked_find(area_, ours, &mapping));
  EXPECT_STREQ("solver", mapping.label);
  Unmap(theirs, 1);
  Unmap(ours, 1);
}

TEST_F(AreaTracked, UnmapOfWhatIsNoMappingIsRefused) {
  char *const bytes = Map(3 * kPage);
  char local = 0;
  const auto refused = [this](void *pointer, size_t size, const char *sentence) {
    EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area_, pointer, size));
    EXPECT_STREQ(sentence, aml_error_detail());
  };
  const char none[] = "aml_area_unmap: pointer is in no mapping, or in one that was given back "
                      "already";
  refused(&local, 1, none);
  refused(bytes + kPage, kPage, "aml_area_unmap: pointer is inside a mapping, not at its start");
  refused(bytes, kPage, "aml_area_unmap: size 4096 is not that of the mapping");
  EXPECT_EQ(1u, Stats().live_count);
  EXPECT_EQ(1, inner_.live());
  Unmap(bytes, 3 * kPage - 1);
  refused(bytes, 3 * kPage, none);
  EXPECT_EQ(4u, Stats().refusals);
  EXPECT_EQ(4u, Stats().failures);
  EXPECT_EQ(0, inner_.live());
}

TEST_F(AreaTracked, WhatWasGivenBackPastTheAreaIsNoticed) {
  AML_AREA_LINUX_DECL(inner);
  AML_AREA_TRACKED_DECL(area);
  ASSERT_EQ(0, aml_area_linux_init(inner, nullptr));
  ASSERT_EQ(0, aml_area_tracked_init(area, inner, nullptr));
  void *const stale = aml_area_map(area, 2 * kPage, nullptr);
  ASSERT_EQ(0, aml_area_unmap(inner, stale, 2 * kPage));
  aml_area_map_options options = {};
  options.hint = stale;
  options.flags = AML_AREA_MAP_EXACT;
  ASSERT_EQ(stale, aml_area_map(area, kPage, &options)) << aml_error_detail();
  aml_area_tracked_stats stats = {};
  ASSERT_EQ(0, aml_area_tracked_get_stats(area, &stats));
  EXPECT_EQ(1u, stats.lost);
  EXPECT_EQ(1u, stats.live_count);
  EXPECT_EQ(kPage, stats.live_size);
  EXPECT_EQ(0, aml_area_unmap(area, stale, kPage));
  aml_area_fini(area);
  aml_area_fini(inner);
}

TEST_F(AreaTracked, LeaksAreReportedByTheirLabels) {
  char *const lost = Map(10, "forgotten");
  Unmap(Map(1), 1);
  char *const other = Map(kPage + 1);
  aml_area_fini(area_);
  ASSERT_EQ(2u, leaks_.size());
  EXPECT_LT(leaks_[0].pointer, leaks_[1].pointer);
  const aml_area_tracked_mapping &leak = leaks_[leaks_[0].pointer == lost ? 0 : 1];
  EXPECT_EQ(lost, leak.pointer);
  EXPECT_EQ(10u, leak.size);
  EXPECT_STREQ("forgotten", leak.label);
  const std::string first = leaks_[0].pointer == lost ? "of forgotten" : "without a label";
  EXPECT_EQ("aml_area_fini: area has 2 live mappings of 12288 bytes, the first " + first,
            aml_error_detail());
  EXPECT_EQ(-AML_EBUSY, aml_error_code());
  EXPECT_EQ(2, inner_.live()) << "left to the inner area";
  EXPECT_EQ(0, aml_area_unmap(inner_.get(), lost, 10));
  EXPECT_EQ(0, aml_area_unmap(inner_.get(), other, kPage + 1));
}

TEST_F(AreaTracked, NothingIsReportedWhereNothingIsLeft) {
  (void)aml_error_set(-AML_EIO, "test", nullptr, "was here");
  Unmap(Map(1), 1);
  aml_area_fini(area_);
  EXPECT_TRUE(leaks_.empty());
  EXPECT_STREQ("test: was here", aml_error_detail());
}

TEST_F(AreaTracked, LongLabelsAreCutInTheSentence) {
  const std::string label(1000, 'x');
  char *const bytes = Map(1, label.c_str());
  aml_area_fini(area_);
  EXPECT_NE(nullptr, std::strstr(aml_error_detail(), std::string(80, 'x').c_str()));
  EXPECT_EQ(0, aml_area_unmap(inner_.get(), bytes, 1));
}

TEST_F(AreaTracked, PrintsAMappingAsALine) {
  char line[200] = "";
  std::FILE *const file = std::tmpfile();
  ASSERT_NE(nullptr, file);
  const aml_area_tracked_mapping named = {reinterpret_cast<void *>(0x1000), 5, "mesh", 2};
  const aml_area_tracked_mapping unnamed = {reinterpret_cast<void *>(0x2000), 6, nullptr, 3};
  EXPECT_EQ(0, aml_area_tracked_print(file, &named));
  EXPECT_EQ(0, aml_area_tracked_print(file, &unnamed));
  std::rewind(file);
  ASSERT_NE(nullptr, std::fgets(line, sizeof line, file));
  EXPECT_STREQ("aml: live mapping 2 at 0x1000 of 5 bytes by mesh\n", line);
  ASSERT_NE(nullptr, std::fgets(line, sizeof line, file));
  EXPECT_STREQ("aml: live mapping 3 at 0x2000 of 6 bytes\n", line);
  EXPECT_EQ(0, std::fclose(file));
}

TEST_F(AreaTracked, BadArgumentsAreRefused) {
  aml_area_tracked_stats stats = {};
  aml_area_tracked_mapping mapping = {};
  AML_AREA_TRACKED_DECL(declared);
  for (aml_area *const area : {(aml_area *)nullptr, inner_.get(), declared}) {
    EXPECT_EQ(-AML_EINVAL, aml_area_tracked_get_stats(area, &stats));
    EXPECT_EQ(-AML_EINVAL, aml_area_tracked_find(area, &stats, &mapping));
    EXPECT_EQ(-AML_EINVAL, aml_area_tracked_walk(area, Collect, &leaks_));
  }
  EXPECT_EQ(-AML_EINVAL, aml_area_tracked_get_stats(area_, nullptr));
  EXPECT_STREQ("aml_area_tracked_get_stats: stats is null", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_tracked_find(area_, &stats, nullptr));
  EXPECT_STREQ("aml_area_tracked_find: mapping is null", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_tracked_walk(area_, nullptr, nullptr));
  EXPECT_STREQ("aml_area_tracked_walk: visit is null", aml_error_detail());
  EXPECT_EQ(nullptr, aml_area_map(declared, 1, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(declared, &stats, 1));
}

TEST_F(AreaTracked, InitRefusesWhatIsNoStorageOrNoArea) {
  AML_AREA_TRACKED_DECL(area);
  AML_AREA_LINUX_DECL(other);
  EXPECT_EQ(-AML_EINVAL, aml_area_tracked_init(nullptr, inner_.get(), nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_tracked_init(other, inner_.get(), nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_tracked_init(area, nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_tracked_init(area, area, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_tracked_create(nullptr, inner_.get(), nullptr));
  aml_area *none = nullptr;
  EXPECT_EQ(-AML_EINVAL, aml_area_tracked_create(&none, nullptr, nullptr));
  EXPECT_EQ(nullptr, none);
  EXPECT_EQ(0, aml_area_tracked_init(area, inner_.get(), nullptr));
  aml_area_fini(area);
}

// Threads map and unmap while others look.
TEST_F(AreaTracked, ThreadsKeepOneAccount) {
  std::atomic<bool> end{false};
  std::atomic<int> wrong{0};
  std::thread looker([&] {
    while (!end) {
      Mappings mappings;
      aml_area_tracked_stats stats = {};
      wrong += aml_area_tracked_walk(area_, Collect, &mappings) != 0;
      wrong += aml_area_tracked_get_stats(area_, &stats) != 0;
      wrong += stats.live_size > stats.peak_size || stats.live_count > 8;
    }
  });
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 300; ++i) {
        const size_t size = 1 + (i * 7919 + t) % (5 * kPage);
        void *const a = aml_area_map(area_, size, nullptr);
        void *const b = aml_area_map(area_, kPage, nullptr);
        aml_area_tracked_mapping mapping = {};
        wrong += aml_area_tracked_find(area_, a, &mapping) != 0 || mapping.size != size;
        wrong += aml_area_unmap(area_, a, size) != 0;
        wrong += aml_area_unmap(area_, a, SIZE_MAX / 2) != -AML_EINVAL;
        wrong += aml_area_unmap(area_, b, kPage) != 0;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  end = true;
  looker.join();
  EXPECT_EQ(0, wrong);
  EXPECT_EQ(2400u, Stats().maps);
  EXPECT_EQ(0u, Stats().live_count);
}

} // namespace
