// SPDX-License-Identifier: BSD-3-Clause
//
// What dma:remap moves, what it leaves to the inner dma, what becomes of both if the kernel fails,
// and that it takes no memory once it is made.

#include "aml/dma/remap.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/everything_testing.h"
#include "aml/dma/inner_testing.h"
#include "aml/dma/sequential.h"
#include "aml/dma/taken_testing.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

using namespace aml_testing;

constexpr size_t kSize = size_t{2} << 20;

// Memory that is mapped for itself.
class Mapped {
public:
  explicit Mapped(size_t size, int flags = MAP_PRIVATE | MAP_ANONYMOUS, int file = -1,
                  int access = PROT_READ | PROT_WRITE)
      : size_(size), start_(mmap(nullptr, size, access, flags, file, 0)) {}
  ~Mapped() { munmap(start_, size_); }
  Mapped(const Mapped &) = delete;

  char *data() { return static_cast<char *>(start_); }
  aml_tile tile() { return aml_tile_bytes(start_, size_); }
  void Fill(int seed) {
    for (size_t i = 0; i < size_; ++i)
      data()[i] = static_cast<char>(seed + static_cast<int>(i * 7 / 5));
  }
  std::string Contents() { return std::string(data(), size_); }

private:
  size_t size_;
  void *start_;
};

// Memory to move from, with what is in it, and to.
struct TilePair {
  TilePair() {
    from.Fill(1);
    expected = from.Contents();
  }
  Mapped from{kSize};
  Mapped to{kSize};
  std::string expected;
  const aml_tile src = from.tile();
  const aml_tile dst = to.tile();
};

// What tells moving from copying.
bool IsZeros(Mapped &memory, size_t size) {
  return std::all_of(memory.data(), memory.data() + size, [](char byte) { return byte == 0; });
}

class DmaRemap : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(0, aml_dma_sequential_create(&inner_, nullptr));
    aml_dma_remap_options options = {};
    options.inner = inner_;
    const int err = aml_dma_remap_create(&over_, &options);
    if (err == -AML_ENOTSUP)
      GTEST_SKIP() << aml_error_detail();
    ASSERT_EQ(0, err) << aml_error_detail();
    ASSERT_EQ(0, aml_dma_remap_create(&alone_, nullptr));
  }
  void TearDown() override {
    aml_dma_destroy(&over_);
    aml_dma_destroy(&alone_);
    aml_dma_destroy(&inner_);
  }

  // Whether it is copied by the one over another, its source kept, and refused by the one alone.
  void ExpectNotMoved(const aml_tile &dst, const aml_tile &src, const std::string &expected) {
    aml_dma_request request = {};
    EXPECT_EQ(-AML_ENOTSUP, aml_dma_submit(alone_, &request, &dst, &src, nullptr));
    EXPECT_STREQ("aml_dma_submit: dst and src are no whole pages of private memory, min_size at "
                 "least",
                 aml_error_detail());
    EXPECT_EQ(AML_DMA_IDLE, aml_dma_request_state(&request));
    EXPECT_EQ(0, aml_dma_copy(over_, &dst, &src, nullptr)) << aml_error_detail();
    const size_t size = expected.size();
    EXPECT_TRUE(expected == std::string(static_cast<char *>(dst.base), size));
    EXPECT_TRUE(expected == std::string(static_cast<char *>(src.base), size)) << "source is kept";
  }

  aml_dma *inner_ = nullptr;
  aml_dma *over_ = nullptr;
  aml_dma *alone_ = nullptr;
};

TEST_F(DmaRemap, PagesMoveAndLeaveZeros) {
  for (const size_t size : {kSize, kSize + 4096, 3 * kSize})
    for (aml_dma *dma : {over_, alone_}) {
      Mapped from(size);
      Mapped to(size);
      from.Fill(1);
      to.Fill(2);
      const std::string expected = from.Contents();
      const aml_tile src = from.tile();
      const aml_tile dst = to.tile();
      aml_dma_request request = {};
      ASSERT_EQ(0, aml_dma_submit(dma, &request, &dst, &src, nullptr)) << aml_error_detail();
      EXPECT_EQ(-AML_EBUSY, aml_dma_cancel(&request));
      EXPECT_EQ(0, aml_dma_wait(&request));
      EXPECT_EQ(0, aml_dma_barrier(dma));
      EXPECT_TRUE(expected == to.Contents());
      EXPECT_TRUE(IsZeros(from, size));
      from.Fill(3); // is memory as before, of its own
      EXPECT_TRUE(expected == to.Contents());
    }
}

