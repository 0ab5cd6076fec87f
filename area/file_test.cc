// SPDX-License-Identifier: BSD-3-Clause

#include "aml/area/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "aml/area/file_testing.h"
#include "aml/core/area.h"
#include "aml/core/error.h"

namespace {

TEST_F(AreaFile, AnExistingFileIsReadAndWritten) {
  const std::string path = MakeFile(3 * kPage + 100);
  {
    FileArea file(Options(AML_AREA_FILE_EXISTING, path));
    char *const bytes = file.Map(3 * kPage + 100);
    ASSERT_NE(nullptr, bytes) << aml_error_detail();
    EXPECT_EQ(1, bytes[0]);
    EXPECT_EQ(4, bytes[3 * kPage]);
    EXPECT_EQ(1u, MappingsOf(path));
    bytes[5000] = 77;
    EXPECT_EQ(0, aml_area_sync(file.area, bytes, 3 * kPage + 100)) << aml_error_detail();
    EXPECT_EQ(77, Read(path)[5000]);
    EXPECT_EQ(nullptr, file.Map(1)) << "there is no more of it";
    EXPECT_EQ(-AML_ENOMEM, aml_error_code());
    EXPECT_EQ(0, aml_area_unmap(file.area, bytes, 3 * kPage + 100));
  }
  EXPECT_EQ(3 * kPage + 100, Read(path).size());
}

TEST_F(AreaFile, ARangeOfAFileIsAllThatIsMapped) {
  const std::string path = MakeFile(8 * kPage);
  aml_area_file_options options = Options(AML_AREA_FILE_EXISTING, path);
  options.offset = 2 * kPage;
  options.size = 3 * kPage;
  FileArea file(options);
  char *const bytes = file.Map(1);
  EXPECT_EQ(3, bytes[0]);
  EXPECT_EQ(nullptr, file.Map(3 * kPage));
  char *const rest = file.Map(2 * kPage);
  EXPECT_EQ(4, rest[0]);
  aml_area_info info;
  ASSERT_EQ(0, aml_area_get_info(file.area, rest + kPage + 7, &info));
  EXPECT_EQ(3 * kPage, info.native.as.file.offset);
  EXPECT_EQ(rest, info.native.origin);
  EXPECT_EQ(2 * kPage, info.size);
  EXPECT_EQ(0, aml_area_unmap(file.area, rest, 2 * kPage));
  EXPECT_EQ(0, aml_area_unmap(file.area, bytes, 1));
}

TEST_F(AreaFile, AKnownPieceCanBeMapped) {
  const std::string path = MakeFile(8 * kPage);
  FileArea file(Options(AML_AREA_FILE_EXISTING, path));
  char *const fifth = file.MapAt(4 * kPage, 2 * kPage);
  ASSERT_NE(nullptr, fifth) << aml_error_detail();
  EXPECT_EQ(5, fifth[0]);
  EXPECT_EQ(6, fifth[kPage]);
  for (const uint64_t offset : {3 * kPage, 4 * kPage, 5 * kPage}) {
    EXPECT_EQ(nullptr, file.MapAt(offset, 2 * kPage));
    EXPECT_EQ(-AML_EBUSY, aml_error_code());
  }
  EXPECT_EQ(nullptr, file.MapAt(8 * kPage, 1));
  EXPECT_STREQ("aml_area_file_map_at: offset and size are not in the range, or partly mapped "
               "already",
               aml_error_detail());
  EXPECT_EQ(nullptr, file.MapAt(100, 1));
  EXPECT_STREQ("aml_area_file_map_at: offset 100 is not a multiple of a page", aml_error_detail());
  EXPECT_EQ(nullptr, file.MapAt(0, 0));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_EQ(0, aml_area_unmap(file.area, fifth, 2 * kPage));
}

TEST_F(AreaFile, ANewFileStaysAndCanBeReadAgain) {
  const std::string path = Path("new");
  {
    aml_area_file_options options = Options(AML_AREA_FILE_NEW, path);
    options.mode = 0640;
    const mode_t mask = umask(0);
    FileArea file(options);
    umask(mask);
    char *const bytes = file.Map(2 * kPage);
    ASSERT_NE(nullptr, bytes) << aml_error_detail();
    std::memset(bytes, 9, 2 * kPage);
    EXPECT_EQ(0640u, StatusOf(file.area, bytes).st_mode & 0777);
    EXPECT_EQ(0, aml_area_unmap(file.area, bytes, 2 * kPage));
    AML_AREA_FILE_DECL(again);
    EXPECT_EQ(-AML_EEXIST, aml_area_file_init(again, &options));
    EXPECT_NE(nullptr, std::strstr(aml_error_detail(), path.c_str())) << aml_error_detail();
  }
  EXPECT_EQ(std::string(2 * kPage, 9), Read(path));
}

TEST_F(AreaFile, ATemporaryFileHasNoNameAndGivesItsBlocksBack) {
  FileArea file(Options(AML_AREA_FILE_TEMPORARY, folder_));
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
  char *const bytes = file.Map(64 * kPage);
  ASSERT_NE(nullptr, bytes) << aml_error_detail();
  EXPECT_EQ(0u, StatusOf(file.area, bytes).st_nlink);
  const auto blocks = StatusOf(file.area, bytes).st_blocks;
  EXPECT_GE(blocks * 512, static_cast<blkcnt_t>(64 * kPage)) << "allocated before it is touched";
  char *const more = file.Map(64 * kPage);
  EXPECT_EQ(0, aml_area_unmap(file.area, bytes, 64 * kPage));
  EXPECT_LE(StatusOf(file.area, more).st_blocks, blocks + 64);
  EXPECT_EQ(0, aml_area_unmap(file.area, more, 64 * kPage));
}

TEST_F(AreaFile, ASparseFileTakesBlocksWhenItIsTouched) {
  FileArea file(Options(AML_AREA_FILE_TEMPORARY, folder_, AML_AREA_FILE_SPARSE));
  char *const bytes = file.Map(1024 * kPage);
  ASSERT_NE(nullptr, bytes) << aml_error_detail();
  EXPECT_LT(StatusOf(file.area, bytes).st_blocks * 512, static_cast<blkcnt_t>(512 * kPage));
  EXPECT_EQ(static_cast<off_t>(1024 * kPage), StatusOf(file.area, bytes).st_size);
  bytes[1024 * kPage - 1] = 1;
  EXPECT_EQ(0, aml_area_unmap(file.area, bytes, 1024 * kPage));
}

TEST_F(AreaFile, APieceThatWasUsedIsZeroAgain) {
  for (const aml_area_file_kind kind : {AML_AREA_FILE_NEW, AML_AREA_FILE_TEMPORARY}) {
    FileArea file(Options(kind, kind == AML_AREA_FILE_NEW ? Path("new") : folder_));
    char *bytes = file.Map(2 * kPage);
    std::memset(bytes, 9, 2 * kPage);
    EXPECT_EQ(0, aml_area_unmap(file.area, bytes, 2 * kPage));
    bytes = file.Map(3 * kPage);
    for (size_t i = 0; i < 3 * kPage; ++i)
      ASSERT_EQ(0, bytes[i]) << i;
    EXPECT_EQ(static_cast<off_t>(3 * kPage), StatusOf(file.area, bytes).st_size);
    EXPECT_EQ(0, aml_area_unmap(file.area, bytes, 3 * kPage));
  }
}

TEST_F(AreaFile, WhatIsStoredPrivatelyStaysHere) {
  const std::string path = MakeFile(2 * kPage);
  const std::string before = Read(path);
  FileArea file(Options(AML_AREA_FILE_EXISTING, path, AML_AREA_FILE_PRIVATE));
  char *const bytes = file.Map(2 * kPage);
  std::memset(bytes, 9, 2 * kPage);
  EXPECT_EQ(-AML_ENOTSUP, aml_area_sync(file.area, bytes, kPage));
  EXPECT_EQ(before, Read(path));
  EXPECT_EQ(0u, aml_area_capabilities(file.area) & AML_AREA_SHARED);
  EXPECT_EQ(0, aml_area_unmap(file.area, bytes, 2 * kPage));
  EXPECT_EQ(before, Read(path));
}

TEST_F(AreaFile, AFileThatMayOnlyBeReadIsReadOnly) {
  const std::string path = MakeFile(kPage);
  ASSERT_EQ(0, chmod(path.c_str(), 0400));
  FileArea file(Options(AML_AREA_FILE_EXISTING, path, AML_AREA_FILE_READ_ONLY));
  char *const bytes = file.Map(kPage);
  ASSERT_NE(nullptr, bytes) << aml_error_detail();
  EXPECT_EQ(1, bytes[0]);
  EXPECT_EQ(0u, aml_area_capabilities(file.area) & AML_AREA_HOST_WRITABLE);
  EXPECT_DEATH(bytes[0] = 2, "");
  EXPECT_EQ(0, aml_area_unmap(file.area, bytes, kPage));
}

TEST_F(AreaFile, MappingsGrowAndShrinkWithTheirPiece) {
  FileArea file(Options(AML_AREA_FILE_TEMPORARY, folder_));
  char *bytes = file.Map(2 * kPage);
  std::memset(bytes, 9, 2 * kPage);
  bytes = static_cast<char *>(
      aml_area_resize(file.area, bytes, 2 * kPage, 9 * kPage, AML_AREA_RESIZE_MAY_MOVE));
  ASSERT_NE(nullptr, bytes) << aml_error_detail();
  EXPECT_EQ(9, bytes[2 * kPage - 1]);
  EXPECT_EQ(0, bytes[2 * kPage]);
  bytes[9 * kPage - 1] = 1;
  char *const wall = file.Map(kPage);
  EXPECT_EQ(nullptr,
            aml_area_resize(file.area, bytes, 9 * kPage, 10 * kPage, AML_AREA_RESIZE_MAY_MOVE));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code()) << "the piece behind is another's";
  bytes = static_cast<char *>(aml_area_resize(file.area, bytes, 9 * kPage, 1, 0));
  ASSERT_NE(nullptr, bytes);
  char *const freed = file.Map(8 * kPage);
  EXPECT_EQ(0, freed[8 * kPage - 1]);
  EXPECT_EQ(nullptr, aml_area_resize(file.area, bytes, 1, SIZE_MAX, 0));
  EXPECT_EQ(nullptr, aml_area_resize(file.area, bytes, 2 * kPage, 1, 0));
  EXPECT_STREQ("aml_area_resize: old_size 8192 is not that of the mapping", aml_error_detail());
  EXPECT_EQ(0, aml_area_unmap(file.area, freed, 8 * kPage));
  EXPECT_EQ(0, aml_area_unmap(file.area, wall, kPage));
  EXPECT_EQ(0, aml_area_unmap(file.area, bytes, 1));
}

