// SPDX-License-Identifier: BSD-3-Clause

#include "aml/dma/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "aml/area/file.h"
#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/file_testing.h"
#include "aml/dma/inner_testing.h"
#include "aml/tests/support/laid_tile.h"

namespace {

using namespace aml_testing;
using testing::HasSubstr;
/** Tiles of the same extents, and where in a file the bytes of one of them or both begin. */
struct Pair {
  Pair(std::mt19937 *random, size_t most) : Pair(random, Sizes(random, most)) {}

  std::pair<size_t, Extents> sizes;
  LaidTile dst;
  LaidTile src;
  size_t offset;

private:
  Pair(std::mt19937 *random, const std::pair<size_t, Extents> &its_sizes)
      : sizes(its_sizes), dst(sizes.second, sizes.first, OneOf(random), *random, Gap(random)),
        src(sizes.second, sizes.first, OneOf(random, true), *random, Gap(random)),
        offset((*random)() % 9000) {}

  static Lie OneOf(std::mt19937 *random, bool may_stand_still = false) {
    return static_cast<Lie>((*random)() % (may_stand_still ? 4 : 3));
  }
  static size_t Gap(std::mt19937 *random) { return (*random)() % 2 == 0 ? 20 : 600; }
  static std::pair<size_t, Extents> Sizes(std::mt19937 *random, size_t most) {
    const size_t element_size = std::array<size_t, 6>{1, 3, 8, 16, 100, 3000}[(*random)() % 6];
    Extents extent(1 + (*random)() % 3);
    for (size_t &it : extent)
      it = 1 + (*random)() % (element_size > 50 ? 8 : most);
    return {element_size, extent};
  }
};

/** A laid out tile as one of a file whose contents from `offset` on are its bytes. */
aml_tile InFile(const LaidTile &laid, uint64_t offset, aml_area *area) {
  aml_tile tile = laid.tile();
  tile.base = DescriptorArea::At(offset + laid.BaseOffset());
  tile.area = area;
  return tile;
}

Bytes RandomBytes(std::mt19937 *random, size_t size) {
  Bytes bytes(size);
  for (unsigned char &byte : bytes)
    byte = static_cast<unsigned char>((*random)());
  return bytes;
}

using Choice = std::tuple<aml_dma_file_backend, aml_dma_file_direct>;

class DmaFile : public testing::TestWithParam<Choice> {
protected:
  void SetUp() override {
    options_.backend = std::get<0>(GetParam());
    options_.direct = std::get<1>(GetParam());
    aml_dma *dma = nullptr;
    if (aml_dma_file_create(&dma, &options_) == -AML_ENOTSUP)
      GTEST_SKIP() << aml_error_detail();
    dma_.reset(dma);
  }

  /** One with small pieces, of which some are under way at once. */
  OwnedDma Small(std::mt19937 *random) {
    aml_dma_file_options options = options_;
    options.piece_size = std::array<size_t, 3>{4096, 12288, 1 << 20}[(*random)() % 3];
    options.depth = 1 + (*random)() % 5;
    options.threads = 1 + (*random)() % 3;
    options.sieve_percent = std::array<size_t, 3>{0, 1, 101}[(*random)() % 3];
    return CreateFileDma(options);
  }

  aml_dma_file_options options_{};
  OwnedDma dma_;
};

INSTANTIATE_TEST_SUITE_P(
    Each, DmaFile,
    testing::Combine(testing::Values(AML_DMA_FILE_URING, AML_DMA_FILE_THREADS),
                     testing::Values(AML_DMA_FILE_BUFFERED, AML_DMA_FILE_DIRECT_IF_POSSIBLE)),
    [](const testing::TestParamInfo<Choice> &choice) {
      return std::string(std::get<0>(choice.param) == AML_DMA_FILE_URING ? "Uring" : "Threads") +
             (std::get<1>(choice.param) == AML_DMA_FILE_BUFFERED ? "Buffered" : "Direct");
    });

TEST_P(DmaFile, ReadsAnyTile) {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    const OwnedDma dma = Small(&random);
    const Pair it(&random, 40);
    // Up to the last byte of the tile.
    File file(it.offset);
    file.Write(it.src.bytes(), it.offset);
    ASSERT_EQ(
        0, ftruncate(file.descriptor(), DescriptorArea::EndOf(InFile(it.src, it.offset, nullptr))));
    const Bytes expected = it.dst.CopiedFrom(it.src);
    const aml_tile src = InFile(it.src, it.offset, file->area());
    ASSERT_EQ(0, aml_dma_copy(dma.get(), &it.dst.tile(), &src, nullptr)) << aml_error_detail();
    ASSERT_TRUE(expected == it.dst.bytes()) << round;
  }
}

