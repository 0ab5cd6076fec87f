// SPDX-License-Identifier: BSD-3-Clause
//
// area:shm between real processes: this program runs itself again, with what to do as its argument,
// so that nothing but a socket or a name is inherited.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "aml/area/shm.h"
#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

constexpr size_t kPage = 4096;

// What the other process does; returns its exit status.
int Receive(int socket, bool dies) {
  AML_AREA_SHM_DECL(area);
  void *pointer = nullptr;
  size_t size = 0;
  if (aml_area_shm_receive(area, socket, AML_AREA_SHM_SEALED, &pointer, &size) != 0) {
    std::fprintf(stderr, "%s\n", aml_error_detail());
    return 1;
  }
  auto *const bytes = static_cast<char *>(pointer);
  if (size != 3 * kPage || bytes[0] != 11 || bytes[size - 1] != 22)
    return 2;
  bytes[100] = 33;
  if (dies)
    raise(SIGKILL);
  const int err = aml_area_unmap(area, pointer, size);
  aml_area_fini(area);
  return err == 0 ? 0 : 3;
}

int OwnAndDie(const char *name) {
  AML_AREA_SHM_DECL(area);
  aml_area_shm_options options = {};
  options.kind = AML_AREA_SHM_NAMED;
  options.name = name;
  if (aml_area_shm_init(area, &options) != 0)
    return 1;
  auto *const bytes = static_cast<char *>(aml_area_map(area, kPage, nullptr));
  if (bytes == nullptr)
    return 2;
  bytes[7] = 77;
  raise(SIGKILL);
  return 3;
}

int Attach(const char *name) {
  AML_AREA_SHM_DECL(area);
  if (aml_area_shm_attach(area, name, 0) != 0)
    return 1;
  auto *const bytes = static_cast<char *>(aml_area_shm_map_at(area, kPage, kPage, nullptr));
  if (bytes == nullptr || bytes[0] != 44)
    return 2;
  bytes[1] = 55;
  (void)aml_area_unmap(area, bytes, kPage);
  aml_area_fini(area);
  return 0;
}

// Runs this program with arguments; returns what waitpid() tells.
int RunSelf(const std::string &what, const std::string &argument) {
  const pid_t child = fork();
  if (child == 0) {
    execl("/proc/self/exe", "shm_process_test", what.c_str(), argument.c_str(), nullptr);
    _exit(126);
  }
  int status = -1;
  EXPECT_EQ(child, waitpid(child, &status, 0));
  return status;
}

std::string NameOf(const char *what) {
  return "/aml-" + std::string(what) + "-" + std::to_string(getpid());
}

// A segment of which a piece is sent; both ends of a socket.
class AreaShmProcess : public testing::Test {
protected:
  AreaShmProcess() {
    // Not closed by exec.
    EXPECT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets_));
    EXPECT_EQ(0, aml_area_shm_init(area_, nullptr)) << aml_error_detail();
    before_ = aml_area_map(area_, 5 * kPage, nullptr);
    bytes_ = static_cast<char *>(aml_area_map(area_, 3 * kPage, nullptr));
    bytes_[0] = 11;
    bytes_[3 * kPage - 1] = 22;
  }
  ~AreaShmProcess() override {
    EXPECT_EQ(0, aml_area_unmap(area_, bytes_, 3 * kPage));
    EXPECT_EQ(0, aml_area_unmap(area_, before_, 5 * kPage));
    aml_area_fini(area_);
    close(sockets_[0]);
    close(sockets_[1]);
  }
  int sockets_[2] = {-1, -1};
  AML_AREA_SHM_DECL(area_);
  void *before_ = nullptr;
  char *bytes_ = nullptr;
};

TEST_F(AreaShmProcess, AMappingIsSentToAnotherProcess) {
  ASSERT_EQ(0, aml_area_shm_send(area_, bytes_ + kPage, sockets_[0])) << aml_error_detail();
  EXPECT_EQ(0, RunSelf("receive", std::to_string(sockets_[1])));
  EXPECT_EQ(33, bytes_[100]);
}

