// SPDX-License-Identifier: BSD-3-Clause
//
// How many instructions of user space calls take: exact, the same in each run, and not a time. A
// child process does the work, and is stepped through what is between Begin() and End().
//
//     ExpectBounded("work", 300, [](InstructionMeter *meter) {
//       meter->Begin();
//       Work();
//       meter->End();
//     });
//
// A step takes some microseconds. Uses SIGUSR1 in the child. Threads: none in the child.

#ifndef AML_TESTS_SUPPORT_INSTRUCTIONS_H
#define AML_TESTS_SUPPORT_INSTRUCTIONS_H

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

class InstructionMeter {
public:
  void Begin();
  void End();
};

/**
 * Runs `work` in a child process, which must not fail.
 *
 * @param counts  for each Begin() and End(), the instructions between.
 *
 * Returns: empty; or why they cannot be counted here, as a sentence.
 */
std::string CountInstructions(const std::function<void(InstructionMeter *)> &work,
                              std::vector<size_t> *counts);

/**
 * Expects that each Begin() and End() of `work` has `bound` instructions between at most, and that
 * they were counted; skips the test where they cannot be. Prints the most that there were.
 *
 * @param what  the calls, for what is printed.
 */
void ExpectBounded(const char *what, size_t bound,
                   const std::function<void(InstructionMeter *)> &work);

#endif
