// SPDX-License-Identifier: BSD-3-Clause
//
// Tilings made without memory: each _create that needs some leaves its result alone.

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>

#include "aml/core/error.h"
#include "aml/core/tiling.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"
#include "aml/tiling/1d.h"
#include "aml/tiling/blocked.h"
#include "aml/tiling/clipped.h"
#include "aml/tiling/halo.h"
#include "aml/tiling/morton.h"
#include "aml/tiling/nested.h"
#include "aml/tiling/padded.h"
#include "aml/tiling/ragged.h"

namespace {

constexpr size_t kExtent[] = {10};
constexpr size_t kZero[] = {0};
constexpr size_t kOffsets[] = {0, 10};

// Creates a tiling of ten elements, or one that is refused.
struct Create {
  const char *name;
  size_t allocations;
  std::function<int(aml_tiling **tiling, bool is_refused)> create;
};

const size_t *Extent(bool is_refused) {
  return is_refused ? kZero : kExtent;
}

class TilingCreateSystemFault : public ::testing::TestWithParam<Create> {};

TEST_P(TilingCreateSystemFault, WithoutMemoryTheResultIsLeftAlone) {
  const aml_fault_held before = aml_fault_system_held();
  aml_tiling sentinel = {};
  aml_tiling *tiling = &sentinel;
  const std::string call = std::string("aml_tiling_") + GetParam().name + "_create: no memory";
  const std::string init = std::string("aml_tiling_") + GetParam().name + "_init: no memory";
  const size_t failures = EachFailure(
      AML_FAULT_MEMORY, ENOMEM, [&tiling] { return GetParam().create(&tiling, false); },
      [&](int err) {
        EXPECT_EQ(-AML_ENOMEM, err);
        EXPECT_EQ(-AML_ENOMEM, aml_error_code());
        const std::string detail = aml_error_detail();
        EXPECT_TRUE(detail.rfind(call, 0) == 0 || detail.rfind(init, 0) == 0) << detail;
        EXPECT_EQ(&sentinel, tiling);
      });
  EXPECT_EQ(GetParam().allocations, failures);
  ASSERT_NE(&sentinel, tiling);
  EXPECT_GE(aml_tiling_count(tiling), 1u);
  aml_tiling_destroy(&tiling);
  ExpectHeld(before);
}

TEST_P(TilingCreateSystemFault, RefusedArgumentsKeepNoMemory) {
  const aml_fault_held before = aml_fault_system_held();
  aml_tiling *tiling = nullptr;
  EXPECT_EQ(-AML_EINVAL, GetParam().create(&tiling, true));
  EXPECT_EQ(nullptr, tiling);
  EXPECT_EQ(-AML_EINVAL, GetParam().create(nullptr, false));
  EXPECT_EQ("aml_tiling_" + std::string(GetParam().name) + "_create: tiling is null",
            aml_error_detail());
  ExpectHeld(before);
}

// Made without memory.
aml_tiling *Outer() {
  static aml_tiling *const outer = [] {
    static aml_tiling_1d storage = {{&aml_tiling_1d_ops}, 0, 0, 0, 0, 0};
    EXPECT_EQ(0, aml_tiling_1d_init(&storage.tiling, 10, 4, 4));
    return &storage.tiling;
  }();
  return outer;
}

const Create kCreates[] = {
    {"1d", 1,
     [](aml_tiling **it, bool bad) { return aml_tiling_1d_create(it, 10, 4, bad ? 0 : 4); }},
    {"blocked", 1,
     [](aml_tiling **it, bool bad) {
       return aml_tiling_blocked_create(it, 4, 1, kExtent, Extent(bad), nullptr);
     }},
    {"clipped", 1,
     [](aml_tiling **it, bool bad) {
       return aml_tiling_clipped_create(it, 4, 1, kExtent, Extent(bad), nullptr);
     }},
    {"halo", 1,
     [](aml_tiling **it, bool bad) {
       return aml_tiling_halo_create(it, 4, 1, kExtent, Extent(bad), nullptr);
     }},
    {"morton", 1,
     [](aml_tiling **it, bool bad) {
       return aml_tiling_morton_create(it, 4, 1, kExtent, Extent(bad));
     }},
    {"nested", 2,
     [](aml_tiling **it, bool bad) {
       return aml_tiling_nested_create(it, Outer(), Extent(bad), nullptr);
     }},
    {"padded", 1,
     [](aml_tiling **it, bool bad) {
       return aml_tiling_padded_create(it, 4, 1, kExtent, Extent(bad), nullptr);
     }},
    {"ragged", 1,
     [](aml_tiling **it, bool bad) {
       return aml_tiling_ragged_create(it, bad ? 0 : 4, 1, kOffsets);
     }},
};

INSTANTIATE_TEST_SUITE_P(Tilings, TilingCreateSystemFault, ::testing::ValuesIn(kCreates),
                         [](const ::testing::TestParamInfo<Create> &it) {
                           return std::string(it.param.name);
                         });

} // namespace
