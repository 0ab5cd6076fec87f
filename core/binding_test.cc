// SPDX-License-Identifier: BSD-3-Clause
//
// Applying and verifying, on an area of several devices that exists in tests only.

#include "aml/core/binding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/support/device_area.h"

namespace {

constexpr size_t kPage = DeviceArea::kPage;
constexpr int kAbsent = -AML_ENOENT;

// A binding by function.
class Function {
public:
  using Device = std::function<int(size_t index, size_t count)>;

  explicit Function(Device device) : device_(std::move(device)) {
    block_.binding.ops = &ops_;
    block_.self = this;
    ops_.name = "function";
    ops_.fini = [](aml_binding *binding) { ++Self(binding)->finis; };
    ops_.device_of = [](const aml_binding *binding, size_t index, size_t count) {
      EXPECT_LT(index, count);
      return Self(binding)->device_(index, count);
    };
    ops_.devices = [](const aml_binding *, aml_nodeset *set) { *set = aml_nodeset_of(1); };
  }
  Function(const Function &) = delete;
  ~Function() = default;

  aml_binding *get() { return &block_.binding; }

  /** It now is the kernel's interleaving over a set. */
  void BecomePolicy(const aml_nodeset &set) {
    policy_ = set;
    ops_.policy = [](const aml_binding *binding, aml_policy *policy, aml_nodeset *devices) {
      *policy = AML_POLICY_INTERLEAVE;
      *devices = Self(binding)->policy_;
      return 0;
    };
  }

  void TellRuns(size_t (*run)(const aml_binding *, size_t, size_t)) { ops_.run = run; }

  int finis = 0;

private:
  struct Block {
    aml_binding binding;
    Function *self;
  };
  static Function *Self(const aml_binding *binding) {
    return reinterpret_cast<const Block *>(binding)->self;
  }

  Device device_;
  aml_nodeset policy_{};
  aml_binding_ops ops_{};
  Block block_{};
};

// A tiling whose tiles are listed.
class Tiles {
public:
  explicit Tiles(std::vector<aml_tile> tiles) : tiles_(std::move(tiles)) {
    block_.tiling.ops = &kOps;
    block_.self = this;
  }
  Tiles(const Tiles &) = delete;
  ~Tiles() = default;
  const aml_tiling *get() const { return &block_.tiling; }

  size_t refuses = SIZE_MAX; // the id of a tile that it refuses to cut

private:
  struct Block {
    aml_tiling tiling;
    const Tiles *self;
  };
  static const Tiles *Self(const aml_tiling *tiling) {
    return reinterpret_cast<const Block *>(tiling)->self;
  }

  static aml_tiling_ops MakeOps() {
    aml_tiling_ops ops = {};
    ops.name = "listed";
    ops.count = [](const aml_tiling *tiling) { return Self(tiling)->tiles_.size(); };
    ops.tile = [](const aml_tiling *tiling, const aml_tile *, size_t id, aml_tile *tile) {
      if (id == Self(tiling)->refuses)
        return aml_error_set(-AML_EINVAL, "aml_tiling_tile", "datum", "is refused");
      *tile = Self(tiling)->tiles_[id];
      return 0;
    };
    return ops;
  }

  static inline const aml_tiling_ops kOps = MakeOps();

  std::vector<aml_tile> tiles_;
  Block block_{};
};

constexpr uintptr_t kStart = 0x100000; // page 256
void *const kPointer = reinterpret_cast<void *>(kStart);

void *At(size_t offset) {
  return reinterpret_cast<void *>(kStart + offset);
}

aml_tile Bytes(size_t offset, size_t size) {
  return aml_tile_bytes(At(offset), size);
}

class CoreBinding : public ::testing::Test {
protected:
  aml_tile Datum(size_t size) {
    aml_tile datum = Bytes(0, size);
    datum.area = area_.get();
    return datum;
  }

  std::vector<int> DevicesOf(size_t pages) const {
    std::vector<int> devices;
    for (size_t i = 0; i < pages; ++i)
      devices.push_back(area_.DeviceAt(kStart + i * kPage));
    return devices;
  }

