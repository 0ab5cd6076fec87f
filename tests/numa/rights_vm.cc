// SPDX-License-Identifier: BSD-3-Clause
//
// area:linux with less privilege, as ./confine arranges it; and with a full node.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <string>

#include "aml/area/linux.h"
#include "aml/core/area.h"
#include "aml/core/area_report.h"
#include "aml/core/device.h"
#include "aml/core/error.h"
#include "aml/core/nodeset.h"

namespace {

constexpr size_t kPage = 4096;

std::string Confinement() {
  const char *const name = std::getenv("CONFINED");
  return name == nullptr ? "" : name;
}

// The last node that has memory.
int LastNode() {
  std::ifstream file("/sys/devices/system/node/has_memory");
  std::string text;
  std::getline(file, text);
  aml_nodeset nodes = {};
  EXPECT_EQ(0, aml_nodeset_parse(text.c_str(), &nodes));
  return aml_nodeset_last(&nodes);
}

aml_area_linux_options BoundTo(int node, unsigned bind_flags = 0) {
  aml_area_linux_options options = {};
  options.policy = AML_POLICY_BIND;
  options.devices = aml_nodeset_of(node);
  options.bind_flags = bind_flags;
  options.huge_pages = AML_AREA_LINUX_HUGE_NONE;
  return options;
}

// Maps, populates, and tells on which node the pages are.
void ExpectOn(const aml_area_linux_options &options, int node) {
  AML_AREA_LINUX_DECL(area);
  ASSERT_EQ(0, aml_area_linux_init(area, &options)) << aml_error_detail();
  aml_area_map_options populate = {};
  populate.flags = AML_AREA_MAP_POPULATE;
  void *const pages = aml_area_map(area, 16 * kPage, &populate);
  ASSERT_NE(nullptr, pages) << aml_error_detail();
  static aml_area_pages report;
  ASSERT_EQ(0, aml_area_report(area, pages, 16 * kPage, &report)) << aml_error_detail();
  EXPECT_EQ(16 * kPage, report.device_size[node]);
  EXPECT_EQ(0, aml_area_unmap(area, pages, 16 * kPage));
  aml_area_fini(area);
}

class AsUser : public testing::Test {
protected:
  void SetUp() override {
    if (Confinement() != "user")
      GTEST_SKIP() << "is for confine user";
  }
};

TEST_F(AsUser, OwnPagesCanBeBoundAndMoved) {
  ASSERT_NE(0u, geteuid());
  ExpectOn(BoundTo(LastNode(), AML_AREA_BIND_STRICT), LastNode());
  AML_AREA_LINUX_DECL(area);
  ASSERT_EQ(0, aml_area_linux_init(area, nullptr));
  auto *const page = static_cast<char *>(aml_area_map(area, kPage, nullptr));
  ASSERT_NE(nullptr, page);
  page[0] = 1;
  void *const address = page;
  for (const int node : {LastNode(), 0, LastNode()}) {
    int result = -1000;
    ASSERT_EQ(0, aml_area_move(area, 1, &address, &node, &result)) << aml_error_detail();
    EXPECT_EQ(node, result);
    EXPECT_EQ(0, aml_area_locate(area, 1, &address, &result));
    EXPECT_EQ(node, result);
  }
  EXPECT_EQ(0, aml_area_unmap(area, page, kPage));
}

TEST_F(AsUser, MoreThanTheLimitIsNotLocked) {
  const rlimit limit = {kPage, kPage};
  ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &limit));
  AML_AREA_LINUX_DECL(area);
  aml_area_linux_options options = {};
  options.flags = AML_AREA_LINUX_LOCK;
  ASSERT_EQ(0, aml_area_linux_init(area, &options));
  EXPECT_EQ(nullptr, aml_area_map(area, 2 * kPage, nullptr));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_NE(nullptr, std::strstr(aml_error_detail(), "RLIMIT_MEMLOCK")) << aml_error_detail();
  void *const page = aml_area_map(area, kPage, nullptr);
  EXPECT_NE(nullptr, page) << aml_error_detail();
  EXPECT_EQ(0, aml_area_unmap(area, page, kPage));
  options.wishes = AML_AREA_GRANT_LOCKED;
  AML_AREA_LINUX_DECL(wishful);
  ASSERT_EQ(0, aml_area_linux_init(wishful, &options));
  void *const pages = aml_area_map(wishful, 2 * kPage, nullptr);
  ASSERT_NE(nullptr, pages) << aml_error_detail();
  aml_area_info info;
  ASSERT_EQ(0, aml_area_get_info(wishful, pages, &info));
  EXPECT_EQ(0u, info.granted & AML_AREA_GRANT_LOCKED);
  EXPECT_EQ(0, aml_area_unmap(wishful, pages, 2 * kPage));
}

