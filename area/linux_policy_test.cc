// SPDX-License-Identifier: BSD-3-Clause
//
// Policies as the kernel reports them: /proc/self/numa_maps, get_mempolicy, move_pages. Here is one
// node, perhaps; placement on several is shown in tests/numa.

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "aml/area/linux.h"
#include "aml/area/linux_testing.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

// Policies

TEST_F(AreaLinux, WithoutAPolicyAMappingHasNone) {
  SKIP_WITHOUT_NUMA();
  char *const memory = MapAlone();
  EXPECT_EQ("default", PolicyText(memory));
  const aml_area_info info = Info(memory);
  EXPECT_EQ(AML_POLICY_DEFAULT, info.policy);
  EXPECT_TRUE(aml_nodeset_is_empty(&info.devices));
  Unmap(memory, page_);
}

TEST_F(AreaLinux, EachPolicyIsWhatTheKernelThenHas) {
  SKIP_WITHOUT_NUMA();
  const std::vector<std::tuple<aml_policy, const char *, std::string>> policies = {
      {AML_POLICY_LOCAL, "", "local"},
      {AML_POLICY_BIND, "0", "bind:0"},
      {AML_POLICY_PREFERRED, "0", "prefer:0"},
      {AML_POLICY_PREFERRED_MANY, "0", "prefer (many):0"},
      {AML_POLICY_INTERLEAVE, "0", "interleave:0"},
      {AML_POLICY_WEIGHTED_INTERLEAVE, "0", "weighted interleave:0"}};
  for (const auto &[policy, devices, text] : policies) {
    const aml_area_linux_options options = Policy(policy, devices);
    Create(options);
    EXPECT_EQ(policy, Info().policy);
    char *const memory = Map(page_);
    if (memory == nullptr && aml_error_code() == -AML_ENOTSUP) {
      EXPECT_TRUE(Contains(aml_error_detail(), "needs Linux")) << aml_error_detail();
      continue;
    }
    ASSERT_NE(nullptr, memory) << aml_error_detail();
    EXPECT_EQ(text, PolicyText(memory));
    const aml_area_info info = Info(memory);
    EXPECT_EQ(policy, info.policy);
    EXPECT_TRUE(aml_nodeset_is_equal(&options.devices, &info.devices));
    EXPECT_EQ(AML_POLICY_DEFAULT, [] {
      int mode = -1;
      EXPECT_EQ(0, get_mempolicy(&mode, nullptr, 0, nullptr, 0));
      return mode;
    }()) << "the thread's own policy";
    Unmap(memory, page_);
  }
}

TEST_F(AreaLinux, BindGivesARangeAPolicyAndTakesItBack) {
  SKIP_WITHOUT_NUMA();
  const aml_nodeset zero = aml_nodeset_of(0);
  char *const memory = Map(4 * page_);
  // A range within pages 1 and 2 grows to both.
  ASSERT_EQ(0, aml_area_bind(area_, memory + page_ + 10, page_, AML_POLICY_BIND, &zero, 0))
      << aml_error_detail();
  EXPECT_EQ("bind:0", PolicyText(memory + page_));
  EXPECT_EQ("default", PolicyText(memory + 3 * page_));
  EXPECT_EQ(AML_POLICY_DEFAULT, Info(memory).policy);
  EXPECT_EQ(AML_POLICY_BIND, Info(memory + page_).policy);
  EXPECT_EQ(AML_POLICY_BIND, Info(memory + 3 * page_ - 1).policy);
  ASSERT_EQ(0, aml_area_bind(area_, memory, 4 * page_, AML_POLICY_LOCAL, nullptr, 0));
  EXPECT_EQ(AML_POLICY_LOCAL, Info(memory + page_).policy);
  ASSERT_EQ(0, aml_area_bind(area_, memory, 4 * page_, AML_POLICY_DEFAULT, nullptr, 0));
  EXPECT_EQ(AML_POLICY_DEFAULT, Info(memory + page_).policy);
  Unmap(memory, 4 * page_);
}

