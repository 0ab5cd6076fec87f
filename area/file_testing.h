// SPDX-License-Identifier: BSD-3-Clause
//
// What the tests of area:file share: a folder of their own, and descriptors and mappings counted.

#ifndef AML_AREA_FILE_TESTING_H
#define AML_AREA_FILE_TESTING_H

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

#include "aml/area/file.h"
#include "aml/core/area.h"
#include "aml/core/error.h"

class AreaFile : public testing::Test {
protected:
  static constexpr size_t kPage = 4096;

  AreaFile() {
    std::string name = testing::TempDir() + "/aml-area-file-XXXXXX";
    EXPECT_NE(nullptr, mkdtemp(name.data()));
    folder_ = name;
  }
  ~AreaFile() override {
    std::filesystem::remove_all(folder_);
    EXPECT_EQ(descriptors_, Descriptors());
    EXPECT_EQ(0u, MappingsOf(folder_));
  }

  static size_t Descriptors() {
    size_t count = 0;
    for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd"))
      count += entry.path().empty() ? 0 : 1;
    return count;
  }

  // How many mappings are of a file, or of those in a folder; a sandbox may put another folder
  // before.
  static size_t MappingsOf(const std::string &path) {
    const std::string name = path.substr(path.find("aml-area-file-"));
    std::ifstream maps("/proc/self/maps");
    size_t count = 0;
    for (std::string line; std::getline(maps, line);)
      count += line.find(name) != std::string::npos ? 1 : 0;
    return count;
  }

  std::string Path(const std::string &name) const { return folder_ + "/" + name; }

  // Makes a file whose byte i is i / 4096 + 1.
  std::string MakeFile(size_t size) const {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i)
      bytes[i] = static_cast<char>(i / kPage + 1);
    std::ofstream(Path("data"), std::ios::binary) << bytes;
    return Path("data");
  }

  static std::string Read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static aml_area_file_options Options(aml_area_file_kind kind, const std::string &path,
                                       unsigned flags = 0) {
    aml_area_file_options options = {};
    options.kind = kind;
    options.path = path.c_str();
    options.flags = flags;
    return options;
  }

  static struct stat StatusOf(aml_area *area, void *pointer) {
    aml_area_info info;
    struct stat status = {};
    EXPECT_EQ(0, aml_area_get_info(area, pointer, &info)) << aml_error_detail();
    EXPECT_EQ(AML_NATIVE_FILE, info.native.kind);
    EXPECT_EQ(0, fstat(info.native.as.file.descriptor, &status));
    return status;
  }

  std::string folder_;
  size_t descriptors_ = Descriptors();
};

// An area, ended with the scope.
struct FileArea {
  explicit FileArea(const aml_area_file_options &options) {
    EXPECT_EQ(0, aml_area_file_init(area, &options)) << aml_error_detail();
  }
  FileArea(const FileArea &) = delete;
  ~FileArea() { aml_area_fini(area); }
  char *Map(size_t size, unsigned flags = 0) {
    aml_area_map_options options = {};
    options.flags = flags;
    return static_cast<char *>(aml_area_map(area, size, &options));
  }
  char *MapAt(uint64_t offset, size_t size) {
    return static_cast<char *>(aml_area_file_map_at(area, offset, size, nullptr));
  }
  AML_AREA_FILE_DECL(area);
};

#endif