  // Binds tiles to the devices of the same index, touches `pages` pages, tells where they are.
  std::vector<int> PlaceTiles(std::vector<aml_tile> tiles, const std::vector<int> &devices,
                              size_t pages) {
    Function binding([&](size_t index, size_t) { return devices.at(index); });
    Tiles tiling(std::move(tiles));
    const aml_tile datum = Datum(pages * kPage);
    EXPECT_EQ(0, aml_binding_apply_tiled(binding.get(), tiling.get(), &datum, nullptr))
        << aml_error_detail();
    area_.Touch(kStart, pages * kPage);
    aml_binding_report report;
    EXPECT_EQ(0, aml_binding_verify_tiled(binding.get(), tiling.get(), &datum, &report));
    EXPECT_EQ(0u, report.wrong_size);
    EXPECT_EQ(nullptr, report.first_wrong);
    return DevicesOf(pages);
  }

  DeviceArea area_;
};

using V = std::vector<int>;

TEST_F(CoreBinding, AsksTheTypeForADevice) {
  Function binding([](size_t index, size_t count) { return static_cast<int>(index * 10 + count); });
  EXPECT_EQ(23, aml_binding_device_of(binding.get(), 2, 3));
  EXPECT_EQ(-AML_EINVAL, aml_binding_device_of(binding.get(), 3, 3));
  EXPECT_STREQ("aml_binding_device_of: index 3 is not below count", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_binding_device_of(binding.get(), 0, 0));
  EXPECT_EQ(-AML_EINVAL, aml_binding_device_of(nullptr, 0, 1));
}

TEST_F(CoreBinding, TellsDevicesAndPolicy) {
  Function binding([](size_t, size_t) { return 1; });
  aml_nodeset devices = {};
  EXPECT_EQ(0, aml_binding_devices(binding.get(), &devices));
  EXPECT_TRUE(aml_nodeset_has(&devices, 1));
  EXPECT_EQ(-AML_EINVAL, aml_binding_devices(nullptr, &devices));
  EXPECT_EQ(-AML_EINVAL, aml_binding_devices(binding.get(), nullptr));

  aml_policy policy = AML_POLICY_DEFAULT;
  EXPECT_EQ(-AML_ENOTSUP, aml_binding_policy(binding.get(), &policy, &devices));
  EXPECT_EQ(AML_POLICY_DEFAULT, policy);
  binding.BecomePolicy(aml_nodeset_of(7));
  EXPECT_EQ(0, aml_binding_policy(binding.get(), &policy, &devices));
  EXPECT_EQ(AML_POLICY_INTERLEAVE, policy);
  EXPECT_EQ(7, aml_nodeset_last(&devices));
  EXPECT_EQ(-AML_EINVAL, aml_binding_policy(nullptr, &policy, &devices));
  EXPECT_EQ(-AML_EINVAL, aml_binding_policy(binding.get(), nullptr, &devices));
  EXPECT_EQ(-AML_EINVAL, aml_binding_policy(binding.get(), &policy, nullptr));
}

TEST_F(CoreBinding, FiniAndDestroyTakeNull) {
  aml_binding_fini(nullptr);
  aml_binding_destroy(nullptr);
  aml_binding *none = nullptr;
  aml_binding_destroy(&none);
  Function binding([](size_t, size_t) { return 0; });
  aml_binding_fini(binding.get());
  EXPECT_EQ(1, binding.finis);
}

// By pages

TEST_F(CoreBinding, PagesAreNumberedFromTheFirstOneOfTheRange) {
  Function binding([](size_t index, size_t count) {
    EXPECT_EQ(4u, count);
    return static_cast<int>(index);
  });
  // From within the first page into the fourth.
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), At(100), 3 * kPage, nullptr));
  area_.Touch(kStart, 5 * kPage);
  EXPECT_EQ((V{0, 1, 2, 3, 0}), DevicesOf(5));
  ASSERT_EQ(4u, area_.binds.size());
  EXPECT_EQ(kStart, area_.binds[0].start);
  EXPECT_EQ(AML_POLICY_BIND, area_.binds[0].policy);
}

