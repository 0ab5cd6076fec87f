// SPDX-License-Identifier: BSD-3-Clause

#include "aml/binding/grid.h"

#include <gtest/gtest.h>

#include <climits>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "aml/binding/mapping_testing.h"
#include "aml/core/binding.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/core/tile.h"

namespace {

using namespace aml_testing;

constexpr int kZeroToFive[] = {0, 1, 2, 3, 4, 5};

// The device of the tile of an id, by coordinates.
int Expected(const aml_binding_grid_options &of, size_t id) {
  size_t coords[AML_MAX_DIMS];
  for (size_t i = 0; i < of.ndims; ++i) {
    const size_t d = of.order == AML_ORDER_ROW ? of.ndims - 1 - i : i;
    const bool is_slowest = i + 1 == of.ndims;
    coords[d] = is_slowest ? id : id % of.tiles[d];
    id = is_slowest ? 0 : id / of.tiles[d];
  }
  size_t place = 0;
  for (size_t d = 0; d < of.ndims; ++d) {
    const size_t block = of.block[d] == 0 ? 1 : of.block[d];
    const size_t grid = of.grid[d] == 0 ? 1 : of.grid[d];
    place = place * grid + coords[d] / block % grid;
  }
  return of.devices[place];
}

TEST(BindingGrid, EveryDimensionIsBlockCyclic) {
  std::mt19937 random(1);
  for (int round = 0; round < 150; ++round) {
    aml_binding_grid_options options = {};
    options.ndims = 1 + random() % (round % 10 == 0 ? 8 : 3);
    options.order = random() % 2 == 0 ? AML_ORDER_ROW : AML_ORDER_COLUMN;
    std::vector<int> devices(1);
    for (size_t d = 0; d < options.ndims; ++d) {
      options.tiles[d] = 1 + random() % 6;
      options.block[d] = random() % 4;
      options.grid[d] = random() % (options.ndims > 3 ? 3 : 5);
      devices.resize(devices.size() * (options.grid[d] == 0 ? 1 : options.grid[d]));
    }
    for (int &device : devices)
      device = static_cast<int>(random() % AML_NODESET_CAPACITY);
    options.devices = devices.data();
    AML_BINDING_GRID_DECL(binding);
    ASSERT_EQ(0, aml_binding_grid_init(binding, &options)) << aml_error_detail();
    const auto at = [&](size_t id) { return Expected(options, id); };
    ExpectMapping(binding, 300, at,
                  [&](size_t id) { return aml_binding_grid_device_of(binding, id); });
    ExpectRuns(binding, 100, at);
    EXPECT_EQ(at(SIZE_MAX - 1), aml_binding_device_of(binding, SIZE_MAX - 1, SIZE_MAX));
    aml_binding_fini(binding);
  }
}

// The 9 x 9 matrix in 2 x 2 blocks over 2 x 3 processes of ScaLAPACK's User's Guide.
TEST(BindingGrid, AMatrixIsDistributedAsScalapackDoes) {
  const int rows[] = {0, 0, 1, 1, 0, 0, 1, 1, 0};
  const int columns[] = {0, 0, 1, 1, 2, 2, 0, 0, 1};
  const aml_binding_grid_options options = {2,      {9, 9},      {2, 2},
                                            {2, 3}, kZeroToFive, AML_ORDER_COLUMN};
  AML_BINDING_GRID_DECL(binding);
  ASSERT_EQ(0, aml_binding_grid_init(binding, &options));
  for (size_t i = 0; i < 9; ++i)
    for (size_t j = 0; j < 9; ++j)
      EXPECT_EQ(rows[i] * 3 + columns[j], aml_binding_device_of(binding, i + 9 * j, 81));
  aml_binding_fini(binding);
}

TEST(BindingGrid, RowsOnOneDeviceAreRuns) {
  aml_binding_grid_options options = {2, {0, 6}, {}, {2, 1}, kZeroToFive, AML_ORDER_ROW};
  AML_BINDING_GRID_DECL(binding);
  ASSERT_EQ(0, aml_binding_grid_init(binding, &options));
  ExpectLongestRuns(binding, 40, [&](size_t id) { return Expected(options, id); });
  aml_binding_fini(binding);
  options.grid[0] = 1;
  ASSERT_EQ(0, aml_binding_grid_init(binding, &options));
  EXPECT_EQ(SIZE_MAX - 3, binding->ops->run(binding, 3, SIZE_MAX)) << "one device is one run";
  aml_binding_fini(binding);
}

TEST(BindingGrid, NamesItsDevicesOnce) {
  const int numbers[] = {40, 1, 40, 1023};
  const aml_binding_grid_options options = {2, {2, 2}, {}, {2, 2}, numbers, AML_ORDER_ROW};
  AML_BINDING_GRID_DECL(binding);
  ASSERT_EQ(0, aml_binding_grid_init(binding, &options));
  EXPECT_EQ((std::vector<int>{1, 40, 1023}), Numbers(NamedBy(binding)));
  aml_binding_fini(binding);
  ExpectNotInitialised(binding);
}

void ExpectRefusedOptions(int code, const char *why, const aml_binding_grid_options *options) {
  AML_BINDING_GRID_DECL(binding);
  ExpectRefused(code, std::string("aml_binding_grid_init: ") + why,
                [&] { return aml_binding_grid_init(binding, options); });
  ExpectNotInitialised(binding);
}

TEST(BindingGrid, RefusesWhatIsNoGridAndWhatIsNotItsOwn) {
  const aml_binding_grid_options good = {3,         {0, 2, 3},   {1, 1, 1},
                                         {1, 2, 3}, kZeroToFive, AML_ORDER_ROW};
  ExpectOwnStorageOnly("grid", [&](aml_binding *it) { return aml_binding_grid_init(it, &good); });
  ExpectRefusedOptions(-AML_EINVAL, "options is null", nullptr);
  aml_binding_grid_options wrong = good;
  for (const size_t ndims : {size_t{0}, size_t{AML_MAX_DIMS + 1}, SIZE_MAX}) {
    wrong.ndims = ndims;
    ExpectRefusedOptions(-AML_EINVAL, "options: ndims is not 1 to AML_MAX_DIMS", &wrong);
  }
  wrong = good;
  const int unknown = 2;
  std::memcpy(&wrong.order, &unknown, sizeof unknown);
  ExpectRefusedOptions(-AML_EINVAL, "options: order is unknown", &wrong);
  wrong = good;
  wrong.order = AML_ORDER_COLUMN; // then the first dimension has an end
  ExpectRefusedOptions(-AML_EINVAL, "options: tiles has a 0", &wrong);
  wrong = good;
  wrong.devices = nullptr;
  ExpectRefusedOptions(-AML_EINVAL, "options: devices is null", &wrong);
}

TEST(BindingGrid, RefusesMoreThanCanBe) {
  std::vector<int> numbers(AML_NODESET_CAPACITY);
  aml_binding_grid_options options = {3,         {0, SIZE_MAX, 2}, {},
                                      {1, 2, 3}, kZeroToFive,      AML_ORDER_ROW};
  ExpectRefusedOptions(-AML_EOVERFLOW, "options: tiles are more than can be numbered", &options);
  options.tiles[1] = 2;
  options.devices = numbers.data();
  for (const size_t extent : {size_t{513}, SIZE_MAX / 2 + 1, SIZE_MAX}) {
    options.grid[0] = extent;
    ExpectRefusedOptions(-AML_EOVERFLOW, "options: grid has more than AML_NODESET_CAPACITY devices",
                         &options);
  }
  options.grid[0] = 512;
  options.grid[2] = 1;
  for (const int wrong : {-1, -AML_ENOENT, int{AML_NODESET_CAPACITY}, INT_MAX, INT_MIN}) {
    numbers.back() = wrong;
    ExpectRefusedOptions(-AML_EINVAL,
                         "options: devices: the entry at 1023 is no number of a device", &options);
  }
}

} // namespace
