// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <thread>

namespace {

struct Code {
  int number;
  const char *name;
  const char *text;
};

constexpr Code kCodes[] = {
#define CODE(name, number, text) {number, #name, text},
    AML_ERRORS(CODE)
#undef CODE
};

TEST(CoreError, EachCodeHasItsOwnNumberNameAndText) {
  std::set<int> numbers;
  std::set<std::string> texts;
  for (const Code &code : kCodes) {
    EXPECT_TRUE(numbers.insert(code.number).second) << code.name;
    EXPECT_TRUE(texts.insert(code.text).second) << code.name;
    EXPECT_STREQ(code.text, aml_strerror(code.number));
    EXPECT_STREQ(code.text, aml_strerror(-code.number));
    EXPECT_STREQ(code.name, aml_error_name(code.number));
    EXPECT_STREQ(code.name, aml_error_name(-code.number));
  }
  EXPECT_STREQ("no error", aml_strerror(0));
  EXPECT_STREQ("0", aml_error_name(0));
}

// Programs store numbers, so that those of released codes never change.
TEST(CoreError, NumbersStay) {
  EXPECT_EQ(1, AML_EINVAL);
  EXPECT_EQ(2, AML_ENOMEM);
  EXPECT_EQ(3, AML_ENOTSUP);
  EXPECT_EQ(4, AML_EAGAIN);
  EXPECT_EQ(5, AML_EBUSY);
  EXPECT_EQ(6, AML_EPERM);
  EXPECT_EQ(7, AML_ENOENT);
  EXPECT_EQ(8, AML_EEXIST);
  EXPECT_EQ(9, AML_EIO);
  EXPECT_EQ(10, AML_ENOSPC);
  EXPECT_EQ(11, AML_EOVERFLOW);
  EXPECT_EQ(12, AML_EDEADLK);
  EXPECT_EQ(13, AML_ECANCELED);
  EXPECT_EQ(14, AML_ETIMEDOUT);
  EXPECT_EQ(15, AML_ENODEV);
  EXPECT_EQ(16, AML_ESYSTEM);
}

TEST(CoreError, OtherNumbersAreUnknown) {
  for (const int err : {17, -17, 1000, INT_MAX, INT_MIN, INT_MIN + 1}) {
    EXPECT_STREQ("unknown error", aml_strerror(err)) << err;
    EXPECT_STREQ("unknown", aml_error_name(err)) << err;
  }
}

TEST(CoreError, TheSentenceNamesCallAndArgument) {
  EXPECT_EQ(-AML_EINVAL, aml_error_set(-AML_EINVAL, "aml_f", "size", "is 0"));
  EXPECT_EQ(-AML_EINVAL, aml_error_code());
  EXPECT_STREQ("aml_f: size is 0", aml_error_detail());
  EXPECT_EQ(-AML_ENOMEM, aml_error_set(-AML_ENOMEM, "aml_g", nullptr, "no memory"));
  EXPECT_EQ(-AML_ENOMEM, aml_error_code());
  EXPECT_STREQ("aml_g: no memory", aml_error_detail());
}

TEST(CoreError, TheSentenceHoldsTheValue) {
  EXPECT_EQ(-AML_EINVAL, aml_error_set_value(-AML_EINVAL, "aml_f", "alignment", 24, "is odd"));
  EXPECT_STREQ("aml_f: alignment 24 is odd", aml_error_detail());
  (void)aml_error_set_value(-AML_EINVAL, "aml_f", "n", 0, "is small");
  EXPECT_STREQ("aml_f: n 0 is small", aml_error_detail());
  (void)aml_error_set_value(-AML_EINVAL, "aml_f", "n", UINT64_MAX, "is large");
  EXPECT_STREQ("aml_f: n 18446744073709551615 is large", aml_error_detail());
}

TEST(CoreError, StringsAreCopied) {
  char reason[] = "is bad";
  (void)aml_error_set(-AML_EINVAL, "aml_f", "x", reason);
  std::memset(reason, 'z', sizeof reason - 1);
  EXPECT_STREQ("aml_f: x is bad", aml_error_detail());
}

TEST(CoreError, TheLastSentenceMayBeTheReasonOfTheNext) {
  (void)aml_error_set(-AML_EINVAL, "aml_f", "x", "is bad");
  (void)aml_error_set(-AML_EIO, "aml_wrap", nullptr, aml_error_detail());
  EXPECT_STREQ("aml_wrap: aml_f: x is bad", aml_error_detail());
  (void)aml_error_set_value(-AML_EIO, "aml_wrap", "n", 3, aml_error_detail());
  EXPECT_STREQ("aml_wrap: n 3 aml_wrap: aml_f: x is bad", aml_error_detail());
}

TEST(CoreError, LongSentencesAreCut) {
  const std::string reason(1000, 'r');
  const std::string whole = "aml_f: x " + reason;
  for (size_t length = 240; length < 260; ++length) {
    (void)aml_error_set(-AML_EINVAL, "aml_f", "x", reason.substr(0, length).c_str());
    EXPECT_EQ(whole.substr(0, std::min<size_t>(length + 9, 255)), aml_error_detail());
  }
  (void)aml_error_set_value(-AML_EINVAL, reason.c_str(), reason.c_str(), 1, reason.c_str());
  EXPECT_EQ(reason.substr(0, 255), aml_error_detail());
  (void)aml_error_set_system(reason.c_str(), reason.c_str(), EIO);
  EXPECT_EQ(reason.substr(0, 255), aml_error_detail());
}

TEST(CoreError, ErrnoBecomesACode) {
  const struct {
    int number;
    int code;
  } kTable[] = {
      {EINVAL, AML_EINVAL},   {EFAULT, AML_EINVAL},       {EBADF, AML_EINVAL},
      {ENOMEM, AML_ENOMEM},   {ENOSYS, AML_ENOTSUP},      {EOPNOTSUPP, AML_ENOTSUP},
      {EAGAIN, AML_EAGAIN},   {EBUSY, AML_EBUSY},         {ETXTBSY, AML_EBUSY},
      {EPERM, AML_EPERM},     {EACCES, AML_EPERM},        {EROFS, AML_EPERM},
      {ENOENT, AML_ENOENT},   {ENOTDIR, AML_ENOENT},      {EEXIST, AML_EEXIST},
      {EIO, AML_EIO},         {ENOSPC, AML_ENOSPC},       {EDQUOT, AML_ENOSPC},
      {EFBIG, AML_ENOSPC},    {EOVERFLOW, AML_EOVERFLOW}, {ERANGE, AML_EOVERFLOW},
      {EDEADLK, AML_EDEADLK}, {ECANCELED, AML_ECANCELED}, {ETIMEDOUT, AML_ETIMEDOUT},
      {ENODEV, AML_ENODEV},   {ENXIO, AML_ENODEV},        {ESRCH, AML_ESYSTEM},
      {99999, AML_ESYSTEM},   {0, AML_ESYSTEM},           {-1, AML_ESYSTEM},
  };
  for (const auto &row : kTable) {
    EXPECT_EQ(-row.code, aml_error_set_system("aml_f", "open /a", row.number)) << row.number;
    EXPECT_EQ(-row.code, aml_error_code());
  }
}

TEST(CoreError, TheSentenceOfASystemCallHoldsTheSystemsText) {
  (void)aml_error_set_system("aml_area_map", "mmap", ENOMEM);
  EXPECT_EQ(std::string("aml_area_map: mmap: ") + std::strerror(ENOMEM), aml_error_detail());
}

TEST(CoreError, AskingChangesNothing) {
  (void)aml_error_set(-AML_EIO, "aml_f", "x", "is bad");
  EXPECT_STREQ("invalid argument", aml_strerror(-AML_EINVAL));
  EXPECT_STREQ("unknown", aml_error_name(1000));
  EXPECT_EQ(-AML_EIO, aml_error_code());
  EXPECT_STREQ("aml_f: x is bad", aml_error_detail());
}

TEST(CoreError, ASentenceFollowsTheCodeOfTheLastFailureOnly) {
  (void)aml_error_set(-AML_EIO, "aml_f", "x", "is a longer sentence than the next one");
  (void)aml_error_set(-AML_EPERM, "aml_g", nullptr, "short");
  EXPECT_EQ(-AML_EPERM, aml_error_code());
  EXPECT_STREQ("aml_g: short", aml_error_detail());
}

TEST(CoreError, EachThreadSeesItsOwnFailures) {
  (void)aml_error_set(-AML_EIO, "aml_f", "x", "is mine");
  std::thread([] {
    EXPECT_EQ(0, aml_error_code());
    EXPECT_STREQ("", aml_error_detail());
    (void)aml_error_set(-AML_EPERM, "aml_g", "y", "is another thread's");
  }).join();
  EXPECT_EQ(-AML_EIO, aml_error_code());
  EXPECT_STREQ("aml_f: x is mine", aml_error_detail());
}

} // namespace