TEST_F(CoreBinding, RunsOfOneDeviceAreOneBind) {
  Function binding([](size_t index, size_t) { return index < 700 ? 1 : 3; });
  const aml_binding_apply_options options = {AML_AREA_BIND_MOVE, 0};
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 1000 * kPage, &options));
  ASSERT_EQ(2u, area_.binds.size());
  EXPECT_EQ(700 * kPage, area_.binds[0].size);
  EXPECT_EQ(kStart + 700 * kPage, area_.binds[1].start);
  EXPECT_EQ(300 * kPage, area_.binds[1].size);
  EXPECT_EQ(unsigned{AML_AREA_BIND_MOVE}, area_.binds[1].flags);
}

TEST_F(CoreBinding, RunsThatTheTypeTellsAreMergedToo) {
  int asked = 0;
  Function binding([&](size_t, size_t) { return ++asked, 2; });
  binding.TellRuns([](const aml_binding *, size_t, size_t) { return size_t{100}; });
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 1050 * kPage, nullptr));
  ASSERT_EQ(1u, area_.binds.size());
  EXPECT_EQ(1050 * kPage, area_.binds[0].size);
  EXPECT_LE(asked, 2 * 11);
}

TEST_F(CoreBinding, ARunOfNothingIsTakenForOnePage) {
  Function binding([](size_t index, size_t) { return static_cast<int>(index); });
  binding.TellRuns([](const aml_binding *, size_t, size_t) { return size_t{0}; });
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 3 * kPage, nullptr));
  EXPECT_EQ(3u, area_.binds.size());
}

TEST_F(CoreBinding, PagesThatTheBindingLeavesAloneAreNotBound) {
  Function binding([](size_t index, size_t) { return index == 1 ? kAbsent : 2; });
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 3 * kPage, nullptr));
  area_.home = 5;
  area_.Touch(kStart, 3 * kPage);
  EXPECT_EQ((V{2, 5, 2}), DevicesOf(3));
  aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify(binding.get(), area_.get(), kPointer, 3 * kPage, &report));
  EXPECT_EQ(3 * kPage, report.right_size);
}

TEST_F(CoreBinding, AKernelPolicyIsOneBindAndNumbersPagesByAddress) {
  aml_nodeset set = aml_nodeset_of(1);
  ASSERT_TRUE(aml_nodeset_add(&set, 4));
  ASSERT_TRUE(aml_nodeset_add(&set, 6));
  const std::array<int, 3> nodes = {1, 4, 6};
  Function binding([&](size_t index, size_t) { return nodes.at(index % 3); });
  binding.BecomePolicy(set);
  // 256 is 1 modulo 3: the rotation does not start at this mapping's first page.
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 3000 * kPage, nullptr));
  ASSERT_EQ(1u, area_.binds.size());
  EXPECT_EQ(AML_POLICY_INTERLEAVE, area_.binds[0].policy);
  EXPECT_TRUE(aml_nodeset_is_equal(&set, &area_.binds[0].devices));
  area_.Touch(kStart, 3000 * kPage);
  EXPECT_EQ((V{4, 6, 1, 4}), DevicesOf(4));
  aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify(binding.get(), area_.get(), kPointer, 3000 * kPage, &report));
  EXPECT_EQ(3000 * kPage, report.right_size);
  EXPECT_EQ(1000 * kPage, report.device_size[6]);
  // A part of the range, from anywhere in it, is right too.
  ASSERT_EQ(0, aml_binding_verify(binding.get(), area_.get(), At(7 * kPage), 5 * kPage, &report));
  EXPECT_EQ(5 * kPage, report.right_size);
}