class InCpuset : public testing::Test {
protected:
  void SetUp() override {
    if (Confinement().rfind("cpuset=", 0) != 0)
      GTEST_SKIP() << "is for confine cpuset=NODES";
    ASSERT_EQ(0, aml_nodeset_parse(Confinement().c_str() + 7, &allowed_));
    hidden_ = LastNode();
    ASSERT_FALSE(aml_nodeset_has(&allowed_, hidden_));
  }
  aml_nodeset allowed_ = {};
  int hidden_ = -1;
};

TEST_F(InCpuset, AHiddenNodeIsRefusedAndNamed) {
  const std::string number = std::to_string(hidden_);
  AML_AREA_LINUX_DECL(area);
  aml_area_linux_options options = BoundTo(hidden_);
  EXPECT_EQ(-AML_EINVAL, aml_area_linux_init(area, &options));
  EXPECT_NE(nullptr, std::strstr(aml_error_detail(), number.c_str())) << aml_error_detail();
  // One hidden node among others too, which the kernel would leave out.
  (void)aml_nodeset_add(&options.devices, aml_nodeset_next(&allowed_, -1));
  options.policy = AML_POLICY_INTERLEAVE;
  EXPECT_EQ(-AML_EINVAL, aml_area_linux_init(area, &options));
  ASSERT_EQ(0, aml_area_linux_init(area, nullptr));
  void *const page = aml_area_map(area, kPage, nullptr);
  const aml_nodeset hidden = aml_nodeset_of(hidden_);
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area, page, kPage, AML_POLICY_BIND, &hidden, 0));
  EXPECT_NE(nullptr, std::strstr(aml_error_detail(), "aml_area_bind")) << aml_error_detail();
  EXPECT_EQ(-AML_EINVAL, aml_area_bind(area, page, kPage, AML_POLICY_BIND, &options.devices, 0));
  EXPECT_EQ(0, aml_area_unmap(area, page, kPage));
}

TEST_F(InCpuset, WhatIsAllowedCanBeBoundTo) {
  for (int node = aml_nodeset_next(&allowed_, -1); node >= 0;
       node = aml_nodeset_next(&allowed_, node))
    ExpectOn(BoundTo(node), node);
}

TEST_F(InCpuset, DevicesSayWhichAreAllowed) {
  aml_devices *devices = nullptr;
  ASSERT_EQ(0, aml_devices_read(&devices, nullptr)) << aml_error_detail();
  for (size_t i = 0; i < aml_devices_count(devices); ++i) {
    const aml_device *const device = aml_devices_at(devices, i);
    const bool is_allowed = aml_nodeset_has(&allowed_, device->number);
    EXPECT_EQ(is_allowed ? AML_ANSWER_YES : AML_ANSWER_NO, device->is_allowed) << device->number;
    EXPECT_EQ(is_allowed, device->usable != 0) << device->number;
  }
  aml_devices_destroy(&devices);
}

class WithoutNuma : public testing::Test {
protected:
  void SetUp() override {
    if (Confinement() != "seccomp")
      GTEST_SKIP() << "is for confine seccomp";
  }
};

