// SPDX-License-Identifier: BSD-3-Clause
//
// What the process takes while something is done, in any of its threads: memory, by calls that are
// linked into the test, and threads.
//
//     Everything everything;
//     const Taken taken;
//     const int failed = everything.Use(dma);
//     taken.ExpectNothing();

#ifndef AML_DMA_TAKEN_TESTING_H
#define AML_DMA_TAKEN_TESTING_H

#include <gtest/gtest.h>

#include <cstddef>

#include "aml/dma/threads_testing.h"
#include "aml/tests/fault/system.h"

namespace aml_testing {

class Taken {
public:
  enum { kMemoryAndThreads = AML_FAULT_MEMORY | AML_FAULT_PTHREAD_CREATE };

  /** From now on. @param calls  which count: bits of enum aml_fault_call. */
  explicit Taken(unsigned calls = kMemoryAndThreads)
      : threads_(CountThreads()), calls_(calls), before_(aml_fault_system_made(calls)) {}

  /** How many of those calls were made. */
  size_t calls() const { return aml_fault_system_made(calls_) - before_; }

  void ExpectNothing() const {
    EXPECT_EQ(0u, calls()) << "that take memory, or threads";
    EXPECT_TRUE(HasThreads(threads_)) << CountThreads() << " instead of " << threads_;
  }

private:
  size_t threads_;
  unsigned calls_;
  size_t before_;
};

} // namespace aml_testing

#endif
