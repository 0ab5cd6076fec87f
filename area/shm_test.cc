// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/shm.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

constexpr size_t kPage = 4096;

size_t Descriptors() {
  size_t count = 0;
  for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd"))
    count += entry.path().empty() ? 0 : 1;
  return count;
}

bool Says(const std::string &what) {
  return std::string(aml_error_detail()).find(what) != std::string::npos;
}

class AreaShm : public testing::Test {
protected:
  ~AreaShm() override { EXPECT_EQ(descriptors_, Descriptors()); }
  size_t descriptors_ = Descriptors();
};

// An area, ended with the scope.
struct Shm {
  explicit Shm(const aml_area_shm_options *options = nullptr) {
    EXPECT_EQ(0, aml_area_shm_init(area, options)) << aml_error_detail();
  }
  Shm(const Shm &) = delete;
  ~Shm() { aml_area_fini(area); }
  char *Map(size_t size) { return static_cast<char *>(aml_area_map(area, size, nullptr)); }
  int Descriptor() {
    aml_area_info info;
    EXPECT_EQ(0, aml_area_get_info(area, nullptr, &info));
    return info.native.as.file.descriptor;
  }
  AML_AREA_SHM_DECL(area);
};

// Both ends of a Unix socket.
struct Sockets {
  Sockets() { EXPECT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)); }
  Sockets(const Sockets &) = delete;
  ~Sockets() {
    close(ends[0]);
    close(ends[1]);
  }
  // Sends any message with any descriptors.
  void Send(const void *bytes, size_t size, const std::vector<int> &descriptors) const {
    alignas(cmsghdr) char control[1024] = {};
    iovec text = {const_cast<void *>(bytes), size};
    msghdr header = {};
    header.msg_iov = &text;
    header.msg_iovlen = 1;
    if (!descriptors.empty()) {
      const size_t length = descriptors.size() * sizeof(int);
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE(length);
      cmsghdr *const rights = CMSG_FIRSTHDR(&header);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(length);
      std::memcpy(CMSG_DATA(rights), descriptors.data(), length);
    }
    EXPECT_EQ(static_cast<ssize_t>(size), sendmsg(ends[0], &header, 0));
  }
  int ends[2] = {-1, -1};
};

struct Message {
  uint64_t magic = 0x316d68736c6d61;
  uint64_t offset = 0;
  uint64_t size = kPage;
};

TEST_F(AreaShm, MemoryIsTakenBeforeItIsTouchedAndGivenBack) {
  Shm shm;
  struct stat status = {};
  char *const bytes = shm.Map(64 * kPage);
  ASSERT_NE(nullptr, bytes) << aml_error_detail();
  ASSERT_EQ(0, fstat(shm.Descriptor(), &status));
  EXPECT_EQ(static_cast<blkcnt_t>(64 * kPage / 512), status.st_blocks);
  EXPECT_EQ(0, aml_area_unmap(shm.area, bytes, 64 * kPage));
  ASSERT_EQ(0, fstat(shm.Descriptor(), &status));
  EXPECT_EQ(0, status.st_blocks);
}

TEST_F(AreaShm, NobodyCanCutAnUnnamedSegmentShort) {
  Shm shm;
  char *const bytes = shm.Map(4 * kPage);
  EXPECT_NE(0, ftruncate(shm.Descriptor(), 0));
  EXPECT_EQ(EPERM, errno);
  bytes[4 * kPage - 1] = 1;
  EXPECT_EQ(0, aml_area_unmap(shm.area, bytes, 4 * kPage));
}

