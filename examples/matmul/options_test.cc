// SPDX-License-Identifier: BSD-3-Clause

#include "aml/examples/matmul/options.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using testing::HasSubstr;

/** Parses "matmul" and the arguments. */
int Parse(std::initializer_list<const char *> arguments, options *options) {
  std::vector<std::string> words = {"matmul"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  static std::vector<char *> argv;
  static std::vector<std::string> kept;
  kept = words;
  argv.clear();
  for (std::string &word : kept)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  return options_parse(static_cast<int>(words.size()), argv.data(), options);
}

TEST(MatmulOptions, NoneMeansItsOwnInput) {
  options options;
  ASSERT_EQ(Parse({}, &options), 0);
  EXPECT_EQ(options.a, nullptr);
  EXPECT_EQ(options.memory, 0u);
  EXPECT_EQ(options.kernel, KERNEL_BEST);
  EXPECT_FALSE(options.help);
}

TEST(MatmulOptions, TakesFilesAndOptionsInAnyOrder) {
  options options;
  ASSERT_EQ(Parse({"A", "--memory=2M", "B", "--kernel", "own", "C"}, &options), 0);
  EXPECT_STREQ(options.a, "A");
  EXPECT_STREQ(options.b, "B");
  EXPECT_STREQ(options.c, "C");
  EXPECT_EQ(options.memory, size_t{2} << 20);
  EXPECT_EQ(options.kernel, KERNEL_OWN);
  ASSERT_EQ(Parse({"--kernel=openblas", "--", "-A", "B", "C"}, &options), 0);
  EXPECT_STREQ(options.a, "-A");
  EXPECT_EQ(options.kernel, KERNEL_OPENBLAS);
}

TEST(MatmulOptions, HelpNeedsNoFiles) {
  options options;
  ASSERT_EQ(Parse({"--help", "A"}, &options), 0);
  EXPECT_TRUE(options.help);
}

TEST(MatmulOptions, OthersAreRefusedWithASentence) {
  const struct {
    std::initializer_list<const char *> arguments;
    const char *sentence;
  } cases[] = {
      {{"--threads", "2"}, "--threads"},
      {{"-x"}, "'x'"},
      {{"--memory"}, "requires an argument"},
      {{"--memory", "much"}, "not 'much'"},
      {{"--memory", "0"}, "not '0'"},
      {{"--kernel", "mkl"}, "not 'mkl'"},
      {{"A"}, "not 1"},
      {{"A", "B"}, "not 2"},
      {{"A", "B", "C", "D"}, "not 4"},
  };
  for (const auto &one : cases) {
    options options = {};
    testing::internal::CaptureStderr();
    EXPECT_NE(Parse(one.arguments, &options), 0);
    EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr(one.sentence));
  }
}

TEST(MatmulOptions, SizesHaveSuffixes) {
  const struct {
    const char *text;
    size_t size;
  } cases[] = {{"0", 0},
               {"1234", 1234},
               {"1K", 1 << 10},
               {"64M", 64 << 20},
               {"3G", size_t{3} << 30},
               {"2T", size_t{2} << 40},
               {"18446744073709551615", SIZE_MAX}};
  for (const auto &one : cases) {
    size_t size = 1;
    EXPECT_TRUE(options_parse_size(one.text, &size)) << one.text;
    EXPECT_EQ(size, one.size) << one.text;
  }
}

TEST(MatmulOptions, WhatIsNoSizeIsRefused) {
  for (const char *text : {"", "K", "-1", "+1", " 1", "1 ", "1k", "1KB", "1.5M", "0x10", "1KK",
                           "18446744073709551616", "18014398509481984K", "16777216T"}) {
    size_t size = 7;
    EXPECT_FALSE(options_parse_size(text, &size)) << text;
    EXPECT_EQ(size, 7u) << text;
  }
}

} // namespace