TEST_F(AreaLinux, BindMovesWhatIsPresentIfAsked) {
  SKIP_WITHOUT_NUMA();
  const aml_nodeset zero = aml_nodeset_of(0);
  char *const memory = Map(4 * page_, 0, AML_AREA_MAP_POPULATE);
  EXPECT_EQ(0, aml_area_bind(area_, memory, 4 * page_, AML_POLICY_BIND, &zero,
                             AML_AREA_BIND_MOVE | AML_AREA_BIND_STRICT))
      << aml_error_detail();
  Unmap(memory, 4 * page_);
}

TEST_F(AreaLinux, BindRefusesWhatItCannotBind) {
  SKIP_WITHOUT_NUMA();
  char *const memory = MapAlone();
  aml_nodeset devices = aml_nodeset_of(0);
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area_, memory, SIZE_MAX, AML_POLICY_BIND, &devices, 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area_, memory, 2 * page_, AML_POLICY_BIND, &devices, 0));
  EXPECT_STREQ("aml_area_bind: pointer and size span addresses without a mapping",
               aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area_, memory, page_, AML_POLICY_BIND, nullptr, 0));
  // The kernel would leave the second one out.
  ASSERT_TRUE(aml_nodeset_add(&devices, 1023));
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area_, memory, page_, AML_POLICY_BIND, &devices, 0));
  EXPECT_STREQ("aml_area_bind: device 1023 has no memory that this process may use",
               aml_error_detail());
  aml_nodeset_remove(&devices, 0);
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area_, memory, page_, AML_POLICY_BIND, &devices, 0));
  EXPECT_STREQ("aml_area_bind: device 1023 has no memory that this process may use",
               aml_error_detail());
  EXPECT_EQ("default", PolicyText(memory));
  Unmap(memory, page_);
}

// Where pages are

TEST_F(AreaLinux, LocateSaysWhatMovePagesSays) {
  SKIP_WITHOUT_NUMA();
  char *const memory = Map(3 * page_);
  memory[page_] = 1;
  std::array<void *, 3> pointers = {memory, memory + page_ + 17, memory + 2 * page_};
  std::array<int, 3> devices = {99, 99, 99};
  ASSERT_EQ(0, aml_area_locate(area_, 3, pointers.data(), devices.data())) << aml_error_detail();
  std::array<int, 3> status = {};
  ASSERT_EQ(0, move_pages(0, 3, pointers.data(), nullptr, status.data(), 0));
  EXPECT_EQ(-AML_ENOENT, devices[0]);
  EXPECT_EQ(status[1], devices[1]);
  EXPECT_GE(devices[1], 0);
  EXPECT_EQ(-AML_ENOENT, devices[2]);
  EXPECT_EQ(1u, PresentPages(memory, 3)) << "it touched pages";
  Unmap(memory, 3 * page_);
}

TEST_F(AreaLinux, MoveTellsWhereEachPageIsAfterwards) {
  SKIP_WITHOUT_NUMA();
  char *const memory = Map(2 * page_);
  memory[0] = 1;
  std::array<void *, 2> pointers = {memory, memory + page_};
  std::array<int, 2> devices = {0, 0};
  std::array<int, 2> results = {99, 99};
  ASSERT_EQ(0, aml_area_move(area_, 2, pointers.data(), devices.data(), results.data()))
      << aml_error_detail();
  EXPECT_EQ((std::array<int, 2>{0, -AML_ENOENT}), results);
  devices = {0, 1023};
  results = {99, 99};
  EXPECT_EQ(-AML_EINVAL, aml_area_move(area_, 2, pointers.data(), devices.data(), results.data()));
  EXPECT_STREQ("aml_area_move: device 1023 has no memory that this process may use",
               aml_error_detail());
  EXPECT_EQ((std::array<int, 2>{99, 99}), results);
  Unmap(memory, 2 * page_);
}

