// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

#include "aml/core/tiling.h"
#include "aml/tests/contract/tiling.h"
#include "aml/tiling/ragged.h"

namespace {

using namespace aml_testing;

// Element sizes, and offsets with empty tiles at the beginning, at the end and between.
struct Rows {
  size_t element_size;
  std::vector<size_t> offsets;
};

const Rows &At(size_t i) {
  static const std::vector<Rows> all = {
      {1, {0, 1}},          {8, {0, 10}},          {4, {0, 3, 3, 4, 9}}, {8, {0, 0, 0, 5}},
      {2, {0, 5, 5, 5, 5}}, {3, {0, 1, 2, 3, 40}}, {16, {0, 0, 1, 1}}};
  return all.at(i);
}

struct TilingRaggedFactory {
  static constexpr size_t kInstances = 7;
  AML_TILING_RAGGED_DECL(tiling);

  int Init(size_t i) {
    return aml_tiling_ragged_init(tiling, At(i).element_size, At(i).offsets.size() - 1,
                                  At(i).offsets.data());
  }
  static int Create(size_t i, aml_tiling **created) {
    return aml_tiling_ragged_create(created, At(i).element_size, At(i).offsets.size() - 1,
                                    At(i).offsets.data());
  }
  static bool Accepts(size_t, TilingLayout) { return true; }
};

INSTANTIATE_TYPED_TEST_SUITE_P(TilingRagged, TilingContract, TilingRaggedFactory);

} // namespace
