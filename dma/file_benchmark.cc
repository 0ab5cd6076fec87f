// SPDX-License-Identifier: BSD-3-Clause
//
// Files read by a dma against the same by the bare system. `ratio` is how many times as fast as the
// baseline the dma is; `resident_mib` the most memory that the process had at once.
//
//     AML_FILE_MIB=8192 bazel run -c opt //dma:file_benchmark
//
// reads one of 8 GiB, in the folder of TEST_TMPDIR or /tmp; as it is read past the page cache, how
// much memory there is does not matter.

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#ifdef AML_HAVE_URING
#include <liburing.h>
#endif

#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/file.h"
#include "aml/dma/file_testing.h"
#include "aml/dma/ratio_benchmark.h"

namespace {

using aml_benchmark::Memory;
using aml_benchmark::Touched;
using aml_testing::File;
using aml_testing::OwnedDma;

constexpr size_t kPiece = size_t{1} << 20;
constexpr size_t kDepth = 4;

size_t FileSize() {
  const char *const mib = std::getenv("AML_FILE_MIB");
  return (mib == nullptr ? 64 : std::strtoull(mib, nullptr, 10)) << 20;
}

/** A file of that size, all of it on the disk. */
const File &LargeFile() {
  static const std::unique_ptr<File> file = [] {
    auto made = std::make_unique<File>(FileSize(), O_RDWR | O_DIRECT);
    const Memory piece = Touched(kPiece, 7);
    for (size_t offset = 0; offset < FileSize(); offset += kPiece)
      if (pwrite(made->descriptor(), piece.get(), kPiece, static_cast<off_t>(offset)) !=
          static_cast<ssize_t>(kPiece))
        std::abort();
    (void)fsync(made->descriptor());
    return made;
  }();
  return *file;
}

double ResidentMib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:" && status >> word)
      return std::strtod(word.c_str(), nullptr) / 1024;
  return 0;
}

#ifdef AML_HAVE_URING
/** Four reads at once by a ring, one of the next piece for each that is done. */
class BareReader {
public:
  explicit BareReader(char *memory) : memory_(memory) {
    is_open_ = io_uring_queue_init(kDepth, &ring_, 0) == 0;
  }
  ~BareReader() {
    if (is_open_)
      io_uring_queue_exit(&ring_);
  }
  BareReader(const BareReader &) = delete;
  bool is_open() const { return is_open_; }

  void Read(int descriptor, size_t size) {
    const size_t count = size / kPiece;
    size_t begun = 0;
    for (size_t done = 0; done < count;) {
      for (; begun < count && begun - done < kDepth; ++begun)
        Begin(descriptor, begun);
      io_uring_cqe *entry = nullptr;
      if (io_uring_submit_and_wait(&ring_, 1) < 0)
        std::abort();
      while (io_uring_peek_cqe(&ring_, &entry) == 0 && entry != nullptr) {
        if (entry->res != static_cast<int>(kPiece))
          std::abort();
        free_.push_back(static_cast<char *>(io_uring_cqe_get_data(entry)));
        io_uring_cqe_seen(&ring_, entry);
        ++done;
      }
    }
  }

private:
  void Begin(int descriptor, size_t piece) {
    io_uring_sqe *const entry = io_uring_get_sqe(&ring_);
    char *slot = memory_ + piece * kPiece;
    if (piece >= kDepth) {
      slot = free_.back();
    }
    if (!free_.empty())
      free_.pop_back();
    io_uring_prep_read(entry, descriptor, slot, kPiece, piece * kPiece);
    io_uring_sqe_set_data(entry, slot);
  }

  io_uring ring_{};
  bool is_open_ = false;
  char *memory_;
  std::vector<char *> free_;
};
#else
class BareReader {
public:
  explicit BareReader(char *) {}
  bool is_open() const { return false; }
  void Read(int, size_t) {}
};
#endif

/** Reads a file in pieces, of which four are requested at once: the next one for each that is done.
 */