TEST_P(DmaFile, WritesAnyTileAndNothingElse) {
  std::mt19937 random(2);
  for (int round = 0; round < 60; ++round) {
    const OwnedDma dma = Small(&random);
    const Pair it(&random, 40);
    File file(it.offset);
    file.Write(it.dst.bytes(), it.offset);
    const Bytes expected = it.dst.CopiedFrom(it.src);
    const aml_tile dst = InFile(it.dst, it.offset, file->area());
    ASSERT_EQ(0, aml_dma_copy(dma.get(), &dst, &it.src.tile(), nullptr)) << aml_error_detail();
    ASSERT_TRUE(expected == file.Read(it.offset)) << round;
  }
}

TEST_P(DmaFile, CopiesAnyTileFromFileToFile) {
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    const OwnedDma dma = Small(&random);
    const Pair it(&random, 10);
    const size_t behind = it.offset + it.src.bytes().size();
    File file(0);
    File other(0);
    const File &target = round % 2 == 0 ? file : other;
    file.Write(it.src.bytes(), it.offset);
    target.Write(it.dst.bytes(), behind);
    const Bytes expected = it.dst.CopiedFrom(it.src);
    const aml_tile dst = InFile(it.dst, behind, (round % 2 == 0 ? file : other)->area());
    const aml_tile src = InFile(it.src, it.offset, file->area());
    ASSERT_EQ(0, aml_dma_copy(dma.get(), &dst, &src, nullptr)) << aml_error_detail();
    ASSERT_TRUE(expected == target.Read(behind)) << round;
  }
}

TEST_P(DmaFile, OffsetsAndSizesNeedNoAlignment) {
  std::mt19937 random(4);
  const size_t size = 1 << 16;
  File file(size);
  Bytes contents = RandomBytes(&random, size);
  file.Write(contents, 0);
  for (const size_t offset : {0, 1, 511, 4095, 4096, 4097})
    for (const size_t length : {1, 4095, 4096, 4097, 8192, 16385}) {
      Bytes memory(length + 1);
      const aml_tile dst = aml_tile_bytes(memory.data() + 1, length);
      const aml_tile there = file->Bytes(offset, length);
      ASSERT_EQ(0, aml_dma_copy(dma_.get(), &dst, &there, nullptr)) << aml_error_detail();
      ASSERT_TRUE(std::equal(memory.begin() + 1, memory.end(), contents.data() + offset));
      std::generate(memory.begin(), memory.end(), random);
      ASSERT_EQ(0, aml_dma_copy(dma_.get(), &there, &dst, nullptr)) << aml_error_detail();
      std::copy(memory.begin() + 1, memory.end(), contents.data() + offset);
      ASSERT_TRUE(contents == file.Read(0)) << offset << " " << length;
    }
}

TEST_P(DmaFile, AFileThatEndsTooSoonIsNamed) {
  File file(5000);
  Bytes memory(8192);
  const aml_tile dst = aml_tile_bytes(memory.data(), memory.size());
  const aml_tile src = file->Bytes(0, memory.size());
  EXPECT_EQ(-AML_EIO, aml_dma_copy(dma_.get(), &dst, &src, nullptr));
  EXPECT_THAT(aml_error_detail(), HasSubstr("ends at offset 5000, before the tile"));
  EXPECT_THAT(aml_error_detail(), HasSubstr("aml-dma-file-"));
  // Also where it ends before the tile begins.
  const aml_tile behind = file->Bytes(99999, memory.size());
  EXPECT_EQ(-AML_EIO, aml_dma_copy(dma_.get(), &dst, &behind, nullptr));
  EXPECT_THAT(aml_error_detail(), HasSubstr("ends at offset 5000, before the tile"));
}

