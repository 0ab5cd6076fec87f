// SPDX-License-Identifier: BSD-3-Clause
//
// Rebalancing moves what is wrong and nothing else, a part at a time. And what is new of
// applying: policies that the kernel lacks, and real memory in bulk.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/binding_testing.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/core/tile.h"
#include "aml/tests/support/device_area.h"

namespace {

using namespace binding_testing;

class CoreBindingRebalance : public CoreBindingFixture {
protected:
  // Pages where `devices` says: kAbsent is not present.
  void Place(const std::vector<int> &devices) {
    for (size_t i = 0; i < devices.size(); ++i)
      if (devices[i] != kAbsent)
        area_.place[kStart / kPage + i] = devices[i];
  }

  int Rebalance(size_t pages, size_t max_size, aml_binding_progress *progress) {
    return aml_binding_rebalance(odd_.get(), area_.get(), kPointer, pages * kPage, max_size,
                                 progress);
  }

  // Page i belongs on device i % 2, the fifth anywhere.
  Function odd_{
      [](size_t index, size_t) { return index == 5 ? kAbsent : static_cast<int>(index % 2); }};
};

TEST_F(CoreBindingRebalance, MovesWhatIsWrongAndNothingElse) {
  Place({0, 0, 1, kAbsent, 0, 7, 3, 1});
  aml_binding_progress progress = {};
  ASSERT_EQ(0, Rebalance(8, 0, &progress)) << aml_error_detail();
  EXPECT_EQ((V{0, 1, 0, kAbsent, 0, 7, 0, 1}), DevicesOf(8));
  EXPECT_EQ(8 * kPage, progress.total_size);
  EXPECT_EQ(8 * kPage, progress.done_size);
  EXPECT_EQ(3 * kPage, progress.moved_size);
  EXPECT_EQ(0u, progress.failed_size);
  EXPECT_EQ(std::vector<size_t>{3}, area_.moves) << "one call, of the wrong pages only";
  EXPECT_TRUE(area_.binds.empty()) << "a policy was set";
}

TEST_F(CoreBindingRebalance, GoesOnWhereItStopped) {
  Place({1, 0, 1, 0, 1, 0, 1, 0});
  aml_binding_progress progress = {};
  ASSERT_EQ(0, Rebalance(8, 2 * kPage, &progress));
  EXPECT_EQ((V{0, 1, 1, 0, 1, 0, 1, 0}), DevicesOf(8));
  EXPECT_EQ(2 * kPage, progress.done_size);
  EXPECT_EQ(2 * kPage, progress.moved_size);
  ASSERT_EQ(0, Rebalance(8, 1, &progress)) << "less than a page is one";
  EXPECT_EQ((V{0, 1, 0, 0, 1, 0, 1, 0}), DevicesOf(8));
  ASSERT_EQ(0, Rebalance(8, 100 * kPage, &progress));
  EXPECT_EQ((V{0, 1, 0, 1, 0, 0, 0, 1}), DevicesOf(8));
  EXPECT_EQ(progress.total_size, progress.done_size);
  EXPECT_EQ(7 * kPage, progress.moved_size);
  area_.moves.clear();
  ASSERT_EQ(0, Rebalance(8, 0, &progress)) << "nothing is left";
  EXPECT_TRUE(area_.moves.empty());
  EXPECT_EQ(7 * kPage, progress.moved_size);
}

TEST_F(CoreBindingRebalance, PagesThatCannotMoveAreCountedAndTheRestIsMoved) {
  Place({1, 0, 1, 0});
  area_.answers[kStart / kPage + 1] = -AML_EBUSY;
  aml_binding_progress progress = {};
  // What move says of it, locate says too: it is then left as what cannot be told.
  ASSERT_EQ(0, Rebalance(4, 0, &progress));
  EXPECT_EQ((V{0, 0, 0, 1}), DevicesOf(4));
  EXPECT_EQ(3 * kPage, progress.moved_size);
  area_.answers[kStart / kPage + 1] = 0; // stays there, whatever is asked for
  progress = {};
  ASSERT_EQ(0, Rebalance(4, 0, &progress));
  EXPECT_EQ(kPage, progress.failed_size);
  EXPECT_EQ(progress.total_size, progress.done_size);
}

TEST_F(CoreBindingRebalance, AFailureTellsHowFarItCame) {
  std::vector<int> devices(1200, 9);
  Place(devices);
  area_.fail_move_at = 1;
  aml_binding_progress progress = {};
  ASSERT_EQ(-AML_EPERM, Rebalance(1200, 0, &progress));
  EXPECT_EQ(1200 * kPage, progress.total_size);
  EXPECT_GT(progress.done_size, 0u);
  EXPECT_LT(progress.done_size, progress.total_size);
  area_.fail_move_at = -1;
  ASSERT_EQ(0, Rebalance(1200, 0, &progress));
  EXPECT_EQ(1199 * kPage, progress.moved_size);
  area_.fail_locate_at = static_cast<int>(area_.locates.size());
  progress = {};
  EXPECT_EQ(-AML_EPERM, Rebalance(1200, 0, &progress));
  EXPECT_EQ(0u, progress.done_size);
}

TEST_F(CoreBindingRebalance, TilesAreMovedLikewise) {
  Tiles tiling({Bytes(0, 3 * kPage), Bytes(3 * kPage, kPage), Bytes(4 * kPage, 4 * kPage)});
  const aml_tile datum = Datum(8 * kPage);
  Place({1, 0, kAbsent, 1, 1, 0, 1, 0});
  aml_binding_progress progress = {};
  while (progress.total_size == 0 || progress.done_size < progress.total_size)
    ASSERT_EQ(0, aml_binding_rebalance_tiled(odd_.get(), tiling.get(), &datum, kPage, &progress));
  EXPECT_EQ((V{0, 0, kAbsent, 1, 0, 0, 0, 0}), DevicesOf(8));
  EXPECT_EQ(3 * kPage, progress.moved_size);
}

TEST_F(CoreBindingRebalance, BadArgumentsAreRefusedByName) {
  aml_binding_progress progress = {};
  const aml_tile datum = Datum(kPage);
  Tiles tiling({Bytes(0, kPage)});
  const auto refused = [](int err, const char *sentence) {
    EXPECT_EQ(-AML_EINVAL, err);
    EXPECT_STREQ(sentence, aml_error_detail());
  };
  refused(Rebalance(1, 0, nullptr), "aml_binding_rebalance: progress is null");
  refused(aml_binding_rebalance(nullptr, area_.get(), kPointer, 1, 0, &progress),
          "aml_binding_rebalance: binding is null");
  refused(aml_binding_rebalance(odd_.get(), nullptr, kPointer, 1, 0, &progress),
          "aml_binding_rebalance: area is null");
  refused(Rebalance(0, 0, &progress), "aml_binding_rebalance: size is 0");
  refused(aml_binding_rebalance_tiled(odd_.get(), tiling.get(), &datum, 0, nullptr),
          "aml_binding_rebalance_tiled: progress is null");
  refused(aml_binding_rebalance_tiled(odd_.get(), nullptr, &datum, 0, &progress),
          "aml_binding_rebalance_tiled: tiling is null");
  EXPECT_EQ(0u, progress.total_size);
  ASSERT_EQ(0, Rebalance(2, 0, &progress));
  refused(Rebalance(3, 0, &progress), "aml_binding_rebalance: progress is that of another range");
  progress.done_size = 1;
  refused(Rebalance(2, 0, &progress), "aml_binding_rebalance: progress is that of another range");
}

TEST_F(CoreBindingRebalance, SharedPagesAreReportedWithWhatTheMajorityCosts) {
  // Page 0 is shared by one device's tiles only, page 1 by three, page 2 by none.
  Tiles tiling({Bytes(0, 1000), Bytes(1000, kPage - 1000), Bytes(kPage, 2000),
                Bytes(kPage + 2000, 1000), Bytes(kPage + 3000, 96), Bytes(2 * kPage, kPage)});
  const std::vector<int> devices = {3, 3, 3, 4, 5, 4};
  Function binding([&](size_t index, size_t) { return devices.at(index); });
  const aml_tile datum = Datum(3 * kPage);
  static aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify_tiled(binding.get(), tiling.get(), &datum, &report));
  EXPECT_EQ(kPage, report.shared_size);
  EXPECT_EQ(1096u, report.outvoted_size);
  ASSERT_EQ(0, aml_binding_verify(binding.get(), area_.get(), kPointer, 3 * kPage, &report));
  EXPECT_EQ(0u, report.shared_size);
  EXPECT_EQ(0u, report.outvoted_size);
}

