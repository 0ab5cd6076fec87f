// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/arena/limited.h"
#include "aml/arena/over_testing.h"
#include "aml/core/arena.h"
#include "aml/tests/contract/arena.h"

namespace {

using namespace aml_testing;

// With a quota that the suite reaches, and with one that has no limits.
struct Limited {
  AML_ARENA_LIMITED_DECL(upper);
  aml_arena_quota limits = {};
  aml_arena_quota none = {};

  Limited() {
    const aml_arena_quota_options options = {size_t{8} << 20, 300, AML_ARENA_LOCK_SPIN};
    EXPECT_EQ(0, aml_arena_quota_init(&limits, &options));
    EXPECT_EQ(0, aml_arena_quota_init(&none, nullptr));
  }
  ~Limited() {
    aml_arena_quota_fini(&limits);
    aml_arena_quota_fini(&none);
  }

  int Init(size_t i, aml_arena *inner) {
    return aml_arena_limited_init(upper, inner, i == 0 ? &limits : &none);
  }
  int Create(size_t i, aml_arena *inner, aml_arena **created) {
    return aml_arena_limited_create(created, inner, i == 0 ? &limits : &none);
  }
};

using ArenaLimitedFactory = OverFactory<Limited>;

INSTANTIATE_TYPED_TEST_SUITE_P(ArenaLimited, ArenaContract, ArenaLimitedFactory);

} // namespace
