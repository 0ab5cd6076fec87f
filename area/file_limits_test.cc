// SPDX-License-Identifier: BSD-3-Clause
//
// area:file at the limits of the system: full disks, files that others cut off, failing calls, and
// what is no file.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "aml/area/file.h"
#include "aml/area/file_testing.h"
#include "aml/core/area.h"
#include "aml/core/error.h"
#include "aml/tests/fault/each_failure.h"
#include "aml/tests/fault/system.h"

namespace {

using AreaFileLimits = AreaFile;

bool Says(const std::string &what) {
  return std::string(aml_error_detail()).find(what) != std::string::npos;
}

TEST_F(AreaFileLimits, AFullDiskIsSaidByMapAndNotBySigbus) {
  const std::string disk = Path("disk");
  ASSERT_EQ(0, mkdir(disk.c_str(), 0700));
  if (mount("none", disk.c_str(), "tmpfs", 0, "size=1m") != 0)
    GTEST_SKIP() << "no right to mount";
  {
    FileArea file(Options(AML_AREA_FILE_TEMPORARY, disk));
    char *const half = file.Map(size_t{512} << 10);
    ASSERT_NE(nullptr, half) << aml_error_detail();
    EXPECT_EQ(nullptr, file.Map(size_t{768} << 10));
    EXPECT_EQ(-AML_ENOSPC, aml_error_code()) << aml_error_detail();
    EXPECT_TRUE(Says(disk)) << aml_error_detail();
    EXPECT_EQ(nullptr, aml_area_resize(file.area, half, size_t{512} << 10, size_t{2} << 20,
                                       AML_AREA_RESIZE_MAY_MOVE));
    EXPECT_EQ(-AML_ENOSPC, aml_error_code()) << aml_error_detail();
    // The failures took nothing.
    char *const rest = file.Map(size_t{448} << 10);
    ASSERT_NE(nullptr, rest) << aml_error_detail();
    std::memset(rest, 1, size_t{448} << 10);
    std::memset(half, 1, size_t{512} << 10);
    EXPECT_EQ(0, aml_area_unmap(file.area, rest, size_t{448} << 10));
    EXPECT_EQ(0, aml_area_unmap(file.area, half, size_t{512} << 10));
  }
  EXPECT_EQ(0, umount(disk.c_str()));
}

TEST_F(AreaFileLimits, TheLargestFileSizeIsSaid) {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {64 * kPage, 64 * kPage};
    AML_AREA_FILE_DECL(area);
    const aml_area_file_options options = Options(AML_AREA_FILE_TEMPORARY, folder_);
    const bool is_made =
        setrlimit(RLIMIT_FSIZE, &limit) == 0 && aml_area_file_init(area, &options) == 0;
    const bool is_refused = is_made && aml_area_map(area, 65 * kPage, nullptr) == nullptr &&
                            aml_error_code() == -AML_ENOSPC;
    _exit(is_refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(child, waitpid(child, &status, 0));
  EXPECT_EQ(0, status);
}

TEST_F(AreaFileLimits, WhatOthersCutOffIsTold) {
  const std::string path = MakeFile(8 * kPage);
  FileArea file(Options(AML_AREA_FILE_EXISTING, path));
  char *const bytes = file.Map(6 * kPage);
  EXPECT_EQ(0, aml_area_file_check(file.area, bytes, 6 * kPage)) << aml_error_detail();
  ASSERT_EQ(0, truncate(path.c_str(), 3 * kPage - 10));
  EXPECT_EQ(-AML_EIO, aml_area_file_check(file.area, bytes, 6 * kPage));
  EXPECT_TRUE(Says(path)) << aml_error_detail();
  EXPECT_EQ(0, aml_area_file_check(file.area, bytes, 3 * kPage)) << aml_error_detail();
  EXPECT_EQ(-AML_EIO, aml_area_file_check(file.area, bytes + 3 * kPage, 1));
  EXPECT_EQ(nullptr, file.Map(kPage)) << "the rest is gone too";
  EXPECT_EQ(-AML_EIO, aml_error_code());
  EXPECT_EQ(-AML_EINVAL, aml_area_file_check(file.area, bytes, 7 * kPage));
  EXPECT_EQ(-AML_EINVAL, aml_area_file_check(file.area, nullptr, 1));
  EXPECT_EQ(-AML_EINVAL, aml_area_file_check(file.area, bytes, 0));
  EXPECT_EQ(0, aml_area_unmap(file.area, bytes, 6 * kPage));
}

TEST_F(AreaFileLimits, OnlyWholeLiveMappingsAreGivenBack) {
  FileArea file(Options(AML_AREA_FILE_TEMPORARY, folder_));
  char *const bytes = file.Map(2 * kPage);
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(file.area, bytes + kPage, kPage));
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(file.area, bytes, kPage));
  EXPECT_EQ(0, aml_area_unmap(file.area, bytes, 2 * kPage));
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(file.area, bytes, 2 * kPage));
  EXPECT_STREQ("aml_area_unmap: pointer is in no mapping, or in one that was given back already",
               aml_error_detail());
  EXPECT_EQ(-AML_EINVAL, aml_area_sync(file.area, bytes, 1));
}