TEST_F(CoreBindingRebalance, TilesWithoutElementsArePassedOver) {
  Tiles tiling({Bytes(0, kPage), Bytes(0, 0), Bytes(kPage, kPage)});
  Function binding([](size_t index, size_t) { return static_cast<int>(index); });
  const aml_tile datum = Datum(2 * kPage);
  ASSERT_EQ(0, aml_binding_apply_tiled(binding.get(), tiling.get(), &datum, nullptr))
      << aml_error_detail();
  area_.Touch(kStart, 2 * kPage);
  EXPECT_EQ((V{0, 2}), DevicesOf(2));
  Tiles empty({Bytes(0, 0)});
  EXPECT_EQ(-AML_EINVAL, aml_binding_apply_tiled(binding.get(), empty.get(), &datum, nullptr));
  EXPECT_STREQ("aml_binding_apply_tiled: tiling has no tiles with elements", aml_error_detail());
}

// Weights 2 to 1, as the kernel would go round them.
TEST_F(CoreBindingRebalance, APolicyThatTheKernelLacksIsBoundRunByRun) {
  aml_nodeset set = aml_nodeset_of(0);
  ASSERT_TRUE(aml_nodeset_add(&set, 1));
  Function binding([](size_t index, size_t) { return index % 3 < 2 ? 0 : 1; });
  binding.BecomePolicy(set, AML_POLICY_WEIGHTED_INTERLEAVE);
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 6 * kPage, nullptr));
  ASSERT_EQ(1u, area_.binds.size());
  EXPECT_EQ(AML_POLICY_WEIGHTED_INTERLEAVE, area_.binds[0].policy);
  area_.binds.clear();
  area_.lacks_weights = true;
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 6 * kPage, nullptr))
      << aml_error_detail();
  area_.Touch(kStart, 6 * kPage);
  // The first page's number by address is 256, which leaves 1.
  EXPECT_EQ((V{0, 1, 0, 0, 1, 0}), DevicesOf(6));
}

