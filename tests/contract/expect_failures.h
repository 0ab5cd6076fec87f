// SPDX-License-Identifier: BSD-3-Clause
//
// Shows that a contract suite can fail: it is run on types with a planted defect, and each defect
// must make the test fail that is there to catch it.
//
//     struct LosesTheLastTile : … {};  // what the suite is parametrised by
//     EXPECT_CAUGHT(TilingContract, TilesPartitionTheDatum, LosesTheLastTile);
//
// A program that links this library has a main() that runs each named test in a process of its
// own, so that a defect may crash, and fails for each defect that went unnoticed.

#ifndef AML_TESTS_CONTRACT_EXPECT_FAILURES_H
#define AML_TESTS_CONTRACT_EXPECT_FAILURES_H

#include <gtest/gtest.h>

namespace aml_testing {

/** Registers a test that must fail; for EXPECT_CAUGHT. */
class ExpectedFailure {
public:
  ExpectedFailure(const char *suite, const char *test, testing::Test *(*make)());
};

} // namespace aml_testing

/**
 * `test` of the typed suite `suite` must fail when the suite is run on `defect`, a type. Only that
 * test is compiled for it; gtest_suite_… is where googletest puts the tests of a typed suite.
 */
#define EXPECT_CAUGHT(suite, test, defect)                                                         \
  const aml_testing::ExpectedFailure expected_failure_##defect(                                    \
      #defect "/" #suite, #test,                                                                   \
      []() -> testing::Test * { return new gtest_suite_##suite##_::test<defect>(); })

#endif
