// SPDX-License-Identifier: BSD-3-Clause
//
// What tests and benchmarks of dma:file have in common: files without a name, and areas that are
// any descriptor and cannot be touched.

#ifndef AML_DMA_FILE_TESTING_H
#define AML_DMA_FILE_TESTING_H

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/dma.h"
#include "aml/core/error.h"
#include "aml/core/tile.h"
#include "aml/dma/file.h"

namespace aml_testing {

/** The bytes of a descriptor as an area that maps nothing. */
class DescriptorArea {
public:
  explicit DescriptorArea(int descriptor) : it_{{&Ops()}, descriptor} {}
  DescriptorArea(const DescriptorArea &) = delete;

  aml_area *area() { return &it_.area; }

  /** What stands for an offset. */
  static void *At(uint64_t offset) { return reinterpret_cast<void *>(kOrigin + offset); }

  /** Where in the file a tile of such an area ends. */
  static off_t EndOf(const aml_tile &tile) {
    void *lowest = nullptr;
    size_t size = 0;
    aml_tile_span(&tile, &lowest, &size);
    return static_cast<off_t>(reinterpret_cast<uintptr_t>(lowest) - kOrigin + size);
  }

  aml_tile Bytes(uint64_t offset, size_t size) {
    aml_tile tile = aml_tile_bytes(At(offset), size);
    tile.area = area();
    return tile;
  }

private:
  static constexpr uintptr_t kOrigin = uintptr_t{1} << 40;
  struct Block {
    aml_area area;
    int descriptor;
  };

  static const aml_area_ops &Ops() {
    static const aml_area_ops ops = [] {
      aml_area_ops result = {};
      result.name = "descriptor";
      result.capabilities = [](const aml_area *) -> unsigned {
        return AML_AREA_SHARED | AML_AREA_FILE_BACKED;
      };
      result.info = [](aml_area *area, const void *, aml_area_info *info) {
        *info = {};
        info->native.kind = AML_NATIVE_FILE;
        info->native.origin = At(0);
        info->native.as.file.descriptor = reinterpret_cast<const Block *>(area)->descriptor;
        return 0;
      };
      return result;
    }();
    return ops;
  }

  Block it_;
};

/** A file without a name in the folder of tests, and its area. */
class File {
public:
  explicit File(size_t size, int flags = O_RDWR) : File(Make(size), flags) {}
  ~File() { close(descriptor_); }
  File(const File &) = delete;

  int descriptor() const { return descriptor_; }
  DescriptorArea *operator->() { return &area_; }

  void Write(const std::vector<unsigned char> &bytes, size_t offset) const {
    ASSERT_EQ(static_cast<ssize_t>(bytes.size()),
              pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset)));
  }
  /** What it has from an offset on. */
  std::vector<unsigned char> Read(size_t offset) const {
    std::vector<unsigned char> bytes(static_cast<size_t>(lseek(descriptor_, 0, SEEK_END)) - offset);
    EXPECT_EQ(static_cast<ssize_t>(bytes.size()),
              pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset)));
    return bytes;
  }

private:
  File(const std::string &path, int flags)
      : descriptor_(open(path.c_str(), flags)), area_(descriptor_) {
    EXPECT_GE(descriptor_, 0) << path;
    unlink(path.c_str());
  }

  static std::string Make(size_t size) {
    std::string path = testing::TempDir() + "aml-dma-file-XXXXXX";
    const int descriptor = mkstemp(path.data());
    EXPECT_EQ(0, ftruncate(descriptor, static_cast<off_t>(size)));
    close(descriptor);
    return path;
  }

  int descriptor_;
  DescriptorArea area_;
};

struct DestroyDma {
  void operator()(aml_dma *dma) const { aml_dma_destroy(&dma); }
};
using OwnedDma = std::unique_ptr<aml_dma, DestroyDma>;

inline OwnedDma CreateFileDma(const aml_dma_file_options &options) {
  aml_dma *dma = nullptr;
  EXPECT_EQ(0, aml_dma_file_create(&dma, &options)) << aml_error_detail();
  return OwnedDma(dma);
}

} // namespace aml_testing

#endif
