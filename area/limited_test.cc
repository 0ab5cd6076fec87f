// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/limited.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"
#include "aml/tests/fault/area.h"
#include "aml/tests/support/page_area.h"

namespace {

constexpr size_t kPage = PageArea::kPage;

// A quota and an area of pages, which can fail and counts what is mapped.
class AreaLimited : public testing::Test {
protected:
  AreaLimited() {
    EXPECT_EQ(0, aml_area_fault_init(inner_, pages_.get(), 0));
    SetUpQuota(10 * kPage, nullptr);
  }
  ~AreaLimited() override {
    EXPECT_EQ(0, pages_.live());
    aml_area_fini(inner_);
  }

  void SetUpQuota(size_t limit, aml_area_quota_callback callback) {
    aml_area_quota_options options = {};
    options.limit = limit;
    options.callback = callback;
    options.argument = this;
    ASSERT_EQ(0, aml_area_quota_init(&quota_, &options));
  }

  aml_area_quota_state State() {
    aml_area_quota_state state = {};
    EXPECT_EQ(0, aml_area_quota_get(&quota_, &state));
    return state;
  }

  PageArea pages_;
  AML_AREA_FAULT_DECL(inner_);
  aml_area_quota quota_ = {};
};

// An area under the fixture's quota, ended with the scope.
struct Limited {
  Limited(aml_area *inner, aml_area_quota *quota, size_t reserve) {
    EXPECT_EQ(0, aml_area_limited_init(area, inner, quota, reserve)) << aml_error_detail();
  }
  Limited(const Limited &) = delete;
  ~Limited() { aml_area_fini(area); }
  AML_AREA_LIMITED_DECL(area);
};

TEST_F(AreaLimited, MapsUpToTheLimitAndNoFurther) {
  Limited limited(inner_, &quota_, 0);
  void *const most = aml_area_map(limited.area, 9 * kPage, nullptr);
  ASSERT_NE(nullptr, most);
  EXPECT_EQ(nullptr, aml_area_map(limited.area, kPage + 1, nullptr));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_STREQ("aml_area_map: size 8192 would go over the limit of the quota", aml_error_detail());
  void *const last = aml_area_map(limited.area, 1, nullptr);
  ASSERT_NE(nullptr, last);
  EXPECT_EQ(10 * kPage, State().charged);
  EXPECT_EQ(1u, State().refusals);
  EXPECT_EQ(0, aml_area_unmap(limited.area, most, 9 * kPage));
  EXPECT_EQ(kPage, State().mapped);
  EXPECT_EQ(10 * kPage, State().peak);
  EXPECT_EQ(0, aml_area_unmap(limited.area, last, 1));
  EXPECT_EQ(0u, State().charged);
}

TEST_F(AreaLimited, AreasShareAQuota) {
  Limited a(inner_, &quota_, 0);
  Limited b(inner_, &quota_, 0);
  void *const of_a = aml_area_map(a.area, 6 * kPage, nullptr);
  EXPECT_EQ(nullptr, aml_area_map(b.area, 5 * kPage, nullptr));
  void *const of_b = aml_area_map(b.area, 4 * kPage, nullptr);
  EXPECT_NE(nullptr, of_b);
  EXPECT_EQ(0, aml_area_unmap(a.area, of_a, 6 * kPage));
  EXPECT_EQ(0, aml_area_unmap(b.area, of_b, 4 * kPage));
}

TEST_F(AreaLimited, AReservationIsTakenWhenItIsMade) {
  Limited sure(inner_, &quota_, 6 * kPage - 1);
  EXPECT_EQ(6 * kPage, State().charged);
  EXPECT_EQ(0u, State().mapped);
  Limited other(inner_, &quota_, 0);
  EXPECT_EQ(nullptr, aml_area_map(other.area, 5 * kPage, nullptr));
  void *const rest = aml_area_map(other.area, 4 * kPage, nullptr);
  ASSERT_NE(nullptr, rest);
  // What was promised is there, and no more.
  void *const promised = aml_area_map(sure.area, 6 * kPage, nullptr);
  ASSERT_NE(nullptr, promised);
  EXPECT_EQ(10 * kPage, State().charged);
  EXPECT_EQ(nullptr, aml_area_map(sure.area, 1, nullptr));
  EXPECT_EQ(0, aml_area_unmap(other.area, rest, 4 * kPage));
  void *const beyond = aml_area_map(sure.area, 1, nullptr);
  EXPECT_EQ(7 * kPage, State().charged);
  EXPECT_EQ(0, aml_area_unmap(sure.area, beyond, 1));
  EXPECT_EQ(0, aml_area_unmap(sure.area, promised, 6 * kPage));
  EXPECT_EQ(6 * kPage, State().charged);
}

TEST_F(AreaLimited, AReservationThatDoesNotFitIsRefusedAtTheStart) {
  AML_AREA_LIMITED_DECL(area);
  EXPECT_EQ(-AML_ENOMEM, aml_area_limited_init(area, inner_, &quota_, 10 * kPage + 1));
  EXPECT_STREQ("aml_area_limited_init: reserve 40961 would go over the limit of the quota",
               aml_error_detail());
  EXPECT_EQ(0u, State().charged);
  EXPECT_EQ(-AML_ENOMEM, aml_area_limited_init(area, inner_, &quota_, SIZE_MAX));
  EXPECT_STREQ("aml_area_limited_init: reserve is too large to be rounded up", aml_error_detail());
  aml_area *made = nullptr;
  EXPECT_EQ(-AML_ENOMEM, aml_area_limited_create(&made, inner_, &quota_, 11 * kPage));
  EXPECT_EQ(nullptr, made);
}

TEST_F(AreaLimited, ReservationsChange) {
  Limited limited(inner_, &quota_, 2 * kPage);
  EXPECT_EQ(0, aml_area_limited_reserve(limited.area, 10 * kPage));
  EXPECT_EQ(10 * kPage, State().charged);
  EXPECT_EQ(-AML_ENOMEM, aml_area_limited_reserve(limited.area, 11 * kPage));
  EXPECT_EQ(10 * kPage, State().charged);
  void *const some = aml_area_map(limited.area, 3 * kPage, nullptr);
  EXPECT_EQ(0, aml_area_limited_reserve(limited.area, 0));
  EXPECT_EQ(3 * kPage, State().charged);
  EXPECT_EQ(0, aml_area_unmap(limited.area, some, 3 * kPage));
  EXPECT_EQ(-AML_EINVAL, aml_area_limited_reserve(nullptr, 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_limited_reserve(inner_, 0));
  EXPECT_STREQ("aml_area_limited_reserve: area is null, or of another type", aml_error_detail());
}

TEST_F(AreaLimited, FiniGivesBackWhatIsCharged) {
  { Limited limited(inner_, &quota_, 5 * kPage); }
  EXPECT_EQ(0u, State().charged);
}

TEST_F(AreaLimited, AFailedMapIsNotCharged) {
  Limited limited(inner_, &quota_, 0);
  aml_area_fault_arm(inner_, AML_AREA_FAULT_MAP, 1, 1, -AML_EIO);
  EXPECT_EQ(nullptr, aml_area_map(limited.area, kPage, nullptr));
  EXPECT_EQ(-AML_EIO, aml_error_code());
  EXPECT_EQ(0u, State().charged);
  void *const page = aml_area_map(limited.area, kPage, nullptr);
  aml_area_fault_arm(inner_, AML_AREA_FAULT_UNMAP, 1, 1, -AML_EIO);
  EXPECT_EQ(-AML_EIO, aml_area_unmap(limited.area, page, kPage));
  EXPECT_EQ(kPage, State().charged);
  EXPECT_EQ(0, aml_area_unmap(limited.area, page, kPage));
}

TEST_F(AreaLimited, ResizingIsCharged) {
  AML_AREA_LINUX_DECL(memory);
  ASSERT_EQ(0, aml_area_linux_init(memory, nullptr));
  AML_AREA_FAULT_DECL(faulty);
  ASSERT_EQ(0, aml_area_fault_init(faulty, memory, 0));
  Limited limited(faulty, &quota_, 0);
  void *some = aml_area_map(limited.area, 4 * kPage, nullptr);
  const unsigned may_move = AML_AREA_RESIZE_MAY_MOVE;
  EXPECT_EQ(nullptr, aml_area_resize(limited.area, some, 4 * kPage, 10 * kPage + 1, may_move));
  EXPECT_STREQ("aml_area_resize: new_size 28672 would go over the limit of the quota",
               aml_error_detail());
  EXPECT_EQ(nullptr, aml_area_resize(limited.area, some, 4 * kPage, SIZE_MAX, may_move));
  EXPECT_EQ(nullptr, aml_area_resize(limited.area, some, 5 * kPage, kPage, may_move));
  EXPECT_STREQ("aml_area_resize: old_size 20480 is more than is mapped", aml_error_detail());
  for (const size_t new_size : {8 * kPage, 2 * kPage}) {
    aml_area_fault_arm(faulty, AML_AREA_FAULT_RESIZE, 1, 1, -AML_EIO);
    EXPECT_EQ(nullptr, aml_area_resize(limited.area, some, 4 * kPage, new_size, may_move));
    EXPECT_EQ(-AML_EIO, aml_error_code());
    EXPECT_EQ(4 * kPage, State().charged);
  }
  some = aml_area_resize(limited.area, some, 4 * kPage, 10 * kPage, may_move);
  ASSERT_NE(nullptr, some);
  EXPECT_EQ(10 * kPage, State().charged);
  some = aml_area_resize(limited.area, some, 10 * kPage, 1, 0);
  EXPECT_EQ(kPage, State().charged);
  EXPECT_EQ(0, aml_area_unmap(limited.area, some, 1));
}

TEST_F(AreaLimited, MoreThanIsMappedIsNotUnmapped) {
  Limited limited(inner_, &quota_, 0);
  void *const page = aml_area_map(limited.area, kPage, nullptr);
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(limited.area, page, 2 * kPage));
  EXPECT_STREQ("aml_area_unmap: size 8192 is more than is mapped", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(limited.area, page, SIZE_MAX));
  EXPECT_EQ(0, aml_area_unmap(limited.area, page, kPage));
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(limited.area, page, kPage));
}