TEST_F(AreaFileLimits, WhatIsNoFileIsRefused) {
  AML_AREA_FILE_DECL(area);
  ASSERT_EQ(0, mkfifo(Path("pipe").c_str(), 0600));
  MakeFile(kPage);
  std::ofstream(Path("empty"));
  struct Case {
    aml_area_file_options options;
    int code;
    std::string sentence;
  };
  const std::string data = Path("data");
  const std::string none = Path("none");
  const std::string pipe = Path("pipe");
  const std::string empty = Path("empty");
  const auto of = [](aml_area_file_kind kind, const std::string &path, unsigned flags = 0) {
    return Options(kind, path, flags);
  };
  aml_area_file_options shifted = of(AML_AREA_FILE_EXISTING, data);
  shifted.offset = 100;
  aml_area_file_options beyond = of(AML_AREA_FILE_EXISTING, data);
  beyond.size = 2 * kPage;
  aml_area_file_options behind = of(AML_AREA_FILE_EXISTING, data);
  behind.offset = kPage;
  aml_area_file_options wrapping = of(AML_AREA_FILE_NEW, none);
  wrapping.size = UINT64_MAX;
  aml_area_file_options wish = of(AML_AREA_FILE_EXISTING, data);
  wish.wishes = AML_AREA_GRANT_LOCKED;
  aml_area_file_options nowhere = of(AML_AREA_FILE_EXISTING, data);
  nowhere.path = nullptr;
  const Case cases[] = {
      {of(AML_AREA_FILE_EXISTING, none), -AML_ENOENT, none},
      {of(AML_AREA_FILE_EXISTING, folder_, AML_AREA_FILE_READ_ONLY), -AML_EINVAL, "regular file"},
      {of(AML_AREA_FILE_EXISTING, pipe), -AML_EINVAL, "regular file"},
      {of(AML_AREA_FILE_EXISTING, empty), -AML_EINVAL, "leaves nothing"},
      {of(AML_AREA_FILE_NEW, data), -AML_EEXIST, data},
      {of(AML_AREA_FILE_NEW, none, AML_AREA_FILE_PRIVATE), -AML_EINVAL, "flags"},
      {of(AML_AREA_FILE_NEW, none, AML_AREA_FILE_READ_ONLY), -AML_EINVAL, "flags"},
      {of(AML_AREA_FILE_EXISTING, data, AML_AREA_FILE_DURABLE | AML_AREA_FILE_PRIVATE), -AML_EINVAL,
       "durable"},
      {of(AML_AREA_FILE_EXISTING, data, 1u << 20), -AML_EINVAL, "unknown bit"},
      {of(static_cast<aml_area_file_kind>(3), data), -AML_EINVAL, "kind"},
      {of(AML_AREA_FILE_TEMPORARY, none), -AML_ENOENT, none},
      {shifted, -AML_EINVAL, "offset 100 is not a multiple of a page"},
      {beyond, -AML_EIO, "size 8192 reaches beyond the end of the file"},
      {behind, -AML_EINVAL, "offset 4096 leaves nothing of the file"},
      {wrapping, -AML_EINVAL, "size reaches past the largest file"},
      {wish, -AML_EINVAL, "wishes"},
      {nowhere, -AML_EINVAL, "path is null"},
  };
  for (const Case &one : cases) {
    EXPECT_EQ(one.code, aml_area_file_init(area, &one.options)) << one.sentence;
    EXPECT_TRUE(Says("aml_area_file_init: ") && Says(one.sentence)) << aml_error_detail();
  }
  EXPECT_EQ(-AML_EINVAL, aml_area_file_init(area, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_file_init(nullptr, &shifted));
  EXPECT_EQ(-AML_EINVAL, aml_area_file_create(nullptr, &shifted));
}

TEST_F(AreaFileLimits, DurableStoresNeedTheFileSystem) {
  AML_AREA_FILE_DECL(area);
  aml_area_file_options options = Options(AML_AREA_FILE_TEMPORARY, folder_, AML_AREA_FILE_DURABLE);
  const int err = aml_area_file_init(area, &options);
  if (err == 0) {
    aml_area_fini(area);
    GTEST_SKIP() << "this file system has DAX";
  }
  EXPECT_EQ(-AML_ENOTSUP, err);
  EXPECT_TRUE(Says("MAP_SYNC")) << aml_error_detail();
  options.wishes = AML_AREA_GRANT_SYNC;
  FileArea file(options);
  aml_area_info info;
  ASSERT_EQ(0, aml_area_get_info(file.area, nullptr, &info));
  EXPECT_EQ(0u, info.granted & AML_AREA_GRANT_SYNC);
}

TEST_F(AreaFileLimits, ADeclaredAreaRefusesCalls) {
  AML_AREA_FILE_DECL(area);
  aml_area_info info;
  char byte = 0;
  EXPECT_EQ(0u, aml_area_capabilities(area));
  EXPECT_EQ(nullptr, aml_area_map(area, 1, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_unmap(area, &byte, 1));
  EXPECT_EQ(-AML_EINVAL, aml_area_get_info(area, nullptr, &info));
  EXPECT_EQ(-AML_EINVAL, aml_area_sync(area, &byte, 1));
  EXPECT_EQ(nullptr, aml_area_resize(area, &byte, 1, 2, 0));
  EXPECT_EQ(nullptr, aml_area_file_map_at(area, 0, 1, nullptr));
  EXPECT_EQ(-AML_EINVAL, aml_area_file_check(nullptr, &byte, 1));
}

TEST_F(AreaFileLimits, EveryCallOfInitMayFail) {
  const std::string path = Path("new");
  const aml_area_file_options options = Options(AML_AREA_FILE_NEW, path);
  aml_area *area = nullptr;
  const size_t descriptors = Descriptors();
  EXPECT_EQ(4u, EachFailure(
                    AML_FAULT_HEAP, ENOMEM, [&] { return aml_area_file_create(&area, &options); },
                    [&](int err) {
                      EXPECT_EQ(-AML_ENOMEM, err);
                      EXPECT_EQ(descriptors, Descriptors());
                      EXPECT_NE(0, access(path.c_str(), F_OK)) << "nothing is left behind";
                    }));
  aml_area_destroy(&area);
  ASSERT_EQ(0, unlink(path.c_str()));
  EXPECT_EQ(2u, EachFailure(
                    AML_FAULT_OPEN | AML_FAULT_FSTAT, EIO,
                    [&] { return aml_area_file_create(&area, &options); },
                    [&](int err) {
                      EXPECT_EQ(-AML_EIO, err);
                      EXPECT_TRUE(Says(path)) << aml_error_detail();
                    }));
  aml_area_destroy(&area);
}

TEST_F(AreaFileLimits, EveryCallOfMapAndResizeMayFail) {
  for (const unsigned flags : {0u, static_cast<unsigned>(AML_AREA_FILE_SPARSE)}) {
    FileArea file(Options(AML_AREA_FILE_TEMPORARY, folder_, flags));
    void *bytes = nullptr;
    const auto done = [&](void *result) {
      bytes = result != nullptr ? result : bytes;
      return result == nullptr ? aml_error_code() : 0;
    };
    const unsigned system = AML_FAULT_MMAP | AML_FAULT_FALLOCATE | AML_FAULT_FTRUNCATE |
                            AML_FAULT_FSTAT | AML_FAULT_MREMAP;
    const auto map = [&] { return done(file.Map(4 * kPage)); };
    const auto grow = [&] {
      return done(aml_area_resize(file.area, bytes, 4 * kPage, 8 * kPage, 1));
    };
    EXPECT_EQ(
        2u, EachFailure(AML_FAULT_HEAP, ENOMEM, map, [](int err) { EXPECT_EQ(-AML_ENOMEM, err); }));
    EXPECT_EQ(0, aml_area_unmap(file.area, bytes, 4 * kPage));
    EXPECT_LE(2u, EachFailure(system, EIO, map, [](int err) { EXPECT_EQ(-AML_EIO, err); }));
    EXPECT_LE(2u, EachFailure(system, EIO, grow, [](int err) { EXPECT_EQ(-AML_EIO, err); }));
    static_cast<char *>(bytes)[8 * kPage - 1] = 1;
    EXPECT_EQ(1u,
              EachFailure(
                  AML_FAULT_MSYNC, EIO, [&] { return aml_area_sync(file.area, bytes, 8 * kPage); },
                  [](int err) { EXPECT_EQ(-AML_EIO, err); }));
    EXPECT_EQ(1u, EachFailure(
                      AML_FAULT_MUNMAP, EIO,
                      [&] { return aml_area_unmap(file.area, bytes, 8 * kPage); },
                      [](int err) { EXPECT_EQ(-AML_EIO, err); }));
  }
}

TEST_F(AreaFileLimits, WhereThereAreNoHolesZerosAreWritten) {
  FileArea file(Options(AML_AREA_FILE_NEW, Path("new")));
  char *bytes = file.Map(40 * kPage);
  std::memset(bytes, 9, 40 * kPage);
  EXPECT_EQ(0, aml_area_unmap(file.area, bytes, 40 * kPage));
  aml_fault_system_arm(AML_FAULT_FALLOCATE, 1, EOPNOTSUPP);
  bytes = file.Map(40 * kPage);
  EXPECT_EQ(1u, aml_fault_system_disarm().failed);
  ASSERT_NE(nullptr, bytes) << aml_error_detail();
  for (size_t i = 0; i < 40 * kPage; ++i)
    ASSERT_EQ(0, bytes[i]) << i;
  EXPECT_EQ(0, aml_area_unmap(file.area, bytes, 40 * kPage));
}

} // namespace