TEST_F(AreaLinux, PolicyAndHugePagesGoWithAMappingThatGrows) {
  SKIP_WITHOUT_NUMA();
  aml_area_linux_options options = Policy(AML_POLICY_BIND, "0");
  options.huge_pages = AML_AREA_LINUX_HUGE_NONE;
  Create(options);
  char *memory = Map(page_);
  memory = static_cast<char *>(
      aml_area_resize(area_, memory, page_, 3 * page_, AML_AREA_RESIZE_MAY_MOVE));
  ASSERT_NE(nullptr, memory);
  EXPECT_EQ(AML_POLICY_BIND, Info(memory + 2 * page_).policy);
  EXPECT_TRUE(Contains(Smaps(memory + 2 * page_)["VmFlags"], " nh "));
  Unmap(memory, 3 * page_);
}

// Containers

TEST_F(AreaLinux, WithoutAPolicyNothingOfNumaIsCalled) {
  EXPECT_SUCCESS_OR_SKIP(RunWithNumaCalls(SECCOMP_RET_KILL_PROCESS, [this] {
    AML_AREA_LINUX_DECL(area);
    ASSERT_EQ(0, aml_area_linux_init(area, nullptr));
    aml_area_fini(area);
    for (const unsigned flags : {0u, unsigned{AML_AREA_MAP_POPULATE}}) {
      void *memory = Map(2 * kMiB, 4 * kMiB, flags);
      ASSERT_NE(nullptr, memory);
      memory = aml_area_resize(area_, memory, 2 * kMiB, 3 * kMiB, AML_AREA_RESIZE_MAY_MOVE);
      ASSERT_NE(nullptr, memory);
      ASSERT_EQ(0, aml_area_purge(area_, memory, 3 * kMiB));
      Unmap(memory, 3 * kMiB);
    }
    (void)Info();
  }));
  // That the filter works, and that binding is what it would find.
  EXPECT_EQ(-SIGSYS, RunWithNumaCalls(SECCOMP_RET_KILL_PROCESS, [this] {
    char *const memory = Map(page_);
    (void)!aml_area_bind(area_, memory, page_, AML_POLICY_LOCAL, nullptr, 0);
  }));
}

TEST_F(AreaLinux, WhereNumaIsForbiddenOrLackingThatIsSaid) {
  struct Case {
    int number;
    int code;
    std::string sentence;
  };
  for (const Case &c : {Case{EPERM, -AML_EPERM, ", which containers often forbid: "},
                        Case{ENOSYS, -AML_ENOTSUP, ", which needs a NUMA kernel: "}}) {
    const unsigned action = SECCOMP_RET_ERRNO | static_cast<unsigned>(c.number);
    EXPECT_SUCCESS_OR_SKIP(RunWithNumaCalls(action, [this, &c] {
      const auto expect = [&](int err, const std::string &call) {
        EXPECT_EQ(c.code, err);
        EXPECT_EQ(call + c.sentence + std::strerror(c.number), aml_error_detail());
      };
      aml_area_linux_options options = Policy(AML_POLICY_BIND, "0");
      aml_area *bound = nullptr;
      expect(aml_area_linux_create(&bound, &options), "aml_area_linux_init: get_mempolicy");

      char *const memory = Map(page_);
      const aml_nodeset zero = aml_nodeset_of(0);
      expect(aml_area_bind(area_, memory, page_, AML_POLICY_BIND, &zero, 0),
             "aml_area_bind: mbind");
      void *pointer = memory;
      int device = 0;
      int result = 0;
      expect(aml_area_locate(area_, 1, &pointer, &result), "aml_area_locate: move_pages");
      expect(aml_area_move(area_, 1, &pointer, &device, &result), "aml_area_move: get_mempolicy");
      // A mapping's policy is then what the area's is: none could be given.
      EXPECT_EQ(AML_POLICY_DEFAULT, Info(memory).policy);
      Unmap(memory, page_);

      // A policy without devices is refused by the first map, which leaves nothing behind.
      options = Policy(AML_POLICY_LOCAL);
      Create(options);
      const size_t before = MappedPages();
      EXPECT_EQ(nullptr, Map(100 * page_, kMiB));
      expect(aml_error_code(), "aml_area_map: mbind");
      EXPECT_EQ(before, MappedPages());
    }));
  }
}

} // namespace
