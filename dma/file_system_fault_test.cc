// SPDX-License-Identifier: BSD-3-Clause
//
// dma:file without memory, threads, descriptors or io_uring, over transfers that fail and fall
// short, and how much memory it takes once it is made. It is linked with --wrap for preadv and
// pwritev, and for the calls by which io_uring is given transfers.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef AML_HAVE_URING
#include <liburing.h>
#endif

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/file.h"
#include "aml/dma/file_testing.h"
#include "aml/dma/taken_testing.h"
#include "aml/dma/threads_testing.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

/** What becomes of vectored transfers, in all threads. */
struct Weather {
  std::atomic<unsigned> calls{0};
  std::atomic<unsigned> every{0};        // which call an accident happens to; 0: none
  std::atomic<int> number{0};            // its errno; 0: it moves a single byte
  std::atomic<unsigned> spared_calls{0}; // how many come before
};
Weather weather;

bool HasAccident() {
  const unsigned call = ++weather.calls;
  return weather.every != 0 && call > weather.spared_calls && call % weather.every == 0;
}

/** Writes past the page cache, and those of them that are not of whole pages. */
struct DirectWrites {
  std::atomic<unsigned> all{0};
  std::atomic<unsigned> parted{0};
};
DirectWrites direct_writes;

/** Writes to descriptors that have other flags than these of O_SYNC and O_NOATIME. */
struct StrangeWrites {
  std::atomic<int> flags{0};
  std::atomic<unsigned> count{0};
};
StrangeWrites strange_writes;

void LookAtWrite(int descriptor, const iovec *vectors, int count, off_t offset) {
  const int flags = fcntl(descriptor, F_GETFL);
  strange_writes.count += (flags & (O_SYNC | O_NOATIME)) != strange_writes.flags;
  if ((flags & O_DIRECT) == 0)
    return;
  size_t bits = static_cast<size_t>(offset);
  for (int i = 0; i < count; ++i)
    bits |= vectors[i].iov_len;
  ++direct_writes.all;
  direct_writes.parted += bits % static_cast<size_t>(sysconf(_SC_PAGESIZE)) != 0;
}

/** Makes a transfer as the weather is; `real` moves vectors. */
template <class Real> ssize_t Transfer(const iovec *vectors, int count, Real real) {
  if (!HasAccident())
    return real(vectors, count);
  if (weather.number != 0) {
    errno = weather.number;
    return -1;
  }
  const iovec one = {vectors[0].iov_base, 1};
  return real(&one, 1);
}

#ifdef AML_HAVE_URING
/** Transfers of rings that are to fail. */
struct Doomed {
  std::mutex lock;
  std::set<uint64_t> data; // their user_data
};
Doomed doomed;

/** Makes a transfer that a ring is about to be given as the weather is. */
void Rain(io_uring_sqe *entry) {
  const bool is_write = entry->opcode == IORING_OP_WRITEV;
  if (entry->user_data == 0 || (!is_write && entry->opcode != IORING_OP_READV))
    return;
  const auto *const vectors = reinterpret_cast<const iovec *>(entry->addr);
  if (is_write)
    LookAtWrite(entry->fd, vectors, static_cast<int>(entry->len), static_cast<off_t>(entry->off));
  if (!HasAccident())
    return;
  if (weather.number != 0) {
    const uint64_t data = entry->user_data;
    io_uring_prep_nop(entry);
    entry->user_data = data;
    doomed.data.insert(data);
    return;
  }
  // The kernel has read them when the call returns.
  static iovec one[64];
  static size_t next;
  iovec *const it = &one[next++ % 64];
  *it = {vectors[0].iov_base, 1};
  entry->addr = reinterpret_cast<uintptr_t>(it);
  entry->len = 1;
}

void RainOnSubmitted(io_uring *ring) {
  const std::lock_guard<std::mutex> guard(doomed.lock);
  for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; ++i)
    Rain(&ring->sq.sqes[i & *ring->sq.kring_mask]);
}

void FailTheDoomed(io_uring *ring) {
  const std::lock_guard<std::mutex> guard(doomed.lock);
  unsigned head;
  io_uring_cqe *entry;
  io_uring_for_each_cqe(ring, head, entry) {
    if (doomed.data.erase(entry->user_data) != 0)
      entry->res = -weather.number;
  }
}
#endif

} // namespace

// The linker makes these names up.
// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" {
ssize_t __real_preadv(int descriptor, const iovec *vectors, int count, off_t offset);
ssize_t __real_pwritev(int descriptor, const iovec *vectors, int count, off_t offset);

