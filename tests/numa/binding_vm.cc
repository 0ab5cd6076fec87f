// SPDX-License-Identifier: BSD-3-Clause
//
// Each type of binding, applied to pages and to tiles of real memory in
// thousands of random cases: where move_pages says that pages are is compared
// with where the pure mapping wants them.

#include "aml/core/binding.h"

#include <gtest/gtest.h>
#include <numa.h>
#include <numaif.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/numa/binding_model.h"
#include "aml/tests/numa/random_binding.h"
#include "aml/tiling/1d.h"
#include "aml/tiling/clipped.h"
#include "aml/tiling/ragged.h"

namespace {

using namespace binding_model;

// What the calls on pages have in common with those on tiles.
struct Calls {
  std::function<int(const aml_binding_apply_options *options)> apply;
  std::function<int(size_t max_size, aml_binding_progress *progress)> rebalance;
  std::function<int(aml_binding_report *report)> verify;
};

class BindingVm : public ::testing::Test {
protected:
  void TearDown() override {
    (void)set_mempolicy(MPOL_DEFAULT, nullptr, 0);
    aml_tiling_destroy(&tiling_);
    EXPECT_TRUE(memory_ == nullptr || aml_area_unmap(area_, memory_, pages_ * page_) == 0);
    aml_area_destroy(&area_);
    if (page_ == kHuge)
      ResizePools(0);
  }

  void Map(size_t page, size_t pages, const aml_area_linux_options &options) {
    ASSERT_GE(aml_nodeset_count(&nodes_), 2u) << "this machine has one node";
    page_ = page;
    pages_ = pages;
    const aml_area_map_options aligned = {kHuge, nullptr, 0, nullptr};
    ASSERT_EQ(0, aml_area_linux_create(&area_, &options)) << aml_error_detail();
    memory_ = static_cast<char *>(aml_area_map(area_, pages * page, &aligned));
    ASSERT_NE(nullptr, memory_) << aml_error_detail();
  }

  void MapPages(size_t pages) {
    aml_area_linux_options options = {};
    options.huge_pages = AML_AREA_LINUX_HUGE_NONE;
    Map(kBase, pages, options);
  }

  // Whether each node has room for a pool of so many pages.
  bool ResizePools(size_t pages) {
    bool all = true;
    // What was given back lies in pieces.
    std::ofstream("/proc/sys/vm/drop_caches") << 3 << std::flush;
    std::ofstream("/proc/sys/vm/compact_memory") << 1 << std::flush;
    for (int node = aml_nodeset_next(&nodes_, -1); node >= 0;
         node = aml_nodeset_next(&nodes_, node)) {
      const std::string pool = "/sys/devices/system/node/node" + std::to_string(node) +
                               "/hugepages/hugepages-2048kB/nr_hugepages";
      std::ofstream(pool) << pages << std::flush;
      size_t got = SIZE_MAX;
      std::ifstream(pool) >> got;
      all = all && got == pages;
    }
    return all;
  }

  size_t Random(size_t bound) { return random_() % bound; }

  // The node of each page, by the system call itself, with which the area
  // agrees.
  std::vector<int> Locate(char *first, size_t pages) {
    std::vector<void *> addresses;
    for (size_t i = 0; i < pages; ++i)
      addresses.push_back(first + i * page_);
    std::vector<int> nodes(pages, kOutside);
    EXPECT_EQ(0, move_pages(0, pages, addresses.data(), nullptr, nodes.data(), 0));
    for (int &node : nodes)
      node = node < 0 ? kAbsent : node;
    std::vector<int> told(pages, kOutside);
    EXPECT_EQ(0, aml_area_locate(area_, pages, addresses.data(), told.data()));
    EXPECT_EQ(nodes, told);
    return nodes;
  }

  // Fresh memory without policy.
  void Renew() {
    ASSERT_EQ(0, madvise(memory_, pages_ * page_, MADV_DONTNEED));
    ASSERT_EQ(0, mbind(memory_, pages_ * page_, MPOL_DEFAULT, nullptr, 0, 0));
  }