TEST_F(CoreBinding, AKernelPolicyMovesAndChecksPageByPageWhenAsked) {
  // To the kernel a page is right on any device of the policy; to us it is not.
  const auto interleave = [](size_t index, size_t) { return static_cast<int>(index % 2); };
  Function binding(interleave);
  aml_nodeset set = aml_nodeset_of(0);
  ASSERT_TRUE(aml_nodeset_add(&set, 1));
  binding.BecomePolicy(set);
  area_.Touch(kStart, 3 * kPage);
  aml_binding_apply_options options = {0, 0};
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  EXPECT_EQ((V{0, 0, 0, kAbsent}), DevicesOf(4));
  EXPECT_TRUE(area_.locates.empty());

  options.flags = AML_AREA_BIND_STRICT;
  EXPECT_EQ(-AML_EIO, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  EXPECT_TRUE(area_.moves.empty());

  options.flags |= AML_AREA_BIND_MOVE;
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  EXPECT_EQ((V{0, 1, 0, kAbsent}), DevicesOf(4));
  EXPECT_EQ((std::vector<size_t>{1}), area_.moves);

  area_.place[kStart / kPage + 1] = 0;
  area_.answers[kStart / kPage + 1] = 0; // will not move
  EXPECT_EQ(-AML_EIO, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  options.flags = AML_AREA_BIND_MOVE;
  EXPECT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  area_.fail_locate_at = static_cast<int>(area_.locates.size());
  EXPECT_EQ(-AML_EPERM,
            aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  area_.fail_locate_at = -1;
  area_.fail_move_at = static_cast<int>(area_.moves.size());
  EXPECT_EQ(-AML_EPERM,
            aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
}

TEST_F(CoreBinding, APolicyOfOneDeviceIsLeftToTheKernel) {
  Function binding([](size_t, size_t) { return 3; });
  binding.BecomePolicy(aml_nodeset_of(3));
  const aml_binding_apply_options options = {AML_AREA_BIND_MOVE, 0};
  area_.Touch(kStart, 4 * kPage);
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  ASSERT_EQ(1u, area_.binds.size());
  EXPECT_EQ(unsigned{AML_AREA_BIND_MOVE}, area_.binds[0].flags);
  EXPECT_TRUE(area_.locates.empty());
  EXPECT_TRUE(area_.moves.empty());
}

TEST_F(CoreBinding, TooManyRunsMoveInBulkWhatIsPresent) {
  Function binding([](size_t index, size_t) { return static_cast<int>(index % 2); });
  area_.Touch(kStart, 1001 * kPage);
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 1001 * kPage, nullptr));
  EXPECT_TRUE(area_.binds.empty());
  EXPECT_EQ((std::vector<size_t>{512, 489}), area_.moves);
  aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify(binding.get(), area_.get(), kPointer, 1001 * kPage, &report));
  EXPECT_EQ(1001 * kPage, report.right_size);
  EXPECT_EQ(500 * kPage, report.device_size[1]);
  // As many as are allowed are bound.
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 1000 * kPage, nullptr));
  EXPECT_EQ(1000u, area_.binds.size());
}

TEST_F(CoreBinding, TheUserSaysHowManyMappingsAreTooMany) {
  Function binding([](size_t index, size_t) { return static_cast<int>(index % 2); });
  area_.Touch(kStart, 4 * kPage);
  aml_binding_apply_options options = {0, 3};
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  EXPECT_TRUE(area_.binds.empty());
  options.max_mappings = 4;
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &options));
  EXPECT_EQ(4u, area_.binds.size());
}

TEST_F(CoreBinding, TooManyRunsOfAbsentPagesAreRefused) {
  Function binding([](size_t index, size_t) { return static_cast<int>(index % 2); });
  area_.Touch(kStart, kPage);
  const aml_binding_apply_options options = {0, 2};
  EXPECT_EQ(-AML_EOVERFLOW,
            aml_binding_apply(binding.get(), area_.get(), kPointer, 3 * kPage, &options));
  EXPECT_STREQ("aml_binding_apply: binding needs more mappings than max_mappings, and a page is "
               "not present",
               aml_error_detail());
}

