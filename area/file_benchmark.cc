// SPDX-License-Identifier: BSD-3-Clause
//
// Map and unmap of a piece of a temporary file, beside the raw calls: mmap and munmap of a file
// that is there, and with the blocks allocated and given back.

#include "aml/area/file.h"

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

// A temporary file, ended with the scope.
struct File {
  File() : stream(std::tmpfile()) {}
  File(const File &) = delete;
  ~File() { std::fclose(stream); }
  int descriptor() const { return fileno(stream); }
  std::FILE *stream;
};

void Raw(benchmark::State &state, bool allocate) {
  const auto size = static_cast<size_t>(state.range(0));
  const auto length = static_cast<off_t>(size);
  const File file;
  if (ftruncate(file.descriptor(), length) != 0)
    state.SkipWithError("no file");
  for (auto _ : state) {
    int err = allocate ? posix_fallocate(file.descriptor(), 0, length) : 0;
    void *const memory =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor(), 0);
    munmap(memory, size);
    if (allocate && err == 0)
      err = fallocate(file.descriptor(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, length);
    if (err != 0 || memory == MAP_FAILED) {
      state.SkipWithError("no space");
      break;
    }
  }
}

void Area(benchmark::State &state, unsigned flags) {
  const auto size = static_cast<size_t>(state.range(0));
  aml_area_file_options options = {};
  options.kind = AML_AREA_FILE_TEMPORARY;
  options.flags = flags;
  AML_AREA_FILE_DECL(area);
  aml_area_map_options no_zero = {};
  no_zero.flags = AML_AREA_MAP_NO_ZERO;
  if (aml_area_file_init(area, &options) != 0) {
    state.SkipWithError(aml_error_detail());
    return;
  }
  for (auto _ : state) {
    void *const memory = aml_area_map(area, size, &no_zero);
    if (memory == nullptr || aml_area_unmap(area, memory, size) != 0) {
      state.SkipWithError(aml_error_detail());
      break;
    }
  }
  aml_area_fini(area);
}

void BM_Baseline_Mmap(benchmark::State &state) {
  Raw(state, false);
}
void BM_Baseline_FallocateMmap(benchmark::State &state) {
  Raw(state, true);
}
void BM_AreaFile_Map(benchmark::State &state) {
  Area(state, 0);
}
void BM_AreaFile_MapSparse(benchmark::State &state) {
  Area(state, AML_AREA_FILE_SPARSE);
}

constexpr int64_t kSmall = 4 << 10;
constexpr int64_t kLarge = 2 << 20;

BENCHMARK(BM_Baseline_Mmap)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_Baseline_FallocateMmap)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_AreaFile_Map)->Arg(kSmall)->Arg(kLarge);
BENCHMARK(BM_AreaFile_MapSparse)->Arg(kSmall)->Arg(kLarge);

} // namespace
