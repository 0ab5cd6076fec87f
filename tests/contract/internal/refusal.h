// SPDX-License-Identifier: BSD-3-Clause
//
// What contract suites share: that a call is refused as core/error.h says, and that one which
// succeeds records nothing.

#ifndef AML_TESTS_CONTRACT_INTERNAL_REFUSAL_H
#define AML_TESTS_CONTRACT_INTERNAL_REFUSAL_H

#include <gtest/gtest.h>

#include <string>

#include "aml/core/error.h"

namespace aml_testing {

/** Records a failure that no block records, so that one left over is not taken for a new one. */
inline void ForgetTheLastError() {
  (void)aml_error_set(-AML_ESYSTEM, "nothing", nullptr, "was called yet");
}

/** Whether nothing was recorded since ForgetTheLastError(). */
inline bool NothingWasRecorded() {
  return aml_error_code() == -AML_ESYSTEM &&
         std::string(aml_error_detail()) == "nothing: was called yet";
}

/**
 * Expects `call` to fail with `code`, and its sentence to begin with `start`: "call: argument". The
 * argument, and what it is called, are the generic function's.
 */
template <class Call> void ExpectRefusedWith(int code, const std::string &start, Call call) {
  ForgetTheLastError();
  EXPECT_EQ(code, call()) << start;
  EXPECT_EQ(code, aml_error_code()) << start;
  const std::string detail = aml_error_detail();
  EXPECT_EQ(0u, detail.rfind(start + " ", 0)) << start << ", but: " << detail;
}

/** As ExpectRefusedWith(), with -AML_EINVAL. */
template <class Call> void ExpectRefused(const std::string &start, Call call) {
  ExpectRefusedWith(-AML_EINVAL, start, call);
}

} // namespace aml_testing

#endif