TEST_F(AreaShmProcess, AProcessThatDiesTakesNothingAlong) {
  ASSERT_EQ(0, aml_area_shm_send(area_, bytes_, sockets_[0]));
  const int status = RunSelf("receive-and-die", std::to_string(sockets_[1]));
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(33, bytes_[100]);
  bytes_[101] = 1;
  void *const more = aml_area_map(area_, 9 * kPage, nullptr);
  EXPECT_NE(nullptr, more) << aml_error_detail();
  EXPECT_EQ(0, aml_area_unmap(area_, more, 9 * kPage));
}

TEST_F(AreaShmProcess, TheOtherEndMayCloseFirst) {
  close(sockets_[1]);
  sockets_[1] = -1;
  EXPECT_NE(0, aml_area_shm_send(area_, bytes_, sockets_[0])) << "and no signal";
  EXPECT_NE(nullptr, std::strstr(aml_error_detail(), "aml_area_shm_send: sendmsg: "));
}

TEST(AreaShmName, AnotherProcessAttachesByName) {
  const std::string name = NameOf("attach");
  AML_AREA_SHM_DECL(area);
  aml_area_shm_options options = {};
  options.kind = AML_AREA_SHM_NAMED;
  options.name = name.c_str();
  ASSERT_EQ(0, aml_area_shm_init(area, &options)) << aml_error_detail();
  auto *const bytes = static_cast<char *>(aml_area_map(area, 2 * kPage, nullptr));
  ASSERT_NE(nullptr, bytes);
  bytes[kPage] = 44;
  EXPECT_EQ(0, RunSelf("attach", name));
  EXPECT_EQ(55, bytes[kPage + 1]);
  EXPECT_EQ(0, aml_area_unmap(area, bytes, 2 * kPage));
  aml_area_fini(area);
  AML_AREA_SHM_DECL(late);
  EXPECT_EQ(-AML_ENOENT, aml_area_shm_attach(late, name.c_str(), 0)) << "the name is gone";
  EXPECT_NE(nullptr, std::strstr(aml_error_detail(), name.c_str())) << aml_error_detail();
}

TEST(AreaShmName, WhatAnOwnerThatDiedLeavesCanBeReadAndReplaced) {
  const std::string name = NameOf("stale");
  EXPECT_TRUE(WIFSIGNALED(RunSelf("own-and-die", name)));
  AML_AREA_SHM_DECL(area);
  aml_area_shm_options options = {};
  options.kind = AML_AREA_SHM_NAMED;
  options.name = name.c_str();
  EXPECT_EQ(-AML_EEXIST, aml_area_shm_init(area, &options));
  AML_AREA_SHM_DECL(stale);
  ASSERT_EQ(0, aml_area_shm_attach(stale, name.c_str(), AML_AREA_SHM_READ_ONLY));
  auto *const left = static_cast<char *>(aml_area_map(stale, kPage, nullptr));
  ASSERT_NE(nullptr, left) << aml_error_detail();
  EXPECT_EQ(77, left[7]);
  EXPECT_EQ(0u, aml_area_capabilities(stale) & AML_AREA_HOST_WRITABLE);
  options.flags = AML_AREA_SHM_REPLACE;
  ASSERT_EQ(0, aml_area_shm_init(area, &options)) << aml_error_detail();
  auto *const fresh = static_cast<char *>(aml_area_map(area, kPage, nullptr));
  EXPECT_EQ(0, fresh[7]);
  EXPECT_EQ(77, left[7]) << "who has the old one keeps it";
  EXPECT_EQ(0, aml_area_unmap(area, fresh, kPage));
  EXPECT_EQ(0, aml_area_unmap(stale, left, kPage));
  aml_area_fini(area);
  aml_area_fini(stale);
  EXPECT_LT(shm_open(name.c_str(), O_RDONLY, 0), 0);
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 3) {
    const std::string what = argv[1];
    if (what == "receive" || what == "receive-and-die")
      return Receive(std::atoi(argv[2]), what != "receive");
    if (what == "own-and-die")
      return OwnAndDie(argv[2]);
    if (what == "attach")
      return Attach(argv[2]);
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
