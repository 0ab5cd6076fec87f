// SPDX-License-Identifier: BSD-3-Clause
//
// What the tests of core/binding.h share: a binding by function, a tiling whose tiles are listed,
// and an area of several devices that exists in tests only.

#ifndef AML_CORE_BINDING_TESTING_H
#define AML_CORE_BINDING_TESTING_H

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/core/tile.h"
#include "aml/core/tiling.h"
#include "aml/tests/support/device_area.h"

namespace binding_testing {

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

  /** It now is a policy of the kernel over a set. */
  void BecomePolicy(const aml_nodeset &set, aml_policy kind = AML_POLICY_INTERLEAVE) {
    policy_ = set;
    kind_ = kind;
    ops_.policy = [](const aml_binding *binding, aml_policy *policy, aml_nodeset *devices) {
      *policy = Self(binding)->kind_;
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
  aml_policy kind_ = AML_POLICY_DEFAULT;
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
      if (Self(tiling)->tiles_[id].extent[0] == 0)
        return aml_error_set(-AML_ENOENT, "aml_tiling_tile", "id", "has no elements");
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
inline void *const kPointer = reinterpret_cast<void *>(kStart);

inline void *At(size_t offset) {
  return reinterpret_cast<void *>(kStart + offset);
}

inline aml_tile Bytes(size_t offset, size_t size) {
  return aml_tile_bytes(At(offset), size);
}

class CoreBindingFixture : public ::testing::Test {
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

} // namespace binding_testing

#endif