TEST_F(CoreBinding, BulkMovesLeaveAloneWhatTheBindingDoes) {
  Function binding([](size_t index, size_t) { return index % 2 == 0 ? kAbsent : 3; });
  area_.Touch(kStart, 5 * kPage);
  const aml_binding_apply_options options = {0, 1};
  ASSERT_EQ(0, aml_binding_apply(binding.get(), area_.get(), kPointer, 5 * kPage, &options));
  EXPECT_EQ((V{0, 3, 0, 3, 0}), DevicesOf(5));
}

TEST_F(CoreBinding, VerifyTellsRightWrongAndAbsent) {
  Function binding([](size_t index, size_t) { return index < 600 ? 1 : 2; });
  area_.home = 1;
  area_.Touch(kStart, 700 * kPage);
  aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify(binding.get(), area_.get(), kPointer, 1000 * kPage, &report));
  EXPECT_EQ(600 * kPage, report.right_size);
  EXPECT_EQ(100 * kPage, report.wrong_size);
  EXPECT_EQ(300 * kPage, report.absent_size);
  EXPECT_EQ(700 * kPage, report.device_size[1]);
  EXPECT_EQ(0u, report.device_size[2]);
  EXPECT_EQ(At(600 * kPage), report.first_wrong);
  EXPECT_EQ((std::vector<size_t>{512, 488}), area_.locates);
}

// By tiles

TEST_F(CoreBinding, SixteenTilesOfAPageOverTwoDevicesAreEightAndEight) {
  Function binding([](size_t index, size_t count) {
    EXPECT_EQ(16u, count);
    return static_cast<int>(index % 2);
  });
  std::vector<aml_tile> tiles;
  for (size_t i = 0; i < 16; ++i)
    tiles.push_back(Bytes(i * kPage, kPage));
  Tiles tiling(tiles);
  const aml_tile datum = Datum(16 * kPage);
  ASSERT_EQ(0, aml_binding_apply_tiled(binding.get(), tiling.get(), &datum, nullptr));
  area_.Touch(kStart, 16 * kPage);
  aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify_tiled(binding.get(), tiling.get(), &datum, &report));
  EXPECT_EQ(16 * kPage, report.right_size);
  EXPECT_EQ(8 * kPage, report.device_size[0]);
  EXPECT_EQ(8 * kPage, report.device_size[1]);
}

TEST_F(CoreBinding, TilesAreNotNumberedByAddressThoughPagesAre) {
  Function binding([](size_t index, size_t) { return static_cast<int>(index % 3); });
  aml_nodeset set = aml_nodeset_of(0);
  ASSERT_TRUE(aml_nodeset_add(&set, 1));
  ASSERT_TRUE(aml_nodeset_add(&set, 2));
  binding.BecomePolicy(set);
  Tiles tiling({Bytes(0, kPage), Bytes(kPage, kPage), Bytes(2 * kPage, kPage)});
  const aml_tile datum = Datum(3 * kPage);
  ASSERT_EQ(0, aml_binding_apply_tiled(binding.get(), tiling.get(), &datum, nullptr));
  area_.Touch(kStart, 3 * kPage);
  EXPECT_EQ((V{0, 1, 2}), DevicesOf(3));
}

TEST_F(CoreBinding, ASharedPageGoesToTheMostBytesThenToTheSmallerNumber) {
  EXPECT_EQ((V{2, 1, 1}),
            PlaceTiles({Bytes(0, kPage + 2000), Bytes(kPage + 2000, 2 * kPage - 2000)}, {2, 1}, 3));
  area_.place.clear();
  EXPECT_EQ((V{1, 1}), PlaceTiles({Bytes(0, kPage / 2), Bytes(kPage / 2, kPage / 2),
                                   Bytes(kPage, kPage / 2), Bytes(kPage + kPage / 2, kPage / 2)},
                                  {2, 1, 1, 2}, 2));
  area_.place.clear();
  // Two pieces of one device outweigh a larger one of another.
  EXPECT_EQ((V{9}),
            PlaceTiles({Bytes(0, 1200), Bytes(1200, 1600), Bytes(2800, 1296)}, {9, 3, 9}, 1));
}