TEST_F(AreaFile, AnotherProcessSeesTheFile) {
  const std::string path = MakeFile(kPage);
  FileArea file(Options(AML_AREA_FILE_EXISTING, path));
  char *const bytes = file.Map(kPage);
  const pid_t child = fork();
  if (child == 0) {
    AML_AREA_FILE_DECL(other);
    const aml_area_file_options options = Options(AML_AREA_FILE_EXISTING, path);
    void *const theirs =
        aml_area_file_init(other, &options) ? nullptr : aml_area_map(other, kPage, nullptr);
    if (theirs != nullptr)
      static_cast<char *>(theirs)[10] = 55;
    _exit(theirs == nullptr);
  }
  int status = -1;
  ASSERT_EQ(child, waitpid(child, &status, 0));
  EXPECT_EQ(0, status);
  EXPECT_EQ(55, bytes[10]);
  EXPECT_EQ(0, aml_area_unmap(file.area, bytes, kPage));
}

TEST_F(AreaFile, ThreadsGetPiecesOfTheirOwn) {
  for (const unsigned flags : {0u, static_cast<unsigned>(AML_AREA_FILE_SPARSE)}) {
    FileArea file(Options(AML_AREA_FILE_TEMPORARY, folder_, flags));
    std::vector<std::thread> threads;
    for (int t = 1; t <= 4; ++t)
      threads.emplace_back([&, t] {
        for (size_t i = 0; i < 50; ++i) {
          const size_t size = (1 + i % 3) * kPage;
          char *const bytes = file.Map(size);
          ASSERT_NE(nullptr, bytes) << aml_error_detail();
          EXPECT_EQ(0, bytes[size - 1]);
          std::memset(bytes, t, size);
          std::this_thread::yield();
          for (size_t at = 0; at < size; at += 64)
            ASSERT_EQ(t, bytes[at]);
          EXPECT_EQ(0, aml_area_unmap(file.area, bytes, size));
        }
      });
    for (std::thread &thread : threads)
      thread.join();
  }
}

} // namespace
