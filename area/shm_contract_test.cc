// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <string>

#include "aml/area/shm.h"
#include "aml/core/area.h"
#include "aml/tests/contract/area.h"

namespace {

using namespace aml_testing;

struct AreaShmFactory {
  static constexpr size_t kInstances = 3;
  AML_AREA_SHM_DECL(area);

  static aml_area_shm_options OptionsOf(size_t i) {
    static const std::string name = "/aml-contract-" + std::to_string(getpid());
    aml_area_shm_options options = {};
    if (i == 1)
      options.size = size_t{1} << 20;
    if (i == 2) {
      options.kind = AML_AREA_SHM_NAMED;
      options.name = name.c_str();
      options.flags = AML_AREA_SHM_REPLACE;
    }
    return options;
  }
  int Init(size_t i) {
    const aml_area_shm_options options = OptionsOf(i);
    return aml_area_shm_init(area, &options);
  }
  static int Create(size_t i, aml_area **created) {
    const aml_area_shm_options options = OptionsOf(i);
    return aml_area_shm_create(created, &options);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(AreaShm, AreaContract, AreaShmFactory);

} // namespace