  // Fresh memory: none, all, or some pages are touched, each on a node of its
  // own.
  void PlaceAtRandom() {
    Renew();
    const size_t mode = Random(3);
    std::map<int, std::vector<size_t>> places;
    for (size_t page = 0; page < pages_ && mode != 0; ++page)
      if (mode == 1 || Random(2) == 0)
        places[random_binding_.Node()].push_back(page);
    for (const auto &[node, pages] : places) {
      const unsigned long mask = 1ul << node;
      ASSERT_EQ(0, set_mempolicy(MPOL_BIND, &mask, 64));
      for (const size_t page : pages)
        memory_[page * page_] = static_cast<char>(page);
    }
    ASSERT_EQ(0, set_mempolicy(MPOL_DEFAULT, nullptr, 0));
  }

  void ExpectReport(const Calls &calls, const std::vector<int> &wanted,
                    const std::vector<int> &found) {
    static aml_binding_report report;
    ASSERT_EQ(0, calls.verify(&report)) << aml_error_detail();
    size_t right = 0;
    size_t wrong = 0;
    size_t absent = 0;
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] == kOutside)
        continue;
      const bool is_right = wanted[i] < 0 || wanted[i] == found[i];
      (found[i] < 0 ? absent : is_right ? right : wrong) += page_;
    }
    EXPECT_EQ(right, report.right_size);
    EXPECT_EQ(wrong, report.wrong_size);
    EXPECT_EQ(absent, report.absent_size);
  }

  // What is present is moved where it is wanted, and nothing else is done.
  void ExpectRebalanced(char *first, const std::vector<int> &wanted, const Calls &calls) {
    std::vector<int> expected = Locate(first, wanted.size());
    size_t moved = 0;
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] < 0 || expected[i] < 0 || expected[i] == wanted[i])
        continue;
      expected[i] = wanted[i];
      moved += page_;
    }
    aml_binding_progress progress = {};
    do
      ASSERT_EQ(0, calls.rebalance(Random(5) * 3 * page_, &progress)) << aml_error_detail();
    while (progress.done_size < progress.total_size);
    EXPECT_EQ(moved, progress.moved_size);
    EXPECT_EQ(0u, progress.failed_size);
    EXPECT_EQ(expected, Locate(first, wanted.size()));
    ExpectReport(calls, wanted, expected);
  }

  // Applies with any options, and then touches all.
  void ExpectApplied(char *first, const std::vector<int> &wanted, bool is_one_call,
                     const Calls &calls) {
    static constexpr unsigned kFlags[] = {0, AML_AREA_BIND_MOVE,
                                          AML_AREA_BIND_MOVE | AML_AREA_BIND_STRICT};
    aml_binding_apply_options options = {};
    options.flags = kFlags[Random(3)];
    options.max_mappings = Random(3) == 0 ? 1 + Random(4) : 0;
    const bool is_bulk =
        !is_one_call && options.max_mappings > 0 && CountRuns(wanted) > options.max_mappings;
    std::vector<int> expected = Locate(first, wanted.size());
    std::vector<int> touched(wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] >= 0 && (is_bulk || (expected[i] >= 0 && options.flags != 0)))
        expected[i] = wanted[i];
      touched[i] = expected[i] < 0 ? wanted[i] : expected[i];
    }
    ASSERT_EQ(0, calls.apply(&options)) << aml_error_detail();
    EXPECT_EQ(expected, Locate(first, wanted.size())) << "flags " << options.flags;
    ExpectReport(calls, wanted, expected);
    for (size_t i = 0; i < wanted.size(); ++i)
      ++first[i * page_];
    const std::vector<int> found = Locate(first, wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i)
      EXPECT_TRUE(touched[i] < 0 ? found[i] >= 0 : found[i] == touched[i])
          << "page " << i << " is on " << found[i] << " and not on " << touched[i];
    ExpectReport(calls, wanted, found);
  }

  void ExpectPlaced(char *first, const std::vector<int> &wanted, bool is_one_call,
                    const Calls &calls) {
    PlaceAtRandom();
    if (Random(4) == 0)
      ExpectRebalanced(first, wanted, calls);
    else
      ExpectApplied(first, wanted, is_one_call, calls);
  }

  // One random case of a range, which may begin and end within pages.
  void CheckPages() {
    const size_t pages = 1 + Random(pages_);
    char *const first = memory_ + Random(pages_ - pages + 1) * page_;
    const aml_binding *const binding = random_binding_.Make(pages);
    ASSERT_NE(nullptr, binding) << aml_error_detail();
    SCOPED_TRACE(binding->ops->name);
    const bool by_address = random_binding_.IsPolicy();
    const size_t first_index =
        by_address ? NumberOf(reinterpret_cast<uintptr_t>(first) / page_) : 0;
    std::vector<int> wanted;
    for (size_t i = 0; i < pages; ++i)
      wanted.push_back(
          aml_binding_device_of(binding, first_index + i, by_address ? SIZE_MAX : pages));
    const size_t before = Random(page_);
    const size_t behind = Random(pages == 1 ? page_ - before : page_);
    char *const start = first + before;
    const size_t size = pages * page_ - before - behind;
    ExpectPlaced(first, wanted, page_ == kBase && random_binding_.IsPolicyOfThisKernel(),
                 {[&](const aml_binding_apply_options *options) {
                    return aml_binding_apply(binding, area_, start, size, options);
                  },
                  [&](size_t max_size, aml_binding_progress *progress) {
                    return aml_binding_rebalance(binding, area_, start, size, max_size, progress);
                  },
                  [&](aml_binding_report *report) {
                    return aml_binding_verify(binding, area_, start, size, report);
                  }});
  }

  // One random case of the tiles of a datum.
  void CheckTiles(const aml_tile &datum) {
    const aml_binding *const binding = random_binding_.Make(aml_tiling_count(tiling_));
    ASSERT_NE(nullptr, binding) << aml_error_detail();
    SCOPED_TRACE(binding->ops->name);
    const std::vector<int> wanted = MajorityOf(binding, tiling_, datum, memory_, pages_);
    ExpectPlaced(memory_, wanted, false,
                 {[&](const aml_binding_apply_options *options) {
                    return aml_binding_apply_tiled(binding, tiling_, &datum, options);
                  },
                  [&](size_t max_size, aml_binding_progress *progress) {
                    return aml_binding_rebalance_tiled(binding, tiling_, &datum, max_size,
                                                       progress);
                  },
                  [&](aml_binding_report *report) {
                    return aml_binding_verify_tiled(binding, tiling_, &datum, report);
                  }});
  }

  // An array of a random shape in the memory, and a tiling for it.
  void CutAtRandom(aml_tile *datum) {
    static constexpr size_t kElements[] = {8, 24, 64, 100};
    const size_t element = kElements[Random(4)];
    const size_t before = Random(kBase);
    const size_t columns = 1 + Random(150);
    const size_t rows = (pages_ * page_ - before) / (columns * element);
    const size_t extent[] = {rows, columns};
    const size_t flat = rows * columns;
    const size_t kind = Random(3);
    ASSERT_EQ(0, aml_tile_dense(datum, area_, memory_ + before, element, kind == 0 ? 2 : 1,
                                kind == 0 ? extent : &flat, AML_ORDER_ROW));
    aml_tiling_destroy(&tiling_);
    if (kind == 0) {
      const size_t tile_extent[] = {1 + Random(rows), 1 + Random(columns)};
      ASSERT_EQ(0, aml_tiling_clipped_create(&tiling_, element, 2, extent, tile_extent, nullptr));
    } else if (kind == 1) {
      offsets_ = {0, 0, flat}; // borrowed by the tiling
      for (size_t cuts = Random(12); cuts > 0; --cuts)
        offsets_.push_back(Random(flat));
      std::sort(offsets_.begin(), offsets_.end());
      ASSERT_EQ(0,
                aml_tiling_ragged_create(&tiling_, element, offsets_.size() - 1, offsets_.data()));
    } else {
      ASSERT_EQ(0, aml_tiling_1d_create(&tiling_, flat, element, 1 + Random(flat)));
    }
  }

  RandomBinding random_binding_;
  const aml_nodeset nodes_ = random_binding_.nodes();
  std::mt19937 random_{5};
  size_t page_ = 0;
  size_t pages_ = 0;
  aml_area *area_ = nullptr;
  char *memory_ = nullptr;
  std::vector<size_t> offsets_;
  aml_tiling *tiling_ = nullptr;
};