TEST_F(DmaRemap, TilesOfManyDimensionsThatAreOneRunMove) {
  Mapped from(kSize);
  Mapped to(kSize);
  from.Fill(1);
  const std::string expected = from.Contents();
  const size_t extent[] = {512, 512};
  aml_tile src;
  aml_tile dst;
  ASSERT_EQ(0, aml_tile_dense(&src, nullptr, from.data(), 8, 2, extent, AML_ORDER_ROW));
  ASSERT_EQ(0, aml_tile_dense(&dst, nullptr, to.data(), 8, 2, extent, AML_ORDER_ROW));
  ASSERT_EQ(0, aml_dma_copy(alone_, &dst, &src, nullptr)) << aml_error_detail();
  EXPECT_TRUE(expected == to.Contents());
  EXPECT_TRUE(IsZeros(from, kSize));
  ASSERT_EQ(0, aml_tile_dense(&src, nullptr, from.data(), 8, 2, extent, AML_ORDER_COLUMN));
  EXPECT_EQ(-AML_ENOTSUP, aml_dma_copy(alone_, &dst, &src, nullptr)) << "that is a transpose";
}

TEST_F(DmaRemap, SmallAndUnalignedTilesAreCopied) {
  Mapped from(kSize + 4096);
  Mapped to(kSize + 4096);
  from.Fill(1);
  const auto expect = [&](size_t to_at, size_t from_at, size_t size) {
    const std::string expected(from.data() + from_at, size);
    ExpectNotMoved(aml_tile_bytes(to.data() + to_at, size),
                   aml_tile_bytes(from.data() + from_at, size), expected);
  };
  expect(0, 0, kSize - 4096);
  expect(0, 0, kSize + 1);
  expect(64, 0, kSize);
  expect(0, 64, kSize);
}

TEST_F(DmaRemap, OnlyPrivateMemoryOfNoFileMoves) {
  Mapped from(kSize);
  Mapped to(kSize);
  Mapped shared(kSize, MAP_SHARED | MAP_ANONYMOUS);
  const int file = memfd_create("remap", MFD_CLOEXEC);
  ASSERT_EQ(0, ftruncate(file, kSize));
  Mapped of_file(kSize, MAP_PRIVATE, file);
  close(file);
  int seed = 1;
  for (Mapped *memory : {&shared, &of_file}) {
    memory->Fill(++seed);
    ExpectNotMoved(to.tile(), memory->tile(), memory->Contents());
    from.Fill(++seed);
    ExpectNotMoved(memory->tile(), from.tile(), from.Contents());
  }
}

TEST_F(DmaRemap, MemoryThatMayNotBeWrittenOrIsTwoMappingsIsNotMoved) {
  Mapped from(2 * kSize);
  Mapped to(kSize);
  from.Fill(1);
  ASSERT_EQ(0, mprotect(from.data(), kSize, PROT_READ));
  const auto expect = [&](size_t at) {
    ExpectNotMoved(to.tile(), aml_tile_bytes(from.data() + at, kSize),
                   std::string(from.data() + at, kSize));
  };
  expect(0);
  expect(kSize / 2); // half of it may be written
}

