// SPDX-License-Identifier: BSD-3-Clause

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <string>

#include "aml/area/file.h"
#include "aml/core/area.h"
#include "aml/tests/contract/area.h"

namespace {

using namespace aml_testing;

// A file of a MiB, which was there before.
const char *Existing() {
  static const std::string path = [] {
    std::string name = testing::TempDir() + "/aml-area-file-XXXXXX";
    const int descriptor = mkstemp(name.data());
    EXPECT_GE(descriptor, 0);
    EXPECT_EQ(0, ftruncate(descriptor, 1 << 20));
    close(descriptor);
    return name;
  }();
  return path.c_str();
}

struct AreaFileFactory {
  static constexpr size_t kInstances = 4;
  AML_AREA_FILE_DECL(area);

  static aml_area_file_options OptionsOf(size_t i) {
    aml_area_file_options options = {};
    options.kind = AML_AREA_FILE_TEMPORARY;
    static const std::string folder = testing::TempDir();
    options.path = folder.c_str();
    if (i == 1)
      options.flags = AML_AREA_FILE_SPARSE;
    if (i >= 2) {
      options.kind = AML_AREA_FILE_EXISTING;
      options.path = Existing();
    }
    if (i == 3)
      options.flags = AML_AREA_FILE_PRIVATE;
    return options;
  }
  int Init(size_t i) {
    const aml_area_file_options options = OptionsOf(i);
    return aml_area_file_init(area, &options);
  }
  static int Create(size_t i, aml_area **created) {
    const aml_area_file_options options = OptionsOf(i);
    return aml_area_file_create(created, &options);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(AreaFile, AreaContract, AreaFileFactory);

} // namespace