TEST_F(CoreBinding, AStridedTileIsPlacedRunByRun) {
  // A matrix of 8 rows of one page, cut into two columns of which the first is wider.
  const aml_tile datum = Datum(8 * kPage);
  aml_tile matrix = datum;
  matrix.element_size = 8;
  matrix.ndims = 2;
  matrix.extent[0] = 8;
  matrix.extent[1] = 512;
  matrix.stride_bytes[0] = kPage;
  matrix.stride_bytes[1] = 8;
  aml_tile left = matrix;
  left.extent[1] = 300;
  aml_tile right = matrix;
  right.extent[1] = 212;
  right.base = At(size_t{300} * 8);
  EXPECT_EQ((V{4, 4, 4, 4, 4, 4, 4, 4}), PlaceTiles({left, right}, {4, 1}, 8));
  EXPECT_EQ(1u, area_.binds.size());
}

TEST_F(CoreBinding, TheLayoutOfATileDoesNotMatterItsBytesDo) {
  // 4 pages as an 8 x 256 array of doubles, seen transposed and backwards, and then repeated.
  aml_tile tile = Bytes(0, 1);
  tile.element_size = 8;
  tile.ndims = 3;
  tile.base = At(4 * kPage - 8);
  tile.extent[0] = 256;
  tile.stride_bytes[0] = -8;
  tile.extent[1] = 7;
  tile.stride_bytes[1] = 0;
  tile.extent[2] = 8;
  tile.stride_bytes[2] = -256 * 8;
  EXPECT_EQ((V{0, 3, 3, 3, 3, 0}), [&] {
    aml_tile shifted = tile;
    shifted.base = At(5 * kPage - 8);
    return PlaceTiles({shifted, Bytes(0, 100)}, {3, 0}, 6);
  }());
  // Bytes that are seen seven times count once: 2048 against 2048 is a tie.
  area_.place.clear();
  tile.base = At(2040);
  tile.extent[2] = 1;
  EXPECT_EQ((V{1}), PlaceTiles({tile, Bytes(2048, 2048)}, {2, 1}, 1));
}

TEST_F(CoreBinding, AColumnOfSingleElementsIsCountedByItsBytes) {
  // Every other double to device 1, every fourth to 2, every fourth to 3; then by thirds.
  const auto every = [](size_t offset, size_t step, size_t count) {
    aml_tile tile = Bytes(offset, 1);
    tile.element_size = 8;
    tile.extent[0] = count;
    tile.stride_bytes[0] = static_cast<ptrdiff_t>(step);
    return tile;
  };
  EXPECT_EQ((V{5, 5}),
            PlaceTiles({every(0, 16, 512), every(8, 32, 256), every(24, 32, 256)}, {5, 2, 3}, 2));
}

TEST_F(CoreBinding, OverlappingTilesEachCount) {
  // The page is three times someone's as a whole: twice device 6's, once device 2's.
  EXPECT_EQ((V{6}), PlaceTiles({Bytes(0, kPage), Bytes(0, kPage), Bytes(0, kPage)}, {6, 2, 6}, 1));
  area_.place.clear();
  EXPECT_EQ((V{2}), PlaceTiles({Bytes(0, kPage), Bytes(0, kPage)}, {6, 2}, 1));
}

TEST_F(CoreBinding, PagesInNoTileStayAndAreNotReported) {
  area_.home = 7;
  EXPECT_EQ((V{1, 7, 7, 1, 7}), PlaceTiles({Bytes(0, kPage), Bytes(3 * kPage, 10)}, {1, 1}, 5));
  Function binding([](size_t, size_t) { return 1; });
  Tiles tiling({Bytes(0, kPage), Bytes(3 * kPage, 10)});
  const aml_tile datum = Datum(5 * kPage);
  aml_binding_report report;
  ASSERT_EQ(0, aml_binding_verify_tiled(binding.get(), tiling.get(), &datum, &report));
  EXPECT_EQ(2 * kPage, report.right_size);
  EXPECT_EQ(0u, report.device_size[7]);
}