void ReadPieces(aml_dma *dma, const File &file, char *memory) {
  aml_tile tiles[kDepth][2];
  aml_dma_request requests[kDepth] = {};
  aml_testing::DescriptorArea area(file.descriptor());
  const int done_fd = eventfd(0, EFD_CLOEXEC);
  aml_dma_options options = {};
  options.eventfd = &done_fd;
  const size_t count = FileSize() / kPiece;
  size_t begun = 0;
  const auto begin = [&](size_t slot) {
    tiles[slot][0] = aml_tile_bytes(memory + slot * kPiece, kPiece);
    tiles[slot][1] = area.Bytes(begun++ * kPiece, kPiece);
    if (aml_dma_submit(dma, &requests[slot], &tiles[slot][0], &tiles[slot][1], &options) != 0)
      std::abort();
  };
  for (size_t slot = 0; slot < kDepth && begun < count; ++slot)
    begin(slot);
  for (size_t done = 0; done < count;) {
    uint64_t signals;
    if (read(done_fd, &signals, sizeof signals) != sizeof signals)
      std::abort();
    for (size_t slot = 0; slot < kDepth && signals > 0; ++slot) {
      if (aml_dma_request_state(&requests[slot]) != AML_DMA_DONE)
        continue;
      if (aml_dma_wait(&requests[slot]) != 0)
        std::abort();
      requests[slot] = aml_dma_request{};
      --signals;
      ++done;
      if (begun < count)
        begin(slot);
    }
  }
  (void)close(done_fd);
}

void BM_DmaFile_ReadDirect(benchmark::State &state) {
  aml_dma_file_options options = {};
  options.backend = AML_DMA_FILE_URING;
  options.depth = kDepth;
  aml_dma *made = nullptr;
  if (aml_dma_file_create(&made, &options) != 0) {
    state.SkipWithError(aml_error_detail());
    return;
  }
  const OwnedDma dma(made);
  const File &file = LargeFile();
  const Memory memory = Touched(kDepth * kPiece);
  BareReader bare(memory.get());
  if (!bare.is_open()) {
    state.SkipWithError("built without io_uring");
    return;
  }
  aml_benchmark::CompareWith(
      state, FileSize(), 0, 1, [&](size_t) { bare.Read(file.descriptor(), FileSize()); },
      [&](size_t) { ReadPieces(dma.get(), file, memory.get()); });
  state.counters["resident_mib"] = ResidentMib();
}
BENCHMARK(BM_DmaFile_ReadDirect)->UseManualTime()->Unit(benchmark::kMillisecond);

/** A tile of rows with holes between them, in the page cache, against a pread(2) per row. */
void BM_DmaFile_ReadRows(benchmark::State &state) {
  constexpr size_t kRows = 256;
  const auto row = static_cast<size_t>(state.range(0));
  const size_t stride = 2 * row;
  File file(kRows * stride);
  file.Write(std::vector<unsigned char>(kRows * stride, 3), 0);
  const Memory memory = Touched(kRows * row);
  aml_dma_file_options options = {};
  options.backend = static_cast<aml_dma_file_backend>(state.range(1));
  aml_dma *made = nullptr;
  if (aml_dma_file_create(&made, &options) != 0) {
    state.SkipWithError(aml_error_detail());
    return;
  }
  const OwnedDma dma(made);
  aml_tile dst = aml_tile_bytes(memory.get(), row);
  aml_tile src = file->Bytes(0, row);
  for (aml_tile *tile : {&dst, &src}) {
    tile->ndims = 2;
    tile->extent[0] = kRows;
    tile->extent[1] = row;
    tile->stride_bytes[1] = 1;
  }
  dst.stride_bytes[0] = static_cast<ptrdiff_t>(row);
  src.stride_bytes[0] = static_cast<ptrdiff_t>(stride);
  aml_benchmark::CompareWith(
      state, kRows * row, 0, 1,
      [&](size_t) {
        for (size_t r = 0; r < kRows; ++r)
          if (pread(file.descriptor(), memory.get() + r * row, row,
                    static_cast<off_t>(r * stride)) != static_cast<ssize_t>(row))
            std::abort();
      },
      [&](size_t) {
        if (aml_dma_copy(dma.get(), &dst, &src, nullptr) != 0)
          std::abort();
      });
}
BENCHMARK(BM_DmaFile_ReadRows)
    ->ArgNames({"row_bytes", "backend"})
    ->ArgsProduct({{64, 1024, 16384}, {AML_DMA_FILE_URING, AML_DMA_FILE_THREADS}})
    ->UseManualTime();

} // namespace

BENCHMARK_MAIN();