TEST_F(AreaShm, SealsHold) {
  Shm shm;
  char *const bytes = shm.Map(4 * kPage);
  EXPECT_EQ(0, aml_area_shm_seal(shm.area, AML_AREA_SHM_SEAL_GROW)) << aml_error_detail();
  EXPECT_EQ(nullptr, shm.Map(kPage));
  EXPECT_EQ(-AML_EPERM, aml_error_code()) << aml_error_detail();
  EXPECT_EQ(0, aml_area_shm_seal(shm.area, AML_AREA_SHM_SEAL_WRITE)) << aml_error_detail();
  bytes[0] = 1;
  EXPECT_EQ(MAP_FAILED,
            mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, shm.Descriptor(), 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_shm_seal(shm.area, 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_shm_seal(shm.area, 1u << 9));
  EXPECT_EQ(-AML_EINVAL, aml_area_shm_seal(nullptr, 1));
  EXPECT_EQ(0, aml_area_unmap(shm.area, bytes, 4 * kPage));
}

TEST_F(AreaShm, ASegmentOfAGivenSizeHasNoMore) {
  aml_area_shm_options options = {};
  options.size = 4 * kPage;
  Shm shm(&options);
  char *const bytes = shm.Map(3 * kPage);
  EXPECT_EQ(nullptr, shm.Map(2 * kPage));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_EQ(0, aml_area_unmap(shm.area, bytes, 3 * kPage));
}

TEST_F(AreaShm, SecretMemoryIsHadOrSaidToBeMissing) {
  AML_AREA_SHM_DECL(area);
  aml_area_shm_options options = {};
  options.kind = AML_AREA_SHM_SECRET;
  options.size = 8 * kPage;
  const int err = aml_area_shm_init(area, &options);
  if (err != 0) {
    EXPECT_EQ(-AML_ENOTSUP, err) << aml_error_detail();
    EXPECT_TRUE(Says("secretmem.enable=1")) << aml_error_detail();
    return;
  }
  auto *bytes = static_cast<char *>(aml_area_map(area, 2 * kPage, nullptr));
  ASSERT_NE(nullptr, bytes) << aml_error_detail();
  std::memset(bytes, 9, 2 * kPage);
  // The kernel has no way to it but ours.
  char copy = 0;
  const iovec here = {&copy, 1};
  const iovec there = {bytes, 1};
  EXPECT_LT(process_vm_readv(getpid(), &here, 1, &there, 1, 0), 0);
  EXPECT_EQ(0, aml_area_unmap(area, bytes, 2 * kPage));
  bytes = static_cast<char *>(aml_area_map(area, kPage, nullptr));
  EXPECT_EQ(0, bytes[0]) << "a used piece is zero again";
  EXPECT_EQ(0, aml_area_unmap(area, bytes, kPage));
  aml_area_fini(area);
}

TEST_F(AreaShm, HugePagesComeFromAPoolOrAreSaidToBeMissing) {
  AML_AREA_SHM_DECL(area);
  aml_area_shm_options options = {};
  options.flags = AML_AREA_SHM_HUGE;
  ASSERT_EQ(0, aml_area_shm_init(area, &options)) << aml_error_detail();
  aml_area_info info;
  ASSERT_EQ(0, aml_area_get_info(area, nullptr, &info));
  EXPECT_GT(info.granularity, kPage);
  void *const page = aml_area_map(area, 1, nullptr);
  if (page == nullptr) {
    EXPECT_TRUE(aml_error_code() == -AML_ENOSPC || aml_error_code() == -AML_ENOMEM)
        << aml_error_detail();
  } else {
    static_cast<char *>(page)[info.granularity - 1] = 1;
    EXPECT_EQ(0, aml_area_unmap(area, page, 1));
  }
  aml_area_fini(area);
  options.huge_page_size = size_t{1} << 40;
  EXPECT_EQ(-AML_ENOTSUP, aml_area_shm_init(area, &options));
  EXPECT_TRUE(Says("huge_page_size")) << aml_error_detail();
}

TEST_F(AreaShm, HostileMessagesAreRefusedAndLeaveNothing) {
  Shm shm;
  char *const bytes = shm.Map(2 * kPage);
  const int segment = shm.Descriptor();
  int pipes[2];
  ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
  Message wrong;
  wrong.magic = 1;
  Message beyond;
  beyond.offset = 2 * kPage;
  Message odd;
  odd.offset = 5;
  Message empty;
  empty.size = 0;
  Message huge;
  huge.size = UINT64_MAX;
  const Message good;
  struct Case {
    const Message *message;
    size_t size;
    std::vector<int> descriptors;
  };
  const Case cases[] = {
      {&good, sizeof good, {}},
      {&good, sizeof good, {segment, segment}},
      {&good, sizeof good, {pipes[0]}},
      {&wrong, sizeof wrong, {segment}},
      {&beyond, sizeof beyond, {segment}},
      {&odd, sizeof odd, {segment}},
      {&empty, sizeof empty, {segment}},
  };
  for (const Case &one : cases) {
    const Sockets sockets;
    const size_t before = Descriptors();
    sockets.Send(one.message, one.size, one.descriptors);
    AML_AREA_SHM_DECL(area);
    void *pointer = &pipes;
    size_t size = 7;
    EXPECT_EQ(-AML_EIO, aml_area_shm_receive(area, sockets.ends[1], 0, &pointer, &size))
        << aml_error_detail();
    EXPECT_TRUE(Says("aml_area_shm_receive: ")) << aml_error_detail();
    EXPECT_EQ(&pipes, pointer);
    EXPECT_EQ(7u, size);
    EXPECT_EQ(before, Descriptors());
  }
  const Sockets sockets;
  sockets.Send(&huge, sizeof huge, {segment});
  AML_AREA_SHM_DECL(area);
  void *pointer = nullptr;
  size_t size = 0;
  EXPECT_NE(0, aml_area_shm_receive(area, sockets.ends[1], 0, &pointer, &size));
  close(pipes[0]);
  close(pipes[1]);
  EXPECT_EQ(0, aml_area_unmap(shm.area, bytes, 2 * kPage));
}

TEST_F(AreaShm, ASegmentThatCouldBeCutShortIsRefusedWhereSealsAreAskedFor) {
  const int loose = memfd_create("loose", MFD_CLOEXEC);
  ASSERT_EQ(0, ftruncate(loose, kPage));
  AML_AREA_SHM_DECL(area);
  void *pointer = nullptr;
  size_t size = 0;
  const Message message;
  {
    const Sockets sockets;
    sockets.Send(&message, sizeof message, {loose});
    EXPECT_EQ(-AML_EPERM,
              aml_area_shm_receive(area, sockets.ends[1], AML_AREA_SHM_SEALED, &pointer, &size));
  }
  const Sockets sockets;
  sockets.Send(&message, sizeof message, {loose});
  EXPECT_EQ(0, aml_area_shm_receive(area, sockets.ends[1], 0, &pointer, &size))
      << aml_error_detail();
  EXPECT_EQ(kPage, size);
  EXPECT_EQ(-AML_EPERM, aml_area_shm_seal(area, AML_AREA_SHM_SEAL_GROW)) << aml_error_detail();
  EXPECT_EQ(0, aml_area_unmap(area, pointer, size));
  aml_area_fini(area);
  close(loose);
}

TEST_F(AreaShm, AClosedSocketIsSaid) {
  const Sockets sockets;
  shutdown(sockets.ends[0], SHUT_RDWR);
  AML_AREA_SHM_DECL(area);
  void *pointer = nullptr;
  size_t size = 0;
  EXPECT_EQ(-AML_EIO, aml_area_shm_receive(area, sockets.ends[1], 0, &pointer, &size));
  EXPECT_STREQ("aml_area_shm_receive: socket was closed at the other end", aml_error_detail());
  Shm shm;
  char *const page = shm.Map(1);
  EXPECT_NE(0, aml_area_shm_send(shm.area, page, -1));
  EXPECT_EQ(-AML_EINVAL, aml_area_shm_send(shm.area, nullptr, sockets.ends[0]));
  EXPECT_EQ(-AML_EINVAL, aml_area_shm_send(shm.area, page + kPage, sockets.ends[0]));
  EXPECT_EQ(0, aml_area_unmap(shm.area, page, 1));
}

TEST_F(AreaShm, BadOptionsAreRefused) {
  AML_AREA_SHM_DECL(area);
  const auto refused = [&](auto change, const char *sentence) {
    aml_area_shm_options options = {};
    change(options);
    EXPECT_EQ(-AML_EINVAL, aml_area_shm_init(area, &options)) << sentence;
    EXPECT_TRUE(Says(sentence)) << aml_error_detail();
  };
  using Options = aml_area_shm_options;
  refused([](Options &o) { o.kind = static_cast<aml_area_shm_kind>(3); }, "kind");
  refused([](Options &o) { o.flags = 1u << 20; }, "flags");
  refused([](Options &o) { o.flags = AML_AREA_SHM_READ_ONLY; }, "flags");
  refused([](Options &o) { o.flags = AML_AREA_SHM_KEEP; }, "flags");
  refused([](Options &o) { o.huge_page_size = 1 << 21; }, "huge_page_size 2097152");
  refused([](Options &o) { o.size = UINT64_MAX; }, "size");
  refused([](Options &o) { o.kind = AML_AREA_SHM_SECRET; }, "size is 0");
  for (const char *const name : {static_cast<const char *>(nullptr), "", "/", "name", "/a/b"})
    refused(
        [&](Options &o) {
          o.kind = AML_AREA_SHM_NAMED;
          o.name = name;
        },
        "name");
  EXPECT_EQ(-AML_EINVAL, aml_area_shm_init(nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_shm_create(nullptr, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_shm_attach(area, "name", 0));
  EXPECT_EQ(-AML_EINVAL, aml_area_shm_attach(area, "/name", AML_AREA_SHM_KEEP));
  EXPECT_EQ(-AML_EINVAL, aml_area_shm_attach(nullptr, "/name", 0));
  void *pointer = nullptr;
  size_t size = 0;
  EXPECT_EQ(-AML_EINVAL, aml_area_shm_receive(area, 0, AML_AREA_SHM_KEEP, &pointer, &size));
  EXPECT_EQ(-AML_EINVAL, aml_area_shm_receive(area, 0, 0, nullptr, &size));
  EXPECT_EQ(-AML_EINVAL, aml_area_shm_receive(area, 0, 0, &pointer, nullptr));
  EXPECT_EQ(nullptr, aml_area_shm_map_at(area, 0, 1, nullptr));
}

TEST_F(AreaShm, EveryAllocationOfInitMayFail) {
  aml_area *area = nullptr;
  EXPECT_EQ(4u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM, [&] { return aml_area_shm_create(&area, nullptr); },
                    [](int err) { EXPECT_EQ(-AML_ENOMEM, err); }));
  aml_area_destroy(&area);
}

} // namespace