TEST_F(AreaLimited, TheLimitCanBeLoweredBelowWhatIsMapped) {
  Limited limited(inner_, &quota_, 0);
  Limited sure(inner_, &quota_, 2 * kPage);
  void *const some = aml_area_map(limited.area, 4 * kPage, nullptr);
  EXPECT_EQ(0, aml_area_quota_set_limit(&quota_, kPage));
  EXPECT_EQ(nullptr, aml_area_map(limited.area, 1, nullptr));
  // A promise is kept all the same.
  void *const promised = aml_area_map(sure.area, 2 * kPage, nullptr);
  EXPECT_NE(nullptr, promised);
  EXPECT_EQ(0, aml_area_unmap(sure.area, promised, 2 * kPage));
  EXPECT_EQ(0, aml_area_unmap(limited.area, some, 4 * kPage));
}

// Allows the first call, has the second try again with something freed, refuses the rest.
struct Script {
  aml_area *area;
  void *spare;
  int calls;
  size_t asked;
};

aml_area_quota_answer Answer(void *argument, const aml_area_quota_state *state, size_t size) {
  auto *const script = static_cast<Script *>(argument);
  EXPECT_LE(state->limit, state->charged + size);
  script->asked = size;
  switch (++script->calls) {
  case 1:
    return AML_AREA_QUOTA_ALLOW;
  case 2:
    EXPECT_EQ(0, aml_area_unmap(script->area, script->spare, 4 * kPage));
    return AML_AREA_QUOTA_RETRY;
  default:
    return AML_AREA_QUOTA_REFUSE;
  }
}

