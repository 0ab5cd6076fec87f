// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/plan.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace {

plan_problem Problem(size_t m, size_t n, size_t k, size_t element_size = 8) {
  plan_problem problem = {};
  problem.m = m;
  problem.n = n;
  problem.k = k;
  problem.element_size = element_size;
  problem.granularity = 4096;
  return problem;
}

void ExpectSound(const plan_problem &problem, size_t budget) {
  plan plan;
  ASSERT_TRUE(plan_make(&problem, budget, &plan)) << budget;
  EXPECT_LE(plan.memory, budget);
  EXPECT_EQ(plan.memory, plan_memory(&problem, &plan));
  EXPECT_GE(plan.tile_m, 1u);
  EXPECT_LE(plan.tile_m, problem.m);
  EXPECT_GE(plan.tile_n, 1u);
  EXPECT_LE(plan.tile_n, problem.n);
  EXPECT_GE(plan.tile_k, 1u);
  EXPECT_LE(plan.tile_k, problem.k);
  EXPECT_GE(plan.a_slots, 1u);
  EXPECT_GE(plan.b_slots, 1u);
}

TEST(MatmulPlan, KeepsEveryBudget) {
  const size_t sizes[][3] = {{1, 1, 1},       {1, 1000, 1},       {3000, 1, 7},
                             {100, 100, 100}, {1000, 1, 1000000}, {4001, 3999, 5003}};
  for (const auto &size : sizes)
    for (size_t budget = 16 << 10; budget <= size_t{1} << 32; budget *= 8)
      for (const size_t element_size : {size_t{4}, size_t{8}}) {
        plan_problem problem = Problem(size[0], size[1], size[2], element_size);
        ExpectSound(problem, budget);
        problem.a_fortran_order = true;
        ExpectSound(problem, budget);
        problem.b_fortran_order = true;
        ExpectSound(problem, budget);
      }
}

TEST(MatmulPlan, WhatFitsIsReadOnce) {
  const plan_problem problem = Problem(500, 600, 700);
  plan plan;
  ASSERT_TRUE(plan_make(&problem, 64 << 20, &plan));
  EXPECT_EQ(plan.read_size, (500u * 700 + 700 * 600) * 8);
}

TEST(MatmulPlan, MoreMemoryIsNotWorse) {
  const plan_problem problem = Problem(4096, 4096, 4096);
  uint64_t before = UINT64_MAX;
  for (size_t budget = 1 << 20; budget <= size_t{1} << 30; budget *= 4) {
    plan plan;
    ASSERT_TRUE(plan_make(&problem, budget, &plan));
    EXPECT_LE(plan.read_size, before);
    before = plan.read_size;
  }
}

TEST(MatmulPlan, IsNearTheLeastThatCanBeMoved) {
  // Hong and Kung: with room for S elements, some 2 m n k / sqrt(S) of them must be moved.
  const plan_problem problem = Problem(8192, 8192, 8192);
  const size_t budget = 64 << 20;
  plan plan;
  ASSERT_TRUE(plan_make(&problem, budget, &plan));
  const double least = 2.0 * 8192 * 8192 * 8192 * 8 / 2896.0; // sqrt(64 Mi / 8) = 2896
  EXPECT_LT(static_cast<double>(plan.read_size), 1.6 * least);
}

TEST(MatmulPlan, TooSmallABudgetIsRefused) {
  const plan_problem problem = Problem(100, 100, 100);
  plan plan = {};
  EXPECT_FALSE(plan_make(&problem, 0, &plan));
  EXPECT_FALSE(plan_make(&problem, 3 * 4096 - 1, &plan));
  EXPECT_EQ(plan.tile_m, 0u);
  EXPECT_TRUE(plan_make(&problem, 3 * 4096, &plan));
}

TEST(MatmulPlan, HugeExtentsDoNotOverflow) {
  const size_t huge = size_t{1} << 59;
  for (const size_t budget : {size_t{1} << 16, size_t{1} << 30}) {
    ExpectSound(Problem(huge, 1, 1), budget);
    ExpectSound(Problem(1, 1, huge), budget);
    ExpectSound(Problem(size_t{1} << 30, size_t{1} << 29, 1), budget);
  }
}

} // namespace
