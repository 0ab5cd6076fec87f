// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/multiply.h"

#include <cstdlib>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "aml/area/linux.h"
#include "aml/arena/bump.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/core/scratchpad.h"
#include "aml/examples/matmul/kernel.h"
#include "aml/examples/matmul/npy_file.h"
#include "aml/examples/matmul/plan.h"

namespace {

/** Matrices of 64 x 64 in files, in tiles of 16 x 16: four along each side. */
class MatmulMultiply : public testing::Test {
protected:
  static constexpr size_t kSize = 64;
  static constexpr size_t kTile = 16;
  static constexpr uint64_t kGrid = 4;

  void SetUp() override {
    Create("a.npy", 1, &a_);
    Create("b.npy", 2, &b_);
    Create("c.npy", 0, &c_);
    ASSERT_EQ(aml_area_linux_create(&area_, nullptr), 0);
    ASSERT_EQ(aml_arena_bump_create(&arena_, area_, nullptr), 0);
    ASSERT_EQ(kernel_init(&kernel_, KERNEL_OWN, sizeof(float), nullptr, arena_), 0);
    plan_.tile_m = plan_.tile_n = plan_.tile_k = kTile;
    task_.a = &a_;
    task_.b = &b_;
    task_.c = &c_;
    task_.plan = &plan_;
    task_.kernel = &kernel_;
    task_.fast = area_;
  }

  void TearDown() override {
    aml_arena_destroy(&arena_);
    aml_area_destroy(&area_);
    for (npy_file *file : {&a_, &b_, &c_})
      npy_file_close(file);
  }

  void Create(const char *name, int factor, npy_file *file) {
    const char *directory = std::getenv("TEST_TMPDIR");
    names_.push_back(std::string(directory == nullptr ? "/tmp" : directory) + "/" + name);
    npy_header header = {};
    header.rows = header.columns = kSize;
    header.element_size = sizeof(float);
    ASSERT_EQ(npy_file_create(names_.back().c_str(), &header, file), 0);
    std::vector<float> numbers(kSize * kSize);
    for (size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = static_cast<float>(factor * static_cast<int>(i * 7 % 11));
    const size_t size = numbers.size() * sizeof(float);
    ASSERT_EQ(pwrite(file->descriptor, numbers.data(), size, NPY_HEADER_SIZE),
              static_cast<ssize_t>(size));
  }

  static std::vector<float> Numbers(const npy_file &file) {
    std::vector<float> numbers(kSize * kSize);
    const size_t size = numbers.size() * sizeof(float);
    EXPECT_EQ(pread(file.descriptor, numbers.data(), size, NPY_HEADER_SIZE),
              static_cast<ssize_t>(size));
    return numbers;
  }

  void ExpectProduct() {
    const std::vector<float> a = Numbers(a_);
    const std::vector<float> b = Numbers(b_);
    const std::vector<float> c = Numbers(c_);
    for (size_t i = 0; i < kSize; ++i)
      for (size_t j = 0; j < kSize; ++j) {
        float sum = 0;
        for (size_t p = 0; p < kSize; ++p)
          sum += a[i * kSize + p] * b[p * kSize + j];
        ASSERT_EQ(c[i * kSize + j], sum);
      }
  }

  std::vector<std::string> names_;
  npy_file a_ = {};
  npy_file b_ = {};
  npy_file c_ = {};
  aml_area *area_ = nullptr;
  aml_arena *arena_ = nullptr;
  kernel kernel_ = {};
  plan plan_ = {};
  multiply_task task_ = {};
};

/** As many of the tiles as slots beyond those needed anew are found again at each turn. */
uint64_t PanelMisses(uint64_t slots, uint64_t grid) {
  return grid * (grid + (grid - 1) * (grid > slots ? grid - slots : 0));
}

uint64_t WholeMisses(uint64_t slots, uint64_t grid) {
  return grid * grid + (grid - 1) * (grid * grid > slots ? grid * grid - slots : 0);
}

TEST_F(MatmulMultiply, MissesAsOftenAsThePlanCounts) {
  for (const bool columns_first : {false, true})
    for (const size_t panel_slots : {1u, 2u, 3u, 4u})
      for (const size_t whole_slots : {1u, 2u, 5u, 15u, 16u}) {
        plan_.columns_first = columns_first;
        plan_.a_slots = columns_first ? whole_slots : panel_slots;
        plan_.b_slots = columns_first ? panel_slots : whole_slots;
        multiply_stats stats = {};
        ASSERT_EQ(multiply(&task_, &stats), 0) << aml_error_detail();
        const aml_scratchpad_stats &panel = columns_first ? stats.b : stats.a;
        const aml_scratchpad_stats &whole = columns_first ? stats.a : stats.b;
        EXPECT_EQ(panel.misses, PanelMisses(panel_slots, kGrid)) << panel_slots;
        EXPECT_EQ(whole.misses, WholeMisses(whole_slots, kGrid)) << whole_slots;
        EXPECT_EQ(panel.hits + panel.misses, kGrid * kGrid * kGrid);
        EXPECT_EQ(stats.c.misses, kGrid * kGrid);
        EXPECT_EQ(stats.c.read_size, 0u);
        EXPECT_EQ(stats.written_size, kSize * kSize * sizeof(float));
        EXPECT_EQ(stats.read_size, (panel.misses + whole.misses) * kTile * kTile * sizeof(float));
        ExpectProduct();
      }
}

TEST_F(MatmulMultiply, TellsItsProgressToTheEnd) {
  plan_.a_slots = plan_.b_slots = 1;
  std::vector<uint64_t> seen;
  task_.progress = [](void *argument, uint64_t done, uint64_t total) {
    EXPECT_EQ(total, kGrid * kGrid * kGrid);
    static_cast<std::vector<uint64_t> *>(argument)->push_back(done);
  };
  task_.progress_argument = &seen;
  multiply_stats stats = {};
  ASSERT_EQ(multiply(&task_, &stats), 0);
  ASSERT_EQ(seen.size(), kGrid * kGrid * kGrid);
  for (size_t i = 0; i < seen.size(); ++i)
    EXPECT_EQ(seen[i], i + 1);
}

TEST_F(MatmulMultiply, AFileThatLosesItsEndIsReported) {
  plan_.a_slots = plan_.b_slots = 1;
  ASSERT_EQ(ftruncate(b_.descriptor, NPY_HEADER_SIZE + 100), 0);
  multiply_stats stats = {};
  EXPECT_EQ(multiply(&task_, &stats), -AML_EIO);
  EXPECT_STRNE(aml_error_detail(), "");
}

} // namespace
