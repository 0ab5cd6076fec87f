// SPDX-License-Identifier: BSD-3-Clause
//
// Random bindings, ranges, tilings, placements and options, against a model that knows each byte.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/binding.h"
#include "aml/core/binding_testing.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/tests/support/device_area.h"

namespace {

using namespace binding_testing;

constexpr int kOutside = -1000; // in no tile
constexpr size_t kMost = 24;    // pages

// Devices in runs of random length; some items may be anywhere.
std::vector<int> RandomDevices(size_t count, std::mt19937 *random) {
  std::vector<int> devices;
  while (devices.size() < count) {
    const int device = (*random)() % 6 == 0 ? kAbsent : static_cast<int>((*random)() % 4);
    devices.resize(std::min(count, devices.size() + 1 + (*random)() % 5), device);
  }
  return devices;
}

size_t CountRuns(const std::vector<int> &devices) {
  size_t runs = 1;
  for (size_t i = 1; i < devices.size(); ++i)
    runs += devices[i] != devices[i - 1] ? 1 : 0;
  return runs;
}

// A tile of up to three dimensions, with gaps, in a region of bytes.
aml_tile RandomTile(size_t size, std::mt19937 *random) {
  aml_tile tile = Bytes((*random)() % size, 1);
  tile.element_size = 1 + (*random)() % 40;
  tile.ndims = 1 + (*random)() % 3;
  auto stride = static_cast<ptrdiff_t>(tile.element_size + (*random)() % 2 * ((*random)() % 5000));
  size_t end = reinterpret_cast<uintptr_t>(tile.base) - kStart + tile.element_size;
  for (size_t d = tile.ndims; d-- > 0;) {
    const auto step = static_cast<size_t>(stride);
    const size_t most = end < size ? (size - end) / step + 1 : 1;
    tile.extent[d] = 1 + (*random)() % std::min(most, size_t{200});
    tile.stride_bytes[d] = stride;
    end += (tile.extent[d] - 1) * step;
    stride =
        stride * static_cast<ptrdiff_t>(tile.extent[d]) + static_cast<ptrdiff_t>((*random)() % 300);
  }
  return tile;
}

// What a model knows of a range: where each page belongs, and what the majority costs.
struct Model {
  std::vector<int> wanted;
  size_t shared_size = 0;
  size_t outvoted_size = 0;
};

Model ModelOf(const std::vector<aml_tile> &tiles, const std::vector<int> &devices, size_t pages) {
  std::vector<std::map<int, size_t>> votes(pages);
  for (size_t id = 0; id < tiles.size(); ++id) {
    size_t coords[AML_MAX_DIMS] = {};
    for (size_t left = aml_tile_count(&tiles[id]); left > 0; --left) {
      const size_t first =
          reinterpret_cast<uintptr_t>(aml_tile_address(&tiles[id], coords)) - kStart;
      for (size_t byte = first; byte < first + tiles[id].element_size; ++byte)
        ++votes[byte / kPage][devices[id]];
      for (size_t d = tiles[id].ndims; d-- > 0 && ++coords[d] == tiles[id].extent[d];)
        coords[d] = 0;
    }
  }
  Model model;
  for (std::map<int, size_t> &page : votes) {
    const bool is_in_tile = !page.empty();
    page.erase(kAbsent);
    int best = is_in_tile ? kAbsent : kOutside;
    size_t sum = 0;
    for (const auto &[device, size] : page) {
      sum += size;
      if (best < 0 || size > page.at(best))
        best = device;
    }
    model.wanted.push_back(best);
    if (page.size() > 1) {
      model.shared_size += kPage;
      model.outvoted_size += sum - page.at(best);
    }
  }
  return model;
}

class CoreBindingModel : public ::testing::Test {
protected:
  // Pages at random, or not present.
  void PlaceAtRandom(DeviceArea *area, size_t pages, bool all) {
    area->home = 9;
    for (size_t page = 0; page < pages; ++page)
      if (all || random_() % 2 == 0)
        area->place[kStart / kPage + page] = static_cast<int>(random_() % 5);
  }

  static std::vector<int> DevicesIn(const DeviceArea &area, size_t pages) {
    std::vector<int> devices;
    for (size_t page = 0; page < pages; ++page)
      devices.push_back(area.DeviceAt(kStart + page * kPage));
    return devices;
  }

  // Applies by `apply(options)`, and expects each page where the model says.
  template <class Apply>
  void ExpectApplied(DeviceArea *area, const std::vector<int> &wanted, Apply apply) {
    const std::vector<int> before = DevicesIn(*area, wanted.size());
    aml_binding_apply_options options = {};
    options.flags = random_() % 2 == 0 ? AML_AREA_BIND_MOVE : 0;
    options.max_mappings = random_() % 2 == 0 ? 1 + random_() % 8 : 0;
    const size_t allowed = options.max_mappings == 0 ? 1000 : options.max_mappings;
    const bool is_bulk = CountRuns(wanted) > allowed;
    bool misses = false;
    std::vector<int> expected = before;
    for (size_t page = 0; page < wanted.size(); ++page) {
      if (wanted[page] < 0)
        continue;
      misses = misses || before[page] == kAbsent;
      if (before[page] != kAbsent && (is_bulk || options.flags != 0))
        expected[page] = wanted[page];
      if (before[page] == kAbsent && !is_bulk)
        expected[page] = wanted[page]; // once touched
    }
    const int err = apply(&options);
    if (is_bulk && misses) {
      ASSERT_EQ(-AML_EOVERFLOW, err) << "the host cannot touch this area";
      return;
    }
    ASSERT_EQ(0, err) << aml_error_detail();
    ASSERT_TRUE(is_bulk ? area->binds.empty() : area->moves.empty())
        << CountRuns(wanted) << " runs, " << allowed << " allowed";
    area->Touch(kStart, wanted.size() * kPage);
    for (size_t page = 0; page < wanted.size(); ++page)
      ASSERT_EQ(expected[page] == kAbsent ? area->home : expected[page],
                area->DeviceAt(kStart + page * kPage))
          << "page " << page;
  }