TEST_F(CoreBinding, TilesThatTheBindingLeavesAloneHaveNoSay) {
  area_.home = 7;
  EXPECT_EQ((V{2, 7}), PlaceTiles({Bytes(0, 4000), Bytes(4000, 96), Bytes(kPage, kPage)},
                                  {kAbsent, 2, kAbsent}, 2));
}

TEST_F(CoreBinding, TilesOutsideTheDatumsOwnSpanArePlacedToo) {
  // As those of a tiling that pads.
  EXPECT_EQ((V{0, 3}), PlaceTiles({Bytes(kPage, 2 * kPage)}, {3}, 2));
  EXPECT_EQ(3 * kPage, area_.binds[0].start + area_.binds[0].size - kStart);
}

TEST_F(CoreBinding, ManyTilesThatSharePagesAreSettled) {
  std::vector<aml_tile> tiles;
  std::vector<int> devices;
  for (size_t i = 0; i < 3000; ++i) {
    tiles.push_back(Bytes(i * 100, 100));
    devices.push_back(static_cast<int>(i % 41));
  }
  const size_t pages = (3000 * 100 + kPage - 1) / kPage;
  const V placed = PlaceTiles(tiles, devices, pages);
  for (size_t page = 0; page < pages; ++page) {
    std::map<int, size_t> bytes;
    for (size_t byte = page * kPage; byte < (page + 1) * kPage && byte < 300000; ++byte)
      ++bytes[devices[byte / 100]];
    const auto most =
        std::max_element(bytes.begin(), bytes.end(),
                         [](const auto &a, const auto &b) { return a.second < b.second; });
    EXPECT_EQ(most->first, placed[page]) << page;
  }
}

// Failure

TEST_F(CoreBinding, RefusesWhatIsNoRange) {
  Function binding([](size_t, size_t) { return 0; });
  aml_binding_report report;
  const auto apply = [&](aml_binding *b, aml_area *a, void *pointer, size_t size) {
    const int err = aml_binding_apply(b, a, pointer, size, nullptr);
    EXPECT_EQ(err, aml_binding_verify(b, a, pointer, size, &report));
    return err;
  };
  EXPECT_EQ(-AML_EINVAL, apply(nullptr, area_.get(), kPointer, 1));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), nullptr, kPointer, 1));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), area_.get(), nullptr, 1));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), area_.get(), kPointer, 0));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), area_.get(), kPointer, SIZE_MAX));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), area_.get(), kPointer, SIZE_MAX - kStart));
  EXPECT_EQ(-AML_EINVAL, aml_binding_verify(binding.get(), area_.get(), kPointer, 1, nullptr));
  const aml_binding_apply_options options = {1u << 9, 0};
  EXPECT_EQ(-AML_EINVAL, aml_binding_apply(binding.get(), area_.get(), kPointer, 1, &options));
  EXPECT_STREQ("aml_binding_apply: flags has an unknown bit", aml_error_detail());
  EXPECT_TRUE(area_.binds.empty());
}

TEST_F(CoreBinding, RefusesWhatIsNoDatum) {
  Function binding([](size_t, size_t) { return 0; });
  Tiles tiling({Bytes(0, kPage)});
  Tiles empty({});
  const aml_tile datum = Datum(kPage);
  const aml_tile of_no_area = Bytes(0, kPage);
  aml_tile invalid = datum;
  invalid.extent[0] = 0;
  aml_binding_report report;
  const auto apply = [&](aml_binding *b, const aml_tiling *t, const aml_tile *d) {
    const int err = aml_binding_apply_tiled(b, t, d, nullptr);
    EXPECT_EQ(err, aml_binding_verify_tiled(b, t, d, &report));
    return err;
  };
  EXPECT_EQ(-AML_EINVAL, apply(nullptr, tiling.get(), &datum));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), nullptr, &datum));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), empty.get(), &datum));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), tiling.get(), nullptr));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), tiling.get(), &of_no_area));
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), tiling.get(), &invalid));
  EXPECT_EQ(-AML_EINVAL, aml_binding_verify_tiled(binding.get(), tiling.get(), &datum, nullptr));
  tiling.refuses = 0;
  EXPECT_EQ(-AML_EINVAL, apply(binding.get(), tiling.get(), &datum));
  EXPECT_STREQ("aml_tiling_tile: datum is refused", aml_error_detail());
}