// The kernel would number them by their place in a file.
TEST_F(CoreBindingRebalance, APolicyIsBoundRunByRunToPagesOfPools) {
  aml_nodeset set = aml_nodeset_of(0);
  ASSERT_TRUE(aml_nodeset_add(&set, 1));
  Function binding([](size_t index, size_t) { return static_cast<int>(index % 2); });
  binding.BecomePolicy(set);
  area_.granted = AML_AREA_GRANT_HUGE_POOL;
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 3 * kPage, nullptr));
  ASSERT_EQ(3u, area_.binds.size());
  for (const auto &bind : area_.binds)
    EXPECT_EQ(AML_POLICY_BIND, bind.policy);
  area_.Touch(kStart, 3 * kPage);
  EXPECT_EQ((V{0, 1, 0}), DevicesOf(3));
  area_.binds.clear();
  binding.BecomePolicy(aml_nodeset_of(0)); // all pages alike
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 3 * kPage, nullptr));
  EXPECT_EQ(1u, area_.binds.size());
}

// How many of the process's mappings a range takes part in.
size_t CountMappings(const char *start, size_t size) {
  const auto first = reinterpret_cast<uintptr_t>(start);
  std::ifstream maps("/proc/self/maps");
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) {
    size_t dash = 0;
    const uintptr_t from = std::stoull(line, &dash, 16);
    const uintptr_t to = std::stoull(line.substr(dash + 1), nullptr, 16);
    count += from < first + size && to > first ? 1 : 0;
  }
  return count;
}

// Real memory: in bulk pages are made present, keep their contents, and split nothing.
TEST(CoreBindingBulk, AbsentPagesAreMadePresentAndNoMappingIsSplit) {
  const size_t pages = 5000;
  AML_AREA_LINUX_DECL(area);
  aml_area_linux_options options = {};
  options.huge_pages = AML_AREA_LINUX_HUGE_NONE;
  ASSERT_EQ(0, aml_area_linux_init(area, &options));
  auto *const memory = static_cast<char *>(aml_area_map(area, pages * kPage, nullptr));
  ASSERT_NE(nullptr, memory) << aml_error_detail();
  std::memset(memory + 10 * kPage, 7, 100 * kPage);
  // Every other page is free to be anywhere, so that there are 5000 runs.
  Function binding([](size_t index, size_t) { return index % 2 == 0 ? 0 : kAbsent; });
  ASSERT_EQ(1u, CountMappings(memory, pages * kPage));
  const int err = aml_binding_apply(binding.get(), area, memory, pages * kPage, nullptr);
  if (err == -AML_EPERM || err == -AML_ENOTSUP)
    GTEST_SKIP() << "pages cannot be moved here: " << aml_error_detail();
  ASSERT_EQ(0, err) << aml_error_detail();
  EXPECT_EQ(1u, CountMappings(memory, pages * kPage));
  static aml_binding_report report;
  Function all([](size_t, size_t) { return 0; });
  ASSERT_EQ(0, aml_binding_verify(all.get(), area, memory, pages * kPage, &report));
  EXPECT_EQ(2450 * kPage, report.absent_size) << "of the odd pages, those not written before";
  EXPECT_EQ(7, memory[10 * kPage]);
  EXPECT_EQ(7, memory[109 * kPage]);
  EXPECT_EQ(0, memory[110 * kPage]);
  EXPECT_EQ(0, aml_area_unmap(area, memory, pages * kPage));
  aml_area_fini(area);
}

} // namespace
