// SPDX-License-Identifier: BSD-3-Clause
//
// dma:file in a process that forks while it is used. Transfers are held up by reading from a pipe,
// which rings can; it is linked with --wrap for preadv, so that threads can too.

#include <gtest/gtest.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <deque>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/file.h"
#include "aml/dma/file_testing.h"
#include "aml/dma/fork_testing.h"
#include "aml/tests/fault/system.h"

// The linker makes these names up.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
ssize_t __real_preadv(int descriptor, const iovec *vectors, int count, off_t offset);

ssize_t __wrap_preadv(int descriptor, const iovec *vectors, int count, off_t offset) {
  const ssize_t result = __real_preadv(descriptor, vectors, count, offset);
  return result < 0 && errno == ESPIPE ? readv(descriptor, vectors, count) : result;
}
}
// NOLINTEND(bugprone-reserved-identifier)

namespace {

using namespace aml_testing;
using Bytes = std::vector<unsigned char>;

enum { kSize = 100000 };

// A pipe that is read from like a file: for as long as nobody writes to it.
class Gate {
public:
  Gate() : ends_(Make()), area_(ends_[0]) {}
  ~Gate() {
    close(ends_[0]);
    close(ends_[1]);
  }
  Gate(const Gate &) = delete;

  // Submits the request that is held up, and waits until a thread or a ring has it.
  void Shut(aml_dma *dma) {
    ASSERT_EQ(0, aml_dma_submit(dma, &request, &dst_, &src_, nullptr)) << aml_error_detail();
    while (aml_dma_request_state(&request) == AML_DMA_PENDING)
      std::this_thread::yield();
  }
  void Open() const { ASSERT_EQ(kBytes, write(ends_[1], kText, kBytes)); }
  bool HasCome() const { return std::equal(bytes_, bytes_ + kBytes, kText); }

  aml_dma_request request{};

private:
  struct Ends {
    int end[2];
    int operator[](int i) const { return end[i]; }
  };
  static Ends Make() {
    Ends ends{};
    EXPECT_EQ(0, pipe(ends.end));
    return ends;
  }

  static constexpr ssize_t kBytes = 8;
  static constexpr char kText[] = "let go!";
  Ends ends_;
  DescriptorArea area_;
  char bytes_[kBytes] = {};
  aml_tile dst_ = aml_tile_bytes(bytes_, kBytes);
  aml_tile src_ = area_.Bytes(0, kBytes);
};

// A request that reads a file, and what it is to come to.
struct Reading {
  Reading(File *file, Bytes its_contents)
      : contents(std::move(its_contents)), to(contents.size()),
        dst(aml_tile_bytes(to.data(), to.size())), src((*file)->Bytes(0, to.size())) {}
  Reading(const Reading &) = delete;

  int Submit(aml_dma *dma) { return aml_dma_submit(dma, &request, &dst, &src, nullptr); }
  bool HasHappened() const { return to == contents; }

  Bytes contents;
  Bytes to;
  aml_tile dst;
  aml_tile src;
  aml_dma_request request{};
};

class DmaFileFork : public testing::TestWithParam<aml_dma_file_backend> {
protected:
  void SetUp() override {
    for (size_t i = 0; i < kSize; ++i)
      contents_[i] = static_cast<unsigned char>(i * 7 + i / 256);
    file_.Write(contents_, 0);
    aml_dma *dma = nullptr;
    const aml_dma_file_options options = Options();
    if (aml_dma_file_create(&dma, &options) == -AML_ENOTSUP)
      GTEST_SKIP() << aml_error_detail();
    aml_dma_destroy(&dma); // the first maps a page that stays
  }

  // One thing at a time, so that all else is behind what is held up.
  static aml_dma_file_options Options(size_t at_once = 1) {
    aml_dma_file_options options = {};
    options.backend = GetParam();
    options.direct = AML_DMA_FILE_DIRECT_IF_POSSIBLE;
    options.depth = options.threads = at_once;
    options.piece_size = 4096;
    return options;
  }

  // What is wrong with one that a child makes, beside one of its parent.
  static std::string UseOwn(aml_dma_request *parents) {
    const OwnedDma dma = CreateFileDma(Options(2));
    return Use(dma.get(), parents);
  }

  Bytes contents_ = Bytes(kSize);
  File file_{0};
};

INSTANTIATE_TEST_SUITE_P(Each, DmaFileFork,
                         testing::Values(AML_DMA_FILE_URING, AML_DMA_FILE_THREADS),
                         [](const testing::TestParamInfo<aml_dma_file_backend> &choice) {
                           return choice.param == AML_DMA_FILE_URING ? "Uring" : "Threads";
                         });

TEST_P(DmaFileFork, AChildIsRefusedAndMakesItsOwn) {
  Gate gate;
  const aml_fault_held before = aml_fault_system_held();
  const size_t descriptors = CountDescriptors();
  OwnedDma dma = CreateFileDma(Options());
  AwaitSleep();
  gate.Shut(dma.get());
  std::deque<Reading> queued;
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(0, queued.emplace_back(&file_, contents_).Submit(dma.get())) << aml_error_detail();
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ("", InAChild([&] {
                std::string wrong = AskInVain(dma.get(), &gate.request);
                wrong += AskInVain(dma.get(), &queued[0].request);
                wrong += UseOwn(&queued[1].request);
                dma.reset();
                const aml_fault_held now = aml_fault_system_held();
                if (now.blocks != before.blocks || now.mapped_size != before.mapped_size)
                  wrong += "the child still has memory of the dma; ";
                if (CountDescriptors() != descriptors + 1) // and the one by which it tells this
                  wrong += "the child still has descriptors of the dma; ";
                return wrong;
              }));
  gate.Open();
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(0, queued.emplace_back(&file_, contents_).Submit(dma.get())) << aml_error_detail();
  EXPECT_EQ(0, aml_dma_wait(&gate.request)) << aml_error_detail();
  EXPECT_TRUE(gate.HasCome());
  for (Reading &reading : queued) {
    EXPECT_EQ(0, aml_dma_wait(&reading.request)) << aml_error_detail();
    EXPECT_TRUE(reading.HasHappened());
  }
}

TEST_P(DmaFileFork, AChildThatEndsWithoutEndingTheDmaDisturbsNothing) {
  Gate gate;
  const OwnedDma dma = CreateFileDma(Options());
  AwaitSleep();
  gate.Shut(dma.get());
  EXPECT_EQ("", InAChild([&] { return AskInVain(dma.get(), &gate.request); }));
  gate.Open();
  EXPECT_EQ(0, aml_dma_wait(&gate.request)) << aml_error_detail();
  EXPECT_TRUE(gate.HasCome());
}

TEST_P(DmaFileFork, AChildOfThreadsInMidCallIsRefused) {
  Gate gate;
  OwnedDma dma = CreateFileDma(Options(3));
  AwaitSleep();
  gate.Shut(dma.get());
  std::deque<Reading> readings;
  for (int i = 0; i < 15; ++i)
    readings.emplace_back(&file_, contents_);
  Crowd crowd(dma.get(), &readings);
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ("", InAChild([&] {
                std::string wrong = AskInVain(dma.get(), &gate.request);
                wrong += UseOwn(&gate.request);
                dma.reset();
                return wrong;
              }));
  EXPECT_EQ(0u, crowd.Stop());
  gate.Open();
  EXPECT_EQ(0, aml_dma_wait(&gate.request)) << aml_error_detail();
}

} // namespace