TEST_F(WithoutNuma, MemoryIsHadAndPlacingItIsRefusedWithASentence) {
  AML_AREA_LINUX_DECL(area);
  ASSERT_EQ(0, aml_area_linux_init(area, nullptr)) << aml_error_detail();
  auto *const bytes = static_cast<char *>(aml_area_map(area, size_t{4} << 20, nullptr));
  ASSERT_NE(nullptr, bytes) << aml_error_detail();
  bytes[0] = 1;
  const aml_nodeset zero = aml_nodeset_of(0);
  EXPECT_EQ(-AML_EPERM, aml_area_bind(area, bytes, kPage, AML_POLICY_BIND, &zero, 0));
  EXPECT_NE(nullptr, std::strstr(aml_error_detail(), "aml_area_bind: ")) << aml_error_detail();
  void *const page = bytes;
  const int node = 0;
  int result = 0;
  EXPECT_EQ(-AML_EPERM, aml_area_locate(area, 1, &page, &result));
  EXPECT_NE(nullptr, std::strstr(aml_error_detail(), "aml_area_locate: ")) << aml_error_detail();
  EXPECT_EQ(-AML_EPERM, aml_area_move(area, 1, &page, &node, &result));
  aml_area_info info;
  EXPECT_EQ(0, aml_area_get_info(area, bytes, &info)) << aml_error_detail();
  EXPECT_EQ(0, aml_area_unmap(area, bytes, size_t{4} << 20));
}

TEST_F(WithoutNuma, APolicyIsRefusedUnlessItIsAWish) {
  AML_AREA_LINUX_DECL(area);
  aml_area_linux_options options = BoundTo(0);
  int err = aml_area_linux_init(area, &options);
  if (!err && aml_area_map(area, kPage, nullptr) == nullptr)
    err = aml_error_code();
  EXPECT_EQ(-AML_EPERM, err) << aml_error_detail();
}

class WithAFullNode : public testing::Test {
protected:
  void SetUp() override {
    if (!Confinement().empty())
      GTEST_SKIP() << "fills a node, and needs no confinement";
  }

  static size_t FreeOn(int node) {
    aml_devices *devices = nullptr;
    EXPECT_EQ(0, aml_devices_read(&devices, nullptr)) << aml_error_detail();
    const size_t size = aml_devices_find(devices, node)->free;
    aml_devices_destroy(&devices);
    return size;
  }
};

TEST_F(WithAFullNode, APreferenceSpillsToOtherNodes) {
  const int node = LastNode();
  const size_t size = (FreeOn(node) + (size_t{16} << 20)) & ~(kPage - 1);
  AML_AREA_LINUX_DECL(area);
  aml_area_linux_options options = BoundTo(node);
  options.policy = AML_POLICY_PREFERRED;
  ASSERT_EQ(0, aml_area_linux_init(area, &options)) << aml_error_detail();
  aml_area_map_options populate = {};
  populate.flags = AML_AREA_MAP_POPULATE;
  void *const pages = aml_area_map(area, size, &populate);
  ASSERT_NE(nullptr, pages) << aml_error_detail();
  static aml_area_pages report;
  ASSERT_EQ(0, aml_area_report(area, pages, size, &report)) << aml_error_detail();
  EXPECT_GT(report.device_size[node], size / 2);
  EXPECT_LT(report.device_size[node], size);
  EXPECT_EQ(0u, report.absent_size);
  EXPECT_EQ(0, aml_area_unmap(area, pages, size));
  aml_area_fini(area);
}

// The kernel has no other answer to a touch of bound memory that there is not, so a device's free
// bytes are to be asked for, or a quota set (area:limited), before that.
TEST_F(WithAFullNode, BoundMemoryBeyondItIsFatalToTouch) {
  const int node = LastNode();
  const size_t size = FreeOn(node) + (size_t{64} << 20);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    std::ofstream("/proc/self/oom_score_adj") << 1000;
    AML_AREA_LINUX_DECL(area);
    const aml_area_linux_options options = BoundTo(node);
    auto *const bytes = aml_area_linux_init(area, &options) != 0
                            ? nullptr
                            : static_cast<char *>(aml_area_map(area, size, nullptr));
    for (size_t at = 0; bytes != nullptr && at < size; at += kPage)
      bytes[at] = 1;
    _exit(bytes == nullptr ? 2 : 3);
  }
  int status = 0;
  ASSERT_EQ(child, waitpid(child, &status, 0));
  EXPECT_TRUE(WIFSIGNALED(status)) << status;
  EXPECT_EQ(SIGKILL, WTERMSIG(status));
}

} // namespace