TEST_P(DmaFile, WhatEndsAtAnUnknownOffsetIsTold) {
  const int null = open("/dev/null", O_RDONLY);
  ASSERT_GE(null, 0);
  DescriptorArea area(null);
  Bytes memory(100);
  const aml_tile dst = aml_tile_bytes(memory.data(), memory.size());
  const aml_tile src = area.Bytes(12, memory.size());
  EXPECT_EQ(-AML_EIO, aml_dma_copy(dma_.get(), &dst, &src, nullptr));
  EXPECT_THAT(aml_error_detail(), HasSubstr("/dev/null had nothing to read at offset 12"));
  close(null);
}

TEST_P(DmaFile, AFullDiskIsForWait) {
  const int full = open("/dev/full", O_WRONLY);
  if (full < 0)
    GTEST_SKIP() << "no /dev/full here";
  DescriptorArea area(full);
  Bytes memory(5000);
  const aml_tile dst = area.Bytes(12, memory.size());
  const aml_tile src = aml_tile_bytes(memory.data(), memory.size());
  aml_dma_request request = {};
  ASSERT_EQ(0, aml_dma_submit(dma_.get(), &request, &dst, &src, nullptr));
  EXPECT_EQ(-AML_ENOSPC, aml_dma_wait(&request));
  EXPECT_THAT(aml_error_detail(), HasSubstr("write /dev/full at offset 12: No space left"));
  close(full);
}

TEST_P(DmaFile, AFileThatWouldGrowTooLargeIsNoSignal) {
  rlimit before;
  ASSERT_EQ(0, getrlimit(RLIMIT_FSIZE, &before));
  File file(0);
  Bytes memory(5000);
  const aml_tile dst = file->Bytes(uint64_t{1} << 30, memory.size());
  const aml_tile src = aml_tile_bytes(memory.data(), memory.size());
  const rlimit small = {rlim_t{1} << 20, before.rlim_max};
  ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &small));
  // Made under the limit, as a ring passes on that of the thread that made it.
  EXPECT_EQ(-AML_ENOSPC, aml_dma_copy(CreateFileDma(options_).get(), &dst, &src, nullptr));
  EXPECT_EQ(0, setrlimit(RLIMIT_FSIZE, &before));
}

TEST_P(DmaFile, ADescriptorThatMayNotIsReported) {
  File file(4096, O_RDONLY);
  Bytes memory(4096);
  const aml_tile there = file->Bytes(0, memory.size());
  const aml_tile here = aml_tile_bytes(memory.data(), memory.size());
  EXPECT_EQ(-AML_EINVAL, aml_dma_copy(dma_.get(), &there, &here, nullptr));
  EXPECT_THAT(aml_error_detail(), HasSubstr("at offset 0: Bad file descriptor"));
  EXPECT_EQ(0, aml_dma_copy(dma_.get(), &here, &there, nullptr)) << aml_error_detail();
}

TEST_P(DmaFile, WhatIsNoFileOrNoPlaceInItIsRefused) {
  File file(8192);
  File appended(8192, O_RDWR | O_APPEND);
  Bytes memory(4096);
  const aml_tile here = aml_tile_bytes(memory.data(), memory.size());
  const aml_tile low = file->Bytes(0, 4096);
  const aml_tile high = file->Bytes(100, 4096);
  const aml_tile end = appended->Bytes(0, 4096);
  EXPECT_EQ(-AML_ENOTSUP, aml_dma_copy(dma_.get(), &end, &here, nullptr));
  EXPECT_THAT(aml_error_detail(), HasSubstr("O_APPEND"));
  EXPECT_EQ(-AML_EINVAL, aml_dma_copy(dma_.get(), &low, &high, nullptr));
  EXPECT_THAT(aml_error_detail(), HasSubstr("dst overlaps src"));
  EXPECT_EQ(0, aml_dma_copy(dma_.get(), &low, &low, nullptr));
  aml_dma_options options = {};
  options.flags = AML_DMA_OVERLAP;
  EXPECT_EQ(-AML_ENOTSUP, aml_dma_copy(dma_.get(), &low, &high, &options));
  aml_dma_operation operation = {};
  operation.run = [](void *, const void *, size_t, void *) { return 0; };
  options = {};
  options.operation = &operation;
  EXPECT_EQ(-AML_ENOTSUP, aml_dma_copy(dma_.get(), &here, &low, &options));
  const size_t extent[] = {4096};
  aml_tile backwards = low;
  ASSERT_EQ(0, aml_tile_dense(&backwards, low.area, low.base, 1, 1, extent, AML_ORDER_ROW));
  backwards.stride_bytes[0] = -1;
  EXPECT_EQ(-AML_EINVAL, aml_dma_copy(dma_.get(), &here, &backwards, nullptr));
  EXPECT_THAT(aml_error_detail(), HasSubstr("src begins before its file"));
}