  // Rebalances by `step(max_size, progress)` in parts of random size.
  template <class Step>
  void ExpectRebalanced(DeviceArea *area, const std::vector<int> &wanted, Step step) {
    std::vector<int> expected = DevicesIn(*area, wanted.size());
    size_t moved = 0;
    for (size_t page = 0; page < wanted.size(); ++page) {
      if (wanted[page] < 0 || expected[page] == kAbsent || expected[page] == wanted[page])
        continue;
      expected[page] = wanted[page];
      moved += kPage;
    }
    aml_binding_progress progress = {};
    do {
      const size_t max_size = random_() % 5 * kPage;
      const size_t before = progress.moved_size;
      ASSERT_EQ(0, step(max_size, &progress)) << aml_error_detail();
      ASSERT_TRUE(max_size == 0 || progress.moved_size - before <= max_size);
    } while (progress.done_size < progress.total_size);
    EXPECT_EQ(expected, DevicesIn(*area, wanted.size()));
    EXPECT_EQ(moved, progress.moved_size);
  }

  void ExpectReport(const DeviceArea &area, const Model &model, const aml_binding_report &report) {
    size_t right = 0;
    size_t wrong = 0;
    size_t absent = 0;
    for (size_t page = 0; page < model.wanted.size(); ++page) {
      const int device = area.DeviceAt(kStart + page * kPage);
      if (model.wanted[page] == kOutside)
        continue;
      if (device < 0)
        absent += kPage;
      else
        (model.wanted[page] < 0 || model.wanted[page] == device ? right : wrong) += kPage;
    }
    EXPECT_EQ(right, report.right_size);
    EXPECT_EQ(wrong, report.wrong_size);
    EXPECT_EQ(absent, report.absent_size);
    EXPECT_EQ(model.shared_size, report.shared_size);
    EXPECT_EQ(model.outvoted_size, report.outvoted_size);
  }

  std::mt19937 random_{11};
  aml_binding_report report_{};
};

TEST_F(CoreBindingModel, PagesGoWhereTheModelSays) {
  for (int round = 0; round < 2000 && !HasFailure(); ++round) {
    SCOPED_TRACE(round);
    const size_t pages = 1 + random_() % kMost;
    const Model model = {RandomDevices(pages, &random_), 0, 0};
    Function binding([&](size_t index, size_t count) {
      EXPECT_EQ(pages, count);
      return model.wanted.at(index);
    });
    const size_t inside = random_() % kPage; // a range may begin and end within pages
    void *const first = At(inside);
    const size_t size = pages * kPage - inside - random_() % (kPage - inside);
    DeviceArea applied;
    PlaceAtRandom(&applied, pages, round % 2 == 0);
    ExpectApplied(&applied, model.wanted, [&](const aml_binding_apply_options *options) {
      return aml_binding_apply(binding.get(), applied.get(), first, size, options);
    });
    DeviceArea area;
    PlaceAtRandom(&area, pages, false);
    ASSERT_EQ(0, aml_binding_verify(binding.get(), area.get(), first, size, &report_));
    ExpectReport(area, model, report_);
    ExpectRebalanced(&area, model.wanted, [&](size_t max_size, aml_binding_progress *progress) {
      return aml_binding_rebalance(binding.get(), area.get(), first, size, max_size, progress);
    });
  }
}

TEST_F(CoreBindingModel, TilesGoWhereTheModelSays) {
  for (int round = 0; round < 400 && !HasFailure(); ++round) {
    SCOPED_TRACE(round);
    const size_t size = (1 + random_() % kMost) * kPage;
    std::vector<aml_tile> tiles;
    // The first two hold the ends, so that the pages are those of the region.
    tiles.push_back(Bytes(0, 1 + random_() % 5000 % size));
    tiles.push_back(Bytes(size - 1, 1));
    for (size_t more = random_() % 12; more > 0; --more)
      tiles.push_back(RandomTile(size, &random_));
    const std::vector<int> devices = RandomDevices(tiles.size(), &random_);
    const Model model = ModelOf(tiles, devices, size / kPage);
    Function binding([&](size_t index, size_t) { return devices.at(index); });
    Tiles tiling(tiles);
    aml_tile datum = Bytes(0, size);
    DeviceArea applied;
    datum.area = applied.get();
    PlaceAtRandom(&applied, size / kPage, round % 2 == 0);
    ExpectApplied(&applied, model.wanted, [&](const aml_binding_apply_options *options) {
      return aml_binding_apply_tiled(binding.get(), tiling.get(), &datum, options);
    });
    DeviceArea area;
    datum.area = area.get();
    PlaceAtRandom(&area, size / kPage, false);
    ASSERT_EQ(0, aml_binding_verify_tiled(binding.get(), tiling.get(), &datum, &report_));
    ExpectReport(area, model, report_);
    ExpectRebalanced(&area, model.wanted, [&](size_t max_size, aml_binding_progress *progress) {
      return aml_binding_rebalance_tiled(binding.get(), tiling.get(), &datum, max_size, progress);
    });
  }
}

} // namespace
