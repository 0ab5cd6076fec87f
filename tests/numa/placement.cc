// SPDX-License-Identifier: BSD-3-Clause
//
// Where memory really is, on machines with several nodes. What AML says is compared with what
// move_pages says.

#include <gtest/gtest.h>
#include <numa.h>
#include <numaif.h>

#include <cstring>
#include <map>
#include <vector>

#include "aml/area/linux.h"
#include "aml/binding/interleave.h"
#include "aml/binding/single.h"
#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tiling/1d.h"

namespace {

constexpr size_t kPage = 4096;
constexpr size_t kPages = 240; // divisible by 2, 3, 4, 5, 6 and 8

// The nodes that have memory which this process may use.
aml_nodeset Nodes() {
  aml_nodeset nodes = {};
  bitmask *const allowed = numa_get_mems_allowed();
  for (int node = 0; node <= numa_max_node(); ++node)
    if (numa_bitmask_isbitset(allowed, static_cast<unsigned>(node)) &&
        numa_node_size64(node, nullptr) > 0)
      (void)aml_nodeset_add(&nodes, node);
  numa_bitmask_free(allowed);
  return nodes;
}

// The node of each page, by the system call itself; negative where there is none.
std::vector<int> Locate(char *memory, size_t pages) {
  std::vector<void *> addresses(pages);
  for (size_t i = 0; i < pages; ++i)
    addresses[i] = memory + i * kPage;
  std::vector<int> nodes(pages, -1000);
  EXPECT_EQ(0, move_pages(0, pages, addresses.data(), nullptr, nodes.data(), 0));
  return nodes;
}

class NumaPlacement : public ::testing::Test {
protected:
  void SetUp() override {
    nodes_ = Nodes();
    ASSERT_GE(aml_nodeset_count(&nodes_), 2u) << "this machine has one node";
    ASSERT_EQ(0, aml_area_linux_create(&area_, nullptr));
    memory_ = static_cast<char *>(aml_area_map(area_, kPages * kPage, nullptr));
    ASSERT_NE(nullptr, memory_) << aml_error_detail();
  }

  void TearDown() override {
    EXPECT_EQ(0, aml_area_unmap(area_, memory_, kPages * kPage));
    aml_binding_destroy(&binding_);
    aml_area_destroy(&area_);
  }

  void Touch() { std::memset(memory_, 1, kPages * kPage); }

  // That all pages are present and right, by AML's own account.
  void ExpectAllRight() {
    static aml_binding_report report;
    ASSERT_EQ(0, aml_binding_verify(binding_, area_, memory_, kPages * kPage, &report))
        << aml_error_detail();
    EXPECT_EQ(kPages * kPage, report.right_size);
    EXPECT_EQ(0u, report.wrong_size);
    EXPECT_EQ(0u, report.absent_size);
  }