TEST_P(DmaFile, AMappedFileIsReadAndWrittenByItsDescriptor) {
  const std::string folder = testing::TempDir();
  aml_area_file_options options = {};
  options.kind = AML_AREA_FILE_TEMPORARY;
  options.path = folder.c_str();
  aml_area *area = nullptr;
  ASSERT_EQ(0, aml_area_file_create(&area, &options)) << aml_error_detail();
  auto *const mapped = static_cast<unsigned char *>(aml_area_map(area, 1 << 20, nullptr));
  ASSERT_NE(nullptr, mapped) << aml_error_detail();
  std::mt19937 random(5);
  const Bytes from = RandomBytes(&random, 100001);
  Bytes to(from.size());
  aml_tile there = aml_tile_bytes(mapped + 77, from.size());
  there.area = area;
  const aml_tile src = aml_tile_bytes(const_cast<unsigned char *>(from.data()), from.size());
  const aml_tile dst = aml_tile_bytes(to.data(), to.size());
  ASSERT_EQ(0, aml_dma_copy(dma_.get(), &there, &src, nullptr)) << aml_error_detail();
  EXPECT_TRUE(std::equal(from.begin(), from.end(), mapped + 77));
  ASSERT_EQ(0, aml_dma_copy(dma_.get(), &dst, &there, nullptr)) << aml_error_detail();
  EXPECT_TRUE(from == to);
  EXPECT_EQ(0, aml_area_unmap(area, mapped, 1 << 20));
  aml_area_destroy(&area);
}

TEST_P(DmaFile, WhatComesAfterAWriteReadsIt) {
  File file(1 << 20);
  Bytes from(300000);
  Bytes to(from.size());
  for (unsigned char round = 1; round < 20; ++round) {
    std::fill(from.begin(), from.end(), round);
    const aml_tile src = aml_tile_bytes(from.data(), from.size());
    const aml_tile there = file->Bytes(round, from.size());
    const aml_tile dst = aml_tile_bytes(to.data(), to.size());
    aml_dma_request requests[2] = {};
    aml_dma_request *const first[] = {&requests[0]};
    aml_dma_options options = {};
    options.after = first;
    options.after_count = 1;
    ASSERT_EQ(0, aml_dma_submit(dma_.get(), &requests[0], &there, &src, nullptr));
    ASSERT_EQ(0, aml_dma_submit(dma_.get(), &requests[1], &dst, &there, &options));
    ASSERT_EQ(0, aml_dma_wait(&requests[1])) << aml_error_detail();
    ASSERT_TRUE(from == to);
  }
}

TEST_P(DmaFile, RequestsThatShareAPageMayWriteItAtOnce) {
  enum { kRequests = 32, kSize = 33000 };
  File file(size_t{kRequests} * kSize);
  Bytes from(size_t{kRequests} * kSize);
  for (unsigned char round = 1; round < 20; ++round) {
    std::fill(from.begin(), from.end(), round);
    aml_dma_request requests[kRequests] = {};
    for (size_t i = 0; i < kRequests; ++i) {
      const aml_tile src = aml_tile_bytes(from.data() + i * kSize, kSize);
      const aml_tile there = file->Bytes(i * kSize, kSize);
      ASSERT_EQ(0, aml_dma_submit(dma_.get(), &requests[i], &there, &src, nullptr));
    }
    for (aml_dma_request &request : requests)
      ASSERT_EQ(0, aml_dma_wait(&request)) << aml_error_detail();
    ASSERT_TRUE(from == file.Read(0));
    // What the disk holds, too.
    ASSERT_EQ(0, fdatasync(file.descriptor()));
    (void)posix_fadvise(file.descriptor(), 0, 0, POSIX_FADV_DONTNEED);
    ASSERT_TRUE(from == file.Read(0));
  }
}