TEST_F(AreaLimited, ACallbackAllowsFreesOrRefuses) {
  Script script = {};
  aml_area_quota_options options = {};
  options.limit = 4 * kPage;
  options.callback = Answer;
  options.argument = &script;
  ASSERT_EQ(0, aml_area_quota_init(&quota_, &options));
  Limited limited(inner_, &quota_, 0);
  script.area = limited.area;
  script.spare = aml_area_map(limited.area, 4 * kPage, nullptr);
  EXPECT_EQ(0, script.calls);
  void *const allowed = aml_area_map(limited.area, kPage, nullptr);
  ASSERT_NE(nullptr, allowed);
  EXPECT_EQ(kPage, script.asked);
  EXPECT_EQ(5 * kPage, State().charged);
  void *const retried = aml_area_map(limited.area, 2 * kPage, nullptr);
  ASSERT_NE(nullptr, retried);
  EXPECT_EQ(3 * kPage, State().charged);
  EXPECT_EQ(nullptr, aml_area_map(limited.area, 2 * kPage, nullptr));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(3, script.calls);
  EXPECT_EQ(0, aml_area_unmap(limited.area, allowed, kPage));
  EXPECT_EQ(0, aml_area_unmap(limited.area, retried, 2 * kPage));
}

TEST_F(AreaLimited, ACallbackMayMapAndIsAskedAgain) {
  struct Nested {
    aml_area *area;
    int depth;
    int deepest;
  } nested = {};
  aml_area_quota_options options = {};
  options.argument = &nested;
  options.callback = [](void *argument, const aml_area_quota_state *, size_t) {
    auto *const self = static_cast<Nested *>(argument);
    if (++self->depth > self->deepest)
      self->deepest = self->depth;
    if (self->depth < 3) {
      EXPECT_EQ(nullptr, aml_area_map(self->area, 1, nullptr));
    }
    return --self->depth == 0 ? AML_AREA_QUOTA_ALLOW : AML_AREA_QUOTA_REFUSE;
  };
  ASSERT_EQ(0, aml_area_quota_init(&quota_, &options));
  Limited limited(inner_, &quota_, 0);
  nested.area = limited.area;
  void *const page = aml_area_map(limited.area, 1, nullptr);
  EXPECT_NE(nullptr, page);
  EXPECT_EQ(3, nested.deepest);
  EXPECT_EQ(2u, State().refusals);
  EXPECT_EQ(kPage, State().charged);
  EXPECT_EQ(0, aml_area_unmap(limited.area, page, 1));
}

