// SPDX-License-Identifier: BSD-3-Clause
//
// What programs asked malloc for, asked of each arena: recorded, so that sizes and lives are those
// of programs and not of a random number. testdata/traces, tests/support/arena_trace.h.

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "aml/arena/buddy.h"
#include "aml/arena/bump.h"
#include "aml/arena/debug.h"
#include "aml/arena/limited.h"
#include "aml/arena/locked.h"
#include "aml/arena/pool.h"
#include "aml/arena/slab.h"
#include "aml/arena/stack.h"
#include "aml/arena/tlsf.h"
#include "aml/arena/tracked.h"
#include "aml/core/area.h"
#include "aml/core/arena.h"
#include "aml/core/error.h"
#include "aml/tests/support/arena_trace.h"
#include "aml/tests/support/page_area.h"

namespace {

using namespace aml_testing;

// What an arena is made of, and made for.
struct Making {
  aml_area *area;
  size_t largest;
  aml_arena_quota *quota;
  aml_arena *inner[2]; // of an arena over others
};

struct Type {
  const char *name;
  int (*make)(aml_arena **arena, Making *making);
};

int MakePool(aml_arena **arena, const Making &making, bool thread_safe) {
  aml_arena_pool_options options = {};
  options.thread_safe = thread_safe;
  return aml_arena_pool_create(arena, making.area, making.largest, &options);
}

const Type kTypes[] = {
    {"buddy", [](aml_arena **arena,
                 Making *making) { return aml_arena_buddy_create(arena, making->area, nullptr); }},
    {"bump", [](aml_arena **arena,
                Making *making) { return aml_arena_bump_create(arena, making->area, nullptr); }},
    {"pool", [](aml_arena **arena, Making *making) { return MakePool(arena, *making, false); }},
    {"pool_of_threads",
     [](aml_arena **arena, Making *making) { return MakePool(arena, *making, true); }},
    {"slab", [](aml_arena **arena,
                Making *making) { return aml_arena_slab_create(arena, making->area, nullptr); }},
    {"tlsf", [](aml_arena **arena,
                Making *making) { return aml_arena_tlsf_create(arena, making->area, nullptr); }},
    {"debug",
     [](aml_arena **arena, Making *making) {
       aml_arena_debug_options options = {};
       options.quarantine_size = size_t{16} << 10; // all of it is looked at after each call
       const int err = aml_arena_slab_create(&making->inner[0], making->area, nullptr);
       return err ? err : aml_arena_debug_create(arena, making->inner[0], &options);
     }},
    {"limited",
     [](aml_arena **arena, Making *making) {
       const int err = aml_arena_slab_create(&making->inner[0], making->area, nullptr);
       return err ? err : aml_arena_limited_create(arena, making->inner[0], making->quota);
     }},
    {"locked",
     [](aml_arena **arena, Making *making) {
       const int err = aml_arena_tlsf_create(&making->inner[0], making->area, nullptr);
       return err ? err : aml_arena_locked_create(arena, making->inner[0], nullptr);
     }},
    {"stack",
     [](aml_arena **arena, Making *making) {
       aml_arena_slab_options options = {};
       options.limit = size_t{2} << 20;
       int err = aml_arena_slab_create(&making->inner[0], making->area, &options);
       if (!err)
         err = MakePool(&making->inner[1], *making, true);
       return err ? err : aml_arena_stack_create(arena, 2, making->inner);
     }},
    {"tracked",
     [](aml_arena **arena, Making *making) {
       const int err = aml_arena_slab_create(&making->inner[0], making->area, nullptr);
       return err ? err : aml_arena_tracked_create(arena, making->inner[0], nullptr);
     }},
};

class ArenaTraces : public testing::TestWithParam<Type> {
protected:
  void SetUp() override { ASSERT_EQ(0, aml_arena_quota_init(&quota_, nullptr)); }
  void TearDown() override {
    Destroy();
    aml_arena_quota_fini(&quota_);
  }

  void Make(const ArenaTrace &trace) {
    Destroy();
    making_ = {pages_.get(), trace.largest, &quota_, {}};
    ASSERT_EQ(0, GetParam().make(&arena_, &making_)) << aml_error_detail();
  }

  void Destroy() {
    aml_arena_destroy(&arena_);
    aml_arena_destroy(&making_.inner[0]);
    aml_arena_destroy(&making_.inner[1]);
    EXPECT_EQ(0, pages_.live());
  }

  const ArenaTrace sqlite_ = ReadArenaTrace("arena/testdata/traces/sqlite.trace");
  const ArenaTrace git_ = ReadArenaTrace("arena/testdata/traces/git_grep.trace");
  PageArea pages_;
  aml_arena_quota quota_{};
  Making making_{};
  aml_arena *arena_ = nullptr;
};

TEST_P(ArenaTraces, ServesWhatProgramsAskedFor) {
  for (const ArenaTrace *trace : {&sqlite_, &git_}) {
    ASSERT_LT(700u, trace->calls.size());
    Make(*trace);
    EXPECT_EQ("", ReplayArenaTrace(arena_, *trace));
  }
}

TEST_P(ArenaTraces, ServesWhatThreadsAskedFor) {
  ASSERT_EQ(4u, git_.threads);
  Make(git_);
  if ((aml_arena_capabilities(arena_) & AML_ARENA_THREAD_SAFE) == 0)
    GTEST_SKIP() << "is for one thread";
  EXPECT_EQ("", ReplayArenaTraceByThreads(arena_, git_, 3));
}

INSTANTIATE_TEST_SUITE_P(Types, ArenaTraces, testing::ValuesIn(kTypes),
                         [](const auto &type) { return std::string(type.param.name); });

} // namespace