ssize_t __wrap_preadv(int descriptor, const iovec *vectors, int count, off_t offset) {
  return Transfer(vectors, count, [=](const iovec *some, int size) {
    return __real_preadv(descriptor, some, size, offset);
  });
}

ssize_t __wrap_pwritev(int descriptor, const iovec *vectors, int count, off_t offset) {
  LookAtWrite(descriptor, vectors, count, offset);
  return Transfer(vectors, count, [=](const iovec *some, int size) {
    return __real_pwritev(descriptor, some, size, offset);
  });
}

#ifdef AML_HAVE_URING
int __real_io_uring_submit(io_uring *ring);
int __real_io_uring_submit_and_wait(io_uring *ring, unsigned count);

int __wrap_io_uring_submit(io_uring *ring) {
  RainOnSubmitted(ring);
  return __real_io_uring_submit(ring);
}

int __wrap_io_uring_submit_and_wait(io_uring *ring, unsigned count) {
  RainOnSubmitted(ring);
  const int result = __real_io_uring_submit_and_wait(ring, count);
  FailTheDoomed(ring);
  return result;
}
#endif
}
// NOLINTEND(bugprone-reserved-identifier)

namespace {

using namespace aml_testing;
using testing::HasSubstr;
using Bytes = std::vector<unsigned char>;

class DmaFileFault : public testing::TestWithParam<aml_dma_file_backend> {
protected:
  enum { kSize = 100000 };

  void SetUp() override {
    weather.calls = weather.every = weather.spared_calls = 0;
    weather.number = 0;
    aml_dma_file_options options = Options();
    options.piece_size = 8192;
    aml_dma *dma = nullptr;
    const int err = aml_dma_file_create(&dma, &options);
    if (err == -AML_ENOTSUP)
      GTEST_SKIP() << aml_error_detail();
    ASSERT_EQ(0, err) << aml_error_detail();
    dma_.reset(dma);
    for (size_t i = 0; i < kSize; ++i)
      memory_[i] = static_cast<unsigned char>(i * 7 + i / 256);
  }

  void TearDown() override { weather.every = 0; }

  static aml_dma_file_options Options() {
    aml_dma_file_options options = {};
    options.backend = GetParam();
    return options;
  }

  /** A square of rows in the file, of which many are moved by one call. */
  static aml_tile Rows(aml_tile bytes, size_t stride) {
    bytes.ndims = 2;
    bytes.extent[0] = kSize / 2500;
    bytes.extent[1] = 2500;
    bytes.stride_bytes[0] = static_cast<ptrdiff_t>(stride);
    bytes.stride_bytes[1] = 1;
    return bytes;
  }

