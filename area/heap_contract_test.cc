// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/area/heap.h"
#include "aml/core/area.h"
#include "aml/tests/contract/area.h"

namespace {

using namespace aml_testing;

struct AreaHeapFactory {
  static constexpr size_t kInstances = 1;
  AML_AREA_HEAP_DECL(area);

  int Init(size_t) { return aml_area_heap_init(area); }
  static int Create(size_t, aml_area **created) { return aml_area_heap_create(created); }
};

INSTANTIATE_TYPED_TEST_SUITE_P(AreaHeap, AreaContract, AreaHeapFactory);

} // namespace
