// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/nodeset.h"
#include "aml/tests/contract/area.h"

namespace {

using namespace aml_testing;

// Whether this system lets us have memory by a policy; containers often forbid it.
bool IsAllowed(const aml_area_linux_options &options) {
  AML_AREA_LINUX_DECL(area);
  if (aml_area_linux_init(area, &options))
    return false;
  void *const page = aml_area_map(area, 1, nullptr);
  (void)aml_area_unmap(area, page, 1);
  aml_area_fini(area);
  return page != nullptr;
}

aml_area_linux_options OptionsOf(size_t i) {
  aml_area_linux_options options = {};
  switch (i) {
  case 0:
    break;
  case 1:
    options.huge_pages = AML_AREA_LINUX_HUGE_NONE;
    break;
  case 2:
    options.huge_pages = AML_AREA_LINUX_HUGE_TRANSPARENT;
    break;
  case 3:
    options.policy = AML_POLICY_LOCAL;
    break;
  case 4:
    options.policy = AML_POLICY_INTERLEAVE;
    options.devices = aml_nodeset_of(0);
    options.bind_flags = AML_AREA_BIND_STRICT;
    break;
  case 5:
    options.flags = AML_AREA_LINUX_LOCK | AML_AREA_LINUX_NO_DUMP | AML_AREA_LINUX_NO_MERGE;
    options.wishes = AML_AREA_GRANT_LOCKED;
    break;
  default:
    options.guard_size = 1;
  }
  return IsAllowed(options) ? options : aml_area_linux_options{};
}

struct AreaLinuxFactory {
  static constexpr size_t kInstances = 7;
  AML_AREA_LINUX_DECL(area);

  int Init(size_t i) {
    const aml_area_linux_options options = OptionsOf(i);
    return aml_area_linux_init(area, &options);
  }
  static int Create(size_t i, aml_area **created) {
    const aml_area_linux_options options = OptionsOf(i);
    return aml_area_linux_create(created, &options);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(AreaLinux, AreaContract, AreaLinuxFactory);

} // namespace