  aml_nodeset nodes_{};
  aml_area *area_ = nullptr;
  char *memory_ = nullptr;
  aml_binding *binding_ = nullptr;
};

TEST_F(NumaPlacement, EachNodeCanBeBoundToBeforeTouching) {
  for (int node = aml_nodeset_next(&nodes_, -1); node >= 0;
       node = aml_nodeset_next(&nodes_, node)) {
    void *const pages = aml_area_map(area_, 8 * kPage, nullptr);
    ASSERT_NE(nullptr, pages);
    const aml_nodeset one = aml_nodeset_of(node);
    ASSERT_EQ(0, aml_area_bind(area_, pages, 8 * kPage, AML_POLICY_BIND, &one, 0))
        << aml_error_detail();
    std::memset(pages, 1, 8 * kPage);
    for (const int found : Locate(static_cast<char *>(pages), 8))
      EXPECT_EQ(node, found);
    ASSERT_EQ(0, aml_area_unmap(area_, pages, 8 * kPage));
  }
}

TEST_F(NumaPlacement, AMapWithAPolicyIsOnExactlyThatNode) {
  const int last = aml_nodeset_last(&nodes_);
  aml_area_linux_options options = {};
  options.policy = AML_POLICY_BIND;
  options.devices = aml_nodeset_of(last);
  aml_area *bound = nullptr;
  ASSERT_EQ(0, aml_area_linux_create(&bound, &options)) << aml_error_detail();
  char *const pages = static_cast<char *>(aml_area_map(bound, 16 * kPage, nullptr));
  ASSERT_NE(nullptr, pages) << aml_error_detail();
  std::memset(pages, 1, 16 * kPage);
  for (const int found : Locate(pages, 16))
    EXPECT_EQ(last, found);
  EXPECT_EQ(0, aml_area_unmap(bound, pages, 16 * kPage));
  aml_area_destroy(&bound);
}

TEST_F(NumaPlacement, PagesThatArePresentMoveWhenAsked) {
  const int first = aml_nodeset_next(&nodes_, -1);
  const int last = aml_nodeset_last(&nodes_);
  const aml_nodeset from = aml_nodeset_of(first);
  const aml_nodeset to = aml_nodeset_of(last);
  ASSERT_EQ(0, aml_area_bind(area_, memory_, kPages * kPage, AML_POLICY_BIND, &from, 0));
  Touch();
  ASSERT_EQ(0, aml_area_bind(area_, memory_, kPages * kPage, AML_POLICY_BIND, &to, 0));
  EXPECT_EQ(std::vector<int>(kPages, first), Locate(memory_, kPages));
  ASSERT_EQ(0, aml_area_bind(area_, memory_, kPages * kPage, AML_POLICY_BIND, &to,
                             AML_AREA_BIND_MOVE | AML_AREA_BIND_STRICT))
      << aml_error_detail();
  EXPECT_EQ(std::vector<int>(kPages, last), Locate(memory_, kPages));
}

TEST_F(NumaPlacement, StrictSaysThatPagesAreElsewhere) {
  const aml_nodeset from = aml_nodeset_of(aml_nodeset_next(&nodes_, -1));
  const aml_nodeset to = aml_nodeset_of(aml_nodeset_last(&nodes_));
  ASSERT_EQ(0, aml_area_bind(area_, memory_, kPages * kPage, AML_POLICY_BIND, &from, 0));
  Touch();
  EXPECT_EQ(-AML_EIO, aml_area_bind(area_, memory_, kPages * kPage, AML_POLICY_BIND, &to,
                                    AML_AREA_BIND_STRICT));
}

TEST_F(NumaPlacement, SingleBindingPutsAllOnOneNode) {
  const int last = aml_nodeset_last(&nodes_);
  ASSERT_EQ(0, aml_binding_single_create(&binding_, last));
  ASSERT_EQ(0, aml_binding_apply(binding_, area_, memory_, kPages * kPage, nullptr))
      << aml_error_detail();
  Touch();
  EXPECT_EQ(std::vector<int>(kPages, last), Locate(memory_, kPages));
  ExpectAllRight();
}

TEST_F(NumaPlacement, InterleaveIsThePureMappingOfPagesNumberedByAddress) {
  ASSERT_EQ(0, aml_binding_interleave_create(&binding_, &nodes_));
  ASSERT_EQ(0, aml_binding_apply(binding_, area_, memory_, kPages * kPage, nullptr))
      << aml_error_detail();
  Touch();
  const size_t first = reinterpret_cast<uintptr_t>(memory_) / kPage;
  const std::vector<int> found = Locate(memory_, kPages);
  std::map<int, size_t> pages_on;
  for (size_t i = 0; i < kPages; ++i) {
    EXPECT_EQ(aml_binding_device_of(binding_, first + i, SIZE_MAX), found[i]) << "page " << i;
    ++pages_on[found[i]];
  }
  for (const auto &[node, count] : pages_on)
    EXPECT_EQ(kPages / aml_nodeset_count(&nodes_), count) << "node " << node;
  ExpectAllRight();
}

TEST_F(NumaPlacement, ApplyMovesWhatIsThereAlready) {
  Touch();
  ASSERT_EQ(0, aml_binding_interleave_create(&binding_, &nodes_));
  aml_binding_apply_options options = {};
  options.flags = AML_AREA_BIND_MOVE;
  ASSERT_EQ(0, aml_binding_apply(binding_, area_, memory_, kPages * kPage, &options))
      << aml_error_detail();
  ExpectAllRight();
}

TEST_F(NumaPlacement, TilesGoRoundTheNodesTileByTile) {
  aml_tiling *tiling = nullptr;
  ASSERT_EQ(0, aml_tiling_1d_create(&tiling, kPages * kPage, 1, 3 * kPage));
  aml_tile datum = aml_tile_bytes(memory_, kPages * kPage);
  datum.area = area_;
  ASSERT_EQ(0, aml_binding_interleave_create(&binding_, &nodes_));
  ASSERT_EQ(0, aml_binding_apply_tiled(binding_, tiling, &datum, nullptr)) << aml_error_detail();
  Touch();
  const std::vector<int> found = Locate(memory_, kPages);
  for (size_t i = 0; i < kPages; ++i)
    EXPECT_EQ(aml_binding_device_of(binding_, i / 3, kPages / 3), found[i]) << "page " << i;
  static aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify_tiled(binding_, tiling, &datum, &report));
  EXPECT_EQ(kPages * kPage, report.right_size);
  aml_tiling_destroy(&tiling);
}

TEST_F(NumaPlacement, LocateAgreesWithTheSystemCall) {
  std::vector<void *> addresses;
  for (size_t i = 0; i < kPages; ++i)
    addresses.push_back(memory_ + i * kPage);
  std::vector<int> devices(kPages);
  ASSERT_EQ(0, aml_area_locate(area_, kPages, addresses.data(), devices.data()));
  EXPECT_EQ(std::vector<int>(kPages, -AML_ENOENT), devices);
  ASSERT_EQ(0, aml_area_bind(area_, memory_, kPages * kPage, AML_POLICY_INTERLEAVE, &nodes_, 0));
  Touch();
  ASSERT_EQ(0, aml_area_locate(area_, kPages, addresses.data(), devices.data()));
  EXPECT_EQ(Locate(memory_, kPages), devices);
}

TEST_F(NumaPlacement, MovePutsEachPageOnANodeOfItsOwn) {
  Touch();
  std::vector<void *> addresses;
  std::vector<int> wanted;
  for (size_t i = 0; i < kPages; ++i) {
    addresses.push_back(memory_ + i * kPage);
    wanted.push_back(aml_nodeset_at(&nodes_, i * i % aml_nodeset_count(&nodes_)));
  }
  std::vector<int> results(kPages);
  ASSERT_EQ(0, aml_area_move(area_, kPages, addresses.data(), wanted.data(), results.data()))
      << aml_error_detail();
  EXPECT_EQ(wanted, results);
  EXPECT_EQ(wanted, Locate(memory_, kPages));
}

TEST_F(NumaPlacement, ANodeThatDoesNotExistIsRefusedAndNamed) {
  const aml_nodeset none = aml_nodeset_of(900);
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area_, memory_, kPage, AML_POLICY_BIND, &none, 0));
  EXPECT_NE(nullptr, std::strstr(aml_error_detail(), "aml_area_bind"));
}

} // namespace