TEST_F(BindingVm, PagesAreWhereThePureMappingWantsThem) {
  ASSERT_NO_FATAL_FAILURE(MapPages(16));
  for (int round = 0; round < 500 && !HasFailure(); ++round) {
    SCOPED_TRACE(round);
    CheckPages();
  }
}

TEST_F(BindingVm, HugePagesOfPoolsAreToo) {
  if (!ResizePools(4)) {
    ResizePools(0);
    GTEST_SKIP() << "a node has no room for a pool of huge pages";
  }
  aml_area_linux_options options = {};
  options.huge_pages = AML_AREA_LINUX_HUGE_POOL;
  options.pool_page_size = kHuge;
  ASSERT_NO_FATAL_FAILURE(Map(kHuge, 4, options));
  for (int round = 0; round < 40 && !HasFailure(); ++round) {
    SCOPED_TRACE(round);
    CheckPages();
  }
}

TEST_F(BindingVm, PagesOfTilesAreWhereTheMostOfTheirBytesBelong) {
  ASSERT_NO_FATAL_FAILURE(MapPages(6));
  for (int round = 0; round < 300 && !HasFailure(); ++round) {
    SCOPED_TRACE(round);
    aml_tile datum;
    ASSERT_NO_FATAL_FAILURE(CutAtRandom(&datum));
    CheckTiles(datum);
  }
}

