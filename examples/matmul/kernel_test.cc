// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/kernel.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "aml/arena/bump.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"

namespace {

/** A matrix of small integers, in either order. */
template <typename Real> struct Matrix {
  Matrix(size_t rows, size_t columns, aml_order order, int seed) : data(rows * columns) {
    const size_t extent[] = {rows, columns};
    EXPECT_EQ(aml_tile_dense(&tile, nullptr, data.data(), sizeof(Real), 2, extent, order), 0);
    unsigned x = static_cast<unsigned>(seed);
    for (Real &element : data)
      element = static_cast<Real>(static_cast<int>((x = x * 1103515245 + 12345) >> 16 & 15) - 8);
  }
  Real &at(size_t row, size_t column) {
    const size_t coords[] = {row, column};
    return *static_cast<Real *>(aml_tile_address(&tile, coords));
  }
  std::vector<Real> data;
  aml_tile tile;
};

class Workspace {
public:
  Workspace() : region_(8 << 20) {
    aml_arena_bump_options options = {};
    options.region = region_.data();
    options.region_size = region_.size();
    EXPECT_EQ(aml_arena_bump_create(&arena, nullptr, &options), 0);
  }
  ~Workspace() { aml_arena_destroy(&arena); }
  aml_arena *arena = nullptr;

private:
  std::vector<char> region_;
};

template <typename Real>
void ExpectProduct(const kernel &kernel, size_t m, size_t n, size_t k, aml_order a_order,
                   aml_order b_order) {
  Matrix<Real> a(m, k, a_order, 1);
  Matrix<Real> b(k, n, b_order, 2);
  Matrix<Real> c(m, n, AML_ORDER_ROW, 3);
  for (Real &element : c.data)
    element = std::numeric_limits<Real>::quiet_NaN();
  kernel_multiply(&kernel, &c.tile, &a.tile, &b.tile, false);
  kernel_multiply(&kernel, &c.tile, &a.tile, &b.tile, true);
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; ++j) {
      Real sum = 0;
      for (size_t p = 0; p < k; ++p)
        sum += a.at(i, p) * b.at(p, j);
      ASSERT_EQ(c.at(i, j), 2 * sum) << m << "x" << n << "x" << k << " at " << i << ", " << j;
    }
}

/** Sizes below, at and above those of blocks in registers and in caches. */
template <typename Real> void ExpectProducts(const kernel &kernel) {
  const size_t sizes[][3] = {{1, 1, 1},    {1, 5, 1},     {5, 1, 3},      {2, 32, 7},
                             {12, 16, 1},  {13, 17, 9},   {24, 64, 31},   {7, 100, 257},
                             {193, 33, 2}, {31, 1025, 3}, {197, 40, 300}, {12, 1040, 256}};
  for (const auto &size : sizes)
    for (const aml_order a_order : {AML_ORDER_ROW, AML_ORDER_COLUMN})
      for (const aml_order b_order : {AML_ORDER_ROW, AML_ORDER_COLUMN})
        ExpectProduct<Real>(kernel, size[0], size[1], size[2], a_order, b_order);
}

void ExpectBothTypes(kernel_kind kind, const char *isa) {
  Workspace workspace;
  kernel kernel;
  ASSERT_EQ(kernel_init(&kernel, kind, sizeof(float), isa, workspace.arena), 0);
  ExpectProducts<float>(kernel);
  ASSERT_EQ(kernel_init(&kernel, kind, sizeof(double), isa, workspace.arena), 0);
  ExpectProducts<double>(kernel);
}

bool IsSupported(const char *isa) {
  Workspace workspace;
  kernel kernel;
  return kernel_init(&kernel, KERNEL_OWN, sizeof(float), isa, workspace.arena) == 0;
}

class MatmulKernelIsa : public testing::TestWithParam<const char *> {};

TEST_P(MatmulKernelIsa, EqualsTheNaiveProduct) {
  if (!IsSupported(GetParam()))
    GTEST_SKIP() << "this CPU lacks " << GetParam();
  ExpectBothTypes(KERNEL_OWN, GetParam());
}

std::vector<const char *> Isas() {
  std::vector<const char *> result;
  for (const char *const *isa = kernel_isas(); *isa != nullptr; ++isa)
    result.push_back(*isa);
  return result;
}

INSTANTIATE_TEST_SUITE_P(All, MatmulKernelIsa, testing::ValuesIn(Isas()),
                         [](const auto &param) { return std::string(param.param); });

TEST(MatmulKernel, OpenblasEqualsTheNaiveProduct) {
  Workspace workspace;
  kernel kernel;
  if (kernel_init(&kernel, KERNEL_OPENBLAS, sizeof(float), nullptr, workspace.arena) != 0) {
    EXPECT_EQ(aml_error_code(), -AML_ENOTSUP);
    GTEST_SKIP() << "built without libopenblas-dev";
  }
  EXPECT_STREQ(kernel.name, "openblas");
  ExpectBothTypes(KERNEL_OPENBLAS, nullptr);
}

TEST(MatmulKernel, EveryCpuHasAKernel) {
  Workspace workspace;
  kernel kernel;
  EXPECT_TRUE(IsSupported("any"));
  EXPECT_FALSE(IsSupported("abacus"));
  ASSERT_EQ(kernel_init(&kernel, KERNEL_OWN, sizeof(double), nullptr, workspace.arena), 0);
  EXPECT_STREQ(kernel.name, "own");
  EXPECT_EQ(kernel_init(&kernel, KERNEL_BEST, sizeof(double), nullptr, workspace.arena), 0);
}

TEST(MatmulKernel, AFullArenaIsReported) {
  char region[4096];
  aml_arena_bump_options options = {};
  options.region = region;
  options.region_size = sizeof region;
  AML_ARENA_BUMP_DECL(arena);
  ASSERT_EQ(aml_arena_bump_init(arena, nullptr, &options), 0);
  kernel kernel;
  EXPECT_EQ(kernel_init(&kernel, KERNEL_OWN, sizeof(float), nullptr, arena), -AML_ENOMEM);
  aml_arena_fini(arena);
}

TEST(MatmulKernel, NotANumberIsKept) {
  Workspace workspace;
  kernel kernel;
  ASSERT_EQ(kernel_init(&kernel, KERNEL_OWN, sizeof(double), nullptr, workspace.arena), 0);
  Matrix<double> a(3, 3, AML_ORDER_ROW, 1);
  Matrix<double> b(3, 3, AML_ORDER_ROW, 2);
  Matrix<double> c(3, 3, AML_ORDER_ROW, 3);
  a.at(1, 1) = std::numeric_limits<double>::quiet_NaN();
  kernel_multiply(&kernel, &c.tile, &a.tile, &b.tile, false);
  EXPECT_FALSE(std::isnan(c.at(0, 0)));
  EXPECT_TRUE(std::isnan(c.at(1, 0)));
  EXPECT_FALSE(std::isnan(c.at(2, 2)));
}

} // namespace
