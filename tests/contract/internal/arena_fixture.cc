// SPDX-License-Identifier: BSD-3-Clause

#include "aml/tests/contract/internal/arena_fixture.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>

#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/contract/internal/watched_area.h"

namespace aml_testing {

void OnEach(const ArenaFactory &any, void (*check)(aml_arena *arena, WatchedArea &area)) {
  for (size_t i = 0; i < any.instances; ++i) {
    SCOPED_TRACE(testing::Message() << "instance " << i);
    const std::unique_ptr<AnyArena> made = any.make();
    WatchedArea area(made->area());
    ASSERT_EQ(0, made->Init(i, area.get())) << aml_error_detail();
    const unsigned capabilities = aml_arena_capabilities(made->arena());
    check(made->arena(), area);
    EXPECT_EQ(capabilities, aml_arena_capabilities(made->arena())) << "they are others now";
    aml_arena_fini(made->arena());
    EXPECT_EQ(0u, area.mapped()) << "bytes that were not given back";
    EXPECT_EQ(0u, area.wrong()) << "unmaps of what was not mapped so";
  }
}

} // namespace aml_testing
