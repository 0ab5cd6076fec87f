// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/create.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>

#include "aml/core/error.h"

namespace {

struct Ops {
  int number;
};

struct Block {
  const Ops *ops;
  uint64_t state[7];
};

constexpr Ops kOps = {1};

TEST(CoreCreate, ABlockIsZeroedButForItsOperations) {
  Block *result = nullptr;
  auto *const block =
      static_cast<Block *>(aml_block_create("x_create", "x", &result, sizeof(Block), &kOps));
  ASSERT_NE(nullptr, block);
  EXPECT_EQ(nullptr, result) << "that is for the caller, once the block is initialised";
  EXPECT_EQ(&kOps, block->ops);
  for (const uint64_t word : block->state)
    EXPECT_EQ(0u, word);
  std::free(block);
}

TEST(CoreCreate, RefusesNowhereToPutItByTheCallersName) {
  EXPECT_EQ(nullptr, aml_block_create("x_create", "x", nullptr, sizeof(Block), &kOps));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_STREQ("x_create: x is null", aml_error_detail());
}

TEST(CoreCreate, SaysThatThereIsNoMemory) {
  Block *result = nullptr;
  EXPECT_EQ(nullptr, aml_block_create("x_create", "x", &result, SIZE_MAX / 2, &kOps));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_STREQ("x_create: no memory for the block", aml_error_detail());
}

} // namespace