// The kernel moves a transparent huge page as a whole, so tiles that are moved
// hold whole ones.
TEST_F(BindingVm, TilesOfHugePagesAreWhereTheyBelong) {
  ASSERT_NO_FATAL_FAILURE(Map(kBase, 4 * kHuge / kBase, aml_area_linux_options{}));
  ASSERT_EQ(0, aml_tiling_1d_create(&tiling_, pages_, kBase, kHuge / kBase));
  aml_tile datum;
  ASSERT_EQ(0, aml_tile_dense(&datum, area_, memory_, kBase, 1, &pages_, AML_ORDER_ROW));
  for (int round = 0; round < 16; ++round) {
    SCOPED_TRACE(round);
    Renew();
    const aml_binding *const binding = random_binding_.Make(4);
    ASSERT_NE(nullptr, binding) << aml_error_detail();
    SCOPED_TRACE(binding->ops->name);
    const std::vector<int> wanted = MajorityOf(binding, tiling_, datum, memory_, pages_);
    aml_binding_apply_options options = {};
    if (round % 2 == 0) {
      std::memset(memory_, 1, 4 * kHuge);
      options.flags = AML_AREA_BIND_MOVE | AML_AREA_BIND_STRICT;
    }
    ASSERT_EQ(0, aml_binding_apply_tiled(binding, tiling_, &datum, &options)) << aml_error_detail();
    if (round % 2 != 0)
      std::memset(memory_, 1, 4 * kHuge);
    const std::vector<int> found = Locate(memory_, pages_);
    for (size_t i = 0; i < pages_; ++i)
      ASSERT_TRUE(found[i] >= 0 && (wanted[i] < 0 || wanted[i] == found[i])) << "page " << i;
  }
}

} // namespace
