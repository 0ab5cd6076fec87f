// SPDX-License-Identifier: BSD-3-Clause
//
// Every instruction set's loops, as far as this CPU has them, in memory that ends where none may be
// touched: what they load or store beyond either end, a signal tells.

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "aml/dma/internal/kernels.h"

namespace {

constexpr size_t kGuard = 65536;     // the largest page there is
constexpr size_t kSize = 2 * kGuard; // of what may be touched

/** Memory between pages of which none may be touched. */
class Guarded {
public:
  Guarded()
      : pages_(mmap(nullptr, kSize + 2 * kGuard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    EXPECT_NE(MAP_FAILED, pages_);
    EXPECT_EQ(0, mprotect(begin(), kSize, PROT_READ | PROT_WRITE));
  }
  Guarded(const Guarded &) = delete;
  ~Guarded() { (void)munmap(pages_, kSize + 2 * kGuard); }

  char *begin() { return static_cast<char *>(pages_) + kGuard; }

  /** The first bytes, or the last ones. */
  char *Bytes(size_t size, bool are_last) { return begin() + (are_last ? kSize - size : 0); }

private:
  void *pages_;
};

class KernelsGuard : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    kernels_ = aml_internal_kernels_find(GetParam());
    if (kernels_ == nullptr)
      GTEST_SKIP() << "this CPU lacks " << GetParam();
    uint32_t seed = 1;
    for (size_t i = 0; i < kSize; ++i)
      src_.begin()[i] = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  }

  /** Fills what is to be written, and some bytes beside it, with what is in no source there. */
  void Spoil(char *dst, const char *src, size_t size) {
    const size_t before = std::min<size_t>(kBeside, dst - dst_.begin());
    const size_t after = std::min<size_t>(kBeside, dst_.begin() + kSize - dst - size);
    for (size_t i = 0; i < size; ++i)
      dst[i] = static_cast<char>(~src[i]);
    std::memset(dst - before, kMark, before);
    std::memset(dst + size, kMark, after);
  }

  bool IsRight(const char *dst, const char *src, size_t size) {
    const char *const first = dst - std::min<size_t>(kBeside, dst - dst_.begin());
    const char *const end = dst + size;
    const char *const last = end + std::min<size_t>(kBeside, dst_.begin() + kSize - end);
    const auto is_mark = [](char byte) { return byte == kMark; };
    return std::memcmp(dst, src, size) == 0 && std::all_of(first, dst, is_mark) &&
           std::all_of(end, last, is_mark);
  }

  enum { kBeside = 128, kMark = 0x5a };

  const aml_internal_kernels *kernels_ = nullptr;
  Guarded dst_;
  Guarded src_;
};

TEST_P(KernelsGuard, RunsOfEverySizeTouchNothingElse) {
  for (size_t size = 0; size <= 2200; ++size)
    for (unsigned ends = 0; ends < 4; ++ends)
      for (const auto run : {kernels_->copy, kernels_->stream}) {
        char *const dst = dst_.Bytes(size, (ends & 1) != 0);
        const char *const src = src_.Bytes(size, (ends & 2) != 0);
        Spoil(dst, src, size);
        run(dst, src, size);
        kernels_->fence();
        ASSERT_TRUE(IsRight(dst, src, size)) << size << " bytes, ends " << ends;
      }
}

TEST_P(KernelsGuard, RunsAtEveryAlignmentTouchNothingElse) {
  for (const size_t size : {63,  64,  65,  127, 129,  255,  257,  449,  512,   513,
                            575, 577, 767, 769, 1023, 1025, 1089, 2111, 24577, 25000})
    for (size_t shift = 0; shift < 2 * 64; ++shift)
      for (const bool are_last : {false, true})
        for (const auto run : {kernels_->copy, kernels_->stream}) {
          char *const dst = dst_.begin() + 4096 + shift; // loads meet stores, or do not
          const char *const src = src_.Bytes(size, are_last);
          Spoil(dst, src, size);
          run(dst, src, size);
          kernels_->fence();
          ASSERT_TRUE(IsRight(dst, src, size)) << size << " bytes, shift " << shift;
        }
}

TEST_P(KernelsGuard, RowsOfEverySizeTouchNothingElse) {
  for (size_t size = 1; size <= 1100; ++size)
    for (const size_t count : {1, 9})
      for (unsigned ends = 0; ends < 4; ++ends)
        for (const auto run : {kernels_->copy_rows, kernels_->stream_rows}) {
          char *const dst = dst_.Bytes(count * size, (ends & 1) != 0);
          const char *const src = src_.Bytes(count * size, (ends & 2) != 0);
          const auto stride = static_cast<ptrdiff_t>(size);
          const aml_internal_rows rows = {dst, src, count, size, stride, stride};
          Spoil(dst, src, count * size);
          run(&rows);
          kernels_->fence();
          ASSERT_TRUE(IsRight(dst, src, count * size)) << count << " rows of " << size;
        }
}

INSTANTIATE_TEST_SUITE_P(Each, KernelsGuard,
                         testing::Values("portable", "avx2", "avx512", "avx512_halves", "neon"),
                         [](const auto &tested) { return std::string(tested.param); });

} // namespace
