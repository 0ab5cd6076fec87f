// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tools/malloc/bootstrap.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace {

TEST(MallocBootstrap, BlocksAreAlignedAndApart) {
  std::vector<std::pair<char *, size_t>> blocks;
  for (size_t alignment = 1; alignment <= 65536; alignment *= 2)
    for (const size_t size : {0, 1, 16, 17, 1000}) {
      auto *const block =
          static_cast<char *>(bootstrap_alloc(static_cast<size_t>(size), alignment));
      ASSERT_NE(nullptr, block);
      EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(block) % std::max<size_t>(alignment, 16));
      EXPECT_LE(static_cast<size_t>(size), bootstrap_size(block));
      EXPECT_TRUE(bootstrap_owns(block));
      std::memset(block, static_cast<int>(blocks.size()), bootstrap_size(block));
      blocks.emplace_back(block, bootstrap_size(block));
    }
  for (size_t i = 0; i < blocks.size(); ++i) {
    for (size_t j = 0; j < blocks[i].second; ++j)
      ASSERT_EQ(static_cast<char>(i), blocks[i].first[j]);
    bootstrap_free(blocks[i].first);
  }
  EXPECT_FALSE(bootstrap_owns(&blocks));
}

TEST(MallocBootstrap, FreedBlocksAreUsedAgain) {
  void *const first = bootstrap_alloc(100, 0);
  bootstrap_free(first);
  EXPECT_EQ(first, bootstrap_alloc(90, 0));
  bootstrap_free(first);
  // More than the buffer has, in turn.
  for (int i = 0; i < 100; ++i) {
    void *const block = bootstrap_alloc(BOOTSTRAP_CAPACITY / 8, 0);
    ASSERT_NE(nullptr, block);
    bootstrap_free(block);
  }
}

TEST(MallocBootstrap, WhatThereIsNoRoomForIsRefused) {
  for (const size_t size :
       {SIZE_MAX, SIZE_MAX - 31, size_t{BOOTSTRAP_CAPACITY} + 1, size_t{BOOTSTRAP_CAPACITY}}) {
    EXPECT_EQ(nullptr, bootstrap_alloc(size, 0));
    EXPECT_EQ(nullptr, bootstrap_alloc(1, size == SIZE_MAX ? size_t{1} << 63 : size_t{1} << 30));
  }
}

TEST(MallocBootstrap, ThreadsShareIt) {
  const auto life = [](unsigned seed) {
    std::mt19937 random(seed);
    std::vector<unsigned *> blocks(50, nullptr);
    for (int i = 0; i < 5000; ++i) {
      unsigned *&block = blocks[random() % blocks.size()];
      if (block != nullptr) {
        EXPECT_EQ(seed, *block);
        bootstrap_free(block);
      }
      block = static_cast<unsigned *>(bootstrap_alloc(4 + random() % 500, 0));
      ASSERT_NE(nullptr, block);
      *block = seed;
    }
    for (unsigned *block : blocks)
      if (block != nullptr)
        bootstrap_free(block);
  };
  std::thread other(life, 1);
  life(2);
  other.join();
}

// The last one: it leaves blocks of one size only.
TEST(MallocBootstrap, ThereIsMoreThanTheBuffer) {
  constexpr size_t kSize = (1 << 20) - 64;
  constexpr size_t kMost = (size_t{BOOTSTRAP_CAPACITY} + BOOTSTRAP_RESERVE) / kSize;
  std::vector<char *> blocks;
  for (void *block; (block = bootstrap_alloc(kSize, 0)) != nullptr;) {
    ASSERT_TRUE(bootstrap_owns(block));
    ASSERT_TRUE(bootstrap_owns(static_cast<char *>(block) + kSize - 1));
    blocks.push_back(static_cast<char *>(block));
    blocks.back()[0] = blocks.back()[kSize - 1] = static_cast<char>(blocks.size());
    ASSERT_GE(kMost, blocks.size());
  }
  EXPECT_LE(kMost - 40, blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    ASSERT_EQ(static_cast<char>(i + 1), blocks[i][0]);
    ASSERT_EQ(static_cast<char>(i + 1), blocks[i][kSize - 1]);
    bootstrap_free(blocks[i]);
  }
  EXPECT_NE(nullptr, bootstrap_alloc(kSize, 0));
  EXPECT_FALSE(bootstrap_owns(&blocks));
  EXPECT_FALSE(bootstrap_owns(blocks.data()));
}

} // namespace