TEST_F(AreaLimited, WhatIsForwardedFailsAsTheInnerAreaDoes) {
  AML_AREA_LINUX_DECL(memory);
  ASSERT_EQ(0, aml_area_linux_init(memory, nullptr));
  AML_AREA_FAULT_DECL(faulty);
  ASSERT_EQ(0, aml_area_fault_init(faulty, memory, 0));
  Limited limited(faulty, &quota_, 0);
  aml_area *const area = limited.area;
  EXPECT_EQ(aml_area_capabilities(memory), aml_area_capabilities(area));
  void *const page = aml_area_map(area, kPage, nullptr);
  ASSERT_NE(nullptr, page);
  const aml_nodeset zero = aml_nodeset_of(0);
  const int device = 0;
  int result = 5;
  aml_area_info info;
  const auto fail = [&] { aml_area_fault_arm(faulty, AML_AREA_FAULT_ALL, 1, 1, -AML_EIO); };
  fail();
  EXPECT_EQ(-AML_EIO, aml_area_get_info(area, page, &info));
  fail();
  EXPECT_EQ(-AML_EIO, aml_area_bind(area, page, kPage, AML_POLICY_BIND, &zero, 0));
  fail();
  EXPECT_EQ(-AML_EIO, aml_area_locate(area, 1, &page, &result));
  fail();
  EXPECT_EQ(-AML_EIO, aml_area_move(area, 1, &page, &device, &result));
  fail();
  EXPECT_EQ(-AML_EIO, aml_area_purge(area, page, kPage));
  EXPECT_EQ(1u, aml_area_fault_disarm(faulty));
  EXPECT_EQ(-AML_ENOTSUP, aml_area_sync(area, page, kPage));
  EXPECT_EQ(5, result);
  EXPECT_EQ(0, aml_area_get_info(area, page, &info));
  EXPECT_STREQ("limited", info.type);
  EXPECT_EQ(0, aml_area_unmap(area, page, kPage));
  EXPECT_EQ(0u, aml_area_fault_live(faulty));
}

