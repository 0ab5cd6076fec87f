// SPDX-License-Identifier: BSD-3-Clause
//
// Runs a call once for each allocation or system call that it makes, with that one failing.
//
//     aml_dma *dma = nullptr;
//     EXPECT_EQ(1u, EachFailure(
//         AML_FAULT_HEAP, ENOMEM, [&] { return aml_dma_sequential_create(&dma, nullptr); },
//         [&](int err) { EXPECT_EQ(-AML_ENOMEM, err); EXPECT_EQ(nullptr, dma); }));
//
// `call` returns 0 or a code. After each run in which something failed, `check` looks at what that
// left, and undoes what was done all the same; then all memory must have been given back. The
// last run is one in which nothing fails, and its result is the caller's.

#ifndef AML_TESTS_FAULT_EACH_FAILURE_H
#define AML_TESTS_FAULT_EACH_FAILURE_H

#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "aml/tests/fault/system.h"

/** Compares what the thread holds at two times. */
inline void ExpectHeld(const aml_fault_held &before) {
  const aml_fault_held now = aml_fault_system_held();
  EXPECT_EQ(before.blocks, now.blocks) << "blocks of the C heap";
  EXPECT_EQ(before.mapped_size, now.mapped_size) << "bytes mapped";
}

/** Returns how many runs had a failure; `calls` and `number` as for aml_fault_system_arm(). */
template <class Call, class Check>
size_t EachFailure(unsigned calls, int number, Call call, Check check) {
  constexpr size_t kTooMany = 10000;
  for (size_t nth = 1; nth < kTooMany; ++nth) {
    SCOPED_TRACE("failure of call " + std::to_string(nth));
    const aml_fault_held before = aml_fault_system_held();
    aml_fault_system_arm(calls, nth, number);
    const int err = call();
    if (aml_fault_system_disarm().failed == 0) {
      EXPECT_EQ(0, err) << "with nothing failing";
      return nth - 1;
    }
    check(err);
    ExpectHeld(before);
  }
  ADD_FAILURE() << "makes ever more calls";
  return kTooMany;
}

#endif
