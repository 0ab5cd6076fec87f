// SPDX-License-Identifier: BSD-3-Clause

#include "aml/core/version.h"

#include <gtest/gtest.h>

#include <string>

namespace {

TEST(CoreVersion, TheTextIsThatOfTheNumbers) {
  EXPECT_EQ(std::to_string(AML_VERSION_MAJOR) + "." + std::to_string(AML_VERSION_MINOR) + "." +
                std::to_string(AML_VERSION_PATCH),
            AML_VERSION);
}

TEST(CoreVersion, TheNumberGrowsWithTheVersion) {
  EXPECT_EQ(AML_VERSION_MAJOR * 10000 + AML_VERSION_MINOR * 100 + AML_VERSION_PATCH,
            AML_VERSION_NUMBER);
  static_assert(AML_VERSION_MINOR < 100 && AML_VERSION_PATCH < 100, "or numbers would not grow");
}

TEST(CoreVersion, TheLibraryIsThatOfItsHeaders) {
  EXPECT_STREQ(AML_VERSION, aml_version());
  EXPECT_EQ(AML_VERSION_NUMBER, aml_version_number());
}

} // namespace