TEST_F(AreaLimited, WhatCannotBeAddedUpIsRefusedThoughAllowed) {
  SetUpQuota(0, [](void *, const aml_area_quota_state *, size_t) { return AML_AREA_QUOTA_ALLOW; });
  Limited limited(inner_, &quota_, kPage);
  Limited huge(inner_, &quota_, 0);
  const size_t most = SIZE_MAX - kPage + 1;
  EXPECT_EQ(-AML_ENOMEM, aml_area_limited_reserve(huge.area, most));
  EXPECT_EQ(kPage, State().charged);
}

TEST_F(AreaLimited, BadArgumentsAreRefused) {
  AML_AREA_LIMITED_DECL(area);
  EXPECT_EQ(-AML_EINVAL, aml_area_limited_init(nullptr, inner_, &quota_, 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_limited_init(inner_, inner_, &quota_, 0));
  EXPECT_STREQ("aml_area_limited_init: area is null, or was declared for another type",
               aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_limited_init(area, nullptr, &quota_, 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_limited_init(area, area, &quota_, 0));
  EXPECT_STREQ("aml_area_limited_init: inner is null, or the area itself", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_limited_init(area, inner_, nullptr, 0));
  EXPECT_STREQ("aml_area_limited_init: quota is null", aml_error_detail());
  aml_area_fault_arm(inner_, AML_AREA_FAULT_INFO, 1, 1, -AML_EIO);
  EXPECT_EQ(-AML_EIO, aml_area_limited_init(area, inner_, &quota_, 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_quota_init(&quota_, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_quota_init(nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_quota_get(&quota_, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_quota_get(nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_quota_set_limit(nullptr, 0));
  EXPECT_STREQ("aml_area_quota_set_limit: quota is null", aml_error_detail());
}

TEST_F(AreaLimited, ADeclaredAreaRefusesCalls) {
  AML_AREA_LIMITED_DECL(area);
  char byte = 0;
  aml_area_info info;
  EXPECT_EQ(0u, aml_area_capabilities(area));
  EXPECT_EQ(nullptr, aml_area_map(area, 1, nullptr));
  EXPECT_STREQ("aml_area_map: area is not initialised", aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area, &byte, 1));
  EXPECT_EQ(-AML_EINVAL, aml_area_get_info(area, nullptr, &info));
  EXPECT_EQ(-AML_EINVAL, aml_area_limited_reserve(area, 1));
}

TEST_F(AreaLimited, ThreadsNeverGoOverTheLimitAndLoseNothing) {
  Limited a(inner_, &quota_, 2 * kPage);
  Limited b(inner_, &quota_, 0);
  std::atomic<int> mapped{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      aml_area *const area = t % 2 == 0 ? a.area : b.area;
      for (int i = 0; i < 500; ++i) {
        const size_t size = (1 + (i + t) % 5) * kPage;
        void *const some = aml_area_map(area, size, nullptr);
        EXPECT_LE(State().charged, 10 * kPage);
        if (some == nullptr)
          continue;
        ++mapped;
        EXPECT_EQ(0, aml_area_unmap(area, some, size));
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_GT(mapped, 0);
  EXPECT_EQ(0u, State().mapped);
  EXPECT_EQ(2 * kPage, State().charged);
  EXPECT_LE(State().peak, 10 * kPage);
}

} // namespace