TEST_F(CoreBinding, WhatTheBindingFailsWithIsReported) {
  for (const int answer : {-AML_EIO, AML_NODESET_CAPACITY}) {
    Function binding([&](size_t index, size_t) { return index == 2 ? answer : 0; });
    Tiles tiling({Bytes(0, kPage), Bytes(kPage, kPage), Bytes(2 * kPage, kPage)});
    const aml_tile datum = Datum(3 * kPage);
    const int code = answer < 0 ? answer : -AML_EINVAL;
    aml_binding_report report;
    report.right_size = 77;
    EXPECT_EQ(code, aml_binding_apply(binding.get(), area_.get(), kPointer, 3 * kPage, nullptr));
    EXPECT_EQ(code, aml_error_code());
    EXPECT_EQ(code, aml_binding_verify(binding.get(), area_.get(), kPointer, 3 * kPage, &report));
    EXPECT_EQ(code, aml_binding_apply_tiled(binding.get(), tiling.get(), &datum, nullptr));
    EXPECT_EQ(code, aml_binding_verify_tiled(binding.get(), tiling.get(), &datum, &report));
    EXPECT_EQ(77u, report.right_size);
    EXPECT_TRUE(area_.binds.empty());
  }
}

TEST_F(CoreBinding, WhatTheAreaFailsWithIsReported) {
  Function binding([](size_t index, size_t) { return static_cast<int>(index % 2); });
  const aml_binding_apply_options few = {0, 1};
  aml_binding_report report;
  report.right_size = 77;
  area_.fail_info = -AML_EINVAL;
  EXPECT_EQ(-AML_EINVAL, aml_binding_apply(binding.get(), area_.get(), kPointer, kPage, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_binding_verify(binding.get(), area_.get(), kPointer, kPage, &report));
  area_.fail_info = 0;
  area_.fail_bind_at = 2;
  EXPECT_EQ(-AML_EPERM,
            aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, nullptr));
  EXPECT_EQ(2u, area_.binds.size());
  area_.Touch(kStart, 1025 * kPage);
  area_.fail_move_at = 1;
  EXPECT_EQ(-AML_EPERM,
            aml_binding_apply(binding.get(), area_.get(), kPointer, 1025 * kPage, &few));
  EXPECT_EQ(1u, area_.moves.size());
  area_.fail_locate_at = 2;
  EXPECT_EQ(-AML_EPERM,
            aml_binding_verify(binding.get(), area_.get(), kPointer, 1025 * kPage, &report));
  EXPECT_STREQ("aml_area_locate: is forbidden", aml_error_detail());
  EXPECT_EQ(2u, area_.locates.size());
  EXPECT_EQ(77u, report.right_size);
}

TEST_F(CoreBinding, WhatIsAnsweredOfASinglePageIsReported) {
  Function binding([](size_t index, size_t) { return static_cast<int>(index % 2); });
  const aml_binding_apply_options few = {0, 1};
  aml_binding_report report;
  area_.Touch(kStart, 4 * kPage);
  area_.answers[kStart / kPage + 3] = -AML_ENOMEM;
  EXPECT_EQ(-AML_ENOMEM, aml_binding_apply(binding.get(), area_.get(), kPointer, 4 * kPage, &few));
  EXPECT_STREQ("aml_binding_apply: a page cannot be moved", aml_error_detail());
  EXPECT_EQ(-AML_ENOMEM,
            aml_binding_verify(binding.get(), area_.get(), kPointer, 4 * kPage, &report));
}

} // namespace