  OwnedDma dma_;
  File file_{0};
  Bytes memory_ = Bytes(kSize);
};

INSTANTIATE_TEST_SUITE_P(Each, DmaFileFault,
                         testing::Values(AML_DMA_FILE_URING, AML_DMA_FILE_THREADS),
                         [](const testing::TestParamInfo<aml_dma_file_backend> &choice) {
                           return choice.param == AML_DMA_FILE_URING ? "Uring" : "Threads";
                         });

TEST_P(DmaFileFault, WhatSignalsCutShortIsContinued) {
  for (const int number : {EINTR, EAGAIN, 0}) {
    weather.number = number;
    weather.every = 2;
    Bytes back(kSize);
    Bytes apart(2 * kSize, 0xee);
    const aml_tile there = file_->Bytes(3, kSize);
    const aml_tile from = aml_tile_bytes(memory_.data(), kSize);
    const aml_tile to = aml_tile_bytes(back.data(), kSize);
    ASSERT_EQ(0, aml_dma_copy(dma_.get(), &there, &from, nullptr)) << aml_error_detail();
    ASSERT_EQ(0, aml_dma_copy(dma_.get(), &to, &there, nullptr)) << aml_error_detail();
    EXPECT_TRUE(memory_ == back) << number;
    // Several vectors in a call.
    const aml_tile rows = Rows(file_->Bytes(3, kSize), 2500);
    const aml_tile far = Rows(aml_tile_bytes(apart.data(), kSize), 5000);
    ASSERT_EQ(0, aml_dma_copy(dma_.get(), &far, &rows, nullptr)) << aml_error_detail();
    for (size_t i = 0; i < apart.size(); ++i)
      ASSERT_EQ(i % 5000 < 2500 ? memory_[i / 5000 * 2500 + i % 5000] : 0xee, apart[i]);
    EXPECT_GT(weather.calls, 30u);
  }
}

TEST_P(DmaFileFault, AFailureIsToldWithItsPlaceAndWhatCameBeforeStays) {
  file_.Write(memory_, 0);
  weather.number = EIO;
  weather.every = 1;
  weather.spared_calls = 5;
  aml_dma_file_options options = Options();
  options.piece_size = 8192;
  options.threads = options.depth = 1;
  const OwnedDma dma = CreateFileDma(options);
  Bytes back(kSize);
  const aml_tile there = file_->Bytes(0, kSize);
  const aml_tile to = aml_tile_bytes(back.data(), kSize);
  EXPECT_EQ(-AML_EIO, aml_dma_copy(dma.get(), &to, &there, nullptr));
  EXPECT_THAT(aml_error_detail(), HasSubstr("read "));
  EXPECT_THAT(aml_error_detail(), HasSubstr("at offset 40960: Input/output error"));
  EXPECT_TRUE(std::equal(back.begin(), back.begin() + 40960, memory_.begin()));
  EXPECT_EQ(Bytes(kSize - 40960), Bytes(back.begin() + 40960, back.end()));
  EXPECT_EQ(6u, weather.calls) << "nothing is begun after a failure";
  weather.every = 0;
  EXPECT_EQ(0, aml_dma_copy(dma.get(), &to, &there, nullptr)) << aml_error_detail();
  EXPECT_TRUE(memory_ == back);
}

TEST_P(DmaFileFault, AWriteThatMovesNothingIsAFailure) {
  weather.number = ENOSPC;
  weather.every = 1;
  const aml_tile there = file_->Bytes(10, kSize);
  const aml_tile from = aml_tile_bytes(memory_.data(), kSize);
  EXPECT_EQ(-AML_ENOSPC, aml_dma_copy(dma_.get(), &there, &from, nullptr));
  EXPECT_THAT(aml_error_detail(), HasSubstr("write "));
}

TEST_P(DmaFileFault, NoPageIsWrittenBothDirectlyAndThroughThePageCache) {
  aml_dma_file_options options = Options();
  options.direct = AML_DMA_FILE_DIRECT;
  options.piece_size = 65536;
  const OwnedDma dma = CreateFileDma(options);
  File source(200000);
  Bytes memory(200000 + 4096);
  char *const aligned =
      reinterpret_cast<char *>((reinterpret_cast<uintptr_t>(memory.data()) + 4095) / 4096 * 4096);
  // Pieces that end at none of any disk's sectors, at one of 512 bytes, and vectors of such.
  direct_writes.all = direct_writes.parted = 0;
  for (const size_t row : {3000, 2560, 20480}) {
    for (const size_t offset : {0, 512, 777}) {
      aml_tile there = file_->Bytes(offset, 180000);
      aml_tile from = source->Bytes(0, 180000);
      const int err = aml_dma_copy(dma.get(), &there, &from, nullptr);
      if (err == -AML_ENOTSUP)
        GTEST_SKIP() << "no O_DIRECT here";
      ASSERT_EQ(0, err) << aml_error_detail();
      from = aml_tile_bytes(aligned, 180000);
      for (aml_tile *tile : {&there, &from}) {
        tile->ndims = 2;
        tile->extent[0] = 180000 / (row + 512);
        tile->extent[1] = row;
        tile->stride_bytes[0] = static_cast<ptrdiff_t>(row + (tile == &from ? 512 : 0));
        tile->stride_bytes[1] = 1;
      }
      ASSERT_EQ(0, aml_dma_copy(dma.get(), &there, &from, nullptr)) << aml_error_detail();
    }
  }
  EXPECT_LT(20u, direct_writes.all);
  EXPECT_EQ(0u, direct_writes.parted);
}

/** A file that has a name. */
class NamedFile {
public:
  explicit NamedFile(size_t size) {
    const int descriptor = mkstemp(path_.data());
    EXPECT_EQ(0, ftruncate(descriptor, static_cast<off_t>(size))) << path_;
    close(descriptor);
  }
  ~NamedFile() { Unlink(); }
  NamedFile(const NamedFile &) = delete;

