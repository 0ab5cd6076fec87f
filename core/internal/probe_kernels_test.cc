// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/internal/probe_kernels.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <vector>

namespace {

constexpr size_t kGrain = AML_INTERNAL_PROBE_GRAIN;

struct Free {
  void operator()(char *block) const { std::free(block); }
};
using Block = std::unique_ptr<char, Free>;

Block Allocate(size_t size) {
  return Block(static_cast<char *>(std::aligned_alloc(kGrain, size)));
}

// The lines of a cycle in the order in which they are visited, as indexes; empty: it leads astray.
std::vector<size_t> Visits(const char *base, size_t size, size_t line_size) {
  std::vector<size_t> visits;
  const char *line = base;
  for (size_t i = 0; i < size / line_size; ++i) {
    if (line < base || line >= base + size || (line - base) % line_size != 0)
      return {};
    visits.push_back((line - base) / line_size);
    line = *reinterpret_cast<const char *const *>(line);
  }
  return line == base ? visits : std::vector<size_t>();
}

TEST(CoreProbeKernels, ACycleVisitsEachLineOnce) {
  for (const size_t line_size : {8, 64, 128, 1024})
    for (const size_t size : {kGrain, 3 * kGrain, 256 * kGrain}) {
      const Block block = Allocate(size);
      aml_internal_probe_make_cycle(block.get(), size, line_size, 1);
      const std::vector<size_t> visits = Visits(block.get(), size, line_size);
      EXPECT_EQ(size / line_size, visits.size());
      EXPECT_EQ(size / line_size, std::set<size_t>(visits.begin(), visits.end()).size());
    }
}

TEST(CoreProbeKernels, ACycleHasNoOrder) {
  const size_t count = 64 * kGrain / 64;
  const Block block = Allocate(count * 64);
  aml_internal_probe_make_cycle(block.get(), count * 64, 64, 1);
  const std::vector<size_t> visits = Visits(block.get(), count * 64, 64);
  ASSERT_EQ(count, visits.size());
  // Of 4,096 random steps about 8 lead to one of the four nearest lines; ordered ones all do.
  size_t near = 0;
  for (size_t i = 1; i < count; ++i)
    near += visits[i] + 2 >= visits[i - 1] && visits[i] <= visits[i - 1] + 2;
  EXPECT_LT(near, count / 50);
}

TEST(CoreProbeKernels, SeedsMakeDifferentCycles) {
  const Block block = Allocate(kGrain);
  std::set<std::vector<size_t>> cycles;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    aml_internal_probe_make_cycle(block.get(), kGrain, 64, seed);
    cycles.insert(Visits(block.get(), kGrain, 64));
  }
  EXPECT_EQ(10u, cycles.size());
}

TEST(CoreProbeKernels, AChaseTakesAsManySteps) {
  const Block block = Allocate(kGrain);
  aml_internal_probe_make_cycle(block.get(), kGrain, 64, 1);
  const std::vector<size_t> visits = Visits(block.get(), kGrain, 64);
  ASSERT_EQ(64u, visits.size());
  for (const size_t steps : {0, 16, 32, 64, 80, 640}) {
    const char *const line =
        static_cast<const char *>(aml_internal_probe_chase(block.get(), steps));
    EXPECT_EQ(visits[steps % 64], static_cast<size_t>(line - block.get()) / 64);
  }
}

TEST(CoreProbeKernels, ReadingSumsEachWord) {
  const size_t count = 2 * kGrain / sizeof(uint64_t);
  const Block block = Allocate(2 * kGrain);
  auto *const words = reinterpret_cast<uint64_t *>(block.get());
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i)
    sum += words[i] = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
  EXPECT_EQ(sum, aml_internal_probe_read(block.get(), 2 * kGrain));
  for (size_t i = 0; i < count; ++i) {
    ++words[i];
    EXPECT_EQ(sum + 1, aml_internal_probe_read(block.get(), 2 * kGrain));
    --words[i];
  }
}

// Expects `write` to fill its block and no more.
void ExpectFills(void (*write)(void *, size_t, uint64_t)) {
  const uint64_t before = 7;
  const uint64_t word = UINT64_C(0x0123456789abcdef);
  const size_t each = kGrain / sizeof(uint64_t);
  const Block block = Allocate(3 * kGrain);
  auto *const words = reinterpret_cast<uint64_t *>(block.get());
  for (size_t i = 0; i < 3 * each; ++i)
    words[i] = before;
  write(block.get() + kGrain, kGrain, word);
  for (size_t i = 0; i < 3 * each; ++i)
    EXPECT_EQ(i / each == 1 ? word : before, words[i]);
}

TEST(CoreProbeKernels, WritingFillsItsBlockAndNoMore) {
  ExpectFills(aml_internal_probe_write);
}

TEST(CoreProbeKernels, NonTemporalWritingFillsItsBlockAndNoMore) {
  ExpectFills(aml_internal_probe_write_nontemporal);
}

} // namespace