TEST_P(DmaFile, ThreadsThatReadWriteAndCancelLoseNothing) {
  enum { kThreads = 8, kRequests = 40, kSize = 20000 };
  options_.queue_size = 16;
  options_.piece_size = 8192;
  OwnedDma dma = CreateFileDma(options_);
  File file(size_t{kThreads} * kRequests * kSize);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      Bytes from(kSize);
      Bytes to(kSize);
      for (int i = 0; i < kRequests; ++i) {
        std::fill(from.begin(), from.end(), static_cast<unsigned char>(1 + (t * 31 + i) % 255));
        const aml_tile src = aml_tile_bytes(from.data(), kSize);
        const aml_tile dst = aml_tile_bytes(to.data(), kSize);
        const aml_tile there = file->Bytes(
            (static_cast<size_t>(i) * kThreads + static_cast<size_t>(t)) * kSize, kSize);
        aml_dma_request request = {};
        wrong += aml_dma_submit(dma.get(), &request, &there, &src, nullptr) != 0;
        const bool is_canceled = i % 3 == 0 && aml_dma_cancel(&request) == 0;
        wrong += aml_dma_wait(&request) != (is_canceled ? -AML_ECANCELED : 0);
        wrong += aml_dma_copy(dma.get(), &dst, &there, nullptr) != 0;
        wrong += to != (is_canceled ? Bytes(kSize) : from);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(0, wrong);
}

/** A request of another dma that is not done until it is let go. */
class Gate {
public:
  Gate() {
    operation_.argument = &is_open_;
    operation_.run = [](void *, const void *, size_t, void *argument) {
      while (!*static_cast<std::atomic<bool> *>(argument))
        std::this_thread::yield();
      return 0;
    };
    options_.operation = &operation_;
    EXPECT_EQ(0, aml_dma_submit(InnerParallel::Get(), &request_, &a_, &b_, &options_));
  }
  ~Gate() {
    Open();
    EXPECT_EQ(0, aml_dma_wait(&request_));
  }
  Gate(const Gate &) = delete;

  void Open() { is_open_ = true; }
  aml_dma_request *request() { return &request_; }

private:
  std::atomic<bool> is_open_{false};
  char bytes_[2] = {};
  aml_tile a_ = aml_tile_bytes(&bytes_[0], 1);
  aml_tile b_ = aml_tile_bytes(&bytes_[1], 1);
  aml_dma_operation operation_{};
  aml_dma_options options_{};
  aml_dma_request request_{};
};

TEST_P(DmaFile, AFullQueueIsToldToWhoTries) {
  options_.queue_size = 1;
  OwnedDma dma = CreateFileDma(options_);
  char bytes[2] = {};
  const aml_tile a = aml_tile_bytes(&bytes[0], 1);
  const aml_tile b = aml_tile_bytes(&bytes[1], 1);
  // What waits for a request of another dma takes its place in the queue.
  Gate gate;
  aml_dma_request *const first[] = {gate.request()};
  aml_dma_options options = {};
  options.after = first;
  options.after_count = 1;
  aml_dma_request held = {};
  aml_dma_request more = {};
  ASSERT_EQ(0, aml_dma_submit(dma.get(), &held, &a, &b, &options));
  options.flags = AML_DMA_TRY;
  EXPECT_EQ(-AML_EAGAIN, aml_dma_submit(dma.get(), &more, &a, &b, &options));
  gate.Open();
  EXPECT_EQ(0, aml_dma_wait(&held));
  EXPECT_EQ(0, aml_dma_submit(dma.get(), &more, &a, &b, &options));
  EXPECT_EQ(0, aml_dma_wait(&more));
}

/** Who submits a second request when a first one is done. */
struct Successor {
  aml_dma *dma;
  aml_tile dst;
  aml_tile src;
  aml_dma_request request{};
  int err = 1;
};

TEST_P(DmaFile, AFullQueueIsToldToTheNotifyOfACanceledRequest) {
  options_.queue_size = 2;
  OwnedDma dma = CreateFileDma(options_);
  // No two requests write the same byte, since they may run at once.
  char bytes[4] = {};
  const aml_tile src = aml_tile_bytes(&bytes[0], 1);
  const aml_tile dst[] = {aml_tile_bytes(&bytes[1], 1), aml_tile_bytes(&bytes[2], 1)};
  Successor next = {dma.get(), aml_tile_bytes(&bytes[3], 1), src};
  Gate gate;
  aml_dma_request *const first[] = {gate.request()};
  aml_dma_options options = {};
  options.after = first;
  options.after_count = 1;
  // Of two, one at most is begun.
  aml_dma_request held[2] = {};
  ASSERT_EQ(0, aml_dma_submit(dma.get(), &held[0], &dst[0], &src, &options));
  aml_dma_options second = options;
  second.notify_argument = &next;
  second.notify = [](aml_dma_request *, void *argument) {
    auto *const it = static_cast<Successor *>(argument);
    it->err = aml_dma_submit(it->dma, &it->request, &it->dst, &it->src, nullptr);
  };
  ASSERT_EQ(0, aml_dma_submit(dma.get(), &held[1], &dst[1], &src, &second));
  ASSERT_EQ(0, aml_dma_cancel(&held[1])) << aml_error_detail();
  EXPECT_EQ(-AML_EAGAIN, next.err);
  // Only while it is called: who cancels may wait for room again.
  EXPECT_EQ(-AML_ECANCELED, aml_dma_wait(&held[1]));
  EXPECT_EQ(0, aml_dma_submit(dma.get(), &next.request, &next.dst, &next.src, nullptr));
  gate.Open();
  EXPECT_EQ(0, aml_dma_submit(dma.get(), &held[1], &dst[1], &src, nullptr));
  EXPECT_EQ(0, aml_dma_wait(&held[0]));
  EXPECT_EQ(0, aml_dma_wait(&held[1]));
  EXPECT_EQ(0, aml_dma_wait(&next.request));
}

TEST_P(DmaFile, WhatComesAfterRequestsThatAreDoneWaitsForNoOther) {
  File file(100000);
  Bytes from(50000, 7);
  Bytes to(from.size());
  const aml_tile src = aml_tile_bytes(from.data(), from.size());
  const aml_tile there = file->Bytes(11, from.size());
  const aml_tile dst = aml_tile_bytes(to.data(), to.size());
  const aml_tile missing = file->Bytes(200000, to.size());
  // Held for as long as all else lasts.
  Gate gate;
  aml_dma_request held = {};
  aml_dma_request *const shut[] = {gate.request()};
  aml_dma_options after_gate = {};
  after_gate.after = shut;
  after_gate.after_count = 1;
  char bytes[2] = {};
  const aml_tile a = aml_tile_bytes(&bytes[0], 1);
  const aml_tile b = aml_tile_bytes(&bytes[1], 1);
  ASSERT_EQ(0, aml_dma_submit(dma_.get(), &held, &a, &b, &after_gate));
  // After one under way, after that, and after one that is done or has failed.
  aml_dma_request requests[4] = {};
  aml_dma_options options[4] = {};
  aml_dma_request *before[] = {&requests[0], &requests[1], &requests[2]};
  for (size_t i = 1; i < 4; ++i) {
    options[i].after = &before[i - 1];
    options[i].after_count = 1;
  }
  for (int round = 0; round < 50; ++round) {
    ASSERT_EQ(0, aml_dma_submit(dma_.get(), &requests[0], &there, &src, nullptr));
    ASSERT_EQ(0, aml_dma_submit(dma_.get(), &requests[1], &dst, &there, &options[1]));
    ASSERT_EQ(0, aml_dma_submit(dma_.get(), &requests[2], &dst, &missing, &options[2]));
    if (round % 2 == 0) {
      EXPECT_EQ(-AML_EIO, aml_dma_wait(&requests[2]));
    }
    ASSERT_EQ(0, aml_dma_submit(dma_.get(), &requests[3], &a, &b, &options[3]));
    EXPECT_EQ(-AML_ECANCELED, aml_dma_wait(&requests[3]));
    EXPECT_THAT(aml_error_detail(), HasSubstr("a request that it comes after failed"));
    EXPECT_EQ(-AML_EIO, aml_dma_wait(&requests[2]));
    EXPECT_EQ(0, aml_dma_wait(&requests[1])) << aml_error_detail();
    EXPECT_EQ(0, aml_dma_wait(&requests[0])) << aml_error_detail();
  }
  EXPECT_TRUE(from == to);
  EXPECT_NE(AML_DMA_DONE, aml_dma_request_state(&held));
  gate.Open();
  EXPECT_EQ(0, aml_dma_wait(&held));
}

} // namespace