  int Open(int flags) const { return open(path_.c_str(), flags); }
  void Unlink() const { unlink(path_.c_str()); }

private:
  std::string path_ = testing::TempDir() + "aml-dma-named-XXXXXX";
};

TEST_P(DmaFileFault, WhatIsOpenedAgainWritesAsTheAreasDescriptorDoes) {
  aml_dma_file_options options = Options();
  options.direct = AML_DMA_FILE_DIRECT_IF_POSSIBLE;
  const OwnedDma dma = CreateFileDma(options);
  const NamedFile file(0);
  const aml_tile from = aml_tile_bytes(memory_.data(), kSize);
  direct_writes.all = strange_writes.count = 0;
  // Two rounds: handles of the first are still there in the second.
  for (int round = 0; round < 2; ++round)
    for (const int flags : {0, O_DSYNC, O_SYNC, O_NOATIME})
      for (const int direct : {0, O_DIRECT}) {
        const int descriptor = file.Open(O_RDWR | flags | direct);
        if (descriptor < 0 && errno == EINVAL && direct != 0)
          GTEST_SKIP() << "no O_DIRECT here";
        ASSERT_GE(descriptor, 0) << strerror(errno);
        DescriptorArea area(descriptor);
        const aml_tile there = area.Bytes(3, kSize);
        strange_writes.flags = flags;
        EXPECT_EQ(0, aml_dma_copy(dma.get(), &there, &from, nullptr)) << aml_error_detail();
        EXPECT_EQ(0u, strange_writes.count) << flags << " " << direct;
        close(descriptor);
      }
  EXPECT_EQ(16u, direct_writes.all);
}

size_t CountDescriptors() {
  using Entries = std::filesystem::directory_iterator;
  return static_cast<size_t>(std::distance(Entries("/proc/self/fd"), Entries()));
}

TEST_P(DmaFileFault, OnlyFilesThatHaveANameAreKeptOpen) {
  aml_dma_file_options options = Options();
  options.direct = AML_DMA_FILE_DIRECT;
  const OwnedDma dma = CreateFileDma(options);
  NamedFile named(kSize);
  NamedFile other(kSize);
  const aml_tile here = aml_tile_bytes(memory_.data(), kSize);
  const size_t before = CountDescriptors();
  const auto read = [&](const NamedFile &file) {
    const int descriptor = file.Open(O_RDWR);
    DescriptorArea area(descriptor);
    const aml_tile there = area.Bytes(0, kSize);
    const int err = aml_dma_copy(dma.get(), &here, &there, nullptr);
    EXPECT_EQ(0, aml_dma_barrier(dma.get()));
    close(descriptor);
    return err;
  };
  const int err = read(named);
  if (err == -AML_ENOTSUP)
    GTEST_SKIP() << "no O_DIRECT here";
  ASSERT_EQ(0, err) << aml_error_detail();
  EXPECT_EQ(0, read(other)) << aml_error_detail();
  EXPECT_EQ(before + 2, CountDescriptors());
  const aml_tile unnamed = file_->Bytes(0, kSize);
  EXPECT_EQ(0, aml_dma_copy(dma.get(), &unnamed, &here, nullptr)) << aml_error_detail();
  EXPECT_EQ(0, aml_dma_barrier(dma.get()));
  EXPECT_EQ(before + 2, CountDescriptors());
  // The other one is still found behind the first, which is removed while it is used.
  const int descriptor = named.Open(O_RDWR);
  named.Unlink();
  DescriptorArea area(descriptor);
  const aml_tile removed = area.Bytes(0, kSize);
  EXPECT_EQ(0, aml_dma_copy(dma.get(), &here, &removed, nullptr)) << aml_error_detail();
  EXPECT_EQ(0, aml_dma_barrier(dma.get()));
  close(descriptor);
  EXPECT_EQ(before + 1, CountDescriptors());
  EXPECT_EQ(0, read(other)) << aml_error_detail();
  EXPECT_EQ(before + 1, CountDescriptors());
}

/** Whether a backend is to be had; threads always are. */
bool Has(aml_dma_file_backend backend) {
  const aml_dma_file_options options = {backend, {}, {}, {}, {}, {}, {}};
  aml_dma *dma = nullptr;
  const int err = aml_dma_file_create(&dma, &options);
  aml_dma_destroy(&dma);
  return err == 0;
}

TEST(DmaFileSystemFault, CreateWithoutMemoryOrThreadsLeavesNothing) {
  std::thread([] {}).join(); // with the first, thread sanitizer starts one of its own
  for (const aml_dma_file_backend backend : {AML_DMA_FILE_THREADS, AML_DMA_FILE_URING}) {
    if (!Has(backend))
      continue;
    const size_t threads = CountThreads();
    const size_t descriptors = CountDescriptors();
    aml_dma_file_options options = {};
    options.backend = backend;
    aml_dma *dma = nullptr;
    for (const unsigned calls : {unsigned{AML_FAULT_MEMORY}, unsigned{AML_FAULT_PTHREAD_CREATE}}) {
      const bool is_memory = calls == AML_FAULT_MEMORY;
      const size_t failures = EachFailure(
          calls, is_memory ? ENOMEM : EAGAIN, [&] { return aml_dma_file_create(&dma, &options); },
          [&](int err) {
            // No memory for a ring means that there is none.
            const int expected = is_memory ? -AML_ENOMEM : -AML_EAGAIN;
            EXPECT_TRUE(err == expected || err == -AML_ENOTSUP) << aml_error_detail();
            EXPECT_EQ(nullptr, dma);
            EXPECT_TRUE(HasThreads(threads));
            EXPECT_EQ(descriptors, CountDescriptors());
          });
      EXPECT_GE(failures, is_memory ? 7u : 2u);
      aml_dma_destroy(&dma);
      EXPECT_TRUE(HasThreads(threads));
      EXPECT_EQ(descriptors, CountDescriptors());
    }
  }
}

TEST(DmaFileSystemFault, AFileThatCannotBeOpenedAgainIsRefusedAtSubmit) {
  aml_dma_file_options options = {};
  options.direct = AML_DMA_FILE_DIRECT_IF_POSSIBLE;
  const OwnedDma dma = CreateFileDma(options);
  File file(8192);
  Bytes memory(8192);
  const aml_tile there = file->Bytes(0, memory.size());
  const aml_tile here = aml_tile_bytes(memory.data(), memory.size());
  const size_t descriptors = CountDescriptors();
  aml_fault_system_arm(AML_FAULT_OPEN, 1, EMFILE);
  EXPECT_NE(0, aml_dma_copy(dma.get(), &here, &there, nullptr));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_THAT(aml_error_detail(), HasSubstr("open with O_DIRECT"));
  aml_fault_system_arm(AML_FAULT_FSTAT, 1, ENOMEM);
  EXPECT_NE(0, aml_dma_copy(dma.get(), &here, &there, nullptr));
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  EXPECT_EQ(descriptors, CountDescriptors());
  EXPECT_EQ(0, aml_dma_copy(dma.get(), &here, &there, nullptr)) << aml_error_detail();
}

TEST(DmaFileSystemFault, OnceMadeItTakesNoMemoryAndNoThreads) {
  for (const aml_dma_file_backend backend : {AML_DMA_FILE_THREADS, AML_DMA_FILE_URING}) {
    if (!Has(backend))
      continue;
    aml_dma_file_options options = {};
    options.backend = backend;
    options.direct = AML_DMA_FILE_DIRECT_IF_POSSIBLE;
    options.piece_size = 4096;
    const OwnedDma dma = CreateFileDma(options);
    File file(100000);
    Bytes memory(60000);
    const aml_tile here = aml_tile_bytes(memory.data(), memory.size());
    const aml_tile there = file->Bytes(5, memory.size());
    int failed = 0;
    const Taken taken;
    for (int i = 0; i < 100; ++i)
      failed += aml_dma_copy(dma.get(), i % 2 == 0 ? &here : &there, i % 2 == 0 ? &there : &here,
                             nullptr) != 0;
    taken.ExpectNothing();
    EXPECT_EQ(0, failed) << aml_error_detail();
  }
}

/** Forbids io_uring_setup(2) to this process, and sees what is chosen. Returns: an exit status. */
int ChooseWithoutRing() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {static_cast<unsigned short>(std::size(code)), code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
    return 77;
  aml_dma *dma = nullptr;
  aml_dma_file_options options = {};
  if (aml_dma_file_create(&dma, &options) != 0)
    return 1;
  const char *reason = "";
  if (aml_dma_file_backend_of(dma, &reason) != AML_DMA_FILE_THREADS)
    return 2;
  const std::string why = reason;
  if (why != "io_uring_queue_init: Operation not permitted")
    return 3;
  aml_dma_destroy(&dma);
  options.backend = AML_DMA_FILE_URING;
  if (aml_dma_file_create(&dma, &options) != -AML_ENOTSUP)
    return 4;
  return std::strstr(aml_error_detail(), why.c_str()) == nullptr ? 5 : 0;
}

TEST(DmaFileSystemFault, WhereRingsAreForbiddenThreadsServeAndSayWhy) {
  if (!Has(AML_DMA_FILE_URING))
    GTEST_SKIP() << "no io_uring here anyway";
  const pid_t child = fork();
  if (child == 0)
    _exit(ChooseWithoutRing());
  int status = 0;
  ASSERT_EQ(child, waitpid(child, &status, 0));
  if (WEXITSTATUS(status) == 77)
    GTEST_SKIP() << "no seccomp here";
  EXPECT_EQ(0, status);
}

} // namespace