TEST_F(DmaRemap, OverlapAndOperationsAreNotMoved) {
  Mapped memory(2 * kSize);
  const aml_tile src = aml_tile_bytes(memory.data(), kSize);
  const aml_tile dst = aml_tile_bytes(memory.data() + kSize / 2, kSize);
  EXPECT_EQ(-AML_ENOTSUP, aml_dma_copy(alone_, &dst, &src, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_dma_copy(over_, &dst, &src, nullptr)) << "as the inner one says";
  const aml_tile apart = aml_tile_bytes(memory.data() + kSize, kSize);
  size_t elements = 0;
  aml_dma_operation operation = {};
  operation.run = [](void *, const void *, size_t count, void *argument) {
    *static_cast<size_t *>(argument) += count;
    return 0;
  };
  operation.argument = &elements;
  aml_dma_options options = {};
  options.operation = &operation;
  EXPECT_EQ(-AML_ENOTSUP, aml_dma_copy(alone_, &apart, &src, &options));
  EXPECT_EQ(0, aml_dma_copy(over_, &apart, &src, &options));
  EXPECT_EQ(kSize, elements);
}

TEST_F(DmaRemap, WhatItComesAfterIsWaitedFor) {
  Mapped from(kSize);
  Mapped to(kSize);
  from.Fill(1);
  const std::string expected = from.Contents();
  aml_dma_request first = {};
  first.state = AML_DMA_DONE;
  first.result = -AML_EIO;
  first.dma = inner_;
  aml_dma_request *after[] = {&first};
  aml_dma_options options = {};
  options.after = after;
  options.after_count = 1;
  const aml_tile src = from.tile();
  const aml_tile dst = to.tile();
  EXPECT_EQ(-AML_ECANCELED, aml_dma_copy(alone_, &dst, &src, &options));
  EXPECT_TRUE(expected == from.Contents());
  first.result = 0;
  EXPECT_EQ(0, aml_dma_copy(alone_, &dst, &src, &options));
  EXPECT_TRUE(expected == to.Contents());
}

TEST_F(DmaRemap, WhereTheKernelMovesNothingItIsCopied) {
  TilePair pair;
  aml_fault_system_arm(AML_FAULT_MREMAP, 1, ENOMEM);
  const int copied = aml_dma_copy(over_, &pair.dst, &pair.src, nullptr);
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_EQ(0, copied);
  EXPECT_TRUE(pair.expected == pair.to.Contents());
  EXPECT_TRUE(pair.expected == pair.from.Contents());
  aml_fault_system_arm(AML_FAULT_MREMAP, 1, ENOMEM);
  const int failed = aml_dma_copy(alone_, &pair.dst, &pair.src, nullptr);
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_EQ(-AML_ENOMEM, failed);
  EXPECT_NE(nullptr, std::strstr(aml_error_detail(), "mremap")) << aml_error_detail();
  EXPECT_TRUE(pair.expected == pair.from.Contents()) << "nothing is lost";
}

// Kernels before 6.11 tell of mappings by text alone.
TEST_F(DmaRemap, MappingsAreFoundInTheTextToo) {
  std::vector<std::unique_ptr<Mapped>> others; // so that the text is longer than a buffer
  for (int i = 0; i < 300; ++i)
    others.push_back(std::make_unique<Mapped>(4096, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                                              i % 2 == 0 ? PROT_READ : PROT_READ | PROT_WRITE));
  Mapped from(kSize);
  Mapped to(kSize);
  Mapped shared(kSize, MAP_SHARED | MAP_ANONYMOUS);
  from.Fill(1);
  const std::string expected = from.Contents();
  const aml_tile src = from.tile();
  const aml_tile dst = to.tile();
  const aml_tile elsewhere = shared.tile();
  AML_DMA_REMAP_DECL(dma);
  aml_fault_system_arm(AML_FAULT_IOCTL, 1, ENOTTY);
  ASSERT_EQ(0, aml_dma_remap_init(dma, nullptr));
  ASSERT_EQ(1u, aml_fault_system_disarm().failed);
  const int refused = aml_dma_copy(dma, &elsewhere, &src, nullptr);
  const int moved = aml_dma_copy(dma, &dst, &src, nullptr);
  aml_dma_fini(dma);
  EXPECT_EQ(-AML_ENOTSUP, refused);
  EXPECT_EQ(0, moved);
  EXPECT_TRUE(expected == to.Contents());
  EXPECT_TRUE(IsZeros(from, kSize));
}

TEST_F(DmaRemap, TwoTilesOfOneMappingMove) {
  Mapped both(3 * kSize);
  both.Fill(1);
  const std::string expected = both.Contents().substr(0, kSize);
  const aml_tile src = aml_tile_bytes(both.data(), kSize);
  const aml_tile dst = aml_tile_bytes(both.data() + 2 * kSize, kSize);
  ASSERT_EQ(0, aml_dma_copy(alone_, &dst, &src, nullptr)) << aml_error_detail();
  EXPECT_TRUE(expected == both.Contents().substr(2 * kSize));
}

TEST_F(DmaRemap, WithoutMapsItCopies) {
  Mapped from(kSize);
  Mapped to(kSize);
  from.Fill(1);
  const aml_tile src = from.tile();
  const aml_tile dst = to.tile();
  AML_DMA_REMAP_DECL(dma);
  aml_dma_remap_options options = {};
  options.inner = inner_;
  aml_fault_system_arm(AML_FAULT_OPEN | AML_FAULT_FROM_THEN_ON, 1, EMFILE);
  const int made = aml_dma_remap_init(dma, &options);
  const int err = aml_dma_copy(dma, &dst, &src, nullptr);
  EXPECT_LE(2u, aml_fault_system_disarm().failed);
  EXPECT_EQ(0, made);
  EXPECT_EQ(0, err);
  EXPECT_TRUE(from.Contents() == to.Contents());
  aml_dma_fini(dma);
}

TEST_F(DmaRemap, InTheChildOfAForkItIsTheChildsMemoryThatCounts) {
  TilePair pair;
  const pid_t child = fork();
  if (child == 0) {
    // Private in the parent alone.
    void *const shared = mmap(pair.to.data(), kSize, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    const bool is_refused = aml_dma_copy(alone_, &pair.dst, &pair.src, nullptr) == -AML_ENOTSUP;
    _exit(shared == pair.to.data() && is_refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(child, waitpid(child, &status, 0));
  EXPECT_EQ(0, status);
  EXPECT_EQ(0, aml_dma_copy(alone_, &pair.dst, &pair.src, nullptr));
  EXPECT_TRUE(pair.expected == pair.to.Contents());
}

TEST_F(DmaRemap, InitRefusesOtherStorageAndKernelsThatMoveNoPages) {
  AML_DMA_REMAP_DECL(dma);
  AML_DMA_SEQUENTIAL_DECL(other);
  EXPECT_EQ(-AML_EINVAL, aml_dma_remap_init(nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_dma_remap_init(other, nullptr));
  EXPECT_STREQ("aml_dma_remap_init: dma is null, or was not declared by AML_DMA_REMAP_DECL",
               aml_error_detail());
  const aml_fault_held before = aml_fault_system_held();
  aml_fault_system_arm(AML_FAULT_MREMAP, 1, EINVAL);
  const int refused = aml_dma_remap_init(dma, nullptr);
  aml_fault_system_disarm();
  EXPECT_EQ(-AML_ENOTSUP, refused);
  aml_fault_system_arm(AML_FAULT_MMAP, 1, ENOMEM);
  const int unmapped = aml_dma_remap_init(dma, nullptr);
  aml_fault_system_disarm();
  EXPECT_EQ(-AML_ENOMEM, unmapped);
  EXPECT_EQ(before.mapped_size, aml_fault_system_held().mapped_size);
  aml_dma *created = nullptr;
  aml_fault_system_arm(AML_FAULT_HEAP, 1, ENOMEM);
  const int without_memory = aml_dma_remap_create(&created, nullptr);
  aml_fault_system_disarm();
  EXPECT_EQ(-AML_ENOMEM, without_memory);
  EXPECT_EQ(nullptr, created);
}

TEST_F(DmaRemap, OnceMadeItTakesNoMemoryAndNoThreads) {
  for (aml_dma *inner : {InnerSequential::Get(), InnerParallel::Get()}) {
    AML_DMA_REMAP_DECL(dma);
    aml_dma_remap_options options = {inner, 1};
    ASSERT_EQ(0, aml_dma_remap_init(dma, &options));
    ExpectEverythingTakesNothing(dma);
    aml_dma_fini(dma);
  }
}

/** Moves and refusals, of which each is made `kRounds` times. */
class Moves {
public:
  enum { kRounds = 50 };

  Moves() {
    options_.notify = [](aml_dma_request *, void *argument) { ++*static_cast<int *>(argument); };
    options_.notify_argument = &notices_;
    options_.eventfd = &eventfd_;
    options_.plan = &plan_;
    later_.after = before_;
    later_.after_count = 2;
  }
  Moves(const Moves &) = delete;
  ~Moves() { close(eventfd_); }

  /** Returns: how many calls did as they should, of 7 * kRounds. */
  int Make(aml_dma *dma) {
    int right = 0;
    for (int round = 0; round < kRounds; ++round) {
      const aml_dma_transfer batch[] = {{&requests_[0], &pair_.dst, &pair_.src, &options_},
                                        {&requests_[1], &other_.dst, &other_.src, &options_},
                                        {&requests_[2], &pair_.src, &pair_.dst, &later_}};
      aml_dma_request *const all[] = {&requests_[0], &requests_[1], &requests_[2]};
      size_t taken = 0;
      size_t index = 0;
      right += aml_dma_submit_many(dma, 3, batch, &taken) == 0 && taken == 3;
      right += aml_dma_cancel(&requests_[2]) == -AML_EBUSY;
      right += aml_dma_wait_any(3, all, &index) == 0 && aml_dma_wait(&requests_[index]) == 0;
      right += aml_dma_barrier(dma) == 0 && aml_dma_wait(&requests_[2]) == 0;
      // Another's memory, half of it, and one of which another failed.
      right += aml_dma_copy(dma, &shared_tile_, &pair_.src, nullptr) == -AML_ENOTSUP;
      right += aml_dma_copy(dma, &half_, &other_half_, nullptr) == -AML_ENOTSUP;
      requests_[0].result = -AML_EIO;
      right += aml_dma_copy(dma, &pair_.dst, &pair_.src, &later_) == -AML_ECANCELED;
    }
    return right;
  }
  int notices() const { return notices_; }
  uint64_t signals() const {
    uint64_t count = 0;
    return read(eventfd_, &count, sizeof count) == sizeof count ? count : 0;
  }

private:
  TilePair pair_;
  TilePair other_;
  Mapped shared_{kSize, MAP_SHARED | MAP_ANONYMOUS};
  const aml_tile shared_tile_ = shared_.tile();
  const aml_tile half_ = aml_tile_bytes(pair_.to.data(), kSize / 2);
  const aml_tile other_half_ = aml_tile_bytes(pair_.from.data(), kSize / 2);
  int notices_ = 0;
  int eventfd_ = eventfd(0, EFD_CLOEXEC);
  aml_dma_plan plan_{};
  aml_dma_options options_{};
  aml_dma_options later_{};
  aml_dma_request requests_[3]{};
  aml_dma_request *before_[2] = {&requests_[0], &requests_[1]};
};

constexpr unsigned kButMoves = Taken::kMemoryAndThreads & ~unsigned{AML_FAULT_MREMAP};

// Where the kernel is asked for a mapping, and where all are read as text.
TEST_F(DmaRemap, MovesAndRefusalsTakeNoMemoryAndNoThreads) {
  for (const bool is_text : {false, true}) {
    AML_DMA_REMAP_DECL(dma);
    aml_fault_system_arm(AML_FAULT_IOCTL, is_text ? 1 : 0, ENOTTY);
    ASSERT_EQ(0, aml_dma_remap_init(dma, nullptr));
    (void)aml_fault_system_disarm();
    Moves moves;
    const aml_fault_held before = aml_fault_system_held();
    const Taken moved(AML_FAULT_MREMAP);
    const Taken taken(kButMoves);
    const int right = moves.Make(dma);
    taken.ExpectNothing();
    EXPECT_EQ(size_t{3 * Moves::kRounds}, moved.calls());
    ExpectHeld(before);
    EXPECT_EQ(7 * Moves::kRounds, right) << aml_error_detail();
    EXPECT_EQ(2 * Moves::kRounds, moves.notices());
    EXPECT_EQ(uint64_t{2 * Moves::kRounds}, moves.signals());
    aml_dma_fini(dma);
  }
}

TEST_F(DmaRemap, WhereTheKernelMovesNothingNoMemoryIsTaken) {
  TilePair pair;
  for (aml_dma *dma : {over_, alone_}) {
    const aml_fault_held before = aml_fault_system_held();
    const Taken mapped(AML_FAULT_MMAP); // in vain, as nothing is missing
    const Taken taken(kButMoves & ~unsigned{AML_FAULT_MMAP});
    aml_fault_system_arm(AML_FAULT_MREMAP, 1, ENOMEM);
    const int err = aml_dma_copy(dma, &pair.dst, &pair.src, nullptr);
    EXPECT_EQ(1u, aml_fault_system_disarm().failed);
    taken.ExpectNothing();
    EXPECT_EQ(1u, mapped.calls());
    ExpectHeld(before);
    EXPECT_EQ(dma == over_ ? 0 : -AML_ENOMEM, err);
  }
}

} // namespace
